/* SPDX-License-Identifier: GPL-2.0 */
/* Decisions and what they must be: one policy, made word by word, and facts to
 * decide on under it. Data only, so that whatever runs am_decide() can be fed with
 * it: the test beside this file, and a kernel through BPF_PROG_TEST_RUN.
 *
 * The policy (labels L0..., subjects S0..., zones Z4...):
 *   HOUSE    L0 L1  enforce   S0 reads and writes, S1 denied to read, S255 reads
 *   YARD     L1     observe   S64 reads; on-error: allow
 *   CLINIC   L0     enforce   S0 reads, for purposes 3 and 63 only; S1 denied to read
 *   ATTIC    L2     enforce   in the last slot; S0 reads and is denied to read; on-error: allow
 *   label    L3     is in no store; L63 read by S128, enforce
 *   spill    L2 L63 may not leave
 *   send     L0: S0 to Z4 and local, denied to Z5; S192 to anywhere
 *            L1: S0 to Z4; S1 denied to anywhere; S0 to Z18
 *            L63: S0 denied to the terminal; anyone with S128 to Z255 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "decide.h"

#define DECIDE_L(n) (1ULL << (n))
#define DECIDE_W(word, n) ((n) / 64 == (word) ? 1ULL << ((n) % 64) : 0)
#define DECIDE_S2(n, m)                                              \
	{ { DECIDE_W(0, n) | DECIDE_W(0, m), DECIDE_W(1, n) | DECIDE_W(1, m), \
	    DECIDE_W(2, n) | DECIDE_W(2, m), DECIDE_W(3, n) | DECIDE_W(3, m) } }
#define DECIDE_S(n) DECIDE_S2(n, n)

enum {
	DECIDE_HOUSE = 1 << AM_STORE_SLOT_BITS | 1,
	DECIDE_YARD = 1 << AM_STORE_SLOT_BITS | 2,
	DECIDE_CLINIC = 1 << AM_STORE_SLOT_BITS | 3,
	DECIDE_ATTIC = 7 << AM_STORE_SLOT_BITS | AM_STORE_SLOT_MASK,
	DECIDE_STALE = 6 << AM_STORE_SLOT_BITS | AM_STORE_SLOT_MASK,	/* an earlier ATTIC */
	DECIDE_UNUSED = 1 << AM_STORE_SLOT_BITS | 9,
};

struct decide_case {
	const char *name;
	bool no_policy;
	bool unrecorded;	/* no record can be made */
	/* facts; `store` is the id of a tag, 0 for none */
	uint32_t store;
	uint8_t op, tagged, unknown;
	uint32_t purpose;
	struct am_set bits;
	struct am_zones zones;
	uint64_t labels;
	/* what must come out */
	uint8_t verdict, reason, enforce;
	uint64_t culprits;
};

static inline void decide_bit(struct am_set *set, unsigned bit)
{
	set->w[bit / 64] |= 1ULL << (bit % 64);
}

static inline void decide_policy_stores(struct am_policy *p)
{
	struct am_store *house = &p->stores[DECIDE_HOUSE & AM_STORE_SLOT_MASK];
	struct am_store *yard = &p->stores[DECIDE_YARD & AM_STORE_SLOT_MASK];
	struct am_store *clinic = &p->stores[DECIDE_CLINIC & AM_STORE_SLOT_MASK];
	struct am_store *attic = &p->stores[DECIDE_ATTIC & AM_STORE_SLOT_MASK];

	house->id = DECIDE_HOUSE;
	house->flags = AM_STORE_ENFORCE;
	house->labels = DECIDE_L(0) | DECIDE_L(1);
	decide_bit(&house->read.allow, 0);
	decide_bit(&house->read.allow, 255);
	decide_bit(&house->read.deny, 1);
	decide_bit(&house->write.allow, 0);

	yard->id = DECIDE_YARD;
	yard->flags = AM_STORE_ERROR_ALLOW | AM_STORE_STRICT;
	yard->labels = DECIDE_L(1);
	decide_bit(&yard->read.allow, 64);

	clinic->id = DECIDE_CLINIC;
	clinic->flags = AM_STORE_ENFORCE | AM_STORE_STRICT;
	clinic->labels = DECIDE_L(0);
	clinic->purposes = 1ULL << 3 | 1ULL << 63;
	decide_bit(&clinic->read.allow, 0);
	decide_bit(&clinic->read.deny, 1);

	attic->id = DECIDE_ATTIC;
	attic->flags = AM_STORE_ENFORCE | AM_STORE_ERROR_ALLOW;
	attic->labels = DECIDE_L(2);
	decide_bit(&attic->read.allow, 0);
	decide_bit(&attic->read.deny, 0);
}

