/* SPDX-License-Identifier: GPL-2.0 */
/* Where labels go: from a task that has read them to what it writes to, and to
 * the destinations that it may send them to. Only tasks that carry labels get
 * past the first look-up here. */
#pragma once

#include "access.h"

enum {
	/* File systems whose files are switches of the kernel, not places for data. */
	AM_MAGIC_PROC = 0x9fa0,
	AM_MAGIC_SYSFS = 0x62656572,
	AM_MAGIC_CGROUP2 = 0x63677270,
	AM_MAGIC_DEBUGFS = 0x64626720,
	AM_MAGIC_TRACEFS = 0x74726163,
	AM_MAGIC_SECURITYFS = 0x73636673,
	AM_MAGIC_ANON = 0x09041934,	/* rings, events, maps: no files */

	/* File systems whose files are somebody else's: of another host, or of the program that
	 * serves them. What is written there has left. */
	AM_MAGIC_FUSE = 0x65735546,
	AM_MAGIC_NFS = 0x6969,
	AM_MAGIC_9P = 0x01021997,
	AM_MAGIC_SMB = 0x517b,
	AM_MAGIC_SMB2 = 0xfe534d42,
	AM_MAGIC_CIFS = 0xff534d42,
	AM_MAGIC_CEPH = 0x00c36400,
	AM_MAGIC_AFS = 0x5346414f,
	AM_MAGIC_KAFS = 0x6b414653,
	AM_MAGIC_LUSTRE = 0x0bd00bd0,
	AM_MAGIC_VBOX = 0x786f4256,

	/* Major numbers of character devices. */
	AM_MAJOR_MEM = 1,
	AM_MINOR_KMSG = 11,
	AM_MAJOR_TTY = 4,
	AM_MAJOR_TTYAUX = 5,
	AM_MAJOR_PTS_FIRST = 136,
	AM_MAJOR_PTS_LAST = 143,
	AM_MAJOR_HVC = 229,
};

AM_INLINE bool am_is_switch(struct inode *inode)
{
	unsigned long magic = inode->i_sb->s_magic;

	return magic == AM_MAGIC_PROC || magic == AM_MAGIC_SYSFS || magic == AM_MAGIC_CGROUP2 ||
	       magic == AM_MAGIC_SECURITYFS || magic == AM_MAGIC_ANON;
}

/* Whether what is written to a file there goes to whoever serves the file system, by roads that
 * no hook sees. */
AM_INLINE bool am_is_served(struct inode *inode)
{
	switch (inode->i_sb->s_magic) {
	case AM_MAGIC_FUSE:
	case AM_MAGIC_NFS:
	case AM_MAGIC_9P:
	case AM_MAGIC_SMB:
	case AM_MAGIC_SMB2:
	case AM_MAGIC_CIFS:
	case AM_MAGIC_CEPH:
	case AM_MAGIC_AFS:
	case AM_MAGIC_KAFS:
	case AM_MAGIC_LUSTRE:
	case AM_MAGIC_VBOX:
		return true;
	default:
		return false;
	}
}

/* File systems that hand on what is written to them, such as trace_marker does. */
AM_INLINE bool am_is_outlet(struct inode *inode)
{
	unsigned long magic = inode->i_sb->s_magic;

	return magic == AM_MAGIC_DEBUGFS || magic == AM_MAGIC_TRACEFS;
}

/* Devices that swallow or are switches: nothing written can be read back. */
AM_INLINE bool am_is_sink(__u32 rdev)
{
	return rdev >> MINORBITS == AM_MAJOR_MEM &&
	       (rdev & ((1U << MINORBITS) - 1)) != AM_MINOR_KMSG;
}

AM_INLINE bool am_is_terminal(__u32 rdev)
{
	__u32 major = rdev >> MINORBITS;

	return major == AM_MAJOR_TTY || major == AM_MAJOR_TTYAUX || major == AM_MAJOR_HVC ||
	       (major >= AM_MAJOR_PTS_FIRST && major <= AM_MAJOR_PTS_LAST);
}

/* Zones of an address, narrowed to those that take the port. */
AM_GLOBAL int am_zones_of(const struct am_policy *policy, const struct am_dest *dest,
			  struct am_zones *zones)
{
	struct am_net_key net = { .prefixlen = 160 };
	struct am_fact_key port = { .kind = AM_FACT_PORT };
	const struct am_zones *found;
	const struct am_set *taking;
	struct am_zones at;
	struct am_set takes;
	__u32 i;

	if (!policy || !dest || !zones)
		return 0;
	net.generation = policy->generation;
	port.generation = policy->generation;
	port.value = AM_PORT(dest->proto, dest->port);
	__builtin_memcpy(net.addr, dest->addr, sizeof(net.addr));
	found = bpf_map_lookup_elem(&am_nets, &net);
	/* Networks and ports stay while somebody decides by their policy: no need for copy.h. Copied,
	 * so that what was found is one case to the verifier, wherever it was. */
	at = found ? *found : policy->zones_unlisted;
	taking = bpf_map_lookup_elem(&am_facts, &port);
	if (!taking) {
		port.value = AM_PORT(dest->proto, 0);
		taking = bpf_map_lookup_elem(&am_facts, &port);
	}
	takes = taking ? *taking : policy->unlisted[AM_FACT_PORT];
	/* One that does not take the port becomes 0, `anywhere`: no branch, so the
	 * verifier has one path to follow. */
	zones->count = at.count;
	for (i = 0; i < AM_ZONE_HITS; i++)
		zones->id[i] = at.id[i] & (0 - am_set_has(&takes, at.id[i]));
	return 0;
}

