//! Logs through the engine: one or many, in order, in parallel, with records that name places in the file.

mod many;
mod outcome;
mod whole;

use super::content::{Content, Log, PlainStream};
use super::nature::{Nature, nature_below};
use super::own::own_words;
use super::text::{Text, renumber};
use crate::engine::{Beheaded, Engine, Item, LARGEST_HEADLESS, Options, Summary, left_over, thread_count};
use crate::input::Damage;
use crate::report::Event;
pub use many::{records, views};
pub use outcome::{Outcome, Trouble};
use std::ops::ControlFlow;
pub use whole::{Found, Whole, found_in, silence, wholes, wholes_in, wholes_of};

/// How many items are gathered before they are handed on.
const GATHERED: usize = 256;

/// Reads one log; `take` gets its items in batches, with the places of the file, and may end it.
pub fn read_log(log: Log, options: &Options, mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>) -> Outcome {
    let Log { name, content } = log;
    let content = match content {
        Ok(content) => content,
        Err(fault) => return Outcome::failed(fault.to_string()),
    };
    let mixed = content.mixes_machines().then(|| Trouble::mixed(&name));
    let options = Options { log: name.clone(), ..options.clone() };
    let mut any = false;
    let mut counted = |items: Vec<Item>| {
        any |= items.iter().any(|item| !matches!(item, Item::Opened { .. }));
        take(items)
    };
    let (summary, seen, damage) = match content {
        Content::Text(text, damage) => {
            let own = own_words(text.plain());
            if own.is_some() {
                return Outcome { nature: Some(Nature::default()), own, ..Outcome::default() };
            }
            let summary = read_text(&text, options.clone(), |mut items| {
                items.iter_mut().for_each(|item| text.settle(item));
                counted(items)
            });
            // A mail is one by what stands around its text.
            let seen = if any {
                Nature::default()
            } else {
                nature_below(text.log(), text.is_stamped(), &options).or_kin(text.plain())
            };
            (summary, seen, damage.or_else(|| text.damage()))
        }
        Content::Stream(stream) => read_stream(stream, options, counted),
    };
    // What was only counted was found, too.
    let any = any || summary.further > 0;
    let partial = damage.is_some();
    let trouble = damage.map(|damage| Trouble { message: format!("{name}: {damage}"), fatal: false }).or(mixed);
    let mut outcome = Outcome { summary, trouble, partial, nature: None, own: None };
    if !any {
        outcome.judge(&name, seen);
    }
    outcome
}

/// Reads a text; its items have the lines and offsets of [`Text::log`].
fn read_text(text: &Text, options: Options, mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>) -> Summary {
    let options = Options { prose: text.is_prose(), ..options };
    let mut gathered = Vec::new();
    let (mut any, mut events, mut beheaded) = (false, 0, Beheaded::default());
    let mut take = |mut items: Vec<Item>| {
        beheaded.settle(&options, Some(text.log()), &mut items);
        take(items)
    };
    let gather = |item| {
        any |= matches!(item, Item::Closed(_));
        events += usize::from(matches!(item, Item::Event(_)));
        gathered.push(item);
        if gathered.len() < GATHERED {
            return Ok(());
        }
        match take(std::mem::take(&mut gathered)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(()),
        }
    };
    let read = Engine::read_passing(options.clone(), text.log(), gather, |bytes| text.give_back(bytes));
    let Ok(summary) = read else { return Summary::default() };
    if !gathered.is_empty() {
        let _ = take(gathered);
    }
    if !any && let Some(item) = left_over(&options, text.log()) {
        let _ = take(vec![numbered(item, events)]);
    }
    Summary { turned: text.is_upwards(), ..summary }
}

/// An item that was found when all others were, so many `events` among them.
fn numbered(item: Item, events: usize) -> Item {
    match item {
        Item::Event(event) => Item::Event(Box::new(Event { index: events, ..*event })),
        other => other,
    }
}

/// So much of a stream is looked at for a line of the kernel, bytes.
const LOOKED_AT: u64 = 4 << 20;

fn read_stream(
    stream: PlainStream,
    options: Options,
    mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>,
) -> (Summary, Nature, Option<Damage>) {
    let mut stream = if thread_count(options.threads) > 1 { stream.ahead() } else { stream };
    let mut engine = Engine::new(options.clone());
    let (mut seen, mut looked, mut stopped, mut events) = (Nature::default(), 0, false, 0);
    // What was read so far, as long as it is short and without a report: its first line may be missing.
    let (mut short, mut beheaded): (Option<Vec<u8>>, _) = (Some(Vec::new()), Beheaded::default());
    let mut hand_over = |mut items: Vec<Item>, stream: &PlainStream| {
        if items.is_empty() {
            return ControlFlow::Continue(());
        }
        items.iter_mut().for_each(|item| renumber(item, &|line| line, &|offset| stream.origin(offset)));
        take(items)
    };
    while !stopped && stream.advance() {
        let bytes = stream.piece();
        if !seen.kernel && !seen.partly {
            let here = nature_below(bytes, false, &options);
            let kin = if looked == 0 { here.kin } else { seen.kin };
            looked += bytes.len() as u64;
            seen = Nature {
                kernel: here.kernel,
                bisection: seen.bisection || here.bisection,
                partly: looked > LOOKED_AT,
                kin,
            };
        }
        let mut items = engine.push(bytes);
        keep(&mut short, bytes);
        beheaded.settle(&options, short.as_deref(), &mut items);
        events += items.iter().filter(|item| matches!(item, Item::Event(_))).count();
        short = short.filter(|_| !has_reports(&items));
        stopped = hand_over(items, &stream).is_break();
    }
    let (mut items, summary) = engine.finish();
    beheaded.settle(&options, short.as_deref(), &mut items);
    events += items.iter().filter(|item| matches!(item, Item::Event(_))).count();
    items.extend(
        short
            .filter(|_| !has_reports(&items))
            .and_then(|text| left_over(&options, &text))
            .map(|item| numbered(item, events)),
    );
    if !stopped {
        let _ = hand_over(items, &stream);
    }
    (summary, seen, stream.damage().cloned())
}

/// Adds what was read to a text that is kept while it is short.
fn keep(text: &mut Option<Vec<u8>>, bytes: &[u8]) {
    match text {
        Some(kept) if kept.len() + bytes.len() <= LARGEST_HEADLESS => kept.extend_from_slice(bytes),
        _ => *text = None,
    }
}

fn has_reports(items: &[Item]) -> bool {
    items.iter().any(|item| matches!(item, Item::Closed(_)))
}
