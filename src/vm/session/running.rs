//! A started machine: the loop from its first byte to the verdict, and its end.

use super::super::blockers::Source;
use super::super::command::Leash;
use super::super::dump::Dumps;
use super::super::guest::Transport;
use super::super::guest::console::Console;
use super::super::guest::drive::{self, News, Plan, Stop};
use super::super::guest::ssh::Ssh;
use super::super::judge::Fact;
use super::super::qemu::{self, Machine};
use super::super::qmp::{Qmp, QmpEvent, forwarded_port};
use super::super::record::QEMU_LOG;
use super::super::serial::{self, Keyboard, SocketFolder};
use super::super::settings::TransportChoice;
use super::super::snapshot::{self, Claim};
use super::super::watcher::{Watcher, Wish};
use super::super::workload::{self, Prepared};
use super::{ANOTHER_HIT, Run, StartError};
use crate::runs::manifest::Process;
use crate::runs::process::Identity;
use crate::runs::{Outcome, Phase};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the judge looks at its clock when nothing comes in.
const TICK: Duration = Duration::from_millis(100);
/// Pieces of output that may wait: a guest that prints faster than this program reads is slowed down, not remembered.
const WAITING: usize = 64;

/// What comes into the loop.
enum Input {
    Serial(Vec<u8>),
    SerialGone,
    Guest(News),
}

/// A started machine.
pub(super) struct Running {
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
    pub(super) fn start(run: &mut Run<'_>, sockets: &SocketFolder, path: &Path) -> Result<Self, StartError> {
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
    pub(super) fn watch(mut self, run: &mut Run<'_>, prepared: Prepared) -> Outcome {
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
            Some(status) => format!("qemu ended with {}", super::super::command::status_words(status)),
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
