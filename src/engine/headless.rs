//! A crash whose first line was not copied: what only a crash prints, with nothing above that announces it.

use super::{Item, Kept, Options, read_items};
use crate::grammar::{Texts, piece_end};
use crate::line::{is_body, lex, lost_its_bracket, unwrap};
use crate::report::{Event, Report, renumber_report};
use std::sync::LazyLock;

/// The line that stands in for the missing one; a kind of the grammar knows it.
const STAND_IN: &[u8] = b"BUG: the first line of this report is missing\n";
/// The same for the report of a hung task.
const STAND_IN_HUNG: &[u8] = b"BUG: the first line of this hung task is missing\n";
/// What is said of such a report.
const DAMAGE: &str = "its first line is missing";
/// What the report of a hung task is recognised by: a line that follows its first.
const HUNG: &[u8] = b"hung_task_timeout_secs\" disables this message";
/// What only the place of a crash is recognised by, or the report of a hung task; sysrq and watchdogs print places, too, but announce
/// them.
const PLACES: [&[u8]; 9] = [
    b"[ERET  ]: ",
    b"RIP: 0010:",
    b"RIP: 0008:",
    b"PC is at ",
    b"pc : ",
    b"epc : ",
    b"NIP [",
    b"---[ end trace ",
    HUNG,
];
/// Texts up to this size are looked at, bytes: a longer log lost more than its first line.
pub const LARGEST_HEADLESS: usize = 4 << 20;
/// Lines that stand between the task and the place.
const BETWEEN: [&[u8]; 4] = [b"Hardware name: ", b"pstate: ", b"Workqueue: ", b"Modules linked in:"];
/// How many lines above the place are taken for the same report.
const ABOVE: usize = 80;
/// How many lines below it are looked at for a stack, and how many of them must belong to a report.
const BELOW: usize = 40;
const EVIDENCE: usize = 4;
/// So many lines may stand between an event and its stack: a copy of its line, or the rest of it where lines were broken.
const REST: usize = 2;

/// The report of a log in which no report was found, if it holds one without its first line. Lines and offsets are those of
/// the text; the report begins at the first line that is there.
#[must_use]
pub fn headless(options: &Options, text: &[u8]) -> Option<Report> {
    if options.as_syzbot || text.len() > LARGEST_HEADLESS {
        return None;
    }
    let (at, place, stand_in) = beginning(text)?;
    // A text that was copied from the middle of a line on may have lost the bracket of its first stamp.
    let bracket: &[u8] = if at == 0 && lost_its_bracket(text.split(|byte| *byte == b'\n').next().unwrap_or_default()) {
        b"["
    } else {
        b""
    };
    let whole = [&text[..at], stand_in, bracket, &text[at..]].concat();
    let kept = Kept::ALL;
    let options = Options { events: true, kept, opened: false, gaps: false, threads: 1, read: None, ..options.clone() };
    let grammar = options.grammar.clone();
    // The stand-in parts an event from its stack.
    let stands_above = |event: &Event| {
        let start = usize::try_from(event.start).ok().filter(|start| *start < at);
        let between = |start| text.get(piece_end(text, start)..at).unwrap_or_default().split(|byte| *byte == b'\n');
        let filled = |line: &&[u8]| !line.trim_ascii().is_empty();
        start.is_some_and(|start| between(start).filter(filled).count() <= REST)
            && grammar.events.iter().any(|known| known.id == event.kind && known.structure)
    };
    let length = (stand_in.len() + bracket.len()) as u64;
    let mut found = None;
    for item in read_items(options, &whole) {
        match item {
            Item::Closed(report) if report.start == at as u64 => found = Some(*report),
            // Something above announces the stack.
            Item::Event(event)
                if stands_above(&event) || !event.stacks.is_empty() && event.start < place as u64 + length =>
            {
                return None;
            }
            _ => {}
        }
    }
    let mut report = found?;
    let first = report.line;
    renumber_report(&mut report, &|line| if line > first { line - 1 } else { line });
    for offset in [&mut report.end, &mut report.text_end] {
        *offset = offset.saturating_sub(length).max(report.start);
    }
    report.syzbot = false;
    report.message.clear();
    report.damage.insert(0, DAMAGE.into());
    Some(report)
}

/// The reports of a log, with the one in front whose first line was not copied, if the first of them is the panic that it ended in.
#[derive(Debug, Default)]
pub struct Beheaded {
    /// Whether the first report was looked at.
    looked: bool,
    /// Whether there is one in front.
    found: bool,
}

