//! The time line of a log: a row for each severity, its reports as marks that lead to their cards, boots, events and silences.

use super::course::Boot;
use crate::grammar::Severity;
use maud::{Markup, html};

/// Something on the time line.
pub(super) struct Mark<'a> {
    /// Which boot, from 0.
    pub(super) boot: usize,
    /// printk time, seconds.
    pub(super) time: Option<f64>,
    /// 1-based line of the log.
    pub(super) line: u64,
    /// What it is.
    pub(super) title: &'a str,
    /// The card that shows it; for events there is none.
    pub(super) card: Option<usize>,
    /// How bad it is.
    pub(super) severity: Severity,
}

/// Height of a row, pixels.
const ROW: usize = 20;
/// Events that are drawn.
const EVENTS: usize = 400;
/// Reports that are drawn.
const REPORTS: usize = 2_000;
/// More reports are drawn narrower.
const CROWDED: usize = 80;
/// The least share of the width that a boot gets.
const LEAST: f64 = 0.06;

const SEVERITIES: [Severity; 6] =
    [Severity::Panic, Severity::Crash, Severity::Hang, Severity::Leak, Severity::Error, Severity::Note];

/// The time line; `settle` gives a line of the log's text as a line of the file.
pub(super) fn timeline(boots: &[Boot], marks: &[Mark<'_>], settle: &dyn Fn(u64) -> u64) -> Markup {
    let rows: Vec<Severity> = SEVERITIES
        .into_iter()
        .filter(|severity| marks.iter().any(|mark| mark.card.is_some() && mark.severity == *severity))
        .collect();
    let events = marks.iter().any(|mark| mark.card.is_none());
    let (starts, widths) = shares(boots);
    let at = |mark: &Mark<'_>| {
        let boot = mark.boot.min(boots.len() - 1);
        100.0 * (starts[boot] + widths[boot] * boots[boot].place(mark.time, mark.line))
    };
    let top = rows.len() * ROW;
    let below = top + if events { ROW } else { 0 };
    let height = below + 2 * ROW;
    let much = boots.iter().flat_map(|boot| &boot.columns).max().copied().unwrap_or(0);
    // Many stand close.
    let wide = if marks.iter().filter(|mark| mark.card.is_some()).count() > CROWDED { 3 } else { 7 };
    html! {
        div.timeline {
            div.names aria-hidden="true" {
                @for row in &rows { div { (row.word()) } }
                @if events { div { "events" } }
                @if much > 0 { div { "lines" } }
            }
            svg width="100%" height=(height) role="group" aria-label="time line" {
                @for (number, boot) in boots.iter().enumerate() {
                    (ground(boot, number, (starts[number], widths[number]), below, much, settle))
                }
                @for mark in marks.iter().filter(|mark| mark.card.is_none()).take(EVENTS) {
                    a href={ "#L" (mark.line) } {
                        title { (mark.title) " :" (mark.line) }
                        rect.event x=(percent(at(mark))) y=(top + 6) width="3" height=(ROW - 12) {}
                    }
                }
                @for mark in marks.iter().take(REPORTS) {
                    @if let Some(card) = mark.card {
                        @let row = rows.iter().position(|row| *row == mark.severity).unwrap_or(0);
                        a class={ "s" (mark.severity as u8) } href={ "#card-" (card) } {
                            title { (mark.title) " :" (mark.line) }
                            rect.mark x=(percent(at(mark))) y=(row * ROW + 3) width=(wide) height=(ROW - 6) rx="1" {}
                        }
                    }
                }
            }
        }
    }
}

/// What is behind the marks of a boot: where it begins, how much was said, where nothing was.
fn ground(
    boot: &Boot,
    number: usize,
    (start, width): (f64, f64),
    below: usize,
    much: u32,
    settle: &dyn Fn(u64) -> u64,
) -> Markup {
    let left = 100.0 * start;
    let place = |time: f64| left + 100.0 * width * boot.place(Some(time), 0);
    let step = 100.0 * width / boot.columns.len().max(1) as f64;
    html! {
        @for (at, count) in boot.columns.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The square root shows the quiet beside the loud.
            @let high = (f64::from(*count) / f64::from(much)).sqrt() * (ROW as f64 - 2.0);
            rect.much x=(percent(left + step * at as f64)) y=(format!("{:.1}", (below + ROW) as f64 - high))
                width=(percent(step)) height=(format!("{high:.1}")) {}
        }
        @for silence in &boot.silences {
            @let words = format!("silent for {:.0} s, from {:.1} to {:.1} s", silence.to - silence.from, silence.from, silence.to);
            a href={ "#L" (settle(silence.line)) } aria-label=(words) {
                rect.quiet x=(percent(place(silence.from))) y="0" height=(below + ROW)
                    width=(percent((place(silence.to) - place(silence.from)).max(0.3))) {
                    title { (words) }
                }
            }
        }
        @if number > 0 { line.boot x1=(percent(left)) x2=(percent(left)) y1="0" y2=(below + ROW) {} }
        a href={ "#L" (settle(boot.line)) } {
            text x=(percent(left)) y=(below + 2 * ROW - 5) {
                "boot " (number + 1)
                @if boot.seconds() > 0.0 && width > 0.15 { (format!(", {:.0} s", boot.seconds())) }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

/// Where each boot begins and how wide it is, shares of the whole: by their time, by their lines if one has no times.
fn shares(boots: &[Boot]) -> (Vec<f64>, Vec<f64>) {
    let timed = boots.iter().all(|boot| boot.times.is_some());
    let weight = |boot: &Boot| if timed { boot.seconds() } else { (boot.last + 1 - boot.line.min(boot.last)) as f64 };
    let sum: f64 = boots.iter().map(weight).sum::<f64>().max(f64::MIN_POSITIVE);
    let wide: Vec<f64> = boots.iter().map(|boot| (weight(boot) / sum).max(LEAST)).collect();
    let all: f64 = wide.iter().sum();
    let widths: Vec<f64> = wide.iter().map(|width| width / all).collect();
    let starts = widths.iter().scan(0.0, |at, width| {
        let start = *at;
        *at += width;
        Some(start)
    });
    (starts.collect(), widths)
}
