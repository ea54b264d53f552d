//! A file that is drafted under a name of its own and takes its place whole.

use super::form::Form;
use super::sink::Sink;
use super::{Origin, Row, TableError};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file under a draft's name, removed unless it finds its place.
pub(super) struct Whole {
    pub(super) path: PathBuf,
}

impl Drop for Whole {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Whole {
    /// Takes the place of `target`.
    pub(super) fn replace(self, target: &Path) -> Result<(), TableError> {
        crate::files::place(&self.path, target).map_err(at(target))
    }
}

/// A file that is being written.
pub(super) struct Draft {
    sink: Sink,
    whole: Whole,
}

/// So many names are tried for a draft: those that are there were left by processes of the same number.
const TRIES: usize = 1000;

impl Draft {
    /// A draft of a table of this form. A row group is gathered up to `group` bytes of memory.
    pub(super) fn create(
        folder: &Path,
        form: Form,
        without: &[String],
        origin: &Origin,
        group: usize,
    ) -> Result<Self, TableError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut tries = 0;
        let (path, file) = loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".kanalyze-{}-{number}.part", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
                // The draft's name says nothing to anybody.
                Err(error) => return Err(at(folder)(error)),
            }
        };
        let whole = Whole { path };
        let out = BufWriter::with_capacity(1 << 18, file);
        let sink = Sink::open(form, out, without, origin, group).map_err(told(&whole.path))?;
        Ok(Self { sink, whole })
    }

    pub(super) fn write(&mut self, rows: &[&Row], without: &[String], origin: &Origin) -> Result<(), TableError> {
        self.sink.write(rows, without, origin).map_err(told(&self.whole.path))
    }

    pub(super) fn finish(self) -> Result<Whole, TableError> {
        let mut out = self.sink.finish().map_err(told(&self.whole.path))?;
        let synced = out.flush().and_then(|()| out.get_ref().sync_all());
        synced.map_err(at(&self.whole.path))?;
        Ok(self.whole)
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
