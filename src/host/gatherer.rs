//! Lines of a source, gathered into a strand.

use super::clock::Moment;
use super::sign::{KERNEL, PSTORE, sign};
use super::strand::{Placed, Seen, Sign, Strand, TAIL};
use crate::engine::{Engine, Item, Kept, Options};
use crate::line::{Prefix, Wrapper, wall_clock};
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Of so many lines the fingerprints are kept, from both ends of a boot each.
const FINGERPRINTS: usize = 1 << 17;

/// So many reports and events of a strand are kept.
const REPORTS: usize = 4096;

/// Severe events that are worked out.
const SEVERE: usize = 1024;

/// A line of evidence is cut here, bytes.
const SHOWN: usize = 300;

/// So many lines that say how a boot ended are kept, from its end.
const SIGNS: usize = 64;

/// The longest line that is read, bytes.
pub(super) const LONGEST: usize = 64 << 10;

/// What is known of a line before its message is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Index into the files of the strand.
    pub source: usize,
    /// 1-based line; 0 where there is none.
    pub line: u64,
    /// When it was written.
    pub at: Option<Moment>,
    /// When its boot began, if the source says.
    pub start: Option<Moment>,
}

/// Gathers a strand.
#[derive(Debug)]
pub(super) struct Gatherer {
    strand: Strand,
    engine: Engine,
    /// Lines that the engine was given: from which on they follow one another in a file.
    runs: Vec<(u64, usize, u64)>,
    /// Lines that the engine was given at which the second changes.
    moments: Vec<(u64, Moment)>,
    given: u64,
}

impl Gatherer {
    /// Nothing yet; `options` say how the engine reads.
    #[must_use]
    pub(super) fn new(options: &Options) -> Self {
        let kept = Kept { severe: SEVERE, lesser: 0, below: false };
        let options = Options { events: true, kept, threads: 1, ..options.clone() };
        Self {
            strand: Strand::default(),
            engine: Engine::new(options),
            runs: Vec::new(),
            moments: Vec::new(),
            given: 0,
        }
    }

    /// What is gathered so far.
    pub(super) fn strand(&mut self) -> &mut Strand {
        &mut self.strand
    }

    /// The index of a file that lines come from.
    pub(super) fn source(&mut self, name: &str) -> usize {
        match self.strand.sources.iter().position(|known| known == name) {
            Some(at) => at,
            None => {
                self.strand.sources.push(name.to_owned());
                self.strand.sources.len() - 1
            }
        }
    }

    /// Takes a line of a log file, dressed as it stands there.
    pub(super) fn file_line(&mut self, line: &[u8], prefix: &Prefix<'_>, place: Place) {
        let line = &line[..line.len().min(LONGEST)];
        let (speaker, message) = match (prefix.wrapper, prefix.tag) {
            (Wrapper::Pstore, _) => (PSTORE.into(), line),
            (_, Some(tag)) => (String::from_utf8_lossy(tag), prefix.text(line)),
            // In the file of a logging daemon, a program that does not state its pid is one all the same.
            (_, None) if place.at.is_some() && prefix.time.is_none() => {
                program(line).unwrap_or((KERNEL.into(), prefix.text(line)))
            }
            (_, None) => (KERNEL.into(), prefix.text(line)),
        };
        self.give(line, place);
        self.note(&speaker, message, prefix.time, place);
    }

    /// Takes a message of the journal.
    pub(super) fn message(&mut self, speaker: &str, message: &[u8], time: Option<f64>, place: Place) {
        let message = &message[..message.len().min(LONGEST)];
        if speaker == KERNEL {
            let mut line = time.map_or_else(String::new, |time| format!("[{time:12.6}] ")).into_bytes();
            line.extend_from_slice(message);
            self.give(&line, place);
        }
        self.note(speaker, message, time, place);
    }

    fn give(&mut self, line: &[u8], place: Place) {
        self.given += 1;
        let follows = self.runs.last().is_some_and(|(given, source, first)| {
            *source == place.source && first + (self.given - given) == place.line
        });
        if !follows {
            self.runs.push((self.given, place.source, place.line));
        }
        if let Some(at) = place.at.filter(|at| self.moments.last().is_none_or(|(_, last)| last != at)) {
            self.moments.push((self.given, at));
        }
        let mut items = self.engine.push(line);
        items.extend(self.engine.push(b"\n"));
        self.keep(items);
    }

