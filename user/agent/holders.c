/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "base/cleanup.h"
#include "decide.h"
#include "kernel/engine.h"
#include "kernel/inodes.h"

enum { STEP = 8 };	/* processes at a time */

void am_holders_init(struct am_holders *h, struct am_engine *e)
{
	*h = (struct am_holders){ .engine = e };
}

void am_holders_done(struct am_holders *h)
{
	if (h->proc)
		(void)closedir(h->proc); /* nothing can be lost */
	h->proc = NULL;
}

void am_holders_begin(struct am_holders *h, const struct am_policy *policy)
{
	am_holders_done(h);
	h->policy = policy;
	h->due = true;
	h->found = h->missed = 0;
	memset(h->known, 0, sizeof(h->known));
}

bool am_holders_are_known(const struct am_holders *h)
{
	return !h->due;
}

/* ---- a file --------------------------------------------------------------- */

static struct am_holders_file *place_of(struct am_holders *h, const struct am_holders_file *f)
{
	uint64_t mixed = (f->inode ^ ((uint64_t)f->minor << 32 | f->major)) * 0x9e3779b97f4a7c15ULL;

	return &h->known[mixed >> 32 & (AM_HOLDERS_KNOWN - 1)];
}

static uint64_t labels_by(struct am_holders *h, int fd)
{
	const struct am_store *store;
	struct am_tag tag;

	if (am_inode_tag_read(h->engine, fd, &tag) < 0)
		return 0;
	store = am_store_of(h->policy, tag.store);
	return tag.labels | (store ? store->labels : 0);
}

/* A line of /proc/PID/maps, as far as it matters. What may be done with the memory does not: it can be
 * changed, and on overlayfs nobody asks about the file that is a store's then. */
struct mapped {
	uint64_t begin, end;
	struct am_holders_file file;
};

static bool parse(const char *line, struct mapped *ret)
{
	return sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %" SCNx32 ":%" SCNx32 " %" SCNu64,
		      &ret->begin, &ret->end, &ret->file.major, &ret->file.minor,
		      &ret->file.inode) == 5;
}


/* One that is gone again labels nobody. */
static uint64_t labels_of(struct am_holders *h, int process, const struct mapped *m)
{
	const struct am_holders_file *file = &m->file;
	struct am_holders_file *known = place_of(h, file);
	am_autoclose int fd = -1;
	char link[64];
	uint64_t labels;

	if (!memcmp(known, file, sizeof(*known)))
		return 0;
	(void)snprintf(link, sizeof(link), "map_files/%" PRIx64 "-%" PRIx64, m->begin, m->end);
	fd = openat(process, link, O_PATH | O_CLOEXEC);
	labels = fd < 0 ? 0 : labels_by(h, fd);
	if (!labels && fd >= 0)
		*known = *file;
	return labels;
}

/* ---- a process ------------------------------------------------------------ */

static uint64_t labels_held(struct am_holders *h, int process)
{
	am_autofclose FILE *maps = NULL;
	am_autofree char *line = NULL;
	int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC);
	struct mapped m = { 0 };
	uint64_t labels = 0;
	size_t size = 0;

	if (fd < 0)
		return 0;
	maps = fdopen(fd, "r");
	if (!maps)
		(void)close(fd); /* only read */
	while (maps && getline(&line, &size, maps) > 0)
		if (parse(line, &m) && m.file.inode)
			labels |= labels_of(h, process, &m);
	return labels;
}

static void look_at(struct am_holders *h, const char *pid)
{
	am_autoclose int process = openat(dirfd(h->proc), pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t labels = process < 0 ? 0 : labels_held(h, process);

	if (!labels)
		return;
	if (!h->found++)
		h->first = atoi(pid);
	h->missed += am_engine_hand_labels(h->engine, process, labels) < 0;
}

/* ---- all of them ---------------------------------------------------------- */

static void end(struct am_holders *h)
{
	if (h->found)
		am_say("%" PRIu64 " process%s (%d the first) had files of stores mapped before the policy: taken to "
		       "have read them", h->found, h->found == 1 ? "" : "es", h->first);
	if (h->missed)
		am_error("%" PRIu64 " processes that have had files of stores mapped since before the policy "
			 "could not be given labels: they may send what they read", h->missed);
	am_holders_done(h);
	h->due = false;
}

bool am_holders_step(struct am_holders *h)
{
	struct dirent *d;
	int n = 0;

	if (!h->due)
		return false;
	if (!h->proc)
		h->proc = opendir("/proc");
	if (!h->proc) {
		(void)am_err(-errno, "cannot look for processes that have files of stores mapped");
		h->due = false;
		return false;
	}
	while (n < STEP && (d = readdir(h->proc))) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9' || atoi(d->d_name) == getpid())
			continue;
		look_at(h, d->d_name);
		n++;
	}
	if (n < STEP)
		end(h);
	return h->due;
}
