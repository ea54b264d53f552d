//! A strand: one boot as one source has it.

use super::clock::{Moment, Written};
use super::sign::{Left, Says};
use crate::line::{Prefix, wall_clock};
use crate::report::{Event, Report};
use std::collections::{HashSet, VecDeque};
use std::time::SystemTime;

/// So many lines at the end of a boot are kept, since the first of the next one may be among them.
pub(super) const TAIL: usize = 64;

/// A line that was seen, with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// Index into the names of the strand's files.
    pub source: usize,
    /// 1-based; 0 where the source has no lines.
    pub line: u64,
    /// Its message.
    pub text: String,
    /// When it was written.
    pub at: Option<Moment>,
    /// Seconds since boot.
    pub time: Option<f64>,
    /// How many lines of the strand came before it.
    pub number: u64,
}

/// A line that says how a boot ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sign {
    /// What it says.
    pub says: Says,
    /// How the machine was left.
    pub left: Option<Left>,
    /// Whether the kernel says it.
    pub by_kernel: bool,
    /// The line.
    pub seen: Seen,
}

/// One boot as one source has it.
#[derive(Debug, Default)]
pub(super) struct Strand {
    /// The files it was gathered from, or `journal`.
    pub sources: Vec<String>,
    /// Which reading gave it: a reading gives each boot once.
    pub origin: usize,
    /// Of a dump: when its file was written, which is soon after the boot ended.
    pub dumped: Option<Moment>,
    /// 32 hexadecimal digits.
    pub boot_id: Option<String>,
    /// When its first line was written; of the journal, when the boot began.
    pub first: Option<Moment>,
    /// When its last line was written.
    pub last: Option<Moment>,
    /// Whether times without a zone stand for UTC since nothing says better.
    pub zone_unknown: bool,
    /// The last stamp of the kernel's, seconds since boot.
    pub uptime: Option<f64>,
    /// The kernel's release.
    pub release: Option<String>,
    /// Whether its banner is there.
    pub has_banner: bool,
    /// Whether other programs than the kernel write to the source, too: a shutdown would be seen.
    pub has_others: bool,
    /// Whether the source is a dump that is only taken when a kernel crashed.
    pub is_crash_dump: bool,
    /// Hashes of the kernel's stamped lines.
    pub fingerprints: HashSet<u64>,
    /// Lines that say how it ended.
    pub signs: Vec<Sign>,
    /// The last lines.
    pub tail: VecDeque<Seen>,
    /// When the boot began, by a line that has a date and a stamp.
    pub start: Option<Moment>,
    /// Reports that are not consequences of others.
    pub reports: Vec<Placed<Report>>,
    /// Severe events.
    pub events: Vec<Placed<Event>>,
    /// How many lines it has.
    pub lines: u64,
    /// Whether a moment was written with its zone.
    zoned: bool,
}

/// A record with the place of its first line.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    /// The record.
    pub record: T,
    /// Index into the files of the strand.
    pub source: usize,
    /// 1-based line of the file; 0 where it has none.
    pub line: u64,
    /// When it was written.
    pub at: Option<Moment>,
}

/// When a line was written, as if in UTC where it names no zone, and whether it names one.
#[must_use]
pub(super) fn written(line: &[u8], prefix: &Prefix<'_>, newest: SystemTime) -> Option<(Moment, bool)> {
    let text = wall_clock(&line[..prefix.wrapper_len.max(prefix.message).min(line.len())])?;
    Written::read(&String::from_utf8_lossy(text))?.moment(newest)
}

impl Strand {
    /// Notes that a moment of it was written with its zone.
    pub(super) fn is_zoned(&mut self) {
        self.zoned = true;
    }

    /// Moves moments that were written without a zone by what the files' own times say of it.
    pub(super) fn put_right(&mut self, zone: Option<i64>) {
        if self.zoned || self.first.is_none() {
            return;
        }
        self.zone_unknown = zone.is_none();
        let east = zone.unwrap_or(0);
        let shift = |at: &mut Option<Moment>| *at = at.map(|at| at - east);
        shift(&mut self.first);
        shift(&mut self.last);
        shift(&mut self.start);
        self.reports.iter_mut().for_each(|placed| shift(&mut placed.at));
        self.events.iter_mut().for_each(|placed| shift(&mut placed.at));
        self.signs.iter_mut().for_each(|sign| shift(&mut sign.seen.at));
        self.tail.iter_mut().for_each(|seen| shift(&mut seen.at));
    }

    /// Gives the lines at its end that were written after the next boot began to that one: some services of it are heard before
    /// its kernel.
    pub(super) fn part_from(&mut self, next: &mut Self) {
        let Some(begun) = next.start else { return };
        let later = |seen: &Seen| seen.at.is_some_and(|at| at >= begun);
        if !self.tail.back().is_some_and(later) {
            return;
        }
        while self.tail.back().is_some_and(later) {
            self.tail.pop_back();
        }
        let end = self.tail.back();
        self.last = end.and_then(|seen| seen.at);
        let lines = end.map_or(self.lines.saturating_sub(TAIL as u64), |seen| seen.number);
        self.lines = lines;
        let (own, others) = std::mem::take(&mut self.signs).into_iter().partition(|sign| sign.seen.number <= lines);
        self.signs = own;
        // Indices of files are those of the same reading.
        for mut sign in others {
            let Some(name) = self.sources.get(sign.seen.source) else { continue };
            sign.seen.source = match next.sources.iter().position(|known| known == name) {
                Some(at) => at,
                None => {
                    next.sources.push(name.clone());
                    next.sources.len() - 1
                }
            };
            sign.seen.number = 0;
            next.signs.insert(0, sign);
        }
    }

    /// The last line.
    #[must_use]
    pub(super) fn last_line(&self) -> Option<&Seen> {
        self.tail.back()
    }
}