/* As am_object_decide(). */
AM_NOINLINE void am_send_decide(struct am_case *c)
{
	am_decide_send(&c->f, &c->d);
	am_decided(&c->d);
	am_case_close(c);
}

/* Decides a send of all that the task carries. `dest` may be NULL with a zone. `zone` >= 0 names the zone, else
 * the destination's address does. An allowed send is told once for each object,
 * where there is one: `o` may be NULL. `bytes` is as in struct am_case. */
AM_GLOBAL int am_send(const struct am_object *o, const struct am_dest *dest, int zone, __u32 act,
		      __u32 bytes)
{
	struct am_case c = {
		.kind = AM_EVENT_SEND,
		.act = act,
		.f = { .op = AM_OP_SEND },
		.bytes = bytes,
	};
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader = am_leader_of(task);
	const struct am_policy *policy = am_policy_now();
	struct am_task *own;

	c.f.labels = am_labels_of(leader);
	if (!c.f.labels)
		return 0;
	own = am_task_make(task);
	am_facts_find(policy, &c, NULL, own, leader);
	if (dest)
		c.dest = *dest;
	if (zone > AM_ZONE_ANYWHERE) {
		c.f.zones.count = 1;
		c.f.zones.id[0] = zone;
	} else if (zone < 0 && policy) {
		am_zones_of(policy, &c.dest, &c.f.zones);
	}
	c.f.policy = policy;	/* the functions above have lost it */
	c.f.store = NULL;
	am_send_decide(&c);
	if (o)
		am_case_object(&c, o);
	am_case_tell(&c, own, o);
	return am_verdict_return(&c.d);
}

/* A way out that is no object and has no address: it needs a rule for `anywhere`, or `local` where
 * only this host can look. */
AM_INLINE int am_outlet_checked(int zone, __u32 act)
{
	return am_send(NULL, NULL, zone, act, AM_CALL_UNSIZED);
}

/* The object has the labels from now on. */
AM_NOINLINE int am_spill_onto(struct inode *inode, const struct am_object *o, __u64 labels)
{
	struct am_tag value = { .labels = labels }, *tag = am_tag_create(inode, &value);

	if (!tag)
		return -EACCES;	/* closed: labels that cannot be kept would be lost */
	if (am_object_kind(o) == S_IFREG && am_stray_keep(o->inode, tag))
		return -EACCES;
	am_count(AM_COUNT_SPILLED);
	return am_pipe_gain(o, labels);
}

/* Decides whether what the current task carries may reach an object that has no tag. */
AM_GLOBAL int am_spill_decide(const struct am_object *o, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = { .kind = AM_EVENT_SPILL, .act = act, .f = { .op = AM_OP_WRITE } };
	struct am_task *leader = am_leader_of(task);

	if (!o)
		return 0;
	c.f.labels = am_labels_of(leader);
	am_case_decide(&c, task, leader);
	am_case_object(&c, o);
	am_case_record(&c);
	return am_verdict_return(&c.d);
}

/* A task with labels writes to an object that has no tag yet: a file, a pipe. */
AM_INLINE int am_spill(struct inode *inode, const struct am_object *o, __u32 act)
{
	int r = am_spill_decide(o, act);

	if (r)
		return r;
	return am_spill_onto(inode, o, am_labels_of(am_leader_of(bpf_get_current_task_btf())));
}

/* Devices: a terminal is a zone, a sink takes anything, any other device is a
 * way off the host that only a rule for `anywhere` opens. */
AM_INLINE int am_device_zone(struct inode *inode, __u32 kind)
{
	if (kind == S_IFCHR && am_is_terminal(inode->i_rdev))
		return AM_ZONE_TERMINAL;
	return AM_ZONE_ANYWHERE;
}

/* A write by the current task, which carries labels, to an object without a tag, sockets aside. */
AM_INLINE int am_labelled_write(struct inode *inode, const struct am_object *o, __u32 act)
{
	__u32 kind = am_object_kind(o);

	if (kind == S_IFCHR && am_is_sink(inode->i_rdev))
		return 0;
	if (kind == S_IFCHR || kind == S_IFBLK ||
	    (kind == S_IFREG && (am_is_outlet(inode) || am_is_served(inode))))
		return am_send(o, NULL, am_device_zone(inode, kind), act, AM_CALL_UNSIZED);
	if ((kind == S_IFREG && !am_is_switch(inode)) || kind == S_IFIFO)
		return am_spill(inode, o, act);
	return 0;
}

/* The same of any task. */
AM_INLINE int am_untagged_write(struct inode *inode, const struct am_object *o, __u32 act)
{
	struct am_task *leader = am_leader_of(bpf_get_current_task_btf());

	return am_labels_of(leader) ? am_labelled_write(inode, o, act) : 0;
}
