/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/tags.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/engine.h"
#include "kernel/inodes.h"
#include "kernel/object.h"

static int read_tag(void *ctx, int fd, struct am_tag *ret)
{
	return am_inode_tag_read(ctx, fd, ret);
}

static int add_tag(void *ctx, int fd, const struct am_tag *tag)
{
	return am_inode_tag_add(ctx, fd, tag);
}

/* What the kernel side ORs into the tag between the walk's look at it and this is lost. It
 * happens only to files whose store has changed, while they are written. */
static int replace_tag(void *ctx, int fd, const struct am_tag *tag)
{
	return am_inode_tag_replace(ctx, fd, tag);
}

/* Only the kernel side can make a stray's key. It does when the agent opens the file. */
static int make_stray(void *ctx, int fd)
{
	am_autoclose int own = -1;
	char link[32];

	(void)ctx;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	own = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? -errno : 0;
}

void am_tags_ops(struct am_engine *e, struct am_seal_ops *ret)
{
	*ret = (struct am_seal_ops){
		.read = read_tag,
		.add = add_tag,
		.replace = replace_tag,
		.stray = make_stray,
		.ctx = e,
	};
}

enum { BATCH = 1024 };

int am_tags_strays(struct am_engine *e, struct am_stray **ret, size_t *ret_n)
{
	int fd = bpf_map__fd(e->object->maps.am_strays), r = 0;
	am_autofree struct am_inode_key *keys = calloc(BATCH, sizeof(*keys));
	am_autofree struct am_tag *tags = calloc(BATCH, sizeof(*tags));
	am_autofree struct am_stray *strays = NULL;
	size_t n = 0;
	uint32_t token = 0, i;
	bool first = true;

	if (!keys || !tags)
		return -ENOMEM;
	while (!r && n + BATCH <= AM_STRAYS_MAX) {
		uint32_t count = BATCH;
		struct am_stray *more;

		r = bpf_map_lookup_batch(fd, first ? NULL : &token, &token, keys, tags, &count,
					 NULL);
		if (r < 0 && r != -ENOENT)	/* that is the end, and `count` holds */
			return r;
		more = reallocarray(strays, n + count + 1, sizeof(*strays));
		if (!more)
			return -ENOMEM;
		strays = more;
		for (i = 0; i < count; i++)
			strays[n++] = (struct am_stray){ keys[i], tags[i] };
		first = false;
	}
	*ret = AM_TAKE_PTR(strays);
	*ret_n = n;
	return 0;
}

int am_tags_stray_get(struct am_engine *e, struct am_stray *stray)
{
	return bpf_map_lookup_elem(bpf_map__fd(e->object->maps.am_strays), &stray->key,
				   &stray->tag);
}

static int put_stray(struct am_engine *e, const struct am_stray *stray, uint64_t flags)
{
	int r;

	r = bpf_map_update_elem(bpf_map__fd(e->object->maps.am_strays), &stray->key, &stray->tag,
				flags);
	if (!r)
		__atomic_store_n(&e->object->bss->am_have_strays, 1, __ATOMIC_SEQ_CST);
	return r;
}

int am_tags_stray_add(struct am_engine *e, const struct am_stray *stray)
{
	return put_stray(e, stray, BPF_NOEXIST);
}

int am_tags_stray_change(struct am_engine *e, const struct am_stray *stray)
{
	return put_stray(e, stray, BPF_EXIST);
}

int am_tags_stray_drop(struct am_engine *e, const struct am_stray *stray)
{
	return bpf_map_delete_elem(bpf_map__fd(e->object->maps.am_strays), &stray->key);
}
