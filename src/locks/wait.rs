//! Parts of an edge: a waiter whose holder is not known yet, places, evidence, the lock as others see it.

use super::awaited::{Awaited, plain};
use super::classes::global_lock;
use super::facts::TaskFacts;
use super::pieces::Held;
use super::{Grade, Identity, LockRef, Wait};
use crate::report::{Frame, Task};

/// A wait of which only the waiter is known.
pub(super) fn bare_wait(pid: i64, task: &TaskFacts, awaited: &Awaited) -> Wait {
    let site = task.frames.get(awaited.site);
    let outer = task.frames[awaited.site.min(task.frames.len())..].iter().find(|frame| !frame.inline);
    let named = site.and_then(|site| site.function.as_deref()).map(plain);
    let class = named.filter(|_| awaited.kind.is_listed()).and_then(global_lock);
    Wait {
        waiter: Task { comm: task.comm.to_owned(), pid },
        lock: LockRef { class, address: None, acquired_at: outer.or(site).map(place), line: None },
        kind: awaited.kind,
        holder: None,
        candidates: 0,
        grade: Grade::Unknown,
        evidence: evidence([Some(task.line), outer.or(site).map(|frame| frame.log_line)]),
        because: String::new(),
        identity: Identity::None,
    }
}

/// `function+0x1/0x2 file:line`.
pub(super) fn place(frame: &Frame) -> String {
    let mut out = frame.function.clone().or_else(|| frame.address.clone()).unwrap_or_default();
    if let (Some(offset), Some(size)) = (frame.offset, frame.size) {
        out += &format!("+{offset:#x}/{size:#x}");
    }
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        out += &format!(" {file}:{line}");
    }
    out
}

/// Lines in their order, each once, without those that are not known.
pub(super) fn evidence<const N: usize>(lines: [Option<u64>; N]) -> Vec<u64> {
    let mut lines: Vec<u64> = lines.into_iter().flatten().filter(|line| *line > 0).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// The listed lock as others see it.
pub(super) fn lock_ref(lock: &Held) -> LockRef {
    LockRef {
        class: Some(lock.words.class.clone()),
        address: lock.address.as_deref().map(str::to_owned),
        acquired_at: lock.words.acquired_at.as_ref().map(place),
        line: Some(lock.line),
    }
}
