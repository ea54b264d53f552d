//! The page of one log: what it is, its time line, a card for each heading, the log itself.

use super::super::log::around::last_line;
use super::super::log::counted;
use super::super::log::group::{Group, groups};
use super::super::log::overview::{Common, heading, tainted};
use super::super::log::words::task_text;
use super::super::several;
use super::card::{Card, rank};
use super::course::course;
use super::listing::{Share, Span, listing, told};
use super::timeline::{Mark, timeline};
use super::{LogPage, Page, document, line_link};
use crate::render::{Detail, Look};
use crate::report::{Report, Speaker};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Headings of which every card is open.
const OPEN: usize = 6;
/// Events that are listed.
const EVENTS: usize = 200;

/// A log of at most so many bytes is in its page as a whole.
const WHOLE: usize = 4 << 20;

/// The page of a log.
#[must_use]
pub fn log_page(page: &LogPage<'_>) -> String {
    let body = parts(page, true);
    document(&Page { title: format!("{} – kanalyze", page.name), body, again: None })
}

/// The parts of a log's page; those of a page that is more than the log have no first heading.
pub(super) fn parts(page: &LogPage<'_>, first: bool) -> Markup {
    let look = Look { detail: Detail::Full, ..Look::default() };
    let groups = groups(page.view.reports(), page.dumps, &look);
    let own: Vec<&Report> = groups.iter().flat_map(Group::all).collect();
    let common = Common::of(&own);
    let plain = page.text.plain();
    let lines = lines(plain);
    let cards = html! {
        @for (number, group) in groups.iter().enumerate() {
            (Card { page, group, common: &common, number, open: groups.len() <= OPEN || number < 2 }.markup())
        }
    };
    let top = html! {
        (head(page, &groups, &common, own.len(), lines, first))
        (overview(&groups))
    };
    let marks = marks(page, &groups);
    let line = html! {
        h2 { "Time line" }
        (timeline(&course(page.text.log()), &marks, &|line| page.text.line(line)))
    };
    let events = events(page);
    let share = page.share.unwrap_or(if plain.len() <= WHOLE { Share::All } else { Share::Around });
    let mut linked = BTreeSet::new();
    for part in [&top, &line, &cards, &events] {
        linked.extend(told(&part.0));
    }
    html! {
        (top)
        (line)
        (filters(page, share))
        @if !groups.is_empty() { h2 { "What happened" } (cards) }
        (events)
        (listing(plain, share, &linked, &spans(&groups), lines))
    }
}

/// How many lines a text has.
pub(super) fn lines(text: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', text).count() as u64;
    ends + u64::from(!text.is_empty() && !text.ends_with(b"\n"))
}

fn head(page: &LogPage<'_>, groups: &[Group<'_>], common: &Common, reports: usize, lines: u64, first: bool) -> Markup {
    let verdict = match (groups, page.silence) {
        ([], Some(words)) => words.to_owned(),
        ([], None) => "no crash found in this log".to_owned(),
        (groups, _) => counted(reports, groups.len()),
    };
    let bytes = page.text.plain().len();
    let aside = page.view.aside(page.summary, true, true);
    html! {
        @if first { h1 { (page.name) } } @else { h2 { (page.name) } }
        p.verdict { (verdict) @if let Some(first) = groups.first() { ": " (heading(first)) @if groups.len() > 1 { " …" } } }
        dl.facts {
            dt { "log" } dd { (lines) " lines, " (size(bytes)) @if let Some(whole) = page.text.taken_from() { ", taken out of " (whole) } }
            @if page.summary.boots > 1 { dt { "boots" } dd { (page.summary.boots) } }
            @if let Some(kernel) = &common.kernel_version { dt { "kernel" } dd { (kernel) } }
            @if let Some(machine) = &common.hardware { dt { "machine" } dd { (machine) } }
            @if let Some(taint) = &common.taint { dt { "taint" } dd { (tainted(taint)) } }
            @for (at, words) in aside.iter().enumerate() { dt { @if at == 0 { "besides" } } dd { (words) } }
        }
    }
}

