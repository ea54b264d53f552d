//! Is it fixed? What the history of a tree says of a bug after the kernel that crashed.

use super::answers::remembered;
use super::blame::commits_touching;
use super::code::function_named;
use super::commit::of_ids;
use super::git::{SourceError, is_hash, words};
use super::history::{History, Says, history_of};
use super::record::{Base, Copied, FIXED_SCHEMA, Fix, FixGrade, Fixed, Revert};
use super::tree::{Tree, short};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// How many candidates are looked into.
const LOOKED_INTO: usize = 12;
/// How many commits that touch the function are named.
const TOUCHING: usize = 5;
/// How many copies of a fix are reported.
const COPIES: usize = 12;

/// How wrong clocks may be, seconds.
const SKEW: i64 = 3 * 86_400;
/// Of so many files of a commit it is asked which later commits touch them.
const FILES: usize = 200;
/// How many names are given to git at once: what a command line holds.
const MANY: usize = 2_000;

/// What is known of the bug.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// syzbot's id of the bug, hex digits.
    pub extid: Option<String>,
    /// Titles of the bug.
    pub titles: Vec<String>,
    /// The commits that wrote the blamed lines.
    pub blamed: Vec<String>,
    /// The file and the function that are blamed.
    pub function: Option<(String, String)>,
    /// The kernel that crashed.
    pub base: Option<Base>,
}

/// A candidate while reasons are gathered.
#[derive(Debug, Default)]
struct Candidate {
    grade: Option<FixGrade>,
    because: Vec<String>,
}

/// Searches a tree for what fixes a bug.
///
/// # Errors
/// What git says.
pub fn fixed(tree: &Tree, query: &Query) -> Result<Fixed, SourceError> {
    let history = history_of(tree)?;
    let mut candidates = BTreeMap::new();
    let mut unknown = Vec::new();
    gather(tree, query, &history, &mut candidates)?;
    if let Some(base) = &query.base
        && let Err(error) = touching(tree, query, base, &mut candidates)
    {
        unknown.push(if error.is_missing_object() {
            "this partial clone lacks what it takes to tell which later commits touch the function".into()
        } else {
            error.to_string()
        });
    }
    let ids: Vec<&str> = candidates.keys().map(String::as_str).collect();
    let mut commits = of_ids(&tree.git, ids)?;
    let grade = |id: &str| candidates.get(id).and_then(|candidate: &Candidate| candidate.grade);
    // The surest first, of those the oldest: it came first.
    commits.sort_by(|one, other| {
        grade(&other.commit)
            .cmp(&grade(&one.commit))
            .then(one.committed.cmp(&other.committed))
            .then(one.commit.cmp(&other.commit))
    });
    let copy_of_another = |id: &str| {
        let of = history.said_by(id, Says::CopyOf);
        of.iter().any(|of| candidates.keys().any(|other| other != id && other.starts_with(of.as_str())))
    };
    let base = query.base.as_ref().map(|base| base.commit.as_str());
    let mut fixes = Vec::new();
    for commit in commits {
        if fixes.len() == LOOKED_INTO || copy_of_another(&commit.commit) {
            continue;
        }
        let Some(candidate) = candidates.get(&commit.commit) else { continue };
        let Some(grade) = candidate.grade else { continue };
        let releases = releases_with(tree, &commit.commit)?;
        let branches = if releases.is_empty() { branches_with(tree, &commit.commit)? } else { Vec::new() };
        if releases.is_empty() && branches.is_empty() {
            // Of a branch that was rewritten since.
            continue;
        }
        let copies = copies_of(tree, &history, &commit.commit)?;
        let in_base = base.and_then(|base| has_commit(tree, base, &commit.commit, &copies));
        // What the kernel had already is not a fix of what it did then, unless somebody says so.
        if in_base == Some(true) && grade < FixGrade::Stated {
            continue;
        }
        let reverted = reverted(&history, &commit.commit, 0);
        fixes.push(Fix {
            grade,
            because: candidate.because.clone(),
            reverted,
            releases,
            branches,
            copies,
            in_base,
            commit,
        });
    }
    let fixed =
        fixes.iter().any(|fix| fix.grade >= FixGrade::Likely && fix.reverted.is_none() && fix.in_base != Some(true));
    if tree.state.shallow {
        unknown.push("this clone is shallow: commits before its cut are not searched".into());
    }
    Ok(Fixed { schema: FIXED_SCHEMA, asked: asked(query), fixed, fixes, ends: tree.state.ends.clone(), unknown })
}

