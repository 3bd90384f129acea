// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "bundle_text.h"

static const struct am_key_cost cheap = {
	.ops = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN,
	.memory = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN,
};

/* Made with Debian's minisign 0.11: a key pair for tests alone, and its signatures of
 * "hello\n", one of the hash and one of the message itself. */
static const char debian_public[] =
	"untrusted comment: minisign public key 6ED194A7CACA44F9\n"
	"RWT5RMrKp5TRbpgZFwDrC9qPiUd6su6rkdEdljVfcQGMZt9s6jQW+Q9Z\n";
static const char debian_secret[] =
	"untrusted comment: minisign encrypted secret key\n"
	"RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+UTKyqeU0W5GOFPB"
	"CTCG5Gtb1oxylkdenyunQpe75u/+NjtSZSmjkpgZFwDrC9qPiUd6su6rkdEdljVfcQGMZt9s6jQW+Q9ZAAAAAAAA"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
static const char debian_hashed[] =
	"untrusted comment: signature from minisign secret key\n"
	"RUT5RMrKp5TRbmXHArTI9PGElKuN81J6nJc7b+w0vjMp6/izv00pcT8yWmUwy3s7RHv3TsxbkdboL2KER81N7taGUU+1"
	"EcJ6sA0=\n"
	"trusted comment: my comment\n"
	"4e3/u0v4y0EZt+7rX7raXLW1JzmMET7GXPBGy+eVPrto1amSMY+pRuPfsI3gIkQt7D59Ngje5d/BTp34ZoqPAA==\n";
static const char debian_legacy[] =
	"untrusted comment: signature from minisign secret key\n"
	"RWT5RMrKp5TRbiaGD+TACOabwaspjNtA2DOrlP6C/1z85HyyqSZeAWUclb0G/x7rrHWzT/lt/GdSiCy9WsU28Id6QeDI"
	"rZTM/Qw=\n"
	"trusted comment: timestamp:1795302156\tfile:f\n"
	"UNLdLjmSW9t49n+zHxQGtV5JeO6fWiByu3rH9bl98fylU9G31If33T+fneovnVHITmGxkVYHXewv2larhmbmCA==\n";

static struct am_pubkey debian_key(void)
{
	struct am_pubkey key;
	size_t size;

	assert_int_equal(am_pubkey_parse(debian_public, strlen(debian_public), &key, &size), 0);
	assert_int_equal(size, strlen(debian_public));
	return key;
}

static void believes_what_debians_minisign_signed(void **state)
{
	static const char *const texts[] = { debian_hashed, debian_legacy };
	struct am_pubkey key = debian_key();
	char id[AM_KEY_ID_TEXT];

	(void)state;
	am_key_id_format(key.id, id);
	assert_string_equal(id, "6ED194A7CACA44F9");
	for (unsigned i = 0; i < 2; i++) {
		struct am_signature s;

		assert_int_equal(am_signature_parse(texts[i], strlen(texts[i]), &s), 0);
		assert_int_equal(s.hashed, i == 0);
		assert_int_equal(s.size, strlen(texts[i]));
		assert_true(am_signature_holds(&s, &key, "hello\n", 6));
		assert_true(am_signature_comment_holds(&s, &key));
		assert_false(am_signature_holds(&s, &key, "hello", 5));
		assert_false(am_signature_holds(&s, &key, "Hello\n", 6));
		s.comment_len--;
		assert_false(am_signature_comment_holds(&s, &key));
	}
}

static void signs_with_a_key_of_debians_minisign(void **state)
{
	struct am_pubkey key = debian_key();
	struct am_seckey secret;
	am_autofree char *text = NULL;
	struct am_signature s;

	(void)state;
	assert_int_equal(am_seckey_parse(debian_secret, strlen(debian_secret), NULL, &secret), 0);
	assert_int_equal(am_signature_make(&secret, "m", 1, "c", &text), 0);
	assert_int_equal(am_signature_parse(text, strlen(text), &s), 0);
	assert_true(s.hashed);
	assert_true(am_signature_holds(&s, &key, "m", 1));
	assert_true(am_signature_comment_holds(&s, &key));
}

static void a_hashed_signature_is_none_of_the_message_itself(void **state)
{
	struct am_pubkey key = debian_key();
	struct am_signature s;

	(void)state;
	assert_int_equal(am_signature_parse(debian_hashed, strlen(debian_hashed), &s), 0);
	s.hashed = false;
	assert_false(am_signature_holds(&s, &key, "hello\n", 6));
}

static void another_key_with_the_same_id_does_not_verify(void **state)
{
	struct am_pubkey key = debian_key();
	struct signer other = new_signer();
	struct am_signature s;

	(void)state;
	assert_int_equal(am_signature_parse(debian_hashed, strlen(debian_hashed), &s), 0);
	memcpy(key.bytes, other.public.bytes, sizeof(key.bytes));
	assert_false(am_signature_holds(&s, &key, "hello\n", 6));
	assert_false(am_signature_comment_holds(&s, &key));
	drop_signer(&other);
}

