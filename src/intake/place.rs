//! Which of the strings of a document, or of the columns of a table, are the lines of a log.

use super::nature::is_kernel_line;
use crate::line::{begins_with_stamp, is_body, lex};

/// So many strings must be lines of reports where none has a stamp: titles of bugs are none.
const BODIES: usize = 3;

/// What the strings of one place are.
#[derive(Debug, Default)]
pub(super) struct Place {
    strings: usize,
    stamped: usize,
    /// Of several lines.
    long: usize,
    /// What only reports hold.
    bodies: usize,
    /// Those that are a log by themselves, by their numbers.
    pub(super) logs: Vec<usize>,
}

impl Place {
    /// Takes up a string by its lines; whether it may be a log by itself.
    pub(super) fn add(&mut self, lines: impl Iterator<Item = impl AsRef<[u8]>>) -> bool {
        let (mut count, mut kernel) = (0, false);
        for line in lines {
            let line = line.as_ref();
            self.stamped += usize::from(count == 0 && names_kernel(line));
            self.bodies += usize::from(is_body(line));
            count += 1;
            kernel |= is_kernel_line(line);
        }
        self.strings += 1;
        self.long += usize::from(count > 1);
        count > 1 && kernel
    }

    /// Whether its strings are the lines of one log: most are one line and have the kernel's stamp, or some are of reports.
    pub(super) fn is_log(&self) -> bool {
        let is_kernels = self.stamped * 2 > self.strings || self.bodies >= BODIES;
        self.strings > 1 && is_kernels && self.long * 2 <= self.strings
    }
}

/// Whether a line says that the kernel printed it: by its stamp, or syslog does.
pub(super) fn names_kernel(line: &[u8]) -> bool {
    begins_with_stamp(line) || lex(line).tag == Some(b"kernel")
}
