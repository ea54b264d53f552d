//! Reports of many kinds and architectures, written in the real format, and what `describe` makes of them.

use super::{Line, StackRole, Structure, describe};
use crate::grammar::Grammar;

fn structure(text: &str) -> Structure {
    let lines: Vec<Line<'_>> =
        text.lines().zip(1..).map(|(text, log_line)| Line { text: text.as_bytes(), log_line, offset: 0 }).collect();
    describe(&Grammar::built_in(), &lines)
}

/// Name, task and functions of each stack.
fn stacks(structure: &Structure) -> Vec<String> {
    structure
        .stacks
        .iter()
        .map(|stack| {
            let task = stack.task.as_ref().map(|task| format!(" {}/{}", task.comm, task.pid)).unwrap_or_default();
            let frames: Vec<String> = stack
                .frames
                .iter()
                .map(|frame| {
                    let name = frame.function.clone().unwrap_or_else(|| "-".into());
                    format!("{}{name}{}", if frame.reliable { "" } else { "?" }, if frame.inline { "*" } else { "" })
                })
                .collect();
            format!("{}{task}: {}", stack.role, frames.join(" "))
        })
        .collect()
}

#[test]
fn a_kasan_report_has_three_stacks_and_an_access() {
    let read = structure(
        "BUG: KASAN: slab-use-after-free in foo_read+0x12/0x40 [foo]
Read of size 4 at addr ffff888012345678 by task kworker/u8:0/12

CPU: 1 UID: 0 PID: 12 Comm: kworker/u8:0 Tainted: G        W  O      6.12.1-foo #2
Tainted: [W]=WARN, [O]=OOT_MODULE
Hardware name: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16
Workqueue: events foo_work [foo]
Call Trace:
 <TASK>
 dump_stack_lvl+0x5d/0x80
 ? preempt_count_sub+0x13/0xc0
 foo_read+0x12/0x40 [foo]
 </TASK>

Allocated by task 77:
 kasan_save_stack+0x24/0x50
 foo_new+0x1/0x20 [foo]

Freed by task 78:
 kfree+0x24/0x50

Last potentially related work creation:
 kasan_save_stack+0x24/0x50
 call_rcu+0x1/0x2

The buggy address belongs to the object at ffff888012345600
 which belongs to the cache kmalloc-192 of size 192
",
    );
    assert_eq!(
        stacks(&read),
        [
            "crash kworker/u8:0/12: dump_stack_lvl ?preempt_count_sub foo_read",
            "allocated /77: kasan_save_stack foo_new",
            "freed /78: kfree",
            "last-work: kasan_save_stack call_rcu",
        ]
    );
    assert_eq!(read.taint.as_deref(), Some("G W O"));
    assert_eq!(read.kernel_version.as_deref(), Some("6.12.1-foo"));
    assert_eq!(read.cpu, Some(1));
    assert_eq!(read.access.as_ref().map(|access| (access.kind.word(), access.size)), Some(("read", Some(4))));
    assert_eq!(read.damage, Vec::<String>::new());
}

#[test]
fn a_mailed_oops_keeps_inlined_functions_and_the_first_registers() {
    let read = structure(
        "Oops: general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] PREEMPT SMP KASAN
CPU: 0 PID: 5 Comm: syz-exec Not tainted 6.1.0 #0
RIP: 0010:__list_del include/linux/list.h:117 [inline]
RIP: 0010:foo_del+0x12/0x40 fs/foo.c:12
Code: 48 89 e5 <48> 8b 00
RSP: 0018:ffffc90000d67a10 EFLAGS: 00010246
RAX: 0000000000000001 RBX: ffff888012345678 RCX: 0000000000000000
Call Trace:
 <TASK>
 __foo fs/foo.c:20 [inline]
 foo+0x1/0x20 fs/foo.c:30
 entry_SYSCALL_64_after_hwframe+0x63/0xcd
RIP: 0033:0x7f0000000000
Code: Unable to access opcode bytes at 0x7f0000000000.
RSP: 002b:00007f0000000000 EFLAGS: 00000246 ORIG_RAX: 0000000000000010
RAX: ffffffffffffffda RBX: 0000000000000000 RCX: 00007f0000000000
 </TASK>
Modules linked in:
---[ end trace 0000000000000000 ]---
RIP: 0010:foo_del+0x12/0x40 fs/foo.c:12
RAX: 00000000000000ff RBX: 0000000000000000 RCX: 0000000000000000
",
    );
    assert_eq!(
        stacks(&read),
        ["pc syz-exec/5: __list_del* foo_del", "crash syz-exec/5: __foo* foo entry_SYSCALL_64_after_hwframe"]
    );
    assert_eq!(read.registers.get("RAX").map(String::as_str), Some("0000000000000001"));
    assert_eq!(read.registers.get("user.ORIG_RAX").map(String::as_str), Some("0000000000000010"));
    assert_eq!(read.code.as_deref(), Some("48 89 e5 <48> 8b 00"));
}

