/* SPDX-License-Identifier: GPL-2.0 */
/* Hangs over reader-writer semaphores, alone and mixed with mutexes. */
#include "hang_actors.h"

#include <linux/mutex.h>
#include <linux/percpu-rwsem.h>
#include <linux/rwsem.h>

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
