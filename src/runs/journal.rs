//! Logs that only grow: every byte goes to the file at once, errors name the file, and a limit keeps a chatty guest from filling the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a journal could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system is full.
    #[error(
        "{path}: no space left on the device after {written} bytes: what is written stays readable; free some space or give --runs another place"
    )]
    Full {
        /// Which file.
        path: PathBuf,
        /// How much of it is there.
        written: u64,
    },
    /// Anything else.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl JournalError {
    /// Sorts a system error by what the user can do about it.
    #[must_use]
    pub fn of(path: &Path, written: u64, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path: path.to_owned(), written },
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

/// One growing file. Nothing is buffered in this program: what was pushed is there after a `kill -9`.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    written: u64,
    limit: u64,
    dropped: u64,
}

impl Journal {
    /// Makes the file, or goes on at its end; at most `limit` bytes are written through this journal.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: PathBuf, limit: u64) -> Result<Self, JournalError> {
        match OpenOptions::new().create(true).append(true).open(&path) {
            Ok(file) => Ok(Self { path, file, written: 0, limit, dropped: 0 }),
            Err(source) => Err(JournalError::of(&path, 0, source)),
        }
    }

    /// Appends. What does not fit under the limit is dropped and counted; true when that happens for the first time.
    ///
    /// # Errors
    /// The disk is full, or what else the system says; as much as did fit is in the file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, JournalError> {
        let room = usize::try_from(self.limit - self.written).unwrap_or(usize::MAX).min(bytes.len());
        let mut rest = &bytes[..room];
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(JournalError::of(&self.path, self.written, io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.written += count as u64;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(JournalError::of(&self.path, self.written, error)),
            }
        }
        let first = self.dropped == 0 && room < bytes.len();
        self.dropped += (bytes.len() - room) as u64;
        Ok(first)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that this journal wrote.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_bytes_are_counted_and_reported_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut journal = Journal::open(folder.path().join("log"), 5).expect("opened");
        assert!(!journal.push(b"abc").expect("written"));
        assert!(journal.push(b"defg").expect("written"));
        assert!(!journal.push(b"h").expect("dropped in silence"));
        assert_eq!(std::fs::read(journal.path()).expect("read"), b"abcde");
    }

    #[test]
    fn a_full_device_is_named_with_its_remedy() {
        let mut journal = Journal::open("/dev/full".into(), u64::MAX).expect("opened");
        let error = journal.push(b"x").expect_err("always full").to_string();
        assert!(error.contains("/dev/full: no space left") && error.contains("--runs"), "{error}");
    }
}
