//! Title drift: from which step on no kernel crashed any more as the first one did.

use super::record::{Bisection, Kind, TitleDrift};
use super::title::relation;
use super::verdict::drift_shares;
use std::collections::BTreeSet;

/// From this [`relation`] on two titles have something in common: the function, or a word of it.
const NEAR: f64 = 0.5;
/// How many titles of a step are compared.
const TITLES: usize = 64;

/// The drift of a walk; nothing where the last kernel that crashed still showed a title of the first test.
#[must_use]
pub(super) fn of(found: &Bisection) -> Option<TitleDrift> {
    // The figures are those of searches for causes.
    if found.kind != Kind::Cause {
        return None;
    }
    let walked: Vec<usize> = (0..found.steps.len())
        .filter(|at| found.steps[*at].role.is_walked() && found.steps[*at].titles().next().is_some())
        .collect();
    let (first, rest) = walked.split_first()?;
    let titles: BTreeSet<&str> = found.steps[*first].titles().collect();
    let shows = |at: usize| found.steps[at].titles().any(|title| titles.contains(title));
    let behind = rest.iter().rposition(|at| shows(*at)).map_or(0, |last| last + 1);
    let step = *rest.get(behind)?;
    let title = found.steps[step].titles().next()?.to_owned();
    let related = |at: &usize| {
        let pairs =
            found.steps[*at].titles().take(TITLES).flat_map(|later| titles.iter().map(move |first| (later, *first)));
        pairs.map(|(later, first)| relation(later, first)).fold(0.0, f64::max) >= NEAR
    };
    let near = rest[behind..].iter().all(related);
    let shares = drift_shares();
    Some(TitleDrift { step, title, near, drifted: if near { shares.near } else { shares.far }, kept: shares.kept })
}
