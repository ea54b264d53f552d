//! Whether the samples of a grammar do what they say.

use super::{Item, Options, read_items};
use crate::grammar::{Complaint, Grammar, Place};
use std::sync::Arc;

/// Every sample that is not recognised by its own entry under its own title. Of a grammar with files of a user's only
/// their entries are tried: the built-in ones were tried when it was built.
#[must_use]
pub fn sample_complaints(grammar: &Arc<Grammar>) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mine = |place: &Place| grammar.own_files.is_empty() || grammar.own_files.contains(&place.file);
    for (_, kind) in grammar.all_kinds().filter(|(_, kind)| mine(&kind.place)) {
        for sample in kind.samples.iter() {
            let got = first(grammar, &sample.log, false);
            check(&kind.id, &sample.title, got, &kind.place, &mut found);
        }
    }
    for event in grammar.events.iter().filter(|event| mine(&event.place)) {
        for sample in event.samples.iter() {
            let got = of_kind(grammar, &sample.log, &event.id);
            check(&event.id, &sample.title, got, &event.place, &mut found);
        }
    }
    found
}

fn check(id: &str, title: &str, got: Option<(String, String)>, place: &Place, found: &mut Vec<Complaint>) {
    let message = match got {
        None => {
            format!("a sample of '{id}' is not recognised at all; its log must hold the trigger and match the pattern")
        }
        Some((kind, _)) if kind != id => format!(
            "a sample of '{id}' is taken by '{kind}', which comes first; choose a pattern that '{kind}' does not match, \
             or leave the line to '{kind}'"
        ),
        Some((_, got)) if got != title => {
            format!("a sample of '{id}' is titled '{got}', not '{title}'; mend one of them")
        }
        Some(_) => return,
    };
    found.push(Complaint { place: place.clone(), message, quote: None });
}

fn items(grammar: &Arc<Grammar>, log: &str, events: bool) -> Vec<Item> {
    read_items(Options { grammar: grammar.clone(), events, ..Options::named("sample") }, log.as_bytes())
}

fn first(grammar: &Arc<Grammar>, log: &str, events: bool) -> Option<(String, String)> {
    items(grammar, log, events).into_iter().find_map(|item| match item {
        Item::Closed(report) => Some((report.kind, report.title)),
        _ => None,
    })
}

fn of_kind(grammar: &Arc<Grammar>, log: &str, id: &str) -> Option<(String, String)> {
    let events: Vec<(String, String)> = items(grammar, log, true)
        .into_iter()
        .filter_map(|item| if let Item::Event(event) = item { Some((event.kind, event.title)) } else { None })
        .collect();
    events.iter().find(|(kind, _)| kind == id).or(events.first()).cloned()
}
