//! Which lines of the source a report is about.

use super::record::PlaceRole;
use crate::grammar::Grammar;
use crate::locks::{Dump, LockRef};
use crate::report::{Frame, HeldLock, Report, Stack, StackRole};

/// Most places of one report.
const PLACES: usize = 32;

/// A place that a log names, not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What happened there.
    pub role: PlaceRole,
    /// Whose, where that is not the report's own task.
    pub of: Option<String>,
    /// The function.
    pub function: Option<String>,
    /// File and line as the log writes them.
    pub at: Option<(String, u32)>,
    /// Functions inlined there, innermost first: `function file:line`.
    pub inlined: Vec<String>,
    /// 1-based line of the log.
    pub log_line: Option<u64>,
}

/// The places of a report, the blamed one first; with `all` every frame of the stack that crashed.
#[must_use]
pub fn places_of(report: &Report, all: bool) -> Vec<Wanted> {
    let mut places: Vec<Wanted> = Vec::new();
    let mut add = |place: Wanted| {
        let same = |one: &Wanted| one.at.is_some() && one.at == place.at && one.role != PlaceRole::Called;
        if places.len() < PLACES && !(place.role == PlaceRole::Called && places.iter().any(same)) {
            places.push(place);
        }
    };
    // The two locks of a lockdep report say more than the frame that its title names.
    let locks = report.lockdep.as_ref().map(|lockdep| (&lockdep.holding, &lockdep.acquiring));
    match locks {
        Some((holding, acquiring)) if holding.is_some() || acquiring.is_some() => {
            let sites = [(holding, PlaceRole::Holds), (acquiring, PlaceRole::Waits)];
            let sites = sites.into_iter().filter_map(|(lock, role)| lock_site(lock.as_ref()?, role));
            let sites: Vec<Wanted> = sites.collect();
            if sites.iter().all(|site| site.at.is_none()) {
                blamed(report).into_iter().for_each(&mut add);
            }
            sites.into_iter().for_each(&mut add);
        }
        _ => blamed(report).into_iter().for_each(&mut add),
    }
    for (of, role) in [(StackRole::Allocated, PlaceRole::Allocated), (StackRole::Freed, PlaceRole::Freed)] {
        let stack = report.stacks.iter().find(|stack| stack.role == of);
        stack.and_then(|stack| own_frame(stack, role)).into_iter().for_each(&mut add);
    }
    if all {
        let crash = stacks(report).into_iter().next();
        let frames = crash.map(|stack| (0..stack.frames.len()).map(|at| placed(&stack.frames, at, PlaceRole::Called)));
        frames.into_iter().flatten().filter(|place| place.at.is_some()).for_each(&mut add);
    }
    places
}

/// For each wait of a dump whose holder is named: where the holder took the lock, and where the waiter waits.
#[must_use]
pub fn places_of_dump(dump: &Dump) -> Vec<Wanted> {
    let mut places: Vec<Wanted> = Vec::new();
    let mut add = |place: Option<Wanted>| {
        if let Some(place) = place.filter(|place| places.len() < PLACES && !places.contains(place)) {
            places.push(place);
        }
    };
    for wait in &dump.waits {
        let Some(holder) = &wait.holder else { continue };
        let held = dump.tasks.iter().find(|task| task.pid == holder.pid).and_then(|task| {
            let same = |lock: &&LockRef| match (&lock.address, &wait.lock.address) {
                (Some(held), Some(awaited)) => held == awaited,
                _ => lock.class.is_some() && lock.class == wait.lock.class,
            };
            task.holds.iter().find(same)
        });
        let of = |task: &crate::report::Task| format!("{}/{}", task.comm, task.pid);
        add(held.and_then(|lock| parsed(lock, PlaceRole::Holds, of(holder))));
        add(parsed(&wait.lock, PlaceRole::Waits, of(&wait.waiter)));
    }
    places
}

/// `function+0x1/0x2 file:line`.
fn parsed(lock: &LockRef, role: PlaceRole, of: String) -> Option<Wanted> {
    let text = lock.acquired_at.as_deref()?;
    let (function, file) = text.split_once(' ').unwrap_or((text, ""));
    let at = file.rsplit_once(':').and_then(|(file, line)| Some((file.trim().to_owned(), line.parse().ok()?)));
    let function = function.split("+0x").next().filter(|name| !name.is_empty()).map(str::to_owned);
    Some(Wanted { role, of: Some(of), function, at, inlined: Vec::new(), log_line: lock.line })
}

