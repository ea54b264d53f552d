//! The record of one place of code in a log line.

use crate::render::write_json;
use crate::symbols::{Confidence, Decoded, Paths, Place, What};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Write;

/// The schema name of [`Record`].
pub(in crate::cli) const SCHEMA: &str = "kanalyze.symbolized/1";

/// One place of code in a log line.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Record<'record> {
    /// [`SCHEMA`].
    schema: &'static str,
    /// The path as the user gave it; `-` for stdin.
    log: &'record str,
    /// 1-based line of the log.
    log_line: u64,
    /// What it stands for, innermost first; empty if that is unknown.
    frames: Vec<Frame<'record>>,
    /// The function as printed; for an address the one that it lies in.
    function: Option<&'record str>,
    /// Bytes into it.
    offset: Option<u64>,
    /// Its size, bytes.
    size: Option<u64>,
    /// Its module.
    module: Option<&'record str>,
    /// The address as printed.
    address: Option<String>,
    /// False for frames that the unwinder marked with `?`.
    reliable: bool,
    /// How sure the frames are; absent without any.
    confidence: Option<Confidence>,
    /// Why there are no frames, or why they are not certain.
    reason: Option<&'record str>,
}

/// A function at a place in the source.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct Frame<'record> {
    /// The function.
    function: Option<&'record str>,
    /// Its file, without the folder in which the kernel was built.
    file: Option<&'record str>,
    /// The line, from 1.
    line: Option<u32>,
}

/// Writes the record of one place of code, without a line break.
pub(in crate::cli) fn write_record(
    out: &mut dyn Write,
    paths: &Paths,
    log: &str,
    log_line: u64,
    found: &Decoded<'_>,
) -> anyhow::Result<()> {
    let Decoded { spot, answer } = found;
    let (function, offset, size, module) = match &spot.what {
        What::Named { function, offset, size, module, .. } => (Some(*function), Some(*offset), Some(*size), *module),
        What::Raw(_) => (None, None, None, None),
    };
    let within = answer.within.as_ref();
    let frame = |place: &'_ Place| -> (Option<String>, Option<String>, Option<u32>) {
        (place.function.clone(), place.file.as_deref().map(|file| paths.shown(file).to_owned()), place.line)
    };
    let frames: Vec<_> = answer.places.iter().map(frame).collect();
    let record = Record {
        schema: SCHEMA,
        log,
        log_line,
        frames: frames
            .iter()
            .map(|(function, file, line)| Frame { function: function.as_deref(), file: file.as_deref(), line: *line })
            .collect(),
        function: function.or(within.map(|within| within.0.as_str())),
        offset: offset.or(within.map(|within| within.1)),
        size: size.or(within.map(|within| within.2)),
        module,
        address: spot.address.map(|address| format!("{address:#x}")),
        reliable: spot.reliable,
        confidence: (!answer.places.is_empty()).then_some(answer.confidence),
        reason: answer.reason.as_deref(),
    };
    let mut line = Vec::with_capacity(512);
    write_json(&mut line, &record)?;
    Ok(out.write_all(&line)?)
}
