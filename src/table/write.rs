//! Tables into files: rows are gathered and written a batch at a time.

use super::draft::{Draft, at};
use super::form::Form;
use super::place::Place;
use super::{Origin, Row, TableError};
use crate::files;
use std::io::Write;
use std::path::{Path, PathBuf};
#[cfg(feature = "arrow")]
use {super::parts::Parts, super::stream::RowStream, std::fs};

/// So many rows are turned into columns at once.
const BATCH: usize = 2048;
/// And no more than so many frames of stacks and lists, so that logs of long dumps do not need much memory.
const HEAVY: usize = 400_000;
/// Memory for a row group of Parquet, bytes.
const GROUP: usize = 32 << 20;

/// Whether rows of this number and [`weight`] are to become a batch.
#[must_use]
pub fn is_full(rows: usize, weight: usize) -> bool {
    rows >= BATCH || weight >= HEAVY
}

/// Writes rows into one file, into a folder of partitions, or into a stream. What was not finished leaves no table behind; a
/// process that is killed may leave drafts, `.*.part`, which nothing reads, where files must have names (NFS).
pub struct TableWriter {
    place: Box<dyn Place + Send>,
    origin: Origin,
    waiting: Vec<Row>,
    weight: usize,
    rows: u64,
}

/// A draft and the file that it becomes.
struct One(Draft, PathBuf);

impl Place for One {
    fn write(&mut self, rows: &[&Row], origin: &Origin) -> Result<(), TableError> {
        self.0.write(rows, &[], origin)
    }

    fn finish(self: Box<Self>) -> Result<(), TableError> {
        self.0.finish()?.place().map_err(at(&self.1))
    }
}

impl TableWriter {
    /// A table that replaces `path` when it is finished.
    ///
    /// # Errors
    /// The name says no form, or one that this build leaves out, or the folder takes no files.
    pub fn create(path: &Path, origin: Origin) -> Result<Self, TableError> {
        let form = Form::of(path).ok_or_else(|| {
            let name = path.display();
            TableError::Request(format!(
                "{name}: a table is called NAME.csv, NAME.parquet or NAME.arrow, or it is a folder with --partition-by"
            ))
        })?;
        if cfg!(not(feature = "arrow")) && form != Form::Csv {
            return Err(TableError::LeftOut(path.display().to_string()));
        }
        if path.is_dir() {
            return Err(TableError::Request(format!(
                "{}: this is a folder; name a file, or say --partition-by",
                path.display()
            )));
        }
        let draft = Draft::create(files::Draft::beside(path), path, form, &[], &origin, GROUP)?;
        Ok(Self::at(One(draft, path.to_owned()), origin))
    }

    /// A table that is added to the Parquet files in `folder`, one file for each value of the columns `by`.
    ///
    /// # Errors
    /// A column by which nothing is partitioned, or the folder cannot be made.
    #[cfg(feature = "arrow")]
    pub fn append(folder: &Path, by: &[String], origin: Origin) -> Result<Self, TableError> {
        for (at, column) in by.iter().enumerate() {
            if !super::PARTITIONS.contains(&column.as_str()) {
                let known = super::PARTITIONS.join(", ");
                return Err(TableError::Request(format!("--partition-by {column}: it can be one of {known}")));
            }
            if by[..at].contains(column) {
                return Err(TableError::Request(format!("--partition-by {column}: it is given twice")));
            }
        }
        if folder.exists() && !folder.is_dir() {
            return Err(TableError::Request(format!(
                "{}: with --partition-by this is the name of a folder, and a file is there",
                folder.display()
            )));
        }
        fs::create_dir_all(folder).map_err(at(folder))?;
        Ok(Self::at(Parts::new(folder, by), origin))
    }

    /// A stream of Arrow batches (IPC) that begins at once.
    ///
    /// # Errors
    /// Nobody reads it.
    #[cfg(feature = "arrow")]
    pub fn stream(out: Box<dyn Write + Send>, origin: Origin) -> Result<Self, TableError> {
        Ok(Self::at(RowStream::create(out, &[], origin.clone())?, origin))
    }

    /// A folder of Parquet files.
    ///
    /// # Errors
    /// Always: this build is without the feature `arrow`.
    #[cfg(not(feature = "arrow"))]
    pub fn append(folder: &Path, _: &[String], _: Origin) -> Result<Self, TableError> {
        Err(TableError::LeftOut(format!("--partition-by, {}", folder.display())))
    }

    /// A stream of Arrow batches.
    ///
    /// # Errors
    /// Always: this build is without the feature `arrow`.
    #[cfg(not(feature = "arrow"))]
    pub fn stream(_: Box<dyn Write + Send>, _: Origin) -> Result<Self, TableError> {
        Err(TableError::LeftOut("--to arrow".to_owned()))
    }

    fn at(place: impl Place + Send + 'static, origin: Origin) -> Self {
        Self { place: Box::new(place), origin, waiting: Vec::new(), weight: 0, rows: 0 }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The disk is full, or whatever else the system says.
    pub fn push(&mut self, row: Row) -> Result<(), TableError> {
        self.weight += weight(&row);
        self.waiting.push(row);
        self.rows += 1;
        if is_full(self.waiting.len(), self.weight) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let rows: Vec<&Row> = self.waiting.iter().collect();
        self.place.write(&rows, &self.origin)?;
        self.waiting.clear();
        self.weight = 0;
        Ok(())
    }

    /// Puts everything in its place and says how many rows there are. A partition's file gets the next free number:
    /// nothing that is there is touched, and two writers of one table do not meet.
    ///
    /// # Errors
    /// What the system says; what stood there before stands there still.
    pub fn finish(mut self) -> Result<u64, TableError> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        self.place.finish()?;
        Ok(self.rows)
    }
}

/// Roughly how much a row holds; a text of a hundred bytes counts as a frame.
#[must_use]
pub fn weight(row: &Row) -> usize {
    let stacks = |stacks: &[crate::report::Stack]| -> usize { stacks.iter().map(|stack| 1 + stack.frames.len()).sum() };
    let held = |lists: &[crate::report::HeldLocks]| -> usize { lists.iter().map(|list| 1 + list.locks.len()).sum() };
    let texts = |texts: &[String]| -> usize { texts.iter().map(|text| 1 + text.len() / 100).sum() };
    match row {
        Row::Log(_) => 1,
        Row::Report(report) => {
            stacks(&report.stacks) + held(&report.held_locks) + report.hung_tasks.len() + texts(&report.message) + 1
        }
        Row::Event(event) => stacks(&event.stacks) + held(&event.held_locks) + texts(&event.rows) + 1,
    }
}
