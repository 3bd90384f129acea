// SPDX-License-Identifier: GPL-2.0
#include "ledger/chain.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/version.h"
#include "ledger/bytes.h"

/* The keys of H: at least 16 bytes, the library's minimum. */
static const char chain_key[] = "amanat ledger chain";
static const char machine_key[] = "amanat ledger machine";
static const char head_key[] = "amanat ledger head";
static const char frame_key[] = "amanat ledger frame";
static const char sign_text[] = "amanat ledger sign";
static const char next_text[] = "amanat ledger next";

static const char head_sign[] = "amanat ledger head 1";
static const char seal_sign[] = "amanat ledger seal 1";

enum {
	HEAD_HASHED = AM_HEADER_LEN - AM_SIG_LEN - AM_HASH_LEN,
	SEAL_HASHED = AM_SEAL_LEN - AM_SIG_LEN - AM_HASH_LEN,
	SIGNED_LEN = sizeof(head_sign) - 1 + AM_HASH_LEN,
};

_Static_assert(sizeof(head_sign) == sizeof(seal_sign), "what is signed is of one length");
_Static_assert(AM_HASH_LEN == crypto_sign_PUBLICKEYBYTES && AM_SIG_LEN == crypto_sign_BYTES &&
	       AM_HASH_LEN == crypto_sign_SEEDBYTES, "sizes of Ed25519");

int am_chain_init(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

static void hash(const char *key, const void *bytes, size_t len, uint8_t ret[AM_HASH_LEN])
{
	(void)crypto_generichash(ret, AM_HASH_LEN, bytes, len, (const uint8_t *)key, strlen(key));
}

/* ---- keys --------------------------------------------------------------------- */

void am_keys_wipe(struct am_keys *k)
{
	sodium_memzero(k, sizeof(*k));
}

void am_chain_id(const uint8_t root[AM_HASH_LEN], uint8_t ret[AM_CHAIN_LEN])
{
	uint8_t h[AM_HASH_LEN];

	hash(chain_key, root, AM_HASH_LEN, h);
	memcpy(ret, h, AM_CHAIN_LEN);
}

void am_keys_make(struct am_keys *k, uint64_t segment)
{
	uint8_t root[AM_HASH_LEN];

	k->seal.number = 1;
	k->head.number = segment;
	randombytes_buf(k->seal.secret, sizeof(k->seal.secret));
	randombytes_buf(k->head.secret, sizeof(k->head.secret));
	am_evolving_public(&k->head, root);
	am_chain_id(root, k->chain);
}

static void derive(const uint8_t secret[AM_HASH_LEN], const char *text, uint8_t ret[AM_HASH_LEN])
{
	(void)crypto_generichash(ret, AM_HASH_LEN, (const uint8_t *)text, strlen(text), secret,
				 AM_HASH_LEN);
}

void am_evolving_step(struct am_evolving *e)
{
	uint8_t next[AM_HASH_LEN];

	derive(e->secret, next_text, next);
	memcpy(e->secret, next, sizeof(next));
	sodium_memzero(next, sizeof(next));
	e->number++;
}

static void make_pair(const struct am_evolving *e, uint8_t public[AM_HASH_LEN],
		      uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
	uint8_t seed[AM_HASH_LEN];

	derive(e->secret, sign_text, seed);
	(void)crypto_sign_seed_keypair(public, secret, seed);
	sodium_memzero(seed, sizeof(seed));
}

void am_evolving_public(const struct am_evolving *e, uint8_t ret[AM_HASH_LEN])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	make_pair(e, ret, secret);
	sodium_memzero(secret, sizeof(secret));
}

static void message(const char *text, const uint8_t h[AM_HASH_LEN], uint8_t ret[SIGNED_LEN])
{
	memcpy(mempcpy(ret, text, SIGNED_LEN - AM_HASH_LEN), h, AM_HASH_LEN);
}

static void sign(const struct am_evolving *e, const char *text, const uint8_t h[AM_HASH_LEN],
		 uint8_t ret[AM_SIG_LEN])
{
	uint8_t public[AM_HASH_LEN], secret[crypto_sign_SECRETKEYBYTES], m[SIGNED_LEN];

	message(text, h, m);
	make_pair(e, public, secret);
	(void)crypto_sign_detached(ret, NULL, m, sizeof(m), secret);
	sodium_memzero(secret, sizeof(secret));
}

