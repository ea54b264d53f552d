//! What is wrong with a grammar: patterns that do not compile, titles without their groups, ids twice, missing samples.

use super::{Event, Grammar, Header, Kind, Pattern, Place, PlainStep, Step, placeholders};
use std::collections::BTreeMap;

/// One fault of a grammar entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The entry.
    pub place: Place,
    /// What is wrong and what to do, as a fragment.
    pub message: String,
    /// The text of the entry that is at fault, where there is one.
    pub quote: Option<String>,
}

/// A trigger shorter than this would hit nearly every line.
const SHORTEST_TRIGGER: usize = 4;

/// All that can be determined without reading the samples as logs (the engine does that: `engine::sample_complaints`). Of a
/// grammar with files of a user's only their entries are looked at: the built-in ones were checked when it was built.
#[must_use]
pub fn complaints(grammar: &Grammar) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    let mine = |place: &Place| grammar.own_files.is_empty() || grammar.own_files.contains(&place.file);
    let places = grammar.all_kinds().map(|(_, kind)| (&kind.id, &kind.place));
    // Built-in entries come first, so that the second of two is a user's.
    let mut places: Vec<_> = places.chain(grammar.events.iter().map(|event| (&event.id, &event.place))).collect();
    places.sort_by_key(|(_, place)| grammar.own_files.contains(&place.file));
    for (id, place) in places {
        if let Some(first) = seen.insert(id, place)
            && mine(place)
        {
            let message = format!("'{id}' is defined twice; the other one is at {first}; give this one another id");
            found.push(Complaint { place: place.clone(), message, quote: Some(id.clone()) });
        }
    }
    for header in grammar.headers.iter().filter(|header| mine(&header.place)) {
        of_header(header, &mut found);
    }
    for (_, kind) in grammar.all_kinds().filter(|(_, kind)| mine(&kind.place)) {
        of_kind(grammar, kind, &mut found);
    }
    for event in grammar.events.iter().filter(|event| mine(&event.place)) {
        of_event(event, &mut found);
    }
    found
}

/// Gathers the faults of one entry.
struct Judge<'a> {
    what: String,
    place: &'a Place,
    found: &'a mut Vec<Complaint>,
}

impl Judge<'_> {
    fn say(&mut self, quote: Option<&str>, message: String) {
        self.found.push(Complaint { place: self.place.clone(), message, quote: quote.map(str::to_owned) });
    }

    fn triggers(&mut self, texts: &[String]) {
        for text in texts.iter().filter(|text| text.len() < SHORTEST_TRIGGER) {
            let message = if text.is_empty() {
                format!(
                    "{} needs a `trigger`: its pattern demands no plain text by which lines could be found",
                    self.what
                )
            } else {
                format!(
                    "the trigger '{text}' of {} has fewer than four characters, which would hit every line; make it longer",
                    self.what
                )
            };
            self.say(Some(text), message);
        }
    }

    /// The groups of a pattern; none, and a complaint, if it does not compile.
    fn groups(&mut self, pattern: &Pattern) -> Option<Vec<String>> {
        match pattern.check().and_then(|()| pattern.groups()) {
            Ok(groups) => Some(groups),
            Err(cause) => {
                let message = format!("the pattern '{}' of {} does not compile: {cause}", pattern.source(), self.what);
                self.say(Some(pattern.source()), message);
                None
            }
        }
    }

    fn template(&mut self, template: &str, known: &[String]) {
        for name in placeholders(template) {
            if !known.iter().any(|group| group == name) {
                let offer = if known.is_empty() {
                    "the pattern has no group; write (?P<name>…) in it".to_owned()
                } else {
                    format!("it may be one of: {}", known.join(", "))
                };
                let what = &self.what;
                self.say(
                    Some(template),
                    format!("the title '{template}' of {what} uses {{{name}}}, which nothing gives; {offer}"),
                );
            }
        }
    }

    fn samples(&mut self, samples: &[super::Sample]) {
        if samples.is_empty() {
            let message = format!("{} has no sample; add one: samples = [{{ log = '…', title = '…' }}]", self.what);
            self.say(None, message);
        }
    }
}

fn of_header(header: &Header, found: &mut Vec<Complaint>) {
    let mut judge = Judge { what: format!("header '{}'", header.id), place: &header.place, found };
    judge.triggers(&header.texts);
    for pattern in header.only.iter().chain(&header.unless).chain(&header.part) {
        judge.groups(pattern);
    }
}

fn of_kind(grammar: &Grammar, kind: &Kind, found: &mut Vec<Complaint>) {
    let mut judge = Judge { what: format!("kind '{}'", kind.id), place: &kind.place, found };
    let steps = || kind.frames.iter().chain(&kind.frames_otherwise);
    for step in steps() {
        if let Step::Line(pattern) | Step::Mark(pattern) = step {
            judge.groups(pattern);
        }
    }
    let gate = judge.groups(&kind.gate);
    let body = kind.body.as_ref().map_or(gate, |body| judge.groups(body));
    if let Some(mut known) = body {
        let stacks = kind.frames.iter().filter(|step| matches!(step, Step::Plain(PlainStep::Stack))).count();
        // The steps before the first stack name a function, too.
        let names = if kind.frames.is_empty() { 0 } else { stacks.max(1) };
        known.extend((1..=names.min(2)).map(|number| format!("F{number}")));
        for template in std::iter::once(&kind.title).chain(&kind.nameless).chain(&kind.alt) {
            judge.template(template, &known);
        }
    }
    if let Some(Err(cause)) = kind.skip.as_ref().map(super::NameSet::check) {
        let message = format!("a pattern of the skip list of {} does not compile: {cause}", judge.what);
        judge.say(None, message);
    }
    for caused in kind.causes.iter().chain(&kind.causes_at_once) {
        let known = grammar.headers.iter().any(|header| header.id == *caused)
            || grammar.all_kinds().any(|(_, other)| other.id == *caused);
        if !known {
            let message = format!("{} causes '{caused}', which is neither a kind nor a header", judge.what);
            judge.say(Some(caused), message);
        }
    }
    judge.samples(&kind.samples);
}

fn of_event(event: &Event, found: &mut Vec<Complaint>) {
    let mut judge = Judge { what: format!("event '{}'", event.id), place: &event.place, found };
    judge.triggers(&event.triggers);
    if let Some(mut known) = judge.groups(&event.pattern) {
        if !event.meanings.of.is_empty() {
            if !known.contains(&event.meanings.of) {
                let message = format!(
                    "{} gives meanings of the group '{}', which its pattern does not have",
                    judge.what, event.meanings.of
                );
                judge.say(Some(&event.meanings.of), message);
            }
            known.push("meaning".to_owned());
        }
        judge.template(&event.title, &known);
    }
    if let Some(rows) = &event.rows {
        judge.groups(rows);
    }
    judge.samples(&event.samples);
}
