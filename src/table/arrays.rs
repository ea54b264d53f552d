//! Columns as Arrow arrays.

use super::columns::{Maker, columns, internal};
use super::{LIST_ELEMENT, Origin, Row, TableError};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, Fields, Schema};
use std::sync::Arc;

/// Makes arrays.
struct Arrays;

impl Maker for Arrays {
    type Column = ArrayRef;

    fn text<'r>(values: impl Iterator<Item = Option<&'r str>>) -> ArrayRef {
        Arc::new(values.collect::<StringArray>())
    }

    fn number<N: TryInto<i64>>(values: impl Iterator<Item = Option<N>>) -> ArrayRef {
        Arc::new(values.map(|value| value?.try_into().ok()).collect::<Int64Array>())
    }

    fn fraction(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
        Arc::new(values.collect::<Float64Array>())
    }

    fn flag(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
        Arc::new(values.collect::<BooleanArray>())
    }

    fn record(fields: Vec<(&'static str, ArrayRef)>) -> Result<ArrayRef, TableError> {
        let (names, values): (Vec<Field>, Vec<ArrayRef>) = fields
            .into_iter()
            .map(|(name, values)| (Field::new(name, values.data_type().clone(), true), values))
            .unzip();
        let array = StructArray::try_new(Fields::from(names), values, None).map_err(|error| internal(&error))?;
        Ok(Arc::new(array))
    }

    /// Offsets of 32 bits, which every reader of Arrow knows.
    fn list(lengths: impl Iterator<Item = usize>, values: ArrayRef) -> Result<ArrayRef, TableError> {
        if i32::try_from(values.len()).is_err() {
            return Err(internal(&"one log gives more than 2^31 values of a column"));
        }
        let field = Arc::new(Field::new(LIST_ELEMENT, values.data_type().clone(), true));
        let array = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None);
        Ok(Arc::new(array.map_err(|error| internal(&error))?))
    }
}

/// Rows as a batch with the columns of [`super::COLUMNS`], `without` some.
pub(super) fn batch(rows: &[&Row], without: &[String], origin: &Origin) -> Result<RecordBatch, TableError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns::<Arrays>(rows, without, origin)?
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| internal(&error))
}
