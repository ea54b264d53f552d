//! Texts with which lines of kernel reports begin: how a line of a log is told from prose, from the rest of a cut line, and
//! from what was put around it.

/// What a line of a report begins with, below its header as well as in it.
const STARTS: [&str; 94] = [
    "BUG:",
    "WARNING:",
    "INFO:",
    "UBSAN:",
    "KASAN:",
    "general protection fault",
    "Unable to handle",
    "unable to handle",
    "Kernel panic",
    "kernel BUG at",
    "Internal error:",
    "invalid opcode",
    "Read of size",
    "Write of size",
    "CPU:",
    "CPU ",
    "Pid:",
    "RIP:",
    "IP:",
    "PC is at",
    "LR is at",
    "pc :",
    "lr :",
    "epc ",
    "NIP ",
    "LR ",
    "TPC:",
    "Code:",
    "Hardware name:",
    "Workqueue:",
    "Modules linked in",
    "Oops:",
    "Oops ",
    "#PF:",
    "PGD ",
    "pgd =",
    "Mem abort info",
    "Call Trace",
    "Call trace",
    "Backtrace:",
    "Stack:",
    "Process ",
    "Allocated by",
    "Freed by",
    "The buggy",
    "Memory state",
    "stack backtrace",
    "other info",
    "Possible unsafe",
    "but task",
    "but now",
    "which lock",
    "the existing",
    "the dependencies",
    "-> #",
    "Kernel Offset",
    "Rebooting in",
    "Showing ",
    "irq event stamp",
    "Disabling lock",
    "Dumping ftrace",
    "Sending NMI",
    "NMI backtrace",
    "Shutting down",
    "page dumped",
    "page:",
    "executing program",
    "\"echo 0 > ",
    "[<",
    "<TASK>",
    "</TASK>",
    "<IRQ>",
    "</IRQ>",
    "---[",
    "------------[ cut here",
    "==========",
    "task:",
    "rcu: ",
    "watchdog: ",
    "kernel BUG",
    "SYZFATAL",
    "SYZFAIL",
    "panic: ",
    "divide error",
    "stack segment",
    "unregister_netdevice",
    "workqueue ",
    "in_atomic(): ",
    "preempt_count: ",
    "Uninit was ",
    "Local variable ",
    "value changed: ",
    "Reported by Kernel Concurrency",
    "irq event stamp",
];

/// Whether a line begins as a line of a report does. Leading blanks count: give the text without them.
#[must_use]
pub fn begins_report_line(text: &[u8]) -> bool {
    // Most lines are decided by their first two bytes.
    let Some(first) = text.first() else { return false };
    STARTS.iter().any(|start| start.as_bytes()[0] == *first && text.starts_with(start.as_bytes()))
}

/// Whether a message can only stand in the body of a report: a landmark below a header, a frame, a line of registers, a
/// lock, lockdep's or a hung task's second line. A header itself is none.
#[must_use]
pub fn is_body(message: &[u8]) -> bool {
    let text = message.trim_ascii();
    let header = text.starts_with(b"BUG:") || text.starts_with(b"WARNING:") || text.starts_with(b"INFO:");
    (!header && !text.starts_with(b"executing program") && begins_report_line(text))
        || is_frame(text)
        || memchr::memmem::find(text, b"Not tainted").is_some()
        || memchr::memmem::find(text, b"Tainted: ").is_some()
        || memchr::memmem::find(text, b" is trying to ").is_some()
        || memchr::memmem::find(text, b"[ cut here ]").is_some()
        || memchr::memmem::find(text, b"locks held by ").is_some()
        || memchr::memmem::find(text, b" state:").is_some_and(|at| text[..at].starts_with(b"task:"))
        || is_register(text)
}

/// `name+0x1/0x2` somewhere in the line.
fn is_frame(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"+0x").any(|at| {
        let digits = text[at + 3..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        at > 0 && !text[at - 1].is_ascii_whitespace() && digits > 0 && text[at + 3 + digits..].starts_with(b"/0x")
    })
}

/// `RAX: 0000000000000000 …`, `x29: ffff…`, `r10: 00000000`.
fn is_register(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let rest = text[name..].trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b":") else { return false };
    let value = rest.trim_ascii_start();
    let digits = value.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (1..=4).contains(&name) && matches!(digits, 8 | 16) && value.get(digits).is_none_or(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::is_body;

    #[test]
    fn lines_of_reports_are_told_from_prose_and_headers() {
        for line in [
            " foo+0x1/0x2 [bar]",
            "CPU: 0 PID: 1 Comm: x",
            "RAX: 0000000000000000 RBX: 0000000000000000",
            "      Not tainted 6.1.0 #1",
            "cat/100 is trying to acquire lock:",
        ] {
            assert!(is_body(line.as_bytes()), "{line}");
        }
        for line in ["", "Regards,", "WARNING: Caches not enabled", "eth0: link up", "Linux version 6.1", "Note: 12"] {
            assert!(!is_body(line.as_bytes()), "{line}");
        }
    }
}
