//! Who wrote a line that looks like the beginning of a report: the kernel, firmware, another program, a person.

use super::code::{is_among_code, is_format, is_program_text};
use super::dressing::{Dressing, stamp_at};
use super::heading::{ends_as_page, names_it, stands_above};
use super::landmarks::{CUT_HERE, LAST_WORDS, is_body};
use super::{Wrapper, boot_mark, find, lex, plain, unwrap};
use crate::input::landmark;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The kernel.
    #[default]
    Kernel,
    /// A boot loader or firmware, before the kernel begins.
    Firmware,
    /// Another program: a syslog tag of its own, or no time stamp among lines of the kernel that have one.
    Program,
    /// A person: the prose, tables and signatures of a mail.
    Person,
}

impl Speaker {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Firmware => "firmware",
            Self::Program => "program",
            Self::Person => "person",
        }
    }
}

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

/// What Itanium's kernel says of a task whose name and number it puts in front, as programs do with their own.
const OF_A_TASK: &str = "NaT consumption ";

/// How many lines below an unstamped header are searched for what only reports hold.
const EVIDENCE: usize = 8;
/// So many of them must a program have passed on.
const RELAYED: usize = 3;
/// And how many of those that follow it directly and have a stamp.
const NEXT: usize = 4;
/// The first stamps of a kernel are below this, seconds.
const EARLY: f64 = 2.0;
/// How far below is looked for the kernel's first line, bytes.
const BOOT_REACH: usize = 64 << 10;

