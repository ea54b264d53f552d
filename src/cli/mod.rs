//! The command line: one file a command, each its arguments and one `run`.

mod bisect;
mod blame;
mod bundle;
mod check;
mod collection;
mod corpus;
mod diff;
mod doctor;
mod fixed;
mod generate;
mod grammar;
mod image;
mod kernel;
mod live;
mod locks;
mod logs;
mod network;
mod note;
mod output;
mod page;
mod pager;
mod parse;
mod query;
mod records;
mod repro;
mod run;
mod runs;
mod stderr;
mod symbolize;
mod syzbot;
mod table;
mod thread;
mod tree;
mod watch;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

pub use collection::{Form, Member, members, said};
pub use generate::schemas;

/// A verb of the command line.
struct Verb {
    name: &'static str,
    /// Adds what it takes to a command of that name.
    takes: fn(Command) -> Command,
    run: fn(&ArgMatches) -> Result<anyhow::Result<ExitCode>, clap::Error>,
}

macro_rules! verbs {
    ($($name:ident)*) => {
        &[$(Verb {
            name: stringify!($name),
            takes: <$name::Arguments as Args>::augment_args,
            run: |given| Ok($name::run(<$name::Arguments as FromArgMatches>::from_arg_matches(given)?)),
        }),*]
    };
}

/// In the order in which `--help` lists them.
const VERBS: &[Verb] = verbs!(
    parse locks bisect symbolize blame fixed image diff check page table query run watch runs syzbot thread note bundle repro
    kernel doctor grammar corpus generate
);

fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("KANALYZE_COMMIT"), ")")
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
            "`kanalyze LOG` and `dmesg | kanalyze` are short for `kanalyze parse`. Start with `kanalyze parse --help`.",
        )
        .subcommands(verbs.into_iter().map(|verb| (verb.takes)(Command::new(verb.name))))
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
    let words = completed(std::env::args_os().collect());
    let named = |name: &str| VERBS.iter().find(|verb| verb.name == name);
    // All verbs together take longer than reading a small log does: only the one that is asked for is made, if one is.
    let asked = words.get(1).and_then(|word| named(word.to_str()?));
    let mut command = asked.map_or_else(command, |verb| with_verbs([verb]));
    let done = command.try_get_matches_from_mut(&words).and_then(|given| match given.subcommand() {
        Some((name, given)) => named(name).map(|verb| (verb.run)(given)).transpose(),
        None => Ok(None),
    });
    match done {
        Ok(done) => done.unwrap_or(Ok(ExitCode::SUCCESS)),
        // clap's own status for a wrong option means bad to `git bisect run`.
        Err(error) if error.use_stderr() && words.iter().any(|word| word == "--git-bisect") => {
            error.format(&mut command).print()?;
            Ok(ExitCode::from(125))
        }
        Err(error) => error.format(&mut command).exit(),
    }
}

/// `kanalyze [OPTION]… LOG` and `… | kanalyze` mean `kanalyze parse`: when the first word is no command, but names something to
/// read or is an option of `parse`; when there is no word, but a pipe.
fn completed(mut words: Vec<OsString>) -> Vec<OsString> {
    let means_parse = match words.get(1) {
        None => !std::io::stdin().is_terminal(),
        Some(first) => {
            let shown = first.to_string_lossy();
            let own = ["-h", "--help", "-V", "--version", "help"].contains(&&*shown);
            let is_verb = VERBS.iter().any(|verb| first == verb.name);
            // A path, a pattern or a URL; a bare word that is no file is rather a mistyped command.
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
