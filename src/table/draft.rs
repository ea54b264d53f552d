//! A table that is drafted and takes its place whole.

use super::form::Form;
use super::sink::Sink;
use super::{Origin, Row, TableError};
use crate::files;
use std::error::Error;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// A table that is being written; `at` is what is named where that fails.
pub(super) struct Draft {
    sink: Sink,
    at: PathBuf,
}

impl Draft {
    /// A draft of a table of this form. A row group is gathered up to `group` bytes of memory.
    pub(super) fn create(
        file: io::Result<files::Draft>,
        place: &Path,
        form: Form,
        without: &[String],
        origin: &Origin,
        group: usize,
    ) -> Result<Self, TableError> {
        let out = BufWriter::with_capacity(1 << 18, file.map_err(at(place))?);
        let sink = Sink::open(form, out, without, origin, group).map_err(told(place))?;
        Ok(Self { sink, at: place.to_owned() })
    }

    pub(super) fn write(&mut self, rows: &[&Row], without: &[String], origin: &Origin) -> Result<(), TableError> {
        self.sink.write(rows, without, origin).map_err(told(&self.at))
    }

    pub(super) fn finish(self) -> Result<files::Draft, TableError> {
        let out = self.sink.finish().map_err(told(&self.at))?;
        out.into_inner().map_err(io::IntoInnerError::into_error).map_err(at(&self.at))
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> TableError {
    let path = path.display().to_string();
    move |source| TableError::File { path, source }
}

/// A writer's error as ours: the system's word, where there is one.
pub(super) fn told(path: &Path) -> impl FnOnce(Box<dyn Error + Send + Sync>) -> TableError {
    let path = path.display().to_string();
    move |error| {
        let error = match error.downcast::<TableError>() {
            Ok(own) => return *own,
            Err(other) => other,
        };
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(now) = cause {
            if let Some(io) = now.downcast_ref::<io::Error>() {
                return TableError::File { path, source: io::Error::new(io.kind(), io.to_string()) };
            }
            cause = now.source();
        }
        TableError::Request(format!("{path}: the table cannot be written: {error}"))
    }
}
