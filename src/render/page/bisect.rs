//! The page of a bisection: the answer, the walk as a chart, the reasons as bars that add up, every step, the transcript.

use super::super::several;
use super::listing::{Share, listing, told};
use super::log::lines;
use super::{Page, document, line_link};
use crate::bisect::record::{Kind, Reason, RevertResult, Step};
use crate::bisect::{Bisection, INTERCEPT, verdict_word};
use crate::diff::statistics::clopper_pearson;
use crate::render::svg::{Setting, rate_svg, side, step_svg, walk_letter, walk_svg, walk_titles};
use maud::{Markup, PreEscaped, html};

/// What the page of a bisection is made of.
#[derive(Debug)]
pub struct BisectPage<'a> {
    /// The log's name.
    pub name: &'a str,
    /// The bisections in it, in their order.
    pub found: &'a [Bisection],
    /// The text that their lines are of.
    pub text: &'a [u8],
}

/// A transcript of at most so many bytes is in its page as a whole.
const WHOLE: usize = 4 << 20;
/// Terms that weigh less are shown together.
const SLIGHT: f64 = 0.05;
/// Files of a commit that are named.
const FILES: usize = 12;

/// The page of the bisections in one text.
#[must_use]
pub fn bisect_page(page: &BisectPage<'_>) -> String {
    let parts = html! {
        @for (number, found) in page.found.iter().enumerate() {
            @if page.found.len() > 1 { h2 { "bisection " (number + 1) " of " (page.found.len()) } }
            (one(found, number))
        }
    };
    let share = if page.text.len() <= WHOLE { Share::All } else { Share::Around };
    let linked = told(&parts.0);
    let body = html! {
        h1 { (page.name) }
        (parts)
        form #filters data-needs-script hidden role="search" {
            label { "words" input #words type="search" placeholder="text in the transcript ( / )" autocomplete="off"; }
            input #caller type="hidden" value="";
            input #severity type="hidden" value="";
            button #clear type="button" { "clear" }
            span #matches.soft role="status" {}
        }
        (listing(page.text, share, &linked, &[], lines(page.text)))
    };
    document(&Page { title: format!("{} – kanalyze", page.name), body, again: None })
}

fn one(found: &Bisection, number: usize) -> Markup {
    let anchor = format!("walk-{number}-");
    let titles = walk_titles(found);
    html! {
        p.verdict { (found.answer) }
        (commit(found))
        @if found.steps.len() > 1 {
            h2 { "The walk" }
            div.wide tabindex="0" role="region" aria-label="the walk as a chart" {
                (PreEscaped(walk_svg(found, Setting::Page { anchor: &anchor, id: &anchor })))
            }
            @if !titles.is_empty() {
                ul.titles {
                    @for (at, title) in titles.iter().enumerate() {
                        li {
                            svg.k width="12" height="12" aria-hidden="true" { rect class={ "c" (at.min(7)) } width="12" height="12" {} }
                            " " strong { (walk_letter(at)) } " " (title)
                        }
                    }
                }
            }
        }
        (reasons(found))
        (steps(found, &titles))
    }
}

fn commit(found: &Bisection) -> Markup {
    html! {
        dl.facts {
            @for commit in found.commits.iter().take(8) {
                dt { "commit" }
                dd { code { (commit) } " " button type="button" data-needs-script hidden data-copy=(commit) { "copy" } }
            }
            @if let Some(culprit) = &found.culprit {
                @if !culprit.subject.is_empty() { dt { "subject" } dd { strong { (culprit.subject) } } }
                @if let Some(author) = &culprit.author { dt { "author" } dd { (author) @if let Some(date) = &culprit.date { ", " (date) } } }
                @if !culprit.files.is_empty() {
                    dt { "files" }
                    dd {
                        @for file in culprit.files.iter().take(FILES) {
                            div.mono { (file.path) @if let Some(lines) = file.lines { " " span.soft { (several(usize::try_from(lines).unwrap_or(usize::MAX), "line")) } } }
                        }
                        @if culprit.files.len() > FILES { div.soft { (culprit.files.len() - FILES) " more" } }
                    }
                }
            }
            @if let Some(trust) = &found.trust { dt { "range" } dd { (trust.words) } }
            @if let Some(doubt) = &found.unreliable_from { dt { "doubt" } dd.doubt { "from step " (doubt.step + 1) " on: " (doubt.why) } }
            @if let Some(drift) = &found.title_drift {
                dt { "titles" }
                dd.doubt {
                    "from step " (drift.step + 1) " on no kernel crashed under a title of the first test; there it was \u{201c}" (drift.title)
                    "\u{201d}. Of such bisections " (drift.drifted.right) " of " (drift.drifted.of) " were right, of those that kept the title "
                    (drift.kept.right) " of " (drift.kept.of) "."
                }
            }
            @if let Some(test) = &found.next_test { dt { "next test" } dd { strong { (test.words) } } }
            @for nuisance in found.infrastructure.iter().take(3) {
                dt { "host" }
                dd { (nuisance.title) ": " (several(nuisance.runs as usize, "run")) " in " (several(nuisance.steps as usize, "step")) }
            }
            @for note in &found.notes { dt { "note" } dd { (note) } }
        }
    }
}

