// SPDX-License-Identifier: GPL-2.0
/* Mappings: of a descriptor that was handed over, and mappings that are older than the agent
 * or than who the process has become. Page faults ask nobody. */
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static char *mapped;

static int map(int fd, int prot, int flags)
{
	mapped = mmap(NULL, FILE_SIZE, prot, flags, fd, 0);
	return mapped == MAP_FAILED ? -errno : 0;
}

/* Not in memory, so that looking at it is a fault of its own. */
static int look(struct arena *a)
{
	char copy[256];

	memcpy(copy, mapped, sizeof(copy));
	loot(a, copy, sizeof(copy));
	return 0;
}

static int map_with(struct arena *a, int prot, int flags)
{
	PASS_ON(map(a->fd, prot, flags));
	return look(a);
}

static int map_private(struct arena *a) { return map_with(a, PROT_READ, MAP_PRIVATE); }
static int map_shared(struct arena *a) { return map_with(a, PROT_READ, MAP_SHARED); }
static int map_exec(struct arena *a) { return map_with(a, PROT_READ | PROT_EXEC, MAP_PRIVATE); }

static int map_populate(struct arena *a)
{
	return map_with(a, PROT_READ, MAP_SHARED | MAP_POPULATE);
}

static int map_copy_on_write(struct arena *a)
{
	return map_with(a, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static int map_write_only(struct arena *a)
{
	/* The processor cannot map for writing alone. */
	return map_with(a, PROT_WRITE, MAP_PRIVATE);
}

static int map_then_mprotect(struct arena *a)
{
	PASS_ON(map(a->fd, PROT_NONE, MAP_PRIVATE));
	TRY(mprotect(mapped, FILE_SIZE, PROT_READ));
	return look(a);
}

static int map_then_pkey_mprotect(struct arena *a)
{
	PASS_ON(map(a->fd, PROT_NONE, MAP_PRIVATE));
	TRY(pkey_mprotect(mapped, FILE_SIZE, PROT_READ, -1));
	return look(a);
}

static int map_to_pipe(struct arena *a)
{
	int p[2];

	PASS_ON(map(a->fd, PROT_READ, MAP_SHARED));
	TRY(pipe(p));
	TRY(write(p[1], mapped, 200));
	return loot_wait(a, p[0]);
}

static int map_path(struct arena *a)
{
	int fd = TRY(open(a->file, O_RDONLY));

	PASS_ON(map(fd, PROT_READ, MAP_SHARED));
	return look(a);
}

/* ---- older than the agent ----------------------------------------------------- */

static int map_early(struct arena *a) { return map(a->fd, PROT_READ, MAP_SHARED); }

static int map_early_none(struct arena *a) { return map(a->fd, PROT_NONE, MAP_PRIVATE); }

static int map_early_closed(struct arena *a)
{
	int r = map_early(a);

	close(a->fd);
	return r;
}

static int old_map(struct arena *a) { return look(a); }
static int old_map_without_descriptor(struct arena *a) { return look(a); }
static int old_map_of_child(struct arena *a) { return ended(spawn(a, look)); }

static int old_map_mremap(struct arena *a)
{
	/* Old size 0 makes a second mapping of a shared one. */
	char *twin = mremap(mapped, 0, FILE_SIZE, MREMAP_MAYMOVE);

	if (twin == MAP_FAILED)
		return -errno;
	munmap(mapped, FILE_SIZE);
	mapped = twin;
	return look(a);
}

static int old_map_mprotect(struct arena *a)
{
	TRY(mprotect(mapped, FILE_SIZE, PROT_READ));
	return look(a);
}

static int old_map_proc_mem(struct arena *a)
{
	int fd = TRY(open("/proc/self/mem", O_RDONLY));
	char copy[256];
	ssize_t n = pread(fd, copy, sizeof(copy), (off_t)(unsigned long)mapped);

	if (n < 0)
		return -errno;
	loot(a, copy, n);
	return 0;
}

static int old_map_files(struct arena *a)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)mapped,
		 (unsigned long)mapped + FILE_SIZE);
	return loot_path(a, path);
}

/* ---- older than who one is ------------------------------------------------------ */

static int map_as_reader(struct arena *a)
{
	int fd, r;

	be_reader(a);
	fd = TRY(open(a->file, O_RDONLY));
	r = map(fd, PROT_READ, MAP_SHARED);
	be_stranger(a);
	return r;
}

static int map_then_leave_group(struct arena *a)
{
	PASS_ON(map_as_reader(a));
	return look(a);
}

static int map_then_leave_group_fork(struct arena *a)
{
	PASS_ON(map_as_reader(a));
	return ended(spawn(a, look));
}

static int hold_map(struct arena *a)
{
	int r;

	be_reader(a);
	a->word[0] = r = map(open(a->file, O_RDONLY), PROT_READ, MAP_SHARED);
	a->word[1] = (unsigned long)mapped;
	turn_set(a, 10);
	turn_wait(a, 11);
	return r;
}

static int map_files_of_reader(struct arena *a)
{
	pid_t pid = spawn(a, hold_map);
	char path[128];

	turn_wait(a, 10);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, (unsigned long)a->word[1],
		 (unsigned long)a->word[1] + FILE_SIZE);
	return loot_path(a, path);
}

#define GIVEN(call) { .name = #call, .goal = GOAL_GET, .flags = WITH_FD, .act = call }
#define GET(call) { .name = #call, .goal = GOAL_GET, .act = call }
#define OLD(call, first) \
	{ .name = #call, .goal = GOAL_GET, .flags = WITH_FD | EARLY, .before = first, .act = call }

static const struct technique list[] = {
	GIVEN(map_private), GIVEN(map_shared), GIVEN(map_exec), GIVEN(map_populate),
	GIVEN(map_copy_on_write), GIVEN(map_write_only), GIVEN(map_then_mprotect),
	GIVEN(map_then_pkey_mprotect), GIVEN(map_to_pipe), GET(map_path),
	OLD(old_map, map_early), OLD(old_map_without_descriptor, map_early_closed),
	OLD(old_map_of_child, map_early), OLD(old_map_mremap, map_early),
	OLD(old_map_mprotect, map_early_none),
	OLD(old_map_proc_mem, map_early), OLD(old_map_files, map_early),
	GET(map_then_leave_group), GET(map_then_leave_group_fork), GET(map_files_of_reader),
};

FAMILY(map, list);
