//! A line that looks like the beginning of a report, and what the lines above and below it say of who wrote it.

use super::dressing::{Dressing, stamp_at};
use super::heading::stands_above;
use super::landmarks::is_body;
use super::mention::is_written;
use super::{find, lex, unwrap};

/// A line of which it is asked who wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The text around it.
    pub text: &'a [u8],
    /// Where it begins there, bytes.
    pub start: usize,
    /// Where it ends, line break excluded.
    pub end: usize,
    /// The text for which it was taken for a report's first line.
    pub header: &'a str,
    /// Whether programs write such lines, too, on the console of a test machine.
    pub programs: bool,
    /// Whether people write between the lines of the log.
    pub prose: bool,
}

/// How many lines below an unstamped header are searched for what only reports hold.
pub(super) const EVIDENCE: usize = 8;
/// So many of them must a program have passed on.
const RELAYED: usize = 3;
/// The first stamps of a kernel are below this, seconds.
const EARLY: f64 = 2.0;
/// How far below is looked for the kernel's first line, bytes.
const BOOT_REACH: usize = 64 << 10;
/// So far above a line is looked for what only reports hold, lines that are not empty.
const ABOVE: usize = 3;
/// So many lines with a stamp above show that the kernel stamps its lines.
const STAMPED: usize = 8;
/// So many lines on each side of one are looked at for sentences, and so many in all must be some.
const BESIDE: usize = 2;
const SENTENCES: usize = 2;

/// How reports begin of which people write.
const FIRST: [&[u8]; 4] = [b"Kernel panic", b"BUG: ", b"INFO: ", b"WARNING: "];

/// Whether a line begins a report.
pub(super) fn is_first_line(line: &[u8]) -> bool {
    let text = lex(line).text(line).trim_ascii();
    FIRST.iter().any(|first| text.starts_with(first)) && !contains_place(text)
}

/// Whether a line names a place in a function.
fn contains_place(text: &[u8]) -> bool {
    find(text, "+0x").is_some()
}

/// How programs, and people, begin what they say, too.
const PROGRAMS: [&str; 2] = ["INFO:", "WARNING:"];

/// Lines that are not empty.
pub(super) fn is_full(line: &&[u8]) -> bool {
    !line.trim_ascii().is_empty()
}

/// Whether a line of the kernel's is one for sure.
pub(super) fn is_kernels(line: &[u8]) -> bool {
    let shown = unwrap(line);
    is_marked(line) || is_body(lex(&shown).text(&shown))
}

/// Whether what stands around a line is the kernel's: its stamp, its tag, a level, a form in which only its messages are shown.
pub(super) fn is_marked(line: &[u8]) -> bool {
    let marks = |line: &[u8]| {
        let prefix = lex(line);
        let own = prefix.tag == Some(b"kernel") || prefix.level.is_some() || prefix.wrapper.is_of_kernel();
        own && !prefix.is_foreign()
    };
    // The tag goes with what stands around the line.
    let shown = unwrap(line);
    marks(line) || stamp_at(&shown).is_some() || marks(&shown)
}

/// Whether the line stands in a text that somebody wrote: a manual that warns.
pub(super) fn is_among_sentences(line: &Header<'_>, rest: &[u8]) -> bool {
    if !PROGRAMS.contains(&line.header) || is_body(rest) {
        return false;
    }
    let above = || lines_above(line).take(BESIDE);
    let below = |most| lines_below(line).take(most);
    let written = above().chain(below(BESIDE)).filter(|near| is_written(near)).count();
    // Lockdep speaks in sentences, too, and then shows the task.
    written >= SENTENCES && !above().chain(below(EVIDENCE)).any(is_kernels)
}

/// Whether nothing near a line without a stamp is a kernel's, and programs, too, begin their messages so: `WARNING: font not found`.
#[must_use]
pub fn speaks_alone(line: &Header<'_>) -> bool {
    let below = || lines_below(line).take(EVIDENCE);
    let above = || lines_above(line).take(EVIDENCE);
    let raw = &line.text[line.start..line.end];
    let Some(at) = find(raw, line.header).filter(|_| PROGRAMS.contains(&line.header)) else { return false };
    // A driver says first who it is; so do programs, in one word.
    let is_lone = || above().chain(below()).next().is_none();
    let first = !raw[..at].iter().any(u8::is_ascii_alphanumeric) || is_programs_name(&raw[..at]) && !is_lone();
    first && !is_kernels(raw) && !above().chain(below()).any(is_kernels)
}

/// Whether it is the name of a program in front of its message, `configure: `. Devices have numbers.
fn is_programs_name(before: &[u8]) -> bool {
    let name = before.trim_ascii().strip_suffix(b":").unwrap_or_default();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(byte))
}

/// Whether it is a word of caution that a mail server puts on top of a letter: a report begins below with a first line of its own.
#[must_use]
pub fn is_caution(line: &Header<'_>) -> bool {
    let raw = &line.text[line.start..line.end];
    let next = line.text[line.end..].split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
    let apart = next.trim_ascii().is_empty() || is_written(next);
    PROGRAMS.contains(&line.header)
        && find(raw, line.header) == Some(0)
        && apart
        && stands_above(lines_below(line).take(EVIDENCE))
}

/// The lines above that are not empty, the nearest first.
pub(super) fn lines_above<'a>(line: &Header<'a>) -> impl Iterator<Item = &'a [u8]> {
    line.text[..line.start].rsplit(|byte| *byte == b'\n').filter(is_full)
}