/// What was looked for, in words.
fn asked(query: &Query) -> Vec<String> {
    let mut asked: Vec<String> = query.extid.iter().map(|id| format!("the bug {id}")).collect();
    asked.extend(query.titles.iter().map(|title| format!("the title {title}")));
    asked.extend(query.blamed.iter().map(|commit| format!("fixes of {}", short(commit))));
    asked.extend(query.function.iter().map(|(file, name)| format!("changes of {name} in {file}")));
    asked
}

fn gather(
    tree: &Tree,
    query: &Query,
    history: &History,
    candidates: &mut BTreeMap<String, Candidate>,
) -> Result<(), SourceError> {
    let mut add = |id: &str, grade: FixGrade, why: String| {
        let candidate = candidates.entry(id.to_owned()).or_default();
        candidate.grade = candidate.grade.max(Some(grade));
        candidate.because.push(why);
    };
    if let Some(extid) = &query.extid {
        for entry in history.saying(Says::Bug, extid) {
            add(&entry.commit, FixGrade::Stated, format!("its message names the bug {extid}"));
        }
        for entry in history.saying(Says::Tested, extid) {
            add(&entry.commit, FixGrade::Likely, format!("it was tested for the bug {extid}"));
        }
    }
    for title in &query.titles {
        for entry in history.named(title) {
            add(&entry.commit, FixGrade::Likely, "its subject holds the title".into());
        }
    }
    for blamed in &query.blamed {
        let entries = history.saying(Says::Fixes, blamed);
        let wrote = if query.function.is_some() { ", which wrote the blamed line" } else { "" };
        // Where no file is blamed, those that the commit itself touches.
        let mut files = match &query.function {
            Some((file, _)) => vec![file.clone()],
            None if entries.is_empty() => Vec::new(),
            None => files_of(tree, blamed)?,
        };
        files.truncate(FILES);
        let touching = changing(tree, entries.iter().map(|entry| entry.commit.as_str()), &files)?;
        for entry in entries {
            let fixes = format!("it fixes {}{wrote}", short(blamed));
            if touching.contains(&entry.commit) {
                let file = if let [file] = &files[..] { file.as_str() } else { "its files" };
                add(&entry.commit, FixGrade::Likely, format!("{fixes}, and touches {file}"));
            } else {
                add(&entry.commit, FixGrade::Possible, fixes);
            }
        }
    }
    Ok(())
}

/// Commits after the base that touch the function.
fn touching(
    tree: &Tree,
    query: &Query,
    base: &Base,
    candidates: &mut BTreeMap<String, Candidate>,
) -> Result<(), SourceError> {
    let Some((file, name)) = &query.function else { return Ok(()) };
    let text = tree.text(&tree.tip, file)?.unwrap_or_default();
    let Some(function) = function_named(&text, name) else { return Ok(()) };
    for commit in commits_touching(tree, file, &function, &tree.tip, Some(&base.commit), TOUCHING)? {
        let candidate = candidates.entry(commit.commit).or_default();
        candidate.grade = candidate.grade.max(Some(FixGrade::Possible));
        candidate.because.push(format!("it touches {name} after the kernel that crashed"));
    }
    Ok(())
}

/// The commit that takes another back, unless it was taken back itself.
fn reverted(history: &History, commit: &str, depth: u8) -> Option<Revert> {
    // A revert of a revert of a revert … is reported no further.
    if depth > 4 {
        return None;
    }
    let entry = history
        .saying(Says::Reverts, commit)
        .into_iter()
        .find(|entry| entry.commit != commit && reverted(history, &entry.commit, depth + 1).is_none())?;
    Some(Revert { commit: entry.commit, subject: entry.subject })
}

