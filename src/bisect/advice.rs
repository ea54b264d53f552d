//! What to make of a walk: the answer in a sentence, where results stopped being reliable, what still holds, what to test next.

use super::record::{Bisection, Kind, NextTest, Nuisance, Outcome, Role, RunResult, Step, Trust, Unreliable, Verdict};
use super::signs::{Walk, name};
use super::title;
use std::collections::BTreeMap;

/// A kernel that crashes less often than this is not reliably bad.
const WEAK: f64 = 0.3;
/// A kernel that would survive so often although it is bad is not reliably good.
const LUCK: f64 = 0.05;

/// The answer in one line.
#[must_use]
pub fn answer(found: &Bisection) -> String {
    let belief = match found.confidence {
        Some(confidence) => format!(": {} ({:.0} %)", belief(confidence), confidence * 100.0),
        None => String::new(),
    };
    let side = match (found.kind, &found.terms) {
        (Kind::Fix, _) => "good",
        (_, Some(terms)) => terms.new.as_str(),
        _ => "bad",
    };
    match (found.outcome, &found.commits[..]) {
        (Outcome::Culprit, [commit]) => format!("first {side} commit {}{belief}", short(commit)),
        (Outcome::Candidates, commits) => format!("one of {} commits is the first {side} one{belief}", commits.len()),
        (Outcome::Horizon, _) => horizon(found),
        (Outcome::Error, _) => format!(
            "no answer: {}",
            found.error.as_deref().and_then(|error| error.lines().next()).unwrap_or("the job failed")
        ),
        _ => match found.revisions_left {
            Some(left) => format!("no answer yet: the log ends with {left} revisions left to test"),
            None => "no answer: the log ends before one".to_owned(),
        },
    }
}

fn belief(confidence: f64) -> &'static str {
    match confidence {
        confidence if confidence >= 0.8 => "very likely right",
        confidence if confidence >= 0.6 => "probably right",
        confidence if confidence >= 0.4 => "a coin toss",
        confidence if confidence >= 0.15 => "probably wrong",
        _ => "very likely wrong",
    }
}

fn horizon(found: &Bisection) -> String {
    let oldest = found.steps.iter().rev().find(|step| step.release.is_some() && step.is_crashing());
    match (found.kind, oldest) {
        (Kind::Fix, _) => "not fixed: the crash still happens at the end of the range".to_owned(),
        (Kind::Git, _) => "the bug is older than the range: a merge base is bad".to_owned(),
        (Kind::Cause, Some(step)) => format!("older than {}, the oldest release that was tested", name(step)),
        (Kind::Cause, None) => "the bug is at the end of the range already".to_owned(),
    }
}

/// What kept tests from running, most frequent first.
#[must_use]
pub fn infrastructure(steps: &[Step]) -> Vec<Nuisance> {
    let mut seen: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for step in steps {
        let mut here: BTreeMap<String, u32> = BTreeMap::new();
        for run in step
            .runs
            .iter()
            .filter(|run| !matches!(run.result, RunResult::Ok | RunResult::Crashed | RunResult::Ignored))
        {
            let texts = run.title.iter().chain(&run.detail);
            // The lines behind a title say more than the title.
            let known = texts.rev().find_map(|text| title::infrastructure(text)).map(str::to_owned);
            let infra = matches!(run.result, RunResult::Infra | RunResult::Failed);
            if let Some(words) = known.or_else(|| run.title.clone().filter(|_| infra)) {
                *here.entry(words.chars().take(100).collect()).or_default() += 1;
            }
        }
        for (words, runs) in here {
            let entry = seen.entry(words).or_default();
            *entry = (entry.0 + runs, entry.1 + 1);
        }
    }
    let mut list: Vec<Nuisance> =
        seen.into_iter().map(|(title, (runs, steps))| Nuisance { title, runs, steps }).collect();
    list.sort_by(|one, other| other.runs.cmp(&one.runs).then_with(|| one.title.cmp(&other.title)));
    list.truncate(12);
    list
}

/// Fills in where the walk became unreliable, what its reliable steps support, and the next test.
pub fn give(found: &mut Bisection) {
    let (unreliable, trust, next) = {
        let walk = Walk::new(found);
        let doubts = doubts(found, &walk);
        (first(found, &doubts), trust(found, &walk, &doubts), next_test(found, &walk, &doubts))
    };
    (found.unreliable_from, found.trust, found.next_test) = (unreliable, trust, next);
}

