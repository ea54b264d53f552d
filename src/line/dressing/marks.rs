//! What editors and terminals set where they cut a line: `\`, `↩` or `…` at its end, `↪`, `>` or `…` before its rest.

use std::str::from_utf8;

/// At the end of a line, and whether the kernel's lines never end so.
const ENDS: [(&str, bool); 7] =
    [("\\", true), ("↪", true), ("↩", true), ("⏎", true), ("…", true), ("...", false), ("$", false)];
/// Before the rest of a line, and whether the kernel's lines never begin so.
const BEGINS: [(&str, bool); 6] = [("↪", true), ("…", true), ("...", false), (">", false), ("+", false), ("↳", true)];
/// No rest stands further in, blanks.
const DEEPEST: usize = 16;

/// The marks where lines were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    end: &'static str,
    begin: &'static str,
    /// Whether a blank stands before the one and behind the other.
    blank: (bool, bool),
    /// How far the rests stand in that have no mark.
    indent: usize,
    /// Whether the kernel's own lines have no such marks, so that they say by themselves where a line was cut.
    pub(super) sure: bool,
}

impl Marks {
    /// The marks that all of these lines and what stands below each have.
    pub(super) fn of(pairs: &[[&[u8]; 2]]) -> Option<Self> {
        let ends = |mark: &str| pairs.iter().all(|[above, _]| above.ends_with(mark.as_bytes()));
        let begins = |mark: &str| pairs.iter().all(|[_, tail]| inner(tail).starts_with(mark.as_bytes()));
        let end = ENDS.into_iter().find(|(mark, _)| ends(mark));
        let begin = BEGINS.into_iter().find(|(mark, _)| begins(mark));
        let sure = [end, begin].into_iter().flatten().any(|(_, sure)| sure);
        let (end, begin) = (end.map_or("", |(mark, _)| mark), begin.map_or("", |(mark, _)| mark));
        if pairs.is_empty() || end.is_empty() && begin.is_empty() {
            return None;
        }
        // Of one cut alone it is not known whose the blanks are.
        let several = pairs.len() > 1;
        let before = |above: &[u8]| above[..above.len() - end.len()].ends_with(b" ");
        let behind = |tail: &[u8]| inner(tail)[begin.len()..].starts_with(b" ");
        let blank = (
            !end.is_empty() && several && pairs.iter().all(|[above, _]| before(above)),
            !begin.is_empty() && pairs.iter().all(|[_, tail]| behind(tail)),
        );
        let depths = pairs.iter().map(|[_, tail]| tail.len() - inner(tail).len()).min();
        let indent = if begin.is_empty() && several { depths.unwrap_or(0) } else { 0 };
        Some(Self { end, begin, blank, indent, sure })
    }

    /// Whether a line and the one below have the marks.
    pub(super) fn fit(self, above: &[u8], tail: &[u8]) -> bool {
        above.ends_with(self.end.as_bytes())
            && inner(tail).starts_with(self.begin.as_bytes())
            && tail.len() - inner(tail).len() <= DEEPEST
    }

    /// How much is the mark at the end of a line, bytes.
    pub(super) fn at_end(self, line: &[u8]) -> usize {
        let mark = if line.ends_with(self.end.as_bytes()) { self.end.len() } else { 0 };
        let blank = self.blank.0 && mark > 0 && line[..line.len() - mark].ends_with(b" ");
        mark + usize::from(blank)
    }

    /// A rest without its mark.
    pub(super) fn bare(self, tail: &[u8]) -> &[u8] {
        if self.begin.is_empty() {
            let blanks = tail.len() - inner(tail).len();
            return &tail[blanks.min(self.indent)..];
        }
        let rest = inner(tail);
        let rest = rest.strip_prefix(self.begin.as_bytes()).unwrap_or(rest);
        if self.blank.1 { rest.strip_prefix(b" ").unwrap_or(rest) } else { rest }
    }
}

fn inner(tail: &[u8]) -> &[u8] {
    tail.trim_ascii_start()
}

/// How wide a line is, characters.
pub(super) fn width(line: &[u8]) -> usize {
    if line.is_ascii() { line.len() } else { from_utf8(line).map_or(line.len(), |line| line.chars().count()) }
}
