//! The forms of a table file.

use std::path::{Path, PathBuf};

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

/// Whether `path` is a table: a file of a form that is read here, or a folder that holds Parquet files.
#[must_use]
pub fn is_table(path: &Path) -> bool {
    if path.is_dir() {
        !parquet_files(path).is_empty()
    } else {
        matches!(Form::of(path), Some(Form::Parquet | Form::Arrow))
    }
}

/// The Parquet files in a folder and below it, in order.
#[must_use]
pub fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() && depth < 16 {
                folders.push((path, depth + 1));
            } else if Form::of(&path) == Some(Form::Parquet) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
