//! Where a client may read: in the folders that the user named, and nothing that leads out of them.

use crate::input::Source;
use crate::intake::named;
use crate::render::safe;
use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// The most of a file that is read into memory, bytes.
const LARGEST: u64 = 256 << 20;
/// The most logs that one call reads.
const MOST_LOGS: usize = 1_000;

/// Why something that a client names is not read. The words name what the client said, never where a link leads.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("a path is empty: name a file or a folder below {0}")]
    Empty(String),
    #[error("{0}: is outside of what this server may read: name something below {1}")]
    Outside(String, String),
    #[error("{0}: '..' is not followed: name the path from {1} on")]
    Upwards(String, String),
    #[error("{0}: there is no such file or folder below {1}")]
    Absent(String, String),
    #[error("{0}: is a device, a pipe or a socket, and only files and folders are read: copy what it says into a file")]
    Special(String),
    #[error("{0}: is a folder: name a file in it")]
    Folder(String),
    #[error("{0}: is not a folder")]
    File(String),
    #[error("{0}: has {1} MiB, and {limit} are read at most: cut out the part that matters, as in `tail -c 100M`", limit = LARGEST >> 20)]
    Large(String, u64),
    #[error("{0}: cannot be read: {1}")]
    Fault(String, io::Error),
    #[error("{0}")]
    Nothing(String),
    #[error("{0} logs are named, and {MOST_LOGS} are read at most: name fewer, or run `kanalyze table` over them")]
    Many(usize),
}

/// A file or folder inside of the roots, all links resolved.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it is.
    pub path: PathBuf,
    /// How it is named to the client, which may name it so again.
    pub shown: String,
    /// Whether it is a folder.
    pub folder: bool,
}

/// The folders.
#[derive(Debug)]
pub(super) struct Roots(Vec<PathBuf>);

impl Roots {
    /// Takes folders, as the user named them.
    ///
    /// # Errors
    /// One is not a folder.
    pub(super) fn new(folders: &[PathBuf]) -> anyhow::Result<Self> {
        let mut roots = Vec::new();
        for folder in folders {
            let shown = folder.display();
            let real = folder.canonicalize().map_err(|error| anyhow::anyhow!("--root {shown}: {error}"))?;
            if !real.is_dir() {
                anyhow::bail!("--root {shown}: is not a folder");
            }
            roots.push(real);
        }
        Ok(Self(roots))
    }

