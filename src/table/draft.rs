//! A file that is drafted under a name of its own and takes its place whole.

use super::columns::frame;
use super::form::Form;
use super::value::flat;
use super::{Row, TableError};
use polars::prelude::{
    CompatLevel, CsvWriter, DataFrame, ParquetCompression, ParquetWriter, PolarsError, Schema, SchemaExt, SerWriter,
};
use polars_arrow::io::ipc::write::{Compression, FileWriter, WriteOptions};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

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
    file: Out,
    whole: Whole,
}

enum Sink {
    Parquet(Box<polars::io::parquet::write::BatchedWriter<Out>>),
    Arrow(Box<FileWriter<Out>>),
    Csv(Box<polars::io::csv::write::BatchedWriter<Out>>),
}

/// A buffered file in two hands: polars writes, and we flush it at the end, so that no error is lost.
#[derive(Clone)]
struct Out(Arc<Mutex<BufWriter<File>>>);

impl Out {
    fn new(file: File) -> Self {
        Self(Arc::new(Mutex::new(BufWriter::with_capacity(1 << 18, file))))
    }

    fn with<T>(&self, work: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>) -> io::Result<T> {
        work(&mut *self.0.lock().map_err(|_| io::Error::other("the writer of this table failed before"))?)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|out| out.flush())
    }
}

impl Draft {
    pub(super) fn create(folder: &Path, form: Form, without: &[String]) -> Result<Self, TableError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".kanalyze-{}-{number}.part", std::process::id()));
        let file = Out::new(File::create_new(&path).map_err(at(&path))?);
        let whole = Whole { path };
        let empty = frame(&[], without)?;
        let sink = Sink::open(form, file.clone(), &empty).map_err(told(&whole.path))?;
        Ok(Self { sink, file, whole })
    }

    pub(super) fn write(&mut self, rows: &[&Row], without: &[String]) -> Result<(), TableError> {
        let frame = frame(rows, without)?;
        self.sink.write(&frame).map_err(told(&self.whole.path))
    }

    pub(super) fn finish(self) -> Result<Whole, TableError> {
        self.sink.finish().map_err(told(&self.whole.path))?;
        let synced = self.file.with(|out| {
            out.flush()?;
            out.get_ref().sync_all()
        });
        synced.map_err(at(&self.whole.path))?;
        Ok(self.whole)
    }
}

impl Sink {
    fn open(form: Form, file: Out, empty: &DataFrame) -> Result<Self, PolarsError> {
        let schema: &Schema = empty.schema();
        Ok(match form {
            Form::Parquet => {
                let writer = ParquetWriter::new(file).with_compression(ParquetCompression::Zstd(None));
                Self::Parquet(Box::new(writer.batched(schema)?))
            }
            Form::Arrow => {
                // The oldest layout, without views: what every reader of Arrow knows.
                let fields = schema.iter_fields().map(|field| {
                    (field.name().clone(), field.dtype().to_arrow_field(field.name().clone(), CompatLevel::oldest()))
                });
                let options = WriteOptions { compression: Some(Compression::ZSTD(Default::default())) };
                Self::Arrow(Box::new(FileWriter::try_new(file, Arc::new(fields.collect()), None, options)?))
            }
            Form::Csv => {
                let empty = flat(empty)?;
                Self::Csv(Box::new(CsvWriter::new(file).include_header(true).batched(empty.schema())?))
            }
        })
    }

    fn write(&mut self, frame: &DataFrame) -> Result<(), PolarsError> {
        match self {
            Self::Parquet(writer) => writer.write_batch(frame),
            Self::Arrow(writer) => {
                frame.iter_chunks(CompatLevel::oldest(), true).try_for_each(|batch| writer.write(&batch, None))
            }
            Self::Csv(writer) => writer.write_batch(&flat(frame)?),
        }
    }

    fn finish(self) -> Result<(), PolarsError> {
        match self {
            Self::Parquet(writer) => writer.finish().map(drop),
            Self::Arrow(mut writer) => writer.finish(),
            Self::Csv(mut writer) => writer.finish(),
        }
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> TableError {
    let path = path.display().to_string();
    move |source| TableError::File { path, source }
}

fn told(path: &Path) -> impl FnOnce(PolarsError) -> TableError {
    let path = path.display().to_string();
    move |error| match error {
        PolarsError::IO { error, .. } => {
            TableError::File { path, source: io::Error::new(error.kind(), error.to_string()) }
        }
        other => TableError::Request(format!("{path}: the table cannot be written: {other}")),
    }
}
