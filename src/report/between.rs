//! Which lines between `[ cut here ]` and a warning's place are its words, where lines do not tell who printed them: others print there,
//! too.

use super::frames::frame_line;
use super::printed::KeptLine;
use super::scan::{after, find, word};
use super::sentence::is_devices;
use crate::grammar::{Grammar, List};
use crate::input::{Landmark, landmark};
use crate::line::{Letters, lex};

/// A line that stands there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between<'w> {
    /// Its message.
    pub line: &'w [u8],
    /// Its stamp.
    pub stamp: Option<&'w [u8]>,
    /// Its level, `<4>`, where the log shows it.
    pub level: Option<u8>,
}

/// What a report shows of the code that it is about: its first line and its frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a>(pub &'a [KeptLine<'a>]);

/// Those of the lines that are the warning's words; `level` is that of the line above them.
pub(super) fn own_words<'w>(
    grammar: &Grammar,
    shown: Shown<'_>,
    mut lines: Vec<Between<'w>>,
    level: Option<u8>,
) -> Vec<&'w [u8]> {
    // Nobody knows which of many lines without stamps is whose.
    if lines.len() > FEW && lines.iter().any(|between| between.stamp.is_none()) {
        return Vec::new();
    }
    // A panic and an oops have what they follow from above them.
    let opens = |between: &Between<'_>| {
        matches!(landmark(between.line.trim_ascii()), Some(Landmark::Opener | Landmark::Header | Landmark::Panic))
    };
    let has_level = |between: &Between<'_>| between.level.zip(level).is_none_or(|(one, other)| one == other);
    lines.retain(|between| opens(between) || has_level(between) && !is_others(grammar, shown, between.line));
    // WARN prints its words in one go, and all lines of them have one stamp.
    let words = || lines.iter().filter(|between| !opens(between));
    let mut stamps = words().map(|between| between.stamp);
    let first = stamps.next();
    if first.flatten().is_some() && stamps.any(|stamp| Some(stamp) != first) {
        let naming = words().find(|between| shown.names_of(between.line, MANY)).map(|between| between.stamp);
        lines.retain(|between| opens(between) || Some(between.stamp) == naming);
    }
    lines.into_iter().map(|between| between.line).collect()
}

/// Of so many lines all may be words.
pub(super) const FEW: usize = 3;
/// A name is no shorter than this where it shows whose a line is among many.
const MANY: usize = 4;
/// And than this where a driver speaks: `usb`.
const DRIVER: usize = 3;

/// Whether a line plainly is another's: of a program, of a device about which the report is not, an event that no warning tells of, what
/// the kernel says day by day, or another report's.
fn is_others(grammar: &Grammar, shown: Shown<'_>, line: &[u8]) -> bool {
    let line = lex(line).text(line);
    let of_report = landmark(line.trim_ascii()) == Some(Landmark::Body) || frame_line(line, 0).is_some();
    of_report
        || is_programs(line)
        || is_devices(line) && !shown.names_of(word(line).0, DRIVER)
        || grammar.vocabulary.line(List::Chatter, line, Letters::of(line)).is_some()
        || grammar
            .events
            .iter()
            .any(|event| !event.warns && event.text_in(line).is_some() && event.pattern.is_match(line))
}

/// Whether a program writes it, `systemd[1]: Started a lamp`.
fn is_programs(line: &[u8]) -> bool {
    let name = word(line).0.strip_suffix(b"]:").unwrap_or_default();
    let open = memchr::memchr(b'[', name).unwrap_or(0);
    open > 0 && open + 1 < name.len() && name[open + 1..].iter().all(u8::is_ascii_digit)
}

impl Shown<'_> {
    /// Whether a part of a text with so many letters or more is one of a name that the report shows: `lamp_usb` is, of
    /// `drivers/lamp/dim.c`.
    fn names_of(self, text: &[u8], least: usize) -> bool {
        let is_code = |number: usize, line: &KeptLine<'_>| {
            number == 0 || find(&line.text, "+0x").is_some() && after(&line.text, "Modules linked in").is_none()
        };
        let code = || self.0.iter().enumerate().filter(|(number, line)| is_code(*number, line));
        let names = || code().flat_map(|(_, line)| names(&line.text));
        names_are(text, least).any(|name| names().any(|known| known.eq_ignore_ascii_case(name)))
    }
}

/// The parts of names in a text.
fn names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_alphanumeric())
}

fn names_are(text: &[u8], least: usize) -> impl Iterator<Item = &[u8]> {
    names(text).filter(move |name| name.len() >= least && name.iter().any(u8::is_ascii_alphabetic))
}
