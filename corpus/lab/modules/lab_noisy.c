// SPDX-License-Identifier: GPL-2.0
/* A driver of nothing that talks too much, one that warns, and one whose end is a matter of luck. */
#define pr_fmt(format) "lab_noisy: " format
#include "lab.h"

#include <linux/random.h>

static noinline void complains(void)
{
	int i;

	pr_info("device found at slot 4\n");
	for (i = 0; i < 12; i++) {
		pr_err("transfer %d timed out, error -110\n", i);
		if (i % 3 == 0)
			pr_warn("resetting the link (speed %u)\n", 1000 >> (i / 3));
		msleep(100);
	}
	pr_err("giving up, the device stays off\n");
}

static noinline void complains_and_warns(void)
{
	complains();
	WARN(1, "lab_noisy: state machine in state %d\n", 7);
}

static noinline void loses_race(void)
{
	u32 *memory = kmalloc(56, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = READ_ONCE(memory[1]);
}

static noinline void notices_race(void)
{
	WARN(1, "lab_noisy: answer came before the question\n");
}

/* Of ten boots about four end well. */
static noinline void tries_luck(void)
{
	u32 luck = get_random_u32_below(10);

	pr_info("asking the device\n");
	msleep(100);
	if (luck < 4) {
		lab_say("outcome title=-");
		pr_info("the device answered\n");
	} else if (luck < 8) {
		lab_say("outcome title=KASAN: slab-use-after-free Read in loses_race");
		loses_race();
	} else {
		lab_say("outcome title=WARNING in notices_race");
		notices_race();
	}
}

static const struct lab_scenario lab_scenarios[] = {
	{ "flaky", tries_luck },
	{ "noisy", complains },
	{ "noisy_warn", complains_and_warns },
	{ }
};
