//! Pictures as SVG: graphs laid out in layers, and charts. The same picture stands in a page, whose style it follows, or alone.

mod drawing;
mod layered;
mod layers;
mod orders;
mod slope;
mod strips;
mod waits;
mod walk;

pub use orders::orders_svg;
pub use slope::{Slope, slope_svg};
pub use strips::{rate_svg, seen_svg, spark_svg, step_svg};
pub(in crate::render) use waits::crowded;
pub use waits::waits_svg;
pub(in crate::render) use walk::side;
pub use walk::{letter as walk_letter, titles as walk_titles, walk_svg};

/// The style of every picture: classes and colours, light and dark; a page has it once.
pub(in crate::render) const STYLE: &str = include_str!("picture.css");

/// Where a picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting<'a> {
    /// In a file of its own, with its style.
    Alone,
    /// In a page that has the style. Boxes link to what the page says of them; `anchor` begins the ids there.
    Page {
        /// What the ids of what it links to begin with.
        anchor: &'a str,
        /// What its own ids begin with.
        id: &'a str,
    },
}
