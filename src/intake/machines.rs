//! The machines whose lines a log holds: a log server keeps those of many in one file, and what one of them says is no part of what
//! another does.

use super::exported::Exported;
use super::nature::is_kernel_line;
use crate::input::{Inside, lines};
use crate::line::{Host, boot_start, host_of, lex};
use std::collections::HashMap;
use std::ops::Range;

/// So many lines at the beginning of a log are looked at for a machine's name.
const LOOKED_AT: usize = 16;
/// So often must the log go back to a machine that did not boot there: one whose name changes goes back to its first name when it boots.
const RETURNS: usize = 2;
/// One clock never goes back so far, seconds: lines of several CPUs may stand in another order than they were printed in.
const STEP: f64 = 1.0;
/// What one clock goes back where lines of several CPUs change places, seconds.
const NOISE: f64 = 0.001;
/// Stamps are in order from then on, seconds.
const EARLY: f64 = 5.0;
/// So many changes without a step back are of one clock, by whatever names its machine goes.
const CLOCKED: usize = 6;
/// A machine that is not booting any more has so many seconds on its clock.
const BOOTED: f64 = 300.0;
/// A boot shows in so many of its first lines.
const BOOT: usize = 20;
/// They stand within so many lines.
const NEAR: usize = 1000;
/// So many changes from machine to machine tell enough.
const RUNS: usize = 4096;
/// No log holds the lines of more machines.
pub(super) const MOST: usize = 1000;
/// Where more names stand, they are not those of machines.
const MOST_NAMES: usize = 1 << 16;
/// Longer texts are looked at in so many places of so many bytes before each of their lines is.
const LONG: usize = 16 << 20;
const PLACES: usize = 64;
const PLACE: usize = 64 << 10;

/// What is known of the lines of a log.
#[derive(Debug, Default)]
struct Lines {
    /// Each line, with the number of its machine; that of the line above where it names none.
    lines: Vec<(Range<usize>, usize)>,
    names: Vec<Vec<u8>>,
    numbers: HashMap<Vec<u8>, usize>,
    /// Whether each machine's kernel says anything.
    kernels: Vec<bool>,
    /// Whether a log server names them.
    sure: bool,
}

/// The lines of each machine of a log, with its name, in the order in which they first speak; nothing if it holds one machine's, as far
/// as its lines show. `exported` says where the lines stood in their file, and may name machines by itself.
pub(super) fn machines(log: &[u8], exported: Option<&Exported>) -> Vec<(String, Inside)> {
    let named = exported.is_some_and(|exported| !exported.hosts.is_empty());
    let shown = || begins_with_host(log) && may_be_several(log);
    if !(named || shown()) {
        return Vec::new();
    }
    let lines = Lines::of(log, exported.filter(|_| named));
    let apart = exported.is_some_and(|exported| exported.apart);
    if !(2..=MOST).contains(&lines.speakers()) || !(apart || lines.changes(log).interleave()) {
        return Vec::new();
    }
    lines.apart(log, exported)
}

/// Whether the first bytes of a log show that it holds the lines of several machines.
pub(super) fn are_several(text: &[u8]) -> bool {
    begins_with_host(text) && {
        let lines = Lines::of(text, None);
        lines.speakers() > 1 && lines.changes(text).interleave()
    }
}

/// Whether the last lines of a log that goes on show it by now, whatever comes.
pub(super) fn are_surely_several(text: &[u8]) -> bool {
    begins_with_host(text) && {
        let lines = Lines::of(text, None);
        lines.speakers() > 1 && lines.changes(text).surely_interleave()
    }
}

/// Whether two names are one machine's: it may be named with its domain and without.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    label(one) == other || one == label(other) || one == other
}

/// A name without its domain.
fn label(name: &[u8]) -> &[u8] {
    &name[..memchr::memchr(b'.', name).unwrap_or(name.len())]
}

fn begins_with_host(log: &[u8]) -> bool {
    lines(log).take(LOOKED_AT).any(|(line, _)| host_of(line).is_some())
}

