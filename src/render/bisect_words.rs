//! Text of a bisection as a terminal takes it: wrapped, cut, commits shortened.

use super::{columns, safe};

/// Words of `text` in lines of at most `width` columns, control characters taken out.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in safe(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text of a log for a terminal: visible, and no longer than `width`.
pub(super) fn plain(text: &str, width: usize) -> String {
    super::fitted(&safe(text), width).into_owned()
}

/// The first twelve digits of a commit.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