/* `signed_` is a chain value and the signature behind it. */
static bool is_signed(const uint8_t *signed_, const char *text, const uint8_t key[AM_HASH_LEN])
{
	uint8_t m[SIGNED_LEN];

	message(text, signed_, m);
	return !crypto_sign_verify_detached(signed_ + AM_HASH_LEN, m, sizeof(m), key);
}

/* ---- chain values --------------------------------------------------------------- */

void am_chain_step(uint8_t h[AM_HASH_LEN], const void *frame, size_t len)
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, (const uint8_t *)frame_key, strlen(frame_key),
				      AM_HASH_LEN);
	(void)crypto_generichash_update(&state, h, AM_HASH_LEN);
	(void)crypto_generichash_update(&state, frame, len);
	(void)crypto_generichash_final(&state, h, AM_HASH_LEN);
}

/* ---- headers ----------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0e1f…-…" as 16 bytes; zeros if it is no such thing. */
static void parse_boot(const char *text, uint8_t ret[16])
{
	unsigned n = 0;

	memset(ret, 0, 16);
	for (; *text && n < 32; text++) {
		int digit = hex_digit(*text);

		if (digit < 0)
			continue;
		ret[n / 2] |= (uint8_t)(n % 2 ? digit : digit << 4);
		n++;
	}
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memset(to, 0, size);
	memcpy(to, from, len);
}

void am_header_host(struct am_header *ret, const struct am_host_id *host)
{
	hash(machine_key, host->machine, strlen(host->machine), ret->machine);
	parse_boot(host->boot, ret->boot_id);
	copy_text(ret->host, sizeof(ret->host), host->name);
	copy_text(ret->kernel, sizeof(ret->kernel), host->kernel);
	copy_text(ret->version, sizeof(ret->version), AM_VERSION);
}

