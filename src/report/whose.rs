//! Whose report it is that does not say so in its first line: what its other lines say, until two of them contradict each other.

use super::Task;
use super::scan::{keyed, split, text};

/// What the lines of a report say of its task.
#[derive(Debug, Default)]
pub(super) struct Whose {
    /// The task that the first line of flags names.
    flagged: Option<Task>,
    /// Whether the line of the access names the task.
    certain: bool,
    /// Whether lines of two reports, each of its own task, stand mixed.
    mixed: bool,
}

impl Whose {
    /// Takes a line of flags; whether it names another task than the first one did.
    pub(super) fn flags(&mut self, task: &Task) -> bool {
        let first = self.flagged.get_or_insert_with(|| task.clone());
        self.mixed |= first.pid != task.pid;
        first.pid != task.pid
    }

    /// Whether a task is known by flags alone.
    pub(super) fn is_flagged(&self, task: &Task) -> bool {
        self.flagged.as_ref() == Some(task)
    }

    /// Says that the line of the access names the task.
    pub(super) fn named(&mut self) {
        self.certain = true;
    }

    /// Says that another report's line stands between, and nothing tells which of both is the own one.
    pub(super) fn mix(&mut self) {
        self.mixed = true;
    }

    /// Whether nobody can tell whose report it is.
    pub(super) fn is_unknown(&self) -> bool {
        self.mixed && !self.certain
    }
}

/// The task in `in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 12, name: a`.
pub(super) fn flagged(line: &[u8]) -> Option<Task> {
    let pid = keyed(line, " pid: ")?;
    let (_, comm) = split(line, ", name: ")?;
    Some(Task { comm: text(comm.trim_ascii()), pid })
}
