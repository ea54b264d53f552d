/* SPDX-License-Identifier: GPL-2.0 */
/* How a task of a hang states its part on the side channel before it plays it. */
#ifndef HANG_ACTORS_H
#define HANG_ACTORS_H

#include "lab.h"

#include <linux/completion.h>

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

#endif
