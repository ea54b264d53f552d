//! Wait graphs: logs in the kernel's format, written here, and what `kanalyze locks` makes of them.

mod field;
mod properties;
mod writer;

use kanalyze::engine::{Options, lock_dumps, read_items};
use kanalyze::locks::{Dump, Grade};
use kanalyze::render::{Look, locks_dot, locks_mermaid, locks_svg, locks_text};
use std::collections::BTreeSet;
use writer::{assert_apart, log, pass, sleeper};

fn read(log: &str) -> Vec<Dump> {
    read_with(Options::named("hang.log"), log)
}

fn read_with(options: Options, log: &str) -> Vec<Dump> {
    lock_dumps("hang.log", &read_items(options.with_events(), log.as_bytes()))
}

fn last(log: &str) -> Dump {
    read(log).pop().expect("the log holds a dump")
}

/// `waiter>holder:grade` of all edges with a holder.
fn edges(dump: &Dump) -> BTreeSet<String> {
    dump.waits
        .iter()
        .filter_map(|wait| Some(format!("{}>{}:{}", wait.waiter.pid, wait.holder.as_ref()?.pid, wait.grade.word())))
        .collect()
}

#[test]
fn a_chain_has_one_root_and_a_depth() {
    let tasks = [
        sleeper(58, &[1], None),
        sleeper(59, &[2], Some(1)),
        sleeper(60, &[3], Some(2)),
        sleeper(61, &[], Some(3)),
        sleeper(62, &[], Some(1)),
    ];
    let dump = last(&log(&pass(&tasks, 200.0)));
    let want: BTreeSet<String> =
        ["59>58:certain", "60>59:certain", "61>60:certain", "62>58:certain"].map(String::from).into();
    assert_eq!(edges(&dump), want);
    assert_eq!(dump.cycles, Vec::<Vec<i64>>::new());
    let roots: Vec<_> = dump.roots.iter().map(|root| (root.pid, root.blocked_tasks, root.depth)).collect();
    assert_eq!(roots, [(58, 4, 3)]);
    assert!(dump.hang);
    insta::assert_snapshot!("chain", locks_text("hang.log", &[dump], &Look::default()));
}

#[test]
fn a_deadlock_is_a_cycle_and_has_no_root() {
    let tasks = [sleeper(59, &[1], Some(2)), sleeper(60, &[2], Some(1)), sleeper(61, &[], Some(2))];
    let dump = last(&log(&pass(&tasks, 200.0)));
    assert_eq!(dump.cycles, [vec![59, 60]]);
    assert!(dump.roots.is_empty());
    insta::assert_snapshot!("deadlock", locks_text("hang.log", &[dump], &Look::default()));
}

#[test]
fn a_holder_that_was_running_is_only_possible() {
    let mut holder = sleeper(57, &[1], None);
    (holder.hung, holder.running) = (false, true);
    let mut other = sleeper(56, &[], Some(1));
    other.hung = false;
    // The other one sleeps in a killable way: it lists the lock, and is not a holder.
    let dump = last(&log(&pass(&[other, holder, sleeper(58, &[], Some(1))], 200.0)));
    assert!(dump.waits.iter().all(|wait| !wait.grade.is_strong()), "{:?}", edges(&dump));
    assert_eq!(edges(&dump), ["58>56:possible".to_owned()].into());
}

#[test]
fn a_sleeping_holder_is_likely_when_no_list_is_missing() {
    let mut holder = sleeper(57, &[1], None);
    holder.hung = false;
    let dump = last(&log(&pass(&[holder, sleeper(58, &[], Some(1))], 200.0)));
    assert_eq!(edges(&dump), ["58>57:likely".to_owned()].into());
}

#[test]
fn the_kernels_own_word_outranks_inference() {
    let mut lines = pass(&[sleeper(58, &[], Some(1)), sleeper(59, &[1], None)], 200.0);
    let at = lines.iter().position(|line| line.contains("</TASK>")).expect("a stack ends") + 1;
    lines.insert(
        at,
        "[  200.000000][   T31] INFO: task task58:58 is blocked on a mutex likely owned by task kworker/4:1:60.".into(),
    );
    lines.insert(at + 1, "[  200.000000][   T31] task:kworker/4:1     state:D stack:0     pid:60    tgid:60    ppid:2      flags:0x00004000".into());
    let dump = last(&log(&lines));
    assert!(edges(&dump).contains("58>60:stated"), "{:?}", edges(&dump));
    assert!(!edges(&dump).iter().any(|edge| edge.starts_with("58>59")));
}

