//! Holders that no list of locks shows: the worker behind a flush, the task of the user's own trace lines.

use super::awaited::Awaited;
use super::claim::awaited_lock;
use super::classes::{UnownedMap, bare, is_global, is_unowned, is_work, section, taken_map};
use super::facts::{Facts, TaskFacts};
use super::key::{Key, key};
use super::wait::bare_wait;
use super::{Grade, Wait, WaitKind};
use crate::report::{Frame, HeldLock, Task};
use std::collections::BTreeSet;

/// More readers than this say as much as none.
const MOST_READERS: usize = 4;

/// What the user's own trace lines say of a lock of that name or address.
pub(super) fn traced(facts: &Facts, wait: &mut Wait) {
    let class = wait.lock.class.as_deref().map(bare).unwrap_or_default();
    let plain = class.trim_start_matches('&');
    let field = plain.rsplit([' ', '>', '.']).next().unwrap_or(plain);
    let map = wait.lock.address.as_deref().and_then(|address| u64::from_str_radix(address, 16).ok());
    // Lockdep prints the address of its map inside the lock, a trace line that of the lock.
    let near = |name: &str| {
        let lock = u64::from_str_radix(name.trim_start_matches("0x"), 16).ok();
        lock.zip(map).is_some_and(|(lock, map)| name.len() >= 8 && map >= lock && map - lock < 0x100)
    };
    let named = |name: &str| !class.is_empty() && (name == class || name == plain || name == field);
    let Some((name, (holder, line))) = facts.traced.iter().find(|(name, _)| near(name) || named(name)) else { return };
    let mut candidates = facts.tasks.iter().filter(|(_, task)| task.comm == holder.comm).map(|(pid, _)| *pid);
    let pid = match (holder.pid, candidates.next(), candidates.next()) {
        (0, Some(only), None) => only,
        (0, ..) => return,
        (pid, ..) => pid,
    };
    if pid == wait.waiter.pid {
        return;
    }
    wait.grade = if near(name) || is_global(class) { Grade::Likely } else { Grade::Possible };
    wait.holder = Some(Task { pid, comm: holder.comm.clone() });
    wait.because = "trace lines show that it took the lock and did not release it".into();
    wait.evidence.push(*line);
    wait.evidence.sort_unstable();
    wait.evidence.dedup();
}

/// Someone who waits for a work item waits for the worker that runs it.
pub(super) fn flusher(facts: &Facts, pid: i64, task: &TaskFacts, awaited: &Awaited, waits: &mut Vec<Wait>) {
    let mut wait = bare_wait(pid, task, awaited);
    let is_worker = |task: &TaskFacts| {
        task.work_function.is_some()
            || task.locks.iter().any(|lock| is_work(&lock.class))
            || task.frames.iter().any(runs_work)
    };
    let workers: Vec<(&i64, &TaskFacts)> = facts
        .tasks
        .iter()
        .filter(|(other, task)| {
            **other != pid
                && is_worker(task)
                && (task.seconds.is_some() || task.state.as_deref() == Some("D") || !task.locks.is_empty())
        })
        .collect();
    let akin: Vec<_> = workers.iter().filter(|(_, worker)| related(task, awaited, worker)).collect();
    match (&akin[..], &workers[..]) {
        ([(worker, facts_of)], _) => {
            let because =
                "the only busy worker whose work has to do with the module, file or locks of this one".to_owned();
            let line =
                facts_of.locks.iter().find(|lock| is_work(&lock.class) || is_unowned(lock)).map(|lock| lock.line);
            // process_one_work takes the map of the workqueue, then that of the work item.
            let item =
                facts_of.locks.iter().filter(|lock| is_unowned(lock)).nth(1).filter(|_| awaited.kind == WaitKind::Work);
            wait.lock.class = item.map(|lock| lock.class.clone()).or_else(|| facts_of.work_function.clone());
            wait.lock.line = item.map(|lock| lock.line);
            wait.evidence.extend(line.or(Some(facts_of.line)));
            waits.push(Wait {
                holder: Some(Task { comm: facts_of.comm.clone(), pid: **worker }),
                grade: Grade::Likely,
                because,
                ..wait
            });
        }
        ([], [(worker, facts_of)]) => {
            let because = "the only busy worker that the log shows".to_owned();
            waits.push(Wait {
                holder: Some(Task { comm: facts_of.comm.clone(), pid: **worker }),
                grade: Grade::Possible,
                because,
                ..wait
            });
        }
        ([], _) => {
            wait.because = "the log does not say which worker runs that work".into();
            waits.push(wait);
        }
        (many, _) => {
            for (worker, facts_of) in many {
                let because = "one of the workers that are busy with related work".to_owned();
                waits.push(Wait {
                    holder: Some(Task { comm: facts_of.comm.clone(), pid: **worker }),
                    grade: Grade::Possible,
                    because,
                    ..wait.clone()
                });
            }
        }
    }
    if let Some(wait) = waits.last_mut() {
        wait.evidence.sort_unstable();
        wait.evidence.dedup();
    }
}

