//! The built-in grammars hold what they promise: they compile, carry samples, and recognise them.

use kanalyze::engine::sample_complaints;
use kanalyze::grammar::{Complaint, Grammar, complaints};

fn told(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("{}: {}\n", complaint.place, complaint.message)).collect()
}

#[test]
fn the_built_in_grammars_are_free_of_faults() {
    let found = complaints(&Grammar::built_in());
    assert!(found.is_empty(), "{}", told(&found));
}

#[test]
fn every_sample_is_recognised_by_its_own_entry_under_its_own_title() {
    let found = sample_complaints(&Grammar::built_in());
    assert!(found.is_empty(), "{}", told(&found));
}

#[test]
fn every_entry_says_what_it_is() {
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().filter(|(_, kind)| kind.about.is_empty()).map(|(_, kind)| kind.id.clone());
    let events = grammar.events.iter().filter(|event| event.about.is_empty()).map(|event| event.id.clone());
    let silent: Vec<String> = kinds.chain(events).collect();
    assert!(silent.is_empty(), "without `about`: {}", silent.join(", "));
}
