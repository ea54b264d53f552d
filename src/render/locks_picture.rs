//! The wait graph as nodes and edges to draw, and its forms for graphviz and mermaid.

use super::safe;
use crate::locks::{Dump, Grade, Wait};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

/// The most nodes that are drawn; what is more is folded and counted.
pub(super) const MOST_NODES: usize = 60;
/// Characters of a line of a label.
const LABEL: usize = 34;

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Task,
    /// A task that others wait for and that waits for nobody known.
    Root,
    /// A task of a cycle.
    Deadlocked,
    /// A lock or whatever else is awaited.
    Lock,
    /// A count of what is not drawn.
    Folded,
}

/// A node with the lines of its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) label: Vec<String>,
}

/// An arrow from a waiter to a lock, or from a lock to its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) grade: Grade,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// What tells the lock nodes apart: class and address; without a class each waiter has its own.
pub(super) fn lock_key(wait: &Wait) -> (String, String, i64) {
    match (&wait.lock.class, &wait.lock.address) {
        (Some(class), address) => (class.clone(), address.clone().unwrap_or_default(), 0),
        // Unnamed locks are the same for all who wait for the same holder.
        (None, _) => (
            wait.kind.word().to_owned(),
            wait.lock.acquired_at.clone().unwrap_or_default(),
            wait.holder.as_ref().map_or(-wait.waiter.pid, |holder| holder.pid),
        ),
    }
}

/// The tasks in the order of their weight: cycles, roots by what they block, then who waits for them.
pub(super) fn order(dump: &Dump) -> Vec<i64> {
    let mut behind: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for wait in &dump.waits {
        if let Some(holder) = &wait.holder {
            behind.entry(holder.pid).or_default().insert(wait.waiter.pid);
        }
    }
    let starts = dump.cycles.iter().flatten().chain(dump.roots.iter().map(|root| &root.pid));
    let rest = dump.waits.iter().map(|wait| &wait.waiter.pid);
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for start in starts.chain(rest) {
        let mut open = VecDeque::from([*start]);
        while let Some(pid) = open.pop_front() {
            if seen.insert(pid) {
                order.push(pid);
                open.extend(behind.get(&pid).into_iter().flatten());
            }
        }
    }
    order
}

/// Nodes and edges of a dump, at most [`MOST_NODES`] nodes.
pub(super) fn picture(dump: &Dump) -> Picture {
    let cycle: BTreeSet<i64> = dump.cycles.iter().flatten().copied().collect();
    let roots: BTreeSet<i64> = dump.roots.iter().map(|root| root.pid).collect();
    let names: BTreeMap<i64, String> = dump
        .waits
        .iter()
        .flat_map(|wait| std::iter::once(&wait.waiter).chain(&wait.holder))
        .map(|task| (task.pid, task.comm.clone()))
        .chain(dump.tasks.iter().map(|task| (task.pid, task.comm.clone())))
        .chain(dump.roots.iter().map(|root| (root.pid, root.comm.clone())))
        .collect();
    let mut waits: BTreeMap<i64, Vec<&Wait>> = BTreeMap::new();
    for wait in &dump.waits {
        waits.entry(wait.waiter.pid).or_default().push(wait);
    }
    // First which tasks and locks are drawn, then their edges. One node stays free for what is not.
    let (mut tasks, mut locks) = (BTreeSet::new(), BTreeMap::new());
    let mut left: Vec<i64> = Vec::new();
    let order = order(dump);
    for pid in &order {
        let own: BTreeSet<_> = waits.get(pid).into_iter().flatten().map(|wait| lock_key(wait)).collect();
        let fresh = own.iter().filter(|key| !locks.contains_key(*key)).count();
        if tasks.len() + locks.len() + 1 + fresh < MOST_NODES {
            tasks.insert(*pid);
            for key in own {
                locks.entry(key).or_insert(0usize);
            }
        } else {
            left.push(*pid);
        }
    }
    let mut uncounted = 0;
    for pid in &left {
        let drawn = waits.get(pid).into_iter().flatten().map(|wait| lock_key(wait)).find(|key| locks.contains_key(key));
        match drawn.and_then(|key| locks.get_mut(&key)) {
            Some(count) => *count += 1,
            None => uncounted += 1,
        }
    }
    let (mut nodes, mut index_of_task, mut index_of_lock) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for pid in order.iter().filter(|pid| tasks.contains(pid)) {
        let known = dump.tasks.iter().find(|task| task.pid == *pid);
        let mut label = vec![format!("{}/{pid}", names.get(pid).map_or("", String::as_str))];
        let state = known.and_then(|task| task.state.as_deref()).unwrap_or_default();
        if let Some(seconds) = known.and_then(|task| task.seconds) {
            label.push(format!("{state} {seconds} s").trim().to_owned());
        }
        let shape = if cycle.contains(pid) {
            Shape::Deadlocked
        } else if roots.contains(pid) {
            Shape::Root
        } else {
            Shape::Task
        };
        index_of_task.insert(*pid, nodes.len());
        nodes.push(Node { shape, label: fit(&label) });
    }
    let mut edges: BTreeMap<(usize, usize), Grade> = BTreeMap::new();
    for pid in order.iter().filter(|pid| tasks.contains(pid)) {
        for wait in waits.get(pid).into_iter().flatten() {
            let key = lock_key(wait);
            let more = locks.get(&key).copied().unwrap_or(0);
            let lock = *index_of_lock.entry(key).or_insert_with(|| {
                let mut label = vec![wait.lock.class.clone().unwrap_or_else(|| wait.kind.word().to_owned())];
                match &wait.lock.class {
                    Some(_) => label.push(wait.kind.word().to_owned()),
                    None => label.extend(
                        wait.lock
                            .acquired_at
                            .as_deref()
                            .and_then(|at| at.split('+').next())
                            .map(|at| format!("in {at}")),
                    ),
                }
                if more > 0 {
                    label.push(format!("and {more} more waiters"));
                }
                nodes.push(Node { shape: Shape::Lock, label: fit(&label) });
                nodes.len() - 1
            });
            let mut put = |from: usize, to: usize| {
                let grade = edges.entry((from, to)).or_insert(wait.grade);
                *grade = (*grade).max(wait.grade);
            };
            put(index_of_task[pid], lock);
            if let Some(holder) = wait.holder.as_ref().and_then(|holder| index_of_task.get(&holder.pid)) {
                put(lock, *holder);
            }
        }
    }
    if uncounted > 0 {
        nodes.push(Node { shape: Shape::Folded, label: vec![format!("{uncounted} more tasks are not drawn")] });
    }
    let edges = edges.into_iter().map(|((from, to), grade)| Edge { from, to, grade }).collect();
    Picture { nodes, edges }
}

