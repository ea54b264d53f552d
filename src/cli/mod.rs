//! The command line: one file or folder per command, each its arguments and one `run`.

mod assignment;
mod bisect;
mod blame;
mod bundle;
mod check;
mod collection;
mod completion;
mod config;
mod corpus;
mod diff;
mod doctor;
mod findings;
mod fixed;
mod generate;
mod grammar;
mod harmless;
mod host;
mod image;
mod kernel;
mod links;
mod live;
mod locks;
mod logs;
mod manners;
mod manual;
mod mcp;
mod network;
mod note;
mod output;
mod page;
mod pager;
mod parse;
mod progress;
mod query;
mod records;
mod reference;
mod repro;
mod run;
mod run_page;
mod runs;
mod schemas;
mod stderr;
mod symbolize;
mod syzbot;
mod table;
mod thread;
mod topics;
mod tree;
mod watch;

use crate::files;
use crate::symbols::cut_files;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use config::Completed;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

pub use collection::{Form, Member, members, said};
pub use schemas::schemas;

/// A verb of the command line.
struct Verb {
    name: &'static str,
    /// Adds what it takes to a command of that name.
    takes: fn(Command) -> Command,
    /// The command line with what files of settings say, if they say anything.
    settings: fn(&ArgMatches, &[OsString]) -> anyhow::Result<Option<Completed>>,
    run: fn(&ArgMatches, Completed) -> Result<anyhow::Result<ExitCode>, clap::Error>,
}

macro_rules! verb {
    // One that runs machines: files of settings may complete its words, and what it ran with is kept.
    ([$name:ident $($below:ident)?]) => {
        Verb {
            name: stringify!($name),
            takes: <$name::Arguments as Args>::augment_args,
            settings: |given, words| {
                let mut arguments = <$name::Arguments as FromArgMatches>::from_arg_matches(given)?;
                let path = &[stringify!($name), $(stringify!($below))?];
                arguments.run().map_or(Ok(None), |run| run.configured(path, words))
            },
            run: |given, said| {
                let mut arguments = <$name::Arguments as FromArgMatches>::from_arg_matches(given)?;
                if let Some(run) = arguments.run() {
                    run.words = said.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
                    run.laid = said.laid;
                }
                Ok($name::run(arguments))
            },
        }
    };
    ($name:ident) => {
        Verb {
            name: stringify!($name),
            takes: <$name::Arguments as Args>::augment_args,
            settings: |given, words| {
                let mut path = vec![stringify!($name)];
                let mut given = given;
                while let Some((name, below)) = given.subcommand() {
                    path.push(name);
                    given = below;
                }
                // What shows settings must not stumble over them.
                if path.first() == Some(&"config") {
                    return Ok(None);
                }
                let verb = config::Verb { path: &path, table: stringify!($name), refused: &[] };
                config::complete(&verb, words, std::path::Path::new("."), None)
            },
            run: |given, _| Ok($name::run(<$name::Arguments as FromArgMatches>::from_arg_matches(given)?)),
        }
    };
}

macro_rules! verbs {
    ($($verb:tt)*) => {
        &[$(verb!($verb)),*]
    };
}

/// In the order in which `--help` lists them.
const VERBS: &[Verb] = verbs!(
    parse locks bisect symbolize blame fixed image diff check page table query [run] watch host runs syzbot thread note bundle
    [repro minimize] kernel doctor grammar corpus config mcp generate
);

fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILT_FROM_COMMIT"), ")")
}

/// The command line as clap knows it, with these verbs.
fn with_verbs<'a>(verbs: impl IntoIterator<Item = &'a Verb>) -> Command {
    Command::new("kanalyze")
        .version(version())
        .about("Read kernel logs and bisection transcripts and say what went wrong")
        .max_term_width(100)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "`kanalyze LOG` and `dmesg | kanalyze` are short for `kanalyze parse`. Start with `kanalyze parse --help`.\n\
             `kanalyze help exit`, `help environment` and `help files` say what all verbs have in common.",
        )
        .subcommands(verbs.into_iter().map(|verb| manners::with_manners(with_json((verb.takes)(Command::new(verb.name))))))
}

/// `--json` beside each `--format` that knows it; [`without_json`] makes the one of the other.
fn with_json(command: Command) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let command = below.iter().fold(command, |command, name| command.mut_subcommand(name, with_json));
    let takes = |option: &Arg| option.get_possible_values().iter().any(|value| value.get_name() == "json");
    if !command.get_arguments().any(|option| option.get_long() == Some("format") && takes(option)) {
        return command;
    }
    command.arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Short for --format json"))
}

/// The words with `--format=json` for `--json`.
fn without_json(words: Vec<OsString>) -> Vec<OsString> {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let change =
        |(at, word): (usize, OsString)| if at < end && word == "--json" { "--format=json".into() } else { word };
    words.into_iter().enumerate().map(change).collect()
}

