//! The command line: one file a command, each its arguments and one `run`.

mod bisect;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Reads kernel logs and bisection transcripts and says what went wrong.
#[derive(Debug, Parser)]
#[command(name = "kanalyze", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// What did this bisection find, and should I believe it?
    Bisect(bisect::Arguments),
    /// Prints nothing yet.
    Nothing,
}

/// Reads the command line and does what it says.
///
/// # Errors
/// What could not be done, in one sentence a cause.
pub fn run() -> anyhow::Result<ExitCode> {
    match Arguments::parse().verb {
        Verb::Bisect(arguments) => bisect::run(arguments),
        Verb::Nothing => Ok(ExitCode::SUCCESS),
    }
}
