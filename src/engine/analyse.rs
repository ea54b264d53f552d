//! One report, or one event, worked out from its window.

use super::dress::{Undressed, undress};
use super::reading::FLOODED_WINDOW;
use crate::grammar::{Anchor, Grammar, Scanner, fill};
use crate::line::lex;
use crate::report::{
    Context, EVENT_SCHEMA, Event, Excerpt, Executor, Line, REPORT_SCHEMA, Report, Speaker, Structure, WINDOW, console,
    corruption, describe, frame_of, guilty_file, lines_before, title,
};
use std::borrow::Cow;

/// What all reports of one step share. Offsets are those of `text`, which begins `base` bytes into the log.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) text: &'a [u8],
    pub(super) base: u64,
    pub(super) grammar: &'a Grammar,
    pub(super) scanner: &'a Scanner,
    pub(super) anchors: &'a [Anchor],
    pub(super) log: &'a str,
    /// Whether `text` begins with the log's first byte.
    pub(super) begins_log: bool,
}

/// One thing to work out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Index of its anchor.
    pub(super) at: usize,
    /// 1-based number of its line.
    pub(super) line: u64,
    /// Which boot.
    pub(super) boot: usize,
    /// Index of the event; a report if there is none.
    pub(super) event: Option<usize>,
    /// Whether the log is so full of reports that this one's window is small.
    pub(super) flooded: bool,
}

/// A window as the rules see it.
struct View<'a> {
    text: &'a [u8],
    anchors: &'a [Anchor],
    at: usize,
}

impl<'a> View<'a> {
    /// The undressed window if there is one, else the window as it is.
    fn of(undressed: Option<&'a Undressed>, window: &'a [u8], anchors: &'a [Anchor], at: usize) -> Self {
        match undressed {
            Some(undressed) => Self { text: &undressed.text, anchors: &undressed.anchors, at: undressed.at },
            None => Self { text: window, anchors, at },
        }
    }
}

/// Works out the report of `spot`. Index and cause are filled in by who knows the log.
pub(super) fn report(job: &Job<'_>, spot: &Spot) -> Report {
    let reach = if spot.flooded { FLOODED_WINDOW } else { WINDOW };
    let (from, window, anchors, at) = window(job, spot.at, reach);
    let undressed = undress_window(job, window, anchors[at].start, None);
    let view = View::of(undressed.as_ref(), window, &anchors, at);
    let excerpt = Excerpt::new(&job.grammar.output, view.text, view.anchors, view.at);
    let place = Place {
        from: job.base + from as u64,
        line: spot.line,
        undressed: undressed.as_ref(),
        first: view.anchors[view.at].start,
    };
    let first = &view.anchors[view.at];
    let end = last_header(job.grammar, view.anchors, view.at).end;
    let header = first.header.unwrap_or_default();
    let titled = title(job.grammar, &excerpt, header, &view.text[first.start..end]);
    let disconnected = view.anchors.iter().any(|anchor| anchor.disconnected);
    let corrupted = corruption(&titled, &excerpt.text, disconnected);
    let structure = structure(&excerpt, excerpt.own, &place);
    let printed = if excerpt.symbolized { Cow::Owned(excerpt.printed()) } else { Cow::Borrowed(&excerpt.text[..]) };
    let prefix = console(&view.text[first.start..first.end]);
    let lexed = lex(&view.text[first.start..first.end]);
    let mut damage = structure.damage;
    if spot.flooded {
        damage.push("the log is flooded with reports: only 4 KiB around this one were looked at".into());
    }
    Report {
        schema: REPORT_SCHEMA,
        log: job.log.to_owned(),
        index: 0,
        severity: job.grammar.severity_of(header, &titled.kind),
        syzbot: job.grammar.headers[header].syzbot,
        kind: titled.kind,
        r#type: job.grammar.type_of(&titled.text).to_owned(),
        frame: frame_of(&titled.text),
        title: titled.text,
        alt_titles: titled.alternatives,
        guilty_file: guilty_file(&job.grammar.blame, &printed, titled.interrupted),
        corrupted: corrupted.map(str::to_owned),
        suppressed: view.anchors.iter().any(|anchor| anchor.suppressed),
        panicked: view.anchors.iter().any(|anchor| anchor.panicked),
        executor: if view.anchors.iter().any(|anchor| anchor.executor) {
            executor(view.text, first.start, &excerpt)
        } else {
            None
        },
        start: place.offset(first.start),
        end: place.offset_of_end(end),
        line: spot.line,
        time: excerpt.time.or(lexed.time),
        caller: caller(prefix.context)
            .or_else(|| lexed.caller.map(|caller| String::from_utf8_lossy(caller).into_owned())),
        task: structure.task,
        cpu: structure.cpu.or_else(|| titled.fields.get("cpu")?.parse().ok()),
        cause: None,
        text_end: excerpt.lines[..excerpt.own]
            .last()
            .map_or(place.offset_of_end(end), |line| place.offset_of_end(line_end(view.text, line.offset))),
        boot: spot.boot,
        taint: structure.taint,
        kernel_version: structure.kernel_version,
        hardware: structure.hardware,
        access: structure.access,
        stacks: structure.stacks,
        held_locks: structure.held_locks,
        lockdep: structure.lockdep,
        hung_tasks: structure.hung_tasks,
        registers: structure.registers,
        code: structure.code,
        damage,
        speaker: Speaker::Kernel,
        subject: None,
        message: Vec::new(),
        source: None,
        object: None,
        wall: None,
        oops: None,
        fields: titled.fields,
    }
}

