//! What stands in place of reading tables in a build without the feature `arrow`: a sentence that says how to get it.

use super::TableError;
use crate::diff::cluster::{Known, Sample};
use std::path::Path;

fn left_out<T>(path: &Path) -> Result<T, TableError> {
    Err(TableError::LeftOut(path.display().to_string()))
}

/// The causes in a table.
///
/// # Errors
/// Always.
pub fn causes(path: &Path) -> Result<Vec<Sample>, TableError> {
    left_out(path)
}

/// The clusters in a table.
///
/// # Errors
/// Always.
pub fn known_clusters(path: &Path) -> Result<Vec<Known>, TableError> {
    left_out(path)
}

/// Clusters as a table.
///
/// # Errors
/// Always.
pub fn write_clusters(path: &Path, _: &[Known]) -> Result<(), TableError> {
    left_out(path)
}
