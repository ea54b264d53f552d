//! The lab's logs against what is known to be true of them: titles, kinds, stack frames, held locks.

use kanalyze::engine::{Item, Options, read_items};
use kanalyze::report::{Event, Report};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The truth's word for what a line opens, and the kinds that say the same. An empty list: a line that belongs to the
/// report above it and opens none.
const KINDS: [(&str, &[&str]); 47] = [
    ("atomic-schedule", &["scheduling-while-atomic"]),
    ("atomic-sleep", &["sleeping-in-atomic"]),
    ("fortify", &[]),
    ("ftrace-dump", &["ftrace-dump"]),
    ("hard-lockup", &["hard-lockup"]),
    ("hung-task", &["hung-task"]),
    ("kasan", &["kasan-access", "kasan-invalid-free"]),
    ("kernel-bug", &["bug-at", "bug-list", "bug-usercopy"]),
    ("kfence", &["kfence-access"]),
    ("kmemleak", &["kmemleak"]),
    ("kmemleak-object", &[]),
    ("list-corruption", &[]),
    ("lock-list", &["lock-dump"]),
    ("lockdep-bad-unlock", &["bad-unlock"]),
    ("lockdep-circular", &["circular-locking"]),
    ("lockdep-held-exit", &["locks-still-held"]),
    ("lockdep-held-freed", &["held-lock-freed"]),
    ("lockdep-held-return", &["lock-held-on-return"]),
    ("lockdep-inconsistent", &["inconsistent-lock-state"]),
    ("lockdep-irq-inversion", &["irq-inversion"]),
    ("lockdep-irq-order", &["irq-unsafe-order"]),
    ("lockdep-nest-lock", &["nested-lock"]),
    ("lockdep-non-static-key", &["nonstatic-key"]),
    ("lockdep-recursive", &["recursive-locking"]),
    ("lockdep-wait-context", &["invalid-wait-context"]),
    ("no-root", &["panic"]),
    ("null-deref", &["null-dereference"]),
    ("nx", &[]),
    ("odebug", &[]),
    ("oom", &["oom-kill"]),
    ("oom-kill", &["oom-victim"]),
    // The `Oops:` line after a `BUG: unable to handle` line opens nothing of its own.
    ("oops", &["", "divide-error", "general-protection", "int3", "invalid-opcode"]),
    ("page-fault", &["page-fault"]),
    ("panic", &["init-killed", "panic", "panic-fatal-exception", "panic-hung-task"]),
    ("preemptible", &["preemptible-cpu-id"]),
    ("rcu-stall", &["rcu-stall"]),
    ("rcu-usage", &["suspicious-rcu"]),
    ("refcount", &[]),
    ("soft-lockup", &["soft-lockup"]),
    ("spinlock", &["spinlock-bug"]),
    ("stack-guard", &["stack-guard-page"]),
    ("ubsan", &["ubsan", "ubsan-array-index"]),
    ("usercopy", &[]),
    ("voluntary-switch-rcu", &[]),
    ("warning", &["warning", "warning-odebug", "warning-refcount"]),
    ("workqueue-leak", &["workqueue-leaked"]),
    ("workqueue-lockup", &["workqueue-lockup"]),
];

struct Case {
    name: String,
    truth: Value,
    reports: Vec<Report>,
    events: Vec<Event>,
}

fn cases() -> Vec<Case> {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lab");
    let mut truths: Vec<PathBuf> = std::fs::read_dir(lab.join("truth"))
        .expect("the lab has truth files")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    truths.sort();
    truths
        .into_iter()
        .map(|path| {
            let truth: Value = serde_json::from_slice(&std::fs::read(&path).expect("a truth file")).expect("JSON");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let log = std::fs::read(lab.join(format!("logs/{name}.log"))).expect("a log for each truth file");
            let (mut reports, mut events) = (Vec::new(), Vec::new());
            for item in read_items(Options::named(name.as_str()).with_events(), &log) {
                match item {
                    Item::Closed(report) => reports.push(*report),
                    Item::Event(event) => events.push(*event),
                    _ => {}
                }
            }
            Case { name, truth, reports, events }
        })
        .collect()
}

#[test]
fn there_are_at_least_sixty_scenarios() {
    let scenarios: BTreeSet<String> =
        cases().iter().filter_map(|case| case.truth["scenario"].as_str().map(str::to_owned)).collect();
    assert!(scenarios.len() >= 60, "{}", scenarios.len());
}

