//! A log in memory, made plain, and the way back to the lines and offsets of its file.

use super::blanks::read_blanks;
use super::chat::read_chat;
use super::colours::read_colours;
use super::comment::read_comment;
use super::document::read_document;
use super::exported::Exported;
use super::hex::read_hex;
use super::joined::{is_joined_behind_stamp, read_joined};
use super::logcat::read_logcat;
use super::machines::{are_several, machines};
use super::rich_text::read_rich_text;
use super::rows::read_rows;
use super::verbose::read_verbose;
use super::written::is_written;
use crate::engine::Item;
use crate::input::{Damage, Decoder, Encoding, Inside, Whole, read_mail, read_wrapped};
use crate::line::{all_are_stamped, parts_upright, upright};
use crate::report::{Event, Report, renumber_event, renumber_report};
use std::cell::LazyCell;
use std::ops::Range;
use std::sync::Arc;

/// Texts up to this size are looked at for being a mail or a document, bytes.
pub(super) const LARGEST_MAIL: usize = 16 << 20;
/// Of texts up to this size the lines of several machines are told apart, bytes: each of them is held in memory once more.
pub(super) const LARGEST_SHARED: usize = 512 << 20;

/// The bytes of a log.
#[derive(Debug)]
enum Bytes {
    File(Whole),
    Read(Vec<u8>),
}

/// The text in a mail or a document, and where lines of both texts end, bytes.
#[derive(Debug)]
struct Taken {
    text: Inside,
    /// Whether it was a mail: people write between its lines.
    prose: bool,
    /// Whether the newest lines stood first.
    upwards: bool,
    inner: Vec<usize>,
    outer: Arc<Vec<usize>>,
}

impl Taken {
    /// `outer` are the line ends of the file.
    fn new(text: Inside, outer: Arc<Vec<usize>>, prose: bool, upwards: bool) -> Self {
        let inner = line_ends(&text.text);
        Self { text, prose, upwards, inner, outer }
    }

    /// The same with its lines in the order in which they were printed.
    fn in_order(text: Inside, outer: Arc<Vec<usize>>, prose: bool) -> Self {
        match in_order(&text.text, prose) {
            Some((lines, turned)) => Self::new(text.in_order(lines), outer, prose, turned),
            None => Self::new(text, outer, prose, false),
        }
    }
}

fn line_ends(text: &[u8]) -> Vec<usize> {
    memchr::memchr_iter(b'\n', text).collect()
}

/// The log in a text whose lines are not its lines, or not as the kernel wrote them. Where each line begins with its stamp, none of the
/// forms is asked for that put something around lines; `joined` says whether a line may be several.
fn read_log(plain: &[u8], stamped: bool, joined: bool) -> Option<Exported> {
    type Read<T> = fn(&[u8]) -> Option<T>;
    let within = |read: Read<Inside>| read(plain).map(Exported::from);
    let around = |read: Read<Inside>| if stamped { None } else { within(read) };
    let record = |read: Read<Exported>| if stamped { None } else { read(plain) };
    read_document(plain)
        .or_else(|| around(read_rich_text))
        .or_else(|| around(read_hex))
        .or_else(|| if joined { within(read_joined) } else { None })
        .or_else(|| around(read_logcat))
        .or_else(|| record(read_verbose))
        .or_else(|| record(read_rows))
        .or_else(|| within(read_blanks))
        .or_else(|| within(read_colours))
        .or_else(|| around(read_comment))
        .or_else(|| around(read_chat))
        .or_else(|| around(read_wrapped))
}

/// Where the lines of a log stand in the order in which they were printed, if they stand in another, and whether its newest stand first.
/// Between lines of a mail people write.
fn in_order(log: &[u8], prose: bool) -> Option<(Vec<Range<usize>>, bool)> {
    let parts = parts_upright(log).map(|parts| (parts.lines, parts.turned));
    parts.or_else(|| if prose { None } else { Some((upright(log)?, true)) })
}

