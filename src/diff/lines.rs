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

pub use super::facts::LineFacts;
use super::noise::{complains, is_clock, template};
use super::seen::Seen;
use super::settings::{MILESTONES, is_setting, list_modules, settings, taint};
use super::undressed::{is_stamped, lines, undressed};
use crate::line::{Gap, Prefix, Undressed, begins_with_stamp, gap, lex};
use crate::report::{Event, Report};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// At most so many kinds of messages of one log are kept, so that a hostile log takes bounded memory.
const MESSAGES: usize = 20_000;
/// Longest message that is looked at, bytes.
const LONGEST: usize = 1000;

/// Reads a whole log.
#[must_use]
pub fn read_lines(text: &[u8], reports: &[Report], events: &[Event]) -> LineFacts {
    let mut facts = LineFacts::default();
    let eventful: BTreeSet<u64> = events.iter().map(|event| event.line).collect();
    // A form that is known by no line alone; what it hides is where it was.
    let bare = if is_stamped(text) { None } else { undressed(text) };
    let stamped = bare.is_some() || is_stamped(text);
    let inside = extents(numbered(text, bare.as_ref()), reports);
    let (mut running, mut boots, mut range, mut reach) = (false, 0_usize, 0, 0);
    let mut span = Span::default();
    for (number, line) in numbered(text, bare.as_ref()) {
        let (line, prefix) = behind_firmware(line, stamped);
        // Also inside of a report and without a stamp: the console itself writes it.
        if let Some((name, count)) = missing(line) {
            let none = Seen { times: 0, first: prefix.time, line: number };
            let seen = facts.lost.entry(name).or_insert(none);
            seen.times = seen.times.saturating_add(count);
            continue;
        }
        // Firmware, boot loader and user space write without a stamp.
        if prefix.is_foreign() || (stamped && prefix.time.is_none()) {
            if !prefix.is_foreign() && facts.unstamped.len() < MESSAGES {
                let bytes = prefix.text(line);
                let message = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
                facts.unstamped.insert(name_of(&template(&message)));
            }
            continue;
        }
        let bytes = prefix.text(line);
        let message = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
        let message = message.as_ref();
        if message.starts_with("Linux version ") {
            boots += 1;
            running = false;
        }
        span.goes_on(prefix.time);
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
            if let Some((_, name)) = MILESTONES.iter().find(|(begin, _)| message.starts_with(begin)) {
                facts.milestones.entry(name).or_insert(Seen { times: 1, first: prefix.time, line: number });
            }
        }
        running |= message.starts_with("Run /") && message.ends_with("as init process");
        taint(&mut facts, message, (number, prefix.time));
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
    facts.span = span.of_one_boot(boots);
    facts
}

/// A short name of a message's template, the same in one run of the program.
pub(super) fn name_of(template: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    template.hash(&mut hasher);
    hasher.finish()
}

/// The lines of a log with their numbers; where it was undressed, those that carry a message.
fn numbered<'text>(
    text: &'text [u8],
    bare: Option<&'text Undressed>,
) -> Box<dyn Iterator<Item = (u64, &'text [u8])> + 'text> {
    match bare {
        None => Box::new((1_u64..).zip(lines(text))),
        Some(bare) => Box::new(bare.numbers.iter().map(|above| *above as u64 + 1).zip(lines(&bare.text))),
    }
}

/// A line and its prefix. Firmware, a boot loader or a prompt may have left something on the line of a message.
fn behind_firmware(line: &[u8], stamped: bool) -> (&[u8], Prefix<'_>) {
    let prefix = lex(line);
    if !stamped || prefix.time.is_some() || prefix.is_foreign() {
        return (line, prefix);
    }
    match memchr::memchr_iter(b'[', line).find(|at| begins_with_stamp(&line[*at..])) {
        Some(at) => (&line[at..], lex(&line[at..])),
        None => (line, prefix),
    }
}

/// When a log begins and ends.
#[derive(Default)]
struct Span {
    times: Option<(f64, f64)>,
    /// Whether the clock went back, as at another boot.
    back: bool,
}

/// Messages of several CPUs may be so much out of order, seconds.
const OUT_OF_ORDER: f64 = 1.0;

impl Span {
    fn goes_on(&mut self, time: Option<f64>) {
        let Some(now) = time else { return };
        let (first, last) = self.times.unwrap_or((now, now));
        self.back |= now + OUT_OF_ORDER < last;
        self.times = Some((first.min(now), last.max(now)));
    }

    fn of_one_boot(&self, boots: usize) -> Option<(f64, f64)> {
        self.times.filter(|_| boots <= 1 && !self.back)
    }
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

/// How far the closing line of a report may be from its last frame or lock, lines.
const TAIL: u64 = 80;

/// First and last lines of the reports, by first line. A report reaches to the last line that it took something from, and on to
/// the line that closes it (`---[ end trace`, the ruler of KASAN and lockdep).
fn extents<'text>(lines: impl Iterator<Item = (u64, &'text [u8])>, reports: &[Report]) -> Vec<(u64, u64)> {
    if reports.is_empty() {
        return Vec::new();
    }
    let closing: Vec<u64> = lines
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

#[cfg(test)]
mod tests {
    use super::super::seen::Area;
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
        let first = facts.milestones.get("first process").map(|seen| (seen.first, seen.line));
        assert_eq!(first, Some((Some(1.5), 9)));
        assert_eq!(facts.modules, [("bar".to_owned(), 10, Some(2.0))]);
        assert_eq!(facts.span, Some((0.0, 2.2)));
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
