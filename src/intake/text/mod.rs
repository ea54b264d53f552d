//! A log in memory, made plain, and the way back to the lines and offsets of its file.

mod form;
mod settle;
mod taken;

use super::joined::is_joined_behind_stamp;
use super::machines::{are_several, machines};
use super::page::read_page;
use super::written::is_written;
use crate::engine::Item;
use crate::input::{Damage, Decoder, Encoding, Whole, begins_page, read_mail};
use crate::line::all_are_stamped;
use crate::report::{Event, Report};
use form::read_log;
pub(super) use settle::renumber;
use settle::{settle_event, settle_report};
use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::Arc;
use taken::{Taken, line_ends, read_upwards};

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
            if let Some(text) = read_page(plain).or_else(|| read_mail(plain)) {
                self.taken = Some(Taken::in_order(text, outer(), true));
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
        self.taken.as_ref().map_or_else(|| self.plain(), Taken::log)
    }

    /// Whether people write between the lines of the log: it was a mail, or is a manual or a changelog.
    #[must_use]
    pub fn is_prose(&self) -> bool {
        self.written || self.taken.as_ref().is_some_and(|taken| taken.prose)
    }

    /// What people wrote that the log was taken out of: `a mail`, `a web page`.
    #[must_use]
    pub fn taken_from(&self) -> Option<&'static str> {
        let written = self.taken.as_ref().is_some_and(|taken| taken.prose);
        written.then(|| if begins_page(self.plain()) { "a web page" } else { "a mail" })
    }

    /// The text for a reader of bisections, who undoes mails himself: of a page what it shows, at the lines of the file.
    #[must_use]
    pub fn transcript(&self) -> Cow<'_, [u8]> {
        if self.taken.is_none() || !begins_page(self.plain()) {
            return Cow::Borrowed(self.plain());
        }
        let mut shown = Vec::with_capacity(self.log().len());
        let mut at = 1;
        for (line, number) in self.log().split(|byte| *byte == b'\n').zip(1..) {
            let place = self.line(number);
            while at < place {
                shown.push(b'\n');
                at += 1;
            }
            shown.extend_from_slice(line);
            shown.push(b'\n');
            at += 1;
        }
        Cow::Owned(shown)
    }

    /// The 1-based line of the file that a 1-based line of [`Text::log`] stands in.
    #[must_use]
    pub fn line(&self, number: u64) -> u64 {
        self.taken.as_ref().map_or(number, |taken| taken.line(number))
    }

    /// The offset in the (unpacked) file of an offset in [`Text::log`], both bytes.
    #[must_use]
    pub fn offset(&self, at: u64) -> u64 {
        let plain = self.taken.as_ref().map_or(at, |taken| taken.offset(at));
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
        let upwards = self.taken.as_ref().filter(|taken| taken.upwards);
        let first = upwards.map(|taken| offset(taken.end_of_line(report.start)));
        settle_report(report, line, offset);
        if let Some(end) = first {
            (report.end, report.text_end) = (end, end);
        }
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
