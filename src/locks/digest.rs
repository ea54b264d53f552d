//! Two lines on a hang, for `kanalyze parse`.

use super::Dump;
use super::graph::awaited_in_words;
use crate::report::{Report, Task};

/// More running tasks than this say as much as none.
const MOST_RUNNING: usize = 8;

/// The dump that a report of a hang belongs to.
#[must_use]
pub fn dump_of<'a>(dumps: &'a [Dump], report: &Report) -> Option<&'a Dump> {
    let hung = report.hung_tasks.iter().any(|task| task.seconds.is_some());
    dumps.iter().rfind(|dump| hung && dump.boot == report.boot && dump.line <= report.line)
}

/// Two lines that sum up what one report of a hang is about: the end of the chain of waits that `pid` is in, and what
/// that one waits for. Without a pid, the dump's first root. `None` when there is no hang.
#[must_use]
pub fn digest(dump: &Dump, pid: Option<i64>) -> Option<[String; 2]> {
    if !dump.hang {
        return None;
    }
    let end = match pid.map(|pid| end_of(dump, pid)) {
        Some(end) => end,
        None => match (dump.cycles.first(), dump.roots.first()) {
            (Some(cycle), _) => End::Cycle(cycle),
            (None, Some(root)) => End::Task(root.pid),
            (None, None) => End::Task(dump.waits.first()?.waiter.pid),
        },
    };
    match end {
        End::Cycle(cycle) => {
            let members: Vec<String> = cycle.iter().map(|pid| name(dump, *pid)).collect();
            let locks: Vec<&str> = cycle
                .iter()
                .filter_map(|pid| dump.waits.iter().find(|wait| wait.waiter.pid == *pid && wait.grade.is_strong()))
                .map(|wait| wait.lock.class.as_deref().unwrap_or(wait.kind))
                .collect();
            let head = match cycle {
                [_] => format!("deadlock: {} waits for itself", members.join(", ")),
                _ => format!("deadlock: {} wait for each other", members.join(", ")),
            };
            Some([head, format!("over {}", locks.join(", "))])
        }
        End::Task(end) => Some(of_task(dump, end)),
    }
}

/// Where a chain of waits ends.
enum End<'a> {
    Cycle(&'a [i64]),
    Task(i64),
}

/// Follows the strong edges from a task on.
fn end_of(dump: &Dump, pid: i64) -> End<'_> {
    let mut at = pid;
    for _ in 0..=dump.waits.len() {
        if let Some(cycle) = dump.cycles.iter().find(|cycle| cycle.contains(&at)) {
            return End::Cycle(cycle);
        }
        let next =
            dump.waits.iter().find(|wait| wait.waiter.pid == at && wait.grade.is_strong() && wait.holder.is_some());
        match next.and_then(|wait| wait.holder.as_ref()) {
            Some(holder) => at = holder.pid,
            None => break,
        }
    }
    End::Task(at)
}

/// The two lines on the task at the end of a chain.
fn of_task(dump: &Dump, pid: i64) -> [String; 2] {
    let who = name(dump, pid);
    let first = match dump.roots.iter().find(|root| root.pid == pid) {
        Some(root) => match root.blocked_tasks {
            0 => format!("{who} blocks no other task in this log"),
            1 => format!("{who} blocks 1 task through {}", root.through.join(", ")),
            many => format!("{who} blocks {many} tasks through {}", root.through.join(", ")),
        },
        None => match (missing_root(dump, pid), candidates(dump, pid).first()) {
            (Some(who), _) => format!("the root is not in the log; {who}"),
            (None, Some(holder)) => {
                format!("the root is not told for sure; {}/{} may hold it", holder.comm, holder.pid)
            }
            (None, None) => match dump.waits.iter().find(|wait| wait.waiter.pid == pid && wait.candidates > 0) {
                Some(wait) => format!("the root is not told for sure; {}", wait.because),
                None => "the root is not in the log".to_owned(),
            },
        },
    };
    let task = dump.tasks.iter().find(|task| task.pid == pid);
    let second = match dump.waits.iter().find(|wait| wait.waiter.pid == pid) {
        Some(wait) => {
            let line = wait.evidence.first().copied().unwrap_or(dump.line);
            let whose = if first.starts_with(&who) { "it" } else { &who };
            format!("{whose} waits for {} (line {line})", awaited_in_words(wait))
        }
        None => match task.and_then(|task| Some((task.stands_in.as_deref()?, task.stands_at.unwrap_or(task.line)))) {
            Some((place, line)) => format!("what it waits for is not told; it is in {place} (line {line})"),
            None => "the log does not say what it waits for".into(),
        },
    };
    [first, second]
}

/// Why a task that waits for a lock is no root: who may hold it. `None` where the log names nobody.
pub(crate) fn missing_root(dump: &Dump, pid: i64) -> Option<String> {
    // Candidates that are in the log are told with their grade.
    let several = dump.waits.iter().any(|wait| wait.waiter.pid == pid && wait.candidates > 0);
    if several || candidates(dump, pid).iter().any(|holder| !dump.running.contains(holder)) {
        return None;
    }
    let running: Vec<String> = dump.running.iter().map(|task| format!("{}/{}", task.comm, task.pid)).collect();
    match &running[..] {
        [] => None,
        [one] => Some(format!("{one} was running and may hold it")),
        many if many.len() <= MOST_RUNNING => {
            Some(format!("{} were running, and one of them may hold it", many.join(", ")))
        }
        many => Some(format!("{} tasks were running, and one of them may hold it", many.len())),
    }
}

/// Who may hold what a task waits for.
fn candidates(dump: &Dump, pid: i64) -> Vec<&Task> {
    dump.waits.iter().filter(|wait| wait.waiter.pid == pid).filter_map(|wait| wait.holder.as_ref()).collect()
}

fn name(dump: &Dump, pid: i64) -> String {
    let listed = dump.tasks.iter().find(|task| task.pid == pid).map(|task| task.comm.as_str());
    let waits = || dump.waits.iter().flat_map(|wait| std::iter::once(&wait.waiter).chain(&wait.holder));
    let comm = listed.or_else(|| waits().find(|task| task.pid == pid).map(|task| task.comm.as_str()));
    format!("{}/{pid}", comm.unwrap_or_default())
}
