/* SPDX-License-Identifier: GPL-2.0 */
/* Ed25519 keys and detached signatures in the files of minisign, so that people sign
 * and verify with a tool they have. All numbers little endian, base64 with padding.
 *
 * Public key, two lines; what follows them is not minisign's:
 *
 *     untrusted comment: ANY TEXT
 *     base64 of   0  "Ed"
 *                 2  key id, 8 bytes
 *                10  Ed25519 public key, 32 bytes
 *
 * Signature, four lines:
 *
 *     untrusted comment: ANY TEXT
 *     base64 of   0  "ED": of the BLAKE2b-512 hash of the message; "Ed": of the message
 *                 2  key id, 8 bytes
 *                10  signature, 64 bytes
 *     trusted comment: ANY TEXT
 *     base64 of   0  signature of the 64 bytes above and ANY TEXT of the trusted comment
 *
 * Secret key, two lines:
 *
 *     untrusted comment: ANY TEXT
 *     base64 of   0  "Ed"
 *                 2  "Sc": scrypt, or two zero bytes: not encrypted
 *                 4  "B2"
 *                 6  salt, 32 bytes
 *                38  scrypt's opslimit, 8 bytes
 *                46  scrypt's memlimit, 8 bytes
 *                54  key id, 8 bytes                         } of scrypt, as many bytes as
 *                62  Ed25519 seed and public key, 64 bytes   } these, XORed with them
 *               126  BLAKE2b-256 of bytes 0..1 and 54..125   } ("Sc" only)
 *
 * Always true of it: a line ends with one LF and holds no NUL byte, a comment is within
 * its limit, and base64 is of exactly that many bytes in its only spelling. So of the
 * text of a signature nothing can be changed but its untrusted comment.
 *
 * The three kinds of signed bytes cannot pass for each other here: what is verified
 * begins with the first line of a bundle, which neither a hash nor a signature does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AM_KEY_ID_BYTES = 8,
	AM_KEY_ID_TEXT = 2 * AM_KEY_ID_BYTES + 1,
	AM_COMMENT_MAX = 1024,		/* bytes of an untrusted comment */
	AM_TRUSTED_COMMENT_MAX = 8192,
	AM_SIGNATURE_MAX = 10 * 1024,	/* bytes of a signature's text, and more than it has */
	AM_SECKEY_MAX = 2048,		/* bytes of a secret key's text, likewise */
};

struct am_pubkey {
	uint8_t id[AM_KEY_ID_BYTES];
	uint8_t bytes[32];
};

/* Wiped by whoever has one, through am_autoseckey. */
struct am_seckey {
	uint8_t id[AM_KEY_ID_BYTES];
	uint8_t bytes[64];
};

struct am_signature {
	bool hashed;
	uint8_t id[AM_KEY_ID_BYTES];	/* says which key to try, nothing more */
	uint8_t bytes[64];
	uint8_t global[64];
	const char *comment;	/* the trusted one, borrowed; believe it if it holds */
	size_t comment_len;
	size_t size;		/* of the text: the message may follow */
};

void am_seckey_wipe(struct am_seckey *key);
#define am_autoseckey __attribute__((cleanup(am_seckey_wipe)))

/* As minisign shows it: 16 upper case hexadecimal digits. */
void am_key_id_format(const uint8_t id[AM_KEY_ID_BYTES], char ret[AM_KEY_ID_TEXT]);

/* 0, and in *ret_size how much of the text was the key; -EBADMSG. */
int am_pubkey_parse(const char *text, size_t len, struct am_pubkey *ret, size_t *ret_size);

/* 0; -EBADMSG. Borrows `text`. */
int am_signature_parse(const char *text, size_t len, struct am_signature *ret);

/* Whether the text begins as a signature does. */
bool am_signature_begins(const char *text, size_t len);

bool am_signature_holds(const struct am_signature *s, const struct am_pubkey *key,
			const void *message, size_t len);
bool am_signature_comment_holds(const struct am_signature *s, const struct am_pubkey *key);

/* The text of a signature of the message's hash. 0; -EINVAL if the comment is no line
 * of at most AM_TRUSTED_COMMENT_MAX bytes; -ENOMEM. */
int am_signature_make(const struct am_seckey *key, const void *message, size_t len,
		      const char *comment, char **ret);

/* 0; -EBADMSG; -ENOKEY if it is encrypted and `password` is NULL; -EACCES if that is not
 * its password; -E2BIG if it asks for more memory or time than minisign ever does;
 * -ENOMEM. */
int am_seckey_parse(const char *text, size_t len, const char *password, struct am_seckey *ret);

/* What finding the password of a stolen key costs. */
struct am_key_cost {
	uint64_t ops;
	uint64_t memory;	/* bytes */
};

extern const struct am_key_cost am_key_cost_default;	/* minisign's: 1 GiB, some seconds */

/* The texts of a new pair; not encrypted if `password` is NULL. Free the secret one
 * with am_secret_free(). 0; -ENOMEM. */
int am_keypair_make(const char *password, const struct am_key_cost *cost, char **ret_public,
		    char **ret_secret);

/* Wipes and frees; NULL is fine. */
void am_secret_free(char *secret);

static inline void am_secret_auto_(char **p)
{
	am_secret_free(*p);
}
#define am_autosecret __attribute__((cleanup(am_secret_auto_)))
