//! Who wrote a line that looks like the beginning of a report: the kernel, firmware, another program, a person.

use super::before::{
    ends_in_place, follows_words, has_loaders_stamp, is_assigned, is_comment, is_expected, is_framed, is_inside_word,
    is_label, is_numbered, is_of_tool, is_on_the_wall, is_outcome, is_quoted, is_reference, is_string, is_tagged,
};
use super::beside::{
    EVIDENCE, Header, follows_report, follows_unstamped_report, heads, is_among_sentences, is_first_line, is_full,
    is_headline, is_patched, is_relayed, is_said_again, kernel_begins_below, kernel_stamps, lines_below, stands_again,
};
use super::code::{is_among_code, is_format, is_program_text};
use super::dressing::{Dressing, stamp_at};
use super::heading::{ends_as_page, names_it, stands_above};
use super::landmarks::{CUT_HERE, is_body};
use super::mention::{is_mentioned, is_title, names_no_task};
use super::other_kernel::is_of_other_kernel;
use super::{Prefix, Wrapper, boot_mark, find, lex, plain, unwrap};
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

/// What Itanium's kernel says of a task whose name and number it puts in front, as programs do with their own.
const OF_A_TASK: &str = "NaT consumption ";
/// So many lines that follow a header directly and have a stamp are looked at.
const NEXT: usize = 4;

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
    // Where all lines are outcomes, what they share is taken for a prefix.
    if is_outcome(raw) || is_of_other_kernel(line, &prefix) {
        return Speaker::Program;
    }
    if stamp.is_some() && stands_again(line) {
        return if line.prose { Speaker::Person } else { Speaker::Program };
    }
    let shown = bare(raw, dressing);
    // Colours that a terminal's log kept behind a prefix are no letters of a word.
    let shown = match plain(&shown) {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(_) => shown,
    };
    let Some(at) = place_of(&shown, line.header) else {
        // What stands before the stamp, behind other words, is the rest of a program's line, which wrote to the same console.
        let before = stamp.and_then(|stamp| raw[..stamp].get(..find(&raw[..stamp], line.header)?));
        if prefix.wrapper == Wrapper::None && before.is_some_and(|before| !before.trim_ascii().is_empty()) {
            return Speaker::Program;
        }
        // A word that the lines around have, too, is the level of the message.
        return if dressing.is_some_and(Dressing::takes_levels) { Speaker::Program } else { Speaker::Kernel };
    };
    let asked = Asked { line, dressing, raw, stamp, prefix, shown: &shown, at };
    asked.by_words_before().or_else(|| asked.by_words_around()).unwrap_or_else(|| asked.by_lines_around())
}

/// Where a header stands: where it is a word, rather than within one (`DEBUG: [   12.3] BUG: …`).
fn place_of(shown: &[u8], header: &str) -> Option<usize> {
    let first = find(shown, header)?;
    if !is_inside_word(shown, first, header) {
        return Some(first);
    }
    let mut further = memchr::memmem::find_iter(&shown[first + 1..], header).map(|at| first + 1 + at);
    further.find(|at| !is_inside_word(shown, *at, header)).or(Some(first))
}

/// A line as its message shows it.
fn bare<'a>(line: &'a [u8], dressing: Option<&Dressing>) -> Cow<'a, [u8]> {
    dressing.map_or_else(|| unwrap(line), |dressing| dressing.bare(line).0)
}

/// Whether a line, as it is shown, is one of a report's body.
fn is_own(line: &[u8]) -> bool {
    is_body(lex(line).text(line))
}

/// A line that holds a header, and what is known of it.
struct Asked<'a> {
    line: &'a Header<'a>,
    dressing: Option<&'a Dressing>,
    raw: &'a [u8],
    /// Where its stamp begins, bytes.
    stamp: Option<usize>,
    prefix: Prefix<'a>,
    /// Without what stands around it.
    shown: &'a [u8],
    /// Where the header begins in it, bytes.
    at: usize,
}