#[test]
fn a_later_dump_inherits_what_it_keeps_silent_about() {
    let tasks = [sleeper(58, &[1], None), sleeper(59, &[2], Some(1)), sleeper(60, &[], Some(2))];
    let mut second = tasks.clone();
    second[2].hung = false;
    let lines = [pass(&tasks, 200.0), pass(&second, 343.0)].concat();
    let found = read(&log(&lines));
    assert_eq!(found.len(), 2);
    assert_eq!(edges(&found[0]), edges(&found[1]));
    let task = found[1].tasks.iter().find(|task| task.pid == 60).expect("the task is there");
    assert!(task.inherited);
    let changes = found[1].changes.as_ref().expect("there is a dump before");
    assert_eq!(changes.still.len(), 3);
}

#[test]
fn a_pass_that_is_cut_stands_on_the_one_before() {
    let tasks = [sleeper(58, &[1], None), sleeper(59, &[2], Some(1)), sleeper(60, &[], Some(2))];
    let mut lines = pass(&tasks, 200.0);
    let second = pass(&tasks, 343.0);
    lines.extend_from_slice(&second[..20]);
    let found = read(&log(&lines));
    assert_eq!(found.len(), 2);
    assert_eq!(edges(&found[0]), edges(&found[1]));
    assert_eq!(found[1].roots.iter().map(|root| root.pid).collect::<Vec<_>>(), [58]);
}

/// Neither the rows of the first task nor the header of the second came through: the second's rows are not the first's.
#[test]
fn rows_below_a_lost_header_are_nobodys() {
    let tasks = [sleeper(53, &[3], Some(5)), sleeper(54, &[4], None), sleeper(55, &[5, 105], Some(3))];
    let lines: Vec<String> = pass(&tasks, 200.0)
        .into_iter()
        .filter(|line| !(line.contains("at: ") && line.contains("_in_54+") || line.contains("held by task55/55:")))
        .collect();
    assert_eq!(lines.iter().filter(|line| line.contains("at: take_")).count(), 5);
    let said = edges(&last(&log(&lines)));
    assert!(!said.iter().any(|edge| edge.contains(">54:")), "{said:?}");
}

#[test]
fn without_lists_nothing_is_claimed() {
    let mut lines = pass(&[sleeper(58, &[1], None), sleeper(59, &[], Some(1))], 200.0);
    let at = lines.iter().position(|line| line.contains("Showing all")).expect("there is a list");
    lines.truncate(at);
    lines.push("[  200.100000][   T31] INFO: lockdep is turned off.".into());
    let dump = last(&log(&lines));
    assert_eq!(edges(&dump), BTreeSet::new());
    assert!(dump.unknown.iter().any(|reason| reason.contains("lockdep was off")), "{:?}", dump.unknown);
}

