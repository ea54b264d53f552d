//! A file comes into being whole or not at all: it is drafted without a name, or beside its place, and put there at the end.

use rustix::fs::{AtFlags, CWD, OFlags, linkat};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek as _, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts `bytes` at `path`, so that a reader finds the old file or the new one and never half of it, also after a crash.
///
/// # Errors
/// What the system says; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, |out| out.write_all(bytes))
}

/// As [`replace`], for what is written bit by bit. A device or a pipe at `path` is written to and stays; of a link, what it names is
/// replaced; a file that is replaced keeps its permissions.
///
/// # Errors
/// What the system or `write` says; an old file is then as it was.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let path = &behind_link(path);
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        let mut out = BufWriter::new(File::options().write(true).open(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let mut draft = Draft::beside(path)?;
    if let (Some(old), Some(file)) = (there.filter(fs::Metadata::is_file), &draft.file) {
        file.set_permissions(old.permissions())?;
    }
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

/// A file that is being written in the folder of its place. Until then it has no name, where the file system has such files, so that
/// nothing of it is left however this process ends; else it has one beside its place, and is removed unless it finds it.
///
/// By hand, not by `tempfile`, which would be three more crates for every user of the library without features.
#[derive(Debug)]
pub struct Draft {
    /// Open until it is [closed](Draft::close).
    file: Option<File>,
    /// Its name, if it has one.
    part: Option<PathBuf>,
    /// What it is to be called; the name of a part is made of it.
    place: PathBuf,
}

impl Draft {
    /// Begins a file that shall lie at `path`, whose folder exists.
    ///
    /// # Errors
    /// What the system says.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let mut draft = Self { file: unnamed(folder_of(path)), part: None, place: path.to_owned() };
        if draft.file.is_none() {
            let (part, file) = draft.other_name(|part| File::create_new(part))?;
            (draft.part, draft.file) = (Some(part), Some(file));
        }
        Ok(draft)
    }

    /// Begins a file that shall lie somewhere in the file system of `folder`.
    ///
    /// # Errors
    /// What the system says.
    pub fn within(folder: &Path) -> io::Result<Self> {
        Self::beside(&folder.join("kanalyze"))
    }

    /// Gives its descriptor back, for whoever has many: it reaches the disk, under a part's name.
    ///
    /// # Errors
    /// What the system says.
    pub fn close(&mut self) -> io::Result<()> {
        self.sync()?;
        self.name(link)?;
        self.file = None;
        Ok(())
    }

    /// Takes its place, over what may be there.
    ///
    /// # Errors
    /// What the system says; the draft is then gone, and the old file as it was.
    pub fn place(self) -> io::Result<()> {
        self.sync()?;
        self.place_unsynced()
    }

    /// Takes its place without waiting for the disk: for what can be made again and is checked when it is read.
    ///
    /// # Errors
    /// As [`Draft::place`].
    pub fn place_unsynced(mut self) -> io::Result<()> {
        if let (Some(file), None) = (&self.file, &self.part)
            && link(file, &self.place).is_ok()
        {
            return Ok(());
        }
        // No link replaces a file.
        let part = self.name(link)?.to_owned();
        fs::rename(part, &self.place)
    }

    /// Takes `path` if nothing is there.
    ///
    /// # Errors
    /// The draft, with [`io::ErrorKind::AlreadyExists`] if something is there, else with what the system says.
    pub fn place_anew(mut self, path: &Path) -> Result<(), (Self, io::Error)> {
        match self.try_anew(path) {
            Ok(()) => Ok(()),
            Err(error) => Err((self, error)),
        }
    }

    fn try_anew(&mut self, path: &Path) -> io::Result<()> {
        self.sync()?;
        let linked = match (&self.file, &self.part) {
            (Some(file), None) => link(file, path),
            (_, Some(part)) => fs::hard_link(part, path),
            (None, None) => Err(lost()),
        };
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // A file system without links: the name is taken by making it.
                let part = self.name(link)?;
                File::create_new(path).and_then(|_| fs::rename(part, path))
            }
            done => done,
        }
    }

    /// A file reaches the disk before its name does: a file system may write the name before the bytes.
    fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Its name; it gets one by `link` if it has none. Where links are forbidden its bytes are copied.
    fn name(&mut self, link: impl Fn(&File, &Path) -> io::Result<()>) -> io::Result<&Path> {
        if self.part.is_none() {
            let file = self.file.as_ref().ok_or_else(lost)?;
            let linked = match self.other_name(|part| link(file, part)) {
                Ok((part, ())) => part,
                Err(_) => {
                    let (part, mut copy) = self.other_name(|part| File::create_new(part))?;
                    let mut from = file;
                    let copied = from.rewind().and_then(|()| io::copy(&mut from, &mut copy));
                    let copied = copied.and_then(|_| copy.set_permissions(file.metadata()?.permissions()));
                    // From here on it is removed with the draft.
                    self.part = Some(part.clone());
                    copied.and_then(|()| copy.sync_data())?;
                    part
                }
            };
            self.part = Some(linked);
        }
        self.part.as_deref().ok_or_else(lost)
    }

    /// Makes something under a name beside its place that nothing has.
    fn other_name<T>(&self, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let mut name = OsString::from(".");
            name.push(self.place.file_name().unwrap_or_default());
            name.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let part = self.place.with_file_name(name);
            match make(&part) {
                Ok(made) => return Ok((part, made)),
                // A process with our number died here.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a symbolic link names in the end, though nothing may be there yet; any other path stays as it is.
fn behind_link(path: &Path) -> PathBuf {
    let Ok(next) = fs::read_link(path) else { return path.to_owned() };
    fs::canonicalize(path).unwrap_or_else(|_| folder_of(path).join(next))
}

/// A draft is written to after it was closed.
fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the draft is closed")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file without a name in the folder; none where the file system has no such files or nobody could name it later.
fn unnamed(folder: &Path) -> Option<File> {
    let flags = OFlags::TMPFILE.bits().cast_signed();
    let file = File::options().read(true).write(true).custom_flags(flags).open(folder).ok()?;
    fs::symlink_metadata(handle(&file)).is_ok().then_some(file)
}

/// Where the system shows an open file.
fn handle(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Gives an open file a name that nothing has.
fn link(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(CWD, handle(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing lies there once it has found its place.
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().ok_or_else(lost)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
    fn what_a_link_names_is_replaced_and_keeps_its_permissions() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (link, path) = (folder.path().join("link"), folder.path().join("a"));
        symlink("a", &link).expect("linked");
        for text in ["first", "second"] {
            replace(&link, text.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("readable"), text);
            assert_eq!(fs::read_link(&link).expect("still a link"), Path::new("a"));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).expect("changed");
        }
        replace(&path, b"third").expect("replaced");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o604);
        assert_eq!(names(folder.path()), ["a", "link"]);
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        replace(&path, b"old").expect("made");
        let mut draft = Draft::beside(&path).expect("a draft");
        draft.write_all(b"half").expect("written");
        draft.close().expect("named");
        assert_eq!(names(folder.path()).len(), 2);
        drop(draft);
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read(&path).expect("readable"), b"old");
    }

    #[test]
    fn a_draft_has_no_name_where_files_may_be_without() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        if unnamed(folder.path()).is_none() {
            return;
        }
        let path = folder.path().join("a");
        for text in ["first", "second"] {
            let mut draft = Draft::beside(&path).expect("a draft");
            draft.write_all(text.as_bytes()).expect("written");
            assert!(names(folder.path()).iter().all(|name| name == "a"), "{:?}", names(folder.path()));
            draft.place().expect("placed");
            assert_eq!(fs::read_to_string(&path).expect("readable"), text);
            assert_eq!(names(folder.path()), ["a"]);
        }
    }

    #[test]
    fn where_links_are_forbidden_a_draft_is_copied() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        replace(&path, b"old").expect("made");
        let mut draft = Draft::beside(&path).expect("a draft");
        draft.write_all(b"new").expect("written");
        draft.name(|_, _| Err(io::ErrorKind::PermissionDenied.into())).expect("copied");
        draft.place().expect("placed");
        assert_eq!((fs::read(&path).expect("read"), names(folder.path())), (b"new".to_vec(), vec!["a".to_owned()]));
    }

    #[test]
    fn a_draft_that_is_closed_finds_its_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        let mut draft = Draft::within(folder.path()).expect("a draft");
        draft.write_all(b"new").expect("written");
        draft.close().expect("closed");
        assert!(draft.write_all(b"more").is_err());
        draft.place_anew(&path).expect("placed");
        assert_eq!((fs::read(&path).expect("read"), names(folder.path())), (b"new".to_vec(), vec!["a".to_owned()]));
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
