//! What is kept of a log's records until its end: rows of tasks, lists of held locks, the kernel's words on who blocks whom.
//!
//! A log may list a million locks, and most lists say the same of other tasks: what they have in common is kept once.

use super::Record;
use super::classes::is_unowned;
use crate::grammar::Role;
use crate::report::{Blocker, Event, Frame, HeldLock, HeldLocks, HungTask, Report, Stack, StackRole, Task};
use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// What the records of one log say of its tasks and locks, added as they come, in any order.
///
/// Takes a few hundred bytes for a task with a lock, where the record has more than a thousand.
#[derive(Debug, Default)]
pub struct Gathered<'a> {
    pub(super) pieces: Vec<Placed<'a>>,
    /// Lists inside of a report about one task say nothing of the moment, nor do they as events: boot and line.
    pub(super) foreign: BTreeSet<(usize, u64)>,
    /// Reports of lockdep.
    pub(super) lockdep: Vec<Cow<'a, Report>>,
    words: Shared,
    rows: BTreeSet<Said>,
}

/// Where a row of a task, or the kernel's word on its blocker, stands: boot, line, whether it is the latter, pid. A report and an
/// event of its own may both have it, with its whole stack.
type Said = (usize, u64, bool, i64);

impl<'a> Gathered<'a> {
    /// Of records that stay where they are.
    pub(super) fn of(records: &[Record<'a>]) -> Self {
        let mut gathered = Self::default();
        for record in records {
            let lockdep = match record {
                Record::Report(report) => collect_report(report, &mut gathered, |piece| piece),
                Record::Event(event) => {
                    collect_event(event, &mut gathered, |piece| piece);
                    None
                }
            };
            gathered.lockdep.extend(lockdep.map(Cow::Borrowed));
        }
        gathered
    }
}

impl Gathered<'static> {
    /// Takes what a report says.
    pub fn add_report(&mut self, report: &Report) {
        let lockdep = collect_report(report, self, Piece::into_owned).cloned();
        self.lockdep.extend(lockdep.map(Cow::Owned));
    }

    /// Takes what an event says.
    pub fn add_event(&mut self, event: &Event) {
        collect_event(event, self, Piece::into_owned);
    }
}

/// A piece and where it stands.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) line: u64,
    pub(super) time: Option<f64>,
    pub(super) boot: usize,
    /// Whether an event said it, not a report.
    pub(super) of_event: bool,
    pub(super) piece: Piece<'a>,
}

/// One thing that a record says.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Hung(Box<Row<'a>>),
    Held(List<'a>),
    Running(i64),
    Blocker(Box<Cow<'a, Blocker>>),
    LockdepOff,
    Suppressed,
    Trace(Box<Trace<'a>>),
    Mark,
    Key(Cow<'a, str>),
}

impl Piece<'_> {
    /// The task that it is about, if it is about one.
    pub(super) fn pid(&self) -> Option<i64> {
        match self {
            Self::Hung(row) => Some(row.pid),
            Self::Held(list) => list.task.as_ref().map(|task| task.pid),
            Self::Running(pid) => Some(*pid),
            _ => None,
        }
    }

    fn into_owned(self) -> Piece<'static> {
        let text = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Hung(row) => Piece::Hung(Box::new(Row {
                comm: text(row.comm),
                state: row.state.map(text),
                workqueue: row.workqueue.map(text),
                work_function: row.work_function.map(text),
                frames: row.frames.map(|frames| Cow::Owned(frames.into_owned())),
                ..*row
            })),
            Self::Held(list) => Piece::Held(List { task: list.task.map(|task| Cow::Owned(task.into_owned())), ..list }),
            Self::Running(pid) => Piece::Running(pid),
            Self::Blocker(blocker) => Piece::Blocker(Box::new(Cow::Owned(blocker.into_owned()))),
            Self::LockdepOff => Piece::LockdepOff,
            Self::Suppressed => Piece::Suppressed,
            Self::Trace(trace) => {
                Piece::Trace(Box::new(Trace { lock: text(trace.lock), comm: text(trace.comm), ..*trace }))
            }
            Self::Mark => Piece::Mark,
            Self::Key(name) => Piece::Key(text(name)),
        }
    }
}

