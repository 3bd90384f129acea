// SPDX-License-Identifier: GPL-2.0
/* Roads to a stored byte, through a file:
 *   file_open        each open, before it returns a descriptor
 *   file_permission  each read and write on an open descriptor, readdir included;
 *                    on a socket: sendfile and splice into it
 *   mmap_file        each mapping; mmap_backing_file: of the file below an overlay's
 *   file_mprotect    a mapping that becomes accessible later
 *   path_truncate, file_truncate   a write without a descriptor's write
 *
 * The first lines of each are the whole cost for files that nobody protects. The
 * busiest hooks therefore keep nothing but their context across the look-up, and
 * what comes after takes its arguments from there again. None asks what an earlier
 * program returned: the trampoline runs no program after one that refused. */
#include "hook.h"
#include "net.h"
#include "raw.h"

char LICENSE[] SEC("license") = "GPL";

/* Up to 6.4 overlayfs opens the real file under its own path, and a mapping of it is
 * asked about for the overlay's inode only. So there opening counts as mapping. */
AM_INLINE bool is_below_overlay(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;

	return BPF_CORE_READ(dentry, d_inode) != file->f_inode;
}

AM_NOINLINE int open_checked(unsigned long long *ctx, struct am_tag *tag)
{
	struct file *file = (struct file *)ctx[0];
	struct am_object o = am_object_of_file(file);
	struct am_tag room = {};
	__u32 mode = file->f_mode;
	int r = 0;

	tag = am_tag_settle(file->f_inode, &o, tag, &room);
	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	if (!tag)
		return 0;
	if (tag->flags & AM_TAG_RAW)
		return am_raw_access(file->f_inode, &o, tag, AM_ACT_OPEN);
	if (mode & FMODE_READ)
		r = am_access(&o, tag, AM_OP_READ,
			      is_below_overlay(file) ? AM_ACT_MMAP : AM_ACT_OPEN);
	if (!r && (mode & FMODE_WRITE))
		r = am_access(&o, tag, AM_OP_WRITE, AM_ACT_OPEN);
	return r;
}

SEC("?lsm/file_open")	/* struct file *file */
int am_file_open(unsigned long long *ctx)
{
	struct am_tag *tag = am_tag_stored(((struct file *)ctx[0])->f_inode);

	if (!tag && !am_sealing)
		return 0;
	return am_hook_return(open_checked(ctx, tag));
}

SEC("?fmod_ret/security_file_open")
int am_file_open_m(unsigned long long *ctx)
{
	struct am_tag *tag = am_tag_hashed(((struct file *)ctx[0])->f_inode);

	if (!tag && !am_sealing)
		return 0;
	return am_hook_return(open_checked(ctx, tag));
}

/* A pipe may have got labels where its inode could not be given any. */
AM_NOINLINE struct am_tag *pipe_tag(struct inode *inode, struct am_tag *tag)
{
	struct am_tag value = { .labels = am_channel_labels((__u64)inode->i_pipe) };

	if (!value.labels)
		return tag;
	if (!tag)
		return am_tag_create(inode, &value);
	if (value.labels & ~tag->labels)
		__sync_fetch_and_or(&tag->labels, value.labels);
	return tag;
}

/* Apart from files: what comes after needs the stack. */
AM_NOINLINE int socket_checked(unsigned long long *ctx)
{
	return ctx[1] & MAY_WRITE ? am_socket_write((struct file *)ctx[0]) : 0;
}

AM_INLINE bool is_socket(unsigned long long *ctx)
{
	struct inode *inode = ((struct file *)ctx[0])->f_inode;

	return (inode->i_mode & S_IFMT) == S_IFSOCK;
}

AM_NOINLINE int use_checked(unsigned long long *ctx, struct am_tag *tag)
{
	struct file *file = (struct file *)ctx[0];
	struct am_object o = am_object_of_file(file);
	struct inode *inode = file->f_inode;
	struct am_tag room = {};
	int mask = ctx[1], r = 0;

	if (am_object_kind(&o) == S_IFIFO)
		tag = pipe_tag(inode, tag);
	tag = am_tag_settle(inode, &o, tag, &room);
	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	if (tag && (tag->flags & AM_TAG_RAW)) {
		r = am_raw_access(inode, &o, tag, AM_ACT_RAW);
		if (r)
			return r;
		tag = NULL;
	}
	if (!tag)
		return mask & (MAY_WRITE | MAY_APPEND) ?
			       am_untagged_write(inode, &o, AM_ACT_WRITE) : 0;
	if (mask & MAY_READ)
		r = am_access(&o, tag, AM_OP_READ, AM_ACT_READ);
	if (!r && (mask & (MAY_WRITE | MAY_APPEND)))
		r = am_access(&o, tag, AM_OP_WRITE, AM_ACT_WRITE);
	return r;
}

