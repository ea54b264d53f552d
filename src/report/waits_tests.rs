//! Lockdep's reports and hangs, written in the real format, and what `describe` makes of them.

use super::describe_tests::{stacks, structure};

#[test]
fn a_circular_lockdep_report_is_read() {
    let read = structure(
        "WARNING: possible circular locking dependency detected
6.12.1 #2 Tainted: G           O
------------------------------------------------------
lab_ab/58 is trying to acquire lock:
ffffffffc0005468 (lock_b){+.+.}-{4:4}, at: take_b include/x.h:3 [inline]
ffffffffc0005468 (lock_b){+.+.}-{4:4}, at: ab+0x21/0x40 [lab] lab.c:12

but task is already holding lock:
ffffffffc0005228 (lock_a){+.+.}-{4:4}, at: ab+0x13/0x40 [lab] lab.c:11

which lock already depends on the new lock.


the existing dependency chain (in reverse order) is:

-> #1 (lock_a){+.+.}-{4:4}:
       __mutex_lock+0x1/0x2
       ba+0x21/0x40 [lab]

-> #0 (lock_b){+.+.}-{4:4}:
       __lock_acquire+0x1/0x2
       ab+0x21/0x40 [lab]

other info that might help us debug this:

Chain exists of:
  lock_b --> lock_c --> lock_a

 Possible unsafe locking scenario:

       CPU0                    CPU1
       ----                    ----
  lock(lock_a);
                               lock(lock_b);
                               lock(lock_a);
  lock(lock_b);

 *** DEADLOCK ***

1 lock held by lab_ab/58:
 #0: ffffffffc0005228 (lock_a){+.+.}-{4:4}, at: ab+0x13/0x40 [lab]

stack backtrace:
CPU: 0 UID: 0 PID: 58 Comm: lab_ab Tainted: G           O       6.12.1 #2
Call Trace:
 <TASK>
 dump_stack_lvl+0x1/0x2
 </TASK>
",
    );
    let lockdep = read.lockdep.as_ref().unwrap_or_else(|| panic!("no lockdep"));
    assert_eq!(lockdep.flavour, "circular");
    let acquiring = lockdep.acquiring.as_ref().map(|lock| (lock.class.as_str(), lock.inlined.len()));
    assert_eq!(acquiring, Some(("lock_b", 1)));
    assert_eq!(lockdep.holding.as_ref().map(|lock| lock.class.as_str()), Some("lock_a"));
    assert_eq!(
        lockdep.chain.iter().map(|entry| (entry.number, entry.frames.len())).collect::<Vec<_>>(),
        [(1, 2), (0, 2)]
    );
    assert_eq!(lockdep.chain_text.as_deref(), Some("lock_b --> lock_c --> lock_a"));
    let steps: Vec<String> = lockdep.scenario.iter().map(|step| format!("{} {}", step.cpu, step.action)).collect();
    assert_eq!(steps, ["0 lock(lock_a)", "1 lock(lock_b)", "1 lock(lock_a)", "0 lock(lock_b)", "0 *** DEADLOCK ***"]);
    assert_eq!(read.held_locks.len(), 1);
    assert_eq!(stacks(&read)[0], "crash lab_ab/58: dump_stack_lvl");
    assert_eq!(read.task.map(|task| task.pid), Some(58));
    assert_eq!(read.kernel_version.as_deref(), Some("6.12.1"));
}

#[test]
fn an_unlock_imbalance_names_lock_and_place() {
    let read = structure(
        "WARNING: bad unlock balance detected!
6.12.1 #2 Not tainted
-------------------------------------
lab_x/58 is trying to release lock (lock_a) at:
[<ffffffffc0001234>] release_it+0x13/0x40 [lab]
but there are no more locks to release!

other info that might help us debug this:
no locks held by lab_x/58.
",
    );
    let acquiring = read.lockdep.and_then(|lockdep| lockdep.acquiring);
    let place = acquiring.as_ref().and_then(|lock| lock.acquired_at.as_ref()).and_then(|at| at.function.as_deref());
    assert_eq!(acquiring.as_ref().map(|lock| lock.class.as_str()), Some("lock_a"));
    assert_eq!(place, Some("release_it"));
}