/// What the kernel prints of a task that is blocked, or that it lists.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) pid: i64,
    pub(super) comm: Cow<'a, str>,
    pub(super) seconds: Option<u64>,
    pub(super) state: Option<Cow<'a, str>>,
    pub(super) io_wait: bool,
    pub(super) last: bool,
    pub(super) workqueue: Option<Cow<'a, str>>,
    pub(super) work_function: Option<Cow<'a, str>>,
    pub(super) frames: Option<Cow<'a, [Frame]>>,
}

impl<'a> Row<'a> {
    fn of(hung: &'a HungTask, stack: Option<&'a Stack>) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            pid: hung.task.pid,
            comm: Cow::Borrowed(&hung.task.comm),
            seconds: hung.seconds,
            state: text(&hung.state),
            io_wait: hung.io_wait,
            last: hung.last,
            workqueue: text(&hung.workqueue),
            work_function: text(&hung.work_function),
            frames: stack.map(|stack| Cow::Borrowed(&stack.frames[..])),
        }
    }
}

/// What a trace line of the user's own says of a lock.
#[derive(Debug)]
pub(super) struct Trace<'a> {
    pub(super) lock: Cow<'a, str>,
    /// Taken, else released.
    pub(super) taken: bool,
    pub(super) comm: Cow<'a, str>,
    /// 0 where only the name is known.
    pub(super) pid: i64,
}

impl<'a> Trace<'a> {
    /// `lock`, `action` and `pid` (or `task` as `name-12`) of a trace line.
    fn of(fields: &'a BTreeMap<String, String>) -> Option<Self> {
        let (lock, action) = (fields.get("lock")?, fields.get("action")?);
        let named = fields.get("task").map(|task| task.trim()).unwrap_or_default();
        let split = named.rsplit_once('-').and_then(|(comm, pid)| Some((comm, pid.parse().ok()?)));
        let (comm, pid) = match fields.get("pid").and_then(|pid| pid.trim().parse().ok()) {
            Some(pid) => (fields.get("comm").map_or(named, |comm| comm.trim()), pid),
            // Without a pid the name has to do; 0 is not a task that holds a lock.
            None => split.unwrap_or((named, 0)),
        };
        let taken = match action.to_ascii_lowercase().as_str() {
            "acquired" | "locked" | "got" | "taken" | "lock" => true,
            "released" | "unlocked" | "unlock" | "dropped" | "release" => false,
            _ => return None,
        };
        Some(Self { lock: lock.into(), taken, comm: comm.into(), pid })
    }
}

/// A list of held locks.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) task: Option<Cow<'a, Task>>,
    pub(super) announced: Option<u32>,
    pub(super) locks: Box<[Held]>,
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) words: Arc<Words>,
    pub(super) address: Option<Box<str>>,
    pub(super) number: Option<u32>,
    pub(super) line: u64,
}

/// What lines about locks of one class that are taken at one place have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) class: String,
    pub(super) usage: Option<String>,
    pub(super) wait_type: Option<String>,
    /// Where it was taken; its log line is that of whoever said it first.
    pub(super) acquired_at: Option<Frame>,
    pub(super) inlined: Vec<Frame>,
    /// Whether nobody can own it.
    pub(super) unowned: bool,
}

/// A frame without its log line.
fn place(frame: &Frame) -> impl Eq + Hash {
    let Frame { function, offset, size, module, address, file, line, inline, reliable, log_line: _ } = frame;
    ((function, offset, size, module, address), (file, line, inline, reliable))
}

/// All that a line says but address, number and line.
fn said(lock: &HeldLock) -> impl Eq + Hash {
    let taken = lock.acquired_at.iter().map(place).collect::<Vec<_>>();
    (&lock.class, &lock.usage, &lock.wait_type, taken, lock.inlined.iter().map(place).collect::<Vec<_>>())
}

impl Words {
    fn of(lock: &HeldLock) -> Self {
        Self {
            class: lock.class.clone(),
            usage: lock.usage.clone(),
            wait_type: lock.wait_type.clone(),
            acquired_at: lock.acquired_at.clone(),
            inlined: lock.inlined.clone(),
            unowned: is_unowned(lock),
        }
    }

    fn are_of(&self, lock: &HeldLock) -> bool {
        self.class == lock.class
            && self.usage == lock.usage
            && self.wait_type == lock.wait_type
            && self.acquired_at.iter().map(place).eq(lock.acquired_at.iter().map(place))
            && self.inlined.iter().map(place).eq(lock.inlined.iter().map(place))
    }
}

/// Words that several lines share, by their hash.
#[derive(Debug, Default)]
struct Shared(HashMap<u64, Arc<Words>>, RandomState);

