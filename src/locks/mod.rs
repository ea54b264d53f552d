//! Who blocks whom: reports and events of a log → the wait graph of each moment at which it describes its tasks.
//!
//! `gather` separates the moments and joins what is said of a task, `awaited` reads from a stack what it sleeps in,
//! `classes` knows which locks can be owned, `edges` and `hearsay` infer holders and grade each, `graph` finds cycles and roots,
//! `explain` puts lockdep's reports into plain order, `predict` reads them where a hang comes without
//! lists. Nothing here guesses: an edge that the log does not prove is graded
//! [`Grade::Possible`] or [`Grade::Unknown`], and neither cycles nor roots rest on it.

mod awaited;
mod belonging;
mod circular;
mod claim;
mod classes;
mod edges;
mod explain;
mod facts;
mod gather;
mod graph;
mod hearsay;
mod key;
mod kind;
mod model;
mod pieces;
mod predict;
mod predicted;
mod wait;

pub use awaited::is_primitive;
pub use belonging::{dump_of, missing_root};
#[cfg(feature = "cli")]
pub(crate) use graph::is_held;
pub use kind::{Identity, WaitKind};
pub use model::*;
pub use pieces::Gathered;

use crate::report::{Event, Lockdep, Report, Task};
use facts::{Facts, TaskFacts};
use std::collections::{BTreeMap, BTreeSet};

/// So many lockdep reports of a boot are explained with each of its dumps: lockdep goes off with its first.
const MOST_EXPLAINED: usize = 16;

