//! What is of a report and what is of others around it.

use super::{AccessKind, Line, Structure, Task, describe};
use crate::grammar::Grammar;

fn structure(text: &str) -> Structure {
    let lines: Vec<Line<'_>> =
        text.lines().zip(1..).map(|(text, log_line)| Line { text: text.as_bytes(), log_line, offset: 0 }).collect();
    describe(&Grammar::built_in(), &lines)
}

fn named(comm: &str, pid: i64) -> Option<Task> {
    Some(Task { comm: comm.into(), pid })
}

#[test]
fn nothing_behind_the_end_mark_belongs_to_a_report() {
    let read = structure(
        "WARNING: at kernel/foo.c:15 foo+0xec/0x174()
Modules linked in:
---[ end trace da227214a82491b7 ]---
CPU: 0 PID: 999 Comm: other Tainted: G        W    3.4.0 #1
Call Trace:
 other+0x1/0x2
",
    );
    assert_eq!((read.task, read.cpu, read.kernel_version, read.stacks.len()), (None, None, None, 0));
}

#[test]
fn a_panic_that_follows_from_the_report_belongs_to_it() {
    let text = "WARNING: CPU: 0 PID: 12 at kernel/foo.c:15 foo+0xec/0x174
CPU: 0 PID: 12 Comm: a Not tainted 6.12.0 #1
Call Trace:
 foo+0xec/0x174
---[ end trace 0000000000000000 ]---
Kernel panic - not syncing: WHY
Call Trace:
 panic+0x1/0x2
";
    let roles = |why: &str| -> Vec<String> {
        structure(&text.replace("WHY", why)).stacks.into_iter().map(|stack| stack.role.to_string()).collect()
    };
    assert_eq!(roles("panic_on_warn set ..."), ["crash", "panic"]);
    assert_eq!(roles("VFS: Unable to mount root fs"), ["crash"]);
}

#[test]
fn a_cpu_line_that_contradicts_the_header_is_of_another_report() {
    let read = structure(
        "BUG: soft lockup - CPU#5 stuck for 67s! [a:12]
CPU: 2 PID: 40 Comm: b Not tainted 6.12.0 #1
",
    );
    assert_eq!((read.task, read.cpu, read.taint), (named("a", 12), Some(5), None));
}

#[test]
fn the_cpu_line_of_another_task_behind_the_stack_ends_a_report() {
    let read = structure(
        "BUG: kernel NULL pointer dereference, address: 0000000000000008
CPU: 1 PID: 12 Comm: a Not tainted 6.12.0 #1
Call Trace:
 foo+0xec/0x174
CPU: 2 PID: 40 Comm: b Not tainted 6.12.0 #1
Call Trace:
 bar+0xec/0x174
",
    );
    assert_eq!((read.task, read.stacks.len()), (named("a", 12), 1));
}

#[test]
fn a_stall_is_of_the_cpu_that_it_lists_and_not_of_the_kthread_that_starves() {
    let read = structure(
        "rcu: INFO: rcu_sched self-detected stall on CPU
rcu: \t1-...: (1 GPs behind) idle=7db/2/0 softirq=4884/4886 fqs=6999
rcu: RCU grace-period kthread stack dump:
task:rcu_sched       state:R  running task     stack:0     pid:16    ppid:2      flags:0x00000800
Call Trace:
 schedule+0x1/0x2
",
    );
    assert_eq!((read.task, read.cpu), (None, Some(1)));
}

#[test]
fn a_jump_to_null_is_told() {
    let read = structure(
        "BUG: unable to handle kernel NULL pointer dereference at           (null)
IP: [<          (null)>]           (null)
CPU: 1 PID: 12 Comm: a Not tainted 3.18.0 #1
RIP: 0010:[<          (null)>]           (null)
",
    );
    assert_eq!(read.access.map(|access| access.kind), Some(AccessKind::Execute));
}
