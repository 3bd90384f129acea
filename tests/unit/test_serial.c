// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "bundle_text.h"
#include "fds.h"
#include "policy/serial.h"

/* As am_draft_parse() makes one, without the text. Equal bundles have equal digests. */
static struct am_draft draft_of(struct am_model *m, uint64_t serial, uint64_t takes_back)
{
	struct am_draft d = { .serial = serial, .takes_back = takes_back, .model = m };

	memcpy(d.digest, &serial, 8);
	memcpy(d.digest + 8, &takes_back, 8);
	memcpy(d.digest + 16, m->name, strlen(m->name));
	return d;
}

static struct am_model registry_host = { .name = "registry-host" };

/* What the host says; the words must be in its one error. */
static int check(const struct am_serial *s, const struct am_draft *d, const char *words)
{
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_serial_check(s, d, "b", &diags);
	assert_true(err == 0 || err == -EALREADY || err == -ESTALE);
	assert_int_equal(diags.errors, err == -ESTALE ? 1 : 0);
	if (err == -ESTALE && words && !strstr(diags.items[0].fact, words))
		fail_msg("'%s' is not in '%s'", words, diags.items[0].fact);
	am_diags_done(&diags);
	return err;
}

static int offer(struct am_serial *s, uint64_t serial, uint64_t takes_back, const char *words)
{
	struct am_draft d = draft_of(&registry_host, serial, takes_back);
	int err = check(s, &d, words);

	if (!err)
		am_serial_advance(s, &d);
	return err;
}

static void a_new_host_takes_any_serial(void **state)
{
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 7, 0, NULL), 0);
	assert_string_equal(s.policy, "registry-host");
	assert_int_equal(s.current, 7);
	assert_int_equal(s.highest, 7);
}

static void refuses_a_serial_that_is_not_higher(void **state)
{
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 7, 0, NULL), 0);
	assert_int_equal(offer(&s, 6, 0, "the bundle has serial 6, and this host has had 7"),
			 -ESTALE);
	assert_int_equal(offer(&s, 1, 0, NULL), -ESTALE);
	assert_int_equal(s.current, 7);
	assert_int_equal(offer(&s, 9, 0, NULL), 0);
}

static void knows_the_bundle_in_force_again(void **state)
{
	struct am_serial s = { 0 };
	struct am_draft other = draft_of(&registry_host, 7, 0);

	(void)state;
	assert_int_equal(offer(&s, 7, 0, NULL), 0);
	assert_int_equal(offer(&s, 7, 0, NULL), -EALREADY);
	/* The number again, on another policy. */
	other.digest[31] ^= 1;
	assert_int_equal(check(&s, &other, "serial 7 is used up"), -ESTALE);
}

static void goes_back_only_by_a_rollback_for_just_that_serial(void **state)
{
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 12, 0, NULL), 0);
	assert_int_equal(offer(&s, 14, 0, NULL), 0);
	assert_int_equal(offer(&s, 12, 0, "serial 12"), -ESTALE);
	assert_int_equal(offer(&s, 12, 13, "takes back serial 13, and the highest that this host "
					   "has had is 14"), -ESTALE);
	assert_int_equal(offer(&s, 12, 15, "takes back serial 15"), -ESTALE);
	assert_int_equal(offer(&s, 12, 14, NULL), 0);
	assert_int_equal(s.current, 12);
	assert_int_equal(s.highest, 14);
}

static void what_was_taken_back_does_not_return(void **state)
{
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 14, 0, NULL), 0);
	assert_int_equal(offer(&s, 12, 14, NULL), 0);
	assert_int_equal(offer(&s, 14, 0, "serial 14 is used up"), -ESTALE);
	assert_int_equal(offer(&s, 13, 0, NULL), -ESTALE);
	/* Further back, not up again, and on. */
	assert_int_equal(offer(&s, 13, 14, "this host is at 12 already"), -ESTALE);
	assert_int_equal(offer(&s, 10, 14, NULL), 0);
	assert_int_equal(offer(&s, 12, 14, "this host is at 10 already"), -ESTALE);
	assert_int_equal(offer(&s, 15, 0, NULL), 0);
	assert_int_equal(offer(&s, 12, 14, "the highest that this host has had is 15"), -ESTALE);
}

