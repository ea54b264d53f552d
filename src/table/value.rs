//! Values of a data frame as JSON, and nested columns as JSON in a text column.

use polars::prelude::{AnyValue, Column, DataFrame, DataType, PlSmallStr, PolarsResult};
use serde_json::{Map, Value};

/// One value.
pub(super) fn json(value: AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(flag) => Value::Bool(flag),
        AnyValue::String(text) => Value::String(text.to_owned()),
        AnyValue::StringOwned(text) => Value::String(text.to_string()),
        AnyValue::UInt8(number) => number.into(),
        AnyValue::UInt16(number) => number.into(),
        AnyValue::UInt32(number) => number.into(),
        AnyValue::UInt64(number) => number.into(),
        AnyValue::Int8(number) => number.into(),
        AnyValue::Int16(number) => number.into(),
        AnyValue::Int32(number) => number.into(),
        AnyValue::Int64(number) => number.into(),
        AnyValue::Float32(number) => f64::from(number).into(),
        AnyValue::Float64(number) => number.into(),
        AnyValue::List(values) => Value::Array(values.iter().map(json).collect()),
        AnyValue::StructOwned(parts) => {
            let (values, fields) = *parts;
            let named = fields.iter().map(|field| field.name().to_string()).zip(values.into_iter().map(json));
            Value::Object(named.collect::<Map<String, Value>>())
        }
        // A struct that is lent out; what it lends is copied, so that this ends.
        AnyValue::Struct(..) => json(value.into_static()),
        other => Value::String(other.to_string()),
    }
}

/// The frame with lists and structs as JSON text.
pub(super) fn flat(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let columns = frame
        .columns()
        .iter()
        .map(|column| {
            if !matches!(column.dtype(), DataType::List(_) | DataType::Struct(_)) {
                return Ok(column.clone());
            }
            let texts = (0..column.len())
                .map(|at| Ok(Some(json(column.get(at)?)).filter(|value| !value.is_null()).map(|it| it.to_string())))
                .collect::<PolarsResult<Vec<Option<String>>>>()?;
            Ok(Column::new(PlSmallStr::from_str(column.name()), texts))
        })
        .collect::<PolarsResult<Vec<Column>>>()?;
    DataFrame::new(frame.height(), columns)
}
