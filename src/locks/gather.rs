//! Reports and events → one set of facts for each moment at which the log describes its tasks.

use super::Record;
use super::claim::settled;
use super::facts::Facts;
use crate::grammar::Role;
use crate::report::{Blocker, HeldLock, HeldLocks, HungTask, Report, Stack, StackRole, Task};
use std::collections::{BTreeMap, BTreeSet};

/// printk seconds between two lines of one dump; a pass of the watchdog prints without pause.
const PAUSE: f64 = 4.0;

/// One thing that a record says, in the order of the log.
enum Piece<'a> {
    Hung(&'a HungTask, Option<&'a Stack>),
    Held(&'a HeldLocks),
    Running(&'a Task),
    Blocker(&'a Blocker),
    LockdepOff,
    Suppressed,
    Trace(&'a BTreeMap<String, String>),
    Mark,
    Key(&'a str),
}

impl Piece<'_> {
    /// The task that it is about, if it is about one.
    fn pid(&self) -> Option<i64> {
        match self {
            Self::Hung(hung, _) => Some(hung.task.pid),
            Self::Held(list) => list.task.as_ref().map(|task| task.pid),
            Self::Running(task) => Some(task.pid),
            _ => None,
        }
    }
}

/// The dumps of a log; `records` in the order of the log.
pub(super) fn dumps<'a>(records: &[Record<'a>]) -> Vec<Facts<'a>> {
    let mut pieces: Vec<(u64, Option<f64>, usize, Piece<'a>)> = Vec::new();
    // Lists of locks inside a report about one task say nothing of the moment, nor do they as events.
    let foreign: BTreeSet<(usize, u64)> = records
        .iter()
        .filter_map(|record| if let Record::Report(report) = record { Some(*report) } else { None })
        .filter(|report| !tells_the_moment(report))
        .flat_map(|report| report.held_locks.iter().map(|list| (report.boot, list.line)))
        .collect();
    for record in records {
        collect(record, &foreign, &mut pieces);
    }
    pieces.sort_by_key(|(line, _, boot, _)| (*boot, *line));
    let mut dumps: Vec<Facts<'a>> = Vec::new();
    // What trace lines say up to the last piece of a dump, and the trace lines behind it.
    let mut traced: BTreeMap<String, (Task, u64)> = BTreeMap::new();
    let mut behind: Vec<(&BTreeMap<String, String>, u64)> = Vec::new();
    let mut last_time = None;
    let mut seen = BTreeSet::new();
    // The sysrq keys that were pressed since the last dump began, by name.
    let mut pressed: BTreeSet<&str> = BTreeSet::new();
    for (line, time, boot, piece) in pieces {
        // The same list may be part of a report and an event of its own. A log on one line has all its tasks there.
        if !seen.insert((boot, line, discriminant(&piece), piece.pid())) {
            continue;
        }
        if let Piece::Trace(fields) = piece {
            behind.push((fields, line));
            continue;
        }
        if let Piece::Key(name) = piece {
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
        let fresh = dumps.last().is_none_or(|dump| dump.boot != boot || begins(dump, &piece, time.zip(last_time)));
        if fresh && let Some(dump) = dumps.last_mut() {
            dump.traced.clone_from(&traced);
        }
        for (fields, line) in behind.drain(..) {
            trace(&mut traced, fields, line);
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
            add(dump, &piece, line);
        }
    }
    if let Some(dump) = dumps.last_mut() {
        dump.traced = traced;
    }
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
            || dump.tasks.values().any(|task| task.state.as_deref() == Some("D"))
    });
    dumps
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

/// Whether a report describes all tasks that matter; one about a single task has the list of that task only.
fn tells_the_moment(report: &Report) -> bool {
    let hangs = report.hung_tasks.iter().any(|hung| hung.seconds.is_some() || hung.blocker.is_some());
    report.lockdep.is_none() && (hangs || report.held_locks.len() >= 2)
}

/// Rows of tasks with their stacks, and what the kernel says of who blocks them, each with its line.
fn hung_pieces<'a>(tasks: &'a [HungTask], stacks: &'a [Stack]) -> impl Iterator<Item = (u64, Piece<'a>)> {
    tasks.iter().flat_map(|hung| {
        let row = (hung.line, Piece::Hung(hung, hung.stack.and_then(|stack| stacks.get(stack))));
        [row].into_iter().chain(hung.blocker.iter().map(|blocker| (blocker.line, Piece::Blocker(blocker))))
    })
}

