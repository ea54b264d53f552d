//! Which lines are sentences of a report, and which were printed at once.

use super::context::{cpu_line, taint};
use super::frames::frame_line;
use super::scan::{find, number, split, word, words};
use super::stacks::{announcement, begins};
use crate::grammar::Grammar;
use crate::line::Letters;

/// A line above `[ cut here ]`, or below a line that is all of a report, is of it if no more time lies between, seconds.
pub(super) const AT_ONCE: f64 = 0.01;

/// With so many plain words a line is a sentence, although it names a place: `do not call blocking ops when !TASK_RUNNING; state=1 set
/// at [<ffffffff810b7cb5>] prepare_to_wait+0x5/0x70`.
const MANY: usize = 5;

/// The number in a stamp, seconds.
pub(super) fn time_of(stamp: &[u8]) -> Option<f64> {
    std::str::from_utf8(stamp).ok()?.trim().parse().ok()
}

/// A message without the marks with which a page makes it bold.
pub(super) fn unbolded(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.strip_prefix(b"**").map_or(line, |rest| rest.strip_suffix(b"**").unwrap_or(rest).trim_ascii())
}

/// Whether a line is words, `least` plain ones or more, and not the beginning of a structure.
pub(super) fn is_sentence(grammar: &Grammar, line: &[u8], least: usize) -> bool {
    let is_word = |word: &&[u8]| word.len() > 1 && word.iter().all(u8::is_ascii_lowercase);
    let plain = words(line).filter(is_word).count();
    line.first().is_some_and(u8::is_ascii_alphanumeric)
        && plain >= least
        && (plain >= MANY || find(line, "+0x").is_none())
        && ![
            "Modules linked in",
            "last sysfs file:",
            "Workqueue:",
            "Hardware name:",
            "Code:",
            "Kernel panic",
            "CPU:",
            "Process ",
            "SMP: stopping secondary CPUs",
        ]
        .iter()
        .any(|start| line.starts_with(start.as_bytes()))
        && !begins(line)
        && announcement(&grammar.vocabulary, line, Letters::of(line)).is_none()
        && cpu_line(line).is_none()
        && taint(line) == (None, None)
        && !is_release(line)
        && frame_line(line, 0).is_none()
}

/// Whether a driver says it of a device, `usb 1-2.4: USB disconnect, device number 4`.
pub(crate) fn is_devices(line: &[u8]) -> bool {
    let (driver, rest) = word(line);
    let device = word(rest).0;
    !driver.ends_with(b":") && device.ends_with(b":") && device.iter().any(u8::is_ascii_digit)
}

/// Whether a test of the kernel's says how it goes: `ok 1 lamp_on`, `not ok 2`, `# lamp_off: initializing`, `# Subtest: lamp`.
pub(super) fn is_tests(line: &[u8]) -> bool {
    if let Some(rest) = line.strip_prefix(b"# ") {
        return word(rest).0.ends_with(b":");
    }
    let result = line.strip_prefix(b"not ").unwrap_or(line);
    result.strip_prefix(b"ok ").is_some_and(|rest| number(word(rest).0).is_some())
}

/// Whether who looks for stalls of RCU says it.
pub(super) fn is_of_stall(line: &[u8]) -> bool {
    [&b"rcu: "[..], b"NMI backtrace for cpu ", b"Sending NMI from CPU "].iter().any(|start| line.starts_with(start))
}

/// Whether lockdep says which kernel it is, `6.1.0 #2 Not tainted`, of whatever name: `syzkaller #0 Not tainted`.
fn is_release(line: &[u8]) -> bool {
    let behind = split(line, " #").map(|(_, rest)| word(rest)).filter(|(build, _)| number(build).is_some());
    behind.is_some_and(|(_, rest)| taint(rest).0.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_speak_of_their_devices() {
        assert!(is_devices(b"usb 1-2.4: USB disconnect, device number 4"));
        for line in ["KASAN: null-ptr-deref in range [0x0-0x7]", "shift exponent 72: x", "ea = c80d1f40, ra = 1", ""] {
            assert!(!is_devices(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn tests_say_how_they_go() {
        for line in ["ok 1 lamp_on", "not ok 12", "# lamp_off: initializing lamp 3", "# Subtest: lamp"] {
            assert!(is_tests(line.as_bytes()), "{line}");
        }
        for line in ["ok, lamp 3 is on", "not on", "# lamp", "#PF: error_code(0x0000) - not-present page", ""] {
            assert!(!is_tests(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn structures_are_no_sentences() {
        assert!(is_sentence(&Grammar::built_in(), b"shift exponent 72 is too large for 32-bit type 'int'", 2));
        let place =
            b"do not call blocking ops when !TASK_RUNNING; state=1 set at [<ffffffff810b7cb5>] widget_wait+0x5/0x70";
        assert!(is_sentence(&Grammar::built_in(), place, 2));
        for line in [
            "Modules linked in: a b c",
            "CPU: 0 PID: 1 Comm: a Not tainted 6.1 #1",
            "Code: ff ee dd",
            "PGD 0 P4D 0",
            "",
        ] {
            assert!(!is_sentence(&Grammar::built_in(), line.as_bytes(), 1), "{line}");
        }
    }
}
