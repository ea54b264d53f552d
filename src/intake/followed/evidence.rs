//! What the lines of a log that goes on show of the machines that wrote them.

use super::super::machines::are_surely_several;
use crate::engine::Item;
use crate::line::host_of;
use std::collections::HashSet;

/// So much is kept for the moment when the lines turn out to be several machines', bytes.
const KEPT: usize = 512 << 10;
/// So many changes from name to name are looked at one by one, later ones ever less often.
const CHANGES: usize = 64;
/// When the name changes, what is whole waits for so many lines: it may be made of two machines' lines.
const DOUBTFUL: u64 = 256;

/// What shows whether there are several machines.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The last lines, from the first on that names a machine.
    pub(super) text: Vec<u8>,
    /// Where each of them begins in the text, its offset in the log and its number there.
    pub(super) lines: Vec<(usize, u64, u64)>,
    /// The name in the last line that has one.
    name: Vec<u8>,
    /// How often that was another one than before.
    changes: usize,
    /// The first line behind which such a change is no reason to wait any more.
    pub(super) sure: u64,
    /// What waits.
    pub(super) held: Vec<Item>,
    /// What the one engine has told of these lines.
    pub(super) told: HashSet<(Kind, u64)>,
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Opened,
    Closed,
    Event,
}

/// By what a record is known again: the engine of its machine yields it with the same start.
pub(super) fn told(item: &Item) -> (Kind, u64) {
    match item {
        Item::Opened { start, .. } => (Kind::Opened, *start),
        Item::Closed(report) => (Kind::Closed, report.start),
        Item::Event(event) => (Kind::Event, event.start),
    }
}

impl Evidence {
    /// Keeps a line; whether the lines show by now that they are several machines'.
    pub(super) fn take(&mut self, line: &[u8], (offset, count): (u64, u64)) -> bool {
        let mut changed = false;
        if let Some(host) = host_of(line)
            && line[host.at.clone()] != *self.name
        {
            changed = !self.name.is_empty();
            // One machine may go by several names for ever.
            if changed && self.changes < CHANGES {
                self.sure = count + DOUBTFUL;
            }
            self.name = line[host.at].to_vec();
        }
        if self.name.is_empty() {
            // What was told of this line concerns none that is kept.
            self.told.retain(|(_, at)| *at > offset);
            return false;
        }
        if self.text.len() > 2 * KEPT {
            self.forget();
        }
        self.lines.push((self.text.len(), offset, count));
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.changes += usize::from(changed);
        changed && (self.changes <= CHANGES || self.changes.is_power_of_two()) && are_surely_several(&self.text)
    }

    /// Keeps only the last lines.
    fn forget(&mut self) {
        let from = self.lines.partition_point(|(start, ..)| *start < self.text.len() - KEPT);
        let Some((start, offset, _)) = self.lines.get(from).copied() else { return };
        self.text.drain(..start);
        self.lines.drain(..from);
        self.lines.iter_mut().for_each(|(at, ..)| *at -= start);
        self.told.retain(|(_, at)| *at >= offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_without_end() {
        let mut evidence = Evidence::default();
        let line = format!("Nov  3 10:00:00 alpha kernel: [ 5000.000000] {}", "x".repeat(400));
        for number in 0..8 * KEPT / line.len() {
            let offset = (number * (line.len() + 1)) as u64;
            evidence.told.insert((Kind::Event, offset));
            assert!(!evidence.take(line.as_bytes(), (offset, number as u64)));
        }
        assert!(evidence.text.len() <= 2 * KEPT + 2 * line.len());
        assert!(
            evidence.lines.len() == evidence.told.len() && evidence.lines.len() * line.len() <= evidence.text.len()
        );
    }
}