/// What a record says of tasks.
fn collect<'a>(
    record: &Record<'a>,
    foreign: &BTreeSet<(usize, u64)>,
    pieces: &mut Vec<(u64, Option<f64>, usize, Piece<'a>)>,
) {
    match record {
        Record::Report(report) => {
            if !tells_the_moment(report) {
                return;
            }
            let (time, boot) = (report.time, report.boot);
            pieces
                .extend(hung_pieces(&report.hung_tasks, &report.stacks).map(|(line, piece)| (line, time, boot, piece)));
            pieces.extend(report.held_locks.iter().map(|list| (list.line, time, boot, Piece::Held(list))));
            for stack in report.stacks.iter().filter(|stack| matches!(stack.role, StackRole::Cpu(_))) {
                pieces.extend(stack.task.iter().map(|task| (stack.line, time, boot, Piece::Running(task))));
            }
        }
        Record::Event(event) => {
            let (time, boot) = (event.time, event.boot);
            pieces.extend(hung_pieces(&event.hung_tasks, &event.stacks).map(|(line, piece)| (line, time, boot, piece)));
            let lists = event.held_locks.iter().filter(|list| !foreign.contains(&(boot, list.line)));
            pieces.extend(lists.map(|list| (list.line, time, boot, Piece::Held(list))));
            match event.role {
                Some(Role::HungTasksSuppressed) => pieces.push((event.line, time, boot, Piece::Suppressed)),
                Some(Role::LockdepOff) => pieces.push((event.line, time, boot, Piece::LockdepOff)),
                Some(Role::LockList) => pieces.push((event.line, time, boot, Piece::Mark)),
                Some(Role::Sysrq) => {
                    pieces.extend(event.fields.get("name").map(|name| (event.line, time, boot, Piece::Key(name))));
                }
                None if event.fields.contains_key("lock") && event.fields.contains_key("action") => {
                    pieces.push((event.line, time, boot, Piece::Trace(&event.fields)));
                }
                None => {}
            }
        }
    }
}

/// Whether a piece belongs to a new dump: the kernel speaks anew of a task, or it paused.
fn begins(dump: &Facts, piece: &Piece<'_>, times: Option<(f64, f64)>) -> bool {
    let paused = times.is_some_and(|(now, before)| now - before > PAUSE);
    match piece {
        Piece::Hung(hung, _) if hung.seconds.is_some() => {
            paused
                || dump.listed && dump.hung
                || dump
                    .tasks
                    .get(&hung.task.pid)
                    .is_some_and(|known| known.seconds.is_some() || !known.frames.is_empty() && !dump.hung)
        }
        Piece::Hung(hung, _) => {
            paused
                || dump.over
                || dump.tasks.get(&hung.task.pid).is_some_and(|known| known.state.is_some() && !dump.hung)
        }
        Piece::Mark => paused && !dump.hung,
        Piece::Held(list) => {
            paused && !dump.hung
                || list.task.as_ref().and_then(|task| dump.tasks.get(&task.pid)).is_some_and(|known| known.whole)
        }
        _ => false,
    }
}

