/* SPDX-License-Identifier: GPL-2.0 */
/* What the proofs share: values that can be anything, and the words they speak in.
 *
 * A property is a function `prove_NAME`. CBMC follows it for every value that the
 * any_...() functions can return, so it holds always or CBMC shows the values for
 * which it does not. scripts/prove finds and runs them. */
#pragma once

#include "decide.h"

/* Without a body: CBMC lets them return anything. */
__u64 any_u64(void);
__u32 any_u32(void);
struct am_set any_set(void);
struct am_facts any_facts_value(void);
struct am_decision any_decision(void);
struct am_refusal any_refusal(void);
struct am_store any_store(void);

/* Not one without a body: CBMC would let a _Bool be 2. */
static _Bool any_bool(void)
{
	return any_u32() & 1;
}

#define suppose(condition) __CPROVER_assume(condition)
#define must(condition, sentence) __CPROVER_assert(condition, sentence)

/* Stands where a property's conclusion is drawn. Built with PROVE_REACH it is a false
 * claim, so a property whose conditions can never come true is found out. */
#ifdef PROVE_REACH
#define reached(sentence) __CPROVER_assert(0, "reach: " sentence)
#else
#define reached(sentence) ((void)0)
#endif

/* Memory of any bytes that holds `n` of `type`. Its length is unknown to CBMC until it
 * has to solve for it, so that it takes the memory as a look-up and not as one variable
 * for each bit, which for a policy are thirteen million. See README.md. */
#define any_memory(type, n) ((type *)__CPROVER_allocate(exactly(n) * sizeof(type), 0))

static __u64 exactly(__u64 n)
{
	__u64 unknown = any_u64();

	suppose(unknown >= n && unknown <= n);
	return unknown;
}

/* The naive definitions that decide.h is held against. */
static _Bool holds(const struct am_set *set, unsigned n)
{
	return (set->w[n / 64] >> (n % 64)) & 1;
}

static _Bool meets(const struct am_set *a, const struct am_set *b)
{
	return (a->w[0] & b->w[0]) || (a->w[1] & b->w[1]) || (a->w[2] & b->w[2]) ||
	       (a->w[3] & b->w[3]);
}

static _Bool within(__u64 part, __u64 whole)
{
	return (part & ~whole) == 0;
}

/* What a counterexample is told in: scripts/prove prints the last value of each. */
static enum am_op shown_op;
static enum am_verdict shown_verdict;
static enum am_reason shown_reason;
static _Bool shown_enforce;
static __u64 shown_culprits;
static _Bool shown_policy;
static _Bool shown_unknown;
static _Bool shown_tagged;
static __u64 shown_labels;
static __u64 shown_enforce_labels;
static __u64 shown_error_allow_labels;
static __u64 shown_spill_deny_labels;
static __u64 shown_label_rules_allow;
static __u64 shown_label_rules_deny;
static _Bool shown_store;
static __u64 shown_store_labels;
static _Bool shown_store_enforces;
static _Bool shown_store_error_allow;
static _Bool shown_store_rules_allow;
static _Bool shown_store_rules_deny;
static _Bool shown_store_purpose_fits;
