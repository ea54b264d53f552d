//! One run of one machine: start it, drive its guest, watch it, end everything.

use super::blockers::Source;
use super::command::Leash;
use super::doing::Doing;
use super::dump::Dumps;
use super::facts::{hash_inputs, host_facts};
use super::guest::Transport;
use super::guest::console::Console;
use super::guest::drive::{self, News, Plan, Stop};
use super::guest::ssh::Ssh;
use super::happening::{Audience, Happening};
use super::hit::{PatternError, Patterns};
use super::judge::{Fact, Rules};
use super::kvm::Probe;
use super::qemu::{self, Machine, QemuError, Start};
use super::qmp::{Qmp, QmpError, QmpEvent, forwarded_port};
use super::record::{QEMU_LOG, Recorder, SERIAL_LOG};
use super::serial::{self, Keyboard, SocketFolder};
use super::settings::{Settings, TransportChoice, Workload};
use super::snapshot::{self, Claim, Shelf};
use super::watcher::{Watcher, Wish};
use super::workload::{self, Prepared, WorkloadError};
use crate::runs::journal::JournalError;
use crate::runs::manifest::Process;
use crate::runs::process::Identity;
use crate::runs::{Outcome, Phase, RunFolder, Verdict};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the judge looks at its clock when nothing comes in.
const TICK: Duration = Duration::from_millis(100);
/// Pieces of output that may wait: a guest that prints faster than this program reads is slowed down, not remembered.
const WAITING: usize = 64;

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

