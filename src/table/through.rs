//! Files that are read through, to tell which of them a library stumbled over that does not say it.

use super::TableError;
use super::form::Form;
use super::guarded::{guarded, sentence};
use super::sound::{DAMAGED, ends_well, unreadable};
use arrow_ipc::reader::FileReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Reads all that is in the files and tells of the first that cannot be read.
pub(super) fn first_unreadable(files: &[PathBuf]) -> Option<TableError> {
    files.iter().find_map(|path| ends_well(path).err().or_else(|| read_through(path).err()))
}

fn read_through(path: &Path) -> Result<(), TableError> {
    let failed = |source| TableError::File { path: path.display().to_string(), source };
    let because = |error: &dyn std::fmt::Display| unreadable(path, &sentence(error));
    let file = File::open(path).map_err(failed)?;
    let read = || -> Result<(), TableError> {
        if Form::of(path) == Some(Form::Arrow) {
            let mut reader = FileReader::try_new(BufReader::new(file), None).map_err(|error| because(&error))?;
            return reader.try_for_each(|batch| batch.map(drop)).map_err(|error| because(&error));
        }
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
        let mut reader = reader.map_err(|error| because(&error))?;
        reader.try_for_each(|batch| batch.map(drop)).map_err(|error| because(&error))
    };
    guarded(read).unwrap_or_else(|| Err(unreadable(path, DAMAGED)))
}