impl Shared {
    fn words(&mut self, lock: &HeldLock) -> Arc<Words> {
        let known = self.0.entry(self.1.hash_one(said(lock))).or_insert_with(|| Arc::new(Words::of(lock)));
        // Two that have one hash by chance.
        if known.are_of(lock) { Arc::clone(known) } else { Arc::new(Words::of(lock)) }
    }

    fn list<'a>(&mut self, list: &'a HeldLocks) -> List<'a> {
        let held = |lock: &HeldLock| Held {
            words: self.words(lock),
            address: lock.address.as_deref().map(Into::into),
            number: lock.number,
            line: lock.line,
        };
        List {
            task: list.task.as_ref().map(Cow::Borrowed),
            announced: list.announced,
            locks: list.locks.iter().map(held).collect(),
        }
    }
}

/// Whether a report describes all tasks that matter; one about a single task has the list of that task only.
fn tells_the_moment(report: &Report) -> bool {
    let hangs = report.hung_tasks.iter().any(|hung| hung.seconds.is_some() || hung.blocker.is_some());
    report.lockdep.is_none() && (hangs || report.held_locks.len() >= 2)
}

/// Rows of tasks with their stacks, and what the kernel says of who blocks them, each with its line.
fn hung_pieces<'a>(
    tasks: &'a [HungTask],
    stacks: &'a [Stack],
    boot: usize,
    said: &mut BTreeSet<Said>,
) -> impl Iterator<Item = (u64, Piece<'a>)> {
    tasks.iter().flat_map(move |hung| {
        let stack = hung.stack.and_then(|stack| stacks.get(stack));
        let row = said
            .insert((boot, hung.line, false, hung.task.pid))
            .then(|| (hung.line, Piece::Hung(Box::new(Row::of(hung, stack)))));
        let blocker = hung.blocker.as_ref().filter(|blocker| said.insert((boot, blocker.line, true, 0)));
        let blocker = blocker.map(|blocker| (blocker.line, Piece::Blocker(Box::new(Cow::Borrowed(blocker)))));
        row.into_iter().chain(blocker)
    })
}

/// What a report says of tasks; the report itself if it is lockdep's.
fn collect_report<'a, 'b>(
    report: &'a Report,
    gathered: &mut Gathered<'b>,
    keep: impl Fn(Piece<'a>) -> Piece<'b>,
) -> Option<&'a Report> {
    let Gathered { pieces, foreign, words, rows, .. } = gathered;
    if !tells_the_moment(report) {
        foreign.extend(report.held_locks.iter().map(|list| (report.boot, list.line)));
        return report.lockdep.as_ref().map(|_| report);
    }
    let (time, boot) = (report.time, report.boot);
    let mut add =
        |(line, piece): (u64, Piece<'a>)| pieces.push(Placed { line, time, boot, of_event: false, piece: keep(piece) });
    hung_pieces(&report.hung_tasks, &report.stacks, boot, rows).for_each(&mut add);
    for list in &report.held_locks {
        add((list.line, Piece::Held(words.list(list))));
    }
    for stack in report.stacks.iter().filter(|stack| matches!(stack.role, StackRole::Cpu(_))) {
        stack.task.iter().for_each(|task| add((stack.line, Piece::Running(task.pid))));
    }
    None
}

/// What an event says of tasks.
fn collect_event<'a, 'b>(event: &'a Event, gathered: &mut Gathered<'b>, keep: impl Fn(Piece<'a>) -> Piece<'b>) {
    let Gathered { pieces, words, rows, .. } = gathered;
    let (time, boot) = (event.time, event.boot);
    let mut add =
        |(line, piece): (u64, Piece<'a>)| pieces.push(Placed { line, time, boot, of_event: true, piece: keep(piece) });
    hung_pieces(&event.hung_tasks, &event.stacks, boot, rows).for_each(&mut add);
    for list in &event.held_locks {
        add((list.line, Piece::Held(words.list(list))));
    }
    let own = match event.role {
        Some(Role::HungTasksSuppressed) => Some(Piece::Suppressed),
        Some(Role::LockdepOff) => Some(Piece::LockdepOff),
        Some(Role::LockList) => Some(Piece::Mark),
        Some(Role::Sysrq) => event.fields.get("name").map(|name| Piece::Key(name.into())),
        None => Trace::of(&event.fields).map(|trace| Piece::Trace(Box::new(trace))),
    };
    own.into_iter().for_each(|piece| add((event.line, piece)));
}
