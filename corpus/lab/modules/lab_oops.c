// SPDX-License-Identifier: GPL-2.0
/* Oopses, warnings and panics. Bad accesses are in assembly where KASAN would otherwise see them first. */
#include "lab.h"

#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static __always_inline u64 bare_read(unsigned long address)
{
	u64 value;

	asm volatile("movq (%1), %0" : "=r" (value) : "r" (address) : "memory");
	return value;
}

static __always_inline void bare_write(unsigned long address, u64 value)
{
	asm volatile("movq %1, (%0)" : : "r" (address), "r" (value) : "memory");
}

static noinline void reads_null(void)
{
	lab_sink = bare_read(0x58);
}

static noinline void writes_null(void)
{
	bare_write(0x10, 1);
}

static noinline void calls_null(void)
{
	void (*nothing)(void) = NULL;

	OPTIMIZER_HIDE_VAR(nothing);
	nothing();
	lab_sink++;
}

/* With inline KASAN the shadow of NULL is read first, and that address is not canonical. */
static noinline void reads_null_member(void)
{
	struct list_head *head = NULL;

	OPTIMIZER_HIDE_VAR(head);
	lab_sink = (unsigned long)READ_ONCE(head->prev);
}

static noinline void reads_noncanonical(void)
{
	lab_sink = bare_read(0x6b6b6b6b6b6b6b73);
}

/* In the hole between the vmalloc area and the page array. */
static noinline void reads_unmapped(void)
{
	lab_sink = bare_read(0xffffe90000001000);
}

static const char fixed_words[] = "not to be written";

static noinline void writes_constant(void)
{
	bare_write((unsigned long)fixed_words & ~7UL, 0);
}

static noinline void bug_here(void)
{
	BUG_ON(READ_ONCE(lab_sink) == 0);
	lab_sink++;
}

static noinline void warns_plainly(void)
{
	WARN_ON(READ_ONCE(lab_sink) == 0);
	lab_sink++;
}

static noinline void warns_with_words(void)
{
	WARN(READ_ONCE(lab_sink) == 0, "lab: the drawer %d of %d is missing\n", 3, 4);
	lab_sink++;
}

/* One after the other, from one task: which comes first is the log's title. */
static void warns_then_oopses(void)
{
	warns_with_words();
	lab_sink = 0;
	warns_plainly();
	msleep(200);
	reads_null();
}

static noinline void divides_by_zero(void)
{
	volatile unsigned int nothing = 0;

	lab_sink = 1000 / nothing;
}

/* The instruction of BUG(), but in no table of bugs. */
static noinline void bad_instruction(void)
{
	asm volatile("ud2");
	lab_sink++;
}

static noinline void forgotten_breakpoint(void)
{
	asm volatile("int3");
	lab_sink++;
}

static noinline u64 goes_deeper(u64 depth)
{
	volatile char room[1200];

	room[depth % sizeof(room)] = depth;
	return goes_deeper(depth + 1) + room[0];
}

static int deep_thread(void *unused)
{
	lab_sink = goes_deeper(1);
	return 0;
}

static void stack_exhausted(void)
{
	kthread_run(deep_thread, NULL, "deep");
	msleep(500);
}

static noinline void gives_up(void)
{
	panic("lab: asked for by pid %d", current->pid);
}

static LIST_HEAD(queue_head);

struct guest {
	struct list_head queue;
	int name;
};

static noinline void joins_broken_queue(void)
{
	static struct guest first, second;

	list_add(&first.queue, &queue_head);
	first.queue.prev = &second.queue;
	list_add(&second.queue, &queue_head);
}

static noinline void leaves_queue_twice(void)
{
	static struct guest first;

	list_add(&first.queue, &queue_head);
	list_del(&first.queue);
	list_del(&first.queue);
}

static noinline void puts_too_often(void)
{
	static refcount_t count = REFCOUNT_INIT(1);

	lab_sink = refcount_dec_and_test(&count);
	lab_sink = refcount_dec_and_test(&count);
}