/* ---- what is no signature --------------------------------------------------- */

static void refuses_every_beginning_of_a_signature(void **state)
{
	struct am_signature s;

	(void)state;
	for (size_t len = 0; len < strlen(debian_hashed); len++) {
		am_autoblob struct am_blob part = blob_of(debian_hashed, len);

		assert_int_equal(am_signature_parse(part.bytes, len, &s), -EBADMSG);
	}
}

/* Of its own key's signature, only the text of the untrusted comment may change. */
static void no_bit_of_a_signature_can_be_changed_unnoticed(void **state)
{
	size_t len = strlen(debian_hashed);
	size_t free_from = strlen("untrusted comment: ");
	size_t free_to = strchr(debian_hashed, '\n') - debian_hashed;
	struct am_pubkey key = debian_key();

	(void)state;
	for (size_t i = 0; i < 8 * len; i++) {
		am_autoblob struct am_blob copy = blob_of(debian_hashed, len);
		bool freely = i / 8 >= free_from && i / 8 < free_to;
		struct am_signature s;
		bool held;

		copy.bytes[i / 8] ^= 1 << i % 8;
		held = !am_signature_parse(copy.bytes, len, &s) &&
		       am_signature_holds(&s, &key, "hello\n", 6) &&
		       am_signature_comment_holds(&s, &key);
		if (held != (freely && copy.bytes[i / 8] && copy.bytes[i / 8] != '\n'))
			fail_msg("bit %zu", i);
	}
}

