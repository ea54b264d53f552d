//! One event, worked out from its line and, where it has a structure, from its window.

use super::dress::{Dressed, undress};
use super::window::{Job, Place, Spot, Window, line_end, structure, wall};
use super::worded::line_above;
use crate::grammar::{Anchor, Grammar, Severity, fill};
use crate::line::{Dressing, has_odd_end, lex};
use crate::report::{EVENT_SCHEMA, Event, Excerpt, Printers, Speaker, Structure, WINDOW};
use std::borrow::Cow;

/// Works out event number `number` of the grammar at `spot`; `None` if it turns out to be none. Its index is filled in by
/// who knows the log.
pub(super) fn event<'a>(job: &Job<'a>, spot: &Spot, number: usize, printers: &mut Printers<'a>) -> Option<Event> {
    let entry = &job.grammar.events[number];
    let anchor = &job.anchors[spot.at];
    let raw = &job.text[anchor.start..anchor.end];
    let shown = crate::line::unwrap(raw);
    let mut line = event_line(entry, &shown);
    let (mut described, mut rows) = (Structure::default(), Vec::new());
    let reads_below = !entry.is_one_line() && (job.below || !entry.is_countable());
    // What stands at the ends of all lines is no part of a message.
    let odd = !job.as_syzbot && has_odd_end(raw.trim_ascii_end()) && neighbours_end_alike(job.text, anchor);
    if line.is_none() || reads_below || odd {
        let window = Window::around(job, spot.at, (ABOVE, reach_below(job, spot.at)));
        let start = anchor.start - window.from;
        // A dressing shows in more lines than an event has.
        let around = &job.text[window.from..job.text.len().min(anchor.start + WINDOW)];
        let dressing = if job.as_syzbot { None } else { Dressing::of(around, start) };
        let dressed = undress(job.grammar, job.scanner, window.bytes(), start, Some(number), dressing.as_ref());
        if matches!(dressed, Dressed::Repeats) {
            return None;
        }
        let undressed = dressed.undressed();
        let view = window.shown(undressed);
        if let Some(undressed) = undressed {
            let first = &undressed.anchors[undressed.at];
            line = event_line(entry, &undressed.text[first.start..first.end]).or(line);
        }
        if line.is_some() && reads_below {
            let excerpt = view.excerpt(job, printers);
            let place = Place { base: job.base, window, line: spot.line, undressed, first: view.first().start };
            let own = until_next_event(job.grammar, &excerpt, view.anchors, view.at);
            if entry.structure {
                described = of_event(structure(job.grammar, &excerpt, own, &place), spot.line);
            }
            if let Some(pattern) = &entry.rows {
                rows = excerpt.lines[1..own.max(1)]
                    .iter()
                    .filter(|line| pattern.is_match(&line.text))
                    .map(|line| String::from_utf8_lossy(&line.text).into_owned())
                    .collect();
            }
        }
    }
    let line = line?;
    let value = |name: &str| match name {
        "meaning" => line.fields.get(&entry.meanings.of).map(|value| entry.meanings.tell(value)),
        name => line.fields.get(name).map(String::as_str),
    };
    let titled = fill(&entry.title, |name| value(name).map(|value| Cow::Borrowed(value.as_bytes())));
    let titled = String::from_utf8_lossy(&titled).into_owned();
    Some(Event {
        schema: EVENT_SCHEMA,
        log: job.log.to_owned(),
        index: 0,
        kind: entry.id.clone(),
        severity: entry.severity,
        role: entry.role,
        title: titled,
        start: job.base + anchor.start as u64,
        line: spot.line,
        time: line.time,
        caller: line.caller,
        task: described.task,
        cpu: described.cpu,
        boot: spot.boot,
        fields: line.fields,
        stacks: described.stacks,
        held_locks: described.held_locks,
        hung_tasks: described.hung_tasks,
        rows,
        speaker: if line.time.is_none() && lex(raw).is_foreign() { Speaker::Program } else { Speaker::Kernel },
        wall: wall(raw, entry.text_in(raw).unwrap_or_default()),
    })
}

