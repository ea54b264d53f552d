//! Making and finding run folders.

use super::journal::JournalError;
use super::manifest::{MANIFEST, Manifest};
use crate::calendar::folder_stamp;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that a run keeps in reserve, so that its manifest can still be replaced when the disk is full.
const RESERVE: usize = 256 << 10;

/// The name of the file that holds the reserve.
const RESERVE_NAME: &str = ".reserve";

/// A run's folder and its manifest, as its one writer sees them.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Change it, then [`RunFolder::save`].
    pub manifest: Manifest,
}

impl RunFolder {
    /// Makes `runs/<time>[-tag]/` with a first manifest. `mkdir` decides who gets a name: a second run of the same
    /// second and tag gets `-2`.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn create(runs: &Path, tag: Option<&str>) -> Result<Self, JournalError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::of(&path, 0, source)
        };
        fs::create_dir_all(runs).map_err(failed(runs))?;
        let mut stem = folder_stamp(SystemTime::now());
        if let Some(tag) = tag {
            stem.push('-');
            stem.push_str(tag);
        }
        let mut number = 1;
        let (name, path) = loop {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let path = runs.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => break (name, path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(JournalError::of(&path, 0, error)),
            }
        };
        let reserve = path.join(RESERVE_NAME);
        // Bytes that are not zero: no file system makes a hole of them.
        fs::write(&reserve, vec![b'.'; RESERVE]).map_err(failed(&reserve))?;
        let folder = Self { path, manifest: Manifest::new(name, tag.map(str::to_owned)) };
        folder.save()?;
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the manifest; on a full disk the reserve is given up for it.
    ///
    /// # Errors
    /// What the system says; the old manifest is then still there.
    pub fn save(&self) -> Result<(), JournalError> {
        match self.manifest.write(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.release_reserve();
                self.manifest.write(&self.path)
            }
            other => other,
        }
        .map_err(|source| JournalError::of(&self.path.join(MANIFEST), 0, source))
    }

    /// Gives the reserved bytes back to the disk.
    pub fn release_reserve(&self) {
        let _ = fs::remove_file(self.path.join(RESERVE_NAME));
    }
}

/// A `--tag` that cannot name a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tag {0:?}: up to 64 letters, digits and ._+- that do not begin with . or -, since it names a folder")]
pub struct TagError(String);

/// Checks a `--tag`.
///
/// # Errors
/// [`TagError`], which says what a tag may be.
pub fn checked_tag(tag: &str) -> Result<String, TagError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if !tag.is_empty() && tag.len() <= 64 && tag.chars().all(fits) && !tag.starts_with(['.', '-']) {
        Ok(tag.to_owned())
    } else {
        Err(TagError(tag.to_owned()))
    }
}

/// All run folders under `runs`, oldest first. A folder that is not there holds no runs.
///
/// # Errors
/// The folder cannot be read.
pub fn list(runs: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(runs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.join(MANIFEST).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Why a run is not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The folder cannot be read.
    #[error("{runs}: {source}")]
    Io {
        /// The folder of runs.
        runs: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There are none at all.
    #[error("{0}: no runs here")]
    Empty(PathBuf),
    /// No name fits.
    #[error("no run {name:?} in {runs}: `kanalyze runs list` names them")]
    Nothing {
        /// What was sought.
        name: String,
        /// Where.
        runs: PathBuf,
    },
    /// More than one fits.
    #[error("{name:?} fits {one} and {other}: write more of the name")]
    Several {
        /// What was sought.
        name: String,
        /// Fits.
        one: String,
        /// Fits, too.
        other: String,
    },
}

/// The run that `name` means under `runs`: its name, a unique part of it, its path, or `last`.
///
/// # Errors
/// Nothing or several fit: a sentence.
pub fn find(runs: &Path, name: &str) -> Result<PathBuf, FindError> {
    let all = list(runs).map_err(|source| FindError::Io { runs: runs.to_owned(), source })?;
    if name == "last" {
        return all.last().cloned().ok_or_else(|| FindError::Empty(runs.to_owned()));
    }
    let direct = Path::new(name);
    if direct.join(MANIFEST).is_file() {
        return Ok(direct.to_owned());
    }
    let text = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(exact) = all.iter().find(|path| text(path) == name) {
        return Ok(exact.clone());
    }
    let mut fitting = all.iter().filter(|path| text(path).contains(name));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(FindError::Nothing { name: name.to_owned(), runs: runs.to_owned() }),
        (Some(one), Some(other)) => {
            Err(FindError::Several { name: name.to_owned(), one: text(one), other: text(other) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_one_second_get_two_folders() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let paths: std::collections::BTreeSet<PathBuf> =
            (0..4).map(|_| RunFolder::create(runs.path(), Some("same")).expect("made").path().to_owned()).collect();
        assert_eq!(paths.len(), 4);
        assert_eq!(list(runs.path()).expect("listed").len(), 4);
    }

    #[test]
    fn a_run_is_found_by_a_part_of_its_name_that_is_unique() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let one = RunFolder::create(runs.path(), Some("alpha")).expect("made");
        let two = RunFolder::create(runs.path(), Some("beta")).expect("made");
        assert_eq!(find(runs.path(), "alpha").expect("found"), one.path());
        assert_eq!(find(runs.path(), &two.manifest.name).expect("found"), two.path());
        assert_eq!(find(runs.path(), "last").expect("found"), two.path());
        assert!(find(runs.path(), "a").expect_err("both").to_string().contains("write more"));
        assert!(find(runs.path(), "gamma").expect_err("none").to_string().contains("runs list"));
    }

    #[test]
    fn a_tag_cannot_leave_the_folder() {
        for bad in ["", "../x", "a/b", ".hidden", "-v", "a b", "ü"] {
            assert!(checked_tag(bad).is_err(), "{bad:?}");
        }
        assert_eq!(checked_tag("v6.12-rc1_kasan"), Ok("v6.12-rc1_kasan".to_owned()));
    }
}
