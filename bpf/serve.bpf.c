// SPDX-License-Identifier: GPL-2.0
/* What user space cannot do where tags are in tables: it has descriptors, the tables have
 * addresses. So the agent writes am_request and asks for a watch (inotify) on the descriptor's
 * file, which needs no open and no more than a path, O_PATH's too:
 *   path_notify   as the agent: serves the request and refuses the watch */
#include "access.h"
#include "hook.h"

struct am_request am_request;

AM_INLINE int tag_read(struct inode *inode)
{
	struct am_tag *tag = am_tag_of(inode);

	if (!tag)
		return -ENOENT;
	am_request.tag = *tag;
	return 0;
}

/* A root without a tag of its own: what is below finds it by climbing. */
AM_INLINE int root_keep(struct inode *inode, struct am_tag *value)
{
	__u32 dev = inode->i_sb->s_dev;

	am_stray_keep(am_address(inode), value);
	bpf_map_update_elem(&am_devices, &dev, &dev, BPF_ANY);
	__sync_fetch_and_or(&am_sealing, AM_SEALING_OWED);
	return 0;
}

/* In place, while others look: `next` goes last, see am_tag_id(). */
AM_INLINE void tag_write(struct am_tag *tag, const struct am_tag *value)
{
	tag->labels = value->labels;
	tag->store = value->store;
	tag->flags = value->flags;
	asm volatile("" ::: "memory");
	tag->next = value->next;
}

AM_INLINE int tag_put(struct inode *inode, bool replace)
{
	struct am_tag value = am_request.tag, *tag = am_tag_of(inode);

	if (tag && !replace)
		return -EEXIST;
	if (!tag)
		tag = am_tag_create(inode, &value);
	if (!tag)
		return value.flags & AM_TAG_ROOT ? root_keep(inode, &value) : -ENOSPC;
	tag_write(tag, &value);
	return 0;
}

AM_INLINE int exe_put(struct inode *inode)
{
	__u64 at = (__u64)inode;
	__u32 id = am_request.exe;

	return bpf_map_update_elem(&am_exe_ids, &at, &id, BPF_ANY) ? -ENOSPC : 0;
}

AM_INLINE int exe_delete(struct inode *inode)
{
	__u64 at = (__u64)inode;

	return bpf_map_delete_elem(&am_exe_ids, &at) ? -ENOENT : 0;
}

AM_INLINE int serve(struct inode *inode, __u32 op)
{
	if (op == AM_REQUEST_TAG_READ)
		return tag_read(inode);
	if (op == AM_REQUEST_TAG_ADD)
		return tag_put(inode, false);
	if (op == AM_REQUEST_TAG_REPLACE)
		return tag_put(inode, true);
	if (op == AM_REQUEST_EXE_PUT)
		return exe_put(inode);
	if (op == AM_REQUEST_EXE_DELETE)
		return exe_delete(inode);
	return -EINVAL;
}

AM_MOD(am_serve_m, security_path_notify, const struct path *path)
{
	struct inode *inode = path->dentry->d_inode;
	struct am_task *leader;

	if (!am_request.op || am_is_null(inode))
		return 0;
	leader = am_leader_of(bpf_get_current_task_btf());
	if (!leader || !(leader->flags & AM_TASK_AGENT))
		return 0;
	am_request.result = serve(inode, am_request.op);
	am_request.op = AM_REQUEST_NONE;
	return -EBUSY;
}
