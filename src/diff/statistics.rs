//! Exact statistics for k of n runs: intervals, tests, corrections, and how many runs a question needs.

use libm::{erfc, lgamma};

/// The level at which a difference is claimed.
pub const ALPHA: f64 = 0.05;
/// The chance to see a true difference that [`runs_needed`] asks for.
pub const POWER: f64 = 0.8;

fn ln_choose(n: f64, k: f64) -> f64 {
    lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)
}

/// The regularised incomplete beta function `I_x(a, b)`, by its continued fraction (modified Lentz).
#[must_use]
pub fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_fraction(1.0 - x, b, a);
    }
    beta_fraction(x, a, b)
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let front = (lgamma(a + b) - lgamma(a) - lgamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..10_000_u32 {
        let m = f64::from(step);
        for numerator in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + numerator * d);
            c = away(1.0 + numerator / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * fraction).min(1.0)
}

/// The `x` with `I_x(a, b) = probability`, by bisection to the last bits.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if beta(middle, a, b) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The exact interval of Clopper and Pearson for `k` of `n` at a confidence such as 0.95; `(0, 1)` for no runs.
#[must_use]
pub fn clopper_pearson(k: usize, n: usize, confidence: f64) -> (f64, f64) {
    let (tail, kf, nf) = ((1.0 - confidence) / 2.0, count(k), count(n));
    let low = if k == 0 || n == 0 { 0.0 } else { beta_quantile(tail, kf, nf - kf + 1.0) };
    let high = if k >= n { 1.0 } else { beta_quantile(1.0 - tail, kf + 1.0, nf - kf) };
    (low, high)
}

/// Fisher's exact test, two-sided (all tables that are not likelier than this one): the probability of `ka` of `na`
/// against `kb` of `nb`, or worse, when both sides have one rate.
#[must_use]
pub fn fisher(ka: usize, na: usize, kb: usize, nb: usize) -> f64 {
    let (na_f, nb_f, hits) = (count(na), count(nb), ka + kb);
    let whole = ln_choose(na_f + nb_f, count(hits));
    let of = |k: usize| ln_choose(na_f, count(k)) + ln_choose(nb_f, count(hits - k)) - whole;
    let seen = of(ka);
    // The tolerance of R and scipy: tables that are equally likely must count in spite of rounding.
    let sum: f64 =
        (hits.saturating_sub(nb)..=hits.min(na)).map(of).filter(|one| *one <= seen + 1e-7).map(f64::exp).sum();
    sum.min(1.0)
}

/// Holm's step-down correction: each p-value corrected for all of them, in the given order.
#[must_use]
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut corrected = vec![1.0; values.len()];
    let mut highest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        highest = highest.max((values[at] * count(values.len() - rank)).min(1.0));
        corrected[at] = highest;
    }
    corrected
}

/// How many runs a side would need to tell the two rates apart with Fisher's test at [`ALPHA`] and [`POWER`] (Casagrande,
/// Pike and Smith 1978, the formula behind Fleiss's tables); `None` when the rates are equal.
#[must_use]
pub fn runs_needed(rate_a: f64, rate_b: f64) -> Option<usize> {
    const Z_ALPHA: f64 = 1.959_963_984_540_054;
    const Z_POWER: f64 = 0.841_621_233_572_914_3;
    let delta = (rate_a - rate_b).abs();
    if delta < 1e-9 {
        return None;
    }
    let mean = 0.5 * (rate_a + rate_b);
    let plain = (Z_ALPHA * (2.0 * mean * (1.0 - mean)).sqrt()
        + Z_POWER * (rate_a * (1.0 - rate_a) + rate_b * (1.0 - rate_b)).sqrt())
    .powi(2)
        / delta.powi(2);
    let runs = plain / 4.0 * (1.0 + (1.0 + 4.0 / (plain * delta)).sqrt()).powi(2);
    // Bounded, positive and finite: delta is at least 1e-9.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is positive and finite")]
    let runs = runs.ceil().min(1e9) as usize;
    Some(runs)
}