/* The rollback to 12 must not be of use when a later one leads to 14 again. */
static void an_old_rollback_stays_dead_when_its_serial_comes_back(void **state)
{
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 14, 0, NULL), 0);
	assert_int_equal(offer(&s, 12, 14, NULL), 0);
	assert_int_equal(offer(&s, 16, 0, NULL), 0);
	assert_int_equal(offer(&s, 14, 16, NULL), 0);
	assert_int_equal(s.current, 14);
	assert_int_equal(offer(&s, 12, 14, "takes back serial 14"), -ESTALE);
}

static void a_new_host_has_nothing_to_roll_back(void **state)
{
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 12, 14, "takes back serial 14"), -ESTALE);
}

static void refuses_the_policy_of_another_host(void **state)
{
	struct am_model web = { .name = "web-host" };
	struct am_draft d = draft_of(&web, 99, 0), back = draft_of(&web, 6, 7);
	struct am_serial s = { 0 };

	(void)state;
	assert_int_equal(offer(&s, 7, 0, NULL), 0);
	assert_int_equal(check(&s, &d, "is for the policy 'web-host', and this host has "
				       "'registry-host'"), -ESTALE);
	assert_int_equal(check(&s, &back, "web-host"), -ESTALE);
}

/* Whatever is offered in whatever order: nothing is taken a second time. */
static void nothing_is_ever_taken_twice(void **state)
{
	enum { SERIALS = 9, OFFERS = 4000 };
	uint64_t chance = 0x9e3779b97f4a7c15;
	unsigned total = 0, rollbacks = 0;

	(void)state;
	for (unsigned run = 0; run < 200; run++) {
		bool taken[SERIALS + 1][SERIALS + 1] = { { false } };
		struct am_serial s = { 0 };

		for (unsigned i = 0; i < OFFERS / 20; i++) {
			uint64_t serial, back;

			chance ^= chance << 13;
			chance ^= chance >> 7;
			chance ^= chance << 17;
			serial = 1 + chance % SERIALS;
			back = chance / 16 % 2 ? 0 : 1 + chance / 32 % SERIALS;
			if (back && back <= serial)
				continue;
			if (offer(&s, serial, back, NULL))
				continue;
			assert_false(taken[serial][back]);
			assert_true(s.current <= s.highest);
			taken[serial][back] = true;
			total++;
			rollbacks += back != 0;
		}
	}
	assert_true(total > 500 && rollbacks > 100);
}

/* ---- the file --------------------------------------------------------------- */

static char folder[] = "/tmp/amanat-serial-XXXXXX";
static int dirfd_;

static void put(const char *text)
{
	assert_int_equal(am_blob_replace(dirfd_, "serial", 0600, text, strlen(text)), 0);
}

