//! Crashes of one title on both sides: by another cause, at another time, in another order.

use super::cause::Cause;
use super::record::{Causes, Finding, Place, Verdict};
use super::run::{Crash, Group};
use super::seen::Area;
use super::statistics::median;
use super::titles::Families;
use std::collections::{BTreeMap, BTreeSet};

/// One title, different causes.
pub(super) fn causes(a: &Group, b: &Group, families: &Families) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of = |group: &Group| -> BTreeMap<String, Vec<(Crash, String)>> {
        let mut found: BTreeMap<String, Vec<(Crash, String)>> = BTreeMap::new();
        for run in &group.runs {
            for crash in &run.crashes {
                let kept = found.entry(families.name(&crash.title).to_owned()).or_default();
                let crash = Crash { cause: that_matters(crash), ..crash.clone() };
                // One of a kind is enough.
                if kept.len() < 64 && kept.iter().all(|(known, _)| known.cause.differs_from(&crash.cause).is_some()) {
                    kept.push((crash, run.log.clone()));
                }
            }
        }
        found
    };
    let (left, right) = (of(a), of(b));
    for (title, before) in &left {
        let Some(after) = right.get(title) else { continue };
        let strange = |crash: &Crash| {
            before.iter().map(|(known, _)| known.cause.differs_from(&crash.cause)).collect::<Option<Vec<_>>>()
        };
        let news: Vec<_> = after.iter().filter_map(|(crash, log)| Some((crash, log, strange(crash)?))).collect();
        let Some((crash, log, reasons)) = news.first() else { continue };
        let Some((old, _)) = before.first() else { continue };
        let because = reasons.first().copied().unwrap_or("another cause");
        // A title that also came as before has one cause more; whether that is luck cannot be decided from causes alone.
        let all = news.len() == after.len();
        let (verdict, words) = if all {
            (Verdict::Changed, format!("same title, {because}"))
        } else {
            (Verdict::Note, format!("same title; besides the known cause B also has {because}"))
        };
        let mut one = Finding::plain(Area::Crash, title, verdict, words);
        one.place = Some(Place { log: (*log).clone(), line: crash.line });
        one.causes = Some(Causes { because: because.to_owned(), a: old.cause.clone(), b: crash.cause.clone() });
        findings.push(one);
    }
    findings
}

/// What a crash is about. Where nothing that was freed was used, who freed what lay there before is by chance.
fn that_matters(crash: &Crash) -> Cause {
    let mut cause = crash.cause.clone();
    if !crash.title.contains("-free") {
        cause.freed.clear();
    }
    cause
}

/// Crashes of all runs that change places, or that come at another time altogether than the pace of the boots makes one expect.
pub(super) fn orders(a: &Group, b: &Group, families: &Families, pace: f64, findings: &mut Vec<Finding>) {
    let firsts = |group: &Group| -> BTreeMap<String, Vec<f64>> {
        let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for run in &group.runs {
            let mut seen = BTreeSet::new();
            for crash in &run.crashes {
                let name = families.name(&crash.title);
                if let Some(time) = crash.time.filter(|_| seen.insert(name)) {
                    found.entry(name.to_owned()).or_default().push(time);
                }
            }
        }
        found
    };
    let (left, right) = (firsts(a), firsts(b));
    let both: Vec<(&String, f64, f64)> =
        left.iter().filter_map(|(name, times)| Some((name, median(times)?, median(right.get(name)?)?))).collect();
    for (name, before, after) in &both {
        // A slower host is not another time.
        let expected = before * pace;
        let (low, high) = (expected.min(*after), expected.max(*after));
        if high >= 2.0 * low && high - low >= 10.0 {
            let words = format!("first seen at {before:.0} s in A, {after:.0} s in B");
            findings.push(Finding::plain(Area::Crash, name, Verdict::Note, words));
        }
    }
    swapped(both, findings);
}

/// So many pairs of crashes that changed places are named.
const PAIRS: usize = 3;

/// What comes closer together than this comes in whatever order, seconds.
const APART: f64 = 1.0;

/// Crashes that follow each other in A and come the other way round in B.
fn swapped(mut both: Vec<(&String, f64, f64)>, findings: &mut Vec<Finding>) {
    both.sort_by(|one, other| one.1.total_cmp(&other.1));
    let pairs: Vec<_> =
        both.windows(2).filter(|pair| pair[1].1 - pair[0].1 >= APART && pair[0].2 - pair[1].2 >= APART).collect();
    for (at, pair) in pairs.iter().enumerate().take(PAIRS) {
        let more = match pairs.len() - PAIRS.min(pairs.len()) {
            more if more > 0 && at + 1 == PAIRS => {
                format!("; so did {more} more pairs of crashes that follow each other in A")
            }
            _ => String::new(),
        };
        let words = format!("came before '{}' in A, after it in B{more}", pair[1].0);
        findings.push(Finding::plain(Area::Crash, pair[0].0, Verdict::Note, words));
    }
}
