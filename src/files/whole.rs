//! A file comes into being whole or not at all: it is drafted beside its place and renamed over it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts `bytes` at `path`, so that a reader finds the old file or the new one and never half of it, also after a crash.
///
/// # Errors
/// What the system says; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, |out| out.write_all(bytes))
}

/// As [`replace`], for what is written bit by bit. A device or a pipe at `path` is written to and stays.
///
/// # Errors
/// What the system or `write` says; an old file is then as it was.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let mut out = BufWriter::new(File::options().write(true).open(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let mut draft = Draft::beside(path)?;
    let mut out = BufWriter::new(&mut draft);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    draft.place()
}

/// Puts the finished file `part` at `path`, in place of what may be there. Both are on one file system.
///
/// With [`Draft`] the only renaming over another file in the house: `part` reaches the disk first, since a file system may write the new name
/// before the bytes.
///
/// # Errors
/// What the system says; both files are then as they were.
pub fn place(part: &Path, path: &Path) -> io::Result<()> {
    File::open(part)?.sync_data()?;
    fs::rename(part, path)
}

/// A file that is being written beside its place; it is removed unless it finds it.
///
/// By hand, not by `tempfile`, which would be three more crates for every user of the library without features.
#[derive(Debug)]
pub struct Draft {
    file: File,
    part: PathBuf,
    place: PathBuf,
}

impl Draft {
    /// Begins a file that shall lie at `path`, whose folder exists.
    ///
    /// # Errors
    /// What the system says.
    pub fn beside(path: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let mut name = OsString::from(".");
            name.push(path.file_name().unwrap_or_default());
            name.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let part = path.with_file_name(name);
            match File::create_new(&part) {
                Ok(file) => return Ok(Self { file, part, place: path.to_owned() }),
                // A process with our number died here.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The file under its draft's name.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Takes its place, over what may be there.
    ///
    /// # Errors
    /// What the system says; the draft is then gone, and the old file as it was.
    pub fn place(self) -> io::Result<()> {
        place(&self.part, &self.place)
    }

    /// Takes its place without waiting for the disk: for what can be made again and is checked when it is read.
    ///
    /// # Errors
    /// As [`Draft::place`].
    pub fn place_unsynced(self) -> io::Result<()> {
        fs::rename(&self.part, &self.place)
    }

    /// Takes `path` if nothing is there.
    ///
    /// # Errors
    /// The draft, with [`io::ErrorKind::AlreadyExists`] if something is there, else with what the system says.
    pub fn place_anew(self, path: &Path) -> Result<(), (Self, io::Error)> {
        if let Err(error) = self.file.sync_data() {
            return Err((self, error));
        }
        let linked = match fs::hard_link(&self.part, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // A file system without links: the name is taken by making it.
                File::create_new(path).and_then(|_| fs::rename(&self.part, path))
            }
            done => done,
        };
        match linked {
            Ok(()) => Ok(()),
            Err(error) => Err((self, error)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing lies there once it has found its place.
        let _ = fs::remove_file(&self.part);
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_device_is_written_to_and_stays_and_a_failure_leaves_the_old_file() {
        write_whole(Path::new("/dev/null"), |out| out.write_all(b"gone")).expect("taken");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        replace(&path, b"old").expect("made");
        let full = |out: &mut dyn Write| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        assert!(write_whole(&path, full).is_err());
        assert_eq!((fs::read(&path).expect("read"), names(folder.path())), (b"old".to_vec(), vec!["a".to_owned()]));
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        replace(&path, b"old").expect("made");
        replace(&path, b"new").expect("replaced");
        assert_eq!(fs::read(&path).expect("readable"), b"new");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        replace(&path, b"old").expect("made");
        let mut draft = Draft::beside(&path).expect("a draft");
        draft.write_all(b"half").expect("written");
        assert_eq!(names(folder.path()).len(), 2);
        drop(draft);
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read(&path).expect("readable"), b"old");
    }

    #[test]
    fn a_place_that_is_taken_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        replace(&one, b"first").expect("made");
        let mut draft = Draft::beside(&one).expect("a draft");
        draft.write_all(b"second").expect("written");
        let (draft, error) = draft.place_anew(&one).expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        draft.place_anew(&two).expect("free");
        assert_eq!(fs::read(&one).expect("readable"), b"first");
        assert_eq!(fs::read(&two).expect("readable"), b"second");
        assert_eq!(names(folder.path()), ["1", "2"]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let error = replace(Path::new("/proc/no-such-folder/a"), b"x").expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