#[test]
fn a_mailed_symbolized_hang_is_understood() {
    let text = "INFO: task syz-executor385:5195 blocked for more than 143 seconds.
      Not tainted 6.3.0-rc4-syzkaller #0
\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
task:syz-executor385 state:D stack:28120 pid:5195  ppid:5085   flags:0x00004004
Call Trace:
 <TASK>
 context_switch kernel/sched/core.c:5307 [inline]
 __schedule+0x14b3/0x4d90 kernel/sched/core.c:6625
 schedule+0xde/0x1a0 kernel/sched/core.c:6701
 schedule_preempt_disabled+0x13/0x20 kernel/sched/core.c:6760
 __mutex_lock_common kernel/locking/mutex.c:679 [inline]
 __mutex_lock+0xa3b/0x1350 kernel/locking/mutex.c:747
 widget_lock include/linux/widget.h:12 [inline]
 widget_down+0x2d/0x2d0 drivers/widget/core.c:143
 kthread+0x2e8/0x3a0 kernel/kthread.c:376
 </TASK>

Showing all locks held in the system:
2 locks held by syz-executor385/5195:
 #0: ffffffff8e1c5a48 (widget_global){+.+.}-{3:3}, at: widget_write+0x160/0x570 drivers/widget/core.c:1278
 #1: ffff88802b1e6100 (&wdg->mutex){....}-{3:3}, at: widget_lock include/linux/widget.h:12 [inline]
 #1: ffff88802b1e6100 (&wdg->mutex){....}-{3:3}, at: widget_down+0x2d/0x2d0 drivers/widget/core.c:143
2 locks held by syz-executor385/5196:
 #0: ffff88802b1e6100 (&wdg->mutex){....}-{3:3}, at: widget_gone+0x62/0x330 drivers/widget/core.c:1165
 #1: ffffffff8e1c5a48 (widget_global){+.+.}-{3:3}, at: widget_gone+0xde/0x2c0 drivers/widget/core.c:1130

=============================================
";
    let dump = last(text);
    assert!(edges(&dump).contains("5195>5196:certain"), "{:?}", edges(&dump));
    // The other task has no stack: what it lists last is held by the first one.
    assert!(edges(&dump).contains("5196>5195:likely"), "{:?}", edges(&dump));
    assert_eq!(dump.cycles, [vec![5195, 5196]]);
}

#[test]
fn a_flusher_waits_for_the_worker_of_its_module() {
    let mut lines = pass(&[sleeper(57, &[1], None)], 200.0);
    let at = lines.iter().position(|line| line.contains("Showing all")).expect("there is a list") - 1;
    let stack = |comm: &str, pid: i64, queue: &str, frames: &[&str]| {
        let mut out = vec![
            format!("INFO: task {comm}:{pid} blocked for more than 143 seconds."),
            "      Not tainted 6.12.1 #2".into(),
            format!("task:{comm:<15} state:D stack:0     pid:{pid:<5} tgid:{pid:<5} ppid:2      flags:0x00004000"),
        ];
        out.extend((!queue.is_empty()).then(|| format!("Workqueue: {queue}")));
        out.push("Call Trace:".into());
        out.push(" <TASK>".into());
        out.extend(["__schedule+0x1/0x2", "schedule+0x1/0x2"].iter().chain(frames).map(|frame| format!(" {frame}")));
        out.push(" </TASK>".into());
        out.into_iter().map(|line| format!("[  200.000000][   T31] {line}")).collect::<Vec<_>>()
    };
    let flusher = stack(
        "flusher",
        58,
        "",
        &["schedule_timeout+0x1/0x2", "__wait_for_common+0x1/0x2", "__flush_work+0x1/0x2", "wait_all+0x1/0x2 [widget]"],
    );
    let worker = stack(
        "kworker/u8:0",
        12,
        "events_unbound work_fn [widget]",
        &[
            "schedule_preempt_disabled+0x19/0x30",
            "__mutex_lock+0x1/0x2",
            "work_fn+0x21/0x40 [widget]",
            "process_one_work+0x1/0x2",
            "worker_thread+0x1/0x2",
        ],
    );
    lines.splice(at..at, worker.into_iter().chain(flusher));
    let list = lines.iter().position(|line| line.contains("held by task57")).expect("it is listed");
    lines.splice(
        list..list,
        [
            "[  200.000000][   T31] 3 locks held by kworker/u8:0+events_unbound/12:".to_owned(),
            "[  200.000000][   T31]  #0: ff11000001234148 ((wq_completion)events_unbound){+.+.}-{0:0}, at: process_one_work+0x1/0x2".to_owned(),
            "[  200.000000][   T31]  #1: ffa0000000127d90 (wk_work){+.+.}-{0:0}, at: process_one_work+0x1/0x2".to_owned(),
            "[  200.000000][   T31]  #2: ff11000000000001 (&w->lock1){+.+.}-{4:4}, at: work_fn+0x21/0x40 [widget]".to_owned(),
        ],
    );
    let dump = last(&log(&lines));
    let want: BTreeSet<String> = ["12>57:certain", "58>12:likely"].map(String::from).into();
    assert_eq!(edges(&dump), want);
    assert_eq!(dump.roots.iter().map(|root| (root.pid, root.depth)).collect::<Vec<_>>(), [(57, 2)]);
}

