//! What lockdep says: flavour, the two locks, the dependency chain, the scenario table.

use super::context::{kernel_build, version_line};
use super::describe::{Open, Walk, fill};
use super::frames::frame_line;
use super::held::{self, class, empty};
use super::scan::{after, find, leading_number, split, task, text, word};
use super::stacks::begins;
use super::{ChainEntry, HeldLock, HeldLocks, Line, ScenarioStep};
use crate::grammar::{Flavour, List, Vocabulary};

/// A piece up to this length may be the number alone (` #12:`), bytes.
const PIECE_NUMBER: usize = 6;
/// A lock line in pieces is no longer than this, bytes.
const LONGEST_PIECE: usize = 600;

impl Walk<'_> {
    /// A line of a lockdep report or of a list of locks.
    pub(super) fn lockdep(&mut self, trimmed: &[u8], line: &Line<'_>) -> bool {
        if let Some(flavour) = flavour(&self.grammar.vocabulary, trimmed) {
            let report = self.out.lockdep.get_or_insert_default();
            if report.flavour.is_empty() {
                report.flavour = flavour.into();
            }
            return true;
        }
        let known = self.out.lockdep.as_ref().and_then(|report| Flavour::of(&report.flavour));
        if known == Some(Flavour::Dept) && self.dept(trimmed, line.log_line) {
            return true;
        }
        if let Some(list) = held::header(trimmed, line.log_line) {
            self.close();
            self.out.held_locks.push(list);
            self.open = Open::Held(self.out.held_locks.len() - 1);
            return true;
        }
        if let Open::Held(index) = self.open
            && self.held_line(index, trimmed, line)
        {
            return true;
        }
        // A line of a list whose header is lost.
        if trimmed[0] == b'#'
            && matches!(self.open, Open::Nothing)
            && let Some(lock) = held::lock(trimmed, line.log_line).filter(|lock| lock.usage.is_some())
        {
            let list = HeldLocks { task: None, announced: None, line: line.log_line, locks: vec![lock] };
            self.out.held_locks.push(list);
            self.open = Open::Held(self.out.held_locks.len() - 1);
            return true;
        }
        match self.open {
            Open::Acquiring | Open::Holding => {
                if let Some(lock) = held::lock(trimmed, line.log_line) {
                    held::push(&mut self.gathered, lock);
                    return true;
                }
                // `is trying to release lock (x) at:` is followed by the place alone.
                if let [lock] = &mut self.gathered[..]
                    && lock.acquired_at.is_none()
                    && let Some(found) = frame_line(trimmed, line.log_line)
                {
                    lock.acquired_at = Some(found.frame);
                    return true;
                }
            }
            Open::ChainText => {
                let report = self.out.lockdep.get_or_insert_default();
                report.chain_text.get_or_insert_with(|| text(trimmed));
                self.open = Open::Nothing;
                return true;
            }
            _ => {}
        }
        match trimmed[0] {
            b'-' => {
                let counter = self.out.lockdep.as_ref().map_or(0, |report| report.chain.len());
                let Some(entry) = chain_entry(trimmed, u32::try_from(counter).unwrap_or(u32::MAX), line.log_line)
                else {
                    return false;
                };
                self.close();
                let report = self.out.lockdep.get_or_insert_default();
                self.damage.chain(report.chain.last().map(|last| last.number), &entry, trimmed.starts_with(b"-> #"));
                report.chain.push(entry);
                self.open = if trimmed.starts_with(b"-> #") { Open::Chain } else { Open::Nothing };
                return true;
            }
            b'.' => {
                if find(trimmed, "acquired at:").is_some()
                    && self.out.lockdep.as_ref().is_some_and(|report| !report.chain.is_empty())
                {
                    self.close();
                    self.open = Open::Chain;
                    return true;
                }
                return find(trimmed, "key ").is_some() && find(trimmed, " at: ").is_some();
            }
            b'h' | b's' if trimmed.starts_with(b"hardirqs last ") || trimmed.starts_with(b"softirqs last ") => {
                return true;
            }
            b'C' if trimmed.starts_with(b"Chain exists of:") => {
                self.close();
                self.open = Open::ChainText;
                return true;
            }
            b'P' if trimmed.starts_with(b"Possible ") && trimmed.ends_with(b"scenario:") => {
                self.close();
                self.open = Open::Scenario(None);
                return true;
            }
            _ => {}
        }
        if let Some((release, version)) = version_line(trimmed).filter(|_| self.out.lockdep.is_some()) {
            fill(&mut self.out.taint, release);
            fill(&mut self.out.kernel_version, Some(version));
            fill(&mut self.out.kernel_build, kernel_build(trimmed));
            return true;
        }
        self.lockdep_sentence(trimmed, line)
    }

    /// A line of a list of locks, or a piece of one: the kernel prints a lock in several parts, and messages of another
    /// CPU may come between them.
    fn held_line(&mut self, index: usize, trimmed: &[u8], line: &Line<'_>) -> bool {
        let starts = trimmed[0] == b'#';
        if starts {
            self.end_piece(index);
        }
        if !starts {
            let repeated = held::lock(trimmed, line.log_line).is_some_and(|lock| lock.address.is_some());
            if !repeated && self.piece.is_empty() {
                return false;
            }
            if repeated && self.piece.len() > PIECE_NUMBER {
                self.end_piece(index);
            }
        }
        self.piece.extend_from_slice(if self.piece.is_empty() { trimmed } else { line.text });
        if let Some(lock) = held::lock(&self.piece, line.log_line)
            && (lock.acquired_at.is_some() || self.piece.len() > LONGEST_PIECE)
        {
            held::push(&mut self.out.held_locks[index].locks, lock);
            self.piece.clear();
        } else if self.piece.len() > LONGEST_PIECE {
            self.piece.clear();
        }
        true
    }

    /// What has come of a broken line is all that comes.
    pub(super) fn end_piece(&mut self, index: usize) {
        let piece = std::mem::take(&mut self.piece);
        if let Some(lock) = held::lock(&piece, 0).filter(|lock| !lock.class.is_empty()) {
            let line =
                self.out.held_locks[index].locks.last().map_or(self.out.held_locks[index].line, |last| last.line);
            held::push(&mut self.out.held_locks[index].locks, HeldLock { line: line + 1, ..lock });
        }
    }

    /// `comm/12 is trying to acquire lock:`, `but task is already holding lock:` and their likes.
    fn lockdep_sentence(&mut self, trimmed: &[u8], line: &Line<'_>) -> bool {
        if trimmed.starts_with(b"context-{") && self.out.lockdep.is_some() {
            self.close();
            self.out.lockdep.get_or_insert_default().usage.get_or_insert_with(|| text(trimmed));
            return true;
        }
        let ends = trimmed.last() == Some(&b':') || trimmed.last() == Some(&b'!') || trimmed.last() == Some(&b'.');
        if !ends {
            return false;
        }
        let by = |words: &str| split(trimmed, words).map(|(head, _)| head);
        if let Some(head) =
            by(" is trying to ").or_else(|| by("] takes:")).or_else(|| by(" just changed the state of lock:"))
        {
            self.close();
            self.lockdep_task(head);
            self.gathered.extend(released(trimmed, line.log_line));
            self.open = Open::Acquiring;
        } else if find(trimmed, "already holding").is_some() || find(trimmed, " lock in the past:").is_some() {
            self.close();
            if trimmed.ends_with(b" in the past:") {
                self.out.lockdep.get_or_insert_default().usage.get_or_insert_with(|| text(trimmed));
            }
            self.open = Open::Holding;
        } else if let Some(head) =
            by(" is freeing memory ").or_else(|| by(" is leaving the kernel ")).or_else(|| by(" still has locks held!"))
        {
            self.close();
            self.lockdep_task(head);
            self.open = Open::Holding;
        } else if find(trimmed, "} usage.").is_some() || find(trimmed, "() usage!").is_some() {
            self.out.lockdep.get_or_insert_default().usage.get_or_insert_with(|| text(trimmed));
        } else {
            return false;
        }
        true
    }

    fn lockdep_task(&mut self, head: &[u8]) {
        let head = split(head, " [HC").map_or(head, |(head, _)| head);
        fill(&mut self.out.task, task(head, b'/'));
        self.out.lockdep.get_or_insert_default();
    }

    /// One line of the scenario table; false when the table is over.
    pub(super) fn scenario(&mut self, raw: &[u8], trimmed: &[u8], second: Option<usize>) -> bool {
        if let Some(second) = columns(raw) {
            self.open = Open::Scenario(second);
            return true;
        }
        if trimmed.starts_with(b"other info")
            || trimmed.starts_with(b"stack backtrace")
            || held::header(trimmed, 0).is_some()
            || begins(trimmed)
        {
            self.open = Open::Nothing;
            return false;
        }
        let report = self.out.lockdep.get_or_insert_default();
        let over = trimmed.starts_with(b"*** ");
        // A table is a few rows; what goes on is other text.
        if over || report.scenario.len() >= 64 {
            self.open = Open::Nothing;
        }
        report.scenario.extend(step(raw, second));
        true
    }
}