/// The whole command line.
fn command() -> Command {
    with_verbs(VERBS)
}

pub use stderr::fail;

/// Reads the command line and does what it says.
///
/// # Errors
/// What could not be done, in one sentence a cause.
pub fn run() -> anyhow::Result<ExitCode> {
    files::outlive_faults();
    completion::answer();
    let words = completed(std::env::args_os().collect());
    if let [_, help, topic] = &words[..]
        && help == "help"
        && let Some(topic) = topic.to_str().and_then(topics::Topic::of)
    {
        std::io::stdout().write_all(topic.text(&command()).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    // To git every status from 1 to 127 but 125 means bad: what is wrong with the command line must not.
    let bisects = words.iter().any(|word| word == "--git-bisect");
    let done = done(words, bisects);
    let cut = cut_files();
    for file in &cut {
        let words =
            "was cut while it was read (or its disk failed): what was taken from it may be wrong; run this again";
        stderr::say(&format!("{}: {words}", file.display()));
    }
    if cut.is_empty() { done } else { done.map(|_| ExitCode::from(if bisects { 125 } else { 2 })) }
}

fn done(words: Vec<OsString>, bisects: bool) -> anyhow::Result<ExitCode> {
    let named = |name: &str| VERBS.iter().find(|verb| verb.name == name);
    // All verbs together take longer than reading a small log does: only the one that is asked for is made, if one is.
    let asked = words.get(1).and_then(|word| named(word.to_str()?));
    let mut command = asked.map_or_else(command, |verb| with_verbs([verb]));
    let began = Instant::now();
    let done = given(&mut command, words).and_then(|(given, said)| {
        manners::take(&given, &said.laid);
        match given.subcommand() {
            Some((name, given)) => Ok(named(name).map(|verb| (verb.run)(given, said)).transpose()?),
            None => Ok(None),
        }
    });
    manners::why_so_long(began);
    match done {
        Ok(done) => done.unwrap_or(Ok(ExitCode::SUCCESS)),
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(error) if error.use_stderr() && bisects => {
                error.format(&mut command).print()?;
                Ok(ExitCode::from(125))
            }
            Ok(mut error) => {
                // Below a verb no log may stand for a verb.
                if error.kind() == ErrorKind::InvalidSubcommand && asked.is_none() {
                    let tip = "if this is a log: there is no file of that name here";
                    let mut tips = match error.remove(ContextKind::Suggested) {
                        Some(ContextValue::StyledStrs(tips)) => tips,
                        _ => Vec::new(),
                    };
                    tips.push(tip.into());
                    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
                }
                let error = error.format(&mut command);
                if error.use_stderr() {
                    error.exit()
                }
                // Help and version are an answer, which may not come through.
                error.print()?;
                std::io::stdout().flush()?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) if bisects => {
                stderr::fail(&error);
                Ok(ExitCode::from(125))
            }
            Err(error) => Err(error),
        },
    }
}

/// What is given on the command line and in files of settings.
fn given(command: &mut Command, words: Vec<OsString>) -> anyhow::Result<(ArgMatches, Completed)> {
    let words = without_json(words);
    let given = command.try_get_matches_from_mut(&words)?;
    let verb = given.subcommand().and_then(|(name, below)| Some((VERBS.iter().find(|verb| verb.name == name)?, below)));
    let completed = match verb {
        Some((verb, below)) => (verb.settings)(below, &words)?,
        None => None,
    };
    match completed {
        Some(completed) => {
            let completed = Completed { words: without_json(completed.words), ..completed };
            Ok((command.try_get_matches_from_mut(&completed.words)?, completed))
        }
        None => Ok((given, Completed { words, laid: Vec::new() })),
    }
}

/// `kanalyze [OPTION]… LOG` and `… | kanalyze` mean `kanalyze parse`: when the first word is not a command, but names something to
/// read or is an option of `parse`; when there is no word, but a pipe.
fn completed(mut words: Vec<OsString>) -> Vec<OsString> {
    let means_parse = match words.get(1) {
        None => !std::io::stdin().is_terminal(),
        Some(first) => {
            let shown = first.to_string_lossy();
            let own = ["-h", "--help", "-V", "--version", "help"].contains(&&*shown);
            let is_verb = VERBS.iter().any(|verb| first == verb.name);
            // A path, a pattern or a URL; a bare word that is not a file is rather a mistyped command.
            let names = shown.contains(['.', '/', '*', '?', '[']) || std::path::Path::new(first).exists();
            !own && !is_verb && (names || shown.starts_with('-'))
        }
    };
    if means_parse {
        words.insert(1, "parse".into());
    }
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
