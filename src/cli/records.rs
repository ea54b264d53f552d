//! Records of the verbs that have few: an array, or one per line.

use super::output::{Format, JsonArray};
use crate::render::json_line;
use serde::Serialize;
use std::io::Write;

/// Writes `records` in one of the JSON forms.
///
/// # Errors
/// The output is closed or full.
pub(super) fn write_records<T: Serialize>(out: &mut dyn Write, format: Format, records: &[T]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for record in records {
        lines.extend(json_line(record)?);
    }
    if format == Format::Json {
        let mut array = JsonArray::new();
        array.write(out, &lines)?;
        array.end(out)?;
    } else {
        out.write_all(&lines)?;
    }
    Ok(())
}