/// A step that cannot be relied on, by its line in the log, and why.
struct Doubt {
    line: u64,
    why: String,
}

fn doubts(found: &Bisection, walk: &Walk<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    // A plain log has verdicts, and nothing to check them by.
    if found.kind == Kind::Git {
        return doubts;
    }
    let mut doubt = |step: &Step, why: String| doubts.push(Doubt { line: step.line, why });
    for step in &walk.crashing {
        let ratio = step.ratio().unwrap_or(1.0);
        if ratio < WEAK {
            doubt(
                step,
                format!("{} crashed in only {} of {} runs", name(step), step.crashed, step.crashed + step.survived),
            );
        } else if walk.related(step) < 0.5 {
            let titles: Vec<&str> = step.titles().take(1).collect();
            doubt(
                step,
                format!(
                    "{} crashed as \"{}\", which is not the bug of the first test",
                    name(step),
                    titles.first().copied().unwrap_or("?")
                ),
            );
        }
    }
    let strong: Vec<f64> =
        walk.crashing.iter().filter_map(|step| step.ratio()).filter(|ratio| *ratio >= WEAK).collect();
    let usual = if strong.is_empty() { WEAK } else { strong.iter().sum::<f64>() / strong.len() as f64 };
    for step in &walk.surviving {
        let luck = (1.0 - usual.min(0.98)).powi(i32::try_from(step.survived.min(1000)).unwrap_or(1000));
        if luck > LUCK {
            doubt(
                step,
                format!(
                    "{} survived only {} runs; a bad kernel survives so many in {:.0} % of cases",
                    name(step),
                    step.survived,
                    luck * 100.0
                ),
            );
        }
    }
    for step in found.walked().filter(|step| step.contradiction.is_some()) {
        doubt(step, format!("{}: {}", name(step), step.contradiction.as_deref().unwrap_or_default()));
    }
    doubts.sort_by_key(|doubt| doubt.line);
    doubts
}

fn first(found: &Bisection, doubts: &[Doubt]) -> Option<Unreliable> {
    let doubt = doubts.first()?;
    let step = found.steps.iter().position(|step| step.line == doubt.line)?;
    Some(Unreliable { step, why: doubt.why.clone() })
}

/// The last reliable step of each side. git only ever asks for ancestors of everything that was bad before, so each of them holds
/// whatever became of the steps between.
fn trust(found: &Bisection, walk: &Walk<'_>, doubts: &[Doubt]) -> Option<Trust> {
    if found.kind == Kind::Git {
        return None;
    }
    let reliable = |step: &&&Step| doubts.binary_search_by_key(&step.line, |doubt| doubt.line).is_err();
    let start = found.walked().find(|step| step.is_crashing());
    let crashing = walk.crashing.iter().filter(reliable).max_by_key(|step| step.line).copied().or(start);
    let surviving = walk.surviving.iter().filter(reliable).max_by_key(|step| step.line).copied();
    let (bad, good) = if found.kind == Kind::Fix { (surviving, crashing) } else { (crashing, surviving) };
    let label = |step: &Step| step.release.clone().unwrap_or_else(|| step.commit.clone());
    let answered = matches!(found.outcome, Outcome::Culprit | Outcome::Candidates);
    let only = match (doubts.is_empty(), answered) {
        (true, true) => "every step supports",
        (true, false) => "known so far:",
        (false, _) => "trust only",
    };
    let words = match (bad, good) {
        (Some(bad), Some(good)) => format!("{only} {}..{}", name(good), name(bad)),
        (Some(bad), None) if found.kind == Kind::Fix => format!("{only} that {} survives", name(bad)),
        (Some(bad), None) => format!("{only} that {} crashes", name(bad)),
        (None, Some(good)) => {
            format!("{only} that {} {}", name(good), if found.kind == Kind::Fix { "crashes" } else { "survives" })
        }
        (None, None) => return None,
    };
    Some(Trust { bad: bad.map(label), good: good.map(label), words })
}