/// The rank-sum test of Wilcoxon, Mann and Whitney, two-sided: exact (ties included) up to 40 values together, else by
/// the normal approximation. 1 when a side is empty.
#[must_use]
pub fn rank_sum(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|value| (*value, true)).chain(b.iter().map(|value| (*value, false))).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    // Twice the mid-ranks, which are whole numbers.
    let mut ranks = vec![0_usize; all.len()];
    let mut start = 0;
    let mut ties = 0.0;
    while start < all.len() {
        let end = start + all[start..].iter().take_while(|one| one.0 == all[start].0).count();
        ranks[start..end].fill(start + end + 1);
        ties += count(end - start).powi(3) - count(end - start);
        start = end;
    }
    let seen: usize = ranks.iter().zip(&all).filter(|(_, (_, in_a))| *in_a).map(|(rank, _)| rank).sum();
    let (na, total) = (a.len(), all.len());
    let expected = count(na) * (count(total) + 1.0);
    let away = (count(seen) - expected).abs();
    if total > 40 {
        let n = count(total);
        let variance = count(na) * count(b.len()) / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)));
        return if variance <= 0.0 {
            1.0
        } else {
            erfc(((away / 2.0 - 0.5).max(0.0)) / variance.sqrt() / 2_f64.sqrt())
        };
    }
    // ways[k][s]: how many choices of k values have the (doubled) rank sum s.
    let top: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0_f64; top + 1]; na + 1];
    ways[0][0] = 1.0;
    for rank in &ranks {
        for k in (1..=na).rev() {
            for sum in (*rank..=top).rev() {
                let more = ways[k - 1][sum - rank];
                ways[k][sum] += more;
            }
        }
    }
    let whole: f64 = ways[na].iter().sum();
    let extreme: f64 = ways[na]
        .iter()
        .enumerate()
        .filter(|(sum, _)| (count(*sum) - expected).abs() >= away - 1e-9)
        .map(|(_, ways)| ways)
        .sum();
    (extreme / whole).min(1.0)
}

/// The middle value; the mean of the two in the middle; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[half]),
        _ => Some(0.5 * (values[half - 1] + values[half])),
    }
}

/// A count as a number; counts of runs are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
#[must_use]
pub fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64, by: f64) -> bool {
        (one - other).abs() <= by
    }

    #[test]
    fn intervals_equal_published_tables() {
        // Clopper and Pearson, Biometrika 26 (1934), and the table of exact binomial limits for n = 10 in Documenta Geigy.
        let table = [
            (0, 0.0, 0.3085),
            (1, 0.0025, 0.4450),
            (2, 0.0252, 0.5561),
            (3, 0.0667, 0.6525),
            (4, 0.1216, 0.7376),
            (5, 0.1871, 0.8129),
            (10, 0.6915, 1.0),
        ];
        for (k, low, high) in table {
            let (l, h) = clopper_pearson(k, 10, 0.95);
            assert!(close(l, low, 5e-5) && close(h, high, 5e-5), "{k} of 10: {l} {h}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
    }

    #[test]
    fn fisher_gives_the_tea_tasting_lady_her_p() {
        // Fisher, The Design of Experiments (1935): 3 of 4 cups right, two-sided 34/70; all right 2/70.
        assert!(close(fisher(3, 4, 1, 4), 34.0 / 70.0, 1e-12));
        assert!(close(fisher(4, 4, 0, 4), 2.0 / 70.0, 1e-12));
        // The example of R's and scipy's manuals, [[8, 2], [1, 5]].
        assert!(close(fisher(8, 10, 1, 6), 0.034_965_034_965, 1e-9));
        assert!(close(fisher(0, 5, 0, 5), 1.0, 1e-12));
    }

    #[test]
    fn holm_steps_down() {
        // Holm 1979; p.adjust(c(.01, .04, .03, .005), "holm") of R: .03 .06 .06 .02.
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (one, other) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!(close(*one, other, 1e-12), "{corrected:?}");
        }
    }

    #[test]
    fn runs_needed_are_those_of_the_tables() {
        // Casagrande, Pike and Smith, Biometrics 34 (1978); Fleiss, Statistical Methods for Rates and Proportions,
        // table A.3, alpha 0.05, power 0.80: 0.05 against 0.25 needs 59 a group, 0.10 against 0.30 needs 72.
        assert_eq!(runs_needed(0.05, 0.25), Some(59));
        assert_eq!(runs_needed(0.3, 0.1), Some(72));
        assert_eq!(runs_needed(0.3, 0.3), None);
        assert!(runs_needed(0.0, 1.0).is_some_and(|runs| (3..=6).contains(&runs)));
    }

    #[test]
    fn ranks_that_do_not_mix_have_the_least_p() {
        // 2 of the C(8,4) = 70 and of the C(6,3) = 20 orders.
        assert!(close(rank_sum(&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]), 2.0 / 70.0, 1e-12));
        assert!(close(rank_sum(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 0.1, 1e-12));
        assert!(close(rank_sum(&[1.0, 1.0], &[1.0, 1.0]), 1.0, 1e-12));
        let (low, high): (Vec<f64>, Vec<f64>) = (0..50).map(|at| (f64::from(at), f64::from(at) + 100.0)).unzip();
        assert!(rank_sum(&low, &high) < 1e-15);
    }
}
