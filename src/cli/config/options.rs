//! What clap knows of the options of a verb: which there are, which exclude each other, and what words they take.

use super::file::{Setting, Value};
use super::{VARIABLE, Verb};
use anyhow::{Context as _, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ValueHint};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

/// The verb that a path of words leads to, with all that clap adds to it.
pub(super) fn leaf(command: &clap::Command, path: &[&str]) -> anyhow::Result<clap::Command> {
    let mut options = command;
    for name in path {
        options = options.find_subcommand(name).context("a verb of this program")?;
    }
    let mut options = options.clone();
    options.build();
    Ok(options)
}

/// The options that the user gave on the command line.
pub(super) fn given(command: &clap::Command, verb: &Verb<'_>, words: &[OsString]) -> anyhow::Result<BTreeSet<String>> {
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
pub(super) fn rivals(options: &clap::Command, name: &str) -> BTreeSet<String> {
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
pub(super) fn checked(
    options: &clap::Command,
    setting: &Setting,
    refused: &[&str],
    path: &Path,
) -> anyhow::Result<Vec<String>> {
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

/// Whether any verb has the option with this value among its words.
pub(super) fn another_takes(setting: &Setting) -> bool {
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
pub(super) fn has(options: &clap::Command, name: &str) -> bool {
    options.get_arguments().any(|option| option.get_long() == Some(name) && !option.is_hide_set())
}

/// The option of a verb that a variable sets, if it has one of that name.
pub(super) fn of_variable(options: &clap::Command, name: &str, value: &str) -> Option<Setting> {
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
