//! The wait graph as an SVG picture; the `layout` crate finds the places, what is drawn there is ours.

use super::locks_picture::{Node, Picture, Shape, picture};
use crate::locks::{Dump, Grade};
use crate::markup::xml;
use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;
use std::fmt::Write as _;

/// Font size, pixels.
const FONT: f64 = 13.0;
/// Width of the widest letter of a monospaced font of that size, pixels.
const LETTER: f64 = 8.0;
/// Height of a line of text, pixels.
const LINE: f64 = 17.0;
/// Free space around a label and around the picture, pixels.
const MARGIN: f64 = 10.0;
/// Room for the words that explain the colours, pixels.
const LEGEND: f64 = 40.0;

/// The picture of a dump: tasks, what they wait for, and who holds it. At most 60 nodes; no box overlaps another.
#[must_use]
pub fn locks_svg(dump: &Dump) -> String {
    let picture = picture(dump);
    let mut canvas = Canvas::default();
    if !picture.nodes.is_empty() {
        lay_out(&picture, &mut canvas);
    }
    canvas.svg(dump, &picture)
}

/// Edge, its path (see `RenderBackend::draw_arrow`), heads at start and end.
type Drawn = (usize, Vec<(Point, Point)>, (bool, bool));

/// Collects the places that the layout decides on.
#[derive(Debug, Default)]
struct Canvas {
    /// Node, left upper corner, size.
    boxes: Vec<(usize, Point, Point)>,
    arrows: Vec<Drawn>,
}

fn size(node: &Node) -> Point {
    let widest = node.label.iter().map(|line| line.chars().count()).max().unwrap_or(1);
    Point::new(widest as f64 * LETTER + 2.0 * MARGIN, node.label.len() as f64 * LINE + 2.0 * MARGIN)
}

fn lay_out(picture: &Picture, canvas: &mut Canvas) {
    let mut graph = VisualGraph::new(Orientation::TopToBottom);
    let look = StyleAttr::simple();
    let handles: Vec<_> = picture
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            let shape = ShapeKind::new_box("");
            graph.add_node(Element::create_with_properties(
                shape,
                look.clone(),
                Orientation::TopToBottom,
                size(node),
                index.to_string(),
            ))
        })
        .collect();
    for (index, edge) in picture.edges.iter().enumerate() {
        // Roots on top: the layout goes from the holder down to its waiters, the arrow's head is at its start.
        let arrow = Arrow::with_properties(
            LineEndKind::Arrow,
            LineEndKind::None,
            LineStyleKind::Normal,
            "",
            &look,
            index.to_string(),
            &None,
            &None,
        );
        graph.add_edge(arrow, handles[edge.to], handles[edge.from]);
    }
    graph.do_it(false, false, false, canvas);
}

impl RenderBackend for Canvas {
    fn draw_rect(&mut self, xy: Point, size: Point, _: &StyleAttr, properties: Option<String>, _: Option<ClipHandle>) {
        if let Some(index) = properties.and_then(|index| index.parse().ok()) {
            self.boxes.push((index, xy, size));
        }
    }

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_text(&mut self, _: Point, _: &str, _: &StyleAttr) {}

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _: bool,
        head: (bool, bool),
        _: &StyleAttr,
        properties: Option<String>,
        _: &str,
    ) {
        if let Some(index) = properties.and_then(|index| index.parse().ok()) {
            self.arrows.push((index, path.to_vec(), head));
        }
    }

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

