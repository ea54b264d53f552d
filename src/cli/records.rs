//! The two JSON forms of a command's answer: one array, or a record a line.

use serde::Serialize;
use std::io::Write;

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// For people; may change.
    #[default]
    Text,
    /// One array of records.
    Json,
    /// A record a line.
    Jsonl,
}

/// Writes `records` in one of the JSON forms.
///
/// # Errors
/// The output is closed or full.
pub fn write_records<T: Serialize>(out: &mut dyn Write, form: Form, records: &[T]) -> anyhow::Result<()> {
    if form == Form::Json {
        serde_json::to_writer_pretty(&mut *out, records)?;
        out.write_all(b"\n")?;
        return Ok(());
    }
    for record in records {
        serde_json::to_writer(&mut *out, record)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
