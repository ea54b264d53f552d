//! The wait graph as text for a mail: 75 columns, root first, every statement with the log's line numbers.

use super::{Palette, safe};
use crate::locks::{Dump, Grade, Root, Wait};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Columns of a mail.
const COLUMNS: usize = 75;
/// Tasks shown below one root; the rest is counted.
const MOST: usize = 40;
/// How deep the tree is indented; deeper chains stay at that margin.
const DEEPEST: usize = 12;

/// The dumps of one log.
#[must_use]
pub fn locks_text(log: &str, dumps: &[Dump], palette: &Palette) -> String {
    let mut page = Page { out: String::new(), palette: *palette };
    if dumps.iter().all(|dump| dump.tasks.is_empty() && dump.lockdep.is_empty()) {
        page.wrapped("", 0, &format!("{log}: no hang and no lock is told of"));
        return page.out;
    }
    for (index, dump) in dumps.iter().enumerate() {
        if index > 0 {
            page.out.push('\n');
        }
        page.dump(log, dump, dumps.len());
    }
    let last = dumps.last();
    for explanation in last.map(|dump| dump.lockdep.as_slice()).unwrap_or_default() {
        page.out.push('\n');
        page.wrapped("lockdep ", 8, &format!("{}: {} :{}", explanation.flavour, explanation.summary, explanation.line));
        for path in &explanation.paths {
            page.wrapped("  - ", 4, path);
        }
        if explanation.cycle.len() > 1 {
            page.wrapped("  cycle: ", 9, &format!("{} -> {}", explanation.cycle.join(" -> "), explanation.cycle[0]));
        }
    }
    for joined in last.map(|dump| dump.joined.as_slice()).unwrap_or_default() {
        page.wrapped("  ", 2, &joined.summary);
    }
    page.out
}

struct Page {
    out: String,
    palette: Palette,
}

