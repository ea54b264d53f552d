//! `kanalyze.toml`: what a user would otherwise type each time, laid under the command line.
//!
//! A file holds a table per verb, `[run]`, whose keys are the verb's long options, and tables of further ones below it that
//! are only taken when they are named, `[run.profile.NAME]`; `[all]` is for every verb that has the option. A file of the user,
//! below `$XDG_CONFIG_HOME`, comes after those of the project; `KANALYZE_OPTION` in the environment before both. No option has code of its own here: what clap knows of it
//! says what its value may be.

mod file;
mod options;
mod places;
mod show;
mod trust;

pub(crate) use show::{Arguments, SETTING_SCHEMA, Shown, run};

use anyhow::{Context as _, bail};
use file::{File, Setting, Value};
use options::{another_takes, checked, given, has, leaf, of_variable, rivals};
use places::{files_for, user_file};
pub(super) use places::{own_file_name, trusts};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use trust::{Reach, is_below, reach};

/// The file's name, in a project's folder or a bundle's.
pub(super) const NAME: &str = "kanalyze.toml";

/// The table for every verb that has the option.
const ALL: &str = "all";
/// How variables of the environment begin that set options.
const VARIABLE: &str = "KANALYZE_";

/// One option that a file or the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Laid {
    /// As on the command line, one word per value.
    pub words: Vec<String>,
    /// Which file says so, or `$VARIABLE`.
    pub file: PathBuf,
    /// In which line; 0 for a variable.
    pub line: usize,
}

/// A command line with what files say.
#[derive(Debug)]
pub(super) struct Completed {
    /// All words.
    pub words: Vec<OsString>,
    /// Those that came from files.
    pub laid: Vec<Laid>,
}

/// Whose options a file may say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verb<'a> {
    /// Its words on the command line.
    pub path: &'a [&'a str],
    /// The table of the file.
    pub table: &'a str,
    /// Options that belong to one command and to no file.
    pub refused: &'a [&'a str],
}

/// Lays what `kanalyze.toml` of `folder` and the folders above says of a verb under the command line `words`; none if that
/// is nothing. What `words` says itself, or another option that excludes it, wins; then the profile; then the nearer file.
///
/// # Errors
/// A file cannot be read or says what the verb does not know; there is no such profile.
pub(super) fn complete(
    verb: &Verb<'_>,
    words: &[OsString],
    folder: &Path,
    profile: Option<&str>,
) -> anyhow::Result<Option<Completed>> {
    let files = files_for(folder)?;
    // To make all verbs takes longer than reading a small log does.
    if files.is_empty() && profile.is_none() && environment().is_empty() {
        return Ok(None);
    }
    let command = crate::cli::command();
    let options = leaf(&command, verb.path)?;
    let taken = given(&command, verb, words)?;
    let laid = settle(&options, verb, &files, taken, profile, folder)?;
    if laid.is_empty() {
        return Ok(None);
    }
    let at = (1 + verb.path.len()).min(words.len());
    let mut all = words[..at].to_vec();
    all.extend(laid.iter().flat_map(|laid| laid.words.iter().map(OsString::from)));
    all.extend_from_slice(&words[at..]);
    Ok(Some(Completed { words: all, laid }))
}