/// The flavour of a headline.
fn flavour<'g>(words: &'g Vocabulary, line: &[u8]) -> Option<&'g str> {
    let lead = [&b"WARNING: "[..], b"INFO: ", b"BUG: ", b"[ ", b"DEPT: "];
    if !lead.iter().any(|lead| line.starts_with(lead)) {
        return None;
    }
    words.line(List::LockdepFlavours, line)
}

/// `-> #1 (class){usage}-{wait:type}:` and `-> (class){usage} ops: 12 {`.
fn chain_entry(line: &[u8], counter: u32, log_line: u64) -> Option<ChainEntry> {
    let rest = after(line, "-> ")?;
    let (number, rest) = match after(rest, "#") {
        Some(rest) => {
            let (number, rest) = leading_number(rest)?;
            (u32::try_from(number).ok()?, rest.trim_ascii_start())
        }
        None => (counter, rest),
    };
    let class = class(rest)?;
    Some(ChainEntry {
        number,
        class: text(class.class),
        usage: class.usage.map(text),
        wait_type: class.wait_type.map(text),
        frames: Vec::new(),
        line: log_line,
    })
}

/// The lock of `comm/12 is trying to release lock (class) at:`.
fn released(line: &[u8], log_line: u64) -> Option<HeldLock> {
    let (_, rest) =
        split(line, "is trying to release lock (").or_else(|| split(line, "is trying to contend lock ("))?;
    let (class, _) = split(rest, ") at:")?;
    Some(HeldLock { class: text(class), line: log_line, ..empty() })
}

