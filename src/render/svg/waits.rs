//! The wait graph: roots and cycles on top, below each lock those who wait for it, who hold others in turn.

use super::Setting;
use super::drawing::{Drawing, LINE, MARGIN, width_of};
use super::layered::{Flow, Layout, layered};
use crate::locks::{Dump, Grade, Wait};
use crate::render::locks_picture::{lock_key, order};
use crate::render::{fitted, safe};
use std::collections::{BTreeMap, BTreeSet};

/// The most boxes that are drawn; what is more is counted.
const BOXES: usize = 60;
/// Characters of a line of a label.
const LABEL: usize = 34;
/// So many tasks that wait for one thing in one way, and for whom nobody waits, are one crowd.
const CROWD: usize = 4;
/// Tasks of a crowd that are drawn while it is folded, and when it is open.
const FOLDED: usize = 12;
const OPEN: usize = 600;
/// Tasks of a crowd that a picture which stands alone draws.
const ALONE: usize = 48;
/// Characters of a task's name in a crowd.
const CHIP: usize = 22;
/// Height of a task in a crowd, with what is free below it, pixels.
const CHIP_HEIGHT: f64 = 22.0;
/// A picture that is wider turns its layers to the side, if that makes it narrower, pixels.
const WIDE: f64 = 1_000.0;

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Task,
    /// A task that others wait for and that waits for nobody known.
    Root,
    /// A task of a cycle.
    Deadlocked,
    /// A lock or whatever else is awaited.
    Lock,
    /// What several tasks wait for in one place; whether it is one thing the log does not say.
    Several,
    /// Tasks that wait alike.
    Crowd,
    /// A count of what is not drawn.
    Folded,
}

impl Shape {
    fn class(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Root => "root",
            Self::Deadlocked => "dead",
            Self::Lock => "lock",
            Self::Several => "lock several",
            Self::Crowd => "crowd",
            Self::Folded => "folded",
        }
    }
}

#[derive(Debug)]
struct Node {
    shape: Shape,
    label: Vec<String>,
    /// Whom it stands for.
    pids: Vec<i64>,
    /// The names in a crowd that are drawn.
    chips: Vec<(i64, String)>,
}

/// From who waits, or what is awaited, to what is awaited, or who holds it.
#[derive(Debug)]
struct Edge {
    from: usize,
    to: usize,
    grade: Grade,
    ring: bool,
    words: String,
}

#[derive(Debug, Default)]
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

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

fn fit(label: &[String]) -> Vec<String> {
    label.iter().map(|line| fitted(&safe(line), LABEL).into_owned()).collect()
}

/// What tells awaited things apart: as for the other pictures, but what has no name and no holder is one for all who wait in
/// one place.
type Awaited = (String, String, i64);

fn awaited(wait: &Wait) -> Awaited {
    if wait.lock.class.is_none() && wait.holder.is_none() {
        return (wait.kind.word().to_owned(), wait.lock.acquired_at.clone().unwrap_or_default(), i64::MIN);
    }
    lock_key(wait)
}