/// `12.3 kB`.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// One line per heading, where there are several.
fn overview(groups: &[Group<'_>]) -> Markup {
    html! {
        @if groups.len() > 1 {
            div.wide tabindex="0" role="region" aria-label="headings" {
                table {
                    thead { tr { th { "line" } th.n { "time" } th { "severity" } th.n { "times" } th { "title" } } }
                    tbody {
                        @for (number, group) in groups.iter().enumerate() {
                            @let first = group.reports[0];
                            tr class={ "s" (rank(first)) } {
                                td { (line_link(first.line)) }
                                td.n { @if let Some(time) = first.time { (format!("{time:.3} s")) } @else if let Some(wall) = &first.wall { (wall) } }
                                td { span.sev { (first.severity.word()) } }
                                td.n { (group.count()) }
                                td { a href={ "#card-" (number) } { (heading(group)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Search and filters; they need the script.
fn filters(page: &LogPage<'_>, share: Share) -> Markup {
    let callers: BTreeSet<&str> = page
        .view
        .reports()
        .iter()
        .filter_map(|report| report.caller.as_deref())
        .chain(page.view.events().iter().filter_map(|event| event.caller.as_deref()))
        .take(2_000)
        .collect();
    html! {
        form #filters data-needs-script hidden role="search" {
            label { "words" input #words type="search" placeholder="text in cards and log ( / )" autocomplete="off"; }
            label { "caller" input #caller list="callers" placeholder="T31" autocomplete="off"; }
            datalist #callers { @for caller in callers { option value=(caller) {} } }
            label {
                "severity"
                select #severity {
                    option value="" { "all" }
                    option value="0" { "panic" }
                    option value="1" { "crash or worse" }
                    option value="2" { "hang or worse" }
                    option value="3" { "leak or worse" }
                    option value="4" { "error or worse" }
                }
            }
            button #clear type="button" { "clear" }
            span #shown.soft role="status" {}
            @if share != Share::None { span #matches.soft role="status" {} }
        }
    }
}

/// Reports and the kernel's events as marks of the time line.
fn marks<'a>(page: &'a LogPage<'_>, groups: &[Group<'a>]) -> Vec<Mark<'a>> {
    let mut marks = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        marks.extend(group.all().map(|report| Mark {
            boot: report.boot,
            time: report.time,
            line: report.line,
            title: &report.title,
            card: Some(number),
            severity: report.severity,
        }));
    }
    let kernel = page.view.events().iter().filter(|event| event.speaker == Speaker::Kernel);
    marks.extend(kernel.map(|event| Mark {
        boot: event.boot,
        time: event.time,
        line: event.line,
        title: &event.title,
        card: None,
        severity: event.severity,
    }));
    marks
}

/// Which lines belong to which card.
fn spans(groups: &[Group<'_>]) -> Vec<Span> {
    let mut spans: Vec<Span> = groups
        .iter()
        .enumerate()
        .flat_map(|(number, group)| {
            group.all().map(move |report| (report.line, last_line(report), rank(report), number))
        })
        .collect();
    spans.sort_unstable();
    spans
}

/// Notable lines that are not crashes.
fn events(page: &LogPage<'_>) -> Markup {
    let events = page.view.events();
    html! {
        @if !events.is_empty() {
            details #events {
                summary { (several(events.len(), "notable line")) ", no crash" }
                div.wide tabindex="0" role="region" aria-label="notable lines" {
                    table {
                        thead { tr { th { "line" } th.n { "time" } th { "what" } th { "task" } } }
                        tbody {
                            @for event in events.iter().take(EVENTS) {
                                tr {
                                    td { (line_link(event.line)) }
                                    td.n { @if let Some(time) = event.time { (format!("{time:.3} s")) } }
                                    td { (event.title) @if event.speaker != Speaker::Kernel { span.soft { " (not the kernel's)" } } }
                                    td { @if let Some(task) = &event.task { (task_text(task)) } }
                                }
                            }
                        }
                    }
                }
                @if events.len() > EVENTS { p.soft { (events.len() - EVENTS) " more: `kanalyze parse --all`" } }
            }
        }
    }
}
