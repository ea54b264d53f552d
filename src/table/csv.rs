//! Batches as CSV: a header, one line per row; lists and structs are JSON in a field.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// The names of the columns.
pub(super) fn write_header(out: &mut dyn Write, schema: &Schema) -> io::Result<()> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    writeln!(out, "{}", names.join(","))
}

/// The rows of a batch.
pub(super) fn write(out: &mut dyn Write, batch: &RecordBatch) -> io::Result<()> {
    for row in 0..batch.num_rows() {
        for (number, column) in batch.columns().iter().enumerate() {
            if number > 0 {
                out.write_all(b",")?;
            }
            match json(column, row) {
                Value::Null => {}
                Value::String(text) => write_text(out, &text)?,
                nested @ (Value::Array(_) | Value::Object(_)) => write_text(out, &nested.to_string())?,
                plain => write!(out, "{plain}")?,
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A text, in quotes where a reader would take it for something else (RFC 4180); an empty text is not a missing one.
fn write_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

/// One value of the types that tables have.
fn json(array: &dyn Array, at: usize) -> Value {
    if array.is_null(at) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(at).to_owned()),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(at).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(at).into(),
        DataType::Boolean => array.as_boolean().value(at).into(),
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(at);
            (0..values.len()).map(|at| json(&values, at)).collect()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let values = fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), json(column, at)));
            Value::Object(values.collect::<Map<String, Value>>())
        }
        // No column has another type; a test holds that.
        _ => Value::Null,
    }
}
