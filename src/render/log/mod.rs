//! The text view of a log: what it is, each kind of crash once, hangs as one block, then what is missing.

mod card;
mod overview;
mod stack;

use super::{Look, safe, wrap_into};
use crate::engine::{Item, Summary};
use crate::locks::{Dump, Explanation, dump_of};
use crate::report::{Event, Report, Speaker};
use card::Card;
use overview::Common;
pub use stack::{StackLine, stack_lines};
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
    further: usize,
}

/// How many reports of a log are kept for the view; further ones are only counted.
const KEPT: usize = 2_000;
/// How many rows of an event are shown.
const ROWS: usize = 10;
/// Events that are named in the last line.
const NAMED: usize = 3;

/// Reports that a person would call the same: one title, one subject, one hang.
#[derive(Debug)]
struct Group<'a> {
    /// In the order of the log.
    reports: Vec<&'a Report>,
    /// The dump that these hung tasks belong to.
    hang: Option<&'a Dump>,
    /// What lockdep's report comes to.
    explanation: Option<&'a Explanation>,
}

impl LogView {
    /// Takes one more item.
    pub fn take(&mut self, item: Item) {
        match item {
            Item::Closed(report) if self.reports.len() < KEPT => self.reports.push(*report),
            Item::Closed(report) => *self.uncounted.entry(report.title).or_default() += 1,
            Item::Event(event) if self.events.len() < KEPT => self.events.push(*event),
            Item::Event(event) => self.further += usize::from(event.speaker == Speaker::Kernel),
            Item::Opened { .. } => {}
        }
    }

    /// Whether no report was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
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
        let groups = self.groups(dumps);
        let own: Vec<&Report> = groups.iter().flat_map(|group| group.reports.iter().copied()).collect();
        let several = groups.len() > 1 || look.is_brief();
        let common = if several { Common::of(&own) } else { Common::default() };
        if several && !groups.is_empty() {
            overview::write(&mut out, log, summary, &groups, &common, look);
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
        wrap_into(&mut out, "", 2, &self.last_line(log, summary, own.len(), groups.len(), events), look.wrap());
        out
    }

    /// Own reports by title and subject, in the order of their first; the hung tasks of one dump are one group.
    fn groups<'a>(&'a self, dumps: &'a [Dump]) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut by_title: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
        let mut by_dump: BTreeMap<usize, usize> = BTreeMap::new();
        for report in self.reports.iter().filter(|report| report.cause.is_none()) {
            let hang = dump_of(dumps, report).filter(|dump| dump.hang);
            let key = (report.title.as_str(), report.subject.as_deref());
            let at = match hang {
                Some(dump) => by_dump.entry(dump.index).or_insert(groups.len()),
                None => by_title.entry(key).or_insert(groups.len()),
            };
            match groups.get_mut(*at) {
                Some(group) => group.reports.push(report),
                None => {
                    let mut explanations =
                        dumps.iter().filter(|dump| dump.boot == report.boot).flat_map(|dump| &dump.lockdep);
                    let explanation =
                        report.lockdep.as_ref().and_then(|_| explanations.find(|one| one.line == report.line));
                    groups.push(Group { reports: vec![report], hang, explanation });
                }
            }
        }
        groups
    }

    /// What was found besides reports, in a few words.
    fn notable(&self) -> Option<String> {
        let kernel: Vec<&Event> = self.events.iter().filter(|event| event.speaker == Speaker::Kernel).collect();
        let first: Vec<String> = kernel.iter().take(NAMED).map(|event| safe(&event.title).into_owned()).collect();
        let count = kernel.len() + self.further;
        let more = if count > first.len() { ", …" } else { "" };
        let lines = if count == 1 { "notable line" } else { "notable lines" };
        (count > 0).then(|| format!("{count} {lines} ({}{more}): --all", first.join(", ")))
    }

    fn last_line(&self, log: &str, summary: &Summary, reports: usize, titles: usize, events: bool) -> String {
        let counted: usize = self.uncounted.values().sum();
        let mut parts = vec![match (reports + counted, titles) {
            (0, _) => "no crash".to_owned(),
            (1, _) => "1 report".to_owned(),
            (count, titles) => format!("{count} reports under {titles} heading{}", if titles == 1 { "" } else { "s" }),
        }];
        if reports == 0 && !events {
            parts.extend(self.notable());
        }
        if summary.others > 0 {
            let (lines, look) =
                if summary.others == 1 { ("line", "looks like a report") } else { ("lines", "look like reports") };
            let more = if events { "" } else { "; --all" };
            parts.push(format!("{} {lines} of other programs {look}{more}", summary.others));
        }
        if summary.boots > 1 {
            parts.push(format!("{} boots", summary.boots));
        }
        let mut missing: Vec<String> = summary
            .gaps
            .iter()
            .map(|(words, (lines, messages))| match messages {
                0 => format!("{words} ({lines}×)"),
                messages => format!("{messages} {words}"),
            })
            .collect();
        if summary.cut {
            missing.push("the last line is cut".into());
        }
        if !missing.is_empty() {
            parts.push(format!("missing: {}", missing.join(", ")));
        }
        format!("{}: {}", safe(log), parts.join("; "))
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
    let _ = writeln!(out, "{quiet}{}{}", look.fitted(&format!("{line}  {}", safe(&event.title))), quiet.render_reset());
    let rows = if look.is_full() { event.rows.len() } else { ROWS };
    for row in event.rows.iter().take(rows) {
        let _ = writeln!(out, "    {}", look.fitted(&safe(row)));
    }
    if event.rows.len() > rows {
        let _ = writeln!(out, "    … {} more rows", event.rows.len() - rows);
    }
}
