//! Kernels that are not Linux, which begin what they say as Linux does.

use super::beside::{Header, lines_below};
use super::find;
use super::landmarks::is_body;
use super::{Prefix, lex};

/// What the BSDs begin so, too.
const HEADERS: [&str; 3] = ["panic:", "WARNING:", "INFO:"];
/// What the BSDs say below a panic, within so many lines.
const BELOW: [&str; 4] = ["cpuid = ", "KDB: ", "Begin traceback", "Stopped at "];
const NEXT: usize = 3;
/// What they say when they boot.
const BANNERS: [&str; 5] = [
    "The FreeBSD Project.",
    "The NetBSD Foundation, Inc.",
    "The DragonFly Project.",
    "OpenBSD. All rights reserved.",
    "OpenBSD.org",
];
const LINUX: &[u8] = b"Linux version ";
/// So far above a line is looked for who boots, bytes.
const REACH: usize = 128 << 10;

/// Whether another kernel than Linux wrote the line: it goes on as theirs do, or the last one that booted above is another. None but
/// Linux says who calls printk, as the `prefix` of the line may.
pub(super) fn is_of_other_kernel(line: &Header<'_>, prefix: &Prefix<'_>) -> bool {
    if !HEADERS.contains(&line.header) || prefix.caller.is_some() {
        return false;
    }
    let says = |below: &[u8]| BELOW.iter().any(|words| find(below, words).is_some());
    if line.header == "panic:" && lines_below(line).take(NEXT).any(says) {
        return true;
    }
    let goes_on = lines_below(line).next().is_some_and(|below| is_body(lex(below).text(below)));
    !goes_on && other_booted(&line.text[line.start.saturating_sub(REACH)..line.start])
}

fn other_booted(above: &[u8]) -> bool {
    // Looking from the end takes ten times as long, and next to no log holds any of them.
    if BANNERS.iter().all(|words| find(above, words).is_none()) {
        return false;
    }
    let last = |words: &[u8]| memchr::memmem::rfind(above, words);
    let other = BANNERS.iter().filter_map(|words| last(words.as_bytes())).max();
    other > last(LINUX)
}
