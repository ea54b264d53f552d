//! Two groups of runs → what differs, with numbers that can be defended.

use super::crashes::{causes, orders};
use super::noise;
use super::pace::milestones;
use super::rates::rates;
use super::record::{DIFF_SCHEMA, Difference, Finding, Side, Verdict};
use super::run::{Group, Run};
use super::seen::Area;
use super::statistics::ALPHA;
use super::titles::Families;
use std::collections::{BTreeMap, BTreeSet};

/// Compares two groups.
#[must_use]
pub fn compare(a: &Group, b: &Group) -> Difference {
    let families = Families::of(a.runs.iter().chain(&b.runs).flat_map(|run| &run.crashes));
    let mut findings = Vec::new();
    let mut same: BTreeMap<&'static str, usize> = BTreeMap::new();
    settings(a, b, &mut findings, &mut same);
    let pace = milestones(a, b, &mut findings, &mut same);
    rates(a, b, (&families, pace), &mut findings, &mut same);
    let other = causes(a, b, &families);
    // What came on both sides, but is not the same, is not counted among what is.
    let counted = |one: &&Finding| {
        one.verdict.is_claim() && !findings.iter().any(|known| known.area == one.area && known.name == one.name)
    };
    if let Some(count) = same.get_mut(Area::Crash.name()) {
        *count = count.saturating_sub(other.iter().filter(counted).count());
    }
    same.retain(|_, count| *count > 0);
    findings.extend(other);
    orders(a, b, &families, pace, &mut findings);
    findings.sort_by_cached_key(|one| {
        // Of many messages those that complain are read first.
        let harmless = one.area == Area::Message && !noise::complains(None, &one.name);
        (!one.verdict.is_claim(), rank(one.area), one.area, harmless, one.verdict, one.name.clone())
    });
    let side =
        |group: &Group| Side { name: group.name.clone(), logs: group.runs.iter().map(|run| run.log.clone()).collect() };
    Difference {
        schema: DIFF_SCHEMA,
        a: side(a),
        b: side(b),
        differs: findings.iter().any(|finding| finding.verdict.is_claim()),
        alpha: ALPHA,
        interval: "Clopper-Pearson 0.95",
        findings,
        same,
    }
}

/// Trouble first, then what was compared with what, then what the logs say besides.
fn rank(area: Area) -> usize {
    match area {
        area if area <= Area::LockOrder => 0,
        Area::Kernel => 1,
        Area::Machine | Area::CommandLine => 2,
        Area::Taint | Area::Milestone | Area::Counter => 3,
        _ => 4,
    }
}

/// Values that are no matter of luck. Of one that varies inside of a side, only a disjoint set of values is a difference.
fn settings(a: &Group, b: &Group, findings: &mut Vec<Finding>, same: &mut BTreeMap<&'static str, usize>) {
    let keys: BTreeSet<&(Area, String)> = a.runs.iter().chain(&b.runs).flat_map(|run| run.settings.keys()).collect();
    for key in keys {
        // A log without the beginning of its boot says nothing of settings.
        let values = |group: &Group| -> BTreeSet<Option<String>> {
            let knows = |run: &&Run| run.settings.keys().any(|(area, _)| *area == key.0);
            group.runs.iter().filter(knows).map(|run| run.settings.get(key).cloned()).collect()
        };
        let (left, right) = (values(a), values(b));
        if left.is_empty() || right.is_empty() {
            continue;
        }
        if !left.is_disjoint(&right) {
            *same.entry(key.0.name()).or_default() += 1;
            continue;
        }
        let shown = |values: &BTreeSet<Option<String>>| -> Option<String> {
            let shown: Vec<&str> = values.iter().flatten().map(String::as_str).collect();
            (!shown.is_empty()).then(|| shown.join(" or "))
        };
        let (from, to) = (shown(&left), shown(&right));
        let (verdict, words) = match (&from, &to) {
            (None, Some(value)) if value.is_empty() => (Verdict::New, "only in B".to_owned()),
            (None, Some(value)) => (Verdict::New, format!("only in B: {value}")),
            (Some(value), None) if value.is_empty() => (Verdict::Gone, "only in A".to_owned()),
            (Some(value), None) => (Verdict::Gone, format!("only in A: {value}")),
            _ => (Verdict::Changed, format!("{} -> {}", from.as_deref().unwrap_or("-"), to.as_deref().unwrap_or("-"))),
        };
        findings.push(Finding { a_value: from, b_value: to, ..Finding::plain(key.0, &key.1, verdict, words) });
    }
}

/// The rules of `--explain`, one per line.
#[must_use]
pub fn rules() -> String {
    noise::RULES.iter().map(|rule| format!("{:<14}{}\n", rule.name, rule.words)).collect()
}
