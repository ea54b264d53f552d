/* SPDX-License-Identifier: GPL-2.0 */
/* Hangs over mutexes without a cycle: chains, several hangs at once, holders that no report names. */
#include "hang_actors.h"

#include <linux/mutex.h>

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
