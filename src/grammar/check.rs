//! What is wrong with a grammar: patterns that do not compile, titles without their groups, ids twice, missing samples.

use super::{Grammar, Kind, Pattern, Place, Step};

/// One fault of a grammar entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The entry.
    pub place: Place,
    /// What is wrong, as a fragment.
    pub message: String,
}

/// All that can be told without reading the samples as logs (the engine does that: `engine::sample_complaints`).
#[must_use]
pub fn complaints(grammar: &Grammar) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for (header, kind) in grammar.all_kinds() {
        let mut complain = |message: String| found.push(Complaint { place: kind.place.clone(), message });
        if header.text.len() < 4 {
            complain(format!(
                "the trigger of '{}' has fewer than four characters, which would hit every line",
                kind.id
            ));
        }
        if let Some(first) = seen.insert(kind.id.clone(), kind.place.clone()) {
            complain(format!("kind '{}' is defined twice; the other one is at {first}", kind.id));
        }
        for pattern in patterns(kind) {
            if let Err(cause) = pattern.check() {
                complain(format!("pattern of kind '{}': {cause}", kind.id));
            }
        }
        if let Some(Err(cause)) = kind.skip.as_ref().map(super::NameSet::check) {
            complain(format!("skip list of kind '{}': {cause}", kind.id));
        }
        if kind.samples.is_empty() {
            complain(format!("kind '{}' has no sample", kind.id));
        }
    }
    for event in &grammar.events {
        let mut complain = |message: String| found.push(Complaint { place: event.place.clone(), message });
        if let Some(first) = seen.insert(event.id.clone(), event.place.clone()) {
            complain(format!("event '{}' is defined twice; the other one is at {first}", event.id));
        }
        for pattern in std::iter::once(&event.pattern).chain(&event.rows) {
            if let Err(cause) = pattern.check() {
                complain(format!("pattern of event '{}': {cause}", event.id));
            }
        }
        if event.trigger.len() < 4 {
            complain(format!(
                "the trigger of event '{}' has fewer than four characters, which would hit every line",
                event.id
            ));
        }
        if event.samples.is_empty() {
            complain(format!("event '{}' has no sample", event.id));
        }
    }
    for header in &grammar.headers {
        for pattern in &header.unless {
            if let Err(cause) = pattern.check() {
                let place = Place { file: "grammars/headers.toml".into(), line: 1 };
                found.push(Complaint { place, message: format!("exception of header '{}': {cause}", header.id) });
            }
        }
    }
    found
}

fn patterns(kind: &Kind) -> impl Iterator<Item = &Pattern> {
    let steps = kind.frames.iter().chain(&kind.frames_otherwise).filter_map(|step| match step {
        Step::Line(pattern) | Step::Mark(pattern) => Some(pattern),
        Step::Plain(_) => None,
    });
    std::iter::once(&kind.gate).chain(&kind.body).chain(steps)
}
