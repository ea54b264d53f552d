// SPDX-License-Identifier: GPL-2.0
/* CPUs that do not come back. The loops are in threads, so that the thread's function is what a stall is named after. */
#include "lab.h"

#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static noinline void burn(unsigned int seconds)
{
	unsigned int tenth;

	/* udelay() counts cycles, so it works with interrupts off, too. */
	for (tenth = 0; tenth < seconds * 10; tenth++)
		mdelay(100);
}

static int soft_thread(void *unused)
{
	preempt_disable();
	burn(16);
	preempt_enable();
	return 0;
}

static void stall_soft(void)
{
	lab_thread_on(1, soft_thread, "stall_soft");
}

static int hard_thread(void *unused)
{
	local_irq_disable();
	burn(60);
	local_irq_enable();
	return 0;
}

static void stall_hard(void)
{
	lab_thread_on(1, hard_thread, "stall_hard");
}

/* A reader that runs: the CPU is what stalls. */
static int reader_thread(void *unused)
{
	rcu_read_lock();
	burn(14);
	rcu_read_unlock();
	return 0;
}

static void stall_rcu(void)
{
	lab_thread_on(1, reader_thread, "stall_reader");
}

/* With preemption off no other CPU can get an answer without an NMI. */
static int deaf_thread(void *unused)
{
	preempt_disable();
	burn(12);
	preempt_enable();
	return 0;
}

static void stall_rcu_preempt_off(void)
{
	lab_thread_on(1, deaf_thread, "stall_deaf");
}

/* A reader that lost its CPU to another thread: a task is what stalls. */

static int shadowed_reader_thread(void *unused)
{
	unsigned long end = jiffies + 15 * HZ;

	rcu_read_lock();
	while (time_before(jiffies, end))
		lab_sink++;
	rcu_read_unlock();
	return 0;
}

static int shadow_thread(void *unused)
{
	unsigned long end = jiffies + 12 * HZ;

	sched_set_fifo(current);
	while (time_before(jiffies, end))
		lab_sink++;
	return 0;
}

static void stall_rcu_task(void)
{
	lab_thread_on(1, shadowed_reader_thread, "shadowed");
	msleep(300);
	lab_thread_on(1, shadow_thread, "shadow");
}

static noinline void endless_alarm(struct timer_list *unused)
{
	burn(14);
}

static struct timer_list alarm;

static void stall_rcu_softirq(void)
{
	timer_setup(&alarm, endless_alarm, 0);
	mod_timer(&alarm, jiffies + 2);
}

/* A worker that never sleeps, and another work that waits for its pool. */

static noinline void hogs_pool(struct work_struct *work)
{
	unsigned long end = jiffies + 60 * HZ;

	while (time_before(jiffies, end)) {
		lab_sink++;
		cond_resched();
	}
}

static noinline void waits_for_pool(struct work_struct *work)
{
	lab_sink++;
}

static DECLARE_WORK(hog, hogs_pool);
static DECLARE_WORK(waiting, waits_for_pool);

static void stall_workqueue(void)
{
	queue_work_on(1, system_wq, &hog);
	msleep(200);
	queue_work_on(1, system_wq, &waiting);
}

/* One CPU spins for what the other holds. */

static DEFINE_RAW_SPINLOCK(bridge);

static int bridge_holder_thread(void *unused)
{
	raw_spin_lock(&bridge);
	burn(18);
	raw_spin_unlock(&bridge);
	return 0;
}

static int bridge_waiter_thread(void *unused)
{
	raw_spin_lock(&bridge);
	raw_spin_unlock(&bridge);
	return 0;
}

static void stall_spin(void)
{
	lab_thread_on(1, bridge_holder_thread, "bridge_holder");
	msleep(3000);
	lab_thread_on(0, bridge_waiter_thread, "bridge_waiter");
}

static const struct lab_scenario lab_scenarios[] = {
	{ "stall_hard", stall_hard },
	{ "stall_rcu", stall_rcu },
	{ "stall_rcu_preempt_off", stall_rcu_preempt_off },
	{ "stall_rcu_softirq", stall_rcu_softirq },
	{ "stall_rcu_task", stall_rcu_task },
	{ "stall_soft", stall_soft },
	{ "stall_spin", stall_spin },
	{ "stall_workqueue", stall_workqueue },
	{ }
};
