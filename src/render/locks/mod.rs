//! The wait graph as text: root first, every statement with the log's line numbers.

mod chain;

use super::locks_index::{Behind, Sameness, sameness};
use super::{Look, Palette, columns, safe, wrap_into};
use crate::locks::{Dump, Explanation, Root, Wait};
use crate::report::{ScenarioStep, Task};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Tasks shown below one root, and blocks of tasks that wait alone; the rest is counted.
const MOST: usize = 40;
/// So many waits that are the same but for their tasks are one sentence.
const FOLD: usize = 3;

/// The dumps of one log; one line per dump where that is wanted.
#[must_use]
pub fn locks_text(log: &str, dumps: &[Dump], look: &Look) -> String {
    let mut page = Page::new(look, 0);
    if dumps.iter().all(|dump| dump.tasks.is_empty() && dump.lockdep.is_empty()) {
        page.wrapped("", 0, &format!("{log}: no hang and no lock dump in this log"));
        return page.out;
    }
    for (index, dump) in dumps.iter().enumerate() {
        if look.is_brief() {
            page.brief(log, dump, dumps.len());
            continue;
        }
        if index > 0 {
            page.out.push('\n');
        }
        page.dump(log, dump, dumps.len());
    }
    if look.is_brief() {
        return page.out;
    }
    let last = dumps.last();
    for explanation in last.map(|dump| dump.lockdep.as_slice()).unwrap_or_default() {
        page.out.push('\n');
        page.explanation(explanation);
    }
    for joined in last.map(|dump| dump.joined.as_slice()).unwrap_or_default() {
        page.wrapped("  ", 2, &joined.summary);
    }
    page.out
}

/// The tasks of one dump: roots and cycles first, each with those behind it; indented as a part of a report.
#[must_use]
pub fn hang_text(dump: &Dump, look: &Look) -> String {
    let mut page = Page::new(look, INSET);
    page.tasks(dump);
    page.inset()
}

/// What one of lockdep's reports comes to; indented as a part of a report.
#[must_use]
pub fn lockdep_text(explanation: &Explanation, look: &Look) -> String {
    let mut page = Page::new(look, INSET);
    page.explanation(explanation);
    page.inset()
}

/// Blanks before what is part of a report.
const INSET: usize = 2;

struct Page {
    out: String,
    palette: Palette,
    /// Where sentences are wrapped.
    columns: usize,
    /// Tasks and blocks that are shown before the rest is counted.
    most: usize,
}

impl Page {
    fn new(look: &Look, inset: usize) -> Self {
        let most = if look.is_full() { usize::MAX } else { MOST };
        Self { out: String::new(), palette: look.palette, columns: look.wrap().saturating_sub(inset), most }
    }