/// One row of the scenario table; `second` is the column at which CPU1 begins.
fn step(line: &[u8], second: Option<usize>) -> Option<ScenarioStep> {
    let action = line.trim_ascii();
    if action.is_empty() || action.iter().all(|byte| *byte == b'-' || *byte == b' ') {
        return None;
    }
    let column = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let cpu = u32::from(second.is_some_and(|second| column + 4 >= second));
    let action = action.strip_suffix(b";").unwrap_or(action);
    Some(ScenarioStep { cpu, action: text(action) })
}

/// `CPU0   CPU1` above the table: where CPU1 begins, `Some(None)` for a table of one column.
fn columns(line: &[u8]) -> Option<Option<usize>> {
    let (first, rest) = word(line);
    if first != b"CPU0" {
        return None;
    }
    Some((word(rest).0 == b"CPU1").then(|| find(line, "CPU1").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar;

    #[test]
    fn headlines_name_their_flavour() {
        let grammar = Grammar::built_in();
        let words = &grammar.vocabulary;
        for (line, want) in [
            ("WARNING: possible circular locking dependency detected", "circular"),
            ("[ INFO: possible recursive locking detected ]", "recursive"),
            ("WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected", "irq-order"),
            ("[ BUG: Invalid wait context ]", "wait-context"),
            ("WARNING: suspicious RCU usage", "rcu"),
        ] {
            assert_eq!(flavour(words, line.as_bytes()), Some(want));
        }
        assert_eq!(flavour(words, b"INFO: task a:1 blocked for more than 3 seconds."), None);
    }

    #[test]
    fn chain_entries_keep_parentheses_in_class_names() {
        let entry = chain_entry(b"-> #1 ((work_completion)(&strp->work)){+.+.}-{0:0}:", 0, 5)
            .map(|entry| (entry.number, entry.class, entry.wait_type));
        assert_eq!(entry, Some((1, "(work_completion)(&strp->work)".into(), Some("0:0".into()))));
        let entry = chain_entry(b"-> (&(&dev->event_lock)->rlock){-...} ops: 12141 {", 4, 5)
            .map(|entry| (entry.number, entry.class));
        assert_eq!(entry, Some((4, "&(&dev->event_lock)->rlock".into())));
    }

    #[test]
    fn scenario_rows_know_their_cpu() {
        let second = columns(b"       CPU0                    CPU1").flatten();
        assert_eq!(second, Some(31));
        assert_eq!(step(b"  lock(a);", second), Some(ScenarioStep { cpu: 0, action: "lock(a)".into() }));
        assert_eq!(
            step(b"                               lock(b);", second),
            Some(ScenarioStep { cpu: 1, action: "lock(b)".into() })
        );
    }
}
