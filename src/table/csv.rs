//! Rows as CSV: a header, one line per row; lists and structs are JSON in a field.

use super::columns::{Maker, columns, names};
use super::{Origin, Row, TableError};
use serde_json::{Map, Value};
use std::error::Error;
use std::io::{self, Write};

/// The writers of other crates have errors of their own.
pub(super) type Written<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// So many rows become values at once: as JSON they take far more memory than as text.
const AT_ONCE: usize = 16;

/// Makes values.
struct Values;

impl Maker for Values {
    type Column = Vec<Value>;

    fn text<'r>(values: impl Iterator<Item = Option<&'r str>>) -> Vec<Value> {
        values.map(Value::from).collect()
    }

    fn number<N: TryInto<i64>>(values: impl Iterator<Item = Option<N>>) -> Vec<Value> {
        values.map(|value| Value::from(value.and_then(|value| value.try_into().ok()))).collect()
    }

    fn fraction(values: impl Iterator<Item = Option<f64>>) -> Vec<Value> {
        values.map(Value::from).collect()
    }

    fn flag(values: impl Iterator<Item = Option<bool>>) -> Vec<Value> {
        values.map(Value::from).collect()
    }

    fn record(fields: Vec<(&'static str, Vec<Value>)>) -> Result<Vec<Value>, TableError> {
        let count = fields.first().map_or(0, |(_, values)| values.len());
        let mut records = vec![Map::new(); count];
        for (name, values) in fields {
            for (record, value) in records.iter_mut().zip(values) {
                record.insert(name.to_owned(), value);
            }
        }
        Ok(records.into_iter().map(Value::Object).collect())
    }

    fn list(lengths: impl Iterator<Item = usize>, values: Vec<Value>) -> Result<Vec<Value>, TableError> {
        let mut values = values.into_iter();
        Ok(lengths.map(|length| values.by_ref().take(length).collect()).collect())
    }
}

/// The names of the columns.
pub(super) fn write_header(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", names(&[]).collect::<Vec<_>>().join(","))
}

/// Rows.
pub(super) fn write(out: &mut dyn Write, rows: &[&Row], origin: &Origin) -> Written<()> {
    for rows in rows.chunks(AT_ONCE) {
        let columns = columns::<Values>(rows, &[], origin)?;
        for row in 0..rows.len() {
            write_row(out, columns.iter().map(|(_, column)| &column[row]))?;
        }
    }
    Ok(())
}

fn write_row<'v>(out: &mut dyn Write, values: impl Iterator<Item = &'v Value>) -> io::Result<()> {
    for (number, value) in values.enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        match value {
            Value::Null => {}
            Value::String(text) => write_text(out, text)?,
            nested @ (Value::Array(_) | Value::Object(_)) => write_text(out, &nested.to_string())?,
            plain => write!(out, "{plain}")?,
        }
    }
    out.write_all(b"\n")
}

/// A text, in quotes where a reader would take it for something else (RFC 4180); an empty text is not a missing one.
fn write_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}
