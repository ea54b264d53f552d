//! Processes by pid *and* start time, so that a pid which the system gave to somebody else is never ended.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// One process of one boot of this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// When it started: clock ticks since the host's boot, field 22 of `/proc/PID/stat`.
    pub start_ticks: u64,
    /// The host's boot (`/proc/sys/kernel/random/boot_id`): ticks of another boot mean nothing.
    pub boot: String,
}

impl Identity {
    /// The process that has this pid now; `None` when there is none.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let (_, start_ticks) = stat(pid)?;
        Some(Self { pid, start_ticks, boot: boot_id() })
    }

    /// This program.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether this very process still runs; a zombie does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.boot == boot_id()
            && stat(self.pid).is_some_and(|(state, ticks)| ticks == self.start_ticks && state != 'Z' && state != 'X')
    }

    /// A handle on this very process: the descriptor is opened first and the start time checked after, so that no
    /// other process can slip in between.
    fn handle(&self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        self.is_alive().then_some(handle)
    }

    /// Waits until it is gone; false when the time was up first.
    #[must_use]
    pub fn wait_gone(&self, limit: Duration) -> bool {
        match self.handle() {
            Some(handle) => wait_for_exit(&handle, limit),
            None => true,
        }
    }

    /// Ends it: politely, and after `grace` for good. True when it is gone at the end.
    pub fn end(&self, grace: Duration) -> bool {
        let Some(handle) = self.handle() else { return true };
        let _ = pidfd_send_signal(&handle, Signal::TERM);
        if wait_for_exit(&handle, grace) {
            return true;
        }
        let _ = pidfd_send_signal(&handle, Signal::KILL);
        wait_for_exit(&handle, Duration::from_secs(5))
    }
}

/// A pidfd becomes readable when its process exits.
fn wait_for_exit(handle: &OwnedFd, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return false,
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

/// State letter and start time of a process. The command name may hold blanks and parentheses: fields count from the
/// last `)`.
fn stat(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let ticks = fields.nth(18)?.parse().ok()?;
    Some((state, ticks))
}

/// The id of this boot of the host; empty when the kernel does not say.
#[must_use]
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_pid_with_another_start_time_is_somebody_else() {
        let own = Identity::own().expect("/proc is mounted");
        assert!(own.is_alive());
        let other = Identity { start_ticks: own.start_ticks + 1, ..own.clone() };
        assert!(!other.is_alive());
        assert!(other.end(Duration::ZERO), "somebody else's process is not ours to end; ours is gone");
        let earlier_boot = Identity { boot: "another".to_owned(), ..own };
        assert!(!earlier_boot.is_alive());
    }

    #[test]
    fn a_process_that_ignores_the_polite_signal_is_ended_too() {
        let mut child = Command::new("sh")
            .args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut line = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut line).expect("it says ready");
        let identity = Identity::of(child.id()).expect("it runs");
        let reaper = std::thread::spawn(move || child.wait());
        assert!(!identity.wait_gone(Duration::from_millis(20)));
        assert!(identity.end(Duration::from_millis(50)));
        assert!(!identity.is_alive());
        assert!(reaper.join().expect("the reaper does not panic").is_ok());
    }
}
