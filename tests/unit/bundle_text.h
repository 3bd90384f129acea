/* SPDX-License-Identifier: GPL-2.0 */
/* Bundles, keys and rings made on the spot, for the tests of what is signed. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bundle.h"

#define SMALL_POLICY "version: 1\nname: p\nmode: observe\n"

struct signer {
	struct am_seckey secret;
	struct am_pubkey public;
	char *public_text;	/* owned */
};

static inline struct signer new_signer(void)
{
	struct am_key_cost cost = { 0 };
	struct signer s;
	char *secret;
	size_t size;

	assert_int_equal(am_keypair_make(NULL, &cost, &s.public_text, &secret), 0);
	assert_int_equal(am_seckey_parse(secret, strlen(secret), NULL, &s.secret), 0);
	assert_int_equal(am_pubkey_parse(s.public_text, strlen(s.public_text), &s.public, &size),
			 0);
	am_secret_free(secret);
	return s;
}

static inline void drop_signer(struct signer *s)
{
	free(s->public_text);
	am_seckey_wipe(&s->secret);
}

/* A ring that trusts the key until then. */
static inline struct am_keyring *ring_of(const struct signer *s, int64_t expires_s)
{
	struct am_keyring *ring = NULL;
	struct am_diags d;

	am_diags_init(&d);
	assert_int_equal(am_keyring_new(&ring), 0);
	assert_int_equal(am_keyring_add(ring, "keys/officer.pub", s->public_text,
					strlen(s->public_text), &d), 0);
	ring->keys[0].expires_s = expires_s;
	am_diags_done(&d);
	return ring;
}

static inline struct am_model *model_of(const char *text)
{
	struct am_model *m = NULL;
	struct am_diags d;

	am_diags_init(&d);
	if (am_model_parse("p.yaml", text, strlen(text), &d, &m)) {
		am_diags_print(&d, stderr);
		print_error("%s", text);
		fail();
	}
	am_diags_done(&d);
	return m;
}

static inline char *bundle_of(const char *policy, uint64_t serial, uint64_t takes_back)
{
	am_auto(am_model) struct am_model *m = model_of(policy);
	struct am_diags d;
	char *text = NULL;
	size_t len;

	am_diags_init(&d);
	assert_int_equal(am_bundle_make(m, serial, takes_back, &d, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	am_diags_done(&d);
	return text;
}

static inline struct am_blob join_blob(const char *a, size_t a_len, const char *b, size_t b_len)
{
	struct am_blob blob = { .bytes = calloc(1, a_len + b_len + 1), .len = a_len + b_len };

	assert_non_null(blob.bytes);
	memcpy(mempcpy(blob.bytes, a, a_len), b, b_len);
	return blob;
}

static inline struct am_blob blob_of(const char *bytes, size_t len)
{
	return join_blob(bytes, len, "", 0);
}

/* The signed bundle: whatever `text` is. */
static inline struct am_blob sign_text(const struct signer *s, const char *text, size_t len,
				       const char *comment)
{
	am_autofree char *signature = NULL;

	assert_int_equal(am_signature_make(&s->secret, text, len, comment, &signature), 0);
	return join_blob(signature, strlen(signature), text, len);
}

/* What am_bundle_open() says of a copy of the bytes; one error if it refuses, and *fact
 * (to be freed) is what it says. */
static inline int open_bytes(const char *bytes, size_t len, const struct am_keyring *ring,
			     int64_t now_s, char **fact)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	am_autoblob struct am_blob blob = blob_of(bytes, len);
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_bundle_open("b", &blob, ring, now_s, &d, &b);
	assert_int_equal(err == 0, b != NULL);
	assert_int_equal(d.count, err ? 1 : 0);
	assert_int_equal(d.errors, d.count);
	if (err) {
		size_t end = strlen(d.items[0].hint);

		assert_non_null(blob.bytes);	/* still the caller's */
		assert_true(end && d.items[0].hint[end - 1] == '.');
		assert_null(strchr(d.items[0].fact, '\n'));
	}
	if (fact)
		*fact = err ? strdup(d.items[0].fact) : NULL;
	am_diags_done(&d);
	return err;
}
