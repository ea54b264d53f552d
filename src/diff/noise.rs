//! What two runs may differ in without being different: the rules by which logs are reduced before they are compared.

/// One rule, as `kanalyze diff --explain` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Short name.
    pub name: &'static str,
    /// What is set aside and why, in words.
    pub words: &'static str,
}

/// All rules.
pub const RULES: &[Rule] = &[
    Rule {
        name: "prefix",
        words: "what stands before a message (printk time, caller, level, syslog, CI stamps) is read by the line lexer and never compared",
    },
    Rule {
        name: "titles",
        words: "reports are compared by syzbot title; titles that one report gives as alternatives of each other are one; consequences of a report (cause is set) and suppressed ones are left out",
    },
    Rule {
        name: "tasks",
        words: "pids are dropped; numbers in command names are one (kworker/0:1 and kworker/1:2, syz.1.17 and syz.2.18)",
    },
    Rule {
        name: "frames",
        words: "stacks are compared by function names without compiler suffixes; offsets, sizes, addresses and so KASLR and module places are dropped, unreliable frames left out",
    },
    Rule {
        name: "cpus",
        words: "the number of the CPU that something ran on is dropped; how many CPUs came up is compared",
    },
    Rule {
        name: "locks",
        words: "locks are compared by class, not by address; lock-order pairs by the two classes; edges by the waiting function and the class",
    },
    Rule { name: "modules", words: "loaded modules are compared as a set; order, size and place do not count" },
    Rule {
        name: "numbers",
        words: "in messages every number is N and every address or hash X, in quotes numbers within names, too; error numbers (-110) stay, for they say what went wrong",
    },
    Rule {
        name: "boot-chatter",
        words: "of the messages before the first process only complaints are compared (level warning or worse where the log has levels, else words such as failed, error, timed out); after it all",
    },
    Rule {
        name: "clock",
        words: "messages of the clocks' calibration (tsc, clocksource, sched_clock, calibrate_delay, loops per jiffy) are left out: they follow the host's load",
    },
    Rule {
        name: "reports",
        words: "lines inside of a report are compared as the report, not as messages; nor are its consequences (lock debugging disabled, the panic, the reboot)",
    },
    Rule {
        name: "losses",
        words: "what a log says is missing from it (messages dropped, callbacks suppressed, trace events lost) is a counter; a run has lost something or it has not, how much is shown and not compared",
    },
    Rule {
        name: "reach",
        words: "a log that ends before the time at which the other side has something (or does not reach the station of the boot before it), and not in order, does not lack it: such a thing is undecided, not gone; crashes and hangs that only B has are new all the same, with a word about A's log",
    },
    Rule {
        name: "taint",
        words: "taint flags are compared, but for W and D, which say that there was a warning or an oops",
    },
    Rule {
        name: "machine",
        words: "of the machine the number of CPUs and the memory in total are compared; free and reserved memory are not",
    },
    Rule {
        name: "durations",
        words: "boot milestones are compared by the time since the one before. A factor that most of the boot shares is the host's: it is said once, and milestones are compared without it; when a run ended is the workload's matter. One run a side: only a factor of 2 and 2 seconds count. Groups of 4 and more: an exact rank-sum test, and 10 % between the medians",
    },
    Rule {
        name: "settings",
        words: "kernel release, command line, modules and the machine are no matter of luck: a value that all runs of one side have and none of the other is a difference whatever the number of runs",
    },
];

/// Beginnings of messages about clocks and their calibration.
const CLOCK: [&str; 10] = [
    "tsc:",
    "clocksource:",
    "sched_clock:",
    "calibrate_delay",
    "Calibrating delay",
    "Probably due to long platform interrupts",
    "rtc_cmos",
    "hpet:",
    "hpet0:",
    "Clocksource tsc",
];

/// Whether a message is about the calibration of a clock.
#[must_use]
pub fn is_clock(message: &str) -> bool {
    CLOCK.iter().any(|begin| message.starts_with(begin))
}

/// Words by which a message complains. Whole words, lower case.
const COMPLAINTS: [&str; 34] = [
    "fail",
    "failed",
    "fails",
    "failing",
    "failure",
    "error",
    "errors",
    "err",
    "timeout",
    "timed",
    "unable",
    "cannot",
    "can't",
    "couldn't",
    "could",
    "corrupt",
    "corrupted",
    "corruption",
    "invalid",
    "bad",
    "broken",
    "stuck",
    "stall",
    "hung",
    "refused",
    "denied",
    "lost",
    "missing",
    "warning",
    "warn",
    "bug",
    "oops",
    "panic",
    "aborted",
];

