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
mod run_page;
mod runs;
mod stderr;
mod symbolize;
mod syzbot;
mod table;
mod thread;
mod tree;
mod watch;

use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

pub use collection::{Form, Member, members, said};
pub use generate::schemas;

/// Read kernel logs and bisection transcripts and say what went wrong
#[derive(Debug, Parser)]
#[command(
    name = "kanalyze",
    version = version(),
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "`kanalyze LOG` and `dmesg | kanalyze` are short for `kanalyze parse`. Start with `kanalyze parse --help`."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Parse(parse::Arguments),
    Locks(locks::Arguments),
    Bisect(bisect::Arguments),
    Symbolize(symbolize::Arguments),
    Blame(blame::Arguments),
    Fixed(fixed::Arguments),
    Image(image::Arguments),
    Diff(diff::Arguments),
    Check(check::Arguments),
    Page(page::Arguments),
    Table(table::Arguments),
    Query(query::Arguments),
    Run(Box<run::Arguments>),
    Watch(watch::Arguments),
    Runs(runs::Arguments),
    Syzbot(syzbot::Arguments),
    Thread(thread::Arguments),
    Note(note::Arguments),
    Bundle(bundle::Arguments),
    Repro(repro::Arguments),
    Kernel(kernel::Arguments),
    Doctor(doctor::Arguments),
    Grammar(grammar::Arguments),
    Corpus(corpus::Arguments),
    Generate(generate::Arguments),
}

fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("KANALYZE_COMMIT"), ")")
}

/// The whole command line as clap knows it.
fn command() -> clap::Command {
    Arguments::command()
}

pub use stderr::fail;

/// Reads the command line and does what it says.
///
/// # Errors
/// What could not be done, in one sentence a cause.
pub fn run() -> anyhow::Result<ExitCode> {
    let words = completed(std::env::args_os().collect());
    let arguments = match Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        // clap's own status for a wrong option means bad to `git bisect run`.
        Err(error) if error.use_stderr() && words.iter().any(|word| word == "--git-bisect") => {
            error.print()?;
            return Ok(ExitCode::from(125));
        }
        Err(error) => error.exit(),
    };
    match arguments.verb {
        Verb::Bisect(arguments) => bisect::run(arguments),
        Verb::Parse(arguments) => parse::run(arguments),
        Verb::Diff(arguments) => diff::run(arguments),
        Verb::Check(arguments) => check::run(arguments),
        Verb::Page(arguments) => page::run(arguments),
        Verb::Table(arguments) => table::run(arguments),
        Verb::Query(arguments) => query::run(arguments),
        Verb::Syzbot(arguments) => syzbot::run(arguments),
        Verb::Note(arguments) => note::run(arguments),
        Verb::Thread(arguments) => thread::run(arguments),
        Verb::Bundle(arguments) => bundle::run(arguments),
        Verb::Repro(arguments) => repro::run(arguments),
        Verb::Kernel(arguments) => kernel::run(arguments),
        Verb::Locks(arguments) => locks::run(arguments),
        Verb::Symbolize(arguments) => symbolize::run(arguments),
        Verb::Blame(arguments) => blame::run(arguments),
        Verb::Fixed(arguments) => fixed::run(arguments),
        Verb::Image(arguments) => image::run(arguments),
        Verb::Grammar(arguments) => grammar::run(arguments),
        Verb::Corpus(arguments) => corpus::run(arguments),
        Verb::Generate(arguments) => generate::run(arguments),
        Verb::Run(arguments) => run::run(*arguments),
        Verb::Runs(arguments) => runs::run(arguments),
        Verb::Watch(arguments) => watch::run(arguments),
        Verb::Doctor(arguments) => doctor::run(arguments),
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
            let is_verb = command().get_subcommands().any(|verb| first == verb.get_name());
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
