//! The text view of a log: what it is, each kind of crash once, hangs as one block, then what is missing.

pub(super) mod around;
pub(super) mod card;
pub(super) mod group;
pub(super) mod order;
pub(super) mod overview;
pub(super) mod stack;
pub(super) mod words;

use super::{Look, safe, wrap_into};
use crate::engine::{Item, Kept, Summary};
use crate::grammar::Severity;
use crate::locks::Dump;
use crate::report::{Event, Report, Speaker, Stack};
use crate::source::BlamePage;
use card::Card;
use overview::Common;
pub use stack::{StackLine, stack_lines};

/// The stack that a reader wants first: that of the crash, with the place where it happened as its first frame.
#[must_use]
pub fn first_stack(report: &Report) -> Option<Stack> {
    order::in_order(report, false).into_iter().next().map(std::borrow::Cow::into_owned)
}
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Gathers the items of one log, then writes the view.
#[derive(Debug, Default)]
pub struct LogView {
    reports: Vec<Report>,
    events: Vec<Event>,
    /// Reports beyond what is kept: title → how many.
    uncounted: BTreeMap<String, usize>,
    /// The kernel's events beyond what is kept.
    further: u64,
    /// How many of the events that are kept are severe.
    severe: usize,
    /// What a kernel tree says about a report, by its number.
    pages: BTreeMap<usize, BlamePage>,
}

/// How many reports of a log are kept for the view, and how many events of each of two classes, severe ones and others;
/// further ones are only counted.
const KEPT: usize = 2_000;
/// How many rows of an event are shown.
const ROWS: usize = 10;
/// Events that are named in the last line.
const NAMED: usize = 3;

/// Whether an event is worth a line before a crash.
fn is_severe(event: &Event) -> bool {
    event.severity.is_severe() && event.speaker == Speaker::Kernel
}

impl LogView {
    /// Which events the view needs; of further ones it only needs the number. With `events` it shows them.
    #[must_use]
    pub fn kept(events: bool) -> Kept {
        Kept { severe: KEPT, lesser: if events { KEPT } else { NAMED }, below: events }
    }

    /// Takes one more item.
    pub fn take(&mut self, item: Item) {
        match item {
            Item::Closed(report) if self.reports.len() < KEPT => self.reports.push(*report),
            Item::Closed(report) => *self.uncounted.entry(report.title).or_default() += 1,
            // A log full of notes still shows what came before a crash.
            Item::Event(event) if self.events.len() < KEPT || is_severe(&event) && self.severe < KEPT => {
                self.severe += usize::from(is_severe(&event));
                self.events.push(*event);
            }
            Item::Event(event) => self.further += u64::from(event.speaker == Speaker::Kernel),
            Item::Opened { .. } => {}
        }
    }

    /// Whether no report was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Shows what a kernel tree says about a report.
    pub fn show_source(&mut self, page: BlamePage) {
        if let Some(index) = page.index {
            self.pages.insert(index, page);
        }
    }

    /// The reports that were kept.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The events that were kept.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The view, ending with what the log itself says is missing. `dumps` are the log's dumps of tasks and locks; `events`
    /// shows the events, too.
    #[must_use]
    pub fn text(&self, log: &str, summary: &Summary, events: bool, look: &Look, dumps: &[Dump]) -> String {
        let mut out = String::new();
        let groups = group::groups(&self.reports, dumps, look);
        let own: Vec<&Report> = groups.iter().flat_map(group::Group::all).collect();
        let several = groups.len() > 1 || look.is_brief();
        let common = if several { Common::of(&own) } else { Common::default() };
        let count = counted(own.len() + self.uncounted.values().sum::<usize>(), groups.len());
        // What a watchdog or a hypervisor says at the end is no report of the kernel, but the machine is gone.
        let ended = |event: &Event| event.speaker == Speaker::Kernel && event.severity <= Severity::Crash;
        let count = if groups.is_empty() && self.events.iter().any(ended) { NO_REPORT.to_owned() } else { count };
        if several && !groups.is_empty() {
            overview::write(&mut out, log, summary, &groups, &common, &count, look);
        }
        if !look.is_brief() {
            for group in &groups {
                let card = Card { log, view: self, group, common: several.then_some(&common), look };
                card.write(&mut out);
            }
        }
        for event in self.events.iter().filter(|_| events) {
            event_text(&mut out, log, event, look);
        }
        let aside = self.aside(summary, groups.is_empty(), events);
        // The head of a brief answer states the count.
        let told = look.is_brief() && !groups.is_empty();
        if !told || !aside.is_empty() {
            let parts: Vec<String> = (!told).then_some(count).into_iter().chain(aside).collect();
            wrap_into(&mut out, "", 2, &format!("{}: {}", safe(log), parts.join("; ")), look.wrap());
        }
        out
    }

