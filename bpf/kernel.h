/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel types that our programs read, and only the members that they read:
 * it documents what we depend on. Offsets are relocated at load (CO-RE), so the
 * order here means nothing and one object fits 6.1, 6.12 and 7.x. */
#pragma once

#include <linux/types.h>
#include <linux/bpf.h>
#include <asm-generic/errno-base.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

typedef _Bool bool;
enum { false, true };
#define NULL ((void *)0)

#ifndef __ksym
#error "bpf_helpers.h is too old"
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

typedef struct {
	__u8 b[16];
} uuid_t;

struct dentry;

struct user_namespace {
	int level;
};

struct pipe_inode_info;

struct super_block {
	__u32 s_dev;
	struct user_namespace *s_user_ns;
	unsigned long s_flags;
	struct dentry *s_root;
	unsigned long s_magic;
	uuid_t s_uuid;
};

struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	__u32 i_nlink;
	__u32 i_rdev;
	__u32 i_generation;
	unsigned long i_ino;
	long long i_size;
	struct super_block *i_sb;
	struct pipe_inode_info *i_pipe;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	__u32 f_mode;
	__u32 f_flags;
	void *private_data;
};

/* What a descriptor of userfaultfd(2) is about. */
struct userfaultfd_ctx {
	struct mm_struct *mm;
};

struct perf_event_attr {
	__u32 type;
	__u64 sample_type;
};

struct perf_event {
	struct perf_event_attr attr;
	struct perf_event *parent;
};

struct kiocb {
	struct file *ki_filp;
};

struct coredump_params {
	struct file *file;
};

struct io_uring_cmd {
	struct file *file;
};

/* The descriptors of a process. */
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct iattr {
	unsigned int ia_valid;
};

struct key_type {
	const char *name;
};

struct key {
	struct key_type *type;
};

struct kernel_siginfo {
	int si_code;
};

struct kern_ipc_perm {
	int id;
};

struct msg_msg {
	long m_type;
};

/* Has a member for each LSM hook: tells how the arguments of some are. */
union security_list_options {
	void *inode_post_setattr;
};

struct mm_struct {
	struct file *exe_file;
};

struct vm_area_struct {
	struct file *vm_file;
	unsigned long vm_flags;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct group_info {
	int ngroups;
	kgid_t gid[];
};

struct cred {
	kuid_t euid;
	kgid_t egid;
	struct group_info *group_info;
};

struct kernfs_node {
	__u64 id;
	const char *name;
};

struct cgroup_root {
	int hierarchy_id;	/* 0: cgroup v2 */
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	int pid;
	int tgid;
	__u32 flags;
	unsigned int ptrace;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct files_struct *files;
	const struct cred *real_cred;
	struct css_set *cgroups;
	kuid_t loginuid;
	unsigned int sessionid;
	__u64 start_boottime;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
	char buf[256];
	unsigned long p;
	int argc;
	int envc;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	unsigned short skc_family;
	__u32 skc_daddr;
	__u16 skc_dport;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	__u16 sk_type;
};

struct socket {
	short type;
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
};

struct proto_ops {
	void *sendpage;		/* up to 6.4 */
};

#pragma clang attribute pop

/* Not a kernel type but the layout of one that user space and kernel share. */
struct am_sockaddr {
	__u16 family;
	__u16 port;
	union {
		__u32 v4;
		struct {
			__u32 flowinfo;
			__u8 v6[16];
		};
	};
};

enum {
	MAY_WRITE = 2,
	MAY_READ = 4,
	MAY_APPEND = 8,

	FMODE_READ = 1,
	FMODE_WRITE = 2,

	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,

	RENAME_EXCHANGE = 2,

	MAP_TYPE = 0x0f,
	MAP_PRIVATE = 0x02,
	VM_WRITE = 2,
	VM_SHARED = 8,
	VM_EXEC = 4,
	PF_IO_WORKER = 0x10,
	PF_DUMPCORE = 0x200,
	PF_KTHREAD = 0x200000,

	CLONE_VM = 0x100,
	CLONE_THREAD = 0x10000,

	PTRACE_MODE_ATTACH = 2,

	S_IWGRP = 020,
	S_IWOTH = 02,
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFREG = 0100000,
	S_IFBLK = 0060000,
	S_IFDIR = 0040000,
	S_IFCHR = 0020000,
	S_IFIFO = 0010000,

	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_PACKET = 17,
	AF_XDP = 44,

	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,

	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_UDPLITE = 136,
	IPPROTO_MPTCP = 262,
	NETLINK_USERSOCK = 2,

	ELF_MAGIC = 0x464c457f,	/* the first four bytes, little endian */

	MINORBITS = 20,

	SB_NOUSER_BIT = 31,	/* pipes, sockets: never mounted by a user */
};
