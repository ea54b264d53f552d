//! Which report is the consequence of which: only where the kernel's own words or the place say so.

use crate::grammar::{Grammar, Header};
use crate::report::{Report, WINDOW};

/// The last reports that are nobody's consequence.
#[derive(Debug, Default)]
pub(super) struct Causes {
    last: Vec<Cause>,
}

#[derive(Debug)]
struct Cause {
    index: usize,
    boot: usize,
    start: u64,
    kind: String,
    init: bool,
    /// The number of its oops.
    oops: Option<u32>,
    /// Line and printk time of the cause or of its last consequence.
    line: u64,
    time: Option<f64>,
}

/// How many causes are remembered.
const KEPT: usize = 64;
/// A further header of the same report is no further below than this, lines.
const NEAR_LINES: u64 = 400;
/// Nor later than this, seconds: a slow serial console prints long dumps for minutes, but without a pause.
const NEAR_SECONDS: f64 = 30.0;

impl Causes {
    /// The index of the report whose consequence `report` is, and remembers it. `header` is its header,
    /// `line` its first line; `continues` says that its header also occurs inside of reports, `panics` that it is a panic.
    pub(super) fn of(
        &mut self,
        grammar: &Grammar,
        report: &Report,
        header: Option<&Header>,
        line: &[u8],
        continues: bool,
        panics: bool,
    ) -> Option<usize> {
        let output = &grammar.output;
        let id = header.map_or("", |header| header.id.as_str());
        let last = self.last.last().map(|cause| cause.index);
        let found = self.last.iter_mut().rev().find(|cause| {
            let distance = report.start.saturating_sub(cause.start);
            if cause.boot != report.boot || distance > WINDOW as u64 {
                return false;
            }
            // The panic of an exception follows the last report above, however long that is.
            let distance = if panics && last == Some(cause.index) && cause.is_near(report) { 0 } else { distance };
            // Some kinds say themselves what follows from them.
            if grammar.is_consequence(&cause.kind, &report.kind, id, distance) {
                return true;
            }
            let follows = if panics {
                output.follows.is_match(line)
                    || cause.oops.is_some() && output.follows_oops.is_match(line)
                    || cause.init && output.follows_init.is_match(line)
            } else {
                // The header of an oops that has its number belongs to the report of that number.
                report.oops.is_none() || cause.oops == report.oops
            };
            continues && follows && (cause.kind == report.kind || cause.is_near(report))
        });
        if let Some(cause) = found {
            cause.line = report.line;
            cause.time = report.time.or(cause.time);
            return Some(cause.index);
        }
        // A program's last words cause nothing in the kernel.
        if header.is_some_and(|header| header.programs) {
            return None;
        }
        self.last.push(Cause {
            index: report.index,
            boot: report.boot,
            start: report.start,
            kind: report.kind.clone(),
            oops: report.oops,
            init: report.task.as_ref().is_some_and(|task| task.pid <= 1),
            line: report.line,
            time: report.time,
        });
        if self.last.len() > KEPT {
            self.last.remove(0);
        }
        None
    }
}

impl Cause {
    fn is_near(&self, report: &Report) -> bool {
        let late = |before: f64, now: f64| now - before > NEAR_SECONDS;
        report.line.saturating_sub(self.line) <= NEAR_LINES
            && !self.time.zip(report.time).is_some_and(|(before, now)| late(before, now))
    }
}
