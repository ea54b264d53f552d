//! What a transcript shows for and against its answer: some two dozen numbers, each with its words.
//!
//! No commit hash, no title and no name is a sign; titles count only through their relation to the first test's.

use super::crash_text::Seen;
use super::record::{Bisection, Kind, Role, RunResult, Step, Verdict};
use super::title::{self, relation, relation_words};
use std::collections::{BTreeMap, BTreeSet};

/// How many titles of a step are compared.
const TITLES: usize = 64;
/// Beyond so many releases the age of a bug says nothing more.
const OLDEST: usize = 8;

/// One sign: a term of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    /// Its id in `weights.toml`.
    pub id: &'static str,
    /// Its value for this log.
    pub value: f64,
    /// What was seen, in words.
    pub words: String,
}

/// The steps that the signs look at.
pub(super) struct Walk<'a> {
    found: &'a Bisection,
    /// Steps on which the bug, or what was taken for it, was seen.
    pub(super) crashing: Vec<&'a Step>,
    /// Steps that survived.
    pub(super) surviving: Vec<&'a Step>,
    /// Titles of the first test that crashed.
    pub(super) first: BTreeSet<&'a str>,
}

/// Collects the signs of a log that names commits.
#[must_use]
pub fn signs(found: &Bisection, seen: &Seen) -> Vec<Sign> {
    let walk = Walk::new(found);
    let mut signs = Vec::new();
    answer_signs(found, &mut signs);
    run_signs(&walk, &mut signs);
    title_signs(&walk, &mut signs);
    walk_signs(&walk, &mut signs);
    file_signs(&walk, seen, &mut signs);
    signs
}

impl<'a> Walk<'a> {
    pub(super) fn new(found: &'a Bisection) -> Self {
        let (seen, unseen) =
            if found.kind == Kind::Fix { (Verdict::Good, Verdict::Bad) } else { (Verdict::Bad, Verdict::Good) };
        let (mut crashing, mut surviving) = (Vec::new(), Vec::new());
        for step in found.walked() {
            // A release that crashed too seldom was skipped.
            let skipped = step.rules_verdict == Some(Verdict::Skip);
            if step.is_crashing() && (step.verdict == Some(seen) || (step.role == Role::Release && !skipped)) {
                crashing.push(step);
            } else if step.survived > 0
                && !step.is_crashing()
                && (step.verdict == Some(unseen) || matches!(step.role, Role::Release | Role::Head))
            {
                surviving.push(step);
            }
        }
        let first = found.walked().find(|step| step.is_crashing());
        Self {
            found,
            crashing,
            surviving,
            first: first.map(|step| step.titles().take(TITLES).collect()).unwrap_or_default(),
        }
    }

    /// The best relation of a step's titles to those of the first test.
    pub(super) fn related(&self, step: &Step) -> f64 {
        step.titles()
            .take(TITLES)
            .flat_map(|title| self.first.iter().map(move |first| relation(title, first)))
            .fold(0.0, f64::max)
    }
}

/// How a step is called in a sentence.
pub(super) fn name(step: &Step) -> String {
    step.release.clone().unwrap_or_else(|| step.commit.chars().take(12).collect())
}

fn flag(id: &'static str, seen: bool, yes: impl Into<String>, no: impl Into<String>) -> Sign {
    Sign { id, value: f64::from(u8::from(seen)), words: if seen { yes.into() } else { no.into() } }
}

fn answer_signs(found: &Bisection, signs: &mut Vec<Sign>) {
    let flags = found.flags;
    let odd: Vec<&str> = [
        (flags.merge, "a merge"),
        (flags.release, "a version bump"),
        (flags.no_op, "without effect on the kernel binary"),
    ]
    .iter()
    .filter(|(seen, _)| *seen)
    .map(|(_, words)| *words)
    .collect();
    signs.push(flag(
        "void",
        !odd.is_empty(),
        format!("the named commit is {}; such an answer is practically never right", odd.join(", ")),
        "the named commit is an ordinary one",
    ));
    let several = found.commits.len();
    let words = if several > 1 { format!("{several} commits are left") } else { "one commit is left".to_owned() };
    signs.push(Sign { id: "several", value: (several as f64).max(1.0).ln(), words });
    signs.push(flag(
        "flaky",
        found.flagged_flaky,
        "the job itself calls the reproducer flaky",
        "the job never called the reproducer flaky",
    ));
}

