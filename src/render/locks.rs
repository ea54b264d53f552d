//! The wait graph as text: root first, every statement with the log's line numbers.

use super::locks_index::{Behind, Sameness, sameness};
use super::{Look, Palette, columns, safe, wrap_into};
use crate::locks::{Dump, Explanation, Grade, Root, Wait, is_held, missing_root};
use crate::report::{ScenarioStep, Task};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Tasks shown below one root, and blocks of tasks that wait alone; the rest is counted.
const MOST: usize = 40;
/// How deep the tree is indented; deeper chains stay at that margin.
const DEEPEST: usize = 12;
/// So many waits that are the same but for their tasks are one sentence.
const FOLD: usize = 3;
/// Tasks named in such a sentence; the rest is counted.
const MOST_NAMES: usize = 100;

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
        let mut groups: Vec<(Sameness<'_>, Vec<&Wait>)> = Vec::new();
        let mut index: BTreeMap<Sameness<'_>, usize> = BTreeMap::new();
        let count = |pid: i64| behind.waits_of(pid).count();
        for wait in behind.dump.waits.iter().filter(|wait| !shown.contains(&wait.waiter.pid)) {
            let key = sameness(wait);
            // Several candidates for one wait are shown together.
            let single = count(wait.waiter.pid) == 1;
            match index.get(&key).filter(|_| single) {
                Some(at) => groups[*at].1.push(wait),
                None if groups.iter().any(|(_, waits)| waits[0].waiter.pid == wait.waiter.pid) => {}
                None => {
                    if single {
                        index.insert(key, groups.len());
                    }
                    groups.push((key, vec![wait]));
                }
            }
        }
        groups.sort_by_key(|(_, waits)| std::cmp::Reverse(if waits.len() < FOLD { 1 } else { waits.len() }));
        let mut roots: BTreeMap<i64, &Root> = BTreeMap::new();
        for root in &behind.dump.roots {
            roots.entry(root.pid).or_insert(root);
        }
        let mut blocks = 0;
        let mut left = 0;
        for (_, waits) in groups {
            if waits.len() >= FOLD {
                self.out.push('\n');
                self.folded(behind, &waits, 0);
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
            since.push(format!("no longer: {}", list(&changes.gone)));
        }
        if since.is_empty() {
            since.push("nobody waits".into());
        }
        self.wrapped("since the dump before: ", 2, &since.join("; "));
    }

    fn cycle(&mut self, cycle: &[i64], behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
        self.out.push('\n');
        let head = if cycle.len() == 1 {
            "deadlock: a task waits for itself".to_owned()
        } else {
            format!("deadlock: {} wait for each other", tasks(cycle.len()))
        };
        self.styled(self.palette.blame, "", 0, &head);
        // Along the edges, from the smallest pid on; a component of several rings shows each member once.
        let (mut at, mut left) = (cycle[0], cycle.iter().copied().collect::<BTreeSet<i64>>());
        let mut told = 0;
        while told < self.most && left.remove(&at) {
            told += 1;
            let own: Vec<&Wait> = behind.waits_of(at).filter(|wait| wait.grade.is_strong()).collect();
            for wait in &own {
                self.wait(wait, 1);
            }
            self.holds(behind, at, 4);
            shown.insert(at);
            let next = own
                .iter()
                .filter_map(|wait| wait.holder.as_ref())
                .map(|holder| holder.pid)
                .find(|pid| left.contains(pid));
            at = match next.or_else(|| left.first().copied()) {
                Some(next) => next,
                None => break,
            };
        }
        shown.extend(cycle);
        if !left.is_empty() {
            self.wrapped("  ", 4, &format!("and {} more in this circle", left.len()));
        }
        for member in cycle {
            self.behind(behind, *member, 1, shown);
        }
    }

    fn root(&mut self, root: &Root, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
        if !shown.insert(root.pid) {
            return;
        }
        self.out.push('\n');
        let task = behind.task(root.pid);
        let who = format!("{}/{}{}", root.comm, root.pid, behind.state(root.pid));
        // Of a task that waits for nobody and blocks nobody one sentence says all.
        let alone = behind.waits_of(root.pid).next();
        if let Some(wait) = alone.filter(|wait| root.blocked_tasks == 0 && wait.holder.is_none()) {
            let waits_for = root.waits_for.as_deref().unwrap_or("something");
            let text = format!(
                "{who} waits for {waits_for}{}{}; it blocks no other task in this log {}",
                behind.blocked(root.pid),
                why(wait),
                lines(&wait.evidence)
            );
            self.styled(self.palette.blame, "", 4, &text);
            self.ends(root.pid, behind, shown);
            return;
        }
        let blocks = match root.blocked_tasks {
            0 => "blocks no other task in this log".to_owned(),
            count => format!("blocks {} through {}", tasks(count), root.through.join(", ")),
        };
        self.styled(self.palette.blame, "root ", 5, &format!("{who} {blocks}"));
        match behind.waits_of(root.pid).next() {
            Some(wait) => {
                let waits_for = root.waits_for.as_deref().unwrap_or("something");
                let text =
                    format!("for {waits_for}{}{} {}", behind.blocked(root.pid), why(wait), lines(&wait.evidence));
                self.wrapped("  waits ", 8, &text);
                for possible in behind.waits_of(root.pid).filter(|wait| wait.holder.is_some()) {
                    self.wait(possible, 2);
                }
            }
            None => {
                let line = task.map(|task| format!(" :{}", task.line)).unwrap_or_default();
                let last = task.and_then(|task| task.holds.last()).and_then(|lock| lock.class.as_deref());
                let stands = task.and_then(|task| Some((task.stands_in.as_deref()?, task.stands_at?)));
                let told = match (stands, last.filter(|last| !root.through.iter().any(|class| class == last))) {
                    (Some((place, at)), _) => format!("what it waits for is not told; it is in {place} :{at}"),
                    (None, Some(last)) => {
                        format!("no stack in the log; it may be waiting for {last} (last in its lock list){line}")
                    }
                    (None, None) => format!("no stack in the log{line}"),
                };
                self.wrapped("  ", 8, &told);
            }
        }
        self.ends(root.pid, behind, shown);
    }

    /// What a root runs and holds, and who is behind it.
    fn ends(&mut self, pid: i64, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
        let task = behind.task(pid);
        if let Some(work) = task.and_then(|task| task.work.as_deref()) {
            self.wrapped("  runs ", 7, work);
        }
        self.holds(behind, pid, 2);
        self.behind(behind, pid, 1, shown);
    }

    /// A task that waits for somebody whom the log does not name, or not for sure, and who is behind it.
    fn open_end(&mut self, pid: i64, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
        if !shown.insert(pid) {
            return;
        }
        self.out.push('\n');
        let own: Vec<&Wait> = behind.waits_of(pid).collect();
        let Some(first) = own.first() else { return };
        let hung = behind.task(pid).is_some_and(|task| task.seconds.is_some());
        // Of a task without a stack only its list is known.
        let seen = behind.task(pid).is_some_and(|task| task.seconds.is_some() || task.stands_in.is_some());
        let waits = if seen || first.grade != Grade::Possible { "waits" } else { "may wait" };
        let head = format!(
            "{}{} {waits} for {}{}",
            name(&first.waiter),
            behind.state(pid),
            target(first),
            behind.blocked(pid)
        );
        let held = hung && is_held(first);
        let text = match &first.holder {
            None if held && missing_root(behind.dump, pid).is_none() => {
                let root = if first.candidates > 0 { "the holder is not told" } else { "the root is not in the log" };
                format!("{head}; {root}: {} {}", first.because, lines(&first.evidence))
            }
            None => format!("{head}{} {}", why(first), lines(&first.evidence)),
            Some(_) => head,
        };
        self.styled(if hung { self.palette.blame } else { anstyle::Style::new() }, "", 4, &text);
        for wait in own.iter().filter(|wait| wait.holder.is_some()) {
            let holder = wait.holder.as_ref().map(name).unwrap_or_default();
            let text = format!("{} holder {holder}: {} {}", wait.grade.word(), wait.because, lines(&wait.evidence));
            self.wrapped("  ", 4, &text);
        }
        if let Some(who) = missing_root(behind.dump, pid).filter(|_| held) {
            self.wrapped("  ", 4, &format!("the root is not in the log; {who}"));
        }
        if behind.direct.contains_key(&pid) {
            self.holds(behind, pid, 2);
        }
        self.behind(behind, pid, 1, shown);
    }

    fn holds(&mut self, behind: &Behind<'_>, pid: i64, indent: usize) {
        let Some(task) = behind.task(pid) else { return };
        for lock in task.holds.iter().take(8) {
            let class = lock.class.as_deref().unwrap_or("?");
            let at = lock.acquired_at.as_deref().map(|at| format!(", taken in {at}")).unwrap_or_default();
            let line = lock.line.map(|line| format!(" :{line}")).unwrap_or_default();
            self.wrapped(&format!("{}holds ", " ".repeat(indent)), indent + 6, &format!("{class}{at}{line}"));
        }
        if task.holds.len() > 8 {
            self.wrapped(&" ".repeat(indent), indent, &format!("and {} more locks", task.holds.len() - 8));
        }
    }

    /// All who wait for `pid`, directly and through others, as a tree; iterative, for chains may be long. Waiters at the
    /// same place whom nobody waits for are one sentence.
    fn behind(&mut self, behind: &Behind<'_>, pid: i64, depth: usize, shown: &mut BTreeSet<i64>) {
        let mut open: Vec<(Vec<&Wait>, usize)> = behind.groups(pid, depth);
        let mut count = 0;
        let mut left = 0;
        while let Some((waits, depth)) = open.pop() {
            let fresh: Vec<&Wait> = waits.into_iter().filter(|wait| shown.insert(wait.waiter.pid)).collect();
            if fresh.len() >= FOLD && count < self.most {
                count += 1;
                self.folded(behind, &fresh, depth.min(DEEPEST));
                continue;
            }
            for wait in fresh {
                count += 1;
                if count > self.most {
                    left += 1;
                } else {
                    self.wait(wait, depth.min(DEEPEST));
                }
                open.extend(behind.groups(wait.waiter.pid, depth + 1));
            }
        }
        if left > 0 {
            self.wrapped("  ", 4, &format!("and {left} more behind it"));
        }
    }

    /// `44 tasks wait for a page's lock or bit in f; because: a/1 :12, b/2 :33`.
    fn folded(&mut self, behind: &Behind<'_>, waits: &[&Wait], depth: usize) {
        let Some(first) = waits.first() else { return };
        let seconds = |wait: &&Wait| behind.task(wait.waiter.pid)?.seconds;
        let seconds: Option<Vec<u64>> = waits.iter().map(seconds).collect();
        let time = match seconds.and_then(|seconds| Some((*seconds.iter().min()?, *seconds.iter().max()?))) {
            Some((least, most)) if least == most => format!(" for {least} s"),
            Some((least, most)) => format!(" for {least} to {most} s"),
            None => String::new(),
        };
        let names: Vec<String> = waits
            .iter()
            .take(MOST_NAMES)
            .map(|wait| format!("{} {}", name(&wait.waiter), lines(&wait.evidence[..wait.evidence.len().min(1)])))
            .collect();
        let more =
            if waits.len() > MOST_NAMES { format!(" and {} more", waits.len() - MOST_NAMES) } else { String::new() };
        let text = format!(
            "{} wait for {}{time}{}: {}{more}",
            tasks(waits.len()),
            target(first),
            graded(first),
            names.join(", ")
        );
        self.wrapped(&"  ".repeat(depth), depth * 2 + 4, &text);
    }

    /// `lab_h2/59 waits for chain_m1 (mutex) in f held by lab_h1/58; certain: because :12 :34`.
    fn wait(&mut self, wait: &Wait, depth: usize) {
        let text =
            format!("{} waits for {}{} {}", name(&wait.waiter), target(wait), graded(wait), lines(&wait.evidence));
        self.wrapped(&"  ".repeat(depth), depth * 2 + 4, &text);
    }

    fn explanation(&mut self, explanation: &Explanation) {
        let text = format!("{}: {} :{}", explanation.flavour, explanation.summary, explanation.line);
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
