//! What several runs say together: how often they hit, within what bounds, and whether two kernels differ.

use super::{Outcome, Verdict};
use crate::diff::statistics::{ALPHA, clopper_pearson, fisher, runs_needed};
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Series`].
pub const SERIES_SCHEMA: &str = "kanalyze.series/1";

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// A series of runs: one kernel, or two in turn.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Series {
    /// [`SERIES_SCHEMA`].
    pub schema: &'static str,
    /// One entry per kernel, in the order of the command line.
    pub kernels: Vec<Tally>,
    /// How long all of it took, seconds.
    pub seconds: f64,
    /// Guests at once.
    pub jobs: usize,
    /// Of two kernels: whether they differ.
    pub comparison: Option<Comparison>,
}

/// The runs of one kernel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Tally {
    /// `bundle`, `local` or the path as given.
    pub kernel: String,
    /// Runs that ended.
    pub runs: usize,
    /// Those that say something: the crash came, or nothing did.
    pub telling: usize,
    /// Those with the crash that is sought.
    pub hits: usize,
    /// How the others ended, which say nothing about the crash: verdict and how often.
    pub others: Vec<(Verdict, usize)>,
    /// Hits per telling run; absent without any.
    pub rate: Option<f64>,
    /// Between which rates the true one lies, at 95 % (Clopper–Pearson).
    pub interval: (f64, f64),
    /// Hits per hour of the whole series.
    pub per_hour: f64,
}

/// Two kernels.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Fisher's exact test, two-sided: how likely such a difference is when both kernels have one rate.
    pub p: f64,
    /// Whether that is unlikely enough (5 %).
    pub differ: bool,
    /// How many more runs of each kernel would tell the two rates apart four times out of five, if they are as they look;
    /// absent when they differ already, or look the same.
    pub more_runs: Option<usize>,
}

impl Tally {
    /// Of the outcomes of one kernel in a series of so many seconds.
    #[must_use]
    pub fn new<'a>(kernel: &str, outcomes: impl Iterator<Item = &'a Outcome>, seconds: f64) -> Self {
        let (mut runs, mut telling, mut hits) = (0, 0, 0);
        let mut others: Vec<(Verdict, usize)> = Vec::new();
        for outcome in outcomes {
            runs += 1;
            match outcome.verdict {
                Verdict::Hit => (telling, hits) = (telling + 1, hits + 1),
                Verdict::Clean => telling += 1,
                verdict => match others.iter_mut().find(|(other, _)| *other == verdict) {
                    Some((_, count)) => *count += 1,
                    None => others.push((verdict, 1)),
                },
            }
        }
        Self {
            kernel: kernel.to_owned(),
            runs,
            telling,
            hits,
            others,
            rate: (telling > 0).then(|| count(hits) / count(telling)),
            interval: clopper_pearson(hits, telling, CONFIDENCE),
            per_hour: if seconds > 0.0 { count(hits) * 3600.0 / seconds } else { 0.0 },
        }
    }
}

impl Series {
    /// Of the outcomes, each with the number of its kernel.
    #[must_use]
    pub fn new(kernels: &[&str], outcomes: &[(usize, Outcome)], seconds: f64, jobs: usize) -> Self {
        let tally = |(number, kernel): (usize, &&str)| {
            let own = outcomes.iter().filter(|(of, _)| *of == number).map(|(_, outcome)| outcome);
            Tally::new(kernel, own, seconds)
        };
        let kernels: Vec<Tally> = kernels.iter().enumerate().map(tally).collect();
        let comparison = if let [one, other] = kernels.as_slice() { Comparison::of(one, other) } else { None };
        Self { schema: SERIES_SCHEMA, kernels, seconds, jobs, comparison }
    }
}

impl Comparison {
    /// Nothing, if a kernel has no run that says something.
    fn of(one: &Tally, other: &Tally) -> Option<Self> {
        let (rate, other_rate) = (one.rate?, other.rate?);
        let p = fisher(one.hits, one.telling, other.hits, other.telling);
        let differ = p < ALPHA;
        let needed = if differ { None } else { runs_needed(rate, other_rate) };
        let least = one.telling.min(other.telling);
        Some(Self { p, differ, more_runs: needed.map(|needed| needed.saturating_sub(least).max(1)) })
    }
}

#[expect(clippy::cast_precision_loss, reason = "runs are few")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(kernel: usize, verdicts: &[(Verdict, usize)]) -> Vec<(usize, Outcome)> {
        let outcome = |verdict| Outcome { verdict, title: None, reason: String::new() };
        let of = |(verdict, count): &(Verdict, usize)| vec![(kernel, outcome(*verdict)); *count];
        verdicts.iter().flat_map(of).collect()
    }

    #[test]
    fn runs_that_say_nothing_are_no_part_of_the_rate() {
        let all =
            outcomes(0, &[(Verdict::Hit, 3), (Verdict::Clean, 17), (Verdict::BootFailure, 2), (Verdict::Hang, 1)]);
        let series = Series::new(&["bundle"], &all, 1800.0, 2);
        let tally = &series.kernels[0];
        assert_eq!((tally.runs, tally.telling, tally.hits, tally.rate), (23, 20, 3, Some(0.15)));
        assert_eq!(tally.others, [(Verdict::BootFailure, 2), (Verdict::Hang, 1)]);
        assert!((tally.per_hour - 6.0).abs() < 1e-9);
        // Documenta Geigy: 3 of 20.
        assert!((tally.interval.0 - 0.0321).abs() < 1e-4 && (tally.interval.1 - 0.3789).abs() < 1e-4, "{tally:?}");
        assert_eq!(series.comparison, None);
    }

    #[test]
    fn two_kernels_are_told_apart_by_enough_runs() {
        let ab = |hits: usize, of: usize, other: usize, of_other: usize| {
            let mut all = outcomes(0, &[(Verdict::Hit, hits), (Verdict::Clean, of - hits)]);
            all.extend(outcomes(1, &[(Verdict::Hit, other), (Verdict::Clean, of_other - other)]));
            Series::new(&["bundle", "local"], &all, 60.0, 1).comparison
        };
        let told = ab(8, 10, 1, 10).expect("both have runs");
        assert!(told.differ && told.more_runs.is_none() && told.p < 0.01, "{told:?}");
        let unsure = ab(2, 4, 0, 4).expect("both have runs");
        assert!(!unsure.differ && unsure.more_runs.is_some_and(|more| (5..40).contains(&more)), "{unsure:?}");
        let equal = ab(0, 5, 0, 5).expect("both have runs");
        assert!(!equal.differ && equal.more_runs.is_none(), "no number of runs tells equal rates apart: {equal:?}");
        assert_eq!(ab(0, 0, 1, 1), None);
    }
}
