//! One compilation unit as a flat table of bytes: address → line, address → chain of inlined functions.
//!
//! The same bytes serve in memory and in the index cache, so that there is one way to look an address up. All numbers are
//! little-endian 32-bit words, addresses are relative to the unit's lowest one:
//!
//! ```text
//! base (2 words) · rows · segments · nodes · bytes of text            counts
//! rows:     address[] file[] line[]       a row holds until the next one; file NONE ends a sequence;
//!                                         of a line word the lower 20 bits are the line, the upper the discriminator
//! segments: address[] node[]              the innermost function there; node NONE where there is none
//! nodes:    name, call file, call line, parent
//! text:     strings, each ended by NUL
//! ```

/// Lines above this are kept without a discriminator, in the whole word but its last bit.
const LINE_BITS: u32 = 20;
/// Set in a line word that has no room for a discriminator.
const LONG: u32 = 1 << 31;
/// References of a few bytes may name long lists and long texts; these bounds keep a damaged unit from growing without end.
const MOST_INTERVALS: usize = 8 << 20;
const MOST_TEXT: usize = 256 << 20;
const LONGEST_TEXT: usize = 64 << 10;
/// No file, no node.
const NONE: u32 = u32::MAX;
const HEADER: usize = 6 * 4;

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TablePlace<'table> {
    /// The function, as the compiler names it for the linker.
    pub function: Option<&'table str>,
    /// The file, with the folder in which the unit was compiled.
    pub file: Option<&'table str>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// Which of several blocks of code of that line, as binutils prints it; 0 for none.
    pub discriminator: u32,
}

/// A table that is being made.
#[derive(Debug, Default)]
pub(super) struct Builder {
    rows: Vec<(u64, u32, u32)>,
    intervals: Vec<(u64, u64, u32)>,
    nodes: Vec<[u32; 4]>,
    text: Vec<u8>,
}

impl Builder {
    /// Keeps a string; returns its number.
    pub(super) fn string(&mut self, bytes: &[u8]) -> u32 {
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        if end > LONGEST_TEXT || self.text.len() > MOST_TEXT {
            return NONE;
        }
        let at = u32::try_from(self.text.len()).unwrap_or(NONE);
        self.text.extend_from_slice(String::from_utf8_lossy(&bytes[..end]).as_bytes());
        self.text.push(0);
        at
    }

    /// A row of the line table; `file` is a string's number.
    pub(super) fn row(&mut self, address: u64, file: Option<u32>, line: u32, discriminator: u64) {
        let word = if line >> LINE_BITS != 0 {
            line | LONG
        } else {
            // A discriminator that does not fit is no use to anyone.
            line | u32::try_from(discriminator).ok().filter(|number| *number < 1 << 11).unwrap_or(0) << LINE_BITS
        };
        self.rows.push((address, file.unwrap_or(NONE), word));
    }

    /// The end of a sequence of rows.
    pub(super) fn end_sequence(&mut self, address: u64) {
        self.rows.push((address, NONE, 0));
    }

    /// A function or an inlined copy; returns its number. Copies come after what they are inlined into.
    pub(super) fn node(
        &mut self,
        name: Option<u32>,
        call_file: Option<u32>,
        call_line: u32,
        parent: Option<u32>,
    ) -> u32 {
        self.nodes.push([name.unwrap_or(NONE), call_file.unwrap_or(NONE), call_line, parent.unwrap_or(NONE)]);
        u32::try_from(self.nodes.len() - 1).unwrap_or(NONE)
    }

    /// Says that a node's code lies at `begin..end`. False if there is no room for more.
    pub(super) fn interval(&mut self, begin: u64, end: u64, node: u32) -> bool {
        if begin < end && self.intervals.len() < MOST_INTERVALS {
            self.intervals.push((begin, end, node));
        }
        self.intervals.len() < MOST_INTERVALS
    }