/// The terms of the confidence, one below the other: each bar begins where the sum was.
fn reasons(found: &Bisection) -> Markup {
    let Some(confidence) = found.confidence.filter(|_| !found.reasons.is_empty()) else { return html! {} };
    let (start, mut others): (Vec<&Reason>, Vec<&Reason>) =
        found.reasons.iter().partition(|reason| reason.sign == INTERCEPT);
    others.sort_by(|one, other| other.weight.abs().total_cmp(&one.weight.abs()));
    let mut sum = 0.0;
    let terms: Vec<(&Reason, f64, f64)> = start
        .into_iter()
        .chain(others)
        .map(|reason| {
            let from = sum;
            sum += reason.weight;
            (reason, from, sum)
        })
        .collect();
    // Terms that move nothing are one.
    let (terms, slight): (Vec<_>, Vec<_>) = terms.into_iter().partition(|(reason, ..)| reason.weight.abs() >= SLIGHT);
    let before = slight.first().map_or(sum, |(_, from, _)| *from);
    let ends = || terms.iter().flat_map(|(_, from, to)| [*from, *to]).chain([0.0]);
    let scale = (ends().fold(f64::MAX, f64::min), ends().fold(f64::MIN, f64::max));
    html! {
        h2 { "For and against" }
        p { span.big { (format!("{:.0} %", confidence * 100.0)) } " is the probability that the named commit is right: the sum of these terms (log odds) is " (format!("{sum:+.1}")) "." }
        @for revert in &found.reverts {
            p {
                @match revert.result {
                    RevertResult::Passed => "for it: ",
                    RevertResult::Failed => "against it: ",
                    RevertResult::Unknown => "also said: ",
                }
                (revert.words) " " (line_link(revert.line))
            }
        }
        div.wide tabindex="0" role="region" aria-label="reasons" {
            table {
                thead { tr { th.n { "weight" } th { "against \u{2190} sum \u{2192} for" } th { "what was seen" } } }
                tbody {
                    @for (reason, from, to) in &terms {
                        tr {
                            td.n { (format!("{:+.1}", reason.weight)) }
                            td { (PreEscaped(step_svg(*from, *to, scale, false))) }
                            td { (reason.words) }
                        }
                    }
                    @if !slight.is_empty() {
                        tr {
                            td.n { (format!("{:+.1}", sum - before)) }
                            td { (PreEscaped(step_svg(before, sum, scale, false))) }
                            td { details {
                                summary { (several(slight.len(), "other sign")) ", of less than " (SLIGHT) " each" }
                                @for (reason, ..) in &slight { div { (format!("{:+.2} ", reason.weight)) (reason.words) } }
                            } }
                        }
                    }
                    tr { td.n { strong { (format!("{sum:+.1}")) } } td { (PreEscaped(step_svg(0.0, sum, scale, true))) } td { strong { "the sum" } } }
                }
            }
        }
    }
}

fn steps(found: &Bisection, titles: &[&str]) -> Markup {
    html! {
        @if !found.steps.is_empty() {
            h2 { "Step by step" }
            div.wide tabindex="0" role="region" aria-label="steps" {
                table {
                    thead { tr { th.n { "step" } th { "line" } th { "kernel" } th { "told git" } th { "crashed" } th { "titles" } th.n { "left" } } }
                    tbody { @for (number, step) in found.steps.iter().enumerate() { (row(found.kind, step, number, titles)) } }
                }
            }
        }
    }
}

fn row(kind: Kind, step: &Step, number: usize, titles: &[&str]) -> Markup {
    let (crashed, all) = (step.crashed as usize, (step.crashed + step.survived) as usize);
    let letters: String = {
        let mut own: Vec<usize> =
            step.titles().filter_map(|title| titles.iter().position(|known| *known == title)).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().map(walk_letter).collect()
    };
    html! {
        tr {
            td.n { (number + 1) }
            td { (line_link(step.line)) }
            td {
                @if let Some(release) = &step.release { strong { (release) } " " }
                code { (step.commit.get(..12).unwrap_or(&step.commit)) }
                @if let Some(subject) = &step.subject { " " (subject) }
                @if let Some(failure) = &step.failure { div.doubt { (failure) } }
                @if let Some(words) = &step.contradiction { div.doubt { (words) } }
            }
            td {
                @match step.verdict {
                    Some(verdict) => (verdict_word(verdict)),
                    None => { @if let Some(seen) = side(kind, step) { span.soft { "(" (verdict_word(seen)) ")" } } }
                }
            }
            td.num {
                @if all > 0 {
                    @let (low, high) = clopper_pearson(crashed, all, 0.95);
                    (PreEscaped(rate_svg(crashed as f64 / all as f64, low, high, &format!("{crashed} of {all} runs crashed"))))
                    " " (crashed) " of " (all)
                }
            }
            td { (letters) }
            td.n { @if let Some(left) = step.left { (left) } }
        }
    }
}
