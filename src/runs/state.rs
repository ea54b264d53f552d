//! Who still works on a run, found out from its manifest and `/proc`, and how to stop exactly what it started.

use super::manifest::{Manifest, Outcome, Phase, Process, Verdict};
use crate::calendar;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Whether a run works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its outcome is known.
    Ended,
    /// Its supervisor works.
    Working,
    /// Its supervisor is gone without a word, but something that it started still runs.
    Orphaned,
    /// Its supervisor is gone without a word, and so is everything else.
    Abandoned,
}

impl State {
    /// One word for tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Working => "working",
            Self::Orphaned => "orphaned",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Looks at the processes that the manifest names, by pid and start time.
#[must_use]
pub fn state_of(manifest: &Manifest) -> State {
    let alive = survivors(manifest).next().is_some();
    if manifest.phase == Phase::Ended && !alive {
        State::Ended
    } else if manifest.supervisor.as_ref().is_some_and(super::process::Identity::is_alive) {
        State::Working
    } else if alive {
        State::Orphaned
    } else {
        State::Abandoned
    }
}

/// What the run started and what still runs.
pub fn survivors(manifest: &Manifest) -> impl Iterator<Item = &Process> {
    manifest.processes.iter().filter(|process| process.identity.is_alive())
}

/// What [`stop`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing was left to stop.
    Nothing,
    /// The supervisor ended the run itself and wrote its outcome.
    BySupervisor,
    /// These processes were ended (role, pid).
    ByForce(Vec<(String, i32)>),
}

/// Stops a run: its supervisor is asked first and has `grace` to write the outcome; then exactly the processes that the
/// manifest names are ended, and the manifest is closed in the supervisor's stead.
///
/// # Errors
/// The manifest cannot be read or written, or a process would not end.
pub fn stop(run: &Path, grace: Duration) -> io::Result<Stopped> {
    let manifest = Manifest::read(run)?;
    let before = state_of(&manifest);
    if before == State::Ended {
        return Ok(Stopped::Nothing);
    }
    let mut ended = Vec::new();
    if let Some(supervisor) = &manifest.supervisor
        && supervisor.is_alive()
    {
        if !supervisor.end(grace) {
            return Err(io::Error::other(format!("supervisor {} does not end", supervisor.pid)));
        }
        if Manifest::read(run)?.phase == Phase::Ended {
            return Ok(Stopped::BySupervisor);
        }
        ended.push(("supervisor".to_owned(), supervisor.pid));
    }
    // It may have started more since the first look.
    let mut manifest = Manifest::read(run)?;
    for process in &manifest.processes {
        if process.identity.is_alive() {
            if !process.identity.end(Duration::from_secs(5)) {
                return Err(io::Error::other(format!("{} {} does not end", process.role, process.identity.pid)));
            }
            ended.push((process.role.clone(), process.identity.pid));
        }
    }
    if let Some(sockets) = &manifest.sockets {
        remove_sockets(Path::new(sockets));
    }
    let nothing = ended.is_empty();
    manifest.phase = Phase::Ended;
    manifest.processes.clear();
    manifest.ended = Some(calendar::utc(SystemTime::now()));
    if manifest.outcome.is_none() {
        let (verdict, title) = match manifest.hits.first() {
            Some(hit) => (Verdict::Hit, Some(hit.title.clone())),
            None => (Verdict::Stopped, None),
        };
        let reason = "its supervisor was gone; closed by `kanalyze runs stop`".to_owned();
        manifest.outcome = Some(Outcome { verdict, title, reason });
    }
    manifest.write(run)?;
    Ok(if nothing { Stopped::Nothing } else { Stopped::ByForce(ended) })
}

/// Removes a run's folder of sockets, and nothing that is none: a manifest is only a file that says a path.
pub fn remove_sockets(folder: &Path) {
    for name in ["serial", "qmp"] {
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_socket()) {
            let _ = fs::remove_file(path);
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::RunFolder;
    use crate::runs::process::Identity;
    use std::process::Command;

    #[test]
    fn a_stale_pid_is_recognised_and_left_alone() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let mut folder = RunFolder::create(runs.path(), None).expect("made");
        let own = Identity::own().expect("/proc is mounted");
        // This very process's pid, but of somebody who started earlier: what a reused pid looks like.
        let stale = Identity { start_ticks: own.start_ticks - 1, ..own };
        folder.manifest.supervisor = Some(stale.clone());
        folder.manifest.processes = vec![Process { role: "qemu".to_owned(), identity: stale }];
        folder.save().expect("saved");
        assert_eq!(state_of(&folder.manifest), State::Abandoned);
        assert_eq!(stop(folder.path(), Duration::ZERO).expect("closed"), Stopped::Nothing);
        let manifest = Manifest::read(folder.path()).expect("read");
        assert_eq!(manifest.outcome.map(|outcome| outcome.verdict), Some(Verdict::Stopped));
        assert_eq!(manifest.phase, Phase::Ended);
    }

    #[test]
    fn a_manifest_cannot_name_a_folder_to_be_emptied() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("serial"), "somebody's file").expect("written");
        remove_sockets(folder.path());
        assert!(folder.path().join("serial").is_file());
        fs::remove_file(folder.path().join("serial")).expect("removed");
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("qmp")).expect("bound");
        remove_sockets(folder.path());
        assert!(!folder.path().exists());
    }

    #[test]
    fn an_orphan_is_ended_and_nothing_else() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let mut bystander = Command::new("sleep").arg("600").spawn().expect("sleep runs");
        let mut orphan = Command::new("sleep").arg("600").spawn().expect("sleep runs");
        let identity = Identity::of(orphan.id()).expect("it runs");
        let mut folder = RunFolder::create(runs.path(), None).expect("made");
        folder.manifest.supervisor = None;
        folder.manifest.processes = vec![Process { role: "qemu".to_owned(), identity: identity.clone() }];
        folder.save().expect("saved");
        assert_eq!(state_of(&folder.manifest), State::Orphaned);
        let stopped = stop(folder.path(), Duration::ZERO).expect("stopped");
        assert_eq!(stopped, Stopped::ByForce(vec![("qemu".to_owned(), identity.pid)]));
        assert!(!orphan.wait().expect("waited").success());
        assert!(bystander.try_wait().expect("asked").is_none(), "the bystander lives");
        bystander.kill().expect("ended");
        bystander.wait().expect("waited");
    }
}
