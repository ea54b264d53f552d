//! A growing log, followed through rotation and truncation by looking again and again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::open::{InputError, Source};
use super::stream::CHUNK;

/// Where to begin in a file that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Begin {
    /// With its first byte.
    #[default]
    Start,
    /// With what is written from now on.
    End,
}

/// What happened to a followed log.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'bytes> {
    /// More of it.
    Bytes(&'bytes [u8]),
    /// Nothing for one interval.
    Idle,
    /// Another file has the name now; the old one was read to its end. What follows is the new file's.
    Rotated,
    /// The file became shorter than what had been read of it; what follows is its start.
    Truncated,
    /// Somebody called [`Stopper::stop`].
    Stopped,
}

/// Follows one log. Looks at the file once an interval; a file that is truncated and grows past the old place between
/// two looks goes unnoticed, as with `tail -F`.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
    at: u64,
    interval: Duration,
    stopper: Stopper,
    buffer: Vec<u8>,
}

/// Ends a [`Follow`], from any thread, at once.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<(Mutex<bool>, Condvar)>);

impl Stopper {
    /// Ends it: the next [`Follow::next`] gives [`Step::Stopped`], one that waits does so now.
    pub fn stop(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits for at most `time`; true if it was stopped.
    fn wait(&self, time: Duration) -> bool {
        let stopped = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) =
            self.0.1.wait_timeout_while(stopped, time, |stopped| !*stopped).unwrap_or_else(PoisonError::into_inner);
        *stopped
    }
}

impl Follow {
    /// Begins to follow a plain file, looking at it once an `interval`.
    ///
    /// # Errors
    ///
    /// [`InputError`], if it cannot be opened now or is not a plain file.
    pub fn new(path: &Path, from: Begin, interval: Duration) -> Result<Self, InputError> {
        let source = Source::Path(path.to_path_buf());
        let mut file = File::open(path).map_err(|error| InputError::new(&source, error))?;
        let metadata = file.metadata().map_err(|error| InputError::new(&source, error))?;
        if metadata.is_dir() {
            return Err(InputError::Directory(source));
        }
        if !metadata.is_file() {
            return Err(InputError::NotFollowable(source));
        }
        let at = match from {
            Begin::Start => 0,
            Begin::End => file.seek(SeekFrom::End(0)).map_err(|error| InputError::new(&source, error))?,
        };
        Ok(Self {
            path: path.to_path_buf(),
            file,
            identity: (metadata.dev(), metadata.ino()),
            at,
            interval,
            stopper: Stopper::default(),
            buffer: vec![0; CHUNK],
        })
    }

    /// What ends this.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What happens next; comes back after one interval at the latest. While no file has the name (in the middle of a
    /// rotation, say) it is idle.
    #[expect(clippy::should_implement_trait, reason = "the bytes are lent, which an Iterator cannot do")]
    pub fn next(&mut self) -> Step<'_> {
        if self.stopper.wait(Duration::ZERO) {
            return Step::Stopped;
        }
        if let Some(step) = self.look() {
            return step.lend(&self.buffer);
        }
        if self.stopper.wait(self.interval) {
            return Step::Stopped;
        }
        self.look().map_or(Step::Idle, |step| step.lend(&self.buffer))
    }

    /// Reads what is there, or notices what became of the file.
    fn look(&mut self) -> Option<Seen> {
        if let Ok(metadata) = self.file.metadata()
            && metadata.len() < self.at
        {
            self.at = 0;
            let _ = self.file.rewind();
            return Some(Seen::Truncated);
        }
        // A read that fails (a network file system, say) is tried again at the next look.
        if let Ok(got @ 1..) = self.file.read(&mut self.buffer) {
            self.at += got as u64;
            return Some(Seen::Bytes(got));
        }
        // The old file is at its end: is there a new one?
        let metadata = std::fs::metadata(&self.path).ok()?;
        if (metadata.dev(), metadata.ino()) == self.identity || !metadata.is_file() {
            return None;
        }
        let file = File::open(&self.path).ok()?;
        // What was opened counts, not what was looked at before.
        let metadata = file.metadata().ok()?;
        // The writer may have added to the old file until it noticed the rotation.
        if let Ok(got @ 1..) = self.file.read(&mut self.buffer) {
            self.at += got as u64;
            return Some(Seen::Bytes(got));
        }
        self.identity = (metadata.dev(), metadata.ino());
        (self.file, self.at) = (file, 0);
        Some(Seen::Rotated)
    }
}

/// A [`Step`] that lends nothing yet.
enum Seen {
    Bytes(usize),
    Rotated,
    Truncated,
}

impl Seen {
    fn lend(self, buffer: &[u8]) -> Step<'_> {
        match self {
            Self::Bytes(got) => Step::Bytes(&buffer[..got]),
            Self::Rotated => Step::Rotated,
            Self::Truncated => Step::Truncated,
        }
    }
}