impl Page {
    fn dump(&mut self, log: &str, dump: &Dump, of: usize) {
        if dump.tasks.is_empty() {
            self.wrapped("", 0, &format!("{log}: no dump of tasks or locks"));
            return;
        }
        let when = dump.at.map(|at| format!(" at {at:.3} s")).unwrap_or_default();
        let number = if of > 1 { format!(", dump {} of {of}", dump.index + 1) } else { String::new() };
        let waiters: BTreeSet<i64> = dump.waits.iter().map(|wait| wait.waiter.pid).collect();
        let what = if dump.hang { "hang" } else { "tasks and locks" };
        let head = format!(
            "{log}:{}: {what}{when}{number}; {} listed, {}",
            dump.line,
            tasks(dump.tasks.len()),
            waiting(waiters.len())
        );
        self.styled(self.palette.title, "", 0, &head);
        let mut shown = BTreeSet::new();
        for cycle in &dump.cycles {
            self.cycle(dump, cycle, &mut shown);
        }
        let alone = dump.roots.iter().filter(|root| root.blocked_tasks == 0).count();
        for root in dump.roots.iter().filter(|root| root.blocked_tasks > 0 || alone <= MOST) {
            self.root(dump, root, &mut shown);
        }
        if alone > MOST {
            self.wrapped("", 2, &format!("{alone} tasks are blocked alone, by nobody that the log knows"));
        }
        let rest: Vec<&Wait> = dump.waits.iter().filter(|wait| !shown.contains(&wait.waiter.pid)).collect();
        if !rest.is_empty() {
            self.out.push('\n');
            self.wrapped("", 0, "also waiting:");
            for wait in rest.iter().take(MOST) {
                self.wait(wait, 1);
            }
            if rest.len() > MOST {
                self.wrapped("  ", 2, &format!("and {} more", rest.len() - MOST));
            }
        }
        if let Some(changes) = &dump.changes {
            let list = |tasks: &[crate::report::Task]| {
                let names: Vec<String> =
                    tasks.iter().take(8).map(|task| format!("{}/{}", task.comm, task.pid)).collect();
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
        for reason in &dump.unknown {
            self.styled(self.palette.doubt, "note: ", 6, reason);
        }
    }

    fn cycle(&mut self, dump: &Dump, cycle: &[i64], shown: &mut BTreeSet<i64>) {
        self.out.push('\n');
        let head = if cycle.len() == 1 {
            "deadlock: a task waits for itself".to_owned()
        } else {
            format!("deadlock: {} wait for each other", tasks(cycle.len()))
        };
        self.styled(self.palette.blame, "", 0, &head);
        // Along the edges, from the smallest pid on; a component of several rings shows each member once.
        let (mut at, mut left) = (cycle[0], cycle.iter().copied().collect::<BTreeSet<i64>>());
        while left.remove(&at) {
            let own: Vec<&Wait> =
                dump.waits.iter().filter(|wait| wait.waiter.pid == at && wait.grade.is_strong()).collect();
            for wait in &own {
                self.wait(wait, 1);
            }
            self.holds(dump, at, 3);
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
        for member in cycle {
            self.behind(dump, *member, 1, shown);
        }
    }

    fn root(&mut self, dump: &Dump, root: &Root, shown: &mut BTreeSet<i64>) {
        if !shown.insert(root.pid) {
            return;
        }
        self.out.push('\n');
        let task = dump.tasks.iter().find(|task| task.pid == root.pid);
        let state = task.and_then(|task| task.state.as_deref()).map(|state| format!(" ({state})")).unwrap_or_default();
        let blocks = match root.blocked_tasks {
            0 => "blocked, blocks nobody that the log knows".to_owned(),
            count => format!("blocks {} through {}", tasks(count), root.through.join(", ")),
        };
        self.styled(self.palette.blame, "root ", 5, &format!("{}/{}{state} {blocks}", root.comm, root.pid));
        match dump.waits.iter().find(|wait| wait.waiter.pid == root.pid) {
            Some(wait) => {
                let blocked =
                    task.and_then(|task| task.seconds).map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
                let lines = lines(&wait.evidence);
                let why = if wait.because.is_empty() { String::new() } else { format!("; {}", wait.because) };
                let waits_for = root.waits_for.as_deref().unwrap_or("something");
                self.wrapped("  waits ", 8, &format!("for {waits_for}{blocked}{why} {lines}"));
                for possible in dump.waits.iter().filter(|wait| wait.waiter.pid == root.pid && wait.holder.is_some()) {
                    self.wait(possible, 2);
                }
            }
            None => {
                let line = task.map(|task| format!(" :{}", task.line)).unwrap_or_default();
                let last = task.and_then(|task| task.holds.last()).and_then(|lock| lock.class.as_deref());
                let told = match last.filter(|last| !root.through.iter().any(|class| class == last)) {
                    Some(last) => {
                        format!("its stack is not in the log; {last}, last in its list, may be what it waits for")
                    }
                    None => "its stack is not in the log".to_owned(),
                };
                self.wrapped("  ", 8, &format!("{told}{line}"));
            }
        }
        if let Some(work) = task.and_then(|task| task.work.as_deref()) {
            self.wrapped("  runs ", 7, work);
        }
        self.holds(dump, root.pid, 2);
        self.behind(dump, root.pid, 1, shown);
    }

    fn holds(&mut self, dump: &Dump, pid: i64, indent: usize) {
        let Some(task) = dump.tasks.iter().find(|task| task.pid == pid) else { return };
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

    /// All who wait for `pid`, directly and through others, as a tree; iterative, for chains may be long.
    fn behind(&mut self, dump: &Dump, pid: i64, depth: usize, shown: &mut BTreeSet<i64>) {
        let mut waiters: BTreeMap<i64, Vec<&Wait>> = BTreeMap::new();
        for wait in dump.waits.iter().filter(|wait| wait.grade.is_strong()) {
            if let Some(holder) = &wait.holder {
                waiters.entry(holder.pid).or_default().push(wait);
            }
        }
        let mut open: Vec<(&Wait, usize)> =
            waiters.get(&pid).into_iter().flatten().rev().map(|wait| (*wait, depth)).collect();
        let mut count = 0;
        let mut left = 0;
        while let Some((wait, depth)) = open.pop() {
            if !shown.insert(wait.waiter.pid) {
                continue;
            }
            count += 1;
            if count > MOST {
                left += 1;
            } else {
                self.wait(wait, depth.min(DEEPEST));
            }
            open.extend(waiters.get(&wait.waiter.pid).into_iter().flatten().rev().map(|wait| (*wait, depth + 1)));
        }
        if left > 0 {
            self.wrapped("  ", 4, &format!("and {left} more behind it"));
        }
    }

    /// `lab_h2/59 -> lab_h1/58  chain_m1 (mutex) in f  certain: because :12 :34`.
    fn wait(&mut self, wait: &Wait, depth: usize) {
        let indent = " ".repeat(depth * 2);
        let class = wait.lock.class.as_deref().unwrap_or(wait.kind);
        let kind = if wait.lock.class.is_some() { format!(" ({})", wait.kind) } else { String::new() };
        let at = wait.lock.acquired_at.as_deref().map(|at| format!(" in {at}")).unwrap_or_default();
        let whom =
            wait.holder.as_ref().map(|holder| format!(" held by {}/{}", holder.comm, holder.pid)).unwrap_or_default();
        let because = if wait.because.is_empty() { String::new() } else { format!(", {}", wait.because) };
        let grade =
            if wait.holder.is_none() && wait.grade == Grade::Unknown { "holder unknown" } else { wait.grade.word() };
        let text = format!(
            "{}/{} waits for {class}{kind}{at}{whom}; {grade}{because} {}",
            wait.waiter.comm,
            wait.waiter.pid,
            lines(&wait.evidence)
        );
        self.wrapped(&indent, depth * 2 + 4, &text);
    }

    fn styled(&mut self, style: anstyle::Style, first: &str, indent: usize, text: &str) {
        let start = self.out.len();
        self.wrapped(first, indent, text);
        if style != anstyle::Style::new() {
            let plain = self.out.split_off(start);
            let _ = writeln!(self.out, "{style}{}{style:#}", plain.trim_end_matches('\n'));
        }
    }

    /// Writes words into lines of [`COLUMNS`]; a word that is longer is broken.
    fn wrapped(&mut self, first: &str, indent: usize, text: &str) {
        let text = safe(text);
        let mut column = first.chars().count();
        self.out.push_str(first);
        let mut begun = true;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let mut rest = word;
            loop {
                let space = usize::from(!begun);
                let length = rest.chars().count();
                if column + space + length <= COLUMNS {
                    if !begun {
                        self.out.push(' ');
                    }
                    self.out.push_str(rest);
                    column += space + length;
                    begun = false;
                    break;
                }
                if begun {
                    // A word longer than a line.
                    let room = COLUMNS.saturating_sub(column).max(1);
                    let cut = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
                    self.out.push_str(&rest[..cut]);
                    rest = &rest[cut..];
                    if rest.is_empty() {
                        begun = false;
                        column += room;
                        break;
                    }
                }
                self.out.push('\n');
                let indent = indent.min(COLUMNS / 2);
                self.out.push_str(&" ".repeat(indent));
                column = indent;
                begun = true;
            }
        }
        self.out.push('\n');
    }
}

fn lines(evidence: &[u64]) -> String {
    evidence.iter().map(|line| format!(":{line}")).collect::<Vec<_>>().join(" ")
}

fn tasks(count: usize) -> String {
    if count == 1 { "1 task".into() } else { format!("{count} tasks") }
}

fn waiting(count: usize) -> String {
    if count == 1 { "1 waits".into() } else { format!("{count} wait") }
}
