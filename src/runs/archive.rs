//! Keeping what a hit left, at once, and forgetting old runs that hit nothing.

use super::folder::{RunFolder, list};
use super::journal::JournalError;
use super::manifest::{Hit, Manifest, Phase};
use super::state::{State, remove_sockets, state_of};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What belongs to one hit: file name in the hit's folder and its bytes.
#[derive(Debug, Clone)]
pub struct Exhibit {
    /// A plain file name.
    pub name: String,
    /// What to write.
    pub bytes: Vec<u8>,
}

/// Logs larger than this are not copied into a hit's folder as a whole; their last bytes are.
const COPY_LIMIT: u64 = 64 << 20;

/// Writes `hit-N/` with the exhibits and copies of the run's logs as they are at this moment, and marks the run as kept.
/// The folder gets its name when it is whole.
///
/// # Errors
/// What the system says; the run's own logs are untouched.
pub fn archive_hit(
    folder: &mut RunFolder,
    title: &str,
    kind: &str,
    at: f64,
    exhibits: &[Exhibit],
    logs: &[&str],
) -> Result<String, JournalError> {
    let name = format!("hit-{}", folder.manifest.hits.len() + 1);
    let part = folder.path().join(format!(".{name}.part"));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| JournalError::of(&path, 0, source)
    };
    fs::create_dir_all(&part).map_err(failed(&part))?;
    for exhibit in exhibits {
        let path = part.join(&exhibit.name);
        fs::write(&path, &exhibit.bytes).map_err(failed(&path))?;
    }
    for log in logs {
        let (from, to) = (folder.path().join(log), part.join(log));
        if from.is_file() {
            copy_end(&from, &to).map_err(failed(&to))?;
        }
    }
    let whole = folder.path().join(&name);
    crate::files::place(&part, &whole).map_err(failed(&whole))?;
    folder.manifest.hits.push(Hit { title: title.to_owned(), kind: kind.to_owned(), at, folder: name.clone() });
    folder.manifest.archived = true;
    folder.save()?;
    Ok(name)
}

fn copy_end(from: &Path, to: &Path) -> io::Result<u64> {
    use std::io::{Seek, SeekFrom};
    let mut source = fs::File::open(from)?;
    let size = source.metadata()?.len();
    source.seek(SeekFrom::Start(size.saturating_sub(COPY_LIMIT)))?;
    io::copy(&mut source, &mut fs::File::create(to)?)
}

/// Which runs [`forget`] would remove: ended, without a hit, and not among the newest `keep` of these; with `hits` also
/// those with hits.
///
/// # Errors
/// The folder cannot be read.
pub fn forgettable(runs: &Path, keep: usize, hits: bool) -> io::Result<Vec<PathBuf>> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    for path in list(runs)? {
        let Ok(manifest) = Manifest::read(&path) else { continue };
        let over = matches!(state_of(&manifest), State::Ended | State::Abandoned);
        if over && (hits || !manifest.archived) {
            candidates.push(path);
        }
    }
    candidates.truncate(candidates.len().saturating_sub(keep));
    Ok(candidates)
}

/// Removes one run's folder; whether it was there, since others may forget runs at the same time.
///
/// # Errors
/// The run still works, or the system says no.
pub fn forget(run: &Path) -> io::Result<bool> {
    let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) };
    let manifest = match Manifest::read(run) {
        Ok(manifest) => manifest,
        Err(error) => return gone(error),
    };
    if manifest.phase != Phase::Ended && !matches!(state_of(&manifest), State::Abandoned) {
        return Err(io::Error::other("the run still works: stop it first with `kanalyze runs stop`"));
    }
    if let Some(sockets) = &manifest.sockets {
        remove_sockets(Path::new(sockets));
    }
    fs::remove_dir_all(run).map_or_else(gone, |()| Ok(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::manifest::{Outcome, Verdict};

    fn ended(runs: &Path, tag: &str) -> RunFolder {
        let mut folder = RunFolder::create(runs, Some(tag)).expect("made");
        folder.manifest.phase = Phase::Ended;
        folder.manifest.outcome =
            Some(Outcome { verdict: Verdict::Clean, title: None, reason: "nothing happened".to_owned() });
        folder.save().expect("saved");
        folder
    }

    #[test]
    fn a_hit_is_kept_with_the_logs_of_its_moment_and_never_forgotten() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let mut hit = ended(runs.path(), "a");
        fs::write(hit.path().join("serial.log"), "so far").expect("written");
        let exhibit = Exhibit { name: "report.txt".to_owned(), bytes: b"KASAN".to_vec() };
        let name = archive_hit(&mut hit, "KASAN: x", "kasan", 1.5, &[exhibit], &["serial.log", "absent.log"])
            .expect("archived");
        fs::write(hit.path().join("serial.log"), "so far and more").expect("grown");
        assert_eq!(fs::read_to_string(hit.path().join(&name).join("serial.log")).expect("read"), "so far");
        assert_eq!(fs::read_to_string(hit.path().join(&name).join("report.txt")).expect("read"), "KASAN");
        assert!(Manifest::read(hit.path()).expect("read").archived);

        let old = ended(runs.path(), "b");
        let new = ended(runs.path(), "c");
        assert_eq!(forgettable(runs.path(), 1, false).expect("listed"), [old.path()]);
        assert_eq!(forgettable(runs.path(), 0, false).expect("listed"), [old.path(), new.path()]);
        assert_eq!(forgettable(runs.path(), 0, true).expect("listed").len(), 3);
        assert!(forget(old.path()).expect("removed"));
        assert!(!old.path().exists());
        // As one finds it who was slower.
        assert!(!forget(old.path()).expect("gone already"));
    }

    #[test]
    fn a_run_that_works_is_not_forgotten() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let working = RunFolder::create(runs.path(), None).expect("made");
        assert_eq!(forgettable(runs.path(), 0, true).expect("listed"), Vec::<PathBuf>::new());
        assert!(forget(working.path()).expect_err("it works").to_string().contains("runs stop"));
    }
}