/// Works out event number `number` of the grammar at `spot`. Its index is filled in by who knows the log.
pub(super) fn event(job: &Job<'_>, spot: &Spot, number: usize) -> Event {
    let entry = &job.grammar.events[number];
    let (from, window, anchors, at) = window(job, spot.at, WINDOW);
    let line = &window[anchors[at].start..anchors[at].end];
    let shown = crate::line::unwrap(line);
    let prefix = lex(&shown);
    let message = &shown[prefix.message.min(prefix.end)..prefix.end];
    let found = entry.pattern.captures(message);
    let fields: std::collections::BTreeMap<String, String> = found
        .iter()
        .flat_map(|found| &found.groups)
        .map(|(name, span)| (name.clone(), String::from_utf8_lossy(&message[span.clone()]).into_owned()))
        .collect();
    let value = |name: &str| match name {
        "meaning" => fields.get(&entry.meanings.of).map(|value| entry.meanings.tell(value)),
        name => fields.get(name).map(String::as_str),
    };
    let titled = fill(&entry.title, |name| value(name).map(|value| Cow::Borrowed(value.as_bytes())));
    let titled = String::from_utf8_lossy(&titled).into_owned();
    let mut described = Structure::default();
    let mut rows = Vec::new();
    if entry.structure || entry.rows.is_some() {
        let undressed = undress_window(job, window, anchors[at].start, Some(number));
        let view = View::of(undressed.as_ref(), window, &anchors, at);
        let excerpt = Excerpt::new(&job.grammar.output, view.text, view.anchors, view.at);
        let place = Place {
            from: job.base + from as u64,
            line: spot.line,
            undressed: undressed.as_ref(),
            first: view.anchors[view.at].start,
        };
        let own = until_next_event(job.grammar, &excerpt, view.anchors, view.at);
        if entry.structure {
            described = of_event(structure(&excerpt, own, &place), spot.line);
        }
        if let Some(pattern) = &entry.rows {
            rows = excerpt.lines[1..own.max(1)]
                .iter()
                .filter(|line| pattern.is_match(&line.text))
                .map(|line| String::from_utf8_lossy(&line.text).into_owned())
                .collect();
        }
    }
    Event {
        schema: EVENT_SCHEMA,
        log: job.log.to_owned(),
        index: 0,
        kind: entry.id.clone(),
        severity: entry.severity,
        title: titled,
        start: job.base + (from + anchors[at].start) as u64,
        line: spot.line,
        time: prefix.time,
        caller: prefix.caller.map(|caller| String::from_utf8_lossy(caller).into_owned()),
        task: described.task,
        cpu: described.cpu,
        boot: spot.boot,
        fields,
        stacks: described.stacks,
        held_locks: described.held_locks,
        hung_tasks: described.hung_tasks,
        rows,
        speaker: Speaker::Kernel,
        wall: None,
    }
}

/// What of a structure belongs to an event: all of it, unless the event is a list of locks, which says nothing else.
fn of_event(mut found: Structure, line: u64) -> Structure {
    if found.held_locks.first().is_some_and(|list| list.line == line) {
        found.held_locks.truncate(1);
        let list = &found.held_locks[0];
        return Structure { task: list.task.clone(), held_locks: found.held_locks, ..Structure::default() };
    }
    found
}

/// How many of the excerpt's lines come before the next event with a structure of its own, or the next report.
fn until_next_event(grammar: &Grammar, excerpt: &Excerpt<'_>, anchors: &[Anchor], at: usize) -> usize {
    let structured = |anchor: &&Anchor| {
        anchor.header.is_some() || anchor.events.iter().any(|event| grammar.events[*event].structure)
    };
    let starts: Vec<usize> = anchors[at + 1..].iter().filter(structured).map(|anchor| anchor.start).collect();
    let lines = &excerpt.lines[..excerpt.own];
    let next = lines.iter().skip(1).position(|line| starts.binary_search(&line.offset).is_ok());
    next.map_or(lines.len(), |next| next + 1)
}