impl Canvas {
    fn svg(&self, dump: &Dump, picture: &Picture) -> String {
        let points = || {
            self.boxes
                .iter()
                .flat_map(|(_, at, size)| [*at, at.add(*size)])
                .chain(self.arrows.iter().flat_map(|(_, path, _)| path.iter().flat_map(|(a, b)| [*a, *b])))
        };
        let least = points().fold(Point::new(f64::MAX, f64::MAX), |least, point| {
            Point::new(least.x.min(point.x), least.y.min(point.y))
        });
        let most = points()
            .fold(Point::new(f64::MIN, f64::MIN), |most, point| Point::new(most.x.max(point.x), most.y.max(point.y)));
        let empty = self.boxes.is_empty();
        let (shift, extent) = if empty {
            (Point::zero(), Point::new(0.0, 0.0))
        } else {
            (Point::new(MARGIN - least.x, MARGIN + LEGEND - least.y), Point::new(most.x - least.x, most.y - least.y))
        };
        let width = (extent.x + 2.0 * MARGIN).max(620.0);
        let height = extent.y + 2.0 * MARGIN + LEGEND;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" font-size=\"{FONT}\">\n"
        );
        let title = format!("{}:{}", dump.log, dump.line);
        let _ = writeln!(out, "<title>Who waits for whom: {}</title>", xml(&title));
        out.push_str("<defs><marker id=\"head\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto-start-reverse\"><path d=\"M0 0 L9 4 L0 8 z\" fill=\"context-stroke\"/></marker></defs>\n");
        let _ = writeln!(out, "<rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#ffffff\"/>");
        out.push_str("<text class=\"legend\" x=\"10\" y=\"18\" fill=\"#444444\">arrow: waits for / is held by. solid: stated or certain, dashed: likely,</text>\n");
        out.push_str("<text class=\"legend\" x=\"10\" y=\"34\" fill=\"#444444\">dotted: possible or unknown. orange: root, red: deadlock.</text>\n");
        for (index, path, head) in &self.arrows {
            let Some(edge) = picture.edges.get(*index) else { continue };
            let (colour, dashes) = match edge.grade {
                Grade::Stated | Grade::Certain => ("#222222", ""),
                Grade::Likely => ("#555555", " stroke-dasharray=\"7 4\""),
                Grade::Possible | Grade::Unknown => ("#999999", " stroke-dasharray=\"2 4\""),
            };
            let _ = write!(
                out,
                "<path class=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"{dashes}",
                edge.grade.word()
            );
            if head.0 {
                out.push_str(" marker-start=\"url(#head)\"");
            }
            if head.1 {
                out.push_str(" marker-end=\"url(#head)\"");
            }
            out.push_str(" d=\"");
            for (number, (point, control)) in path.iter().enumerate() {
                let (point, control) = (point.add(shift), control.add(shift));
                let _ = match number {
                    0 => write!(out, "M{:.1} {:.1} C{:.1} {:.1}", point.x, point.y, control.x, control.y),
                    1 => write!(out, " {:.1} {:.1} {:.1} {:.1}", point.x, point.y, control.x, control.y),
                    _ => write!(out, " S{:.1} {:.1} {:.1} {:.1}", point.x, point.y, control.x, control.y),
                };
            }
            out.push_str("\"/>\n");
        }
        for (index, at, size) in &self.boxes {
            let Some(node) = picture.nodes.get(*index) else { continue };
            let at = at.add(shift);
            let (fill, rounded) = match node.shape {
                Shape::Task => ("#ffffff", 2.0),
                Shape::Root => ("#f6c26b", 2.0),
                Shape::Deadlocked => ("#f08a80", 2.0),
                Shape::Lock => ("#dfe8f2", size.y / 2.0),
                Shape::Folded => ("#eeeeee", 2.0),
            };
            let _ = writeln!(
                out,
                "<rect class=\"node\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{rounded:.1}\" fill=\"{fill}\" stroke=\"#222222\"/>",
                at.x, at.y, size.x, size.y
            );
            let top = at.y + (size.y - node.label.len() as f64 * LINE) / 2.0;
            for (line, text) in node.label.iter().enumerate() {
                let _ = writeln!(
                    out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    at.x + size.x / 2.0,
                    top + (line as f64 + 0.75) * LINE,
                    xml(text)
                );
            }
        }
        out.push_str("</svg>\n");
        out
    }
}