/// Whether the newest lines of a log stand first, and its text in the order in which it was printed; or its text without what the kernel
/// put between parts of it.
fn read_upwards(plain: &[u8], stamped: bool) -> Option<(Inside, bool)> {
    // The kernel gives the heading of a part no stamp.
    let (lines, turned) = if stamped { (upright(plain)?, true) } else { in_order(plain, false)? };
    let mut text = Inside::upwards(plain.len());
    for line in lines {
        text.begin(line.start);
        text.text.extend_from_slice(&plain[line]);
        if text.text.last() != Some(&b'\n') {
            text.text.push(b'\n');
        }
    }
    Some((text, turned))
}

/// Whether the lines of a text end with CR alone: no offset changes where each becomes LF.
fn returns_alone(text: &[u8]) -> bool {
    memchr::memchr(b'\n', text).is_none() && memchr::memchr_iter(b'\r', text).nth(1).is_some()
}

/// One log, all of it.
///
/// Records are worked out on [`Text::log`] and then settled: given the lines and offsets of the file, which [`Text::line`]
/// and [`Text::offset`] know.
#[derive(Debug)]
pub struct Text {
    plain: Arc<Bytes>,
    decoder: Option<Decoder>,
    taken: Option<Taken>,
    /// The lines of each machine, with its name, if the file holds those of several.
    machines: Vec<(String, Taken)>,
    /// Whether the file was cut while it was decoded.
    cut: bool,
    /// Whether somebody wrote the text for readers: a manual, a changelog.
    written: bool,
    /// Whether each line of the file begins with its stamp; not asked of a long one.
    stamped: bool,
}

impl Text {
    /// A file that is in memory or mapped.
    #[must_use]
    pub(super) fn of_file(file: Whole) -> Self {
        match Encoding::of(&file) {
            None if returns_alone(&file) => {
                Self { cut: file.damage().is_some(), ..Self::of_plain(file.to_vec(), None) }
            }
            None => Self::new(Bytes::File(file), None).taken(),
            Some(encoding) => {
                let text = Self::decoded(&file, Decoder::new(encoding));
                Self { cut: file.damage().is_some(), ..text }
            }
        }
    }