/// What the environment, a profile and files say of the options of a verb that are not `taken` already, each option once.
fn settle(
    options: &clap::Command,
    verb: &Verb<'_>,
    files: &[File],
    mut taken: BTreeSet<String>,
    profile: Option<&str>,
    folder: &Path,
) -> anyhow::Result<Vec<Laid>> {
    let mut laid = BTreeMap::new();
    let mut profiles = BTreeSet::new();
    // What is said for all verbs, `shared`, is left alone by those whose option of that name takes other words.
    let mut lay = |setting: &Setting, file: Option<&File>, path: &Path, shared: bool| -> anyhow::Result<()> {
        let words = match checked(options, setting, verb.refused, path) {
            Err(_) if shared && another_takes(setting) => return Ok(()),
            words => words.with_context(|| match setting.line {
                0 => path.display().to_string(),
                line => format!("{}:{line}", path.display()),
            })?,
        };
        let rivals = rivals(options, &setting.option);
        if taken.is_disjoint(&rivals) {
            let words = match file.filter(|file| !file.is_trusted) {
                Some(file) => confined(verb, setting, words, file)?,
                None => words,
            };
            taken.insert(setting.option.clone());
            laid.insert(setting.option.clone(), Laid { words, file: path.to_owned(), line: setting.line });
        }
        Ok(())
    };
    for (name, value) in environment() {
        let Some(setting) = of_variable(options, &name, &value) else { continue };
        if !verb.refused.contains(&setting.option.as_str()) {
            lay(&setting, None, Path::new(&format!("${name}")), true)?;
        }
    }
    for file in files {
        for (name, settings) in file.profiles(verb.table) {
            profiles.insert(name.clone());
            for setting in settings.iter().filter(|_| profile == Some(name.as_str())) {
                lay(setting, Some(file), &file.path, false)?;
            }
        }
    }
    if let Some(profile) = profile.filter(|profile| !profiles.contains(*profile)) {
        if profiles.is_empty() {
            bail!("--profile {profile}: no {NAME} in {} or above has profiles", folder.display());
        }
        let known: Vec<String> = profiles.into_iter().collect();
        bail!("--profile {profile}: no such profile, there are {}", known.join(", "));
    }
    for file in files {
        for setting in file.settings(verb.table) {
            // A table of a verb that has verbs below it is for those of them that know the option.
            if verb.path.len() > 1 && verb.path.first() == Some(&verb.table) && !has(options, &setting.option) {
                continue;
            }
            lay(setting, Some(file), &file.path, false)?;
        }
        for setting in file.settings(ALL).iter().filter(|setting| has(options, &setting.option)) {
            lay(setting, Some(file), &file.path, true)?;
        }
    }
    Ok(laid.into_values().filter(|laid| !laid.words.is_empty()).collect())
}

/// The words of a setting out of a file that may be a stranger's.
fn confined(verb: &Verb<'_>, setting: &Setting, words: Vec<String>, file: &File) -> anyhow::Result<Vec<String>> {
    let name = &setting.option;
    let takes_value = !matches!(setting.value, Value::Switch(_));
    let folder = file.path.parent().unwrap_or(Path::new("/"));
    let why = match reach(verb.path, name, takes_value) {
        Reach::Inside => return Ok(words),
        // A switch that is off changes nothing.
        Reach::Beyond(_) if words.is_empty() => return Ok(words),
        Reach::Beyond(why) => why,
        Reach::Place => {
            let Value::One(text) = &setting.value else { return Ok(words) };
            let place = folder.join(text);
            if is_below(&place, folder) {
                return Ok(vec![format!("--{name}={}", place.display())]);
            }
            "names a place outside of its folder"
        }
    };
    let own = own_file_name();
    bail!(
        "{}:{}: '{name}' {why}, and a file of a folder cannot say that: say --{name} on the command line, or, if the folder is \
         yours, trusted = [\"{}\"] at the top of {own}",
        file.path.display(),
        setting.line,
        folder.display(),
    );
}

/// Variables of the environment that may set an option, sorted.
fn environment() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| name.starts_with(VARIABLE) && !value.is_empty())
        .collect();
    found.sort();
    found
}