fn lock_site(lock: &HeldLock, role: PlaceRole) -> Option<Wanted> {
    let frame = lock.acquired_at.as_ref()?;
    let mut frames = lock.inlined.clone();
    frames.push(frame.clone());
    let mut place = placed(&frames, frames.len() - 1, role);
    place.of = Some(lock.class.clone());
    Some(place)
}

/// The stacks in which the blamed frame is looked for: where it crashed first.
fn stacks(report: &Report) -> Vec<&Stack> {
    let mut all: Vec<&Stack> = report.stacks.iter().filter(|stack| !stack.frames.is_empty()).collect();
    let rank = |stack: &&Stack| match stack.role {
        StackRole::Pc => 0,
        StackRole::Crash => 1,
        StackRole::Allocated | StackRole::Freed => 3,
        _ => 2,
    };
    all.sort_by_key(rank);
    all
}

/// The line that the report blames.
fn blamed(report: &Report) -> Option<Wanted> {
    let role = PlaceRole::Blamed;
    let name = report.subject.as_deref().unwrap_or(&report.frame);
    let stacks = stacks(report);
    let named = stacks.iter().find_map(|stack| {
        let at = stack.frames.iter().position(|frame| frame.reliable && frame.is_function(name))?;
        Some(placed(&stack.frames, at, role))
    });
    if let Some(place) = named.as_ref().filter(|place| place.at.is_some()) {
        return Some(place.clone());
    }
    let ignored = |file: &str| Grammar::built_in().blame.ignored_files.contains(tree_part(file).as_bytes());
    let source = report.source.as_ref().filter(|source| !ignored(&source.file));
    if let Some(source) = source {
        return Some(Wanted {
            role,
            of: None,
            function: (!name.is_empty()).then(|| name.to_owned()),
            at: Some((source.file.clone(), source.line)),
            inlined: Vec::new(),
            log_line: Some(report.line),
        });
    }
    let own = || stacks.iter().filter(|stack| !is_memory(stack)).find_map(|stack| own_frame(stack, role));
    let function = named.or_else(own);
    function.or_else(|| {
        (!name.is_empty()).then(|| Wanted {
            role,
            of: None,
            function: Some(name.to_owned()),
            at: None,
            inlined: Vec::new(),
            log_line: Some(report.line),
        })
    })
}

fn is_memory(stack: &Stack) -> bool {
    matches!(stack.role, StackRole::Allocated | StackRole::Freed)
}

/// The first frame of a stack whose file is nobody's tool.
fn own_frame(stack: &Stack, role: PlaceRole) -> Option<Wanted> {
    let blame = &Grammar::built_in().blame;
    let own = |frame: &Frame| {
        let file = frame.file.as_deref().filter(|_| frame.line.is_some() && frame.reliable);
        file.is_some_and(|file| !blame.ignored_files.contains(tree_part(file).as_bytes()))
    };
    let at = stack.frames.iter().position(own)?;
    Some(placed(&stack.frames, at, role))
}

/// A path without what stands before the kernel's own folders, as the list of tools writes them.
fn tree_part(file: &str) -> &str {
    file.trim_start_matches("./")
}

/// One frame with what is inlined there.
fn placed(frames: &[Frame], at: usize, role: PlaceRole) -> Wanted {
    let frame = &frames[at];
    let place = |frame: &Frame| Some((frame.file.clone()?, frame.line?));
    let inlined = frames[..at].iter().rev().take_while(|frame| frame.inline).collect::<Vec<_>>();
    let told = |frame: &&Frame| {
        let at = place(frame).map_or(String::new(), |(file, line)| format!(" {file}:{line}"));
        format!("{}{at}", frame.function.as_deref().unwrap_or("?"))
    };
    Wanted {
        role,
        of: None,
        function: frame.function.clone(),
        at: place(frame),
        inlined: inlined.iter().rev().map(told).collect(),
        log_line: Some(frame.log_line),
    }
}