SEC("?lsm/file_permission")	/* struct file *file, int mask */
int am_file_use(unsigned long long *ctx)
{
	struct am_tag *tag = am_tag_stored(((struct file *)ctx[0])->f_inode);

	if (!tag && !(ctx[1] & (MAY_WRITE | MAY_APPEND)) && !am_sealing)
		return 0;
	return am_hook_return(is_socket(ctx) ? socket_checked(ctx) : use_checked(ctx, tag));
}

SEC("?fmod_ret/security_file_permission")
int am_file_use_m(unsigned long long *ctx)
{
	struct am_tag *tag = am_tag_hashed(((struct file *)ctx[0])->f_inode);

	if (!tag && !(ctx[1] & (MAY_WRITE | MAY_APPEND)) && !am_sealing)
		return 0;
	return am_hook_return(is_socket(ctx) ? socket_checked(ctx) : use_checked(ctx, tag));
}

AM_NOINLINE int map_checked(struct file *file, bool writes, __u32 act)
{
	struct am_object o = am_object_of_file(file);
	struct inode *inode = file->f_inode;
	struct am_tag room = {}, *tag = am_tag_settle(inode, &o, am_tag_of(inode), &room);
	int r;

	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	if (tag && (tag->flags & AM_TAG_RAW)) {
		r = am_raw_access(inode, &o, tag, AM_ACT_RAW);
		if (r)
			return r;
		tag = NULL;
	}
	if (!tag)
		return writes ? am_untagged_write(inode, &o, act) : 0;
	r = am_access(&o, tag, AM_OP_READ, act);
	if (!r && writes)
		r = am_access(&o, tag, AM_OP_WRITE, act);
	return r;
}

/* PROT_NONE counts as a read: what it will become is not known yet. */
AM_INLINE int mapping(struct file *file, unsigned long prot, unsigned long flags)
{
	if (!file)
		return 0;
	if ((prot & PROT_EXEC) && am_code_mapped(file, AM_ACT_MMAP))
		return -EACCES;
	return map_checked(file, (prot & PROT_WRITE) && (flags & MAP_TYPE) != MAP_PRIVATE,
			   AM_ACT_MMAP);
}

AM_LSM(am_mmap_file, mmap_file, struct file *file, unsigned long reqprot, unsigned long prot,
       unsigned long flags)
{
	return am_hook_return(mapping(file, prot, flags));
}

/* `prot` is as asked for: personality(READ_IMPLIES_EXEC) comes in behind it. */
AM_MOD(am_mmap_file_m, security_mmap_file, struct file *file, unsigned long prot,
       unsigned long flags)
{
	return am_hook_return(mapping(file, prot, flags));
}

/* The real file below an overlay's that is being mapped. */
AM_HOOK(am_mmap_below, mmap_backing_file,	/* from 6.12 on */
	struct vm_area_struct *vma, struct file *file, struct file *user)
{
	__u64 flags = vma->vm_flags;

	return map_checked(file, (flags & VM_WRITE) && (flags & VM_SHARED), AM_ACT_MMAP);
}

AM_HOOK(am_mprotect, file_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	unsigned long prot)
{
	struct file *file = vma->vm_file;

	if (!file)
		return 0;
	if ((prot & PROT_EXEC) && !(vma->vm_flags & VM_EXEC) &&
	    am_code_mapped(file, AM_ACT_MPROTECT))
		return -EACCES;
	return map_checked(file, (prot & PROT_WRITE) && (vma->vm_flags & VM_SHARED),
			   AM_ACT_MPROTECT);
}

AM_NOINLINE int truncate_checked(struct inode *inode, __u64 dentry, __u64 mnt)
{
	struct am_object o = am_object_of(inode, dentry, mnt);
	struct am_tag room = {}, *tag = am_tag_settle(inode, &o, am_tag_of(inode), &room);

	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	return tag ? am_access(&o, tag, AM_OP_WRITE, AM_ACT_TRUNCATE) : 0;
}

AM_HOOK(am_truncate, path_truncate, const struct path *path)
{
	struct dentry *dentry = path->dentry;
	struct inode *inode = dentry->d_inode;

	return inode ? truncate_checked(inode, (__u64)dentry, (__u64)path->mnt) : 0;
}

AM_HOOK(am_ftruncate, file_truncate, struct file *file)	/* from 6.2 on */
{
	return truncate_checked(file->f_inode, (__u64)file->f_path.dentry, (__u64)file->f_path.mnt);
}
