//! Every decision of a live run: when a report is whole, when to ask for a dump, when it is over and what it was.
//!
//! The judge has no clock and no machine: it receives facts with their times (seconds of the run) and answers with
//! orders. The rules are syzkaller's (`vm/vm.go`) where it has them: ssh dying says nothing while the serial port
//! lives, "no output" means no `executed programs:` line and not silence, and a report is judged when its rest has come.

mod fact;

use crate::runs::{Outcome, Verdict};
pub use fact::{Fact, Order, Rules, Verdicts};
use std::collections::BTreeSet;

/// Dumps of a run: a hang that goes on makes many reports, and a dump takes the guest's time.
const MOST_DUMPS: usize = 3;

/// The state of a run.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
    started: Option<f64>,
    ready: bool,
    /// Why the guest waits for somebody at its console, and since when.
    stuck: Option<(String, f64)>,
    counts: bool,
    last_count: f64,
    /// The highest count; absent before the first one.
    executed: Option<u64>,
    /// When a count above 0 came first.
    first_program: Option<f64>,
    last_byte: f64,
    /// When the oldest open report was opened.
    open: Option<f64>,
    out_of_sight: Option<String>,
    machine_gone: bool,
    dump: DumpState,
    /// Titles of the hangs that were dumped.
    dumped: BTreeSet<String>,
    hits: Vec<String>,
    others: Vec<String>,
    /// Titles from before the workload, when these do not count.
    while_booting: Vec<String>,
    ending: Option<Ending>,
    /// Whether the log was closed for the last time.
    last_flush: bool,
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DumpState {
    None,
    Wanted,
    Running,
}

#[derive(Debug)]
struct Ending {
    verdict: Verdict,
    reason: String,
    /// When it was decided; absent: nothing is waited for.
    since: Option<f64>,
}

