// SPDX-License-Identifier: GPL-2.0
/* Any bytes in each place of a bundle: as the signed bundle, as what a trusted key has
 * signed, as the policy that is to become one, as keys and as a host's past. What is
 * taken must be what the headers say: signed by the ring's key and in canonical form.
 * Seeds: tests/data/bundle; words: fuzz_bundle.dict. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/canon.h"
#include "policy/serial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct am_seckey secret;
static struct am_keyring *ring;

static void make_key(void)
{
	struct am_key_cost cost = { 0 };
	char *public, *text;
	struct am_diags d;

	am_diags_init(&d);
	assert(am_keypair_make(NULL, &cost, &public, &text) == 0);
	assert(am_seckey_parse(text, strlen(text), NULL, &secret) == 0);
	assert(am_keyring_new(&ring) == 0);
	assert(am_keyring_add(ring, "k.pub", public, strlen(public), &d) == 0);
	free(public);
	am_secret_free(text);
	am_diags_done(&d);
}

static void check_diags(struct am_diags *d, int err)
{
	assert(d->errors == (err && err != -EALREADY ? 1 : 0));
	for (size_t i = 0; i < d->count; i++)
		assert(d->items[i].fact[0] && d->items[i].hint[0]);
	am_diags_done(d);
}

static struct am_blob join(const char *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct am_blob blob = { .bytes = calloc(1, a_len + b_len + 1), .len = a_len + b_len };

	assert(blob.bytes);
	if (a_len)
		memcpy(blob.bytes, a, a_len);
	if (b_len)
		memcpy(blob.bytes + a_len, b, b_len);
	return blob;
}

static void check_serial(const struct am_draft *draft)
{
	struct am_serial s = { .current = 5, .highest = 9 };
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_serial_check(&s, draft, "b", &d);
	check_diags(&d, err);
	if (err)
		return;
	assert(draft->serial > 9 || (draft->takes_back == 9 && draft->serial < 5));
	am_serial_advance(&s, draft);
	am_diags_init(&d);
	assert(am_serial_check(&s, draft, "b", &d) == -EALREADY);
	am_diags_done(&d);
}

/* Takes the blob. Whether it was believed. */
static bool open_blob(struct am_blob *blob)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	am_autofree char *again = NULL;
	struct am_diags d;
	size_t len;
	int err;

	am_diags_init(&d);
	err = am_bundle_open("b", blob, ring, 0, &d, &b);
	assert((err == 0) == (b != NULL));
	check_diags(&d, err);
	am_blob_done(blob);
	if (err)
		return false;
	am_diags_init(&d);
	assert(am_bundle_make(b->draft->model, b->draft->serial, b->draft->takes_back, &d, &again,
			      &len) == 0);
	assert(len == b->text_len && !memcmp(again, b->text, len));
	am_diags_done(&d);
	check_serial(b->draft);
	return true;
}

/* Signed elsewhere: of the ring's key there is no signature in the input. */
static void as_signed_bundle(const uint8_t *data, size_t size)
{
	struct am_blob blob = join("", 0, data, size);

	assert(!open_blob(&blob));
}

static void as_what_was_signed(const uint8_t *data, size_t size)
{
	struct am_blob blob;
	char *signature;

	assert(am_signature_make(&secret, data, size, "c", &signature) == 0);
	blob = join(signature, strlen(signature), data, size);
	free(signature);
	(void)open_blob(&blob);		/* either is fine; it checks what was taken */
}

static void as_policy(const uint8_t *data, size_t size)
{
	am_auto(am_model) struct am_model *m = NULL, *back = NULL;
	am_autofree char *canon = NULL, *again = NULL;
	size_t len, again_len;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_model_parse("p", (const char *)data, size, &d, &m);
	am_diags_done(&d);
	if (err)
		return;
	am_diags_init(&d);
	err = am_canon_write(m, &d, &canon, &len);
	assert(err == 0 || err == -EFBIG);
	check_diags(&d, err);
	if (err)
		return;
	am_diags_init(&d);
	assert(am_model_parse("c", canon, len, &d, &back) == 0);
	assert(am_canon_write(back, &d, &again, &again_len) == 0);
	assert(len == again_len && !memcmp(canon, again, len));
	assert(back->n_stores == m->n_stores && back->n_paths == m->n_paths &&
	       back->n_nets == m->n_nets && back->n_ports == m->n_ports &&
	       back->n_labels == m->n_labels && back->n_subjects == m->n_subjects &&
	       back->n_purposes == m->n_purposes && back->n_zones == m->n_zones &&
	       back->n_rules <= m->n_rules && back->n_invariants <= m->n_invariants);
	am_diags_done(&d);
}

static void as_keys(const uint8_t *data, size_t size)
{
	am_auto(am_keyring) struct am_keyring *keys = NULL;
	struct am_seckey key;
	struct am_diags d;
	int err;

	/* Without a password: a real one would only be slow. */
	err = am_seckey_parse((const char *)data, size, NULL, &key);
	assert(err == 0 || err == -EBADMSG || err == -ENOKEY);
	am_diags_init(&d);
	assert(am_keyring_new(&keys) == 0);
	err = am_keyring_add(keys, "k.pub", (const char *)data, size, &d);
	assert(err == 0 || err == -EBADMSG);
	assert(keys->count == (err ? 0 : 1));
	check_diags(&d, err);
}

static char folder[] = "/tmp/amanat-fuzz-XXXXXX";
static int dirfd = -1;

static void drop_folder(void)
{
	(void)unlinkat(dirfd, "serial", 0);	/* may be gone */
	(void)rmdir(folder);
}

static void make_folder(void)
{
	assert(mkdtemp(folder));
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dirfd >= 0 && atexit(drop_folder) == 0);
}

static void as_past(const uint8_t *data, size_t size)
{
	struct am_serial s, again;

	if (size > 600)
		return;
	(void)unlinkat(dirfd, "serial", 0);	/* of the input before, if any */
	assert(am_blob_create(dirfd, "serial", 0600, data, size) == 0);
	if (am_serial_load(dirfd, &s))
		return;
	assert(s.policy[0] && s.current && s.current <= s.highest);
	assert(am_serial_save(&s, dirfd) == 0 && am_serial_load(dirfd, &again) == 0);
	assert(!memcmp(&s, &again, sizeof(s)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!ring) {
		make_key();
		make_folder();
	}
	as_signed_bundle(data, size);
	as_what_was_signed(data, size);
	as_policy(data, size);
	as_keys(data, size);
	if (size > 15 && !memcmp(data, "amanat serial 1", 15))
		as_past(data, size);
	return 0;
}