fn fit(label: &[String]) -> Vec<String> {
    label.iter().map(|line| super::fitted(&safe(line), LABEL).into_owned()).collect()
}

/// The graph for graphviz.
#[must_use]
pub fn locks_dot(dump: &Dump) -> String {
    let picture = picture(dump);
    let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = String::from("digraph locks {\n  rankdir=BT;\n  node [fontname=\"sans-serif\", fontsize=10];\n");
    for (index, node) in picture.nodes.iter().enumerate() {
        let label: Vec<String> = node.label.iter().map(|line| quote(line)).collect();
        let style = match node.shape {
            Shape::Task => "shape=box",
            Shape::Root => "shape=box, style=filled, fillcolor=\"#f6c26b\"",
            Shape::Deadlocked => "shape=box, style=filled, fillcolor=\"#f08a80\"",
            Shape::Lock => "shape=ellipse, style=filled, fillcolor=\"#dfe8f2\"",
            Shape::Folded => "shape=plaintext",
        };
        let _ = writeln!(out, "  n{index} [label=\"{}\", {style}];", label.join("\\n"));
    }
    for edge in &picture.edges {
        let style = match edge.grade {
            Grade::Stated | Grade::Certain => "solid",
            Grade::Likely => "dashed",
            Grade::Possible | Grade::Unknown => "dotted",
        };
        let _ = writeln!(out, "  n{} -> n{} [style={style}, tooltip=\"{}\"];", edge.from, edge.to, edge.grade.word());
    }
    out.push_str("}\n");
    out
}

/// The graph for mermaid.
#[must_use]
pub fn locks_mermaid(dump: &Dump) -> String {
    let picture = picture(dump);
    // Mermaid reads HTML entities in quoted labels.
    let quote = |text: &str| {
        let mut out = String::new();
        for char in text.chars() {
            match char {
                '"' | '<' | '>' | '&' | '#' | ';' | '`' => {
                    let _ = write!(out, "#{};", u32::from(char));
                }
                _ => out.push(char),
            }
        }
        out
    };
    let mut out = String::from("flowchart BT\n");
    for (index, node) in picture.nodes.iter().enumerate() {
        let label: Vec<String> = node.label.iter().map(|line| quote(line)).collect();
        let label = label.join("<br/>");
        let _ = match node.shape {
            Shape::Lock => writeln!(out, "  n{index}([\"{label}\"])"),
            Shape::Deadlocked => writeln!(out, "  n{index}[\"{label}\"]:::deadlocked"),
            Shape::Root => writeln!(out, "  n{index}[\"{label}\"]:::root"),
            Shape::Task | Shape::Folded => writeln!(out, "  n{index}[\"{label}\"]"),
        };
    }
    for edge in &picture.edges {
        let arrow = if edge.grade >= Grade::Certain { "-->" } else { "-.->" };
        let _ = writeln!(out, "  n{} {arrow}|{}| n{}", edge.from, edge.grade.word(), edge.to);
    }
    out.push_str("  classDef root fill:#f6c26b\n  classDef deadlocked fill:#f08a80\n");
    out
}
