//! Reports and events → one set of facts for each moment at which the log describes its tasks.

use super::claim::settled;
use super::facts::Facts;
use super::pieces::{Gathered, Held, List, Piece, Placed, Trace};
use crate::report::{Blocker, Task};
use std::collections::{BTreeMap, BTreeSet};

/// printk seconds between two lines of one dump; a pass of the watchdog prints without pause.
const PAUSE: f64 = 4.0;

/// The dumps of a log.
pub(super) fn dumps<'a>(gathered: &'a Gathered<'_>) -> Vec<Facts<'a>> {
    let own = |placed: &&Placed<'_>| {
        let list = placed.of_event && matches!(placed.piece, Piece::Held(_));
        !list || !gathered.foreign.contains(&(placed.boot, placed.line))
    };
    let mut pieces: Vec<&'a Placed<'_>> = gathered.pieces.iter().filter(own).collect();
    pieces.sort_by_key(|placed| (placed.boot, placed.line));
    let mut dumps: Vec<Facts<'a>> = Vec::new();
    // What trace lines say up to the last piece of a dump, and the trace lines behind it.
    let mut traced: BTreeMap<String, (Task, u64)> = BTreeMap::new();
    let mut behind: Vec<(&Trace<'_>, u64)> = Vec::new();
    let mut last_time = None;
    // What was said in a line, of which task.
    let (mut seen, mut seen_in) = (BTreeSet::new(), None);
    // Whether a key was pressed that lists all tasks that wait, and no task came yet.
    let mut asked = false;
    // The sysrq keys that were pressed since the last dump began, by name.
    let mut pressed: BTreeSet<&str> = BTreeSet::new();
    for Placed { line, time, boot, piece, .. } in pieces {
        let (line, time, boot) = (*line, *time, *boot);
        // The same list may be part of a report and an event of its own. A log on one line has all its tasks there.
        if seen_in.replace((boot, line)) != Some((boot, line)) {
            seen.clear();
        }
        if !seen.insert((discriminant(piece), piece.pid())) {
            continue;
        }
        if let Piece::Trace(words) = piece {
            behind.push((words, line));
            continue;
        }
        if let Piece::Key(name) = piece {
            let name = name.as_ref();
            asked |= name.ends_with("State");
            let back = time.zip(last_time).is_some_and(|(now, before)| before - now > PAUSE);
            let again = !pressed.insert(name);
            if let Some(dump) = dumps.last_mut() {
                dump.over |= (back || again) && dump.boot == boot && !dump.tasks.is_empty();
                if dump.over {
                    pressed = BTreeSet::from([name]);
                }
            }
            continue;
        }
        let fresh = dumps.last().is_none_or(|dump| dump.boot != boot || begins(dump, piece, time.zip(last_time)));
        if fresh && let Some(dump) = dumps.last_mut() {
            dump.traced.clone_from(&traced);
        }
        for (words, line) in behind.drain(..) {
            trace(&mut traced, words, line);
        }
        if fresh {
            if dumps.last().is_some_and(|dump| dump.boot != boot) {
                traced.clear();
            }
            dumps.push(Facts { boot, at: time, line, ..Facts::default() });
        }
        if time.is_some() {
            last_time = time;
        }
        if let Some(dump) = dumps.last_mut() {
            dump.asked |= matches!(piece, Piece::Hung(_)) && std::mem::take(&mut asked);
            add(dump, piece, line);
        }
    }
    if let Some(dump) = dumps.last_mut() {
        dump.traced = traced;
    }
    leave_copies(&mut dumps);
    for index in 0..dumps.len() {
        let (before, rest) = dumps.split_at_mut(index);
        rest[0].finish();
        let back = |before: &Facts| before.at.zip(rest[0].at).is_some_and(|(before, now)| now < before);
        if let Some(before) = before.last().filter(|before| before.boot == rest[0].boot && !back(before)) {
            rest[0].inherit(before);
            rest[0].settled = settled(before);
        }
    }
    // A task that an RCU stall shows running is not a dump.
    dumps.retain(|dump| {
        dump.hung
            || !dump.blockers.is_empty()
            || dump.listed && !dump.tasks.is_empty()
            || dump.tasks.values().any(|task| task.state == Some("D") || task.sleeps_in_dump())
    });
    dumps
}

/// Leaves out a dump that shows the same tasks at the same moment as one above: somebody pasted or quoted the lines twice. Before the clock
/// runs all moments are the same.
fn leave_copies(dumps: &mut Vec<Facts<'_>>) {
    let mut seen = BTreeSet::new();
    dumps.retain(|dump| {
        let tasks = || dump.tasks.iter().map(|(pid, task)| (*pid, task.seconds)).collect::<Vec<_>>();
        dump.at.filter(|at| *at > 0.0).is_none_or(|at| seen.insert((dump.boot, at.to_bits(), tasks())))
    });
}

fn discriminant(piece: &Piece<'_>) -> u8 {
    match piece {
        Piece::Hung(..) => 0,
        Piece::Held(_) => 1,
        Piece::Running(_) => 2,
        Piece::Blocker(_) => 3,
        Piece::LockdepOff => 4,
        Piece::Suppressed => 7,
        Piece::Trace(_) => 5,
        Piece::Mark => 6,
        Piece::Key(_) => 8,
    }
}

