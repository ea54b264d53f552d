//! Several runs for people: how often each kernel hit, and whether two kernels differ.

use super::safe;
use crate::runs::tally::{Comparison, Series, Tally};

/// One line per kernel, and one on what they say against each other.
#[must_use]
pub fn series_text(series: &Series) -> String {
    let mut lines: Vec<String> = series.kernels.iter().map(|tally| kernel_line(tally, series)).collect();
    if let ([one, other], Some(comparison)) = (series.kernels.as_slice(), &series.comparison) {
        lines.push(comparison_line(one, other, comparison));
    }
    lines.join("\n")
}

fn kernel_line(tally: &Tally, series: &Series) -> String {
    let mut line = format!("{}: {} of {} runs hit", safe(&tally.kernel), tally.hits, tally.telling);
    if let Some(rate) = tally.rate {
        let (low, high) = tally.interval;
        line.push_str(&format!(" ({}, 95 % interval {} to {})", percent(rate), percent(low), percent(high)));
    }
    if tally.hits > 0 {
        let guests = if series.jobs == 1 { String::new() } else { format!(" with {} guests at once", series.jobs) };
        line.push_str(&format!(", {:.1} hits per hour{guests}", tally.per_hour));
    }
    if !tally.others.is_empty() {
        let others = tally.others.iter().map(|(verdict, count)| format!("{count} {}", verdict.words()));
        line.push_str(&format!("; not counted: {}", others.collect::<Vec<_>>().join(", ")));
    }
    line
}

fn comparison_line(one: &Tally, other: &Tally, comparison: &Comparison) -> String {
    let (first, second) = (safe(&one.kernel), safe(&other.kernel));
    let p = if comparison.p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {:.3}", comparison.p) };
    if comparison.differ {
        let (rarely, often) = if one.rate < other.rate { (first, second) } else { (second, first) };
        return format!("{rarely} hits less often than {often} (Fisher's exact test, {p})");
    }
    let more = match comparison.more_runs {
        Some(more) => format!("if the rates are as they look, {more} more runs of each would tell"),
        None => "both hit equally often so far".to_owned(),
    };
    format!("{first} and {second} cannot be told apart yet (Fisher's exact test, {p}): {more}")
}

fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    if percent > 0.0 && percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::{Outcome, Verdict};

    #[test]
    fn rates_have_intervals_and_kernels_a_verdict() {
        let outcome = |verdict| Outcome { verdict, title: None, reason: String::new() };
        let mut all = Vec::new();
        for number in 0..10 {
            all.push((0, outcome(if number < 8 { Verdict::Hit } else { Verdict::Clean })));
            all.push((1, outcome(if number == 0 { Verdict::BootFailure } else { Verdict::Clean })));
        }
        let text = series_text(&Series::new(&["bundle", "local"], &all, 3600.0, 2));
        assert_eq!(
            text,
            "bundle: 8 of 10 runs hit (80 %, 95 % interval 44 % to 97 %), 8.0 hits per hour with 2 guests at once\n\
             local: 0 of 9 runs hit (0 %, 95 % interval 0 % to 34 %); not counted: 1 boot failure\n\
             local hits less often than bundle (Fisher's exact test, p < 0.001)"
        );
        let text = series_text(&Series::new(&["bundle", "local"], &all[..6], 3600.0, 1));
        assert!(text.contains("cannot be told apart yet") && text.contains("more runs of each would tell"), "{text}");
    }
}
