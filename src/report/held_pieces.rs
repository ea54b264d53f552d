//! The lines of one list of held locks: the kernel prints a lock in several parts, and messages of another CPU may come
//! between them.

use super::held;
use super::{HeldLock, HeldLocks};

/// A piece up to this length may be the number alone (` #12:`), bytes.
const NUMBER: usize = 6;
/// A lock line in pieces is no longer than this, bytes.
const LONGEST: usize = 600;

/// A list whose lines come.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Its index among the lists.
    list: usize,
    /// A line of it that is not whole, as far as it has come.
    piece: Vec<u8>,
}

impl Pieces {
    /// The list with this index begins.
    pub(super) fn of(list: usize) -> Self {
        Self { list, piece: Vec::new() }
    }

    /// Whether the list holds fewer locks than its header promises.
    pub(super) fn lacks_some(&self, lists: &[HeldLocks]) -> bool {
        held::lacks_some(&lists[self.list])
    }

    /// A line of the list, or a piece of one; false when it is neither.
    pub(super) fn take(&mut self, trimmed: &[u8], raw: &[u8], log_line: u64, lists: &mut [HeldLocks]) -> bool {
        let starts = trimmed[0] == b'#';
        if starts {
            self.end(lists);
        } else {
            let repeated = held::lock(trimmed, log_line).is_some_and(|lock| lock.address.is_some());
            if !repeated && self.piece.is_empty() {
                return false;
            }
            if repeated && self.piece.len() > NUMBER {
                self.end(lists);
            }
        }
        // Most locks are whole lines.
        if self.piece.is_empty()
            && let Some(lock) = held::lock(trimmed, log_line).filter(|lock| lock.acquired_at.is_some())
        {
            held::push(&mut lists[self.list].locks, lock);
            return true;
        }
        self.piece.extend_from_slice(if self.piece.is_empty() { trimmed } else { raw });
        if let Some(lock) = held::lock(&self.piece, log_line)
            && (lock.acquired_at.is_some() || self.piece.len() > LONGEST)
        {
            held::push(&mut lists[self.list].locks, lock);
            self.piece.clear();
        } else if self.piece.len() > LONGEST {
            self.piece.clear();
        }
        true
    }

    /// What has come of a broken line is all that comes.
    pub(super) fn end(&mut self, lists: &mut [HeldLocks]) {
        if self.piece.is_empty() {
            return;
        }
        let piece = std::mem::take(&mut self.piece);
        if let Some(lock) = held::lock(&piece, 0).filter(|lock| !lock.class.is_empty()) {
            let list = &mut lists[self.list];
            let line = list.locks.last().map_or(list.line, |last| last.line);
            held::push(&mut list.locks, HeldLock { line: line + 1, ..lock });
        }
    }
}