/// Whether a piece belongs to a new dump: the kernel speaks anew of a task, or it paused.
fn begins(dump: &Facts, piece: &Piece<'_>, times: Option<(f64, f64)>) -> bool {
    let paused = times.is_some_and(|(now, before)| now - before > PAUSE);
    match piece {
        Piece::Hung(row) if row.seconds.is_some() => {
            paused
                || dump.listed && dump.hung
                || dump
                    .tasks
                    .get(&row.pid)
                    .is_some_and(|known| known.seconds.is_some() || !known.frames.is_empty() && !dump.hung)
        }
        Piece::Hung(row) => {
            paused || dump.over || dump.tasks.get(&row.pid).is_some_and(|known| known.state.is_some() && !dump.hung)
        }
        Piece::Mark => paused && !dump.hung,
        Piece::Held(list) => {
            paused && !dump.hung
                || list.task.as_ref().and_then(|task| dump.tasks.get(&task.pid)).is_some_and(|known| known.whole)
        }
        _ => false,
    }
}

fn add<'a>(dump: &mut Facts<'a>, piece: &'a Piece<'_>, line: u64) {
    match piece {
        Piece::Hung(row) => {
            dump.hung |= row.seconds.is_some();
            dump.suppressed |= row.last;
            let facts = dump.tasks.entry(row.pid).or_default();
            facts.line = if facts.line == 0 { line } else { facts.line };
            // The lists add `+events` to a worker's name.
            facts.comm = &row.comm;
            facts.seconds = facts.seconds.or(row.seconds);
            facts.io_wait |= row.io_wait;
            facts.state = facts.state.or(row.state.as_deref());
            facts.workqueue = facts.workqueue.or(row.workqueue.as_deref());
            facts.work_function = facts.work_function.or(row.work_function.as_deref());
            facts.shown |= row.frames.is_some();
            if let Some(frames) = row.frames.as_deref().filter(|_| facts.frames.is_empty()) {
                facts.frames = frames;
            }
        }
        Piece::Held(list) => held(dump, list, line),
        Piece::Running(pid) => {
            // The watchdog itself and idle CPUs are not tasks that anybody waits for.
            if let Some(facts) = dump.tasks.get_mut(pid) {
                facts.running = true;
            }
        }
        Piece::Blocker(blocker) => {
            let blocker: &Blocker = blocker;
            dump.blockers.push(blocker);
            for task in std::iter::once(&blocker.waiter).chain(&blocker.holder) {
                let facts = dump.tasks.entry(task.pid).or_default();
                if facts.comm.is_empty() {
                    facts.comm = &task.comm;
                    facts.line = line;
                }
            }
        }
        Piece::LockdepOff => dump.lockdep_off = Some(line),
        Piece::Suppressed => dump.suppressed = true,
        Piece::Mark => dump.listed = true,
        Piece::Trace(_) | Piece::Key(_) => {}
    }
}

fn held<'a>(dump: &mut Facts<'a>, list: &'a List<'_>, line: u64) {
    let announced = list.announced.map_or(list.locks.len(), |announced| announced as usize);
    let numbered =
        list.locks.iter().enumerate().all(|(index, lock)| lock.number.is_none_or(|number| number as usize == index));
    let whole = announced == list.locks.len() && numbered;
    dump.listed = true;
    let Some(task) = &list.task else {
        dump.cut.push(line);
        return;
    };
    if list.locks.is_empty() && announced > 0 {
        dump.hidden.insert(task.pid, (task, line));
        return;
    }
    if !whole {
        dump.cut.push(line);
    }
    let facts = dump.tasks.entry(task.pid).or_default();
    if facts.comm.is_empty() {
        // `kworker/u8:0+events_unbound` is the worker `kworker/u8:0`.
        let name = task.comm.split(['+']).next().unwrap_or(&task.comm);
        facts.comm = if name.starts_with("kworker/") { name } else { &task.comm };
    }
    if facts.line == 0 {
        facts.line = line;
    }
    // Nothing is known of a list with gaps but what its numbers say. Where they run on beyond what the header announces, the header of
    // another list is lost, and whose the first lines are is not known either: its own may be lost, too.
    let fits = |(index, lock): &(usize, &Held)| lock.number.is_none_or(|number| number as usize == *index);
    let run = list.locks.iter().enumerate().take_while(fits).count();
    facts.locks = if run > announced { &[] } else { &list.locks[..run] };
    facts.whole = whole;
}

/// Keeps who has a lock by the last trace line about it.
fn trace(traced: &mut BTreeMap<String, (Task, u64)>, words: &Trace<'_>, line: u64) {
    let Trace { lock, taken, comm, pid } = words;
    if *taken {
        traced.insert(lock.as_ref().to_owned(), (Task { comm: comm.as_ref().to_owned(), pid: *pid }, line));
    } else if traced.get(lock.as_ref()).is_some_and(|(task, _)| task.pid == *pid && task.comm == *comm) {
        traced.remove(lock.as_ref());
    }
}
