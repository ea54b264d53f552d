//! Hung tasks, task-dump rows and the kernel's own word on who blocks whom.

use super::scan::{after, find_last, is_hex, keyed, leading_number, number, pid, split, split_last, task, text, word};
use super::{Blocker, HungTask, Task};

/// `INFO: task NAME:PID blocked for more than 143 seconds.`, in I/O wait or not, and `can't die for more than …`.
pub(super) fn hung(line: &[u8], log_line: u64) -> Option<HungTask> {
    let rest = after(line, "INFO: task ")?;
    let (head, tail) = split_last(rest, " for more than ")?;
    let io_wait = head.ends_with(b" in I/O wait");
    let head = head.strip_suffix(b" in I/O wait").unwrap_or(head);
    let who = head
        .strip_suffix(b" blocked")
        .or_else(|| head.strip_suffix(b" can't die"))
        .or_else(|| head.strip_suffix(b" is blocked"))?;
    let (seconds, _) = leading_number(tail)?;
    Some(HungTask { seconds: Some(seconds), io_wait, ..listed(task(who, b':')?, log_line) })
}

/// A task that is only listed.
pub(super) fn listed(task: Task, log_line: u64) -> HungTask {
    HungTask {
        task,
        seconds: None,
        state: None,
        io_wait: false,
        last: false,
        tgid: None,
        ppid: None,
        workqueue: None,
        work_function: None,
        stack: None,
        blocker: None,
        line: log_line,
    }
}

/// `INFO: task a:1 is blocked on a mutex likely owned by task b:2.` and its likes; the words "likely owned by" and "likely
/// last held by" are kernel/hung_task.c's, as is "but the owner is not found".
pub(super) fn blocker(line: &[u8], log_line: u64) -> Option<Blocker> {
    let (_, rest) = split(&line[..line.len().min(24)], "ask ").map(|(head, _)| line.split_at(head.len() + 4))?;
    let (who, rest) = split(rest, " is blocked on a").or_else(|| split(rest, " blocked on a"))?;
    let (who, mode) = moded(who);
    let rest = after(rest, "n ").or_else(|| after(rest, " "))?;
    let end = rest
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_'))
        .unwrap_or(rest.len());
    let lock = &rest[..end];
    let holder = split(rest, " likely owned by task ").or_else(|| split(rest, " likely last held by task "));
    let (holder, holder_mode) = match holder {
        Some((_, holder)) => {
            let holder = holder.trim_ascii_end();
            let holder = holder.strip_suffix(b".").unwrap_or(holder);
            // Newer kernels may add a clause; the pid ends at its last digit.
            let (holder, mode) = moded(holder);
            (task(until_pid(holder), b':'), mode)
        }
        None => (None, None),
    };
    Some(Blocker { waiter: task(who, b':')?, lock: text(lock), holder, mode, holder_mode, line: log_line })
}

/// Cuts `comm:12, which …` after the pid.
fn until_pid(bytes: &[u8]) -> &[u8] {
    match split(bytes, ", ") {
        Some((head, _)) if head.last().is_some_and(u8::is_ascii_digit) => head,
        _ => bytes,
    }
}

/// Splits off ` <reader>` and ` <writer>`.
fn moded(bytes: &[u8]) -> (&[u8], Option<String>) {
    for mode in ["reader", "writer"] {
        if let Some(head) = bytes.strip_suffix(format!(" <{mode}>").as_bytes()) {
            return (head, Some(mode.into()));
        }
    }
    (bytes, None)
}

/// `task:NAME state:D stack:0 pid:58 tgid:58 ppid:2 task_flags:0x… flags:0x…`.
pub(super) fn state(line: &[u8], log_line: u64) -> Option<HungTask> {
    let rest = after(line, "task:")?;
    let (comm, rest) = split(rest, " state:")?;
    let (state, rest) = word(rest);
    let state = state.first().filter(|letter| letter.is_ascii_alphabetic())?;
    let task = Task { comm: text(comm.trim_ascii()), pid: keyed(rest, " pid:").or_else(|| keyed(rest, "pid:"))? };
    Some(HungTask {
        state: Some(char::from(*state).to_string()),
        tgid: keyed(rest, "tgid:"),
        ppid: keyed(rest, "ppid:"),
        ..listed(task, log_line)
    })
}

/// The row of kernels before 5.11: `NAME            D26024  7716      1 0x00000000`, `running task` possible.
pub(super) fn old_row(line: &[u8], log_line: u64) -> Option<HungTask> {
    let line = line.trim_ascii();
    // Until Linux 2.6.29 without flags; then only the address in the row shows what it is.
    let flags = find_last(line, " 0x");
    if flags.is_some_and(|flags| !is_hex(word(&line[flags + 3..]).0)) {
        return None;
    }
    let (rest, ppid) = last_word(&line[..flags.unwrap_or(line.len())]);
    let ppid = pid(ppid)?;
    let (rest, own) = last_word(rest);
    let own = pid(own)?;
    let (rest, stack) = last_word(rest);
    let (state, rest) = match stack {
        [letter, digits @ ..] if letter.is_ascii_alphabetic() && number(digits).is_some() && flags.is_some() => {
            (*letter, rest)
        }
        digits if number(digits).is_some() => {
            // A kernel of 32 bits leaves `task` out.
            let running = rest.strip_suffix(b"running task").or_else(|| rest.strip_suffix(b"running"));
            let rest = running.unwrap_or(rest).trim_ascii_end();
            // Until Linux 4.8 the row says where the task sleeps.
            let (before, address) = last_word(rest);
            let sleeps = address.len() >= 8 && is_hex(address);
            if flags.is_none() && !sleeps {
                return None;
            }
            let rest = if sleeps { before } else { rest };
            let (rest, state) = last_word(rest);
            match state {
                [letter] if letter.is_ascii_alphabetic() => (*letter, rest),
                _ => return None,
            }
        }
        b"task" => return None,
        _ => return None,
    };
    let comm = rest.trim_ascii();
    (!comm.is_empty() && comm.len() <= 16).then(|| HungTask {
        state: Some(char::from(state).to_string()),
        ppid: Some(ppid),
        ..listed(Task { comm: text(comm), pid: own }, log_line)
    })
}

