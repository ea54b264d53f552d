//! Values of arrays, whichever engine wrote them: texts and lists come in several types.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// The text at a place; none if it is missing or not a text.
pub(super) fn text(array: &dyn Array, at: usize) -> Option<String> {
    if array.is_null(at) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(at).to_owned()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(at).to_owned()),
        DataType::Utf8View => Some(array.as_string_view().value(at).to_owned()),
        _ => None,
    }
}

/// The values of the list at a place; none if it is missing or not a list.
pub(super) fn list(array: &dyn Array, at: usize) -> Option<ArrayRef> {
    if array.is_null(at) {
        return None;
    }
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(at)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(at)),
        _ => None,
    }
}

/// The texts of the list at a place.
pub(super) fn texts(array: &dyn Array, at: usize) -> Vec<String> {
    let Some(values) = list(array, at) else { return Vec::new() };
    (0..values.len()).filter_map(|at| text(&values, at)).collect()
}
