//! The page of a run, while it lives and after: status, programs, hits, the last hang, the end of the serial log; and the index of
//! all runs.

use super::super::several;
use super::LogPage;
use super::listing::without_colours;
use super::log::parts;
use super::{Page, document, graph};
use crate::locks::Dump;
use crate::render::svg::spark_svg;
use crate::runs::{Manifest, Verdict};
use crate::vm::story::{Story, Told};
use maud::{Markup, PreEscaped, html};

/// How often the page of a run that lives comes again, seconds.
pub(super) const AGAIN: u32 = 5;
/// Things that happened that are shown at once.
const TOLD: usize = 40;

/// What the page of a run is made of.
#[derive(Debug, Clone, Copy)]
pub struct RunPage<'a> {
    /// What the run is.
    pub manifest: &'a Manifest,
    /// Whether it lives: then the page comes again by itself.
    pub lives: bool,
    /// How it stands, in a word.
    pub state: &'a str,
    /// What happened.
    pub story: &'a Story,
    /// The last hang, while the run lives.
    pub hang: Option<&'a Dump>,
    /// The end of the serial log, as text.
    pub tail: &'a str,
    /// The serial log as a page, when the run is over.
    pub log: Option<&'a LogPage<'a>>,
}

/// The page of a run.
#[must_use]
pub fn run_page(page: &RunPage<'_>) -> String {
    let manifest = page.manifest;
    let body = html! {
        h1 { (manifest.name) }
        (status(page))
        (programs(page.story))
        (hits(page))
        @if let Some(dump) = page.hang {
            h2 { "The last hang" }
            (graph::waits(graph::Records { reports: &[], events: &[] }, dump))
        }
        @if page.log.is_none() && !page.tail.is_empty() {
            h2 { "The end of the serial log" }
            pre.wide tabindex="0" { (String::from_utf8_lossy(&without_colours(page.tail.as_bytes()))) }
        }
        @match page.log {
            Some(log) => { (parts(log, false)) details { summary { "how it went" } (told(page)) } }
            None => (told(page)),
        }
    };
    document(&Page { title: format!("{} – {}", manifest.name, page.state), body, again: page.lives.then_some(AGAIN) })
}