/// What is before the last word, and the last word.
fn last_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bytes = bytes.trim_ascii_end();
    let at = bytes.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
    (bytes[..at].trim_ascii_end(), &bytes[at..])
}

/// Workqueue and function of `Workqueue: events_unbound flush_to_ldisc (description)`.
pub(super) fn workqueue(line: &[u8]) -> Option<(String, Option<String>)> {
    let rest = after(line, "Workqueue: ")?;
    let (queue, rest) = word(rest);
    let (function, _) = word(rest);
    let function = function.split(|byte| *byte == b'+').next().unwrap_or_default();
    Some((text(queue), (!function.is_empty() && !function.starts_with(b"(")).then(|| text(function))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hung_headers_keep_colons_in_names() {
        let read = hung(b"INFO: task kworker/u8:0:12 blocked for more than 143 seconds.", 1)
            .map(|hung| (hung.task.comm, hung.task.pid, hung.seconds, hung.io_wait));
        assert_eq!(read, Some(("kworker/u8:0".into(), 12, Some(143), false)));
        let read = hung(b"INFO: task jbd2/vda-8:99 blocked in I/O wait for more than 20 seconds.", 1)
            .map(|hung| (hung.task.pid, hung.io_wait));
        assert_eq!(read, Some((99, true)));
        assert!(hung(b"INFO: task a:1 can't die for more than 143 seconds.", 1).is_some());
        assert!(hung(b"INFO: task a:1 is blocked on a mutex likely owned by task b:2.", 1).is_none());
    }

    #[test]
    fn blocker_lines_of_every_lock_are_read() {
        for (line, waiter, lock, holder, mode, holder_mode) in [
            (
                "INFO: task cat:115 is blocked on a mutex likely owned by task kworker/4:1:114.",
                115,
                "mutex",
                Some(114),
                None,
                None,
            ),
            (
                "INFO: task cat:115 blocked on a semaphore likely last held by task cat:114",
                115,
                "semaphore",
                Some(114),
                None,
                None,
            ),
            (
                "INFO: task cat:3 <reader> blocked on an rw-semaphore likely owned by task my cat:4 <writer>",
                3,
                "rw-semaphore",
                Some(4),
                Some("reader"),
                Some("writer"),
            ),
            ("INFO: task cat:115 is blocked on a mutex, but the owner is not found.", 115, "mutex", None, None, None),
            (
                "INFO: task cat:115 is blocked on a semaphore, but the last holder is not found.",
                115,
                "semaphore",
                None,
                None,
                None,
            ),
        ] {
            let read = blocker(line.as_bytes(), 1).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (
                    read.waiter.pid,
                    read.lock.as_str(),
                    read.holder.map(|holder| holder.pid),
                    read.mode.as_deref(),
                    read.holder_mode.as_deref()
                ),
                (waiter, lock, holder, mode, holder_mode),
                "{line}"
            );
        }
    }

    #[test]
    fn task_rows_of_all_ages_are_read() {
        for line in [
            "task:rs:main Q:Reg   state:D stack:26024 pid: 7716 tgid:7700 ppid:     1 flags:0x00004000",
            "task:rs:main Q:Reg   state:D stack:0     pid:7716  tgid:7700 ppid:1      task_flags:0x400100 flags:0x00004000",
        ] {
            let read = state(line.as_bytes(), 1).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (read.task.comm.as_str(), read.task.pid, read.tgid, read.ppid, read.state.as_deref()),
                ("rs:main Q:Reg", 7716, Some(7700), Some(1), Some("D"))
            );
        }
        for line in [
            "rs:main Q:Reg   D26024  7716      1 0x00000000",
            "rs:main Q:Reg   D 26024  7716      1 0x80000002 1234",
            "rs:main Q:Reg   D  running task    26024  7716      1 0x00000000",
            "rs:main Q:Reg   D running      0  7716      1 0x00000002",
            "rs:main Q:Reg   D ffff8800b8a1c000 26024  7716      1 0x00000000",
            "rs:main Q:Reg   D ffff81003dca9bc0     0  7716      1",
        ] {
            let read = old_row(line.as_bytes(), 1).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (read.task.comm.as_str(), read.task.pid, read.ppid, read.state.as_deref()),
                ("rs:main Q:Reg", 7716, Some(1), Some("D")),
                "{line}"
            );
        }
        for line in ["foo+0x1/0x2", "widget D 0 7716 1", "widget 12 13 14 15"] {
            assert!(old_row(line.as_bytes(), 1).is_none(), "{line}");
        }
    }
}