#[test]
fn a_sysrq_dump_is_a_graph_of_its_own() {
    let stack = |comm: &str, pid: i64, state: &str, frames: &[&str]| {
        let head = format!(
            "task:{comm:<15} state:{state} stack:0     pid:{pid:<5} tgid:{pid:<5} ppid:2      flags:0x00004000"
        );
        let rest = ["Call Trace:", " <TASK>", " __schedule+0x1/0x2", " schedule+0x1/0x2"].map(String::from);
        let frames = frames.iter().map(|frame| format!(" {frame}")).chain([" </TASK>".to_owned()]);
        std::iter::once(head).chain(rest).chain(frames).collect::<Vec<_>>()
    };
    let mut lines = vec!["sysrq: Show Blocked State".to_owned()];
    lines.extend(stack(
        "one",
        58,
        "D",
        &["schedule_preempt_disabled+0x1/0x2", "__mutex_lock+0x1/0x2", "take+0x21/0x40"],
    ));
    lines.extend(stack("other", 59, "D", &["schedule_timeout+0x1/0x2", "__wait_for_common+0x1/0x2", "idle+0x1/0x2"]));
    lines.push("sysrq: Show Locks Held".into());
    lines.push(String::new());
    lines.push("Showing all locks held in the system:".into());
    lines.push("1 lock held by one/58:".into());
    lines.push(" #0: ff11000000000001 (&w->lock){+.+.}-{4:4}, at: take+0x21/0x40".into());
    lines.push("1 lock held by other/59:".into());
    lines.push(" #0: ff11000000000001 (&w->lock){+.+.}-{4:4}, at: idle_take+0x13/0x40".into());
    let lines: Vec<String> = lines.into_iter().map(|line| format!("[   12.300000][   T77] {line}")).collect();
    let found = read(&log(&lines));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(edges(&found[0]), ["58>59:certain".to_owned()].into());
}

#[test]
fn trace_lines_of_a_users_grammar_are_evidence() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("widget.toml");
    let grammar = "[[event]]
id = \"widget-lock\"
about = \"the widget lock changes hands\"
trigger = \"widget_lock: \"
pattern = 'widget_lock: (?P<action>acquired|released) (?P<lock>\\S+) by (?P<task>\\S+-[0-9]+)'
title = \"widget lock {lock} {action} by {task}\"
[[event.samples]]
title = \"widget lock wmutex acquired by widgetd-412\"
log = \"[   12.300000] widget_lock: acquired wmutex by widgetd-412\\n\"
";
    std::fs::write(&path, grammar).expect("the grammar is written");
    let mut lines: Vec<String> =
        ["acquired wmutex by task57-57", "released wmutex by task57-57", "acquired wmutex by holder-70"]
            .iter()
            .map(|line| format!("[   12.300000][   T57] widget_lock: {line}"))
            .collect();
    let hang = pass(&[sleeper(58, &[], Some(1))], 200.0);
    lines.extend(hang.into_iter().map(|line| line.replace("&w->lock1", "wmutex")));
    let grammar = kanalyze::grammar::Grammar::with_files(&[path]).expect("the grammar is good");
    let dump =
        read_with(Options { grammar, ..Options::named("hang.log") }, &log(&lines)).pop().expect("there is a dump");
    assert_eq!(edges(&dump), ["58>70:likely".to_owned()].into());
}

