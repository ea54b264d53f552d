//! Lockdep reports in plain order.

use super::awaited::{is_primitive, plain};
use super::circular::{PATH, circular, is_locking};
use super::wait::place;
use super::{Dependency, Explanation};
use crate::grammar::Flavour;
use crate::report::{Frame, Lockdep, Report, StackRole, WaitContext};

/// How many uses of locks by interrupts are shown at most.
const USAGES: usize = 6;

/// A lockdep report explained.
pub(super) fn explain(report: &Report, lockdep: &Lockdep) -> Explanation {
    let flavour = Flavour::of(&lockdep.flavour);
    let (cycle, steps) = if lockdep.contexts.is_empty() {
        if flavour == Some(Flavour::Circular) { circular(lockdep) } else { (Vec::new(), Vec::new()) }
    } else {
        contexts(&lockdep.contexts)
    };
    let wanted = lockdep.acquiring.as_ref().map(|lock| lock.class.clone());
    let held = lockdep.holding.as_ref().map(|lock| lock.class.clone());
    let at =
        |lock: &Option<crate::report::HeldLock>| lock.as_ref().and_then(|lock| lock.acquired_at.as_ref()).map(place);
    let who = report.task.as_ref().map_or_else(|| "a task".to_owned(), |task| format!("{}/{}", task.comm, task.pid));
    let place_of = |at: Option<String>| at.map(|at| format!(" in {at}")).unwrap_or_default();
    // A report whose first lines are lost has no name.
    let named = if lockdep.flavour.is_empty() { String::new() } else { format!("{}: ", lockdep.flavour) };
    let summary = match (flavour, &wanted, &held) {
        (Some(Flavour::Circular), Some(wanted), Some(held)) => format!(
            "{who} takes {wanted}{} while it holds {held}, but the order {} is known already",
            place_of(at(&lockdep.acquiring)),
            cycle_text(&cycle, wanted, held)
        ),
        (Some(Flavour::Recursive), Some(wanted), Some(held)) if wanted == held => {
            let address = |lock: &Option<crate::report::HeldLock>| lock.as_ref().and_then(|lock| lock.address.clone());
            let same = address(&lockdep.acquiring).is_some_and(|wanted| address(&lockdep.holding) == Some(wanted));
            let what = if same { "that very lock" } else { "a lock of the same class" };
            format!("{who} takes {wanted}{} while it holds {what}", place_of(at(&lockdep.acquiring)))
        }
        (Some(Flavour::Recursive), Some(wanted), Some(held)) => {
            format!("{who} takes {wanted}{} while it holds {held}", place_of(at(&lockdep.acquiring)))
        }
        (Some(Flavour::Inconsistent), Some(wanted), _) => {
            let usage = lockdep.usage.as_deref().unwrap_or_default();
            let usage = usage.strip_prefix("inconsistent ").unwrap_or(usage);
            let usage = usage.strip_suffix(" usage.").unwrap_or(usage);
            format!(
                "{who} takes {wanted}{}, which is used in two ways that {} can mix: {usage}",
                place_of(at(&lockdep.acquiring)),
                // Until Linux 4.13 lockdep told of reclaim as if it were an interrupt.
                if usage.contains("RECLAIM_FS") { "the reclaim of memory" } else { "an interrupt" }
            )
        }
        (Some(Flavour::IrqInversion), Some(wanted), Some(other)) => {
            let usage = lockdep.usage.as_deref().unwrap_or_default();
            let state = usage.split_once("another, ").and_then(|(_, rest)| rest.split_once(" lock "));
            let state = state.map(|(state, _)| format!(", which is {state},")).unwrap_or_default();
            let place = place_of(at(&lockdep.acquiring));
            let before = if usage.contains("was taken by") {
                format!(
                    "{who} takes {wanted}{place} where interrupts are on; it was taken before while {other}{state} was held"
                )
            } else {
                format!(
                    "{who} takes {wanted}{place} in an interrupt; before, {other}{state} was taken while it was held"
                )
            };
            format!("{before}: an interrupt can take the two the other way round")
        }
        (Some(Flavour::IrqOrder), Some(wanted), Some(held)) => format!(
            "{who} takes {wanted}{} while it holds {held}; an interrupt can take them the other way round",
            place_of(at(&lockdep.acquiring))
        ),
        (Some(Flavour::BadUnlock | Flavour::BadContention), Some(wanted), _) => {
            format!("{who} releases {wanted}{} which it does not hold", place_of(at(&lockdep.acquiring)))
        }
        (Some(Flavour::HeldFreed), _, Some(held)) => {
            format!("{who} frees memory that holds the lock {held}, which is still held")
        }
        (Some(Flavour::HeldReturn), ..) => format!("{who} returns to user space with a lock held"),
        (Some(Flavour::HeldExit), ..) => format!("{who} exits with a lock held"),
        (Some(Flavour::WaitContext), Some(wanted), _) => {
            format!("{who} takes {wanted}{} {}", place_of(at(&lockdep.acquiring)), wait_types(report, lockdep))
        }
        (_, None, None) if !lockdep.contexts.is_empty() => owed_words(&lockdep.contexts),
        (Some(Flavour::Nested), Some(wanted), _) => {
            format!("{who} takes {wanted}{} without the lock that should nest it", place_of(at(&lockdep.acquiring)))
        }
        (Some(Flavour::Rcu), ..) => {
            lockdep.usage.clone().unwrap_or_else(|| format!("{who} uses RCU without protection"))
        }
        (_, Some(wanted), _) => format!("{named}{who} takes {wanted}{}", place_of(at(&lockdep.acquiring))),
        _ => format!("{} at {who}", lockdep.flavour).trim_start().to_owned(),
    };
    let words = if lockdep.contexts.is_empty() { path_words } else { context_words };
    let mut paths: Vec<String> = steps.iter().map(words).collect();
    if paths.is_empty() {
        paths = usages(report, lockdep);
    }
    Explanation {
        line: report.line,
        flavour: lockdep.flavour.clone(),
        summary,
        cycle,
        steps,
        paths,
        scenario: lockdep.scenario.clone(),
    }
}

