//! Holders that no list of locks shows: the worker behind a flush, the task of the user's own trace lines.

use super::awaited::Awaited;
use super::claim::awaited_lock;
use super::classes::{UnownedMap, bare, is_global, is_work, section, taken_map};
use super::facts::{Facts, TaskFacts};
use super::key::{Key, key};
use super::pieces::Held;
use super::wait::bare_wait;
use super::{Grade, Wait, WaitKind};
use crate::report::{Frame, Task};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// More readers than this say as much as none.
const MOST_READERS: usize = 4;

/// More workers that are busy with related work than this say as much as none.
const MOST_WORKERS: usize = 16;

/// More busy workers than this are not distinguished by what they work at.
const MOST_BUSY: usize = 1_024;

/// A task of a dump.
type Other<'a> = (i64, &'a TaskFacts<'a>);

/// What all tasks of a dump offer to those that wait, sought once: there may be many of both.
pub(super) struct Hearsay<'a> {
    tasks: &'a BTreeMap<i64, TaskFacts<'a>>,
    /// Names of trace lines that are addresses, ascending.
    traced: Vec<(u64, &'a str)>,
    /// The first two tasks of each name.
    named: OnceCell<BTreeMap<&'a str, (i64, Option<i64>)>>,
    workers: OnceCell<Vec<Other<'a>>>,
    /// Tasks inside a section of RCU, and of SRCU.
    inside: [OnceCell<Vec<(Other<'a>, &'a Held)>>; 2],
}

impl<'a> Hearsay<'a> {
    /// Of the tasks of a dump.
    pub(super) fn of(facts: &'a Facts<'a>) -> Self {
        let address = |name: &'a String| {
            let address = u64::from_str_radix(name.trim_start_matches("0x"), 16).ok();
            Some((address.filter(|_| name.len() >= 8)?, name.as_str()))
        };
        let mut traced: Vec<(u64, &str)> = facts.traced.keys().filter_map(address).collect();
        traced.sort_unstable();
        Self {
            tasks: &facts.tasks,
            traced,
            named: OnceCell::new(),
            workers: OnceCell::new(),
            inside: [OnceCell::new(), OnceCell::new()],
        }
    }

    /// The traced lock that lies at the address of a lockdep map or shortly before it: lockdep prints the address of its map inside
    /// the lock, a trace line that of the lock.
    fn near(&self, map: u64) -> Option<&'a str> {
        let from = self.traced.partition_point(|(lock, _)| *lock <= map.saturating_sub(0x100) && map - *lock >= 0x100);
        self.traced[from..].iter().take_while(|(lock, _)| *lock <= map).map(|(_, name)| *name).min()
    }

    /// The only task of that name.
    fn only(&self, comm: &str) -> Option<i64> {
        let named = self.named.get_or_init(|| {
            let mut named: BTreeMap<&str, (i64, Option<i64>)> = BTreeMap::new();
            for (pid, task) in self.tasks {
                named.entry(task.comm).and_modify(|(_, second)| *second = Some(*pid)).or_insert((*pid, None));
            }
            named
        });
        named.get(comm).filter(|(_, second)| second.is_none()).map(|(pid, _)| *pid)
    }

    /// Busy workers.
    fn workers(&self) -> &[Other<'a>] {
        self.workers.get_or_init(|| {
            let is_worker = |task: &TaskFacts<'_>| {
                task.work_function.is_some()
                    || task.locks.iter().any(|lock| is_work(&lock.words.class))
                    || task.frames.iter().any(runs_work)
            };
            let is_busy =
                |task: &TaskFacts<'_>| task.seconds.is_some() || task.state == Some("D") || !task.locks.is_empty();
            let tasks = self.tasks.iter().filter(|(_, task)| is_worker(task) && is_busy(task));
            tasks.map(|(pid, task)| (*pid, task)).collect()
        })
    }

    /// Tasks that sleep or run inside a read-side section, as their lists show.
    fn inside(&self, sleepable: bool) -> &[(Other<'a>, &'a Held)] {
        self.inside[usize::from(sleepable)].get_or_init(|| {
            let tasks = self.tasks.iter().filter_map(|(pid, task)| {
                let section = task.locks.iter().find(|lock| {
                    // Whoever prints the lists holds the plain lock only for that.
                    let at = lock.words.acquired_at.as_ref().and_then(|at| at.function.as_deref()).unwrap_or_default();
                    is_section(lock, sleepable) && !at.starts_with("debug_show_all_locks")
                })?;
                Some(((*pid, task), section))
            });
            tasks.collect()
        })
    }
}

