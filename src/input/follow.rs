//! A growing log, followed through rotation and truncation by looking again and again.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::source::{InputError, Source};
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
    /// It cannot be read (a network file system that is gone, say), in words. Said once; it is tried again at each look.
    Failing(String),
    /// It can be read again.
    Recovered,
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
    /// What failed at the last look and was told.
    failing: Option<Failing>,
    /// So many bytes of `buffer` are read and not handed over.
    held: usize,
}

/// What can fail while a log is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    /// To read the file that is open.
    Read,
    /// To open another one that has the name now.
    Open,
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
            failing: None,
            held: 0,
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
        if let held @ 1.. = std::mem::take(&mut self.held) {
            return Some(Seen::Bytes(held));
        }
        match self.file.read(&mut self.buffer) {
            Ok(got) => {
                self.at += got as u64;
                if self.failing == Some(Failing::Read) {
                    (self.failing, self.held) = (None, got);
                    return Some(Seen::Recovered);
                }
                if got > 0 {
                    return Some(Seen::Bytes(got));
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return None,
            // Another file may have the name, all the same.
            Err(error) => {
                if let Some(told) = self.fails(Failing::Read, &error) {
                    return Some(told);
                }
            }
        }
        // The old file is at its end: is there a new one?
        let metadata = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            // In the middle of a rotation no file has the name.
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => return self.fails(Failing::Open, &error),
        };
        if (metadata.dev(), metadata.ino()) == self.identity || !metadata.is_file() {
            return (self.failing == Some(Failing::Open)).then(|| {
                self.failing = None;
                Seen::Recovered
            });
        }
        // What was opened counts, not what was looked at before.
        let (file, metadata) = match File::open(&self.path).and_then(|file| Ok((file.metadata()?, file))) {
            Ok((metadata, file)) => (file, metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => return self.fails(Failing::Open, &error),
        };
        // The writer may have added to the old file until it noticed the rotation.
        if let Ok(got @ 1..) = self.file.read(&mut self.buffer) {
            self.at += got as u64;
            return Some(Seen::Bytes(got));
        }
        self.identity = (metadata.dev(), metadata.ino());
        (self.file, self.at, self.failing) = (file, 0, None);
        Some(Seen::Rotated)
    }

    /// Tells of a failure, unless one was told and is not over.
    fn fails(&mut self, what: Failing, error: &std::io::Error) -> Option<Seen> {
        if self.failing.is_some() {
            return None;
        }
        self.failing = Some(what);
        let path = self.path.display();
        Some(Seen::Failing(match what {
            Failing::Read => format!("{path} cannot be read now: {error}"),
            Failing::Open => format!("the new {path} cannot be opened now: {error}"),
        }))
    }
}

/// A [`Step`] that lends nothing yet.
enum Seen {
    Bytes(usize),
    Rotated,
    Truncated,
    Failing(String),
    Recovered,
}

impl Seen {
    fn lend(self, buffer: &[u8]) -> Step<'_> {
        match self {
            Self::Bytes(got) => Step::Bytes(&buffer[..got]),
            Self::Rotated => Step::Rotated,
            Self::Truncated => Step::Truncated,
            Self::Failing(words) => Step::Failing(words),
            Self::Recovered => Step::Recovered,
        }
    }
}