    /// What was found besides reports, in a few words.
    fn notable(&self, summary: &Summary) -> Option<String> {
        let mut kernel: Vec<&Event> = self.events.iter().filter(|event| event.speaker == Speaker::Kernel).collect();
        // The worst ones first: what ended the machine may stand below a hundred complaints.
        kernel.sort_by_key(|event| event.severity);
        let further = self.further + summary.further;
        let titles = first_titles(&kernel);
        let named: usize = titles.iter().map(|(_, times)| times).sum();
        let shown = |(title, times): &(&str, usize)| match times {
            // Of lines that were only counted nobody knows the titles.
            times @ 2.. if further == 0 => format!("{} ({times}×)", safe(title)),
            _ => safe(title).into_owned(),
        };
        let count = kernel.len() as u64 + further;
        let more = if count > named as u64 { ", …" } else { "" };
        let lines = if count == 1 { "notable line" } else { "notable lines" };
        (count > 0).then(|| {
            format!("{count} {lines} ({}{more}): --all", titles.iter().map(shown).collect::<Vec<_>>().join(", "))
        })
    }

    /// What is to be said besides the reports: other events, other speakers, what is missing.
    pub(super) fn aside(&self, summary: &Summary, nothing: bool, events: bool) -> Vec<String> {
        let mut parts = Vec::new();
        if nothing && !events {
            parts.extend(self.notable(summary));
        }
        parts.extend(self.others(summary, events));
        if nothing && summary.boots > 1 {
            parts.push(format!("{} boots", summary.boots));
        }
        let missing: Vec<String> = summary
            .gaps
            .iter()
            .map(|(words, (lines, messages))| match messages {
                0 => format!("{words} ({lines}×)"),
                messages => format!("{messages} {words}"),
            })
            .collect();
        if !missing.is_empty() {
            parts.push(format!("missing: {}", missing.join(", ")));
        }
        if summary.reversed {
            parts.push(
                "its newest line stands first, so that reports are upside down: read it with `tac LOG | kanalyze`"
                    .into(),
            );
        }
        if summary.turned && !nothing {
            parts.push("its newest lines stand first: they were turned around".into());
        }
        if summary.cut && self.reaches(summary.bytes) {
            parts.push("it ends without a line break: the last line may be cut".into());
        }
        parts
    }

    /// Whether a report goes to the end of a log of so many bytes.
    fn reaches(&self, bytes: u64) -> bool {
        self.reports.iter().any(|report| report.text_end >= bytes)
    }

    /// `25 lines of other programs and 1 line of the firmware look like reports; --all`.
    fn others(&self, summary: &Summary, events: bool) -> Option<String> {
        let by = |speaker: Speaker| self.events.iter().filter(|event| event.speaker == speaker).count() as u64;
        let mut parts = vec![
            (by(Speaker::Program), "other programs"),
            (by(Speaker::Firmware), "the boot loader or firmware"),
            (by(Speaker::Person), "people"),
        ];
        let known: u64 = parts.iter().map(|(count, _)| count).sum();
        parts.push((summary.others.saturating_sub(known), "others than the kernel"));
        let told: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, who)| format!("{count} {} of {who}", if *count == 1 { "line" } else { "lines" }))
            .collect();
        let verb = if summary.others == 1 { "looks like a report" } else { "look like reports" };
        let more = if events { "" } else { "; --all" };
        (!told.is_empty()).then(|| format!("{} {verb}{more}", listed(&told)))
    }
}

/// What is said of a log without a report in which something else tells that the machine or a guest died.
const NO_REPORT: &str = "no crash report";

/// `no crash`, `1 report`, `7 reports under 4 headings`.
pub(super) fn counted(reports: usize, headings: usize) -> String {
    match (reports, headings) {
        (0, _) => "no crash".to_owned(),
        (1, _) => "1 report".to_owned(),
        (reports, 1) => format!("{reports} reports under 1 heading"),
        (reports, headings) => format!("{reports} reports under {headings} headings"),
    }
}

/// The first different titles of events, with how many of the events have each.
fn first_titles<'a>(events: &[&'a Event]) -> Vec<(&'a str, usize)> {
    let mut titles: Vec<(&str, usize)> = Vec::new();
    for event in events {
        let known = titles.iter_mut().find(|(title, _)| *title == event.title);
        if let Some((_, times)) = known {
            *times += 1;
        } else if titles.len() < NAMED {
            titles.push((&event.title, 1));
        }
    }
    titles
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn event_text(out: &mut String, log: &str, event: &Event, look: &Look) {
    let quiet = look.palette.quiet;
    let mut line = format!("{}:{}", safe(log), event.line);
    if let Some(time) = event.time {
        let _ = write!(line, " · {time:.6} s");
    }
    if let Some(wall) = event.wall.as_deref().filter(|_| event.time.is_none()) {
        let _ = write!(line, " · {}", safe(wall));
    }
    // Whose limit it was, where the title does not say it.
    let group = event.fields.get("group").filter(|group| !group.is_empty() && !event.title.contains(group.as_str()));
    let group = group.map(|group| format!(", limit of {}", safe(group))).unwrap_or_default();
    let _ = writeln!(out, "{quiet}{}{}", format_args!("{line}  {}{group}", safe(&event.title)), quiet.render_reset());
    let rows = if look.is_full() { event.rows.len() } else { ROWS };
    for row in event.rows.iter().take(rows) {
        let _ = writeln!(out, "    {}", safe(row));
    }
    if event.rows.len() > rows {
        let _ = writeln!(out, "    … {} more rows", event.rows.len() - rows);
    }
}
