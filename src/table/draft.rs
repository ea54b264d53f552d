//! A file that is drafted under a name of its own and takes its place whole.

use super::columns::batch;
use super::csv;
use super::form::Form;
use super::{Origin, Row, TableError};
use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file under a draft's name, removed unless it finds its place.
pub(super) struct Whole {
    path: PathBuf,
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

    /// Becomes the file with the next free number in `folder`.
    pub(super) fn add_to(self, folder: &Path) -> Result<PathBuf, TableError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut number = fs::read_dir(folder).map_err(at(folder))?.count();
        loop {
            let target = folder.join(format!("part-{number:05}.parquet"));
            match fs::hard_link(&self.path, &target) {
                Ok(()) => return Ok(target),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                // A file system without links: the name is taken by making it.
                Err(_) => match File::create_new(&target) {
                    Ok(_) => return crate::files::place(&self.path, &target).map_err(at(&target)).map(|()| target),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                    Err(error) => return Err(at(&target)(error)),
                },
            }
        }
    }
}

/// A file that is being written.
pub(super) struct Draft {
    sink: Sink,
    whole: Whole,
}

enum Sink {
    Parquet(Box<ArrowWriter<Out>>),
    Arrow(Box<FileWriter<Out>>),
    Csv(Out),
}

type Out = BufWriter<File>;

/// Rows of a row group of Parquet, if they are small: what a reader skips or reads at once.
const GROUP_ROWS: usize = 1 << 16;
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
                Err(error) => return Err(at(&path)(error)),
            }
        };
        let whole = Whole { path };
        let schema = batch(&[], without, origin)?.schema();
        let out = BufWriter::with_capacity(1 << 18, file);
        let sink = Sink::open(form, out, &schema, group).map_err(told(&whole.path))?;
        Ok(Self { sink, whole })
    }

    pub(super) fn write(&mut self, rows: &[&Row], without: &[String], origin: &Origin) -> Result<(), TableError> {
        let batch = batch(rows, without, origin)?;
        self.sink.write(&batch).map_err(told(&self.whole.path))
    }

    pub(super) fn finish(self) -> Result<Whole, TableError> {
        let mut out = self.sink.finish().map_err(told(&self.whole.path))?;
        let synced = out.flush().and_then(|()| out.get_ref().sync_all());
        synced.map_err(at(&self.whole.path))?;
        Ok(self.whole)
    }
}

type SinkResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

impl Sink {
    fn open(form: Form, mut out: Out, schema: &SchemaRef, group: usize) -> SinkResult<Self> {
        Ok(match form {
            Form::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                    .set_statistics_enabled(EnabledStatistics::Chunk)
                    .set_created_by(format!("kanalyze {}", env!("CARGO_PKG_VERSION")))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(group))
                    .build();
                Self::Parquet(Box::new(ArrowWriter::try_new(out, schema.clone(), Some(properties))?))
            }
            Form::Arrow => {
                let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
                Self::Arrow(Box::new(FileWriter::try_new_with_options(out, schema, options)?))
            }
            Form::Csv => {
                csv::write_header(&mut out, schema)?;
                Self::Csv(out)
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> SinkResult<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch)?,
            Self::Arrow(writer) => writer.write(batch)?,
            Self::Csv(out) => csv::write(out, batch)?,
        }
        Ok(())
    }

    fn finish(self) -> SinkResult<Out> {
        Ok(match self {
            Self::Parquet(writer) => writer.into_inner()?,
            Self::Arrow(writer) => writer.into_inner()?,
            Self::Csv(out) => out,
        })
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