/// One finished record of a log.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// A report.
    Report(&'a Report),
    /// An event.
    Event(&'a Event),
}

/// The wait graphs of one log, in its order; `records` in any order.
///
/// A log with lockdep reports and without any dump yields one record that only explains them.
#[must_use]
pub fn dumps(log: &str, records: &[Record<'_>]) -> Vec<Dump> {
    dumps_of(log, &Gathered::of(records))
}

/// The wait graphs of one log of which everything was gathered, in its order; see [`dumps`].
#[must_use]
pub fn dumps_of(log: &str, gathered: &Gathered<'_>) -> Vec<Dump> {
    let facts = gather::dumps(gathered);
    let mut reports: Vec<(&Report, &Lockdep)> =
        gathered.lockdep.iter().filter_map(|report| Some((report.as_ref(), report.lockdep.as_deref()?))).collect();
    // One line that could be lockdep's makes no report of it.
    reports.retain(|(_, lockdep)| **lockdep != Lockdep::default());
    reports.sort_by_key(|(report, _)| (report.boot, report.start));
    let mut dumps: Vec<Dump> = Vec::new();
    for (index, facts) in facts.iter().enumerate() {
        let own = of_boot(&reports, facts.boot);
        let before = dumps.last().filter(|before| {
            // A clock that goes back is that of another log, or of a boot whose first lines are lost.
            let back = before.at.zip(facts.at).is_some_and(|(before, now)| now < before);
            before.boot == facts.boot && !back
        });
        let dump = dump(log, index, facts, own, before);
        dumps.push(dump);
    }
    // Reports of boots without a dump are explained on their own.
    let boots: BTreeSet<usize> = reports.iter().map(|(report, _)| report.boot).collect();
    let told: BTreeSet<usize> = dumps.iter().map(|dump| dump.boot).collect();
    for boot in boots {
        if !told.contains(&boot) {
            let own = of_boot(&reports, boot);
            let Some((first, _)) = own.first() else { continue };
            let facts = Facts { boot, at: first.time, line: first.line, ..Facts::default() };
            dumps.push(dump(log, 0, &facts, own, None));
        }
    }
    dumps.sort_by_key(|dump| (dump.boot, dump.line));
    for (index, dump) in dumps.iter_mut().enumerate() {
        dump.index = index;
    }
    dumps
}

/// The lockdep reports of one boot, of all, which are sorted by boot.
fn of_boot<'a, 'b>(reports: &'a [(&'b Report, &'b Lockdep)], boot: usize) -> &'a [(&'b Report, &'b Lockdep)] {
    let from = reports.partition_point(|(report, _)| report.boot < boot);
    let length = reports[from..].partition_point(|(report, _)| report.boot == boot);
    &reports[from..from + length]
}

fn dump(log: &str, index: usize, facts: &Facts, reports: &[(&Report, &Lockdep)], before: Option<&Dump>) -> Dump {
    let (all, reports) = (reports.len(), &reports[..reports.len().min(MOST_EXPLAINED)]);
    let mut waits = edges::edges(facts);
    predict::predict(facts, reports, &mut waits);
    waits.sort_by(|a, b| {
        let key = |wait: &Wait| {
            (wait.waiter.pid, std::cmp::Reverse(wait.grade), wait.holder.as_ref().map_or(0, |holder| holder.pid))
        };
        key(a).cmp(&key(b))
    });
    let strong = graph::strong(&waits);
    let cycles = graph::cycles(&strong);
    let hung = facts.tasks.iter().filter(|(_, task)| task.seconds.is_some());
    let hung: BTreeMap<i64, &str> = hung.map(|(pid, task)| (*pid, task.comm)).collect();
    let roots = graph::roots(&strong, &waits, &hung);
    let lockdep: Vec<Explanation> = reports.iter().map(|(report, lockdep)| explain::explain(report, lockdep)).collect();
    let joined = predicted::join(&lockdep, reports, &waits);
    let tasks: Vec<DumpTask> =
        facts.tasks.iter().map(|(pid, task)| dump_task(facts, *pid, task, &waits, before)).collect();
    let mut unknown = unknown(facts, &waits);
    if all > reports.len() {
        unknown.push(format!("only the first {} of {all} lockdep reports are explained", reports.len()));
    }
    Dump {
        schema: LOCKS_SCHEMA,
        log: log.to_owned(),
        index,
        boot: facts.boot,
        at: facts.at,
        line: facts.line,
        hang: facts.hung || !cycles.is_empty() || !strong.is_empty() || !facts.blockers.is_empty(),
        changes: before.map(|before| changes(before, facts, &waits)),
        unknown,
        tasks,
        waits,
        cycles,
        roots,
        running: facts.hidden.values().map(|(task, _)| (*task).clone()).collect(),
        lockdep,
        joined,
    }
}

fn dump_task(facts: &Facts, pid: i64, task: &TaskFacts, waits: &[Wait], before: Option<&Dump>) -> DumpTask {
    let own = waits_of(waits, pid).first();
    let awaited = own.and_then(|wait| wait.lock.line);
    let since = own.and_then(|wait| {
        let earlier = before.and_then(|before| {
            let same = waits_of(&before.waits, pid).iter().any(|old| same_wait(old, wait));
            let known = before.tasks.binary_search_by_key(&pid, |known| known.pid).ok()?;
            same.then_some(before.tasks[known].since).flatten()
        });
        // The watchdog counts whole passes: the task sleeps for at least that long.
        let counted = facts.at.zip(task.seconds).map(|(at, seconds)| (at - seconds as f64).max(0.0));
        match (earlier, counted) {
            (Some(earlier), Some(counted)) => Some(earlier.min(counted)),
            (one, other) => one.or(other),
        }
    });
    let stands = task.stands();
    let listed = task.locks.iter().filter(|lock| Some(lock.line) != awaited && !lock.words.unowned);
    let mut holds: Vec<LockRef> = listed.map(wait::lock_ref).collect();
    // Most lists have one entry, and there may be a million.
    holds.shrink_to_fit();
    DumpTask {
        comm: task.comm.to_owned(),
        pid,
        state: task.state.map(str::to_owned),
        seconds: task.seconds,
        since,
        work: task.workqueue.map(|queue| match task.work_function {
            Some(function) => format!("{queue} {function}"),
            None => queue.to_owned(),
        }),
        holds,
        stands_in: stands.map(wait::place),
        stands_at: stands.map(|frame| frame.log_line).filter(|line| *line > 0),
        inherited: task.inherited,
        line: task.line,
    }
}

/// The waits of one task, of all of a dump, which are sorted by pid.
fn waits_of(waits: &[Wait], pid: i64) -> &[Wait] {
    let from = waits.partition_point(|wait| wait.waiter.pid < pid);
    let length = waits[from..].partition_point(|wait| wait.waiter.pid == pid);
    &waits[from..from + length]
}

fn same_wait(a: &Wait, b: &Wait) -> bool {
    a.waiter.pid == b.waiter.pid
        && a.kind == b.kind
        && a.lock.class == b.lock.class
        && a.lock.address == b.lock.address
        && a.lock.acquired_at == b.lock.acquired_at
}

/// What is different. Silence shows that a task no longer waits only where it would have been listed: by the watchdog, which
/// named it before and still names whom it finds, and where somebody asked for all.
fn changes(before: &Dump, facts: &Facts<'_>, waits: &[Wait]) -> Changes {
    let known = |pid: i64| before.tasks.binary_search_by_key(&pid, |known| known.pid).ok();
    let called = |pid: i64| known(pid).is_some_and(|at| before.tasks[at].seconds.is_some());
    let shown = |pid: i64| {
        match facts.tasks.get(&pid) {
            // A task that only the kernel's sentence on a holder names may wait as before.
            Some(task) => task.shown || task.state.is_some() || !task.locks.is_empty(),
            None => facts.asked || facts.hung && !facts.suppressed && !facts.unfinished && called(pid),
        }
    };
    let tasks = |waits: &[Wait]| -> BTreeMap<i64, Task> {
        waits.iter().map(|wait| (wait.waiter.pid, wait.waiter.clone())).collect()
    };
    let (old, now) = (tasks(&before.waits), tasks(waits));
    let same: BTreeSet<i64> = waits
        .iter()
        .filter(|wait| waits_of(&before.waits, wait.waiter.pid).iter().any(|old| same_wait(old, wait)))
        .map(|wait| wait.waiter.pid)
        .collect();
    Changes {
        new: now.values().filter(|task| !same.contains(&task.pid)).cloned().collect(),
        still: now.values().filter(|task| same.contains(&task.pid)).cloned().collect(),
        gone: old.values().filter(|task| !now.contains_key(&task.pid) && shown(task.pid)).cloned().collect(),
    }
}

/// What could not be determined, and why.
fn unknown(facts: &Facts, waits: &[Wait]) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(line) = facts.lockdep_off {
        reasons.push(format!("lockdep was off (line {line}): no lists of held locks"));
    } else if !facts.listed && !facts.tasks.is_empty() {
        reasons.push("the log lists no held locks here".into());
    }
    if !facts.cut.is_empty() {
        let lines: Vec<String> = facts.cut.iter().map(u64::to_string).collect();
        reasons.push(format!("lists of held locks are cut at line {}", lines.join(", ")));
    }
    if !facts.hidden.is_empty() {
        let pids: Vec<String> = facts.hidden.keys().map(i64::to_string).collect();
        reasons.push(format!("tasks that were running show no locks: {}", pids.join(", ")));
    }
    if facts.unfinished {
        reasons.push("the dump is cut before its lists of locks: those of the dump before stand in".into());
    }
    if facts.suppressed {
        reasons.push("the kernel stops reporting hung tasks here".into());
    }
    let by_class = waits.iter().any(|wait| wait.identity == Identity::Class);
    if by_class {
        reasons.push("some locks are known by class only: the log prints no addresses".into());
    }
    reasons
}