fn next_test(found: &Bisection, walk: &Walk<'_>, doubts: &[Doubt]) -> Option<NextTest> {
    let test = |commit: Option<&str>, words: String| Some(NextTest { commit: commit.map(str::to_owned), words });
    let first =
        walk.first.iter().next().map_or_else(|| "the original crash".to_owned(), |title| format!("\"{title}\""));
    let culprit = found.culprit.as_ref();
    match found.outcome {
        Outcome::Incomplete | Outcome::Error | Outcome::Horizon if found.kind == Kind::Git => None,
        Outcome::Error | Outcome::Incomplete => match (found.walked().any(Step::is_crashing), &found.range) {
            (false, _) => {
                let start = found.rewritten.as_ref().map(|new| &new.commit).or(found.start_commit.as_ref())?;
                test(Some(start), format!("reproduce the crash on {} first", short(start)))
            }
            (true, Some(range)) => test(None, format!("go on by hand inside {}", found.trust_or(range))),
            (true, None) => test(None, "look for a release that survives".to_owned()),
        },
        Outcome::Horizon => {
            test(None, "test whether the oldest kernel crashes for want of a fix or for the same bug".to_owned())
                .filter(|_| !doubts.is_empty())
        }
        Outcome::Culprit if found.flags.merge => {
            let parents = culprit.map(|culprit| culprit.parents.join(" and ")).filter(|parents| !parents.is_empty());
            test(
                None,
                format!(
                    "test both sides of the merge ({}): a merge is seldom the cause itself",
                    parents.as_deref().unwrap_or("its parents")
                ),
            )
        }
        Outcome::Culprit | Outcome::Candidates => {
            let doubted = |steps: &[&Step]| {
                let weak =
                    steps.iter().filter(|step| doubts.binary_search_by_key(&step.line, |doubt| doubt.line).is_ok());
                weak.max_by_key(|step| step.line).map(|step| (*step).clone())
            };
            if let Some(step) = doubted(&walk.crashing) {
                let runs = runs_needed(step.ratio().filter(|ratio| *ratio < WEAK).unwrap_or(WEAK));
                return test(
                    Some(&step.commit),
                    format!("run {} {runs} times more and see whether {first} is among the crashes", name(&step)),
                );
            }
            if let Some(step) = doubted(&walk.surviving) {
                return test(Some(&step.commit), format!("run {} longer: it may have survived by luck", name(&step)));
            }
            if let [candidate, rest @ ..] = &found.commits[..]
                && !rest.is_empty()
            {
                let skipped = found.steps.iter().rev().find(|step| step.verdict == Some(Verdict::Skip));
                let why = skipped
                    .and_then(|step| step.failure.clone().or_else(|| step.runs.first()?.title.clone()))
                    .map_or_else(String::new, |why| format!(" (skipped for: {why})"));
                return test(
                    Some(candidate),
                    format!("repair and test the candidates between, {} first{why}", short(candidate)),
                );
            }
            if found.remarks.iter().any(|remark| remark.contains("confirmed")) {
                return None;
            }
            let commit = found.commits.first()?;
            if !found.remarks.is_empty() {
                return test(
                    Some(commit),
                    format!("settle the remarks first, then test {} and its parent again", short(commit)),
                );
            }
            if found.terms.is_some() {
                return test(Some(commit), format!("test {} and its parent again, several times each", short(commit)));
            }
            if found.kind == Kind::Fix {
                return test(
                    Some(commit),
                    format!("apply {} alone to the crashing kernel: it must survive", short(commit)),
                );
            }
            let start = found
                .start_commit
                .as_deref()
                .map_or_else(|| "the first kernel".to_owned(), |start| short(start).to_owned());
            test(Some(commit), format!("revert {} on {start}: {first} must go away", short(commit)))
        }
    }
}

/// Runs after which a kernel that crashes with probability `ratio` has crashed with 95 %.
fn runs_needed(ratio: f64) -> u32 {
    (LUCK.ln() / (1.0 - ratio.clamp(0.02, 0.9)).ln()).ceil() as u32
}

impl Bisection {
    /// The trusted range in words, else the range that git was given.
    fn trust_or(&self, range: &super::record::Range) -> String {
        let last = |verdict| {
            self.steps.iter().rev().find(|step| step.verdict == Some(verdict) && step.role == Role::Bisect).map(name)
        };
        let good =
            last(Verdict::Good).or_else(|| range.good_release.clone()).unwrap_or_else(|| short(&range.good).to_owned());
        let bad =
            last(Verdict::Bad).or_else(|| range.bad_release.clone()).unwrap_or_else(|| short(&range.bad).to_owned());
        format!("{good}..{bad}")
    }
}

/// The first twelve digits of a commit.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
