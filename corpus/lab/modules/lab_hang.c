// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that wait for each other in known ways.
 *
 * Every task states its part on the side channel before it plays it: what it
 * will hold, what it will wait for, and which tasks hold it up (`by`). Locks
 * state their addresses; `map` is what lockdep prints.
 */
#include "hang_cycle.h"
#include "hang_other.h"
#include "hang_rwsem.h"

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