fn status(page: &RunPage<'_>) -> Markup {
    let manifest = page.manifest;
    let phase = manifest.phase.words();
    let outcome = manifest.outcome.as_ref();
    let bad = outcome.is_some_and(|outcome| !matches!(outcome.verdict, Verdict::Clean | Verdict::Unseen));
    let color = if bad || !manifest.hits.is_empty() { "verdict s0" } else { "verdict s4" };
    html! {
        p class=(color) {
            @match outcome {
                Some(outcome) => {
                    span.sev { (outcome.verdict.words()) } ": "
                    @if let Some(title) = &outcome.title { (title) ": " }
                    (outcome.reason)
                }
                None => { span.sev { (page.state) } ": " (phase) ", " (clock(page.story.last)) }
            }
        }
        @if page.lives {
            p #fresh data-seconds=(AGAIN) {
                "This page is written anew as things happen"
                span data-needs-script hidden { "; " label { input #hold type="checkbox"; " hold it" } }
                "."
            }
        }
        dl.facts {
            dt { "began" } dd { (manifest.started) @if let Some(ended) = &manifest.ended { ", ended " (ended) } }
            @if let Some(seconds) = manifest.seconds { dt { "took" } dd { (clock(seconds)) } }
            @if let Some(boot) = manifest.boot_seconds { dt { "boot" } dd { (format!("{boot:.1} s")) } }
            @if let Some(machine) = &manifest.accelerator { dt { "machine" } dd { (machine) } }
            @for (name, version) in manifest.versions.iter().take(6) { dt { (name) } dd { (version) } }
            @if let Some(executed) = manifest.executed { dt { "programs" } dd { (executed) } }
            @for words in manifest.blockers.iter().chain(&manifest.troubles) { dt { "trouble" } dd.doubt { (words) } }
            @if !manifest.arguments.is_empty() { dt { "command" } dd { code { (manifest.arguments.join(" ")) } } }
        }
    }
}

fn programs(story: &Story) -> Markup {
    let rates = story.rates();
    let last = story.counts.last().map_or(0.0, |count| count.1);
    html! {
        @if !story.counts.is_empty() {
            h2 { "Programs" }
            p {
                span.big { (format!("{last:.0}")) } " executed"
                @if let Some(rate) = story.rate { (format!(", {rate:.1} a second at last")) }
            }
            @if rates.len() > 1 {
                @let most = rates.iter().map(|rate| rate.1).fold(0.0, f64::max);
                (PreEscaped(spark_svg(&rates, &format!("programs a second over the run, at most {most:.1}"))))
                p.soft { (format!("programs a second, from {} to {}; at most {most:.1}", clock(rates[0].0), clock(story.last))) }
            }
        }
    }
}

fn hits(page: &RunPage<'_>) -> Markup {
    let manifest = page.manifest;
    html! {
        h2 { (several(manifest.hits.len(), "hit")) ", " (several(page.story.reports.len(), "report")) }
        @for hit in &manifest.hits {
            p { strong { (hit.title) } " after " (clock(hit.at)) ", kept in " code { (hit.folder) } }
        }
        @if !page.story.reports.is_empty() {
            div.wide tabindex="0" role="region" aria-label="reports" {
                table {
                    thead { tr { th.n { "after" } th { "title" } th { "sought" } th.n { "line" } } }
                    tbody {
                        @for seen in page.story.reports.iter().rev().take(TOLD) {
                            tr {
                                td.n { (clock(seen.at)) }
                                td { (seen.title) }
                                td { @if seen.sought { "yes" } }
                                td.n { @if page.log.is_some() { (super::line_link(seen.line)) } @else { (seen.line) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn told(page: &RunPage<'_>) -> Markup {
    let row = |one: &Told| html! { tr { td.n { (clock(one.at)) } td { (one.word) } td { (one.text) } } };
    // Notable lines are many, and the log has them.
    let (events, others): (Vec<&Told>, Vec<&Told>) = page.story.told.iter().rev().partition(|one| one.word == "event");
    let table = |label: &str, rows: &[&Told]| {
        html! {
            div.wide tabindex="0" role="region" aria-label=(label) {
                table {
                    thead { tr { th.n { "after" } th { "what" } th { "in words" } } }
                    tbody { @for one in rows { (row(one)) } }
                }
            }
        }
    };
    html! {
        @if !others.is_empty() {
            h2 { "What happened, the newest first" }
            (table("what happened", &others[..others.len().min(TOLD)]))
            @if others.len() > TOLD { details { summary { "earlier" } (table("what happened earlier", &others[TOLD..])) } }
        }
        @if !events.is_empty() { details { summary { (several(events.len(), "notable line")) } (table("notable lines", &events)) } }
    }
}

/// `1:02:05`.
fn clock(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run's seconds, for people")]
    let whole = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// A run in the index.
#[derive(Debug)]
pub struct RunRow {
    /// What it is.
    pub manifest: Manifest,
    /// How it stands, in a word.
    pub state: &'static str,
    /// Its page, relative to the index; absent where there is none.
    pub page: Option<String>,
}

/// The index of all runs, the newest first.
#[must_use]
pub fn runs_page(name: &str, rows: &[RunRow]) -> String {
    let hits = rows.iter().filter(|row| !row.manifest.hits.is_empty()).count();
    let body = html! {
        h1 { (name) }
        p.verdict { (several(rows.len(), "run")) ", " (hits) " with a hit" }
        form #filters data-needs-script hidden role="search" {
            label { "words" input #words type="search" placeholder="text in runs ( / )" autocomplete="off"; }
            button #clear type="button" { "clear" }
            span #shown.soft role="status" {}
        }
        div.wide tabindex="0" role="region" aria-label="runs" {
            table {
                thead { tr { th { "run" } th { "outcome" } th.n { "took" } th.n { "programs" } th { "titles" } } }
                tbody {
                    @for row in rows.iter().rev() {
                        @let manifest = &row.manifest;
                        tr.card data-rank="0" {
                            td {
                                @match &row.page { Some(page) => a.title href=(page) { (manifest.name) }, None => span.title { (manifest.name) } }
                                div.soft { (manifest.started) }
                            }
                            td {
                                strong { (manifest.outcome.as_ref().map_or(row.state, |outcome| outcome.verdict.words())) }
                                @if let Some(title) = manifest.outcome.as_ref().and_then(|outcome| outcome.title.as_ref()) { div { (title) } }
                            }
                            td.n { @if let Some(seconds) = manifest.seconds { (clock(seconds)) } }
                            td.n { @if let Some(executed) = manifest.executed { (executed) } }
                            td { @for (title, count) in manifest.titles.iter().take(8) { div { (count) " × " (title) } } }
                        }
                    }
                }
            }
        }
    };
    document(&Page { title: format!("{name} – kanalyze"), body, again: None })
}
