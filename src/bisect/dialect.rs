//! When a transcript was written, by the shapes that occur in it.

use super::record::{Bisection, Outcome};
use super::walk::Features;

/// Narrows the dates of `found` by what its log shows and what it does not show.
pub(super) fn date(found: &mut Bisection, features: &Features) {
    let blocks = !found.steps.is_empty();
    let signed = features.signatures.0 || features.signatures.1;
    // The first line says it, and everything else is weaker.
    if let Some(day) = found.dialect.started.as_deref().and_then(day) {
        found.dialect.since = Some(day.clone());
        found.dialect.until = Some(day);
        return;
    }
    let since = [
        (true, "2018-05-10"),
        (features.bisecting, "2019-03-12"),
        (features.signatures.0, "2019-11-18"),
        (features.signatures.1, "2020-01-23"),
        (features.recipients, "2020-07-28"),
        (features.old_flaky, "2020-11-04"),
        (features.blank_after_git.0, "2020-11-10"),
        (features.label_bare, "2021-07-16"),
        (features.label_family, "2022-07-30"),
        (features.representative, "2023-06-15"),
        (features.undetermined, "2023-06-28"),
        (features.false_negative || found.repro_chance.is_some() || found.error_probability.is_some(), "2023-07-12"),
        (found.picked.is_some(), "2023-08-24"),
        (features.quoted_terms, "2026-05-14"),
    ];
    let unsigned = blocks && !signed && found.steps.iter().any(|step| !step.runs.is_empty());
    let until = [
        (features.tries, "2018-05-17"),
        (features.searching, "2019-03-12"),
        (features.tags, "2019-11-04"),
        (unsigned, "2019-11-18"),
        (features.signatures.0 && !features.signatures.1, "2020-01-23"),
        (features.old_cc, "2020-07-28"),
        (features.blank_after_git.1 && !features.blank_after_git.0, "2020-11-10"),
        (features.label_with, "2021-07-16"),
        // The first line of a log that was not cut off would name the host from then on.
        (features.bisecting && found.dialect.host.is_none() && !found.truncated, "2022-07-18"),
        (features.label_bare, "2022-07-30"),
        (features.old_flaky, "2023-07-12"),
    ];
    found.dialect.since = since.iter().filter(|(seen, _)| *seen).map(|(_, day)| *day).max().map(str::to_owned);
    found.dialect.until = until.iter().filter(|(seen, _)| *seen).map(|(_, day)| *day).min().map(str::to_owned);
    if found.truncated && found.outcome != Outcome::Incomplete {
        found.notes.push("the beginning of the log is missing".to_owned());
    }
}

/// The day of a time as Go prints it.
fn day(started: &str) -> Option<String> {
    let day = started.get(..10)?;
    let shape = day
        .bytes()
        .enumerate()
        .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    shape.then(|| day.to_owned())
}
