//! The road of the guest, in a thread of its own: reach it, prepare it, copy files, start the workload, follow it.

use super::ssh::Ssh;
use super::{GuestError, Transport, quote};
use crate::vm::command::status_words;
use crate::vm::workload::{self, Prepared};
use std::fs;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What the thread reports.
#[derive(Debug)]
pub enum News {
    /// Words of a failed attempt to reach the guest.
    Attempt(String),
    /// The guest takes commands.
    Ready,
    /// A step was done.
    Step(String),
    /// Something is not as it should be.
    Warning(String),
    /// The workload runs.
    Started {
        /// Whether it counts its programs.
        counts: bool,
        /// Whether its output comes by the serial port.
        on_console: bool,
    },
    /// Bytes of its output.
    Output(Vec<u8>),
    /// Everything that no try changes is in this folder of the guest: it may be saved now.
    Staged(String),
    /// It is over.
    Ended(i32),
    /// Its output can no longer be followed.
    OutOfSight(String),
    /// It could not be started.
    Failed(String),
}

/// What to do in the guest.
#[derive(Debug)]
pub struct Plan {
    /// What to run.
    pub prepared: Prepared,
    /// The shell text that prepares the guest.
    pub preparation: String,
    /// Whether a folder of the host is to be mounted.
    pub share: bool,
    /// The guest was saved when it had been prepared, with its files in this folder.
    pub saved: Option<String>,
    /// Whoever saves the guest says here when it is done.
    pub hold: Option<Receiver<()>>,
    /// Pause between two attempts.
    pub pause: Duration,
}

/// Set to end the thread.
pub type Stop = Arc<AtomicBool>;

/// Goes the whole road. `ssh` is the transport once more when the workload's output is to be followed by sessions.
pub fn drive(
    mut transport: Box<dyn Transport>,
    ssh: Option<Ssh>,
    plan: &Plan,
    stop: &Stop,
    mut tell: impl FnMut(News),
) {
    let stopped = || stop.load(Ordering::Relaxed);
    let outcome = road(transport.as_mut(), ssh.as_ref(), plan, &stopped, &mut tell);
    match outcome {
        Ok(()) | Err(GuestError::Stopped) => {}
        Err(_) if stopped() => {}
        Err(error) => tell(News::Failed(error.to_string())),
    }
}

fn road(
    transport: &mut dyn Transport,
    ssh: Option<&Ssh>,
    plan: &Plan,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(News),
) -> Result<(), GuestError> {
    loop {
        match transport.reach() {
            Ok(()) => break,
            Err(GuestError::Stopped) => return Err(GuestError::Stopped),
            Err(error) => tell(News::Attempt(error.to_string())),
        }
        // The end of the boot's time is the judge's matter.
        pause(plan.pause, stopped)?;
    }
    tell(News::Ready);
    let folder = match &plan.saved {
        Some(folder) => folder.clone(),
        None => {
            let folder = persistently(stopped, tell, |tell| prepare(transport, plan, tell))?;
            copy(transport, plan, &folder, false, stopped, tell)?;
            folder
        }
    };
    if let Some(hold) = &plan.hold {
        tell(News::Staged(folder.clone()));
        while hold.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
            pause(Duration::ZERO, stopped)?;
        }
    }
    copy(transport, plan, &folder, true, stopped, tell)?;
    let on_console = transport.is_console();
    let Some(command) = &plan.prepared.command else {
        tell(News::Started { counts: false, on_console });
        return Ok(());
    };
    let script = workload::runner(&folder, command, on_console);
    let path = format!("{folder}/run.sh");
    persistently(stopped, tell, |_| transport.put(&path, script.as_bytes(), false))?;
    let quiet = if on_console { "" } else { ">/dev/null 2>&1" };
    // Asked twice, because the first answer was lost, it starts once.
    // A guest that was saved would draw the same random numbers each time.
    let start = format!(
        "echo {:?} > /dev/urandom; cd {} && {{ if mkdir started 2>/dev/null; then s=; command -v setsid >/dev/null && s=setsid; \
         $s sh ./run.sh </dev/null {quiet} & fi; echo started; }}",
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos(),
        quote(&folder)
    );
    let answer = persistently(stopped, tell, |_| transport.run(&start, Duration::from_secs(30)))?;
    if answer.status != 0 {
        return Err(GuestError::Refused(format!("the workload does not start: {}", answer.output.trim())));
    }
    tell(News::Started { counts: plan.prepared.counts, on_console });
    match ssh {
        // On the console the kernel's log shows the end.
        None => Ok(()),
        Some(ssh) => follow(ssh, &folder, stopped, tell),
    }
}

