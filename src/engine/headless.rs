//! A crash whose first line was not copied: what only a crash prints, with nothing above that announces it.

use super::{Item, Options, read_items};
use crate::line::{is_body, lex, unwrap};
use crate::report::{Report, renumber_report};

/// The line that stands in for the missing one; a kind of the grammar knows it.
const STAND_IN: &[u8] = b"BUG: the first line of this report is missing\n";
/// What is said of such a report.
const DAMAGE: &str = "its first line is missing";
/// What only the place of a crash is recognised by; sysrq and watchdogs print it too, but announce it.
const PLACES: [&[u8]; 7] =
    [b"RIP: 0010:", b"RIP: 0008:", b"PC is at ", b"pc : ", b"epc : ", b"NIP [", b"---[ end trace "];
/// Texts up to this size are looked at, bytes: a longer log lost more than its first line.
pub const LARGEST_HEADLESS: usize = 4 << 20;
/// How many lines above the place are taken for the same report.
const ABOVE: usize = 80;
/// How many lines below it are looked at for a stack, and how many of them must belong to a report.
const BELOW: usize = 40;
const EVIDENCE: usize = 4;

/// The report of a log in which no report was found, if it holds one without its first line. Lines and offsets are those of
/// the text; the report begins at the first line that is there.
#[must_use]
pub fn headless(options: &Options, text: &[u8]) -> Option<Report> {
    if options.as_syzbot || text.len() > LARGEST_HEADLESS {
        return None;
    }
    let (at, place) = beginning(text)?;
    let whole = [&text[..at], STAND_IN, &text[at..]].concat();
    let options = Options { events: true, opened: false, gaps: false, threads: 1, read: None, ..options.clone() };
    let mut found = None;
    for item in read_items(options, &whole) {
        match item {
            Item::Closed(report) if report.start == at as u64 => found = Some(*report),
            // Something above announces the stack.
            Item::Event(event) if !event.stacks.is_empty() && event.start < (place + STAND_IN.len()) as u64 => {
                return None;
            }
            _ => {}
        }
    }
    let mut report = found?;
    let first = report.line;
    renumber_report(&mut report, &|line| if line > first { line - 1 } else { line });
    let length = STAND_IN.len() as u64;
    for offset in [&mut report.end, &mut report.text_end] {
        *offset = offset.saturating_sub(length).max(report.start);
    }
    report.syzbot = false;
    report.message.clear();
    report.damage.insert(0, DAMAGE.into());
    Some(report)
}

/// Where the lines of the report begin that are there, and the line of the place that shows it.
fn beginning(text: &[u8]) -> Option<(usize, usize)> {
    // Few logs without a report hold such a place at all.
    let place = PLACES.iter().filter_map(|place| memchr::memmem::find(text, place)).min()?;
    let line = memchr::memrchr(b'\n', &text[..place]).map_or(0, |end| end + 1);
    let is_part = |line: &[u8]| {
        let shown = unwrap(line);
        is_body(lex(&shown).text(&shown)) || PLACES.iter().any(|place| memchr::memmem::find(&shown, place).is_some())
    };
    let below = text[line..].split(|byte| *byte == b'\n').take(BELOW).filter(|line| is_part(line)).count();
    let mut at = line;
    let mut above = 0;
    while at > 0 && above < ABOVE {
        let start = memchr::memrchr(b'\n', &text[..at - 1]).map_or(0, |end| end + 1);
        if !is_part(&text[start..at - 1]) {
            break;
        }
        at = start;
        above += 1;
    }
    (below + above >= EVIDENCE).then_some((at, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "[   61.204640] CPU: 2 PID: 411 Comm: dimmer Tainted: G           O       6.9.0-lab #12\n\
        [   61.204671] RIP: 0010:lamp_dim+0x5c/0x70 [lamp]\n[   61.204733] Call Trace:\n[   61.204735]  <TASK>\n\
        [   61.204741]  lamp_store+0x3b/0x60 [lamp]\n[   61.204763]  vfs_write+0x2a5/0x440\n\
        [   61.204805] ---[ end trace 0000000000000000 ]---\n";

    #[test]
    fn a_crash_without_its_first_line_is_a_report() {
        for before in ["", "[   60.000000] eth0: link is up\n"] {
            let text = format!("{before}{BODY}");
            let report = headless(&Options::named("log"), text.as_bytes()).expect("a report");
            assert_eq!(report.start, before.len() as u64);
            assert_eq!(report.line, 1 + u64::from(!before.is_empty()));
            assert_eq!(report.task.as_ref().map(|task| task.pid), Some(411));
            assert_eq!(report.kernel_version.as_deref(), Some("6.9.0-lab"));
            assert!(report.title.contains("lamp_dim"), "{}", report.title);
            let pc = report.stacks.iter().flat_map(|stack| &stack.frames).next().expect("a frame");
            assert_eq!(pc.log_line, report.line + 1);
            assert!(!report.syzbot && report.damage.iter().any(|words| words == DAMAGE));
            assert!(report.text_end <= text.len() as u64);
        }
    }

    #[test]
    fn what_is_announced_or_no_crash_is_none() {
        let announced = format!("[   61.100000] NMI backtrace for cpu 2\n{BODY}");
        assert_eq!(headless(&Options::named("log"), announced.as_bytes()), None);
        let prose = "The line RIP: 0010: tells where it happened.\nNothing else does.\n";
        assert_eq!(headless(&Options::named("log"), prose.as_bytes()), None);
    }
}
