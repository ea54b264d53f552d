// SPDX-License-Identifier: GPL-2.0
/* Lines of our own in the ftrace buffer. A module of its own, as the mere use of trace_printk() puts a banner into the log. */
#include "lab.h"

static noinline void traced_bug(void)
{
	int step;

	for (step = 1; step <= 6; step++)
		trace_printk("lab step %d of 6\n", step);
	BUG_ON(READ_ONCE(lab_sink) == 0);
	lab_sink++;
}

static const struct lab_scenario lab_scenarios[] = {
	{ "oops_ftrace_dump", traced_bug },
	{ }
};