    /// The folders themselves.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.0
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let shown: Vec<String> = self.0.iter().map(|root| safe(&root.display().to_string()).into_owned()).collect();
        shown.join(" or ")
    }

    fn holds(&self, real: &Path) -> bool {
        self.0.iter().any(|root| real.starts_with(root))
    }

    /// How a place inside is named: from the root on if there is only one.
    fn shown(&self, real: &Path) -> String {
        let inside = match &self.0[..] {
            [root] => real.strip_prefix(root).ok().filter(|path| !path.as_os_str().is_empty()),
            _ => None,
        };
        safe(&inside.unwrap_or(real).display().to_string()).into_owned()
    }

    /// What a client names: an absolute path, or one from a root on.
    pub(super) fn place(&self, name: &str) -> Result<Place, Refusal> {
        let said = || safe(name).into_owned();
        if name.trim().is_empty() || name.contains('\0') {
            return Err(Refusal::Empty(self.words()));
        }
        let path = Path::new(name);
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(Refusal::Upwards(said(), self.words()));
        }
        if path.is_absolute() {
            // Of what is outside, it is not even said whether it exists.
            if !self.holds(path) {
                return Err(Refusal::Outside(said(), self.words()));
            }
            return self.resolved(path, name);
        }
        let mut answer = Err(Refusal::Absent(said(), self.words()));
        for root in &self.0 {
            answer = self.resolved(&root.join(path), name);
            if !matches!(answer, Err(Refusal::Absent(..))) {
                break;
            }
        }
        answer
    }

    fn resolved(&self, path: &Path, name: &str) -> Result<Place, Refusal> {
        let said = || safe(name).into_owned();
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(Refusal::Absent(said(), self.words()));
            }
            Err(error) => return Err(Refusal::Fault(said(), error)),
        };
        if !self.holds(&real) {
            return Err(Refusal::Outside(said(), self.words()));
        }
        let found = real.symlink_metadata().map_err(|error| Refusal::Fault(said(), error))?;
        if !found.is_dir() && !found.is_file() {
            return Err(Refusal::Special(said()));
        }
        Ok(Place { shown: self.shown(&real), path: real, folder: found.is_dir() })
    }

    /// A file that a client names.
    pub(super) fn file(&self, name: &str) -> Result<Place, Refusal> {
        let place = self.place(name)?;
        if place.folder { Err(Refusal::Folder(place.shown)) } else { Ok(place) }
    }

    /// A folder that a client names.
    pub(super) fn folder(&self, name: &str) -> Result<Place, Refusal> {
        let place = self.place(name)?;
        if place.folder { Ok(place) } else { Err(Refusal::File(place.shown)) }
    }

    /// The logs that names stand for: files, and what is a log in folders; and what of these folders leads out of the roots.
    pub(super) fn logs(&self, names: &[String]) -> Result<(Vec<Place>, Vec<Refusal>), Refusal> {
        let (mut places, mut refused) = (Vec::new(), Vec::new());
        for name in names {
            let place = self.place(name)?;
            if !place.folder {
                places.push(place);
                continue;
            }
            let inside = named([place.path.as_os_str()], 1);
            if let Some(fault) = inside.faults.first() {
                return Err(Refusal::Nothing(fault.to_string().replacen(
                    &*place.path.to_string_lossy(),
                    &place.shown,
                    1,
                )));
            }
            for source in inside.sources {
                if let Source::Path(path) = source {
                    match self.inside(&path) {
                        Ok(place) => places.push(place),
                        Err(refusal) => refused.push(refusal),
                    }
                }
            }
        }
        if places.len() > MOST_LOGS { Err(Refusal::Many(places.len())) } else { Ok((places, refused)) }
    }

    /// A path that was found in a folder inside: it may be a link.
    pub(super) fn inside(&self, path: &Path) -> Result<Place, Refusal> {
        self.resolved(path, &self.shown(path))
    }

    /// All of a file. What was opened is looked at once more: a link may have taken its place meanwhile.
    pub(super) fn read(&self, place: &Place) -> Result<Vec<u8>, Refusal> {
        let fault = |error| Refusal::Fault(place.shown.clone(), error);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).map_err(|_| fault(io::ErrorKind::Unsupported.into()))?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&place.path).map_err(fault)?;
        let opened = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(fault)?;
        if !self.holds(&opened) {
            return Err(Refusal::Outside(place.shown.clone(), self.words()));
        }
        let length =
            file.metadata().as_ref().map(Metadata::len).map_err(|error| fault(io::Error::from(error.kind())))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(Refusal::Special(place.shown.clone()));
        }
        if length > LARGEST {
            return Err(Refusal::Large(place.shown.clone(), length >> 20));
        }
        self.gather(place, file)
    }

    fn gather(&self, place: &Place, file: File) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        // It may have grown.
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| Refusal::Fault(place.shown.clone(), error))?;
        match bytes.len() as u64 {
            length if length > LARGEST => Err(Refusal::Large(place.shown.clone(), length >> 20)),
            _ => Ok(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A root with a log, links out and in, a pipe; and a file beside it.
    fn made() -> (tempfile::TempDir, Roots) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("root/sub")).expect("made");
        std::fs::write(at("root/sub/a.log"), "x").expect("written");
        std::fs::write(at("secret.log"), "s").expect("written");
        symlink(at("secret.log"), at("root/out.log")).expect("linked");
        symlink(at("root/sub/a.log"), at("root/in.log")).expect("linked");
        symlink(folder.path(), at("root/up")).expect("linked");
        symlink("/dev/zero", at("root/endless.log")).expect("linked");
        let pipe = at("root/pipe.log");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("made");
        let roots = Roots::new(&[at("root")]).expect("a folder");
        (folder, roots)
    }

    #[test]
    fn what_leads_out_is_refused_and_the_rest_is_read() {
        let (folder, roots) = made();
        let outside = folder.path().join("secret.log").display().to_string();
        for (name, words) in [
            ("../secret.log", "'..' is not followed"),
            ("sub/../../secret.log", "'..' is not followed"),
            (outside.as_str(), "outside of what this server may read"),
            ("/no/such/file", "outside of what this server may read"),
            ("out.log", "outside of what this server may read"),
            ("up/secret.log", "outside of what this server may read"),
            ("endless.log", "outside of what this server may read"),
            ("pipe.log", "is a device, a pipe or a socket"),
            ("none.log", "there is no such file or folder"),
            ("", "a path is empty"),
            ("sub", "is a folder"),
        ] {
            let refused = roots.file(name).expect_err(name).to_string();
            assert!(refused.contains(words), "{name}: {refused}");
            assert!(!refused.contains("secret.log") || name.contains("secret.log"), "{name}: {refused}");
        }
        let absolute = roots.folders()[0].join("sub/a.log").display().to_string();
        for name in ["sub/a.log", "in.log", "./sub/a.log", absolute.as_str()] {
            let place = roots.file(name).expect(name);
            assert_eq!((place.shown.as_str(), roots.read(&place).expect("read")), ("sub/a.log", b"x".to_vec()));
        }
    }

    #[test]
    fn a_folder_gives_its_logs_and_what_leads_out_of_it_is_told() {
        let (_folder, roots) = made();
        let (logs, refused) = roots.logs(&[".".to_owned()]).expect("logs");
        assert_eq!(logs.iter().map(|log| log.shown.as_str()).collect::<Vec<_>>(), ["sub/a.log", "sub/a.log"]);
        assert!(
            matches!(&refused[..], [Refusal::Outside(..)]),
            "the pipe and the device are not found at all: {refused:?}"
        );
    }

    #[test]
    fn a_file_that_became_a_link_is_not_read() {
        let (folder, roots) = made();
        let place = roots.file("sub/a.log").expect("a log");
        std::fs::remove_file(&place.path).expect("removed");
        symlink(folder.path().join("secret.log"), &place.path).expect("linked");
        assert!(roots.read(&place).is_err());
    }
}
