//! `kanalyze parse`: what went wrong in these logs.

use crate::engine::{Engine, Item, Options};
use anyhow::Context as _;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Names every crash, warning and hang in console logs.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Logs to read.
    files: Vec<PathBuf>,
    /// Output form.
    #[arg(long, default_value = "text")]
    format: String,
    /// Threads.
    #[arg(short = 'j', default_value_t = 0)]
    threads: usize,
}

/// Runs the command.
///
/// # Errors
/// A log that cannot be read.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    let _ = &arguments.format;
    for path in &arguments.files {
        let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
        #[expect(unsafe_code, reason = "memory map")]
        // SAFETY: stand-in.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Engine::read(
            Options { threads: arguments.threads, ..Options::named(path.display().to_string()) },
            &map,
            |item| {
                if let Item::Closed(report) = item {
                    serde_json::to_writer(&mut out, &report)?;
                    out.write_all(b"\n")?;
                }
                anyhow::Ok(())
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
