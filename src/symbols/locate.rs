//! Source lines for the frames of records, from a kernel image.

use super::identity::{difference, fits, header};
use super::{Confidence, Kernel, Named, Paths};
use crate::report::{Event, Frame, HeldLock, Report, Stack, StackRole};

/// Stacks whose frames are program counters; all others hold addresses to which calls return.
const PROGRAM_COUNTERS: [StackRole; 2] = [StackRole::Pc, StackRole::Interrupted];

/// The image is of another kernel than the one that wrote the report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OtherKernel {
    /// Another release.
    #[error("{image}: this image is of {have}, the log of {said}; no source lines are named")]
    Release {
        /// The image's path.
        image: String,
        /// The image's release.
        have: String,
        /// The report's.
        said: String,
    },
    /// Another build of the release; in words, with both.
    #[error("{0}; no source lines are named")]
    Build(String),
}

/// Gives the frames of a report their source lines and the functions inlined there. A report that names another kernel,
/// by its release, the number of its build or its build id, is left alone; that is reported.
///
/// # Errors
/// [`OtherKernel`]: the report was left alone.
pub fn locate_report(kernel: &Kernel, paths: &Paths, report: &mut Report) -> Result<(), OtherKernel> {
    if let (Some(said), Some(have)) = (report.kernel_version.as_deref(), kernel.release())
        && said != have
    {
        let image = kernel.path().display().to_string();
        return Err(OtherKernel::Release { image, have: have.to_owned(), said: said.to_owned() });
    }
    let stated = report.kernel_version.as_deref().zip(report.kernel_build.as_deref());
    if let Some(statement) = stated.and_then(|(release, build)| header(release, build))
        && fits(kernel, statement) == Some(false)
    {
        return Err(OtherKernel::Build(difference(kernel, statement)));
    }
    locate_stacks(kernel, paths, &mut report.stacks);
    report.held_locks.iter_mut().flat_map(|list| &mut list.locks).for_each(|lock| locate_lock(kernel, paths, lock));
    if let Some(lockdep) = &mut report.lockdep {
        lockdep.acquiring.iter_mut().chain(&mut lockdep.holding).for_each(|lock| locate_lock(kernel, paths, lock));
        lockdep.chain.iter_mut().for_each(|entry| entry.frames = located(kernel, paths, &entry.frames, false));
    }
    Ok(())
}

/// The same for an event, which names no release of its own.
pub fn locate_event(kernel: &Kernel, paths: &Paths, event: &mut Event) {
    locate_stacks(kernel, paths, &mut event.stacks);
    event.held_locks.iter_mut().flat_map(|list| &mut list.locks).for_each(|lock| locate_lock(kernel, paths, lock));
}

fn locate_stacks(kernel: &Kernel, paths: &Paths, stacks: &mut [Stack]) {
    for stack in stacks {
        let exact = PROGRAM_COUNTERS.contains(&stack.role);
        stack.frames = located(kernel, paths, &stack.frames, exact);
    }
}

fn locate_lock(kernel: &Kernel, paths: &Paths, lock: &mut HeldLock) {
    let Some(site) = lock.acquired_at.take() else { return };
    let mut frames = located(kernel, paths, &[site], false);
    lock.acquired_at = frames.pop();
    if !frames.is_empty() {
        lock.inlined = frames;
    }
}

/// The frames with their lines, functions inlined there before each. What cannot be determined for certain stays as it is.
fn located(kernel: &Kernel, paths: &Paths, frames: &[Frame], exact: bool) -> Vec<Frame> {
    let mut out = Vec::with_capacity(frames.len());
    for frame in frames {
        let (Some(function), Some(offset), Some(size), None) = (&frame.function, frame.offset, frame.size, &frame.file)
        else {
            out.push(frame.clone());
            continue;
        };
        let exact = exact || offset == 0;
        let answer =
            kernel.named(Named { function, offset, size, module: frame.module.as_deref(), build_id: None, exact });
        let Some((outer, inner)) = answer.places.split_last().filter(|_| answer.confidence == Confidence::Certain)
        else {
            out.push(frame.clone());
            continue;
        };
        let shown = |file: &Option<String>| file.as_deref().map(|file| paths.shown(file).to_owned());
        out.extend(inner.iter().map(|place| Frame {
            function: place.function.clone(),
            module: frame.module.clone(),
            file: shown(&place.file),
            line: place.line,
            inline: true,
            reliable: frame.reliable,
            log_line: frame.log_line,
            ..Frame::default()
        }));
        out.push(Frame { file: shown(&outer.file), line: outer.line, ..frame.clone() });
    }
    out
}
