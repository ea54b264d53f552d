/* SPDX-License-Identifier: GPL-2.0 */
/* Hangs over what lockdep does not list: semaphores, wait queues, works, grace periods; and over a lock of the kernel's own. */
#include "hang_actors.h"

#include <linux/mutex.h>
#include <linux/rtnetlink.h>
#include <linux/semaphore.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* A counting semaphore: nobody records who took it. */

static struct semaphore turnstile;

static noinline void turnstile_keeper(void)
{
	down(&turnstile);
	wait_for_completion(&never);
	up(&turnstile);
}

static noinline void turnstile_guest(void)
{
	down(&turnstile);
	up(&turnstile);
}

static const struct actor turnstile_actors[] = {
	ACTOR("gate_keeper", turnstile_keeper, "turnstile:semaphore:turnstile_keeper", "never:completion:turnstile_keeper", "-", "D", "root"),
	ACTOR("gate_guest", turnstile_guest, "-", "turnstile:semaphore:turnstile_guest", "gate_keeper", "D", "untellable"),
};

static void hang_semaphore(void)
{
	sema_init(&turnstile, 1);
	BRING_ON(turnstile_actors);
}

/* A task alone, without any lock. */

static DECLARE_WAIT_QUEUE_HEAD(platform);
static bool train_came;

static noinline void stand_on_platform(void)
{
	wait_event(platform, READ_ONCE(train_came));
}

static const struct actor alone_actors[] = {
	ACTOR("alone", stand_on_platform, "-", "platform:waitqueue:stand_on_platform", "-", "D", "root"),
};

static void hang_alone(void)
{
	BRING_ON(alone_actors);
}

/* Work queues. A worker's design line comes from the worker itself. */

static struct workqueue_struct *own_queue;
static DEFINE_MUTEX(work_key);

static noinline void flushes_own_queue(struct work_struct *work)
{
	static const struct actor self = {
		"-", NULL, "flushes_own_queue", "own_queue:workqueue:process_one_work",
		"own_queue:workqueue:flushes_own_queue", "self", "D", "cycle,untellable",
	};

	introduce(&self);
	/* Or lockdep would report it, and be off. */
	lockdep_off();
	flush_workqueue(own_queue);
	lockdep_on();
}

static DECLARE_WORK(self_work, flushes_own_queue);

static void hang_worker_self(void)
{
	own_queue = alloc_ordered_workqueue("lab_own", 0);
	queue_work(own_queue, &self_work);
}

static noinline void flushes_own_queue_openly(struct work_struct *work)
{
	static const struct actor self = {
		"-", NULL, "flushes_own_queue_openly", "own_queue:workqueue:process_one_work",
		"own_queue:workqueue:flushes_own_queue_openly", "self", "D", "cycle,untellable",
	};

	introduce(&self);
	flush_workqueue(own_queue);
}

static DECLARE_WORK(open_work, flushes_own_queue_openly);

static void hang_worker_self_lockdep(void)
{
	own_queue = alloc_ordered_workqueue("lab_own", 0);
	queue_work(own_queue, &open_work);
}

static noinline void work_key_keeper(void)
{
	mutex_lock(&work_key);
	wait_for_completion(&never);
	mutex_unlock(&work_key);
}

static noinline void work_wants_key(struct work_struct *work)
{
	static const struct actor self = {
		"-", NULL, "work_wants_key", "key_work:work:process_one_work",
		"work_key:mutex:work_wants_key", "work_keeper", "D", "worker",
	};

	introduce(&self);
	mutex_lock(&work_key);
	mutex_unlock(&work_key);
}

static DECLARE_WORK(key_work, work_wants_key);

static noinline void key_work_flusher(void)
{
	flush_work(&key_work);
}

static const struct actor flush_actors[] = {
	ACTOR("work_keeper", work_key_keeper, "work_key:mutex:work_key_keeper", "never:completion:work_key_keeper", "-", "D", "root"),
	ACTOR("work_flusher", key_work_flusher, "-", "key_work:work:key_work_flusher", "worker", "D", "-"),
};

static void hang_flush_work(void)
{
	SAY_LOCK(work_key, "mutex");
	own_queue = alloc_workqueue("lab_own", WQ_UNBOUND, 0);
	bring_on(flush_actors, 1);
	queue_work(own_queue, &key_work);
	msleep(200);
	bring_on(flush_actors + 1, 1);
}

/* A lock of the kernel's own: rtnl, whose waiters are named after it. */

static noinline void keep_network(void)
{
	rtnl_lock();
	wait_for_completion_interruptible(&never);
	rtnl_unlock();
}

static noinline void want_network(void)
{
	rtnl_lock();
	rtnl_unlock();
}

static const struct actor network_actors[] = {
	ACTOR("net_keeper", keep_network, "rtnl_mutex:mutex:rtnl_lock", "never:completion:keep_network", "-", "S", "root"),
	ACTOR("net_guest", want_network, "-", "rtnl_mutex:mutex:rtnl_lock", "net_keeper", "D", "-"),
};

static void hang_rtnl(void)
{
	BRING_ON(network_actors);
}

/* A grace period that never ends, because a reader sleeps in it. */

DEFINE_STATIC_SRCU(quiet_room);

static noinline void stay_in_quiet_room(void)
{
	int index = srcu_read_lock(&quiet_room);

	wait_for_completion_interruptible(&never);
	srcu_read_unlock(&quiet_room, index);
}

static noinline void close_quiet_room(void)
{
	synchronize_srcu(&quiet_room);
}

static const struct actor grace_actors[] = {
	ACTOR("room_reader", stay_in_quiet_room, "quiet_room:srcu:stay_in_quiet_room", "never:completion:stay_in_quiet_room", "-", "S", "root"),
	ACTOR("room_closer", close_quiet_room, "-", "quiet_room:srcu:close_quiet_room", "room_reader", "D", "untellable"),
};

static void hang_srcu(void)
{
	SAY_LOCK(quiet_room, "srcu");
	BRING_ON(grace_actors);
}
