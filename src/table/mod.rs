//! Reports as columns: Parquet, Arrow, CSV, SQL, and the stream of Arrow batches that Spark and Ray speak.
//!
//! A table has a row for each log, each report and each event (`record` says which), so that rates have a denominator:
//! a log without a crash is a row, and so is one that cannot be read. [`COLUMNS`] is the schema `kanalyze.events/2`. The rows of
//! a log stay together and in order. CSV is always there; Parquet, Arrow and streams are the cargo feature `arrow` (arrow-rs), SQL is
//! the feature `tables` (polars). `Cargo.toml` says what they cost.
//!
//! `columns` turns rows into columns: `arrays` of Arrow, or the values of a `csv`. `write` gathers rows, `draft` and `sink` put
//! them into files, `parts` into partitions of a folder, `stream` reads logs out of a stream and writes rows into one, `read`
//! takes causes out of tables of any age, `query` asks SQL; `sound` and
//! `through` tell them which files cannot be read.

#[cfg(not(feature = "arrow"))]
mod absent;
#[cfg(feature = "arrow")]
mod arrays;
#[cfg(feature = "arrow")]
mod cell;
mod columns;
mod csv;
mod draft;
mod form;
#[cfg(feature = "arrow")]
mod guarded;
#[cfg(feature = "arrow")]
mod messages;
#[cfg(feature = "arrow")]
mod old;
#[cfg(feature = "arrow")]
mod parts;
mod place;
#[cfg(feature = "tables")]
mod query;
#[cfg(feature = "arrow")]
mod read;
mod row;
mod schema;
mod sink;
#[cfg(feature = "arrow")]
mod sound;
#[cfg(feature = "arrow")]
mod stream;
#[cfg(feature = "tables")]
mod through;
#[cfg(feature = "tables")]
mod value;
mod write;

#[cfg(not(feature = "arrow"))]
pub use absent::{causes, known_clusters, write_clusters};
pub use form::{Form, is_table, parquet_files};
#[cfg(feature = "tables")]
pub use query::{Answer, ask};
#[cfg(feature = "arrow")]
pub use read::{causes, known_clusters, write_clusters};
pub use schema::{COLUMNS, ColumnInfo, PARTITIONS};
#[cfg(feature = "arrow")]
pub use stream::{LogBatch, LogStream, RowStream};
pub use write::{TableWriter, is_full, weight};

use crate::diff::Fingerprint;
use crate::grammar::Grammar;
use crate::report::{Event, Report};

/// The schema name of a row, in the column `schema`.
pub const ROW_SCHEMA: &str = "kanalyze.events/2";

/// What the values of a list are called, as Parquet has it.
#[cfg(feature = "arrow")]
const LIST_ELEMENT: &str = "element";
/// What a missing value is called in the name of a partition: Hive's word.
#[cfg(feature = "arrow")]
const NOTHING: &str = "__HIVE_DEFAULT_PARTITION__";

/// What went wrong with a table, in one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The system's word on a file or folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// What is asked for takes Parquet or Arrow, and this build is without the cargo feature `arrow`.
    #[error(
        "{0}: Parquet and Arrow are left out of this build: get them with `cargo install --path . --features arrow` in kanalyze's sources"
    )]
    LeftOut(String),
    /// What the user asked for cannot be.
    #[error("{0}")]
    Request(String),
}

/// What made a row: a back-fill recognises rows of an older kanalyze, or of other grammars, by it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// kanalyze's release.
    pub version: &'static str,
    /// 32 hexadecimal digits, equal where the same grammars (the built-in ones and the user's) read the log in the same way.
    pub grammar: String,
}

impl Origin {
    /// Rows that this release reads with `grammar`; `as_syzbot` says whether it opens exactly what syzbot opens.
    #[must_use]
    pub fn of(grammar: &Grammar, as_syzbot: bool) -> Self {
        let hash = grammar.texts().fold(Fingerprint::default(), Fingerprint::with).with(&[u8::from(as_syzbot)]);
        Self { version: env!("CARGO_PKG_VERSION"), grammar: hash.to_string() }
    }
}

/// One row.
#[derive(Debug)]
#[non_exhaustive]
pub enum Row {
    /// A log as a whole.
    Log(Box<LogRow>),
    /// A report.
    Report(Box<Report>),
    /// An event.
    Event(Box<Event>),
}

/// What a table says of a log as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRow {
    /// The path as the user gave it.
    pub log: String,
    /// Its (decompressed) size, bytes.
    pub bytes: u64,
    /// How it is damaged, in a sentence.
    pub damage: Option<String>,
}

#[cfg(all(test, feature = "arrow"))]
mod tests;
