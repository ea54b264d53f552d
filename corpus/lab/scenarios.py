"""The lab's scenarios: what is started in each boot, and under which name syzbot would file what comes of it.

A title here is the author's reading of his own module by syzbot's conventions, not the output of a program. None: no crash.
"""


def scenario(name, title, what, module=None, start=None, step=None, seconds=3, sysctl=None, hung=None, append="", memory=512, initrd=True, disk=False, runs=1, note=None):
    return dict(name=name, title=title, what=what, module=module, start=start, step=step, seconds=seconds, sysctl=sysctl, hung=hung, append=append,
                memory=memory, initrd=initrd, disk=disk, runs=runs, note=note)


def hang(name, function, what, seconds=7, start=None, hung=5, **more):
    title = function if function is None or ":" in function or function.startswith("possible") else f"INFO: task hung in {function}"
    return scenario(name, title, what, module="hang", start=start or name, seconds=seconds, hung=hung, **more)


def order(name, title, what, **more):
    return scenario(name, title, what, module="order", start=name, **more)


def memory(name, title, what, **more):
    return scenario(name, title, what, module="memory", start=more.pop("start", name), memory=more.pop("ram", 512), **more)


def oops(name, title, what, **more):
    return scenario(name, title, what, module=more.pop("module", "oops"), start=more.pop("start", name), **more)


def stall(name, title, what, **more):
    return scenario(name, title, what, module="stall", start=name, **more)


DEADLOCK = "possible deadlock in "
PAGING = "BUG: unable to handle kernel paging request in "
NULL = "BUG: unable to handle kernel NULL pointer dereference in "
KFENCE = "KFENCE prints its stacks without the words Call Trace, and this report ends without registers: corrupted by syzbot's rules"
NO_STACK = "the report has no frame below an apic_timer_interrupt, so that syzbot's rules find no function: 'corrupted'"