/// No more lines than these are between the beginning of a crash and the panic that it ends in.
const NEAR: u64 = 400;

impl Beheaded {
    /// Puts it in front of the others, of which these are the next. `text` is what was read of the log up to them, if it is known.
    pub fn settle(&mut self, options: &Options, text: Option<&[u8]>, items: &mut Vec<Item>) {
        let mut behind = 0;
        let first = items.iter().position(|item| matches!(item, Item::Closed(_))).filter(|_| !self.looked);
        if let Some(at) = first {
            self.looked = true;
            if let (Some(text), Item::Closed(panic)) = (text, &items[at])
                && let Some(report) = led_to(options, text, panic)
            {
                self.found = true;
                items.insert(at, Item::Closed(Box::new(report)));
                behind = at + 1;
            }
        }
        if !self.found {
            return;
        }
        for item in &mut items[behind..] {
            if let Item::Closed(report) = item {
                report.index += 1;
                report.cause = report.cause.map(|cause| cause + 1);
            }
        }
        if let Some(Item::Closed(panic)) = items.get_mut(behind).filter(|_| behind > 0) {
            panic.cause = Some(0);
        }
    }
}

/// The report without its first line that ended in the panic.
fn led_to(options: &Options, text: &[u8], panic: &Report) -> Option<Report> {
    if !panic.panicked || !options.grammar.output.follows_oops.is_match(panic.title.as_bytes()) {
        return None;
    }
    let above = text.get(..usize::try_from(panic.start).ok()?)?;
    headless(options, above).filter(|report| report.boot == panic.boot && report.line + NEAR >= panic.line)
}

/// Where the lines of the report begin that are there, the line of the place that shows it, and what stands in for its first line.
fn beginning(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    // Few logs without a report hold such a place at all.
    static SEARCH: LazyLock<Texts> = LazyLock::new(|| Texts::new(&PLACES));
    let (which, place) = SEARCH.find_from(text, 0)?;
    let stand_in = if PLACES[which] == HUNG { STAND_IN_HUNG } else { STAND_IN };
    let line = memchr::memrchr(b'\n', &text[..place]).map_or(0, |end| end + 1);
    let is_part = |line: &[u8]| {
        let shown = unwrap(line);
        let message = lex(&shown).text(&shown);
        is_body(message)
            || BETWEEN.iter().any(|start| message.trim_ascii_start().starts_with(start))
            || PLACES.iter().any(|place| memchr::memmem::find(&shown, place).is_some())
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
    (below + above >= EVIDENCE).then_some((at, line, stand_in))
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
    fn a_stamp_may_be_cut() {
        let report = headless(&Options::named("log"), &BODY.as_bytes()[4..]).expect("a report");
        assert_eq!((report.start, report.line), (0, 1));
        assert_eq!(report.task.as_ref().map(|task| task.pid), Some(411));
    }

    #[test]
    fn the_panic_that_it_ended_in_follows_it() {
        let text = format!(
            "{BODY}[   61.300000] Kernel panic - not syncing: Fatal exception\n[   99.000000] ------------[ cut here ]------------\n[   99.000001] WARNING: CPU: 0 PID: 1 at mm/slub.c:1 widget_put+0x1/0x2\n"
        );
        let options = Options::named("log");
        let mut items = read_items(options.clone(), text.as_bytes());
        Beheaded::default().settle(&options, Some(text.as_bytes()), &mut items);
        let found: Vec<(usize, Option<usize>, bool)> = items
            .iter()
            .filter_map(|item| if let Item::Closed(report) = item { Some(report) } else { None })
            .map(|report| (report.index, report.cause, report.title.contains("lamp_dim")))
            .collect();
        assert_eq!(found, [(0, None, true), (1, Some(0), false), (2, None, false)]);
        // With its own first line it is found as it is.
        let whole = ["[   61.204600] BUG: unable to handle page fault for address: ffff888000001000\n", &text].concat();
        let items = read_items(options.clone(), whole.as_bytes());
        let mut settled = items.clone();
        Beheaded::default().settle(&options, Some(whole.as_bytes()), &mut settled);
        assert_eq!(settled, items);
    }

    #[test]
    fn what_is_announced_or_no_crash_is_none() {
        let announced = format!("[   61.100000] NMI backtrace for cpu 2\n{BODY}");
        assert_eq!(headless(&Options::named("log"), announced.as_bytes()), None);
        let prose = "The line RIP: 0010: tells where it happened.\nNothing else does.\n";
        assert_eq!(headless(&Options::named("log"), prose.as_bytes()), None);
    }
}
