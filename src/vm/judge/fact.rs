//! What the judge is told, by which rules it goes, and what it orders.

use crate::runs::Outcome;

/// What the judge goes by. Times in seconds, already scaled to the machine.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Until the guest takes commands.
    pub boot: f64,
    /// From the start of the workload; of one that [needs programs](Rules::needs_programs), from the first executed one.
    pub max_time: f64,
    /// Whether a workload that executed no program proves nothing: it is syz-execprog's.
    pub needs_programs: bool,
    /// Without a count of syz-execprog; 0: no such rule.
    pub no_output: f64,
    /// How long to wait for the rest of a report, and for late ones at the end.
    pub settle: f64,
    /// End at the first hit.
    pub stop_on_hit: bool,
    /// Whether reports before the workload count as hits.
    pub boot_counts: bool,
    /// Whether a guest without progress is what is sought.
    pub seeks_no_output: bool,
    /// Whether there is a machine that can be asked for a dump.
    pub can_dump: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The guest takes commands.
    GuestReady,
    /// The guest waits for somebody at its console; why, in a sentence.
    BootStuck(String),
    /// The workload runs; whether it counts its programs.
    WorkloadStarted {
        /// Whether syzkaller's no-output rule applies.
        counts: bool,
    },
    /// A count of syz-execprog: programs issued so far.
    Counted(u64),
    /// The workload is over, with its status.
    WorkloadEnded(i32),
    /// The workload could not be started.
    WorkloadFailed(String),
    /// Nobody sees the workload's output any more.
    WorkloadOutOfSight(String),
    /// Bytes came from the serial port.
    SerialBytes,
    /// A report's first line is there.
    Opened,
    /// A report is whole.
    Closed(Verdicts),
    /// A console line that is sought.
    LineHit(String),
    /// A dump is over; whether the guest answered at all.
    DumpDone {
        /// Whether it did.
        answered: bool,
    },
    /// QEMU is gone, or the log that is read has ended.
    MachineEnded {
        /// One sentence.
        reason: String,
        /// Whether this is how such a run is meant to end.
        expected: bool,
    },
    /// Somebody wants the run to end.
    Interrupted(String),
    /// The host fails.
    Trouble(String),
}

/// What matters of a report here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdicts {
    /// syzbot's title.
    pub title: String,
    /// Whether it is sought.
    pub sought: bool,
    /// Whether the kernel panicked.
    pub panicked: bool,
    /// Whether somebody waits and a lock dump would say more.
    pub hang: bool,
    /// Whether it is a consequence of another report or a side effect of the machine's end.
    pub secondary: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Close the open reports.
    Flush,
    /// Ask the guest for a lock dump.
    Dump,
    /// End the run.
    Finish(Outcome),
}
