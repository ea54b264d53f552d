//! `kanalyze bisect`: what a bisection found, and whether to believe it.

use crate::bisect;
use anyhow::Context;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What did this bisection find, and should I believe it?
#[derive(Debug, Args)]
pub struct Arguments {
    /// Transcripts.
    logs: Vec<PathBuf>,
    /// Format.
    #[arg(long, default_value = "text")]
    format: String,
    #[arg(long, hide = true)]
    features: bool,
}

/// Runs it.
///
/// # Errors
/// Files that cannot be read.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in &arguments.logs {
        let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        let name = path.display().to_string();
        let (found, signs) = bisect::judged(&name, &bytes, &|crash| crate::engine::read_reports(&name, crash));
        if arguments.features {
            let values: serde_json::Map<String, serde_json::Value> = signs.iter().map(|sign| (sign.id.to_owned(), sign.value.into())).collect();
            serde_json::to_writer(&mut out, &serde_json::json!({"log": name, "signs": values}))?;
            out.write_all(b"\n")?;
            continue;
        }
        serde_json::to_writer(&mut out, &found)?;
        out.write_all(b"\n")?;
    }
    Ok(ExitCode::SUCCESS)
}
