//! Facts → edges: who waits for what, who holds it, and how sure that is.

use super::awaited::Awaited;
use super::claim::{Claims, awaited_lock, claims, others};
use super::classes::{is_exclusive, is_global};
use super::facts::{Facts, TaskFacts};
use super::hearsay::{Hearsay, flusher, page_holders, reader, traced};
use super::key::{Key, key};
use super::wait::{bare_wait, evidence, lock_ref, place};
use super::{Grade, Identity, LockRef, Wait, WaitKind};
use crate::report::{Blocker, Task};
use std::collections::BTreeMap;

/// More candidates than this say as much as none.
const MOST_CANDIDATES: usize = 4;

/// So many holders of one lock are named to each of its waiters: what is inferred stays in proportion to what is listed.
const MOST_HOLDERS: usize = 64;

/// All edges of a dump, by waiter.
pub(super) fn edges(facts: &Facts) -> Vec<Wait> {
    let claims = claims(facts);
    let hearsay = Hearsay::of(facts);
    let mut blockers: BTreeMap<i64, Vec<&Blocker>> = BTreeMap::new();
    for blocker in facts.blockers.iter().copied() {
        blockers.entry(blocker.waiter.pid).or_default().push(blocker);
    }
    let mut waits = Vec::new();
    for (pid, task) in &facts.tasks {
        let before = waits.len();
        stated(blockers.get(pid).map_or(&[], Vec::as_slice), *pid, task, &mut waits);
        if waits.len() > before && waits[before..].iter().any(|wait| wait.holder.is_some()) {
            continue;
        }
        waits.truncate(before);
        let Some(awaited) = &task.awaited else {
            let before = waits.len();
            listed_only(facts, &claims, *pid, task, &mut waits);
            if waits.len() == before {
                waits.extend(untold(*pid, task));
            }
            continue;
        };
        if !is_waiting(task, awaited) {
            continue;
        }
        match awaited.kind {
            WaitKind::Rcu => reader(facts, &hearsay, *pid, task, awaited, &mut waits),
            WaitKind::Work | WaitKind::Workqueue => flusher(&hearsay, *pid, task, awaited, &mut waits),
            _ if awaited.kind.is_listed() || awaited_lock(task).is_some() => {
                owned(facts, &claims, &hearsay, *pid, task, awaited, &mut waits)
            }
            _ => {
                let mut wait = bare_wait(*pid, task, awaited);
                wait.because = match awaited.kind {
                    WaitKind::Semaphore => "lockdep does not know semaphores".into(),
                    WaitKind::Completion => "completions have no owner".into(),
                    WaitKind::WaitQueue => "events have no owner".into(),
                    _ => String::new(),
                };
                traced(facts, &hearsay, &mut wait);
                waits.push(wait);
            }
        }
    }
    page_holders(facts, &mut waits);
    waits
}

/// A task that is blocked, of which the log does not say in what.
fn untold(pid: i64, task: &TaskFacts) -> Option<Wait> {
    (task.seconds.is_some() || task.state == Some("D")).then(|| Wait {
        waiter: Task { comm: task.comm.to_owned(), pid },
        lock: LockRef { class: None, address: None, acquired_at: task.stands().map(place), line: None },
        kind: WaitKind::Unknown,
        holder: None,
        candidates: 0,
        grade: Grade::Unknown,
        evidence: evidence([Some(task.line), task.stands().map(|frame| frame.log_line)]),
        because: if task.frames.is_empty() {
            "its stack is not in the log"
        } else {
            "its stack does not begin with a wait"
        }
        .into(),
        identity: Identity::None,
    })
}

/// Whether a task with such a stack waits in a way that matters: the kernel calls it blocked, it is in D, or in a lock.
fn is_waiting(task: &TaskFacts, awaited: &Awaited) -> bool {
    task.seconds.is_some() || task.state == Some("D") || awaited.kind.is_listed() || task.io_wait
}