#[test]
fn an_arm_oops_is_read() {
    let read = structure(
        "Internal error: Oops: 5 [#1] SMP ARM
CPU: 0 PID: 3797 Comm: foo Not tainted 4.17.0-rc1+ #11
PC is at dup+0x154/0x39c
LR is at dup+0x148/0x39c
pc : [<8028bd5c>]    lr : [<8028bd50>]    psr: 20030013
sp : 9ec4fea0  ip : 00000000  fp : 9f6a3700
Stack: (0x9ec4fea0 to 0x9ec50000)
fea0: 9eaea800 9f6a3800 9ec4fecc 9f542e00 00000000 00000000 9f5431b0 80f4bc08
[<8028bd5c>] (dup) from [<80132060>] (copy.part.3+0x58c/0x1844)
 r7:8285fe3c r6:00000000
[<80132060>] (copy.part.3) from [<801334b4>] (_do_fork+0xcc/0x428)
Code: ebfcdd4b e28a3020 (e2822001)
",
    );
    assert_eq!(stacks(&read), ["pc foo/3797: dup", "lr foo/3797: dup", "crash foo/3797: dup copy.part.3 _do_fork"]);
    assert_eq!(read.registers.get("pc").map(String::as_str), Some("8028bd5c"));
    assert_eq!(read.code.as_deref(), Some("ebfcdd4b e28a3020 (e2822001)"));
}

#[test]
fn a_powerpc_oops_is_read() {
    let read = structure(
        "Oops: Kernel access of bad area, sig: 11 [#1]
CPU: 3 PID: 12 Comm: foo Not tainted 6.1.0 #1
NIP:  c000000000b0a1c4 LR: c000000000b0a1c0 CTR: 0000000000000000
GPR00: c000000000b0a1c0 c000000003a0f9d0
NIP [c000000000b0a1c4] bad+0x14/0x40
LR [c000000000b0a1c0] bad+0x10/0x40
Call Trace:
[c000000003a0f9d0] [c000000000b0a1c0] bad+0x10/0x40 (unreliable)
[c000000003a0fa00] [c000000000b0a200] worse+0x10/0x40 [mod]
--- interrupt: c00 at 0x7fff9a2b
",
    );
    assert_eq!(stacks(&read), ["pc foo/12: bad", "lr foo/12: bad", "crash foo/12: ?bad worse"]);
    assert_eq!(read.registers.get("r1").map(String::as_str), Some("c000000003a0f9d0"));
}

#[test]
fn an_s390_oops_is_read() {
    let read = structure(
        "Unable to handle kernel pointer dereference in virtual kernel address space
CPU: 0 PID: 12 Comm: foo Not tainted 6.1.0 #1
Krnl PSW : 0704c00180000000 00000000001121e4 (bad+0x14/0x40)
Krnl GPRS: 0000000000000000 000003ff00000000 0000000000000001 0000000000000002
Call Trace:
 [<00000000001121e4>] bad+0x14/0x40
([<00000000001121d0>] worse+0x10/0x40)
Last Breaking-Event-Address:
 [<00000000001121a0>] jump+0x10/0x40
",
    );
    assert_eq!(stacks(&read), ["pc foo/12: bad", "crash foo/12: bad worse", "last-break: jump"]);
}

