//! What one moment of a log says of its tasks, before anything is inferred.

use super::awaited::{Awaited, awaited, is_primitive, plain};
use super::key::Key;
use super::pieces::Held;
use crate::report::{Blocker, Frame, Task};
use std::collections::{BTreeMap, BTreeSet};

/// What one dump says, before anything is inferred.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts<'a> {
    pub(super) boot: usize,
    pub(super) at: Option<f64>,
    pub(super) line: u64,
    pub(super) tasks: BTreeMap<i64, TaskFacts<'a>>,
    pub(super) blockers: Vec<&'a Blocker>,
    /// Lines that say that lockdep is off.
    pub(super) lockdep_off: Option<u64>,
    /// Whether lists of locks of all tasks were printed.
    pub(super) listed: bool,
    /// Tasks whose list is announced and not shown: they were running.
    pub(super) hidden: BTreeMap<i64, (&'a Task, u64)>,
    /// Lists that are visibly incomplete, by line.
    pub(super) cut: Vec<u64>,
    /// Whether the kernel stops reporting hung tasks here.
    pub(super) suppressed: bool,
    /// Who has each lock by trace lines: name → (pid, comm, line of the acquisition).
    pub(super) traced: BTreeMap<String, (Task, u64)>,
    /// Whether somebody asked for the tasks that wait, or for all: who is not listed does not wait.
    pub(super) asked: bool,
    /// Whether a report of the kernel calls a task blocked.
    pub(super) hung: bool,
    /// Whether the pass is cut before its lists of locks; those of the dump before stand in.
    pub(super) unfinished: bool,
    /// Holders that an earlier dump settled, with lists that were complete.
    pub(super) settled: BTreeSet<(i64, Key<'a>)>,
    /// Whether a key was pressed again, or the clock went back: the next task row is that of a new dump.
    pub(super) over: bool,
}

/// What a dump says of one task.
#[derive(Debug, Clone, Default)]
pub(super) struct TaskFacts<'a> {
    pub(super) comm: &'a str,
    pub(super) state: Option<&'a str>,
    pub(super) seconds: Option<u64>,
    pub(super) io_wait: bool,
    pub(super) workqueue: Option<&'a str>,
    pub(super) work_function: Option<&'a str>,
    pub(super) frames: &'a [Frame],
    /// Whether the log shows a stack of it, legible or not.
    pub(super) shown: bool,
    pub(super) awaited: Option<Awaited>,
    pub(super) locks: &'a [Held],
    /// Whether a list of it was shown completely.
    pub(super) whole: bool,
    /// Whether it was seen running on a CPU.
    pub(super) running: bool,
    pub(super) inherited: bool,
    /// Line that calls it hung or lists its state.
    pub(super) line: u64,
}

impl TaskFacts<'_> {
    /// The innermost function of its stack that is not the scheduler's or a primitive's; an unreliable one where there
    /// is not another.
    pub(super) fn stands(&self) -> Option<&Frame> {
        let own =
            |frame: &&Frame| !frame.inline && frame.function.as_deref().is_some_and(|name| !is_primitive(plain(name)));
        self.frames.iter().filter(|frame| frame.reliable).find(own).or_else(|| self.frames.iter().find(own))
    }

    /// Whether it sleeps in a lock in a dump of the kernel's memory: `crash` says neither its state nor offsets.
    pub(super) fn sleeps_in_dump(&self) -> bool {
        let lock = self.awaited.as_ref().is_some_and(|awaited| awaited.kind.is_listed());
        let of_dump = self.frames.first().is_some_and(|frame| frame.offset.is_none() && frame.address.is_some());
        self.state.is_none() && self.seconds.is_none() && lock && of_dump
    }
}

impl<'a> Facts<'a> {
    pub(super) fn finish(&mut self) {
        for facts in self.tasks.values_mut() {
            facts.awaited = awaited(facts.frames);
        }
    }

    /// Takes over what an earlier dump knew and this one keeps silent about.
    pub(super) fn inherit(&mut self, before: &Self) {
        // A pass without the list that ends the one before it is cut: the log ends here, or lines are lost.
        self.unfinished = self.hung && !self.listed && before.listed && self.lockdep_off.is_none();
        if self.unfinished {
            for (pid, old) in &before.tasks {
                let new = self.tasks.entry(*pid).or_insert_with(|| TaskFacts { inherited: true, ..old.clone() });
                let site = |task: &TaskFacts<'_>| {
                    task.awaited
                        .as_ref()
                        .and_then(|awaited| task.frames.get(awaited.site))
                        .map(|frame| (frame.function.clone(), frame.offset))
                };
                if new.comm != old.comm || !new.locks.is_empty() {
                    continue;
                }
                if new.awaited.is_none() {
                    // The cut went through its stack.
                    (new.frames, new.awaited, new.inherited) = (old.frames, old.awaited.clone(), true);
                }
                if site(new) == site(old) {
                    new.locks = old.locks;
                    new.whole = old.whole;
                }
            }
            self.hidden.clone_from(&before.hidden);
            self.cut.clone_from(&before.cut);
            self.listed = true;
            return;
        }
        for (pid, old) in &before.tasks {
            if old.frames.is_empty() {
                continue;
            }
            match self.tasks.get_mut(pid) {
                Some(new) if new.frames.is_empty() && new.seconds.is_none() => {
                    // Still there with the same locks taken at the same places: still the same wait.
                    let place = |lock: &'a Held| {
                        let at = lock.words.acquired_at.as_ref().map(|at| (at.function.as_deref(), at.offset));
                        (lock.address.as_deref(), lock.words.class.as_str(), at)
                    };
                    let same = !new.locks.is_empty() && new.locks.iter().map(place).eq(old.locks.iter().map(place));
                    if same && new.comm == old.comm {
                        let locks = new.locks;
                        *new = TaskFacts {
                            locks,
                            inherited: true,
                            line: new.line,
                            whole: new.whole,
                            running: false,
                            ..old.clone()
                        };
                    }
                }
                // Once the kernel stops reporting, silence is not news of a task that has no list either.
                None if self.suppressed
                    && old.seconds.is_some()
                    && (old.locks.is_empty() || !self.listed)
                    && !self.hidden.contains_key(pid) =>
                {
                    self.tasks.insert(*pid, TaskFacts { inherited: true, ..old.clone() });
                }
                _ => {}
            }
        }
    }
}
