/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the lab's modules share: a file whose writer starts a scenario, and a
 * side channel on the second serial port for the design.
 *
 * The design must not stand in the log: a reader of the log would take it as
 * evidence. The port is driven by hand, because most scenarios leave no
 * kernel that could still run a tty.
 */
#ifndef LAB_H
#define LAB_H

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define LAB_PORT 0x2f8

/* A scenario runs in the task that writes its name. */
struct lab_scenario {
	const char *name;
	void (*run)(void);
};

static const struct lab_scenario lab_scenarios[];

/* The buffer of the write that started the scenario. */
static char __user *lab_user_buffer;

/* Where values go that must be computed but are of no use. */
static volatile u64 lab_sink;

static __maybe_unused void lab_say(const char *format, ...)
{
	static arch_spinlock_t turn = __ARCH_SPIN_LOCK_UNLOCKED;
	unsigned long flags;
	char text[512];
	va_list args;
	int i, n, patience;

	va_start(args, format);
	n = vscnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	text[n++] = '\n';

	raw_local_irq_save(flags);
	arch_spin_lock(&turn);
	for (i = 0; i < n; i++) {
		for (patience = 1000; patience && !(inb(LAB_PORT + 5) & 0x20); patience--)
			cpu_relax();
		outb(text[i], LAB_PORT);
	}
	arch_spin_unlock(&turn);
	raw_local_irq_restore(flags);
}

static noinline ssize_t lab_trigger(struct file *file, const char __user *buffer,
				    size_t size, loff_t *offset)
{
	const struct lab_scenario *scenario;
	char name[64] = "";

	if (size >= sizeof(name) || copy_from_user(name, buffer, size))
		return -EINVAL;
	strim(name);
	lab_user_buffer = (char __user *)buffer;
	for (scenario = lab_scenarios; scenario->name; scenario++) {
		if (!strcmp(scenario->name, name)) {
			lab_say("start scenario=%s comm=%s pid=%d", name, current->comm, current->pid);
			scenario->run();
			return size;
		}
	}
	return -ENOENT;
}

static const struct proc_ops lab_operations = { .proc_write = lab_trigger };

static int __init lab_init(void)
{
	return proc_create("lab", 0200, NULL, &lab_operations) ? 0 : -ENOMEM;
}
module_init(lab_init);

static void __exit lab_exit(void)
{
	remove_proc_entry("lab", NULL);
}
module_exit(lab_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a scenario of the kanalyze kernel lab");

/* A thread that stays on one CPU. */
static __maybe_unused struct task_struct *lab_thread_on(int cpu, int (*body)(void *), const char *comm)
{
	struct task_struct *task = kthread_create(body, NULL, "%s", comm);

	if (!IS_ERR(task)) {
		kthread_bind(task, cpu);
		wake_up_process(task);
	}
	return task;
}

#endif