#[test]
fn kcsan_and_kmsan_stacks_have_their_own_words() {
    let read = structure(
        "BUG: KCSAN: data-race in foo / bar

write to 0xffff888012345678 of 8 bytes by task 12 on cpu 1:
 foo+0x1/0x20

read to 0xffff888012345678 of 8 bytes by interrupt on cpu 0:
 bar+0x1/0x20
",
    );
    assert_eq!(stacks(&read), ["race-1 /12: foo", "race-2: bar"]);
    let read = structure(
        "BUG: KMSAN: uninit-value in foo+0x1/0x20
 foo+0x1/0x20
 bar+0x1/0x20

Uninit was stored to memory at:
 copy+0x1/0x20

Uninit was created at:
 alloc+0x1/0x20

Bytes 4-7 of 8 are uninitialized
CPU: 0 PID: 12 Comm: foo Not tainted 6.1.0 #1
",
    );
    assert_eq!(stacks(&read), ["crash: foo bar", "stored: copy", "origin: alloc"]);
}

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
fn damage_is_said_in_words() {
    let read = structure(
        "WARNING: CPU: 0 PID: 1 at fs/a.c:1 a+0x1/0x2
CPU: 0 PID: 1 Comm: a Not tainted 6.1.0 #1
Call Trace:
 <TASK>
 a+0x1/0x2
eth0: link is up
 b+0x1/0x2
** 12 printk messages dropped **
2 locks held by a/1:
 #0: ffff888012345678 (x){+.+.}-{4:4}, at: a+0x1/0x2
",
    );
    assert_eq!(
        read.damage,
        [
            "other text inside a stack at line 6",
            "12 messages dropped at line 8",
            "the stack 'crash' at line 3 has no end",
            "2 locks of a/1 are announced, 1 shown (line 9)",
        ]
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_described_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let lines: Vec<Line<'_>> = bytes.split(|byte| *byte == b'\n').map(|text| Line { text, log_line: 1, offset: 0 }).collect();
        let _ = describe(&Grammar::built_in(), &lines);
    }

    #[test]
    fn any_mixture_of_real_lines_is_described_without_panic(picks in proptest::collection::vec(0usize..28, 0..60)) {
        const LINES: [&str; 28] = [
            "", "Call Trace:", " <TASK>", " f+0x1/0x2", " </TASK>", "-> #1 (a){+.+.}:", "-> (a){+.+.} ops: 3 {", " ... acquired at:",
            "1 lock held by a/1:", " #0: ffff888012345678 (x){+.+.}-{4:4}, at: f+0x1/0x2", "a/1 is trying to acquire lock:",
            "but task is already holding lock:", " Possible unsafe locking scenario:", "       CPU0                    CPU1",
            "  lock(a);", " *** DEADLOCK ***", "INFO: task a:1 blocked for more than 3 seconds.", "task:a state:D pid:1",
            "INFO: task a:1 is blocked on a mutex likely owned by task b:2.", "CPU: 1 PID: 1 Comm: a Not tainted 6.1.0 #1",
            "RIP: 0010:f+0x1/0x2", "RIP: 0033:0x1234", "NMI backtrace for cpu 1", "Allocated by task 1:", "---[ end trace 0 ]---",
            "<A><B><C> f+0x1/0x2", "Chain exists of:", "{A-ON-W} state was registered at:",
        ];
        let lines: Vec<Line<'_>> = picks.iter().zip(1..).map(|(pick, log_line)| Line { text: LINES[*pick].as_bytes(), log_line, offset: 0 }).collect();
        let read = describe(&Grammar::built_in(), &lines);
        proptest::prop_assert!(read.hung_tasks.iter().all(|task| task.stack.is_none_or(|index| index < read.stacks.len())));
    }
}

#[test]
fn the_saved_registers_of_an_arm_exception_are_no_foreign_text() {
    let read = structure(
        "INFO: rcu_sched self-detected stall on CPU
NMI backtrace for cpu 0
Backtrace:
[<80a1c1fc>] (foo_irq) from [<80a1c2fc>] (__irq_svc+0x70/0x98)
Exception stack(0x82a1de60 to 0x82a1dea8)
de60: 00000000 00000036 842a1c00 80a1c1e8
[<80a1d100>] (foo_wait) from [<80a1d200>] (foo_start+0x1c/0x7c)
",
    );
    assert!(read.damage.is_empty(), "{:?}", read.damage);
}

#[test]
fn the_end_of_an_old_oops_is_no_broken_frame() {
    let read = structure(
        "BUG: unable to handle kernel paging request at ffffc90000a1c0a8
RIP: 0010:[<ffffffff8465936c>]  [<ffffffff8465936c>] foo_push+0x2bf/0x400
Call Trace:
 [<ffffffff81b51534>] foo_write+0x1e5/0x470
Code: 48 89 fb 48 83 ec 08 <48> 89 02 5b c3
RIP  [<ffffffff8465936c>] foo_push+0x2bf/0x400
 RSP <ffff8800b8b23d98>
CR2: ffffc90000a1c0a8
",
    );
    assert!(read.damage.is_empty(), "{:?}", read.damage);
    assert_eq!(stacks(&read), ["pc: foo_push", "crash: foo_write"]);
}

#[test]
fn slub_tracks_without_info_are_the_stacks_of_the_object() {
    let read = structure(
        "BUG kmalloc-512 (Not tainted): Object already free
Allocated in foo_new+0x1a/0x40 age=41 cpu=1 pid=398
\tkmalloc+0x15/0x57
\tfoo_new+0x1a/0x40
Freed in foo_put+0x5a/0x70 age=3 cpu=0 pid=401
\tkfree+0x73/0x8c
Slab 0xffffea00040e8700 objects=16 used=3
CPU: 1 PID: 412 Comm: a Not tainted 6.12.0 #7
Call Trace:
 kfree+0x73/0x8c
",
    );
    let roles: Vec<(StackRole, usize)> =
        read.stacks.into_iter().map(|stack| (stack.role, stack.frames.len())).collect();
    assert_eq!(roles, [(StackRole::Allocated, 2), (StackRole::Freed, 1), (StackRole::Crash, 1)]);
}

#[test]
fn a_blocker_line_alone_lists_its_waiter() {
    let read = structure("INFO: task cat:115 is blocked on a mutex likely owned by task dog:114.\n");
    let holder =
        read.hung_tasks.first().and_then(|hung| hung.blocker.as_ref()).and_then(|blocker| blocker.holder.clone());
    assert_eq!(holder.map(|task| task.pid), Some(114));
    assert_eq!(read.task.map(|task| task.pid), Some(115));
}
