//! Two columns of values joined by lines: what came later, what came earlier.

use super::Setting;
use super::drawing::{Drawing, MARGIN, width_of};
use crate::render::{fitted, safe};

/// One line of a slope chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// What it is.
    pub name: String,
    /// The value on the left, seconds.
    pub a: f64,
    /// The value on the right, seconds.
    pub b: f64,
    /// Whether the difference is claimed.
    pub claimed: bool,
}

/// Height of a label, pixels.
const LABEL: f64 = 16.0;
/// Width of the field between the labels, pixels.
const FIELD: f64 = 220.0;
/// Width of the line from a label to its value, pixels.
const LEADER: f64 = 22.0;
/// Characters of a name.
const NAME: usize = 26;

/// The chart; times grow downwards.
#[must_use]
pub fn slope_svg(slopes: &[Slope], setting: Setting<'_>) -> String {
    let values = || slopes.iter().flat_map(|slope| [slope.a, slope.b]);
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    let height = (slopes.len() as f64 * LABEL * 2.0).max(200.0);
    let top = 40.0;
    let y = |value: f64| top + if most > least { (value - least) / (most - least) * height } else { height / 2.0 };
    let text = |name: &str, value: f64, left: bool| {
        let name = fitted(&safe(name), NAME).into_owned();
        if left { format!("{name} {value:.2} s") } else { format!("{value:.2} s {name}") }
    };
    let wide = |left: bool| {
        let one = slopes.iter().map(|slope| width_of(&text(&slope.name, if left { slope.a } else { slope.b }, left)));
        one.fold(60.0, f64::max)
    };
    let (left, right) = (MARGIN + wide(true) + 8.0, MARGIN + wide(true) + 8.0 + FIELD);
    let mut drawing = Drawing::new(setting);
    drawing.text((left - 4.0, 20.0), "b", "A");
    drawing.text((right - 4.0, 20.0), "b", "B");
    let spread = |side: &dyn Fn(&Slope) -> f64| apart(&slopes.iter().map(|slope| y(side(slope))).collect::<Vec<_>>());
    let (at_left, at_right) = (spread(&|slope| slope.a), spread(&|slope| slope.b));
    for (at, slope) in slopes.iter().enumerate() {
        let class = match (slope.claimed, slope.b > slope.a) {
            (false, _) => "edge",
            (true, true) => "edge ring",
            (true, false) => "edge stated",
        };
        drawing.add(&format!(
            "<path class=\"{class}\" d=\"M{:.1} {:.1} L{:.1} {:.1}\"><title>{}</title></path><path class=\"grid none\" d=\"M{left:.1} {:.1} L{:.1} {:.1} M{right:.1} {:.1} L{:.1} {:.1}\"/>",
            left + LEADER,
            y(slope.a),
            right - LEADER,
            y(slope.b),
            crate::markup::xml(&format!("{}: {:.2} s, {:.2} s", slope.name, slope.a, slope.b)),
            at_left[at],
            left + LEADER,
            y(slope.a),
            at_right[at],
            right - LEADER,
            y(slope.b)
        ));
        let class = if slope.claimed { "b" } else { "" };
        drawing.add(&format!(
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 6.0,
            at_left[at] + 4.0,
            crate::markup::xml(&text(&slope.name, slope.a, true))
        ));
        drawing.text((right + 6.0, at_right[at] + 4.0), class, &text(&slope.name, slope.b, false));
    }
    let bottom = at_left.iter().chain(&at_right).fold(top + height, |most, at| most.max(*at));
    drawing.framed(
        (right + 8.0 + wide(false) + MARGIN, bottom + 20.0),
        "Boot milestones",
        "when each was reached in A and in B",
    )
}

/// Places as near to the wished ones as labels allow, in their order.
fn apart(wished: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wished.len()).collect();
    order.sort_by(|one, other| wished[*one].total_cmp(&wished[*other]));
    let mut places = wished.to_vec();
    let mut last = f64::MIN;
    for at in order {
        places[at] = places[at].max(last + LABEL);
        last = places[at];
    }
    places
}