/// What the user's own trace lines say of a lock of that name or address.
pub(super) fn traced(facts: &Facts, hearsay: &Hearsay<'_>, wait: &mut Wait) {
    if facts.traced.is_empty() {
        return;
    }
    let class = wait.lock.class.as_deref().map(bare).unwrap_or_default();
    let plain = class.trim_start_matches('&');
    let field = plain.rsplit([' ', '>', '.']).next().unwrap_or(plain);
    let map = wait.lock.address.as_deref().and_then(|address| u64::from_str_radix(address, 16).ok());
    let near = map.and_then(|map| hearsay.near(map));
    let words = if class.is_empty() { [""; 3] } else { [class, plain, field] };
    let named = words.into_iter().filter(|name| !name.is_empty() && facts.traced.contains_key(*name));
    let Some(name) = named.chain(near).min() else { return };
    let Some((holder, line)) = facts.traced.get(name) else { return };
    let pid = match (holder.pid, hearsay.only(&holder.comm)) {
        (0, Some(only)) => only,
        (0, None) => return,
        (pid, _) => pid,
    };
    if pid == wait.waiter.pid {
        return;
    }
    wait.grade = if near == Some(name) || is_global(class) { Grade::Likely } else { Grade::Possible };
    wait.holder = Some(Task { pid, comm: holder.comm.clone() });
    wait.because = "trace lines show that it took the lock and did not release it".into();
    wait.evidence.push(*line);
    wait.evidence.sort_unstable();
    wait.evidence.dedup();
}

