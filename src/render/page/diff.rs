//! The page of a comparison: the sides, what differs with rates and intervals, messages gained and lost, boot milestones.

use super::super::several;
use super::{Page, document};
use crate::diff::cause::aligned;
use crate::diff::record::{Causes, Rate};
use crate::diff::statistics::median;
use crate::diff::{Area, Difference, Finding, Group, Verdict};
use crate::render::svg::{Setting, Slope, rate_svg, slope_svg};
use maud::{Markup, PreEscaped, html};
use std::collections::BTreeSet;

/// Logs of a side that are named.
const LOGS: usize = 200;

/// The page of a comparison of `a` with `b`.
#[must_use]
pub fn diff_page(difference: &Difference, a: &Group, b: &Group) -> String {
    let (messages, others): (Vec<&Finding>, Vec<&Finding>) =
        difference.findings.iter().partition(|finding| finding.area == Area::Message && finding.known.is_none());
    let of =
        |test: &dyn Fn(&Finding) -> bool| -> Vec<&Finding> { others.iter().copied().filter(|one| test(one)).collect() };
    let counted = difference.findings.iter().filter(|one| one.verdict.is_claim() && one.known.is_none()).count();
    let body = html! {
        h1 { (difference.a.name) " \u{2192} " (difference.b.name) }
        p.verdict { @if counted == 0 { "no difference" } @else { (several(counted, "difference")) } }
        div.side { (side("A", difference.a.name.as_str(), &difference.a.logs)) (side("B", difference.b.name.as_str(), &difference.b.logs)) }
        (section("Different", &of(&|one| one.known.is_none() && one.verdict.is_claim())))
        (changes(&messages))
        (milestones(difference, a, b))
        (section("Cannot be told", &of(&|one| one.known.is_none() && one.verdict == Verdict::Unclear)))
        (section("Worth knowing", &of(&|one| one.known.is_none() && one.verdict == Verdict::Note)))
        (section("Known (baseline)", &difference.findings.iter().filter(|one| one.known.is_some()).collect::<Vec<_>>()))
        @if !difference.same.is_empty() {
            p.soft {
                "the same: "
                @for (at, (area, count)) in difference.same.iter().enumerate() { @if at > 0 { ", " } (count) " " (area) }
            }
        }
        p.soft { "Intervals: " (difference.interval) ". A difference of rates is claimed below " (format!("{:.0} %", difference.alpha * 100.0)) ", corrected within its area." }
    };
    document(&Page {
        title: format!("{} and {} – kanalyze", difference.a.name, difference.b.name), body, again: None
    })
}

fn side(letter: &str, name: &str, logs: &[String]) -> Markup {
    html! {
        div {
            h2 { (letter) ": " (name) }
            details {
                summary { (several(logs.len(), "run")) }
                ul { @for log in logs.iter().take(LOGS) { li { (log) } } }
                @if logs.len() > LOGS { p.soft { (logs.len() - LOGS) " more" } }
            }
        }
    }
}

fn section(title: &str, findings: &[&Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            h2 { (title) }
            div.wide tabindex="0" role="region" aria-label=(title) {
                table {
                    thead { tr { th { "verdict" } th { "what" } th { "A" } th { "B" } th { "in words" } } }
                    tbody { @for finding in findings { (row(finding)) } }
                }
            }
        }
    }
}

fn row(finding: &Finding) -> Markup {
    html! {
        tr.card data-rank="0" {
            td { strong { (finding.verdict.word()) } div.soft { (finding.area.name()) } }
            td {
                span.title { (finding.name) }
                @for title in &finding.alt_titles { div.soft { "also " (title) } }
            }
            td { (value(finding.a.as_ref(), finding.a_value.as_deref())) }
            td { (value(finding.b.as_ref(), finding.b_value.as_deref())) }
            td {
                (finding.words)
                @if let Some(place) = &finding.place { div.soft { (place.log) ":" (place.line) } }
                @if let Some(known) = &finding.known { div.soft { "known: " (known) } }
                @if let Some(causes) = &finding.causes { (both(causes)) }
            }
        }
    }
}