    /// Bytes that were read.
    #[must_use]
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        match Encoding::of(&bytes) {
            None => Self::of_plain(bytes, None),
            Some(encoding) => Self::decoded(&bytes, Decoder::new(encoding)),
        }
    }

    fn decoded(bytes: &[u8], mut decoder: Decoder) -> Self {
        let mut plain = decoder.decode(bytes, false).into_owned();
        plain.extend_from_slice(&decoder.decode(b"", true));
        Self::of_plain(plain, Some(decoder))
    }

    /// Bytes that a decoder has made plain already.
    #[must_use]
    pub(super) fn of_plain(mut plain: Vec<u8>, decoder: Option<Decoder>) -> Self {
        if returns_alone(&plain) {
            plain.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        Self::new(Bytes::Read(plain), decoder).taken()
    }

    fn new(plain: Bytes, decoder: Option<Decoder>) -> Self {
        Self {
            plain: Arc::new(plain),
            decoder,
            taken: None,
            machines: Vec::new(),
            cut: false,
            written: false,
            stamped: false,
        }
    }

    fn taken(mut self) -> Self {
        let plain = self.plain();
        let ends = LazyCell::new(|| Arc::new(line_ends(plain)));
        let outer = || Arc::clone(&ends);
        let short = plain.len() <= LARGEST_MAIL;
        // Most logs are: what people and programs put around lines is not looked for in them.
        let mut joined = false;
        let stamped = short && all_are_stamped(plain, |line| joined |= is_joined_behind_stamp(line));
        if short && !stamped {
            if let Some(mail) = read_mail(plain) {
                self.taken = Some(Taken::in_order(mail, outer(), true));
                return self;
            }
            if is_written(plain) {
                self.written = true;
                return self;
            }
        }
        let exported = if short { read_log(plain, stamped, joined || !stamped) } else { None };
        // Such lines name no machine.
        let unnamed = stamped && exported.is_none();
        let parts = if plain.len() <= LARGEST_SHARED && !unnamed {
            machines(exported.as_ref().map_or(plain, |exported| &exported.inside.text), exported.as_ref())
        } else {
            Vec::new()
        };
        let taken = |(name, part)| (name, Taken::in_order(part, outer(), false));
        let machines = parts.into_iter().map(taken).collect();
        let log = exported.map(|exported| Taken::in_order(exported.inside, outer(), false));
        let upwards = || read_upwards(plain, stamped).map(|(log, turned)| Taken::new(log, outer(), false, turned));
        self.taken = log.or_else(|| if short { upwards() } else { None });
        self.machines = machines;
        self.stamped = stamped;
        self
    }

    /// The log of each machine, with its name, if the file holds lines of several; nothing if they are one machine's.
    pub(super) fn apart(&mut self) -> Vec<(String, Self)> {
        let machines = std::mem::take(&mut self.machines);
        let text = |taken| Self {
            plain: Arc::clone(&self.plain),
            decoder: self.decoder.clone(),
            taken: Some(taken),
            machines: Vec::new(),
            cut: self.cut,
            written: self.written,
            stamped: self.stamped,
        };
        machines.into_iter().map(|(name, taken)| (name, text(taken))).collect()
    }

    /// Whether the lines of several machines are left as they stand: there are too many.
    pub(super) fn mixes_machines(&self) -> bool {
        let plain = self.plain();
        plain.len() > LARGEST_SHARED && are_several(&plain[..LARGEST_MAIL])
    }

    /// Whether each line of the file begins with its stamp.
    pub(super) fn is_stamped(&self) -> bool {
        self.stamped
    }

    /// Whether the file's newest line stands first: a record's last lines stand above its first in the file then.
    #[must_use]
    pub(super) fn is_upwards(&self) -> bool {
        self.taken.as_ref().is_some_and(|taken| taken.upwards)
    }

    /// Gives the memory of the first bytes of [`Text::log`] back, if it is a map of the file.
    pub(super) fn give_back(&self, bytes: usize) {
        if let (Bytes::File(whole), None) = (&*self.plain, &self.taken) {
            whole.give_back(bytes);
        }
    }

    /// The file's text: unpacked, UTF-8, a mail or document still as it was sent. Its lines are the file's.
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        match &*self.plain {
            Bytes::File(whole) => whole,
            Bytes::Read(bytes) => bytes,
        }
    }

    /// [`Damage::Cut`], if the file was cut while it was read: to be asked when all has been read.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        match &*self.plain {
            Bytes::File(whole) => whole.damage(),
            Bytes::Read(_) => self.cut.then_some(Damage::Cut),
        }
    }

    /// The log's text: a mail's without headers, quoting, encoding and wrapping; a document's out of its strings.
    #[must_use]
    pub fn log(&self) -> &[u8] {
        self.taken.as_ref().map_or_else(|| self.plain(), |taken| &taken.text.text)
    }

    /// Whether people write between the lines of the log: it was a mail, or is a manual or a changelog.
    #[must_use]
    pub fn is_prose(&self) -> bool {
        self.written || self.taken.as_ref().is_some_and(|taken| taken.prose)
    }

    /// Whether the log was taken out of a mail.
    #[must_use]
    pub fn was_mail(&self) -> bool {
        self.taken.as_ref().is_some_and(|taken| taken.prose)
    }

    /// The 1-based line of the file that a 1-based line of [`Text::log`] stands in.
    #[must_use]
    pub fn line(&self, number: u64) -> u64 {
        let Some(Taken { text, inner, outer, .. }) = &self.taken else { return number };
        let start = match usize::try_from(number).unwrap_or(usize::MAX) {
            0 => return 0,
            1 => 0,
            number => inner.get(number - 2).map_or(text.text.len(), |end| end + 1),
        };
        outer.partition_point(|end| *end < text.origin(start)) as u64 + 1
    }

    /// The offset in the (unpacked) file of an offset in [`Text::log`], both bytes.
    #[must_use]
    pub fn offset(&self, at: u64) -> u64 {
        let plain = match &self.taken {
            None => at,
            Some(Taken { text, .. }) => {
                text.origin(usize::try_from(at).unwrap_or(usize::MAX).min(text.text.len())) as u64
            }
        };
        self.decoder.as_ref().map_or(plain, |decoder| decoder.origin(plain))
    }

    /// Gives a record of [`Text::log`] the lines and offsets of the file.
    pub fn settle(&self, item: &mut Item) {
        if self.is_other_than_the_file() {
            let (line, offset) = (|line| self.line(line), |at| self.offset(at));
            match item {
                Item::Closed(report) => self.settle_whole(report, &line, &offset),
                item => renumber(item, &line, &offset),
            }
        }
    }

    /// A report's own lines and offsets. Where the newest line stands first, those below its first stand above it: only that one is
    /// said to be the report's text.
    fn settle_whole(&self, report: &mut Report, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
        let first = self.is_upwards().then(|| offset(self.end_of_line(report.start)));
        settle_report(report, line, offset);
        if let Some(end) = first {
            (report.end, report.text_end) = (end, end);
        }
    }

    /// Where the line of [`Text::log`] ends in which `at` stands, bytes.
    fn end_of_line(&self, at: u64) -> u64 {
        let inner = self.taken.as_ref().map_or(&[][..], |taken| &taken.inner);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        inner.get(inner.partition_point(|end| *end < at)).map_or(self.log().len(), |end| *end) as u64
    }

    /// The same for all that was found, in place: a log may hold a million reports.
    pub(super) fn settle_all(&self, reports: &mut [Report], events: &mut [Event]) {
        if self.is_other_than_the_file() {
            let (line, offset) = (|line| self.line(line), |at| self.offset(at));
            reports.iter_mut().for_each(|report| self.settle_whole(report, &line, &offset));
            events.iter_mut().for_each(|event| settle_event(event, &line, &offset));
        }
    }

    /// Whether lines and offsets of [`Text::log`] are not those of the file.
    fn is_other_than_the_file(&self) -> bool {
        self.taken.is_some() || self.decoder.is_some()
    }
}

