//! A text that stood inside another one, and where.

/// The text of a mail, of all mails of an mbox, of a string of a JSON document, as it was before it was packed, or of a log whose
/// newest line stood first, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The text: lines end with LF. Of mails without headers, one empty line between two messages.
    pub text: Vec<u8>,
    /// Where each piece of the text begins and where it stood in the file, both bytes, ascending. A line that was
    /// wrapped has several pieces.
    origins: Vec<(usize, usize)>,
    /// Whether each piece is a whole line, and the last stood first.
    upwards: bool,
    /// Length of the file, bytes.
    length: usize,
}

impl Inside {
    /// Nothing yet, of a file of `length` bytes.
    #[must_use]
    pub(crate) fn of(length: usize) -> Self {
        Self { text: Vec::new(), origins: Vec::new(), upwards: false, length }
    }

    /// The same for lines that come in another order than they stood in.
    #[cfg(feature = "vm")]
    #[must_use]
    pub(crate) fn upwards(length: usize) -> Self {
        Self { upwards: true, ..Self::of(length) }
    }

    /// The same text with its lines in another order; `lines` are all of them.
    #[cfg(feature = "vm")]
    #[must_use]
    pub(crate) fn in_order(&self, lines: Vec<std::ops::Range<usize>>) -> Self {
        let mut text = Self::upwards(self.length);
        for line in lines {
            text.begin(self.origin(line.start));
            text.text.extend_from_slice(&self.text[line]);
            if text.text.last() != Some(&b'\n') {
                text.text.push(b'\n');
            }
        }
        text
    }

    /// Length of the file, bytes.
    #[cfg(feature = "vm")]
    #[must_use]
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Says that what is appended next stood at `origin` in the file.
    pub(crate) fn begin(&mut self, origin: usize) {
        self.origins.push((self.text.len(), origin));
    }

    /// The place in the file of a place in [`Inside::text`]. Exact for text that was not encoded; for base64, quoted-printable and
    /// escapes, the start of the line or part.
    #[must_use]
    pub fn origin(&self, offset: usize) -> usize {
        let after = self.origins.partition_point(|&(start, _)| start <= offset);
        let Some(&(start, origin)) = after.checked_sub(1).and_then(|index| self.origins.get(index)) else { return 0 };
        let next = match self.origins.get(after) {
            Some(&(_, next)) if !self.upwards => next,
            _ => usize::MAX,
        };
        (origin + (offset - start)).min(next.max(origin)).min(self.length)
    }
}
