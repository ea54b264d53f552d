//! Tables into files: each is drafted under a name of its own and takes its place whole.

use super::columns::frame;
use super::value::flat;
use super::{Row, TableError};
use polars::prelude::{
    CompatLevel, CsvWriter, DataFrame, ParquetCompression, ParquetWriter, PolarsError, Schema, SchemaExt, SerWriter,
};
use polars_arrow::io::ipc::write::{Compression, FileWriter, WriteOptions};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// So many rows are turned into columns at once; a row group of Parquet holds as many.
const BATCH: usize = 2048;
/// And no more than so many frames of stacks and lists, so that logs of long dumps do not need much memory.
const HEAVY: usize = 400_000;
/// Files of a partitioned table that are written to at once.
const OPEN: usize = 64;
/// What a missing value is called in the name of a partition: Hive's word.
const NOTHING: &str = "__HIVE_DEFAULT_PARTITION__";

/// The form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Apache Parquet, zstd.
    Parquet,
    /// Arrow IPC file (Feather 2), zstd.
    Arrow,
    /// CSV with a header; nested columns are JSON.
    Csv,
}

impl Form {
    /// The form that a file's name asks for.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Self::Parquet),
            "arrow" | "ipc" | "feather" => Some(Self::Arrow),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Writes rows into one file, or into a folder of partitions. What was not finished leaves nothing behind.
pub struct TableWriter {
    place: Place,
    waiting: Vec<Row>,
    weight: usize,
    rows: u64,
}

enum Place {
    One(Box<Draft>, PathBuf),
    Parts(Parts),
}

impl TableWriter {
    /// A table that replaces `path` when it is finished.
    ///
    /// # Errors
    /// The name says no form, or the folder takes no files.
    pub fn create(path: &Path) -> Result<Self, TableError> {
        let form = Form::of(path).ok_or_else(|| {
            let name = path.display();
            TableError::Request(format!(
                "{name}: a table is called NAME.parquet, NAME.arrow or NAME.csv, or it is a folder with --partition-by"
            ))
        })?;
        if path.is_dir() {
            return Err(TableError::Request(format!(
                "{}: this is a folder; name a file, or say --partition-by",
                path.display()
            )));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = Draft::create(folder, form, &[])?;
        Ok(Self::at(Place::One(Box::new(draft), path.to_owned())))
    }

    /// A table that is added to the Parquet files in `folder`, one file for each value of the columns `by`.
    ///
    /// # Errors
    /// A column by which nothing is partitioned, or the folder cannot be made.
    pub fn append(folder: &Path, by: &[String]) -> Result<Self, TableError> {
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
        let by = by.to_vec();
        Ok(Self::at(Place::Parts(Parts {
            folder: folder.to_owned(),
            by,
            open: BTreeMap::new(),
            full: Vec::new(),
            turn: 0,
        })))
    }

    fn at(place: Place) -> Self {
        Self { place, waiting: Vec::new(), weight: 0, rows: 0 }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The disk is full, or whatever else the system says.
    pub fn push(&mut self, row: Row) -> Result<(), TableError> {
        self.weight += weight(&row);
        self.waiting.push(row);
        self.rows += 1;
        if self.waiting.len() >= BATCH || self.weight >= HEAVY { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        let rows: Vec<&Row> = self.waiting.iter().collect();
        match &mut self.place {
            Place::One(draft, _) => draft.write(&rows, &[])?,
            Place::Parts(parts) => parts.write(&rows)?,
        }
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
        match self.place {
            Place::One(draft, path) => draft.finish()?.replace(&path)?,
            Place::Parts(parts) => parts.finish()?,
        }
        Ok(self.rows)
    }
}

/// Roughly how much a row holds.
fn weight(row: &Row) -> usize {
    let stacks = |stacks: &[crate::report::Stack]| -> usize { stacks.iter().map(|stack| 1 + stack.frames.len()).sum() };
    let held = |lists: &[crate::report::HeldLocks]| -> usize { lists.iter().map(|list| 1 + list.locks.len()).sum() };
    match row {
        Row::Log(_) => 1,
        Row::Report(report) => stacks(&report.stacks) + held(&report.held_locks) + report.hung_tasks.len() + 1,
        Row::Event(event) => stacks(&event.stacks) + held(&event.held_locks) + event.rows.len() + 1,
    }
}

/// A partitioned table: a folder below folders `column=value`.
struct Parts {
    folder: PathBuf,
    by: Vec<String>,
    /// Files being written, by their folder below the table's; the number says when one was last written to.
    open: BTreeMap<String, (u64, Draft)>,
    /// Files that are whole and wait for their place.
    full: Vec<(String, Whole)>,
    turn: u64,
}

impl Parts {
    fn write(&mut self, rows: &[&Row]) -> Result<(), TableError> {
        let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let parts: Vec<String> = self
                .by
                .iter()
                .map(|column| {
                    format!("{column}={}", row.part(column).map_or(NOTHING.to_owned(), |value| escaped(&value)))
                })
                .collect();
            groups.entry(parts.join("/")).or_default().push(row);
        }
        for (name, rows) in groups {
            self.turn += 1;
            if !self.open.contains_key(&name) {
                self.make_room()?;
                let draft = Draft::create(&self.folder, Form::Parquet, &self.by)?;
                self.open.insert(name.clone(), (self.turn, draft));
            }
            if let Some((turn, draft)) = self.open.get_mut(&name) {
                *turn = self.turn;
                draft.write(&rows, &self.by)?;
            }
        }
        Ok(())
    }

    /// Finishes the file that was longest not written to, when there are too many.
    fn make_room(&mut self) -> Result<(), TableError> {
        if self.open.len() < OPEN {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, (turn, _))| *turn).map(|(name, _)| name.clone());
        if let Some((name, (_, draft))) = oldest.and_then(|name| self.open.remove_entry(&name)) {
            self.full.push((name, draft.finish()?));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), TableError> {
        for (name, (_, draft)) in std::mem::take(&mut self.open) {
            self.full.push((name, draft.finish()?));
        }
        let mut placed: Vec<PathBuf> = Vec::new();
        for (name, whole) in self.full {
            match whole.add_to(&self.folder.join(name)) {
                Ok(path) => placed.push(path),
                Err(error) => {
                    // All or nothing, as far as files can be taken back.
                    placed.iter().for_each(|path| drop(fs::remove_file(path)));
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// A value as part of a folder's name: percent-encoded where Hive does it. A name has an end: what is too long for one is
/// cut, and bears a hash of the whole, so that different values stay apart.
fn escaped(value: &str) -> String {
    const MOST: usize = 220;
    let mut out = String::new();
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b" _-.,+@".contains(&byte);
        if plain { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    if out.len() > MOST {
        let hash = sha2::Sha256::digest(value.as_bytes());
        let room = MOST - 20;
        let mut end = 0;
        let mut length = 0;
        for (at, char) in value.char_indices() {
            // A byte takes three characters at most.
            length += 3 * char.len_utf8();
            if length > room {
                break;
            }
            end = at + char.len_utf8();
        }
        let cut = escaped(&value[..end]);
        return format!("{cut}%E2%80%A6{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
    }
    // `.` and `..` are no names.
    if out.is_empty() || out.bytes().all(|byte| byte == b'.') { NOTHING.to_owned() } else { out }
}

/// A file under a draft's name, removed unless it finds its place.
struct Whole {
    path: PathBuf,
}

impl Drop for Whole {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Whole {
    /// Takes the place of `target`.
    fn replace(self, target: &Path) -> Result<(), TableError> {
        fs::rename(&self.path, target).map_err(at(target))
    }

    /// Becomes the file with the next free number in `folder`.
    fn add_to(self, folder: &Path) -> Result<PathBuf, TableError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut number = fs::read_dir(folder).map_err(at(folder))?.count();
        loop {
            let target = folder.join(format!("part-{number:05}.parquet"));
            match fs::hard_link(&self.path, &target) {
                Ok(()) => return Ok(target),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                // A file system without links: the name is taken by making it.
                Err(_) => match File::create_new(&target) {
                    Ok(_) => return fs::rename(&self.path, &target).map_err(at(&target)).map(|()| target),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                    Err(error) => return Err(at(&target)(error)),
                },
            }
        }
    }
}

/// A file that is being written.
struct Draft {
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
    fn create(folder: &Path, form: Form, without: &[String]) -> Result<Self, TableError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".kanalyze-{}-{number}.part", std::process::id()));
        let file = Out::new(File::create_new(&path).map_err(at(&path))?);
        let whole = Whole { path };
        let empty = frame(&[], without)?;
        let sink = Sink::open(form, file.clone(), &empty).map_err(told(&whole.path))?;
        Ok(Self { sink, file, whole })
    }

    fn write(&mut self, rows: &[&Row], without: &[String]) -> Result<(), TableError> {
        let frame = frame(rows, without)?;
        self.sink.write(&frame).map_err(told(&self.whole.path))
    }

    fn finish(self) -> Result<Whole, TableError> {
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

fn at(path: &Path) -> impl FnOnce(io::Error) -> TableError {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_gives_a_name_of_one_folder_and_different_values_different_names() {
        assert_eq!(escaped("KASAN: use-after-free Read in f"), "KASAN%3A use-after-free Read in f");
        assert_eq!((escaped(".."), escaped("")), (NOTHING.to_owned(), NOTHING.to_owned()));
        assert_eq!(escaped("a/b\0\u{e4}"), "a%2Fb%00%C3%A4");
        let long = ["x", "\u{e4}", "/"].map(|part| part.repeat(500));
        for value in &long {
            let other = format!("{value}!");
            let (one, two) = (escaped(value), escaped(&other));
            assert!(one.len() <= 220 && one != two && one.contains("%E2%80%A6"), "{one}");
        }
    }
}
