//! Events that come by the hundred: counted, not shown.

use crate::report::Event;
use crate::vm::blockers::counted_kinds;
use std::collections::BTreeMap;

/// So many events of any other kind are shown, the rest is counted.
const SHOWN: usize = 3;
/// What a task that cannot be woken is called in a dump.
const UNINTERRUPTIBLE: &str = "D";

/// The events of one run so far, and those that were counted since the last line.
#[derive(Debug)]
pub(super) struct Folds {
    /// Kinds that are only ever counted, and what to call them.
    words: BTreeMap<String, String>,
    seen: BTreeMap<String, usize>,
    counted: BTreeMap<String, Count>,
}

#[derive(Debug, Default)]
struct Count {
    all: usize,
    /// Tasks of a dump that nothing wakes.
    uninterruptible: usize,
}

impl Folds {
    /// At the beginning of a run.
    pub(super) fn new() -> Self {
        Self { words: counted_kinds(), seen: BTreeMap::new(), counted: BTreeMap::new() }
    }

    /// Whether this event is one of many and only counted.
    pub(super) fn takes(&mut self, event: &Event) -> bool {
        let name = match self.words.get(&event.kind) {
            Some(words) => words.clone(),
            None => {
                let seen = self.seen.entry(event.kind.clone()).or_default();
                *seen += 1;
                if *seen <= SHOWN {
                    return false;
                }
                format!("more {}", event.kind)
            }
        };
        let count = self.counted.entry(name).or_default();
        count.all += 1;
        count.uninterruptible += usize::from(event.fields.get("state").is_some_and(|state| state == UNINTERRUPTIBLE));
        true
    }

    /// What was counted since the last time: `461 trace entries; 55 tasks, 2 in D`.
    pub(super) fn take(&mut self) -> Option<String> {
        let counted = std::mem::take(&mut self.counted);
        let words: Vec<String> = counted
            .iter()
            .map(|(name, count)| match count.uninterruptible {
                0 => format!("{} {name}", count.all),
                waiting => format!("{} {name}, {waiting} in {UNINTERRUPTIBLE}", count.all),
            })
            .collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Item, Options, read_items};
    use std::fmt::Write as _;

    #[test]
    fn a_dump_and_a_trace_are_two_counts() {
        let mut log = String::new();
        for pid in 1..=55 {
            let state = if pid % 20 == 7 { 'D' } else { 'S' };
            let _ = writeln!(
                log,
                "[  120.5{pid:05}] task:worker{pid}         state:{state} stack:0     pid:{pid}   ppid:1      flags:0x00004000"
            );
        }
        for entry in 0..461 {
            let _ = writeln!(
                log,
                "[  121.{entry:06}]     sh-77        0d..2. 120{entry:06}us : sched_switch: prev_comm=sh"
            );
        }
        let mut folds = Folds::new();
        let mut shown = Vec::new();
        for item in read_items(Options::named("x").with_events(), log.as_bytes()) {
            if let Item::Event(event) = item
                && !folds.takes(&event)
            {
                shown.push(event.title.clone());
            }
        }
        assert_eq!(folds.take().as_deref(), Some("55 tasks, 3 in D; 461 trace entries"), "shown: {shown:?}");
        assert_eq!(folds.take(), None, "reported once");
    }
}
