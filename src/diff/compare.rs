//! Two groups of runs → what differs, with numbers that can be defended.

use super::noise;
use super::pace::milestones;
use super::record::{Causes, DIFF_SCHEMA, Difference, Finding, Place, Rate, Side, Verdict};
use super::run::{Crash, Group, Run};
use super::seen::{Area, Seen};
use super::statistics::{ALPHA, clopper_pearson, count, fisher, holm, median, rank_sum, runs_needed};
use super::titles::Families;
use std::collections::{BTreeMap, BTreeSet};

/// A thing by area and name, and in which runs of a side it was seen.
type Sightings<'a> = BTreeMap<(Area, &'a str), Vec<(usize, Seen)>>;

/// Compares two groups.
#[must_use]
pub fn compare(a: &Group, b: &Group) -> Difference {
    let families = Families::of(a.runs.iter().chain(&b.runs).flat_map(|run| &run.crashes));
    let mut findings = Vec::new();
    let mut same: BTreeMap<&'static str, usize> = BTreeMap::new();
    settings(a, b, &mut findings, &mut same);
    rates(a, b, &families, &mut findings, &mut same);
    let pace = milestones(a, b, &mut findings, &mut same);
    causes(a, b, &families, &mut findings);
    orders(a, b, &families, pace, &mut findings);
    findings.sort_by(|one, other| {
        let key = |finding: &Finding| (!finding.verdict.is_claim(), finding.area, finding.verdict);
        key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name))
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

/// What each run of a group has.
fn sightings<'a>(group: &'a Group, families: &'a Families, listed: bool) -> Sightings<'a> {
    let mut found: Sightings<'a> = BTreeMap::new();
    for (at, run) in group.runs.iter().enumerate() {
        for ((area, name), seen) in &run.traits {
            found.entry((*area, name)).or_default().push((at, *seen));
        }
        for crash in &run.crashes {
            let places = found.entry((Area::Crash, families.name(&crash.title))).or_default();
            match places.last_mut().filter(|(run, _)| *run == at) {
                Some((_, seen)) => seen.times += 1,
                None => places.push((at, Seen { times: 1, first: crash.time, line: crash.line })),
            }
        }
        for name in run.modules.iter().flatten().filter(|_| listed) {
            let places = found.entry((Area::Module, name)).or_default();
            if places.last().is_none_or(|(run, _)| *run != at) {
                places.push((at, Seen { times: 1, first: None, line: 0 }));
            }
        }
    }
    found
}

/// Things that a run has or has not: Fisher's test over runs, corrected within the area.
fn rates(
    a: &Group,
    b: &Group,
    families: &Families,
    findings: &mut Vec<Finding>,
    same: &mut BTreeMap<&'static str, usize>,
) {
    // A log without any report lists no modules; it is then not known what was loaded.
    let lists = |group: &Group| !group.runs.is_empty() && group.runs.iter().all(|run| run.modules.is_some());
    let listed = lists(a) && lists(b);
    let (left, right) = (sightings(a, families, listed), sightings(b, families, listed));
    let keys: BTreeSet<(Area, &str)> = left.keys().chain(right.keys()).copied().collect();
    let mut by_area: BTreeMap<Area, Vec<Finding>> = BTreeMap::new();
    for (area, name) in keys {
        let none = Vec::new();
        let (seen_a, seen_b) = (left.get(&(area, name)).unwrap_or(&none), right.get(&(area, name)).unwrap_or(&none));
        let (of_a, of_b) = (rate(seen_a, a), rate(seen_b, b));
        let mut one = Finding::plain(area, name, Verdict::Unclear, String::new());
        one.p = Some(test(seen_a, seen_b, a, b));
        (one.a, one.b) = (Some(of_a), Some(of_b));
        one.place = place(seen_b, b).or_else(|| place(seen_a, a));
        if area == Area::Crash {
            one.alt_titles = families.others(name);
        }
        by_area.entry(area).or_default().push(one);
    }
    for (area, mut all) in by_area {
        let corrected = holm(&all.iter().map(|one| one.p.unwrap_or(1.0)).collect::<Vec<_>>());
        for (mut one, corrected) in all.drain(..).zip(corrected) {
            one.p_corrected = Some(corrected);
            judge(&mut one, is_setting(area), a.runs.len().min(b.runs.len()));
            if one.words.is_empty() {
                *same.entry(area.name()).or_default() += 1;
            } else {
                findings.push(one);
            }
        }
    }
}

/// Areas that are no matter of luck.
fn is_setting(area: Area) -> bool {
    area == Area::Module
}

fn rate(seen: &[(usize, Seen)], group: &Group) -> Rate {
    let (low, high) = clopper_pearson(seen.len(), group.runs.len(), 0.95);
    let firsts: Vec<f64> = seen.iter().filter_map(|(_, seen)| seen.first).collect();
    Rate {
        runs: seen.len(),
        of: group.runs.len(),
        low,
        high,
        times: seen.iter().map(|(_, seen)| seen.times).sum(),
        first_seen: median(&firsts),
    }
}

fn place(seen: &[(usize, Seen)], group: &Group) -> Option<Place> {
    let (run, seen) = seen.iter().find(|(_, seen)| seen.line > 0)?;
    Some(Place { log: group.runs.get(*run)?.log.clone(), line: seen.line })
}

/// The probability of such a difference by luck: of the rates, or, where all runs have it, of how often they have it.
fn test(seen_a: &[(usize, Seen)], seen_b: &[(usize, Seen)], a: &Group, b: &Group) -> f64 {
    let by_rate = fisher(seen_a.len(), a.runs.len(), seen_b.len(), b.runs.len());
    if seen_a.len() < a.runs.len() || seen_b.len() < b.runs.len() {
        return by_rate;
    }
    let times = |seen: &[(usize, Seen)]| seen.iter().map(|(_, seen)| count(seen.times)).collect::<Vec<_>>();
    if let ([(_, one)], [(_, other)]) = (seen_a, seen_b) {
        // Two counts of one rate each: given their sum, the first is binomial with one half.
        return halves(one.times, other.times);
    }
    rank_sum(&times(seen_a), &times(seen_b))
}

/// The two-sided exact test that two counts have one rate.
fn halves(one: usize, other: usize) -> f64 {
    let (low, n) = (one.min(other), one + other);
    if one == other {
        return 1.0;
    }
    // P(X <= low) for n fair coins is I_0.5(n - low, low + 1).
    (2.0 * super::statistics::beta(0.5, count(n - low), count(low) + 1.0)).min(1.0)
}

/// Fills verdict and words in; leaves the words empty when there is nothing to say.
fn judge(one: &mut Finding, always: bool, smaller: usize) {
    let (Some(a), Some(b)) = (one.a, one.b) else { return };
    let share = |rate: Rate| count(rate.runs) / count(rate.of.max(1));
    let of = |rate: Rate| format!("{} of {}", rate.runs, rate.of);
    let interval = |rate: Rate| format!("{:.0}–{:.0} %", 100.0 * rate.low, 100.0 * rate.high);
    let corrected = one.p_corrected.unwrap_or(1.0);
    let everywhere = a.runs == a.of && b.runs == b.of;
    if smaller < 2 || always {
        // One run a side is compared word for word: no rate can be determined, and none is claimed.
        let (full, none) = (|rate: Rate| rate.runs == rate.of, |rate: Rate| rate.runs == 0);
        let times = |rate: Rate| if rate.times == 1 { "once".to_owned() } else { format!("{} times", rate.times) };
        if none(a) && full(b) {
            one.verdict = Verdict::New;
            one.words = if b.of == 1 {
                format!("{} in B, not in A", times(b))
            } else {
                format!("in {} of B, none of A", of(b))
            };
            return;
        }
        if none(b) && full(a) {
            one.verdict = Verdict::Gone;
            one.words = if a.of == 1 {
                format!("{} in A, not in B", times(a))
            } else {
                format!("in {} of A, none of B", of(a))
            };
            return;
        }
        if a.of == 1 && b.of == 1 {
            let (low, high) = (a.times.min(b.times), a.times.max(b.times));
            if high >= 2 * low && one.p.unwrap_or(1.0) < ALPHA {
                one.verdict = if b.times > a.times { Verdict::More } else { Verdict::Less };
                one.words = format!("{} in A, {} in B", times(a), times(b));
            }
            return;
        }
    }
    if everywhere {
        if corrected < ALPHA && a.times * b.of != b.times * a.of {
            one.verdict = if b.times * a.of > a.times * b.of { Verdict::More } else { Verdict::Less };
            let each = |rate: Rate| count(rate.times) / count(rate.of.max(1));
            one.words =
                format!("in all runs; {:.1} times per run in A, {:.1} in B (p = {corrected:.3})", each(a), each(b));
        }
        return;
    }
    if a.runs * b.of == b.runs * a.of {
        return;
    }
    if corrected < ALPHA {
        one.verdict = match (a.runs, b.runs) {
            (0, _) => Verdict::New,
            (_, 0) => Verdict::Gone,
            _ if share(b) > share(a) => Verdict::More,
            _ => Verdict::Less,
        };
        one.words = format!("{} ({}) against {} ({}), p = {corrected:.3}", of(a), interval(a), of(b), interval(b));
        return;
    }
    let needed = runs_needed(share(a), share(b)).map_or(0, |needed| needed.saturating_sub(a.of.min(b.of)));
    // A thing that the correction alone hides still needs a run more.
    one.runs_more = Some(needed.max(1));
    one.verdict = Verdict::Unclear;
    one.words = format!(
        "{} ({}) against {} ({}), p = {corrected:.2}; you need about {} runs more on each side",
        of(a),
        interval(a),
        of(b),
        interval(b),
        needed.max(1)
    );
}

/// One title, different causes.
fn causes(a: &Group, b: &Group, families: &Families, findings: &mut Vec<Finding>) {
    let of = |group: &Group| -> BTreeMap<String, Vec<(Crash, String)>> {
        let mut found: BTreeMap<String, Vec<(Crash, String)>> = BTreeMap::new();
        for run in &group.runs {
            for crash in &run.crashes {
                let kept = found.entry(families.name(&crash.title).to_owned()).or_default();
                // One of a kind is enough.
                if kept.len() < 64 && kept.iter().all(|(known, _)| known.cause.differs_from(&crash.cause).is_some()) {
                    kept.push((crash.clone(), run.log.clone()));
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
}

/// Crashes of all runs that change places, or that come at another time altogether than the pace of the boots makes one expect.
fn orders(a: &Group, b: &Group, families: &Families, pace: f64, findings: &mut Vec<Finding>) {
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
    let both: Vec<(&String, f64, f64)> = left
        .iter()
        .filter_map(|(name, times)| Some((name, median(times)?, median(right.get(name)?)?)))
        .take(200)
        .collect();
    for (name, before, after) in &both {
        // A slower host is not another time.
        let expected = before * pace;
        let (low, high) = (expected.min(*after), expected.max(*after));
        if high >= 2.0 * low && high - low >= 10.0 {
            let words = format!("first seen at {before:.0} s in A, {after:.0} s in B");
            findings.push(Finding::plain(Area::Crash, name, Verdict::Note, words));
        }
    }
    for (at, (one, one_a, one_b)) in both.iter().enumerate() {
        for (other, other_a, other_b) in &both[at + 1..] {
            if (one_a < other_a) != (one_b < other_b) && one_a.total_cmp(other_a) != one_b.total_cmp(other_b) {
                let (first, second) = if one_a < other_a { (one, other) } else { (other, one) };
                let words = format!("came before '{second}' in A, after it in B");
                findings.push(Finding::plain(Area::Crash, first, Verdict::Note, words));
            }
        }
    }
}

/// The rules of `--explain`, one per line.
#[must_use]
pub fn rules() -> String {
    noise::RULES.iter().map(|rule| format!("{:<14}{}\n", rule.name, rule.words)).collect()
}
