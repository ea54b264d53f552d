//! The built-in grammars hold what they promise: they compile, carry samples, and recognise them.

use kanalyze::engine::sample_complaints;
use kanalyze::grammar::{Complaint, Grammar, complaints};
use std::collections::BTreeSet;
use std::path::Path;

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

#[test]
fn the_corpus_has_a_log_for_every_kind_and_every_event() {
    let mut seen = BTreeSet::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")), &mut seen);
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().map(|(_, kind)| &kind.id);
    let missing: Vec<&String> =
        kinds.chain(grammar.events.iter().map(|event| &event.id)).filter(|id| !seen.contains(*id)).collect();
    assert!(missing.is_empty(), "no log in corpus/ shows: {missing:?}");
}

/// The ids in the heads of all snapshots below a folder: `report 0 kasan-access: title`, `event 3 oom-kill: title`.
fn collect(folder: &Path, seen: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, seen);
        } else if path.extension().is_some_and(|ending| ending == "snap") {
            let text = std::fs::read_to_string(&path).expect("a snapshot can be read");
            let heads = text.lines().filter(|line| line.starts_with("report ") || line.starts_with("event "));
            seen.extend(heads.filter_map(|line| Some(line.split(' ').nth(2)?.strip_suffix(':')?.to_owned())));
        }
    }
}
