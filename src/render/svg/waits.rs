//! The wait graph: roots and cycles on top, below each lock those who wait for it, who hold others in turn.

use super::Setting;
use super::drawing::{Drawing, LINE, MARGIN, width_of};
use super::layered::{Flow, Layout, layered};
use crate::locks::{Dump, Grade};
use crate::render::graph::{Edge, Graph, Node, Shape, graph};
use std::collections::BTreeSet;

/// Tasks of a crowd that are drawn while it is folded, and when it is open.
const FOLDED: usize = 12;
const OPEN: usize = 600;
/// Tasks of a crowd that a picture which stands alone draws.
const ALONE: usize = 48;
/// Height of a task in a crowd, with what is free below it, pixels.
const CHIP_HEIGHT: f64 = 22.0;
/// A picture that is wider turns its layers to the side, if that makes it narrower, pixels.
const WIDE: f64 = 1_000.0;

/// Whether a crowd of the dump is drawn folded in a page, so that a second picture shows all of it.
pub(in crate::render) fn crowded(dump: &Dump) -> bool {
    graph(dump, usize::MAX).nodes.iter().any(|node| node.chips.len() > FOLDED)
}

/// The picture of a dump. In a page `open` draws every task of the crowds.
#[must_use]
pub fn waits_svg(dump: &Dump, setting: Setting<'_>, open: bool) -> String {
    let most = match setting {
        Setting::Alone => ALONE,
        Setting::Page { .. } if open => OPEN,
        Setting::Page { .. } => FOLDED,
    };
    let graph = graph(dump, most);
    let sizes: Vec<(f64, f64)> = graph.nodes.iter().map(size).collect();
    // The layout goes from the holder to those behind it.
    let arrows: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.to, edge.from)).collect();
    let down = layered(&sizes, &arrows, Flow::Down, WIDE);
    let (layout, flow) = if down.extent.0 > WIDE {
        let right = layered(&sizes, &arrows, Flow::Right, WIDE);
        if right.extent.0 < down.extent.0 { (right, Flow::Right) } else { (down, Flow::Down) }
    } else {
        (down, Flow::Down)
    };
    draw(dump, &graph, &sizes, &layout, flow, setting)
}

fn draw(dump: &Dump, graph: &Graph, sizes: &[(f64, f64)], layout: &Layout, flow: Flow, setting: Setting<'_>) -> String {
    let mut drawing = Drawing::new(setting);
    let top = legend(&mut drawing, graph, layout.extent.0);
    let moved = |point: (f64, f64)| (point.0 + MARGIN, point.1 + top);
    for (edge, path) in graph.edges.iter().zip(&layout.paths) {
        // From below up: the layout's first point is at the holder.
        let path: Vec<(f64, f64)> = path.iter().rev().copied().map(moved).collect();
        let class = format!("{}{}", edge.grade.word(), if edge.ring { " ring" } else { "" });
        drawing.arrow(&class, (edge.from, edge.to), &edge.words, &path, flow == Flow::Right);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let (corner, size) = (moved(layout.corners[index]), sizes[index]);
        let pids: Vec<String> = node.pids.iter().map(i64::to_string).collect();
        drawing.add(&format!(
            "<g class=\"n {}\" data-node=\"{index}\" data-pids=\"{}\">",
            node.shape.class(),
            pids.join(" ")
        ));
        let own = if let ([pid], false) = (&node.pids[..], node.shape == Shape::Crowd) {
            format!("task-{pid}")
        } else {
            String::new()
        };
        let (open, close) = drawing.link(&own);
        drawing.add(&open);
        let round = if matches!(node.shape, Shape::Lock | Shape::Several) { size.1 / 2.0 } else { 3.0 };
        drawing.block("node", corner, size, round);
        for (line, text) in node.label.iter().enumerate() {
            let at = (corner.0 + size.0 / 2.0, corner.1 + MARGIN + (line as f64 + 0.75) * LINE);
            drawing.centred(at, if line == 0 { "b" } else { "" }, text);
        }
        drawing.add(close);
        chips(&mut drawing, node, corner);
        drawing.add("</g>");
    }
    let extent = (layout.extent.0.max(LEGEND) + 2.0 * MARGIN, layout.extent.1 + top + MARGIN);
    drawing.framed(extent, &format!("Who waits for whom: {}:{}", dump.log, dump.line), &in_words(dump))
}