/// Someone who waits for a work item waits for the worker that runs it.
pub(super) fn flusher(hearsay: &Hearsay<'_>, pid: i64, task: &TaskFacts, awaited: &Awaited, waits: &mut Vec<Wait>) {
    let mut wait = bare_wait(pid, task, awaited);
    let all = hearsay.workers();
    if all.len() > MOST_BUSY {
        wait.candidates = all.len();
        wait.because = format!("{} workers are busy", all.len());
        waits.push(wait);
        return;
    }
    let workers: Vec<Other<'_>> = all.iter().filter(|(other, _)| *other != pid).copied().collect();
    let akin: Vec<_> = workers.iter().filter(|(_, worker)| related(task, awaited, worker)).collect();
    match (&akin[..], &workers[..]) {
        ([(worker, facts_of)], _) => {
            let because =
                "no other busy worker that the log shows has to do with the module, file or locks of the waiter"
                    .to_owned();
            let line = facts_of
                .locks
                .iter()
                .find(|lock| is_work(&lock.words.class) || lock.words.unowned)
                .map(|lock| lock.line);
            // process_one_work takes the map of the workqueue, then that of the work item.
            let item = facts_of
                .locks
                .iter()
                .filter(|lock| lock.words.unowned)
                .nth(1)
                .filter(|_| awaited.kind == WaitKind::Work);
            wait.lock.class =
                item.map(|lock| lock.words.class.clone()).or_else(|| facts_of.work_function.map(str::to_owned));
            wait.lock.line = item.map(|lock| lock.line);
            wait.evidence.extend(line.or(Some(facts_of.line)));
            waits.push(Wait {
                holder: Some(Task { comm: facts_of.comm.to_owned(), pid: *worker }),
                grade: Grade::Likely,
                because,
                ..wait
            });
        }
        ([], [(worker, facts_of)]) => {
            let because = "the only busy worker that the log shows".to_owned();
            waits.push(Wait {
                holder: Some(Task { comm: facts_of.comm.to_owned(), pid: *worker }),
                grade: Grade::Possible,
                because,
                ..wait
            });
        }
        ([], _) => {
            wait.because = "the log does not say which worker runs that work".into();
            waits.push(wait);
        }
        (many, _) if many.len() > MOST_WORKERS => {
            wait.candidates = many.len();
            wait.because = format!("{} workers are busy with related work", many.len());
            waits.push(wait);
        }
        (many, _) => {
            for (worker, facts_of) in many {
                let because = "one of the workers that are busy with related work".to_owned();
                waits.push(Wait {
                    holder: Some(Task { comm: facts_of.comm.to_owned(), pid: *worker }),
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
pub(super) fn reader(
    facts: &Facts,
    hearsay: &Hearsay<'_>,
    pid: i64,
    task: &TaskFacts,
    awaited: &Awaited,
    waits: &mut Vec<Wait>,
) {
    let mut wait = bare_wait(pid, task, awaited);
    let sleepable = task
        .frames
        .iter()
        .take(awaited.site)
        .any(|frame| frame.function.as_deref().is_some_and(|function| function.contains("srcu")));
    let all = hearsay.inside(sleepable);
    let own = all.binary_search_by_key(&pid, |((other, _), _)| *other).is_ok();
    let others = all.iter().filter(|((other, _), _)| *other != pid);
    let (count, inside): (usize, Vec<_>) = (all.len() - usize::from(own), others.take(MOST_READERS).collect());
    let what = if sleepable { "an SRCU section, which may be of the same domain" } else { "an RCU section" };
    match &inside[..] {
        [] if facts.lockdep_off.is_some() || !facts.listed => wait.because = "the log lists no held locks".into(),
        [] => wait.because = "no list shows a task inside a read-side section".into(),
        _ if count > MOST_READERS => wait.because = format!("{count} tasks are inside of {what}"),
        some => {
            let domains: BTreeSet<&str> = some.iter().map(|(_, section)| bare(&section.words.class)).collect();
            let asleep = |task: &TaskFacts| task.awaited.is_some() && !task.running;
            for ((reader, facts_of), section) in some {
                // One reader of one domain, who sleeps in his section, while no list is missing: nobody else is in question.
                let only = some.len() == 1 && facts.hidden.is_empty() && facts.cut.is_empty() && asleep(facts_of);
                let mut edge = wait.clone();
                edge.lock.class = Some(section.words.class.clone());
                edge.holder = Some(Task { comm: facts_of.comm.to_owned(), pid: *reader });
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
fn is_section(lock: &Held, sleepable: bool) -> bool {
    let class = section(&lock.words.class);
    let mut takers =
        lock.words.acquired_at.iter().chain(&lock.words.inlined).filter_map(|frame| frame.function.as_deref());
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
    if waits.iter().all(|wait| wait.kind != WaitKind::PageLock) {
        return;
    }
    // By holder: who waits for it, if that is one.
    let mut behind: BTreeMap<i64, Option<(Task, u64)>> = BTreeMap::new();
    for wait in waits.iter().filter(|wait| wait.grade.is_strong()) {
        let (Some(task), Some(holder)) = (facts.tasks.get(&wait.waiter.pid), &wait.holder) else { continue };
        let first = Some((wait.waiter.clone(), task.line));
        behind.entry(holder.pid).and_modify(|other| *other = None).or_insert(first);
    }
    for wait in waits.iter_mut().filter(|wait| wait.kind == WaitKind::PageLock && wait.holder.is_none()) {
        let Some(Some((task, line))) = behind.get(&wait.waiter.pid) else { continue };
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
    let mut taken =
        worker.locks.iter().filter(|lock| !lock.words.unowned).filter_map(|lock| lock.words.acquired_at.as_ref());
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
