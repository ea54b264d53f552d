//! The lines of one report as the structure parsers get them: prefixes stripped, one printk caller.

use crate::line::Letters;

/// One line of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The message without its prefix, `\r` and `\n`; indentation kept.
    pub text: &'a [u8],
    /// 1-based number of the line in its log.
    pub log_line: u64,
    /// Offset of the line in the (decompressed) log, bytes.
    pub offset: u64,
}

/// A line as its readers see it: with what decides at a glance which of them can want it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// As in [`Line`].
    pub(crate) text: &'a [u8],
    /// As in [`Line`].
    pub(crate) log_line: u64,
    /// What it is spelled with, and maybe more: its prefix, or the line of which it is a part.
    pub(crate) letters: Letters,
    /// Whether a careful unwinder would not have printed it.
    pub(crate) doubted: bool,
}

impl<'a> Shown<'a> {
    /// A line of which nothing more is known.
    pub(super) fn of(line: &Line<'a>) -> Self {
        Self { text: line.text, log_line: line.log_line, letters: Letters::of(line.text), doubted: false }
    }
}
