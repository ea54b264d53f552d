//! syzbot's rules from runs to a verdict, through time, and where a log contradicts them.

use super::record::{Bisection, Kind, Role, RunResult, Step, Verdict};

/// No step has more runs; what is more is not a count.
pub(super) const MANY: u32 = 1_000_000;

/// One set of rules with the day from which it was in force.
#[derive(Debug, Clone, Copy)]
struct Rules {
    since: &'static str,
    /// At what share of runs that neither crashed nor survived a commit without crashes is skipped.
    neither: Option<(u32, u32)>,
    /// Survivors needed for `good`, as a share of all runs: for a stable and for a flaky reproducer.
    survivors: Option<((u32, u32), (u32, u32))>,
    /// Whether `bad` needs half of the runs to be judged.
    judged: bool,
    /// Whether `bad` needs more than one crash: `max(2, runs / 6)`.
    several: bool,
}

/// The rule sets in the order of time.
const RULES: [Rules; 5] = [
    Rules { since: "2018-05-10", neither: None, survivors: None, judged: false, several: false },
    Rules { since: "2019-03-22", neither: Some((2, 3)), survivors: None, judged: false, several: false },
    Rules {
        since: "2023-06-13",
        neither: Some((2, 3)),
        survivors: Some(((1, 2), (1, 2))),
        judged: false,
        several: false,
    },
    Rules { since: "2023-06-28", neither: None, survivors: Some(((1, 2), (3, 4))), judged: true, several: false },
    Rules { since: "2024-07-15", neither: None, survivors: Some(((1, 2), (3, 4))), judged: true, several: true },
];

/// Fills in what the rules say of each step: counts, verdicts, contradictions.
pub(super) fn apply(found: &mut Bisection) {
    let (since, until) = (found.dialect.since.clone(), found.dialect.until.clone());
    let within = |day: &str| until.as_deref().is_none_or(|until| day <= until);
    let from = since.as_deref().unwrap_or("");
    let first = RULES.iter().rposition(|rules| rules.since <= from).unwrap_or(0);
    let rules: Vec<Rules> = RULES
        .iter()
        .enumerate()
        .filter(|(at, rules)| *at == first || (*at > first && within(rules.since)))
        .map(|(_, rules)| *rules)
        .collect();
    let fix = found.kind == Kind::Fix;
    // For a month every crash was printed as two runs, the second one `crashed:` or `ignore:`.
    let doubled = since.as_deref().is_some_and(|since| since >= "2023-07-05")
        && until.as_deref().is_some_and(|until| until <= "2023-08-08");
    let mut flaky = false;
    let mut tested = 0;
    for step in &mut found.steps {
        if step.role != Role::Parent && !step.runs.is_empty() {
            count(step, since.as_deref(), until.as_deref(), tested == 0, flaky);
            tested += 1;
            if doubled && step.counted && step.crashed > 0 {
                halve(step);
            }
        }
        if step.role == Role::Parent || (step.verdict.is_none() && step.runs.is_empty()) {
            continue;
        }
        let mut given: Vec<Verdict> = rules.iter().map(|rules| rules.verdict(step, flaky)).collect();
        given.dedup();
        // git's bad side is the later one, where a fix bisection's kernels do not crash.
        if fix {
            given.iter_mut().for_each(|verdict| *verdict = turned(*verdict));
        }
        step.rules_verdict = if given.len() == 1 { given.first().copied() } else { None };
        // Without any test the verdict comes from elsewhere: the bug was not introduced yet, or people said so.
        if let Some(told) = step.verdict.filter(|told| !given.contains(told) && !step.runs.is_empty()) {
            step.contradiction = Some(format!(
                "the log told git {}, its runs say {}",
                word(told),
                given.iter().map(|verdict| word(*verdict)).collect::<Vec<_>>().join(" or ")
            ));
        }
        flaky |= step.crashed > 0 && step.crashed < step.survived;
    }
}

/// How many machines an `all runs:` line stands for, where the dates leave no doubt; numbered runs are counted.
fn count(step: &mut Step, since: Option<&str>, until: Option<&str>, first: bool, flaky: bool) {
    if step.counted {
        step.run_count = u32::try_from(step.runs.len()).ok();
        return;
    }
    let usual = |day: &str| match day {
        day if day < "2018-05-17" => 5,
        day if day < "2019-03-12" => 8,
        day if first && day >= "2020-11-04" => 20,
        day if flaky && day >= "2021-02-20" => 20,
        _ => 10,
    };
    let counts = (usual(since.unwrap_or("2018-05-10")), usual(until.unwrap_or("9999-12-31")));
    step.run_count = (counts.0 == counts.1).then_some(counts.0);
    let each = step.run_count.unwrap_or(counts.0.min(counts.1));
    // One line stands for all of them.
    (step.crashed, step.survived) =
        (step.crashed.saturating_mul(each).min(MANY), step.survived.saturating_mul(each).min(MANY));
}

/// Takes back the defect of July 2023.
fn halve(step: &mut Step) {
    let ignored = step.runs.iter().filter(|run| run.result == RunResult::Ignored).count() as u32;
    let pairs = (step.crashed + ignored) / 2;
    step.run_count = step.run_count.map(|count| count - pairs);
    step.crashed = pairs;
    step.notes.push("each crash is printed as two runs (a defect of July 2023); they are counted once".to_owned());
}

impl Rules {
    fn verdict(&self, step: &Step, flaky: bool) -> Verdict {
        let of = |result: RunResult| step.runs.iter().filter(|run| run.result == result).count() as u32;
        let (bad, good) = (of(RunResult::Crashed), of(RunResult::Ok));
        let total = u32::try_from(step.runs.len()).unwrap_or(u32::MAX);
        let neither = total - bad - good;
        // A line `all runs:` passes every threshold.
        let weight = if step.counted { 1 } else { 10 };
        if bad > 0 {
            let enough = (!self.judged || (bad + good) * 2 >= total)
                && (!self.several || bad * weight >= (total - of(RunResult::Infra)).div_euclid(6).max(2));
            return if enough { Verdict::Bad } else { Verdict::Skip };
        }
        if good == 0 || self.neither.is_some_and(|(over, of)| neither * of > total * over) {
            return Verdict::Skip;
        }
        let needed = self.survivors.map(|(stable, shaky)| if flaky { shaky } else { stable });
        if needed.is_some_and(|(over, of)| good * of < total * over) { Verdict::Skip } else { Verdict::Good }
    }
}

/// The verdict of a fix bisection for the same runs.
fn turned(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Good => Verdict::Bad,
        Verdict::Bad => Verdict::Good,
        Verdict::Skip => Verdict::Skip,
    }
}

/// The word that git is told.
#[must_use]
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Skip => "skip",
    }
}