/// Whether a text, or places all over a long one, name several machines.
fn may_be_several(log: &[u8]) -> bool {
    if log.len() <= LONG {
        return names_another(log, &mut None);
    }
    let starts = (0..PLACES).map(|place| (log.len() - PLACE) / PLACES * place);
    let mut first = None;
    starts.into_iter().any(|start| {
        // The line in which a place begins is cut.
        let place = &log[start..start + PLACE];
        let whole = memchr::memchr(b'\n', place).map_or(place, |end| &place[end + 1..]);
        names_another(whole, &mut first)
    })
}

/// Whether a line names a machine whose kernel speaks, and another one than the first.
fn names_another<'a>(text: &'a [u8], first: &mut Option<&'a [u8]>) -> bool {
    let mut place = 0..0;
    lines(text).any(|(line, _)| {
        if first.is_some_and(|first| is_at(line, &place, first)) {
            return false;
        }
        let Some(host) = host_of(line).filter(|host| host.kernel) else { return false };
        place = host.at;
        let name = &line[place.clone()];
        *first.get_or_insert(name) != name
    })
}

impl Lines {
    fn of(log: &[u8], exported: Option<&Exported>) -> Self {
        let mut all = Self { sure: exported.is_some(), ..Self::default() };
        let (mut last, mut place): (Option<usize>, Range<usize>) = (None, 0..0);
        let mut hosts = exported.map(|exported| exported.hosts.iter().peekable());
        for (line, start) in lines(log) {
            let range = start..log.len().min(start + line.len() + 1);
            if let Some(hosts) = &mut hosts {
                let mut next = None;
                while let Some((_, name)) = hosts.next_if(|(from, _)| *from <= range.start) {
                    next = Some(name);
                }
                last = next.map(|name| all.number(name)).or(last);
                if let Some(number) = last.filter(|number| !all.kernels[*number]) {
                    all.kernels[number] = is_kernel_line(line);
                }
            } else if last.is_none_or(|last| !is_at(line, &place, &all.names[last]) || !all.kernels[last])
                && let Some(Host { at, kernel, sure }) = host_of(line)
            {
                let number = all.number(&line[at.clone()]);
                all.kernels[number] |= kernel;
                all.sure |= sure && kernel;
                (last, place) = (Some(number), at);
            }
            if all.names.len() > MOST_NAMES {
                return Self::default();
            }
            all.lines.push((range, last.unwrap_or(0)));
        }
        all.join();
        all
    }

    fn number(&mut self, name: &[u8]) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.numbers.insert(name.to_vec(), number);
        self.names.push(name.to_vec());
        self.kernels.push(false);
        number
    }

    /// A machine may be named with its domain and without. Words that name no kernel are none of a machine that matters: such lines may
    /// be anybody's.
    fn join(&mut self) {
        let same: Vec<usize> = (self.names.iter().enumerate())
            .map(|(number, name)| self.numbers.get(label(name)).copied().unwrap_or(number))
            .collect();
        for (number, other) in same.iter().enumerate().filter(|(number, other)| number != *other) {
            self.kernels[*other] |= std::mem::take(&mut self.kernels[number]);
        }
        self.lines.iter_mut().for_each(|(_, number)| *number = same.get(*number).copied().unwrap_or(*number));
    }

    /// The runs of lines of one machine whose kernel speaks in the log: the first line of each, by its index, and its machine.
    fn runs(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut last = None;
        let kernels = |number: usize| self.kernels.get(number).copied().unwrap_or(false);
        self.lines.iter().enumerate().filter_map(move |(index, (_, number))| {
            (kernels(*number) && last.replace(*number) != Some(*number)).then_some((index, *number))
        })
    }

    /// How many machines' kernels say anything.
    fn speakers(&self) -> usize {
        self.kernels.iter().filter(|kernel| **kernel).count()
    }

    /// How the log goes from machine to machine.
    fn changes(&self, log: &[u8]) -> Changes {
        let boots = |from: usize| {
            let near = self.lines[from..].iter().take(NEAR);
            let mut own = near.filter(|(_, number)| *number == self.lines[from].1).take(BOOT);
            own.any(|(line, _)| boot_start(&log[line.clone()]))
        };
        let (mut seen, mut booted, mut behind) = (vec![false; self.names.len()], false, 0);
        let mut found = Changes::default();
        found.shown = self.runs().take(RUNS).any(|(from, number)| {
            let boot = boots(from);
            let booted = std::mem::replace(&mut booted, boot);
            let again = std::mem::replace(&mut seen[number], true);
            let clocks = self.clocks(log, from);
            found.stamped |= clocks.is_some();
            // The clock of a kernel that has just begun is not in order yet.
            let clocks = clocks.filter(|(above, now)| above.max(*now) > EARLY);
            let back = |step: f64| clocks.is_some_and(|(above, now)| now + step < above);
            found.clocked += usize::from(clocks.is_some());
            behind += usize::from(back(NOISE) && !boot);
            if again && !boot && !booted && (self.sure || back(STEP)) {
                found.returns += 1;
            }
            let is_up = clocks.is_some_and(|(_, now)| now > BOOTED);
            found.returns >= RETURNS && behind > 0 || self.sure && is_up && back(STEP) && !boot
        });
        found
    }

    /// The stamps of the line above one and of itself.
    fn clocks(&self, log: &[u8], from: usize) -> Option<(f64, f64)> {
        let time = |(line, _): &(Range<usize>, usize)| {
            let stamp = memchr::memchr(b'[', &log[line.clone()])?;
            lex(&log[line.start + stamp..line.end]).time
        };
        time(&self.lines[from.checked_sub(1)?]).zip(time(&self.lines[from]))
    }

    fn apart(&self, log: &[u8], exported: Option<&Exported>) -> Vec<(String, Inside)> {
        let length = exported.map_or(log.len(), |exported| exported.inside.length());
        let mut parts: Vec<Option<Inside>> =
            self.kernels.iter().map(|kernel| kernel.then(|| Inside::of(length))).collect();
        for (line, number) in &self.lines {
            let Some(Some(part)) = parts.get_mut(*number) else { continue };
            part.begin(exported.map_or(line.start, |exported| exported.inside.origin(line.start)));
            part.text.extend_from_slice(&log[line.clone()]);
        }
        let names = self.names.iter().map(|name| String::from_utf8_lossy(name).into_owned());
        names.zip(parts).filter_map(|(name, part)| Some((name, part?))).collect()
    }
}

