//! One run of one machine: start it, drive its guest, watch it, end everything.

mod running;

use super::blockers::Source;
use super::command::Leash;
use super::doing::Doing;
use super::facts::{hash_inputs, host_facts};
use super::happening::{Audience, Happening};
use super::hit::{PatternError, Patterns};
use super::judge::Rules;
use super::kvm::Probe;
use super::qemu::{self, QemuError, Start};
use super::qmp::QmpError;
use super::record::{Recorder, SERIAL_LOG};
use super::serial::SocketFolder;
use super::settings::{Settings, Workload};
use super::snapshot::{Claim, Shelf};
use super::watcher::Watcher;
use super::workload::{self, WorkloadError};
use crate::runs::journal::JournalError;
use crate::runs::{Outcome, RunFolder, Verdict};
use running::Running;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::Sender;

/// The signal that asks this run to end; 0 while there is none, [`ANOTHER_HIT`] when the series has what it wants.
pub type Interrupt = Arc<AtomicI32>;

/// In an [`Interrupt`]: another run of the series had the hit.
pub const ANOTHER_HIT: i32 = -1;

/// Why there is no run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The run's own logs.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why a machine does not come to its first byte: the outcome's reason.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Qemu(#[from] QemuError),
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    #[error(transparent)]
    Control(#[from] QmpError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Sockets(String),
    #[error("{0}")]
    Died(String),
    #[error("qemu forwards no port for ssh")]
    NoPort,
}

/// One run: what all of its parts need.
struct Run<'a> {
    settings: &'a Settings,
    /// How many times slower than a native machine the guest is taken to be.
    scale: f64,
    kvm: bool,
    leash: Leash,
    interrupt: &'a Interrupt,
    watcher: Watcher<'a>,
    claim: Claim<'a>,
    /// Tells the guest's thread that the guest was saved.
    saved: Option<Sender<()>>,
    /// Where the guest's disk writes go until it is saved.
    overlay: Option<PathBuf>,
}

/// Runs a machine from its start to its end and leaves the folder complete. With a `shelf`, the first run of a series saves
/// its guest there when everything is staged, and the others start from it.
///
/// # Errors
/// Only the folder's own logs cannot be made; whatever else goes wrong is the outcome.
pub fn run(
    settings: &Settings,
    folder: RunFolder,
    audience: &mut dyn Audience,
    interrupt: &Interrupt,
    shelf: Option<&Shelf>,
) -> Result<Outcome, RunError> {
    let leash = Leash::default();
    let path = folder.path().to_owned();
    let patterns = Patterns::new(&settings.hits, &settings.hit_lines)?;
    let recorder = Recorder::new(Some(folder), audience)?;
    let claim = shelf.map_or(Claim::Boot, |shelf| shelf.claim(|| interrupt.load(Ordering::Relaxed) != 0));
    let accelerator = qemu::choose_accelerator(&leash, settings);
    let kvm = accelerator.as_ref().is_ok_and(|probe| probe.works);
    let scale = qemu::scale(kvm);
    let rules = rules(settings, &patterns, scale);
    let watcher = Watcher::new(SERIAL_LOG, patterns, rules, settings.expected_title.clone(), recorder);
    let mut run = Run { settings, scale, kvm, leash, interrupt, watcher, claim, saved: None, overlay: None };
    let outcome = run.go(accelerator, &path);
    run.leash.end_all();
    let unusable =
        matches!(outcome.verdict, Verdict::BootFailure | Verdict::Trouble) && run.watcher.doing == Doing::Booting;
    if let (Claim::Load(shelf, _), true) = (&run.claim, unusable) {
        shelf.spoil();
        run.watcher.warn("the saved guest does not start: the next tries boot".to_owned());
    }
    run.watcher.conclude(&outcome);
    Ok(outcome)
}

fn rules(settings: &Settings, patterns: &Patterns, scale: f64) -> Rules {
    let limits = settings.limits;
    let boot_only = settings.workload == Workload::BootOnly;
    Rules {
        boot: limits.boot * scale,
        max_time: limits.max_time * scale,
        needs_programs: matches!(settings.workload, Workload::Syz { .. }),
        no_output: limits.no_output * scale,
        settle: limits.settle * scale,
        stop_on_hit: settings.stop_on_hit,
        boot_counts: boot_only || !settings.hits.is_empty() || !settings.hit_lines.is_empty(),
        seeks_no_output: patterns.seeks_no_output(),
        can_dump: true,
    }
}