/// Why a lock may not be taken there: its own wait types against what the context, or a lock that is held, allows.
fn wait_types(report: &Report, lockdep: &Lockdep) -> String {
    let inner = |types: &str| types.rsplit(':').next().and_then(|last| last.parse::<u32>().ok());
    let outer = |types: &str| types.split(':').next().and_then(|first| first.parse::<u32>().ok());
    let own = lockdep.acquiring.as_ref().and_then(|lock| lock.wait_type.as_deref());
    let context = lockdep
        .usage
        .as_deref()
        .and_then(|usage| usage.strip_prefix("context-{").and_then(|rest| rest.strip_suffix('}')));
    let Some(own) = own else { return "where it must not sleep".to_owned() };
    let tighter = |allowed: &str| inner(allowed).zip(outer(own)).is_some_and(|(allowed, own)| own > allowed);
    if let Some(context) = context.filter(|context| tighter(context)) {
        return format!("in a context that allows {{{context}}}, but the lock is of wait type {{{own}}}");
    }
    // A wait type of 0 says nothing.
    let held = report.held_locks.iter().flat_map(|list| &list.locks).find_map(|lock| {
        let types = lock.wait_type.as_deref()?;
        (inner(types).is_some_and(|types| types > 0) && tighter(types)).then_some((lock, types))
    });
    match held {
        Some((lock, types)) => {
            format!("while it holds {} of wait type {{{types}}}, but the lock is of {{{own}}}", lock.class)
        }
        None => format!("where its wait type {{{own}}} is not allowed"),
    }
}