static void refuses_what_is_nearly_a_signature(void **state)
{
	static const char *const bad[] = {
		"",
		"untrusted comment: x\n",
		"untrusted comment:x\nRUT5\ntrusted comment: y\nAAAA\n",
		/* carriage returns */
		"untrusted comment: x\r\n"
		"RUT5RMrKp5TRbmXHArTI9PGElKuN81J6nJc7b+w0vjMp6/izv00pcT8yWmUwy3s7RHv3TsxbkdboL2KER81N7"
		"taGUU+1EcJ6sA0=\r\ntrusted comment: y\r\n"
		"4e3/u0v4y0EZt+7rX7raXLW1JzmMET7GXPBGy+eVPrto1amSMY+pRuPfsI3gIkQt7D59Ngje5d/BTp34ZoqPAA"
		"==\r\n",
		/* base64 whose last character carries bits that are no part of it */
		"untrusted comment: x\n"
		"RUT5RMrKp5TRbmXHArTI9PGElKuN81J6nJc7b+w0vjMp6/izv00pcT8yWmUwy3s7RHv3TsxbkdboL2KER81N7"
		"taGUU+1EcJ6sA1=\ntrusted comment: y\n"
		"4e3/u0v4y0EZt+7rX7raXLW1JzmMET7GXPBGy+eVPrto1amSMY+pRuPfsI3gIkQt7D59Ngje5d/BTp34ZoqPAA"
		"==\n",
		/* without padding */
		"untrusted comment: x\n"
		"RUT5RMrKp5TRbmXHArTI9PGElKuN81J6nJc7b+w0vjMp6/izv00pcT8yWmUwy3s7RHv3TsxbkdboL2KER81N7"
		"taGUU+1EcJ6sA0\ntrusted comment: y\n"
		"4e3/u0v4y0EZt+7rX7raXLW1JzmMET7GXPBGy+eVPrto1amSMY+pRuPfsI3gIkQt7D59Ngje5d/BTp34ZoqPAA"
		"==\n",
	};
	struct am_signature s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (am_signature_parse(bad[i], strlen(bad[i]), &s) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

static void bounds_the_comments(void **state)
{
	char comment[AM_TRUSTED_COMMENT_MAX + 2];
	struct signer signer = new_signer();
	struct am_signature s;
	char *text = NULL;

	(void)state;
	memset(comment, 'x', sizeof(comment));
	comment[AM_TRUSTED_COMMENT_MAX + 1] = '\0';
	assert_int_equal(am_signature_make(&signer.secret, "m", 1, comment, &text), -EINVAL);
	assert_int_equal(am_signature_make(&signer.secret, "m", 1, "a\nb", &text), -EINVAL);
	assert_null(text);
	comment[AM_TRUSTED_COMMENT_MAX] = '\0';
	assert_int_equal(am_signature_make(&signer.secret, "m", 1, comment, &text), 0);
	assert_true(strlen(text) < AM_SIGNATURE_MAX);
	assert_int_equal(am_signature_parse(text, strlen(text), &s), 0);
	assert_true(am_signature_comment_holds(&s, &signer.public));
	free(text);
	drop_signer(&signer);
}

/* ---- keys ------------------------------------------------------------------- */

static void keeps_a_secret_behind_its_password(void **state)
{
	am_autosecret char *secret = NULL;
	am_autofree char *public = NULL, *text = NULL;
	struct am_signature s;
	struct am_pubkey key;
	struct am_seckey k;
	size_t size;

	(void)state;
	assert_int_equal(am_keypair_make("open sesame", &cheap, &public, &secret), 0);
	assert_int_equal(am_seckey_parse(secret, strlen(secret), NULL, &k), -ENOKEY);
	assert_int_equal(am_seckey_parse(secret, strlen(secret), "open sesam", &k), -EACCES);
	assert_int_equal(am_seckey_parse(secret, strlen(secret), "", &k), -EACCES);
	assert_int_equal(am_seckey_parse(secret, strlen(secret), "open sesame", &k), 0);
	assert_int_equal(am_pubkey_parse(public, strlen(public), &key, &size), 0);
	assert_memory_equal(key.id, k.id, sizeof(k.id));
	assert_memory_equal(key.bytes, k.bytes + 32, 32);
	assert_int_equal(am_signature_make(&k, "m", 1, "c", &text), 0);
	assert_int_equal(am_signature_parse(text, strlen(text), &s), 0);
	assert_true(am_signature_holds(&s, &key, "m", 1));
}

static void refuses_a_secret_key_that_was_changed(void **state)
{
	struct am_seckey k;
	size_t len = strlen(debian_secret), line = strchr(debian_secret, '\n') + 1 - debian_secret;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		am_autoblob struct am_blob part = blob_of(debian_secret, i);

		/* The line end is not needed. */
		if (i != len - 1)
			assert_int_equal(am_seckey_parse(part.bytes, i, NULL, &k), -EBADMSG);
	}
	/* The key id and the halves of the key are behind the first 54 bytes, 72 characters;
	 * unencrypted, the id has no sum that would tell. */
	for (size_t i = line + 84; i < len - 2; i++) {
		am_autoblob struct am_blob copy = blob_of(debian_secret, len);

		copy.bytes[i] = copy.bytes[i] == 'A' ? 'B' : 'A';
		assert_int_equal(am_seckey_parse(copy.bytes, len, NULL, &k), -EBADMSG);
	}
}

static void refuses_a_secret_key_that_costs_too_much(void **state)
{
	const struct am_key_cost much = { .ops = cheap.ops,
					  .memory = am_key_cost_default.memory + 1 };
	const struct am_key_cost long_ = { .ops = am_key_cost_default.ops + 1,
					   .memory = cheap.memory };
	char *public = NULL, *secret = NULL;

	(void)state;
	assert_int_equal(am_keypair_make("x", &much, &public, &secret), -E2BIG);
	assert_int_equal(am_keypair_make("x", &long_, &public, &secret), -E2BIG);
	assert_null(public);
	assert_null(secret);
}

static void refuses_what_is_no_public_key(void **state)
{
	struct am_pubkey key;
	size_t size;

	(void)state;
	for (size_t i = 0; i < strlen(debian_public) - 1; i++) {
		am_autoblob struct am_blob part = blob_of(debian_public, i);

		assert_int_equal(am_pubkey_parse(part.bytes, i, &key, &size), -EBADMSG);
	}
	assert_int_equal(am_pubkey_parse(debian_secret, strlen(debian_secret), &key, &size),
			 -EBADMSG);
	assert_int_equal(am_pubkey_parse(debian_hashed, strlen(debian_hashed), &key, &size),
			 -EBADMSG);
	/* The last line may lack its end, as editors have it. */
	assert_int_equal(am_pubkey_parse(debian_public, strlen(debian_public) - 1, &key, &size), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believes_what_debians_minisign_signed),
		cmocka_unit_test(signs_with_a_key_of_debians_minisign),
		cmocka_unit_test(a_hashed_signature_is_none_of_the_message_itself),
		cmocka_unit_test(another_key_with_the_same_id_does_not_verify),
		cmocka_unit_test(refuses_every_beginning_of_a_signature),
		cmocka_unit_test(no_bit_of_a_signature_can_be_changed_unnoticed),
		cmocka_unit_test(refuses_what_is_nearly_a_signature),
		cmocka_unit_test(bounds_the_comments),
		cmocka_unit_test(keeps_a_secret_behind_its_password),
		cmocka_unit_test(refuses_a_secret_key_that_was_changed),
		cmocka_unit_test(refuses_a_secret_key_that_costs_too_much),
		cmocka_unit_test(refuses_what_is_no_public_key),
	};

	return cmocka_run_group_tests_name("minisign", tests, NULL, NULL);
}