/// The window around an anchor: where it begins in the text, its bytes, the anchors in it (offsets of the window) and
/// which of them it is about.
fn window<'a>(job: &Job<'a>, at: usize, reach: usize) -> (usize, &'a [u8], Vec<Anchor>, usize) {
    let anchor = &job.anchors[at];
    let mut from = anchor.start.saturating_sub(reach);
    if from > 0 || !job.begins_log {
        // The line that the window cuts is left out. One that ends right before it is not cut.
        let before = from.saturating_sub(1);
        from =
            memchr::memchr(b'\n', &job.text[before..anchor.start]).map_or(anchor.start, |length| before + length + 1);
    }
    let mut to = job.text.len().min(anchor.start + reach);
    if to < job.text.len() {
        to = memchr::memrchr(b'\n', &job.text[anchor.end.min(to)..to])
            .map_or(anchor.end.min(to), |back| anchor.end + back + 1);
    }
    let first = job.anchors[..at].partition_point(|other| other.start < from);
    let last = at + 1 + job.anchors[at + 1..].partition_point(|other| other.start < to);
    let anchors = job.anchors[first..last]
        .iter()
        .map(|other| Anchor { start: other.start - from, end: other.end.min(to) - from, ..other.clone() })
        .collect();
    (from, &job.text[from..to], anchors, at - first)
}

fn undress_window(job: &Job<'_>, window: &[u8], start: usize, event: Option<usize>) -> Option<Undressed> {
    // The console's own prefix is the usual case and needs no second look.
    let known = console(&window[start..crate::grammar::piece_end(window, start)]).context != Context::Unknown;
    if known { None } else { undress(job.grammar, job.scanner, window, start, event) }
}

/// From offsets of a window to offsets and lines of the log.
struct Place<'a> {
    /// Where the window begins in the log.
    from: u64,
    /// 1-based log line of the report's first line.
    line: u64,
    undressed: Option<&'a Undressed>,
    /// Offset of that line in the window (undressed, if it is).
    first: usize,
}

impl Place<'_> {
    fn offset(&self, offset: usize) -> u64 {
        self.from + self.undressed.map_or(offset, |undressed| undressed.original(offset)) as u64
    }

    /// The end of a line; of an undressed one only its beginning is known.
    fn offset_of_end(&self, offset: usize) -> u64 {
        self.offset(offset)
    }

    fn log_line(&self, offset: usize, below: usize) -> u64 {
        match self.undressed {
            Some(undressed) => {
                self.line + (undressed.lines_above(offset).saturating_sub(undressed.lines_above(self.first))) as u64
            }
            None => self.line + below as u64,
        }
    }
}

/// The structure of the first `own` lines. Where the exact rule knows no printer, a prefix may still tell one (`[   T57] `
/// without a stamp): it is taken off and lines of others are left out.
fn structure(excerpt: &Excerpt<'_>, own: usize, place: &Place<'_>) -> Structure {
    let printer = match excerpt.context {
        Context::Unknown => excerpt.lines.first().and_then(|line| lex(&line.text).caller),
        Context::Console | Context::Caller(_) => None,
    };
    let lines: Vec<Line<'_>> = excerpt.lines[..own]
        .iter()
        .filter_map(|line| {
            let text = match printer {
                Some(_) => {
                    let prefix = lex(&line.text);
                    let mine = prefix.caller.is_none() || prefix.caller == printer;
                    mine.then(|| &line.text[prefix.message.min(line.text.len())..])?
                }
                None => &line.text,
            };
            let (log_line, offset) = (place.log_line(line.offset, line.below), place.offset(line.offset));
            Some(Line { text, log_line, offset })
        })
        .collect();
    describe(&lines)
}

/// The last line from `at` on that would open a report.
fn last_header<'a>(grammar: &Grammar, anchors: &'a [Anchor], at: usize) -> &'a Anchor {
    let opens = |anchor: &Anchor| {
        !anchor.part && anchor.header.is_some_and(|header| grammar.headers[header].carries_on.is_empty())
    };
    let replayed = |number: usize| {
        anchors.get(number + 1).is_some_and(|next| next.replay && next.start == anchors[number].end + 1)
    };
    (at..anchors.len())
        .rev()
        .find(|number| opens(&anchors[*number]) && !replayed(*number))
        .map_or(&anchors[at], |number| &anchors[number])
}

fn line_end(text: &[u8], start: usize) -> usize {
    crate::grammar::piece_end(text, start)
}

fn caller(context: Context<'_>) -> Option<String> {
    match context {
        Context::Caller(name) => {
            let name = String::from_utf8_lossy(name);
            Some(name.trim_matches(|char| char == '[' || char == ']').trim().to_owned())
        }
        Context::Console | Context::Unknown => None,
    }
}

/// The first ` Comm: syz.PROC.ID ` of the report or just above it.
fn executor(window: &[u8], start: usize, excerpt: &Excerpt<'_>) -> Option<Executor> {
    const WORDS: &[u8] = b" Comm: syz.";
    let mut before: Vec<&[u8]> = lines_before(window, start, excerpt.context).collect();
    before.reverse();
    let own = excerpt.lines.iter().map(|line| line.text.as_ref());
    before.into_iter().chain(own).find_map(|line| {
        memchr::memmem::find_iter(line, WORDS).find_map(|at| {
            let rest = std::str::from_utf8(line[at + WORDS.len()..].split(|byte| *byte == b' ').next()?).ok()?;
            let (proc, id) = rest.split_once('.')?;
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let closed = line.get(at + WORDS.len() + rest.len()) == Some(&b' ');
            (digits(proc) && digits(id) && closed).then_some(())?;
            Some(Executor { proc: proc.parse().ok()?, id: id.parse().ok()? })
        })
    })
}
