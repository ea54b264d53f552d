//! Logs that are read as a whole: the text of each, with its reports and events.

use super::super::content::{Content, Log};
use super::super::nature::nature_below;
use super::super::open::{each_machine, each_machine_in};
use super::super::own::own_words;
use super::super::text::Text;
use super::many::shared;
use super::{Outcome, Trouble, read_text};
use crate::engine::{Item, Options, Summary, in_order};
use crate::input::Source;
use crate::report::{Event, Report};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

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
    gathered(options, take, |each| each_machine(source, each))
}

/// The same for bytes that somebody hands over under a name; packed ones are unpacked.
pub fn wholes_in<T>(name: &str, bytes: Vec<u8>, options: &Options, take: impl Fn(Found<'_>) -> T) -> Vec<Whole<T>> {
    gathered(options, take, |each| each_machine_in(name, bytes, each))
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
    let mixed = content.as_ref().is_ok_and(Content::mixes_machines);
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
    let trouble = trouble.or_else(|| mixed.then(|| Trouble::mixed(&name)));
    let mut outcome = Outcome { trouble, ..Outcome::default() };
    if read.reports.is_empty() && read.events.is_empty() {
        outcome.judge(&name, nature_below(text.log(), text.is_stamped(), options).or_kin(text.plain()));
    }
    let found = (!outcome.is_fatal()).then(|| take(read));
    Whole { found, silence: outcome.silence(), trouble: outcome.trouble, name }
}
