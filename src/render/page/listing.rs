//! The log itself in a page: whole, or the lines around what is said about it.

use crate::markup::xml;
use maud::{Markup, PreEscaped, html};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How much of a log a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Nothing.
    None,
    /// The lines that are mentioned, with some around them.
    Around,
    /// All of it.
    All,
}

/// Longer lines are cut, bytes.
const LONGEST: usize = 64 << 10;
/// Lines that stand around a line that is mentioned.
const AROUND: u64 = 8;

/// A part of the log that belongs to something: first and last line, its severity (0 the worst), its card.
pub(super) type Span = (u64, u64, u8, usize);

/// The lines of a file's text. `told` are the lines that the page links to, 1-based.
pub(super) fn listing(text: &[u8], share: Share, told: &BTreeSet<u64>, spans: &[Span], lines: u64) -> Markup {
    let ranges = match share {
        Share::None => return html! {},
        Share::All => vec![(1, lines)],
        Share::Around => around(told, spans, lines),
    };
    let spans: Vec<String> =
        spans.iter().map(|(from, to, rank, card)| format!("[{from},{to},{rank},{card}]")).collect();
    html! {
        section #log aria-labelledby="log-heading" data-lines=(lines) {
            h2 #log-heading { "The log" }
            @if share == Share::Around { p.soft { "The lines around what is mentioned above; `--log all` puts in all " (lines) "." } }
            div #spans hidden { "[" (spans.join(",")) "]" }
            details #plain { summary { "its lines" } (PreEscaped(pieces(text, &ranges, told))) }
        }
    }
}

/// The ranges of lines around what is mentioned, ascending, apart from each other.
fn around(told: &BTreeSet<u64>, spans: &[Span], lines: u64) -> Vec<(u64, u64)> {
    let own = told.iter().map(|line| (*line, *line)).chain(spans.iter().map(|span| (span.0, span.1)));
    let mut wanted: Vec<(u64, u64)> =
        own.map(|(from, to)| (from.saturating_sub(AROUND).max(1), (to + AROUND).min(lines))).collect();
    wanted.sort_unstable();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for (from, to) in wanted {
        match ranges.last_mut() {
            Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
            _ => ranges.push((from, to)),
        }
    }
    ranges
}

/// The ranges as text, each in a block that knows its first line; lines that are linked to have an id.
fn pieces(text: &[u8], ranges: &[(u64, u64)], told: &BTreeSet<u64>) -> String {
    let mut out = String::with_capacity(text.len() / 8);
    let mut ranges = ranges.iter().peekable();
    let mut number = 0;
    let mut open = false;
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    for line in text.split(|byte| *byte == b'\n') {
        number += 1;
        let Some((from, to)) = ranges.peek() else { break };
        if number < *from {
            continue;
        }
        if !open {
            // The parser drops a line break that follows the tag at once.
            let _ = writeln!(out, "<pre data-from=\"{number}\">");
            open = true;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (shown, cut) = line.split_at(line.len().min(LONGEST));
        let shown = without_colours(shown);
        let shown = String::from_utf8_lossy(&shown);
        let shown = xml(&shown);
        if told.contains(&number) {
            let _ = write!(out, "<span class=\"ref\" id=\"L{number}\">{shown}</span>");
        } else {
            out.push_str(&shown);
        }
        if !cut.is_empty() {
            let _ = write!(out, " \u{2026} and {} more bytes", cut.len());
        }
        out.push('\n');
        if number == *to {
            out.push_str("</pre>");
            open = false;
            ranges.next();
        }
    }
    if open {
        out.push_str("</pre>");
    }
    out
}

/// A line without what only a terminal understands: `ESC [ … letter` for colours and places of the cursor.
pub(super) fn without_colours(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(0x1b, line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            Some(b'[') => {}
            // The terminal's reset.
            Some(b'c') => {
                rest = &rest[at + 2..];
                continue;
            }
            _ => {
                out.push(0x1b);
                rest = &rest[at + 1..];
                continue;
            }
        }
        let parameters = rest[at + 2..].iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
        let end = at + 2 + parameters;
        match rest.get(end) {
            Some(0x40..=0x7e) => rest = &rest[end + 1..],
            // Not one: it is shown as it is.
            _ => {
                out.extend_from_slice(&rest[at..end]);
                rest = &rest[end..];
            }
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// Every line that a piece of a page links to.
pub(super) fn told(body: &str) -> BTreeSet<u64> {
    let links = body.split("href=\"#L").skip(1);
    links.filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_and_are_text() {
        let text = b"one\r\n<b>two</b>\nthree \x1b[31mred \x1b]0;x\n\nfive\n";
        let all = pieces(text, &[(1, 5)], &BTreeSet::from([2]));
        assert_eq!(
            all,
            "<pre data-from=\"1\">\none\n<span class=\"ref\" id=\"L2\">&lt;b&gt;two&lt;/b&gt;</span>\nthree red \\u{1b}]0;x\n\nfive\n</pre>"
        );
        let some = pieces(text, &[(2, 2), (5, 5)], &BTreeSet::new());
        assert_eq!(some.matches("<pre").count(), 2);
        assert!(some.ends_with("<pre data-from=\"5\">\nfive\n</pre>"), "{some}");
    }

    #[test]
    fn what_is_linked_stands_with_its_neighbours() {
        let told = BTreeSet::from([3, 100, 110, 200]);
        assert_eq!(around(&told, &[], 205), [(1, 11), (92, 118), (192, 205)]);
    }

    #[test]
    fn a_line_of_megabytes_is_cut_and_counted() {
        let line = vec![b'x'; 1 << 20];
        let out = pieces(&line, &[(1, 1)], &BTreeSet::new());
        assert!(out.len() < 70_000 && out.contains("and 983040 more bytes"), "{}", out.len());
    }
}
