//! A guest that was saved after boot and staging, so that the next try of a series starts in seconds.
//!
//! The machine's state is a file of QEMU's migration. What the guest wrote to its disk until then lies in an overlay that
//! nobody changes any more: whoever is saved goes on in a further one, whoever is loaded writes to a temporary one.

use super::qemu::{self, DISK};
use super::qmp::{Qmp, QmpError};
use super::settings::Disk;
use crate::runs::process::Identity;
use serde_json::json;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How the folders of snapshots begin; the process that made one follows.
const PREFIX: &str = ".snapshot-";

/// Longer than a busy disk takes for the memory of a large guest.
const SAVE_LIMIT: Duration = Duration::from_secs(300);

/// Why a guest could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The overlay needs qemu-img.
    #[error("qemu-img, which makes the overlay of the disk, {0}: apt-get install qemu-utils")]
    NoTool(String),
    /// A file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// QEMU says no, or is gone.
    #[error(transparent)]
    Qemu(#[from] QmpError),
    /// QEMU tried and failed.
    #[error("qemu could not save the guest: {0}")]
    Failed(String),
    /// It took too long, or somebody wants the run to end.
    #[error("saving the guest was given up")]
    GivenUp,
}

/// A guest as it was when all was staged.
#[derive(Debug)]
pub struct Snapshot {
    /// QEMU's state of the machine.
    pub state: PathBuf,
    /// The disk, qcow2.
    pub disk: Option<PathBuf>,
    /// What the serial port had printed.
    pub serial: Vec<u8>,
    /// The guest's folder with the staged files.
    pub folder: String,
}

#[derive(Debug)]
enum Place {
    Empty,
    BeingMade,
    Ready(Arc<Snapshot>),
    Impossible,
}

/// Where the one snapshot of a series lies; its folder is removed with this value.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    place: Mutex<Place>,
    changed: Condvar,
}

/// What a run of a series has to do about the snapshot.
#[derive(Debug)]
pub enum Claim<'a> {
    /// Nothing: there is none, and none is to be made.
    Boot,
    /// Make it.
    Save(Saver<'a>),
    /// Start from it.
    Load(&'a Shelf, Arc<Snapshot>),
}

/// The right to make the snapshot. Dropped without one, it goes to the next run.
#[derive(Debug)]
pub struct Saver<'a> {
    shelf: &'a Shelf,
}