impl Judge {
    /// At the beginning of a run.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            started: None,
            ready: false,
            stuck: None,
            counts: false,
            last_count: 0.0,
            executed: None,
            first_program: None,
            last_byte: 0.0,
            open: None,
            out_of_sight: None,
            machine_gone: false,
            dump: DumpState::None,
            dumped: BTreeSet::new(),
            hits: Vec::new(),
            others: Vec::new(),
            while_booting: Vec::new(),
            ending: None,
            last_flush: false,
            finished: false,
        }
    }

    /// Takes a fact. Afterwards [`Judge::tick`] says what to do.
    pub fn take(&mut self, fact: Fact, now: f64) {
        match fact {
            Fact::SerialBytes => self.last_byte = now,
            Fact::Opened => self.open = self.open.or(Some(now)),
            Fact::GuestReady => (self.ready, self.stuck) = (true, None),
            Fact::BootStuck(reason) if !self.ready => {
                self.stuck.get_or_insert((reason, now));
            }
            Fact::BootStuck(_) => {}
            Fact::WorkloadStarted { counts } => {
                (self.started, self.counts, self.last_count) = (Some(now), counts, now);
            }
            Fact::Counted(executed) => {
                self.last_count = now;
                self.executed = self.executed.max(Some(executed));
                if executed > 0 {
                    self.first_program.get_or_insert(now);
                }
            }
            Fact::WorkloadEnded(status) => self.workload_ended(status, now),
            Fact::WorkloadFailed(reason) => self.end(Verdict::WorkloadFailure, reason, Some(now)),
            Fact::WorkloadOutOfSight(reason) => {
                self.out_of_sight = Some(reason);
                self.last_count = now;
            }
            Fact::Closed(report) => self.close(report, now),
            Fact::LineHit(line) => self.hit(line, now),
            Fact::DumpDone { answered } => {
                self.dump = DumpState::None;
                self.last_count = now;
                self.doubt_hang(answered);
                // Reports that the dump interrupted have their rest now.
                if !answered && self.out_of_sight.is_some() && self.hits.is_empty() {
                    let reason = "ssh is lost, the serial port is silent and the guest answers no sysrq".to_owned();
                    self.end(Verdict::Hang, reason, Some(now));
                }
            }
            Fact::MachineEnded { reason, expected } => {
                self.machine_gone = true;
                self.dump = DumpState::None;
                let verdict = if expected {
                    Verdict::Clean
                } else if self.ready || self.started.is_some() {
                    Verdict::MachineLost
                } else {
                    Verdict::BootFailure
                };
                // What was decided before the machine went is what it was.
                match &mut self.ending {
                    Some(ending) => ending.since = None,
                    None => self.end(verdict, reason, None),
                }
            }
            Fact::Interrupted(reason) => self.end_now(Verdict::Stopped, reason),
            Fact::Trouble(reason) => self.end_now(Verdict::Trouble, reason),
        }
    }

    /// Nothing happened only where something was done: a workload that failed says nothing about the kernel.
    fn workload_ended(&mut self, status: i32, now: f64) {
        if self.started.is_none() {
            return;
        }
        let (verdict, rest) = if status != 0 {
            (Verdict::WorkloadFailure, "")
        } else if self.rules.needs_programs && self.executed.is_none() {
            (Verdict::WorkloadFailure, ", but no program was executed")
        } else {
            (Verdict::Clean, " and nothing happened")
        };
        self.end(verdict, format!("the workload ended with status {status}{rest}"), Some(now));
    }

    /// Whether a crash now is one of the run, and not of the guest's boot.
    #[must_use]
    pub fn counts_crashes(&self) -> bool {
        self.started.is_some() || self.rules.boot_counts
    }

    fn close(&mut self, report: Verdicts, now: f64) {
        self.open = None;
        let counts = self.counts_crashes();
        if !report.secondary {
            if report.sought && counts {
                self.hit(report.title.clone(), now);
            } else if counts {
                self.others.push(report.title.clone());
            } else {
                self.while_booting.push(report.title.clone());
            }
        }
        if report.hang && !report.panicked && self.dumped.len() < MOST_DUMPS && self.dumped.insert(report.title.clone())
        {
            self.want_dump();
        }
        if report.panicked && !self.machine_gone {
            let verdict = if counts { Verdict::OtherCrash } else { Verdict::BootFailure };
            self.end(verdict, "the kernel panicked".to_owned(), Some(now));
        }
    }

    /// A guest that lives and whose syz-execprog never came to its first count did not hang: the workload did.
    fn doubt_hang(&mut self, answered: bool) {
        if answered
            && self.rules.needs_programs
            && self.executed.is_none()
            && self.out_of_sight.is_none()
            && let Some(ending) = &mut self.ending
            && ending.verdict == Verdict::Hang
        {
            ending.verdict = Verdict::WorkloadFailure;
            ending.reason.push_str(" at all, and the guest answers: no program was executed");
        }
    }

    fn want_dump(&mut self) {
        if self.rules.can_dump && !self.machine_gone && self.dump == DumpState::None {
            self.dump = DumpState::Wanted;
        }
    }

    /// Whether a dump that was ordered is still wanted.
    #[must_use]
    pub fn is_dumping(&self) -> bool {
        self.dump != DumpState::None
    }

    fn hit(&mut self, title: String, now: f64) {
        self.hits.push(title);
        if self.rules.stop_on_hit {
            self.end(Verdict::Hit, "stopped at the first hit".to_owned(), Some(now));
        }
    }

    fn end(&mut self, verdict: Verdict, reason: String, since: Option<f64>) {
        if self.ending.is_none() {
            self.ending = Some(Ending { verdict, reason, since });
        }
    }

    fn end_now(&mut self, verdict: Verdict, reason: String) {
        self.ending = Some(Ending { verdict, reason, since: None });
        self.dump = DumpState::None;
    }

    /// What to do at `now`. To be called again after the orders were carried out, until there is none.
    pub fn tick(&mut self, now: f64) -> Vec<Order> {
        if self.finished {
            return Vec::new();
        }
        match self.dump {
            DumpState::None => {}
            // The order is given once; who carries it out says when it is done.
            DumpState::Wanted => {
                self.dump = DumpState::Running;
                return vec![Order::Dump];
            }
            DumpState::Running => return Vec::new(),
        }
        let at_once = self.ending.as_ref().is_some_and(|ending| ending.since.is_none());
        if let Some(opened) = self.open
            && (at_once || self.settled(opened, now))
        {
            self.open = None;
            return vec![Order::Flush];
        }
        if let Some(ending) = &self.ending {
            let over = ending.since.is_none_or(|since| self.settled(since, now));
            if over && self.open.is_none() {
                // What the engine still holds back may be what the run was looking for.
                if !self.last_flush {
                    self.last_flush = true;
                    return vec![Order::Flush];
                }
                self.finished = true;
                return vec![Order::Finish(self.outcome())];
            }
            return Vec::new();
        }
        self.check_limits(now)
    }

    /// Whether the guest said what it had to say since `since`.
    fn settled(&self, since: f64, now: f64) -> bool {
        self.is_settled(since, self.last_byte, now)
    }

    /// Whether somebody who spoke last at `last` said what was to be said since `since`: a fifth of the time in silence, or all of it.
    #[must_use]
    pub fn is_settled(&self, since: f64, last: f64, now: f64) -> bool {
        now - since.max(last) >= self.rules.settle / 5.0 || now - since >= self.rules.settle
    }

    /// Somebody else sees to the ends of reports.
    pub fn forget_open(&mut self) {
        self.open = None;
    }

    fn check_limits(&mut self, now: f64) -> Vec<Order> {
        let rules = &self.rules;
        let Some(started) = self.started else {
            if let Some((reason, since)) = &self.stuck
                && now - since.max(self.last_byte) >= rules.settle
            {
                self.end(Verdict::BootFailure, reason.clone(), Some(now));
            } else if now >= rules.boot {
                let reason = format!("the guest took no commands within {:.0} s", rules.boot);
                self.end(Verdict::BootFailure, reason, Some(now));
            }
            return Vec::new();
        };
        // The set-up of syz-execprog is not part of the workload's time; it may take as long as the guest may be without a count.
        let (since, limit) = match self.first_program {
            Some(first) if rules.needs_programs => (first, rules.max_time),
            None if rules.needs_programs => (started, rules.max_time.max(rules.no_output)),
            _ => (started, rules.max_time),
        };
        let seen = self.out_of_sight.is_none();
        if rules.no_output > 0.0 && seen && self.counts && now - self.last_count >= rules.no_output {
            let reason = format!("no `executed programs:` line for {:.0} s", rules.no_output);
            self.end(Verdict::Hang, reason, Some(now));
            self.want_dump();
            return self.tick(now);
        }
        if now - since >= limit {
            self.time_is_up(limit, now);
            return Vec::new();
        }
        // Nobody counts any more. A guest that is also silent is asked whether it lives.
        if rules.no_output > 0.0 && !seen && now - self.last_byte.max(self.last_count) >= rules.no_output {
            self.last_count = now;
            self.want_dump();
            return self.tick(now);
        }
        Vec::new()
    }

    fn time_is_up(&mut self, limit: f64, now: f64) {
        let lost = self.out_of_sight.as_ref();
        let out_of_sight = lost.map_or_else(String::new, |lost| format!(", but the workload was out of sight: {lost}"));
        let (verdict, reason) = if self.rules.needs_programs && self.first_program.is_none() {
            (
                Verdict::WorkloadFailure,
                format!("no program was executed in {limit:.0} s{out_of_sight} (--max-time gives it longer)"),
            )
        } else {
            let verdict = if lost.is_some() { Verdict::Unseen } else { Verdict::Clean };
            (verdict, format!("nothing happened in {limit:.0} s{out_of_sight}"))
        };
        self.end(verdict, reason, Some(now));
    }

    fn outcome(&self) -> Outcome {
        let (ended, reason) = match &self.ending {
            Some(ending) => (ending.verdict, ending.reason.clone()),
            None => (Verdict::Clean, String::new()),
        };
        let outcome = |verdict, title: Option<&String>, reason| Outcome { verdict, title: title.cloned(), reason };
        if let Some(hit) = self.hits.first() {
            let more = match self.hits.len() {
                1 => String::new(),
                count => format!("{count} hits; "),
            };
            return outcome(Verdict::Hit, Some(hit), format!("{more}{reason}"));
        }
        if ended == Verdict::Trouble || ended == Verdict::Stopped {
            return outcome(ended, self.others.first(), reason);
        }
        if ended == Verdict::Hang {
            let title = "no output from test machine".to_owned();
            let verdict = if self.rules.seeks_no_output { Verdict::Hit } else { Verdict::Hang };
            return outcome(verdict, Some(self.others.first().unwrap_or(&title)), reason);
        }
        if ended == Verdict::BootFailure {
            return outcome(ended, self.while_booting.first(), reason);
        }
        match self.others.first() {
            // A crash that was seen says more than how its workload ended; before the start it is the guest's own.
            Some(other) if ended != Verdict::WorkloadFailure || self.started.is_some() => {
                outcome(Verdict::OtherCrash, Some(other), reason)
            }
            other => outcome(ended, other, reason),
        }
    }
}

#[cfg(test)]
mod tests;
