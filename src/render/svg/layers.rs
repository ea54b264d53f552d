//! What a graph says of its layers before anything is drawn: connected parts, arrows that close a cycle, depths.

use std::collections::VecDeque;

/// The connected parts: boxes and arrows, each ascending, in the order of their first box.
pub(super) fn parts(count: usize, arrows: &[(usize, usize)]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut near = vec![Vec::new(); count];
    for (from, to) in arrows {
        near[*from].push(*to);
        near[*to].push(*from);
    }
    let mut part_of = vec![usize::MAX; count];
    let mut parts: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for start in 0..count {
        if part_of[start] != usize::MAX {
            continue;
        }
        let (mut open, mut boxes) = (vec![start], Vec::new());
        part_of[start] = parts.len();
        while let Some(at) = open.pop() {
            boxes.push(at);
            for next in &near[at] {
                if part_of[*next] == usize::MAX {
                    part_of[*next] = parts.len();
                    open.push(*next);
                }
            }
        }
        boxes.sort_unstable();
        parts.push((boxes, Vec::new()));
    }
    for (index, (from, _)) in arrows.iter().enumerate() {
        parts[part_of[*from]].1.push(index);
    }
    parts
}

/// Which arrows close a cycle: a walk from the boxes that nothing leads to, then from the others in their order, meets them on
/// its own way.
pub(super) fn closing(count: usize, arrows: &[(usize, usize)]) -> Vec<bool> {
    let mut below = vec![Vec::new(); count];
    let mut led_to = vec![false; count];
    for (index, (from, to)) in arrows.iter().enumerate() {
        below[*from].push((*to, index));
        led_to[*to] |= from != to;
    }
    let mut closing = vec![false; arrows.len()];
    // 0 not seen, 1 on the way, 2 done.
    let mut state = vec![0_u8; count];
    let (free, led): (Vec<usize>, Vec<usize>) = (0..count).partition(|node| !led_to[*node]);
    for start in free.into_iter().chain(led) {
        if state[start] != 0 {
            continue;
        }
        state[start] = 1;
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            let Some((to, index)) = below[*node].get(*next).copied() else {
                state[*node] = 2;
                way.pop();
                continue;
            };
            *next += 1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    way.push((to, 0));
                }
                1 => closing[index] = true,
                _ => {}
            }
        }
    }
    closing
}

/// The layer of each box: as many steps below the sources as its longest way.
pub(super) fn layers(count: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut below = vec![Vec::new(); count];
    let mut open_above = vec![0_usize; count];
    for (from, to) in arrows.iter().filter(|(from, to)| from != to) {
        below[*from].push(*to);
        open_above[*to] += 1;
    }
    let mut layer = vec![0; count];
    let mut open: VecDeque<usize> = (0..count).filter(|node| open_above[*node] == 0).collect();
    while let Some(node) = open.pop_front() {
        for next in &below[node] {
            layer[*next] = layer[*next].max(layer[node] + 1);
            open_above[*next] -= 1;
            if open_above[*next] == 0 {
                open.push_back(*next);
            }
        }
    }
    layer
}