#[test]
fn a_hang_that_lockdep_predicted_is_reported_without_lists() {
    let chain = "WARNING: possible circular locking dependency detected
6.12.1 #2 Not tainted
------------------------------------------------------
two/60 is trying to acquire lock:
ffffffffc0005468 (lock_a){+.+.}-{4:4}, at: b_then_a+0x43/0x60 [widget]

but task is already holding lock:
ffffffffc0005228 (lock_b){+.+.}-{4:4}, at: b_then_a+0x13/0x60 [widget]

which lock already depends on the new lock.


the existing dependency chain (in reverse order) is:

-> #1 (lock_b){+.+.}-{4:4}:
       __mutex_lock+0x1/0x2
       a_then_b+0x43/0x60 [widget]
       thread_one+0x1/0x2 [widget]
       kthread+0x1/0x2

-> #0 (lock_a){+.+.}-{4:4}:
       __lock_acquire+0x1/0x2
       lock_acquire+0x1/0x2
       __mutex_lock+0x1/0x2
       b_then_a+0x43/0x60 [widget]
       thread_two+0x1/0x2 [widget]
       kthread+0x1/0x2

other info that might help us debug this:

 *** DEADLOCK ***

1 lock held by two/60:
 #0: ffffffffc0005228 (lock_b){+.+.}-{4:4}, at: b_then_a+0x13/0x60 [widget]

stack backtrace:
CPU: 0 UID: 0 PID: 60 Comm: two Not tainted 6.12.1 #2
Call Trace:
 <TASK>
 dump_stack_lvl+0x1/0x2
 </TASK>";
    let hung = |comm: &str, pid: i64, site: &str, thread: &str| {
        format!(
            "INFO: task {comm}:{pid} blocked for more than 143 seconds.
      Not tainted 6.12.1 #2
task:{comm:<15} state:D stack:0     pid:{pid:<5} tgid:{pid:<5} ppid:2      flags:0x00004000
Call Trace:
 <TASK>
 __schedule+0x1/0x2
 schedule+0x1/0x2
 schedule_preempt_disabled+0x1/0x2
 __mutex_lock+0x1/0x2
 {site}+0x43/0x60 [widget]
 {thread}+0x1/0x2 [widget]
 kthread+0x1/0x2
 </TASK>"
        )
    };
    let text = [
        chain.to_owned(),
        hung("one", 59, "a_then_b", "thread_one"),
        hung("two", 60, "b_then_a", "thread_two"),
        "INFO: lockdep is turned off.".to_owned(),
    ]
    .join("\n");
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(number, line)| format!("[{:12.6}][   T31] {line}", 20.0 + number as f64 / 1000.0))
        .collect();
    let dump = last(&log(&lines));
    let want: BTreeSet<String> = ["59>60:likely", "60>59:likely"].map(String::from).into();
    assert_eq!(edges(&dump), want);
    assert_eq!(dump.cycles, [vec![59, 60]]);
    assert_eq!(dump.joined.len(), 1);
    assert_eq!(dump.lockdep[0].cycle, ["lock_a", "lock_b"]);
    let paths = &dump.lockdep[0].paths;
    assert!(paths[0].starts_with("b_then_a+0x43/0x60 takes lock_a while lock_b is held"), "{paths:?}");
}

#[test]
fn a_picture_of_many_tasks_is_folded_and_counts_what_it_leaves_out() {
    let mut tasks = vec![sleeper(100, &[1], None)];
    tasks.extend((0..300).map(|number| sleeper(101 + number, &[], Some(1))));
    let dump = last(&log(&pass(&tasks, 200.0)));
    assert_eq!(dump.roots[0].blocked_tasks, 300);
    let svg = locks_svg(&dump);
    assert_apart(&svg);
    assert!(svg.contains("more waiters"), "the rest is counted");
    assert!(locks_dot(&dump).starts_with("digraph"));
    assert!(locks_mermaid(&dump).starts_with("flowchart"));
}

#[test]
fn names_are_no_markup_and_no_escapes() {
    let mut task = sleeper(58, &[1], None);
    task.comm = "<b>\"&\u{1b}[1m".into();
    let dump = last(&log(&pass(&[task, sleeper(59, &[], Some(1))], 200.0)));
    let svg = locks_svg(&dump);
    assert!(!svg.contains("<b>") && !svg.contains('\u{1b}'));
    assert!(!locks_text("hang.log", std::slice::from_ref(&dump), &Look::default()).contains('\u{1b}'));
    assert!(!locks_mermaid(&dump).contains("<b>\""));
}

#[test]
fn a_chain_of_many_tasks_is_followed_to_its_end() {
    let mut tasks = vec![sleeper(100, &[0], None)];
    tasks.extend((1..120).map(|number| sleeper(100 + number as i64, &[number], Some(number - 1))));
    let text = log(&pass(&tasks, 200.0));
    let found = read(&text);
    assert_eq!(found.last().map(|dump| dump.roots[0].depth), Some(119));
    assert!(found.iter().all(|dump| dump.waits.iter().all(|wait| wait.grade >= Grade::Unknown)));
}