impl Run<'_> {
    fn go(&mut self, accelerator: Result<Probe, QemuError>, path: &Path) -> Outcome {
        let settings = self.settings;
        self.watcher.take_lines_from(settings.image.as_ref());
        let machine = if self.kvm { "kvm" } else { "tcg" };
        self.watcher.recorder.manifest(|manifest| {
            manifest.settings = serde_json::to_value(settings).unwrap_or_default();
            manifest.host = host_facts();
            manifest.accelerator = accelerator.as_ref().ok().map(|probe| format!("{machine}: {}", probe.reason));
        });
        self.watcher.recorder.keep(&settings.keepsakes());
        let folder = Some(path.display().to_string());
        self.watcher.recorder.tell(&Happening::Begun { folder, machine: machine.to_owned() });
        let sockets = SocketFolder::create();
        let started = accelerator.map_err(StartError::from).and_then(|probe| {
            if !self.kvm {
                self.watcher.warn(format!(
                    "no KVM ({}): the guest is emulated, limits are three times as long, stalls may be this host's fault",
                    probe.reason
                ));
            }
            let prepared = workload::prepare(&self.leash, &settings.workload, settings.board.architecture, path)?;
            for warning in prepared.warnings.iter().cloned().chain(qemu::untold_root(settings)) {
                self.watcher.warn(warning);
            }
            self.prepare_snapshot();
            let sockets = sockets.as_ref().map_err(|error| StartError::Sockets(error.to_string()))?;
            Ok((prepared, Running::start(self, sockets, path)?))
        });
        match started {
            Ok((prepared, running)) => {
                let hashes = hash_inputs(settings);
                let outcome = running.watch(self, prepared);
                if let Ok(inputs) = hashes.join() {
                    self.watcher.recorder.manifest(|manifest| manifest.inputs = inputs);
                }
                outcome
            }
            Err(error) => {
                let reason = error.to_string();
                self.watcher.words(Source::Qemu, &reason);
                Outcome { verdict: Verdict::Trouble, title: None, reason }
            }
        }
    }

    /// The overlay of a guest that is to be saved, and the log of one that was.
    fn prepare_snapshot(&mut self) {
        match std::mem::replace(&mut self.claim, Claim::Boot) {
            Claim::Save(saver) => match self.settings.disk.as_ref().map(|disk| saver.overlay(disk)).transpose() {
                Ok(overlay) => {
                    self.overlay = overlay;
                    self.claim = Claim::Save(saver);
                }
                Err(error) => {
                    saver.give_up();
                    self.watcher.warn(format!("no snapshot, each try boots: {error}"));
                }
            },
            Claim::Load(shelf, snapshot) => {
                self.watcher.serial_before(&snapshot.serial);
                self.watcher.step("the guest starts as it was saved, booted and staged".to_owned());
                self.claim = Claim::Load(shelf, snapshot);
            }
            Claim::Boot => {}
        }
    }

    fn start(&self) -> Start<'_> {
        match &self.claim {
            Claim::Boot => Start::Boot,
            Claim::Save(_) => Start::BootToSave(self.overlay.as_deref()),
            Claim::Load(_, snapshot) => Start::Saved { state: &snapshot.state, disk: snapshot.disk.as_deref() },
        }
    }
}

/// What a run would do, for `--dry-run`: the command line of QEMU and that of the workload.
///
/// # Errors
/// As [`qemu::command_line`].
pub fn plan(settings: &Settings) -> Result<Vec<String>, QemuError> {
    let leash = Leash::default();
    let probe = qemu::choose_accelerator(&leash, settings)?;
    let command = qemu::command_line(settings, probe.works, Path::new("/tmp/kanalyze-…"), Start::Boot)?;
    let mut lines =
        vec![qemu::shell_line(&command.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>())];
    lines.push(format!("# {}: {}", if probe.works { "KVM" } else { "TCG" }, probe.reason));
    match &settings.workload {
        Workload::Syz { flags, .. } => {
            lines.push(format!(
                "# in the guest: ./syz-execprog -executor=./syz-executor {} ./repro.syz",
                qemu::shell_line(flags)
            ));
        }
        Workload::Command { command } => lines.push(format!("# in the guest: {command}")),
        Workload::Script { path } | Workload::Program { path } | Workload::CSource { path } => {
            lines.push(format!("# in the guest: {}", path.display()));
        }
        Workload::BootOnly => lines.push("# in the guest: nothing, it is watched".to_owned()),
    }
    if let Workload::Syz { execprog: Some(path), revision: Some(wanted), .. } = &settings.workload {
        lines.extend(workload::revision_warning(path, wanted).map(|warning| format!("# {warning}")));
    }
    lines.extend(qemu::untold_root(settings).map(|warning| format!("# {warning}")));
    Ok(lines)
}
