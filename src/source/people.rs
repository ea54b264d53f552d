//! Whom to tell: maintainers, reviewers and lists of the guilty file, and those of the commit that wrote the line.

use super::address::formatted;
use super::commit::trailers;
use super::fixed::files_of;
use super::git::{SourceError, is_hash};
use super::maintainers::Maintainers;
use super::record::{Commit, People, Person, WhoSays};
use super::tree::{Tree, short};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

/// A commit that touches more files says little of who cares for each.
const FILES: usize = 10;
/// More of a commit is not searched for keywords, bytes.
const PATCH: usize = 1 << 20;

/// Whom to tell about a file and about the commit that wrote its line.
///
/// # Errors
/// What git says.
pub(super) fn people(
    tree: &Tree,
    base: &str,
    file: Option<&str>,
    blamed: Option<&Commit>,
) -> Result<People, SourceError> {
    // Who maintains it now, not who did when the kernel was built.
    let mut at = tree.state.head.as_str();
    let mut text = tree.text(at, "MAINTAINERS")?;
    if text.is_none() || file.is_some_and(|file| matches!(tree.find_file(at, file), Ok(None))) {
        at = base;
        text = tree.text(at, "MAINTAINERS")?;
    }
    let mailmap = tree.text(at, ".mailmap")?.unwrap_or_default();
    let read = text.as_deref().map(|text| Maintainers::parse(text).with_mailmap(&mailmap));
    let chiefs = read.as_ref().map(Maintainers::chiefs).unwrap_or_default();
    let mut unknown = Vec::new();
    let own: Vec<String> = file.iter().map(|file| (*file).to_owned()).collect();
    let others = match blamed {
        Some(commit) => {
            let others = files_of(tree, &commit.commit)?;
            if others.len() > FILES {
                unknown.push(format!(
                    "{} touches {} files: who maintains those is left out",
                    short(&commit.commit),
                    others.len()
                ));
                Vec::new()
            } else {
                others.into_iter().filter(|other| !own.contains(other)).collect()
            }
        }
        None => Vec::new(),
    };
    let folders = |path: &str| is_folder(tree, at, path);
    let script = if at == tree.state.head { script(tree, &own) } else { None };
    let (mut found, by) = match (script, &read) {
        (Some(found), _) => (found, WhoSays::Script),
        (None, Some(read)) => (read.of(&own, None, &folders), WhoSays::Kanalyze),
        (None, None) => (Vec::new(), WhoSays::Nobody),
    };
    if by == WhoSays::Nobody {
        unknown.push(format!("the tree has no MAINTAINERS at {}", short(at)));
    }
    if let Some(commit) = blamed {
        writers(tree, commit, &chiefs, &mut found)?;
        if let Some(read) = &read {
            let patch = if others.is_empty() { None } else { Some(patch_of(tree, &commit.commit)?) };
            let more = read.of(&others, patch.as_deref(), &folders);
            more.into_iter().for_each(|person| add(&mut found, person));
        }
    }
    found.sort_by_key(|person| person.list);
    let cc = found.iter().map(|person| format!("Cc: {}", person.address)).collect();
    Ok(People { files: own, by, people: found, cc, unknown })
}

/// Adds somebody who is not in it yet.
fn add(found: &mut Vec<Person>, person: Person) {
    let key = |person: &Person| {
        let address = person.address.rsplit_once('<').map_or(person.address.as_str(), |(_, address)| address);
        address.trim_end_matches('>').to_ascii_lowercase()
    };
    if !found.iter().any(|known| key(known) == key(&person)) {
        found.push(person);
    }
}

/// The author of a commit and those who signed and reviewed it.
fn writers(
    tree: &Tree,
    commit: &Commit,
    chiefs: &BTreeSet<String>,
    found: &mut Vec<Person>,
) -> Result<(), SourceError> {
    let ignored = tree.text(&tree.state.head, ".get_maintainer.ignore")?.unwrap_or_default().to_lowercase();
    let id = short(&commit.commit);
    let mut push = |name: &str, mail: &str, role: String| {
        let key = mail.to_ascii_lowercase();
        // What a mail's head would take for two headers or two addresses is not an address.
        let is_address = mail.contains('@')
            && !mail.contains(|char: char| char.is_whitespace() || char.is_control() || "<>,;\"".contains(char));
        if is_address && !chiefs.contains(&key) && !ignored.contains(&format!("<{key}>")) {
            let name: String = name.chars().filter(|char| !char.is_control()).collect();
            add(found, Person { address: formatted(name.trim().trim_matches('"'), mail), role, list: false });
        }
    };
    push(&commit.author, &commit.mail, format!("author of {id}"));
    if !is_hash(&commit.commit) {
        return Ok(());
    }
    let body = tree.git.output(&["log", "-1", "--format=format:%b", &commit.commit])?;
    let body = String::from_utf8_lossy(&body).into_owned();
    for (name, value) in trailers(&body) {
        let did = match name.to_ascii_lowercase().as_str() {
            "signed-off-by" | "co-developed-by" => "signed",
            "reviewed-by" | "acked-by" => "reviewed",
            _ => continue,
        };
        if let Some((person, mail)) =
            value.split_once('<').and_then(|(name, rest)| Some((name, rest.split_once('>')?.0)))
        {
            push(person.trim(), mail, format!("{did} {id}"));
        }
    }
    Ok(())
}

/// What the tree's own script says of some files; none where it cannot run: no perl, no checked-out tree.
fn script(tree: &Tree, files: &[String]) -> Option<Vec<Person>> {
    let top = Path::new(&tree.state.path);
    let there = !tree.state.bare && !files.is_empty() && top.join("scripts/get_maintainer.pl").is_file();
    if !there || !files.iter().all(|file| !file.starts_with('-') && top.join(file).is_file()) {
        return None;
    }
    let mut command = Command::new("perl");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    let said = command
        .args(["scripts/get_maintainer.pl", "--no-tree", "--no-git", "--no-git-fallback", "--no-rolestats", "--roles"])
        .args(["--no-keywords", "-f"])
        .args(files)
        .current_dir(top)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|said| said.status.success())?;
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    Some(lines.lines().filter_map(listed).collect())
}

/// `Name <address> (role)`, `address (role)`.
fn listed(line: &str) -> Option<Person> {
    let at = line.find("> (").map(|at| at + 1).or_else(|| line.find(" ("))?;
    let role = line[at..].trim().strip_prefix('(')?.strip_suffix(')')?;
    let list = role.contains(" list") && !line[..at].contains('<');
    Some(Person { address: line[..at].trim().to_owned(), role: role.to_owned(), list })
}

/// Whether a path is a folder at a commit.
fn is_folder(tree: &Tree, commit: &str, path: &str) -> bool {
    let found = tree.git.look_up(&[format!("{commit}:{path}")]).ok().and_then(|mut found| found.pop().flatten());
    found.is_some_and(|object| object.kind == "tree")
}

/// A commit as a patch with its message, as far as keywords are looked for in it.
fn patch_of(tree: &Tree, commit: &str) -> Result<Vec<u8>, SourceError> {
    let arguments =
        ["show", "--no-ext-diff", "--no-textconv", "--no-color", "--format=format:%s%n%n%b", "--unified=0", commit];
    let mut patch = Vec::new();
    tree.git.records(&arguments, b'\n', |line| {
        patch.extend_from_slice(line);
        patch.push(b'\n');
        patch.len() < PATCH
    })?;
    Ok(patch)
}