/// Whether a message complains: by its level (0 to 4) if the log has levels, else by its words.
#[must_use]
pub fn complains(level: Option<u8>, message: &str) -> bool {
    level.map_or_else(
        || {
            let lower = message.to_ascii_lowercase();
            lower
                .split(|char: char| !char.is_ascii_alphanumeric() && char != '\'')
                .any(|word| COMPLAINTS.contains(&word))
        },
        |level| level <= 4,
    )
}

/// A message with what changes from run to run taken out: numbers are `N`, addresses and hashes `X`; error numbers and
/// words with digits inside (`x86_64`, `sha256`, `ext4`) stay. In quotes stand names of tasks and files, whose numbers are one.
#[must_use]
pub fn template(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message.trim();
    let mut quote = None;
    while let Some(first) = rest.chars().next() {
        let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if !is_word(first) {
            if quote == Some(first) {
                quote = None;
            } else if quote.is_none()
                && matches!(first, '"' | '\'')
                && (out.is_empty() || out.ends_with([' ', '(', '=', ':']))
            {
                quote = Some(first);
            }
            // A minus before a short number that stands alone: an error number.
            let number = rest.strip_prefix('-').filter(|_| out.is_empty() || out.ends_with([' ', '(', '=', ':']));
            let digits = number.map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
            if (1..=4).contains(&digits) && !rest[1 + digits..].starts_with(is_word) {
                out.push_str(&rest[..=digits]);
                rest = &rest[1 + digits..];
                continue;
            }
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let length = rest.find(|char: char| !is_word(char)).unwrap_or(rest.len());
        let word = &rest[..length];
        rest = &rest[length..];
        let word = reduced(word);
        if quote.is_some() { out.push_str(&comm(word)) } else { out.push_str(word) }
    }
    out
}

/// One word of a message: itself, `N` or `X`.
fn reduced(word: &str) -> &str {
    let bytes = word.as_bytes();
    let hex = word.strip_prefix("0x").unwrap_or(word).bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if word.starts_with("0x") && hex {
        "X"
    } else if digits == bytes.len() {
        "N"
    } else if hex && bytes.len() >= 8 && digits > 0 {
        "X"
    } else if bytes[0].is_ascii_digit()
        && bytes.len() - digits <= 3
        && bytes[digits..].iter().all(u8::is_ascii_alphabetic)
    {
        // A number with its unit: 300ms, 64K, 12MiB.
        "N"
    } else {
        word
    }
}

/// A command name with its numbers taken out: `kworker/0:1-events` and `kworker/1:3-events` are one.
#[must_use]
pub fn comm(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        if !char.is_ascii_digit() {
            out.push(char);
        } else if !out.ends_with('N') {
            out.push('N');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_and_error_numbers_stay() {
        assert_eq!(template("lab: transfer 3 timed out, error -110"), "lab: transfer N timed out, error -110");
        assert_eq!(template("map ffff888012345678 at 0x1f size 64K"), "map X at X size N");
        assert_eq!(template("EXT4-fs (sda1): mounted ext4 on x86_64"), "EXT4-fs (sda1): mounted ext4 on x86_64");
        assert_eq!(
            template("audit: comm=\"worker37\" path=\"/run/worker3712\" can't do ext4"),
            "audit: comm=\"workerN\" path=\"/run/workerN\" can't do ext4"
        );
        assert_eq!(template("netlink: 'worker3': type 4, i8042"), "netlink: 'workerN': type N, i8042");
        assert_eq!(template("range 10-20, 2026-11-21"), "range N-N, N-N-N");
        assert_eq!(comm("kworker/0:12-events"), "kworker/N:N-events");
    }

    #[test]
    fn complaints_are_recognised_by_level_or_by_words() {
        assert!(complains(None, "probe of 1 failed with error -22"));
        assert!(!complains(None, "Unpacking initramfs..."));
        assert!(!complains(Some(6), "failed"));
        assert!(complains(Some(3), "hm"));
        assert!(!complains(None, "debugfs errored_out_name"));
    }
}
