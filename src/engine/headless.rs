//! A crash whose first line was not copied: what only a crash prints, with nothing above that announces it.

use super::{Item, Kept, Options, read_items};
use crate::grammar::{Texts, bare_function, piece_end};
use crate::line::{Dressing, is_body, lex, lost_its_bracket, unwrap};
use crate::report::{Event, Report, Stack, renumber_event, renumber_report};
use std::borrow::Cow;
use std::sync::LazyLock;

/// The line that stands in for the missing one; a kind of the grammar knows it.
const STAND_IN: &[u8] = b"BUG: the first line of this report is missing\n";
/// The same for the report of a hung task.
const STAND_IN_HUNG: &[u8] = b"BUG: the first line of this hung task is missing\n";
/// What stands in for the line that announces a stack; an event of the grammar knows it, and the function behind it.
const STAND_IN_STACK: &str = "the line that announces this stack is not known: ";
/// What is said of such a report.
const DAMAGE: &str = "its first line is missing";
/// What the report of a hung task is recognised by: a line that follows its first.
const HUNG: &[u8] = b"hung_task_timeout_secs\" disables this message";
/// What only the place of a crash is recognised by, or the report of a hung task, of lockdep, of KASAN or of a bad page; sysrq and watchdogs print
/// places, too, but announce them.
const PLACES: [&[u8]; 18] = [
    b"[ERET  ]: ",
    b"RIP: 0010:",
    b"RIP: 0008:",
    b"RSP: 0018:",
    b"PC is at ",
    b"pc : ",
    b"epc : ",
    b"NIP [",
    b"---[ end trace ",
    b" suspicious rcu_",
    b"other info that might help us debug this:",
    b"the existing dependency chain (in reverse order) is:",
    b"but task is already holding lock:",
    b"which lock already depends on the new lock",
    b"The buggy address belongs to ",
    b"Memory state around the buggy address",
    b"page dumped because: PAGE_FLAGS_CHECK_AT_",
    HUNG,
];
/// What stands above a stack that anything may have announced.
const TRACES: [&[u8]; 3] = [b"Call Trace:", b"Call trace:", b"Backtrace:"];
/// So many frames with offset and size must such a stack have: programs print stacks, too.
const FRAMES: usize = 2;
/// Who prints a stack stands among so many frames.
const TOP: usize = 4;
/// Texts up to this size are looked at, bytes: a longer log lost more than its first line.
pub const LARGEST_HEADLESS: usize = 4 << 20;
/// Lines that stand between the task and the place.
const BETWEEN: [&[u8]; 4] = [b"Hardware name: ", b"pstate: ", b"Workqueue: ", b"Modules linked in:"];
/// How many lines above the place are taken for the same report.
const ABOVE: usize = 80;
/// How many lines below it are looked at for a stack, and how many of them must belong to a report.
const BELOW: usize = 40;
const EVIDENCE: usize = 4;
/// A shorter message may stand in what is around it, too, bytes.
const SHORTEST: usize = 6;
/// So many lines may stand between an event and its stack: a copy of its line, or the rest of it where lines were broken.
const REST: usize = 2;
/// The same where nothing but a stack is there: what the OOM killer says of the task and its memory stands between.
const REST_OF_BARE: usize = 10;

/// The report of a log in which no report was found, if it holds one without its first line. Lines and offsets are those of
/// the text; the report begins at the first line that is there.
#[must_use]
pub fn headless(options: &Options, text: &[u8]) -> Option<Report> {
    report_at(options, text, beginning(options, text)?)
}

/// What a log in which no report was found holds of one: the report, its first line missing, or, where events are asked for, the stack
/// that no line is known to announce. Whoever knows the log's events gives that its number.
#[must_use]
pub fn left_over(options: &Options, text: &[u8]) -> Option<Item> {
    let known = beginning(options, text)?;
    let stack = || {
        let event = if options.events { unannounced(options, text, known) } else { None };
        event.map(|event| Item::Event(Box::new(event)))
    };
    report_at(options, text, known).map(|report| Item::Closed(Box::new(report))).or_else(stack)
}

fn report_at(options: &Options, text: &[u8], known: Beginning) -> Option<Report> {
    // What stands above a bare stack may have announced it.
    let announced = || text[..known.at].iter().any(u8::is_ascii_alphanumeric);
    if known.bare && announced() {
        return None;
    }
    stood_in(options, text, known)
        .filter(|report| !known.bare || has_frames(report))
        .filter(|report| !is_events(report))
}

/// Whether a stack is that of memory which could not be had: the machine goes on.
fn is_events(report: &Report) -> bool {
    let printed =
        |stack: &Stack| stack.frames.iter().take(TOP).any(|frame| frame.function.as_deref().is_some_and(is_printer));
    report.stacks.iter().any(printed)
}

/// Whether a function prints a stack of an event.
fn is_printer(function: &str) -> bool {
    matches!(bare_function(function), "warn_alloc" | "dump_header")
}

