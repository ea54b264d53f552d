//! Edges → cycles, roots, depth.

use super::{Grade, Root, Wait, waits_of};
use std::collections::{BTreeMap, BTreeSet};

/// Who waits for whom, strong edges only: waiter → holder → the best grade between them.
pub(super) type Edges = BTreeMap<i64, BTreeMap<i64, Grade>>;

/// The strong edges of these waits.
pub(super) fn strong(waits: &[Wait]) -> Edges {
    let mut edges = Edges::new();
    for wait in waits.iter().filter(|wait| wait.grade.is_strong()) {
        if let Some(holder) = &wait.holder {
            let grade = edges.entry(wait.waiter.pid).or_default().entry(holder.pid).or_insert(wait.grade);
            *grade = (*grade).max(wait.grade);
        }
    }
    edges
}

/// The strongly connected components that are cycles, each as ascending pids, ascending. A task that waits for itself is
/// one; a diamond is none.
pub(super) fn cycles(edges: &Edges) -> Vec<Vec<i64>> {
    let mut state = Tarjan {
        edges,
        index: BTreeMap::new(),
        low: BTreeMap::new(),
        on: BTreeSet::new(),
        stack: Vec::new(),
        found: Vec::new(),
    };
    for start in edges.keys() {
        if !state.index.contains_key(start) {
            state.visit(*start);
        }
    }
    let mut found = state.found;
    found.sort();
    found
}

struct Tarjan<'a> {
    edges: &'a Edges,
    index: BTreeMap<i64, usize>,
    low: BTreeMap<i64, usize>,
    on: BTreeSet<i64>,
    stack: Vec<i64>,
    found: Vec<Vec<i64>>,
}

impl Tarjan<'_> {
    /// Tarjan's algorithm with a stack of its own: a log may hold a chain of any length.
    fn visit(&mut self, start: i64) {
        let mut calls = vec![(start, self.successors(start))];
        self.enter(start);
        while let Some((node, rest)) = calls.last_mut() {
            let node = *node;
            if let Some(next) = rest.pop() {
                if !self.index.contains_key(&next) {
                    self.enter(next);
                    calls.push((next, self.successors(next)));
                } else if self.on.contains(&next) {
                    self.lower(node, self.index[&next]);
                }
                continue;
            }
            calls.pop();
            if let Some((parent, _)) = calls.last() {
                self.lower(*parent, self.low[&node]);
            }
            if self.low[&node] == self.index[&node] {
                let mut component = Vec::new();
                while let Some(member) = self.stack.pop() {
                    self.on.remove(&member);
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                let own = component.len() > 1 || self.edges.get(&node).is_some_and(|next| next.contains_key(&node));
                if own {
                    component.sort_unstable();
                    self.found.push(component);
                }
            }
        }
    }

    fn successors(&self, node: i64) -> Vec<i64> {
        self.edges.get(&node).map(|next| next.keys().rev().copied().collect()).unwrap_or_default()
    }

    fn enter(&mut self, node: i64) {
        let index = self.index.len();
        self.index.insert(node, index);
        self.low.insert(node, index);
        self.on.insert(node);
        self.stack.push(node);
    }

    fn lower(&mut self, node: i64, to: usize) {
        if let Some(low) = self.low.get_mut(&node) {
            *low = (*low).min(to);
        }
    }
}

