//! From signs to a probability: a logistic model whose weights are data, `weights.toml`.

use super::record::{Basis, Bisection, Kind, Reason, Share, Step};
use super::signs::Sign;
use serde::Deserialize;
use std::sync::LazyLock;

/// The fitted model. `benches/fit_bisect.py` writes it.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "read by the reference of `kanalyze generate`"))]
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    /// The log odds of a log whose signs are all average.
    pub(crate) intercept: f64,
    pub(crate) provenance: Provenance,
    title_drift: Drift,
    pub(crate) sign: Vec<Term>,
    /// How what was said of logs outside of the fit compares with what was true, from low to high.
    #[serde(default)]
    pub(crate) calibration: Vec<Bin>,
}

/// The data of the fit, and how well the model does on what it was not fitted on.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "read by the reference of `kanalyze generate`"))]
#[derive(Debug, Deserialize)]
pub(crate) struct Provenance {
    pub(crate) date: String,
    pub(crate) logs: u32,
    pub(crate) right: u32,
    pub(crate) data: String,
    pub(crate) auc_cross_validated: f64,
    pub(crate) auc_lowest_split: f64,
    pub(crate) calibration_cross_validated: f64,
}

/// Logs of which something similar was said.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "read by the reference of `kanalyze generate`"))]
#[derive(Debug, Deserialize)]
pub(crate) struct Bin {
    /// The lowest confidence of the bin, 0…1.
    pub(crate) from: f64,
    /// The highest.
    pub(crate) to: f64,
    /// What was said on average.
    pub(crate) said: f64,
    /// How many logs.
    pub(crate) of: u32,
    /// How many of them named the right commit.
    pub(crate) right: u32,
}

/// How often bisections were right whose kernels stopped to show the first title, and the others.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Drift {
    /// Later titles had something in common with the first.
    pub near: Share,
    /// Some had not.
    pub far: Share,
    /// The last kernel that crashed showed the first title.
    pub kept: Share,
}

/// What one sign weighs.
#[derive(Debug, Deserialize)]
pub(crate) struct Term {
    pub(crate) id: String,
    /// The average of the sign over the logs of the fit.
    pub(crate) mean: f64,
    /// Change of the log odds for one unit of the sign.
    pub(crate) weight: f64,
}

static MODEL: LazyLock<Model> =
    LazyLock::new(|| toml::from_str(include_str!("weights.toml")).expect("weights.toml is checked by a test"));

/// No log is certain: labels of the fit are themselves wrong now and then.
pub const BOUNDS: (f64, f64) = (0.01, 0.97);
/// The reason that every log has.
pub const INTERCEPT: &str = "intercept";

/// The model, to be shown.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn model() -> &'static Model {
    &MODEL
}

/// How often bisections were right whose titles drifted, and the others.
#[must_use]
pub(super) fn drift_shares() -> Drift {
    MODEL.title_drift
}

/// Puts confidence and reasons into a record; without commits there is nothing to believe.
pub(super) fn judge(found: &mut Bisection, signs: &[Sign]) {
    // Somebody may have cut the runs out.
    if found.commits.is_empty() || !found.walked().any(Step::is_crashing) {
        return;
    }
    let mut odds = MODEL.intercept;
    let Provenance { logs, right, .. } = MODEL.provenance;
    let rounded = |weight: f64| (weight * 1000.0).round() / 1000.0;
    let mut reasons = vec![Reason {
        sign: INTERCEPT.to_owned(),
        words: format!("where all bisections begin ({right} of {logs} with known truth were right)"),
        weight: rounded(MODEL.intercept),
    }];
    for term in &MODEL.sign {
        let Some(sign) = signs.iter().find(|sign| sign.id == term.id) else { continue };
        let weight = term.weight * (sign.value - term.mean);
        odds += weight;
        reasons.push(Reason { sign: term.id.clone(), words: sign.words.clone(), weight: rounded(weight) });
    }
    reasons
        .sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()).then_with(|| one.sign.cmp(&other.sign)));
    let confidence = (1.0 / (1.0 + (-odds).exp())).clamp(BOUNDS.0, BOUNDS.1);
    found.confidence = Some((confidence * 1e4).round() / 1e4);
    found.basis = if found.kind == Kind::Cause { Basis::Model } else { Basis::Extrapolated };
    found.reasons = reasons;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bisect::crash_text::Seen;

    #[test]
    fn every_sign_has_one_weight_and_every_weight_a_sign() {
        let mut found = Bisection::empty("-", Kind::Cause);
        found.commits = vec!["0".repeat(40)];
        let mut signs: Vec<String> =
            crate::bisect::signs(&found, &Seen::default()).into_iter().map(|sign| sign.id.to_owned()).collect();
        let mut terms: Vec<String> = MODEL.sign.iter().map(|term| term.id.clone()).collect();
        signs.sort_unstable();
        terms.sort_unstable();
        assert_eq!(signs, terms);
    }
}