fn value(rate: Option<&Rate>, value: Option<&str>) -> Markup {
    html! {
        @if let Some(value) = value { code { (value) } }
        @if let Some(rate) = rate {
            @let share = if rate.of == 0 { 0.0 } else { rate.runs as f64 / rate.of as f64 };
            div.num { (rate.runs) " of " (rate.of) }
            (PreEscaped(rate_svg(share, rate.low, rate.high, &format!("{} of {} runs, {:.0} to {:.0} %", rate.runs, rate.of, rate.low * 100.0, rate.high * 100.0))))
            @if rate.times > rate.runs { div.soft { (rate.times) " times" } }
        }
    }
}

/// Two causes of one title beside each other.
fn both(causes: &Causes) -> Markup {
    html! {
        details {
            summary { "two causes: " (causes.because) }
            table {
                thead { tr { th { "A" } th { "B" } } }
                tbody {
                    @for (left, right) in aligned(&causes.a.lines(), &causes.b.lines()) {
                        tr {
                            td { code { @if let Some(left) = left { (left) } } }
                            td { code { @if let Some(right) = right { (right) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Messages that only one side has, or that one has more often.
fn changes(messages: &[&Finding]) -> Markup {
    let list = |title: &str, wanted: &[Verdict]| {
        let own: Vec<&&Finding> = messages.iter().filter(|one| wanted.contains(&one.verdict)).collect();
        html! {
            div {
                h3 { (several(own.len(), "message")) " " (title) }
                @for finding in own {
                    p {
                        code { (finding.name) } " "
                        span.soft { (finding.words) @if let Some(place) = &finding.place { " · " (place.log) ":" (place.line) } }
                    }
                }
            }
        }
    };
    html! {
        @if messages.iter().any(|one| one.verdict.is_claim()) {
            h2 { "Messages" }
            div.side {
                (list("lost", &[Verdict::Gone, Verdict::Less]))
                (list("gained", &[Verdict::New, Verdict::More]))
            }
        }
        @let open: Vec<&&Finding> = messages.iter().filter(|one| !one.verdict.is_claim()).collect();
        @if !open.is_empty() {
            details { summary { (several(open.len(), "message")) " about which too few runs say nothing sure" }
                @for finding in open { p { code { (finding.name) } " " span.soft { (finding.words) } } }
            }
        }
    }
}

/// When the stations of the boot were reached, medians over the runs of a side.
fn milestones(difference: &Difference, a: &Group, b: &Group) -> Markup {
    let names: BTreeSet<&str> = a.runs.iter().chain(&b.runs).flat_map(|run| run.milestones.keys().copied()).collect();
    let middle = |group: &Group, name: &str| {
        median(&group.runs.iter().filter_map(|run| run.milestones.get(name).copied()).collect::<Vec<f64>>())
    };
    let claimed = |name: &str| {
        let own = |one: &&Finding| one.area == Area::Milestone && one.name == name;
        difference.findings.iter().find(own).is_some_and(|one| one.verdict.is_claim())
    };
    let slopes: Vec<Slope> = names
        .into_iter()
        .filter_map(|name| {
            Some(Slope { name: name.to_owned(), a: middle(a, name)?, b: middle(b, name)?, claimed: claimed(name) })
        })
        .collect();
    html! {
        @if slopes.len() > 1 {
            h2 { "Boot milestones" }
            p.soft { "Medians, seconds since boot. What is claimed to be slower is red, what is faster bold." }
            div.wide tabindex="0" role="region" aria-label="boot milestones" {
                (PreEscaped(slope_svg(&slopes, Setting::Page { anchor: "slope-", id: "slope-" })))
            }
        }
    }
}
