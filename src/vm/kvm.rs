//! Whether KVM works: found out by booting a guest of a few bytes, since an openable `/dev/kvm` proves nothing.

use super::board::Board;
use super::command::{self, Leash};
use crate::architecture::Architecture;
use crate::runs::process::boot_id;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A working KVM boots the tiny guest in a tenth of this.
const PROBE_LIMIT: Duration = Duration::from_secs(4);

/// What the probe says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Whether a guest ran.
    pub works: bool,
    /// Why, in words.
    pub reason: String,
}

/// Tries the tiny guest with an accelerator (`kvm`, and `tcg` for tests).
#[must_use]
pub fn try_guest(leash: &Leash, qemu: &Path, board: &Board, accelerator: &str, limit: Duration) -> Probe {
    let fail = |reason: String| Probe { works: false, reason };
    let image = tempfile::Builder::new().prefix("kanalyze-probe-").suffix(".img").tempfile();
    let image = match image.and_then(|mut image| image.write_all(&board.probe.image()).map(|()| image.into_temp_path()))
    {
        Ok(image) => image,
        Err(error) => return fail(error.to_string()),
    };
    let mut command = Command::new(qemu);
    command.args([
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-m",
        "64",
        "-no-reboot",
        "-accel",
        accelerator,
    ]);
    let tiny = &board.probe;
    command.args(tiny.arguments);
    if let Some(cpu) = &tiny.cpu {
        command.args(["-cpu", cpu.of(accelerator == "kvm")]);
    }
    let [before, behind] = tiny.around;
    command.arg(tiny.option).arg(format!("{before}{}{behind}", image.display()));
    let finished = command::run(leash, &mut command, None, limit);
    match finished {
        Err(error) => fail(format!("{}: {error}", qemu.display())),
        Ok(finished) if finished.timed_out => {
            fail(format!("/dev/kvm is there, but a tiny guest does not run ({} s without an answer)", limit.as_secs()))
        }
        Ok(finished) if finished.status.code() == Some(tiny.status) => {
            Probe { works: true, reason: "a tiny guest ran".to_owned() }
        }
        Ok(finished) => fail(format!("a tiny guest failed: {}", finished.last_words())),
    }
}

/// Whether KVM works here for this board. That it does is kept for the rest of this boot of the host.
#[must_use]
pub fn probe(leash: &Leash, qemu: &Path, board: &Board) -> Probe {
    if Architecture::of_host() != Some(board.architecture) {
        let host = std::env::consts::ARCH;
        return Probe { works: false, reason: format!("the guest's processor is not the host's ({host})") };
    }
    let Err(error) = fs::OpenOptions::new().read(true).write(true).open("/dev/kvm") else {
        return kept_probe(leash, qemu, board);
    };
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no /dev/kvm: load kvm_intel or kvm_amd, or switch virtualization on in the firmware".to_owned()
        }
        std::io::ErrorKind::PermissionDenied => {
            "no permission for /dev/kvm: add yourself to the group kvm and log in anew".to_owned()
        }
        _ => format!("/dev/kvm: {error}"),
    };
    Probe { works: false, reason }
}

fn kept_probe(leash: &Leash, qemu: &Path, board: &Board) -> Probe {
    let path = cache_folder().join(format!("kvm-{}-{}.json", boot_id(), board.architecture.kernel_name()));
    kept_or(&path, || try_guest(leash, qemu, board, "kvm", PROBE_LIMIT))
}

/// What is kept, if it is that KVM works; else what the trial says. Why it did not work (a QEMU that was not installed, a
/// host that was busy for four seconds) may be over the next time.
fn kept_or(path: &Path, trial: impl FnOnce() -> Probe) -> Probe {
    let kept = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Probe>(&bytes).ok());
    if let Some(kept) = kept.filter(|kept| kept.works) {
        return kept;
    }
    let probe = trial();
    if probe.works
        && let (Some(folder), Ok(bytes)) = (path.parent(), serde_json::to_vec(&probe))
    {
        // A cache that cannot be written only costs the next run a few seconds.
        let _ = fs::create_dir_all(folder).and_then(|()| crate::files::replace(path, &bytes));
    }
    probe
}

fn cache_folder() -> PathBuf {
    crate::files::cache_home().unwrap_or_else(|| std::env::temp_dir().join("kanalyze"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_that_it_works_is_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("below/kvm.json");
        let probe = |works| Probe { works, reason: "x".to_owned() };
        assert!(!kept_or(&path, || probe(false)).works);
        assert!(!path.exists(), "a failure is tried again");
        // What an older kanalyze kept.
        fs::create_dir_all(folder.path().join("below")).expect("made");
        fs::write(&path, r#"{"works":false,"reason":"no answer"}"#).expect("written");
        assert!(kept_or(&path, || probe(true)).works);
        assert!(kept_or(&path, || probe(false)).works, "that it worked is kept");
    }
}