/// The first releases that have a commit: a candidate and the release after it, or the release alone.
///
/// # Errors
/// What git says.
fn releases_with(tree: &Tree, commit: &str) -> Result<Vec<String>, SourceError> {
    let find = || {
        tree.tell(&format!("which release has {}", short(commit)));
        let since = of_ids(&tree.git, [commit])?.pop().map_or(0, |commit| commit.committed) - SKEW;
        // A tag from before the commit cannot have it; asking for it would walk the whole history.
        let later: Vec<&str> =
            release_tags(tree)?.iter().filter(|(_, made)| *made >= since).map(|(name, _)| name.as_str()).collect();
        let mut containing = Vec::new();
        for names in later.chunks(MANY) {
            let mut asked = words(&["for-each-ref", "--sort=version:refname", "--format=%(refname:lstrip=2)"]);
            asked.push(format!("--contains={commit}").into());
            asked.extend(names.iter().map(|name| format!("refs/tags/{name}").into()));
            let said = tree.git.output(&asked)?;
            containing.extend(String::from_utf8_lossy(&said).lines().map(str::to_owned));
        }
        let mut tags = containing.iter().map(String::as_str);
        let first: Vec<String> = tags.next().map(str::to_owned).into_iter().collect();
        let whole = first.first().filter(|tag| tag.contains("-rc")).and_then(|_| tags.find(|tag| !tag.contains("-rc")));
        Ok(first.iter().cloned().chain(whole.map(str::to_owned)).collect::<Vec<_>>())
    };
    // Which release has it first does not change once there is one; until then it may with every fetch.
    let kept = remembered::<Vec<String>>(tree, &["releases", commit, &tree.tip], find)?;
    Ok(kept)
}

/// The tags of releases in the order of their versions, each with when it was made, seconds since 1970.
fn release_tags(tree: &Tree) -> Result<&[(String, i64)], SourceError> {
    if let Some(known) = tree.release_tags.get() {
        return Ok(known);
    }
    let format = "--format=%(creatordate:unix) %(refname:lstrip=2)";
    let said = tree.git.output(&["for-each-ref", "--sort=version:refname", format, "refs/tags"])?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let tags = said.lines().filter_map(|line| {
        let (made, name) = line.split_once(' ')?;
        let number = name.strip_prefix('v')?;
        number.starts_with(|first: char| first.is_ascii_digit()).then_some((name.to_owned(), made.parse().ok()?))
    });
    Ok(tree.release_tags.get_or_init(|| tags.collect()))
}

/// Some branches that have a commit.
///
/// # Errors
/// What git says.
fn branches_with(tree: &Tree, commit: &str) -> Result<Vec<String>, SourceError> {
    let containing = format!("--contains={commit}");
    let said = tree.git.output(&words(&[
        "for-each-ref",
        "--count=3",
        "--sort=-committerdate",
        &containing,
        "--format=%(refname:lstrip=2)",
        "refs/heads",
        "refs/remotes",
    ]))?;
    Ok(String::from_utf8_lossy(&said).lines().map(str::to_owned).collect())
}

/// Copies of a commit in other branches.
fn copies_of(tree: &Tree, history: &History, commit: &str) -> Result<Vec<Copied>, SourceError> {
    let mut copies = Vec::new();
    for entry in history.saying(Says::CopyOf, commit).into_iter().take(COPIES) {
        let release = releases_with(tree, &entry.commit)?.into_iter().next();
        copies.push(Copied { commit: entry.commit, release });
    }
    copies.sort_by(|one, other| one.release.cmp(&other.release));
    Ok(copies)
}

/// Whether a kernel has a commit or a copy of it.
fn has_commit(tree: &Tree, kernel: &str, commit: &str, copies: &[Copied]) -> Option<bool> {
    let mut sure = true;
    for id in std::iter::once(commit).chain(copies.iter().map(|copy| copy.commit.as_str())) {
        match tree.is_before(id, kernel) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => sure = false,
        }
    }
    sure.then_some(false)
}

/// Those of some commits that change one of some files.
fn changing<'a>(
    tree: &Tree,
    commits: impl Iterator<Item = &'a str>,
    files: &[String],
) -> Result<BTreeSet<String>, SourceError> {
    let asked: String = commits.map(|commit| format!("{commit}\n")).collect();
    // Without a file git would list all of them.
    if asked.is_empty() || files.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut arguments = words(&["diff-tree", "--stdin", "--root", "-r", "--name-only", "--"]);
    arguments.extend(files.iter().map(OsString::from));
    let said = tree.git.output_for(&arguments, asked.as_bytes())?;
    // The id of each commit that changes it, and the file below.
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok(said.lines().filter(|line| is_hash(line)).map(str::to_owned).collect())
}

/// The files that a commit changes; of a merge none.
///
/// # Errors
/// What git says.
pub(super) fn files_of(tree: &Tree, commit: &str) -> Result<Vec<String>, SourceError> {
    let said = tree.git.output(&["diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", commit])?;
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok(said.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect())
}
