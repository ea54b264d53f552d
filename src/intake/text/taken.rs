//! A log that was taken out of its file: its lines in the order in which they were printed, and where they stood.

use crate::input::Inside;
use crate::line::{parts_upright, upright, upright_within};
use std::ops::Range;
use std::sync::Arc;

/// The text in a mail or a document, and where lines of both texts end, bytes.
#[derive(Debug)]
pub(super) struct Taken {
    /// The lines of the log, and where each stood.
    text: Inside,
    /// Whether it was a mail: people write between its lines.
    pub(super) prose: bool,
    /// Whether the newest lines stood first.
    pub(super) upwards: bool,
    inner: Vec<usize>,
    outer: Arc<Vec<usize>>,
}

impl Taken {
    /// `outer` are the line ends of the file.
    pub(super) fn new(text: Inside, outer: Arc<Vec<usize>>, prose: bool, upwards: bool) -> Self {
        let inner = line_ends(&text.text);
        Self { text, prose, upwards, inner, outer }
    }

    /// The same with its lines in the order in which they were printed.
    pub(super) fn in_order(text: Inside, outer: Arc<Vec<usize>>, prose: bool) -> Self {
        match in_order(&text.text, prose) {
            Some((lines, turned)) => Self::new(text.in_order(lines), outer, prose, turned),
            None => Self::new(text, outer, prose, false),
        }
    }

    /// The text of the log.
    pub(super) fn log(&self) -> &[u8] {
        &self.text.text
    }

    /// The 1-based line of the file that a 1-based line of the log stands in.
    pub(super) fn line(&self, number: u64) -> u64 {
        let start = match usize::try_from(number).unwrap_or(usize::MAX) {
            0 => return 0,
            1 => 0,
            number => self.inner.get(number - 2).map_or(self.log().len(), |end| end + 1),
        };
        self.outer.partition_point(|end| *end < self.text.origin(start)) as u64 + 1
    }

    /// The offset in the file's text of an offset in the log, both bytes.
    pub(super) fn offset(&self, at: u64) -> u64 {
        self.text.origin(usize::try_from(at).unwrap_or(usize::MAX).min(self.log().len())) as u64
    }

    /// Where the line of the log ends in which `at` stands, bytes.
    pub(super) fn end_of_line(&self, at: u64) -> u64 {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let end = self.inner.get(self.inner.partition_point(|end| *end < at));
        end.map_or(self.log().len(), |end| *end) as u64
    }
}

/// Where the lines of a text end, bytes.
pub(super) fn line_ends(text: &[u8]) -> Vec<usize> {
    memchr::memchr_iter(b'\n', text).collect()
}

/// Where the lines of a log stand in the order in which they were printed, if they stand in another, and whether its newest stand first.
/// Between lines of a mail people write.
fn in_order(log: &[u8], prose: bool) -> Option<(Vec<Range<usize>>, bool)> {
    let parts = parts_upright(log).map(|parts| (parts.lines, parts.turned));
    parts.or_else(|| Some((if prose { upright_within(log)? } else { upright(log)? }, true)))
}

/// Whether the newest lines of a log stand first, and its text in the order in which it was printed; or its text without what the kernel
/// put between parts of it.
pub(super) fn read_upwards(plain: &[u8], stamped: bool) -> Option<(Inside, bool)> {
    // The kernel gives the heading of a part no stamp.
    let (lines, turned) = if stamped { (upright(plain)?, true) } else { in_order(plain, false)? };
    let mut text = Inside::upwards(plain.len());
    for line in lines {
        text.begin(line.start);
        text.text.extend_from_slice(&plain[line]);
        if text.text.last() != Some(&b'\n') {
            text.text.push(b'\n');
        }
    }
    Some((text, turned))
}
