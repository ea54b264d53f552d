//! Which lock a list names, and how each task that lists it stands to it.

use super::awaited::plain;
use super::classes::{bare, is_unowned};
use super::facts::{Facts, TaskFacts};
use super::key::{Key, key};
use super::kind::WaitKind;
use crate::report::Frame;
use std::collections::{BTreeMap, BTreeSet};

/// How a task stands to a lock in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It sleeps in the lock's slow path at that acquisition; false when only its place in the list says so.
    Waits { exact: bool },
    /// It went on after that acquisition.
    Holds,
    /// The list alone does not say.
    Open,
}

/// Who lists a lock: pid, index in the task's list, and how.
pub(super) type Claims = BTreeMap<Key, Vec<(i64, usize, Claim)>>;

/// Who holds what for sure enough that a later dump may rely on it: a task that is the only one in question while no list
/// is missing or cut, and others wait.
pub(super) fn settled(facts: &Facts) -> BTreeSet<(i64, Key)> {
    if !facts.cut.is_empty() {
        return BTreeSet::new();
    }
    let claims = claims(facts);
    let mut settled = BTreeSet::new();
    for (key, all) in &claims {
        let open: Vec<i64> = all.iter().filter(|(_, _, claim)| *claim == Claim::Open).map(|(pid, _, _)| *pid).collect();
        let waited = all.iter().any(|(_, _, claim)| matches!(claim, Claim::Waits { .. }));
        let held = all.iter().any(|(_, _, claim)| *claim == Claim::Holds);
        if let [holder] = open[..]
            && waited
            && !held
            && (facts.hidden.is_empty() || facts.settled.contains(&(holder, key.clone())))
        {
            settled.insert((holder, key.clone()));
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
            let claim = match own {
                Some((awaited, exact)) if awaited == index => Claim::Waits { exact },
                // What comes later in the list was taken, or is awaited, after this one was got.
                _ if index + 1 < task.locks.len() => Claim::Holds,
                _ if task.running => Claim::Open,
                _ if task.awaited.as_ref().is_some_and(|awaited| !awaited.kind.is_listed() || own.is_some()) => {
                    Claim::Holds
                }
                _ => Claim::Open,
            };
            claims.entry(key(lock)).or_default().push((*pid, index, claim));
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