/// The stack of a log without a report; what it is of nobody can tell.
fn unannounced(options: &Options, text: &[u8], known: Beginning) -> Option<Event> {
    if !known.bare {
        return None;
    }
    let at = known.at;
    let report = stood_in(options, text, known).filter(has_frames)?;
    let functions =
        || report.stacks.iter().flat_map(|stack| &stack.frames).filter_map(|frame| frame.function.as_deref());
    // Who prints the stack stands on top of it.
    let titled = || functions().find(|function| bare_function(function) == report.frame);
    let function = report.subject.as_deref().or_else(titled).or_else(|| functions().next())?;
    let stand_in = [STAND_IN_STACK, function, "\n"].concat();
    let whole = [&text[..at], stand_in.as_bytes(), &text[at..]].concat();
    let announced = |item| match item {
        Item::Event(event) if event.start == at as u64 => Some(*event),
        _ => None,
    };
    let mut event = read_items(reading(options), &whole).into_iter().find_map(announced)?;
    let first = event.line;
    renumber_event(&mut event, &|line| if line > first { line - 1 } else { line });
    Some(event)
}

/// Options that read a text again, with all that there is in it.
fn reading(options: &Options) -> Options {
    Options { events: true, kept: Kept::ALL, opened: false, gaps: false, threads: 1, read: None, ..options.clone() }
}

fn has_frames(report: &Report) -> bool {
    let whole =
        |stack: &Stack| stack.frames.iter().filter(|frame| frame.offset.is_some() && frame.size.is_some()).count();
    report.stacks.iter().any(|stack| whole(stack) >= FRAMES)
}