/// Who wrote the line; `dressing` is that of the lines around it.
///
/// The kernel, unless something says otherwise: a syslog tag of somebody else, `name[pid]: ` before the header, the header
/// inside a longer word, words of a sentence before it and no report behind, no stamp where the lines around have one and no line of
/// a report below, or prose.
#[must_use]
pub fn speaker(line: &Header<'_>, dressing: Option<&Dressing>) -> Speaker {
    let raw = &line.text[line.start..line.end];
    let stamp = stamp_at(raw);
    let prefix = lex(raw);
    if prefix.is_foreign() && stamp.is_none() {
        return if is_relayed(line, prefix.tag) { Speaker::Kernel } else { Speaker::Program };
    }
    let shown = dressing.map_or_else(|| unwrap(raw), |dressing| dressing.bare(raw).0);
    // Colours that a terminal's log kept behind a prefix are no letters of a word.
    let shown = match plain(&shown) {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(_) => shown,
    };
    let Some(at) = find(&shown, line.header) else {
        // A word that the lines around have, too, is the level of the message.
        return if dressing.is_some_and(Dressing::takes_levels) { Speaker::Program } else { Speaker::Kernel };
    };
    let (before, rest) = (&shown[..at], &shown[at + line.header.len()..]);
    let behind_stamp = stamp_at(before).and_then(|stamp| memchr::memchr(b']', &before[stamp..]).map(|end| stamp + end));
    if is_on_the_wall(before) {
        return Speaker::Kernel;
    }
    let words = &before[behind_stamp.map_or(0, |end| end + 1)..];
    if is_expected(words) {
        return Speaker::Program;
    }
    if line.prose && (is_patched(line) || stamp.is_none() && heads(line, &shown[at..], dressing)) {
        return Speaker::Person;
    }
    if line.header != OF_A_TASK && is_tagged(words) || is_numbered(words) || is_assigned(before) {
        return Speaker::Program;
    }
    if has_loaders_stamp(raw) {
        return Speaker::Firmware;
    }
    if is_inside_word(&shown, at, line.header) {
        return if line.prose { Speaker::Person } else { Speaker::Program };
    }
    let below = || {
        line.text[line.end..]
            .split(|byte| *byte == b'\n')
            .skip(1)
            .filter(|below| !below.trim_ascii().is_empty())
            .map(|below| dressing.map_or_else(|| unwrap(below), |dressing| dressing.bare(below).0))
            .take(EVIDENCE)
    };
    let is_own = |below: &[u8]| is_body(lex(below).text(below));
    // Who writes a letter says "I get the following BUG:"; the kernel begins with what it has to say, and then says it.
    let says_nothing = before.ends_with(b" ") && line.header.ends_with(':') && rest.trim_ascii().is_empty();
    let opens = || landmark(&[line.header.as_bytes(), b" "].concat()).is_some();
    let mentioned = line.prose && (before.contains(&b'"') || is_mentioned(line.header, rest));
    // What a program left unfinished on the console stands before the kernel's line, too; a report follows it, or what follows is
    // not known yet.
    let alone = line.start == 0 && line.end == line.text.len();
    let goes_on = || alone || is_body(rest) || below().next().is_some_and(|below| is_own(&below));
    // `crash`, abrt and apport show what the kernel said; its log may be there, too.
    if stamp.is_none() && is_label(before) {
        let again = is_said_again(line, &shown[at..]) || names_it(before) && stands_above(lines_below(line));
        return if again { Speaker::Program } else { Speaker::Kernel };
    }
    let belongs = || below().next().is_some_and(|below| is_own(&below) && find(&below, CUT_HERE).is_none());
    let titled = || names_it(before) || ends_as_page(rest) || before.is_empty() && is_headline(line, &shown[at..]);
    if !alone && stamp.is_none() && prefix.wrapper == Wrapper::None && titled() && !belongs() {
        return Speaker::Person;
    }
    let told = mentioned
        || !alone && is_title(line.header, rest, line.prose) && !belongs()
        || !line.prose && !before.trim_ascii().is_empty() && is_mentioned(line.header, rest)
        || names_no_task(line.header, rest) && !below().next().is_some_and(|below| is_own(&below))
        || ends_in_place(before)
        || is_comment(before)
        || is_quoted(before, rest)
        || is_among_sentences(line, rest)
        || (says_nothing
            || follows_words(before) && opens()
            || is_string(before, rest)
            || is_of_tool(line.header, before))
            && (line.prose || !goes_on());
    // A stamp may be a part of a program's text, too.
    let is_text = is_program_text(stamp.map_or(before, |at| &raw[..at]));
    let in_code = || is_format(before, rest) || is_among_code(line.text, line.start, line.end, is_text);
    if stamp.is_some_and(|at| at > 0) && is_text && in_code() {
        return Speaker::Program;
    }
    if stamp.is_none() && prefix.wrapper == Wrapper::None && (told || in_code()) {
        return if line.prose { Speaker::Person } else { Speaker::Program };
    }
    let named = prefix.tag == Some(b"kernel") || prefix.wrapper == Wrapper::DmesgDecoded;
    if stamp.is_some() || line.programs || named {
        return Speaker::Kernel;
    }
    let stamped = dressing.is_some_and(Dressing::is_stamped);
    if dressing.is_none_or(Dressing::first_fits) {
        // `WARNING: … at a/b.c:12 f+0x1/0x2` by itself is nobody's sentence.
        let whole = before.is_empty() && is_body(rest) && (!line.prose || rest.iter().any(u8::is_ascii_digit));
        // What people write of one crash does not vouch for what they write of another, unless it is the next line.
        let next = line.text[line.end..].split(|byte| *byte == b'\n').nth(1).is_some_and(|next| is_full(&next));
        let vouches = |(at, below): (usize, Cow<'_, [u8]>)| {
            is_own(&below) && !(line.prose && (at > 0 || !next) && is_first_line(&below))
        };
        if stamped || whole || below().enumerate().any(vouches) || follows_report(line) {
            return Speaker::Kernel;
        }
        // A kernel that stamps its lines below did not write one without a stamp above.
        return match kernel_begins_below(line) {
            true => Speaker::Firmware,
            false if line.prose => Speaker::Person,
            false if is_programs_word(line.header) && kernel_stamps(line) => Speaker::Program,
            false => Speaker::Kernel,
        };
    }
    // A prefix of its own, but not the kernel's tag that the others have.
    if dressing.is_some_and(Dressing::is_tagged) && lex(raw).wrapper != Wrapper::None {
        return Speaker::Program;
    }
    if stamped {
        if follows_unstamped_report(line) {
            return Speaker::Kernel;
        }
        // The report goes on with the lines that have a stamp, if this is its header.
        // Two CPUs may have written the first line of theirs, both without.
        let same = |below: &[u8]| stamp_at(below).is_none() && find(below, line.header).is_some();
        let mut next = below().skip_while(|below| same(below)).take_while(|below| stamp_at(below).is_some()).take(NEXT);
        return match next.find(|below| boot_mark(below).is_some() || is_own(below)) {
            Some(below) if boot_mark(&below).is_none() => Speaker::Kernel,
            _ if kernel_begins_below(line) => Speaker::Firmware,
            _ => Speaker::Program,
        };
    }
    if below().any(|below| is_own(&below)) { Speaker::Kernel } else { Speaker::Person }
}

