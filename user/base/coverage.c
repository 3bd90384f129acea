/* SPDX-License-Identifier: GPL-2.0 */
#include "base/coverage.h"

#include <string.h>

/* A hook that only some kernels have is not named where older ones have another that sees the
 * same: file_truncate (path_truncate before 6.2), mmap_backing_file (before 6.12 an open below an
 * overlay counts as mapping). */
const struct am_coverage_road am_roads[] = {
	{ "open", "read", { "file_open" }, AM_COVER_ENFORCED, 0, NULL },
	{ "read on an open descriptor", "read", { "file_permission" }, AM_COVER_ENFORCED, 0, NULL },
	{ "list a folder", "read", { "file_permission" }, AM_COVER_ENFORCED, 0, NULL },
	{ "mmap", "read", { "mmap_file", "file_mprotect" }, AM_COVER_ENFORCED, 0, NULL },
	{ "mapping made before the policy", "read", { "ptrace_access_check" }, AM_COVER_DETECTED, 0,
	  "a page that is mapped is read without asking the kernel: who has one carries the labels" },
	{ "name found later (link, rename, new file, open by handle)", "read",
	  { "d_instantiate", "inode_free_security" }, AM_COVER_ENFORCED, 0, NULL },
	{ "memory of another process", "read",
	  { "ptrace_access_check", "ptrace_traceme", "perf_event_alloc" }, AM_COVER_ENFORCED, 0, NULL },
	{ "disk below a store, memory of the kernel", "read",
	  { "file_open", "file_permission", "file_ioctl", "d_instantiate" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "loop device over a file, buffer of its pages", "read", { "file_ioctl" }, AM_COVER_ENFORCED, 0, NULL },
	{ "io_uring that the kernel polls", "read", { "uring_sqpoll", "uring_cmd" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "code of others in a listed executable", "read",
	  { "mmap_file", "file_mprotect", "bprm_committed_creds" }, AM_COVER_ENFORCED, 0, NULL },
	{ "write", "write", { "file_permission", "file_open" }, AM_COVER_ENFORCED, 0, NULL },
	{ "truncate", "write", { "path_truncate" }, AM_COVER_ENFORCED, 0, NULL },
	{ "create", "write", { "inode_create", "inode_mkdir", "inode_mknod", "inode_symlink" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "unlink", "write", { "inode_unlink", "inode_rmdir" }, AM_COVER_ENFORCED, 0, NULL },
	{ "link", "write", { "inode_link" }, AM_COVER_ENFORCED, 0, NULL },
	{ "rename", "write", { "inode_rename" }, AM_COVER_ENFORCED, 0, NULL },
	{ "attributes (mode, owner, xattr)", "write",
	  { "inode_setattr", "inode_setxattr", "inode_removexattr", "inode_getxattr" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "send", "send", { "socket_sendmsg", "file_permission" }, AM_COVER_ENFORCED, 0, NULL },
	{ "connect", "send", { "socket_connect" }, AM_COVER_ENFORCED, 0, NULL },
	{ "copy to a file, pipe or device", "send",
	  { "file_permission", "file_open", "mmap_file", "file_ioctl" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "child process", "send", { "task_alloc" }, AM_COVER_ENFORCED, 0, NULL },
	{ "from pipe to pipe (splice, tee, vmsplice)", "send",
	  { "get_pipe_info()", "splice_file_to_pipe()", "free_pipe_info()" }, AM_COVER_DETECTED, 0,
	  "labels follow, and what carries them is refused at its next use" },
	{ "exec", "send", { "bprm_check_security", "bprm_committed_creds", "cred_prepare" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "System V message queue", "send",
	  { "msg_queue_msgsnd", "msg_queue_msgrcv", "msg_queue_free_security" },
	  AM_COVER_ENFORCED, 0, NULL },
	{ "POSIX message queue", "send", { "do_mq_timedsend()", "do_mq_timedreceive()" },
	  AM_COVER_DETECTED, 0, "who receives carries the labels, and is not refused" },
	{ "value of a signal", "send", { "task_kill" }, AM_COVER_ENFORCED, 0, NULL },
	{ "sockets that send by themselves, keys, bpf", "send",
	  { "socket_create", "key_permission", "bpf" }, AM_COVER_ENFORCED, 0, NULL },
	{ "memory shared with a relative", "send", { NULL }, AM_COVER_OPEN, 0,
	  "a page that two processes share is written and read without asking the kernel" },
};

const size_t am_roads_count = sizeof(am_roads) / sizeof(am_roads[0]);

static const char *const words[AM_COVER_MAX_] = {
	[AM_COVER_INVALID] = "?",
	[AM_COVER_ENFORCED] = "enforced",
	[AM_COVER_DETECTED] = "detect-only",
	[AM_COVER_OPEN] = "not covered",
};

const char *am_cover_word(enum am_cover cover)
{
	return cover < AM_COVER_MAX_ ? words[cover] : "?";
}

enum am_cover am_road_cover(const struct am_coverage_road *road, am_has_hook has, void *ctx,
			    const char **ret_missing)
{
	size_t i;

	*ret_missing = NULL;
	for (i = 0; i < AM_ROAD_HOOKS && road->hooks[i]; i++) {
		if (has(ctx, road->hooks[i]))
			continue;
		*ret_missing = road->hooks[i];
		return road->without ? road->without : AM_COVER_OPEN;
	}
	return road->cover;
}
