//! What joins lockdep's reports to a hang.

use super::classes::bare;
use super::wait::place;
use super::{Explanation, Joined, Wait};
use crate::report::{Lockdep, Report};
use std::collections::BTreeSet;

/// Where a lockdep report and these waits are about the same classes.
pub(super) fn join(explanations: &[Explanation], reports: &[(&Report, &Lockdep)], waits: &[Wait]) -> Vec<Joined> {
    let mut joined = Vec::new();
    for (explanation, (_, lockdep)) in explanations.iter().zip(reports) {
        let named: BTreeSet<&str> = lockdep
            .chain
            .iter()
            .map(|entry| bare(&entry.class))
            .chain(lockdep.acquiring.iter().chain(&lockdep.holding).map(|lock| bare(&lock.class)))
            .collect();
        // A waiter without a list is known by the place where it sleeps: the place that lockdep has for the dependency.
        let at_site = |wait: &Wait| {
            lockdep
                .chain
                .iter()
                .find(|entry| {
                    wait.lock.class.is_none()
                        && entry.frames.iter().take(6).any(|frame| Some(place(frame)) == wait.lock.acquired_at)
                })
                .map(|entry| bare(&entry.class))
        };
        let (mut classes, mut waiters) = (BTreeSet::new(), BTreeSet::new());
        for wait in waits {
            let class =
                wait.lock.class.as_deref().map(bare).filter(|class| named.contains(class)).or_else(|| at_site(wait));
            if let Some(class) = class {
                classes.insert(class.to_owned());
                waiters.insert(wait.waiter.pid);
            }
        }
        if !classes.is_empty() {
            let list: Vec<String> = classes.into_iter().collect();
            let summary = format!(
                "lockdep's report at line {} is about {}, for which {} wait here: it predicted the hang",
                explanation.line,
                list.join(" and "),
                tasks(waiters.len())
            );
            joined.push(Joined {
                report_line: explanation.line,
                classes: list,
                waiters: waiters.into_iter().collect(),
                summary,
            });
        }
    }
    joined
}

fn tasks(count: usize) -> String {
    if count == 1 { "1 task".into() } else { format!("{count} tasks") }
}
