//! What real logs do: false statements that were once made of them, each with the smallest log that shows it.

use super::{edges, last, read};
use kanalyze::locks::Dump;
use kanalyze::render::{Look, locks_dot, locks_mermaid, locks_text};

fn text(dumps: &[Dump]) -> String {
    // Lines are wrapped anywhere.
    locks_text("hang.log", dumps, &Look::default()).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A task that the watchdog reports, with the functions of its stack.
fn hung(comm: &str, pid: i64, stack: &[&str]) -> String {
    let mut out = format!(
        "[  200.000000][   T31] INFO: task {comm}:{pid} blocked for more than 143 seconds.
[  200.000000][   T31]       Not tainted 6.12.1 #2
[  200.000000][   T31] task:{comm:<15} state:D stack:0     pid:{pid:<5} tgid:{pid:<5} ppid:2      flags:0x00004000
[  200.000000][   T31] Call Trace:
[  200.000000][   T31]  <TASK>
"
    );
    for function in stack {
        out += &format!("[  200.000000][   T31]  {function}+0x21/0x40\n");
    }
    out + "[  200.000000][   T31]  </TASK>\n"
}

const MUTEX: [&str; 4] = ["__schedule", "schedule", "schedule_preempt_disabled", "__mutex_lock"];

fn mutex_in(function: &str) -> Vec<&str> {
    MUTEX.iter().copied().chain([function]).collect()
}

fn chain(entries: &[(u32, &str, &str)], wanted: &str, held: &str) -> String {
    let mut out = format!(
        "[    1.0] WARNING: possible circular locking dependency detected
[    1.0] 6.9.0 #1 Not tainted
[    1.0] ------------------------------------------------------
[    1.0] cat/100 is trying to acquire lock:
[    1.0] ffff888000000001 ({wanted}){{+.+.}}-{{3:3}}, at: last_one+0x20/0x40
[    1.0] but task is already holding lock:
[    1.0] ffff888000000003 ({held}){{+.+.}}-{{3:3}}, at: last_one+0x10/0x40
[    1.0] the existing dependency chain (in reverse order) is:
"
    );
    for (number, class, function) in entries {
        out += &format!(
            "[    1.0] -> #{number} ({class}){{+.+.}}-{{3:3}}:\n[    1.0]        __mutex_lock+0x90/0x900\n[    1.0]        {function}+0x20/0x40\n"
        );
    }
    out
}

fn steps(dump: &Dump) -> Vec<(Option<&str>, &str)> {
    dump.lockdep.iter().flat_map(|report| &report.steps).map(|step| (step.first.as_deref(), &step.then[..])).collect()
}

#[test]
fn a_class_is_taken_under_the_one_whose_number_is_less() {
    let dump = last(&chain(&[(2, "C", "b_then_c"), (1, "B", "a_then_b"), (0, "A", "last_one")], "A", "C"));
    assert_eq!(steps(&dump), [(Some("C"), "A"), (Some("A"), "B"), (Some("B"), "C")]);
    assert_eq!(dump.lockdep[0].cycle, ["A", "B", "C"]);
    assert!(dump.lockdep[0].paths[2].starts_with("b_then_c+0x20/0x40 takes C while B is held"));
}

#[test]
fn a_chain_that_is_cut_names_no_neighbour_that_it_lost() {
    let dump = last(&chain(&[(2, "C", "b_then_c")], "A", "C"));
    assert_eq!(steps(&dump), [(None, "C")]);
    assert!(dump.lockdep[0].cycle.is_empty());
    assert!(text(&[dump]).contains("takes C while another lock is held that the log has lost"));
    // The head of the report says what #0 is about.
    let dump = last(&chain(&[(1, "B", "a_then_b")], "A", "B"));
    assert_eq!(steps(&dump), [(Some("A"), "B")]);
    let dump = last(&chain(&[(1, "B", "a_then_b"), (0, "A", "last_one")], "A", "C"));
    assert_eq!(steps(&dump), [(Some("C"), "A"), (Some("A"), "B")]);
    assert!(dump.lockdep[0].cycle.is_empty(), "{:?}", dump.lockdep[0].cycle);
}

#[test]
fn a_waiter_whose_holder_was_running_is_no_root() {
    let lists = "[  200.000000][   T31] Showing all locks held in the system:
[  200.000000][   T31] 2 locks held by runner/90:
[  200.000000][   T31] 1 lock held by waiter/58:
[  200.000000][   T31]  #0: ff11000000000001 (&w->lock){+.+.}-{4:4}, at: take_it+0x21/0x40
";
    let dump = last(&(hung("waiter", 58, &mutex_in("take_it")) + lists));
    assert!(dump.roots.is_empty(), "{:?}", dump.roots);
    assert_eq!(dump.running.iter().map(|task| task.pid).collect::<Vec<_>>(), [90]);
    let told = text(std::slice::from_ref(&dump));
    assert!(told.contains("the holder is not known; runner/90 was running and may hold it"), "{told}");
    assert!(!told.contains("root waiter"), "{told}");
    assert!(!locks_dot(&dump).contains("#f6c26b\", style") && !locks_mermaid(&dump).contains(":::root"));
}

#[test]
fn each_hung_task_is_reported_with_its_own_root() {
    let log = hung("first", 58, &["__schedule", "schedule", "journal_quiesce", "first_work"])
        + &hung("second", 59, &["__schedule", "schedule", "io_schedule", "rq_qos_wait", "submit_it"]);
    let dump = last(&log);
    let told = text(&[dump]);
    assert_eq!(told.matches("it is not known to block another task").count(), 2, "{told}");
    assert!(told.contains("second/59 (D) waits for a block device or file system in submit_it"), "{told}");
}

#[test]
fn a_holder_whose_stack_is_there_is_shown_where_it_is() {
    let log = hung("a", 10, &mutex_in("foo_take"))
        + "[  200.000000][   T31] INFO: task a:10 is blocked on a mutex likely owned by task b:11.
[  200.000000][   T31] task:b               state:S stack:0     pid:11    tgid:11    ppid:2      flags:0x00004000
[  200.000000][   T31] Call Trace:
[  200.000000][   T31]  __schedule+0x750/0xcd0
[  200.000000][   T31]  schedule+0x41/0xb0
[  200.000000][   T31]  bar_sleep+0x54/0x1a0
";
    let dump = last(&log);
    assert_eq!(edges(&dump), ["10>11:stated".to_owned()].into());
    let told = text(&[dump]);
    assert!(told.contains("what it waits for is not known; it is in bar_sleep+0x54/0x1a0"), "{told}");
    assert!(!told.contains("stack is not in the log") && !told.contains("no stack"), "{told}");
}

#[test]
fn a_reader_whom_the_kernel_names_is_likely_only() {
    let log = "[  200.0][   T31] INFO: task loader:634 <writer> blocked on an rw-semaphore likely owned by task kworker/0:1:12 <reader>
[  200.0][   T31] task:kworker/0:1     state:R  running task     stack:0     pid:12    tgid:12    ppid:2      flags:0x00004000
[  200.0][   T31] Showing all locks held in the system:
[  200.0][   T31] 2 locks held by kworker/0:1/12:
[  200.0][   T31] 1 lock held by loader/634:
[  200.0][   T31]  #0: ffffffffb8270430 (net_rwsem){++++}-{4:4}, at: register_it+0x1a/0x40
";
    let dump = last(log);
    assert_eq!(edges(&dump), ["634>12:likely".to_owned()].into());
    let wait = dump.waits.iter().find(|wait| wait.waiter.pid == 634).expect("it waits");
    // The last lock of its list is what the kernel speaks of.
    assert_eq!((wait.kind.word(), wait.lock.class.as_deref()), ("rwsem-write", Some("net_rwsem")));
}

#[test]
fn a_thread_that_was_never_woken_waits_for_no_lock() {
    let log = hung("stopper", 58, &["__schedule", "schedule", "schedule_preempt_disabled", "kthread", "ret_from_fork"]);
    let dump = last(&log);
    assert_eq!(dump.waits.iter().map(|wait| wait.kind.word()).collect::<Vec<_>>(), ["first-wakeup"]);
    assert_eq!(dump.roots.len(), 1);
}

#[test]
fn a_task_in_d_waits_even_if_the_log_does_not_say_for_what() {
    let log = "[   10.0] sysrq: Show Blocked State
[   10.0] task:dark            state:D stack:0     pid:58    tgid:58    ppid:2      flags:0x00004000
[   10.0] Call Trace:
[   10.0]  strange_place+0x1/0x20
";
    let dump = last(log);
    assert_eq!(dump.waits.iter().map(|wait| wait.kind.word()).collect::<Vec<_>>(), ["unknown"]);
    let told = text(&[dump]);
    assert!(told.contains("1 task listed, 1 waiting"), "{told}");
    assert!(told.contains("waits for something that the log does not name in strange_place+0x1/0x20"), "{told}");
}

#[test]
fn a_key_that_is_pressed_again_begins_another_dump() {
    let dump = |time: &str, pid: i64| {
        format!(
            "[{time}] sysrq: Show Blocked State
[{time}] task:a{pid}             state:D stack:0     pid:{pid} tgid:{pid} ppid:2      flags:0x00004000
[{time}] Call Trace:
[{time}]  __schedule+0x278/0x540
[{time}]  schedule+0x27/0xa0
[{time}]  wait_for_it+0x46/0x70
"
        )
    };
    // Soon after, and with a clock that goes back: another log in the same mail.
    let found = read(&(dump("  100.000000", 10) + &dump("  101.000000", 20)));
    assert_eq!(found.len(), 2);
    let found = read(&(dump(" 4733.000000", 10) + &dump(" 3889.000000", 20)));
    assert_eq!(found.len(), 2);
    assert!(found[1].changes.is_none(), "nothing is known of the time between");
}

#[test]
fn a_row_in_two_halves_is_one_task() {
    let log = "[ 1246.772983] sysrq: Show Blocked State
[ 1246.807604] task:flusher         state:D
[ 1246.851608]  stack:0     pid:435 ppid:2      flags:0x00004000
[ 1246.851768] Call Trace:
[ 1246.852045]  __schedule+0x2cb/0x880
[ 1246.852200]  schedule+0x50/0xc0
[ 1246.852326]  wait_idle+0xa9/0x110 [widget]
";
    let dump = last(log);
    let brief: Vec<_> = dump.tasks.iter().map(|task| (task.comm.as_str(), task.pid, task.state.as_deref())).collect();
    assert_eq!(brief, [("flusher", 435, Some("D"))]);
    assert_eq!(dump.waits.len(), 1);
}

#[test]
fn a_list_goes_on_behind_a_foreign_line() {
    let log = hung("waiter", 58, &mutex_in("take_it"))
        + "[  200.000000][   T31] Showing all locks held in the system:
[  200.000000][   T31] 2 locks held by holder/90:
[  200.000000][   T31] Pid 3091(dumper) over core_pipe_limit
[  200.000000][   T31]  #0: ff11000000000001 (event_mutex){+.+.}-{4:4}, at: take_first+0x21/0x40
[  200.000000][   T31] Skipping core dump
[  200.000000][   T31]  #1: ff11000000000002 (other_mutex){+.+.}-{4:4}, at: take_second+0x21/0x40
[  200.000000][   T31] 1 lock held by waiter/58:
[  200.000000][   T31]  #0: ff11000000000001 (event_mutex){+.+.}-{4:4}, at: take_it+0x21/0x40
";
    let dump = last(&log);
    assert_eq!(edges(&dump), ["58>90:certain".to_owned()].into());
    assert_eq!(dump.tasks.iter().find(|task| task.pid == 90).map(|task| task.holds.len()), Some(2));
    assert!(dump.running.is_empty());
}

#[test]
fn many_waits_that_are_the_same_are_one_sentence() {
    let log: String = (10..54)
        .map(|pid| hung("cc1", pid, &["__schedule", "schedule", "io_schedule", "folio_wait_bit_common", "get_it"]))
        .collect();
    let told = text(&[last(&log)]);
    assert!(told.contains("44 tasks wait for a page's lock or bit in get_it+0x21/0x40 for 143 s: cc1/10"), "{told}");
    assert_eq!(told.matches("get_it").count(), 1, "{told}");
}

#[test]
fn a_sleeper_in_a_read_side_section_holds_up_its_grace_period() {
    let log = hung(
        "closer",
        58,
        &[
            "__schedule",
            "schedule",
            "schedule_timeout",
            "__wait_for_common",
            "__synchronize_srcu",
            "synchronize_srcu",
            "close_it",
        ],
    ) + &hung("reader", 59, &["__schedule", "schedule", "read_it"])
        + "[  200.000000][   T31] Showing all locks held in the system:
[  200.000000][   T31] 1 lock held by reader/59:
[  200.000000][   T31]  #0: ff11000000000001 (&dev->srcu){.+.+}-{0:0}, at: srcu_read_lock+0x21/0x40
";
    assert_eq!(edges(&last(&log)), ["58>59:likely".to_owned()].into());
}

#[test]
fn a_page_that_a_waiter_may_have_locked_is_a_possible_deadlock() {
    let log = hung("one", 58, &["__schedule", "schedule", "io_schedule", "folio_wait_bit_common", "get_page_of"])
        + &hung("two", 59, &mutex_in("take_it"))
        + "[  200.000000][   T31] INFO: task two:59 is blocked on a mutex likely owned by task one:58.\n";
    let dump = last(&log);
    assert_eq!(edges(&dump), ["58>59:possible".to_owned(), "59>58:stated".to_owned()].into());
    assert!(dump.cycles.is_empty() && dump.roots.is_empty());
    let told = text(&[dump]);
    assert!(told.contains("possible holder two/59") && !told.contains("root "), "{told}");
}

#[test]
fn no_place_is_broken_between_lines() {
    let name = "a_function_with_a_very_long_name_that_no_line_of_a_mail_has_room_for_at_all_but_here";
    let log = hung("waiter", 58, &mutex_in(name));
    assert!(locks_text("hang.log", &read(&log), &Look::default()).contains(name));
}

#[test]
fn silence_is_no_news_unless_a_task_would_have_been_listed() {
    let row = |time: &str, name: &str, pid: u32| {
        format!(
            "[ {time}] task:{name:<15} state:D stack:0     pid:{pid}  tgid:{pid}  ppid:2      flags:0x00004000\n\
             [ {time}] Call Trace:\n[ {time}]  <TASK>\n[ {time}]  __schedule+0x63/0xb0\n[ {time}]  schedule+0x20/0x40\n\
             [ {time}]  rwsem_down_read_slowpath+0x1/0x20\n[ {time}]  widget_read+0x3f7/0x6b0\n[ {time}]  </TASK>\n"
        )
    };
    let gone = |key: &str| {
        let log = [row("5153.460741", "ps", 6012), key.to_owned(), row("5187.935462", "widgetd", 262)].concat();
        let changes = read(&log).pop().and_then(|dump| dump.changes).expect("there is a dump before");
        changes.gone.iter().map(|task| task.pid).collect::<Vec<_>>()
    };
    assert_eq!(gone(""), [0; 0]);
    assert_eq!(gone("[ 5187.935461] sysrq: Show Blocked State\n"), [6012]);
}

#[test]
fn a_holder_without_a_stack_is_known_by_its_list() {
    let lists = "[  200.000000][   T31] Showing all locks held in the system:
[  200.000000][   T31] 2 locks held by keeper/90:
[  200.000000][   T31]  #0: ff11000000000001 (&w->lock){+.+.}-{4:4}, at: take_it+0x21/0x40
[  200.000000][   T31]  #1: ff11000000000002 (&w->list){+.+.}-{4:4}, at: list_it+0x21/0x40
[  200.000000][   T31] 1 lock held by waiter/58:
[  200.000000][   T31]  #0: ff11000000000001 (&w->lock){+.+.}-{4:4}, at: take_it+0x21/0x40
";
    let dump = last(&(hung("waiter", 58, &mutex_in("take_it")) + lists));
    assert_eq!(edges(&dump), ["58>90:certain".to_owned()].into());
    let told = text(&[dump]);
    assert!(told.contains("certain: its list names another lock behind this one"), "{told}");
}

#[test]
fn a_holder_that_the_kernel_names_may_wait_as_before() {
    let owner = "[  400.000000][   T31] INFO: task second:59 is blocked on a mutex likely owned by task first:58.\n";
    let log = hung("first", 58, &["__schedule", "schedule", "journal_quiesce", "first_work"])
        + &hung("second", 59, &mutex_in("take_it")).replace("200.0", "400.0")
        + owner;
    let dumps = super::read(&log);
    assert_eq!(dumps.len(), 2);
    let changes = dumps[1].changes.as_ref().expect("changes");
    assert!(changes.gone.is_empty(), "{changes:?}");
}

#[test]
fn many_who_wait_for_one_of_the_same_workers_are_one_sentence() {
    let flush =
        ["__schedule", "schedule", "schedule_timeout", "wait_for_completion", "__flush_workqueue", "lamp_flush"];
    let worker = ["__schedule", "schedule", "lamp_wait", "lamp_work", "process_one_work", "worker_thread"];
    let log = (0..4).map(|pid| hung("flusher", 60 + pid, &flush)).collect::<String>()
        + &hung("kworker/0:1", 90, &worker)
        + &hung("kworker/1:1", 91, &worker);
    let in_lamp =
        |log: &str, name: &str| log.replace(&format!("{name}+0x21/0x40"), &format!("{name}+0x21/0x40 [lamp]"));
    let told = text(&[last(&in_lamp(&in_lamp(&log, "lamp_flush"), "lamp_work"))]);
    assert!(told.contains("4 tasks wait for the end of a workqueue's items in lamp_flush"), "{told}");
    assert!(told.contains("possible holders kworker/0:1/90, kworker/1:1/91: one of the workers"), "{told}");
}
