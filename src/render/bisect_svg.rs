//! A bisection as a picture: rounds from left to right, commits left to test on a logarithmic scale, titles by colour.

use crate::bisect::Bisection;
use crate::bisect::record::{Kind, Role, Step, Verdict};
use crate::markup::xml;
use std::fmt::Write as _;

/// Distance of two rounds, pixels.
const ROUND: usize = 34;
/// Height of the field, pixels.
const HEIGHT: f64 = 300.0;
/// Colours of titles, in the order of their first occurrence; told apart by people with colour blindness (Okabe and Ito).
const COLOURS: [&str; 8] = ["#D55E00", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000", "#8A6FC0"];
/// How many rounds are drawn.
const ROUNDS: usize = 400;

/// The picture of one log: no scripts, no references, every text escaped.
#[must_use]
pub fn draw(found: &Bisection) -> String {
    let steps: Vec<&Step> = found.walked().take(ROUNDS).collect();
    let most = steps.iter().filter_map(|step| step.left).max().unwrap_or(1).max(1);
    let mut titles: Vec<&str> = Vec::new();
    for title in steps.iter().flat_map(|step| step.titles()) {
        if titles.len() < 64 && !titles.contains(&title) {
            titles.push(title);
        }
    }
    let shown = titles.len().min(COLOURS.len());
    let width = (60 + steps.len() * ROUND + 20).max(560);
    let height = HEIGHT as usize + 110 + 18 * shown;
    let mut svg = String::new();
    let mut add = |text: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = svg.write_fmt(text);
        svg.push('\n');
    };
    add(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">"
    ));
    add(format_args!("<title>{}</title>", xml(&found.answer)));
    add(format_args!("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"));
    add(format_args!("<text x=\"10\" y=\"18\" font-size=\"13\">{}</text>", xml(&cut(&found.answer, width / 7))));
    let mut power = 1_u64;
    while power <= most {
        let at = height_of(Some(power), most);
        add(format_args!(
            "<line x1=\"50\" y1=\"{at:.1}\" x2=\"{}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/><text x=\"44\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#777777\">{power}</text>",
            width - 10,
            at + 4.0
        ));
        power = power.saturating_mul(16);
    }
    let places: Vec<(usize, f64)> =
        steps.iter().enumerate().map(|(at, step)| (60 + at * ROUND, height_of(step.left, most))).collect();
    let line: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y:.1}")).collect();
    add(format_args!("<polyline points=\"{}\" fill=\"none\" stroke=\"#aaaaaa\"/>", line.join(" ")));
    for (step, (x, y)) in steps.iter().zip(&places) {
        let colour = step
            .titles()
            .next()
            .and_then(|first| titles.iter().position(|title| *title == first))
            .map_or("#009E73", |at| COLOURS.get(at).copied().unwrap_or("#777777"));
        let tip = xml(&tooltip(step));
        let shape = match side(found.kind, step) {
            Some(Verdict::Bad) => format!("<circle cx=\"{x}\" cy=\"{y:.1}\" r=\"7\" fill=\"{colour}\">"),
            Some(Verdict::Good) => {
                format!("<rect x=\"{}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\">", x - 6, y - 6.0)
            }
            _ => format!("<path d=\"M{x},{:.1} l7,13 h-14 z\" fill=\"#ffffff\" stroke=\"#777777\">", y - 7.0),
        };
        let end = shape.split([' ', '<']).nth(1).unwrap_or("path");
        add(format_args!("{shape}<title>{tip}</title></{end}>"));
        if let Some(release) = &step.release {
            add(format_args!(
                "<text x=\"{x}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y - 12.0,
                xml(&cut(release, 10))
            ));
        }
    }
    let mut at = HEIGHT as usize + 80;
    add(format_args!(
        "<text x=\"10\" y=\"{at}\" fill=\"#555555\">circle bad · square good · triangle skipped or not judged; height: revisions left to test</text>"
    ));
    for (title, colour) in titles.iter().zip(COLOURS) {
        at += 18;
        add(format_args!(
            "<rect x=\"10\" y=\"{}\" width=\"11\" height=\"11\" fill=\"{colour}\"/><text x=\"28\" y=\"{at}\">{}</text>",
            at - 10,
            xml(&cut(title, 110))
        ));
    }
    add(format_args!("</svg>"));
    svg
}

/// What git was told, or for releases and the like what the rules say.
fn side(kind: Kind, step: &Step) -> Option<Verdict> {
    let seen = if kind == Kind::Fix { Verdict::Good } else { Verdict::Bad };
    step.verdict.or(step.rules_verdict).or_else(|| (step.is_crashing() && step.role != Role::Parent).then_some(seen))
}

/// Releases stand on top, commits lower the fewer are left.
fn height_of(left: Option<u64>, most: u64) -> f64 {
    let share = left.map_or(1.0, |left| ((left + 1) as f64).ln() / ((most + 1) as f64).ln());
    50.0 + HEIGHT * (1.0 - share)
}

fn tooltip(step: &Step) -> String {
    let name = step.release.as_deref().unwrap_or(&step.commit);
    let mut text = format!("{name}: {} of {} crashed", step.crashed, step.crashed + step.survived);
    for extra in step.subject.as_deref().into_iter().chain(step.titles().take(1)) {
        text.push_str("; ");
        text.push_str(extra);
    }
    cut(&text, 300)
}

fn cut(text: &str, width: usize) -> String {
    super::fitted(text, width).into_owned()
}
