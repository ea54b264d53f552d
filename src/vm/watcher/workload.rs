//! The workload: its output, how far it has come, and how it ends.

use super::super::doing::Doing;
use super::super::happening::Happening;
use super::super::judge::Fact;
use super::super::progress::Progress;
use super::super::record::{SERIAL_LOG, WORKLOAD_LOG};
use super::Watcher;
use crate::runs::{Outcome, Verdict};

/// Progress goes to the manifest this often, seconds: often enough for `runs status`, seldom enough for the disk.
const SAVE_INTERVAL: f64 = 5.0;

impl Watcher<'_> {
    /// Takes bytes of the workload's own output.
    pub fn workload(&mut self, bytes: &[u8]) {
        self.recorder.workload(bytes);
        let findings = self.live.workload(bytes, self.now());
        self.found(findings);
    }

    /// The workload prints to the serial port.
    pub fn workload_is_on_serial(&mut self) {
        self.live.workload_on_serial = true;
    }

    /// A session brings the workload's output and its end, or does so no longer.
    pub fn workload_is_followed(&mut self, followed: bool) {
        self.followed = followed;
    }

    /// The workload is over: by its own session, or by what the guest's console says.
    pub fn workload_ended(&mut self, status: i32) {
        match self.doing {
            Doing::Booting | Doing::Preparing => {
                self.early_end = Some(status);
                return;
            }
            // The workload of somebody else's run: its log goes on.
            Doing::Watching => return,
            Doing::Running | Doing::Settling => {}
        }
        if self.doing == Doing::Running {
            self.doing = Doing::Settling;
            self.tell_last_words(status);
            self.step(format!("the workload ended with status {status}"));
        }
        self.fact(Fact::WorkloadEnded(status));
    }

    /// Shows the end of the output and says where the rest is; syz-execprog's only where it failed.
    fn tell_last_words(&mut self, status: i32) {
        let count = match (self.counts, status) {
            (true, 0) => return,
            (true, _) => 3,
            (false, _) => usize::MAX,
        };
        let (lines, before) = self.live.last_words.last(count);
        if before > 0
            && let Some(log) = self.recorder.folder().map(|folder| folder.join(WORKLOAD_LOG))
        {
            let place = if self.live.workload_on_serial { log.with_file_name(SERIAL_LOG) } else { log };
            self.step(format!("the end of the output, {before} lines before it are in {}", place.display()));
        }
        for text in lines {
            self.recorder.tell(&Happening::Said { text });
        }
    }

    /// The outcome, with the line in which a workload that failed said why.
    pub(super) fn with_last_words(&self, mut outcome: Outcome) -> Outcome {
        if outcome.verdict == Verdict::WorkloadFailure
            && let Some(line) = self.live.last_words.reason()
        {
            outcome.reason = format!("{}: {line}", outcome.reason);
        }
        outcome
    }

    pub(super) fn counted(&mut self, progress: &Progress, now: f64) {
        let Some(executed) = progress.executed else { return };
        self.judge.take(Fact::Counted(executed), now);
        self.recorder.tell(&Happening::Progress { parsed: progress.parsed, executed, rate: progress.rate });
        if now - self.saved_progress >= SAVE_INTERVAL || executed == 0 {
            self.saved_progress = now;
            self.recorder.manifest(|manifest| manifest.executed = Some(executed));
        }
    }
}
