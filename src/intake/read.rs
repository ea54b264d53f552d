//! Logs through the engine: one or many, in order, in parallel, with records that name places in the file.

use super::content::{Content, Log, PlainStream};
use super::nature::{Nature, nature_below};
use super::open::{each_log, each_log_in};
use super::own::own_words;
use super::text::{Text, renumber};
use crate::engine::{Beheaded, Engine, Item, LARGEST_HEADLESS, Options, Summary, headless, in_order, thread_count};
use crate::input::{Damage, Source};
use crate::report::{Event, Report};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

/// Something that the user must know about the reading of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One sentence.
    pub message: String,
    /// Whether nothing could be read that could be a log.
    pub fatal: bool,
}

/// What reading one log gave, besides its records.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the log as a whole says.
    pub summary: Summary,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// Whether the log could not be read to its end: what is missing may hold a crash.
    pub partial: bool,
    /// What the text is, if the engine found nothing in it.
    pub nature: Option<Nature>,
    /// What is to be said of a text that kanalyze itself wrote.
    own: Option<&'static str>,
}

impl Outcome {
    fn failed(message: String) -> Self {
        Self { trouble: Some(Trouble { message, fatal: true }), ..Self::default() }
    }

    /// Whether the log gives no answer: it could not be read.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.fatal)
    }

    /// What is to be said of a text in which not one line is the kernel's: that there is no crash in it says nothing of a
    /// kernel. Nothing if the log could not be read, which is reported already.
    #[must_use]
    pub fn silence(&self) -> Option<&'static str> {
        if self.own.is_some() {
            return self.own;
        }
        let nature = self.nature.filter(|nature| !nature.kernel && !self.is_fatal())?;
        Some(if nature.partly { "no kernel line in its first 4 MiB" } else { "no kernel line in it" })
    }

    /// Notes what the text is that gave no record.
    fn judge(&mut self, name: &str, nature: Nature) {
        self.nature = Some(nature);
        if nature.bisection {
            let trouble = Trouble {
                message: format!("{name}: is a bisection, not a console log: give it to `kanalyze bisect`"),
                fatal: !nature.kernel,
            };
            self.trouble.get_or_insert(trouble);
        }
    }
}

/// How many items are gathered before they are handed on.
const GATHERED: usize = 256;
/// How many logs are read before their results are handed over.
const BATCH: usize = 128;
/// Of small ones so many that they hold about so many bytes, but no more than this.
const BATCH_BYTES: u64 = 8 << 20;
const LARGEST_BATCH: usize = 2048;

/// Reads one log; `take` gets its items in batches, with the places of the file, and may end it.
pub fn read_log(log: Log, options: &Options, mut take: impl FnMut(Vec<Item>) -> ControlFlow<()>) -> Outcome {
    let Log { name, content } = log;
    let content = match content {
        Ok(content) => content,
        Err(fault) => return Outcome::failed(fault.to_string()),
    };
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
            let seen = if any { Nature::default() } else { nature_below(text.log(), &options) };
            (summary, seen, damage.or_else(|| text.damage()))
        }
        Content::Stream(stream) => read_stream(stream, options, counted),
    };
    // What was only counted was found, too.
    let any = any || summary.further > 0;
    let partial = damage.is_some();
    let trouble = damage.map(|damage| Trouble { message: format!("{name}: {damage}"), fatal: false });
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
    let (mut any, mut beheaded) = (false, Beheaded::default());
    let mut take = |mut items: Vec<Item>| {
        beheaded.settle(&options, Some(text.log()), &mut items);
        take(items)
    };
    let gather = |item| {
        any |= matches!(item, Item::Closed(_));
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
    if !any && let Some(report) = headless(&options, text.log()) {
        let _ = take(vec![Item::Closed(Box::new(report))]);
    }
    Summary { turned: text.is_upwards(), ..summary }
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
    let (mut seen, mut looked, mut stopped) = (Nature::default(), 0, false);
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
            let here = nature_below(bytes, &options);
            looked += bytes.len() as u64;
            seen =
                Nature { kernel: here.kernel, bisection: seen.bisection || here.bisection, partly: looked > LOOKED_AT };
        }
        let mut items = engine.push(bytes);
        keep(&mut short, bytes);
        beheaded.settle(&options, short.as_deref(), &mut items);
        short = short.filter(|_| !has_reports(&items));
        stopped = hand_over(items, &stream).is_break();
    }
    let (mut items, summary) = engine.finish();
    beheaded.settle(&options, short.as_deref(), &mut items);
    let report = short.filter(|_| !has_reports(&items)).and_then(|text| headless(&options, &text));
    items.extend(report.map(|report| Item::Closed(Box::new(report))));
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

