/* SPDX-License-Identifier: GPL-2.0 */
/* Every map, and the globals that user space shares. Names fit 15 characters,
 * or the kernel cuts them. Value types and their meaning: abi.h. */
#pragma once

#include "decide.h"
#include "kernel.h"

/* Multiplied by it, bits that are alike come to differ. */
#define AM_MIX 0x9e3779b97f4a7c15ULL

enum {
	AM_FACTS_ROOM = 131072,
	AM_NETS_ROOM = 16384,
	AM_UNITS_ROOM = 1024,	/* two policies with a cgroup for each subject, twice over */
	AM_STRAYS_ROOM = 65536,
	AM_CHANNELS_ROOM = 16384,
	AM_RAWS_ROOM = 4096,
	AM_FAMILIES_ROOM = 32768,
	AM_SCRIPTS_ROOM = 2048,
	AM_URGENT_BYTES = 1 << 20,
	AM_BULK_BYTES = 4 << 20,
	AM_SCRATCH_SLOTS = 4,
	AM_NAME_MAX = 256,	/* one name with its NUL */
	AM_STRINGS = 4096,	/* where strings may begin; a power of two, for a mask */
	AM_FILTER_BITS = 18,
	AM_FILTER_SLOTS = 1 << AM_FILTER_BITS,
	AM_INODES_ROOM = 65536,	/* at least; the agent makes it fit the host's memory */
	AM_EXE_IDS_ROOM = 65536,
};

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct am_tag);
} am_tags SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} am_exes SEC(".maps") __weak;

/* In place of the two above where the kernel has no inode storage for us, see tag.h. Keys are
 * addresses of inodes. Only one pair of them is ever made. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_INODES_ROOM);
	__type(key, __u64);
	__type(value, struct am_inode);
} am_inodes SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_EXE_IDS_ROOM);
	__type(key, __u64);
	__type(value, __u32);
} am_exe_ids SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct am_task);
} am_tasks SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_STRAYS_ROOM);
	__type(key, struct am_inode_key);
	__type(value, struct am_tag);
} am_strays SEC(".maps") __weak;

/* Devices (s_dev) that hold a store's root. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_STORES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} am_devices SEC(".maps") __weak;

/* Labels of what carries data and has no inode of its own that a program could hang them on:
 * pipes and message queues, by address. Gone before their memory is used again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_CHANNELS_ROOM);
	__type(key, __u64);
	__type(value, __u64);
} am_channels SEC(".maps") __weak;

/* Processes that see each other's memory, see family.h. */
struct am_family {
	__u64 number;
	__u64 labels;
	__u64 next;		/* the family that this one has become part of, 0 = none */
	__u64 members;		/* processes, and families that point here */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_FAMILIES_ROOM);
	__type(key, __u64);
	__type(value, struct am_family);
} am_families SEC(".maps") __weak;

extern __u64 am_family_last;

/* Devices whose bytes are those of stores: disks below the file systems that hold roots, and
 * the kernel's memory. Key: AM_RAW(kind, rdev). The agent fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_RAWS_ROOM);
	__type(key, __u64);
	__type(value, __u32);
} am_raws SEC(".maps") __weak;

/* The grant by which a process runs under a purpose: its number, set by the agent on the
 * leader, through a pidfd, and inherited. Apart from am_tasks, whose labels an update
 * would undo. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} am_purposes SEC(".maps") __weak;

/* The purpose of each grant that holds. What a new policy does not grant any more leaves
 * it, and so ends for everybody who has inherited it. Numbers are not used again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_GRANTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} am_grants SEC(".maps") __weak;

/* Paths of scripts that run, or ran. What has not been asked about for longest makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, AM_SCRIPTS_ROOM);
	__type(key, struct am_script_key);
	__type(value, struct am_script);
} am_scripts SEC(".maps") __weak;

/* The policy in force: one slot, whose update is the transaction point. A live
 * inner map is frozen and never edited. */
struct am_policy_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct am_policy));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, struct am_policy_map);
} am_policies SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_FACTS_ROOM);
	__type(key, struct am_fact_key);
	__type(value, struct am_set);
} am_facts SEC(".maps") __weak;

/* What a policy calls cgroups, by path or unit, for those that are made under it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_UNITS_ROOM);
	__type(key, struct am_unit_key);
	__type(value, struct am_set);
} am_units SEC(".maps") __weak;

/* Where such a key is put together. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct am_unit_key);
} am_unit_slots SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AM_NETS_ROOM);
	__type(key, struct am_net_key);
	__type(value, struct am_zones);
} am_nets SEC(".maps") __weak;

/* Findings, and what must not be lost; allowed accesses cannot crowd them out. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, AM_URGENT_BYTES);
} am_urgent SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, AM_BULK_BYTES);
} am_bulk SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AM_COUNT_MAX_);
	__type(key, __u32);
	__type(value, __u64);
} am_counts SEC(".maps") __weak;

/* Where a record is put together. A program can be preempted by another on its
 * CPU, so each claims a slot; none free is counted like a full ring. */
struct am_scratch {
	__u64 busy;
	__u64 off;		/* of the next string */
	struct am_event event;
	char strings[AM_STRINGS + AM_PATH_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AM_SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct am_scratch);
} am_scratches SEC(".maps") __weak;

/* Last sequence number per CPU: [0] urgent, [1] bulk. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} am_seqs SEC(".maps") __weak;

/* What makes a hook look twice at an untagged file, in one word, so that it costs one look:
 *   low half    seal walks that are not done: while there are any, an untagged file climbs
 *               its parents. Raised by whoever makes a walk necessary, lowered by the agent.
 *   high half   entries of am_channels: while there are any, a pipe asks for its labels there
 *   last bit    AM_SEALING_OWED: some tag could not be had. The agent takes it out once all is
 *               walked anew under a policy and none was refused meanwhile
 *   bit 62      AM_SEALING_RECALL: files outside the stores whose tags have another id now are
 *               being looked for by the agent */
extern __u64 am_sealing;

enum { AM_CHANNEL_SHIFT = 32 };

AM_INLINE bool am_is_sealing(void)
{
	return (am_sealing & (AM_SEALING_FLAGS | 0xffffffff)) != 0;
}

AM_INLINE bool am_have_channels(void)
{
	return (am_sealing & ~AM_SEALING_FLAGS) >> AM_CHANNEL_SHIFT != 0;
}

/* Raised by the agent when facts change under a policy (an executable replaced, a
 * unit started): subjects found before count no more. */
extern __u32 am_epoch;

/* Set by the agent while it cannot record anything: its disk is full, or has failed. */
extern __u32 am_ledger_out;

/* Not zero once anything was entered into am_strays. */
extern __u64 am_have_strays;
