//! What lies beside a file that comes: its bytes as sent, unpacked, and of which version they are.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is read of the file that tells the version, bytes.
const TOLD: u64 = 64 << 10;

/// Which version of the file the bytes in `NAME.wire.part` belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) url: String,
    /// What is sent as `If-Range`: a strong `ETag`, or `Last-Modified`. Without it nothing is resumed.
    pub(super) validator: Option<String>,
    pub(super) total: Option<u64>,
}

/// The three files of a download under way.
pub(super) struct Parts {
    pub(super) wire: PathBuf,
    pub(super) unpacked: PathBuf,
    pub(super) version: PathBuf,
}

impl Parts {
    pub(super) fn of(destination: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = destination.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { wire: beside(".wire.part"), unpacked: beside(".part"), version: beside(".part.json") }
    }

    pub(super) fn remove(&self) {
        for path in [&self.wire, &self.unpacked, &self.version] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes what a process left beside a file that it had brought whole and put in its place before it was killed. What a download
/// under way needs has both files.
pub(in crate::syzbot) fn tidy(destination: &Path) {
    let parts = Parts::of(destination);
    if !(parts.wire.exists() && parts.unpacked.exists()) {
        parts.remove();
    }
}

pub(super) fn read_version(path: &Path, url: &str) -> Version {
    let fresh = Version { url: url.to_owned(), ..Version::default() };
    let Ok(file) = File::open(path) else { return fresh };
    serde_json::from_reader(file.take(TOLD)).ok().filter(|version: &Version| version.url == url).unwrap_or(fresh)
}
