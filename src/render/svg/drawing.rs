//! What graphs are drawn with: boxes with lines of text, arrows along the points of a layout, the picture's frame.

use super::layered::Point;
use super::{STYLE, Setting};
use crate::markup::xml;
use std::fmt::Write as _;

/// Width of a letter, pixels: that of a monospaced font of 12 pixels, rounded up.
pub(super) const LETTER: f64 = 7.4;
/// Height of a line of text, pixels.
pub(super) const LINE: f64 = 16.0;
/// Free space around a label and around the picture, pixels.
pub(super) const MARGIN: f64 = 9.0;

/// Width of a text, pixels.
pub(super) fn width_of(text: &str) -> f64 {
    crate::render::columns(text) as f64 * LETTER
}

/// A picture that is being drawn.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    setting: Setting<'a>,
    out: String,
}

impl<'a> Drawing<'a> {
    /// Nothing yet.
    pub(super) fn new(setting: Setting<'a>) -> Self {
        Self { setting, out: String::new() }
    }

    /// What the picture's ids begin with.
    fn id(&self) -> &'a str {
        match self.setting {
            Setting::Alone => "",
            Setting::Page { id, .. } => id,
        }
    }

    /// Adds markup that is whole in itself, on a line of its own.
    pub(super) fn add(&mut self, markup: &str) {
        self.out.push_str(markup);
        self.out.push('\n');
    }

    /// `<a href="#…">` around a box in a page, `</a>` behind it; nothing in a picture that stands alone.
    pub(super) fn link(&self, to: &str) -> (String, &'static str) {
        match self.setting {
            Setting::Page { anchor, .. } if !to.is_empty() => (format!("<a href=\"#{anchor}{to}\">"), "</a>"),
            _ => (String::new(), ""),
        }
    }

    /// The same to a line of the log.
    pub(super) fn line_link(&self, line: u64) -> (String, &'static str) {
        match self.setting {
            Setting::Page { .. } => (format!("<a href=\"#L{line}\">"), "</a>"),
            Setting::Alone => (String::new(), ""),
        }
    }

    /// A line of text.
    pub(super) fn text(&mut self, (x, y): Point, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(self.out, "<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", xml(text));
    }

    /// A line of text around a middle.
    pub(super) fn centred(&mut self, (x, y): Point, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ =
            writeln!(self.out, "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>", xml(text));
    }

    /// A box.
    pub(super) fn block(&mut self, class: &str, (x, y): Point, (width, height): Point, round: f64) {
        let _ = writeln!(
            self.out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
        );
    }

    /// A smooth arrow through the points, its head at the end.
    pub(super) fn arrow(&mut self, class: &str, ends: (usize, usize), title: &str, path: &[Point], sideways: bool) {
        let Some(start) = path.first() else { return };
        let mut way = format!("M{:.1} {:.1}", start.0, start.1);
        for pair in path.windows(2) {
            let [from, to] = pair else { continue };
            let (one, other) = if sideways {
                let half = (from.0 + to.0) / 2.0;
                ((half, from.1), (half, to.1))
            } else {
                let half = (from.1 + to.1) / 2.0;
                ((from.0, half), (to.0, half))
            };
            let _ = write!(way, " C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", one.0, one.1, other.0, other.1, to.0, to.1);
        }
        let _ = writeln!(
            self.out,
            "<path class=\"edge {class}\" data-from=\"{}\" data-to=\"{}\" marker-end=\"url(#{}head)\" d=\"{way}\"><title>{}</title></path>",
            ends.0,
            ends.1,
            self.id(),
            xml(title)
        );
    }

    /// The picture as a whole: what it is called, and what it says to those who do not see it.
    pub(super) fn framed(self, extent: Point, title: &str, words: &str) -> String {
        let (setting, id) = (self.setting, self.id());
        let (width, height) = (extent.0.max(1.0).ceil(), extent.1.max(1.0).ceil());
        let mut out = String::new();
        // A picture that stands alone is one thing; in a page its boxes are links.
        let role = if setting == Setting::Alone { "img" } else { "group" };
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"k\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"{role}\" aria-labelledby=\"{id}title {id}desc\">"
        );
        let _ = writeln!(out, "<title id=\"{id}title\">{}</title>", xml(title));
        let _ = writeln!(out, "<desc id=\"{id}desc\">{}</desc>", xml(words));
        if setting == Setting::Alone {
            let _ = writeln!(out, "<style>{STYLE}</style>");
        }
        let _ = writeln!(
            out,
            "<defs><marker id=\"{id}head\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path class=\"head\" d=\"M0 0 L9 4 L0 8 z\"/></marker></defs>"
        );
        if setting == Setting::Alone {
            out.push_str("<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
        }
        out.push_str(&self.out);
        out.push_str("</svg>\n");
        out
    }
}