#[test]
fn a_hang_has_its_tasks_stacks_blockers_and_locks() {
    let read = structure(
        "INFO: task kworker/u8:0:12 blocked for more than 143 seconds.
      Tainted: G           O       6.18.3+ #33
\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
task:kworker/u8:0    state:D stack:0     pid:12    tgid:12    ppid:2      task_flags:0x4208060 flags:0x00080000
Workqueue: events_unbound wk_fn [lab]
Call Trace:
 <TASK>
 __schedule+0x1/0x2
 __mutex_lock+0x1/0x2
 wk_fn+0x1/0x2 [lab]
 </TASK>
INFO: task kworker/u8:0:12 is blocked on a mutex likely owned by task lab_root:57.
task:lab_root        state:S stack:0     pid:57    tgid:57    ppid:2      task_flags:0x400100 flags:0x00000002
Call Trace:
 <TASK>
 __schedule+0x1/0x2
 root_fn+0x1/0x2 [lab]
 </TASK>

Showing all locks held in the system:
3 locks held by kworker/u8:0+events_unbound/12:
 #0: ff11000001234148 ((wq_completion)events_unbound){+.+.}-{0:0}, at: process_one_work+0x1/0x2
 #1: ffa0000000127d90 (wk_work){+.+.}-{0:0}, at: process_one_work+0x1/0x2
 #2: ffffffffc0005468 (wk_mutex){+.+.}-{4:4}, at: wk_fn+0x1/0x2 [lab]
1 lock held by lab_run/99:

=============================================

NMI backtrace for cpu 1
CPU: 1 UID: 0 PID: 31 Comm: khungtaskd Tainted: G           O       6.18.3+ #33
Call Trace:
 <TASK>
 nmi_cpu_backtrace+0x1/0x2
 </TASK>
",
    );
    assert_eq!(
        stacks(&read),
        [
            "hung kworker/u8:0/12: __schedule __mutex_lock wk_fn",
            "holder lab_root/57: __schedule root_fn",
            "cpu 1 khungtaskd/31: nmi_cpu_backtrace",
        ]
    );
    assert_eq!(read.task.as_ref().map(|task| task.pid), Some(12));
    assert_eq!(read.hung_tasks.len(), 2);
    assert_eq!(read.hung_tasks[0].workqueue.as_deref(), Some("events_unbound"));
    assert_eq!(read.hung_tasks[0].work_function.as_deref(), Some("wk_fn"));
    assert_eq!(
        read.hung_tasks[0].blocker.as_ref().and_then(|blocker| blocker.holder.as_ref()).map(|task| task.pid),
        Some(57)
    );
    assert_eq!(read.hung_tasks[1].stack, Some(1));
    assert_eq!(read.held_locks.iter().map(|list| list.locks.len()).collect::<Vec<_>>(), [3, 0]);
    assert_eq!(read.damage, Vec::<String>::new());
}

#[test]
fn a_lock_line_in_pieces_is_one_lock() {
    let read = structure(
        "4 locks held by kworker/1:0/20:
 #0:
ffff888141fd6538 ((wq_completion)usb_hub_wq){+.+.}-{0:0}, at: arch_set arch/x86/x.h:34 [inline]
ffff888141fd6538 ((wq_completion)usb_hub_wq){+.+.}-{0:0}, at: set include/x.h:856 [inline]
 #0: ffff888141fd6538 ((wq_completion)usb_hub_wq){+.+.}-{0:0}, at: process_one_work+0x871/0x1600 kernel/workqueue.c:2247
 #1:
ffffc90000cbfda8
 (
(work_completion)(&hub->events)){+.+.}-{0:0}, at: process_one_work+0x8a5/0x1600 kernel/workqueue.c:2251
 #2: ffff888023e0d220 (&dev->mutex){....}-{3:3}, at: hub_event+0x1c1/0x4330 drivers/usb/core/hub.c:5592
 #3:
ffff888023a55068
 (
hcd->address0_mutex
){+.+.}-{3:3}
, at: hub_port_init+0x1b5/0x2db0 drivers/usb/core/hub.c:4633
",
    );
    let locks: Vec<String> = read.held_locks[0]
        .locks
        .iter()
        .map(|lock| {
            let at = lock.acquired_at.as_ref().and_then(|at| at.function.clone()).unwrap_or_default();
            format!("{:?} {} {at}", lock.number, lock.class)
        })
        .collect();
    assert_eq!(
        locks,
        [
            "Some(0) (wq_completion)usb_hub_wq process_one_work",
            "Some(1) (work_completion)(&hub->events) process_one_work",
            "Some(2) &dev->mutex hub_event",
            "Some(3) hcd->address0_mutex hub_port_init",
        ]
    );
}

#[test]
fn a_blocker_line_alone_lists_its_waiter() {
    let read = structure("INFO: task cat:115 is blocked on a mutex likely owned by task dog:114.\n");
    let holder =
        read.hung_tasks.first().and_then(|hung| hung.blocker.as_ref()).and_then(|blocker| blocker.holder.clone());
    assert_eq!(holder.map(|task| task.pid), Some(114));
    assert_eq!(read.task.map(|task| task.pid), Some(115));
}