static inline void decide_policy_labels(struct am_policy *p)
{
	p->enforce_labels = DECIDE_L(0) | DECIDE_L(2) | DECIDE_L(63);
	p->error_allow_labels = DECIDE_L(2);
	p->spill_deny_labels = DECIDE_L(2) | DECIDE_L(63);
	p->strict_labels = DECIDE_L(0) | DECIDE_L(1);

	decide_bit(&p->label_read[0].allow, 0);
	decide_bit(&p->label_read[0].allow, 255);
	decide_bit(&p->label_read[0].deny, 1);
	decide_bit(&p->label_read[1].allow, 0);
	decide_bit(&p->label_read[1].allow, 64);
	decide_bit(&p->label_read[1].deny, 1);
	decide_bit(&p->label_read[2].allow, 0);
	decide_bit(&p->label_read[2].deny, 0);
	decide_bit(&p->label_read[63].allow, 128);

	decide_bit(&p->send[0][4].allow, 0);
	decide_bit(&p->send[0][AM_ZONE_LOCAL].allow, 0);
	decide_bit(&p->send[0][5].deny, 0);
	decide_bit(&p->send[0][AM_ZONE_ANYWHERE].allow, 192);
	decide_bit(&p->send[1][4].allow, 0);
	decide_bit(&p->send[1][18].allow, 0);
	decide_bit(&p->send[1][AM_ZONE_ANYWHERE].deny, 1);
	decide_bit(&p->send[63][AM_ZONE_TERMINAL].deny, 0);
	decide_bit(&p->send[63][255].allow, 128);
}

/* Fills the whole of `p`, which may be 1.6 MB of anything before. */
static inline void decide_table_policy(struct am_policy *p)
{
	memset(p, 0, sizeof(*p));
	p->abi = AM_ABI_VERSION;
	p->generation = 1;
	memset(&p->live, 0xff, sizeof(p->live));
	decide_policy_stores(p);
	decide_policy_labels(p);
}

