// SPDX-License-Identifier: GPL-2.0
#include "policy/minisign.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

enum {
	PUBKEY_BYTES = 2 + AM_KEY_ID_BYTES + 32,
	SIGNATURE_BYTES = 2 + AM_KEY_ID_BYTES + 64,
	GLOBAL_BYTES = 64,

	SECKEY_SALT = 6,
	SECKEY_OPS = 38,
	SECKEY_MEMORY = 46,
	SECKEY_SEALED = 54,		/* from here on encrypted, if it is */
	SECKEY_SUM = 126,
	SECKEY_BYTES = 158,
	SEALED_BYTES = SECKEY_BYTES - SECKEY_SEALED,
	SUM_BYTES = SECKEY_BYTES - SECKEY_SUM,
};

#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

_Static_assert(SECKEY_BYTES - SECKEY_SALT - SEALED_BYTES ==
	       crypto_pwhash_scryptsalsa208sha256_SALTBYTES + 16, "salt, opslimit, memlimit");

const struct am_key_cost am_key_cost_default = {
	.ops = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE,
	.memory = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE,
};

void am_seckey_wipe(struct am_seckey *key)
{
	sodium_memzero(key, sizeof(*key));
}

void am_secret_free(char *secret)
{
	if (secret)
		sodium_memzero(secret, strlen(secret));
	free(secret);
}

void am_key_id_format(const uint8_t id[AM_KEY_ID_BYTES], char ret[AM_KEY_ID_TEXT])
{
	for (unsigned i = 0; i < AM_KEY_ID_BYTES; i++)
		snprintf(ret + 2 * i, 3, "%02X", id[AM_KEY_ID_BYTES - 1 - i]);
}

/* ---- lines ------------------------------------------------------------------ */

struct lines {
	const char *at, *end;
};

/* The next line, which begins with `prefix` and has at most `max` bytes after it. The
 * last of a file may lack its LF if `open` says so. */
static int take_line(struct lines *l, const char *prefix, size_t max, bool open,
		     const char **ret, size_t *ret_len)
{
	size_t left = l->end - l->at, skip = strlen(prefix);
	size_t room = skip + max + 1;
	const char *lf = memchr(l->at, '\n', left < room ? left : room);
	size_t len = lf ? (size_t)(lf - l->at) : left;

	if ((!lf && (!open || left > skip + max)) || len < skip || memcmp(l->at, prefix, skip) ||
	    memchr(l->at, '\0', len))
		return -EBADMSG;
	*ret = l->at + skip;
	*ret_len = len - skip;
	l->at += len + (lf ? 1 : 0);
	return 0;
}

static int take_comment(struct lines *l, const char *prefix, size_t max, const char **ret,
			size_t *ret_len)
{
	return take_line(l, prefix, max, false, ret, ret_len);
}

