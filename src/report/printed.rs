//! One line of a printer, and what the rules for the lines of reports say of it.

use super::console::{Console, Context, is_questionable};
use super::scan::find;
use super::symbolized;
use crate::grammar::Output;
use crate::line::Letters;
use std::borrow::Cow;
use std::ops::Range;

/// One line that belongs to a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLine<'a> {
    /// The message, without prefix and line break.
    pub text: Cow<'a, [u8]>,
    /// Its printk stamp between the brackets, if it has one.
    pub stamp: Option<&'a [u8]>,
    /// Offset of the line in the window, bytes.
    pub offset: usize,
    /// How many lines below the report's first line.
    pub below: usize,
    /// What the message is spelled with.
    pub(crate) letters: Letters,
}

/// One line, and what the rules for the lines of reports say of it.
#[derive(Debug, Clone)]
pub(super) struct Printed<'a> {
    /// The line; it is so many lines below the one at which its printer was first asked for.
    pub(super) line: KeptLine<'a>,
    /// Offset of its end, line break excluded.
    pub(super) end: usize,
    /// Whether a careful unwinder would not have printed it (`? func`).
    pub(super) doubted: bool,
    /// Whether it ends long reports.
    pub(super) ends: bool,
    /// Whether it is of no interest.
    pub(super) noise: bool,
    /// Whether other CPUs are asked to print their stacks.
    pub(super) sent: bool,
}

impl Printed<'_> {
    /// Where the line below begins, and its number.
    pub(super) fn next(&self) -> (usize, usize) {
        (self.end + 1, self.line.below + 1)
    }
}

impl<'a> KeptLine<'a> {
    /// The line as one counts from the line with number `first`.
    pub(super) fn counted_from(&self, first: usize) -> Self {
        Self { below: self.below - first, ..self.clone() }
    }
}

/// What asks other CPUs for their stacks.
const OTHERS: &str = "Sending NMI from CPU";
/// A carriage return.
const RETURN: Letters = Letters::of(b"\r");
/// What a line holds that a careful unwinder would not have printed.
const DOUBTS: [Letters; 2] = [Letters::of(b"?"), Letters::of(b"(unreliable)")];

/// Whether other CPUs are asked for their stacks.
pub(super) fn asks_others(line: &KeptLine<'_>) -> bool {
    const SPELLED: Letters = Letters::of(OTHERS.as_bytes());
    line.letters.may_hold(SPELLED) && find(&line.text, OTHERS).is_some()
}

/// What the rules say of the line `raw` with this prefix, whose place is `span`; so many lines are above it.
pub(super) fn printed<'a>(
    output: &Output,
    prefix: &Console<'a>,
    raw: &'a [u8],
    span: Range<usize>,
    below: usize,
) -> Printed<'a> {
    let message = raw.get(prefix.message..).unwrap_or_default();
    let letters = Letters::of(message);
    let text = if letters.may_hold(RETURN) { without_returns(message) } else { Cow::Borrowed(message) };
    let doubted = prefix.context != Context::Unknown && is_doubted(&text, letters);
    let (ends, noise) = (output.ends.is_match_in(&text, letters), output.noise.is_match_in(&text, letters));
    let line = KeptLine { text, stamp: prefix.stamp, offset: span.start, below, letters };
    let sent = asks_others(&line);
    Printed { line, end: span.end, doubted, ends, noise, sent }
}

/// Whether a line is a frame that a careful unwinder would not have printed.
pub(crate) fn is_doubted(text: &[u8], letters: Letters) -> bool {
    DOUBTS.into_iter().any(|doubt| letters.may_hold(doubt))
        && (is_questionable(text) || symbolized::is_questionable_frame(text))
}

/// A line without the carriage returns at its ends.
pub(super) fn trim_returns(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\r").unwrap_or(line);
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
    &line[..end]
}

fn without_returns(line: &[u8]) -> Cow<'_, [u8]> {
    let line = trim_returns(line);
    if memchr::memchr(b'\r', line).is_some() {
        Cow::Owned(line.iter().copied().filter(|byte| *byte != b'\r').collect())
    } else {
        Cow::Borrowed(line)
    }
}
