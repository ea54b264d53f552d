//! What a live machine, a replayed log and a log that somebody else writes have in common: bytes in, decisions out.

mod found;
mod machines;
mod workload;

use super::blockers::Source;
use super::doing::Doing;
use super::happening::{Happening, Status};
use super::hit::Patterns;
use super::judge::{Fact, Judge, Order, Rules};
use super::lines::LiveLines;
use super::live::LiveLog;
use super::record::Recorder;
use super::settings::Image;
use crate::intake::Text;
use crate::runs::clock::SleepWatch;
use crate::runs::{Outcome, Phase};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the watcher wants of whoever owns the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Ask the guest for a lock dump.
    Dump,
    /// The run is over.
    Finish(Outcome),
}

/// The engine, the judge and the recorder of one run.
#[derive(Debug)]
pub struct Watcher<'a> {
    live: LiveLog,
    judge: Judge,
    /// Where it goes.
    pub recorder: Recorder<'a>,
    expected_title: Option<String>,
    titles: BTreeMap<String, usize>,
    /// What is done, for the status line.
    pub doing: Doing,
    /// When the serial port last said something.
    pub last_byte: f64,
    last: String,
    hits: usize,
    glanced: f64,
    saved_progress: f64,
    sysrq_answers: usize,
    /// The status of a workload that was over before anybody said that it had begun.
    early_end: Option<i32>,
    /// Whether a session brings the workload's output and its end.
    followed: bool,
    /// The status that the console showed, and when, while the session is still bringing the rest of the output.
    console_end: Option<(i32, f64)>,
    /// Whether the workload counts its programs.
    counts: bool,
    sleep: SleepWatch,
    /// The line of the last lock graph that was reported.
    told_locks: u64,
    lines: LiveLines,
    /// The boot whose banner was compared with the image.
    compared: Vec<u8>,
    /// The recorded log that is played, which knows the lines and offsets of its file.
    text: Option<Arc<Text>>,
    /// Of several machines those with open reports.
    open: machines::Open,
}

/// How long a session may take to bring the rest of an output whose end the console showed, seconds.
const REST_OF_OUTPUT: f64 = 10.0;

impl<'a> Watcher<'a> {
    /// At the beginning of a log.
    #[must_use]
    pub fn new(name: &str, patterns: Patterns, rules: Rules, expected: Option<String>, recorder: Recorder<'a>) -> Self {
        Self {
            live: LiveLog::new(name, patterns),
            judge: Judge::new(rules),
            recorder,
            expected_title: expected,
            titles: BTreeMap::new(),
            doing: Doing::Booting,
            last_byte: 0.0,
            last: String::new(),
            hits: 0,
            glanced: 0.0,
            saved_progress: 0.0,
            sysrq_answers: 0,
            early_end: None,
            followed: false,
            console_end: None,
            counts: false,
            sleep: SleepWatch::start(),
            told_locks: 0,
            lines: LiveLines::None,
            compared: Vec::new(),
            text: None,
            open: machines::Open::default(),
        }
    }

    /// Takes source lines from this image, which is opened meanwhile.
    pub fn take_lines_from(&mut self, image: Option<&Image>) {
        self.lines = LiveLines::open(image);
    }

    /// Tells places of this recorded log, called `name`, which is played.
    pub fn take_places_from(&mut self, name: &str, text: Arc<Text>) {
        self.live.read_prose(name, text.is_prose());
        self.text = Some(text);
    }

    /// The log may be a log server's, which holds the lines of several machines.
    pub fn look_for_machines(&mut self) {
        self.live.look_for_machines();
    }

