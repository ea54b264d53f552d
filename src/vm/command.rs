//! Child processes on a leash: each in its own group, with a hard time limit, bounded output, and nobody left behind.

use crate::runs::process::Identity;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Output beyond this is read and dropped.
const OUTPUT_LIMIT: usize = 1 << 20;

/// Everything that a run started and that has not been seen to end. Clones share one list; [`Leash::end_all`] ends what
/// is on it and refuses what would come after.
#[derive(Debug, Clone, Default)]
pub struct Leash {
    list: Arc<Mutex<List>>,
}

#[derive(Debug, Default)]
struct List {
    closed: bool,
    children: BTreeMap<u32, Option<Identity>>,
}

impl Leash {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a child in a process group of its own, so that a Ctrl-C on the terminal reaches only this program.
    ///
    /// # Errors
    /// The system says no, or the run is being ended.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let mut list = self.list();
        if list.closed {
            return Err(io::Error::other("the run is being ended"));
        }
        let child = command.process_group(0).spawn()?;
        list.children.insert(child.id(), Identity::of(child.id()));
        Ok(child)
    }

    /// Takes a child that was waited for off the list.
    pub fn release(&self, child: &Child) {
        self.list().children.remove(&child.id());
    }

    /// Ends every group that is left, for good. Until they are waited for, the pids are not given to others.
    pub fn end_all(&self) {
        let mut list = self.list();
        list.closed = true;
        for (&pid, identity) in &list.children {
            if identity.as_ref().is_none_or(Identity::is_alive) {
                kill_group(pid);
            }
        }
    }
}

/// Ends a process group. The leader must not have been waited for, or its number may be somebody else's.
fn kill_group(leader: u32) {
    if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// What a finished child left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, up to a megabyte.
    pub stdout: Vec<u8>,
    /// Its standard error, up to a megabyte.
    pub stderr: Vec<u8>,
    /// Whether it was ended because its time was up.
    pub timed_out: bool,
}

impl Finished {
    /// Its last words in one line, for error messages.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("");
        match (self.timed_out, line) {
            (true, _) => "no answer in time".to_owned(),
            (false, "") => format!("ended with {}", status_words(self.status)),
            (false, line) => line.chars().take(300).collect(),
        }
    }
}

/// `status 1` or `signal 9`.
#[must_use]
pub fn status_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// Runs a child to its end or for `limit`, whichever is first.
///
/// # Errors
/// It cannot be started.
pub fn run(leash: &Leash, command: &mut Command, input: Option<&[u8]>, limit: Duration) -> io::Result<Finished> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = leash.spawn(command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let deadline = Instant::now() + limit;
    let (done, finished) = channel();
    let stdout = child.stdout.take().map(|pipe| collect(pipe, done.clone()));
    let stderr = child.stderr.take().map(|pipe| collect(pipe, done));
    let stdin = child.stdin.take();
    let mut timed_out = false;
    thread::scope(|scope| {
        if let (Some(mut pipe), Some(input)) = (stdin, input) {
            // A child that does not read its input is recognised by its status.
            scope.spawn(move || drop(pipe.write_all(input)));
        }
        // Both pipes are closed when the child and whatever it started are gone.
        loop {
            match finished.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    timed_out = true;
                    kill_group(child.id());
                    break;
                }
            }
        }
        if !timed_out
            && !Identity::of(child.id())
                .is_none_or(|own| own.wait_gone(deadline.saturating_duration_since(Instant::now())))
        {
            timed_out = true;
            kill_group(child.id());
        }
    });
    let status = child.wait()?;
    leash.release(&child);
    let output =
        |reader: Option<thread::JoinHandle<Vec<u8>>>| reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    Ok(Finished { status, stdout: output(stdout), stderr: output(stderr), timed_out })
}

fn collect(mut pipe: impl Read + Send + 'static, done: std::sync::mpsc::Sender<()>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut chunk = [0; 16 << 10];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            let room = OUTPUT_LIMIT.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&chunk[..room]);
        }
        let _ = done.send(());
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_that_hangs_is_ended_with_its_children() {
        let leash = Leash::default();
        let begun = Instant::now();
        let finished =
            run(&leash, &mut shell("sleep 600 & sleep 600"), None, Duration::from_millis(100)).expect("started");
        assert!(finished.timed_out && begun.elapsed() < Duration::from_secs(10));
        assert_eq!(finished.last_words(), "no answer in time");
    }

    #[test]
    fn input_output_and_status_come_through() {
        let leash = Leash::default();
        let finished = run(&leash, &mut shell("cat; echo oops >&2; exit 3"), Some(b"in"), Duration::from_secs(60))
            .expect("started");
        assert_eq!(
            (finished.stdout.as_slice(), finished.last_words().as_str(), finished.status.code(), finished.timed_out),
            (b"in".as_slice(), "oops", Some(3), false)
        );
    }

    #[test]
    fn after_the_end_nothing_starts_any_more() {
        let leash = Leash::default();
        let mut child = leash.spawn(&mut shell("sleep 600")).expect("started");
        leash.end_all();
        assert!(!child.wait().expect("waited").success());
        assert!(leash.spawn(&mut shell("true")).is_err());
    }
}
