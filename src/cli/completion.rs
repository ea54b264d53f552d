//! What a shell is offered when somebody presses tab: verbs, options and words, but also the kinds, runs, bundles and logs that
//! are there. A shell asks this program (`COMPLETE=bash kanalyze -- kanalyze …`); what it runs for that is what
//! `kanalyze generate completions` prints.

use super::runs::row;
use super::schemas::schemas;
use crate::grammar::Grammar;
use crate::intake::is_log;
use crate::runs::{Manifest, folder};
use crate::syzbot::manifest::MANIFEST as BUNDLE;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::{CompleteEnv, Shells};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;

/// The variable by which a shell asks.
const ASKED: &str = "COMPLETE";
/// The program's name on a command line.
const NAME: &str = "kanalyze";
/// Further runs are not offered.
const MOST: usize = 200;

/// What these shells run. By hand, since what clap_complete prints hands names over as they stand on the command line, quoted, and
/// gives names back that the shell would take apart.
const SCRIPTS: [(Shell, &str); 3] = [
    (Shell::Bash, include_str!("completion/kanalyze.bash")),
    (Shell::Zsh, include_str!("completion/kanalyze.zsh")),
    (Shell::Fish, include_str!("completion/kanalyze.fish")),
];

/// Answers a shell that asks, and ends the program; returns if none does.
pub(super) fn answer() {
    CompleteEnv::with_factory(completed).var(ASKED).bin(NAME).complete();
}

/// Writes what a shell is to run at its start.
///
/// # Errors
/// The output is closed or full.
pub(super) fn write_script(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    if let Some((_, script)) = SCRIPTS.iter().find(|(known, _)| *known == shell) {
        return out.write_all(script.as_bytes());
    }
    let name = shell.to_string();
    let known = Shells::builtins();
    let Some(script) = known.completer(&name) else { return Err(io::ErrorKind::Unsupported.into()) };
    script.write_registration(ASKED, NAME, NAME, NAME, out)
}

/// The command line with what is offered for each value.
fn completed() -> Command {
    // `kanalyze LOG` is short for `parse`.
    let log = Arg::new("log").value_name("LOG").add(ArgValueCompleter::new(Logs));
    offered(super::command()).subcommand_required(false).arg_required_else_help(false).arg(log)
}

fn offered(command: Command) -> Command {
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let verb = command.get_name().to_owned();
    let command = verbs.iter().fold(command, |command, verb| command.mut_subcommand(verb, offered));
    command.mut_args(|option| with_values(&verb, option))
}

/// What one option or argument is offered, by what its value is called.
fn with_values(verb: &str, option: Arg) -> Arg {
    let called: Vec<String> = option.get_value_names().into_iter().flatten().map(|name| name.to_string()).collect();
    let called = called.first().map_or("", String::as_str);
    let id = option.get_id().as_str().to_owned();
    if !option.get_possible_values().is_empty() {
        return option;
    }
    match (id.as_str(), called) {
        ("kind", _) => option.add(ArgValueCandidates::new(kinds)),
        ("hit", _) => option.add(ArgValueCandidates::new(sought)),
        ("run", _) if verb != "run" => option.add(ArgValueCandidates::new(runs)),
        ("what", "RUN|BUG|LOG") => option.add(ArgValueCompleter::new(|current: &OsStr| {
            let named = runs().into_iter().filter(|run| begins(run.get_value(), current));
            Logs.complete(current).into_iter().chain(named).collect()
        })),
        ("bundle" | "directory", _) => option.add(ArgValueCompleter::new(Bundles)),
        ("name", _) if verb == "schema" => option.add(ArgValueCandidates::new(|| {
            schemas().into_iter().map(|(name, _)| CompletionCandidate::new(name)).collect()
        })),
        (_, "DIR") => option.value_hint(ValueHint::DirPath),
        (_, "FILE") => option.value_hint(ValueHint::AnyPath),
        ("files" | "source" | "what", _) | (_, "LOG" | "A" | "B" | "PATH" | "TITLE|LOG") => {
            option.add(ArgValueCompleter::new(Logs))
        }
        _ => option,
    }
}

fn begins(value: &OsStr, current: &OsStr) -> bool {
    value.as_encoded_bytes().starts_with(current.as_encoded_bytes())
}

/// Every kind and event of the built-in grammar.
fn kinds() -> Vec<CompletionCandidate> {
    let grammar = Grammar::built_in();
    let kinds = grammar.all_kinds().map(|(_, kind)| (&kind.id, &kind.about));
    let events = grammar.events.iter().map(|event| (&event.id, &event.about));
    kinds.chain(events).map(|(id, about)| candidate(id, about)).collect()
}

/// What a run can look for: kinds, syzbot's types, no output.
fn sought() -> Vec<CompletionCandidate> {
    let grammar = Grammar::built_in();
    let mut types: Vec<&str> = grammar.types.iter().map(|(_, kind)| kind.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let types = types.into_iter().map(|name| candidate(name, "a type of syzbot's"));
    let silent = candidate("no-output", "the console says nothing more");
    kinds().into_iter().chain(types).chain([silent]).collect()
}

fn candidate(name: &str, about: &str) -> CompletionCandidate {
    CompletionCandidate::new(name).help((!about.is_empty()).then(|| about.to_owned().into()))
}

/// The runs that are there, the newest first, and `last`.
fn runs() -> Vec<CompletionCandidate> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let place = words.iter().position(|word| word == "--runs").and_then(|at| words.get(at + 1));
    let place = place.map_or(Path::new("runs"), Path::new);
    let found = folder::list(place).unwrap_or_default();
    let newest = found.iter().rev().take(MOST).zip(1..).filter_map(|(path, order)| {
        let about = Manifest::read(path).map(|manifest| row(&manifest)).unwrap_or_default();
        let name = path.file_name()?.to_str()?;
        let about: Vec<&str> = about.split_whitespace().skip(1).collect();
        Some(candidate(name, &about.join(" ")).display_order(Some(order)))
    });
    newest.chain([candidate("last", "the newest run").display_order(Some(0))]).collect()
}

/// Logs and folders; any file where none of them looks like a log.
struct Logs;

impl ValueCompleter for Logs {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let looks = |path: &Path| path.file_name().is_some_and(is_log);
        let mut found = PathCompleter::any().filter(looks).complete(current);
        if !found.iter().any(|one| looks(Path::new(one.get_value()))) {
            found = PathCompleter::any().complete(current);
        }
        found
    }
}

/// Folders that are bundles, and those on the way to them.
struct Bundles;

impl ValueCompleter for Bundles {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let all = PathCompleter::dir().complete(current);
        let is_bundle = |one: &CompletionCandidate| Path::new(one.get_value()).join(BUNDLE).is_file();
        if all.iter().any(is_bundle) { all.into_iter().filter(is_bundle).collect() } else { all }
    }
}
