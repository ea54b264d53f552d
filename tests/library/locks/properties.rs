//! What must hold for any hang: truth, order, unrelated tasks, lost lines, form.

use super::writer::{Sleeper, assert_apart, log, pass, sleeper};
use super::{edges, read};
use kanalyze::locks::Dump;
use kanalyze::render::{Look, locks_svg, locks_text};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A made-up hang in which nobody holds twice: task n may hold lock n and wants a lock of another task.
fn hangs() -> impl Strategy<Value = Vec<Sleeper>> {
    proptest::collection::vec((any::<bool>(), proptest::option::of(0usize..12), 0u8..4), 2..12).prop_map(|rows| {
        let count = rows.len();
        rows.into_iter()
            .enumerate()
            .map(|(number, (second, wants, kind))| {
                let mut holds = vec![number];
                if second {
                    holds.push(100 + number);
                }
                let wants = wants.map(|lock| lock % count).filter(|lock| *lock != number);
                let mut task = sleeper(50 + number as i64, &holds, wants);
                task.hung = kind < 3;
                task.running = kind == 3 && wants.is_none() && !second;
                task
            })
            .collect()
    })
}

/// Edges that are true: waiter → holder.
fn truth(tasks: &[Sleeper]) -> BTreeMap<i64, i64> {
    tasks.iter().filter_map(|task| Some((task.pid, 50 + task.wants? as i64))).collect()
}

fn assert_honest(dump: &Dump, truth: &BTreeMap<i64, i64>) -> Result<(), TestCaseError> {
    for wait in dump.waits.iter().filter(|wait| wait.grade.is_strong()) {
        if let Some(holder) = &wait.holder {
            prop_assert_eq!(
                truth.get(&wait.waiter.pid),
                Some(&holder.pid),
                "{} {}",
                wait.waiter.pid,
                wait.because.clone()
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn strong_edges_are_true(tasks in hangs()) {
        if let Some(dump) = read(&log(&pass(&tasks, 200.0))).pop() {
            assert_honest(&dump, &truth(&tasks))?;
            let listed = |pid: i64| tasks.iter().any(|task| task.pid == pid && !task.running);
            for task in tasks.iter().filter(|task| task.hung) {
                // Who is hung and waits for one whose list is there is named with certainty.
                if let Some(holder) = task.wants.map(|lock| 50 + lock as i64).filter(|pid| listed(*pid)) {
                    let holder_hung = tasks.iter().any(|task| task.pid == holder && task.hung);
                    if holder_hung {
                        prop_assert!(edges(&dump).contains(&format!("{}>{holder}:certain", task.pid)), "{:?}", edges(&dump));
                    }
                }
            }
        }
    }

    #[test]
    fn unrelated_tasks_change_no_edge(tasks in hangs(), more in 1usize..6) {
        let plain = read(&log(&pass(&tasks, 200.0))).pop();
        let mut all = tasks;
        all.extend((0..more).map(|number| Sleeper { hung: false, ..sleeper(900 + number as i64, &[500 + number], None) }));
        let with = read(&log(&pass(&all, 200.0))).pop();
        prop_assert_eq!(plain.map(|dump| edges(&dump)).unwrap_or_default(), with.map(|dump| edges(&dump)).unwrap_or_default());
    }

    #[test]
    fn the_order_of_a_dump_changes_nothing(tasks in hangs(), seed in any::<u64>()) {
        let mut shuffled = tasks.clone();
        let mut state = seed | 1;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(index, (state >> 33) as usize % (index + 1));
        }
        let one = read(&log(&pass(&tasks, 200.0))).pop();
        let other = read(&log(&pass(&shuffled, 200.0))).pop();
        let brief = |dump: Option<Dump>| dump.map(|dump| {
            let roots: Vec<_> = dump.roots.iter().map(|root| (root.pid, root.blocked_tasks, root.depth, root.grade)).collect();
            (edges(&dump), dump.cycles.clone(), roots)
        });
        prop_assert_eq!(brief(one), brief(other));
    }

    #[test]
    fn lost_lines_make_no_wrong_holder(tasks in hangs(), lost in proptest::collection::vec(any::<proptest::sample::Index>(), 1..4)) {
        let mut lines = pass(&tasks, 200.0);
        let gone: BTreeSet<usize> = lost.iter().map(|index| index.index(lines.len())).collect();
        // A task whose whole list is gone leaves no gap that could be seen.
        let mut number = 0;
        lines.retain(|_| {
            number += 1;
            !gone.contains(&(number - 1))
        });
        let whole_list_gone = tasks.iter().any(|task| {
            let name = format!("held by {}/{}:", task.comm, task.pid);
            let header = lines.iter().any(|line| line.contains(&name));
            let site = format!("_in_{}+", task.pid);
            !header && !lines.iter().any(|line| line.contains("at: ") && line.contains(&site))
        });
        // Nor does one whose lines stand below the header of a task whose own are gone, if that announces as many.
        let taken_over = tasks.windows(2).any(|pair| {
            let [above, below] = pair else { return false };
            let header = |task: &Sleeper| lines.iter().any(|line| line.contains(&format!("held by {}/{}:", task.comm, task.pid)));
            let rows = |task: &Sleeper| {
                let site = format!("_in_{}+", task.pid);
                lines.iter().filter(|line| line.contains("at: ") && line.contains(&site)).count()
            };
            let announced = above.holds.len() + usize::from(above.wants.is_some());
            header(above) && rows(above) == 0 && !header(below) && (1..=announced).contains(&rows(below))
        });
        if !whole_list_gone && !taken_over && let Some(dump) = read(&log(&lines)).pop() {
            assert_honest(&dump, &truth(&tasks))?;
        }
    }

    #[test]
    fn pictures_and_text_keep_their_form(tasks in hangs()) {
        let found = read(&log(&pass(&tasks, 200.0)));
        for dump in &found {
            assert_apart(&locks_svg(dump));
        }
        let text = locks_text("some/long/path/to/the/log/of/a/machine/that/hangs.log", &found, &Look::default());
        for line in text.lines() {
            prop_assert!(line.chars().count() <= 75, "{line}");
        }
    }
}