static int take_bytes(struct lines *l, bool open, uint8_t *ret, size_t size)
{
	char again[BASE64_LEN(SECKEY_BYTES) + 1];	/* of the longest */
	const char *line;
	size_t len, n;
	int err = 0;

	if (take_line(l, "", BASE64_LEN(size), open, &line, &len) || len != BASE64_LEN(size) ||
	    sodium_base642bin(ret, size, line, len, NULL, &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    n != size)
		return -EBADMSG;
	/* libsodium 1.0.18 takes bytes above 0x7f for a '/'. */
	sodium_bin2base64(again, sizeof(again), ret, size, sodium_base64_VARIANT_ORIGINAL);
	if (memcmp(again, line, len))
		err = -EBADMSG;
	sodium_memzero(again, sizeof(again));
	return err;
}

/* ---- public keys and signatures --------------------------------------------- */

int am_pubkey_parse(const char *text, size_t len, struct am_pubkey *ret, size_t *ret_size)
{
	struct lines l = { text, text + len };
	uint8_t bytes[PUBKEY_BYTES];
	const char *comment;
	size_t comment_len;

	if (take_comment(&l, UNTRUSTED, AM_COMMENT_MAX, &comment, &comment_len) ||
	    take_bytes(&l, true, bytes, sizeof(bytes)) || memcmp(bytes, "Ed", 2))
		return -EBADMSG;
	memcpy(ret->id, bytes + 2, sizeof(ret->id));
	memcpy(ret->bytes, bytes + 2 + AM_KEY_ID_BYTES, sizeof(ret->bytes));
	*ret_size = l.at - text;
	return 0;
}

bool am_signature_begins(const char *text, size_t len)
{
	return len >= strlen(UNTRUSTED) && !memcmp(text, UNTRUSTED, strlen(UNTRUSTED));
}

int am_signature_parse(const char *text, size_t len, struct am_signature *ret)
{
	struct am_signature s = { 0 };
	struct lines l = { text, text + len };
	uint8_t bytes[SIGNATURE_BYTES];
	const char *comment;
	size_t comment_len;

	if (take_comment(&l, UNTRUSTED, AM_COMMENT_MAX, &comment, &comment_len) ||
	    take_bytes(&l, false, bytes, sizeof(bytes)) ||
	    take_comment(&l, TRUSTED, AM_TRUSTED_COMMENT_MAX, &s.comment, &s.comment_len) ||
	    take_bytes(&l, false, s.global, sizeof(s.global)))
		return -EBADMSG;
	s.hashed = !memcmp(bytes, "ED", 2);
	if (!s.hashed && memcmp(bytes, "Ed", 2))
		return -EBADMSG;
	memcpy(s.id, bytes + 2, sizeof(s.id));
	memcpy(s.bytes, bytes + 2 + AM_KEY_ID_BYTES, sizeof(s.bytes));
	s.size = l.at - text;
	*ret = s;
	return 0;
}

static void hash(const void *message, size_t len, uint8_t ret[crypto_generichash_BYTES_MAX])
{
	/* It fails for a wrong size of the hash or the key only, which are constants here. */
	(void)crypto_generichash(ret, crypto_generichash_BYTES_MAX, message, len, NULL, 0);
}

bool am_signature_holds(const struct am_signature *s, const struct am_pubkey *key,
			const void *message, size_t len)
{
	uint8_t digest[crypto_generichash_BYTES_MAX];

	if (sodium_init() < 0 || memcmp(s->id, key->id, sizeof(s->id)))
		return false;
	if (!s->hashed)
		return crypto_sign_verify_detached(s->bytes, message, len, key->bytes) == 0;
	hash(message, len, digest);
	return crypto_sign_verify_detached(s->bytes, digest, sizeof(digest), key->bytes) == 0;
}

/* What the global signature is of: the signature and the comment. */
struct commented {
	uint8_t bytes[64 + AM_TRUSTED_COMMENT_MAX];
	size_t len;
};

static void join(struct commented *c, const uint8_t signature[64], const char *comment, size_t len)
{
	memcpy(c->bytes, signature, 64);
	memcpy(c->bytes + 64, comment, len);
	c->len = 64 + len;
}

bool am_signature_comment_holds(const struct am_signature *s, const struct am_pubkey *key)
{
	struct commented c;

	if (sodium_init() < 0)
		return false;
	join(&c, s->bytes, s->comment, s->comment_len);
	return crypto_sign_verify_detached(s->global, c.bytes, c.len, key->bytes) == 0;
}

int am_signature_make(const struct am_seckey *key, const void *message, size_t len,
		      const char *comment, char **ret)
{
	uint8_t digest[crypto_generichash_BYTES_MAX], bytes[SIGNATURE_BYTES] = "ED", global[64];
	char text[BASE64_LEN(SIGNATURE_BYTES) + 1], global_text[BASE64_LEN(GLOBAL_BYTES) + 1];
	char id[AM_KEY_ID_TEXT];
	struct commented c;
	char *made;

	if (strlen(comment) > AM_TRUSTED_COMMENT_MAX || strchr(comment, '\n'))
		return -EINVAL;
	if (sodium_init() < 0)
		return -EIO;
	hash(message, len, digest);
	memcpy(bytes + 2, key->id, sizeof(key->id));
	/* Signing fails for no input. */
	(void)crypto_sign_detached(bytes + 2 + AM_KEY_ID_BYTES, NULL, digest, sizeof(digest),
				   key->bytes);
	join(&c, bytes + 2 + AM_KEY_ID_BYTES, comment, strlen(comment));
	(void)crypto_sign_detached(global, NULL, c.bytes, c.len, key->bytes);

	sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes), sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(global_text, sizeof(global_text), global, sizeof(global),
			  sodium_base64_VARIANT_ORIGINAL);
	am_key_id_format(key->id, id);
	if (asprintf(&made, UNTRUSTED "signature from key %s\n%s\n" TRUSTED "%s\n%s\n", id, text,
		     comment, global_text) < 0)
		return -ENOMEM;
	*ret = made;
	return 0;
}