/// How reliably the kernels crashed and survived.
fn run_signs(walk: &Walk<'_>, signs: &mut Vec<Sign>) {
    let ratio = |step: &&&Step| step.ratio().unwrap_or(1.0);
    let weakest = walk.crashing.iter().min_by(|one, other| ratio(one).total_cmp(&ratio(other)));
    let lowest = weakest.as_ref().map_or(1.0, ratio);
    let words = match weakest {
        Some(step) if lowest < 1.0 => {
            format!("only {} of {} runs crashed on {}", step.crashed, step.crashed + step.survived, name(step))
        }
        _ => "every kernel called bad crashed in every run".to_owned(),
    };
    signs.push(Sign { id: "lowest-ratio", value: lowest, words });

    let single = walk.crashing.iter().find(|step| step.crashed == 1 && step.survived >= 4 && step.counted);
    let words = single.map_or_else(String::new, |step| {
        format!("{} was called bad for one crash in {} runs", name(step), step.crashed + step.survived)
    });
    signs.push(flag("single-crash", single.is_some(), words, "no kernel was called bad for a single crash"));

    let count = walk.crashing.len();
    let mean = if count == 0 {
        0.98
    } else {
        walk.crashing.iter().map(|step| step.ratio().unwrap_or(1.0)).sum::<f64>() / count as f64
    };
    let survival = 1.0 - mean.clamp(0.02, 0.98);
    let missed: f64 = walk
        .surviving
        .iter()
        .map(|step| survival.powi(i32::try_from(step.survived.clamp(1, 1000)).unwrap_or(1000)))
        .sum();
    let words = if missed > 0.05 {
        format!("about {missed:.1} of {} surviving kernels may have survived by luck", walk.surviving.len())
    } else {
        "enough runs to exclude that a bad kernel survived by luck".to_owned()
    };
    signs.push(Sign { id: "missed", value: (missed + 1e-3).ln(), words });

    let unfit = walk
        .crashing
        .iter()
        .chain(&walk.surviving)
        .filter(|step| step.runs.iter().any(|run| matches!(run.result, RunResult::BootFailed | RunResult::BasicFailed)))
        .count();
    signs.push(flag(
        "boot-failures",
        unfit > 0,
        format!("{unfit} of the judged kernels failed some runs before the test began"),
        "every judged kernel booted and ran the basic tests",
    ));

    let mut results: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for step in walk.found.walked().filter(|step| step.crashed + step.survived > 0) {
        if let Some(signature) = &step.signature {
            let entry = results.entry(signature).or_default();
            *entry = (entry.0 || step.is_crashing(), entry.1 || !step.is_crashing());
        }
    }
    let conflict = results.values().any(|(crashed, survived)| *crashed && *survived);
    signs.push(flag(
        "same-binary",
        conflict,
        "the same kernel binary crashed in one step and survived in another",
        "no kernel binary gave two results",
    ));
}

/// How the titles changed along the walk.
fn title_signs(walk: &Walk<'_>, signs: &mut Vec<Sign>) {
    let judged = walk.crashing.iter().filter(|step| step.role != Role::Release).map(|step| (walk.related(step), step));
    let farthest = judged.min_by(|one, other| one.0.total_cmp(&other.0));
    let (value, words) = match farthest {
        None => (1.0, "no kernel inside git's range crashed".to_owned()),
        Some((related, step)) if related < 1.0 => {
            (related, format!("{} crashed under {} the first test", name(step), relation_words(related)))
        }
        Some(_) => (1.0, "every bad kernel in git's range crashed under a title of the first test".to_owned()),
    };
    signs.push(Sign { id: "farthest-title", value, words });

    let clean = walk.crashing.iter().all(|step| step.ratio().unwrap_or(1.0) >= 0.9 && walk.related(step) >= 0.8);
    let no = "some bad kernel crashed seldom or under a title far from the first";
    signs.push(flag(
        "clean-walk",
        clean,
        "every bad kernel crashed in nearly every run, under a title of the first test or one close to it",
        no,
    ));

    let strangers = walk.crashing.iter().filter(|step| walk.related(step) < 0.5).count();
    let count = walk.crashing.len();
    let value = if count == 0 { 0.5 } else { strangers as f64 / count as f64 };
    let words = if strangers > 0 {
        format!("{strangers} of {count} bad kernels crashed under titles that have nothing in common with the first")
    } else {
        "every bad kernel's title has something in common with the first".to_owned()
    };
    signs.push(Sign { id: "strangers", value, words });

    let own: Vec<f64> = walk
        .found
        .walked()
        .filter(|step| step.is_crashing() && walk.found.commits.first() == Some(&step.commit))
        .map(|step| walk.related(step))
        .collect();
    let (value, words) = match own.iter().copied().reduce(f64::max) {
        Some(related) => {
            (related, format!("the named commit itself crashed under {} the first test", relation_words(related)))
        }
        None if walk.found.kind == Kind::Fix => (0.5, "the named commit survives, as a fix should".to_owned()),
        None => (0.5, "the named commit itself did not crash in any test".to_owned()),
    };
    signs.push(Sign { id: "own-crash", value, words });

    let best = |last: &str| walk.first.iter().map(|first| relation(last, first)).fold(0.0, f64::max);
    let (value, words) = match &walk.found.crash_title {
        Some(last) => {
            (best(last), format!("the log ends with a crash under {} the first test", relation_words(best(last))))
        }
        None if walk.found.kind == Kind::Fix => (1.0, "a search for a fix ends without a crash".to_owned()),
        None => (0.0, "the log ends without a crash".to_owned()),
    };
    signs.push(Sign { id: "final-crash", value, words });
}

