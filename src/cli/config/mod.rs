//! `kanalyze.toml`: what a user would otherwise type each time, laid under the command line.
//!
//! A file holds a table per verb, `[run]`, whose keys are the verb's long options, and tables of further ones below it that
//! are only taken when they are named, `[run.profile.NAME]`; `[all]` is for every verb that has the option. A file of the user,
//! below `$XDG_CONFIG_HOME`, comes after those of the project; `KANALYZE_OPTION` in the environment before both. No option has code of its own here: what clap knows of it
//! says what its value may be.

mod file;
mod show;
mod trust;

pub(crate) use show::{Arguments, SETTING_SCHEMA, Shown, run};

use crate::cli::stderr::say;
use crate::render::safe;
use anyhow::{Context as _, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ValueHint};
use file::{File, Setting, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use trust::{Reach, is_below, is_trusted, reach, stranger};

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

/// The verb that a path of words leads to, with all that clap adds to it.
fn leaf(command: &clap::Command, path: &[&str]) -> anyhow::Result<clap::Command> {
    let mut options = command;
    for name in path {
        options = options.find_subcommand(name).context("a verb of this program")?;
    }
    let mut options = options.clone();
    options.build();
    Ok(options)
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

/// Whether any verb has the option with this value among its words.
fn another_takes(setting: &Setting) -> bool {
    fn takes(verb: &clap::Command, setting: &Setting) -> bool {
        let value = |option: &Arg| match &setting.value {
            Value::One(text) => option.get_possible_values().iter().any(|known| known.get_name() == text),
            _ => false,
        };
        verb.get_arguments().any(|option| option.get_long() == Some(setting.option.as_str()) && value(option))
            || verb.get_subcommands().any(|below| takes(below, setting))
    }
    takes(&crate::cli::command(), setting)
}

/// Whether a verb has an option of that name.
fn has(options: &clap::Command, name: &str) -> bool {
    options.get_arguments().any(|option| option.get_long() == Some(name) && !option.is_hide_set())
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

/// The option of a verb that a variable sets, if it has one of that name.
fn of_variable(options: &clap::Command, name: &str, value: &str) -> Option<Setting> {
    let option = name.strip_prefix(VARIABLE)?.to_ascii_lowercase().replace('_', "-");
    let known =
        options.get_arguments().find(|known| known.get_long() == Some(option.as_str()) && !known.is_hide_set())?;
    // An option whose help names the variable reads it itself, and knows the one from the other.
    if known.get_help().is_some_and(|help| help.to_string().contains(&format!("${name}"))) {
        return None;
    }
    let value = if known.get_action().takes_values() {
        Value::One(value.to_owned())
    } else {
        Value::Switch(!matches!(value, "0" | "false" | "no"))
    };
    Some(Setting { option, value, line: 0 })
}

/// The file of the user.
fn user_file() -> Option<PathBuf> {
    let home = crate::files::absolute("XDG_CONFIG_HOME")
        .or_else(|| crate::files::absolute("HOME").map(|home| home.join(".config")))?;
    Some(home.join("kanalyze").join(NAME))
}

/// Whether the user's own file trusts the folder, or one above it.
///
/// # Errors
/// The user's file is wrong.
pub(super) fn trusts(folder: &Path) -> anyhow::Result<bool> {
    let own = user_file().filter(|path| path.is_file()).map(|path| File::read(&path)).transpose()?;
    Ok(is_trusted(&folder.join(NAME), own.as_ref()))
}

/// Why a file of a folder cannot say this option of a verb, as in "starts a program of this machine"; empty if it can.
pub(super) fn far(verb: &str, option: &str) -> &'static str {
    if let Reach::Beyond(why) = reach(&[verb], option, true) { why } else { "" }
}

/// What the user's own file is called.
pub(super) fn own_file_name() -> String {
    user_file().map_or_else(|| format!("~/.config/kanalyze/{NAME}"), |path| path.display().to_string())
}

/// The files that say something in a folder: those of the project, the nearest first, then the user's.
fn files_for(folder: &Path) -> anyhow::Result<Vec<File>> {
    let own = user_file().filter(|path| path.is_file());
    let own = own.map(|path| File::read(&path)).transpose()?;
    let mut files = files_above(folder, own.as_ref())?;
    files.extend(own.map(|own| own.trusting(true)));
    Ok(files)
}

/// The files of folders that say something here, the nearest first; `own` is the user's.
fn files_above(folder: &Path, own: Option<&File>) -> anyhow::Result<Vec<File>> {
    let folder = std::path::absolute(folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for folder in folder.ancestors() {
        let path = folder.join(NAME);
        if !path.is_file() || own.is_some_and(|own| own.path == path) {
            continue;
        }
        let is_trusted = is_trusted(&path, own);
        if let Some(owner) = stranger(&path).filter(|_| !is_trusted) {
            let shown = path.display().to_string();
            say(&format!("{}: it belongs to another user ({owner}) and is left out", safe(&shown)));
            continue;
        }
        let file = File::read(&path)?.trusting(is_trusted);
        if !file.trusted.is_empty() {
            bail!("{}: 'trusted' is for the file of the user, not for that of a folder", path.display());
        }
        files.push(file);
    }
    Ok(files)
}

/// The options that the user gave on the command line.
fn given(command: &clap::Command, verb: &Verb<'_>, words: &[OsString]) -> anyhow::Result<BTreeSet<String>> {
    let matches = command.clone().try_get_matches_from(words)?;
    let (mut matches, mut options) = (&matches, command);
    for name in verb.path {
        matches = matches.subcommand_matches(name).context("the verb was read before")?;
        options = options.find_subcommand(name).context("a verb of this program")?;
    }
    let named = options.get_arguments().filter(|option| {
        matches.try_contains_id(option.get_id().as_str()).unwrap_or(false)
            && matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
    });
    Ok(named.filter_map(Arg::get_long).map(str::to_owned).collect())
}

/// The option and all that are in a group with it: one of them is enough.
fn rivals(options: &clap::Command, name: &str) -> BTreeSet<String> {
    let mut rivals = BTreeSet::from([name.to_owned()]);
    let long = |id: &clap::Id| options.get_arguments().find(|option| option.get_id() == id).and_then(Arg::get_long);
    for group in options.get_groups() {
        let members: Vec<&str> = group.get_args().filter_map(long).collect();
        // clap makes a group of each struct of arguments, whose members exclude nobody.
        if !group.clone().is_multiple() && members.contains(&name) {
            rivals.extend(members.into_iter().map(str::to_owned));
        }
    }
    rivals
}

/// The words of a setting, if the verb takes them.
fn checked(options: &clap::Command, setting: &Setting, refused: &[&str], path: &Path) -> anyhow::Result<Vec<String>> {
    let name = &setting.option;
    let known = |option: &&Arg| option.get_long() == Some(name.as_str()) && !option.is_hide_set();
    let Some(option) = options.get_arguments().find(known).filter(|_| name != "help") else {
        bail!("there is no option '{name}' (`kanalyze {} --help` has all)", options.get_name());
    };
    if refused.contains(&name.as_str()) {
        bail!("'{name}' belongs to one command, say --{name} there");
    }
    let many = matches!(option.get_action(), ArgAction::Append);
    let place = |text: &str| placed(option, text, path);
    let words = match (&setting.value, option.get_action().takes_values()) {
        (Value::Switch(true), false) => vec![format!("--{name}")],
        (Value::Switch(false), false) => Vec::new(),
        (_, false) => bail!("'{name}' is true or false"),
        (Value::Switch(_), true) => bail!("'{name}' wants a value"),
        (Value::One(text), true) => vec![format!("--{name}={}", place(text))],
        (Value::Many(_), true) if !many => bail!("'{name}' takes one value, not a list"),
        (Value::Many(texts), true) => texts.iter().map(|text| format!("--{name}={}", place(text))).collect(),
    };
    let alone = options.clone().no_binary_name(true).try_get_matches_from(&words);
    if let Err(error) = alone
        && matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::WrongNumberOfValues)
    {
        let words = error.to_string();
        bail!("{}", words.lines().next().unwrap_or_default().trim_start_matches("error: "));
    }
    Ok(words)
}

/// A path is relative to its file; a word that only may be a path, such as `bundle` for a kernel, stays unless it is one.
fn placed(option: &Arg, text: &str, file: &Path) -> String {
    let is_path = matches!(option.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath);
    let place = file.parent().unwrap_or(Path::new(".")).join(text);
    if is_path && (text.contains('/') || place.exists()) { place.display().to_string() } else { text.to_owned() }
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