fn add<'a>(dump: &mut Facts<'a>, piece: &Piece<'a>, line: u64) {
    match piece {
        Piece::Hung(hung, stack) => {
            dump.hung |= hung.seconds.is_some();
            dump.suppressed |= hung.last;
            let facts = dump.tasks.entry(hung.task.pid).or_default();
            facts.line = if facts.line == 0 { line } else { facts.line };
            // The lists add `+events` to a worker's name.
            facts.comm.clone_from(&hung.task.comm);
            facts.seconds = facts.seconds.or(hung.seconds);
            facts.io_wait |= hung.io_wait;
            keep(&mut facts.state, &hung.state);
            keep(&mut facts.workqueue, &hung.workqueue);
            keep(&mut facts.work_function, &hung.work_function);
            facts.shown |= stack.is_some();
            if let Some(stack) = stack.filter(|_| facts.frames.is_empty()) {
                facts.frames = &stack.frames;
            }
        }
        Piece::Held(list) => held(dump, list),
        Piece::Running(task) => {
            // The watchdog itself and idle CPUs are not tasks that anybody waits for.
            if let Some(facts) = dump.tasks.get_mut(&task.pid) {
                facts.running = true;
            }
        }
        Piece::Blocker(blocker) => {
            dump.blockers.push((*blocker).clone());
            for task in std::iter::once(&blocker.waiter).chain(&blocker.holder) {
                let facts = dump.tasks.entry(task.pid).or_default();
                if facts.comm.is_empty() {
                    facts.comm.clone_from(&task.comm);
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

fn keep(place: &mut Option<String>, value: &Option<String>) {
    if place.is_none() {
        place.clone_from(value);
    }
}

fn held<'a>(dump: &mut Facts<'a>, list: &'a HeldLocks) {
    let announced = list.announced.map_or(list.locks.len(), |announced| announced as usize);
    let numbered =
        list.locks.iter().enumerate().all(|(index, lock)| lock.number.is_none_or(|number| number as usize == index));
    let whole = announced == list.locks.len() && numbered;
    dump.listed = true;
    let Some(task) = &list.task else {
        dump.cut.push(list.line);
        return;
    };
    if list.locks.is_empty() && announced > 0 {
        dump.hidden.insert(task.pid, (task.clone(), list.line));
        return;
    }
    if !whole {
        dump.cut.push(list.line);
    }
    let facts = dump.tasks.entry(task.pid).or_default();
    if facts.comm.is_empty() {
        // `kworker/u8:0+events_unbound` is the worker `kworker/u8:0`.
        let name = task.comm.split(['+']).next().unwrap_or(&task.comm);
        facts.comm = if name.starts_with("kworker/") { name.into() } else { task.comm.clone() };
    }
    if facts.line == 0 {
        facts.line = list.line;
    }
    // Lines beyond the announced number are those of a list whose header is lost; nothing is known of a list with gaps
    // but what its numbers say.
    facts.locks = match (numbered, list.locks.len() > announced) {
        (true, true) => &list.locks[..announced],
        (true, false) => &list.locks,
        (false, _) => {
            let fits = |(index, lock): &(usize, &HeldLock)| lock.number.is_none_or(|number| number as usize == *index);
            let length = list.locks.iter().enumerate().take_while(fits).take(announced).count();
            &list.locks[..length]
        }
    };
    facts.whole = whole;
}

/// `lock`, `action` and `pid` (or `task` as `name-12`) of a trace line.
fn trace(traced: &mut BTreeMap<String, (Task, u64)>, fields: &BTreeMap<String, String>, line: u64) {
    let (Some(lock), Some(action)) = (fields.get("lock"), fields.get("action")) else { return };
    let named = fields.get("task").map(|task| task.trim()).unwrap_or_default();
    let split = named.rsplit_once('-').and_then(|(comm, pid)| Some((comm, pid.parse().ok()?)));
    let (comm, pid) = match fields.get("pid").and_then(|pid| pid.trim().parse().ok()) {
        Some(pid) => (fields.get("comm").map_or(named, |comm| comm.trim()), pid),
        // Without a pid the name has to do; 0 is not a task that holds a lock.
        None => split.unwrap_or((named, 0)),
    };
    let action = action.to_ascii_lowercase();
    if ["acquired", "locked", "got", "taken", "lock"].iter().any(|word| action == *word) {
        traced.insert(lock.clone(), (Task { comm: comm.into(), pid }, line));
    } else if ["released", "unlocked", "unlock", "dropped", "release"].iter().any(|word| action == *word)
        && traced.get(lock).is_some_and(|(task, _)| task.pid == pid && task.comm == comm)
    {
        traced.remove(lock);
    }
}
