//! Things that a run has or has not: in how many runs of each side, and what may be claimed.

use super::lines::name_of;
use super::reach::{Lack, Point};
use super::record::{Finding, Place, Rate, Verdict};
use super::run::Group;
use super::seen::{Area, Seen};
use super::statistics::{ALPHA, clopper_pearson, count, fisher, holm, median, rank_sum, runs_needed};
use super::titles::Families;
use std::collections::{BTreeMap, BTreeSet};

/// A thing by area and name, and in which runs of a side it was seen.
type Sightings<'a> = BTreeMap<(Area, &'a str), Vec<(usize, Seen)>>;

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
pub(super) fn rates(
    a: &Group,
    b: &Group,
    (families, pace): (&Families, f64),
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
        let side = if seen_a.is_empty() {
            Some(a)
        } else if seen_b.is_empty() {
            Some(b)
        } else {
            None
        };
        if area == Area::Message && side.is_some_and(|group| is_there_unstamped(name, group)) {
            continue;
        }
        let point = if seen_a.is_empty() { Point::of(area, name, seen_b, b) } else { Point::of(area, name, seen_a, a) };
        // The point is A's, or B's where A does not have it.
        let (pace_a, pace_b) = if seen_a.is_empty() { (1.0 / pace, 1.0) } else { (1.0, pace) };
        let (able_a, able_b) = (able(seen_a, a, &point, pace_a), able(seen_b, b, &point, pace_b));
        let (of_a, of_b) = (rate(seen_a, able_a.runs), rate(seen_b, able_b.runs));
        let mut one = Finding::plain(area, name, Verdict::Unclear, String::new());
        one.p = Some(test((seen_a, of_a.of), (seen_b, of_b.of)));
        (one.a, one.b) = (Some(of_a), Some(of_b));
        unreached(&mut one, [&able_a, &able_b], &point);
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
            if one.words.is_empty() {
                judge(&mut one, is_setting(area), a.runs.len().min(b.runs.len()));
            }
            if one.words.is_empty() {
                *same.entry(area.name()).or_default() += 1;
            } else {
                findings.push(one);
            }
        }
    }
}

/// Whether some run of a side has a message as a line of user space or firmware, which the other side's logs do not distinguish.
fn is_there_unstamped(name: &str, group: &Group) -> bool {
    let short = name_of(name);
    group.runs.iter().any(|run| run.unstamped.contains(&short))
}

/// Areas that are no matter of luck.
fn is_setting(area: Area) -> bool {
    area == Area::Module
}

/// The runs of a side that reach as far as to show something.
struct Able {
    runs: usize,
    /// Why the first of the others does not.
    lack: Option<Lack>,
    /// Whether that one reached the station before.
    next: bool,
    /// How many do not.
    short: usize,
}

fn able(seen: &[(usize, Seen)], group: &Group, point: &Point, pace: f64) -> Able {
    let mut able = Able { runs: seen.len(), lack: None, next: false, short: 0 };
    if seen.len() == group.runs.len() {
        return able;
    }
    let having: BTreeSet<usize> = seen.iter().map(|(run, _)| *run).collect();
    for (_, run) in group.runs.iter().enumerate().filter(|(at, _)| !having.contains(at)) {
        match point.lacked_by(run, pace, group.runs.len() == 1) {
            None => able.runs += 1,
            Some(lack) => {
                able.lack.get_or_insert(lack);
                able.next |= point.is_next_of(run);
                able.short += 1;
            }
        }
    }
    able
}

/// Whether a kernel that shows such a thing has trouble: then it is new even where the other side's log is too short to have it.
fn is_trouble(area: Area) -> bool {
    matches!(area, Area::Crash | Area::Hang | Area::BlockedFunction | Area::HangRoot | Area::LockEdge | Area::LockOrder)
}

/// Says what can be said of a thing that no log of one side reaches.
fn unreached(one: &mut Finding, [a, b]: [&Able; 2], point: &Point) {
    let (Some(of_a), Some(of_b)) = (one.a, one.b) else { return };
    let (able, has, side, other, verdict) = match (of_a.of, of_b.of) {
        (0, 1..) if of_b.runs > 0 => (a, of_b, "B", "A", Verdict::New),
        (1.., 0) if of_a.runs > 0 => (b, of_a, "A", "B", Verdict::Gone),
        _ => return,
    };
    let Some(lack) = able.lack else { return };
    // The next station that a boot does not reach says where it ends, be it that it hangs there or that its log was cut.
    let is_end = !matches!(lack, Lack::Begins(_));
    let claimed =
        if one.area == Area::Milestone { able.next && is_end } else { verdict == Verdict::New && is_trouble(one.area) };
    one.verdict = if claimed { verdict } else { Verdict::Unclear };
    let when = point.time.map_or(String::new(), |time| format!(" at {time:.1} s"));
    let shown = if has.of == 1 {
        format!("{}in {side}{when}", times(one.area, has))
    } else {
        format!("in {} of {} runs of {side}", has.runs, has.of)
    };
    one.words = if able.short == 1 {
        format!("{shown}, not in {other}, {}", lack.words())
    } else {
        format!("{shown}, none of {other}, of which no log reaches that far")
    };
}

/// How often, before `in A`; nothing of what a run has or has not.
fn times(area: Area, rate: Rate) -> String {
    match (area, rate.times) {
        (Area::Module | Area::Taint | Area::Milestone, _) => String::new(),
        (_, 1) => "once ".to_owned(),
        (_, times) => format!("{times} times "),
    }
}

fn rate(seen: &[(usize, Seen)], of: usize) -> Rate {
    let (low, high) = clopper_pearson(seen.len(), of, 0.95);
    let firsts: Vec<f64> = seen.iter().filter_map(|(_, seen)| seen.first).collect();
    Rate {
        runs: seen.len(),
        of,
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
fn test((seen_a, of_a): (&[(usize, Seen)], usize), (seen_b, of_b): (&[(usize, Seen)], usize)) -> f64 {
    let by_rate = fisher(seen_a.len(), of_a, seen_b.len(), of_b);
    if seen_a.len() < of_a || seen_b.len() < of_b {
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
        let times = |rate: Rate| times(one.area, rate);
        if none(a) && full(b) {
            one.verdict = Verdict::New;
            one.words =
                if b.of == 1 { format!("{}in B, not in A", times(b)) } else { format!("in {} of B, none of A", of(b)) };
            return;
        }
        if none(b) && full(a) {
            one.verdict = Verdict::Gone;
            one.words =
                if a.of == 1 { format!("{}in A, not in B", times(a)) } else { format!("in {} of A, none of B", of(a)) };
            return;
        }
        if a.of == 1 && b.of == 1 {
            let (low, high) = (a.times.min(b.times), a.times.max(b.times));
            if high >= 2 * low && one.p.unwrap_or(1.0) < ALPHA {
                one.verdict = if b.times > a.times { Verdict::More } else { Verdict::Less };
                one.words = format!("{}in A, {}in B", times(a), times(b));
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
