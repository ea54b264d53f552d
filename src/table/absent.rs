//! What stands in place of Parquet, Arrow and streams in a build without the feature `arrow`: a sentence that says how to get them.

use super::{Origin, TableError, TableWriter};
use crate::diff::cluster::{Known, Sample};
use std::io::Write;
use std::path::Path;

fn left_out<T>(what: &dyn std::fmt::Display) -> Result<T, TableError> {
    Err(TableError::LeftOut(what.to_string()))
}

impl TableWriter {
    /// A folder of Parquet files.
    ///
    /// # Errors
    /// Always.
    pub fn append(folder: &Path, _: &[String], _: Origin) -> Result<Self, TableError> {
        left_out(&format!("--partition-by, {}", folder.display()))
    }

    /// A stream of Arrow batches.
    ///
    /// # Errors
    /// Always.
    pub fn stream(_: Box<dyn Write + Send>, _: Origin) -> Result<Self, TableError> {
        left_out(&"--to arrow")
    }
}

/// The causes in a table.
///
/// # Errors
/// Always.
pub fn causes(path: &Path) -> Result<Vec<Sample>, TableError> {
    left_out(&path.display())
}

/// The clusters in a table.
///
/// # Errors
/// Always.
pub fn known_clusters(path: &Path) -> Result<Vec<Known>, TableError> {
    left_out(&path.display())
}

/// Clusters as a table.
///
/// # Errors
/// Always.
pub fn write_clusters(path: &Path, _: &[Known]) -> Result<(), TableError> {
    left_out(&path.display())
}
