//! Oopses and sanitizers' reports of many architectures, written in the real format, and what `describe` makes of them.

use super::{Line, StackRole, Structure, describe};
use crate::grammar::Grammar;

pub(super) fn structure(text: &str) -> Structure {
    let lines: Vec<Line<'_>> =
        text.lines().zip(1..).map(|(text, log_line)| Line { text: text.as_bytes(), log_line, offset: 0 }).collect();
    describe(&Grammar::built_in(), &lines)
}

/// Name, task and functions of each stack.
pub(super) fn stacks(structure: &Structure) -> Vec<String> {
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
fn the_saved_registers_of_an_arm_exception_are_not_foreign_text() {
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
fn the_end_of_an_old_oops_is_not_a_broken_frame() {
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
