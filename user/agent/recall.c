/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/recall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "decide.h"
#include "kernel/engine.h"
#include "kernel/tags.h"
#include "store/mount.h"

enum {
	BUDGET = 64,		/* strays per step: each may have to be read from disk */
	MOUNTS_MAX = 256,
	UUID_LEN = 16,
	/* Types of file handles: linux/exportfs.h, xfs_export.h, btrfs export.h. */
	HANDLE_INO32_GEN = 1,
	HANDLE_XFS_64 = 0x81,
	HANDLE_BTRFS = 0x4d,
};

struct known_mount {
	int fd;			/* owned */
	unsigned major, minor;
	uint8_t uuid[UUID_LEN];
	int (*handle)(const struct am_inode_key *key, struct file_handle *ret);
};

struct am_recall_mounts {
	struct known_mount items[MOUNTS_MAX];
	size_t count;
};

/* ---- file handles --------------------------------------------------------- */

static int handle_of(struct file_handle *ret, int type, const void *bytes, unsigned len)
{
	ret->handle_type = type;
	ret->handle_bytes = len;
	memcpy(ret->f_handle, bytes, len);
	return 0;
}

static int ext4_handle(const struct am_inode_key *key, struct file_handle *ret)
{
	const uint32_t words[] = { (uint32_t)key->ino, key->generation };

	return handle_of(ret, HANDLE_INO32_GEN, words, sizeof(words));
}

static int xfs_handle(const struct am_inode_key *key, struct file_handle *ret)
{
	const uint32_t words[] = { (uint32_t)key->ino, (uint32_t)(key->ino >> 32),
				   key->generation };

	return handle_of(ret, HANDLE_XFS_64, words, sizeof(words));
}

static int tmpfs_handle(const struct am_inode_key *key, struct file_handle *ret)
{
	const uint32_t words[] = { key->generation, (uint32_t)key->ino,
				   (uint32_t)(key->ino >> 32) };

	return handle_of(ret, HANDLE_INO32_GEN, words, sizeof(words));
}

static int btrfs_handle(const struct am_inode_key *key, struct file_handle *ret)
{
	const uint32_t words[] = { (uint32_t)key->ino, (uint32_t)(key->ino >> 32),
				   (uint32_t)key->root, (uint32_t)(key->root >> 32),
				   key->generation };

	return key->root ? handle_of(ret, HANDLE_BTRFS, words, sizeof(words)) : -ENOENT;
}

/* ---- identities of file systems ------------------------------------------- */

/* FS_IOC_GETFSUUID, from 6.9 on. */
struct fs_uuid2 {
	uint8_t len;
	uint8_t uuid[UUID_LEN];
};

/* EXT4_IOC_GETFSUUID, from 6.0 on. */
struct ext4_uuid {
	uint32_t len;
	uint32_t flags;
	uint8_t uuid[UUID_LEN];
};

/* XFS_IOC_FSGEOMETRY_V1, as long as there is XFS. */
struct xfs_geometry {
	uint32_t sizes[8];
	uint64_t blocks[4];
	uint8_t uuid[UUID_LEN];
	uint32_t rest[8];
};

static int any_uuid(int fd, uint8_t uuid[UUID_LEN])
{
	struct fs_uuid2 u = { 0 };

	if (ioctl(fd, _IOR(0x15, 0, struct fs_uuid2), &u) < 0 || u.len != UUID_LEN)
		return -errno;
	memcpy(uuid, u.uuid, UUID_LEN);
	return 0;
}

static int ext4_uuid(int fd, uint8_t uuid[UUID_LEN])
{
	struct ext4_uuid u = { .len = UUID_LEN };

	/* The number is made with the size of the head alone. */
	if (ioctl(fd, _IOC(_IOC_READ, 'f', 44, 2 * sizeof(uint32_t)), &u) < 0)
		return -errno;
	memcpy(uuid, u.uuid, UUID_LEN);
	return 0;
}