impl Asked<'_> {
    /// What stands before the header.
    fn before(&self) -> &[u8] {
        &self.shown[..self.at]
    }

    /// What stands behind it.
    fn rest(&self) -> &[u8] {
        &self.shown[self.at + self.line.header.len()..]
    }

    /// The next lines that are not empty.
    fn below(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        lines_below(self.line).map(|below| bare(below, self.dressing)).take(EVIDENCE)
    }

    /// Whether the next line goes on with a report.
    fn goes_on_below(&self) -> bool {
        self.below().next().is_some_and(|below| is_own(&below))
    }

    /// Whether the next line belongs to the report that this one begins.
    fn belongs(&self) -> bool {
        self.below().next().is_some_and(|below| is_own(&below) && find(&below, CUT_HERE).is_none())
    }

    /// The same below a title, whose own rest may be a function with its place.
    fn belongs_to_title(&self) -> bool {
        self.belongs() && (!names_it(self.before()) || self.below().nth(1).is_some_and(|below| is_own(&below)))
    }

    /// Whether it is all that is known of the log.
    fn is_alone(&self) -> bool {
        self.line.start == 0 && self.line.end == self.line.text.len()
    }

    /// Whether nothing around the line says that the kernel wrote it.
    fn is_unmarked(&self) -> bool {
        self.stamp.is_none() && self.prefix.wrapper == Wrapper::None
    }

    /// A person in a text of people, else a program.
    fn person_or_program(&self) -> Speaker {
        if self.line.prose { Speaker::Person } else { Speaker::Program }
    }

    /// Who it was by the words right before the header: somebody's name, a part of a word.
    fn by_words_before(&self) -> Option<Speaker> {
        let (line, before) = (self.line, self.before());
        if is_on_the_wall(before) {
            return Some(Speaker::Kernel);
        }
        let behind_stamp =
            stamp_at(before).and_then(|stamp| memchr::memchr(b']', &before[stamp..]).map(|end| stamp + end));
        let words = &before[behind_stamp.map_or(0, |end| end + 1)..];
        if is_expected(words) || is_framed(words) {
            return Some(Speaker::Program);
        }
        let heads = || self.stamp.is_none() && heads(line, &self.shown[self.at..], self.dressing);
        if line.prose && (is_patched(line) || heads()) {
            return Some(Speaker::Person);
        }
        if line.header != OF_A_TASK && is_tagged(words) || is_numbered(words) || is_assigned(before) {
            return Some(Speaker::Program);
        }
        if has_loaders_stamp(self.raw) {
            return Some(Speaker::Firmware);
        }
        is_inside_word(self.shown, self.at, line.header).then(|| self.person_or_program())
    }

    /// Who it was by what is said of a crash in a table, a title, a sentence or the text of a program.
    fn by_words_around(&self) -> Option<Speaker> {
        let (line, before, said) = (self.line, self.before(), &self.shown[self.at..]);
        // `crash`, abrt and apport show what the kernel said; its log may be there, too.
        if self.stamp.is_none() && is_label(before) {
            let again = is_said_again(line, said) || names_it(before) && stands_above(lines_below(line));
            return Some(if again { Speaker::Program } else { Speaker::Kernel });
        }
        let titled = || {
            names_it(before)
                || ends_as_page(self.rest())
                || line.prose && is_reference(before)
                || before.is_empty() && is_headline(line, said)
        };
        if !self.is_alone() && self.is_unmarked() && titled() && !self.belongs_to_title() {
            return Some(Speaker::Person);
        }
        // A stamp may be a part of a program's text, too.
        let is_text = is_program_text(self.stamp.map_or(before, |at| &self.raw[..at]));
        let in_code = || is_format(before, self.rest()) || is_among_code(line.text, line.start, line.end, is_text);
        if self.stamp.is_some_and(|at| at > 0) && is_text && in_code() {
            return Some(Speaker::Program);
        }
        (self.is_unmarked() && (self.is_told() || in_code())).then(|| self.person_or_program())
    }

    /// Whether somebody tells of a crash: who writes a letter says "I get the following BUG:"; the kernel begins with what it has to say, and
    /// then says it.
    fn is_told(&self) -> bool {
        let (line, before, rest) = (self.line, self.before(), self.rest());
        let nothing_else = line.header.ends_with(':') && rest.trim_ascii().is_empty();
        let says_nothing = nothing_else && before.ends_with(b" ");
        let opens = || landmark(&[line.header.as_bytes(), b" "].concat()).is_some();
        let mentioned = line.prose && (before.contains(&b'"') || is_mentioned(line.header, rest));
        // What a program left unfinished on the console stands before the kernel's line, too; a report follows it, or what follows is
        // not known yet.
        let goes_on = || self.is_alone() || is_body(rest) || self.goes_on_below();
        mentioned
            || !self.is_alone() && is_title(line.header, rest, line.prose) && !self.belongs()
            || !line.prose && !before.trim_ascii().is_empty() && is_mentioned(line.header, rest)
            || names_no_task(line.header, rest) && !self.goes_on_below()
            || ends_in_place(before)
            || is_comment(before)
            || is_quoted(before, rest)
            || is_among_sentences(line, rest)
            || says_nothing && follows_words(before)
            || (says_nothing
                || nothing_else && before.is_empty() && self.below().next().is_some()
                || follows_words(before) && opens()
                || is_string(before, rest)
                || is_of_tool(line.header, before))
                && (line.prose || !goes_on())
    }

    /// Who it was by what stands around its message and around those of the lines beside it.
    fn by_lines_around(&self) -> Speaker {
        // Only dmesg writes levels of the kernel so, however far in somebody set the lines.
        let decoded = || lex(self.raw.trim_ascii_start()).wrapper == Wrapper::DmesgDecoded;
        let named = self.prefix.tag == Some(b"kernel") || decoded();
        if self.stamp.is_none()
            && decoded()
            && kernel_stamps(self.line)
            && is_said_again(self.line, &self.shown[self.at..])
        {
            return Speaker::Program;
        }
        if self.stamp.is_some() || self.line.programs || named {
            return Speaker::Kernel;
        }
        if self.dressing.is_none_or(Dressing::first_fits) {
            return self.by_report_below();
        }
        // A prefix of its own, but not the kernel's tag that the others have.
        if self.dressing.is_some_and(Dressing::is_tagged) && self.prefix.wrapper != Wrapper::None {
            return Speaker::Program;
        }
        if self.is_among_stamped() {
            return self.by_stamped_lines();
        }
        if self.below().any(|below| is_own(&below)) { Speaker::Kernel } else { Speaker::Person }
    }

    /// Whether the lines around have stamps.
    fn is_among_stamped(&self) -> bool {
        self.dressing.is_some_and(Dressing::is_stamped)
    }

    /// Who wrote a line that looks as those around it do: the kernel, if it belongs to a report.
    fn by_report_below(&self) -> Speaker {
        let (line, rest) = (self.line, self.rest());
        // `WARNING: … at a/b.c:12 f+0x1/0x2` by itself is nobody's sentence.
        let whole = self.before().is_empty() && is_body(rest) && (!line.prose || rest.iter().any(u8::is_ascii_digit));
        // What people write of one crash does not vouch for what they write of another, unless it is the next line.
        let next = line.text[line.end..].split(|byte| *byte == b'\n').nth(1).is_some_and(|next| is_full(&next));
        let vouches = |(at, below): (usize, Cow<'_, [u8]>)| {
            is_own(&below) && !(line.prose && (at > 0 || !next) && is_first_line(&below))
        };
        if self.is_among_stamped() || whole || self.below().enumerate().any(vouches) || follows_report(line) {
            return Speaker::Kernel;
        }
        // A kernel that stamps its lines below did not write one without a stamp above.
        match kernel_begins_below(line) {
            true => Speaker::Firmware,
            false if line.prose => Speaker::Person,
            false if is_programs_word(line.header) && kernel_stamps(line) => Speaker::Program,
            false => Speaker::Kernel,
        }
    }

    /// Who wrote a line without a stamp among lines that have one.
    fn by_stamped_lines(&self) -> Speaker {
        let line = self.line;
        if follows_unstamped_report(line) {
            return Speaker::Kernel;
        }
        // The report goes on with the lines that have a stamp, if this is its header.
        // Two CPUs may have written the first line of theirs, both without.
        let same = |below: &[u8]| stamp_at(below).is_none() && find(below, line.header).is_some();
        let stamped = self.below().skip_while(|below| same(below)).take_while(|below| stamp_at(below).is_some());
        match stamped.take(NEXT).find(|below| boot_mark(below).is_some() || is_own(below)) {
            Some(below) if boot_mark(&below).is_none() => Speaker::Kernel,
            _ if kernel_begins_below(line) => Speaker::Firmware,
            _ => Speaker::Program,
        }
    }
}

/// Whether programs, too, begin their messages so.
fn is_programs_word(header: &str) -> bool {
    header.len() > 1
        && header.ends_with(':')
        && header[..header.len() - 1].bytes().all(|byte| byte.is_ascii_uppercase())
}
