//! How results look: text, JSON, SVG. Nothing from a log reaches a terminal as it is: see [`safe`].

mod answer;
pub mod bisect;
mod bisect_reasons;
pub mod bisect_svg;
pub mod bisect_table;
mod bisect_walk;
mod diff;
mod gate;
mod live;
mod locks;
mod locks_picture;
mod log;
pub mod page;
mod palette;
mod snapshot;
pub mod svg;

pub use answer::answer_text;
pub use diff::{cluster_text, diff_markdown, diff_text};
pub use gate::{CHECK_LOG_SCHEMA, Checked, CheckedLog, check_junit, check_sarif, check_text, diff_junit, diff_sarif};
pub use live::{Weight, live_line, status_line};
pub use locks::{hang_text, lockdep_text, locks_text};
pub use locks_picture::{locks_dot, locks_mermaid};
pub use log::{LogView, StackLine, stack_lines};
pub use palette::{Detail, Look, Palette, Width};
pub use snapshot::snapshot;

use std::borrow::Cow;

/// The text with every control character (escapes, bells, carriage returns, bidirectional marks) made visible.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    let harmful = |char: char| {
        char.is_control()
            || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if char == '\t' {
            out.push(' ');
        } else if harmful(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// The text as text between tags or in a quoted attribute: harmless as [`safe`] makes it, and no markup.
#[must_use]
pub fn markup(text: &str) -> Cow<'_, str> {
    let shown = safe(text);
    if !shown.contains(['&', '<', '>', '"', '\'']) {
        return shown;
    }
    let mut out = String::with_capacity(shown.len() + 16);
    for char in shown.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(char),
        }
    }
    Cow::Owned(out)
}

/// As [`markup`], but line breaks stay.
pub(crate) fn markup_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(markup).collect();
    lines.join("\n")
}

/// The picture of a dump in a file of its own: tasks, what they wait for, and who holds it; no box overlaps another.
#[must_use]
pub fn locks_svg(dump: &crate::locks::Dump) -> String {
    svg::waits_svg(dump, svg::Setting::Alone, true)
}

/// The text cut to `width` columns, an ellipsis at the end if anything went.
#[must_use]
pub fn fitted(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    Cow::Owned(out)
}

/// Writes words into lines of so many columns, `first` before the first line and `indent` blanks before the others. A word
/// is never broken, so that names and places can be copied.
pub(crate) fn wrap_into(out: &mut String, first: &str, indent: usize, text: &str, columns: usize) {
    let text = safe(text);
    let mut column = first.chars().count();
    out.push_str(first);
    let mut begun = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if !begun && column + 1 + length > columns {
            let indent = indent.min(columns / 2);
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
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[31mb\u{202e}c\td"), "a\\u{1b}[31mb\\u{202e}c d");
        assert_eq!(safe("plain"), "plain");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(fitted("abcdef", 4), "abc…");
        assert_eq!(fitted("abcd", 4), "abcd");
    }
}