static int xfs_uuid(int fd, uint8_t uuid[UUID_LEN])
{
	struct xfs_geometry g;

	if (ioctl(fd, _IOR('X', 100, struct xfs_geometry), &g) < 0)
		return -errno;
	memcpy(uuid, g.uuid, UUID_LEN);
	return 0;
}

static int btrfs_uuid(int fd, uint8_t uuid[UUID_LEN])
{
	struct btrfs_ioctl_fs_info_args args = { 0 };

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &args) < 0)
		return -errno;
	memcpy(uuid, args.fsid, UUID_LEN);
	return 0;
}

static const struct kind {
	const char *type;
	int (*uuid)(int fd, uint8_t uuid[UUID_LEN]);
	int (*handle)(const struct am_inode_key *key, struct file_handle *ret);
} kinds[] = {
	{ "ext4", ext4_uuid, ext4_handle },
	{ "xfs", xfs_uuid, xfs_handle },
	{ "btrfs", btrfs_uuid, btrfs_handle },
	{ "tmpfs", any_uuid, tmpfs_handle },
};

static const struct kind *find_kind(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(type, kinds[i].type))
			return &kinds[i];
	return NULL;
}

static bool has_device(const struct am_recall_mounts *m, unsigned major, unsigned minor)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (m->items[i].major == major && m->items[i].minor == minor)
			return true;
	return false;
}

/* A mount that cannot be opened or identified is one less to find strays on. */
static int add_mount(void *ctx, const struct am_mount *mount)
{
	struct am_recall_mounts *m = ctx;
	const struct kind *kind = find_kind(mount->type);
	struct known_mount known = { .major = mount->major, .minor = mount->minor };
	am_autoclose int fd = -1;

	if (!kind || m->count == MOUNTS_MAX || has_device(m, mount->major, mount->minor))
		return 0;
	fd = open(mount->point, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || kind->uuid(fd, known.uuid) < 0)
		return 0;
	known.fd = AM_TAKE_FD(fd);
	known.handle = kind->handle;
	m->items[m->count++] = known;
	return 0;
}

static void free_mounts(struct am_recall_mounts *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->count; i++)
		(void)close(m->items[i].fd); /* read only: nothing can be lost */
	free(m);
}

/* ---- one stray ------------------------------------------------------------ */

/* A descriptor of the stray; -ENOENT when its file system is not there, -ESTALE when the
 * file is not. */