/// The boxes and arrows of a dump; of each crowd the first `most` tasks are drawn.
fn graph(dump: &Dump, most: usize) -> Graph {
    let ring: BTreeSet<i64> = dump.cycles.iter().flatten().copied().collect();
    let roots: BTreeSet<i64> = dump.roots.iter().filter(|root| root.blocked_tasks > 0).map(|root| root.pid).collect();
    let held: BTreeSet<i64> = dump.waits.iter().filter_map(|wait| Some(wait.holder.as_ref()?.pid)).collect();
    let mut waits: BTreeMap<i64, Vec<&Wait>> = BTreeMap::new();
    for wait in &dump.waits {
        waits.entry(wait.waiter.pid).or_default().push(wait);
    }
    let order = order(dump);
    // Tasks that wait alike and for whom nobody waits.
    let mut alike: BTreeMap<(Awaited, Grade, Option<i64>), Vec<i64>> = BTreeMap::new();
    for pid in order.iter().filter(|pid| !held.contains(pid) && !ring.contains(pid)) {
        if let Some([wait]) = waits.get(pid).map(Vec::as_slice) {
            let holder = wait.holder.as_ref().map(|holder| holder.pid);
            alike.entry((awaited(wait), wait.grade, holder)).or_default().push(*pid);
        }
    }
    let crowds: Vec<Vec<i64>> = alike.into_values().filter(|crowd| crowd.len() >= CROWD).collect();
    let crowd_of: BTreeMap<i64, usize> =
        crowds.iter().enumerate().flat_map(|(at, crowd)| crowd.iter().map(move |pid| (*pid, at))).collect();
    let mut graph = Graph::default();
    let (mut task_at, mut crowd_at, mut lock_at) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut left = 0;
    for pid in &order {
        let crowd = crowd_of.get(pid).copied();
        let own: BTreeSet<Awaited> = waits.get(pid).into_iter().flatten().map(|wait| awaited(wait)).collect();
        let fresh = own.iter().filter(|key| !lock_at.contains_key(*key)).count();
        let drawn = crowd.is_some_and(|at| crowd_at.contains_key(&at));
        if drawn {
            continue;
        }
        // One box stays free for the count of what is not drawn.
        if graph.nodes.len() + 1 + fresh >= BOXES {
            left += crowd.map_or(1, |at| if Some(pid) == crowds[at].first() { crowds[at].len() } else { 0 });
            continue;
        }
        let node = match crowd {
            Some(at) => {
                crowd_at.insert(at, graph.nodes.len());
                crowd_node(dump, &crowds[at], most)
            }
            None => {
                task_at.insert(*pid, graph.nodes.len());
                let shape = if ring.contains(pid) {
                    Shape::Deadlocked
                } else if roots.contains(pid) {
                    Shape::Root
                } else {
                    Shape::Task
                };
                Node { shape, label: task_label(dump, *pid, shape), pids: vec![*pid], chips: Vec::new() }
            }
        };
        graph.nodes.push(node);
        for key in own {
            if let std::collections::btree_map::Entry::Vacant(entry) = lock_at.entry(key) {
                let same = dump.waits.iter().filter(|wait| awaited(wait) == *entry.key()).collect::<Vec<_>>();
                let several = entry.key().2 == i64::MIN && same.len() > 1;
                let twin = dump
                    .waits
                    .iter()
                    .any(|wait| wait.lock.class == same[0].lock.class && wait.lock.address != same[0].lock.address);
                let node = lock_node(same[0], several, twin);
                entry.insert(graph.nodes.len());
                graph.nodes.push(node);
            }
        }
    }
    graph.edges = edges(
        dump,
        &ring,
        &|pid| task_at.get(&pid).copied().or_else(|| crowd_at.get(crowd_of.get(&pid)?).copied()),
        &lock_at,
    );
    if left > 0 {
        let label = vec![format!("{left} more tasks are not drawn")];
        graph.nodes.push(Node { shape: Shape::Folded, label, pids: Vec::new(), chips: Vec::new() });
    }
    graph
}

/// The arrows between what is drawn, the surest of those that are alike.
fn edges(
    dump: &Dump,
    ring: &BTreeSet<i64>,
    box_of: &dyn Fn(i64) -> Option<usize>,
    lock_at: &BTreeMap<Awaited, usize>,
) -> Vec<Edge> {
    let together =
        |one: i64, other: i64| dump.cycles.iter().any(|cycle| cycle.contains(&one) && cycle.contains(&other));
    let mut found: BTreeMap<(usize, usize), Edge> = BTreeMap::new();
    let mut put = |edge: Edge| {
        let known = found.entry((edge.from, edge.to)).or_insert_with(|| Edge { words: edge.words.clone(), ..edge });
        known.grade = known.grade.max(edge.grade);
        known.ring |= edge.ring;
    };
    for wait in &dump.waits {
        let (Some(from), Some(lock)) = (box_of(wait.waiter.pid), lock_at.get(&awaited(wait))) else { continue };
        let holder = wait.holder.as_ref();
        let strong = wait.grade.is_strong();
        let closes = strong
            && ring.contains(&wait.waiter.pid)
            && holder.is_some_and(|holder| together(wait.waiter.pid, holder.pid));
        let evidence: Vec<String> = wait.evidence.iter().map(|line| format!(":{line}")).collect();
        let words = format!("{}: {} {}", wait.grade.word(), wait.because, evidence.join(" "));
        put(Edge { from, to: *lock, grade: wait.grade, ring: closes, words: words.clone() });
        if let Some(holder) = holder.and_then(|holder| box_of(holder.pid)) {
            put(Edge { from: *lock, to: holder, grade: wait.grade, ring: closes, words });
        }
    }
    found.into_values().collect()
}

