/* SPDX-License-Identifier: GPL-2.0 */
/* What makes the ledger tamper-evident: chain values, headers, seals, and the keys that
 * sign them and evolve. Pure; sodium_init() must have been called (am_chain_init()). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "ledger/format.h"

/* 0; -EIO if the library cannot be used. */
int am_chain_init(void);

/* ---- keys ---------------------------------------------------------------------- */

/* A secret that evolves: of seals, or of headers. */
struct am_evolving {
	uint64_t number;	/* what it signs next */
	uint8_t secret[AM_HASH_LEN];
};

/* All secrets of a ledger. Wiped by whoever has them, through am_autokeys. */
struct am_keys {
	uint8_t chain[AM_CHAIN_LEN];
	struct am_evolving seal;
	struct am_evolving head;
};

void am_keys_wipe(struct am_keys *k);
#define am_autokeys __attribute__((cleanup(am_keys_wipe)))

/* New secrets; their first header is that of `segment`, whose public key is the root key. */
void am_keys_make(struct am_keys *k, uint64_t segment);

void am_evolving_step(struct am_evolving *e);
void am_evolving_public(const struct am_evolving *e, uint8_t ret[AM_HASH_LEN]);

void am_chain_id(const uint8_t root[AM_HASH_LEN], uint8_t ret[AM_CHAIN_LEN]);

/* ---- chain values ---------------------------------------------------------------- */

/* `h` becomes the chain value after `frame`, of which `len` bytes come before its own. */
void am_chain_step(uint8_t h[AM_HASH_LEN], const void *frame, size_t len);

/* ---- headers ------------------------------------------------------------------------ */

struct am_header {
	uint64_t segment;
	uint64_t first_seal;
	uint64_t first_row;
	int64_t wall_ns;
	int64_t boot_ns;
	uint8_t chain[AM_CHAIN_LEN];
	uint8_t link[AM_HASH_LEN];
	uint8_t seal_key[AM_HASH_LEN];	/* of first_seal */
	uint8_t head_key[AM_HASH_LEN];	/* of the next header */
	uint8_t machine[AM_HASH_LEN];
	uint8_t boot_id[16];
	char host[64];
	char kernel[64];
	char version[32];
	uint32_t origin;		/* am_beginning */
	uint8_t h[AM_HASH_LEN];		/* chain value behind it */
};

/* Fills in who this host is. */
void am_header_host(struct am_header *ret, const struct am_host_id *host);

/* The other way round. A machine that is not this one is known by the hash alone. */
void am_header_told_host(const struct am_header *h, struct am_host_id *ret);

/* Signs with k->head, which must be for this segment, and evolves it; the keys, the
 * chain and `h` are filled in. */
void am_header_write(struct am_header *h, struct am_keys *k, uint8_t ret[AM_HEADER_LEN]);

/* What the bytes say, if they are a header whose chain value holds. 0; -EBADMSG. */
int am_header_read(const uint8_t bytes[AM_HEADER_LEN], struct am_header *ret);

bool am_header_is_signed(const uint8_t bytes[AM_HEADER_LEN], const uint8_t key[AM_HASH_LEN]);

/* ---- seals --------------------------------------------------------------------------- */

struct am_ledger_seal {
	uint64_t number;
	uint64_t next_row;
	int64_t wall_ns;
	int64_t boot_ns;
	uint64_t oldest;		/* segment */
	uint32_t flags;			/* am_seal_flag */
	uint8_t next_key[AM_HASH_LEN];
	uint8_t h[AM_HASH_LEN];
};

/* Signs with k->seal and evolves it. `h` is the chain value before, and then behind. */
void am_ledger_seal_write(struct am_ledger_seal *s, struct am_keys *k, uint8_t h[AM_HASH_LEN],
		   uint8_t ret[AM_SEAL_LEN]);

/* What the bytes say; nothing is verified. 0; -EBADMSG. */
int am_ledger_seal_read(const uint8_t bytes[AM_SEAL_LEN], struct am_ledger_seal *ret);

bool am_ledger_seal_is_signed(const uint8_t bytes[AM_SEAL_LEN], const uint8_t key[AM_HASH_LEN]);
