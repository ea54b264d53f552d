//! A lock on a folder or file that ends with the process that holds it, however that ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("{}: process {} holds it", path.display(), holder.map_or("unknown".to_owned(), |pid| pid.to_string()))]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// The holder's process id, as it wrote it into the file.
        holder: Option<u32>,
    },
    /// The file cannot be made or locked.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A lock that is held (`flock`); the file goes when it is given back.
///
/// A process that is killed leaves the file behind, but not the lock: the next one takes it. The holder's id in the file is for
/// people only.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock whose file is `path`, at once or not at all.
    ///
    /// # Errors
    /// Another holds it; the system refuses.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let at = |source| LockError::Io { path: path.to_owned(), source };
        loop {
            let mut options = OpenOptions::new();
            let mut file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(at)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let mut text = String::new();
                    // Its holder may be writing its name just now: then we do not know it.
                    let _ = (&mut file).take(32).read_to_string(&mut text);
                    return Err(LockError::Held { path: path.to_owned(), holder: text.trim().parse().ok() });
                }
                Err(errno) => return Err(at(errno.into())),
            }
            // The holder before us may have removed the file after we opened it: our lock would be one on nothing.
            let ours = file.metadata().map_err(at)?;
            if fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                file.set_len(0).and_then(|()| file.rewind()).map_err(at)?;
                file.write_all(std::process::id().to_string().as_bytes()).map_err(at)?;
                return Ok(Self { path: path.to_owned(), _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked; it is unlocked when the file is closed.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_given_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(".lock");
        let lock = Lock::take(&path).expect("free");
        let own = std::process::id();
        assert!(matches!(Lock::take(&path), Err(LockError::Held { holder: Some(pid), .. }) if pid == own));
        drop(lock);
        assert!(!path.exists());
        Lock::take(&path).expect("free again");
    }

    #[test]
    fn what_a_killed_process_left_is_no_lock() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(".lock");
        fs::write(&path, "1").expect("made");
        let lock = Lock::take(&path).expect("process 1 is alive, but holds nothing");
        assert_eq!(fs::read_to_string(&path).expect("readable"), std::process::id().to_string());
        drop(lock);
    }

    #[test]
    fn threads_that_compete_never_hold_it_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(".lock");
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(lock) = Lock::take(&path) {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
    }
}