    /// What was written, each line moved to the right.
    fn inset(self) -> String {
        let lines = self.out.lines().map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("{:INSET$}{line}\n", ""),
        });
        lines.collect()
    }

    /// One line: the dump, its cycles, its first root.
    fn brief(&mut self, log: &str, dump: &Dump, of: usize) {
        let mut parts = vec![head(log, dump, of)];
        let cycles = dump.cycles.iter().map(|cycle| match cycle.len() {
            1 => "a task waits for itself".to_owned(),
            count => format!("{} wait for each other", tasks(count)),
        });
        parts.extend(cycles);
        let roots = dump.roots.iter().filter(|root| root.blocked_tasks > 0);
        parts.extend(
            roots.map(|root| format!("root {}/{} blocks {}", safe(&root.comm), root.pid, tasks(root.blocked_tasks))),
        );
        parts.extend(dump.lockdep.iter().map(|one| format!("{} :{}", one.summary, one.line)));
        let _ = writeln!(self.out, "{}", safe(&parts.join("; ")));
    }

    fn dump(&mut self, log: &str, dump: &Dump, of: usize) {
        self.styled(self.palette.title, "", 0, &head(log, dump, of));
        if !dump.tasks.is_empty() {
            self.tasks(dump);
        }
    }

    /// What the tasks of a dump wait for.
    fn tasks(&mut self, dump: &Dump) {
        let waiters: BTreeSet<i64> = dump.waits.iter().map(|wait| wait.waiter.pid).collect();
        let behind = Behind::of(dump);
        let mut shown = BTreeSet::new();
        for cycle in &dump.cycles {
            self.cycle(cycle, &behind, &mut shown);
        }
        for root in dump.roots.iter().filter(|root| root.blocked_tasks > 0) {
            self.root(root, &behind, &mut shown);
        }
        // Chains whose end waits for somebody that the log does not name.
        for pid in waiters.iter().filter(|pid| !shown.contains(*pid)).copied().collect::<Vec<_>>() {
            if behind.direct.contains_key(&pid) && !behind.strong.contains(&pid) && !shown.contains(&pid) {
                self.open_end(pid, &behind, &mut shown);
            }
        }
        self.alone(&behind, &mut shown);
        self.changes(dump);
        for reason in &dump.unknown {
            self.styled(self.palette.doubt, "note: ", 6, reason);
        }
    }

    /// Tasks whose wait nobody else is behind: what is the same is reported once.
    fn alone(&mut self, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
        // Each task once: several candidates for one wait are shown together.
        let mut groups: Vec<Vec<&Wait>> = Vec::new();
        let mut index: BTreeMap<Vec<Sameness<'_>>, usize> = BTreeMap::new();
        for own in behind.dump.waits.chunk_by(|one, other| one.waiter.pid == other.waiter.pid) {
            let Some(first) = own.first().filter(|first| !shown.contains(&first.waiter.pid)) else { continue };
            let at = *index.entry(own.iter().map(sameness).collect()).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push(first),
                None => groups.push(vec![first]),
            }
        }
        groups.sort_by_key(|waits| std::cmp::Reverse(if waits.len() < FOLD { 1 } else { waits.len() }));
        let mut roots: BTreeMap<i64, &Root> = BTreeMap::new();
        for root in &behind.dump.roots {
            roots.entry(root.pid).or_insert(root);
        }
        let mut blocks = 0;
        let mut left = 0;
        for waits in groups {
            if waits.len() >= FOLD {
                self.out.push('\n');
                self.folded(behind, &waits, &candidates(behind.waits_of(waits[0].waiter.pid)), 0);
                shown.extend(waits.iter().map(|wait| wait.waiter.pid));
                continue;
            }
            for wait in waits {
                blocks += 1;
                if blocks > self.most {
                    left += 1;
                } else if let Some(root) = roots.get(&wait.waiter.pid) {
                    self.root(root, behind, shown);
                } else {
                    self.open_end(wait.waiter.pid, behind, shown);
                }
            }
        }
        if left > 0 {
            self.out.push('\n');
            self.wrapped("", 2, &format!("and {} more wait alone", tasks(left)));
        }
    }

    fn changes(&mut self, dump: &Dump) {
        let Some(changes) = &dump.changes else { return };
        let list = |tasks: &[Task]| {
            let names: Vec<String> = tasks.iter().take(8).map(name).collect();
            let more = if tasks.len() > 8 { format!(" and {} more", tasks.len() - 8) } else { String::new() };
            format!("{}{more}", names.join(", "))
        };
        self.out.push('\n');
        let mut since = Vec::new();
        if !changes.still.is_empty() {
            since.push(format!("still waiting: {}", list(&changes.still)));
        }
        if !changes.new.is_empty() {
            since.push(format!("new: {}", list(&changes.new)));
        }
        if !changes.gone.is_empty() {
            since.push(format!("no longer listed as waiting: {}", list(&changes.gone)));
        }
        if since.is_empty() {
            since.push("nobody waits".into());
        }
        self.wrapped("since the dump before: ", 2, &since.join("; "));
    }

    fn explanation(&mut self, explanation: &Explanation) {
        let named = explanation.flavour.is_empty() || explanation.summary.starts_with(&explanation.flavour);
        let flavour = if named { String::new() } else { format!("{}: ", explanation.flavour) };
        let text = format!("{flavour}{} :{}", explanation.summary, explanation.line);
        self.wrapped("lockdep ", 8, &text);
        for (number, path) in explanation.paths.iter().enumerate() {
            let line = explanation.steps.get(number).map(|step| format!(" :{}", step.line)).unwrap_or_default();
            self.wrapped("  - ", 4, &format!("{path}{line}"));
        }
        if explanation.cycle.len() > 1 {
            self.wrapped("  cycle: ", 9, &format!("{} -> {}", explanation.cycle.join(" -> "), explanation.cycle[0]));
        }
        self.scenario(&explanation.scenario);
    }

    /// The scenario as a table; one that is cut, or of one step, shows nothing.
    fn scenario(&mut self, steps: &[ScenarioStep]) {
        let steps: Vec<&ScenarioStep> = steps.iter().filter(|step| !step.action.starts_with("***")).collect();
        if steps.len() < 2 {
            return;
        }
        let left = steps.iter().filter(|step| step.cpu == 0).map(|step| columns(&step.action)).max().unwrap_or(0);
        let two = steps.iter().any(|step| step.cpu > 0);
        let width = left.max(4) + 2;
        self.out.push_str("  scenario:\n");
        if two {
            let _ = writeln!(self.out, "    {:width$}CPU1", "CPU0");
        }
        for step in steps {
            let indent = if step.cpu > 0 { width } else { 0 };
            let _ = writeln!(self.out, "    {:indent$}{}", "", safe(&step.action));
        }
    }

    fn styled(&mut self, style: anstyle::Style, first: &str, indent: usize, text: &str) {
        let start = self.out.len();
        self.wrapped(first, indent, text);
        if style != anstyle::Style::new() {
            let plain = self.out.split_off(start);
            let _ = writeln!(self.out, "{style}{}{style:#}", plain.trim_end_matches('\n'));
        }
    }

    fn wrapped(&mut self, first: &str, indent: usize, text: &str) {
        wrap_into(&mut self.out, first, indent, text, self.columns);
    }
}

