//! How a line of a log is distinguished from prose, from the rest of a cut line, and from what was put around it.

use super::find;
use crate::input::{Landmark, landmark};

/// What stands above a warning and a bug.
pub(crate) const CUT_HERE: &str = "[ cut here ]";

/// With what the row of the table begins in which `crash` shows a dump's last words.
pub(super) const LAST_WORDS: &[u8] = b"PANIC: \"";

/// Whether a line begins as a line of a report does. Leading blanks count: give the text without them.
#[must_use]
pub fn begins_report_line(text: &[u8]) -> bool {
    landmark(text).is_some()
}

/// Whether a message can only stand in the body of a report: a landmark below a header, a frame, a line of registers, a
/// lock, lockdep's or a hung task's second line. A header itself is none.
#[must_use]
pub fn is_body(message: &[u8]) -> bool {
    let text = message.trim_ascii();
    // Rules stand around reports; they stand in tables, too.
    if text.iter().all(|byte| *byte == b'=') {
        return false;
    }
    landmark(text).is_some_and(|landmark| !matches!(landmark, Landmark::Opener | Landmark::Program))
        || is_frame(text)
        || find(text, "Not tainted").is_some()
        || find(text, "Tainted: ").is_some()
        || find(text, " is trying to ").is_some()
        || find(text, CUT_HERE).is_some()
        || find(text, "locks held by ").is_some()
        || find(text, " state:").is_some_and(|at| text[..at].starts_with(b"task:"))
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