/// How a log goes from machine to machine.
#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    /// Whether it goes back to one and to a clock that is behind, or to the clock of a machine that is up for long.
    shown: bool,
    /// How often it goes back to a machine that did not boot there. Of other words than a log server's, which may be no machines, the clocks
    /// must show that they are.
    returns: usize,
    /// How often both lines have a stamp from which on stamps are in order, and whether any have one.
    clocked: usize,
    stamped: bool,
}

impl Changes {
    /// Whether the lines are several machines': the stamps of all of them do not show that one clock goes on all the way.
    fn interleave(self) -> bool {
        self.shown || self.returns >= RETURNS && self.clocked < CLOCKED
    }

    /// The same of lines that others follow.
    fn surely_interleave(self) -> bool {
        self.shown || self.returns >= RETURNS && !self.stamped
    }
}

/// Whether a line names the machine that the last one did, at the same place.
fn is_at(line: &[u8], place: &Range<usize>, name: &[u8]) -> bool {
    place.start > 0
        && line.get(place.clone()) == Some(name)
        && line.get(place.end) == Some(&b' ')
        && line[place.start - 1] == b' '
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each machine says in a log.
    fn parts(log: &str) -> Vec<(String, String)> {
        let parts = machines(log.as_bytes(), None).into_iter();
        parts.map(|(name, part)| (name, String::from_utf8(part.text).expect("UTF-8"))).collect()
    }

    /// Lines of these machines, one by one.
    fn log(hosts: &[&str], line: impl Fn(&str, usize) -> String) -> String {
        hosts.iter().enumerate().map(|(number, host)| line(host, number) + "\n").collect()
    }

    fn syslog(host: &str, number: usize) -> String {
        format!("Nov  3 10:00:{number:02} {host} kernel: lamp {number}")
    }

    #[test]
    fn each_machine_has_its_lines() {
        let both = log(&["alpha", "beta", "alpha", "beta.example.org", "alpha"], syslog);
        let lines: Vec<&str> = both.split_inclusive('\n').collect();
        let of = |numbers: &[usize]| numbers.iter().map(|number| lines[*number]).collect::<String>();
        assert_eq!(parts(&both), [("alpha".into(), of(&[0, 2, 4])), ("beta".into(), of(&[1, 3]))]);
        // Lines below that name nobody are the same machine's, those of machines without a kernel nobody's.
        let more = both.replacen("beta kernel: lamp 1\n", "beta kernel: lamp 1\n  more\n", 1)
            + "Nov  3 10:00:09 gate sshd[12]: x\n  more of that\n";
        let found = parts(&more);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].1, of(&[1]) + "  more\n" + lines[3]);
        let inside = machines(more.as_bytes(), None).swap_remove(1).1;
        assert!(more[inside.origin(found[1].1.find("  more").expect("there"))..].starts_with("  more\nNov"));
    }

    #[test]
    fn a_machine_that_changes_its_name_is_one() {
        let boot = |first: &str| {
            log(&[first, first, "alpha", "alpha"], |host, number| {
                let words = if number == 0 { "Linux version 6.12.4-lab (x)" } else { "lamp" };
                format!("Nov  3 10:00:0{number} {host} kernel: {words}")
            })
        };
        for first in ["installer", "localhost"] {
            assert_eq!(parts(&boot(first).repeat(4)), []);
        }
        assert_eq!(parts(&log(&["alpha", "beta", "beta", "alpha"], syslog)), []);
        assert_eq!(parts(&log(&["alpha", "alpha.example.org", "alpha", "alpha.example.org"], syslog)), []);
    }

    #[test]
    fn a_machine_with_a_clock_of_its_own_is_another_one() {
        let after = |start: usize| {
            log(&["alpha", "alpha", "beta", "beta"], |host, number| {
                let seconds = if host == "alpha" { 9000 } else { start };
                format!("Nov  3 10:00:0{number} {host} kernel: [{:5}.000000] lamp", seconds + number)
            })
        };
        assert_eq!(parts(&after(400)).len(), 2);
        // A machine that boots may have had another name, and one whose clock goes on, too.
        assert_eq!(parts(&after(3)), []);
        assert_eq!(parts(&after(9000)), []);
    }

    #[test]
    fn one_clock_is_one_machine_by_whatever_names() {
        let by_turns = |step: [usize; 2]| {
            log(&["alpha", "10.0.0.5"].repeat(6), |host, number| {
                format!("Nov  3 10:00:{number:02} {host} kernel: [{:5}.000000] lamp", step[number % 2] + number)
            })
        };
        assert_eq!(parts(&by_turns([100, 100])), []);
        assert_eq!(parts(&by_turns([100, 200])).len(), 2);
    }

    #[test]
    fn words_before_stamps_are_machines_if_their_clocks_differ() {
        let hosts = ["uart0", "uart1", "uart0", "uart1", "uart0", "uart1"];
        let stamped = |start: [usize; 2]| {
            log(&hosts, |host, number| format!("{host}: [{:5}.000000] lamp", start[number % 2] + number))
        };
        assert_eq!(parts(&stamped([10, 10])), []);
        let names: Vec<String> = parts(&stamped([10, 500])).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["uart0", "uart1"]);
    }

    #[test]
    fn other_logs_are_one() {
        assert_eq!(parts(""), []);
        assert_eq!(parts(&"[    1.000000] lamp: on\n".repeat(9)), []);
        assert_eq!(parts(&log(&["WARN", "INFO", "WARN", "INFO", "WARN"], syslog)), []);
        // More names than there are machines, and each line with a name of its own.
        for (lines, different) in [(3 * MOST, MOST + 1), (MOST_NAMES + 2, MOST_NAMES + 2)] {
            let names: Vec<String> = (0..lines).map(|number| format!("lamp{}", number % different)).collect();
            assert_eq!(parts(&log(&names.iter().map(String::as_str).collect::<Vec<_>>(), syslog)), []);
        }
    }

    #[test]
    fn long_texts_are_looked_at_in_places() {
        let one = log(&["alpha"; 60], syslog).repeat(LONG / 1500);
        assert!(one.len() > LONG && !may_be_several(one.as_bytes()));
        let half = one.len() / 2;
        let from = half + one[half..].find('\n').expect("lines") + 1;
        let both = format!("{}{}{}", &one[..from], log(&["beta", "alpha"].repeat(9000), syslog), &one[from..]);
        assert_eq!(parts(&both).len(), 2);
    }
}
