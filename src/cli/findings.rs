//! What several commands find in a log: the dumps worth showing, the bisections in a text.

use crate::bisect::{Bisection, judged};
use crate::engine::{Engine, Item, Options};
use crate::locks::{Dump, Record, dumps};
use crate::render::LogView;
use crate::report::Report;

/// The dumps of tasks and locks, where a hang or a report of lockdep rests on them.
pub(super) fn told_dumps(view: &LogView) -> Vec<Dump> {
    // A task is called blocked for so long, or blocked by another one.
    let hangs = |report: &Report| report.hung_tasks.iter().any(|task| task.seconds.is_some() || task.blocker.is_some());
    if !view.reports().iter().any(|report| hangs(report) || report.lockdep.is_some()) {
        return Vec::new();
    }
    let reports = view.reports().iter().map(Record::Report);
    dumps("", &reports.chain(view.events().iter().map(Record::Event)).collect::<Vec<_>>())
}

/// The reports in a transcript's last section.
pub(super) fn reports(log: &str, crash: &[u8], options: &Options) -> Vec<Report> {
    let mut found = Vec::new();
    let options = Options { log: log.to_owned(), threads: 1, ..options.clone() };
    let read: Result<_, std::convert::Infallible> = Engine::read(options, crash, |item| {
        if let Item::Closed(report) = item {
            found.push(*report);
        }
        Ok(())
    });
    match read {
        Ok(_) => found,
        Err(never) => match never {},
    }
}

/// The bisections in a text.
pub(super) fn judged_text(name: &str, text: &[u8], options: &Options) -> Vec<Bisection> {
    let found = judged(name, text, &|crash| reports(name, crash, options));
    found.into_iter().map(|(found, _)| found).collect()
}
