//! What lockdep says: flavour, the two locks, the dependency chain.

use super::account::{Account, Answer, Open, fill};
use super::context::{kernel_build, version_line};
use super::held::{class, empty};
use super::held_pair::Gathering;
use super::scan::{after, find, leading_number, split, task, text};
use super::{ChainEntry, HeldLock, Shown, dept, held_list};
use crate::grammar::{List, Vocabulary};
use crate::line::{Letters, Wanted};

/// A line of a lockdep report.
pub(super) fn line(trimmed: &[u8], line: &Shown<'_>, account: &mut Account<'_>) -> Answer {
    headline(trimmed, line.letters, account)
        .or_else(|| dept::line(trimmed, line.log_line, account))
        .or_else(|| held_list::line(trimmed, line, account))
        .or_else(|| open_part(trimmed, line.log_line, account))
        .or_else(|| part(trimmed, line.log_line, account))
        .or_else(|| version(trimmed, account))
        .or_else(|| sentence(trimmed, line, account))
}

/// `WARNING: possible circular locking dependency detected` and its likes.
fn headline(trimmed: &[u8], letters: Letters, account: &mut Account<'_>) -> Answer {
    let Some(flavour) = flavour(&account.grammar.vocabulary, trimmed, letters) else { return Answer::NotMine };
    let report = account.out.lockdep.get_or_insert_default();
    if report.flavour.is_empty() {
        report.flavour = flavour.into();
    }
    Answer::Taken
}

/// What the line above left open: the two locks, or the text of the chain.
fn open_part(trimmed: &[u8], log_line: u64, account: &mut Account<'_>) -> Answer {
    match &mut account.open {
        Open::Pair(gathering) => {
            if gathering.take(trimmed, log_line) {
                Answer::Taken
            } else {
                Answer::NotMine
            }
        }
        Open::ChainText => {
            let report = account.out.lockdep.get_or_insert_default();
            report.chain_text.get_or_insert_with(|| text(trimmed));
            account.open = Open::Nothing;
            Answer::Taken
        }
        _ => Answer::NotMine,
    }
}

/// A line that begins a part of the report: an entry of the chain, its stack, its text, the scenario.
fn part(trimmed: &[u8], log_line: u64, account: &mut Account<'_>) -> Answer {
    let chain = account.out.lockdep.as_ref().map_or(0, |report| report.chain.len());
    match trimmed[0] {
        b'-' => {
            let counter = u32::try_from(chain).unwrap_or(u32::MAX);
            let Some(entry) = chain_entry(trimmed, counter, log_line) else { return Answer::NotMine };
            account.close();
            let numbered = trimmed.starts_with(b"-> #");
            let report = account.out.lockdep.get_or_insert_default();
            account.damage.chain(report.chain.last().map(|last| last.number), &entry, numbered);
            report.chain.push(entry);
            account.open = if numbered { Open::Chain } else { Open::Nothing };
        }
        b'.' if chain > 0 && find(trimmed, "acquired at:").is_some() => {
            account.close();
            account.open = Open::Chain;
        }
        b'.' if find(trimmed, "key ").is_some() && find(trimmed, " at: ").is_some() => {}
        b'h' | b's' if trimmed.starts_with(b"hardirqs last ") || trimmed.starts_with(b"softirqs last ") => {}
        b'C' if trimmed.starts_with(b"Chain exists of:") => {
            account.close();
            account.open = Open::ChainText;
        }
        b'P' if trimmed.starts_with(b"Possible ") && trimmed.ends_with(b"scenario:") => {
            account.close();
            account.open = Open::Scenario(None);
        }
        _ => return Answer::NotMine,
    }
    Answer::Taken
}

/// The second line of a report: `6.1.0-rc8 #0 Not tainted`.
fn version(trimmed: &[u8], account: &mut Account<'_>) -> Answer {
    let out = &mut account.out;
    if out.lockdep.is_none() {
        return Answer::NotMine;
    }
    let Some((release, version)) = version_line(trimmed) else { return Answer::NotMine };
    fill(&mut out.taint, release);
    fill(&mut out.kernel_version, Some(version));
    fill(&mut out.kernel_build, kernel_build(trimmed));
    Answer::Taken
}

/// `comm/12 is trying to acquire lock:`, `but task is already holding lock:` and their likes.
fn sentence(trimmed: &[u8], line: &Shown<'_>, account: &mut Account<'_>) -> Answer {
    const ASKING: [Wanted; 3] =
        [Wanted::new(" is trying to "), Wanted::new("] takes:"), Wanted::new(" just changed the state of lock:")];
    const HOLDING: [Wanted; 2] = [Wanted::new("already holding"), Wanted::new(" lock in the past:")];
    const LEAVING: [Wanted; 3] = [
        Wanted::new(" is freeing memory "),
        Wanted::new(" is leaving the kernel "),
        Wanted::new(" still has locks held!"),
    ];
    const USING: [Wanted; 2] = [Wanted::new("} usage."), Wanted::new("() usage!")];
    if trimmed.starts_with(b"context-{") && account.out.lockdep.is_some() {
        account.close();
        say_usage(trimmed, account);
        return Answer::Taken;
    }
    if !matches!(trimmed.last(), Some(b':' | b'!' | b'.')) {
        return Answer::NotMine;
    }
    let before = |some: &[Wanted]| some.iter().find_map(|words| Some(words.split(trimmed, line.letters)?.0));
    if let Some(head) = before(&ASKING) {
        account.close();
        of_task(head, account);
        account.open = Open::Pair(Gathering::wanted(released(trimmed, line.log_line)));
    } else if before(&HOLDING).is_some() {
        account.close();
        if trimmed.ends_with(b" in the past:") {
            say_usage(trimmed, account);
        }
        account.open = Open::Pair(Gathering::held());
    } else if let Some(head) = before(&LEAVING) {
        account.close();
        of_task(head, account);
        account.open = Open::Pair(Gathering::held());
    } else if before(&USING).is_some() {
        say_usage(trimmed, account);
    } else {
        return Answer::NotMine;
    }
    Answer::Taken
}

/// The report is about this task.
fn of_task(head: &[u8], account: &mut Account<'_>) {
    let head = split(head, " [HC").map_or(head, |(head, _)| head);
    fill(&mut account.out.task, task(head, b'/'));
    account.out.lockdep.get_or_insert_default();
}

/// The sentence on how the lock is used.
fn say_usage(trimmed: &[u8], account: &mut Account<'_>) {
    account.out.lockdep.get_or_insert_default().usage.get_or_insert_with(|| text(trimmed));
}

/// The flavour of a headline.
fn flavour<'g>(words: &'g Vocabulary, line: &[u8], letters: Letters) -> Option<&'g str> {
    let lead = [&b"WARNING: "[..], b"INFO: ", b"BUG: ", b"[ ", b"DEPT: "];
    if !lead.iter().any(|lead| line.starts_with(lead)) {
        return None;
    }
    words.line(List::LockdepFlavours, line, letters)
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
            assert_eq!(flavour(words, line.as_bytes(), Letters::of(line.as_bytes())), Some(want));
        }
        let other = b"INFO: task a:1 blocked for more than 3 seconds.";
        assert_eq!(flavour(words, other, Letters::of(other)), None);
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
}
