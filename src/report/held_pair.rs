//! The two locks that lockdep's report is about: the one that its task wants, and the one that it holds.

use super::frames::frame_line;
use super::held;
use super::{HeldLock, Lockdep};

/// Lines about one of the two, as far as they have come.
#[derive(Debug)]
pub(super) struct Gathering {
    /// Whether the task holds the lock already.
    holds: bool,
    /// The lock comes first; more may be listed below it.
    locks: Vec<HeldLock>,
}

impl Gathering {
    /// Below `is trying to acquire lock:`; `is trying to release lock (x) at:` names the lock itself.
    pub(super) fn wanted(named: Option<HeldLock>) -> Self {
        Self { holds: false, locks: named.into_iter().collect() }
    }

    /// Below `is already holding lock:`.
    pub(super) fn held() -> Self {
        Self { holds: true, locks: Vec::new() }
    }

    /// A lock, or the place at which the lock above was taken; false when the line is neither.
    pub(super) fn take(&mut self, trimmed: &[u8], log_line: u64) -> bool {
        if let Some(lock) = held::lock(trimmed, log_line) {
            held::push(&mut self.locks, lock);
            return true;
        }
        // `is trying to release lock (x) at:` is followed by the place alone.
        if let [lock] = &mut self.locks[..]
            && lock.acquired_at.is_none()
            && let Some(found) = frame_line(trimmed, log_line)
        {
            lock.acquired_at = Some(found.frame);
            return true;
        }
        false
    }

    /// No more lines come.
    pub(super) fn end(self, report: &mut Lockdep) {
        let place = if self.holds { &mut report.holding } else { &mut report.acquiring };
        if place.is_none() {
            *place = self.locks.into_iter().next();
        }
    }
}
