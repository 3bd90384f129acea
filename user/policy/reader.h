/* SPDX-License-Identifier: GPL-2.0 */
/* Reading a tree into a model: what the sections share. A finding about the text
 * goes to the diags and reading goes on, so that one run shows all of them; the
 * functions return 0 then too, and a negative errno only where nothing can go on.
 * Private to policy/. */
#pragma once

#include "policy/model.h"
#include "policy/yaml.h"

/* What a policy gives names to. */
enum am_named {
	AM_NAMED_LABEL = 0,
	AM_NAMED_PURPOSE,
	AM_NAMED_STORE,
	AM_NAMED_SUBJECT,
	AM_NAMED_ZONE,
	AM_NAMED_POLICY,	/* itself: there is no list of them */
	AM_NAMED_MAX_,
};

/* One of the texts that make up a policy. */
struct am_source {
	const char *name;	/* borrowed by positions */
	const char *text;
	size_t len;
};

/* Fills an empty model from its texts: 0; -EINVAL with errors in `diags`; -ENOMEM. */
int am_model_read(struct am_model *m, const struct am_source *sources, size_t n,
		  struct am_diags *diags);

struct am_reader {
	struct am_model *model;
	struct am_diags *diags;
	/* Some could not be read: names that seem unknown are no finding of their own. */
	bool incomplete[AM_NAMED_MAX_];
	bool too_many_rules;		/* has been said */
};

/* Their hint is never NULL. */
void am_reader_error(struct am_reader *r, struct am_pos pos, const char *hint, const char *fact,
		     ...) __attribute__((format(printf, 4, 5)));
void am_reader_warning(struct am_reader *r, struct am_pos pos, const char *hint, const char *fact,
		       ...) __attribute__((format(printf, 4, 5)));

/* False, with an error, if `node` is not of `kind`. `expected` such as "a list of paths". */
bool am_reader_expects(struct am_reader *r, const struct am_node *node, enum am_node_kind kind,
		       const char *expected, const char *hint);

typedef int (*am_read_fn)(struct am_reader *r, const struct am_node *value, void *into);

/* A key of the language. */
struct am_key {
	const char *name;
	am_read_fn read;	/* NULL: a key that is not supported yet */
	const char *missing;	/* the hint if it must be given and is not; else NULL */
};

/* Reads the values of the keys in the order of `keys`. `what` such as "a store". */
int am_reader_keys(struct am_reader *r, const struct am_node *map, const char *what,
		   const struct am_key *keys, size_t n_keys, void *into);

/* The two halves of it: errors for keys that are none; the value of a key, or NULL. */
void am_reader_refuse_keys(struct am_reader *r, const struct am_node *map, const char *what,
			   const struct am_key *keys, size_t n_keys);
const struct am_node *am_node_value(const struct am_node *map, const char *key);

int am_reader_list(struct am_reader *r, const struct am_node *list, const char *expected,
		   const char *hint, am_read_fn item, void *into);

/* One of `words`: its index; -1, with an error, if none. */
int am_reader_choice(struct am_reader *r, const struct am_node *node, const char *const *words,
		     size_t n_words);

/* Whether the text is a good new name for a `named`; an error if not. */
bool am_reader_name(struct am_reader *r, const struct am_node *node, enum am_named named);

/* Whether an entry `key` can join the `count` there are; an error if not. */
bool am_reader_may_add(struct am_reader *r, const struct am_node *key, enum am_named named,
		       size_t max);

/* "line 4", or "FILE, line 4" if it is in another file than `from`: where else. */
const char *am_reader_place(struct am_pos pos, struct am_pos from, char *buf, size_t size);
enum { AM_PLACE_LEN = 256 };

/* A copy of an absolute path without "//", "." and an end slash. *ret is left
 * alone, with an error, if it is none. */
int am_reader_path(struct am_reader *r, const struct am_node *node, char **ret);

/* Index of the name; -1 if unknown. */
int am_model_find(const struct am_model *m, enum am_named named, const char *name);
size_t am_model_count(const struct am_model *m, enum am_named named);
const char *am_model_name(const struct am_model *m, enum am_named named, size_t i);
struct am_pos am_model_pos(const struct am_model *m, enum am_named named, size_t i);
const char *am_named_word(enum am_named named);	/* label, purpose, store, subject, zone */

/* An error that names the nearest known name, unless not all of them are known. */
void am_reader_unknown(struct am_reader *r, struct am_pos pos, enum am_named named,
		       const char *name);

/* AM_ZONE_* of a built-in zone's name; -1 if it is none. */
int am_zone_builtin(const char *name);

/* The whole policy, of one text or several, and its parts in files of their own. An entry's name is kept even
 * if the rest of it is wrong, so that rules that use the name are not faulted for it. */
int am_read_policy(struct am_reader *r, const struct am_node *const *roots, size_t n);
int am_read_mode(struct am_reader *r, const struct am_node *node, enum am_mode *ret);
int am_read_store(struct am_reader *r, const struct am_node *key, const struct am_node *value);
int am_read_subject(struct am_reader *r, const struct am_node *key, const struct am_node *value);
int am_read_zone(struct am_reader *r, const struct am_node *key, const struct am_node *value);
const char *am_proto_name(uint8_t proto);	/* of a port: tcp, icmp; NULL: none of ours */
/* "10.0.0.0/8", for a person. */
void am_net_format(const uint8_t addr[16], unsigned prefix, char *buf, size_t size);

int am_read_rule(struct am_reader *r, const struct am_node *node);
int am_read_invariant(struct am_reader *r, const struct am_node *node);

/* What can be said only of the policy as a whole: errors, and warnings if there are none. */
int am_check_policy(struct am_reader *r);
