//! The lines of one report as the structure parsers get them: prefixes stripped, one printk caller.

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