#[test]
fn every_first_title_is_the_one_that_the_scenario_was_made_for() {
    for case in cases() {
        let expected = case.truth["expected_title_by_design"].as_str();
        assert_eq!(
            case.reports.iter().find(|report| report.syzbot).map(|report| report.title.as_str()),
            expected,
            "{}",
            case.name
        );
    }
}

#[test]
fn every_line_that_opens_something_is_found_under_its_kind() {
    let mut faults = Vec::new();
    for case in cases() {
        let mut found: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        for report in &case.reports {
            found.entry(report.line).or_default().push(&report.kind);
        }
        for event in &case.events {
            found.entry(event.line).or_default().push(&event.kind);
        }
        for expected in case.truth["reports"].as_array().expect("a list of reports") {
            let (kind, line) = (expected["kind"].as_str().expect("a kind"), expected["line"].as_u64().expect("a line"));
            let known = KINDS.iter().find(|(word, _)| *word == kind).map(|(_, ids)| *ids);
            let got = found.get(&line).cloned().unwrap_or_default();
            let fits = match known {
                None => false,
                Some([]) => true,
                Some(ids) => got.iter().any(|id| ids.contains(id)) || (got.is_empty() && ids.contains(&"")),
            };
            if !fits {
                faults.push(format!("{}:{line}: {kind} was read as {got:?}", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_stack_frame_is_read() {
    let (mut frames, mut faults) = (0, Vec::new());
    for case in cases() {
        let mut read: BTreeMap<u64, Vec<(String, u64, u64)>> = BTreeMap::new();
        let stacks = case
            .reports
            .iter()
            .flat_map(|report| &report.stacks)
            .chain(case.events.iter().flat_map(|event| &event.stacks));
        for frame in stacks.flat_map(|stack| &stack.frames) {
            let known = (
                frame.function.clone().unwrap_or_default(),
                frame.offset.unwrap_or_default(),
                frame.size.unwrap_or_default(),
            );
            read.entry(frame.log_line).or_default().push(known);
        }
        let hex = |value: &Value| {
            u64::from_str_radix(value.as_str().unwrap_or("0x0").trim_start_matches("0x"), 16).unwrap_or_default()
        };
        for stack in case.truth["stacks"].as_array().expect("a list of stacks") {
            for frame in stack["frames"].as_array().expect("a list of frames") {
                let line = frame["log_line"].as_u64().expect("a line");
                let expected =
                    (frame["func"].as_str().unwrap_or_default().to_owned(), hex(&frame["offset"]), hex(&frame["size"]));
                frames += 1;
                if !read.get(&line).is_some_and(|found| found.contains(&expected)) {
                    faults.push(format!("{}:{line}: {expected:?} was read as {:?}", case.name, read.get(&line)));
                }
            }
        }
    }
    assert!(frames > 1_000, "the lab has {frames} frames");
    assert!(faults.is_empty(), "{} of {frames} frames:\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
}

#[test]
fn every_lock_that_a_hung_task_holds_is_listed_with_its_instance_and_site() {
    let (mut locks, mut faults) = (0, Vec::new());
    for case in cases() {
        let dumped = case.events.iter().any(|event| event.kind == "lock-dump");
        let lists: Vec<_> = case
            .events
            .iter()
            .flat_map(|event| &event.held_locks)
            .chain(case.reports.iter().flat_map(|report| &report.held_locks))
            .collect();
        for task in case.truth["hang"]["tasks"].as_array().into_iter().flatten().filter(|_| dumped) {
            // A task that runs may be listed without its locks.
            if task["state"].as_str() == Some("R") {
                continue;
            }
            let pid = task["pid"].as_i64();
            let mine: Vec<_> = lists.iter().filter(|list| list.task.as_ref().map(|task| task.pid) == pid).collect();
            for held in task["holds"].as_array().into_iter().flatten() {
                let (Some(instance), Some(at)) = (held["instance"].as_str(), held["at"].as_str()) else { continue };
                locks += 1;
                let listed = mine.iter().flat_map(|list| &list.locks).any(|lock| {
                    lock.address.as_deref() == Some(instance)
                        && lock
                            .acquired_at
                            .as_ref()
                            .and_then(|frame| frame.function.as_deref())
                            .is_some_and(|name| name.split('.').next() == Some(at))
                });
                if !listed {
                    faults.push(format!("{}: task {pid:?} holds {held}", case.name));
                }
            }
        }
    }
    assert!(locks > 20, "the lab's tasks hold {locks} locks");
    assert!(faults.is_empty(), "{} of {locks}:\n{}", faults.len(), faults.join("\n"));
}