/// How reports begin of which people write.
const FIRST: [&[u8]; 4] = [b"Kernel panic", b"BUG: ", b"INFO: ", b"WARNING: "];

/// Whether a line begins a report.
fn is_first_line(line: &[u8]) -> bool {
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
fn is_full(line: &&[u8]) -> bool {
    !line.trim_ascii().is_empty()
}

/// Whether a line of the kernel's is one for sure.
fn is_kernels(line: &[u8]) -> bool {
    let line = unwrap(line);
    stamp_at(&line).is_some() || lex(&line).tag == Some(b"kernel") || is_body(lex(&line).text(&line))
}

/// So many lines on each side of one are looked at for sentences, and so many in all must be some.
const BESIDE: usize = 2;
const SENTENCES: usize = 2;
/// A sentence that somebody wrote has so many words in a line, and hardly one of so many is not plain.
const WORDY: usize = 6;
const PLAIN: usize = 5;

/// Whether the line stands in a text that somebody wrote: a manual that warns.
fn is_among_sentences(line: &Header<'_>, rest: &[u8]) -> bool {
    if !PROGRAMS.contains(&line.header) || is_body(rest) {
        return false;
    }
    let above = || line.text[..line.start].rsplit(|byte| *byte == b'\n').filter(is_full).take(BESIDE);
    let below = |most| lines_below(line).take(most);
    let written = above().chain(below(BESIDE)).filter(|near| is_written(near)).count();
    // Lockdep speaks in sentences, too, and then shows the task.
    written >= SENTENCES && !above().chain(below(EVIDENCE)).any(is_kernels)
}

/// Whether a line is a part of a sentence: plain words, with what stands behind words.
fn is_written(line: &[u8]) -> bool {
    let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let plain = |word: &&[u8]| {
        let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
        word.iter().all(u8::is_ascii_lowercase)
    };
    let count = words().count();
    count >= WORDY && (count - words().filter(plain).count()) * PLAIN <= count
}

/// Whether nothing near a line without a stamp is a kernel's, and programs, too, begin their messages so: `WARNING: font not found`.
#[must_use]
pub fn speaks_alone(line: &Header<'_>) -> bool {
    let below = || lines_below(line).take(EVIDENCE);
    let above = || line.text[..line.start].rsplit(|byte| *byte == b'\n').filter(is_full).take(EVIDENCE);
    let raw = &line.text[line.start..line.end];
    // A driver says first who it is.
    let first = find(raw, line.header).is_some_and(|at| !raw[..at].iter().any(u8::is_ascii_alphanumeric));
    PROGRAMS.contains(&line.header) && first && !is_kernels(raw) && !above().chain(below()).any(is_kernels)
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

/// The lines below that are not empty.
fn lines_below<'a>(line: &Header<'a>) -> impl Iterator<Item = &'a [u8]> {
    line.text[line.end..].split(|byte| *byte == b'\n').skip(1).filter(is_full)
}

/// Whether a text begins with a line that is its title: it stands apart, and is said again below.
fn is_headline(line: &Header<'_>, said: &[u8]) -> bool {
    let below = &line.text[line.end..];
    let apart = below.split(|byte| *byte == b'\n').nth(1).is_some_and(|next| next.trim_ascii().is_empty());
    apart && line.text[..line.start].trim_ascii().is_empty() && is_said_again(line, said)
}

/// So many plain words directly before a header are a sentence.
const SENTENCE: usize = 2;
/// And so many anywhere before it.
const LONG_SENTENCE: usize = 4;
/// So far above a line is looked for what only reports hold, lines that are not empty.
const ABOVE: usize = 3;
/// So many lines with a stamp above show that the kernel stamps its lines.
const STAMPED: usize = 8;