    fn note(&mut self, speaker: &str, message: &[u8], time: Option<f64>, place: Place) {
        let strand = &mut self.strand;
        strand.lines += 1;
        let is_kernel = speaker.eq_ignore_ascii_case(KERNEL);
        strand.has_others |= !is_kernel && speaker != PSTORE;
        if let Some(at) = place.at {
            strand.first = Some(strand.first.map_or(at, |first| first.min(at)));
            strand.last = Some(strand.last.map_or(at, |last| last.max(at)));
        }
        if is_kernel {
            if let Some(time) = time {
                strand.uptime = Some(strand.uptime.map_or(time, |uptime| uptime.max(time)));
                // What was written late, or after the machine slept, says a later start.
                if let Some(start) = place.start.or(place.at.map(|at| at - time.ceil() as Moment)) {
                    strand.start = Some(strand.start.map_or(start, |known| known.min(start)));
                }
                // Where the clock is coarse, the stamps of all boots are alike.
                let micros = (time * 1e6).round() as i64;
                if micros % 1000 != 0 && strand.fingerprints.len() < FINGERPRINTS {
                    strand.fingerprints.insert(fingerprint(micros, message));
                }
            }
            if let Some(words) = message.strip_prefix(b"Linux version ") {
                strand.has_banner = true;
                let release = words.split(|byte| *byte == b' ').next().unwrap_or_default();
                strand.release = Some(String::from_utf8_lossy(release).into_owned());
            }
        }
        let seen = || Seen {
            source: place.source,
            line: place.line,
            text: String::from_utf8_lossy(&message[..message.len().min(SHOWN)]).into_owned(),
            at: place.at,
            time,
            number: strand.lines,
        };
        if let Some((says, left)) = sign(speaker, message) {
            if strand.signs.len() == SIGNS {
                strand.signs.remove(SIGNS / 2);
            }
            let seen = seen();
            strand.signs.push(Sign {
                says,
                left,
                by_kernel: is_kernel,
                seen: Seen { text: told(speaker, &seen.text), ..seen },
            });
        }
        if !message.trim_ascii().is_empty() {
            let seen = seen();
            if strand.tail.len() == TAIL {
                strand.tail.pop_front();
            }
            strand.tail.push_back(Seen { text: told(speaker, &seen.text), ..seen });
        }
    }

    fn keep(&mut self, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Closed(report) if report.cause.is_none() && self.strand.reports.len() < REPORTS => {
                    if self.strand.release.is_none() {
                        self.strand.release.clone_from(&report.kernel_version);
                    }
                    let placed = self.placed(report.line, *report);
                    self.strand.reports.push(placed);
                }
                Item::Event(event) if event.severity.is_severe() && self.strand.events.len() < REPORTS => {
                    let placed = self.placed(event.line, *event);
                    self.strand.events.push(placed);
                }
                _ => {}
            }
        }
    }

    /// A record with the place of a line that the engine was given.
    fn placed<T>(&self, line: u64, record: T) -> Placed<T> {
        let run =
            self.runs.partition_point(|(given, _, _)| *given <= line).checked_sub(1).and_then(|at| self.runs.get(at));
        let (source, line_of_file) = match run {
            None => (0, 0),
            Some((_, source, 0)) => (*source, 0),
            Some((given, source, first)) => (*source, first + (line - given)),
        };
        let moment = self.moments.partition_point(|(given, _)| *given <= line).checked_sub(1);
        let at = moment.and_then(|at| self.moments.get(at)).map(|(_, at)| *at);
        Placed { record, source, line: line_of_file, at }
    }

    /// Ends it.
    #[must_use]
    pub(super) fn finish(mut self) -> Strand {
        let engine = std::mem::replace(&mut self.engine, Engine::new(Options::named("")));
        let (items, _) = engine.finish();
        self.keep(items);
        self.strand
    }
}

/// The program and its words in a line `TIME host program: words`.
fn program(line: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let clock = wall_clock(line)?;
    let rest = &line[memchr::memmem::find(line, clock)? + clock.len()..];
    let mut words = rest.trim_ascii_start().splitn(3, |byte| *byte == b' ');
    let (_, tag, message) = (words.next()?, words.next()?, words.next()?);
    let tag = tag.strip_suffix(b":")?;
    let name = tag.split(|byte| *byte == b'[').next()?;
    (!name.is_empty()).then(|| (String::from_utf8_lossy(name), message))
}

/// A line with its speaker in front, unless that is the kernel.
fn told(speaker: &str, text: &str) -> String {
    if speaker.eq_ignore_ascii_case(KERNEL) || speaker == PSTORE {
        text.to_owned()
    } else {
        format!("{speaker}: {text}")
    }
}

/// What two sources have in common of one line: its stamp, to the microsecond, and its words.
fn fingerprint(micros: i64, message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    micros.hash(&mut hasher);
    message.trim_ascii_end().hash(&mut hasher);
    hasher.finish()
}