fn walk_signs(walk: &Walk<'_>, signs: &mut Vec<Sign>) {
    let releases = walk.found.walked().filter(|step| step.role == Role::Release).count();
    let words = match releases {
        0 => "no release was tested".to_owned(),
        1 => "the newest release was good already: the bug is young".to_owned(),
        _ => format!("{releases} releases back before a good one: the older, the less its symptoms are its own"),
    };
    signs.push(Sign { id: "releases", value: (releases.clamp(1, OLDEST) as f64).ln_1p(), words });
    let skips = walk.found.walked().filter(|step| step.verdict == Some(Verdict::Skip)).count();
    signs.push(flag("skips", skips > 0, format!("{skips} commits could not be tested"), "no commit had to be skipped"));
}

/// Whether the named commit has to do with what crashed.
fn file_signs(walk: &Walk<'_>, seen: &Seen, signs: &mut Vec<Sign>) {
    let culprit = walk.found.culprit.clone().unwrap_or_default();
    let files: Vec<&str> = culprit.files.iter().map(|file| file.path.as_str()).collect();
    // Old gits list only the top directories of a change.
    let known = files.iter().any(|path| path.contains(['/', '.']));
    let special: Vec<&String> = seen.files.iter().filter(|file| !title::is_common(file)).collect();
    let hit = files.iter().find(|path| known && special.iter().any(|file| title::is_path(path, file)));
    let (value, words) = match hit {
        Some(path) => (1.0, format!("it touches {path}, which the final crash's frames name")),
        None if known && !special.is_empty() => {
            (-1.0, "it touches no file that the final crash's frames name".to_owned())
        }
        None => (0.0, "its files or those of the final crash are not known".to_owned()),
    };
    signs.push(Sign { id: "file-seen", value, words });

    let functions: BTreeSet<&str> = walk.first.iter().filter_map(|title| title::function(title)).collect();
    let homes = functions.iter().filter_map(|function| {
        seen.functions.iter().rev().find(|(name, _)| name == function).map(|(_, file)| (*function, file))
    });
    let home = homes.into_iter().find(|(_, file)| files.iter().any(|path| title::is_path(path, file)));
    let words = home.map_or_else(String::new, |(function, file)| {
        format!("it touches {file}, the home of {function}, where the first test crashed")
    });
    signs.push(flag(
        "home-seen",
        home.is_some(),
        words,
        "it is not known to touch the file in which the first test crashed",
    ));

    let about = title::tokens(&culprit.subject);
    let shared = functions.iter().flat_map(|function| title::tokens(function)).find(|word| about.contains(word));
    let words = shared
        .as_ref()
        .map_or_else(String::new, |word| format!("it is about '{word}', as the function in the first title"));
    signs.push(flag(
        "subsystem",
        shared.is_some(),
        words,
        "its subject shares no word with the function in the first title",
    ));

    let foreign = !files.is_empty() && files.iter().all(|path| title::is_foreign(path));
    signs.push(flag(
        "foreign",
        foreign,
        "it touches only documentation, tools, other architectures or absent hardware",
        "it touches code that a test kernel can run",
    ));
    signs.push(Sign { id: "files", value: (files.len() as f64).ln_1p(), words: extent(files.len()) });
    let declares = |path: &str| path.ends_with(".h") || path.contains("Kconfig") || path.contains("Makefile");
    signs.push(flag(
        "declarations",
        known && files.iter().all(|path| declares(path)),
        "it touches only headers, Kconfig or Makefiles",
        "it touches more than headers and build files",
    ));
    let builds = files.iter().any(|path| path.contains("Kconfig") || path.contains("Makefile"));
    signs.push(flag(
        "build-files",
        builds,
        "it changes what is built (Kconfig, Makefile): the code may only have been switched on",
        "it does not change what is built",
    ));
    signs.push(flag(
        "is-fix",
        !culprit.fixes.is_empty(),
        "it says that it fixes an earlier commit",
        "it does not say that it fixes something",
    ));
}

/// How much a commit touches.
fn extent(files: usize) -> String {
    match files {
        0 => "no diffstat is known".to_owned(),
        1 => "it touches one file".to_owned(),
        files => format!("it touches {files} files"),
    }
}