/// The lines below that are not empty.
pub(super) fn lines_below<'a>(line: &Header<'a>) -> impl Iterator<Item = &'a [u8]> {
    line.text[line.end..].split(|byte| *byte == b'\n').skip(1).filter(is_full)
}

/// Whether a text begins with a line that is its title: it stands apart, and is said again below.
pub(super) fn is_headline(line: &Header<'_>, said: &[u8]) -> bool {
    let below = &line.text[line.end..];
    let apart = below.split(|byte| *byte == b'\n').nth(1).is_some_and(|next| next.trim_ascii().is_empty());
    apart && line.text[..line.start].trim_ascii().is_empty() && is_said_again(line, said)
}

/// How many lines above a line of a patch its hunk may begin.
const HUNK: usize = 400;

/// Whether it is a line of a patch in a letter: a comment that quotes a report, a log that is added to a text.
pub(super) fn is_patched(line: &Header<'_>) -> bool {
    if !matches!(line.text.get(line.start), Some(b'+' | b'-')) {
        return false;
    }
    let above = line.text[..line.start].strip_suffix(b"\n").unwrap_or_default();
    let inside = |line: &&[u8]| matches!(line.first(), Some(b'+' | b'-' | b' ' | b'\\') | None);
    let first = above.rsplit(|byte| *byte == b'\n').take(HUNK).find(|line| !inside(line));
    first.is_some_and(|line| line.starts_with(b"@@ -"))
}

/// Whether somebody wrote the beginning of a report's first line as a heading above it.
pub(super) fn heads(line: &Header<'_>, said: &[u8], dressing: Option<&Dressing>) -> bool {
    let said = said.trim_ascii_end();
    let Some(next) = lines_below(line).next() else { return false };
    let next = dressing.map_or_else(|| unwrap(next), |dressing| dressing.bare(next).0);
    find(&next, line.header).is_some_and(|at| next[at..].len() > said.len() && next[at..].starts_with(said))
}

/// Whether the lines directly above are a report's: `Kernel panic` mostly is the last line of one.
pub(super) fn follows_report(line: &Header<'_>) -> bool {
    let above = line.text[..line.start].trim_ascii_end().rsplit(|byte| *byte == b'\n');
    let mut near = above.filter(|above| !above.trim_ascii().is_empty()).take(ABOVE);
    near.any(|above| is_body(lex(above).text(above)) && !(line.prose && is_first_line(above)))
}

/// Whether the line directly above is a report's without a stamp, as this one is.
pub(super) fn follows_unstamped_report(line: &Header<'_>) -> bool {
    let above = line.text[..line.start].trim_ascii_end();
    let above = &above[memchr::memrchr(b'\n', above).map_or(0, |end| end + 1)..];
    stamp_at(above).is_none() && is_body(above)
}

/// Whether the kernel's lines above have stamps, so that one without is not its own.
pub(super) fn kernel_stamps(line: &Header<'_>) -> bool {
    let above = &line.text[line.start.saturating_sub(BOOT_REACH)..line.start];
    above.split(|byte| *byte == b'\n').filter(|line| stamp_at(line) == Some(0)).nth(STAMPED - 1).is_some()
}

/// Whether a program passes on what a kernel says: the next lines are its own and belong to a report.
pub(super) fn is_relayed(line: &Header<'_>, tag: Option<&[u8]>) -> bool {
    let below = line.text[line.end..].split(|byte| *byte == b'\n').skip(1).take(EVIDENCE);
    let own = below.filter(|below| lex(below).tag == tag);
    own.filter(|below| is_body(lex(below).text(below))).count() >= RELAYED
}

/// A copy is looked for of so many bytes of what was said: what follows may be cut.
const COPY: usize = 60;

/// Whether the log shows elsewhere what a tool's table shows.
pub(super) fn is_said_again(line: &Header<'_>, said: &[u8]) -> bool {
    let said = said.trim_ascii_end();
    let said = said.strip_suffix(b"\"").unwrap_or(said);
    let said = &said[..said.len().min(COPY)];
    [&line.text[..line.start], &line.text[line.end..]].iter().any(|text| memchr::memmem::find(text, said).is_some())
}

/// A copy of a report's first lines has no more than so many.
const FIRST_LINES: usize = 8;

/// Whether a line with a stamp stands there once more below others, with its report below that only: somebody copied the beginning twice.
/// No two reports begin at one moment with the same words.
pub(super) fn stands_again(line: &Header<'_>) -> bool {
    let raw = line.text[line.start..line.end].trim_ascii();
    let below = line.text[line.end..].split(|byte| *byte == b'\n').skip(1).take(FIRST_LINES);
    let between = below.map(<[u8]>::trim_ascii).take_while(|below| find(below, "+0x").is_none());
    between.enumerate().find(|(_, below)| *below == raw).is_some_and(|(at, _)| at > 0)
}

/// Whether a kernel that stamps its lines begins below, with nothing of an earlier one in between.
pub(super) fn kernel_begins_below(line: &Header<'_>) -> bool {
    let below = &line.text[line.end..line.text.len().min(line.end + BOOT_REACH)];
    below
        .split(|byte| *byte == b'\n')
        .find(|line| stamp_at(line).is_some())
        .is_some_and(|line| lex(&line[stamp_at(line).unwrap_or(0)..]).time.is_some_and(|time| time < EARLY))
}
