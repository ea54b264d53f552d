//! The chain of a circular report in the order in which its locks were taken.

use super::Dependency;
use super::awaited::plain;
use super::wait::place;
use crate::grammar::{Grammar, List};
use crate::report::{ChainEntry, Frame, Lockdep};

/// How many frames of a call path are shown at most.
pub(super) const PATH: usize = 5;

/// The entry whose class was held when the class of `chain[index]` was taken; `chain` ascends by number. The stack below
/// `-> #n` took class n while class n-1 was held, that of `#0` while the highest was (print_circular_bug). `None` where
/// the log has lost it.
pub(super) fn held_entry(chain: &[&ChainEntry], index: usize) -> Option<usize> {
    let entry = chain.get(index)?;
    if let Some(below) = entry.number.checked_sub(1) {
        return index.checked_sub(1).filter(|before| chain[*before].number == below);
    }
    (is_whole(chain) && chain.len() > 1).then(|| chain.len() - 1)
}

/// Whether the numbers go up from 0 without a gap.
fn is_whole(chain: &[&ChainEntry]) -> bool {
    chain.iter().enumerate().all(|(index, entry)| entry.number as usize == index)
}

/// The chain of a circular report in the order of acquisition: class n was taken while class n-1 was held; the highest
/// is the one that the task holds, under which it takes that of `#0` at last. A chain with gaps is never called a cycle.
pub(super) fn circular(lockdep: &Lockdep) -> (Vec<String>, Vec<Dependency>) {
    let mut entries: Vec<&ChainEntry> = lockdep.chain.iter().collect();
    entries.sort_by_key(|entry| entry.number);
    // The report says in its head what `#0` and the highest are about, where the chain itself is cut.
    let wanted = lockdep.acquiring.as_ref().map(|lock| lock.class.clone());
    let held = lockdep.holding.as_ref().map(|lock| lock.class.clone());
    let mut classes: Vec<String> = entries.iter().map(|entry| entry.class.clone()).collect();
    if entries.first().is_some_and(|first| first.number == 1)
        && let Some(wanted) = &wanted
    {
        classes.insert(0, wanted.clone());
    }
    let from = entries.first().map_or(0, |first| first.number);
    let dense = entries.iter().zip(from..).all(|(entry, number)| entry.number == number);
    let closed = held.as_ref().is_none_or(|held| classes.last() == Some(held));
    if !dense || !closed || from > 1 || classes.len() < 2 {
        classes.clear();
    }
    let steps = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            let before = held_entry(&entries, index).map(|before| entries[before].class.clone());
            let first = match entry.number {
                0 => held.clone().or(before),
                1 => before.or_else(|| wanted.clone()),
                _ => before,
            };
            let outside = entry.frames.iter().position(|frame| !is_locking(frame));
            let site =
                outside.and_then(|at| entry.frames[at..].iter().find(|frame| !frame.inline)).or(entry.frames.first());
            let path = entry
                .frames
                .iter()
                .skip(outside.unwrap_or(0))
                .filter_map(|frame| frame.function.as_deref())
                .take(PATH)
                .map(|function| plain(function).to_owned())
                .collect();
            Dependency {
                first,
                then: entry.class.clone(),
                function: site.map(place),
                mode: mode(&entry.frames),
                path,
                line: entry.line,
            }
        })
        .collect();
    (classes, steps)
}

/// Lockdep's and the locks' own functions.
pub(super) fn is_locking(frame: &Frame) -> bool {
    let grammar = Grammar::built_in();
    frame.function.as_deref().is_some_and(|name| grammar.vocabulary.function(List::Locking, name).is_some())
}

/// How the lock was taken, by the name of its function.
fn mode(frames: &[Frame]) -> Option<String> {
    let names = frames.iter().take_while(|frame| is_locking(frame)).filter_map(|frame| frame.function.as_deref());
    let mut mode = None;
    for name in names {
        mode = if name.contains("read") {
            Some("read")
        } else if name.contains("write") {
            Some("write")
        } else {
            mode
        };
    }
    mode.map(str::to_owned)
}