static const struct decide_case decide_table[] = {
	/* nothing at stake */
	{ .name = "a file without tag is nobody's business",
	  .op = AM_OP_READ, .bits = DECIDE_S(1),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },
	{ .name = "nor is it without a policy",
	  .no_policy = true, .op = AM_OP_READ,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },
	{ .name = "a process without labels sends where it likes",
	  .op = AM_OP_SEND, .bits = DECIDE_S(1), .zones = { 1, { 5 } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },
	{ .name = "a stale tag without labels protects nothing",
	  .store = DECIDE_STALE, .tagged = 1, .op = AM_OP_READ,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },
	{ .name = "nor does the tag of a slot that is not used",
	  .store = DECIDE_UNUSED, .tagged = 1, .op = AM_OP_WRITE,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },
	{ .name = "an unknown fact matters only where something is protected",
	  .op = AM_OP_READ, .unknown = 1,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },

	/* no policy */
	{ .name = "a tagged file is closed without a policy",
	  .no_policy = true, .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ,
	  .bits = DECIDE_S(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_POLICY, .enforce = 1 },
	{ .name = "labels stay where they are without a policy",
	  .no_policy = true, .op = AM_OP_SEND, .labels = DECIDE_L(3) | DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_POLICY, .enforce = 1,
	  .culprits = DECIDE_L(3) | DECIDE_L(0) },
	{ .name = "an unknown fact does not open what no policy opens",
	  .no_policy = true, .tagged = 1, .op = AM_OP_READ, .unknown = 1,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_POLICY, .enforce = 1 },

	/* stores */
	{ .name = "a rule allows a read",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS, .enforce = 1 },
	{ .name = "also of the last subject there can be",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(255),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS, .enforce = 1 },
	{ .name = "a subject of the same number in another word is another subject",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S2(64, 63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "who is no subject reads nothing",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "leave to read is not leave to write",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_WRITE, .bits = DECIDE_S(255),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "a deny wins over the allow of another subject that the task is too",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S2(255, 1),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_RULE_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "and over the allow of the same subject",
	  .store = DECIDE_ATTIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_RULE_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(2) },
	{ .name = "a deny to read is no deny to write",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_WRITE, .bits = DECIDE_S2(0, 1),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS, .enforce = 1 },
	{ .name = "a store that is observed refuses without blocking",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE, .culprits = DECIDE_L(1) },
	{ .name = "and allows as any other",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(64),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },

	/* labels that a file carries beyond its store's, or without one */
	{ .name = "a copy can be read by who may read its source",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .labels = DECIDE_L(0) | DECIDE_L(1),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "a copy of two sources only by who may read both",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(255),
	  .labels = DECIDE_L(0) | DECIDE_L(1),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE,
	  .culprits = DECIDE_L(1) },
	{ .name = "labels under a stale tag still count",
	  .store = DECIDE_STALE, .tagged = 1, .op = AM_OP_READ, .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "a label of which the policy knows nothing is closed, and only logged",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .labels = DECIDE_L(3),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE,
	  .culprits = DECIDE_L(3) },
	{ .name = "the last label counts like the first",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(63) },
	{ .name = "and can be allowed like the first",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(128), .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "a deny on a label wins over its allow",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S2(0, 1), .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "labels that a rule denies are named, not those without rule",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .labels = DECIDE_L(2) | DECIDE_L(3) | DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(2) },
	{ .name = "a refusal over an observed and an enforced label blocks",
	  .tagged = 1, .op = AM_OP_READ, .labels = DECIDE_L(1) | DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(1) | DECIDE_L(63) },
	{ .name = "one over observed labels alone does not",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(255),
	  .labels = DECIDE_L(0) | DECIDE_L(1) | DECIDE_L(3),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE,
	  .culprits = DECIDE_L(1) | DECIDE_L(3) },
	{ .name = "a file of a store is closed by a label that it has from elsewhere",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(63) },
	{ .name = "the store refuses before its file's labels do",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(64),
	  .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "an enforced label blocks in an observed store",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(64),
	  .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) },

	/* writing while carrying labels */
	{ .name = "a label with spill: track may go into any file",
	  .op = AM_OP_WRITE, .bits = DECIDE_S(1), .labels = DECIDE_L(0) | DECIDE_L(3),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "a label with spill: deny may not",
	  .op = AM_OP_WRITE, .bits = DECIDE_S(0), .labels = DECIDE_L(0) | DECIDE_L(2),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_SPILL, .enforce = 1,
	  .culprits = DECIDE_L(2) },
	{ .name = "not even into a store that lacks it",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_WRITE, .bits = DECIDE_S(0),
	  .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_SPILL, .enforce = 1,
	  .culprits = DECIDE_L(63) },
	{ .name = "into a store goes what may, by who may",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_WRITE, .bits = DECIDE_S(0),
	  .labels = DECIDE_L(3),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS, .enforce = 1 },
	{ .name = "the store's refusal comes before the spill's",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_WRITE, .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },

	/* sending */
	{ .name = "a label may be sent where a rule says",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0), .zones = { 1, { 4 } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "and nowhere else",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0), .zones = { 1, { 6 } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "nor by others",
	  .op = AM_OP_SEND, .bits = DECIDE_S(2), .labels = DECIDE_L(0), .zones = { 1, { 4 } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "a destination in no zone is still anywhere",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "who may send anywhere may send to a destination in no zone",
	  .op = AM_OP_SEND, .bits = DECIDE_S(192), .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "and into every zone",
	  .op = AM_OP_SEND, .bits = DECIDE_S(192), .labels = DECIDE_L(0), .zones = { 2, { 5, 6 } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "a deny for one of its zones wins",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0), .zones = { 2, { 4, 5 } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "a deny to anywhere wins over the allow for a zone",
	  .op = AM_OP_SEND, .bits = DECIDE_S2(0, 1), .labels = DECIDE_L(1), .zones = { 1, { 4 } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_DENIES,
	  .culprits = DECIDE_L(1) },
	{ .name = "every label needs its own rule",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .zones = { 1, { 4 } },
	  .labels = DECIDE_L(0) | DECIDE_L(1) | DECIDE_L(2),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(2) },
	{ .name = "labels may be sent together where each may",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0) | DECIDE_L(1),
	  .zones = { 1, { 4 } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "the last of the zones of a destination counts",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(1),
	  .zones = { 15, { 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 18 } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "a zone that does not take the port opens nothing",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(1), .zones = { 3, { 0, 6, 0 } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE,
	  .culprits = DECIDE_L(1) },
	{ .name = "the last zone there can be",
	  .op = AM_OP_SEND, .bits = DECIDE_S(128), .labels = DECIDE_L(63), .zones = { 1, { 255 } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "another process of the host is a zone like others",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0) | DECIDE_L(1),
	  .zones = { 1, { AM_ZONE_LOCAL } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE,
	  .culprits = DECIDE_L(1) },
	{ .name = "a terminal is open to who could read",
	  .op = AM_OP_SEND, .bits = DECIDE_S(2), .labels = DECIDE_L(0) | DECIDE_L(3),
	  .zones = { 1, { AM_ZONE_TERMINAL } },
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "unless a rule denies it",
	  .op = AM_OP_SEND, .bits = DECIDE_S(0), .labels = DECIDE_L(0) | DECIDE_L(63),
	  .zones = { 1, { AM_ZONE_TERMINAL } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(63) },
	{ .name = "a deny to anywhere closes the terminal too",
	  .op = AM_OP_SEND, .bits = DECIDE_S(1), .labels = DECIDE_L(1),
	  .zones = { 1, { AM_ZONE_TERMINAL } },
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_DENIES,
	  .culprits = DECIDE_L(1) },

	/* facts that cannot be established */
	{ .name = "who is not known is refused",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .unknown = 1,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNKNOWN_FACT, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "unless the store says on-error: allow",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_WRITE, .unknown = 1,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNKNOWN_FACT },
	{ .name = "which opens even what a rule would deny",
	  .store = DECIDE_ATTIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .unknown = 1,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNKNOWN_FACT },
	{ .name = "of labels, all must say so",
	  .op = AM_OP_SEND, .unknown = 1, .labels = DECIDE_L(2) | DECIDE_L(1),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNKNOWN_FACT,
	  .culprits = DECIDE_L(1) },
	{ .name = "and then they pass",
	  .op = AM_OP_SEND, .unknown = 1, .labels = DECIDE_L(2),
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNKNOWN_FACT },
	{ .name = "a store's on-error: allow does not open a label of another's",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .unknown = 1,
	  .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNKNOWN_FACT, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "observed labels refuse the unknown without blocking",
	  .tagged = 1, .op = AM_OP_READ, .unknown = 1, .labels = DECIDE_L(1),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNKNOWN_FACT,
	  .culprits = DECIDE_L(1) },

	/* modes differ: what blocks is never hidden by what is only observed */
	{ .name = "an observed store's refusal does not hide an enforced label's",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(2),
	  .labels = DECIDE_L(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "an observed store's refusal does not hide an enforced spill",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_WRITE, .bits = DECIDE_S(2),
	  .labels = DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_SPILL, .enforce = 1,
	  .culprits = DECIDE_L(63) },
	{ .name = "an observed label's deny does not hide an enforced label without a rule",
	  .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(1), .labels = DECIDE_L(1) | DECIDE_L(63),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE, .enforce = 1,
	  .culprits = DECIDE_L(63) },

	/* purposes */
	{ .name = "a store is open for its purpose",
	  .store = DECIDE_CLINIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .purpose = 63,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS, .enforce = 1 },
	{ .name = "and closed for another",
	  .store = DECIDE_CLINIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .purpose = 4,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_PURPOSE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "and closed for none",
	  .store = DECIDE_CLINIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_PURPOSE, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "a deny rule is named before the purpose",
	  .store = DECIDE_CLINIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(1),
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_RULE_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(0) },

	/* no record can be made */
	{ .name = "a strict store refuses what it would have allowed",
	  .store = DECIDE_CLINIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0), .purpose = 63,
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNRECORDED, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "one that is observed tells so and blocks nothing",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(64),
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNRECORDED, .culprits = DECIDE_L(1) },
	{ .name = "also of a refusal that would have blocked nothing",
	  .store = DECIDE_YARD, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNRECORDED, .culprits = DECIDE_L(1) },
	{ .name = "one that is not strict stays open, whatever its labels",
	  .store = DECIDE_HOUSE, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(0),
	  .unrecorded = true,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS, .enforce = 1 },
	{ .name = "a refusal stays the refusal that it was",
	  .store = DECIDE_CLINIC, .tagged = 1, .op = AM_OP_READ, .bits = DECIDE_S(1),
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_RULE_DENIES, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "a strict label is not sent",
	  .op = AM_OP_SEND, .labels = DECIDE_L(0), .bits = DECIDE_S(0), .zones = { 1, { 4 } },
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNRECORDED, .enforce = 1,
	  .culprits = DECIDE_L(0) },
	{ .name = "one whose stores are observed is sent",
	  .op = AM_OP_SEND, .labels = DECIDE_L(1), .bits = DECIDE_S(0), .zones = { 1, { 4 } },
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNRECORDED, .culprits = DECIDE_L(1) },
	{ .name = "a copy with a strict label is not read",
	  .tagged = 1, .op = AM_OP_READ, .labels = DECIDE_L(0) | DECIDE_L(1), .bits = DECIDE_S(0),
	  .unrecorded = true,
	  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_UNRECORDED, .enforce = 1,
	  .culprits = DECIDE_L(0) | DECIDE_L(1) },
	{ .name = "a label that is not strict is sent",
	  .op = AM_OP_SEND, .labels = DECIDE_L(63), .bits = DECIDE_S(128), .zones = { 1, { 255 } },
	  .unrecorded = true,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	{ .name = "what nothing protects is nobody's business",
	  .op = AM_OP_READ, .unrecorded = true,
	  .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_UNPROTECTED },
};

enum { DECIDE_CASES = sizeof(decide_table) / sizeof(*decide_table) };