/// The report that a line which stands in for its first one gives.
fn stood_in(options: &Options, text: &[u8], Beginning { at, place, stand_in, bare }: Beginning) -> Option<Report> {
    let stand_in = &Worn::at(text, place).put_on(&text[at..], stand_in)[..];
    // A text that was copied from the middle of a line on may have lost the bracket of its first stamp.
    let bracket: &[u8] = if at == 0 && lost_its_bracket(text.split(|byte| *byte == b'\n').next().unwrap_or_default()) {
        b"["
    } else {
        b""
    };
    let whole = [&text[..at], stand_in, bracket, &text[at..]].concat();
    let options = reading(options);
    let grammar = options.grammar.clone();
    let rest = if bare { REST_OF_BARE } else { REST };
    // The stand-in parts an event from its stack.
    let stands_above = |event: &Event| {
        let start = usize::try_from(event.start).ok().filter(|start| *start < at);
        let between = |start| text.get(piece_end(text, start)..at).unwrap_or_default().split(|byte| *byte == b'\n');
        let filled = |line: &&[u8]| !line.trim_ascii().is_empty();
        start.is_some_and(|start| between(start).filter(filled).count() <= rest)
            && (bare || grammar.events.iter().any(|known| known.id == event.kind && known.structure))
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

/// Where the lines of a report or stack begin that are there.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    /// Offset of the first of them, bytes.
    at: usize,
    /// The line of the place that shows it.
    place: usize,
    /// What stands in for its first line.
    stand_in: &'static [u8],
    /// Whether it is a stack and nothing more.
    bare: bool,
}

/// What stands around the messages of the lines around one of them.
struct Worn(Option<Dressing>);

impl Worn {
    /// The same at the line that begins at `start`.
    fn at(text: &[u8], start: usize) -> Self {
        Self(Dressing::of(text, start))
    }

    /// The message of a line.
    fn off(&self, line: &[u8]) -> Vec<u8> {
        let bare = self.0.as_ref().map_or(Cow::Borrowed(line), |dressing| dressing.take_off(line));
        let shown = unwrap(&bare);
        lex(&shown).text(&shown).to_vec()
    }

    /// A line that says something else, as the first of these lines would have it that shows its message letter for letter.
    fn put_on(&self, lines: &[u8], said: &[u8]) -> Vec<u8> {
        let put = |line: &[u8]| {
            let message = self.off(line.trim_ascii_end());
            let message = message.trim_ascii_end();
            let at = memchr::memmem::rfind(line, message).filter(|_| message.len() >= SHORTEST)?;
            let bracket: &[u8] = if lost_its_bracket(line) { b"[" } else { b"" };
            Some([bracket, &line[..at], said.trim_ascii_end(), &line[at + message.len()..]].concat())
        };
        let mut lines = lines.split_inclusive(|byte| *byte == b'\n').take(BELOW);
        let mut dressed = lines.find_map(put).unwrap_or_else(|| said.to_vec());
        if dressed.last() != Some(&b'\n') {
            dressed.push(b'\n');
        }
        dressed
    }
}

/// The first place of a report, else the first stack, if enough lines of a report are around.
fn beginning(options: &Options, text: &[u8]) -> Option<Beginning> {
    if options.as_syzbot || text.len() > LARGEST_HEADLESS {
        return None;
    }
    // Few logs without a report hold any of them.
    static SEARCH: LazyLock<Texts> = LazyLock::new(|| Texts::new(&[&PLACES[..], &TRACES].concat()));
    let (mut trace, mut tried, mut from) = (None, false, 0);
    while let Some((which, at)) = SEARCH.find_from(text, from) {
        match PLACES.get(which) {
            Some(place) if !tried => {
                let stand_in = if *place == HUNG { STAND_IN_HUNG } else { STAND_IN };
                if let Some(known) = around(text, at, stand_in, false) {
                    return Some(known);
                }
                tried = true;
            }
            Some(_) => {}
            None => _ = trace.get_or_insert(at),
        }
        from = at + 1;
    }
    around(text, trace?, STAND_IN, true)
}

/// The lines around a place that belong to a report, if they are enough.
fn around(text: &[u8], place: usize, stand_in: &'static [u8], bare: bool) -> Option<Beginning> {
    static PLACED: LazyLock<Texts> = LazyLock::new(|| Texts::new(&PLACES));
    let line = memchr::memrchr(b'\n', &text[..place]).map_or(0, |end| end + 1);
    let worn = Worn::at(text, line);
    let message = |line: &[u8]| worn.off(line);
    let is_part = |line: &[u8]| {
        let message = message(line);
        is_body(&message)
            || BETWEEN.iter().any(|start| message.trim_ascii_start().starts_with(start))
            || PLACED.find_from(line, 0).is_some()
    };
    let below = text[line..].split(|byte| *byte == b'\n').take(BELOW).filter(|line| is_part(line)).count();
    let (mut at, mut above, mut looked_at) = (line, 0, line);
    while looked_at > 0 && above < ABOVE {
        let start = memchr::memrchr(b'\n', &text[..looked_at - 1]).map_or(0, |end| end + 1);
        let here = &text[start..looked_at - 1];
        // Lockdep parts what it says by single empty lines.
        let parts = looked_at == at && message(here).trim_ascii().is_empty();
        if !parts && !is_part(here) {
            break;
        }
        looked_at = start;
        if !parts {
            (at, above) = (start, above + 1);
        }
    }
    (below + above >= EVIDENCE).then_some(Beginning { at, place: line, stand_in, bare })
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

    const STACK: &str = "[   61.204733] Call Trace:\n[   61.204735]  <TASK>\n[   61.204741]  lamp_store+0x3b/0x60 [lamp]\n\
        [   61.204763]  vfs_write+0x2a5/0x440\n[   61.204771]  ksys_write+0x6f/0xf0\n";

    #[test]
    fn a_stack_alone_is_a_report_without_its_first_line() {
        let report = headless(&Options::named("log"), STACK.as_bytes()).expect("a report");
        assert!(report.title.contains("lamp_store"), "{}", report.title);
        assert_eq!((report.line, report.stacks[0].frames[0].log_line), (1, 3));
        assert_eq!(left_over(&Options::named("log"), b"Call Trace:\n  at Lamp.dim(Lamp.java:7)\n"), None);
    }

    #[test]
    fn a_stack_that_no_known_line_announces_is_an_event() {
        let text = format!("[   61.204100] lamp: bulb 3 is out of order\n{STACK}");
        let options = Options::named("log").with_events();
        assert_eq!(left_over(&Options::named("log"), text.as_bytes()), None);
        assert_eq!(headless(&options, text.as_bytes()), None);
        let Some(Item::Event(event)) = left_over(&options, text.as_bytes()) else { panic!("an event") };
        assert!(event.title.contains("lamp_store"), "{}", event.title);
        assert_eq!((event.line, event.stacks[0].frames[0].log_line), (2, 4));
        // Who prints a stack is not what it is of.
        let printed = text.replace(
            "  lamp_store",
            "  dump_stack_lvl+0x76/0xa0\n[   61.204738]  dump_stack+0x10/0x20\n[   61.204741]  lamp_store",
        );
        let Some(Item::Event(event)) = left_over(&options, printed.as_bytes()) else { panic!("an event") };
        assert!(event.title.contains("lamp_store"), "{}", event.title);
        let announced = format!("[   61.100000] NMI backtrace for cpu 2\n{STACK}");
        assert_eq!(left_over(&options, announced.as_bytes()), None);
    }

    #[test]
    fn what_lockdep_says_is_a_report_without_its_first_line() {
        let text = format!(
            "[   61.2] drivers/lamp/lamp.c:88 suspicious rcu_dereference_check() usage!\n[   61.2]\n\
             [   61.2] other info that might help us debug this:\n[   61.2] 1 lock held by dimmer/411:\n\
             [   61.2]  #0: ffff888103a1c0a8 (&lamp->lock){{+.+.}}-{{3:3}}, at: lamp_store+0x1f/0x60\n{STACK}"
        );
        let report = headless(&Options::named("log"), text.as_bytes()).expect("a report");
        assert_eq!(report.line, 1);
        assert!(report.title.contains("lamp_store"), "{}", report.title);
    }

    #[test]
    fn what_is_announced_or_no_crash_is_none() {
        let announced = format!("[   61.100000] NMI backtrace for cpu 2\n{BODY}");
        assert_eq!(headless(&Options::named("log"), announced.as_bytes()), None);
        let prose = "The line RIP: 0010: tells where it happened.\nNothing else does.\n";
        assert_eq!(headless(&Options::named("log"), prose.as_bytes()), None);
    }
}
