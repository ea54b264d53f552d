//! How two crash titles are related: the same words, the same function, the same subsystem, hang and deadlock.
//!
//! A transcript has titles and nothing else for most of its crashes, so here alone titles are read and not rendered. Which words
//! mean what is data: `families.toml`.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;

#[derive(Debug, Deserialize)]
struct Data {
    relatives: Vec<[String; 2]>,
    family: Vec<Family>,
    words: Words,
    infrastructure: Vec<Trouble>,
}

#[derive(Debug, Deserialize)]
struct Trouble {
    contains: String,
    words: String,
}

#[derive(Debug, Deserialize)]
struct Family {
    name: String,
    /// Whether its titles say nothing about where the bug is.
    #[serde(default)]
    vague: bool,
    prefixes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Words {
    generic: BTreeSet<String>,
    common_paths: Vec<String>,
    foreign_paths: Vec<String>,
}

static DATA: LazyLock<Data> =
    LazyLock::new(|| toml::from_str(include_str!("families.toml")).expect("families.toml is checked by a test"));

/// How far two titles are relatives, 0 (strangers) to 1 (equal).
#[must_use]
pub(super) fn relation(one: &str, other: &str) -> f64 {
    if one == other {
        return 1.0;
    }
    let (families, functions) = ((family(one), family(other)), (function(one), function(other)));
    let name = |family: Option<&'static Family>| family.map_or("", |family| family.name.as_str());
    if [families.0, families.1].into_iter().flatten().any(|family| family.vague) {
        return 0.0;
    }
    let same = name(families.0) == name(families.1);
    let pair = [name(families.0), name(families.1)];
    let akin = same
        || DATA.relatives.iter().any(|[a, b]| [a.as_str(), b.as_str()] == pair || [b.as_str(), a.as_str()] == pair);
    match functions {
        (Some(one), Some(other)) if one == other => 0.9,
        (Some(one), Some(other)) if !tokens(one).is_disjoint(&tokens(other)) => {
            if akin {
                0.8
            } else {
                0.5
            }
        }
        (None, None) if same => 0.6,
        _ if same && name(families.0) == "hang" => 0.3,
        _ => 0.0,
    }
}

/// How a title is related to another, as the beginning of "… the first test"; the bounds are those of [`relation`]. Words about
/// titles only: whether two titles are one bug is what nobody knows.
#[must_use]
pub(super) fn relation_words(relation: f64) -> &'static str {
    match relation {
        relation if relation >= 1.0 => "a title of",
        relation if relation >= 0.9 => "another title with the function of",
        relation if relation >= 0.8 => "another title of the kind and subsystem of",
        relation if relation >= 0.5 => "another kind of title in the subsystem of",
        relation if relation > 0.0 => "the title of another hang than",
        _ => "a title that has nothing in common with",
    }
}

fn family(title: &str) -> Option<&'static Family> {
    DATA.family.iter().find(|family| family.prefixes.iter().any(|prefix| title.starts_with(prefix.as_str())))
}

/// The function or file that a title names: the word after its last `in` or `at`.
#[must_use]
pub(super) fn function(title: &str) -> Option<&str> {
    let title = match title.rsplit_once(" (") {
        Some((before, number))
            if number.strip_suffix(')').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) =>
        {
            before
        }
        _ => title,
    };
    let mut words = title.rsplit(' ');
    let last = words.next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or(last);
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/'))
    };
    let named = if matches!(words.next(), Some("in" | "at")) && plain(name) && !name.as_bytes()[0].is_ascii_digit() {
        name
    } else {
        let (_, rest) = title.split_once(" in ")?;
        let end =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/')).count();
        rest.get(..end).filter(|name| !name.is_empty())?
    };
    // `corrupted/usb_submit_urb`, but `net/core/dev.c`.
    let file = named.ends_with(".c") || named.ends_with(".h");
    Some(if file { named } else { named.rsplit('/').next().unwrap_or(named) })
}

/// The words of a name or sentence that may show a subsystem.
#[must_use]
pub(super) fn tokens(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .filter(|word| {
            word.len() >= 2 && !word.bytes().all(|byte| byte.is_ascii_digit()) && !DATA.words.generic.contains(*word)
        })
        .map(str::to_owned)
        .collect()
}

/// What kept a test from running, by the words of its title or of the lines behind it; nothing for kernel trouble.
#[must_use]
pub(super) fn infrastructure(text: &str) -> Option<&'static str> {
    DATA.infrastructure
        .iter()
        .find(|trouble| text.contains(trouble.contains.as_str()))
        .map(|trouble| trouble.words.as_str())
}

/// Whether a file is one through which every report goes.
#[must_use]
pub(super) fn is_common(path: &str) -> bool {
    DATA.words.common_paths.iter().any(|prefix| path.starts_with(prefix.as_str()))
}

/// Whether a file cannot matter to an x86 test kernel: documentation, tools, other architectures, absent hardware.
#[must_use]
pub(super) fn is_foreign(path: &str) -> bool {
    DATA.words.foreign_paths.iter().any(|prefix| path.starts_with(prefix.as_str()))
}

/// Whether a path of a diffstat, which git may have shortened (`.../vhost/net.c`), is that file.
#[must_use]
pub(super) fn is_path(printed: &str, file: &str) -> bool {
    match printed.strip_prefix("...") {
        Some(tail) => file.ends_with(tail.trim_start_matches('/')),
        None => printed == file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_reads() {
        assert!(DATA.family.iter().all(|family| !family.prefixes.is_empty()));
        assert!(DATA.relatives.iter().flatten().all(|name| DATA.family.iter().any(|family| &family.name == name)));
    }

    #[test]
    fn a_hang_and_a_deadlock_in_one_driver_are_relatives() {
        let relation = relation("INFO: task hung in gizmo_net_stop_vq", "possible deadlock in gizmo_process_iotlb_msg");
        assert!(relation >= 0.8, "{relation}");
        assert_eq!(super::relation("INFO: task hung in gizmo_stop", "WARNING in widget_open"), 0.0);
    }

    #[test]
    fn silence_is_nobodys_relative() {
        assert_eq!(relation("no output from test machine", "INFO: task hung in gizmo_stop"), 0.0);
        assert_eq!(relation("BUG: MAX_LOCKDEP_KEYS too low!", "BUG: MAX_LOCKDEP_ENTRIES too low!"), 0.0);
    }

    #[test]
    fn the_function_is_the_last_word_even_with_a_count_or_a_line() {
        assert_eq!(function("KASAN: use-after-free Read in gizmo_rx (2)"), Some("gizmo_rx"));
        assert_eq!(function("kernel BUG at net/gizmo/core.c:LINE!"), Some("net/gizmo/core.c"));
        assert_eq!(function("WARNING in corrupted/gizmo_submit"), Some("gizmo_submit"));
        assert_eq!(function("no output from test machine"), None);
    }
}
