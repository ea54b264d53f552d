//! The boxes and arrows of a wait graph: tasks, locks, crowds of tasks that wait alike.

use super::{fitted, safe};
use crate::locks::{Dump, Grade, Wait};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most boxes that are drawn; what is more is counted.
const BOXES: usize = 60;

/// Characters of a line of a label.
const LABEL: usize = 34;
/// So many tasks that wait for one thing in one way, and for whom nobody waits, are one crowd.
const CROWD: usize = 4;

/// Characters of a task's name in a crowd.
const CHIP: usize = 22;

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
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
    pub(super) fn class(self) -> &'static str {
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
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) label: Vec<String>,
    /// Whom it stands for.
    pub(super) pids: Vec<i64>,
    /// The names in a crowd that are drawn.
    pub(super) chips: Vec<(i64, String)>,
}

/// From who waits, or what is awaited, to what is awaited, or who holds it.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) grade: Grade,
    pub(super) ring: bool,
    pub(super) words: String,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// What tells awaited things apart: class and address. What has no name is one for all who wait for the same holder, and where there is
/// no holder, in one place.
type Awaited = (String, String, i64);

fn awaited(wait: &Wait) -> Awaited {
    let place = || wait.lock.acquired_at.clone().unwrap_or_default();
    match (&wait.lock.class, &wait.holder) {
        (Some(class), _) => (class.clone(), wait.lock.address.clone().unwrap_or_default(), 0),
        (None, Some(holder)) => (wait.kind.word().to_owned(), place(), holder.pid),
        (None, None) => (wait.kind.word().to_owned(), place(), i64::MIN),
    }
}

/// The tasks in the order of their weight: cycles, roots by what they block, then who waits for them.
fn order(dump: &Dump) -> Vec<i64> {
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

/// The boxes and arrows of a dump; of each crowd the first `most` tasks are drawn.
pub(super) fn graph(dump: &Dump, most: usize) -> Graph {
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

fn fit(label: &[String]) -> Vec<String> {
    label.iter().map(|line| fitted(&safe(line), LABEL).into_owned()).collect()
}
