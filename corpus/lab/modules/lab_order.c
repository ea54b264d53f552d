// SPDX-License-Identifier: GPL-2.0
/* Rules of locking and RCU, broken one at a time, so that lockdep reports each without a hang. */
#include "lab.h"

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static DEFINE_MUTEX(alpha);
static DEFINE_MUTEX(beta);
static DEFINE_MUTEX(gamma);

static noinline void take_two(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
}

static noinline void alpha_then_beta(void)
{
	mutex_lock(&alpha);
	mutex_lock(&beta);
	mutex_unlock(&beta);
	mutex_unlock(&alpha);
}

static noinline void beta_then_alpha(void)
{
	mutex_lock(&beta);
	mutex_lock(&alpha);
	mutex_unlock(&alpha);
	mutex_unlock(&beta);
}

static void order_circle2(void)
{
	alpha_then_beta();
	beta_then_alpha();
}

static noinline void gamma_closes_circle(void)
{
	mutex_lock(&gamma);
	mutex_lock(&alpha);
	mutex_unlock(&alpha);
	mutex_unlock(&gamma);
}

static void order_circle3(void)
{
	take_two(&alpha, &beta);
	take_two(&beta, &gamma);
	gamma_closes_circle();
}

static DECLARE_RWSEM(archive);

static noinline void archive_then_alpha(void)
{
	down_write(&archive);
	mutex_lock(&alpha);
	mutex_unlock(&alpha);
	up_write(&archive);
}

static noinline void alpha_then_archive(void)
{
	mutex_lock(&alpha);
	down_read(&archive);
	up_read(&archive);
	mutex_unlock(&alpha);
}

static void order_mixed(void)
{
	archive_then_alpha();
	alpha_then_archive();
}

/* Two objects of one class without a nesting annotation. */

struct folder {
	struct mutex lock;
	char content[32];
};

static noinline struct folder *make_folder(void)
{
	struct folder *folder = kzalloc(sizeof(*folder), GFP_KERNEL);

	mutex_init(&folder->lock);
	return folder;
}

static noinline void open_parent_and_child(struct folder *parent, struct folder *child)
{
	mutex_lock(&parent->lock);
	mutex_lock(&child->lock);
	mutex_unlock(&child->lock);
	mutex_unlock(&parent->lock);
}

static void order_nesting(void)
{
	open_parent_and_child(make_folder(), make_folder());
}

static DEFINE_SPINLOCK(well);

/* One lock twice: a real recursion that does no harm to a reader. */
static DECLARE_RWSEM(cabinet);

static noinline void enter_cabinet_twice(void)
{
	down_read(&cabinet);
	down_read(&cabinet);
	up_read(&cabinet);
	up_read(&cabinet);
}

static void order_recursive(void)
{
	enter_cabinet_twice();
}

/* The annotation says that an outer lock covers the nested one; the outer is not held. */
static noinline void nest_in_nothing(struct folder *child, struct folder *outer)
{
	mutex_lock(&alpha);
	mutex_lock_nest_lock(&child->lock, &outer->lock);
	mutex_unlock(&child->lock);
	mutex_unlock(&alpha);
}

static void order_nest_lock(void)
{
	nest_in_nothing(make_folder(), make_folder());
}

/* Interrupts. Raw locks, as others must not be taken in hard interrupts at all. */

static DEFINE_RAW_SPINLOCK(bell);
static struct irq_work bell_work;

static noinline void bell_rings(struct irq_work *work)
{
	raw_spin_lock(&bell);
	lab_sink++;
	raw_spin_unlock(&bell);
}

static noinline void touch_bell_openly(void)
{
	raw_spin_lock(&bell);
	lab_sink++;
	raw_spin_unlock(&bell);
}

static void order_hardirq(void)
{
	bell_work = IRQ_WORK_INIT_HARD(bell_rings);
	irq_work_queue(&bell_work);
	irq_work_sync(&bell_work);
	touch_bell_openly();
}

static DEFINE_SPINLOCK(soft_bell);
static DEFINE_SPINLOCK(soft_rope);
static struct timer_list soft_alarm;

static noinline void touch_soft_bell(void)
{
	spin_lock(&soft_bell);
	lab_sink++;
	spin_unlock(&soft_bell);
}

static noinline void soft_bell_rings(struct timer_list *alarm)
{
	spin_lock(&soft_bell);
	lab_sink++;
	spin_unlock(&soft_bell);
}

static noinline void let_soft_bell_ring(void)
{
	timer_setup(&soft_alarm, soft_bell_rings, 0);
	mod_timer(&soft_alarm, jiffies + 2);
	msleep(300);
}

static void order_softirq(void)
{
	touch_soft_bell();
	let_soft_bell_ring();
}

static noinline void bell_then_rope(void)
{
	spin_lock_bh(&soft_bell);
	spin_lock(&soft_rope);
	lab_sink++;
	spin_unlock(&soft_rope);
	spin_unlock_bh(&soft_bell);
}

static noinline void touch_soft_rope(void)
{
	spin_lock(&soft_rope);
	lab_sink++;
	spin_unlock(&soft_rope);
}

/* First the order, then the use in an interrupt that makes it wrong. */
static void order_inversion(void)
{
	bell_then_rope();
	touch_soft_rope();
	let_soft_bell_ring();
}

/* First both uses, then the order that makes them wrong. */
static void order_irq_order(void)
{
	let_soft_bell_ring();
	touch_soft_rope();
	bell_then_rope();
}