/// What the kernel itself says of a waiter's holder.
fn stated(blockers: &[&Blocker], pid: i64, task: &TaskFacts, waits: &mut Vec<Wait>) {
    for blocker in blockers.iter().take(MOST_HOLDERS) {
        let kind = match (blocker.lock.as_str(), blocker.mode.as_deref()) {
            ("mutex", _) => WaitKind::Mutex,
            ("semaphore", _) => WaitKind::Semaphore,
            ("rw-semaphore", Some("reader")) => WaitKind::RwsemRead,
            ("rw-semaphore", _) => WaitKind::RwsemWrite,
            _ => WaitKind::Lock,
        };
        // Without a stack, the last lock of a complete list is the one that the kernel speaks of: lockdep notes a lock
        // before it is got, and knows all but semaphores.
        let listed =
            || task.locks.last().filter(|lock| task.whole && kind != WaitKind::Semaphore && !lock.words.unowned);
        let unseen = task.awaited.is_none() && !task.running;
        let own = awaited_lock(task).map(|(index, _)| &task.locks[index]).or_else(|| listed().filter(|_| unseen));
        let base = task.awaited.as_ref().map(|awaited| bare_wait(pid, task, awaited));
        let lock = own.map(lock_ref).or_else(|| base.as_ref().map(|wait| wait.lock.clone()));
        let identity = own.map_or(Identity::None, |lock| identity(key(lock)));
        let holder = blocker.holder.clone();
        // Of a semaphore and of readers the kernel knows only who took it last.
        let vague = kind == WaitKind::Semaphore || blocker.holder_mode.as_deref() == Some("reader");
        waits.push(Wait {
            waiter: Task { comm: task.comm.to_owned(), pid },
            lock: lock.unwrap_or(LockRef { class: None, address: None, acquired_at: None, line: None }),
            kind,
            candidates: 0,
            grade: match &holder {
                Some(_) if vague => Grade::Likely,
                Some(_) => Grade::Stated,
                None => Grade::Unknown,
            },
            because: match (&holder, kind) {
                (Some(_), WaitKind::Semaphore) => "the kernel names the last holder".into(),
                (Some(_), _) if vague => {
                    "the kernel names the reader that took it last; others may hold it, too".into()
                }
                (Some(_), _) => "the kernel names the owner".into(),
                (None, _) => "the kernel finds no owner".into(),
            },
            holder,
            evidence: evidence([Some(blocker.line), own.map(|lock| lock.line)]),
            identity,
        });
    }
}

fn identity(key: Key<'_>) -> Identity {
    match key {
        Key::Instance(_) => Identity::Instance,
        Key::Class(_) => Identity::Class,
    }
}

/// The best grade that the way a lock is distinguished from others allows.
fn ceiling(key: Key<'_>) -> Grade {
    match key {
        Key::Instance(_) => Grade::Stated,
        Key::Class(class) if is_global(class) => Grade::Likely,
        Key::Class(_) => Grade::Possible,
    }
}

/// A waiter on a lock that lockdep lists.
fn owned(
    facts: &Facts,
    claims: &Claims<'_>,
    hearsay: &Hearsay<'_>,
    pid: i64,
    task: &TaskFacts,
    awaited: &Awaited,
    waits: &mut Vec<Wait>,
) {
    let mut wait = bare_wait(pid, task, awaited);
    let Some((index, exact)) = awaited_lock(task) else {
        wait.because = if facts.lockdep_off.is_some() {
            "lockdep is off: no lists of held locks".into()
        } else if !facts.listed {
            "the log lists no held locks".into()
        } else if facts.hidden.contains_key(&pid) || !task.whole && !task.locks.is_empty() {
            "its list of locks is incomplete".into()
        } else {
            "the lock is not in its list".into()
        };
        wait.evidence.extend(facts.lockdep_off);
        traced(facts, hearsay, &mut wait);
        waits.push(wait);
        return;
    };
    let lock = &task.locks[index];
    let key = key(lock);
    wait.lock = lock_ref(lock);
    wait.identity = identity(key);
    wait.evidence.push(lock.line);
    wait.evidence.sort_unstable();
    wait.evidence.dedup();
    let waiter = if exact { Grade::Certain } else { Grade::Likely };
    let listed = claims.get(key);
    let holders = listed.map_or([&[][..]; 2], |listed| others(listed.holders, pid, index));
    let open = listed.map_or([&[][..]; 2], |listed| others(listed.open, pid, index));
    let (holder_count, open_count) = (holders[0].len() + holders[1].len(), open[0].len() + open[1].len());
    let limit = ceiling(key).min(waiter);
    if holder_count > MOST_HOLDERS {
        wait.candidates = holder_count;
        wait.because = format!("{holder_count} tasks are past the call that took the lock");
        waits.push(wait);
        return;
    }
    if holder_count > 0 {
        let shared = awaited.kind.is_shared() || !awaited.kind.is_listed();
        let contradictory = holder_count > 1 && (!shared || is_exclusive(lock.words.usage.as_deref()));
        for (holder, at) in holders.into_iter().flatten().map(|claim| claim.place) {
            let past = past_the_call(facts, holder);
            let (grade, because) = if contradictory {
                (limit.min(Grade::Possible), "several tasks seem to hold it".to_owned())
            } else if shared && awaited.kind.is_read() && !is_exclusive(lock.words.usage.as_deref()) {
                (limit.min(Grade::Likely), format!("{past}; a reader waits for a writer, or behind one"))
            } else {
                (limit, past.to_owned())
            };
            waits.push(with_holder(facts, &wait, holder, at, grade, because));
        }
        return;
    }
    let named: Vec<(i64, usize)> =
        open.into_iter().flatten().take(MOST_CANDIDATES + 1).map(|claim| claim.place).collect();
    match named[..] {
        [] => {
            let all = "all tasks that list it wait for it";
            let mut hidden = facts.hidden.values();
            match (hidden.next(), hidden.next()) {
                (None, _) => wait.because = all.into(),
                (Some((task, line)), None) => {
                    // It cannot be named with confidence: a lock may be left behind by a task that is gone.
                    wait.because = format!("{all}; this one was running and shows no list");
                    wait.holder = Some((*task).clone());
                    wait.grade = Grade::Possible;
                    wait.evidence.push(*line);
                    wait.evidence.sort_unstable();
                }
                _ => wait.because = format!("{all}; tasks that were running show no list"),
            }
            traced(facts, hearsay, &mut wait);
            waits.push(wait);
        }
        [(holder, at)] => {
            let (grade, because) = single(facts, holder, at);
            waits.push(with_holder(facts, &wait, holder, at, limit.min(grade), because));
        }
        [..] if named.len() > MOST_CANDIDATES => {
            wait.candidates = open_count;
            wait.because = format!("{open_count} tasks list it and may hold it");
            if !facts.hidden.is_empty() {
                wait.because += ", and so may those that were running and show no list";
            }
            waits.push(wait);
        }
        _ => {
            for (holder, at) in named {
                let because = format!("one of {open_count} that list it and may hold it");
                waits.push(with_holder(facts, &wait, holder, at, Grade::Possible, because));
            }
        }
    }
}

