//! A writer for terminals: what a log's lines would make a terminal do is made visible.

use crate::render::safe;
use std::io::{self, Write};

/// Passes lines on when they are whole, each made harmless.
pub(super) struct Harmless<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn pass(&mut self, end: &[u8]) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(safe(&String::from_utf8_lossy(&line)).as_bytes())?;
        self.out.write_all(end)
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        /// A line longer than this goes out in pieces.
        const LONGEST: usize = 64 << 10;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(rest) => {
                    // The carriage return of a serial console does nothing before a line's end.
                    self.line.extend_from_slice(rest.strip_suffix(b"\r").unwrap_or(rest));
                    self.pass(b"\n")?;
                }
                None => self.line.extend_from_slice(piece),
            }
            if self.line.len() > LONGEST {
                self.pass(b"")?;
            }
        }
        Ok(bytes.len())
    }

    /// What is known of a line stays until the line is whole: an escape may come in two pieces.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Drop for Harmless<W> {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            let _ = self.pass(b"");
        }
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_text_is_text() {
        let mut shown = Vec::new();
        {
            let mut out = Harmless::new(&mut shown);
            for piece in ["plain\r\n\u{1b}[3", "1mred\u{7}\nwidget_put (core.c:7)", "\u{202e}"] {
                out.write_all(piece.as_bytes()).expect("memory");
            }
        }
        let shown = String::from_utf8(shown).expect("text");
        assert_eq!(shown, "plain\n\\u{1b}[31mred\\u{7}\nwidget_put (core.c:7)\\u{202e}");
    }
}
