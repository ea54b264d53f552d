//! Two lines on a hang, for `kanalyze parse`.

use super::Dump;
use super::graph::awaited_in_words;
use crate::report::Report;

/// The dump that a report of a hang belongs to.
#[must_use]
pub fn dump_of<'a>(dumps: &'a [Dump], report: &Report) -> Option<&'a Dump> {
    let hung = report.hung_tasks.iter().any(|task| task.seconds.is_some());
    dumps.iter().rfind(|dump| hung && dump.boot == report.boot && dump.line <= report.line)
}

/// Two lines that sum a dump up: who everybody waits for, and what that one waits for. `None` when there is no hang.
#[must_use]
pub fn digest(dump: &Dump) -> Option<[String; 2]> {
    if !dump.hang {
        return None;
    }
    let name = |pid: i64| {
        let comm = dump.tasks.iter().find(|task| task.pid == pid).map_or("", |task| task.comm.as_str());
        format!("{comm}/{pid}")
    };
    if let Some(cycle) = dump.cycles.first() {
        let members: Vec<String> = cycle.iter().map(|pid| name(*pid)).collect();
        let locks: Vec<&str> = cycle
            .iter()
            .filter_map(|pid| dump.waits.iter().find(|wait| wait.waiter.pid == *pid && wait.grade.is_strong()))
            .map(|wait| wait.lock.class.as_deref().unwrap_or(wait.kind))
            .collect();
        return Some([
            format!("deadlock: {} wait for each other", members.join(", ")),
            format!("over {}", locks.join(", ")),
        ]);
    }
    let root = dump.roots.first()?;
    let first = match root.blocked_tasks {
        0 => format!("{}/{} blocks nobody that the log knows", root.comm, root.pid),
        1 => format!("{}/{} blocks 1 task through {}", root.comm, root.pid, root.through.join(", ")),
        many => format!("{}/{} blocks {many} tasks through {}", root.comm, root.pid, root.through.join(", ")),
    };
    let waits = dump.waits.iter().find(|wait| wait.waiter.pid == root.pid);
    let second = match waits {
        Some(wait) => format!(
            "it waits for {} (line {})",
            awaited_in_words(wait),
            wait.evidence.first().copied().unwrap_or(dump.line)
        ),
        None => "the log does not say what it waits for".into(),
    };
    Some([first, second])
}