/// Gives every line and offset of a record through `line` and `offset`.
pub(super) fn renumber(item: &mut Item, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
    match item {
        Item::Opened { start, .. } => *start = offset(*start),
        Item::Closed(report) => settle_report(report, line, offset),
        Item::Event(event) => settle_event(event, line, offset),
    }
}

fn settle_report(report: &mut Report, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
    renumber_report(report, line);
    (report.start, report.end) = (offset(report.start), offset(report.end));
    report.text_end = offset(report.text_end);
}

fn settle_event(event: &mut Event, line: &impl Fn(u64) -> u64, offset: &impl Fn(u64) -> u64) {
    renumber_event(event, line);
    event.start = offset(event.start);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_stands_around_lines_is_not_in_a_log_of_stamped_ones(messages in proptest::collection::vec("[ -~]{0,150}", 1..20)) {
            let log: String = messages.iter().map(|message| format!("[   12.345678]{message}\n")).collect();
            let log = log.as_bytes();
            let mut joined = false;
            prop_assert!(all_are_stamped(log, |line| joined |= is_joined_behind_stamp(line)));
            prop_assert!(joined || read_joined(log).is_none());
            prop_assert!(read_mail(log).is_none() && !is_written(log));
            for read in [read_rich_text, read_hex, read_logcat, read_comment, read_chat, read_wrapped] {
                prop_assert!(read(log).is_none());
            }
            prop_assert!(read_verbose(log).is_none() && read_rows(log).is_none());
            prop_assert!(machines(log, None).is_empty() && parts_upright(log).is_none());
        }
    }
}
