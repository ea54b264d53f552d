//! The command line: one file a command, each its arguments and one `run`.

mod image;
mod parse;
mod symbolize;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Reads kernel logs and bisection transcripts and says what went wrong.
#[derive(Debug, Parser)]
#[command(name = "kanalyze", version = version(), max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Image(image::Arguments),
    Parse(parse::Arguments),
    Symbolize(symbolize::Arguments),
}

fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("KANALYZE_COMMIT"), ")")
}

/// Reads the command line and does what it says.
///
/// # Errors
/// What could not be done, in one sentence a cause.
pub fn run() -> anyhow::Result<ExitCode> {
    match Arguments::parse().verb {
        Verb::Image(arguments) => image::run(arguments),
        Verb::Parse(arguments) => parse::run(arguments),
        Verb::Symbolize(arguments) => symbolize::run(arguments),
    }
}
