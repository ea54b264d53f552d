//! The lines that announce stacks.

use super::Task;
use super::context::{by_task, on_cpu};
use super::role::StackRole;
use super::scan::{after, find, is_hex, keyed, leading_number, text, word};
use crate::grammar::{List, Vocabulary};
use crate::line::{Letters, Wanted};

/// A line that says whose stack follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announcement {
    /// The role of the stack that follows.
    pub(super) role: StackRole,
    /// Whose.
    pub(super) task: Option<Task>,
    /// On which CPU.
    pub(super) cpu: Option<u32>,
    /// Whether frames follow at once; otherwise a `Call Trace:` line comes first.
    pub(super) opens: bool,
}

/// A line that only begins a stack: `Call Trace:`, `Backtrace:`, `stack backtrace:`, `[<…>]`-less and with flags.
pub(super) fn begins(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.len() > 40 || !matches!(line.first(), Some(b'C' | b'B' | b'b' | b'S')) {
        return false;
    }
    matches!(
        line,
        b"Call Trace:"
            | b"Call trace:"
            | b"Call Trace"
            | b"Backtrace:"
            | b"Backtrace: "
            | b"backtrace:"
            | b"Stack traceback:"
            | b"Stack Trace:"
    ) || [&b"Call Trace:"[..], b"Call trace:", b"backtrace (crc "].iter().any(|start| line.starts_with(start))
}

/// Reads an announcement; `letters` are those of the line.
pub(super) fn announcement(words: &Vocabulary, line: &[u8], letters: Letters) -> Option<Announcement> {
    const TSTATE: Wanted = Wanted::new(" TSTATE[");
    match line.first()? {
        b'I' | b'A' if slub_track(line, "Allocated in ") => slub(line, StackRole::Allocated),
        b'I' | b'F' if slub_track(line, "Freed in ") => slub(line, StackRole::Freed),
        b'p' if line.starts_with(b"page last allocated via ") => page(line, StackRole::PageAllocated),
        b'p' if line.starts_with(b"page last free") => page(line, StackRole::PageFreed),
        // x86 until Linux 2.6.25: the faulting instruction stands on the next line.
        b'U' | b'B' if line.trim_ascii_end().ends_with(b" RIP:") && find(line, "nable to handle kernel ").is_some() => {
            Some(Announcement { role: StackRole::Pc, task: None, cpu: None, opens: true })
        }
        b'k' if line.starts_with(b"kfence-#") && line.ends_with(b":") => kfence(line),
        b'N' if line.starts_with(b"NMI backtrace for cpu ") => {
            let (cpu, rest) = leading_number(&line[22..])?;
            let cpu = u32::try_from(cpu).ok()?;
            let announced = Announcement { role: StackRole::Cpu(cpu), task: None, cpu: Some(cpu), opens: false };
            rest.trim_ascii().is_empty().then_some(announced)
        }
        b'T' if line.starts_with(b"Task dump for CPU ") => {
            let (cpu, _) = leading_number(&line[18..])?;
            let cpu = u32::try_from(cpu).ok()?;
            Some(Announcement { role: StackRole::Cpu(cpu), task: None, cpu: Some(cpu), opens: false })
        }
        b'C' if stopped_cpu(line).is_some() => {
            let cpu = stopped_cpu(line)?;
            Some(Announcement { role: StackRole::Cpu(cpu), task: None, cpu: Some(cpu), opens: false })
        }
        b'c' if line.starts_with(b"comm \"") => leak(line),
        b'C' | b'*' if TSTATE.find(line, letters).is_some() => sparc(line),
        _ => None,
    }
    .or_else(|| marker(words, line, letters))
    .or_else(|| kcsan(line, letters))
    .or_else(|| usage(line))
}

