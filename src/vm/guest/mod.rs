//! The guest: how commands reach it, and the road from its first answer to a running workload.

pub mod console;
pub mod drive;
pub mod ssh;

use std::time::Duration;

/// Why the guest did not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuestError {
    /// It cannot be reached, or no longer; the words of whoever tried.
    #[error("{0}")]
    Unreachable(String),
    /// It was reached and could not do it.
    #[error("{0}")]
    Refused(String),
    /// The run is being ended.
    #[error("the run is being ended")]
    Stopped,
}

/// What a command left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: i32,
    /// Its output, both streams.
    pub output: String,
}

/// A way to run commands in the guest.
pub trait Transport: Send {
    /// Tries once to reach the guest.
    ///
    /// # Errors
    /// It does not answer (yet).
    fn reach(&mut self) -> Result<(), GuestError>;

    /// Runs a shell command to its end, `limit` at most.
    ///
    /// # Errors
    /// The guest does not answer.
    fn run(&mut self, command: &str, limit: Duration) -> Result<Answer, GuestError>;

    /// Writes a file of the guest, with its mode.
    ///
    /// # Errors
    /// The guest does not answer or has no room, or the file is too large for this transport.
    fn put(&mut self, path: &str, bytes: &[u8], executable: bool) -> Result<(), GuestError>;

    /// Whether the workload's output comes by the serial port instead of a session of its own.
    fn is_console(&self) -> bool;
}

/// Puts a word between quotes for `sh`.
#[must_use]
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