/// Headers that people use as words of their sentences, and with what the kernel goes on behind them.
const WORDS: [(&str, &[&str]); 4] = [
    ("kernel BUG", &[" at ", " in "]),
    ("Kernel BUG", &[" at ", " in "]),
    ("Kernel panic", &[" - ", ": "]),
    ("general protection fault", &[": ", ", ", " in "]),
];

/// Whether somebody only speaks of such a thing: `the kernel BUG from dmesg:`.
fn is_mentioned(header: &str, rest: &[u8]) -> bool {
    let known = WORDS.iter().find(|(word, _)| *word == header);
    known.is_some_and(|(_, goes_on)| !goes_on.iter().any(|start| rest.starts_with(start.as_bytes())))
}

/// Whether it is what people call a hung task: the kernel names the one that it means, with its number.
fn names_no_task(header: &str, rest: &[u8]) -> bool {
    let Some(task) = rest.strip_prefix(b" task ").filter(|_| header == "INFO:") else { return false };
    let Some(at) = find(task, "blocked for more than") else { return false };
    let task = task[..at].trim_ascii_end();
    let number = task.len() - task.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    number == task.len() || !task[..number].ends_with(b":")
}

/// What the kernel never goes on with, but titles of its reports do: it names the address or the place, not the function.
const TITLES: [(&str, &[&str]); 3] = [
    (
        "BUG:",
        &[
            " unable to handle kernel NULL pointer dereference in ",
            " unable to handle kernel paging request in ",
            " soft lockup in ",
        ],
    ),
    ("general protection fault", &[" in "]),
    ("kernel BUG", &[" in "]),
];

/// Whether it is the title that such a report gets; in a letter, any that ends with the name of a function, `WARNING: refcount bug in
/// widget_put (2)`: the kernel mostly says the offset, too.
fn is_title(header: &str, rest: &[u8], prose: bool) -> bool {
    let known = TITLES.iter().find(|(word, _)| *word == header);
    let starts = |words: &[&str]| words.iter().any(|words| find(rest, words).is_some());
    known.is_some_and(|(_, words)| starts(words)) || prose && ends_in_name(rest)
}

/// Whether the last words are `in widget_put`, but for the number that tells bugs of one title apart.
fn ends_in_name(rest: &[u8]) -> bool {
    let mut words = rest.split(|byte| *byte == b' ').rev().filter(|word| !word.is_empty());
    let is_number = |word: &&[u8]| {
        word.strip_prefix(b"(")
            .and_then(|word| word.strip_suffix(b")"))
            .is_some_and(|word| word.iter().all(u8::is_ascii_digit))
    };
    let last = words.next().and_then(|word| if is_number(&word) { words.next() } else { Some(word) });
    let is_name = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte));
    last.is_some_and(is_name) && words.next() == Some(b"in")
}

/// Whether a test of the kernel says what it is about to provoke: `### dt-test ### EXPECT \\ : WARNING: <<all>>`.
fn is_expected(before: &[u8]) -> bool {
    find(before, " ### EXPECT ").is_some()
}

/// How many lines above a line of a patch its hunk may begin.
const HUNK: usize = 400;

/// Whether it is a line of a patch in a letter: a comment that quotes a report, a log that is added to a text.
fn is_patched(line: &Header<'_>) -> bool {
    if !matches!(line.text.get(line.start), Some(b'+' | b'-')) {
        return false;
    }
    let above = line.text[..line.start].strip_suffix(b"\n").unwrap_or_default();
    let inside = |line: &&[u8]| matches!(line.first(), Some(b'+' | b'-' | b' ' | b'\\') | None);
    let first = above.rsplit(|byte| *byte == b'\n').take(HUNK).find(|line| !inside(line));
    first.is_some_and(|line| line.starts_with(b"@@ -"))
}

/// Whether somebody wrote the beginning of a report's first line as a heading above it.
fn heads(line: &Header<'_>, said: &[u8], dressing: Option<&Dressing>) -> bool {
    let said = said.trim_ascii_end();
    let mut below =
        line.text[line.end..].split(|byte| *byte == b'\n').skip(1).filter(|below| !below.trim_ascii().is_empty());
    let Some(next) = below.next() else { return false };
    let next = dressing.map_or_else(|| unwrap(next), |dressing| dressing.bare(next).0);
    find(&next, line.header).is_some_and(|at| next[at..].len() > said.len() && next[at..].starts_with(said))
}

