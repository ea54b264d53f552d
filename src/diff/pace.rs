//! How fast two groups of boots went: what the host's load does to all stations alike, and what stands out against that.
//!
//! A busier host makes everything take longer, and by much the same factor. So a boot is taken apart into the times between its
//! stations; the factor that most of that time shares is its *pace*, and stations are compared without it.

use super::record::{Finding, Verdict};
use super::run::{Group, Run};
use super::seen::Area;
use super::settings::ENDS;
use super::statistics::{ALPHA, holm, median, rank_sum};
use std::collections::{BTreeMap, BTreeSet};

/// Shorter times between stations are noise of the clock, seconds.
const SHORTEST: f64 = 0.02;
/// It takes so many times between stations to distinguish a pace from a change of one station.
const STATIONS: usize = 3;
/// A pace nearer to one than this is not worth a word.
const NOTABLE: f64 = 1.5;

/// Times between stations, by the station that ends them.
type Laps = BTreeMap<&'static str, f64>;

/// Compares when the stations of the boot were reached: one finding for what all have in common, then those that stand out. Gives how
/// many times as long everything took in B; one where that cannot be determined.
pub(super) fn milestones(
    a: &Group,
    b: &Group,
    findings: &mut Vec<Finding>,
    same: &mut BTreeMap<&'static str, usize>,
) -> f64 {
    let stations = stations(a, b);
    let laps = |group: &Group| group.runs.iter().map(|run| laps_of(run, &stations)).collect::<Vec<Laps>>();
    let (left, right) = (laps(a), laps(b));
    let usual = usual(&left, &stations);
    let paces = |laps: &[Laps]| laps.iter().map(|laps| pace_of(laps, &usual)).collect::<Vec<f64>>();
    let (paces_a, paces_b) = (paces(&left), paces(&right));
    let pace = match (median(&paces_a), median(&paces_b)) {
        (Some(before), Some(after)) if before > 0.0 => after / before,
        _ => 1.0,
    };
    if !(1.0 / NOTABLE..=NOTABLE).contains(&pace) {
        findings.push(common(pace));
    }
    // Each boot is compared as it would have been at the pace of A.
    let level = |laps: &[Laps], paces: &[f64], name: &str| -> Vec<f64> {
        laps.iter().zip(paces).filter_map(|(laps, pace)| Some(laps.get(name)? / pace)).collect()
    };
    let raw = |laps: &[Laps], name: &str| laps.iter().filter_map(|laps| laps.get(name).copied()).collect::<Vec<f64>>();
    let mut tested = Vec::new();
    // When a run ended is its workload's matter.
    for name in stations.iter().copied().filter(|name| !ENDS.contains(name)) {
        let (level_a, level_b) = (level(&left, &paces_a, name), level(&right, &paces_b, name));
        let (Some(before), Some(after)) = (median(&level_a), median(&level_b)) else { continue };
        let enough = level_a.len() >= 4 && level_b.len() >= 4;
        let p = if enough { rank_sum(&level_a, &level_b) } else { 1.0 };
        let seen = (median(&raw(&left, name)).unwrap_or(before), median(&raw(&right, name)).unwrap_or(after));
        tested.push(Tested { name, before, after, seen, enough, p });
    }
    let corrected = holm(&tested.iter().map(|one| one.p).collect::<Vec<_>>());
    for (one, corrected) in tested.iter().zip(corrected) {
        if one.differs(corrected) {
            findings.push(one.finding(corrected, &stations, pace));
        } else {
            *same.entry("milestone-time").or_default() += 1;
        }
    }
    pace
}

/// One station of both groups.
struct Tested {
    name: &'static str,
    /// Medians of the time since the station before, each boot at the pace of A.
    before: f64,
    after: f64,
    /// The same as measured.
    seen: (f64, f64),
    enough: bool,
    p: f64,
}

impl Tested {
    fn differs(&self, corrected: f64) -> bool {
        let (low, high) = (self.before.min(self.after), self.before.max(self.after));
        if self.enough {
            corrected < ALPHA && high > 1.1 * low && high - low > 0.05
        } else {
            high >= 2.0 * low && high - low >= 2.0
        }
    }

