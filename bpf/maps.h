/* SPDX-License-Identifier: GPL-2.0 */
/* Every map, and the globals that user space shares. Names fit 15 characters,
 * or the kernel cuts them. Value types and their meaning: abi.h. */
#pragma once

#include "abi.h"
#include "kernel.h"

enum {
	AM_FACTS_ROOM = 131072,
	AM_NETS_ROOM = 16384,
	AM_STRAYS_ROOM = 65536,
	AM_URGENT_BYTES = 1 << 20,
	AM_BULK_BYTES = 4 << 20,
	AM_SCRATCH_SLOTS = 4,
	AM_NAME_MAX = 256,	/* one name with its NUL */
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
	char strings[2 * AM_PATH_LEN + AM_NAME_MAX];
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

/* Seal walks that are not done: while there are any, an untagged file climbs its
 * parents. Raised by whoever makes a walk necessary, lowered by the agent. */
extern __u64 am_sealing;

/* Raised by the agent when facts change under a policy (an executable replaced, a
 * unit started): subjects found before count no more. */
extern __u32 am_epoch;

/* Not zero once anything was entered into am_strays. */
extern __u64 am_have_strays;
