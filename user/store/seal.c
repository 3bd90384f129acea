/* SPDX-License-Identifier: GPL-2.0 */
#include "store/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "decide.h"

enum phase { PHASE_WAITING, PHASE_WALKED };

/* The walk of one root. */
struct part {
	enum phase phase;
	uint64_t files;
	uint64_t mounts;
	uint64_t failures;
	int error;
	char where[AM_SEAL_PATH];
	struct am_tag before;	/* of the root, as am_seal_announce() found it */
	bool announced;
};

struct am_seal {
	const struct am_roots *roots;	/* borrowed */
	const struct am_policy *policy;	/* borrowed */
	struct am_seal_ops ops;
	struct part *parts;		/* one per root */
	size_t current;			/* the root under way while depth > 0 */
	size_t depth;
	DIR *stack[AM_SEAL_DEPTH];
};

int am_seal_new(const struct am_roots *roots, const struct am_policy *policy,
		const struct am_seal_ops *ops, struct am_seal **ret)
{
	am_auto(am_seal) struct am_seal *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->parts = calloc(roots->count + 1, sizeof(*s->parts));
	if (!s->parts)
		return -ENOMEM;
	s->roots = roots;
	s->policy = policy;
	s->ops = *ops;
	*ret = AM_TAKE_PTR(s);
	return 0;
}

static void leave_folder(struct am_seal *s)
{
	(void)closedir(s->stack[--s->depth]); /* read only: nothing can be lost */
}

void am_seal_free(struct am_seal *s)
{
	if (!s)
		return;
	while (s->depth)
		leave_folder(s);
	free(s->parts);
	free(s);
}

/* ---- one inode ------------------------------------------------------------ */

/* The tag that an inode gets that has one already. What it carries beyond its old
 * store stays. An old store that lives on has a claim of its own (a hard link,
 * or a root that came to lie inside another): its labels stay too. */
static struct am_tag merged(const struct am_seal *s, const struct am_tag *have,
			    const struct am_tag *want)
{
	const struct am_store *old = am_store_of(s->policy, have->store);
	struct am_tag tag = *want;

	tag.labels = have->labels;
	if (old && have->store != want->store)
		tag.labels |= old->labels;
	tag.flags |= have->flags & AM_TAG_STRAY;
	return tag;
}

/* Sees to the tag. 1 when it was changed, 0 when it was as wanted, -errno; *ret is what it is
 * now. The kernel side may label the same inode at the same moment, hence the second turn. */
static int put_tag(struct am_seal *s, int fd, const struct am_tag *want, struct am_tag *ret)
{
	int r = -EEXIST, turn;

	for (turn = 0; turn < 2 && r == -EEXIST; turn++) {
		struct am_tag have;

		*ret = *want;
		r = s->ops.read(s->ops.ctx, fd, &have);
		if (r == -ENOENT) {
			r = s->ops.add(s->ops.ctx, fd, want);
			continue;
		}
		if (r < 0)
			return r;
		*ret = merged(s, &have, want);
		if (!memcmp(ret, &have, sizeof(have)))
			return 0;
		r = s->ops.replace(s->ops.ctx, fd, ret);
	}
	return r < 0 ? r : 1;
}

/* ---- roots of the policy that comes next ------------------------------------ */

static int announce_root(struct am_seal *s, size_t i)
{
	const struct am_root *root = &s->roots->items[i];
	struct part *part = &s->parts[i];
	struct am_tag tag = { 0 };
	int r = s->ops.read(s->ops.ctx, root->fd, &tag);
	bool has = !r;

	if (r < 0 && r != -ENOENT)
		return r;
	part->before = tag;
	if (tag.store == root->store && tag.flags & AM_TAG_ROOT)
		return 0;
	tag.next = root->store;
	tag.flags |= AM_TAG_ROOT;
	r = (has ? s->ops.replace : s->ops.add)(s->ops.ctx, root->fd, &tag);
	if (r < 0)
		return r;
	part->announced = true;
	return s->ops.stray(s->ops.ctx, root->fd);
}

/* Who had no tag keeps one that says nothing. */
static void revoke_root(struct am_seal *s, size_t i)
{
	struct part *part = &s->parts[i];

	if (!part->announced)
		return;
	part->announced = false;
	part->before.flags |= AM_TAG_STRAY;
	/* What fails here stands for a store that no policy has, until a later one labels it. */
	if (!s->ops.replace(s->ops.ctx, s->roots->items[i].fd, &part->before))
		(void)s->ops.stray(s->ops.ctx, s->roots->items[i].fd);
}

void am_seal_revoke(struct am_seal *s)
{
	size_t i;

	for (i = 0; i < s->roots->count; i++)
		revoke_root(s, i);
}

int am_seal_announce(struct am_seal *s)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < s->roots->count; i++)
		r = announce_root(s, i);
	if (r < 0)
		am_seal_revoke(s);
	return r;
}

/* ---- roots and files --------------------------------------------------------- */

static int label(struct am_seal *s, const struct am_root *root, int fd, const struct stat *st,
		 __u32 flags)
{
	const struct am_tag want = { .store = root->store, .flags = flags };
	struct am_tag tag;
	bool known;
	int r;

	r = put_tag(s, fd, &want, &tag);
	if (r < 0)
		return r;
	/* A root: what the kernel side finds when it looks upwards from a file that has no label
	 * yet. A file with another name: through that it may come back to the cache from a
	 * folder without label. A stray whose label has changed: it would come back with the
	 * old one. */
	known = tag.flags & AM_TAG_STRAY;
	if (flags & AM_TAG_ROOT || (known ? r > 0 : S_ISREG(st->st_mode) && st->st_nlink > 1))
		return s->ops.stray(s->ops.ctx, fd);
	return 0;
}

