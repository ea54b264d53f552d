//! The few lines that the engine does not read and a comparison needs: settings, milestones, modules, messages.
//!
//! | line (after its prefix) | what is taken |
//! |---|---|
//! | `Linux version RELEASE (…) … #BUILD` | kernel release and build |
//! | `Kernel command line: …`, else `Command line: …` | the parameters |
//! | `smp: Brought up N node, M CPUs` | CPUs |
//! | `Memory: …K/TOTALK available` | memory |
//! | `NAME: loading out-of-tree module taints kernel.` and its kin | module, taint |
//! | `Modules linked in: …` | loaded modules |
//! | the beginnings in `MILESTONES` | stations of the boot |
//! | `** N printk messages dropped **`, `N callbacks suppressed` and their kin | counters of what is missing |
//! | everything else outside of reports | messages, as [`super::noise`] says |
//!
//! Only the first boot of a log gives settings and milestones.

use super::noise::{complains, is_clock, template};
use super::seen::{Area, Seen};
use crate::input::{Landmark, landmark};
use crate::line::{Gap, gap, lex};
use crate::report::{Event, Report};
use std::collections::{BTreeMap, BTreeSet};

/// Stations of a boot by the beginning of their message.
const MILESTONES: [(&str, &str); 14] = [
    ("Linux version ", "kernel starts"),
    ("smp: Brought up ", "all CPUs up"),
    ("devtmpfs: initialized", "device core"),
    ("Unpacking initramfs...", "initramfs"),
    ("Trying to unpack rootfs image as initramfs", "initramfs"),
    ("Freeing initrd memory", "initramfs unpacked"),
    ("VFS: Mounted root", "root mounted"),
    ("Freeing unused kernel image (initmem)", "kernel ready"),
    ("Freeing unused kernel memory", "kernel ready"),
    ("Run /", "first process"),
    ("systemd[1]: systemd ", "systemd starts"),
    ("systemd[1]: Startup finished", "systemd ready"),
    ("reboot: Power down", "power down"),
    ("reboot: Restarting system", "restart"),
];

/// At most so many kinds of messages of one log are kept, so that a hostile log takes bounded memory.
const MESSAGES: usize = 20_000;
/// Longest message that is looked at, bytes.
const LONGEST: usize = 1000;

/// What the lines say.
#[derive(Debug, Default)]
pub struct LineFacts {
    /// Values by area and name.
    pub settings: BTreeMap<(Area, String), String>,
    /// Modules that a message names as loaded, with the line.
    pub modules: Vec<(String, u64)>,
    /// Modules that reports list.
    pub listed: Option<BTreeSet<String>>,
    /// Seconds since boot.
    pub milestones: BTreeMap<&'static str, f64>,
    /// Templates of messages.
    pub messages: BTreeMap<String, Seen>,
    /// Taint letters, with the line.
    pub taints: Vec<(String, u64)>,
    /// What the log says is missing: `times` is how much of it.
    pub lost: BTreeMap<&'static str, Seen>,
}

/// Reads a whole log.
#[must_use]
pub fn read_lines(text: &[u8], reports: &[Report], events: &[Event]) -> LineFacts {
    let mut facts = LineFacts::default();
    let inside = extents(text, reports);
    let eventful: BTreeSet<u64> = events.iter().map(|event| event.line).collect();
    let stamped = lines(text).take(2000).any(|line| lex(line).time.is_some());
    let (mut running, mut boots, mut range, mut reach) = (false, 0_usize, 0, 0);
    for (number, line) in (1_u64..).zip(lines(text)) {
        let prefix = lex(line);
        // Also inside of a report and without a stamp: the console itself writes it.
        if let Some((name, count)) = missing(line) {
            let none = Seen { times: 0, first: prefix.time, line: number };
            let seen = facts.lost.entry(name).or_insert(none);
            seen.times = seen.times.saturating_add(count);
            continue;
        }
        // Firmware, boot loader and user space write without a stamp.
        if prefix.is_foreign() || (stamped && prefix.time.is_none()) {
            continue;
        }
        let bytes = prefix.text(line);
        let message = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
        let message = message.as_ref();
        if message.starts_with("Linux version ") {
            boots += 1;
            running = false;
        }
        if let Some(rest) = message.strip_prefix("Modules linked in:") {
            list_modules(&mut facts, rest);
        }
        while let Some((_, end)) = inside.get(range).filter(|(begin, _)| *begin <= number) {
            reach = reach.max(*end);
            range += 1;
        }
        if number <= reach {
            continue;
        }
        if boots <= 1 {
            settings(&mut facts, message);
            let station = MILESTONES.iter().find(|(begin, _)| message.starts_with(begin));
            if let (Some((_, name)), Some(time)) = (station, prefix.time) {
                facts.milestones.entry(name).or_insert(time);
            }
        }
        running |= message.starts_with("Run /") && message.ends_with("as init process");
        taint(&mut facts, message, number);
        let settled = message.is_empty() || message.starts_with([' ', '\t', '=', '-']) || is_clock(message);
        if settled
            || eventful.contains(&number)
            || is_setting(message)
            || !(running || complains(prefix.level, message))
        {
            continue;
        }
        let key = template(message);
        if facts.messages.len() < MESSAGES || facts.messages.contains_key(&key) {
            let first = Seen { times: 0, first: prefix.time, line: number };
            facts.messages.entry(key).or_insert(first).times += 1;
        }
    }
    facts
}

