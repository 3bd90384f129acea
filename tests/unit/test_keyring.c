// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "bundle_text.h"
#include "fds.h"

static char folder[] = "/tmp/amanat-keyring-XXXXXX";
static struct signer alice, bob;

/* ---- files in a folder of keys ---------------------------------------------- */

static char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *key, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", key, more);
	assert_int_equal(am_blob_replace(AT_FDCWD, in_folder(name), 0644, text, strlen(text)), 0);
}

static int empty_folder(void **state)
{
	DIR *dir = opendir(folder);

	(void)state;
	if (!dir)
		return -1;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			(void)remove(in_folder(e->d_name));	/* seen below, by rmdir() */
	closedir(dir);
	return chmod(folder, 0755);
}

/* What loading says; the words must be in its one error. */
static int load(const char *words)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_keyring_load(folder, geteuid(), &d, &ring);
	assert_int_equal(err == 0, ring != NULL);
	assert_int_equal(d.errors, err ? 1 : 0);
	if (err && !strstr(d.items[0].fact, words))
		fail_msg("'%s' is not in '%s'", words, d.items[0].fact);
	am_diags_done(&d);
	return err;
}

/* ---- what is trusted -------------------------------------------------------- */

static void trusts_every_key_of_the_folder(void **state)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	const struct am_trusted_key *key;
	struct am_diags d;

	(void)state;
	put("alice.pub", alice.public_text, "");
	put("bob.pub", bob.public_text, "expires: 2027-01-01\n");
	put("README", "no key", "");
	put(".bob.pub", "half written", "");
	put("bob.pub~", "an editor's", "");
	am_diags_init(&d);
	assert_int_equal(am_keyring_load(folder, geteuid(), &d, &ring), 0);
	assert_int_equal(d.count, 0);
	assert_int_equal(ring->count, 2);
	key = am_keyring_find(ring, alice.public.id);
	assert_string_equal(key->name, "alice");
	assert_true(key->expires_s == AM_KEY_NEVER);
	key = am_keyring_find(ring, bob.public.id);
	assert_string_equal(key->name, "bob");
	assert_int_equal(key->expires_s, 1798761600);
	assert_null(am_keyring_find(ring, (const uint8_t *)"\0\0\0\0\0\0\0\0"));
	am_diags_done(&d);
}

static void an_empty_folder_trusts_nobody(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
}

static void a_key_that_is_gone_is_no_longer_trusted(void **state)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	struct am_diags d;

	(void)state;
	put("alice.pub", alice.public_text, "");
	put("bob.pub", bob.public_text, "");
	assert_int_equal(unlink(in_folder("bob.pub")), 0);
	am_diags_init(&d);
	assert_int_equal(am_keyring_load(folder, geteuid(), &d, &ring), 0);
	assert_non_null(am_keyring_find(ring, alice.public.id));
	assert_null(am_keyring_find(ring, bob.public.id));
	am_diags_done(&d);
}

/* ---- what is not ------------------------------------------------------------ */

static void refuses_a_folder_that_others_may_write(void **state)
{
	(void)state;
	put("alice.pub", alice.public_text, "");
	assert_int_equal(chmod(folder, 0775), 0);
	assert_int_equal(load("others than its owner may write it (mode 0775)"), -EPERM);
	assert_int_equal(chmod(folder, 0757), 0);
	assert_int_equal(load("others than its owner"), -EPERM);
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(load("others than its owner"), -EPERM);
}

static void refuses_a_key_that_others_may_write(void **state)
{
	(void)state;
	put("alice.pub", alice.public_text, "");
	put("bob.pub", bob.public_text, "");
	assert_int_equal(chmod(in_folder("bob.pub"), 0664), 0);
	assert_int_equal(load("others than its owner may write it (mode 0664)"), -EPERM);
}

static void refuses_what_belongs_to_somebody_else(void **state)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	struct am_diags d;

	(void)state;
	put("alice.pub", alice.public_text, "");
	am_diags_init(&d);
	assert_int_equal(am_keyring_load(folder, geteuid() + 1, &d, &ring), -EPERM);
	assert_null(ring);
	assert_int_equal(d.errors, 1);
	assert_non_null(strstr(d.items[0].fact, "it belongs to user"));
	am_diags_done(&d);
	if (geteuid() != 0) {
		print_message("skipped: giving a file away takes root\n");
		return;
	}
	assert_int_equal(chown(in_folder("alice.pub"), 65534, 65534), 0);
	assert_int_equal(load("it belongs to user 65534, and must belong to user 0"), -EPERM);
}

static void refuses_links_and_what_is_no_file(void **state)
{
	(void)state;
	put("a", alice.public_text, "");
	assert_int_equal(symlink("a", in_folder("alice.pub")), 0);
	assert_int_equal(load("symbolic link"), -ELOOP);
	assert_int_equal(unlink(in_folder("alice.pub")), 0);
	assert_int_equal(mkfifo(in_folder("alice.pub"), 0600), 0);
	assert_int_equal(load("not a regular file"), -EINVAL);
}

static void refuses_a_folder_that_is_a_link_or_not_there(void **state)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	char link[64];
	struct am_diags d;

	(void)state;
	snprintf(link, sizeof(link), "%s.link", folder);
	assert_int_equal(symlink(folder, link), 0);
	am_diags_init(&d);
	assert_int_equal(am_keyring_load(link, geteuid(), &d, &ring), -ENOTDIR);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(am_keyring_load(link, geteuid(), &d, &ring), -ENOENT);
	assert_int_equal(d.errors, 2);
	assert_null(ring);
	am_diags_done(&d);
}