/* ---- secret keys ------------------------------------------------------------ */

/* A secret key's bytes while they are read or made. */
struct raw {
	uint8_t bytes[SECKEY_BYTES];
};

static void wipe_raw(struct raw *r)
{
	sodium_memzero(r, sizeof(*r));
}

#define autoraw __attribute__((cleanup(wipe_raw)))

static void store_u64(uint8_t *to, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = n >> (8 * i);
}

static uint64_t load_u64(const uint8_t *from)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		n |= (uint64_t)from[i] << (8 * i);
	return n;
}

static void sum(const struct raw *r, uint8_t ret[SUM_BYTES])
{
	crypto_generichash_state state;

	/* They fail for wrong sizes of hash and key only. */
	(void)crypto_generichash_init(&state, NULL, 0, SUM_BYTES);
	(void)crypto_generichash_update(&state, r->bytes, 2);
	(void)crypto_generichash_update(&state, r->bytes + SECKEY_SEALED,
					SECKEY_SUM - SECKEY_SEALED);
	(void)crypto_generichash_final(&state, ret, SUM_BYTES);
	sodium_memzero(&state, sizeof(state));
}

static bool sum_holds(const struct raw *r)
{
	uint8_t expected[SUM_BYTES];

	sum(r, expected);
	return sodium_memcmp(expected, r->bytes + SECKEY_SUM, sizeof(expected)) == 0;
}

/* Encrypts and, as it is an XOR, decrypts. */
static int seal(struct raw *r, const char *password)
{
	uint64_t ops = load_u64(r->bytes + SECKEY_OPS), memory = load_u64(r->bytes + SECKEY_MEMORY);
	uint8_t stream[SEALED_BYTES];

	if (ops > am_key_cost_default.ops || memory > am_key_cost_default.memory)
		return -E2BIG;
	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream), password, strlen(password),
					       r->bytes + SECKEY_SALT, ops, memory))
		return -ENOMEM;
	for (unsigned i = 0; i < sizeof(stream); i++)
		r->bytes[SECKEY_SEALED + i] ^= stream[i];
	sodium_memzero(stream, sizeof(stream));
	return 0;
}

/* Whether the public half is that of the seed; signing with another one gives the
 * secret away. */
static bool halves_fit(const uint8_t key[64])
{
	uint8_t public[32], secret[64];
	bool fit;

	(void)crypto_sign_seed_keypair(public, secret, key);	/* never fails */
	fit = sodium_memcmp(secret, key, sizeof(secret)) == 0;
	sodium_memzero(secret, sizeof(secret));
	return fit;
}

/* minisign leaves out the sum of a key that it does not encrypt. */
static int check_plain(const struct raw *r)
{
	return sodium_is_zero(r->bytes + SECKEY_SUM, SUM_BYTES) || sum_holds(r) ? 0 : -EBADMSG;
}

static int unseal(struct raw *r, const char *password)
{
	int err;

	if (!password)
		return -ENOKEY;
	err = seal(r, password);
	if (err)
		return err;
	return sum_holds(r) ? 0 : -EACCES;
}