static int open_stray(const struct am_recall_mounts *m, const struct am_inode_key *key)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	size_t i;

	for (i = 0; i < m->count; i++) {
		int fd;

		/* key->dev: of a file system without an identity that outlives its mount */
		if (key->dev || memcmp(m->items[i].uuid, key->uuid, UUID_LEN) ||
		    m->items[i].handle(key, &u.handle) < 0)
			continue;
		fd = open_by_handle_at(m->items[i].fd, &u.handle, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

/* An inode with a label that holds keeps it; it may have changed since the stray was kept. */
static void tag_stray(struct am_recall *r, int fd, const struct am_stray *stray)
{
	struct am_tag have, tag = stray->tag;
	struct am_seal_ops ops;
	int e;

	am_tags_ops(r->engine, &ops);
	e = ops.read(ops.ctx, fd, &have);
	if (e == -ENOENT) {
		(void)ops.add(ops.ctx, fd, &tag); /* -EEXIST: the kernel side was faster */
		return;
	}
	if (e < 0)
		return;
	/* Opened by its number, it may look to the kernel side like a file without a name. */
	if (!(have.flags & AM_TAG_DETACHED) &&
	    (!have.store || am_store_of(r->policy, have.store)))
		return;
	tag.labels |= have.labels;
	(void)ops.replace(ops.ctx, fd, &tag); /* what it has is no more open than this */
}

static void recall(struct am_recall *r, const struct am_stray *stray)
{
	am_autoclose int fd = open_stray(r->mounts, &stray->key);

	if (fd >= 0)
		tag_stray(r, fd, stray);
	else if (fd == -ENOENT)
		r->unreachable++;
}

/* ---- another id ----------------------------------------------------------- */

/* What is to be kept of a stray under the policy. A store that lost a path has another id; which
 * path a stray came from nobody knows, so it stays closed. */
static struct am_tag next_tag(const struct am_recall *r, const struct am_tag *now)
{
	struct am_tag tag = *now;
	uint32_t id = r->policy->stores[tag.store & AM_STORE_SLOT_MASK].id;

	if (tag.store && id)
		tag.store = id;
	return tag;
}

static void stop(struct am_recall *r)
{
	if (r->count)
		am_engine_recall(r->engine, false);
	free(r->strays);
	free_mounts(r->mounts);
	*r = (struct am_recall){ .engine = r->engine, .unreachable = r->unreachable };
}

int am_recall_prepare(struct am_recall *r, const struct am_policy *policy)
{
	stop(r);
	r->policy = policy;
	return am_tags_strays(r->engine, &r->strays, &r->n_strays);
}

/* ---- all of them ---------------------------------------------------------- */

void am_recall_init(struct am_recall *r, struct am_engine *e)
{
	*r = (struct am_recall){ .engine = e };
}

static int settle_root(struct am_recall *r, const struct am_stray *now)
{
	int e = am_store_of(r->policy, now->tag.store) ? 0 : am_tags_stray_drop(r->engine, now);

	return e == -ENOENT ? 0 : e;
}

/* Looks at what became of one that was kept before. 1 when it is to be recalled, as *ret; 0;
 * -errno. */
static int settle(struct am_recall *r, const struct am_stray *before, bool all,
		  struct am_stray *ret)
{
	struct am_stray now = *before;
	bool changed;
	int e;

	e = am_tags_stray_get(r->engine, &now);
	if (e < 0)
		return e == -ENOENT ? 0 : e;	/* deleted meanwhile */
	if (now.tag.flags & AM_TAG_ROOT)
		return settle_root(r, &now);
	*ret = now;
	ret->tag = next_tag(r, &now.tag);
	changed = ret->tag.store != now.tag.store;
	e = changed ? am_tags_stray_change(r->engine, ret) : 0;
	if (e < 0)
		return e == -ENOENT ? 0 : e;
	return changed || all;
}

/* One that fails is left as it is; the others are not. */
static int settle_all(struct am_recall *r, bool all, size_t *ret_due)
{
	size_t i, due = 0;
	int failed = 0;

	for (i = 0; i < r->n_strays; i++) {
		const struct am_stray before = r->strays[i];
		int e = settle(r, &before, all, &r->strays[due]);

		if (e < 0 && !failed)
			failed = e;
		due += e > 0;
	}
	*ret_due = due;
	return failed;
}

int am_recall_begin(struct am_recall *r, bool all)
{
	size_t due;
	int failed = settle_all(r, all, &due), e;

	r->n_strays = 0;
	r->unreachable = 0;
	if (!due)
		return failed;
	r->mounts = calloc(1, sizeof(*r->mounts));
	if (!r->mounts)
		return -ENOMEM;
	r->count = due;
	am_engine_recall(r->engine, true);
	e = am_mount_each(add_mount, r->mounts);
	return failed ? failed : e;
}

bool am_recall_is_done(const struct am_recall *r)
{
	return r->next == r->count;
}

bool am_recall_step(struct am_recall *r)
{
	size_t budget = BUDGET;

	if (!r->count)
		return false;
	while (budget-- && r->next < r->count)
		recall(r, &r->strays[r->next++]);
	if (r->next < r->count)
		return true;
	stop(r);
	return false;
}

void am_recall_done(struct am_recall *r)
{
	stop(r);
}
