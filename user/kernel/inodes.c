/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/inodes.h"

#include <errno.h>
#include <sys/inotify.h>

#include "kernel/engine.h"
#include "kernel/object.h"
#include "kernel/storage.h"

enum { ASK_TRIES = 10 };

static bool is_hashed(const struct am_engine *e)
{
	return e->flavour == AM_FLAVOUR_FMOD_RET;
}

static int tags_fd(const struct am_engine *e)
{
	return bpf_map__fd(e->object->maps.am_tags);
}

static int exes_fd(const struct am_engine *e)
{
	return bpf_map__fd(e->object->maps.am_exes);
}

/* The agent has one thread, so one request at a time is all there is. The kernel side answers
 * within the call, and refuses the watch; `op` is what tells that it did. */
static bool ask_once(struct am_engine *e, int fd, enum am_request_op op, int *ret)
{
	struct am_request *r = &e->object->bss->am_request;
	int watch, error;
	char link[32];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	__atomic_store_n(&r->op, op, __ATOMIC_SEQ_CST);
	watch = inotify_add_watch(e->watcher, link, IN_ATTRIB);
	error = errno;
	if (watch >= 0)
		(void)inotify_rm_watch(e->watcher, watch); /* goes with the descriptor otherwise */
	if (__atomic_exchange_n(&r->op, AM_REQUEST_NONE, __ATOMIC_SEQ_CST) == AM_REQUEST_NONE) {
		*ret = r->result;
		return true;
	}
	*ret = watch >= 0 ? -EOPNOTSUPP : -error;
	return false;
}

/* A preemptible kernel may skip the program that answers. */
static int ask(struct am_engine *e, int fd, enum am_request_op op)
{
	int i, r = -EOPNOTSUPP;

	for (i = 0; i < ASK_TRIES && !ask_once(e, fd, op, &r) && r == -EOPNOTSUPP; i++)
		;
	return r;
}

static int ask_tag(struct am_engine *e, int fd, enum am_request_op op, const struct am_tag *tag)
{
	e->object->bss->am_request.tag = *tag;
	return ask(e, fd, op);
}

int am_inode_tag_read(struct am_engine *e, int fd, struct am_tag *ret)
{
	int r;

	if (!is_hashed(e))
		return bpf_map_lookup_elem(tags_fd(e), &fd, ret);
	r = ask(e, fd, AM_REQUEST_TAG_READ);
	if (!r)
		*ret = e->object->bss->am_request.tag;
	return r;
}

int am_inode_tag_add(struct am_engine *e, int fd, const struct am_tag *tag)
{
	if (!is_hashed(e))
		return am_storage_put(tags_fd(e), fd, tag, BPF_NOEXIST);
	return ask_tag(e, fd, AM_REQUEST_TAG_ADD, tag);
}

int am_inode_tag_replace(struct am_engine *e, int fd, const struct am_tag *tag)
{
	if (!is_hashed(e))
		return am_storage_put(tags_fd(e), fd, tag, BPF_ANY);
	return ask_tag(e, fd, AM_REQUEST_TAG_REPLACE, tag);
}

int am_inode_exe_put(struct am_engine *e, int fd, uint32_t id)
{
	if (!is_hashed(e))
		return am_storage_put(exes_fd(e), fd, &id, BPF_ANY);
	e->object->bss->am_request.exe = id;
	return ask(e, fd, AM_REQUEST_EXE_PUT);
}

int am_inode_exe_delete(struct am_engine *e, int fd)
{
	if (!is_hashed(e))
		return bpf_map_delete_elem(exes_fd(e), &fd);
	return ask(e, fd, AM_REQUEST_EXE_DELETE);
}