static noinline void sleepable_under_raw(void)
{
	raw_spin_lock(&bell);
	spin_lock(&well);
	lab_sink++;
	spin_unlock(&well);
	raw_spin_unlock(&bell);
}

static void order_wait_context(void)
{
	sleepable_under_raw();
}

static struct irq_work well_work;

static noinline void well_in_interrupt(struct irq_work *work)
{
	spin_lock(&well);
	lab_sink++;
	spin_unlock(&well);
}

static void order_wait_context_irq(void)
{
	well_work = IRQ_WORK_INIT_HARD(well_in_interrupt);
	irq_work_queue(&well_work);
	irq_work_sync(&well_work);
}

static noinline void let_go_twice(void)
{
	mutex_lock(&alpha);
	mutex_unlock(&alpha);
	mutex_unlock(&alpha);
}

static void order_unbalanced(void)
{
	let_go_twice();
}

static noinline void burn_open_folder(void)
{
	struct folder *folder = make_folder();

	mutex_lock(&folder->lock);
	kfree(folder);
}

static void order_held_freed(void)
{
	burn_open_folder();
}

static noinline void keep_for_later(void)
{
	mutex_lock(&alpha);
}

static void order_held_return(void)
{
	keep_for_later();
}

static noinline void takes_it_to_grave(void)
{
	mutex_lock(&beta);
}

static int grave_thread(void *unused)
{
	takes_it_to_grave();
	return 0;
}

static void order_held_exit(void)
{
	kthread_run(grave_thread, NULL, "grave");
	msleep(300);
}

static noinline void leaves_it_behind(struct work_struct *work)
{
	mutex_lock(&gamma);
}

static DECLARE_WORK(careless_work, leaves_it_behind);

static void order_held_work(void)
{
	schedule_work(&careless_work);
	msleep(300);
}

/* mutex → work and work → mutex, where the second is the wait for the work to end. */

static bool work_is_meek;

static noinline void work_wants_alpha(struct work_struct *work)
{
	if (work_is_meek) {
		msleep(500);
		return;
	}
	mutex_lock(&alpha);
	mutex_unlock(&alpha);
}

static DECLARE_WORK(alpha_work, work_wants_alpha);

/* Only the wait for a work that runs counts; this run leaves the lock alone, or it would be a hang. */
static noinline void awaits_work_under_alpha(void)
{
	mutex_lock(&alpha);
	schedule_work(&alpha_work);
	msleep(100);
	flush_work(&alpha_work);
	mutex_unlock(&alpha);
}

static void order_work(void)
{
	schedule_work(&alpha_work);
	msleep(300);
	work_is_meek = true;
	awaits_work_under_alpha();
}

/* A lock that nobody has initialised. */
static noinline void take_unborn(void)
{
	spinlock_t *unborn = kzalloc(sizeof(*unborn), GFP_KERNEL);

	spin_lock(unborn);
	spin_unlock(unborn);
}

static void order_unborn(void)
{
	take_unborn();
}

/* RCU. */

struct note {
	int text;
};

static struct note __rcu *last_note;

static noinline void follow_unguarded(void)
{
	struct note *note = rcu_dereference(last_note);

	if (note)
		lab_sink = note->text;
}

static void order_rcu_dereference(void)
{
	follow_unguarded();
}

/* The writer's side: the lock that should be held is not. */
static noinline void replaces_unguarded(void)
{
	struct note *note = rcu_dereference_protected(last_note, lockdep_is_held(&alpha));

	rcu_assign_pointer(last_note, note);
}

static void order_rcu_protected(void)
{
	replaces_unguarded();
}

/* A reader that forgot rcu_read_lock() before it walks. */

struct note_page {
	struct list_head link;
	int text;
};

static LIST_HEAD(notebook);

static noinline void walks_unguarded(void)
{
	struct note_page *page;

	list_for_each_entry_rcu(page, &notebook, link)
		lab_sink += page->text;
}

static void order_rcu_list(void)
{
	walks_unguarded();
}

static noinline void naps_inside(void)
{
	rcu_read_lock();
	msleep(20);
	rcu_read_unlock();
}

static void order_rcu_sleep(void)
{
	naps_inside();
}

static const struct lab_scenario lab_scenarios[] = {
	{ "order_circle2", order_circle2 },
	{ "order_circle3", order_circle3 },
	{ "order_hardirq", order_hardirq },
	{ "order_held_exit", order_held_exit },
	{ "order_held_freed", order_held_freed },
	{ "order_held_return", order_held_return },
	{ "order_held_work", order_held_work },
	{ "order_inversion", order_inversion },
	{ "order_irq_order", order_irq_order },
	{ "order_mixed", order_mixed },
	{ "order_nest_lock", order_nest_lock },
	{ "order_nesting", order_nesting },
	{ "order_rcu_dereference", order_rcu_dereference },
	{ "order_rcu_list", order_rcu_list },
	{ "order_rcu_protected", order_rcu_protected },
	{ "order_rcu_sleep", order_rcu_sleep },
	{ "order_recursive", order_recursive },
	{ "order_softirq", order_softirq },
	{ "order_unbalanced", order_unbalanced },
	{ "order_unborn", order_unborn },
	{ "order_wait_context", order_wait_context },
	{ "order_wait_context_irq", order_wait_context_irq },
	{ "order_work", order_work },
	{ }
};
