// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that wait for each other in known ways.
 *
 * Every task states its part on the side channel before it plays it: what it
 * will hold, what it will wait for, and which tasks hold it up (`by`). Locks
 * state their addresses; `map` is what lockdep prints.
 */
#include "lab.h"

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/percpu-rwsem.h>
#include <linux/rtnetlink.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct actor {
	const char *comm;
	void (*play)(void);
	const char *fn;
	const char *holds;	/* lock:kind:function, comma separated, or - */
	const char *waits;	/* lock:kind:function, or - */
	const char *by;		/* comms, comma separated, or - */
	const char *state;	/* D, S, R, K */
	const char *flags;	/* root, cycle, untellable, comma separated, or - */
};

#define ACTOR(comm, play, holds, waits, by, state, flags) \
	{ comm, play, #play, holds, waits, by, state, flags }

#define SAY_LOCK(lock, kind) \
	lab_say("lock name=%s kind=%s address=%px map=%px", #lock, kind, &(lock), &(lock).dep_map)

static void introduce(const struct actor *actor)
{
	lab_say("task comm=%s pid=%d fn=%s holds=%s waits=%s by=%s state=%s flags=%s",
		current->comm, current->pid, actor->fn, actor->holds, actor->waits, actor->by,
		actor->state, actor->flags);
}

static int actor_thread(void *data)
{
	const struct actor *actor = data;

	introduce(actor);
	actor->play();
	return 0;
}

/* One after the other, so that who comes first is no accident. */
static void bring_on(const struct actor *actors, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		kthread_run(actor_thread, (void *)&actors[i], "%s", actors[i].comm);
		msleep(150);
	}
}

#define BRING_ON(actors) bring_on(actors, ARRAY_SIZE(actors))

static DECLARE_COMPLETION(never);

/* A chain: each waits for the lock of the one before, the first sleeps for good. */

static DEFINE_MUTEX(chain_one);
static DEFINE_MUTEX(chain_two);
static DEFINE_MUTEX(chain_three);

static noinline void chain_keeper(void)
{
	mutex_lock(&chain_one);
	wait_for_completion(&never);
	mutex_unlock(&chain_one);
}

static noinline void chain_second(void)
{
	mutex_lock(&chain_two);
	mutex_lock(&chain_one);
	mutex_unlock(&chain_one);
	mutex_unlock(&chain_two);
}

static noinline void chain_third(void)
{
	mutex_lock(&chain_three);
	mutex_lock(&chain_two);
	mutex_unlock(&chain_two);
	mutex_unlock(&chain_three);
}

static noinline void chain_last(void)
{
	mutex_lock(&chain_three);
	mutex_unlock(&chain_three);
}

static const struct actor chain_actors[] = {
	ACTOR("chain_1", chain_keeper, "chain_one:mutex:chain_keeper", "never:completion:chain_keeper", "-", "D", "root"),
	ACTOR("chain_2", chain_second, "chain_two:mutex:chain_second", "chain_one:mutex:chain_second", "chain_1", "D", "-"),
	ACTOR("chain_3", chain_third, "chain_three:mutex:chain_third", "chain_two:mutex:chain_third", "chain_2", "D", "-"),
	ACTOR("chain_4", chain_last, "-", "chain_three:mutex:chain_last", "chain_3", "D", "-"),
};

static void chain_locks(void)
{
	SAY_LOCK(chain_one, "mutex");
	SAY_LOCK(chain_two, "mutex");
	SAY_LOCK(chain_three, "mutex");
}

static void hang_chain(void)
{
	chain_locks();
	BRING_ON(chain_actors);
}

/* The same chain, a link more for every dump. */
static void hang_growing(void)
{
	chain_locks();
	bring_on(chain_actors, 2);
	/* Not msleep(): this task would hang, too. */
	msleep_interruptible(10000);
	bring_on(chain_actors + 2, 1);
	msleep_interruptible(5000);
	bring_on(chain_actors + 3, 1);
}

/* The same chain after something has turned lockdep off: holders are in nobody's list. */

static const struct actor dark_actors[] = {
	ACTOR("chain_1", chain_keeper, "chain_one:mutex:chain_keeper", "never:completion:chain_keeper", "-", "D", "root"),
	ACTOR("chain_2", chain_second, "chain_two:mutex:chain_second", "chain_one:mutex:chain_second", "chain_1", "D", "untellable"),
	ACTOR("chain_3", chain_third, "chain_three:mutex:chain_third", "chain_two:mutex:chain_third", "chain_2", "D", "untellable"),
	ACTOR("chain_4", chain_last, "-", "chain_three:mutex:chain_last", "chain_3", "D", "untellable"),
};

static noinline void peek_after_free(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = READ_ONCE(memory[3]);
}

static void hang_dark(void)
{
	chain_locks();
	peek_after_free();
	BRING_ON(dark_actors);
}

/* Two tasks, each with the lock that the other wants. One class and a subclass: lockdep sees no cycle. */

struct drawer {
	struct mutex lock;
	char content[64];
};

static struct drawer *left_drawer, *right_drawer;

static void init_drawer(struct drawer *drawer)
{
	mutex_init(&drawer->lock);
}

static noinline void open_both(struct drawer *first, struct drawer *second)
{
	mutex_lock(&first->lock);
	msleep(400);
	mutex_lock_nested(&second->lock, SINGLE_DEPTH_NESTING);
	mutex_unlock(&second->lock);
	mutex_unlock(&first->lock);
}

static noinline void left_then_right(void)
{
	open_both(left_drawer, right_drawer);
}

static noinline void right_then_left(void)
{
	open_both(right_drawer, left_drawer);
}

static noinline void left_only(void)
{
	mutex_lock(&left_drawer->lock);
	mutex_unlock(&left_drawer->lock);
}

static const struct actor cycle_actors[] = {
	ACTOR("pair_left", left_then_right, "left_drawer:mutex:open_both", "right_drawer:mutex:open_both", "pair_right", "D", "cycle"),
	ACTOR("pair_right", right_then_left, "right_drawer:mutex:open_both", "left_drawer:mutex:open_both", "pair_left", "D", "cycle"),
	ACTOR("pair_guest", left_only, "-", "left_drawer:mutex:left_only", "pair_left", "D", "-"),
};

static void make_drawers(void)
{
	left_drawer = kzalloc(sizeof(*left_drawer), GFP_KERNEL);
	right_drawer = kzalloc(sizeof(*right_drawer), GFP_KERNEL);
	init_drawer(left_drawer);
	init_drawer(right_drawer);
	lab_say("lock name=left_drawer kind=mutex address=%px map=%px", &left_drawer->lock, &left_drawer->lock.dep_map);
	lab_say("lock name=right_drawer kind=mutex address=%px map=%px", &right_drawer->lock, &right_drawer->lock.dep_map);
}

static void hang_cycle2(void)
{
	make_drawers();
	bring_on(cycle_actors, 2);
}

/* A third task waits for the lock of one in the cycle, and is not part of it. */
static void hang_cycle2_guest(void)
{
	make_drawers();
	BRING_ON(cycle_actors);
}

/* A cycle of three. The locks are outside lockdep's validation, as device locks are, and all bear one name. */

static DEFINE_MUTEX(fork_one);
static DEFINE_MUTEX(fork_two);
static DEFINE_MUTEX(fork_three);

static noinline void grab_two(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	msleep(700);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
}

static noinline void dine_first(void)
{
	grab_two(&fork_one, &fork_two);
}

static noinline void dine_second(void)
{
	grab_two(&fork_two, &fork_three);
}

static noinline void dine_third(void)
{
	grab_two(&fork_three, &fork_one);
}

static const struct actor table_actors[] = {
	ACTOR("diner_1", dine_first, "fork_one:mutex:grab_two", "fork_two:mutex:grab_two", "diner_2", "D", "cycle"),
	ACTOR("diner_2", dine_second, "fork_two:mutex:grab_two", "fork_three:mutex:grab_two", "diner_3", "D", "cycle"),
	ACTOR("diner_3", dine_third, "fork_three:mutex:grab_two", "fork_one:mutex:grab_two", "diner_1", "D", "cycle"),
};

static void hang_cycle3(void)
{
	lockdep_set_novalidate_class(&fork_one);
	lockdep_set_novalidate_class(&fork_two);
	lockdep_set_novalidate_class(&fork_three);
	SAY_LOCK(fork_one, "mutex");
	SAY_LOCK(fork_two, "mutex");
	SAY_LOCK(fork_three, "mutex");
	BRING_ON(table_actors);
}

/* Reader-writer semaphores. */

static DECLARE_RWSEM(shelf);

static noinline void shelf_reader_stays(void)
{
	down_read(&shelf);
	wait_for_completion(&never);
	up_read(&shelf);
}

static noinline void shelf_writer_stays(void)
{
	down_write(&shelf);
	wait_for_completion(&never);
	up_write(&shelf);
}

static noinline void shelf_writer_comes(void)
{
	down_write(&shelf);
	up_write(&shelf);
}

static noinline void shelf_reader_comes(void)
{
	down_read(&shelf);
	up_read(&shelf);
}

static const struct actor writer_behind_readers[] = {
	ACTOR("shelf_r1", shelf_reader_stays, "shelf:rwsem-read:shelf_reader_stays", "never:completion:shelf_reader_stays", "-", "D", "root"),
	ACTOR("shelf_r2", shelf_reader_stays, "shelf:rwsem-read:shelf_reader_stays", "never:completion:shelf_reader_stays", "-", "D", "root"),
	ACTOR("shelf_w", shelf_writer_comes, "-", "shelf:rwsem-write:shelf_writer_comes", "shelf_r1,shelf_r2", "D", "-"),
};

static void hang_rwsem_writer(void)
{
	SAY_LOCK(shelf, "rwsem");
	BRING_ON(writer_behind_readers);
}

/* The lock belongs to a reader; the readers that come later could share it, but stand behind the writer. */
static const struct actor readers_behind_writer[] = {
	ACTOR("shelf_r1", shelf_reader_stays, "shelf:rwsem-read:shelf_reader_stays", "never:completion:shelf_reader_stays", "-", "D", "root"),
	ACTOR("shelf_w", shelf_writer_comes, "-", "shelf:rwsem-write:shelf_writer_comes", "shelf_r1", "D", "-"),
	ACTOR("shelf_r2", shelf_reader_comes, "-", "shelf:rwsem-read:shelf_reader_comes", "shelf_r1,shelf_w", "D", "-"),
	ACTOR("shelf_r3", shelf_reader_comes, "-", "shelf:rwsem-read:shelf_reader_comes", "shelf_r1,shelf_w", "D", "-"),
};

static void hang_rwsem_readers(void)
{
	SAY_LOCK(shelf, "rwsem");
	BRING_ON(readers_behind_writer);
}

static const struct actor all_behind_writer[] = {
	ACTOR("shelf_w1", shelf_writer_stays, "shelf:rwsem-write:shelf_writer_stays", "never:completion:shelf_writer_stays", "-", "D", "root"),
	ACTOR("shelf_r1", shelf_reader_comes, "-", "shelf:rwsem-read:shelf_reader_comes", "shelf_w1", "D", "-"),
	ACTOR("shelf_w2", shelf_writer_comes, "-", "shelf:rwsem-write:shelf_writer_comes", "shelf_w1,shelf_r1", "D", "-"),
};

static void hang_rwsem_held(void)
{
	SAY_LOCK(shelf, "rwsem");
	BRING_ON(all_behind_writer);
}

/* A diamond: two readers of the shelf wait for one mutex, and a writer of the shelf waits for both. */

static DEFINE_MUTEX(top_key);

static noinline void diamond_top(void)
{
	mutex_lock(&top_key);
	wait_for_completion(&never);
	mutex_unlock(&top_key);
}

static noinline void diamond_side(void)
{
	down_read(&shelf);
	mutex_lock(&top_key);
	mutex_unlock(&top_key);
	up_read(&shelf);
}

static noinline void diamond_bottom(void)
{
	down_write(&shelf);
	up_write(&shelf);
}

static const struct actor diamond_actors[] = {
	ACTOR("diamond_top", diamond_top, "top_key:mutex:diamond_top", "never:completion:diamond_top", "-", "D", "root"),
	ACTOR("diamond_left", diamond_side, "shelf:rwsem-read:diamond_side", "top_key:mutex:diamond_side", "diamond_top", "D", "-"),
	ACTOR("diamond_right", diamond_side, "shelf:rwsem-read:diamond_side", "top_key:mutex:diamond_side", "diamond_top", "D", "-"),
	ACTOR("diamond_low", diamond_bottom, "-", "shelf:rwsem-write:diamond_bottom", "diamond_left,diamond_right", "D", "-"),
};

static void hang_diamond(void)
{
	SAY_LOCK(top_key, "mutex");
	SAY_LOCK(shelf, "rwsem");
	BRING_ON(diamond_actors);
}

/* Two waiters on one holder, nothing else. */

static noinline void fan_guest(void)
{
	mutex_lock(&top_key);
	mutex_unlock(&top_key);
}

static const struct actor fan_actors[] = {
	ACTOR("fan_keeper", diamond_top, "top_key:mutex:diamond_top", "never:completion:diamond_top", "-", "D", "root"),
	ACTOR("fan_1", fan_guest, "-", "top_key:mutex:fan_guest", "fan_keeper", "D", "-"),
	ACTOR("fan_2", fan_guest, "-", "top_key:mutex:fan_guest", "fan_keeper", "D", "-"),
};

static void hang_fan(void)
{
	SAY_LOCK(top_key, "mutex");
	BRING_ON(fan_actors);
}

/* More waiters than khungtaskd is willing to report. */

static const struct actor crowd_actors[] = {
	ACTOR("crowd_keeper", diamond_top, "top_key:mutex:diamond_top", "never:completion:diamond_top", "-", "D", "root"),
	ACTOR("crowd_01", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_02", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_03", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_04", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_05", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_06", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_07", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_08", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_09", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_10", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
	ACTOR("crowd_11", fan_guest, "-", "top_key:mutex:fan_guest", "crowd_keeper", "D", "-"),
};

static void hang_crowd(void)
{
	SAY_LOCK(top_key, "mutex");
	BRING_ON(crowd_actors);
}

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

/* Holders that no hung-task report names: asleep in an interruptible state, or running. */

static DEFINE_MUTEX(ledger);

static noinline void ledger_napper(void)
{
	mutex_lock(&ledger);
	wait_for_completion_interruptible(&never);
	mutex_unlock(&ledger);
}

static noinline void ledger_guest(void)
{
	mutex_lock(&ledger);
	mutex_unlock(&ledger);
}

static noinline void ledger_patient(void)
{
	if (!mutex_lock_killable(&ledger))
		mutex_unlock(&ledger);
}

static const struct actor napper_actors[] = {
	ACTOR("ledger_napper", ledger_napper, "ledger:mutex:ledger_napper", "never:completion:ledger_napper", "-", "S", "root"),
	ACTOR("ledger_guest", ledger_guest, "-", "ledger:mutex:ledger_guest", "ledger_napper", "D", "-"),
};

static void hang_napper(void)
{
	SAY_LOCK(ledger, "mutex");
	BRING_ON(napper_actors);
}

static noinline void ledger_keeper(void)
{
	mutex_lock(&ledger);
	wait_for_completion(&never);
	mutex_unlock(&ledger);
}

static const struct actor killable_actors[] = {
	ACTOR("ledger_keeper", ledger_keeper, "ledger:mutex:ledger_keeper", "never:completion:ledger_keeper", "-", "D", "root"),
	ACTOR("ledger_patient", ledger_patient, "-", "ledger:mutex:ledger_patient", "ledger_keeper", "K", "-"),
	ACTOR("ledger_guest", ledger_guest, "-", "ledger:mutex:ledger_guest", "ledger_keeper", "D", "-"),
};

static void hang_killable(void)
{
	SAY_LOCK(ledger, "mutex");
	BRING_ON(killable_actors);
}

static noinline void ledger_counts(void)
{
	u64 sum = 0;

	mutex_lock(&ledger);
	for (;;) {
		lab_sink = sum++;
		cond_resched();
	}
}

/* lockdep counts the locks of a running task and does not list them. */
static const struct actor loop_actors[] = {
	ACTOR("ledger_loop", ledger_counts, "ledger:mutex:ledger_counts", "-", "-", "R", "root"),
	ACTOR("ledger_guest", ledger_guest, "-", "ledger:mutex:ledger_guest", "ledger_loop", "D", "untellable"),
};

static void hang_loop(void)
{
	SAY_LOCK(ledger, "mutex");
	BRING_ON(loop_actors);
}

/* Two hangs that have nothing to do with each other. */

static DEFINE_MUTEX(north_key);
static DEFINE_MUTEX(south_key);

static noinline void north_keeper(void)
{
	mutex_lock(&north_key);
	wait_for_completion(&never);
	mutex_unlock(&north_key);
}

static noinline void north_guest(void)
{
	mutex_lock(&north_key);
	mutex_unlock(&north_key);
}

static noinline void south_keeper(void)
{
	mutex_lock(&south_key);
	wait_for_completion(&never);
	mutex_unlock(&south_key);
}

static noinline void south_guest(void)
{
	mutex_lock(&south_key);
	mutex_unlock(&south_key);
}

static const struct actor two_actors[] = {
	ACTOR("north_keeper", north_keeper, "north_key:mutex:north_keeper", "never:completion:north_keeper", "-", "D", "root"),
	ACTOR("south_keeper", south_keeper, "south_key:mutex:south_keeper", "never:completion:south_keeper", "-", "D", "root"),
	ACTOR("north_guest", north_guest, "-", "north_key:mutex:north_guest", "north_keeper", "D", "-"),
	ACTOR("south_guest", south_guest, "-", "south_key:mutex:south_guest", "south_keeper", "D", "-"),
};

static void hang_two(void)
{
	SAY_LOCK(north_key, "mutex");
	SAY_LOCK(south_key, "mutex");
	BRING_ON(two_actors);
}

/* A cycle and, beside it, a plain wait. */
static const struct actor aside_actors[] = {
	ACTOR("north_keeper", north_keeper, "north_key:mutex:north_keeper", "never:completion:north_keeper", "-", "D", "root"),
	ACTOR("north_guest", north_guest, "-", "north_key:mutex:north_guest", "north_keeper", "D", "-"),
};

static void hang_cycle_aside(void)
{
	make_drawers();
	SAY_LOCK(north_key, "mutex");
	bring_on(cycle_actors, 2);
	BRING_ON(aside_actors);
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

/* A chain over three kinds of locks. */

DEFINE_STATIC_PERCPU_RWSEM(freeze_gate);

static noinline void mixed_writer(void)
{
	percpu_down_write(&freeze_gate);
	wait_for_completion(&never);
	percpu_up_write(&freeze_gate);
}

static noinline void mixed_reader(void)
{
	down_write(&shelf);
	percpu_down_read(&freeze_gate);
	percpu_up_read(&freeze_gate);
	up_write(&shelf);
}

static noinline void mixed_owner(void)
{
	mutex_lock(&top_key);
	down_read(&shelf);
	up_read(&shelf);
	mutex_unlock(&top_key);
}

static const struct actor mixed_actors[] = {
	ACTOR("mixed_1", mixed_writer, "freeze_gate:percpu-rwsem-write:mixed_writer", "never:completion:mixed_writer", "-", "D", "root"),
	ACTOR("mixed_2", mixed_reader, "shelf:rwsem-write:mixed_reader", "freeze_gate:percpu-rwsem-read:mixed_reader", "mixed_1", "D", "-"),
	ACTOR("mixed_3", mixed_owner, "top_key:mutex:mixed_owner", "shelf:rwsem-read:mixed_owner", "mixed_2", "D", "-"),
	ACTOR("mixed_4", fan_guest, "-", "top_key:mutex:fan_guest", "mixed_3", "D", "-"),
};

static void hang_mixed(void)
{
	SAY_LOCK(freeze_gate, "percpu-rwsem");
	SAY_LOCK(shelf, "rwsem");
	SAY_LOCK(top_key, "mutex");
	BRING_ON(mixed_actors);
}

/* A real AB-BA of two classes: lockdep reports it while it happens, and is off when the tasks hang. */

static DEFINE_MUTEX(front_door);
static DEFINE_MUTEX(back_door);

static noinline void front_then_back(void)
{
	mutex_lock(&front_door);
	msleep(600);
	mutex_lock(&back_door);
	mutex_unlock(&back_door);
	mutex_unlock(&front_door);
}

static noinline void back_then_front(void)
{
	mutex_lock(&back_door);
	msleep(800);
	mutex_lock(&front_door);
	mutex_unlock(&front_door);
	mutex_unlock(&back_door);
}

static const struct actor door_actors[] = {
	ACTOR("door_front", front_then_back, "front_door:mutex:front_then_back", "back_door:mutex:front_then_back", "door_back", "D", "cycle,untellable"),
	ACTOR("door_back", back_then_front, "back_door:mutex:back_then_front", "front_door:mutex:back_then_front", "door_front", "D", "cycle,untellable"),
};

static void hang_cycle2_lockdep(void)
{
	SAY_LOCK(front_door, "mutex");
	SAY_LOCK(back_door, "mutex");
	BRING_ON(door_actors);
}

/* The writers of the trigger file themselves: two user tasks of one comm. */

static noinline void visitor_keeps(void)
{
	static const struct actor self = ACTOR("-", visitor_keeps, "ledger:mutex:visitor_keeps", "never:completion:visitor_keeps", "-", "D", "root");

	SAY_LOCK(ledger, "mutex");
	introduce(&self);
	mutex_lock(&ledger);
	wait_for_completion(&never);
	mutex_unlock(&ledger);
}

static noinline void visitor_comes(void)
{
	static const struct actor self = ACTOR("-", visitor_comes, "-", "ledger:mutex:visitor_comes", "fn=visitor_keeps", "D", "-");

	introduce(&self);
	mutex_lock(&ledger);
	mutex_unlock(&ledger);
}

static const struct lab_scenario lab_scenarios[] = {
	{ "hang_alone", hang_alone },
	{ "hang_chain", hang_chain },
	{ "hang_crowd", hang_crowd },
	{ "hang_cycle2", hang_cycle2 },
	{ "hang_cycle2_guest", hang_cycle2_guest },
	{ "hang_cycle2_lockdep", hang_cycle2_lockdep },
	{ "hang_cycle3", hang_cycle3 },
	{ "hang_cycle_aside", hang_cycle_aside },
	{ "hang_dark", hang_dark },
	{ "hang_diamond", hang_diamond },
	{ "hang_fan", hang_fan },
	{ "hang_flush_work", hang_flush_work },
	{ "hang_growing", hang_growing },
	{ "hang_killable", hang_killable },
	{ "hang_loop", hang_loop },
	{ "hang_mixed", hang_mixed },
	{ "hang_napper", hang_napper },
	{ "hang_rtnl", hang_rtnl },
	{ "hang_rwsem_held", hang_rwsem_held },
	{ "hang_rwsem_readers", hang_rwsem_readers },
	{ "hang_rwsem_writer", hang_rwsem_writer },
	{ "hang_semaphore", hang_semaphore },
	{ "hang_srcu", hang_srcu },
	{ "hang_two", hang_two },
	{ "hang_worker_self", hang_worker_self },
	{ "hang_worker_self_lockdep", hang_worker_self_lockdep },
	{ "visitor_comes", visitor_comes },
	{ "visitor_keeps", visitor_keeps },
	{ }
};