    fn finding(&self, corrected: f64, stations: &[&'static str], pace: f64) -> Finding {
        let verdict = if self.after > self.before { Verdict::Slower } else { Verdict::Faster };
        let at = stations.iter().position(|name| *name == self.name).unwrap_or(0);
        let since = at.checked_sub(1).and_then(|at| stations.get(at)).map_or("the beginning", |name| *name);
        let besides = if (1.0 / NOTABLE..=NOTABLE).contains(&pace) {
            String::new()
        } else {
            format!("; at the pace of A {:.3} s", self.after)
        };
        let words = format!("{:.3} s after '{since}' in A, {:.3} s in B{besides}", self.seen.0, self.seen.1);
        let mut one = Finding::plain(Area::Milestone, self.name, verdict, words);
        one.a_value = Some(format!("{:.6}", self.seen.0));
        one.b_value = Some(format!("{:.6}", self.seen.1));
        if self.enough {
            (one.p, one.p_corrected) = (Some(self.p), Some(corrected));
        }
        one
    }
}

/// What all stations have in common is the host's and no difference.
fn common(pace: f64) -> Finding {
    let words = if pace > 1.0 {
        format!(
            "took {pace:.1} times as long in B: a factor common to all stations is the host's, and they are compared without it"
        )
    } else {
        let times = 1.0 / pace;
        format!(
            "took {times:.1} times as long in A: a factor common to all stations is the host's, and they are compared without it"
        )
    };
    let mut one = Finding::plain(Area::Milestone, "everything", Verdict::Note, words);
    (one.a_value, one.b_value) = (Some("1".to_owned()), Some(format!("{pace:.3}")));
    one
}

/// Stations that some run of each group reached, by the median of their times in A.
fn stations(a: &Group, b: &Group) -> Vec<&'static str> {
    let names = |group: &Group| -> BTreeSet<&'static str> {
        group.runs.iter().flat_map(|run| run.milestones.keys().copied()).collect()
    };
    let when = |name: &str| {
        median(&a.runs.iter().filter_map(|run| run.milestones.get(name).copied()).collect::<Vec<f64>>()).unwrap_or(0.0)
    };
    let mut both: Vec<&'static str> = names(a).intersection(&names(b)).copied().collect();
    both.sort_by(|one, other| when(one).total_cmp(&when(other)));
    both
}

/// The times between the stations of one run; none where it lacks the station before, or reached it later.
fn laps_of(run: &Run, stations: &[&'static str]) -> Laps {
    let at = |name: &str| run.milestones.get(name).copied();
    let first = stations.first().and_then(|name| Some((*name, at(name)?)));
    let pairs = stations.windows(2).filter_map(|pair| match pair {
        [before, name] => Some((*name, (at(name)? - at(before)?).max(0.0))),
        _ => None,
    });
    first.into_iter().chain(pairs).collect()
}

/// The median of each time between stations in A.
fn usual(runs: &[Laps], stations: &[&'static str]) -> Laps {
    let of = |name: &str| median(&runs.iter().filter_map(|laps| laps.get(name).copied()).collect::<Vec<f64>>());
    stations.iter().filter_map(|name| Some((*name, of(name)?))).collect()
}

/// The factor by which most of a run's time differs from the usual: the weighted median of the factors of its parts. A part weighs
/// as much as the shorter of its two times, so that one that takes very long or no time at all does not carry the others along.
fn pace_of(laps: &Laps, usual: &Laps) -> f64 {
    let mut parts: Vec<(f64, f64)> = laps
        .iter()
        .filter_map(|(name, lap)| Some((*lap, *usual.get(name)?)))
        .filter(|(lap, usual)| *lap >= SHORTEST && *usual >= SHORTEST)
        .map(|(lap, usual)| (lap / usual, lap.min(usual)))
        .collect();
    if parts.len() < STATIONS {
        return 1.0;
    }
    parts.sort_by(|one, other| one.0.total_cmp(&other.0));
    let whole: f64 = parts.iter().map(|(_, weight)| weight).sum();
    let mut reached = 0.0;
    for (factor, weight) in &parts {
        reached += weight;
        if reached >= 0.5 * whole {
            return *factor;
        }
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["kernel starts", "all CPUs up", "initramfs", "kernel ready", "first process"];

    fn boot(times: [f64; 5]) -> Group {
        let run = Run { milestones: NAMES.into_iter().zip(times).collect(), ..Run::default() };
        Group { name: String::new(), runs: vec![run] }
    }

    fn compared(one: [f64; 5], other: [f64; 5]) -> (Vec<(String, Verdict)>, f64) {
        let mut findings = Vec::new();
        let pace = milestones(&boot(one), &boot(other), &mut findings, &mut BTreeMap::new());
        (findings.into_iter().map(|one| (one.name, one.verdict)).collect(), pace)
    }

    const QUIET: [f64; 5] = [0.0, 2.0, 3.7, 4.4, 6.0];

    #[test]
    fn a_busier_host_is_one_note() {
        let busy = QUIET.map(|time| time * 2.0);
        let (found, pace) = compared(QUIET, busy);
        assert_eq!(found, [("everything".to_owned(), Verdict::Note)]);
        assert!((pace - 2.0).abs() < 1e-9);
        assert_eq!(compared(busy, QUIET).0, [("everything".to_owned(), Verdict::Note)]);
    }

    #[test]
    fn one_slow_station_stands_out_and_does_not_slow_those_behind_it() {
        let slow = [0.0, 2.0, 13.7, 14.4, 16.0];
        assert_eq!(compared(QUIET, slow).0, [("initramfs".to_owned(), Verdict::Slower)]);
        assert_eq!(compared(slow, QUIET).0, [("initramfs".to_owned(), Verdict::Faster)]);
        let both = slow.map(|time| time * 2.0);
        assert_eq!(
            compared(QUIET, both).0,
            [("everything".to_owned(), Verdict::Note), ("initramfs".to_owned(), Verdict::Slower)]
        );
    }

    #[test]
    fn two_stations_show_no_pace() {
        let times = |first: f64| [0.0, first, first, first, first];
        assert_eq!(compared(times(2.0), times(20.0)).0, [("all CPUs up".to_owned(), Verdict::Slower)]);
    }
}