static void remembers_over_a_restart(void **state)
{
	struct am_serial s = { 0 }, again;
	struct stat st;

	(void)state;
	assert_int_equal(am_serial_load(dirfd_, &again), 0);
	assert_memory_equal(&again, &s, sizeof(s));
	assert_int_equal(offer(&s, 14, 0, NULL), 0);
	assert_int_equal(offer(&s, 12, 14, NULL), 0);
	assert_int_equal(am_serial_save(&s, dirfd_), 0);
	assert_int_equal(am_serial_load(dirfd_, &again), 0);
	assert_string_equal(again.policy, "registry-host");
	assert_int_equal(again.current, 12);
	assert_int_equal(again.highest, 14);
	assert_memory_equal(again.digest, s.digest, sizeof(s.digest));
	assert_int_equal(fstatat(dirfd_, "serial", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

#define HEX64 "00000000000000000000000000000000000000000000000000000000000000ff"

static void refuses_a_past_that_was_changed(void **state)
{
	static const char good[] =
		"amanat serial 1\npolicy p\ncurrent 12\nhighest 14\ndigest " HEX64 "\n";
	static const char *const bad[] = {
		"",
		"\n",
		"amanat serial 2\npolicy p\ncurrent 12\nhighest 14\ndigest " HEX64 "\n",
		"amanat serial 1\npolicy \ncurrent 12\nhighest 14\ndigest " HEX64 "\n",
		"amanat serial 1\npolicy p\ncurrent 15\nhighest 14\ndigest " HEX64 "\n",
		"amanat serial 1\npolicy p\ncurrent 0\nhighest 14\ndigest " HEX64 "\n",
		"amanat serial 1\npolicy p\ncurrent 012\nhighest 14\ndigest " HEX64 "\n",
		"amanat serial 1\npolicy p\ncurrent 12\nhighest 14\ndigest 00\n",
		"amanat serial 1\npolicy p\ncurrent 12\nhighest 14\ndigest " HEX64 "00\n",
		"amanat serial 1\npolicy p\nhighest 14\ncurrent 12\ndigest " HEX64 "\n",
		"amanat serial 1\npolicy p\ncurrent 12\nhighest 14\ndigest " HEX64 "\n\n",
		"amanat serial 1\r\npolicy p\r\ncurrent 12\r\nhighest 14\r\ndigest " HEX64 "\r\n",
		"amanat serial 1x\npolicy p\ncurrent 12\nhighest 14\ndigest " HEX64 "\n",
	};
	struct am_serial s = { .current = 99 };

	(void)state;
	put(good);
	assert_int_equal(am_serial_load(dirfd_, &s), 0);
	assert_int_equal(s.current, 12);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put(bad[i]);
		if (am_serial_load(dirfd_, &s) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(s.current, 12);
	}
	for (size_t len = 0; len < strlen(good); len++) {
		am_autofree char *part = strndup(good, len);

		put(part);
		assert_int_equal(am_serial_load(dirfd_, &s), -EBADMSG);
	}
}

static void refuses_a_past_that_cannot_be_read(void **state)
{
	char *huge = calloc(1, 2000);
	struct am_serial s;

	(void)state;
	memset(huge, 'x', 1999);
	put(huge);
	free(huge);
	assert_int_equal(am_serial_load(dirfd_, &s), -EBADMSG);
	assert_int_equal(unlinkat(dirfd_, "serial", 0), 0);
	assert_int_equal(mkdirat(dirfd_, "serial", 0700), 0);
	assert_int_equal(am_serial_load(dirfd_, &s), -EINVAL);
	assert_int_equal(am_serial_save(&(struct am_serial){ .policy = "p" }, dirfd_), -EISDIR);
	assert_int_equal(unlinkat(dirfd_, "serial", AT_REMOVEDIR), 0);
}

static int fds_before;

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	if (!mkdtemp(folder))
		return -1;
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	if (close(dirfd_) || rmdir(folder) < 0)	/* nothing half written stays behind */
		return -1;
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_host_takes_any_serial),
		cmocka_unit_test(refuses_a_serial_that_is_not_higher),
		cmocka_unit_test(knows_the_bundle_in_force_again),
		cmocka_unit_test(goes_back_only_by_a_rollback_for_just_that_serial),
		cmocka_unit_test(what_was_taken_back_does_not_return),
		cmocka_unit_test(an_old_rollback_stays_dead_when_its_serial_comes_back),
		cmocka_unit_test(a_new_host_has_nothing_to_roll_back),
		cmocka_unit_test(refuses_the_policy_of_another_host),
		cmocka_unit_test(nothing_is_ever_taken_twice),
		cmocka_unit_test(remembers_over_a_restart),
		cmocka_unit_test(refuses_a_past_that_was_changed),
		cmocka_unit_test(refuses_a_past_that_cannot_be_read),
	};

	return cmocka_run_group_tests_name("serial", tests, begin, end);
}