/// Who could end a wait for a grace period: tasks that sleep or run inside a read-side section, as their lists show.
pub(super) fn reader(facts: &Facts, pid: i64, task: &TaskFacts, awaited: &Awaited, waits: &mut Vec<Wait>) {
    let mut wait = bare_wait(pid, task, awaited);
    let sleepable = task
        .frames
        .iter()
        .take(awaited.site)
        .any(|frame| frame.function.as_deref().is_some_and(|function| function.contains("srcu")));
    // Whoever prints the lists holds the plain lock only for that.
    let inside: Vec<(i64, &TaskFacts, &HeldLock)> = facts
        .tasks
        .iter()
        .filter(|(other, _)| **other != pid)
        .filter_map(|(other, task)| {
            let section = task.locks.iter().find(|lock| {
                let at = lock.acquired_at.as_ref().and_then(|at| at.function.as_deref()).unwrap_or_default();
                is_section(lock, sleepable) && !at.starts_with("debug_show_all_locks")
            })?;
            Some((*other, task, section))
        })
        .collect();
    let what = if sleepable { "an SRCU section, which may be of the same domain" } else { "an RCU section" };
    match &inside[..] {
        [] if facts.lockdep_off.is_some() || !facts.listed => wait.because = "the log lists no held locks".into(),
        [] => wait.because = "no list shows a task inside a read-side section".into(),
        many if many.len() > MOST_READERS => {
            wait.because = format!("{} tasks are inside of {what}", many.len());
        }
        some => {
            let domains: BTreeSet<&str> = some.iter().map(|(_, _, section)| bare(&section.class)).collect();
            let asleep = |task: &TaskFacts| task.awaited.is_some() && !task.running;
            for (reader, facts_of, section) in some {
                // One reader of one domain, who sleeps in his section, while no list is missing: nobody else is in question.
                let only = some.len() == 1 && facts.hidden.is_empty() && facts.cut.is_empty() && asleep(facts_of);
                let mut edge = wait.clone();
                edge.lock.class = Some(section.class.clone());
                edge.holder = Some(Task { comm: facts_of.comm.clone(), pid: *reader });
                edge.grade = if only && domains.len() == 1 { Grade::Likely } else { Grade::Possible };
                edge.because = format!("its list shows it inside of {what}");
                edge.evidence.push(section.line);
                edge.evidence.sort_unstable();
                edge.evidence.dedup();
                waits.push(edge);
            }
            return;
        }
    }
    waits.push(wait);
}

/// Whether the lock is a read-side section of SRCU, or of plain RCU.
fn is_section(lock: &HeldLock, sleepable: bool) -> bool {
    let class = section(&lock.class);
    let mut takers = lock.acquired_at.iter().chain(&lock.inlined).filter_map(|frame| frame.function.as_deref());
    let srcu = class == Some(UnownedMap::Srcu) || takers.any(|function| taken_map(function) == Some(UnownedMap::Srcu));
    if sleepable { srcu } else { !srcu && class == Some(UnownedMap::Rcu) }
}

/// Whether the frame is the function that runs work items.
fn runs_work(frame: &Frame) -> bool {
    frame.function.as_deref().and_then(taken_map) == Some(UnownedMap::Work)
}

/// A page's lock has no owner that the kernel names. Who waits for a lock of the one that waits for the page may have it
/// locked: then the two are deadlocked.
pub(super) fn page_holders(facts: &Facts, waits: &mut [Wait]) {
    let behind: Vec<(i64, Task, u64)> = waits
        .iter()
        .filter(|wait| wait.grade.is_strong())
        .filter_map(|wait| {
            let line = facts.tasks.get(&wait.waiter.pid)?.line;
            Some((wait.holder.as_ref()?.pid, wait.waiter.clone(), line))
        })
        .collect();
    for wait in waits.iter_mut().filter(|wait| wait.kind == WaitKind::PageLock && wait.holder.is_none()) {
        let mut own = behind.iter().filter(|(holder, ..)| *holder == wait.waiter.pid);
        let (Some((_, task, line)), None) = (own.next(), own.next()) else { continue };
        wait.holder = Some(task.clone());
        wait.grade = Grade::Possible;
        wait.because = "nothing says who has the page locked; this one waits for a lock of the waiter, and if it has the page, the two are deadlocked".into();
        wait.evidence.push(*line);
        wait.evidence.sort_unstable();
        wait.evidence.dedup();
    }
}

/// Whether a flusher's caller and a worker's function are of one module or one file, or close and at odds over a lock.
fn related(task: &TaskFacts, awaited: &Awaited, worker: &TaskFacts) -> bool {
    let caller = task.frames[awaited.site..].iter().find(|frame| !frame.inline);
    // The work function is the frame below process_one_work.
    let outer = worker.frames.iter().position(runs_work);
    let work = outer.and_then(|outer| {
        worker.frames[..outer].iter().rev().find(|frame| frame.reliable && !frame.inline && frame.function.is_some())
    });
    let Some(caller) = caller else { return false };
    // A worker that is only listed is known by where it took its locks.
    let mut taken = worker.locks.iter().filter(|lock| !is_unowned(lock)).filter_map(|lock| lock.acquired_at.as_ref());
    if worker.frames.is_empty() && caller.module.is_some() && taken.any(|at| at.module == caller.module) {
        return true;
    }
    let Some(work) = work else { return false };
    let folder = |frame: &Frame| {
        frame.file.as_deref().and_then(|file| file.rsplit_once('/')).map(|(folder, _)| folder.to_owned())
    };
    (caller.module.is_some() && caller.module == work.module)
        || (caller.file.is_some() && caller.file == work.file)
        // A worker of the same folder that sleeps for a lock of the flusher: the classic deadlock of a flush.
        || (folder(caller).is_some() && folder(caller) == folder(work) && wants_lock_of(worker, task))
}

/// Whether the one waits for a lock that the other lists.
fn wants_lock_of(waiter: &TaskFacts, holder: &TaskFacts) -> bool {
    awaited_lock(waiter).is_some_and(|(index, _)| {
        let wanted = key(&waiter.locks[index]);
        matches!(wanted, Key::Instance(_)) && holder.locks.iter().any(|lock| key(lock) == wanted)
    })
}
