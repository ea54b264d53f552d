//! Groups of runs named on a command line: logs, run folders, folders of either, globs.

use crate::diff::{Group, Run, reduce};
use crate::engine::{Engine, Item, Options, in_order};
use crate::input::{Input, Source, open, read_mail};
use crate::report::{Event, Report};
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What a file's name ends with when a folder is searched for logs: console logs, and what xfstests and blktests leave.
const LOG_ENDINGS: [&str; 4] = [".log", ".dmesg", ".txt", ".console"];
/// And what may follow these.
const PACKED: [&str; 5] = [".gz", ".xz", ".zst", ".bz2", ".lz4"];
/// The file by which a run folder is known, and the log in it.
const MANIFEST: &str = "manifest.json";
const SERIAL: &str = "serial.log";
/// Folders below folders are searched so far down.
const DEPTH: usize = 6;

/// The logs that one argument stands for: itself, the serial log of a run folder, all logs of a folder, a glob's matches;
/// sorted by name.
///
/// # Errors
/// The argument stands for nothing.
pub fn sources(argument: &OsStr) -> anyhow::Result<Vec<Source>> {
    let path = Path::new(argument);
    let shown = crate::render::safe(&path.display().to_string()).into_owned();
    let found = if argument == "-" || path.is_file() || (path.exists() && !path.is_dir()) {
        return Ok(vec![Source::new(argument)]);
    } else if path.is_dir() {
        let mut found = Vec::new();
        search(path, DEPTH, &mut found);
        found
    } else if shown.contains(['*', '?', '[']) {
        glob(path)
    } else {
        anyhow::bail!("{shown}: no such log or folder: check the name");
    };
    if found.is_empty() {
        let endings = LOG_ENDINGS.join(", ");
        anyhow::bail!("{shown}: no log is here: a folder needs runs with a {SERIAL}, or files that end in {endings}");
    }
    Ok(found.into_iter().map(Source::Path).collect())
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let serial = folder.join(SERIAL);
    if folder.join(MANIFEST).is_file() && serial.is_file() {
        // A run: what lies deeper are copies of its log at its hits.
        found.push(serial);
        return;
    }
    for path in entries(folder) {
        if path.is_dir() && depth > 0 {
            // A link to a folder may lead back.
            if !path.is_symlink() {
                search(&path, depth - 1, found);
            }
        } else if path.is_file() && path.file_name().is_some_and(is_log) {
            found.push(path);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries
}

fn is_log(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let bare = PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    LOG_ENDINGS.iter().any(|ending| bare.ends_with(ending))
}

/// What a pattern with `*`, `?` and `[…]` in its components matches; folders that it matches are searched.
fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy().into_owned();
        if !name.contains(['*', '?', '[']) {
            found = found.into_iter().map(|path| path.join(&name)).filter(|path| path.exists()).collect();
            continue;
        }
        found = found
            .iter()
            .flat_map(|path| entries(if path.as_os_str().is_empty() { Path::new(".") } else { path }))
            .filter(|path| {
                let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                matches(name.as_bytes(), file.as_bytes()) && (!file.starts_with('.') || name.starts_with('.'))
            })
            .map(|path| path.strip_prefix("./").map(Path::to_path_buf).unwrap_or(path))
            .collect();
    }
    let mut logs = Vec::new();
    for path in found {
        if path.is_dir() { search(&path, DEPTH, &mut logs) } else { logs.push(path) }
    }
    logs
}

/// A file name against a pattern. The last star that could still take more is remembered, so that it takes linear memory
/// and at most quadratic time.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        let one = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'[') => class(&pattern[p..], text[t]),
            Some(b'?') => Some(1),
            Some(byte) => (*byte == text[t]).then_some(1),
            None => None,
        };
        match (one, star) {
            (Some(length), _) => (p, t) = (p + length, t + 1),
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The length of `[abc]`, `[a-z]` or `[!a]` if it matches the byte; an open bracket without its end is itself.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let Some(end) = pattern.iter().skip(2).position(|byte| *byte == b']').map(|at| at + 2) else {
        return (byte == b'[').then_some(1);
    };
    let inside = &pattern[1..end];
    let (negated, inside) = match inside.split_first() {
        Some((b'!' | b'^', rest)) if !rest.is_empty() => (true, rest),
        _ => (false, inside),
    };
    let mut hit = false;
    let mut at = 0;
    while at < inside.len() {
        if inside.get(at + 1) == Some(&b'-') && at + 2 < inside.len() {
            hit |= (inside[at]..=inside[at + 2]).contains(&byte);
            at += 3;
        } else {
            hit |= inside[at] == byte;
            at += 1;
        }
    }
    (hit != negated).then_some(end + 1)
}

