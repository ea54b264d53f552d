//! Small charts for the cells of tables: a rate with its interval, a step of a sum, a line of values, where something was seen.

use crate::markup::xml;
use std::fmt::Write as _;

/// Width of a rate's strip, pixels.
const WIDE: f64 = 150.0;

/// A rate between its interval's ends, all shares of 1.
#[must_use]
pub fn rate_svg(rate: f64, low: f64, high: f64, words: &str) -> String {
    let x = |share: f64| 4.0 + share.clamp(0.0, 1.0) * (WIDE - 8.0);
    format!(
        "<svg class=\"k strip\" width=\"{WIDE}\" height=\"16\" role=\"img\" aria-label=\"{}\"><path class=\"grid\" d=\"M4 8 H{:.1}\"/><path class=\"edge certain\" d=\"M{:.1} 8 H{:.1} M{:.1} 4 v8 M{:.1} 4 v8\"/><circle class=\"c1\" cx=\"{:.1}\" cy=\"8\" r=\"4\"/></svg>",
        xml(words),
        WIDE - 4.0,
        x(low),
        x(high),
        x(low),
        x(high),
        x(rate)
    )
}

/// A step of a sum: a bar from where the sum was to where it is, on a scale from `least` to `most`, and the zero.
#[must_use]
pub fn step_svg(from: f64, to: f64, (least, most): (f64, f64), total: bool) -> String {
    let wide = 260.0;
    let span = (most - least).max(f64::MIN_POSITIVE);
    let x = |value: f64| 4.0 + (value - least) / span * (wide - 8.0);
    let (left, right) = (x(from.min(to)), x(from.max(to)));
    let class = if total {
        "c7"
    } else if to >= from {
        "c2"
    } else {
        "c1"
    };
    format!(
        "<svg class=\"k strip\" width=\"{wide}\" height=\"16\" aria-hidden=\"true\"><path class=\"grid\" d=\"M{0:.1} 0 V16\"/><rect class=\"{class}\" x=\"{left:.1}\" y=\"3\" width=\"{1:.1}\" height=\"10\"/></svg>",
        x(0.0),
        (right - left).max(1.0)
    )
}

/// Values over time as a line; absent values are gaps.
#[must_use]
pub fn spark_svg(points: &[(f64, f64)], words: &str) -> String {
    let (wide, high) = (560.0, 60.0);
    let least = points.first().map_or(0.0, |point| point.0);
    let span = points.last().map_or(1.0, |point| point.0 - least).max(1e-9);
    let most = points.iter().map(|point| point.1).fold(1e-9, f64::max);
    let mut way = String::new();
    for (at, (time, value)) in points.iter().enumerate() {
        let x = 2.0 + (time - least) / span * (wide - 4.0);
        let y = high - 2.0 - value / most * (high - 6.0);
        let _ = write!(way, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { " L" });
    }
    format!(
        "<svg class=\"k strip\" width=\"100%\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\"><path class=\"grid\" d=\"M0 {1:.0} H{wide}\"/><path class=\"edge stated\" d=\"{way}\"/></svg>",
        xml(words),
        high - 2.0
    )
}

/// Of so many things in a row in which something was: each a cell, its height the number.
#[must_use]
pub fn seen_svg(counts: &[usize], words: &str) -> String {
    const CELLS: usize = 120;
    let (wide, high) = (240.0, 18.0);
    let group = counts.len().div_ceil(CELLS).max(1);
    let cells: Vec<usize> = counts.chunks(group).map(|chunk| chunk.iter().sum()).collect();
    let most = cells.iter().copied().max().unwrap_or(1).max(1) as f64;
    let step = wide / cells.len().max(1) as f64;
    let mut bars = String::new();
    for (at, count) in cells.iter().enumerate().filter(|(_, count)| **count > 0) {
        let tall = 4.0 + (*count as f64 / most).sqrt() * (high - 4.0);
        let _ = write!(
            bars,
            "<rect class=\"c0\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
            at as f64 * step,
            high - tall,
            (step - 0.6).max(0.8)
        );
    }
    format!(
        "<svg class=\"k strip\" width=\"{wide}\" height=\"{high}\" role=\"img\" aria-label=\"{}\"><path class=\"grid\" d=\"M0 {high} H{wide}\"/>{bars}</svg>",
        xml(words)
    )
}