/// Whether a shell puts it into a variable: `J1="[  120.1] INFO: task a:12 blocked for more than 120 seconds."`.
fn is_assigned(before: &[u8]) -> bool {
    let Some(at) = find(before, "=\"").or_else(|| find(before, "='")) else { return false };
    let (words, quote, inside) = (before[..at].trim_ascii(), before[at + 1], &before[at + 2..]);
    let is_name =
        |word: &[u8]| !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    // `export LINE=`; what programs write as `level=info msg=` has more of them.
    words.split(|byte| *byte == b' ').all(is_name) && !inside.contains(&quote)
}

/// Whether it stands in a comment of C.
fn is_comment(before: &[u8]) -> bool {
    let words = before.trim_ascii();
    words.ends_with(b"/*") || words.starts_with(b"/*") || words.starts_with(b"//") || words == b"*"
}

/// Whether it stands in quotes behind a word, as in `grep 'BUG: soft lockup' messages`.
fn is_quoted(before: &[u8], rest: &[u8]) -> bool {
    [b'\'', b'"'].into_iter().any(|quote| {
        let opened = memchr::memrchr(quote, before).is_some_and(|at| {
            before[..at].ends_with(b" ") && !before[..at].trim_ascii().is_empty() && before[at..].get(1) != Some(&b' ')
        });
        let ends = |at: &usize| rest.get(at + 1).is_none_or(|next| !next.is_ascii_alphanumeric());
        opened && memchr::memchr_iter(quote, rest).any(|at| ends(&at))
    })
}

/// Whether a compiler names the place first: `a/b.c:12:10: fatal error: c.h: No such file`.
fn ends_in_place(before: &[u8]) -> bool {
    let Some(place) = before.strip_suffix(b": ") else { return false };
    let mut parts = place.rsplit(|byte| *byte == b':');
    let number = parts.next().is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    number && place.contains(&b'.') && !place.contains(&b' ')
}

/// Whether a tool names itself first: `gfortran: Internal error: Killed`. The kernel begins with these words.
fn is_of_tool(header: &str, before: &[u8]) -> bool {
    let name = before.strip_suffix(b": ").unwrap_or_default();
    header == "Internal error:" && !name.is_empty() && !name.contains(&b' ')
}

/// Whether it is all of a string in the text of a program: `pr_err("BUG: soft lockup - CPU#%d",`.
fn is_string(before: &[u8], rest: &[u8]) -> bool {
    let Some(quote) = before.last().copied().filter(|last| matches!(last, b'"' | b'\'')) else { return false };
    let rest = rest.trim_ascii_end();
    memchr::memrchr(quote, rest).is_some_and(|end| rest[end + 1..].iter().all(|byte| b",;)]} ".contains(byte)))
}

