//! A light look at the crash report that ends a transcript: files and functions of its frames, lock classes, directories.
//!
//! The verdict rests on this and not on the engine's reports, so that weights stay valid when the engine learns something.

use std::collections::BTreeSet;

/// What frames name.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Source files, in the order of first mention.
    pub files: Vec<String>,
    /// Function → file, where a line names both.
    pub functions: Vec<(String, String)>,
    /// Lock classes, as printed.
    pub locks: BTreeSet<String>,
}

/// How many files and functions are kept.
const KEPT: usize = 400;

/// Looks through a report.
#[must_use]
pub(super) fn look(report: &[u8]) -> Seen {
    let mut seen = Seen::default();
    for content in report.split(|byte| *byte == b'\n') {
        for (at, word) in fields(content) {
            if let Some(file) = source_file(word) {
                if seen.files.len() < KEPT && !seen.files.iter().any(|known| known == &file) {
                    seen.files.push(file.clone());
                }
                let function = at
                    .and_then(|before| std::str::from_utf8(before).ok())
                    .map(|name| name.split('+').next().unwrap_or(name).to_owned());
                if let Some(function) = function.filter(|name| seen.functions.len() < KEPT && is_function(name)) {
                    seen.functions.push((function, file));
                }
            }
        }
        if let Some(class) = lock_class(content) {
            seen.locks.insert(class);
        }
    }
    seen
}

/// The words of a line, each with the one before it.
fn fields(content: &[u8]) -> impl Iterator<Item = (Option<&[u8]>, &[u8])> {
    let mut before = None;
    content.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).map(move |word| {
        let pair = (before, word);
        before = Some(word);
        pair
    })
}

/// `drivers/vhost/vhost.c:930` → `drivers/vhost/vhost.c`.
fn source_file(word: &[u8]) -> Option<String> {
    let colon = memchr::memrchr(b':', word)?;
    let path = &word[..colon];
    let is_source = [&b".c"[..], b".h", b".S", b".rs"].iter().any(|end| path.ends_with(end));
    let line = word.get(colon + 1).is_some_and(u8::is_ascii_digit);
    if !is_source || !line {
        return None;
    }
    let path = std::str::from_utf8(path).ok()?.trim_start_matches(['.', '/']);
    (!path.is_empty() && path.len() < 200).then(|| path.to_owned())
}

fn is_function(name: &str) -> bool {
    name.len() > 1
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        && !name.as_bytes()[0].is_ascii_digit()
}

/// ` (&vq->mutex){+.+...}, at: …` → `&vq->mutex`, without its subclass.
fn lock_class(content: &[u8]) -> Option<String> {
    let end = memchr::memmem::find(content, b"){")?;
    let mut depth = 1;
    let start = content[..end].iter().rposition(|byte| {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    let class = std::str::from_utf8(&content[start + 1..end]).ok()?;
    let class = class.split('/').next().unwrap_or(class).trim();
    (class.len() > 2 && class.len() < 120).then(|| class.to_owned())
}