/// What a line says is missing from the log, and how much of it (1 if it does not say).
fn missing(line: &[u8]) -> Option<(&'static str, usize)> {
    let count = |count: Option<u64>| count.map_or(1, |count| usize::try_from(count).unwrap_or(usize::MAX >> 1));
    match gap(line)? {
        Gap::Dropped { messages } | Gap::Missed { messages } => Some(("messages lost", count(messages))),
        Gap::Ratelimited { messages, .. } | Gap::Suppressed { messages } => {
            Some(("messages suppressed", count(Some(messages))))
        }
        Gap::Events { events } => Some(("trace events lost", count(Some(events)))),
        _ => None,
    }
}

/// The lines, ends included.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at_checked(length).filter(|(line, _)| !line.is_empty())?;
        rest = after;
        Some(line)
    })
}

/// How far the closing line of a report may be from its last frame or lock, lines.
const TAIL: u64 = 80;

/// First and last lines of the reports, by first line. A report reaches to the last line that it took something from, and on to
/// the line that closes it (`---[ end trace`, the ruler of KASAN and lockdep).
fn extents(text: &[u8], reports: &[Report]) -> Vec<(u64, u64)> {
    if reports.is_empty() {
        return Vec::new();
    }
    let closing: Vec<u64> = (1_u64..)
        .zip(lines(text))
        .filter(|(_, line)| {
            let message = lex(line).text(line);
            message.starts_with(b"---[ end ") || message.starts_with(b"==========")
        })
        .map(|(number, _)| number)
        .collect();
    let mut extents: Vec<(u64, u64)> = reports
        .iter()
        .map(|report| {
            let last = last_line(report);
            let close = closing.get(closing.partition_point(|line| *line <= last)).copied();
            (report.line, close.filter(|line| line - last <= TAIL).unwrap_or(last))
        })
        .collect();
    extents.sort_unstable();
    extents
}

/// The last line that a report took something from.
fn last_line(report: &Report) -> u64 {
    let frames = report.stacks.iter().flat_map(|stack| stack.frames.iter().map(|frame| frame.log_line));
    let held = report.held_locks.iter().flat_map(|list| list.locks.iter().map(|lock| lock.line));
    let chain = report.lockdep.iter().flat_map(|lockdep| {
        let entries = lockdep.chain.iter();
        entries.flat_map(|entry| entry.frames.iter().map(|frame| frame.log_line).chain([entry.line]))
    });
    frames.chain(held).chain(chain).max().unwrap_or(report.line).max(report.line)
}

/// Whether a message is compared as a setting and thus not as a message.
fn is_setting(message: &str) -> bool {
    let beginnings = [
        "Linux version ",
        "Command line: ",
        "Kernel command line: ",
        "Memory: ",
        "Unknown kernel command line parameter",
    ];
    beginnings.iter().any(|begin| message.starts_with(begin))
        || MILESTONES.iter().any(|(begin, _)| message.starts_with(begin))
        || is_tainting(message).is_some()
        || of_report(message)
}

/// Whether a line belongs to a report, which is compared itself, although it stands outside of what the reports took.
fn of_report(message: &str) -> bool {
    matches!(landmark(message.as_bytes()), Some(Landmark::Body | Landmark::Panic | Landmark::Tail))
}

fn settings(facts: &mut LineFacts, message: &str) {
    let mut set = |area, name: &str, value: &str| {
        facts.settings.insert((area, name.to_owned()), value.to_owned());
    };
    if let Some(rest) = message.strip_prefix("Linux version ") {
        set(Area::Kernel, "release", rest.split(' ').next().unwrap_or_default());
        if let Some((_, build)) = rest.rsplit_once(" #") {
            set(Area::Kernel, "build", &format!("#{build}"));
        }
    } else if let Some(rest) =
        message.strip_prefix("Kernel command line: ").or_else(|| message.strip_prefix("Command line: "))
    {
        facts.settings.retain(|(area, _), _| *area != Area::CommandLine);
        for word in parameters(rest) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let entry = facts.settings.entry((Area::CommandLine, name.to_owned())).or_default();
            // A parameter may come several times: console=ttyS0 console=tty0.
            if !entry.is_empty() {
                entry.push(' ');
            }
            entry.push_str(value);
        }
    } else if let Some(rest) = message.strip_prefix("smp: Brought up ") {
        if let Some(cpus) = rest.rsplit_once(", ").and_then(|(_, cpus)| cpus.split(' ').next()) {
            set(Area::Machine, "CPUs", cpus);
        }
    } else if let Some(rest) = message.strip_prefix("Memory: ")
        && let Some((_, total)) = rest.split(' ').next().and_then(|both| both.split_once('/'))
    {
        set(Area::Machine, "memory", total);
    }
}