/// The picture in words, for those who do not see it.
fn in_words(dump: &Dump) -> String {
    let mut parts: Vec<String> =
        dump.cycles.iter().map(|cycle| format!("{} tasks wait for each other", cycle.len())).collect();
    parts.extend(
        dump.roots
            .iter()
            .filter(|root| root.blocked_tasks > 0)
            .map(|root| format!("{}/{} is a root and blocks {} tasks", root.comm, root.pid, root.blocked_tasks)),
    );
    let waiting: BTreeSet<i64> = dump.waits.iter().map(|wait| wait.waiter.pid).collect();
    parts.push(format!("{} tasks wait in all", waiting.len()));
    parts.join("; ")
}

/// Room for the words that explain the lines, pixels.
const LEGEND: f64 = 300.0;

/// Explains what is drawn; returns the height that it takes, pixels.
fn legend(drawing: &mut Drawing<'_>, graph: &Graph, width: f64) -> f64 {
    if graph.edges.is_empty() {
        return MARGIN;
    }
    let has = |test: &dyn Fn(&Edge) -> bool| graph.edges.iter().any(test);
    let mut entries: Vec<(&str, &str)> = Vec::new();
    for (class, words, grade) in [
        ("stated", "stated by the kernel", Grade::Stated),
        ("certain", "certain", Grade::Certain),
        ("likely", "likely", Grade::Likely),
    ] {
        if has(&|edge| edge.grade == grade) {
            entries.push((class, words));
        }
    }
    if has(&|edge| edge.grade < Grade::Likely) {
        entries.push(("possible", "possible or unknown"));
    }
    if has(&|edge| edge.ring) {
        entries.push(("ring", "deadlock"));
    }
    let (mut x, mut y) = (MARGIN, MARGIN + 10.0);
    drawing.text((x, y), "soft", "arrow: waits for, or is held by");
    x += width_of("arrow: waits for, or is held by") + 16.0;
    for (class, words) in entries {
        let wide = 34.0 + width_of(words) + 14.0;
        if x + wide > width.max(LEGEND) && x > MARGIN {
            (x, y) = (MARGIN, y + LINE);
        }
        drawing.add(&format!("<path class=\"edge {class}\" d=\"M{x:.1} {0:.1} h28\"/>", y - 4.0));
        drawing.text((x + 34.0, y), "soft", words);
        x += wide;
    }
    y + 18.0
}

/// The tasks of a crowd, in rows.
fn chips(drawing: &mut Drawing<'_>, node: &Node, corner: (f64, f64)) {
    let wide = chip_width(node);
    let columns = columns(node.chips.len());
    let top = corner.1 + MARGIN + node.label.len() as f64 * LINE + 4.0;
    for (at, (pid, name)) in node.chips.iter().enumerate() {
        let x = corner.0 + MARGIN + (at % columns) as f64 * (wide + 4.0);
        let y = top + (at / columns) as f64 * CHIP_HEIGHT;
        let (open, close) = drawing.link(&format!("task-{pid}"));
        drawing.add(&open);
        drawing.block("chip", (x, y), (wide, CHIP_HEIGHT - 4.0), 3.0);
        drawing.centred((x + wide / 2.0, y + 13.0), "", name);
        drawing.add(close);
    }
}

fn columns(count: usize) -> usize {
    match count {
        0..=3 => 1,
        4..=8 => 2,
        9..=24 => 3,
        _ => 4,
    }
}

fn chip_width(node: &Node) -> f64 {
    node.chips.iter().map(|(_, name)| width_of(name)).fold(0.0, f64::max) + 10.0
}

fn size(node: &Node) -> (f64, f64) {
    let label = node.label.iter().map(|line| width_of(line)).fold(0.0, f64::max);
    let round = if matches!(node.shape, Shape::Lock | Shape::Several) { 10.0 } else { 0.0 };
    let (mut width, mut height) = (label + round, node.label.len() as f64 * LINE);
    if !node.chips.is_empty() {
        let columns = columns(node.chips.len());
        width = width.max(columns as f64 * (chip_width(node) + 4.0) - 4.0);
        height += 4.0 + node.chips.len().div_ceil(columns) as f64 * CHIP_HEIGHT;
    }
    (width + 2.0 * MARGIN, height + 2.0 * MARGIN)
}
