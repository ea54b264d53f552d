//! Places for the boxes and arrows of a graph: one layer per step away from the sources, no box over another.

use super::layers::{closing, layers, parts};
use std::collections::BTreeMap;

/// Width and height of a box, pixels.
pub(super) type Size = (f64, f64);
/// A point, pixels.
pub(super) type Point = (f64, f64);

/// Which way the layers follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// The sources on top.
    Down,
    /// The sources to the left.
    Right,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Layout {
    /// Left upper corner of each box.
    pub(super) corners: Vec<Point>,
    /// Of each arrow, in the order in which they were given, its points: the first at the box above, the last at the one below.
    pub(super) paths: Vec<Vec<Point>>,
    /// Width and height of it all.
    pub(super) extent: Size,
}

/// Between two boxes of a layer, pixels.
const APART: f64 = 22.0;
/// Between two layers, pixels.
const LAYER: f64 = 46.0;
/// Room of a line that passes a layer, pixels.
const PASSING: f64 = 10.0;
/// How often the order within layers and the places are bettered.
const SWEEPS: usize = 10;

/// A layered drawing: `arrows` lead from a box (its index) to one that is drawn below it. Boxes that come first are taken first
/// where there is a choice, so that a cycle begins with its first box. Parts that are not connected stand beside each other as
/// long as they fit into `width` pixels.
pub(super) fn layered(sizes: &[Size], arrows: &[(usize, usize)], flow: Flow, width: f64) -> Layout {
    let turned: Vec<Size> = match flow {
        Flow::Down => sizes.to_vec(),
        Flow::Right => sizes.iter().map(|(width, height)| (*height, *width)).collect(),
    };
    let mut whole =
        Layout { corners: vec![(0.0, 0.0); sizes.len()], paths: vec![Vec::new(); arrows.len()], extent: (0.0, 0.0) };
    let (mut at, mut row) = ((0.0, 0.0), 0.0_f64);
    for (boxes, own) in parts(sizes.len(), arrows) {
        let mut part = Part::new(&turned, arrows, &boxes, &own).drawn();
        if flow == Flow::Right {
            part.turn();
        }
        if at.0 > 0.0 && at.0 + part.extent.0 > width {
            at = (0.0, at.1 + row + APART);
            row = 0.0;
        }
        for (place, index) in part.corners.iter().zip(&boxes) {
            whole.corners[*index] = (place.0 + at.0, place.1 + at.1);
        }
        for (path, index) in part.paths.iter().zip(&own) {
            whole.paths[*index] = path.iter().map(|point| (point.0 + at.0, point.1 + at.1)).collect();
        }
        whole.extent = (whole.extent.0.max(at.0 + part.extent.0), whole.extent.1.max(at.1 + part.extent.1));
        at.0 += part.extent.0 + APART;
        row = row.max(part.extent.1);
    }
    whole
}

impl Layout {
    fn turn(&mut self) {
        let turned = |point: &mut Point| *point = (point.1, point.0);
        self.corners.iter_mut().for_each(turned);
        self.paths.iter_mut().flatten().for_each(turned);
        turned(&mut self.extent);
    }
}

/// A connected part while it is drawn. Besides its boxes it has knots, where an arrow passes a layer.
#[derive(Debug)]
struct Part {
    /// Boxes, then knots.
    sizes: Vec<Size>,
    boxes: usize,
    layer_of: Vec<usize>,
    /// The nodes of each layer, in order.
    layers: Vec<Vec<usize>>,
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    /// Of each arrow its nodes from top to bottom, and whether it was turned round because it closes a cycle.
    ways: Vec<(Vec<usize>, bool)>,
    /// The middle of each node across the flow.
    middle: Vec<f64>,
}

impl Part {
    fn new(sizes: &[Size], arrows: &[(usize, usize)], boxes: &[usize], own: &[usize]) -> Self {
        let local: BTreeMap<usize, usize> = boxes.iter().enumerate().map(|(at, index)| (*index, at)).collect();
        let arrows: Vec<(usize, usize)> =
            own.iter().map(|index| (local[&arrows[*index].0], local[&arrows[*index].1])).collect();
        let closing = closing(boxes.len(), &arrows);
        let downward: Vec<(usize, usize)> = arrows
            .iter()
            .zip(&closing)
            .map(|((from, to), closes)| if *closes { (*to, *from) } else { (*from, *to) })
            .collect();
        let layer_of = layers(boxes.len(), &downward);
        let mut part = Self {
            sizes: boxes.iter().map(|index| sizes[*index]).collect(),
            boxes: boxes.len(),
            layer_of,
            layers: Vec::new(),
            above: vec![Vec::new(); boxes.len()],
            below: vec![Vec::new(); boxes.len()],
            ways: Vec::new(),
            middle: Vec::new(),
        };
        for ((from, to), closes) in downward.iter().zip(closing) {
            part.way(*from, *to, closes);
        }
        part
    }

