//! Lock orders that lockdep saw, as a graph: classes, and between two of them where the second was taken under the first.

use super::Setting;
use super::drawing::{Drawing, LINE, MARGIN, width_of};
use super::layered::{Flow, layered};
use crate::locks::{Dependency, Explanation};
use crate::render::{fitted, safe};
use std::collections::BTreeSet;

/// Characters of a line of a label.
const LABEL: usize = 44;
/// The most dependencies that are drawn.
const MOST: usize = 40;
/// A picture that is wider turns its layers to the side, pixels.
const WIDE: f64 = 1_000.0;

/// The picture of one of lockdep's reports; nothing if the report names no two locks in order.
#[must_use]
pub fn orders_svg(explanation: &Explanation, setting: Setting<'_>) -> Option<String> {
    let steps: Vec<(&str, &Dependency)> =
        explanation.steps.iter().filter_map(|step| Some((step.first.as_deref()?, step))).take(MOST).collect();
    if steps.is_empty() {
        return None;
    }
    let mut classes: Vec<&str> = explanation.cycle.iter().map(String::as_str).collect();
    for (first, step) in &steps {
        for class in [*first, &step.then] {
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
    }
    let ring: BTreeSet<&str> = explanation.cycle.iter().map(String::as_str).collect();
    let label = |step: &Dependency| -> Vec<String> {
        let function = step.function.as_deref().unwrap_or("where, the log does not say");
        let function = function
            .split_once(' ')
            .map_or_else(|| vec![function.to_owned()], |(name, place)| vec![name.to_owned(), place.to_owned()]);
        let mode = step.mode.as_ref().map(|mode| format!("for {mode}"));
        let from = step.path.get(1).map(|caller| format!("from {}", caller.split('+').next().unwrap_or(caller)));
        let lines = function.into_iter().chain(mode).chain(from).chain([format!("line {}", step.line)]);
        lines.map(|line| fitted(&safe(&line), LABEL).into_owned()).collect()
    };
    let labels: Vec<Vec<String>> = classes
        .iter()
        .map(|class| vec![fitted(&safe(class), LABEL).into_owned()])
        .chain(steps.iter().map(|(_, step)| label(step)))
        .collect();
    let sizes: Vec<(f64, f64)> = labels
        .iter()
        .enumerate()
        .map(|(at, label)| {
            let wide = label.iter().map(|line| width_of(line)).fold(0.0, f64::max);
            let round = if at < classes.len() { 12.0 } else { 0.0 };
            (wide + round + 2.0 * MARGIN, label.len() as f64 * LINE + 2.0 * MARGIN)
        })
        .collect();
    let place = |class: &str| classes.iter().position(|known| *known == class).unwrap_or(0);
    let arrows: Vec<(usize, usize)> = steps
        .iter()
        .enumerate()
        .flat_map(|(at, (first, step))| {
            let own = classes.len() + at;
            [(place(first), own), (own, place(&step.then))]
        })
        .collect();
    let down = layered(&sizes, &arrows, Flow::Down, WIDE);
    let (layout, flow) = if down.extent.0 > WIDE {
        (layered(&sizes, &arrows, Flow::Right, WIDE), Flow::Right)
    } else {
        (down, Flow::Down)
    };
    let mut drawing = Drawing::new(setting);
    drawing.text((MARGIN, MARGIN + 10.0), "soft", "arrow: the next lock was taken");
    drawing.text((MARGIN, MARGIN + 10.0 + LINE), "soft", "while the one before was held");
    let top = MARGIN + 20.0 + 2.0 * LINE;
    let moved = |point: &(f64, f64)| (point.0 + MARGIN, point.1 + top);
    for (arrow, (ends, path)) in arrows.iter().zip(&layout.paths).enumerate() {
        let (first, step) = steps[arrow / 2];
        let closes = ring.contains(first) && ring.contains(step.then.as_str());
        let words = format!("{} was taken while {first} was held, line {}", step.then, step.line);
        let path: Vec<(f64, f64)> = path.iter().map(moved).collect();
        drawing.arrow(if closes { "certain ring" } else { "certain" }, *ends, &words, &path, flow == Flow::Right);
    }
    for (index, label) in labels.iter().enumerate() {
        let class = index < classes.len();
        let (corner, size) = (moved(&layout.corners[index]), sizes[index]);
        let shape = match class {
            true if ring.contains(classes[index]) => "lock dead",
            true => "lock",
            false => "task",
        };
        drawing.add(&format!("<g class=\"n {shape}\" data-node=\"{index}\">"));
        let (open, close) = match index.checked_sub(classes.len()) {
            Some(step) => drawing.line_link(steps[step].1.line),
            None => (String::new(), ""),
        };
        drawing.add(&open);
        drawing.block("node", corner, size, if class { size.1 / 2.0 } else { 3.0 });
        for (line, text) in label.iter().enumerate() {
            let at = (corner.0 + size.0 / 2.0, corner.1 + MARGIN + (line as f64 + 0.75) * LINE);
            drawing.centred(at, if line == 0 { "b" } else { "" }, text);
        }
        drawing.add(close);
        drawing.add("</g>");
    }
    let least = width_of("arrow: the next lock was taken");
    let extent = (layout.extent.0.max(least) + 2.0 * MARGIN, layout.extent.1 + top + MARGIN);
    Some(drawing.framed(extent, "Lock order", &explanation.summary))
}
