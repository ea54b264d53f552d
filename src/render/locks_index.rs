//! The tasks and waits of a dump by task, so that a text view of thousands of tasks is made in one pass.

use crate::locks::{Dump, DumpTask, Grade, Wait};
use std::collections::{BTreeMap, BTreeSet};

/// What makes two waits the same but for their tasks.
pub(super) type Sameness<'a> =
    (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<i64>, Grade, &'a str);

pub(super) fn sameness(wait: &Wait) -> Sameness<'_> {
    (
        wait.kind.word(),
        wait.lock.class.as_deref(),
        wait.lock.address.as_deref(),
        wait.lock.acquired_at.as_deref(),
        wait.holder.as_ref().map(|holder| holder.pid),
        wait.grade,
        &wait.because,
    )
}

/// Who waits for whom, as far as it is likely at least.
pub(super) struct Behind<'a> {
    /// The dump.
    pub(super) dump: &'a Dump,
    /// Holder → waits for it.
    pub(super) direct: BTreeMap<i64, Vec<&'a Wait>>,
    /// Who waits for somebody likely.
    pub(super) strong: BTreeSet<i64>,
    /// Waiter → its waits, in the order of the dump.
    waits: BTreeMap<i64, Vec<&'a Wait>>,
    /// The tasks of the dump; the first of each pid.
    tasks: BTreeMap<i64, &'a DumpTask>,
}

impl<'a> Behind<'a> {
    pub(super) fn of(dump: &'a Dump) -> Self {
        let mut direct: BTreeMap<i64, Vec<&Wait>> = BTreeMap::new();
        let mut strong = BTreeSet::new();
        for wait in dump.waits.iter().filter(|wait| wait.grade.is_strong()) {
            if let Some(holder) = &wait.holder {
                direct.entry(holder.pid).or_default().push(wait);
                strong.insert(wait.waiter.pid);
            }
        }
        let mut waits: BTreeMap<i64, Vec<&Wait>> = BTreeMap::new();
        for wait in &dump.waits {
            waits.entry(wait.waiter.pid).or_default().push(wait);
        }
        let mut tasks = BTreeMap::new();
        for task in &dump.tasks {
            tasks.entry(task.pid).or_insert(task);
        }
        Self { dump, direct, strong, waits, tasks }
    }

    /// What a task waits for, in the order of the dump.
    pub(super) fn waits_of(&self, pid: i64) -> impl Iterator<Item = &'a Wait> + Clone {
        self.waits.get(&pid).into_iter().flatten().copied()
    }

    /// The first task of the dump that has this number.
    pub(super) fn task(&self, pid: i64) -> Option<&'a DumpTask> {
        self.tasks.get(&pid).copied()
    }

    /// ` (D)`.
    pub(super) fn state(&self, pid: i64) -> String {
        let state = self.task(pid).and_then(|task| task.state.as_deref());
        state.map(|state| format!(" ({state})")).unwrap_or_default()
    }

    /// ` for 143 s`.
    pub(super) fn blocked(&self, pid: i64) -> String {
        let seconds = self.task(pid).and_then(|task| task.seconds);
        seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default()
    }

    /// The waits for `pid`, those that are reported in one sentence together; in reverse, for a stack.
    pub(super) fn groups(&self, pid: i64, depth: usize) -> Vec<(Vec<&'a Wait>, usize)> {
        let mut groups: Vec<(Vec<&'a Wait>, usize)> = Vec::new();
        let mut index: BTreeMap<Sameness<'a>, usize> = BTreeMap::new();
        for wait in self.direct.get(&pid).into_iter().flatten().copied() {
            let leaf = !self.direct.contains_key(&wait.waiter.pid);
            match index.get(&sameness(wait)).filter(|_| leaf) {
                Some(at) => groups[*at].0.push(wait),
                None => {
                    if leaf {
                        index.insert(sameness(wait), groups.len());
                    }
                    groups.push((vec![wait], depth));
                }
            }
        }
        groups.reverse();
        groups
    }
}