    /// Takes an arrow, with a knot in each layer between its ends.
    fn way(&mut self, from: usize, to: usize, turned: bool) {
        let mut way = vec![from];
        for layer in self.layer_of[from] + 1..self.layer_of[to] {
            way.push(self.sizes.len());
            self.sizes.push((PASSING, 0.0));
            self.layer_of.push(layer);
            self.above.push(Vec::new());
            self.below.push(Vec::new());
        }
        way.push(to);
        for pair in way.windows(2) {
            self.below[pair[0]].push(pair[1]);
            self.above[pair[1]].push(pair[0]);
        }
        self.ways.push((way, turned));
    }

    fn drawn(mut self) -> Layout {
        self.begin();
        self.order();
        self.place();
        self.layout()
    }

    /// The first order: as a walk from the first box finds them.
    fn begin(&mut self) {
        let deepest = self.layer_of.iter().max().map_or(0, |last| last + 1);
        self.layers = vec![Vec::new(); deepest];
        let mut seen = vec![false; self.sizes.len()];
        for start in 0..self.sizes.len() {
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                if std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                self.layers[self.layer_of[at]].push(at);
                open.extend(self.below[at].iter().rev());
            }
        }
    }

    /// Sorts each layer by the mean place of what it is connected to, and keeps the order with the fewest crossings.
    fn order(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let down = sweep % 2 == 0;
            let count = self.layers.len();
            for step in 1..count {
                let layer = if down { step } else { count - 1 - step };
                let mut rank = vec![0.0; self.sizes.len()];
                for nodes in &self.layers {
                    for (at, node) in nodes.iter().enumerate() {
                        rank[*node] = at as f64;
                    }
                }
                let near = if down { &self.above } else { &self.below };
                let wish = |node: usize| mean(near[node].iter().map(|other| rank[*other])).unwrap_or(rank[node]);
                let mut nodes = std::mem::take(&mut self.layers[layer]);
                nodes.sort_by(|one, other| wish(*one).total_cmp(&wish(*other)));
                self.layers[layer] = nodes;
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    fn crossings(&self) -> usize {
        let mut rank = vec![0; self.sizes.len()];
        for nodes in &self.layers {
            for (at, node) in nodes.iter().enumerate() {
                rank[*node] = at;
            }
        }
        let mut count = 0;
        for nodes in &self.layers {
            let lines: Vec<(usize, usize)> =
                nodes.iter().flat_map(|node| self.below[*node].iter().map(|to| (rank[*node], rank[*to]))).collect();
            for (at, one) in lines.iter().enumerate() {
                count += lines[at + 1..].iter().filter(|other| one.0 < other.0 && one.1 > other.1).count();
            }
        }
        count
    }

    /// Gives each node a place as near to its neighbours' as its own neighbours in the layer allow.
    fn place(&mut self) {
        self.middle = vec![0.0; self.sizes.len()];
        for nodes in &self.layers {
            let mut at = 0.0;
            for node in nodes {
                self.middle[*node] = at + self.sizes[*node].0 / 2.0;
                at += self.sizes[*node].0 + APART;
            }
        }
        let count = self.layers.len();
        for sweep in 0..SWEEPS {
            for step in 0..count {
                let layer = if sweep % 2 == 0 { step } else { count - 1 - step };
                let near = |node: usize| -> Option<f64> {
                    let (above, below) = (&self.above[node], &self.below[node]);
                    let all = match sweep {
                        // The last passes look both ways.
                        sweep if sweep + 2 >= SWEEPS => above.iter().chain(below),
                        sweep if sweep % 2 == 0 => above.iter().chain(&[]),
                        _ => below.iter().chain(&[]),
                    };
                    mean(all.map(|other| self.middle[*other]))
                };
                let wishes: Vec<f64> =
                    self.layers[layer].iter().map(|node| near(*node).unwrap_or(self.middle[*node])).collect();
                let widths: Vec<f64> = self.layers[layer].iter().map(|node| self.sizes[*node].0).collect();
                for (node, middle) in self.layers[layer].iter().zip(settled(&wishes, &widths)) {
                    self.middle[*node] = middle;
                }
            }
        }
    }

    fn layout(&self) -> Layout {
        let left = |node: usize| self.middle[node] - self.sizes[node].0 / 2.0;
        let least = (0..self.sizes.len()).map(left).fold(f64::MAX, f64::min);
        let most = (0..self.sizes.len()).map(|node| left(node) + self.sizes[node].0).fold(0.0, f64::max);
        let mut top = vec![0.0; self.layers.len()];
        let mut height = vec![0.0; self.layers.len()];
        let mut at = 0.0;
        for (layer, nodes) in self.layers.iter().enumerate() {
            top[layer] = at;
            height[layer] = nodes.iter().map(|node| self.sizes[*node].1).fold(0.0, f64::max);
            at += height[layer] + LAYER;
        }
        let corner = |node: usize| {
            let layer = self.layer_of[node];
            (left(node) - least, top[layer] + (height[layer] - self.sizes[node].1) / 2.0)
        };
        let paths = self.ways.iter().enumerate().map(|(index, (way, turned))| {
            let mut path = Vec::new();
            for (step, node) in way.iter().enumerate() {
                let (x, y) = corner(*node);
                if *node >= self.boxes {
                    let layer = self.layer_of[*node];
                    let x = x + PASSING / 2.0;
                    path.extend([(x, top[layer]), (x, top[layer] + height[layer])]);
                    continue;
                }
                let beneath = step == 0;
                let x = x + self.sizes[*node].0 * self.port(*node, index, beneath);
                path.push((x, if beneath { y + self.sizes[*node].1 } else { y }));
            }
            if *turned {
                path.reverse();
            }
            path
        });
        Layout {
            paths: paths.collect(),
            corners: (0..self.boxes).map(corner).collect(),
            extent: (most - least, at - LAYER),
        }
    }

    /// Where on a side of a box an arrow begins, as a share of the side: arrows leave in the order in which they arrive.
    fn port(&self, node: usize, way: usize, beneath: bool) -> f64 {
        let end = |way: &(Vec<usize>, bool)| {
            let own = if beneath { way.0.first() } else { way.0.last() };
            let next = if beneath { way.0.get(1) } else { way.0.iter().rev().nth(1) };
            (own == Some(&node)).then(|| next.map_or(0.0, |next| self.middle[*next]))
        };
        let mut all: Vec<(f64, usize)> =
            self.ways.iter().enumerate().filter_map(|(index, way)| Some((end(way)?, index))).collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let at = all.iter().position(|(_, index)| *index == way).unwrap_or(0);
        0.2 + 0.6 * (at as f64 + 0.5) / all.len().max(1) as f64
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// Middles as near to the wishes as can be (least squares) while boxes of these widths keep their order and distance.
fn settled(wishes: &[f64], widths: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    let offsets: Vec<f64> = widths
        .iter()
        .enumerate()
        .map(|(at, width)| {
            if at > 0 {
                offset += (widths[at - 1] + width) / 2.0 + APART;
            }
            offset
        })
        .collect();
    // Pool adjacent violators: blocks of (sum, count) whose means ascend.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (wish, offset) in wishes.iter().zip(&offsets) {
        let mut block = (wish - offset, 1);
        while let Some(last) = blocks.last() {
            if last.0 / last.1 as f64 <= block.0 / block.1 as f64 {
                break;
            }
            block = (block.0 + last.0, block.1 + last.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let means = blocks.iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / *count as f64, *count));
    means.zip(&offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaps(sizes: &[Size], layout: &Layout) -> bool {
        let boxes: Vec<[f64; 4]> =
            layout.corners.iter().zip(sizes).map(|((x, y), (width, height))| [*x, *y, x + width, y + height]).collect();
        boxes
            .iter()
            .enumerate()
            .any(|(at, a)| boxes[at + 1..].iter().any(|b| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]))
    }

    #[test]
    fn layers_follow_the_arrows_and_boxes_do_not_overlap() {
        let sizes = vec![(120.0, 30.0); 7];
        let arrows = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 4), (5, 6)];
        for flow in [Flow::Down, Flow::Right] {
            let layout = layered(&sizes, &arrows, flow, 1000.0);
            assert!(!overlaps(&sizes, &layout), "{layout:?}");
            let along = |point: Point| if flow == Flow::Down { point.1 } else { point.0 };
            for (from, to) in arrows {
                assert!(along(layout.corners[from]) < along(layout.corners[to]));
            }
        }
    }

    #[test]
    fn a_cycle_begins_with_its_first_box_and_its_last_arrow_leads_back_up() {
        let layout = layered(&[(50.0, 20.0); 3], &[(0, 1), (1, 2), (2, 0)], Flow::Down, 1000.0);
        assert!(layout.corners[0].1 < layout.corners[1].1 && layout.corners[1].1 < layout.corners[2].1);
        let back = &layout.paths[2];
        assert!(back[0].1 > back[back.len() - 1].1, "{back:?}");
        // It passes the layer between beside the box there.
        let passed = layout.corners[1].0..layout.corners[1].0 + 50.0;
        assert!(back[1..back.len() - 1].iter().all(|point| !passed.contains(&point.0)), "{layout:?}");
    }

    #[test]
    fn an_arrow_to_its_own_box_and_parts_without_arrows_are_fine() {
        let sizes = [(10.0, 10.0); 4];
        let layout = layered(&sizes, &[(0, 0), (2, 3), (3, 2)], Flow::Down, 30.0);
        assert!(!overlaps(&sizes, &layout));
        assert_eq!(layered(&[], &[], Flow::Right, 10.0).corners.len(), 0);
    }
}
