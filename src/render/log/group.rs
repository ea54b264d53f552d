//! Which reports of a log a person would call the same: one title and subject, or the hung tasks of one dump.

use super::super::Look;
use crate::locks::{Dump, Explanation, dump_of};
use crate::report::Report;
use std::collections::BTreeMap;

/// Reports that a person would call the same: one title, one subject, one hang.
#[derive(Debug)]
pub(in crate::render) struct Group<'a> {
    /// In the order of the log.
    pub(in crate::render) reports: Vec<&'a Report>,
    /// The dump that these hung tasks belong to.
    pub(in crate::render) hang: Option<&'a Dump>,
    /// Later dumps of the same tasks, which wait as before, and the reports in them.
    pub(in crate::render) later: Vec<(&'a Dump, Vec<&'a Report>)>,
    /// The same lines once more, with the same stamps, as in a mail that quotes another.
    pub(in crate::render) copies: Vec<&'a Report>,
    /// What lockdep's report comes to.
    pub(in crate::render) explanation: Option<&'a Explanation>,
}

impl<'a> Group<'a> {
    /// That of one report.
    fn of(report: &'a Report) -> Self {
        Self { reports: vec![report], hang: None, later: Vec::new(), copies: Vec::new(), explanation: None }
    }

    /// All its reports, copies left out.
    pub(in crate::render) fn all(&self) -> impl Iterator<Item = &'a Report> + '_ {
        self.reports.iter().chain(self.later.iter().flat_map(|(_, reports)| reports)).copied()
    }

    /// How often it came: a hang as often as it was dumped.
    pub(in crate::render) fn count(&self) -> usize {
        if self.hang.is_some() { 1 + self.later.len() } else { self.reports.len() }
    }
}

/// Reports by title and subject, in the order of their first; the hung tasks of one dump are one group, and so are, unless
/// everything is wanted, those of dumps that show the same.
pub(in crate::render) fn groups<'a>(reports: &'a [Report], dumps: &'a [Dump], look: &Look) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut by_title: BTreeMap<(&str, Option<&str>, Option<Printer<'_>>), usize> = BTreeMap::new();
    let mut by_dump: BTreeMap<usize, usize> = BTreeMap::new();
    let mut by_moment: BTreeMap<Moment<'_>, usize> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.cause.is_none()) {
        let moment = moment(report);
        if let Some(at) = moment.as_ref().and_then(|moment| by_moment.get(moment)) {
            groups[*at].copies.push(report);
            continue;
        }
        let at = match hang_of(dumps, report) {
            Some(dump) => {
                let same = |group: &Group<'_>| group.hang.is_some_and(|first| same_hang(first, dump));
                let known = by_dump.get(&dump.index).copied();
                let at = known.or_else(|| groups.iter().position(|group| !look.is_full() && same(group)));
                let at = at.unwrap_or(groups.len());
                by_dump.insert(dump.index, at);
                match groups.get_mut(at) {
                    Some(group) => add(group, dump, report),
                    None => groups.push(Group { hang: Some(dump), ..Group::of(report) }),
                }
                at
            }
            None => {
                let name = (report.title.as_str(), report.subject.as_deref(), nameless(report));
                let at = *by_title.entry(name).or_insert(groups.len());
                match groups.get_mut(at) {
                    Some(group) => group.reports.push(report),
                    None => {
                        let mut explanations =
                            dumps.iter().filter(|dump| dump.boot == report.boot).flat_map(|dump| &dump.lockdep);
                        let explanation =
                            report.lockdep.as_ref().and_then(|_| explanations.find(|one| one.line == report.line));
                        groups.push(Group { explanation, ..Group::of(report) });
                    }
                }
                at
            }
        };
        by_moment.extend(moment.map(|moment| (moment, at)));
    }
    groups
}

/// When a report was printed, of which boot, under which title and of which task: no other has the same.
type Moment<'a> = (usize, u64, &'a str, Option<&'a str>, Option<i64>);

/// The moment of a report; none before the clock runs, when all are the same.
fn moment(report: &Report) -> Option<Moment<'_>> {
    let at = report.time.filter(|at| *at > 0.0)?;
    let pid = report.task.as_ref().map(|task| task.pid);
    Some((report.boot, at.to_bits(), &report.title, report.caller.as_deref(), pid))
}

/// Where a report came from: task, CPU, kernel, and what it says in words.
type Printer<'a> = (Option<&'a str>, Option<u32>, Option<&'a str>);

/// Of a report that names no function nothing says that another is the same, unless it comes from the same place.
fn nameless(report: &Report) -> Option<Printer<'_>> {
    let known = report.subject.is_some() || !report.title.ends_with(" in corrupted");
    let comm = || report.task.as_ref().map(|task| task.comm.as_str());
    (!known).then(|| (comm(), report.cpu, report.kernel_version.as_deref()))
}

fn add<'a>(group: &mut Group<'a>, dump: &'a Dump, report: &'a Report) {
    if group.hang.is_some_and(|first| first.index == dump.index) {
        group.reports.push(report);
        return;
    }
    match group.later.iter_mut().find(|(later, _)| later.index == dump.index) {
        Some((_, reports)) => reports.push(report),
        None => group.later.push((dump, vec![report])),
    }
}

/// The dump of a hang that a report opens or belongs to.
fn hang_of<'a>(dumps: &'a [Dump], report: &Report) -> Option<&'a Dump> {
    let blocked = report.hung_tasks.iter().any(|task| task.blocker.is_some());
    let opens = |dump: &&Dump| blocked && dump.boot == report.boot && dump.line == report.line;
    dump_of(dumps, report).or_else(|| dumps.iter().find(opens)).filter(|dump| dump.hang)
}

/// Whether two dumps of a boot show the same tasks waiting for the same.
fn same_hang(first: &Dump, second: &Dump) -> bool {
    let hung = |dump: &Dump| -> Vec<i64> {
        dump.tasks.iter().filter(|task| task.seconds.is_some()).map(|task| task.pid).collect()
    };
    let waits = |dump: &Dump| -> Vec<(i64, Option<i64>, Option<String>)> {
        let of = |wait: &crate::locks::Wait| {
            (wait.waiter.pid, wait.holder.as_ref().map(|holder| holder.pid), wait.lock.class.clone())
        };
        let mut all: Vec<_> = dump.waits.iter().map(of).collect();
        all.sort();
        all
    };
    first.boot == second.boot && hung(first) == hung(second) && waits(first) == waits(second)
}