static int label_root(struct am_seal *s, const struct am_root *root)
{
	struct stat st;

	if (fstat(root->fd, &st) < 0)
		return -errno;
	return label(s, root, root->fd, &st, AM_TAG_ROOT);
}

int am_seal_roots(struct am_seal *s)
{
	size_t i;
	int r;

	for (i = 0; i < s->roots->count; i++) {
		r = label_root(s, &s->roots->items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the walk ------------------------------------------------------------- */

static void note_failure(struct am_seal *s, int dirfd, const char *name, int error)
{
	struct part *part = &s->parts[s->current];
	char link[32];
	ssize_t n;

	if (part->failures++)
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, part->where, sizeof(part->where) - 1);
	if (n < 0)
		n = 0;
	(void)snprintf(part->where + n, sizeof(part->where) - (size_t)n, "/%s", name);
	part->error = error;
}

/* O_PATH: neither waits (pipes, leases) nor has effects (devices, listeners for opens). */
static int open_entry(int dirfd, const char *name)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int enter_folder(struct am_seal *s, int fd)
{
	am_autoclose int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;

	if (own < 0)
		return -errno;
	if (s->depth == AM_SEAL_DEPTH)
		return -ELOOP;
	dir = fdopendir(own);
	if (!dir)
		return -errno;
	(void)AM_TAKE_FD(own);	/* the stream's now */
	s->stack[s->depth++] = dir;
	return 0;
}

static int visit_open(struct am_seal *s, int fd)
{
	const struct am_root *root = &s->roots->items[s->current];
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return 0;
	/* Another store's, or a part of this one that is walked by itself. */
	if (am_roots_find(s->roots, st.st_dev, st.st_ino))
		return 0;
	s->parts[s->current].files++;
	/* Before its entries are read: those that are cached from now on inherit. */
	r = label(s, root, fd, &st, 0);
	if (r < 0)
		return r;
	return S_ISDIR(st.st_mode) ? enter_folder(s, fd) : 0;
}

static void visit(struct am_seal *s, int dirfd, const char *name, unsigned char type)
{
	am_autoclose int fd = -1;
	int r;

	if (type == DT_LNK || !strcmp(name, ".") || !strcmp(name, ".."))
		return;
	fd = open_entry(dirfd, name);
	if (fd == -EXDEV) {
		s->parts[s->current].mounts++;
		return;
	}
	if (fd == -ENOENT)
		return;		/* gone meanwhile */
	r = fd < 0 ? fd : visit_open(s, fd);
	if (r < 0)
		note_failure(s, dirfd, name, r);
}

/* One entry of the folder on top, or the end of it. */
static void advance(struct am_seal *s)
{
	DIR *dir = s->stack[s->depth - 1];
	struct dirent *entry;

	errno = 0;
	entry = readdir(dir);
	if (entry) {
		visit(s, dirfd(dir), entry->d_name, entry->d_type);
		return;
	}
	if (errno)
		note_failure(s, dirfd(dir), "", -errno);
	leave_folder(s);
	if (!s->depth)
		s->parts[s->current].phase = PHASE_WALKED;
}

static bool find_waiting(struct am_seal *s)
{
	size_t i;

	for (i = 0; i < s->roots->count; i++) {
		if (s->parts[i].phase == PHASE_WAITING) {
			s->current = i;
			return true;
		}
	}
	return false;
}

static void enter_root(struct am_seal *s)
{
	const struct am_root *root = &s->roots->items[s->current];
	struct part *part = &s->parts[s->current];
	int r;

	memset(part, 0, sizeof(*part));
	part->files = 1;
	r = label_root(s, root);
	if (!r && root->is_dir)
		r = enter_folder(s, root->fd);
	if (r < 0)
		note_failure(s, root->fd, "", r);
	if (!s->depth)
		part->phase = PHASE_WALKED;
}

bool am_seal_step(struct am_seal *s, size_t budget)
{
	while (budget--) {
		if (s->depth)
			advance(s);
		else if (find_waiting(s))
			enter_root(s);
		else
			return false;
	}
	return s->depth || find_waiting(s);
}

void am_seal_begin(struct am_seal *s, uint32_t store)
{
	size_t i;

	for (i = 0; i < s->roots->count; i++) {
		if (store && s->roots->items[i].store != store)
			continue;
		if (s->depth && i == s->current)
			while (s->depth)
				leave_folder(s);
		memset(&s->parts[i], 0, sizeof(s->parts[i]));
	}
}

bool am_seal_is_sealed(const struct am_seal *s)
{
	size_t i;

	for (i = 0; i < s->roots->count; i++)
		if (s->parts[i].phase != PHASE_WALKED || s->parts[i].failures)
			return false;
	return true;
}

void am_seal_state(const struct am_seal *s, uint32_t store, struct am_seal_state *ret)
{
	struct am_seal_state state = { .walked = true };
	size_t i;

	for (i = 0; i < s->roots->count; i++) {
		const struct part *part = &s->parts[i];

		if (s->roots->items[i].store != store)
			continue;
		if (part->phase != PHASE_WALKED)
			state.walked = false;
		state.files += part->files;
		state.mounts += part->mounts;
		state.failures += part->failures;
		if (part->failures && !state.where) {
			state.where = part->where;
			state.error = part->error;
		}
	}
	state.sealed = state.walked && !state.failures;
	*ret = state;
}
