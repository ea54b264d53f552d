// SPDX-License-Identifier: GPL-2.0
/* Memory used wrongly, one access at a time. The function that does it gives the report its name. */
#include "lab.h"

#include <linux/completion.h>
#include <linux/kfence.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

static noinline void reads_past_end(void)
{
	char *memory = kmalloc(40, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = READ_ONCE(memory[43]);
	kfree(memory);
}

static noinline void writes_past_end(void)
{
	char *memory = kmalloc(72, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
	WRITE_ONCE(*(u16 *)(memory + 72), 0x1234);
	kfree(memory);
}

static noinline void reads_freed(void)
{
	u64 *memory = kmalloc(96, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = READ_ONCE(memory[2]);
}

static noinline void writes_freed(void)
{
	u32 *memory = kmalloc(128, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	WRITE_ONCE(memory[5], 7);
}

static noinline void frees_twice(void)
{
	void *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	kfree(memory);
}

static noinline void frees_middle(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
	kfree(memory + 16);
}

static noinline void writes_past_frame(void)
{
	char local[24];
	volatile int index = 24;
	char *memory = local;

	OPTIMIZER_HIDE_VAR(memory);
	memory[index + 1] = 1;
	lab_sink = memory[0];
}

static char global_table[10];

static noinline void reads_past_global(void)
{
	volatile int index = 14;
	char *memory = global_table;

	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = memory[index];
}

static noinline void reads_past_area(void)
{
	char *memory = vmalloc(4096 - 16);

	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = READ_ONCE(memory[4096 - 10]);
	vfree(memory);
}

static noinline void reads_freed_pages(void)
{
	unsigned long memory = __get_free_pages(GFP_KERNEL, 2);

	free_pages(memory, 2);
	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = READ_ONCE(((u32 *)memory)[9]);
}

/* One task allocates, another frees, a third uses: three stacks of three tasks. */

static u64 *handed_on;

static noinline void gives_memory(void)
{
	handed_on = kmalloc(192, GFP_KERNEL);
}

static noinline void takes_memory(void)
{
	kfree(handed_on);
}

static noinline void uses_memory(void)
{
	lab_sink = READ_ONCE(handed_on[7]);
}

static int gives_thread(void *unused)
{
	lab_say("task comm=%s pid=%d does=allocates", current->comm, current->pid);
	gives_memory();
	return 0;
}

static int takes_thread(void *unused)
{
	lab_say("task comm=%s pid=%d does=frees", current->comm, current->pid);
	takes_memory();
	return 0;
}

static int uses_thread(void *unused)
{
	lab_say("task comm=%s pid=%d does=uses", current->comm, current->pid);
	uses_memory();
	return 0;
}

static void three_tasks(void)
{
	kthread_run(gives_thread, NULL, "giver");
	msleep(200);
	kthread_run(takes_thread, NULL, "taker");
	msleep(200);
	kthread_run(uses_thread, NULL, "user");
	msleep(200);
}

/* Freed by a callback: the report also says where that was asked for. */

struct parcel {
	struct work_struct work;
	struct rcu_head rcu;
	u64 content[4];
};

static noinline void parcel_freed_by_work(struct work_struct *work)
{
	kfree(container_of(work, struct parcel, work));
}

static noinline void asks_work_to_free(struct parcel *parcel)
{
	INIT_WORK(&parcel->work, parcel_freed_by_work);
	schedule_work(&parcel->work);
}

static noinline void uses_parcel_after_work(void)
{
	struct parcel *parcel = kmalloc(sizeof(*parcel), GFP_KERNEL);

	asks_work_to_free(parcel);
	msleep(300);
	OPTIMIZER_HIDE_VAR(parcel);
	lab_sink = READ_ONCE(parcel->content[1]);
}

static noinline void parcel_freed_after_grace(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct parcel, rcu));
}

static noinline void uses_parcel_after_grace(void)
{
	struct parcel *parcel = kmalloc(sizeof(*parcel), GFP_KERNEL);

	call_rcu(&parcel->rcu, parcel_freed_after_grace);
	rcu_barrier();
	OPTIMIZER_HIDE_VAR(parcel);
	WRITE_ONCE(parcel->content[2], 1);
}

/* In a soft interrupt: the caller is a CPU, and the stack has two parts. */

static u32 *tick_memory;
static struct timer_list tick;

static noinline void tick_reads_freed(struct timer_list *unused)
{
	lab_sink = READ_ONCE(tick_memory[3]);
}

static void freed_before_tick(void)
{
	tick_memory = kmalloc(48, GFP_KERNEL);
	kfree(tick_memory);
	timer_setup(&tick, tick_reads_freed, 0);
	mod_timer(&tick, jiffies + 3);
	msleep(300);
}

/* KFENCE guards few objects: ask until one of them comes. */

static noinline char *sampled_object(void)
{
	char *memory;
	int patience;

	for (patience = 0; patience < 2000; patience++) {
		memory = kmalloc(64, GFP_KERNEL);
		if (is_kfence_address(memory))
			return memory;
		kfree(memory);
		msleep(10);
	}
	lab_say("outcome no sampled object came");
	return NULL;
}

static noinline void reads_past_sampled(void)
{
	char *memory = sampled_object();

	if (!memory)
		return;
	OPTIMIZER_HIDE_VAR(memory);
	/* An object lies at one end of its page, and beyond that end is the guard. */
	lab_sink = offset_in_page(memory) ? READ_ONCE(memory[64]) : READ_ONCE(memory[-1]);
}

static noinline void writes_freed_sampled(void)
{
	char *memory = sampled_object();

	if (!memory)
		return;
	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	WRITE_ONCE(memory[8], 1);
}

/* Checks of bounds and values. */

static noinline void hands_out_too_much(void)
{
	char *memory = kzalloc(64, GFP_KERNEL);
	volatile unsigned long size = 500;

	OPTIMIZER_HIDE_VAR(memory);
	lab_sink = copy_to_user(lab_user_buffer, memory, size);
}

struct envelope {
	char name[8];
	char rest[56];
};

static noinline void copies_too_much(void)
{
	struct envelope *from = kzalloc(sizeof(*from), GFP_KERNEL);
	struct envelope *to = kzalloc(sizeof(*to), GFP_KERNEL);
	volatile size_t size = 16;

	memcpy(to->name, from, size);
	lab_sink = to->rest[0];
}

struct ruler {
	int marks[4];
	int more[28];
};

static noinline void looks_past_marks(void)
{
	struct ruler *ruler = kzalloc(sizeof(*ruler), GFP_KERNEL);
	volatile int index = 6;

	lab_sink = ruler->marks[index];
}

static noinline void shifts_too_far(void)
{
	volatile int distance = 77;
	int one = 1;

	OPTIMIZER_HIDE_VAR(one);
	lab_sink = one << distance;
}

static noinline void believes_strange_bool(void)
{
	char *memory = kzalloc(8, GFP_KERNEL);
	volatile bool *answer = (volatile bool *)memory;

	OPTIMIZER_HIDE_VAR(memory);
	memory[0] = 6;
	if (*answer)
		lab_sink++;
}

/* Lost memory. */
static noinline void loses_memory(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		char *memory = kmalloc(112, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(memory);
		lab_sink = memory != NULL;
	}
}

static const struct lab_scenario lab_scenarios[] = {
	{ "memory_after_grace", uses_parcel_after_grace },
	{ "memory_after_work", uses_parcel_after_work },
	{ "memory_bool", believes_strange_bool },
	{ "memory_copy", copies_too_much },
	{ "memory_free_middle", frees_middle },
	{ "memory_free_twice", frees_twice },
	{ "memory_global", reads_past_global },
	{ "memory_heap_read", reads_past_end },
	{ "memory_heap_write", writes_past_end },
	{ "memory_in_softirq", freed_before_tick },
	{ "memory_index", looks_past_marks },
	{ "memory_leak", loses_memory },
	{ "memory_pages_freed", reads_freed_pages },
	{ "memory_read_freed", reads_freed },
	{ "memory_sampled_freed", writes_freed_sampled },
	{ "memory_sampled_read", reads_past_sampled },
	{ "memory_shift", shifts_too_far },
	{ "memory_stack", writes_past_frame },
	{ "memory_three_tasks", three_tasks },
	{ "memory_user_copy", hands_out_too_much },
	{ "memory_vmalloc", reads_past_area },
	{ "memory_write_freed", writes_freed },
	{ }
};
