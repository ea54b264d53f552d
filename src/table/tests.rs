//! Rows to batches: the schema is the one that is documented.

use super::arrays::batch;
use super::{COLUMNS, LogRow, Origin, PARTITIONS, Row};
use arrow_schema::DataType;

/// A type in the words of [`COLUMNS`].
fn described(dtype: &DataType) -> String {
    match dtype {
        DataType::Utf8 => "text".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Int64 => "i64".to_owned(),
        DataType::Float64 => "f64".to_owned(),
        DataType::List(inner) => format!("list<{}>", described(inner.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| match field.data_type() {
                    nested @ (DataType::List(_) | DataType::Struct(_)) => {
                        format!("{}: {}", field.name(), described(nested))
                    }
                    _ => field.name().clone(),
                })
                .collect();
            format!("struct<{}>", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn the_columns_are_those_that_are_documented() {
    let row = Row::Log(Box::new(LogRow { log: "a.log".to_owned(), bytes: 7, damage: None }));
    for rows in [&[][..], &[&row]] {
        let origin = Origin { version: "0", grammar: String::new() };
        let batch = batch(rows, &[], &origin).expect("a batch");
        let schema = batch.schema();
        let found: Vec<(String, String)> =
            schema.fields().iter().map(|field| (field.name().clone(), described(field.data_type()))).collect();
        let documented: Vec<(String, String)> =
            COLUMNS.iter().map(|column| (column.name.to_owned(), column.r#type.to_owned())).collect();
        assert_eq!(found, documented);
        assert_eq!(batch.num_rows(), rows.len());
    }
}

#[test]
fn what_is_partitioned_by_is_a_column() {
    for name in PARTITIONS {
        assert!(COLUMNS.iter().any(|column| column.name == name), "{name}");
    }
}