/// Where a lock was used in which state: lockdep prints these stacks in its reports about interrupts.
fn usages(report: &Report, lockdep: &Lockdep) -> Vec<String> {
    // Some stand below the lock that they are about.
    let class = |line: u64| {
        let above = lockdep.chain.iter().rfind(|entry| entry.line < line);
        above.map(|entry| format!("{} ", entry.class)).unwrap_or_default()
    };
    let states = report.stacks.iter().filter_map(|stack| match &stack.role {
        StackRole::Usage(state) => Some((state, stack)),
        _ => None,
    });
    states
        .filter(|(state, _)| !state.starts_with("INITIAL"))
        .filter_map(|(state, stack)| {
            let outside = stack.frames.iter().position(|frame| !is_locking(frame))?;
            let site = stack.frames[outside..].iter().find(|frame| !frame.inline)?;
            Some(format!("{}{state} in {} :{}", class(stack.line), place(site), stack.line))
        })
        .take(USAGES)
        .collect()
}

/// DEPT's contexts: each waits for what the next owes.
fn contexts(contexts: &[WaitContext]) -> (Vec<String>, Vec<Dependency>) {
    let steps: Vec<Dependency> = contexts
        .iter()
        .filter_map(|context| {
            let own =
                |frame: &&Frame| !frame.inline && frame.function.as_deref().is_some_and(|name| !is_primitive(name));
            let outside = context.frames.iter().position(|frame| own(&frame));
            let names = context.frames[outside.unwrap_or(0)..].iter().filter_map(|frame| frame.function.as_deref());
            Some(Dependency {
                first: context.owed.clone(),
                then: context.awaited.clone()?,
                function: outside.map(|at| place(&context.frames[at])),
                mode: None,
                path: names.take(PATH).map(|name| plain(name).to_owned()).collect(),
                line: context.line,
            })
        })
        .collect();
    // Along the edges; only what leads back to the beginning is a cycle.
    let mut cycle: Vec<String> = Vec::new();
    let mut at = steps.first().and_then(|step| step.first.clone());
    while let Some(class) = at.take().filter(|class| !cycle.contains(class)) {
        at = steps.iter().find(|step| step.first.as_ref() == Some(&class)).map(|step| step.then.clone());
        cycle.push(class);
    }
    let closed = steps.iter().any(|step| step.first.as_ref() == cycle.last() && Some(&step.then) == cycle.first());
    (if closed { cycle } else { Vec::new() }, steps)
}

/// `context A waits for P before unlock(S), context B waits for …: none of them can go on`.
fn owed_words(contexts: &[WaitContext]) -> String {
    let words: Vec<String> = contexts
        .iter()
        .map(|context| {
            let awaited = context.awaited.as_deref().unwrap_or("something that the log has lost");
            let event = context.event.as_deref().map(|event| format!(" before {event}")).unwrap_or_default();
            format!("context {} waits for {awaited}{event}", context.name)
        })
        .collect();
    format!("{}: none of them can go on", words.join(", "))
}

fn cycle_text(cycle: &[String], wanted: &str, held: &str) -> String {
    // The part of the cycle that was known before: from the wanted lock to the held one.
    match cycle.len() {
        0 | 1 => format!("{wanted} -> {held}"),
        2 | 3 => cycle.join(" -> "),
        many => format!("{wanted} -> … -> {held} ({many} locks)"),
    }
}

/// `take_both+0x21/0x40 takes b while it holds a (take_both < caller)`.
fn path_words(step: &Dependency) -> String {
    let function = step.function.as_deref().unwrap_or("something");
    let how = step.mode.as_deref().map(|mode| format!(" to {mode}")).unwrap_or_default();
    let from = if step.path.len() > 1 { format!(" (from {})", step.path[1..].join(" < ")) } else { String::new() };
    let held = match &step.first {
        Some(first) => format!("while {first} is held"),
        None => "while another lock is held that the log has lost".to_owned(),
    };
    format!("{function} takes {}{how} {held}{from}", step.then)
}

/// `folio_get+0x1/0x2 waits for page while it owes sem (folio_get < caller)`.
fn context_words(step: &Dependency) -> String {
    let function = step.function.as_deref().unwrap_or("something");
    let from = if step.path.len() > 1 { format!(" (from {})", step.path[1..].join(" < ")) } else { String::new() };
    let owed = step.first.as_deref().map(|first| format!(" while it owes {first}")).unwrap_or_default();
    format!("{function} waits for {}{owed}{from}", step.then)
}