SCENARIOS = [
    hang("hang_chain", "chain_keeper", "four tasks in a row, the first asleep on a completion with a mutex held; two dumps", seconds=12),
    hang("hang_cycle2", "open_both", "AB-BA of two objects of one class (nesting annotation, so lockdep is silent)"),
    hang("hang_cycle2_guest", "open_both", "the same, and a third task waits for one of the two without being in the cycle"),
    hang("hang_cycle2_lockdep", DEADLOCK + "back_then_front", "AB-BA of two classes: lockdep reports it in the act and is then off",
         note="lockdep's report itself names both locks of the last task; the hung-task reports list none"),
    hang("hang_cycle3", "grab_two", "a cycle of three; the mutexes are outside lockdep's validation",
         note="locks outside lockdep's validation share one class, printed with the name of the first of them that was ever taken"),
    hang("hang_cycle_aside", "open_both", "a cycle of two and, unrelated, a task behind a sleeping holder"),
    hang("hang_rwsem_writer", "shelf_reader_stays", "a rwsem's writer behind two readers that sleep for good"),
    hang("hang_rwsem_readers", "shelf_reader_stays", "a reader sleeps, a writer waits for it, two readers wait behind the writer",
         note="the late readers wait for the writer ahead of them and, through it, for the first reader: either is a right holder"),
    hang("hang_rwsem_held", "shelf_writer_stays", "a rwsem's writer sleeps, a reader and a second writer wait",
         note="the second writer stands behind the first, who holds, and behind the reader in the queue: either is a right holder"),
    hang("hang_semaphore", "turnstile_keeper", "a semaphore, whose holder no reader of the log can know"),
    hang("hang_worker_self", "flushes_own_queue", "a worker flushes the queue that it works for"),
    hang("hang_worker_self_lockdep", DEADLOCK + "touch_wq_lockdep_map", "the same with lockdep watching: recursive locking, then the hang"),
    hang("hang_flush_work", "work_wants_key", "a task flushes a work whose worker waits for a mutex",
         note="the worker is the older thread and so reported first; that the flusher waits for its work is no line of the log, but the only work under way"),
    hang("hang_diamond", "diamond_top", "two tasks with a rwsem for reading wait for one mutex, a writer of the rwsem waits for both"),
    hang("hang_fan", "diamond_top", "two waiters on one holder"),
    hang("hang_loop", "ledger_guest", "the holder runs in a loop: lockdep counts its lock and does not show it"),
    hang("hang_loop_backtrace", "ledger_guest", "the same with hung_task_all_cpu_backtrace", start="hang_loop", sysctl="kernel.hung_task_all_cpu_backtrace=1"),
    hang("hang_napper", "ledger_guest", "the holder sleeps interruptibly: only the lock list shows it"),
    hang("hang_killable", "ledger_keeper", "one of the waiters sleeps killably: only the lock list shows it"),
    hang("hang_two", "north_keeper", "two unrelated hangs at once"),
    hang("hang_dark", "KASAN: slab-use-after-free Read in peek_after_free", "a chain after a KASAN report, which turns lockdep off: no lists"),
    hang("hang_growing", "chain_keeper", "the dump repeated, a task more each time", seconds=22, sysctl="kernel.hung_task_warnings=-1"),
    hang("hang_crowd", "diamond_top", "more waiters than are reported: 'Future hung task reports are suppressed'", seconds=7),
    hang("hang_panic", "chain_keeper", "the chain with hung_task_panic=1", start="hang_chain", sysctl="kernel.hung_task_panic=1"),
    hang("hang_alone", "stand_on_platform", "a task alone on a wait queue, no lock anywhere", seconds=12),
    hang("hang_mixed", "mixed_writer", "a chain over percpu-rwsem, rwsem and mutex"),
    hang("hang_rtnl", "want_network", "a waiter for the kernel's rtnl_mutex, whose holder sleeps interruptibly",
         note="rtnl_lock() ends in a tail call of mutex_lock() and is in no stack; with it, syzbot would name rtnl_lock"),
    hang("hang_srcu", "synchronize_rcu", "synchronize_srcu() while a reader sleeps"),
    hang("hang_user", "visitor_keeps", "two user tasks of one comm in write(2), one holds what the other wants", start="visitor_keeps,visitor_comes"),
    hang("hang_sysrq", None, "no hung-task report: the blocked tasks and locks by sysrq", start="hang_fan", step="sysrq-wd", seconds=2, hung=None,
         note="a sysrq dump is no crash: no title"),

    order("order_circle2", DEADLOCK + "beta_then_alpha", "circular dependency of two mutexes"),
    order("order_circle3", DEADLOCK + "gamma_closes_circle", "circular dependency of three mutexes"),
    order("order_mixed", DEADLOCK + "alpha_then_archive", "circular dependency of a rwsem and a mutex"),
    order("order_work", DEADLOCK + "awaits_work_under_alpha", "a mutex and the wait for a work that takes it",
          note="the acquired 'lock' is the work itself, in a function of the workqueue code that is skipped; the holder's line names ours"),
    order("order_nesting", DEADLOCK + "open_parent_and_child", "two objects of one class without a nesting annotation"),
    order("order_recursive", DEADLOCK + "enter_cabinet_twice", "a rwsem read twice by one task"),
    order("order_nest_lock", "WARNING: nested lock was not taken in nest_in_nothing", "a nest_lock annotation whose outer lock is not held"),
    order("order_hardirq", "inconsistent lock state in touch_bell_openly", "a raw lock used in a hard interrupt, then with interrupts on"),
    order("order_softirq", "inconsistent lock state in soft_bell_rings", "a lock used with softirqs on, then in a timer"),
    order("order_inversion", DEADLOCK + "soft_bell_rings", "irq lock inversion: the use in a softirq makes a known order wrong"),
    order("order_irq_order", DEADLOCK + "soft_bell_rings", "softirq-safe -> softirq-unsafe: the order makes known uses wrong"),
    order("order_wait_context", "WARNING: locking bug in sleepable_under_raw", "a spinlock under a raw spinlock"),
    order("order_wait_context_irq", "WARNING: locking bug in well_in_interrupt", "a spinlock in a hard interrupt"),
    order("order_unbalanced", "WARNING: bad unlock balance in let_go_twice", "a mutex unlocked twice"),
    order("order_held_freed", "WARNING: held lock freed in burn_open_folder", "memory freed with a held mutex in it"),
    order("order_held_return", "WARNING: lock held when returning to user space in keep_for_later", "a mutex kept on return to user space"),
    order("order_held_exit", "WARNING: still has locks held in takes_it_to_grave", "a thread exits with a mutex held"),
    order("order_held_work", "BUG: workqueue leaked atomic, lock or RCU: kworker/NUM:NUM[NUM]", "a work returns with a mutex held",
          note="6.12 words the line anew, so that syzbot's rule for leaked locks does not fit and the title is the raw line"),
    order("order_unborn", "INFO: trying to register non-static key in take_unborn", "a spinlock that nobody initialised"),
    order("order_rcu_dereference", "WARNING: suspicious RCU usage in follow_unguarded", "rcu_dereference() outside a read section"),
    order("order_rcu_protected", "WARNING: suspicious RCU usage in replaces_unguarded", "rcu_dereference_protected() without the lock"),
    order("order_rcu_list", "WARNING: suspicious RCU usage in walks_unguarded", "list_for_each_entry_rcu() outside a read section"),
    order("order_rcu_sleep", "WARNING in rcu_note_context_switch", "msleep() inside a read section",
          note="the scheduler's hook warns before anything else does"),

    memory("memory_heap_read", "KASAN: slab-out-of-bounds Read in reads_past_end", "a byte beyond a heap object"),
    memory("memory_heap_write", "KASAN: slab-out-of-bounds Write in writes_past_end", "a write beyond a heap object"),
    memory("memory_read_freed", "KASAN: slab-use-after-free Read in reads_freed", "a read of a freed object"),
    memory("memory_write_freed", "KASAN: slab-use-after-free Write in writes_freed", "a write to a freed object"),
    memory("memory_no_stamps", "KASAN: slab-use-after-free Read in reads_freed", "the read of a freed object with printk.time=0", start="memory_read_freed",
           append="printk.time=0", note="only the caller column is left, so that no frame line counts and the report is corrupted"),
    memory("memory_free_twice", "KASAN: invalid-free in frees_twice", "kfree() twice"),
    memory("memory_free_middle", "KASAN: invalid-free in frees_middle", "kfree() of the middle of an object"),
    memory("memory_stack", "KASAN: stack-out-of-bounds Write in writes_past_frame", "a write beyond a local array"),
    memory("memory_global", "KASAN: global-out-of-bounds Read in reads_past_global", "a read beyond a global array"),
    memory("memory_vmalloc", "KASAN: vmalloc-out-of-bounds Read in reads_past_area", "a read beyond a vmalloc area"),
    memory("memory_pages_freed", "KASAN: use-after-free Read in reads_freed_pages", "a read of freed pages"),
    memory("memory_three_tasks", "KASAN: slab-use-after-free Read in uses_memory", "allocated, freed and used by three tasks"),
    memory("memory_after_work", "KASAN: slab-use-after-free Read in uses_parcel_after_work", "freed by a work that the object carried"),
    memory("memory_after_grace", "KASAN: slab-use-after-free Write in uses_parcel_after_grace", "freed by call_rcu()"),
    memory("memory_in_softirq", "KASAN: slab-use-after-free Read in tick_reads_freed", "a timer reads a freed object: the caller is a CPU"),
    memory("memory_sampled_read", "KFENCE: out-of-bounds read in reads_past_sampled", "KFENCE: beyond a guarded object", append="kfence.sample_interval=2", seconds=8, note=KFENCE),
    memory("memory_sampled_freed", "KFENCE: use-after-free write in writes_freed_sampled", "KFENCE: a freed guarded object", append="kfence.sample_interval=2", seconds=8, note=KFENCE),
    memory("memory_index", "UBSAN: array-index-out-of-bounds in looks_past_marks", "UBSAN: an index beyond an array inside a structure"),
    memory("memory_shift", "UBSAN: shift-out-of-bounds in shifts_too_far", "UBSAN: a shift by 77"),
    memory("memory_bool", "UBSAN: invalid-load in believes_strange_bool", "UBSAN: a bool of value 6"),
    memory("memory_user_copy", "BUG: bad usercopy in hands_out_too_much", "copy_to_user() of more than the object"),
    memory("memory_copy", "WARNING in copies_too_much", "memcpy() over the end of a structure's member"),
    memory("memory_leak", None, "kmemleak: five objects lost", append="kmemleak=on", step="leaks", seconds=1,
           note="kmemleak's objects are no crash in a log; syzbot finds leaks by a text of its own"),

    oops("oops_null_read", NULL + "reads_null", "a read near address 0 by an instruction that KASAN does not see"),
    oops("oops_null_write", NULL + "writes_null", "a write near address 0"),
    oops("oops_call_null", NULL + "calls_null", "a call of a null pointer: RIP is 0"),
    oops("oops_null_member", "general protection fault in reads_null_member", "a null pointer's member, read by C: KASAN's shadow of it is not canonical"),
    oops("oops_gpf", "general protection fault in reads_noncanonical", "a read of a non-canonical address"),
    oops("oops_unmapped", PAGING + "reads_unmapped", "a read of an address that nothing is mapped at"),
    oops("oops_constant", PAGING + "writes_constant", "a write to read-only data"),
    oops("oops_bug", "kernel BUG in bug_here", "BUG_ON()"),
    oops("oops_warn", "WARNING in warns_plainly", "WARN_ON()"),
    oops("oops_warn_words", "WARNING in warns_with_words", "WARN() with a message"),
    oops("oops_warn_panic", "WARNING in warns_plainly", "WARN_ON() with panic_on_warn", start="oops_warn", sysctl="kernel.panic_on_warn=1"),
    oops("oops_many", "WARNING in warns_with_words", "two warnings, then an oops, of one task"),
    oops("oops_two_cpus", "WARNING in warns_beside", "warnings on both CPUs at once: the lines mix"),
    oops("oops_divide", "divide error in divides_by_zero", "a division by 0"),
    oops("oops_invalid_opcode", "invalid opcode in bad_instruction", "an instruction that does not exist"),
    oops("oops_int3", "int3 in forgotten_breakpoint", "a breakpoint that nobody set"),
    oops("oops_stack_overflow", "BUG: stack guard page was hit in deep_thread", "a recursion without end",
         note="of a stack the rules take the function before the anchor kthread"),
    oops("oops_list_add", "BUG: corrupted list in joins_broken_queue", "list_add() to a list whose links disagree"),
    oops("oops_list_del", "BUG: corrupted list in leaves_queue_twice", "list_del() twice"),
    oops("oops_refcount_put", "WARNING: refcount bug in puts_too_often", "refcount below 0"),
    oops("oops_refcount_get", "WARNING: refcount bug in gets_from_zero", "refcount up from 0"),
    oops("oops_atomic_sleep", "BUG: sleeping function called from invalid context in naps_in_atomic", "might_sleep() under a spinlock"),
    oops("oops_atomic_schedule", "BUG: scheduling while atomic in sleeps_while_preempt_off", "a sleep with preemption off"),
    oops("oops_preemptible", "BUG: using smp_processor_id() in preemptible code in asks_which_cpu", "smp_processor_id() where the task may move"),
    oops("oops_odebug", "WARNING: ODEBUG bug in frees_running_alarm", "a running timer freed"),
    oops("oops_spin_magic", "BUG: spinlock bad magic in takes_magicless", "a raw spinlock of zeroes, lockdep out of the way"),
    oops("oops_in_work", NULL + "work_reads_null", "an oops in a worker"),
    oops("oops_in_interrupt", NULL + "interrupt_reads_null", "an oops in a hard interrupt: fatal"),
    oops("oops_panic", "kernel panic: lab: asked for by pid NUM", "panic()"),
    oops("oops_panic_on_oops", NULL + "reads_null", "the null read with oops=panic", start="oops_null_read", append="oops=panic"),
    oops("oops_ftrace_dump", "kernel BUG in traced_bug", "BUG_ON() after trace_printk() lines, with ftrace_dump_on_oops", module="trace", append="ftrace_dump_on_oops"),

    scenario("lkdtm_list_add", "BUG: corrupted list in lkdtm_CORRUPT_LIST_ADD", "LKDTM's CORRUPT_LIST_ADD", step="lkdtm-CORRUPT_LIST_ADD"),
    scenario("lkdtm_array_bounds", "UBSAN: array-index-out-of-bounds in lkdtm_ARRAY_BOUNDS", "LKDTM's ARRAY_BOUNDS", step="lkdtm-ARRAY_BOUNDS"),
    scenario("lkdtm_write_ro", PAGING + "lkdtm_WRITE_RO", "LKDTM's WRITE_RO", step="lkdtm-WRITE_RO"),
    scenario("lkdtm_exec_data", PAGING + "data_area", "LKDTM's EXEC_DATA: RIP is in data", step="lkdtm-EXEC_DATA",
             note="all frames of the Call Trace are questionable, so that syzbot's rules name the data symbol and call the report corrupted"),

    stall("stall_soft", "BUG: soft lockup in soft_thread", "a thread spins 16 s with preemption off", seconds=18, sysctl="kernel.watchdog_thresh=5"),
    stall("stall_spin", "BUG: soft lockup in bridge_holder_thread", "one CPU spins for a raw lock that the other holds", seconds=20, sysctl="kernel.watchdog_thresh=5"),
    stall("stall_hard", "kernel panic: Hard LOCKUP", "a CPU with interrupts off, hardlockup_panic=1", seconds=40, sysctl="kernel.watchdog_thresh=5,kernel.hardlockup_panic=1",
          note="the line 'Watchdog detected hard LOCKUP' itself opens no report by syzbot's rules"),
    stall("stall_rcu", "INFO: rcu detected stall in reader_thread", "a read section of 14 s", seconds=16, append="rcupdate.rcu_cpu_stall_timeout=5",
          note="preemptible, so the task is what stalls, and its stack is printed from the interrupt that found out"),
    stall("stall_rcu_preempt_off", "INFO: rcu detected stall in corrupted", "12 s with preemption off", seconds=14, append="rcupdate.rcu_cpu_stall_timeout=5", note=NO_STACK),
    stall("stall_rcu_softirq", "INFO: rcu detected stall in do_idle", "a timer of 14 s", seconds=16, append="rcupdate.rcu_cpu_stall_timeout=5",
          note="the culprit, endless_alarm, stands above the interrupted idle task, where syzbot's rule does not look"),
    stall("stall_rcu_task", "INFO: rcu detected stall in shadowed_reader_thread", "a preempted reader", seconds=18, append="rcupdate.rcu_cpu_stall_timeout=5"),
    stall("stall_workqueue", "BUG: workqueue lockup", "a work hogs its pool, another waits for it", seconds=14,
          append="workqueue.watchdog_thresh=5 workqueue.cpu_intensive_thresh_us=100000000", note="a work that runs for long would else be taken out of its pool's account"),

    scenario("boot_no_root", "kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)", "no initramfs and no root", initrd=False),
    scenario("boot_no_device", "kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)", "no initramfs, root=/dev/vda1 does not exist",
             initrd=False, append="root=/dev/vda1"),
    scenario("boot_empty_disk", 'kernel panic: VFS: Unable to mount root fs on "/dev/vda" or unknown-block(NUM,NUM)', "root=/dev/vda is a disk of zeroes",
             initrd=False, disk=True, append="root=/dev/vda rootfstype=ext4"),
    scenario("boot_init_exits", "kernel panic: Attempted to kill init!", "the first process exits", step="exit"),
    scenario("oom_kill", None, "a process eats all memory and is killed", step="eat", memory=224, seconds=25, note="an OOM kill is no crash"),
    scenario("oom_panic", "kernel panic: Out of memory: system-wide panic_on_oom is enabled", "the same with panic_on_oom=1", step="eat", memory=224, seconds=40,
             sysctl="vm.panic_on_oom=1"),
    scenario("sysrq_crash", "kernel panic: sysrq triggered crash", "sysrq c", step="sysrq-c"),

    scenario("clean", None, "a boot without incident", runs=3),
    scenario("clean_cmdline", None, "the same with another command line: no KASLR, one CPU, less memory", append="nokaslr maxcpus=1 mem=400M"),
    scenario("noisy", None, "the same with a driver that complains, harmlessly", module="noisy", start="noisy"),
    scenario("noisy_warn", "WARNING in complains_and_warns", "the same, and it ends in a warning", module="noisy", start="noisy_warn"),
    scenario("flaky", "?", "one scenario ten times: a use after free, a warning, or nothing, by luck", module="noisy", start="flaky", runs=10),
]
