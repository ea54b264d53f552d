//! Many logs, in order, in parallel: views of them, or their records as bytes.

use super::super::content::Content;
use super::super::open::each_machine;
use super::{Outcome, read_log};
use crate::engine::{Item, Options, in_order, in_order_beside, thread_count};
use crate::input::Source;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many logs each thread reads before results are handed over: who waits for the first sees it soon, and of the threads few wait
/// for the last.
const BATCH: usize = 8;

/// Of small ones so many that they hold about so many bytes, but no more than this.
const BATCH_BYTES: u64 = 8 << 20;

const LARGEST_BATCH: usize = 2048;

/// The threads that each log gets, and those that read logs: one log gets all of them; of several each gets one.
pub(super) fn shared(sources: &[Source], threads: usize) -> (usize, usize) {
    if sources.len() == 1 { (threads, 1) } else { (1, threads) }
}

/// Reads every source into views of their own, one per log, makes of each what is shown while other logs are read, and hands that
/// over in the order of the sources.
///
/// # Errors
/// Whatever `done` answers.
pub fn views<V: Default + Send, S: Send>(
    sources: &[Source],
    options: &Options,
    take: impl Fn(&mut V, Vec<Item>) + Sync + Send,
    show: impl Fn(&str, V, &Outcome) -> S + Sync + Send,
    mut done: impl FnMut(&str, S, Outcome) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (inside, outside) = shared(sources, options.threads);
    let options = Options { threads: inside, ..options.clone() };
    let mut hand_over = |results: Vec<Vec<(String, S, Outcome)>>| {
        results.into_iter().flatten().try_for_each(|(name, shown, outcome)| done(&name, shown, outcome))
    };
    let is_over = AtomicBool::new(false);
    let read = |source: &Source| {
        let mut found = Vec::new();
        if is_over.load(Ordering::Relaxed) {
            return found;
        }
        each_machine(source, &mut |log| {
            let (name, mut view) = (log.name.clone(), V::default());
            let outcome = read_log(log, &options, |items| {
                take(&mut view, items);
                ControlFlow::Continue(())
            });
            let shown = show(&name, view, &outcome);
            found.push((name, shown, outcome));
            ControlFlow::Continue(())
        });
        found
    };
    let least = BATCH * thread_count(outside);
    let (mut rest, mut batch, mut results) = (sources, least, Vec::new());
    while !rest.is_empty() {
        let (now, later) = rest.split_at(batch.min(rest.len()));
        let threads = if now.len() < 2 { 1 } else { outside };
        // What was read before is handed over while the other threads read on.
        let (read, handed) = in_order_beside(threads, now, read, || {
            let handed = hand_over(std::mem::take(&mut results));
            is_over.store(handed.is_err(), Ordering::Relaxed);
            handed
        });
        handed?;
        let bytes: u64 = read.iter().flatten().map(|(_, _, outcome)| outcome.summary.bytes).sum();
        (rest, batch, results) = (later, next_batch(now.len(), bytes, least), read);
    }
    hand_over(results)
}

/// How many logs are read next, no fewer than `least`, after so many of so many bytes in all: the smaller they are, the more often would
/// threads wait for each other.
fn next_batch(logs: usize, bytes: u64, least: usize) -> usize {
    let mean = bytes / (logs.max(1) as u64) + 1;
    usize::try_from(BATCH_BYTES / mean).unwrap_or(least).clamp(least, LARGEST_BATCH.max(least))
}

/// Writes every item of every source as bytes, in order. A log of any size takes bounded memory.
///
/// # Errors
/// Whatever `write` answers.
pub fn records(
    sources: &[Source],
    options: &Options,
    render: impl Fn(&mut Vec<u8>, &Item) + Sync + Send,
    mut write: impl FnMut(&[u8]) -> anyhow::Result<()>,
    mut done: impl FnMut(&str, &Outcome),
) -> anyhow::Result<()> {
    let [source] = sources else {
        let take = |bytes: &mut Vec<u8>, items: Vec<Item>| items.iter().for_each(|item| render(bytes, item));
        let show = |_: &str, bytes, _: &Outcome| bytes;
        return views(sources, options, take, show, |name, bytes: Vec<u8>, outcome| {
            done(name, &outcome);
            if bytes.is_empty() { Ok(()) } else { write(&bytes) }
        });
    };
    let mut failed = None;
    each_machine(source, &mut |log| {
        let name = log.name.clone();
        let is_live = matches!(log.content, Ok(Content::Stream(_)));
        let mut write_all = |ready: &mut Vec<Vec<u8>>| std::mem::take(ready).iter().try_for_each(|bytes| write(bytes));
        let (mut ready, mut wrote) = (Vec::new(), Ok(()));
        let outcome = read_log(log, options, |items| {
            // Of a log in memory these are written while the engine's threads work on what is below; they would wait if it happened at
            // the end. What a stream says is told at once.
            wrote = write_all(&mut ready).and_then(|()| {
                ready = rendered(options.threads, items, &render);
                if is_live { write_all(&mut ready) } else { Ok(()) }
            });
            if wrote.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let wrote = wrote.and_then(|()| write_all(&mut ready));
        done(&name, &outcome);
        wrote.map_or_else(
            |error| {
                failed = Some(error);
                ControlFlow::Break(())
            },
            ControlFlow::Continue,
        )
    });
    failed.map_or(Ok(()), Err)
}

/// Fewer are made into bytes before another thread would have woken up.
const FEW: usize = 16;

/// Items of one log, made into bytes by several threads, which drop them.
fn rendered(threads: usize, items: Vec<Item>, render: &(impl Fn(&mut Vec<u8>, &Item) + Sync + Send)) -> Vec<Vec<u8>> {
    let threads = if items.len() < FEW { 1 } else { thread_count(threads) };
    let share = items.len().div_ceil(4 * threads).max(1);
    let (mut parts, mut items) = (Vec::new(), items.into_iter().peekable());
    while items.peek().is_some() {
        parts.push(Mutex::new(items.by_ref().take(share).collect::<Vec<Item>>()));
    }
    in_order(threads, &parts, |part| {
        let mut bytes = Vec::new();
        let items = std::mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner));
        items.iter().for_each(|item| render(&mut bytes, item));
        bytes
    })
}
