//! The built-in grammars hold what they promise: they compile, carry samples, and recognise them.

use kanalyze::engine::sample_complaints;
use kanalyze::grammar::{Complaint, Grammar};

fn told(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("{}: {}\n", complaint.place, complaint.message)).collect()
}

#[test]
fn every_sample_is_recognised_by_its_own_entry_under_its_own_title() {
    let found = sample_complaints(&Grammar::built_in());
    assert!(found.is_empty(), "{}", told(&found));
}
