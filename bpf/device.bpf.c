// SPDX-License-Identifier: GPL-2.0
/* Roads to stored bytes that lead past their files:
 *   file_ioctl   a loop device over a stored file; commands that read a disk; memory that is
 *                given to a device, or to another process
 * Opening, reading and mapping such a device is asked about in file.bpf.c. */
#include "handed.h"
#include "raw.h"
#include "hook.h"

enum {
	LOOP_SET_FD = 0x4c00,
	LOOP_CHANGE_FD = 0x4c06,
	LOOP_CONFIGURE = 0x4c0a,
	AM_FDS_MAX = 1 << 20,
};

/* The file behind one of the current task's descriptors, as an address. */
AM_INLINE __u64 fd_file(__u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), &slots[fd]);
	return (__u64)file;
}

/* Whether an inode that is known by its address only has a tag: one is kept for it, or for a
 * folder above its name. */
AM_NOINLINE bool is_tagged_at(__u64 inode, __u64 dentry)
{
	struct am_object o = { .inode = inode, .dentry = dentry };
	struct am_tag found = {};

	return am_stray_find(inode, &found) || am_search(&o, &found) == AM_SEARCHED_FOUND;
}

/* Reading through a loop device asks nobody from 6.12 on, nor does mounting it anywhere, nor
 * does a buffer that a device and others share. So who will read the file is an unknown fact,
 * whoever gives it to the device. */
AM_NOINLINE int file_given(struct file *device, __u64 address, __u32 act)
{
	struct file *file = (struct file *)address;
	struct am_tag raw = { .flags = AM_TAG_DETACHED };
	struct am_object o = am_object_of(device->f_inode, 0, 0);
	__u64 inode = (__u64)BPF_CORE_READ(file, f_inode);
	__u64 dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);

	if (!inode || !is_tagged_at(inode, dentry))
		return 0;
	o.dentry = dentry;
	o.mnt = (__u64)BPF_CORE_READ(file, f_path.mnt);
	return am_access(&o, &raw, AM_OP_READ, act);
}

AM_INLINE int loop_made(struct file *loop, unsigned int cmd, unsigned long arg)
{
	__u32 fd = arg;
	__u64 file;

	if (cmd == LOOP_CONFIGURE && bpf_probe_read_user(&fd, sizeof(fd), (void *)arg))
		return 0;	/* the kernel cannot read it either */
	file = fd_file(fd);
	return file ? file_given(loop, file, AM_ACT_LOOP) : 0;
}

/* Looks at one file of a list; the first that has labels is found. These are files in memory without a
 * folder, so what is kept for them is all there is. */
static long buffer_part(__u32 i, struct am_buffer_list *list)
{
	struct am_tag kept = {};
	struct file *file;
	__u32 fd;

	if (i >= list->count ||
	    bpf_probe_read_user(&fd, sizeof(fd), (void *)(list->at + i * list->step)))
		return 1;
	file = (struct file *)fd_file(fd);
	if (file && am_stray_find((__u64)BPF_CORE_READ(file, f_inode), &kept))
		list->found = (__u64)file;
	return list->found != 0;
}

/* One with labels among the files of a buffer, as an address; 0: none has. */
AM_NOINLINE __u64 buffer_file(__u32 cmd, __u64 arg)
{
	struct am_buffer_list list = {};

	if (am_buffer_list_of(cmd, arg, &list))
		return 0;	/* the kernel cannot read it either */
	bpf_loop(AM_BUFFER_PARTS, buffer_part, &list, 0);
	return list.found;
}

/* A dma-buf of the pages of files: whoever has it maps them without their files. */
AM_INLINE int buffer_made(struct file *device, __u32 cmd, __u64 arg)
{
	__u64 file = buffer_file(cmd, arg);

	return file ? file_given(device, file, AM_ACT_MMAP) : 0;
}

/* linux/fs.h; the second is for programs of 32 bits, and a number of the same meaning. */
enum {
	AM_IOC_SETFLAGS = 0x40086602,
	AM_IOC32_SETFLAGS = 0x40046602,
	AM_IOC_FSSETXATTR = 0x401c5820,
	AM_IOC_SETVERSION = 0x40087602,
	AM_IOC32_SETVERSION = 0x40047602,
};

AM_INLINE bool sets_flags(__u32 cmd)
{
	return cmd == AM_IOC_SETFLAGS || cmd == AM_IOC32_SETFLAGS || cmd == AM_IOC_FSSETXATTR ||
	       cmd == AM_IOC_SETVERSION || cmd == AM_IOC32_SETVERSION;
}

/* A file that cannot be changed any more has been changed. */
AM_INLINE int flags_checked(struct file *file)
{
	return am_change(file->f_inode, (__u64)file->f_path.dentry, (__u64)file->f_path.mnt,
			 AM_ACT_ATTR);
}

AM_HOOK(am_ioctl, file_ioctl, struct file *file, unsigned int cmd, unsigned long arg)
{
	struct inode *inode = file->f_inode;
	__u32 kind = inode->i_mode & S_IFMT;

	if (kind == S_IFREG || kind == S_IFDIR)
		return sets_flags(cmd) ? flags_checked(file) :
		       cmd == AM_UFFDIO_COPY ? am_memory_put(file) : 0;
	if (!kind)
		return cmd == AM_UFFDIO_COPY ? am_memory_put(file) : 0;
	if (kind != S_IFBLK && kind != S_IFCHR)
		return 0;
	if (kind == S_IFBLK && inode->i_rdev >> MINORBITS == AM_MAJOR_LOOP &&
	    (cmd == LOOP_SET_FD || cmd == LOOP_CHANGE_FD || cmd == LOOP_CONFIGURE))
		return loop_made(file, cmd, arg);
	if (kind == S_IFCHR && am_makes_buffer(cmd))
		return buffer_made(file, cmd, arg);
	if (kind == S_IFCHR && cmd == AM_VHOST_SET_OWNER)
		return am_worker_made();
	return am_raw_command(file);
}