impl Shelf {
    /// Makes its folder below `runs`, and removes those of programs that were killed.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn create(runs: &Path) -> io::Result<Self> {
        fs::create_dir_all(runs)?;
        let own = Identity::own().map_or_else(|| std::process::id().to_string(), |own| name_of(&own));
        for entry in fs::read_dir(runs)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let maker = name.strip_prefix(PREFIX).and_then(|maker| maker.split('-').next()?.parse().ok());
            let lives = maker
                .and_then(Identity::of)
                .is_some_and(|maker| name.starts_with(&format!("{PREFIX}{}", name_of(&maker))));
            if maker.is_some() && !lives {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let mut number = 0;
        let folder = loop {
            let folder = runs.join(format!("{PREFIX}{own}-{number}"));
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => break made.map(|()| folder)?,
            }
        };
        // QEMU does not run where kanalyze does.
        let folder = std::path::absolute(folder)?;
        Ok(Self { folder, place: Mutex::new(Place::Empty), changed: Condvar::new() })
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the caller's run has to do; waits while another one makes the snapshot, until `stopped`.
    pub fn claim(&self, stopped: impl Fn() -> bool) -> Claim<'_> {
        let mut place = self.place();
        loop {
            match &*place {
                Place::Empty => {
                    *place = Place::BeingMade;
                    return Claim::Save(Saver { shelf: self });
                }
                Place::Ready(snapshot) => return Claim::Load(self, snapshot.clone()),
                Place::Impossible => return Claim::Boot,
                Place::BeingMade if stopped() => return Claim::Boot,
                Place::BeingMade => {}
            }
            let tick = Duration::from_millis(100);
            place = self.changed.wait_timeout(place, tick).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nobody starts from it any more: it does not work.
    pub fn spoil(&self) {
        self.put(Place::Impossible);
    }

    fn put(&self, next: Place) {
        *self.place() = next;
        self.changed.notify_all();
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn name_of(maker: &Identity) -> String {
    format!("{}-{}", maker.pid, maker.start_ticks)
}

impl Saver<'_> {
    /// The file that takes what the guest writes to its disk, made on top of the image.
    ///
    /// # Errors
    /// qemu-img is not there or fails.
    pub fn overlay(&self, disk: &Disk) -> Result<PathBuf, SnapshotError> {
        let path = self.shelf.folder.join("disk.qcow2");
        let _ = fs::remove_file(&path);
        let made = Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2", "-F", disk.format.word(), "-b"])
            .arg(&disk.path)
            .arg(&path)
            .stdin(Stdio::null())
            .output();
        match made {
            Err(error) => Err(SnapshotError::NoTool(format!("does not start ({error})"))),
            Ok(output) if output.status.success() => Ok(path),
            Ok(output) => {
                Err(SnapshotError::NoTool(format!("fails ({})", String::from_utf8_lossy(&output.stderr).trim())))
            }
        }
    }

    /// Saves the guest, which goes on afterwards, and lets the other runs have it.
    ///
    /// # Errors
    /// Any [`SnapshotError`]; the guest goes on as if nothing had been tried, and later runs boot.
    pub fn save(
        self,
        qmp: &mut Qmp,
        disk: Option<PathBuf>,
        serial: Vec<u8>,
        folder: String,
        stopped: &dyn Fn() -> bool,
    ) -> Result<u64, SnapshotError> {
        let state = self.shelf.folder.join("state");
        let saved = write_state(qmp, &state, disk.is_some(), &self.shelf.folder, stopped);
        let goes_on = qmp.command("cont", json!({}));
        match saved.and_then(|size| goes_on.map(|_| size).map_err(SnapshotError::from)) {
            Ok(size) => {
                self.shelf.put(Place::Ready(Arc::new(Snapshot { state, disk, serial, folder })));
                Ok(size)
            }
            Err(error) => {
                self.shelf.spoil();
                let _ = fs::remove_file(&state);
                Err(error)
            }
        }
    }

    /// No snapshot can be made here: later runs boot.
    pub fn give_up(self) {
        self.shelf.spoil();
    }
}

impl Drop for Saver<'_> {
    fn drop(&mut self) {
        let mut place = self.shelf.place();
        if matches!(*place, Place::BeingMade) {
            *place = Place::Empty;
            self.shelf.changed.notify_all();
        }
    }
}

/// Lets a guest go on that was saved while it stood still, when QEMU has read all of it.
///
/// # Errors
/// QEMU cannot read it, or takes too long.
pub fn go_on(qmp: &mut Qmp, stopped: impl Fn() -> bool) -> Result<(), SnapshotError> {
    let deadline = Instant::now() + SAVE_LIMIT;
    loop {
        let status = qmp.command("query-status", json!({}))?;
        match status["status"].as_str() {
            Some("running") => return Ok(()),
            Some("inmigrate") if stopped() || Instant::now() > deadline => return Err(SnapshotError::GivenUp),
            Some("inmigrate") => thread::sleep(Duration::from_millis(20)),
            _ => return Ok(qmp.command("cont", json!({})).map(drop)?),
        }
    }
}

fn write_state(
    qmp: &mut Qmp,
    state: &Path,
    has_disk: bool,
    folder: &Path,
    stopped: &dyn Fn() -> bool,
) -> Result<u64, SnapshotError> {
    qmp.command("stop", json!({}))?;
    if has_disk {
        let next = folder.join("first.qcow2");
        let arguments = json!({"device": DISK, "snapshot-file": next, "format": "qcow2", "mode": "absolute-paths"});
        qmp.command("blockdev-snapshot-sync", arguments)?;
    }
    // The bound is one for networks.
    qmp.command("migrate-set-parameters", json!({"max-bandwidth": i64::MAX}))?;
    qmp.command("migrate", json!({"uri": qemu::save_command(state)}))?;
    let deadline = Instant::now() + SAVE_LIMIT;
    loop {
        let progress = qmp.command("query-migrate", json!({}))?;
        match progress["status"].as_str() {
            Some("completed") => break,
            Some("failed" | "cancelled") => {
                let reason = progress["error-desc"].as_str().unwrap_or("it does not say why");
                return Err(SnapshotError::Failed(reason.to_owned()));
            }
            _ if stopped() || Instant::now() > deadline => {
                let _ = qmp.command("migrate_cancel", json!({}));
                return Err(SnapshotError::GivenUp);
            }
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
    let meta = fs::metadata(state).map_err(|source| SnapshotError::Io { path: state.to_owned(), source })?;
    Ok(meta.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Arc<Snapshot> {
        Arc::new(Snapshot { state: "s".into(), disk: None, serial: Vec::new(), folder: "/k".to_owned() })
    }

    #[test]
    fn one_run_saves_and_the_others_load_or_boot() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let shelf = Shelf::create(runs.path()).expect("made");
        let Claim::Save(saver) = shelf.claim(|| false) else { panic!("the first one saves") };
        assert!(matches!(shelf.claim(|| true), Claim::Boot), "a run that is to end does not wait");
        drop(saver);
        let Claim::Save(saver) = shelf.claim(|| false) else { panic!("its boot failed: the next one saves") };
        thread::scope(|scope| {
            let waiting = scope.spawn(|| matches!(shelf.claim(|| false), Claim::Load(..)));
            saver.shelf.put(Place::Ready(snapshot()));
            drop(saver);
            assert!(waiting.join().expect("it ends"));
        });
        shelf.spoil();
        assert!(matches!(shelf.claim(|| false), Claim::Boot));
    }

    #[test]
    fn what_a_killed_program_left_is_removed_and_what_another_one_uses_is_not() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let shelf = Shelf::create(runs.path()).expect("made");
        let dead = runs.path().join(".snapshot-1-99999999999-0");
        fs::create_dir(&dead).expect("made");
        let other = Shelf::create(runs.path()).expect("made");
        assert!(!dead.exists() && shelf.folder.is_dir() && other.folder.is_dir());
        let folder = shelf.folder.clone();
        drop(shelf);
        assert!(!folder.exists() && other.folder.is_dir());
    }
}