/// What comes into the loop.
enum Input {
    Serial(Vec<u8>),
    SerialGone,
    Guest(News),
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

/// A started machine.
struct Running {
    machine: Machine,
    qmp: Qmp,
    keyboard: Keyboard,
    control: Receiver<Option<QmpEvent>>,
    qemu_log: PathBuf,
    /// Why the guest went down, in QEMU's words.
    shutdown: Option<String>,
    dumps: Dumps,
}

/// The guest's thread, and where a copy of the serial port's output goes for it.
#[derive(Default)]
struct Guest {
    console_copy: Option<Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(run: &mut Run<'_>, sockets: &SocketFolder, path: &Path) -> Result<Self, StartError> {
        let command = qemu::command_line(run.settings, run.kvm, sockets.path(), run.start())?;
        let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let qemu_log = path.join(QEMU_LOG);
        let watcher = &mut run.watcher;
        watcher.recorder.manifest(|manifest| {
            manifest.command.clone_from(&words);
            manifest.sockets = Some(sockets.path().display().to_string());
        });
        let program = words.first().map(String::as_str).unwrap_or_default();
        watcher.step(format!(
            "{program} starts ({} and --dry-run have its command line)",
            crate::runs::manifest::MANIFEST
        ));
        let machine = Machine::start(&run.leash, &command, sockets.path(), &qemu_log)?;
        let identity = Identity::of(machine.child.id());
        watcher.recorder.manifest(|manifest| {
            manifest.phase = Phase::Booting;
            manifest.processes =
                identity.map(|identity| Process { role: "qemu".to_owned(), identity }).into_iter().collect();
        });
        let (events, control) = channel();
        let qmp = Qmp::start(machine.qmp.try_clone()?, move |event| {
            let _ = events.send(event);
        });
        let died = |error: &dyn std::fmt::Display| StartError::Died(format!("{error}: {}", qemu::last_line(&qemu_log)));
        let mut qmp = qmp.map_err(|error| died(&error))?;
        if let Ok(version) = qmp.command("query-version", serde_json::json!({})) {
            let number = &version["qemu"];
            let text = format!("{}.{}.{}", number["major"], number["minor"], number["micro"]);
            watcher.recorder.manifest(|manifest| {
                manifest.versions.insert("qemu".to_owned(), text);
                manifest.versions.insert("kanalyze".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
            });
        }
        if matches!(run.claim, Claim::Load(..)) {
            let interrupt = run.interrupt;
            snapshot::go_on(&mut qmp, || interrupt.load(Ordering::Relaxed) != 0).map_err(|error| died(&error))?;
        }
        let keyboard = machine.serial.try_clone().and_then(Keyboard::new)?;
        Ok(Self { machine, qmp, keyboard, control, qemu_log, shutdown: None, dumps: Dumps::default() })
    }

    /// The loop, from the first serial byte to the verdict; ends the machine.
    fn watch(mut self, run: &mut Run<'_>, prepared: Prepared) -> Outcome {
        let (sender, inputs) = sync_channel(WAITING);
        let stop: Stop = Arc::new(AtomicBool::new(false));
        let mut guest = self.start_guest(run, prepared, &sender, &stop).unwrap_or_else(|error| {
            run.watcher.fact(Fact::Trouble(error.to_string()));
            Guest::default()
        });
        if run.settings.transport == TransportChoice::None {
            run.watcher.fact(Fact::WorkloadStarted { counts: false });
        }
        if let Ok(stream) = self.machine.serial.try_clone() {
            serial::read_all(stream, move |bytes| {
                let input = if bytes.is_empty() { Input::SerialGone } else { Input::Serial(bytes.to_vec()) };
                let _ = sender.send(input);
            });
        }
        let outcome = self.judge_inputs(run, &inputs, &mut guest);
        self.end(&stop, inputs, guest, &run.leash);
        outcome
    }

    fn judge_inputs(&mut self, run: &mut Run<'_>, inputs: &Receiver<Input>, guest: &mut Guest) -> Outcome {
        let mut gone = false;
        loop {
            match inputs.recv_timeout(TICK) {
                Ok(Input::Serial(bytes)) => {
                    run.watcher.serial(&bytes);
                    // The guest's thread takes a copy as long as it has use for one.
                    guest.console_copy = guest.console_copy.take().filter(|copy| copy.send(bytes).is_ok());
                }
                Ok(Input::Guest(News::Staged(folder))) => self.save(run, folder),
                Ok(Input::Guest(news)) => take_news(news, &mut run.watcher),
                Ok(Input::SerialGone) | Err(RecvTimeoutError::Disconnected) if !gone => {
                    gone = true;
                    guest.console_copy = None;
                    self.machine_ended(run);
                }
                Ok(Input::SerialGone) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
            }
            while let Ok(event) = self.control.try_recv() {
                self.take_event(event, &mut run.watcher);
            }
            match run.interrupt.load(Ordering::Relaxed) {
                0 => {}
                ANOTHER_HIT => run.watcher.fact(Fact::Interrupted("another run of the series had the hit".to_owned())),
                signal => run.watcher.fact(Fact::Interrupted(format!("stopped by signal {signal}"))),
            }
            self.dumps.go_on(&mut self.qmp, &self.keyboard, gone, &mut run.watcher);
            for wish in run.watcher.tick() {
                match wish {
                    Wish::Finish(outcome) => return outcome,
                    Wish::Dump => self.dumps.begin(run.scale, &mut run.watcher),
                }
            }
        }
    }

    /// Saves the guest, in which everything is staged, for the next tries, and lets it go on.
    fn save(&mut self, run: &mut Run<'_>, folder: String) {
        if let Claim::Save(saver) = std::mem::replace(&mut run.claim, Claim::Boot) {
            let begun = run.watcher.now();
            let serial = run.watcher.recorder.serial_text(0, run.watcher.recorder.serial_length());
            let interrupt = run.interrupt;
            let stopped = || interrupt.load(Ordering::Relaxed) != 0;
            match saver.save(&mut self.qmp, run.overlay.take(), serial, folder, &stopped) {
                Ok(size) => run.watcher.step(format!(
                    "the guest is saved for the next tries ({} MiB, {:.1} s)",
                    size >> 20,
                    run.watcher.now() - begun
                )),
                Err(error) => run.watcher.warn(format!("no snapshot, each try boots: {error}")),
            }
        }
        // Whoever waits goes on.
        run.saved = None;
    }

    fn take_event(&mut self, event: Option<QmpEvent>, watcher: &mut Watcher<'_>) {
        let Some(event) = event else { return };
        match event.name.as_str() {
            "SHUTDOWN" => self.shutdown = event.data["reason"].as_str().map(str::to_owned),
            "RESET" => watcher.warn("the guest was reset".to_owned()),
            "BLOCK_IO_ERROR" => watcher.warn(format!(
                "the guest's disk fails: {}",
                event.data["reason"].as_str().unwrap_or("no reason given")
            )),
            "GUEST_PANICKED" => watcher.step("the guest told QEMU that it panicked".to_owned()),
            _ => {}
        }
    }

    /// The serial port is closed: QEMU is gone, or going.
    fn machine_ended(&mut self, run: &mut Run<'_>) {
        let watcher = &mut run.watcher;
        let status = self.machine.wait(Duration::from_secs(5));
        while let Ok(event) = self.control.try_recv() {
            self.take_event(event, watcher);
        }
        let said = qemu::last_line(&self.qemu_log);
        watcher.words(Source::Qemu, &said);
        let quiet = fs::metadata(&self.qemu_log).map_or(true, |meta| meta.len() == 0);
        let ended = match status {
            Some(status) => format!("qemu ended with {}", super::command::status_words(status)),
            None => "qemu closed its serial port".to_owned(),
        };
        let reason = match self.shutdown.as_deref() {
            Some("guest-reset") => "the guest rebooted".to_owned(),
            Some("guest-shutdown") => "the guest powered off".to_owned(),
            Some("guest-panic") => "the guest panicked".to_owned(),
            _ if quiet => ended,
            _ => format!("{ended}: {said}"),
        };
        let expected =
            self.shutdown.as_deref() == Some("guest-shutdown") && run.settings.transport == TransportChoice::None;
        if !expected {
            watcher.warn(reason.clone());
        }
        watcher.fact(Fact::MachineEnded { reason, expected });
    }

    /// Starts the thread that drives the guest.
    fn start_guest(
        &mut self,
        run: &mut Run<'_>,
        prepared: Prepared,
        sender: &SyncSender<Input>,
        stop: &Stop,
    ) -> Result<Guest, StartError> {
        let (settings, scale) = (run.settings, run.scale);
        let (transport, ssh, console_copy): (Box<dyn Transport>, _, _) = match settings.transport {
            TransportChoice::None => return Ok(Guest::default()),
            TransportChoice::Ssh => {
                let table = self.qmp.human("info usernet")?;
                let port = forwarded_port(&table).ok_or(StartError::NoPort)?;
                let ssh = Ssh::new(run.leash.clone(), settings.login.clone(), port, scale);
                (Box::new(ssh.clone()), Some(ssh), None)
            }
            TransportChoice::Console => {
                let (copy, output) = channel();
                let console = Console::new(self.keyboard.clone(), output, settings.login.clone(), scale);
                (Box::new(console), None, Some(copy))
            }
        };
        let (saved, hold) = if matches!(run.claim, Claim::Save(_)) {
            let (saved, hold) = channel();
            (Some(saved), Some(hold))
        } else {
            (None, None)
        };
        run.saved = saved;
        let plan = Plan {
            prepared,
            preparation: workload::preparation(settings),
            share: settings.share.is_some(),
            saved: if let Claim::Load(_, snapshot) = &run.claim { Some(snapshot.folder.clone()) } else { None },
            hold,
            pause: Duration::from_millis(500),
        };
        let (sender, stop) = (sender.clone(), stop.clone());
        let thread = thread::spawn(move || {
            drive::drive(transport, ssh, &plan, &stop, |news| drop(sender.send(Input::Guest(news))));
        });
        Ok(Guest { console_copy, thread: Some(thread) })
    }

    /// Ends the machine, politely first so that a disk that is to persist is whole, and everything else that was started.
    fn end(mut self, stop: &Stop, inputs: Receiver<Input>, guest: Guest, leash: &Leash) {
        stop.store(true, Ordering::Relaxed);
        // Whoever waits to hand over output is let go.
        drop(inputs);
        if matches!(self.machine.child.try_wait(), Ok(None)) {
            let _ = self.qmp.command("quit", serde_json::json!({}));
        }
        let _ = self.machine.wait(Duration::from_secs(5));
        drop(self.machine);
        leash.end_all();
        if let Some(thread) = guest.thread {
            let _ = thread.join();
        }
    }
}

fn take_news(news: News, watcher: &mut Watcher<'_>) {
    match news {
        News::Attempt(words) => watcher.words(Source::Ssh, &words),
        News::Ready => {
            watcher.step(format!("the guest takes commands after {:.1} s", watcher.now()));
            watcher.fact(Fact::GuestReady);
        }
        // Only its loop can save a guest.
        News::Staged(_) => {}
        News::Step(text) => watcher.step(text),
        News::Warning(text) => watcher.warn(text),
        News::Started { counts, on_console } => {
            if on_console {
                watcher.workload_is_on_serial();
            }
            watcher.workload_is_followed(!on_console);
            watcher.step("the workload runs".to_owned());
            watcher.fact(Fact::WorkloadStarted { counts });
        }
        News::Output(bytes) => watcher.workload(&bytes),
        News::Ended(status) => {
            watcher.workload_is_followed(false);
            watcher.workload_ended(status);
        }
        News::OutOfSight(words) => {
            watcher.workload_is_followed(false);
            watcher.warn(format!("ssh is lost ({words}): the serial port goes on being watched"));
            watcher.fact(Fact::WorkloadOutOfSight(words));
        }
        News::Failed(words) => {
            watcher.warn(format!("the workload could not be started: {words}"));
            watcher.fact(Fact::WorkloadFailed(words));
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