/// A log that was read, or why it was not.
pub enum Read<T> {
    /// What it gave, and a sentence about damage if there is any.
    Done(T, Option<String>),
    /// Nothing could be read.
    Failed(String),
}

/// Reads one log as a whole and hands its bytes, reports and events over.
pub fn read<T>(source: &Source, options: &Options, take: impl FnOnce(&[u8], Vec<Report>, Vec<Event>) -> T) -> Read<T> {
    let name = source.to_string();
    match open(source) {
        Err(error) => Read::Failed(error.to_string()),
        Ok(Input::Whole(text)) => Read::Done(found(&name, &text, options, take), None),
        Ok(stream @ Input::Stream(_)) => {
            let mut bytes = Vec::new();
            let damage = stream.feed(|chunk| {
                bytes.extend_from_slice(chunk);
                ControlFlow::Continue(())
            });
            let damage = damage.filter(|damage| *damage != crate::input::Damage::Empty);
            Read::Done(found(&name, &bytes, options, take), damage.map(|damage| format!("{name}: {damage}")))
        }
    }
}

/// Logs up to this size are looked at for being a mail, bytes.
const LARGEST_MAIL: usize = 16 << 20;

fn found<T>(name: &str, text: &[u8], options: &Options, take: impl FnOnce(&[u8], Vec<Report>, Vec<Event>) -> T) -> T {
    let mail = if text.len() <= LARGEST_MAIL { read_mail(text) } else { None };
    let text = mail.as_ref().map_or(text, |mail| &mail.text);
    let options = Options { log: name.to_owned(), ..options.clone() };
    let (mut reports, mut events) = (Vec::new(), Vec::new());
    let read: Result<_, std::convert::Infallible> = Engine::read(options, text, |item| {
        match item {
            Item::Closed(report) => reports.push(*report),
            Item::Event(event) => events.push(*event),
            Item::Opened { .. } => {}
        }
        Ok(())
    });
    match read {
        Ok(_) => take(text, reports, events),
        Err(never) => match never {},
    }
}

/// Reads a group of runs, in the order of the sources; `tell` hears of what could not be read. Says whether all could.
pub fn group(
    name: &str,
    sources: &[Source],
    options: &Options,
    threads: usize,
    mut tell: impl FnMut(&str),
) -> (Group, bool) {
    let mut runs: Vec<Run> = Vec::new();
    let mut fine = true;
    let results = in_order(threads, sources, |source| {
        read(source, options, |text, reports, events| reduce(&source.to_string(), text, &reports, &events))
    });
    for result in results {
        match result {
            Read::Done(run, damage) => {
                damage.iter().for_each(|words| tell(words));
                runs.push(run);
            }
            Read::Failed(words) => {
                fine = false;
                tell(&words);
            }
        }
    }
    (Group { name: name.to_owned(), runs }, fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_a_shell() {
        let hit = |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes());
        assert!(hit("*.log", "a.log") && hit("run?", "run1") && hit("a*b*c", "aXbYbc") && hit("[a-c]x", "bx"));
        assert!(!hit("*.log", "a.txt") && !hit("run?", "run") && !hit("[!a]x", "ax") && hit("[x", "[x"));
    }

    #[test]
    fn a_folder_gives_its_runs_and_its_logs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("run1/hits/0")).expect("made");
        std::fs::write(at("run1/manifest.json"), "{}").expect("written");
        for name in ["run1/serial.log", "run1/hits/0/serial.log", "b.dmesg", "a.log.gz", "c.png"] {
            std::fs::write(at(name), "x").expect("written");
        }
        let found = sources(folder.path().as_os_str()).expect("logs");
        let names: Vec<String> = found
            .iter()
            .map(|source| source.to_string().replace(&format!("{}/", folder.path().display()), ""))
            .collect();
        assert_eq!(names, ["a.log.gz", "b.dmesg", "run1/serial.log"]);
        let globbed = sources(at("[ab].*").as_os_str()).expect("logs");
        assert_eq!(globbed.len(), 2);
        assert!(sources(at("absent").as_os_str()).is_err());
        assert!(sources(at("x*").as_os_str()).is_err());
    }
}