    /// The finished table.
    #[must_use]
    pub(super) fn finish(mut self) -> Vec<u8> {
        // An end comes before a start at the same address; else the order of the line program decides (stable).
        self.rows.sort_by_key(|(address, file, _)| (*address, *file != NONE));
        let segments = flatten(&mut self.intervals);
        let base =
            self.rows.first().map_or(u64::MAX, |row| row.0).min(segments.first().map_or(u64::MAX, |segment| segment.0));
        let base = if base == u64::MAX { 0 } else { base };
        let mut rows: Vec<(u32, u32, u32)> = Vec::with_capacity(self.rows.len());
        for (address, file, line) in self.rows {
            let Ok(address) = u32::try_from(address - base) else { break };
            match rows.last_mut() {
                // Several rows at one address: the last one holds.
                Some(last) if last.0 == address => *last = (address, file, line),
                Some(last) if (last.1, last.2) == (file, line) => {}
                _ => rows.push((address, file, line)),
            }
        }
        let segments: Vec<(u32, u32)> = segments
            .into_iter()
            .map_while(|(address, node)| u32::try_from(address - base).ok().map(|address| (address, node)))
            .collect();
        let words = 6 + rows.len() * 3 + segments.len() * 2 + self.nodes.len() * 4;
        let mut out = Vec::with_capacity(words * 4 + self.text.len());
        out.extend_from_slice(&base.to_le_bytes());
        for count in [rows.len(), segments.len(), self.nodes.len(), self.text.len()] {
            out.extend_from_slice(&u32::try_from(count).unwrap_or(0).to_le_bytes());
        }
        let mut column = |numbers: &mut dyn Iterator<Item = u32>| {
            for number in numbers {
                out.extend_from_slice(&number.to_le_bytes());
            }
        };
        column(&mut rows.iter().map(|row| row.0));
        column(&mut rows.iter().map(|row| row.1));
        column(&mut rows.iter().map(|row| row.2));
        column(&mut segments.iter().map(|segment| segment.0));
        column(&mut segments.iter().map(|segment| segment.1));
        column(&mut self.nodes.iter().flatten().copied());
        out.extend_from_slice(&self.text);
        out
    }
}

