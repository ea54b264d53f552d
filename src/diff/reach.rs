//! How far a log reaches: what comes after its end, or before its beginning, is not gone because it is not there.

use super::run::{Group, Run};
use super::seen::{Area, Seen};
use super::settings::{BEGINNING, ENDS};
use super::statistics::median;

/// When and where in its log something was seen first.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// Seconds since boot.
    pub(super) time: Option<f64>,
    /// The last station of the boot before it.
    after: Option<&'static str>,
    /// Those that come after it.
    later: Vec<&'static str>,
    /// Whether it is such a station itself.
    is_station: bool,
}

/// Why a log cannot show something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lack {
    /// Its last message is of this time, seconds since boot.
    Ends(f64),
    /// Its first message is of this time.
    Begins(f64),
    /// It does not have this station, nor any after it.
    Before(&'static str),
}

impl Point {
    /// Where a side shows something that it was seen to have.
    pub(super) fn of(area: Area, name: &str, seen: &[(usize, Seen)], group: &Group) -> Self {
        let times: Vec<f64> = seen.iter().filter_map(|(_, seen)| seen.first).collect();
        let mut point = Self { time: median(&times), is_station: area == Area::Milestone, ..Self::default() };
        let placed = seen.iter().find(|(_, seen)| seen.line > 0);
        let Some((run, line)) = placed.and_then(|(at, seen)| Some((group.runs.get(*at)?, seen.line))) else {
            return point;
        };
        let own = |station: &str| area == Area::Milestone && station == name;
        for (station, at) in stations(run).filter(|(station, _)| !own(station)) {
            if at < line { point.after = Some(station) } else { point.later.push(station) }
        }
        point
    }

    /// Why a run could not have it; nothing if it could. `pace` says how many times as long everything takes there. That a log has no
    /// later message counts only where it is `alone`: a run of several in which nothing happened is quiet, and to leave those out
    /// would make of every rate a certainty.
    pub(super) fn lacked_by(&self, run: &Run, pace: f64, alone: bool) -> Option<Lack> {
        let has = |station: &str| stations(run).any(|(known, _)| known == station);
        let ended = ENDS.iter().any(|end| has(end));
        if let (Some((first, last)), Some(time), true) = (run.span, self.time, alone) {
            let expected = time * pace;
            if expected > last && !ended {
                return Some(Lack::Ends(last));
            }
            return (expected < first && !has(BEGINNING)).then_some(Lack::Begins(first));
        }
        // Of several boots those that hang are those that do not go on.
        if self.is_station && !alone {
            return None;
        }
        let after = self.after.filter(|after| !ended && !has(after))?;
        let any = stations(run).next().is_some();
        (any && !self.later.iter().any(|later| has(later))).then_some(Lack::Before(after))
    }

    /// Whether a run reached the station before it: what it lacks then is the next one.
    pub(super) fn is_next_of(&self, run: &Run) -> bool {
        self.after.is_none_or(|after| stations(run).any(|(station, _)| station == after))
    }
}

/// The stations of a run, in the order of its log.
fn stations(run: &Run) -> impl Iterator<Item = (&'static str, u64)> {
    run.stations.iter().copied()
}

impl Lack {
    /// The rest of a sentence about a log.
    pub(super) fn words(self) -> String {
        match self {
            Self::Ends(time) => format!("whose log ends at {time:.1} s"),
            Self::Begins(time) => format!("whose log begins at {time:.1} s"),
            Self::Before(station) => format!("whose log does not reach '{station}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(span: Option<(f64, f64)>, stations: &[(&'static str, u64)]) -> Run {
        Run { span, stations: stations.to_vec(), ..Run::default() }
    }

    fn point(time: Option<f64>, line: u64, run: Run) -> Point {
        let seen = Seen { times: 1, first: time, line };
        Point::of(Area::Crash, "x", &[(0, seen)], &Group { name: String::new(), runs: vec![run] })
    }

    #[test]
    fn what_comes_after_the_end_of_a_log_cannot_be_in_it() {
        let whole = run(Some((0.0, 20.0)), &[("kernel starts", 1), ("first process", 50)]);
        let late = point(Some(9.0), 60, whole);
        assert_eq!(late.lacked_by(&run(Some((0.0, 6.0)), &[]), 1.0, true), Some(Lack::Ends(6.0)));
        assert_eq!(late.lacked_by(&run(Some((0.0, 6.0)), &[]), 1.0, false), None, "a quiet run of several");
        assert_eq!(late.lacked_by(&run(Some((0.0, 10.0)), &[]), 1.0, true), None);
        assert_eq!(late.lacked_by(&run(Some((0.0, 10.0)), &[]), 2.0, true), Some(Lack::Ends(10.0)));
        assert_eq!(late.lacked_by(&run(Some((0.0, 6.0)), &[("power down", 9)]), 1.0, true), None, "it ended in order");
        assert_eq!(late.lacked_by(&run(Some((10.0, 60.0)), &[]), 1.0, true), Some(Lack::Begins(10.0)));
    }

    #[test]
    fn without_times_the_stations_tell() {
        let late = point(None, 60, run(None, &[("kernel starts", 1), ("first process", 50), ("systemd ready", 70)]));
        assert_eq!(late.lacked_by(&run(None, &[("kernel starts", 1)]), 1.0, true), Some(Lack::Before("first process")));
        assert_eq!(late.lacked_by(&run(None, &[("kernel starts", 1), ("first process", 9)]), 1.0, true), None);
        assert_eq!(late.lacked_by(&run(None, &[("systemd ready", 1)]), 1.0, true), None, "it has a later one");
        assert_eq!(late.lacked_by(&run(None, &[]), 1.0, true), None, "a log without stations says nothing of them");
    }
}
