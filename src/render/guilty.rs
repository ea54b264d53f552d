//! The file that a report blames, as far as its own lines name it.

use crate::report::Report;

/// The file by syzbot's rules if a frame, the header or a sentence of the report names it: those rules look further than the
/// report, so that the file may be another's.
pub(super) fn guilty_file(report: &Report) -> Option<&str> {
    let file = report.guilty_file.as_deref()?;
    let is = |other: &str| other.ends_with(file) || file.ends_with(other);
    let lockdep = || report.lockdep.iter();
    let held = report.held_locks.iter().flat_map(|list| &list.locks);
    let wanted = lockdep().flat_map(|lockdep| lockdep.acquiring.iter().chain(&lockdep.holding));
    let taken = held.chain(wanted).flat_map(|lock| lock.acquired_at.iter().chain(&lock.inlined));
    let stacks = report.stacks.iter().map(|stack| &stack.frames);
    let chain = lockdep().flat_map(|lockdep| &lockdep.chain).map(|entry| &entry.frames);
    let waits = lockdep().flat_map(|lockdep| &lockdep.contexts).map(|context| &context.frames);
    let mut frames = stacks.chain(chain).chain(waits).flatten().chain(taken);
    let named = report.source.as_ref().is_some_and(|source| is(&source.file))
        || report.message.iter().any(|sentence| sentence.contains(file))
        || frames.any(|frame| frame.file.as_deref().is_some_and(is));
    named.then_some(file)
}
