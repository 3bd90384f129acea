/* SPDX-License-Identifier: GPL-2.0 */
/* A policy on its way to a host: a numbered text that is signed, and the only form in
 * which a host takes a policy from outside. An am_bundle exists only if its signature
 * has been verified, on the very bytes that it keeps.
 *
 * The text, which is UTF-8 and at most AM_BUNDLE_MAX bytes:
 *
 *     # amanat bundle 1
 *     # serial N
 *     # takes back H                   only in a rollback
 *     the canonical text of the policy (canon.h)
 *
 * N and H are decimal, without a sign or leading zeros, from 1 to AM_SERIAL_MAX, and N
 * is less than H. Nothing else is a bundle: the text is read, written anew, and both
 * must be the same bytes. So each bundle has one meaning and one spelling, the same
 * policy under the same number is the same bytes, and a comment that is not one of these
 * lines cannot be there. To YAML the lines are comments: a bundle is also a policy file.
 *
 * When it was made is not in it, as that would make other bytes of it each time; the
 * signer says it in the signature's trusted comment.
 *
 * It is signed as it is by minisign (minisign.h), `BUNDLE.minisig` beside `BUNDLE`. To
 * travel, both are one sequence of bytes, a *signed bundle*:
 *
 *     the four lines of the signature, and behind them the text up to the end
 *
 * that is `cat BUNDLE.minisig BUNDLE`: one read, and no moment at which one of the two
 * is new and the other old. Four lines at the start need no length and no escaping.
 *
 * Of a signed bundle a host believes nothing, not even its number, before the signature
 * holds; the key id in it is used to find the key and for nothing else. */
#pragma once

#include "policy/blob.h"
#include "policy/keyring.h"
#include "policy/model.h"

enum {
	AM_BUNDLE_MAX = AM_POLICY_BYTES_MAX,
	AM_SIGNED_MAX = AM_SIGNATURE_MAX + AM_BUNDLE_MAX,
	AM_DIGEST_BYTES = 32,
	AM_DIGEST_TEXT = 2 * AM_DIGEST_BYTES + 1,
};

/* What a number of JSON can be, and more than anybody counts to. */
#define AM_SERIAL_MAX ((UINT64_C(1) << 53) - 1)

/* What the text of a bundle says, whoever wrote it. */
struct am_draft {
	uint64_t serial;
	uint64_t takes_back;	/* the serial that it undoes; 0: no rollback */
	struct am_model *model;	/* owned, positions are those in the bundle */
	uint8_t digest[AM_DIGEST_BYTES];	/* BLAKE2b-256 of the text */
};

struct am_bundle {
	struct am_draft *draft;	/* owned */
	struct am_blob blob;	/* the signed bundle as it was read: what is to be kept */
	const char *text;	/* within the blob, as long as to its end */
	size_t text_len;
	char *signer;		/* owned: name of the key in the ring */
	uint8_t key_id[AM_KEY_ID_BYTES];
	char *comment;		/* owned: the trusted comment; to be escaped when shown */
};

/* The text of a bundle, which parses back to the policy. `takes_back` 0: no rollback.
 * 0; -EINVAL for numbers out of order, -EFBIG, with an error in `diags`; -ENOMEM. */
int am_bundle_make(const struct am_model *m, uint64_t serial, uint64_t takes_back,
		   struct am_diags *diags, char **ret, size_t *ret_len);

/* The text of a bundle as a draft: 0; -EBADMSG, also if the policy breaks an invariant of
 * its own, or -EFBIG, with one error; -ENOMEM. Not for what comes from outside: that has a
 * signature to be checked first. */
int am_draft_parse(const char *name, const char *text, size_t len, struct am_diags *diags,
		   struct am_draft **ret);

void am_draft_free(struct am_draft *d);
AM_DEFINE_AUTO(am_draft);

/* Of a bundle that was taken before, and so was signed in time. */
#define AM_ANY_TIME INT64_MIN

/* A signed bundle, believed. `name` stands for it in messages. `now_s` is the time at
 * which keys must not have expired: the clock's for a bundle that is new to the host,
 * AM_ANY_TIME for the one that it had in force before it restarted.
 *
 * 0, and `blob` is taken; or one error in `diags` and
 *   -EFBIG        larger than a signed bundle can be
 *   -EBADMSG      no signature, or it holds and what was signed is no bundle
 *   -ENOKEY       signed with a key that is not in the ring
 *   -EKEYEXPIRED  with one that has expired
 *   -EKEYREJECTED the signature, or that of its trusted comment, does not hold
 *   -ENOMEM       (perhaps without an error) */
int am_bundle_open(const char *name, struct am_blob *blob, const struct am_keyring *ring,
		   int64_t now_s, struct am_diags *diags, struct am_bundle **ret);

/* The file `path` as a signed bundle: itself if it begins with a signature, else behind
 * the signature that `path`.minisig holds. Each is read once. */
int am_signed_read(const char *path, struct am_diags *diags, struct am_blob *ret);

/* The same below a folder, on the terms of am_blob_read(). */
int am_signed_read_at(int dirfd, const char *path, const char *name, int64_t owner,
		      struct am_diags *diags, struct am_blob *ret);

/* The same, and what am_bundle_open() says of it. */
int am_bundle_load(const char *path, const struct am_keyring *ring, int64_t now_s,
		   struct am_diags *diags, struct am_bundle **ret);

void am_bundle_free(struct am_bundle *b);
AM_DEFINE_AUTO(am_bundle);

void am_digest_format(const uint8_t digest[AM_DIGEST_BYTES], char ret[AM_DIGEST_TEXT]);

/* "1" to AM_SERIAL_MAX, decimal. 0 or -EINVAL. */
int am_serial_parse(const char *text, size_t len, uint64_t *ret);
