//! How results look: text, pages (HTML), pictures (SVG, DOT, Mermaid), Markdown, JUnit, SARIF. Nothing from a log reaches a terminal as it is: see
//! [`safe`].

mod answer;
pub mod bisect;
mod bisect_reasons;
pub mod bisect_table;
mod bisect_walk;
mod bisect_words;
mod diff;
mod gate;
mod graph;
mod guilty;
mod host;
mod live;
mod locks;
mod locks_index;
mod locks_picture;
mod log;
mod note;
pub mod page;
mod palette;
mod redact;
mod sarif;
mod series;
mod snapshot;
mod source;
pub mod svg;
mod syzbot;
mod thread;

pub use crate::markup::{json_line, json_pretty, safe, write_json};
pub use answer::answer_text;
pub use diff::{cluster_text, diff_markdown, diff_text};
pub use gate::{
    CHECK_LOG_SCHEMA, Checked, CheckedLog, check_github, check_junit, check_quickfix, check_sarif, check_text,
    diff_junit, diff_sarif,
};
use guilty::guilty_file;
pub use host::host_text;
pub use live::{Weight, live_line, status_line, statuses_line};
pub use locks::{hang_text, lockdep_text, locks_text};
pub use locks_picture::{locks_dot, locks_mermaid};
pub use log::{LogView, StackLine, first_stack, stack_lines};
pub use note::{NOTE_SCHEMA, Note, note_mail, note_markdown};
pub use palette::{Detail, Look, Palette, Width};
pub use redact::Redactor;
pub use series::series_text;
pub use snapshot::snapshot;
pub use source::{blame_text, commit_text, fixed_text, places_text, source_text};
pub use syzbot::{bugs_text, known_text, picks_text, work_text};
pub use thread::thread_text;

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The picture of a dump in a file of its own: tasks, what they wait for, and who holds it; no box overlaps another.
#[must_use]
pub fn locks_svg(dump: &crate::locks::Dump) -> String {
    svg::waits_svg(dump, svg::Setting::Alone, true)
}

/// `1 stack`, `2 stacks`.
pub(in crate::render) fn several(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// How many columns of a terminal a text takes: Chinese, Japanese and Korean characters take two, combining ones none.
pub(crate) fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text and blanks behind it, `width` columns in all if it is not longer.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The text cut to `width` columns, an ellipsis at the end if anything went.
#[must_use]
pub fn fitted(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let (mut left, mut out) = (width.saturating_sub(1), String::new());
    for char in text.chars() {
        let Some(rest) = left.checked_sub(char.width().unwrap_or(0)) else { break };
        left = rest;
        out.push(char);
    }
    out.push('…');
    Cow::Owned(out)
}

/// Writes words into lines of so many columns, `first` before the first line and `indent` blanks before the others. A word
/// is never broken, so that names and places can be copied.
pub(crate) fn wrap_into(out: &mut String, first: &str, indent: usize, text: &str, most: usize) {
    let text = safe(text);
    let mut column = columns(first);
    out.push_str(first);
    let mut begun = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = columns(word);
        if !begun && column + 1 + length > most {
            let indent = indent.min(most / 2);
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            (column, begun) = (indent, true);
        }
        if !begun {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        begun = false;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut() {
        assert_eq!(fitted("abcdef", 4), "abc…");
        assert_eq!(fitted("abcd", 4), "abcd");
        assert_eq!(fitted("漢字の名前", 6), "漢字…", "two columns each");
        assert_eq!(padded("漢字", 6), "漢字  ");
    }
}