static void format_boot(const uint8_t id[16], char ret[40])
{
	size_t i, len = 0;

	for (i = 0; i < 16; i++)
		len += (size_t)snprintf(ret + len, 40 - len, "%s%02x",
					i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
}

void am_header_told_host(const struct am_header *h, struct am_host_id *ret)
{
	uint8_t mine[AM_HASH_LEN];
	size_t i;

	am_host_id_read(&am_host_here, ret);
	hash(machine_key, ret->machine, strlen(ret->machine), mine);
	for (i = 0; memcmp(mine, h->machine, sizeof(mine)) && i < 16; i++)
		(void)snprintf(ret->machine + 2 * i, 3, "%02x", h->machine[i]);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", h->host);
	(void)snprintf(ret->kernel, sizeof(ret->kernel), "%s", h->kernel);
	format_boot(h->boot_id, ret->boot);
}

void am_header_write(struct am_header *h, struct am_keys *k, uint8_t ret[AM_HEADER_LEN])
{
	const struct am_evolving now = k->head;

	am_evolving_step(&k->head);
	am_evolving_public(&k->head, h->head_key);
	am_evolving_public(&k->seal, h->seal_key);
	h->first_seal = k->seal.number;
	memcpy(h->chain, k->chain, AM_CHAIN_LEN);

	memset(ret, 0, AM_HEADER_LEN);
	memcpy(ret, "AMLEDGER", 8);
	am_put32(ret + 8, AM_LEDGER_VERSION);
	am_put32(ret + 12, AM_HEADER_LEN);
	am_put64(ret + 16, h->segment);
	am_put64(ret + 24, h->first_seal);
	am_put64(ret + 32, h->first_row);
	am_put64(ret + 40, (uint64_t)h->wall_ns);
	am_put64(ret + 48, (uint64_t)h->boot_ns);
	memcpy(ret + 56, h->chain, AM_CHAIN_LEN);
	memcpy(ret + 72, h->link, AM_HASH_LEN);
	memcpy(ret + 104, h->seal_key, AM_HASH_LEN);
	memcpy(ret + 136, h->head_key, AM_HASH_LEN);
	memcpy(ret + 168, h->machine, AM_HASH_LEN);
	memcpy(ret + 200, h->boot_id, 16);
	memcpy(ret + 216, h->host, 64);
	memcpy(ret + 280, h->kernel, 64);
	memcpy(ret + 344, h->version, 32);
	am_put32(ret + 376, h->origin);
	hash(head_key, ret, HEAD_HASHED, h->h);
	memcpy(ret + HEAD_HASHED, h->h, AM_HASH_LEN);
	sign(&now, head_sign, h->h, ret + HEAD_HASHED + AM_HASH_LEN);
	sodium_memzero((void *)&now, sizeof(now));
}

static bool header_holds(const uint8_t *p, const struct am_header *h)
{
	uint8_t want[AM_HASH_LEN];

	hash(head_key, p, HEAD_HASHED, want);
	return !memcmp(p, "AMLEDGER", 8) && am_get32(p + 8) == AM_LEDGER_VERSION &&
	       am_get32(p + 12) == AM_HEADER_LEN && !am_get32(p + 380) && h->segment &&
	       h->first_seal && h->first_row && h->origin < AM_BEGIN_MAX_ && !h->host[63] &&
	       !h->kernel[63] && !h->version[31] && !memcmp(want, h->h, AM_HASH_LEN);
}

int am_header_read(const uint8_t bytes[AM_HEADER_LEN], struct am_header *ret)
{
	struct am_header h = {
		.segment = am_get64(bytes + 16),
		.first_seal = am_get64(bytes + 24),
		.first_row = am_get64(bytes + 32),
		.wall_ns = (int64_t)am_get64(bytes + 40),
		.boot_ns = (int64_t)am_get64(bytes + 48),
		.origin = am_get32(bytes + 376),
	};

	memcpy(h.chain, bytes + 56, AM_CHAIN_LEN);
	memcpy(h.link, bytes + 72, AM_HASH_LEN);
	memcpy(h.seal_key, bytes + 104, AM_HASH_LEN);
	memcpy(h.head_key, bytes + 136, AM_HASH_LEN);
	memcpy(h.machine, bytes + 168, AM_HASH_LEN);
	memcpy(h.boot_id, bytes + 200, 16);
	memcpy(h.host, bytes + 216, 64);
	memcpy(h.kernel, bytes + 280, 64);
	memcpy(h.version, bytes + 344, 32);
	memcpy(h.h, bytes + HEAD_HASHED, AM_HASH_LEN);
	if (!header_holds(bytes, &h))
		return -EBADMSG;
	*ret = h;
	return 0;
}

bool am_header_is_signed(const uint8_t bytes[AM_HEADER_LEN], const uint8_t key[AM_HASH_LEN])
{
	return is_signed(bytes + HEAD_HASHED, head_sign, key);
}

/* ---- seals --------------------------------------------------------------------------- */

void am_ledger_seal_write(struct am_ledger_seal *s, struct am_keys *k, uint8_t h[AM_HASH_LEN],
		   uint8_t ret[AM_SEAL_LEN])
{
	const struct am_evolving now = k->seal;

	am_evolving_step(&k->seal);
	am_evolving_public(&k->seal, s->next_key);
	s->number = now.number;

	memset(ret, 0, AM_SEAL_LEN);
	memcpy(ret, "AMSL", 4);
	am_put32(ret + 4, AM_SEAL_LEN);
	am_put64(ret + 8, s->number);
	am_put64(ret + 16, s->next_row);
	am_put64(ret + 24, (uint64_t)s->wall_ns);
	am_put64(ret + 32, (uint64_t)s->boot_ns);
	am_put64(ret + 40, s->oldest);
	am_put32(ret + 48, s->flags);
	memcpy(ret + 56, s->next_key, AM_HASH_LEN);
	am_chain_step(h, ret, SEAL_HASHED);
	memcpy(s->h, h, AM_HASH_LEN);
	memcpy(ret + SEAL_HASHED, h, AM_HASH_LEN);
	sign(&now, seal_sign, h, ret + SEAL_HASHED + AM_HASH_LEN);
	sodium_memzero((void *)&now, sizeof(now));
}

int am_ledger_seal_read(const uint8_t bytes[AM_SEAL_LEN], struct am_ledger_seal *ret)
{
	if (memcmp(bytes, "AMSL", 4) != 0 || am_get32(bytes + 4) != AM_SEAL_LEN ||
	    am_get32(bytes + 52))
		return -EBADMSG;
	*ret = (struct am_ledger_seal){
		.number = am_get64(bytes + 8),
		.next_row = am_get64(bytes + 16),
		.wall_ns = (int64_t)am_get64(bytes + 24),
		.boot_ns = (int64_t)am_get64(bytes + 32),
		.oldest = am_get64(bytes + 40),
		.flags = am_get32(bytes + 48),
	};
	memcpy(ret->next_key, bytes + 56, AM_HASH_LEN);
	memcpy(ret->h, bytes + SEAL_HASHED, AM_HASH_LEN);
	return 0;
}

bool am_ledger_seal_is_signed(const uint8_t bytes[AM_SEAL_LEN], const uint8_t key[AM_HASH_LEN])
{
	return is_signed(bytes + SEAL_HASHED, seal_sign, key);
}
