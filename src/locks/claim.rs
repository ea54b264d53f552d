//! Which lock a list names, and how each task that lists it stands to it.

use super::awaited::plain;
use super::classes::{bare, is_unowned};
use super::facts::{Facts, TaskFacts};
use super::key::{Key, key};
use super::kind::WaitKind;
use crate::report::Frame;
use std::collections::{BTreeMap, BTreeSet};

/// Who lists a lock, and how each of them stands to it: pid and index in the task's list, ascending.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// They went on after that acquisition.
    pub(super) holders: Vec<(i64, usize)>,
    /// The list alone does not say.
    pub(super) open: Vec<(i64, usize)>,
    /// Whether somebody sleeps in the lock's slow path at that acquisition.
    pub(super) awaited: bool,
    /// Whether that is the slow path of a mutex.
    pub(super) mutex: bool,
}

/// The lists of locks, by lock.
pub(super) type Claims = BTreeMap<Key, Listed>;

/// Without what a task lists itself from an index on: the part before it and the part behind.
pub(super) fn others(listed: &[(i64, usize)], pid: i64, index: usize) -> [&[(i64, usize)]; 2] {
    let from = listed.partition_point(|claim| *claim < (pid, index));
    let own = listed[from..].partition_point(|(other, _)| *other == pid);
    [&listed[..from], &listed[from + own..]]
}

/// Who holds what for sure enough that a later dump may rely on it: a task that is the only one in question while no list
/// is missing or cut, and others wait.
pub(super) fn settled(facts: &Facts) -> BTreeSet<(i64, Key)> {
    if !facts.cut.is_empty() {
        return BTreeSet::new();
    }
    let mut settled = BTreeSet::new();
    for (key, listed) in claims(facts) {
        if let [(holder, _)] = listed.open[..]
            && listed.awaited
            && listed.holders.is_empty()
            && (facts.hidden.is_empty() || facts.settled.contains(&(holder, key.clone())))
        {
            settled.insert((holder, key));
        }
    }
    settled
}

/// Who lists which lock.
pub(super) fn claims(facts: &Facts) -> Claims {
    let mut claims = Claims::new();
    for (pid, task) in &facts.tasks {
        let own = awaited_lock(task);
        for (index, lock) in task.locks.iter().enumerate().filter(|(_, lock)| !is_unowned(lock)) {
            let listed = claims.entry(key(lock)).or_default();
            let sleeps = task.awaited.as_ref();
            match own {
                Some((awaited, _)) if awaited == index => {
                    listed.awaited = true;
                    listed.mutex |= sleeps.is_some_and(|awaited| awaited.kind == WaitKind::Mutex);
                }
                // What comes later in the list was taken, or is awaited, after this one was got.
                _ if index + 1 < task.locks.len() => listed.holders.push((*pid, index)),
                _ if task.running => listed.open.push((*pid, index)),
                _ if sleeps.is_some_and(|awaited| !awaited.kind.is_listed() || own.is_some()) => {
                    listed.holders.push((*pid, index));
                }
                _ => listed.open.push((*pid, index)),
            }
        }
    }
    claims
}

/// Which of its listed locks a task waits for: the last, if the task sleeps at its acquisition. The call that never
/// returned is then the very call that lockdep noted. (That a sleep elsewhere is below a noted place proves nothing: an
/// acquisition inlined into a function is noted as its caller's call.)
pub(super) fn awaited_lock(task: &TaskFacts) -> Option<(usize, bool)> {
    let awaited = task.awaited.as_ref()?;
    let last = task.locks.len().checked_sub(1)?;
    let lock = &task.locks[last];
    if is_unowned(lock) {
        return None;
    }
    let at = lock.acquired_at.as_ref()?;
    // kernfs waits for the last user of a node with a wait queue of its own.
    let kernfs = awaited.kind == WaitKind::WaitQueue && bare(&lock.class) == "kn->active";
    let outer = || task.frames[awaited.site..].iter().filter(|frame| !frame.inline && frame.reliable);
    let same = |frame: &Frame| frame.is_same_place(at);
    if !awaited.kind.is_listed() && !kernfs {
        // Directly below the scheduler it is the acquisition all the same: the lock's own frames are lost.
        return (awaited.kind == WaitKind::WaitQueue && outer().next().is_some_and(same)).then_some((last, true));
    }
    let reach = if kernfs { 3 } else { 6 };
    if outer().take(reach).any(same) {
        return Some((last, true));
    }
    // Tail calls drop frames. A list with lost lines may end before the awaited lock.
    let near = |frame: &Frame| match (&frame.function, &at.function) {
        (Some(frame), Some(at)) => plain(frame) == plain(at),
        _ => false,
    };
    (awaited.kind.is_listed() && task.whole && outer().take(reach).any(near)).then_some((last, false))
}