/// How it shows that a task went on after it had taken a lock.
fn past_the_call(facts: &Facts, holder: i64) -> &'static str {
    match facts.tasks.get(&holder) {
        Some(task) if task.frames.is_empty() => "its list names another lock behind this one",
        _ => "its stack is past the call that took the lock",
    }
}

/// The one task that lists a lock for which others wait and that may hold it.
fn single(facts: &Facts, holder: i64, at: usize) -> (Grade, String) {
    let only = "the only task that lists it and does not wait for it";
    if !facts.cut.is_empty() {
        return (Grade::Possible, format!("{only}, but a list is cut"));
    }
    let Some(task) = facts.tasks.get(&holder) else { return (Grade::Possible, only.into()) };
    if task.running {
        return (Grade::Possible, format!("{only}, but it was running when its list was printed"));
    }
    if task.awaited.as_ref().is_some_and(|awaited| awaited.kind.is_listed()) {
        return (Grade::Possible, format!("{only} for all the log shows, but it sleeps in a lock, too"));
    }
    if facts.hidden.is_empty() {
        return (Grade::Likely, only.into());
    }
    // A task that was running shows no list and may hold the lock. An earlier dump without it settles the matter: the
    // waiters have been waiting since then.
    if facts.settled.contains(&(holder, key(&task.locks[at]))) {
        return (Grade::Likely, format!("{only}, as in the dump before, where no list was missing"));
    }
    (Grade::Possible, format!("{only}, but running tasks show no list"))
}

fn with_holder(facts: &Facts, wait: &Wait, holder: i64, at: usize, grade: Grade, because: String) -> Wait {
    let task = facts.tasks.get(&holder);
    let line = task.and_then(|task| task.locks.get(at)).map(|lock| lock.line);
    let mut wait = Wait {
        holder: Some(Task { comm: task.map(|task| task.comm.to_owned()).unwrap_or_default(), pid: holder }),
        grade,
        because,
        ..wait.clone()
    };
    wait.evidence.extend(line);
    wait.evidence.sort_unstable();
    wait.evidence.dedup();
    wait
}

/// A task without a stack whose last lock somebody else holds for sure waits for it, if only one can hold it.
fn listed_only(facts: &Facts, claims: &Claims<'_>, pid: i64, task: &TaskFacts, waits: &mut Vec<Wait>) {
    let Some(index) = task.locks.len().checked_sub(1) else { return };
    let lock = &task.locks[index];
    if lock.words.unowned || !task.whole || task.running {
        return;
    }
    let key = key(lock);
    let Some(listed) = claims.get(key) else { return };
    let mut holders = others(listed.holders, pid, 0).into_iter().flatten().map(|claim| claim.place);
    let (Some((holder, at)), None) = (holders.next(), holders.next()) else { return };
    let mutex = listed.mutex;
    // Nobody sleeps for a spinlock, or while holding one: what is listed last must be a lock for which tasks sleep.
    let sleeping = listed.awaited
        || facts.tasks.get(&holder).is_some_and(|holder| holder.awaited.is_some())
        || lock.words.wait_type.as_deref().is_some_and(|wait| wait.starts_with("4:"));
    if !sleeping && lock.words.wait_type.as_deref().is_some_and(|wait| wait.starts_with("2:")) {
        return;
    }
    let exclusive = mutex || (sleeping && is_exclusive(lock.words.usage.as_deref()));
    let wait = Wait {
        waiter: Task { comm: task.comm.to_owned(), pid },
        lock: lock_ref(lock),
        kind: if mutex { WaitKind::Mutex } else { WaitKind::Lock },
        holder: None,
        candidates: 0,
        grade: Grade::Unknown,
        evidence: evidence([Some(task.line), Some(lock.line)]),
        because: String::new(),
        identity: identity(key),
    };
    let grade = if exclusive { Grade::Likely } else { Grade::Possible };
    let because = "the lock is last in the waiter's list, and the waiter's stack is not in the log".to_owned();
    waits.push(with_holder(facts, &wait, holder, at, ceiling(key).min(grade), because));
}