fn name_of(dump: &Dump, pid: i64) -> String {
    let mut named = dump.tasks.iter().filter(|task| task.pid == pid).map(|task| task.comm.as_str());
    let waits = || dump.waits.iter().flat_map(|wait| std::iter::once(&wait.waiter).chain(&wait.holder));
    let comm = named.next().or_else(|| waits().find(|task| task.pid == pid).map(|task| task.comm.as_str()));
    format!("{}/{pid}", comm.unwrap_or_default())
}

fn task_label(dump: &Dump, pid: i64, shape: Shape) -> Vec<String> {
    let mut label = vec![name_of(dump, pid)];
    let known = dump.tasks.iter().find(|task| task.pid == pid);
    let state = known.and_then(|task| task.state.clone());
    let time = known.and_then(|task| task.seconds).map(|seconds| format!("{seconds} s"));
    let about: Vec<String> = state.into_iter().chain(time).collect();
    if !about.is_empty() {
        label.push(about.join(" "));
    }
    if let Some(root) = dump.roots.iter().find(|root| root.pid == pid && shape == Shape::Root) {
        let tasks = if root.blocked_tasks == 1 { "task" } else { "tasks" };
        label.push(format!("root: blocks {} {tasks}", root.blocked_tasks));
    }
    fit(&label)
}

/// A lock; its address is shown where another lock has its class.
fn lock_node(wait: &Wait, several: bool, twin: bool) -> Node {
    let place = wait.lock.acquired_at.as_deref().and_then(|at| at.split('+').next());
    let mut label = vec![wait.lock.class.clone().unwrap_or_else(|| wait.kind.word().to_owned())];
    match (&wait.lock.class, place) {
        (Some(_), _) => label.push(wait.kind.word().to_owned()),
        (None, Some(place)) => label.push(format!("in {place}")),
        (None, None) => {}
    }
    label.extend(wait.lock.address.clone().filter(|_| twin && wait.lock.class.is_some()));
    if several {
        label.push("one or several, unknown".to_owned());
    }
    let shape = if several { Shape::Several } else { Shape::Lock };
    Node { shape, label: fit(&label), pids: Vec::new(), chips: Vec::new() }
}

fn crowd_node(dump: &Dump, crowd: &[i64], most: usize) -> Node {
    let mut label = vec![format!("{} tasks wait alike", crowd.len())];
    let times: Vec<u64> =
        dump.tasks.iter().filter(|task| crowd.contains(&task.pid)).filter_map(|task| task.seconds).collect();
    if let (Some(least), Some(longest)) = (times.iter().min(), times.iter().max()) {
        label.push(if least == longest { format!("for {least} s") } else { format!("for {least} to {longest} s") });
    }
    let chips: Vec<(i64, String)> =
        crowd.iter().take(most).map(|pid| (*pid, fitted(&safe(&name_of(dump, *pid)), CHIP).into_owned())).collect();
    if chips.len() < crowd.len() {
        label.push(format!("and {} more waiters, folded", crowd.len() - chips.len()));
    }
    Node { shape: Shape::Crowd, label, pids: crowd.to_vec(), chips }
}
