//! The text of one report: the lines of its window that the same task or CPU printed, without their prefixes.

use super::console::{Context, console, is_questionable, unpadded};
use super::scan::find;
use super::symbolized;
use crate::grammar::{Anchor, Output};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// One line that belongs to a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLine<'a> {
    /// The message, without prefix and line break.
    pub text: Cow<'a, [u8]>,
    /// Offset of the line in the window, bytes.
    pub offset: usize,
    /// How many lines below the report's first line.
    pub below: usize,
}

/// A report's lines and the texts that the rules look at.
#[derive(Debug)]
pub struct Excerpt<'a> {
    /// Who printed it.
    pub context: Context<'a>,
    /// The printk stamp of the first line, seconds.
    pub time: Option<f64>,
    /// All lines, as printed.
    pub lines: Vec<KeptLine<'a>>,
    /// The report text: a line each, symbolization undone.
    pub text: Vec<u8>,
    /// Lines that a careful unwinder would not have printed (`? func`); no rule looks at them.
    pub doubtful: Vec<KeptLine<'a>>,
    /// How much of `text` may name the report: up to the second report. Bytes.
    pub area: usize,
    /// How many of `lines` belong to this report before the next one begins.
    pub own: usize,
    /// Whether the text had source lines in it.
    pub symbolized: bool,
}

/// How many lines a report must have before an end mark ends it: it may have lost its head otherwise.
const ENOUGH_LINES: usize = 22;
/// The same for reports of KMSAN, which are shorter.
const ENOUGH_LINES_KMSAN: usize = 16;
/// So long a silence ends a report, seconds.
const SILENCE: f64 = 10.0;
/// A console prefix is no longer than this, bytes.
const PREFIX: usize = 96;
/// A header that is followed by fewer lines than these may be the beginning of the next report.
const LONE: usize = 5;
/// How many lines before the first one a console, CPU or unknown printer gives context for.
const LINES_BEFORE: usize = 5;
/// The same for a task.
const LINES_BEFORE_TASK: usize = 50;

impl<'a> Excerpt<'a> {
    /// The excerpt of the report whose first line is `anchors[at]`. Offsets of `anchors` are those of `window`.
    #[must_use]
    pub fn new(output: &Output, window: &'a [u8], anchors: &[Anchor], at: usize) -> Self {
        let first = &anchors[at];
        let line = without_returns(&window[first.start..first.end]);
        // The prefix is read from the window itself, so that the caller's name outlives this function.
        let prefix = console(trim_returns(&window[first.start..first.end]));
        let time = prefix.stamp.and_then(|stamp| std::str::from_utf8(stamp).ok()?.trim().parse().ok());
        let mut walk = Walk {
            output,
            window,
            context: prefix.context,
            lines: vec![KeptLine { text: tail(line, prefix.message), offset: first.start, below: 0 }],
            doubtful: Vec::new(),
            own_lines: 1,
            enough: if holds(&window[first.start..first.end], "BUG: KMSAN:") {
                ENOUGH_LINES_KMSAN
            } else {
                ENOUGH_LINES
            },
            any_cpu: false,
        };
        walk.run(first.end);
        let (lines, doubtful) = (walk.lines, walk.doubtful);
        let last_copy = at + copies_below(window, anchors, at);
        let second = anchors[last_copy + 1..]
            .iter()
            .find(|anchor| anchor.second && !symbolized::is_inlined_copy(&window[anchor.start..anchor.end]))
            .map(|anchor| anchor.start);
        let before_second = |line: &KeptLine<'_>| second.is_none_or(|second| line.offset < second);
        let own = match prefix.context {
            Context::Caller(_) => own_of_caller(&lines, window, &anchors[last_copy + 1..]),
            _ => lines.iter().take_while(|line| before_second(line)).count(),
        };
        // syzbot mails what one task printed, without stamps: a report in it that has no stack goes on in the next one.
        let goes_on = prefix.context == Context::Unknown
            && own < lines.len()
            && !lines[..own].iter().skip(1).any(|line| super::frames::frame_line(&line.text, 0).is_some())
            && lines.iter().any(|line| symbolized::is_symbolized(&line.text));
        let area_lines = match prefix.context {
            Context::Caller(_) => lines.len(),
            _ if goes_on => lines.len(),
            _ => own,
        };
        let own = own.min(until_silence(&lines[..own], window, time));
        let symbolized = goes_on || lines.iter().take(own).any(|line| symbolized::is_symbolized(&line.text));
        let (mut text, mut area) = (Vec::with_capacity(4096), 0);
        for (number, line) in lines.iter().enumerate() {
            if number == area_lines {
                area = text.len();
            }
            if symbolized {
                let above = number.checked_sub(1).map_or(&b""[..], |above| &lines[above].text);
                if let Some(plain) = symbolized::undo(&line.text, above) {
                    text.extend_from_slice(&plain);
                    text.push(b'\n');
                }
            } else {
                text.extend_from_slice(&line.text);
                text.push(b'\n');
            }
        }
        if area_lines >= lines.len() {
            area = text.len();
        }
        Self { context: prefix.context, time, lines, doubtful, text, area, own, symbolized }
    }