/// Copies the files of the workload: those that the next try may want to be others, or the rest.
fn copy(
    transport: &mut dyn Transport,
    plan: &Plan,
    folder: &str,
    varying: bool,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(News),
) -> Result<(), GuestError> {
    for file in plan.prepared.files.iter().filter(|file| file.varies == varying) {
        let bytes =
            fs::read(&file.path).map_err(|error| GuestError::Refused(format!("{}: {error}", file.path.display())))?;
        let path = format!("{folder}/{}", file.name);
        persistently(stopped, tell, |_| transport.put(&path, &bytes, file.executable))?;
        tell(News::Step(format!("copied {} ({} bytes)", file.name, bytes.len())));
    }
    Ok(())
}

/// Tries again what failed because the guest could not be reached: one that is busy loses a session now and then.
fn persistently<T>(
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(News),
    mut attempt: impl FnMut(&mut dyn FnMut(News)) -> Result<T, GuestError>,
) -> Result<T, GuestError> {
    for _ in 0..RETRIES {
        match attempt(tell) {
            Err(GuestError::Unreachable(words)) if !stopped() => {
                tell(News::Warning(format!("no answer from the guest, trying again: {words}")));
                pause(Duration::from_secs(2), stopped)?;
            }
            done => return done,
        }
    }
    attempt(tell)
}

fn prepare(transport: &mut dyn Transport, plan: &Plan, tell: &mut dyn FnMut(News)) -> Result<String, GuestError> {
    let answer = transport.run(&plan.preparation, Duration::from_secs(60))?;
    let mut folder = None;
    for line in answer.output.lines() {
        if let Some(at) = line.find("kanalyze-folder ") {
            folder = line[at + 16..].split_whitespace().next().map(str::to_owned);
        } else if let Some(at) = line.find("kanalyze-warning ") {
            tell(News::Warning(line[at + 17..].trim().to_owned()));
        }
    }
    if plan.share && !answer.output.contains("cannot mount the shared folder") {
        tell(News::Step(format!("the shared folder is mounted at {} of the guest", workload::SHARE)));
    }
    folder.ok_or_else(|| {
        GuestError::Refused(format!(
            "the guest's shell does not understand: {}",
            answer.output.trim().chars().take(200).collect::<String>()
        ))
    })
}

/// How often a broken session is replaced before the workload counts as out of sight.
const RETRIES: u32 = 3;

fn follow(ssh: &Ssh, folder: &str, stopped: &dyn Fn() -> bool, tell: &mut dyn FnMut(News)) -> Result<(), GuestError> {
    let mut seen = 0;
    let mut failures = 0;
    loop {
        let before = seen;
        match session(ssh, folder, &mut seen, tell) {
            Ok(Some(status)) => {
                tell(News::Ended(status));
                return Ok(());
            }
            _ if stopped() => return Err(GuestError::Stopped),
            broken => {
                failures = if seen > before { 1 } else { failures + 1 };
                let words = match broken {
                    Err(error) => error.to_string(),
                    Ok(_) => "the session broke off".to_owned(),
                };
                if failures > RETRIES {
                    tell(News::OutOfSight(words));
                    return Ok(());
                }
                tell(News::Attempt(words));
                pause(Duration::from_secs(2), stopped)?;
            }
        }
    }
}

/// One session: the workload's status if it saw the end.
fn session(ssh: &Ssh, folder: &str, seen: &mut u64, tell: &mut dyn FnMut(News)) -> Result<Option<i32>, GuestError> {
    let mut child = ssh.start(&workload::follower(folder, *seen))?;
    let mut stderr = child.stderr.take();
    let words = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(pipe) = &mut stderr {
            // ssh says one line when it fails; a guest cannot say more than this either.
            let _ = pipe.take(16 << 10).read_to_end(&mut text);
            let _ = std::io::copy(pipe, &mut std::io::sink());
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut tail = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            *seen += count as u64;
            tail.extend_from_slice(&chunk[..count]);
            tail.drain(..tail.len().saturating_sub(64));
            tell(News::Output(chunk[..count].to_vec()));
        }
    }
    let ended = child.wait();
    ssh.release(&child);
    let words = words.join().unwrap_or_default();
    let tail = String::from_utf8_lossy(&tail);
    if let Some(status) = tail.lines().rev().find_map(|line| line.strip_prefix("kanalyze-status ")) {
        return Ok(Some(status.trim().parse().unwrap_or(-1)));
    }
    let said = words.lines().rfind(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned());
    let status = ended.map(status_words).unwrap_or_default();
    Err(GuestError::Unreachable(said.unwrap_or_else(|| format!("the session ended with {status}"))))
}

fn pause(time: Duration, stopped: &dyn Fn() -> bool) -> Result<(), GuestError> {
    let deadline = Instant::now() + time;
    loop {
        if stopped() {
            return Err(GuestError::Stopped);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(Duration::from_millis(50)));
    }
}