int am_seckey_parse(const char *text, size_t len, const char *password, struct am_seckey *ret)
{
	autoraw struct raw r;
	struct lines l = { text, text + len };
	const char *comment;
	size_t comment_len;
	int err;

	if (sodium_init() < 0)
		return -EIO;
	if (take_comment(&l, UNTRUSTED, AM_COMMENT_MAX, &comment, &comment_len) ||
	    take_bytes(&l, true, r.bytes, sizeof(r.bytes)) || l.at != l.end ||
	    memcmp(r.bytes, "Ed", 2) || memcmp(r.bytes + 4, "B2", 2))
		return -EBADMSG;
	if (!memcmp(r.bytes + 2, "Sc", 2))
		err = unseal(&r, password);
	else
		err = memcmp(r.bytes + 2, "\0\0", 2) ? -EBADMSG : check_plain(&r);
	if (err)
		return err;
	if (!halves_fit(r.bytes + SECKEY_SEALED + AM_KEY_ID_BYTES))
		return -EBADMSG;
	memcpy(ret->id, r.bytes + SECKEY_SEALED, sizeof(ret->id));
	memcpy(ret->bytes, r.bytes + SECKEY_SEALED + AM_KEY_ID_BYTES, sizeof(ret->bytes));
	return 0;
}

/* ---- new pairs -------------------------------------------------------------- */

static int make_secret(struct raw *r, const char *password, const struct am_key_cost *cost)
{
	if (!password)
		return 0;
	sum(r, r->bytes + SECKEY_SUM);
	memcpy(r->bytes + 2, "Sc", 2);
	randombytes_buf(r->bytes + SECKEY_SALT, crypto_pwhash_scryptsalsa208sha256_SALTBYTES);
	store_u64(r->bytes + SECKEY_OPS, cost->ops);
	store_u64(r->bytes + SECKEY_MEMORY, cost->memory);
	return seal(r, password);
}

int am_keypair_make(const char *password, const struct am_key_cost *cost, char **ret_public,
		    char **ret_secret)
{
	autoraw struct raw r = { "Ed" };
	uint8_t public[PUBKEY_BYTES] = "Ed";
	char public_text[BASE64_LEN(PUBKEY_BYTES) + 1], secret_text[BASE64_LEN(SECKEY_BYTES) + 1];
	char id[AM_KEY_ID_TEXT];
	am_autofree char *text = NULL;
	char *secret;
	int err, n;

	if (sodium_init() < 0)
		return -EIO;
	memcpy(r.bytes + 4, "B2", 2);
	randombytes_buf(r.bytes + SECKEY_SEALED, AM_KEY_ID_BYTES);
	memcpy(public + 2, r.bytes + SECKEY_SEALED, AM_KEY_ID_BYTES);
	(void)crypto_sign_keypair(public + 2 + AM_KEY_ID_BYTES,	/* never fails */
				  r.bytes + SECKEY_SEALED + AM_KEY_ID_BYTES);
	err = make_secret(&r, password, cost);
	if (err)
		return err;
	sodium_bin2base64(public_text, sizeof(public_text), public, sizeof(public),
			  sodium_base64_VARIANT_ORIGINAL);
	am_key_id_format(public + 2, id);
	if (asprintf(&text, UNTRUSTED "minisign public key %s\n%s\n", id, public_text) < 0) {
		text = NULL;	/* its value is undefined on failure */
		return -ENOMEM;
	}
	sodium_bin2base64(secret_text, sizeof(secret_text), r.bytes, sizeof(r.bytes),
			  sodium_base64_VARIANT_ORIGINAL);
	n = asprintf(&secret, UNTRUSTED "minisign %s secret key\n%s\n",
		     password ? "encrypted" : "unencrypted", secret_text);
	sodium_memzero(secret_text, sizeof(secret_text));
	if (n < 0)
		return -ENOMEM;
	*ret_secret = secret;
	*ret_public = AM_TAKE_PTR(text);
	return 0;
}