/// Whether words of a sentence stand before the header.
fn follows_words(before: &[u8]) -> bool {
    let plain = |word: &&[u8]| word.iter().all(u8::is_ascii_lowercase);
    let words = || before.rsplit(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let labelled = words().any(|word| word.ends_with(b":"));
    words().take(SENTENCE).filter(plain).count() == SENTENCE
        || (!labelled && words().filter(plain).count() >= LONG_SENTENCE)
}

/// Whether the lines directly above are a report's: `Kernel panic` mostly is the last line of one.
fn follows_report(line: &Header<'_>) -> bool {
    let above = line.text[..line.start].trim_ascii_end().rsplit(|byte| *byte == b'\n');
    let mut near = above.filter(|above| !above.trim_ascii().is_empty()).take(ABOVE);
    near.any(|above| is_body(lex(above).text(above)) && !(line.prose && is_first_line(above)))
}

/// Whether the line directly above is a report's without a stamp, as this one is.
fn follows_unstamped_report(line: &Header<'_>) -> bool {
    let above = line.text[..line.start].trim_ascii_end();
    let above = &above[memchr::memrchr(b'\n', above).map_or(0, |end| end + 1)..];
    stamp_at(above).is_none() && is_body(above)
}

/// Whether programs, too, begin their messages so.
fn is_programs_word(header: &str) -> bool {
    header.len() > 1
        && header.ends_with(':')
        && header[..header.len() - 1].bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether the kernel's lines above have stamps, so that one without is not its own.
fn kernel_stamps(line: &Header<'_>) -> bool {
    let above = &line.text[line.start.saturating_sub(BOOT_REACH)..line.start];
    above.split(|byte| *byte == b'\n').filter(|line| stamp_at(line) == Some(0)).nth(STAMPED - 1).is_some()
}

/// Whether a program passes on what a kernel says: the next lines are its own and belong to a report.
fn is_relayed(line: &Header<'_>, tag: Option<&[u8]>) -> bool {
    let below = line.text[line.end..].split(|byte| *byte == b'\n').skip(1).take(EVIDENCE);
    let own = below.filter(|below| lex(below).tag == tag);
    own.filter(|below| is_body(lex(below).text(below))).count() >= RELAYED
}

/// `name[123]: ` before the header, behind the last stamp.
fn is_tagged(before: &[u8]) -> bool {
    let Some(close) = memchr::memmem::rfind(before, b"]: ") else { return false };
    let Some(open) = memchr::memrchr(b'[', &before[..close]) else { return false };
    let name = before[..open].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_./()@".contains(byte));
    let digits = &before[open + 1..close];
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && name.count() > 0
}

/// Whether a program that writes into the kernel's log says who it is: `widgetd (12) `, `widgetd: (12) `.
fn is_numbered(before: &[u8]) -> bool {
    let Some(rest) = before.trim_ascii_end().strip_suffix(b")") else { return false };
    let Some(open) = memchr::memrchr(b'(', rest) else { return false };
    let digits = &rest[open + 1..];
    let name = rest[..open].strip_suffix(b" ").unwrap_or_default();
    let name = name.trim_ascii_start();
    let name = name.strip_suffix(b":").unwrap_or(name);
    !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Whether a row of a tool's table begins so: `PANIC: "`, `reason:    `, `Title: `.
fn is_label(before: &[u8]) -> bool {
    const LABELS: [&[u8]; 4] = [LAST_WORDS, b"reason:", b"Title:", b"Job error:"];
    LABELS.contains(&before.trim_ascii())
}

/// A copy is looked for of so many bytes of what was said: what follows may be cut.
const COPY: usize = 60;

/// Whether the log shows elsewhere what a tool's table shows.
fn is_said_again(line: &Header<'_>, said: &[u8]) -> bool {
    let said = said.trim_ascii_end();
    let said = said.strip_suffix(b"\"").unwrap_or(said);
    let said = &said[..said.len().min(COPY)];
    [&line.text[..line.start], &line.text[line.end..]].iter().any(|text| memchr::memmem::find(text, said).is_some())
}

/// Whether journald wrote a message of the kernel onto terminals: `kernel[1]: `.
fn is_on_the_wall(before: &[u8]) -> bool {
    let rest = before.strip_prefix(b"kernel[").unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[digits..].starts_with(b"]:")
}

/// Whether a boot loader counts the time before the line: `{ 1774917 }[ XBL ] `.
fn has_loaders_stamp(raw: &[u8]) -> bool {
    let Some(inner) = raw.strip_prefix(b"{") else { return false };
    let end = memchr::memchr(b'}', inner).unwrap_or(0);
    let digits = inner[..end].trim_ascii();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Whether the header is a part of a longer word: `TINFO:`, `dmesg.BUG:KCSAN`, `BUG:workqueue_lockup`, `Thread-1::INFO::`, `/BUG: .*/d`, `errors=panic:`.
fn is_inside_word(raw: &[u8], at: usize, header: &str) -> bool {
    let first = header.as_bytes().first().copied().unwrap_or_default();
    let before =
        raw[..at].last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'='));
    let after =
        raw.get(at + header.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    (first.is_ascii_alphanumeric() && before) || (header.ends_with(':') && after)
}

/// Whether a kernel that stamps its lines begins below, with nothing of an earlier one in between.
fn kernel_begins_below(line: &Header<'_>) -> bool {
    let below = &line.text[line.end..line.text.len().min(line.end + BOOT_REACH)];
    below
        .split(|byte| *byte == b'\n')
        .find(|line| stamp_at(line).is_some())
        .is_some_and(|line| lex(&line[stamp_at(line).unwrap_or(0)..]).time.is_some_and(|time| time < EARLY))
}
