/* SPDX-License-Identifier: GPL-2.0 */
/* The secrets of a ledger on disk: `key` in its directory, and the root public key in
 * `root.pub`. See format.h. */
#pragma once

#include "ledger/chain.h"

struct am_keyfile {
	int fd;			/* owned */
	uint64_t writes;
};

/* Opens or creates. 0 or -errno. */
int am_keyfile_open(int dirfd, struct am_keyfile *ret);
void am_keyfile_close(struct am_keyfile *f);

/* 0; -ENOENT if there are none yet; -EBADMSG; another negative errno. */
int am_keyfile_load(struct am_keyfile *f, struct am_keys *ret);

/* On disk when it returns; what was before is overwritten. 0 or -errno. */
int am_keyfile_save(struct am_keyfile *f, const struct am_keys *k);

void am_hex_format(const uint8_t *bytes, size_t len, char *ret);	/* 2 * len + 1 */
int am_hex_parse(const char *text, uint8_t *ret, size_t len);		/* 0; -EBADMSG */

/* ---- the public half ------------------------------------------------------------ */

enum {
	AM_ROOTS_MAX = 64,	/* chains of one directory; there should be one */
	AM_ROOTS_TEXT = 8192,
};

/* Root public keys, one per chain, as `root.pub` has them, one a line. */
struct am_roots_pub {
	uint8_t keys[AM_ROOTS_MAX][AM_HASH_LEN];
	size_t count;
};

/* "amanat-ledger-key HEX\n" of each: the length. */
size_t am_roots_pub_format(const struct am_roots_pub *r, char ret[AM_ROOTS_TEXT]);

/* 0; -EBADMSG; -E2BIG. */
int am_roots_pub_parse(const char *text, size_t len, struct am_roots_pub *ret);

/* The key of a chain, borrowed; NULL if it is not among them. */
const uint8_t *am_roots_pub_find(const struct am_roots_pub *r, const uint8_t chain[AM_CHAIN_LEN]);

/* From `root.pub` of a directory, from a file of that format. 0 or -errno, -EBADMSG. */
int am_roots_pub_load(int dirfd, const char *name, struct am_roots_pub *ret);
int am_roots_pub_add(int dirfd, const uint8_t root[AM_HASH_LEN]);

extern const char am_root_name[];	/* "root.pub" */
