//! Waits without lists of locks, recognised by a lockdep report of the same log: once lockdep has reported it is off, and the
//! hang that it predicted comes without any list.

use super::awaited::plain;
use super::circular::{held_entry, is_locking};
use super::classes::is_global;
use super::facts::{Facts, TaskFacts};
use super::{Grade, Identity, Wait};
use crate::grammar::Flavour;
use crate::report::{ChainEntry, Frame, Lockdep, Report, Task};
use std::collections::BTreeMap;

/// Call frames beyond the site that must not contradict each other.
const PATH: usize = 4;

/// Names what tasks wait for that sleep exactly where lockdep saw a dependency established: they hold the one lock and wait
/// for the other. Two such tasks on a cycle of classes wait for each other.
pub(super) fn predict(facts: &Facts, reports: &[(&Report, &Lockdep)], waits: &mut [Wait]) {
    for (_, lockdep) in reports
        .iter()
        .filter(|(_, lockdep)| Flavour::of(&lockdep.flavour) == Some(Flavour::Circular) && lockdep.chain.len() > 1)
    {
        let mut chain: Vec<&ChainEntry> = lockdep.chain.iter().collect();
        chain.sort_by_key(|entry| entry.number);
        // The entries by the function that takes the lock: a chain may be long, and the waiters many.
        let mut takers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, entry) in chain.iter().enumerate() {
            if let Some(function) = taken_in(entry).next().and_then(|frame| frame.function.as_deref()) {
                takers.entry(function).or_default().push(index);
            }
        }
        // Index of the chain's entry at whose place each waiter sleeps.
        let places: Vec<Option<usize>> = waits
            .iter()
            .map(|wait| {
                let open = wait.holder.is_none() && wait.lock.class.is_none() && wait.grade == Grade::Unknown;
                let task = facts.tasks.get(&wait.waiter.pid).filter(|_| open)?;
                let site = sleeps_in(task)?.next()?.function.as_deref()?;
                takers.get(site)?.iter().copied().find(|index| sleeps_there(task, chain[*index]))
            })
            .collect();
        let held = |place: usize| held_entry(&chain, place).map(|held| chain[held]);
        // Who sleeps where a class is held; of three there is none that is the only one besides a waiter.
        let mut holding: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, place) in places.iter().enumerate() {
            if let Some(held) = place.and_then(held) {
                let holders = holding.entry(&held.class).or_default();
                if holders.len() < 3 {
                    holders.push(index);
                }
            }
        }
        let mut found: Vec<(usize, usize, Option<usize>)> = Vec::new();
        for (index, place) in places.iter().enumerate().filter_map(|(index, place)| Some((index, (*place)?))) {
            let holders = holding.get(chain[place].class.as_str()).into_iter().flatten();
            let mut holders = holders.copied().filter(|other| *other != index);
            let only = holders.next().filter(|_| holders.next().is_none());
            found.push((index, place, only));
        }
        for (index, place, holder) in found {
            let Some(held) = held(place) else { continue };
            let holder: Option<Task> = holder.map(|other| waits[other].waiter.clone());
            let wait = &mut waits[index];
            wait.lock.class = Some(chain[place].class.clone());
            wait.identity = Identity::Class;
            wait.evidence.push(chain[place].line);
            wait.because = format!("it sleeps where lockdep saw this lock taken while {} is held", held.class);
            if let Some(holder) = holder {
                wait.grade = if is_global(&chain[place].class) { Grade::Likely } else { Grade::Possible };
                wait.because += ", and the other sleeps where it is held";
                wait.holder = Some(holder);
            }
            wait.evidence.sort_unstable();
            wait.evidence.dedup();
        }
    }
}

/// The frames of a task from where it sleeps for a lock on, as far as they can be relied on.
fn sleeps_in<'a>(task: &'a TaskFacts<'_>) -> Option<impl Iterator<Item = &'a Frame>> {
    let awaited = task.awaited.as_ref().filter(|awaited| awaited.kind.is_listed())?;
    Some(task.frames[awaited.site..].iter().filter(|frame| is_solid(frame)))
}

/// The frames of an entry from where the lock is taken on, as far as they can be relied on.
fn taken_in(entry: &ChainEntry) -> impl Iterator<Item = &Frame> {
    entry.frames.iter().filter(|frame| is_solid(frame)).skip_while(|frame| is_locking(frame))
}

fn is_solid(frame: &Frame) -> bool {
    frame.reliable && !frame.inline && frame.function.is_some()
}

/// Whether the task sleeps in the very call that the chain's entry is about, on the same way to it.
fn sleeps_there(task: &TaskFacts, entry: &ChainEntry) -> bool {
    let Some(mut own) = sleeps_in(task) else { return false };
    let mut seen = taken_in(entry);
    let (Some(site), Some(place)) = (own.next(), seen.next()) else { return false };
    if !site.is_same_place(place) {
        return false;
    }
    let name = |frame: &Frame| frame.function.as_deref().map(plain).map(str::to_owned);
    let pairs: Vec<bool> = own.zip(seen).take(PATH).map(|(own, seen)| name(own) == name(seen)).collect();
    !pairs.is_empty() && pairs.iter().all(|same| *same)
}