/// The parameters of a command line; quotes hold blanks together.
fn parameters(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |char: char| {
        quoted ^= char == '"';
        char.is_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty())
}

/// The module and the letter of a message by which the kernel taints itself.
fn is_tainting(message: &str) -> Option<(&str, &'static str)> {
    let (name, rest) = message.split_once(": ")?;
    let letter = if rest.starts_with("loading out-of-tree module taints kernel") {
        "O"
    } else if rest.starts_with("module verification failed:") {
        "E"
    } else if rest.starts_with("module license '") && rest.contains("taints kernel") {
        "P"
    } else if rest.starts_with("module is from the staging directory") {
        "C"
    } else {
        return None;
    };
    (!name.is_empty() && !name.contains(' ')).then_some((name, letter))
}

fn taint(facts: &mut LineFacts, message: &str, line: u64) {
    if let Some((name, letter)) = is_tainting(message) {
        facts.modules.push((name.to_owned(), line));
        facts.taints.push((letter.to_owned(), line));
    }
}

/// `ext4 lab_noisy(O) [last unloaded: x]` without flags.
fn list_modules(facts: &mut LineFacts, rest: &str) {
    let names = rest.split('[').next().unwrap_or_default().split_whitespace();
    let names = names.map(|name| name.split('(').next().unwrap_or(name).to_owned());
    facts.listed.get_or_insert_default().extend(names.filter(|name| !name.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &[u8] = b"SeaBIOS failed\n[    0.000000] Linux version 6.1.0 (x@y) #2 SMP\n\
[    0.000000] Kernel command line: quiet dyndbg=\"file x +p\" console=a console=b\n\
[    0.100000] smp: Brought up 1 node, 4 CPUs\n[    0.200000] Memory: 10K/20K available (rest)\n\
[    0.300000] foo: probe of 3 failed with error -22\n[    0.400000] foo: hello\n[    0.410000] tsc: calibration failed\n\
[    1.500000] Run /init as init process\n[    2.000000] bar: loading out-of-tree module taints kernel.\n\
[    2.100000] bar: value 7\n[    2.200000] bar: value 8\nuser space failed\n";

    #[test]
    fn a_boot_gives_its_settings_and_milestones() {
        let facts = read_lines(BOOT, &[], &[]);
        let of = |area, name: &str| facts.settings.get(&(area, name.to_owned())).map(String::as_str);
        assert_eq!(of(Area::Kernel, "release"), Some("6.1.0"));
        assert_eq!(of(Area::Kernel, "build"), Some("#2 SMP"));
        assert_eq!(of(Area::CommandLine, "dyndbg"), Some("\"file x +p\""));
        assert_eq!(of(Area::CommandLine, "console"), Some("a b"));
        assert_eq!(of(Area::CommandLine, "quiet"), Some(""));
        assert_eq!(of(Area::Machine, "CPUs"), Some("4"));
        assert_eq!(of(Area::Machine, "memory"), Some("20K"));
        assert_eq!(facts.milestones.get("first process"), Some(&1.5));
        assert_eq!(facts.modules, [("bar".to_owned(), 10)]);
    }

    #[test]
    fn what_the_log_says_is_missing_is_counted_and_is_no_message() {
        let log = b"[    1.0] Run /init as init process\n** 12 printk messages dropped **\n\
[    2.0] net_ratelimit: 30 callbacks suppressed\n[    3.0] ** 5 printk messages dropped **\n";
        let facts = read_lines(log, &[], &[]);
        let found: Vec<(&str, usize)> = facts.lost.iter().map(|(name, seen)| (*name, seen.times)).collect();
        assert_eq!(found, [("messages lost", 17), ("messages suppressed", 30)]);
        assert_eq!(facts.messages.len(), 0, "{:?}", facts.messages);
    }

    #[test]
    fn before_the_first_process_only_complaints_are_messages() {
        let facts = read_lines(BOOT, &[], &[]);
        let found: Vec<(&str, usize)> = facts.messages.iter().map(|(name, seen)| (name.as_str(), seen.times)).collect();
        assert_eq!(found, [("bar: value N", 2), ("foo: probe of N failed with error -22", 1)]);
    }
}