/// Overlapping intervals → segments with the innermost node of each. A node with a higher number was met later in the
/// tree and lies within the earlier ones, so it wins, as llvm-symbolizer has it.
fn flatten(intervals: &mut [(u64, u64, u32)]) -> Vec<(u64, u32)> {
    intervals.sort_unstable_by_key(|(begin, _, node)| (*begin, *node));
    let mut edges: Vec<u64> = intervals.iter().flat_map(|(begin, end, _)| [*begin, *end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut open = std::collections::BinaryHeap::new();
    let mut segments: Vec<(u64, u32)> = Vec::with_capacity(edges.len());
    let mut next = intervals.iter().peekable();
    for edge in edges {
        while let Some((_, end, node)) = next.next_if(|(begin, ..)| *begin <= edge) {
            open.push((*node, *end));
        }
        while open.peek().is_some_and(|(_, end)| *end <= edge) {
            open.pop();
        }
        let node = open.peek().map_or(NONE, |(node, _)| *node);
        if segments.last().is_none_or(|last| last.1 != node) {
            segments.push((edge, node));
        }
    }
    segments
}

/// A finished table, to look addresses up in. Damaged bytes give misses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'table> {
    bytes: &'table [u8],
    base: u64,
    rows: usize,
    segments: usize,
    nodes: usize,
}

impl<'table> Table<'table> {
    /// Reads the header; `None` if the counts do not fit the bytes.
    #[must_use]
    pub(super) fn of(bytes: &'table [u8]) -> Option<Self> {
        let word =
            |at: usize| bytes.get(at * 4..at * 4 + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        let base = u64::from(word(0)?) | u64::from(word(1)?) << 32;
        let (rows, segments, nodes, text) =
            (word(2)? as usize, word(3)? as usize, word(4)? as usize, word(5)? as usize);
        let words = rows.checked_mul(3)?.checked_add(segments.checked_mul(2)?)?.checked_add(nodes.checked_mul(4)?)?;
        let length = words.checked_mul(4)?.checked_add(HEADER)?.checked_add(text)?;
        (length == bytes.len()).then_some(Self { bytes, base, rows, segments, nodes })
    }

    fn word(&self, at: usize) -> u32 {
        let at = HEADER + at * 4;
        self.bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(NONE, u32::from_le_bytes)
    }

    fn text(&self, number: u32) -> Option<&'table str> {
        if number == NONE {
            return None;
        }
        let from = HEADER + (self.rows * 3 + self.segments * 2 + self.nodes * 4) * 4;
        let rest = self.bytes.get(from..)?.get(number as usize..)?;
        let end = memchr::memchr(0, rest)?;
        std::str::from_utf8(&rest[..end]).ok().filter(|text| !text.is_empty())
    }

    /// Number of the last of `count` words from `from` on that is not above `key`.
    fn last_not_above(&self, from: usize, count: usize, key: u32) -> Option<usize> {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if self.word(from + middle) <= key { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1)
    }

    /// The places that an address stands for, the innermost inlined function first. Empty if the table does not know it.
    #[must_use]
    pub(super) fn places(&self, address: u64) -> Vec<TablePlace<'table>> {
        let Some(key) = address.checked_sub(self.base).and_then(|key| u32::try_from(key).ok()) else {
            return Vec::new();
        };
        let mut place = TablePlace::default();
        if let Some(row) = self.last_not_above(0, self.rows, key) {
            let file = self.word(self.rows + row);
            let line = self.word(self.rows * 2 + row);
            place.file = self.text(file);
            let (line, discriminator) = match line & LONG {
                0 => (line & ((1 << LINE_BITS) - 1), line >> LINE_BITS),
                _ => (line & !LONG, 0),
            };
            place.line = (file != NONE && line != 0).then_some(line);
            place.discriminator = discriminator;
        }
        let from = self.rows * 3;
        let mut node = self
            .last_not_above(from, self.segments, key)
            .map_or(NONE, |segment| self.word(from + self.segments + segment));
        let mut places = Vec::new();
        let from = from + self.segments * 2;
        while node != NONE && (node as usize) < self.nodes {
            let at = from + node as usize * 4;
            place.function = self.text(self.word(at));
            let line = self.word(at + 2);
            let caller = TablePlace {
                function: None,
                file: self.text(self.word(at + 1)),
                line: (line != 0).then_some(line),
                discriminator: place.discriminator,
            };
            places.push(std::mem::replace(&mut place, caller));
            let parent = self.word(at + 3);
            // Parents have lower numbers; anything else is damage and would run in circles.
            node = if parent < node { parent } else { NONE };
        }
        if places.is_empty() && (place.file.is_some() || place.line.is_some()) {
            places.push(place);
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut builder = Builder::default();
        let (file, header) = (builder.string(b"kernel/a.c"), builder.string(b"include/b.h"));
        let (outer, inner) = (builder.string(b"outer"), builder.string(b"inner"));
        builder.row(0x1000, Some(file), 10, 0);
        builder.row(0x1004, Some(header), 3, 2);
        builder.row(0x1008, Some(file), 12, 0);
        builder.end_sequence(0x1010);
        let function = builder.node(Some(outer), None, 0, None);
        builder.interval(0x1000, 0x1010, function);
        let copy = builder.node(Some(inner), Some(file), 11, Some(function));
        builder.interval(0x1004, 0x1008, copy);
        builder.finish()
    }

    #[test]
    fn an_inlined_copy_comes_before_the_function_that_holds_it() {
        let bytes = sample();
        let table = Table::of(&bytes).expect("a table of its own making");
        let places = table.places(0x1005);
        assert_eq!(places.len(), 2);
        assert_eq!((places[0].function, places[0].file, places[0].line), (Some("inner"), Some("include/b.h"), Some(3)));
        assert_eq!((places[1].function, places[1].file, places[1].line), (Some("outer"), Some("kernel/a.c"), Some(11)));
        assert_eq!((places[0].discriminator, places[1].discriminator), (2, 2));
        assert_eq!(table.places(0x1008)[0].line, Some(12));
        assert!(table.places(0xfff).is_empty());
        assert!(table.places(0x1010).is_empty());
    }

    #[test]
    fn damaged_tables_give_misses_and_no_panic() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert!(Table::of(&bytes[..length]).is_none(), "a cut table was accepted at {length}");
        }
        for at in HEADER..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                if let Some(table) = Table::of(&damaged) {
                    for address in 0xff0..0x1020 {
                        let _ = table.places(address);
                    }
                }
            }
        }
    }
}
