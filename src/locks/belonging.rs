//! Which dump a report belongs to, and why a waiter is not a root.

use super::Dump;
use crate::report::{Report, Task};

/// More running tasks than this say as much as none.
const MOST_RUNNING: usize = 8;

/// The dump that a report of a hang belongs to.
#[must_use]
pub fn dump_of<'a>(dumps: &'a [Dump], report: &Report) -> Option<&'a Dump> {
    let hung = report.hung_tasks.iter().any(|task| task.seconds.is_some());
    dumps.iter().rfind(|dump| hung && dump.boot == report.boot && dump.line <= report.line)
}

/// Why a task that waits for a lock is not a root: who may hold it. `None` where the log names nobody.
#[must_use]
pub fn missing_root(dump: &Dump, pid: i64) -> Option<String> {
    // Candidates that are in the log are reported with their grade.
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
