/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks that wait for each other in a circle. */
#include "hang_mutex.h"

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
