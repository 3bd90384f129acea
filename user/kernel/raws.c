/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/raws.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/engine.h"
#include "kernel/object.h"
#include "kernel/tags.h"
#include "store/disks.h"

enum { MAJOR_MEM = 1 };

/* Programs that look at what is on each disk and tell no more than that: without them a disk
 * loses its name, and is no longer mounted. They start without what a caller would preload. */
static const char *const probers[] = {
	"/usr/bin/udevadm", "/usr/lib/systemd/systemd-udevd", "/usr/sbin/blkid", "/usr/bin/mount",
	"/usr/sbin/fsck", "/usr/sbin/e2fsck", "/usr/sbin/lvm", "/usr/sbin/multipathd",
	"/usr/sbin/smartctl", "/usr/sbin/smartd",
};

/* As in struct inode's i_rdev, which user space sees in another form. */
static uint64_t key_of(uint32_t kind, dev_t dev)
{
	return AM_RAW(kind, (uint32_t)major(dev) << 20 | minor(dev));
}

static int enter(void *ctx, uint32_t kind, dev_t dev)
{
	const struct am_engine *e = ctx;
	const uint64_t key = key_of(kind, dev);
	const uint32_t one = 1;
	int r = bpf_map_update_elem(bpf_map__fd(e->object->maps.am_raws), &key, &one, BPF_ANY);

	return r == -E2BIG ? -ENOSPC : r;
}

static int mark(struct am_engine *e, int fd, uint32_t flag)
{
	const struct am_tag tag = { .flags = flag };
	struct am_seal_ops ops;
	int r;

	am_tags_ops(e, &ops);
	r = ops.add(ops.ctx, fd, &tag);
	return r == -EEXIST ? 0 : r;
}

static int mark_node(void *ctx, int fd, uint32_t kind, dev_t dev)
{
	struct am_engine *e = ctx;
	const uint64_t key = key_of(kind, dev);
	uint32_t one;

	if (kind == S_IFCHR && major(dev) != MAJOR_MEM &&
	    bpf_map_lookup_elem(bpf_map__fd(e->object->maps.am_raws), &key, &one) < 0)
		return 0;
	if (kind == S_IFCHR && major(dev) == MAJOR_MEM && minor(dev) != 1 && minor(dev) != 2 &&
	    minor(dev) != 4)
		return 0;	/* /dev/null and its kind */
	return mark(e, fd, AM_TAG_RAW);
}

static int mark_at(struct am_engine *e, int dir, const char *path, uint32_t flag)
{
	am_autoclose int fd = openat(dir, path, O_PATH | O_CLOEXEC);

	return fd < 0 ? 0 : mark(e, fd, flag);	/* not every host has each */
}

static int mark_path(struct am_engine *e, const char *path, uint32_t flag)
{
	return mark_at(e, AT_FDCWD, path, flag);
}

/* A mount of tracefs that nobody else sees: there is one of it, wherever it is mounted. */
static int open_tracefs(void)
{
	am_autoclose int fs = fsopen("tracefs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

/* Where probes are made, that fetch memory of whoever comes by. These files are there as long as
 * the kernel runs, and so are their tags. */
static int mark_probes(struct am_engine *e)
{
	static const char *const files[] = { "kprobe_events", "uprobe_events", "dynamic_events" };
	am_autoclose int dir = open_tracefs();
	size_t i;
	int r = 0;

	if (dir < 0)
		return 0;	/* not every kernel has it */
	for (i = 0; !r && i < sizeof(files) / sizeof(*files); i++)
		r = mark_at(e, dir, files[i], AM_TAG_RAW);
	return r;
}

int am_raws_enter(struct am_engine *e, const struct am_roots *roots)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < roots->count; i++)
		if (roots->items[i].fd >= 0)
			r = am_disks_below(roots->items[i].real, roots->items[i].dev, enter, e);
	for (i = 0; !r && i < sizeof(probers) / sizeof(*probers); i++)
		r = mark_path(e, probers[i], AM_TAG_PROBER);
	if (!r)
		r = mark_path(e, "/proc/kcore", AM_TAG_RAW);
	if (!r)
		r = mark_probes(e);
	return r ? r : am_disks_nodes(mark_node, e);
}