/// `  CPU[ 20]: TSTATE[…] TPC[…] TNPC[…] TASK[comm:12]`, of the CPU itself with `* ` before it.
fn sparc(line: &[u8]) -> Option<Announcement> {
    let rest = after(line.strip_prefix(b"* ").unwrap_or(line), "CPU[")?;
    let (cpu, _) = leading_number(rest.trim_ascii_start())?;
    let cpu = u32::try_from(cpu).ok()?;
    let task = find(line, " TASK[").and_then(|at| {
        let inside = line[at + 6..].split(|byte| *byte == b']').next()?;
        let colon = memchr::memrchr(b':', inside)?;
        let (pid, _) = leading_number(&inside[colon + 1..])?;
        Some(Task { comm: text(&inside[..colon]), pid: i64::try_from(pid).ok()? })
    });
    Some(Announcement { role: StackRole::Cpu(cpu), task, cpu: Some(cpu), opens: true })
}

/// The CPU of `CPU1: stopping`: it was told to stop by the one that panicked, and says where it was.
pub(super) fn stopped_cpu(line: &[u8]) -> Option<u32> {
    let (cpu, rest) = leading_number(after(line, "CPU")?.trim_ascii_start())?;
    u32::try_from(cpu).ok().filter(|_| rest.trim_ascii_end() == b": stopping")
}

/// A line that the vocabulary knows: the role, and whether frames follow at once.
fn marker(words: &Vocabulary, line: &[u8], letters: Letters) -> Option<Announcement> {
    let (role, opens) = match words.line(List::StackTitles, line, letters) {
        Some(role) => (role, true),
        None => (words.line(List::StackOwners, line, letters)?, false),
    };
    Some(Announcement { role: StackRole::of_word(role), task: by_task(line), cpu: on_cpu(line), opens })
}

/// Whether a line is a track of SLUB; Linux 5.14 dropped its `INFO: `.
fn slub_track(line: &[u8], words: &str) -> bool {
    line.strip_prefix(b"INFO: ").unwrap_or(line).starts_with(words.as_bytes()) && find(line, " age=").is_some()
}

/// `INFO: Allocated in fn+0x1/0x2 age=1 cpu=0 pid=12`.
fn slub(line: &[u8], role: StackRole) -> Option<Announcement> {
    let cpu = keyed(line, "cpu=").and_then(|cpu| u32::try_from(cpu).ok());
    let task = keyed(line, "pid=").map(|pid| Task { comm: String::new(), pid });
    Some(Announcement { role, task, cpu, opens: true })
}

/// `page last allocated via order 0, …, pid 12, tgid 12 (name), ts 3` and `page last free pid 12 tgid 12 stack trace:`.
fn page(line: &[u8], role: StackRole) -> Option<Announcement> {
    let task = keyed(line, "pid ").map(|pid| Task { comm: String::new(), pid });
    Some(Announcement { role, task, cpu: None, opens: true })
}

/// `kfence-#12 [0x…-0x…, size=8, cache=kmalloc-8] allocated by task 12:`.
fn kfence(line: &[u8]) -> Option<Announcement> {
    let role = if find(line, "] allocated by task").is_some() { StackRole::Allocated } else { StackRole::Freed };
    find(line, " by task ").map(|_| Announcement { role, task: by_task(line), cpu: on_cpu(line), opens: true })
}

/// `comm "name", pid 12, jiffies 4294 (age 8.1s)` of kmemleak.
fn leak(line: &[u8]) -> Option<Announcement> {
    let rest = after(line, "comm \"")?;
    let end = find(rest, "\", pid ")?;
    let task = Task { comm: text(&rest[..end]), pid: keyed(&rest[end..], "pid ")? };
    Some(Announcement { role: StackRole::Leak, task: Some(task), cpu: None, opens: false })
}

/// `write to 0x… of 8 bytes by task 12 on cpu 1:`; the caller numbers the two.
fn kcsan(line: &[u8], letters: Letters) -> Option<Announcement> {
    const BYTES: Wanted = Wanted::new(" bytes by ");
    if !line.ends_with(b":") || BYTES.find(line, letters).is_none() {
        return None;
    }
    Some(Announcement { role: StackRole::Race(0), task: by_task(line), cpu: on_cpu(line), opens: true })
}

