//! The parts in which pstore keeps what the kernel said when it died: small records, the last lines in the first one.

use super::lex;
use crate::input::part;
use memchr::memmem::Finder;
use std::ops::Range;
use std::sync::LazyLock;

/// Texts up to this size are looked through for parts, bytes: a dump is far smaller.
const LARGEST: usize = 1 << 20;

/// A part, and where it stands in the text, bytes.
struct Part<'a> {
    name: &'a [u8],
    number: u64,
    lines: Range<usize>,
}

/// The lines of a text in which parts of a dump stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upright {
    /// Where they stand, bytes, in the order of their times.
    pub lines: Vec<Range<usize>>,
    /// Whether the newest of them stood first.
    pub turned: bool,
}

/// The lines of a text if parts of a dump stand in it with the last lines first, as `cat /sys/fs/pstore/*` shows them, or between those
/// of another dump, or if the line with the number of the first part was left out. What stands before and behind the parts stays there.
#[must_use]
pub fn parts_upright(text: &[u8]) -> Option<Upright> {
    static FIRST: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" Part1"));
    if text.len() > LARGEST || FIRST.find(text).is_none() {
        return None;
    }
    let parts = parts(text);
    let (first, last) = parts.first().zip(parts.last())?;
    if goes_on(text, first) && parts.windows(2).all(|pair| pair[1].number + 1 == pair[0].number) {
        let lines = lines(text, 0..text.len()).filter(|line| part(&text[line.clone()]).is_none()).collect();
        return Some(Upright { lines, turned: false });
    }
    let (head, tail) = (0..first.lines.start, last.lines.end..text.len());
    let mut names: Vec<&[u8]> = Vec::new();
    let mut order: Vec<&Part<'_>> = Vec::new();
    let mut turned = false;
    for name in parts.iter().map(|part| part.name) {
        if names.contains(&name) {
            continue;
        }
        names.push(name);
        let mut own: Vec<&Part<'_>> = parts.iter().filter(|part| part.name == name).collect();
        if own.len() > 1 && own.windows(2).all(|pair| pair[0].number < pair[1].number) {
            own.reverse();
            turned = true;
        }
        order.append(&mut own);
    }
    // The parts of two dumps stand between each other where files are sorted by their times.
    let moved = order.iter().zip(&parts).any(|(own, there)| own.lines != there.lines);
    let blocks = std::iter::once(head).chain(order.into_iter().map(|part| part.lines.clone())).chain([tail]);
    moved.then(|| Upright { lines: blocks.flat_map(|block| lines(text, block)).collect(), turned })
}

/// The lines of two parts are not further apart than this, seconds.
const NEAR: f64 = 2.0;

/// Whether a part goes on with what stands directly above it, which is a part without its first line.
fn goes_on(text: &[u8], part: &Part<'_>) -> bool {
    let time = |line: &[u8]| lex(line).time;
    let above = text[..part.lines.start].trim_ascii_end().rsplit(|byte| *byte == b'\n').next().and_then(time);
    let own = lines(text, part.lines.clone()).nth(1).and_then(|line| time(&text[line]));
    above.zip(own).is_some_and(|(above, own)| (0.0..=NEAR).contains(&(own - above)))
}

/// The parts of a text. The last one ends with its last line that has a time.
fn parts(text: &[u8]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for line in lines(text, 0..text.len()) {
        if let Some((name, number)) = part(&text[line.clone()]) {
            parts.push(Part { name, number, lines: line });
        } else if let Some(last) = parts.last_mut() {
            last.lines.end = line.end;
        }
    }
    if let Some(last) = parts.last_mut() {
        let stamped = |line: &Range<usize>| lex(&text[line.clone()]).time.is_some();
        last.lines.end = lines(text, last.lines.clone()).filter(stamped).last().map_or(last.lines.end, |line| line.end);
    }
    parts
}

/// The lines of a part of a text, their ends included.
fn lines(text: &[u8], within: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = within.start;
    text[within].split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let from = start;
        start += line.len();
        from..start
    })
}

#[cfg(test)]
mod tests {
    use super::parts_upright;

    fn turned(text: &str) -> Option<String> {
        parts_upright(text.as_bytes()).map(|upright| upright.lines.into_iter().map(|line| &text[line]).collect())
    }

    #[test]
    fn parts_that_begin_with_the_last_lines_are_turned_around() {
        let parts = ["Oops#1 Part1\n<4>[    3.000000] c\n", "Oops#1 Part2\n<4>[    2.000000] a\n<4>[    2.500000] b\n"];
        let (up, down) = ([parts[0], parts[1]].concat(), [parts[1], parts[0]].concat());
        assert_eq!(turned(&format!("Look:\n{up}\nBye\n")), Some(format!("Look:\n{down}\nBye\n")));
        assert_eq!(turned(&down), None);
        let other = up.replace("Oops#1", "Panic#2");
        assert_eq!(
            turned(&[up.as_str(), &other].concat()),
            Some([down.clone(), down.replace("Oops#1", "Panic#2")].concat())
        );
        let panic: Vec<String> = parts.iter().map(|part| part.replace("Oops#1", "Panic#2")).collect();
        assert_eq!(
            turned(&[parts[1], &panic[1], parts[0], &panic[0]].concat()),
            Some([down.clone(), down.replace("Oops#1", "Panic#2")].concat())
        );
        let headless = "<4>[    1.000000] z\n";
        assert_eq!(
            turned(&[headless, &down].concat()),
            Some([headless, &down.replace("Oops#1 Part2\n", "").replace("Oops#1 Part1\n", "")].concat())
        );
        assert_eq!(turned("no part"), None);
        assert_eq!(turned(""), None);
    }
}
