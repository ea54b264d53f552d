//! A log line as the kernel tree's `scripts/decode_stacktrace.sh` prints it, for those whose tools expect that.
//!
//! Written from the script's behaviour: blanks are squeezed, addresses in brackets dropped, the last word of a line is
//! the symbol, its offset gives way to `(file:line file:line)`, the module follows without brackets.

use super::annotate::Paths;
use super::answer::Answer;
use super::spot::{What, spots};
use std::io::{self, Write};

/// Writes a line as the script does. `look_up` answers for `(function, offset, size, module)`.
///
/// # Errors
/// Those of the writer.
pub fn as_script(
    out: &mut dyn Write,
    line: &[u8],
    paths: &Paths,
    look_up: &mut dyn FnMut(&What<'_>) -> Answer,
) -> io::Result<()> {
    // `read` without -r strips blanks and takes backslashes for escapes.
    let text = String::from_utf8_lossy(line);
    let text = text.trim_matches(['\n', ' ', '\t']);
    let text: String = unescaped(text);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    let bracketed = has_bracketed_address(text);
    let named = spots(text.as_bytes()).iter().any(|spot| matches!(spot.what, What::Named { .. }));
    if !bracketed && !named {
        return writeln!(out, "{text}");
    }
    let mut words: Vec<Option<String>> = text.split_whitespace().map(|word| Some(word.to_owned())).collect();
    let mut last = words.len().saturating_sub(1);
    for at in 0..words.len() {
        if words[at].as_deref().is_some_and(has_bracketed_address) {
            words[at] = None;
        }
        let next = words.get(at + 1).cloned().flatten();
        if words[at].as_deref() == Some("[")
            && let Some(next) = next.filter(|next| next.ends_with(']'))
        {
            words[at] = None;
            words[at + 1] = Some(format!("[{next:>13}"));
        }
    }
    let is_build_id = |word: &str| {
        word.find(']').is_some_and(|close| {
            close > 0 && word[..close].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    if last > 0 && words[last].as_deref().is_some_and(is_build_id) {
        let id = words[last].take().unwrap_or_default();
        last -= 1;
        words[last] = Some(format!("{} {id}", words[last].clone().unwrap_or_default()));
    }
    let end = words[last].take().unwrap_or_default();
    let is_module = end.find('[').is_some_and(|open| end[open + 1..].find(']').is_some_and(|close| close > 0));
    let (mut symbol, module) = if is_module {
        let inner = end.strip_suffix(')').unwrap_or(&end);
        let inner = inner.strip_prefix('[').unwrap_or(inner);
        let inner = inner.strip_suffix(']').unwrap_or(inner);
        let name = inner.rsplit_once(' ').map_or(inner, |(name, _)| name).to_owned();
        let symbol = last.checked_sub(1).and_then(|before| words[before].take()).unwrap_or_default();
        (symbol, name)
    } else {
        (end, String::new())
    };
    decode(&mut symbol, &module, paths, look_up);
    for word in words.iter().flatten() {
        write!(out, "{word} ")?;
    }
    writeln!(out, "{symbol} {module}")
}

/// `\x` is `x`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
    out
}

/// `[<ffffffff81000000>]` anywhere in it.
fn has_bracketed_address(text: &str) -> bool {
    text.match_indices("[<").any(|(at, _)| {
        text[at + 2..].find(']').is_some_and(|close| close > 1 && text.as_bytes()[at + 2..][close - 1] == b'>')
    })
}

/// Replaces offset and size by the places, if there are any.
fn decode(symbol: &mut String, module: &str, paths: &Paths, look_up: &mut dyn FnMut(&What<'_>) -> Answer) {
    let bare = symbol.strip_prefix('(').unwrap_or(symbol);
    let bare = bare.strip_suffix(')').unwrap_or(bare);
    let (segment, bare) =
        bare.split_once(':').map_or((String::new(), bare), |(segment, rest)| (format!("{segment}:"), rest));
    let Some(spot) = spots(bare.as_bytes()).pop() else { return };
    let What::Named { function, offset, size, .. } = spot.what else { return };
    let module = (!module.is_empty()).then_some(module);
    let answer = look_up(&What::Named { function, offset, size, module, build_id: None });
    let places: Vec<String> = answer
        .places
        .iter()
        .map(|place| {
            let file = place.file.as_deref().map_or("??", |file| {
                paths.base.as_deref().and_then(|base| file.strip_prefix(base)?.strip_prefix('/')).unwrap_or(file)
            });
            let discriminator = if place.discriminator > 0 {
                format!(" (discriminator {})", place.discriminator)
            } else {
                String::new()
            };
            place.line.map_or_else(|| format!("{file}:?"), |line| format!("{file}:{line}{discriminator}"))
        })
        .collect();
    let known = answer.places.iter().any(|place| place.file.is_some());
    *symbol =
        if known { format!("{segment}{} ({})", super::demangled(function), places.join(" ")) } else { bare.to_owned() };
}