/// Whether the line below or above ends with the character with which the anchor's ends.
fn neighbours_end_alike(text: &[u8], anchor: &Anchor) -> bool {
    let last = |line: &[u8]| line.trim_ascii_end().last().copied();
    let own = last(&text[anchor.start..anchor.end]);
    let below = text.get(anchor.end + 1..).map(|rest| &rest[..line_end(rest, 0)]);
    below.into_iter().chain([line_above(text, anchor.start)]).any(|line| last(line) == own)
}

/// How far above its first line an event is looked at, bytes: only what stands around its lines shows there.
const ABOVE: usize = 4 << 10;

/// How far below its first line an event may reach, bytes: to the end of the line with which its printer begins the next
/// report or the next event that has a structure.
fn reach_below(job: &Job<'_>, at: usize) -> usize {
    let line = |anchor: &Anchor| &job.text[anchor.start..anchor.end];
    let printer = |anchor: &Anchor| lex(&crate::line::unwrap(line(anchor))).caller.map(<[u8]>::to_vec);
    let this = &job.anchors[at];
    let own = printer(this);
    let ends = |next: &&Anchor| {
        let begins = next.header.is_some() || next.events.iter().any(|next| job.grammar.events[next.event].structure);
        begins && line(next) != line(this) && printer(next) == own
    };
    let near = job.anchors[at + 1..].iter().take_while(|next| next.start < this.start + WINDOW);
    { near }.find(ends).map_or(WINDOW, |next| (next.end + 1 - this.start).min(WINDOW))
}

/// What an event's first line says.
struct EventLine {
    fields: std::collections::BTreeMap<String, String>,
    time: Option<f64>,
    caller: Option<String>,
}

/// Reads an event's first line in console form; `None` if its message is none of this event.
fn event_line(entry: &crate::grammar::Event, shown: &[u8]) -> Option<EventLine> {
    let prefix = lex(shown);
    // A terminal's word for an empty rest of the line.
    let message = prefix.text(shown).trim_ascii_end();
    let message = message.strip_suffix(b"\x1b[K").unwrap_or(message);
    let found = entry.pattern.captures(message)?;
    let text = |span: &std::ops::Range<usize>| String::from_utf8_lossy(&message[span.clone()]).into_owned();
    Some(EventLine {
        fields: found.groups.iter().map(|(name, span)| ((*name).to_owned(), text(span))).collect(),
        time: prefix.time,
        caller: prefix.caller.map(|caller| String::from_utf8_lossy(caller).into_owned()),
    })
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
        anchor.header.is_some() || anchor.events.iter().any(|candidate| grammar.events[candidate.event].structure)
    };
    let starts: Vec<usize> = anchors[at + 1..].iter().filter(structured).map(|anchor| anchor.start).collect();
    let lines = &excerpt.lines[..excerpt.own];
    let next = lines.iter().skip(1).position(|line| starts.binary_search(&line.offset).is_ok());
    next.map_or(lines.len(), |next| next + 1)
}

/// A line of somebody else that looks like a report's first, as an event.
pub(super) fn other(job: &Job<'_>, spot: &Spot, raw: &[u8], who: Speaker) -> Event {
    let anchor = &job.anchors[spot.at];
    let header = &job.grammar.headers[anchor.header.unwrap_or_default()];
    let prefix = lex(raw);
    Event {
        schema: EVENT_SCHEMA,
        log: job.log.to_owned(),
        index: 0,
        kind: header.id.clone(),
        title: String::from_utf8_lossy(prefix.text(raw)).trim().to_owned(),
        start: job.base + anchor.start as u64,
        line: spot.line,
        time: prefix.time,
        caller: None,
        task: None,
        cpu: None,
        boot: spot.boot,
        fields: std::collections::BTreeMap::new(),
        stacks: Vec::new(),
        held_locks: Vec::new(),
        hung_tasks: Vec::new(),
        rows: Vec::new(),
        speaker: who,
        wall: wall(raw, header.text_in(raw).unwrap_or_default()),
        severity: Severity::Note,
        role: None,
    }
}