    /// Seconds of the run.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.recorder.now()
    }

    /// Takes bytes of the serial port.
    pub fn serial(&mut self, bytes: &[u8]) {
        let now = self.now();
        self.last_byte = now;
        self.recorder.serial(bytes);
        self.judge.take(Fact::SerialBytes, now);
        let findings = self.live.serial(bytes, now);
        self.look_after_machines();
        self.found(findings);
    }

    /// Takes what the serial port said before the guest was saved: it stands in the log, and is not reported again.
    pub fn serial_before(&mut self, bytes: &[u8]) {
        self.recorder.serial(bytes);
        drop(self.live.serial(bytes, 0.0));
        drop(self.live.flush());
        if let Some(version) = self.live.kernel_version.clone() {
            self.recorder.manifest(|manifest| {
                manifest.from_snapshot = true;
                manifest.versions.insert("guest kernel".to_owned(), version);
            });
        }
    }

    /// Takes words of ssh or QEMU.
    pub fn words(&mut self, source: Source, text: &str) {
        let findings = self.live.words(source, text, self.now());
        self.found(findings);
    }

    /// A fact from outside of the log.
    pub fn fact(&mut self, fact: Fact) {
        let now = self.now();
        match &fact {
            Fact::GuestReady => {
                self.live.booting = false;
                self.doing = Doing::Preparing;
                self.recorder.manifest(|manifest| {
                    manifest.phase = Phase::Staging;
                    manifest.boot_seconds = Some(now);
                });
            }
            Fact::WorkloadStarted { counts } => {
                self.counts = *counts;
                self.live.booting = false;
                self.doing = Doing::Running;
                self.recorder.phase(Phase::Running);
            }
            _ => {}
        }
        let begins = matches!(fact, Fact::WorkloadStarted { .. });
        self.judge.take(fact, now);
        if begins && let Some(status) = self.early_end.take() {
            self.workload_ended(status);
        }
    }

    /// Tells a step.
    pub fn step(&mut self, text: String) {
        self.last.clone_from(&text);
        self.recorder.tell(&Happening::Step { text });
    }

    /// Tells and notes that something is not as it should be.
    pub fn warn(&mut self, text: String) {
        self.recorder.manifest(|manifest| manifest.troubles.push(text.clone()));
        self.recorder.tell(&Happening::Warning { text });
    }

    /// How many sysrq keys the kernel answered so far.
    #[must_use]
    pub fn sysrq_answers(&self) -> usize {
        self.sysrq_answers
    }

    /// Whether a dump that was wished is still wanted.
    #[must_use]
    pub fn is_dumping(&self) -> bool {
        self.judge.is_dumping()
    }

    /// Lets time pass: carries out the judge's orders, and hands over what needs the machine.
    pub fn tick(&mut self) -> Vec<Wish> {
        if let Some(slept) = self.sleep.slept() {
            self.warn(format!(
                "the host was suspended for {:.0} s: the guest's clock jumped, stalls that it reports now may be nobody's fault",
                slept.as_secs_f64()
            ));
        }
        if let Some(trouble) = self.recorder.take_trouble() {
            self.recorder.manifest(|manifest| manifest.troubles.push(trouble.clone()));
            self.fact(Fact::Trouble(trouble));
        }
        if !self.recorder.is_heard() {
            self.fact(Fact::Interrupted("nobody reads the output any more".to_owned()));
        }
        if let Some((status, at)) = self.console_end
            && (!self.followed || self.now() - at >= REST_OF_OUTPUT)
        {
            self.console_end = None;
            self.workload_ended(status);
        }
        self.look_after_machines();
        self.glance();
        let mut wishes = Vec::new();
        loop {
            let orders = self.judge.tick(self.now());
            if orders.is_empty() {
                return wishes;
            }
            for order in orders {
                match order {
                    Order::Flush => {
                        let findings = self.live.flush();
                        self.found(findings);
                    }
                    Order::Dump => wishes.push(Wish::Dump),
                    Order::Finish(outcome) => wishes.push(Wish::Finish(self.with_last_words(outcome))),
                }
            }
        }
    }

    /// Ends the engine; what it still yields is reported and recorded.
    pub fn finish_log(&mut self) {
        let findings = self.live.finish();
        self.found(findings);
    }

    /// The log was cut here: what is open is closed, what follows is something new.
    pub fn cut(&mut self, text: String) {
        let findings = self.live.flush();
        self.found(findings);
        self.warn(text);
    }

    fn glance(&mut self) {
        let now = self.now();
        if now - self.glanced < 1.0 {
            return;
        }
        self.glanced = now;
        let status = Status {
            at: now,
            doing: self.doing,
            executed: self.live.progress.executed,
            rate: self.live.progress.rate,
            reports: self.titles.values().sum(),
            hits: self.hits,
            last: self.last.clone(),
            silent: now - self.last_byte,
        };
        self.recorder.glance(&status);
    }

    /// Writes the outcome into the manifest and reports it.
    pub fn conclude(&mut self, outcome: &Outcome) {
        let (seconds, executed) = (self.now(), self.live.progress.executed);
        self.recorder.manifest(|manifest| {
            manifest.phase = Phase::Ended;
            manifest.outcome = Some(outcome.clone());
            manifest.ended = Some(crate::calendar::utc(std::time::SystemTime::now()));
            manifest.seconds = Some(seconds);
            manifest.executed = executed.or(manifest.executed);
            manifest.processes.clear();
        });
        // The last lines are what is read: what came out, and where all of it is.
        if let Some(folder) = self.recorder.folder().map(|folder| folder.display().to_string()) {
            self.step(format!("everything is in {folder}"));
        }
        self.recorder.tell(&Happening::Ended { outcome: outcome.clone() });
        self.recorder.close();
        self.lines.save();
    }
}
