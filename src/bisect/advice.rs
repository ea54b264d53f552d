//! What to make of a walk: the answer in a sentence, where results stopped being reliable, what still holds, what to test next.

use super::record::{
    Bisection, Doubted, Kind, NextTest, Nuisance, Outcome, RevertResult, Role, RunResult, Step, Trust, Unreliable,
    Verdict,
};
use super::signs::{Walk, name};
use super::title;
use std::collections::BTreeMap;

/// A kernel that crashes less often than this is not reliably bad.
const WEAK: f64 = 0.3;
/// A kernel that would survive so often although it is bad is not reliably good.
const LUCK: f64 = 0.05;

/// The answer in one line.
#[must_use]
pub(super) fn answer(found: &Bisection) -> String {
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
            Some(0) => "no answer yet: the log ends before the last test".to_owned(),
            Some(1) => "no answer yet: the log ends with 1 revision left to test".to_owned(),
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
pub(super) fn infrastructure(steps: &[Step]) -> Vec<Nuisance> {
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
pub(super) fn give(found: &mut Bisection) {
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
    kind: Doubted,
    why: String,
}

fn doubts(found: &Bisection, walk: &Walk<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    // A plain log has verdicts, and nothing to check them by.
    if found.kind == Kind::Git {
        return doubts;
    }
    let mut doubt = |step: &Step, kind, why: String| doubts.push(Doubt { line: step.line, kind, why });
    for step in &walk.crashing {
        let ratio = step.ratio().unwrap_or(1.0);
        if ratio < WEAK {
            doubt(
                step,
                Doubted::SeldomCrashed,
                format!("{} crashed in only {} of {} runs", name(step), step.crashed, step.crashed + step.survived),
            );
        } else if walk.related(step) < 0.5 {
            let titles: Vec<&str> = step.titles().take(1).collect();
            doubt(
                step,
                Doubted::OtherTitle,
                format!(
                    "{} crashed as \"{}\", which has nothing in common with the title of the first test",
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
                Doubted::ShortSurvival,
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
        let why = format!("{}: {}", name(step), step.contradiction.as_deref().unwrap_or_default());
        doubt(step, Doubted::Contradiction, why);
    }
    doubts.sort_by_key(|doubt| doubt.line);
    doubts
}

fn first(found: &Bisection, doubts: &[Doubt]) -> Option<Unreliable> {
    let doubt = doubts.first()?;
    let step = found.steps.iter().position(|step| step.line == doubt.line)?;
    Some(Unreliable { step, kind: doubt.kind, why: doubt.why.clone() })
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
        (true, true) => "no step is in doubt:",
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
    match found.outcome {
        Outcome::Incomplete | Outcome::Error | Outcome::Horizon if found.kind == Kind::Git => None,
        Outcome::Error | Outcome::Incomplete => match (found.walked().any(Step::is_crashing), &found.range) {
            (false, _) => {
                let start = found.rewritten.as_ref().map(|new| &new.commit).or(found.start_commit.as_ref())?;
                test(Some(start), format!("reproduce the crash on {} first", short(start)))
            }
            (true, Some(range)) => test(None, format!("go on by hand inside {}", trust_or(found, range))),
            (true, None) => test(None, "look for a release that survives".to_owned()),
        },
        Outcome::Horizon => {
            test(None, "test whether the oldest kernel crashes for want of a fix or for the same bug".to_owned())
                .filter(|_| !doubts.is_empty())
        }
        Outcome::Culprit | Outcome::Candidates => doubted_again(walk, doubts)
            .or_else(|| untested(found))
            .or_else(|| merged(found))
            .or_else(|| confirmed(found, walk)),
    }
}

fn test(commit: Option<&str>, words: String) -> Option<NextTest> {
    Some(NextTest { commit: commit.map(str::to_owned), words })
}

/// The title of the first test, for a sentence.
fn first_title(walk: &Walk<'_>) -> String {
    walk.first.iter().next().map_or_else(|| "the original crash".to_owned(), |title| format!("\"{title}\""))
}

/// A step that cannot be relied on is tested again: of several the last, for the answer hangs on it most.
fn doubted_again(walk: &Walk<'_>, doubts: &[Doubt]) -> Option<NextTest> {
    let doubted = |steps: &[&Step]| -> Option<Step> {
        let weak = steps.iter().filter(|step| doubts.binary_search_by_key(&step.line, |doubt| doubt.line).is_ok());
        weak.max_by_key(|step| step.line).map(|step| (*step).clone())
    };
    if let Some(step) = doubted(&walk.crashing) {
        let runs = runs_needed(step.ratio().filter(|ratio| *ratio < WEAK).unwrap_or(WEAK));
        let first = first_title(walk);
        return test(
            Some(&step.commit),
            format!("run {} {runs} times more and see whether {first} is among the crashes", name(&step)),
        );
    }
    let step = doubted(&walk.surviving)?;
    test(Some(&step.commit), format!("run {} longer: it may have survived by luck", name(&step)))
}

/// Of several candidates those are to be tested that nobody could test; one that was tested is bad already.
fn untested(found: &Bisection) -> Option<NextTest> {
    if found.commits.len() < 2 {
        return None;
    }
    let told = |commit: &str| found.steps.iter().rev().find(|step| step.commit == commit && step.verdict.is_some());
    let is_open = |commit: &&String| told(commit).is_none_or(|step| step.verdict == Some(Verdict::Skip));
    let open: Vec<&String> = found.commits.iter().filter(is_open).collect();
    let first = open.first()?;
    let why = told(first)
        .and_then(|step| step.failure.clone().or_else(|| step.runs.first()?.title.clone()))
        .map_or_else(String::new, |why| format!(" (skipped for: {why})"));
    let bad: Vec<&String> = found.commits.iter().filter(|commit| !open.contains(commit)).collect();
    let words = match (&open[..], &bad[..]) {
        ([one], [other]) => {
            format!("make {} testable and test it{why}: if it is good, the answer is {}", short(one), short(other))
        }
        ([one], _) => format!("make {} testable and test it{why}", short(one)),
        // git lists the last bad commit among those that were skipped.
        (_, []) if found.kind == Kind::Git => {
            return test(None, format!("make the skipped ones of these {} testable and test them", open.len()));
        }
        _ => format!("make the {} skipped commits testable and test them, {} first{why}", open.len(), short(first)),
    };
    test(Some(first), words)
}

/// git names a merge only when its parents are good, so that testing these again shows nothing new: the sides interact, or the
/// conflict was resolved wrongly.
fn merged(found: &Bisection) -> Option<NextTest> {
    let commit = found.commits.first().filter(|_| found.flags.merge && found.commits.len() == 1)?;
    let parents = found.culprit.as_ref().map(|culprit| &culprit.parents[..]).unwrap_or_default();
    let sides = match parents {
        [one, other] => format!("{} on {}", short(other), short(one)),
        _ => "one side on the other".to_owned(),
    };
    test(
        Some(commit),
        format!(
            "{} is a merge, which git names only when its parents are good: its sides interact, or its conflicts were resolved \
             wrongly. Rebase {sides} and bisect that",
            short(commit)
        ),
    )
}

/// The test that would confirm or refute one commit; nothing where a revert has done so.
fn confirmed(found: &Bisection, walk: &Walk<'_>) -> Option<NextTest> {
    let commit = found.commits.first()?;
    if found.reverts.iter().any(|revert| revert.result == RevertResult::Passed) {
        return None;
    }
    let again = format!("test {} and its parent again, several times each", short(commit));
    if let Some(revert) = found.reverts.iter().find(|revert| revert.result == RevertResult::Failed) {
        return test(Some(commit), format!("its revert has failed (line {}): {again}", revert.line));
    }
    if found.terms.is_some() {
        return test(Some(commit), again);
    }
    if found.kind == Kind::Fix {
        return test(Some(commit), format!("apply {} alone to the crashing kernel: it must survive", short(commit)));
    }
    let start = match found.start_commit.as_deref() {
        Some(start) if start == "HEAD" || start == commit => "the bad kernel".to_owned(),
        Some(start) if found.kind == Kind::Git => name_of(found, start),
        Some(start) => short(start).to_owned(),
        None if found.kind == Kind::Git => "the bad kernel".to_owned(),
        None => "the first kernel".to_owned(),
    };
    let what = if found.kind == Kind::Git { "the bug".to_owned() } else { first_title(walk) };
    test(Some(commit), format!("revert {} on {start}: {what} must go away", short(commit)))
}

/// A commit with its release, where its subject is that of one.
fn name_of(found: &Bisection, commit: &str) -> String {
    let subject = found.steps.iter().find(|step| step.commit == commit).and_then(|step| step.subject.as_deref());
    match subject.filter(|subject| super::summary::is_release_subject(subject)) {
        Some(release) => format!("{} ({release})", short(commit)),
        None => short(commit).to_owned(),
    }
}

/// Runs after which a kernel that crashes with probability `ratio` has crashed with 95 %.
fn runs_needed(ratio: f64) -> u32 {
    (LUCK.ln() / (1.0 - ratio.clamp(0.02, 0.9)).ln()).ceil() as u32
}

/// The trusted range in words, else the range that git was given.
fn trust_or(found: &Bisection, range: &super::record::Range) -> String {
    let last = |verdict| {
        found.steps.iter().rev().find(|step| step.verdict == Some(verdict) && step.role == Role::Bisect).map(name)
    };
    let good =
        last(Verdict::Good).or_else(|| range.good_release.clone()).unwrap_or_else(|| short(&range.good).to_owned());
    let bad = last(Verdict::Bad).or_else(|| range.bad_release.clone()).unwrap_or_else(|| short(&range.bad).to_owned());
    format!("{good}..{bad}")
}

/// The first twelve digits of a commit.
#[must_use]
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