/// `{HARDIRQ-ON-W} state was registered at:`, `... which became HARDIRQ-irq-safe at:`, `HARDIRQ-ON-W at:`, `INITIAL USE at:`.
fn usage(line: &[u8]) -> Option<Announcement> {
    let head = line.strip_suffix(b" at:").or_else(|| line.strip_suffix(b" at"))?;
    let state = if let Some(head) = head.strip_suffix(b"} state was registered") {
        head.strip_prefix(b"{")?
    } else if find(head, "which became ").is_some() {
        head.rsplit(|byte| *byte == b' ').next()?
    } else {
        let known = head.len() < 40
            && head.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_' | b' ' | b'?'));
        if !known || word(head).0.len() < 2 || is_hex(head) {
            return None;
        }
        head
    };
    Some(Announcement { role: StackRole::Usage(text(state)), task: None, cpu: None, opens: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar;

    #[test]
    fn the_roles_of_the_vocabulary_are_known() {
        let grammar = Grammar::built_in();
        for list in [List::StackTitles, List::StackOwners] {
            for role in grammar.vocabulary.meanings(list) {
                assert!(!matches!(StackRole::of_word(role), StackRole::Own(_)), "{role}");
            }
        }
    }

    #[test]
    fn announcements_name_role_task_and_cpu() {
        let grammar = Grammar::built_in();
        let words = &grammar.vocabulary;
        for (line, role, pid, cpu, opens) in [
            ("Allocated by task 123:", "allocated", Some(123), None, true),
            ("Freed by task 123 on cpu 1 at 3.5s:", "freed", Some(123), Some(1), true),
            ("allocated by task 484 on cpu 0 at 32.919330s:", "allocated", Some(484), Some(0), true),
            (
                "kfence-#72 [0xffff8c3f2e291fe0-0xffff8c3f2e291fff, size=32, cache=kmalloc-32] allocated by task 484:",
                "allocated",
                Some(484),
                None,
                true,
            ),
            ("Last potentially related work creation:", "last-work", None, None, true),
            ("Uninit was created at:", "origin", None, None, true),
            ("INFO: Freed in foo_put+0x14/0x20 age=624 cpu=0 pid=398", "freed", Some(398), Some(0), true),
            ("Allocated in foo_new+0x14/0x20 age=41 cpu=1 pid=398", "allocated", Some(398), Some(1), true),
            ("NMI backtrace for cpu 1", "cpu 1", None, Some(1), false),
            ("CPU1: stopping", "cpu 1", None, Some(1), false),
            ("write to 0xffff888012345678 of 8 bytes by task 12 on cpu 1:", "race-0", Some(12), Some(1), true),
            ("{SOFTIRQ-ON-W} state was registered at:", "usage SOFTIRQ-ON-W", None, None, true),
            ("HARDIRQ-ON-W at:", "usage HARDIRQ-ON-W", None, None, true),
            ("comm \"syz-executor\", pid 77, jiffies 4294946080 (age 12.760s)", "leak", Some(77), None, false),
            ("page last free pid 12 tgid 12 stack trace:", "page-freed", Some(12), None, true),
        ] {
            let read =
                announcement(words, line.as_bytes(), Letters::of(line.as_bytes())).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (read.role.word().as_ref(), read.task.map(|task| task.pid), read.cpu, read.opens),
                (role, pid, cpu, opens),
                "{line}"
            );
        }
        for line in [
            "NMI backtrace for cpu 1 skipped: idling at native_safe_halt+0x12/0x20",
            "Modules linked in:",
            "CPU1: stopping jobs",
            "A stop at:x",
            "",
        ] {
            assert_eq!(announcement(words, line.as_bytes(), Letters::of(line.as_bytes())), None, "{line}");
        }
    }
}