/// Why a file of a folder cannot say this option of a verb, as in "starts a program of this machine"; empty if it can.
pub(super) fn far(verb: &str, option: &str) -> &'static str {
    if let Reach::Beyond(why) = reach(&[verb], option, true) { why } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn complete_in(folder: &Path, words: &[&str], profile: Option<&str>) -> anyhow::Result<Vec<String>> {
        let words: Vec<OsString> = ["kanalyze", "run"].iter().chain(words).map(OsString::from).collect();
        let verb = Verb { path: &["run"], table: "run", refused: &["bundle"] };
        let completed = complete(&verb, &words, folder, profile)?;
        let words = completed.map_or(words, |completed| completed.words);
        Ok(words.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn the_command_line_wins_then_the_profile_then_the_nearer_file() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let below = root.path().join("project/bug");
        fs::create_dir_all(&below).expect("made");
        fs::write(
            root.path().join(NAME),
            "[run]\nmemory = 1024\ncpus = 1\nstop-on-hit = true\nexec = \"true\"\n[run.profile.stress]\ncpus = 8\n",
        )
        .expect("written");
        fs::write(below.join(NAME), "[run]\nmemory = 4096\nappend = [\"a\", \"b\"]\nmax_time = \"2h\"\ncpus = 2\n")
            .expect("written");
        let words = complete_in(&below, &[], None).expect("good files");
        let near =
            ["--append=a", "--append=b", "--cpus=2", "--exec=true", "--max-time=2h", "--memory=4096", "--stop-on-hit"];
        assert_eq!(words, near);
        let words =
            complete_in(&below, &["--memory", "99", "--append", "c", "--script", "x"], Some("stress")).expect("good");
        let own = ["--cpus=8", "--max-time=2h", "--stop-on-hit", "--memory", "99", "--append", "c", "--script", "x"];
        assert_eq!(words, own, "a script is another workload than a command");
        assert_eq!(complete_in(&root.path().join("elsewhere"), &[], None).expect("good").len(), 4);
    }

    #[test]
    fn paths_belong_to_the_file() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::write(root.path().join("bzImage"), "x").expect("written");
        fs::write(root.path().join(NAME), "[run]\nkernel = [\"bzImage\"]\nkey = \"keys/id\"\n").expect("written");
        let at = |name: &str| root.path().join(name).display().to_string();
        let words = complete_in(&root.path().join("below"), &[], None).expect("good");
        assert_eq!(words, [format!("--kernel={}", at("bzImage")), format!("--key={}", at("keys/id"))]);
        fs::write(root.path().join(NAME), "[run]\nkernel = \"local\"\n").expect("written");
        assert_eq!(complete_in(root.path(), &[], None).expect("good"), ["--kernel=local"]);
    }

    #[test]
    fn what_is_wrong_is_reported_with_file_and_line() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for (text, words) in [
            ("[run]\n\nmemroy = 1\n", "kanalyze.toml:3: there is no option 'memroy'"),
            ("[run]\nmemory = \"much\"\n", "kanalyze.toml:2: invalid value 'much' for '--memory <MIB>'"),
            ("[run]\nmemory = true\n", "kanalyze.toml:2: 'memory' wants a value"),
            ("[run]\nmemory = [1, 2]\n", "kanalyze.toml:2: 'memory' takes one value"),
            ("[run]\nstop-on-hit = 1\n", "kanalyze.toml:2: 'stop-on-hit' is true or false"),
            ("[run]\nbundle = \"x\"\n", "kanalyze.toml:2: 'bundle' belongs to one command"),
            ("[run]\nmemory = { a = 1 }\n", "kanalyze.toml:2: 'memory'"),
            ("[run\n", "kanalyze.toml:1: "),
            ("[rnu]\n", "kanalyze.toml:1: there is no verb 'rnu'"),
            ("memory = 1\n", "kanalyze.toml:1: there is no verb 'memory'"),
            ("[run]\nprofile = 3\n", "kanalyze.toml:2: 'profile'"),
        ] {
            fs::write(root.path().join(NAME), text).expect("written");
            let error = format!("{:#}", complete_in(root.path(), &[], None).expect_err(text));
            assert!(error.contains(words), "{text:?}: {error}");
        }
        fs::write(root.path().join(NAME), "[run.profile.a]\n[run.profile.b]\n").expect("written");
        let error = complete_in(root.path(), &[], Some("c")).expect_err("no such").to_string();
        assert_eq!(error, "--profile c: no such profile, there are a, b");
    }
}
