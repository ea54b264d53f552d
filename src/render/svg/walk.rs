//! A bisection's walk as a chart: revisions left on a logarithmic scale, below them how often each kernel crashed.

use super::Setting;
use super::drawing::{Drawing, MARGIN, width_of};
use crate::bisect::Bisection;
use crate::bisect::record::{Kind, Role, Step, Verdict};
use crate::diff::statistics::clopper_pearson;
use crate::render::{fitted, safe};

/// Least and largest distance of two rounds, pixels.
const ROUND: (f64, f64) = (38.0, 84.0);
/// Width that a walk of few rounds takes, pixels.
const WIDE: f64 = 860.0;
/// Height of the upper field, pixels.
const LEFT: f64 = 240.0;
/// Height of the lower field, pixels.
const RATE: f64 = 90.0;
/// Where the fields begin, pixels from the left.
const START: f64 = 70.0;
/// How many rounds are drawn.
const ROUNDS: usize = 400;
/// How many titles have a colour of their own.
const COLOURS: usize = 8;

/// The titles of a walk in the order of their first occurrence; a title's letter is its place.
#[must_use]
pub fn titles(found: &Bisection) -> Vec<&str> {
    let mut titles: Vec<&str> = Vec::new();
    for title in found.walked().take(ROUNDS).flat_map(|step| step.titles()) {
        if titles.len() < 26 && !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

/// `A`, `B` …
#[must_use]
pub fn letter(at: usize) -> char {
    char::from(b'A' + u8::try_from(at.min(25)).unwrap_or(25))
}

/// The picture of one bisection.
#[must_use]
pub fn walk_svg(found: &Bisection, setting: Setting<'_>) -> String {
    let steps: Vec<&Step> = found.walked().take(ROUNDS).collect();
    let most = steps.iter().filter_map(|step| step.left).max().unwrap_or(1).max(1);
    let titles = titles(found);
    let rates = steps.iter().any(|step| step.crashed + step.survived > 0);
    let mut drawing = Drawing::new(setting);
    let round = ((WIDE - START) / steps.len().max(1) as f64).clamp(ROUND.0, ROUND.1);
    let width = (START + steps.len() as f64 * round + 20.0).max(620.0);
    // Alone it begins with the answer; a page has said it.
    let base = if setting == Setting::Alone { 24.0 } else { 0.0 };
    let top = base + 72.0;
    if setting == Setting::Alone {
        drawing.text((MARGIN, 18.0), "b", &fitted(&found.answer, 74));
    }
    drawing.text((MARGIN, base + 38.0), "soft", "revisions left");
    let mut power = 1_u64;
    while power <= most {
        let y = height_of(Some(power), most, top);
        drawing.add(&format!("<path class=\"grid\" d=\"M{START:.0} {y:.1} H{:.0}\"/>", width - 8.0));
        drawing.add(&format!(
            "<text class=\"axis\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{power}</text>",
            START - 6.0,
            y + 4.0
        ));
        power = power.saturating_mul(16);
    }
    let places: Vec<(f64, f64)> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| (START + 16.0 + at as f64 * round, height_of(step.left, most, top)))
        .collect();
    let bottom = if rates { top + LEFT + RATE + 50.0 } else { top + LEFT };
    drift(found, &steps, &places, &mut drawing, (base + 14.0, bottom), round);
    let line: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    if !line.is_empty() {
        drawing.add(&format!("<path class=\"way\" d=\"M{}\"/>", line.join(" L")));
    }
    // Names of releases that stand close are set in two rows.
    let mut releases = 0;
    for (step, place) in steps.iter().zip(&places) {
        mark(found.kind, step, *place, &titles, &mut drawing);
        if let Some(release) = &step.release {
            releases += 1;
            let above = if releases % 2 == 0 && round < 60.0 { 25.0 } else { 12.0 };
            drawing.centred((place.0, place.1 - above), "axis", &fitted(&safe(release), 12));
        }
    }
    let mut bottom = top + LEFT + 30.0;
    if rates {
        crash_rates(&steps, &places, &mut drawing, bottom + 26.0, width);
        bottom += RATE + 50.0;
    }
    drawing.text(
        (MARGIN, bottom),
        "soft",
        "circle bad · square good · triangle skipped or not judged · letter: the title",
    );
    bottom += 10.0;
    if setting == Setting::Alone {
        for (at, title) in titles.iter().enumerate().take(COLOURS) {
            bottom += 18.0;
            drawing.add(&format!(
                "<rect class=\"c{at}\" x=\"10\" y=\"{:.1}\" width=\"11\" height=\"11\"/>",
                bottom - 10.0
            ));
            drawing.text((28.0, bottom), "", &format!("{} {}", letter(at), fitted(&safe(title), 100)));
        }
    }
    drawing.framed((width, bottom + MARGIN), "The walk of a bisection", &found.answer)
}

/// Where no kernel crashes under a title of the first test any more.
fn drift(
    found: &Bisection,
    steps: &[&Step],
    places: &[(f64, f64)],
    drawing: &mut Drawing<'_>,
    (top, bottom): (f64, f64),
    round: f64,
) {
    let Some(drift) = &found.title_drift else { return };
    let Some(step) = found.steps.get(drift.step) else { return };
    let Some(at) = steps.iter().position(|one| one.line == step.line) else { return };
    let x = places[at].0 - round / 2.0;
    drawing.add(&format!("<path class=\"edge likely ring\" d=\"M{x:.1} {:.1} V{bottom:.1}\"/>", top - 8.0));
    let words = "from here on other titles";
    let last = places.last().map_or(x, |last| last.0);
    let left = x + 6.0 + width_of(words) > last.max(600.0);
    drawing.text((if left { x - width_of(words) - 6.0 } else { x + 6.0 }, top), "", words);
}

/// A round: its shape is the side, its colour and letter the title.
fn mark(kind: Kind, step: &Step, (x, y): (f64, f64), titles: &[&str], drawing: &mut Drawing<'_>) {
    let title = step.titles().next().and_then(|first| titles.iter().position(|title| *title == first));
    let colour = title.map_or(2, |at| if at < COLOURS { at } else { COLOURS - 1 });
    let words = crate::markup::xml(&tooltip(step));
    let shape = match side(kind, step) {
        Some(Verdict::Bad) => {
            format!("<circle class=\"c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\"><title>{words}</title></circle>")
        }
        Some(Verdict::Good) => format!(
            "<rect class=\"c{colour}\" x=\"{:.1}\" y=\"{:.1}\" width=\"13\" height=\"13\"><title>{words}</title></rect>",
            x - 6.5,
            y - 6.5
        ),
        _ => format!("<path class=\"node\" d=\"M{x:.1} {:.1} l7 13 h-14 z\"><title>{words}</title></path>", y - 7.0),
    };
    let (open, close) = drawing.line_link(step.line);
    let open = if open.is_empty() { open } else { open.replace("<a ", &format!("<a aria-label=\"{words}\" ")) };
    drawing.add(&open);
    drawing.add(&shape);
    drawing.add(close);
    if let Some(title) = title {
        drawing.centred((x, y + 20.0), "axis", &letter(title).to_string());
    }
}

/// How many of the runs crashed, with the exact 95 % interval.
fn crash_rates(steps: &[&Step], places: &[(f64, f64)], drawing: &mut Drawing<'_>, top: f64, width: f64) {
    drawing.text((MARGIN, top - 14.0), "soft", "crashed runs, with the 95 % interval");
    for share in [0.0, 0.5, 1.0] {
        let y = top + RATE * (1.0 - share);
        drawing.add(&format!("<path class=\"grid\" d=\"M{START:.0} {y:.1} H{:.0}\"/>", width - 8.0));
        drawing.add(&format!(
            "<text class=\"axis\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>",
            START - 6.0,
            y + 4.0,
            100.0 * share
        ));
    }
    for (step, (x, _)) in steps.iter().zip(places) {
        let (crashed, all) = (step.crashed as usize, (step.crashed + step.survived) as usize);
        if all == 0 {
            continue;
        }
        let (low, high) = clopper_pearson(crashed, all, 0.95);
        let y = |share: f64| top + RATE * (1.0 - share);
        let rate = crashed as f64 / all as f64;
        drawing.add(&format!(
            "<path class=\"edge certain\" d=\"M{x:.1} {:.1} V{:.1} M{:.1} {:.1} h8 M{:.1} {:.1} h8\"/>",
            y(low),
            y(high),
            x - 4.0,
            y(low),
            x - 4.0,
            y(high)
        ));
        drawing.add(&format!(
            "<circle class=\"c1\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\"><title>{crashed} of {all} runs crashed, {:.0} to {:.0} %</title></circle>",
            y(rate),
            100.0 * low,
            100.0 * high
        ));
    }
}

/// What git was told, or for releases and the like what the rules say.
pub(in crate::render) fn side(kind: Kind, step: &Step) -> Option<Verdict> {
    let seen = if kind == Kind::Fix { Verdict::Good } else { Verdict::Bad };
    step.verdict.or(step.rules_verdict).or_else(|| (step.is_crashing() && step.role != Role::Parent).then_some(seen))
}

/// Releases stand on top, commits lower the fewer are left.
fn height_of(left: Option<u64>, most: u64, top: f64) -> f64 {
    let share = left.map_or(1.0, |left| ((left + 1) as f64).ln() / ((most + 1) as f64).ln());
    top + LEFT * (1.0 - share)
}

fn tooltip(step: &Step) -> String {
    let name = step.release.as_deref().unwrap_or(&step.commit);
    let mut text = format!("{name}: {} of {} crashed", step.crashed, step.crashed + step.survived);
    for extra in step.subject.as_deref().into_iter().chain(step.titles().take(1)) {
        text.push_str("; ");
        text.push_str(extra);
    }
    fitted(&text, 300).into_owned()
}
