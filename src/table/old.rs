//! Causes out of rows of `kanalyze.events/1`, which did not name them: the stacks and lock classes of the row say the same.

use super::cell;
use crate::diff::cause::{Cause, bare, cause_from};
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StructArray};
use std::borrow::Cow;

/// The columns of such a table that a cause is made of.
pub(super) const MADE_OF: [&str; 2] = ["stacks", "lockdep"];

/// The cause of the report in a row, whose title names `frame`.
pub(super) fn cause(batch: &RecordBatch, at: usize, frame: &str) -> Cause {
    let stacks: Vec<(String, Vec<String>)> = batch.column_by_name("stacks").map_or(Vec::new(), |it| stacks(it, at));
    let stacks: Vec<(Cow<'_, str>, Vec<&str>)> =
        stacks.iter().map(|(role, names)| (Cow::from(role), names.iter().map(|name| bare(name)).collect())).collect();
    let locks = batch.column_by_name("lockdep").map_or(Vec::new(), |lockdep| locks(lockdep, at));
    cause_from(frame, &stacks, locks.iter().map(String::as_str))
}

/// The stacks at a place: of each its role and the functions of its reliable frames.
fn stacks(column: &dyn Array, at: usize) -> Vec<(String, Vec<String>)> {
    let Some(values) = cell::list(column, at) else { return Vec::new() };
    let Some(stacks) = values.as_struct_opt() else { return Vec::new() };
    let one = |at: usize| {
        let role = field_text(stacks, "name", at)?;
        let frames = cell::list(stacks.column_by_name("frames")?, at)?;
        let frames = frames.as_struct_opt()?;
        let reliable = frames.column_by_name("reliable").and_then(|column| column.as_boolean_opt());
        let counts = |at: &usize| reliable.is_none_or(|flags| flags.is_valid(*at) && flags.value(*at));
        let names = (0..frames.len()).filter(counts).filter_map(|at| field_text(frames, "function", at)).collect();
        Some((role, names))
    };
    (0..stacks.len()).filter_map(one).collect()
}

/// The lock classes at a place.
fn locks(column: &dyn Array, at: usize) -> Vec<String> {
    let Some(lockdep) = column.as_struct_opt().filter(|lockdep| lockdep.is_valid(at)) else { return Vec::new() };
    let ends = ["acquiring", "holding"].into_iter().filter_map(|name| field_text(lockdep, name, at));
    let chain = lockdep.column_by_name("chain").map_or(Vec::new(), |chain| cell::texts(chain, at));
    ends.chain(chain).collect()
}

fn field_text(record: &StructArray, name: &str, at: usize) -> Option<String> {
    cell::text(record.column_by_name(name)?, at)
}