/// `hang.log:12: hang at 143.000 s; 3 tasks listed, 2 waiting`.
fn head(log: &str, dump: &Dump, of: usize) -> String {
    if dump.tasks.is_empty() {
        let count = dump.lockdep.len();
        let reports = if count == 1 { "a report".to_owned() } else { format!("{count} reports") };
        return format!("{log}:{}: {reports} on the order of locks, no dump of tasks", dump.line);
    }
    let when = dump.at.map(|at| format!(" at {at:.3} s")).unwrap_or_default();
    let number = if of > 1 { format!(", dump {} of {of}", dump.index + 1) } else { String::new() };
    let waiters: BTreeSet<i64> = dump.waits.iter().map(|wait| wait.waiter.pid).collect();
    let what = if dump.hang { "hang" } else { "tasks and locks" };
    format!("{log}:{}: {what}{when}{number}; {} listed, {} waiting", dump.line, tasks(dump.tasks.len()), waiters.len())
}

fn name(task: &Task) -> String {
    format!("{}/{}", task.comm, task.pid)
}

/// `chain_m1 (mutex) in f+0x1/0x2`, or what the kind means where no class is known.
fn target(wait: &Wait) -> String {
    let at = wait.lock.acquired_at.as_deref().map(|at| format!(" in {at}")).unwrap_or_default();
    match &wait.lock.class {
        Some(class) => format!("{class} ({}){at}", wait.kind),
        None => format!("{}{at}", wait.kind.words()),
    }
}

/// ` held by a/1; certain: because`.
fn graded(wait: &Wait) -> String {
    match &wait.holder {
        Some(holder) => format!(" held by {}; {}: {}", name(holder), wait.grade.word(), wait.because),
        None => why(wait),
    }
}

/// ` held by a/1; possible: because` of a task's only wait, `; possible holders a/1, b/2: because` of several.
fn candidates<'a>(own: impl Iterator<Item = &'a Wait>) -> String {
    let own: Vec<&Wait> = own.collect();
    let holders: Vec<String> = own.iter().filter_map(|wait| wait.holder.as_ref()).map(name).collect();
    match &own[..] {
        [] => String::new(),
        [first, _, ..] if holders.len() == own.len() => {
            format!("; {} holders {}: {}", first.grade.word(), holders.join(", "), first.because)
        }
        [first, ..] => graded(first),
    }
}

/// `; because`, of a wait without a holder.
fn why(wait: &Wait) -> String {
    if wait.because.is_empty() || wait.holder.is_some() { String::new() } else { format!("; {}", wait.because) }
}

fn lines(evidence: &[u64]) -> String {
    evidence.iter().map(|line| format!(":{line}")).collect::<Vec<_>>().join(" ")
}

fn tasks(count: usize) -> String {
    if count == 1 { "1 task".into() } else { format!("{count} tasks") }
}