/// The threads that each log gets, and those that read logs: one log gets all of them; of several each gets one.
fn shared(sources: &[Source], threads: usize) -> (usize, usize) {
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
    let (mut rest, mut batch) = (sources, BATCH);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(batch.min(rest.len()));
        let results = in_order(outside, now, |source| {
            let mut found = Vec::new();
            each_log(source, &mut |log| {
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
        });
        let bytes: u64 = results.iter().flatten().map(|(_, _, outcome)| outcome.summary.bytes).sum();
        for (name, shown, outcome) in results.into_iter().flatten() {
            done(&name, shown, outcome)?;
        }
        (rest, batch) = (later, next_batch(now.len(), bytes));
    }
    Ok(())
}

/// How many logs are read next, after so many of so many bytes in all: the smaller they are, the more often would threads wait for each
/// other and for what is written.
fn next_batch(logs: usize, bytes: u64) -> usize {
    let mean = bytes / (logs.max(1) as u64) + 1;
    usize::try_from(BATCH_BYTES / mean).unwrap_or(BATCH).clamp(BATCH, LARGEST_BATCH)
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
    each_log(source, &mut |log| {
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

/// A log that was read as a whole.
#[derive(Debug)]
pub struct Found<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its text.
    pub text: &'a Text,
    /// Its reports, with the lines and offsets of [`Text::log`].
    pub reports: Vec<Report>,
    /// Its events, likewise.
    pub events: Vec<Event>,
    /// What it says as a whole.
    pub summary: Summary,
}

impl Found<'_> {
    /// The reports and events with the lines and offsets of the file.
    #[must_use]
    pub fn settled(self) -> (Vec<Report>, Vec<Event>) {
        let Self { text, mut reports, mut events, .. } = self;
        text.settle_all(&mut reports, &mut events);
        (reports, events)
    }
}

/// What came of one log.
#[derive(Debug)]
pub struct Whole<T> {
    /// Its name.
    pub name: String,
    /// What was made of it; nothing if it could not be read.
    pub found: Option<T>,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// What is to be said if not one line of it is the kernel's.
    pub silence: Option<&'static str>,
}

/// Tells of logs of which each could be read but none holds a line of the kernel: together they say nothing. One of several
/// may be a note that lies beside the logs.
#[must_use]
pub fn silence<T>(logs: &[Whole<T>]) -> Vec<Trouble> {
    let sentences: Option<Vec<Trouble>> = logs
        .iter()
        .map(|log| Some(Trouble { message: format!("{}: {}", log.name, log.silence?), fatal: true }))
        .collect();
    sentences.unwrap_or_default()
}

/// Reads every source as a whole and hands each log's text, reports and events to `take`; the answers in the order of the
/// sources.
pub fn wholes<T: Send>(
    sources: &[Source],
    options: &Options,
    take: impl Fn(Found<'_>) -> T + Sync + Send,
) -> Vec<Whole<T>> {
    let (inside, outside) = shared(sources, options.threads);
    let inside = Options { threads: inside, ..options.clone() };
    let results = in_order(outside, sources, |source| wholes_of(source, &inside, &take));
    results.into_iter().flatten().collect()
}

/// The same for one source, in this thread.
pub fn wholes_of<T>(source: &Source, options: &Options, take: impl Fn(Found<'_>) -> T) -> Vec<Whole<T>> {
    gathered(options, take, |each| each_log(source, each))
}

/// The same for bytes that somebody hands over under a name; packed ones are unpacked.
pub fn wholes_in<T>(name: &str, bytes: Vec<u8>, options: &Options, take: impl Fn(Found<'_>) -> T) -> Vec<Whole<T>> {
    gathered(options, take, |each| each_log_in(name, bytes, each))
}

fn gathered<T>(
    options: &Options,
    take: impl Fn(Found<'_>) -> T,
    open: impl FnOnce(&mut dyn FnMut(Log) -> ControlFlow<()>),
) -> Vec<Whole<T>> {
    let mut all: Vec<Whole<T>> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    open(&mut |mut log| {
        // An archive may hold several members of one name: each is a log of its own.
        let times = names.entry(log.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            log.name = format!("{} ({times})", log.name);
        }
        all.push(whole(log, options, &take));
        ControlFlow::Continue(())
    });
    all
}

/// Reads a text that is in memory.
#[must_use]
pub fn found_in<'a>(name: &'a str, text: &'a Text, options: &Options) -> Found<'a> {
    let (mut reports, mut events) = (Vec::new(), Vec::new());
    let options = Options { log: name.to_owned(), ..options.clone() };
    let summary = read_text(text, options, |items| {
        for item in items {
            match item {
                Item::Closed(report) => reports.push(*report),
                Item::Event(event) => events.push(*event),
                Item::Opened { .. } => {}
            }
        }
        ControlFlow::Continue(())
    });
    Found { name, text, reports, events, summary }
}

fn whole<T>(log: Log, options: &Options, take: &impl Fn(Found<'_>) -> T) -> Whole<T> {
    let Log { name, content } = log;
    let (text, damage) = match content.and_then(|content| content.gathered(&name)) {
        Ok(whole) => whole,
        Err(fault) => {
            let trouble = Some(Trouble { message: fault.to_string(), fatal: true });
            return Whole { name, found: None, trouble, silence: None };
        }
    };
    if let Some(words) = own_words(text.plain()) {
        let none =
            Found { name: &name, text: &text, reports: Vec::new(), events: Vec::new(), summary: Summary::default() };
        return Whole { found: Some(take(none)), trouble: None, silence: Some(words), name };
    }
    let read = found_in(&name, &text, options);
    let trouble =
        damage.or_else(|| text.damage()).map(|damage| Trouble { message: format!("{name}: {damage}"), fatal: false });
    let mut outcome = Outcome { trouble, ..Outcome::default() };
    if read.reports.is_empty() && read.events.is_empty() {
        outcome.judge(&name, nature_below(text.log(), options));
    }
    let found = (!outcome.is_fatal()).then(|| take(read));
    Whole { found, silence: outcome.silence(), trouble: outcome.trouble, name }
}