    /// The report's own lines as they were printed, a line break behind each. A header without a stack that the next one
    /// follows at once is the beginning of that.
    #[must_use]
    pub fn printed(&self) -> Vec<u8> {
        let lone = self.own <= LONE && !self.lines[..self.own].iter().skip(1).any(|line| has_frames(&line.text));
        let lines = if lone { &self.lines[..] } else { &self.lines[..self.own] };
        let mut text = Vec::with_capacity(96 * lines.len());
        for line in lines {
            text.extend_from_slice(&line.text);
            text.push(b'\n');
        }
        text
    }

    /// The part of the text that may name the report.
    #[must_use]
    pub fn title_area(&self) -> &[u8] {
        &self.text[..self.area]
    }
}

/// How many anchors below the first line repeat it, because a symbolizer wrote a copy of it for each inlined function.
#[must_use]
pub fn copies_below(window: &[u8], anchors: &[Anchor], at: usize) -> usize {
    anchors[at..]
        .windows(2)
        .take_while(|pair| {
            let [this, next] = pair else { return false };
            next.start == this.end + 1
                && next.header == this.header
                && symbolized::is_inlined_copy(&window[this.start..this.end])
        })
        .count()
}

/// With a caller the area is not cut, but what the report itself says ends at the caller's next report.
fn own_of_caller(lines: &[KeptLine<'_>], window: &[u8], below: &[Anchor]) -> usize {
    let mut next = below
        .iter()
        .filter(|anchor| anchor.second && !symbolized::is_inlined_copy(&window[anchor.start..anchor.end]))
        .map(|anchor| anchor.start)
        .peekable();
    for (number, line) in lines.iter().enumerate().skip(1) {
        while next.next_if(|start| *start < line.offset).is_some() {}
        if next.peek() == Some(&line.offset) {
            return number;
        }
    }
    lines.len()
}

/// A report is printed at once: what the same printer says after a silence is another matter. How many of the lines come
/// before it.
fn until_silence(lines: &[KeptLine<'_>], window: &[u8], first: Option<f64>) -> usize {
    let Some(mut last) = first else { return lines.len() };
    for (number, line) in lines.iter().enumerate().skip(1) {
        let raw = &window[line.offset..];
        let prefix = console(&raw[..raw.len().min(PREFIX)]);
        let stamp: Option<f64> = prefix.stamp.and_then(|stamp| std::str::from_utf8(stamp).ok()?.trim().parse().ok());
        let Some(stamp) = stamp else { continue };
        if stamp - last > SILENCE {
            return number;
        }
        last = stamp;
    }
    lines.len()
}

fn has_frames(line: &[u8]) -> bool {
    super::stacks::begins(line) || super::frames::frame_line(line, 0).is_some()
}

struct Walk<'a, 'o> {
    output: &'o Output,
    window: &'a [u8],
    context: Context<'a>,
    lines: Vec<KeptLine<'a>>,
    doubtful: Vec<KeptLine<'a>>,
    own_lines: usize,
    enough: usize,
    any_cpu: bool,
}

impl<'a> Walk<'a, '_> {
    /// Takes the lines below the first one, which ends at `at`.
    fn run(&mut self, at: usize) {
        let mut at = at + 1;
        let mut below = 1;
        let name = if let Context::Caller(name) = self.context { Some(Finder::new(unpadded(name))) } else { None };
        while at < self.window.len() {
            // A caller's lines hold its name, so the others need not even be looked at.
            if let (Some(name), false) = (&name, self.any_cpu) {
                let Some(hit) = name.find(&self.window[at..]) else { return };
                let hit = at + hit;
                let start = memchr::memrchr(b'\n', &self.window[at..hit]).map_or(at, |back| at + back + 1);
                below += count_lines(&self.window[at..start]);
                at = start;
            }
            let end = memchr::memchr(b'\n', &self.window[at..]).map_or(self.window.len(), |length| at + length);
            if !self.take(at, end, below) {
                return;
            }
            at = end + 1;
            below += 1;
        }
    }

    /// Looks at one line; false ends the report.
    fn take(&mut self, start: usize, end: usize, below: usize) -> bool {
        let raw = trim_returns(&self.window[start..end]);
        if self.context == Context::Console && has_caller(raw) {
            return true;
        }
        let prefix = console(raw);
        let foreign_cpu = self.any_cpu && prefix.context.is_cpu();
        if !prefix.context.is_same(self.context) && !foreign_cpu {
            return true;
        }
        let text = tail(without_returns(raw), prefix.message);
        if prefix.context != Context::Unknown && (is_questionable(&text) || symbolized::is_questionable_frame(&text)) {
            self.doubtful.push(KeptLine { text, offset: start, below });
            return true;
        }
        if self.own_lines >= self.enough && self.output.ends.is_match(&text) {
            return false;
        }
        self.own_lines += 1;
        if self.output.noise.is_match(&text) {
            return true;
        }
        static OTHERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Sending NMI from CPU"));
        self.any_cpu |= OTHERS.find(&text).is_some();
        self.lines.push(KeptLine { text, offset: start, below });
        true
    }
}

/// Whether a stamp is followed by a caller, told at a glance: such lines are most of a log, and never a bare console's.
fn has_caller(line: &[u8]) -> bool {
    line.first() == Some(&b'[')
        && memchr::memchr(b']', &line[..line.len().min(40)]).is_some_and(|end| line.get(end + 1) == Some(&b'['))
}

/// The lines of the same printer just above the report, newest first, without prefixes.
pub fn lines_before<'a>(window: &'a [u8], start: usize, context: Context<'_>) -> impl Iterator<Item = &'a [u8]> {
    let most = if context.is_task() { LINES_BEFORE_TASK } else { LINES_BEFORE };
    let mut end = start.saturating_sub(1);
    std::iter::from_fn(move || {
        (end > 0).then(|| {
            let begin = memchr::memrchr(b'\n', &window[..end]).map_or(0, |at| at + 1);
            let line = trim_returns(&window[begin..end]);
            end = begin.saturating_sub(1);
            line
        })
    })
    .filter_map(move |line| {
        let prefix = console(line);
        let text = &line[prefix.message.min(line.len())..];
        let fits = prefix.context.is_same(context) && !text.is_empty();
        (fits && (context == Context::Unknown || !is_questionable(text))).then_some(text)
    })
    .take(most)
}

pub(super) fn holds(text: &[u8], needle: &str) -> bool {
    find(text, needle).is_some()
}

fn count_lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

fn trim_returns(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\r").unwrap_or(line);
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
    &line[..end]
}

fn without_returns(line: &[u8]) -> Cow<'_, [u8]> {
    let line = trim_returns(line);
    if memchr::memchr(b'\r', line).is_some() {
        Cow::Owned(line.iter().copied().filter(|byte| *byte != b'\r').collect())
    } else {
        Cow::Borrowed(line)
    }
}

fn tail(text: Cow<'_, [u8]>, from: usize) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[from.min(text.len())..]),
        Cow::Owned(text) => Cow::Owned(text[from.min(text.len())..].to_vec()),
    }
}
