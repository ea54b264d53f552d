//! Rows to frames: the schema is the one that is documented.

use super::columns::frame;
use super::{COLUMNS, LogRow, PARTITIONS, Row};
use polars::prelude::DataType;

/// A type in the words of [`COLUMNS`].
fn described(dtype: &DataType) -> String {
    match dtype {
        DataType::String => "text".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::List(inner) => format!("list<{}>", described(inner)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| match field.dtype() {
                    nested @ (DataType::List(_) | DataType::Struct(_)) => {
                        format!("{}: {}", field.name(), described(nested))
                    }
                    _ => field.name().to_string(),
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
        let frame = frame(rows, &[]).expect("a frame");
        let found: Vec<(String, String)> =
            frame.columns().iter().map(|column| (column.name().to_string(), described(column.dtype()))).collect();
        let documented: Vec<(String, String)> =
            COLUMNS.iter().map(|column| (column.name.to_owned(), column.r#type.to_owned())).collect();
        assert_eq!(found, documented);
        assert_eq!(frame.height(), rows.len());
    }
}

#[test]
fn what_is_partitioned_by_is_a_column() {
    for name in PARTITIONS {
        assert!(COLUMNS.iter().any(|column| column.name == name), "{name}");
    }
}
