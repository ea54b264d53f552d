//! Chains of waits as text: cycles, roots, and who waits behind them.

use super::super::locks_index::Behind;
use super::{FOLD, Page, graded, lines, name, target, tasks, why};
use crate::locks::{Grade, Root, Wait, is_held, missing_root};
use std::collections::BTreeSet;

/// How deep the tree is indented; deeper chains stay at that margin.
const DEEPEST: usize = 12;
/// Tasks named in such a sentence; the rest is counted.
const MOST_NAMES: usize = 100;

impl Page {
    pub(super) fn cycle(&mut self, cycle: &[i64], behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
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

    pub(super) fn root(&mut self, root: &Root, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
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
                "{who} waits for {waits_for}{}{}; it is not known to block another task {}",
                behind.blocked(root.pid),
                why(wait),
                lines(&wait.evidence)
            );
            self.styled(self.palette.blame, "", 4, &text);
            self.ends(root.pid, behind, shown);
            return;
        }
        let blocks = match root.blocked_tasks {
            0 => "is not known to block another task".to_owned(),
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
                    (Some((place, at)), _) => format!("what it waits for is not known; it is in {place} :{at}"),
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
    pub(super) fn ends(&mut self, pid: i64, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
        let task = behind.task(pid);
        if let Some(work) = task.and_then(|task| task.work.as_deref()) {
            self.wrapped("  runs ", 7, work);
        }
        self.holds(behind, pid, 2);
        self.behind(behind, pid, 1, shown);
    }

    /// A task that waits for somebody whom the log does not name, or not for sure, and who is behind it.
    pub(super) fn open_end(&mut self, pid: i64, behind: &Behind<'_>, shown: &mut BTreeSet<i64>) {
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
                format!("{head}; the holder is not known: {} {}", first.because, lines(&first.evidence))
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
            self.wrapped("  ", 4, &format!("the holder is not known; {who}"));
        }
        if behind.direct.contains_key(&pid) {
            self.holds(behind, pid, 2);
        }
        self.behind(behind, pid, 1, shown);
    }

    pub(super) fn holds(&mut self, behind: &Behind<'_>, pid: i64, indent: usize) {
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
    pub(super) fn behind(&mut self, behind: &Behind<'_>, pid: i64, depth: usize, shown: &mut BTreeSet<i64>) {
        let mut open: Vec<(Vec<&Wait>, usize)> = behind.groups(pid, depth);
        let mut count = 0;
        let mut left = 0;
        while let Some((waits, depth)) = open.pop() {
            let fresh: Vec<&Wait> = waits.into_iter().filter(|wait| shown.insert(wait.waiter.pid)).collect();
            if fresh.len() >= FOLD && count < self.most {
                count += 1;
                self.folded(behind, &fresh, &graded(fresh[0]), depth.min(DEEPEST));
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

    /// `44 tasks wait for a page's lock or bit in f; because: a/1 :12, b/2 :33`; `held` says who holds it, or why nobody knows.
    pub(super) fn folded(&mut self, behind: &Behind<'_>, waits: &[&Wait], held: &str, depth: usize) {
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
        let text = format!("{} wait for {}{time}{held}: {}{more}", tasks(waits.len()), target(first), names.join(", "));
        self.wrapped(&"  ".repeat(depth), depth * 2 + 4, &text);
    }

    /// `lab_h2/59 waits for chain_m1 (mutex) in f held by lab_h1/58; certain: because :12 :34`.
    pub(super) fn wait(&mut self, wait: &Wait, depth: usize) {
        let text =
            format!("{} waits for {}{} {}", name(&wait.waiter), target(wait), graded(wait), lines(&wait.evidence));
        self.wrapped(&"  ".repeat(depth), depth * 2 + 4, &text);
    }
}