static void refuses_the_whole_ring_for_one_bad_key(void **state)
{
	static const struct {
		const char *key, *more, *words;
		int err;
	} cases[] = {
		{ "", "", "not a public key", -EBADMSG },
		{ "untrusted comment: x\n", "", "not a public key", -EBADMSG },
		{ "untrusted comment: x\nRWT5\n", "", "not a public key", -EBADMSG },
		{ NULL, "expires: 2027-13-01\n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-02-30\n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-1-1\n", "does not say when", -EBADMSG },
		{ NULL, "expires: never\n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-01-01 \n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-01-01T24:00:00Z\n", "does not say when", -EBADMSG },
		{ NULL, "expires:2027-01-01\n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-01-01\r\n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-01-01\n\n", "does not say when", -EBADMSG },
		{ NULL, "expires: 2027-01-01\nexpires: 2028-01-01\n", "does not say", -EBADMSG },
		{ NULL, "# a remark\n", "does not say when", -EBADMSG },
		{ NULL, "\n", "does not say when", -EBADMSG },
	};

	(void)state;
	put("bob.pub", bob.public_text, "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put("alice.pub", cases[i].key ? cases[i].key : alice.public_text, cases[i].more);
		if (load(cases[i].words) != cases[i].err)
			fail_msg("case %zu", i);
	}
}

static void refuses_a_file_that_is_larger_than_a_key(void **state)
{
	char *text = calloc(1, AM_KEY_FILE_MAX + 2);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', AM_KEY_FILE_MAX + 1);
	put("alice.pub", text, "");
	free(text);
	assert_int_equal(load("larger than a key can be"), -EFBIG);
}

/* Otherwise a copy of the file without the last line would be a key that never expires. */
static void refuses_the_same_key_twice(void **state)
{
	(void)state;
	put("alice.pub", alice.public_text, "expires: 2020-01-01\n");
	put("alice-new.pub", alice.public_text, "");
	assert_int_equal(load("the key has the same id as 'alice"), -EEXIST);
}

static void refuses_more_keys_than_there_is_room_for(void **state)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	assert_int_equal(am_keyring_new(&ring), 0);
	for (unsigned i = 0; i <= AM_KEYS_MAX; i++) {
		struct signer s = new_signer();
		int err = am_keyring_add(ring, "k.pub", s.public_text, strlen(s.public_text), &d);

		assert_int_equal(err, i < AM_KEYS_MAX ? 0 : -ENOSPC);
		drop_signer(&s);
	}
	am_diags_done(&d);
}

static void reads_times(void **state)
{
	static const struct {
		const char *text;
		int64_t time_s;
		const char *again;
	} cases[] = {
		{ "1970-01-01", 0, "1970-01-01T00:00:00Z" },
		{ "2024-02-29", 1709164800, "2024-02-29T00:00:00Z" },
		{ "2027-01-01T12:30:59Z", 1798806659, "2027-01-01T12:30:59Z" },
		{ "9999-12-31", 253402214400, "9999-12-31T00:00:00Z" },
	};
	static const char *const bad[] = { "", "2027", "1969-12-31", "2025-02-29", "2027-00-10",
					   "2027-01-00", "2027-01-01T12:30:60Z", "2027/01/01",
					   "2027-01-01T12:30:59", "2027-01-01t12:30:59Z",
					   "+027-01-01" };
	char text[AM_TIME_TEXT];
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(am_expiry_parse(cases[i].text, strlen(cases[i].text), &t), 0);
		assert_true(t == cases[i].time_s);
		am_time_format(t, text);
		assert_string_equal(text, cases[i].again);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (am_expiry_parse(bad[i], strlen(bad[i]), &t) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
}

/* ---- the group -------------------------------------------------------------- */

static int fds_before;

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	alice = new_signer();
	bob = new_signer();
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	if (empty_folder(state) || rmdir(folder) < 0)
		return -1;
	drop_signer(&alice);
	drop_signer(&bob);
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(trusts_every_key_of_the_folder, empty_folder),
		cmocka_unit_test_teardown(an_empty_folder_trusts_nobody, empty_folder),
		cmocka_unit_test_teardown(a_key_that_is_gone_is_no_longer_trusted, empty_folder),
		cmocka_unit_test_teardown(refuses_a_folder_that_others_may_write, empty_folder),
		cmocka_unit_test_teardown(refuses_a_key_that_others_may_write, empty_folder),
		cmocka_unit_test_teardown(refuses_what_belongs_to_somebody_else, empty_folder),
		cmocka_unit_test_teardown(refuses_links_and_what_is_no_file, empty_folder),
		cmocka_unit_test_teardown(refuses_a_folder_that_is_a_link_or_not_there,
					  empty_folder),
		cmocka_unit_test_teardown(refuses_the_whole_ring_for_one_bad_key, empty_folder),
		cmocka_unit_test_teardown(refuses_a_file_that_is_larger_than_a_key, empty_folder),
		cmocka_unit_test_teardown(refuses_the_same_key_twice, empty_folder),
		cmocka_unit_test(refuses_more_keys_than_there_is_room_for),
		cmocka_unit_test(reads_times),
	};

	return cmocka_run_group_tests_name("keyring", tests, begin, end);
}
