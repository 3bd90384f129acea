/* SPDX-License-Identifier: GPL-2.0 */
/* Which script a process runs: noted as it is executed, for nothing in the kernel knows it
 * afterwards. Its path is kept once per file, and travels with each event. */
#pragma once

#include "emit.h"

/* A file that is being executed; addresses, as a global function can take them. */
struct am_executed {
	struct am_script_key key;
	__u64 dentry;
	__u64 mnt;
};

AM_INLINE void am_executed_of(struct file *file, struct am_executed *ret)
{
	struct inode *inode = file->f_inode;

	ret->key.ino = inode->i_ino;
	ret->key.dev = inode->i_sb->s_dev;
	ret->key.igen = inode->i_generation;
	ret->dentry = (__u64)file->f_path.dentry;
	ret->mnt = (__u64)file->f_path.mnt;
}

/* Without room for it events say that there was a script, and not which. */
AM_GLOBAL int am_script_keep(const struct am_executed *file)
{
	struct am_scratch *s;
	struct am_script_key key;
	struct am_script *script;
	long r;

	if (!file)
		return -ENOMEM;
	key = file->key;
	s = am_scratch_claim();
	if (!s)
		return -ENOMEM;
	s->off = 0;
	script = (struct am_script *)s->strings;
	script->cut = am_names(s, file->dentry, file->mnt, AM_SCRIPT_LEN);
	script->len = s->off;
	r = bpf_map_update_elem(&am_scripts, &key, script, BPF_ANY);
	am_scratch_release(s);
	return r ? -ENOMEM : 0;
}
