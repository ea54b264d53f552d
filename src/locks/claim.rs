//! Which lock a list names, and how each task that lists it stands to it.

use super::awaited::plain;
use super::classes::bare;
use super::facts::{Facts, TaskFacts};
use super::key::{Key, key};
use super::kind::WaitKind;
use crate::report::Frame;
use std::collections::BTreeSet;

/// A task that lists a lock, and how it stands to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim<'a> {
    key: Key<'a>,
    stand: Stand,
    /// Pid, and index in the task's list.
    pub(super) place: (i64, usize),
}

/// How a task stands to a lock of its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    /// It sleeps in the slow path of a mutex at that acquisition.
    AwaitsMutex,
    /// It sleeps in another slow path there.
    Awaits,
    /// It went on after that acquisition.
    Holds,
    /// The list alone does not say.
    Open,
}

/// Who lists a lock, by how they stand to it, each ascending.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'c, 'a> {
    /// They went on after that acquisition.
    pub(super) holders: &'c [Claim<'a>],
    /// The list alone does not say.
    pub(super) open: &'c [Claim<'a>],
    /// Whether somebody sleeps in the lock's slow path at that acquisition.
    pub(super) awaited: bool,
    /// Whether that is the slow path of a mutex.
    pub(super) mutex: bool,
}

impl<'c, 'a> Listed<'c, 'a> {
    /// Of all claims of one lock.
    fn of(claims: &'c [Claim<'a>]) -> Self {
        let (awaiting, rest) = claims.split_at(claims.partition_point(|claim| claim.stand < Stand::Holds));
        let (holders, open) = rest.split_at(rest.partition_point(|claim| claim.stand < Stand::Open));
        let first = awaiting.first().map(|claim| claim.stand);
        Self { holders, open, awaited: first.is_some(), mutex: first == Some(Stand::AwaitsMutex) }
    }
}

/// The lists of locks, by lock.
#[derive(Debug)]
pub(super) struct Claims<'a>(Vec<Claim<'a>>);

impl<'a> Claims<'a> {
    /// Who lists the lock.
    pub(super) fn get(&self, key: Key<'_>) -> Option<Listed<'_, 'a>> {
        let from = self.0.partition_point(|claim| claim.key < key);
        let length = self.0[from..].partition_point(|claim| claim.key == key);
        (length > 0).then(|| Listed::of(&self.0[from..from + length]))
    }
}

/// Without what a task lists itself from an index on: the part before it and the part behind.
pub(super) fn others<'c, 'a>(listed: &'c [Claim<'a>], pid: i64, index: usize) -> [&'c [Claim<'a>]; 2] {
    let from = listed.partition_point(|claim| claim.place < (pid, index));
    let own = listed[from..].partition_point(|claim| claim.place.0 == pid);
    [&listed[..from], &listed[from + own..]]
}

/// Who holds what for sure enough that a later dump may rely on it: a task that is the only one in question while no list
/// is missing or cut, and others wait.
pub(super) fn settled<'a>(facts: &Facts<'a>) -> BTreeSet<(i64, Key<'a>)> {
    if !facts.cut.is_empty() {
        return BTreeSet::new();
    }
    let mut settled = BTreeSet::new();
    for claims in claims(facts).0.chunk_by(|one, other| one.key == other.key) {
        let listed = Listed::of(claims);
        if let [Claim { key, place: (holder, _), .. }] = listed.open[..]
            && listed.awaited
            && listed.holders.is_empty()
            && (facts.hidden.is_empty() || facts.settled.contains(&(holder, key)))
        {
            settled.insert((holder, key));
        }
    }
    settled
}

/// Who lists which lock.
pub(super) fn claims<'a>(facts: &Facts<'a>) -> Claims<'a> {
    let mut claims = Vec::new();
    for (pid, task) in &facts.tasks {
        let own = awaited_lock(task);
        for (index, lock) in task.locks.iter().enumerate().filter(|(_, lock)| !lock.words.unowned) {
            let sleeps = task.awaited.as_ref();
            let stand = match own {
                Some((awaited, _)) if awaited == index => {
                    let mutex = sleeps.is_some_and(|awaited| awaited.kind == WaitKind::Mutex);
                    if mutex { Stand::AwaitsMutex } else { Stand::Awaits }
                }
                // What comes later in the list was taken, or is awaited, after this one was got.
                _ if index + 1 < task.locks.len() => Stand::Holds,
                _ if task.running => Stand::Open,
                _ if sleeps.is_some_and(|awaited| !awaited.kind.is_listed() || own.is_some()) => Stand::Holds,
                _ => Stand::Open,
            };
            claims.push(Claim { key: key(lock), stand, place: (*pid, index) });
        }
    }
    claims.sort_unstable();
    Claims(claims)
}

/// Which of its listed locks a task waits for: the last, if the task sleeps at its acquisition. The call that never
/// returned is then the very call that lockdep noted. (That a sleep elsewhere is below a noted place proves nothing: an
/// acquisition inlined into a function is noted as its caller's call.)
pub(super) fn awaited_lock(task: &TaskFacts) -> Option<(usize, bool)> {
    let awaited = task.awaited.as_ref()?;
    let last = task.locks.len().checked_sub(1)?;
    let lock = &task.locks[last];
    if lock.words.unowned {
        return None;
    }
    let at = lock.words.acquired_at.as_ref()?;
    // kernfs waits for the last user of a node with a wait queue of its own.
    let kernfs = awaited.kind == WaitKind::WaitQueue && bare(&lock.words.class) == "kn->active";
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