/// The roots: tasks that wait for nobody that the log knows, though others wait for them or the kernel calls them blocked; `waits`
/// by waiter.
pub(super) fn roots(edges: &Edges, waits: &[Wait], hung: &BTreeMap<i64, &str>) -> Vec<Root> {
    let mut behind: BTreeMap<i64, BTreeMap<i64, Grade>> = BTreeMap::new();
    for (waiter, holders) in edges {
        for (holder, grade) in holders {
            behind.entry(*holder).or_default().insert(*waiter, *grade);
        }
    }
    let mut through: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for wait in waits.iter().filter(|wait| wait.grade.is_strong()) {
        let Some(holder) = &wait.holder else { continue };
        let class = wait.lock.class.as_deref().unwrap_or(wait.kind.word());
        through.entry(holder.pid).or_default().insert(class);
    }
    let mut names: BTreeMap<i64, &str> = hung.clone();
    for task in waits.iter().flat_map(|wait| std::iter::once(&wait.waiter).chain(&wait.holder)) {
        names.entry(task.pid).or_insert(&task.comm);
    }
    let candidates: BTreeSet<i64> = hung.keys().chain(behind.keys()).copied().collect();
    let mut roots: Vec<Root> = candidates
        .into_iter()
        .filter(|pid| !edges.contains_key(pid) && !waits_of(waits, *pid).iter().any(is_held))
        .map(|pid| {
            let (blocked_tasks, depth) = reach(&behind, pid);
            let own = waits_of(waits, pid).first();
            let through = through.get(&pid).into_iter().flatten().map(|class| (*class).to_owned()).collect();
            Root {
                pid,
                comm: names.get(&pid).map(|comm| (*comm).to_owned()).unwrap_or_default(),
                waits_for: own.map(awaited_in_words),
                blocked_tasks,
                depth,
                through,
                grade: behind.get(&pid).and_then(|waiters| waiters.values().max().copied()),
            }
        })
        .collect();
    roots.sort_by_key(|root| (std::cmp::Reverse(root.blocked_tasks), root.pid));
    roots
}

/// Whether somebody must hold what is awaited, whoever that is: the waiter is not the end of its chain.
pub(crate) fn is_held(wait: &Wait) -> bool {
    wait.holder.is_some() || wait.kind.has_holder()
}

/// `a completion in chain_root_block`.
pub(super) fn awaited_in_words(wait: &Wait) -> String {
    let what = wait.kind.words();
    let place = wait.lock.acquired_at.as_deref().map(|at| at.split('+').next().unwrap_or(at));
    match (&wait.lock.class, place) {
        (Some(class), Some(at)) => format!("{what} ({class}) in {at}"),
        (Some(class), None) => format!("{what} ({class})"),
        (None, Some(at)) => format!("{what} in {at}"),
        (None, None) => what.into(),
    }
}

/// How many tasks wait for this one, and over how many edges at most (cycles count once).
fn reach(behind: &BTreeMap<i64, BTreeMap<i64, Grade>>, start: i64) -> (usize, usize) {
    let mut depth_of = BTreeMap::from([(start, 0usize)]);
    let mut layer = vec![start];
    let mut depth = 0;
    while !layer.is_empty() {
        let mut next = Vec::new();
        for node in layer {
            for waiter in behind.get(&node).into_iter().flat_map(|waiters| waiters.keys()) {
                if !depth_of.contains_key(waiter) {
                    depth_of.insert(*waiter, depth + 1);
                    next.push(*waiter);
                }
            }
        }
        if !next.is_empty() {
            depth += 1;
        }
        layer = next;
    }
    (depth_of.len() - 1, depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(i64, i64)]) -> Edges {
        let mut edges = Edges::new();
        for (from, to) in pairs {
            edges.entry(*from).or_default().insert(*to, Grade::Certain);
        }
        edges
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        assert_eq!(cycles(&edges(&[(1, 2), (1, 3), (2, 4), (3, 4)])), Vec::<Vec<i64>>::new());
    }

    #[test]
    fn cycles_are_found_with_what_hangs_on_them() {
        assert_eq!(cycles(&edges(&[(1, 2), (2, 3), (3, 1), (4, 1), (5, 5)])), [vec![1, 2, 3], vec![5]]);
    }

    #[test]
    fn a_long_chain_does_not_exhaust_the_stack() {
        let pairs: Vec<(i64, i64)> = (0..100_000).map(|pid| (pid, pid + 1)).collect();
        assert_eq!(cycles(&edges(&pairs)).len(), 0);
    }

    #[test]
    fn roots_count_what_waits_for_them_and_cycles_have_none() {
        let found = roots(&edges(&[(1, 2), (2, 3), (4, 3), (7, 8), (8, 7)]), &[], &BTreeMap::new());
        let brief: Vec<_> = found.iter().map(|root| (root.pid, root.blocked_tasks, root.depth)).collect();
        assert_eq!(brief, [(3, 3, 2)]);
    }
}