static noinline void gets_from_zero(void)
{
	static refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static DEFINE_SPINLOCK(gate);

static noinline void naps_in_atomic(void)
{
	spin_lock(&gate);
	might_sleep();
	spin_unlock(&gate);
}

static noinline void sleeps_while_preempt_off(void)
{
	preempt_disable();
	/* msleep() would give the report its own name. */
	schedule_timeout_uninterruptible(2);
	preempt_enable();
}

static void alarm_rings(struct timer_list *alarm)
{
}

/* The writer of /proc/lab is a user's task, which may go on on any CPU. */
static noinline void asks_which_cpu(void)
{
	lab_sink = smp_processor_id();
}

static noinline void frees_running_alarm(void)
{
	struct timer_list *alarm = kzalloc(sizeof(*alarm), GFP_KERNEL);

	timer_setup(alarm, alarm_rings, 0);
	alarm->expires = jiffies + 1000 * HZ;
	add_timer(alarm);
	kfree(alarm);
}

/* A raw lock of zeroes, with lockdep out of the way. */
static noinline void takes_magicless(void)
{
	raw_spinlock_t *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	lockdep_off();
	raw_spin_lock(lock);
	raw_spin_unlock(lock);
	lockdep_on();
}

/* Not in a system call: a worker, and a hard interrupt, which takes the machine down. */

static noinline void work_reads_null(struct work_struct *work)
{
	lab_sink = bare_read(0x18);
}

static DECLARE_WORK(null_work, work_reads_null);

static void oops_in_work(void)
{
	schedule_work(&null_work);
	msleep(300);
}

static struct irq_work bad_irq_work;

static noinline void interrupt_reads_null(struct irq_work *work)
{
	lab_sink = bare_read(0x28);
}

static void oops_in_interrupt(void)
{
	bad_irq_work = IRQ_WORK_INIT_HARD(interrupt_reads_null);
	irq_work_queue(&bad_irq_work);
	irq_work_sync(&bad_irq_work);
}

/* Two CPUs at once: their lines mix, and only the caller column tells them apart. */

static noinline void warns_beside(void)
{
	WARN(1, "lab: one of two\n");
}

static int beside_thread(void *unused)
{
	unsigned long start = jiffies + 10;

	while (time_before(jiffies, start))
		cond_resched();
	warns_beside();
	return 0;
}

static void two_at_once(void)
{
	lab_thread_on(0, beside_thread, "beside_0");
	lab_thread_on(1, beside_thread, "beside_1");
	msleep(1500);
}

static const struct lab_scenario lab_scenarios[] = {
	{ "oops_atomic_schedule", sleeps_while_preempt_off },
	{ "oops_atomic_sleep", naps_in_atomic },
	{ "oops_bug", bug_here },
	{ "oops_call_null", calls_null },
	{ "oops_constant", writes_constant },
	{ "oops_divide", divides_by_zero },
	{ "oops_gpf", reads_noncanonical },
	{ "oops_in_interrupt", oops_in_interrupt },
	{ "oops_in_work", oops_in_work },
	{ "oops_int3", forgotten_breakpoint },
	{ "oops_invalid_opcode", bad_instruction },
	{ "oops_list_add", joins_broken_queue },
	{ "oops_list_del", leaves_queue_twice },
	{ "oops_many", warns_then_oopses },
	{ "oops_null_member", reads_null_member },
	{ "oops_null_read", reads_null },
	{ "oops_null_write", writes_null },
	{ "oops_odebug", frees_running_alarm },
	{ "oops_panic", gives_up },
	{ "oops_preemptible", asks_which_cpu },
	{ "oops_refcount_get", gets_from_zero },
	{ "oops_refcount_put", puts_too_often },
	{ "oops_spin_magic", takes_magicless },
	{ "oops_stack_overflow", stack_exhausted },
	{ "oops_two_cpus", two_at_once },
	{ "oops_unmapped", reads_unmapped },
	{ "oops_warn", warns_plainly },
	{ "oops_warn_words", warns_with_words },
	{ }
};
