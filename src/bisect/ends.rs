//! What follows from a transcript's ends: flags of the culprit, names of git's end points, picked releases.

use super::record::{Bisection, Flags, Picked};

/// Oddities of the culprit.
pub(super) fn flags(found: &Bisection) -> Flags {
    let Some(culprit) = &found.culprit else { return Flags::default() };
    let signatures = found.signatures.as_ref().filter(|signatures| signatures.culprit.is_some());
    Flags {
        merge: culprit.parents.len() > 1 || culprit.subject.starts_with("Merge "),
        no_op: signatures.is_some_and(|signatures| signatures.culprit == signatures.parent),
        release: super::summary::is_release_subject(&culprit.subject),
    }
}

/// Says which releases the ends of git's range are.
pub(super) fn name_range(found: &mut Bisection) {
    let Some(range) = &mut found.range else { return };
    let release = |end: &str| {
        let tested = found
            .steps
            .iter()
            .find(|step| step.release.is_some() && (step.commit == end || step.release.as_deref() == Some(end)));
        tested.and_then(|step| step.release.clone())
    };
    (range.bad_release, range.good_release) = (release(&range.bad), release(&range.good));
}

/// `[v6.4 v6.3] out of 44 release tags`; for two weeks of 2023 each tag was printed as `%!d(string=v6.4)`.
pub(super) fn picked(rest: &str) -> Picked {
    let (list, tail) = rest.trim_start_matches('[').split_once(']').unwrap_or((rest, ""));
    let tags = list
        .split_whitespace()
        .map(|tag| tag.trim_start_matches("%!d(string=").trim_end_matches(')').to_owned())
        .collect();
    Picked { tags, of: tail.split_whitespace().find_map(|word| word.parse().ok()) }
}
