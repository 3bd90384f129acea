// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "abi.h"
#include "fds.h"
#include "store/registry.h"

static char folder[] = "/tmp/amanat-registry-XXXXXX";
static int dirfd_;

static struct am_registry *new_registry(void)
{
	struct am_registry *r = NULL;

	assert_int_equal(am_registry_new(&r), 0);
	return r;
}

static uint32_t store(struct am_registry *r, const char *name, const char *one, const char *two)
{
	const char *paths[] = { one, two };
	uint32_t id = 0;

	assert_int_equal(am_registry_store(r, name, paths, two ? 2 : one ? 1 : 0, &id), 0);
	return id;
}

static uint32_t slot_of(uint32_t id)
{
	return id & AM_STORE_SLOT_MASK;
}

static uint32_t epoch_of(uint32_t id)
{
	return id >> AM_STORE_SLOT_BITS;
}

/* ---- numbers ---------------------------------------------------------------- */

static void gives_each_label_a_bit_and_keeps_it(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();

	(void)state;
	assert_int_equal(am_registry_label(r, "cnic"), 0);
	assert_int_equal(am_registry_label(r, "health"), 1);
	assert_int_equal(am_registry_label(r, "cnic"), 0);
	assert_string_equal(am_registry_label_name(r, 1), "health");
	assert_null(am_registry_label_name(r, 2));
	assert_null(am_registry_label_name(r, 64));
}

static void has_room_for_64_labels_and_no_more(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	char name[16];

	(void)state;
	for (int i = 0; i < AM_LABELS_MAX; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		assert_int_equal(am_registry_label(r, name), i);
	}
	assert_int_equal(am_registry_label(r, "one-more"), -ENOSPC);
	assert_int_equal(am_registry_label(r, "l63"), 63);
}

static void gives_each_purpose_a_number_and_keeps_it(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();

	(void)state;
	assert_int_equal(am_registry_purpose(r, "kyc"), 1);
	assert_int_equal(am_registry_purpose(r, "sim"), 2);
	assert_int_equal(am_registry_purpose(r, "kyc"), 1);
	assert_int_equal(am_registry_purpose(r, "a b"), -EINVAL);
	assert_string_equal(am_registry_purpose_name(r, 2), "sim");
	assert_null(am_registry_purpose_name(r, 0));
	assert_null(am_registry_purpose_name(r, 3));
	assert_null(am_registry_purpose_name(r, 64));
}

static void has_room_for_63_purposes_and_no_more(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	char name[16];

	(void)state;
	for (int i = 1; i < AM_PURPOSES_MAX; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		assert_int_equal(am_registry_purpose(r, name), i);
	}
	assert_int_equal(am_registry_purpose(r, "one-more"), -ENOSPC);
	assert_int_equal(am_registry_purpose(r, "p63"), 63);
}

static void gives_each_store_a_slot_and_its_first_epoch(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	uint32_t a = store(r, "a", "/srv/a", NULL), b = store(r, "b", "/srv/b", NULL);

	(void)state;
	assert_int_equal(slot_of(a), 1);
	assert_int_equal(slot_of(b), 2);
	assert_int_equal(epoch_of(a), 1);
	assert_int_equal(store(r, "a", "/srv/a", NULL), a);
	assert_string_equal(am_registry_store_name(r, a), "a");
	assert_string_equal(am_registry_store_name(r, b), "b");
	assert_null(am_registry_store_name(r, 0));
	assert_null(am_registry_store_name(r, 1 << AM_STORE_SLOT_BITS));
	assert_null(am_registry_store_name(r, 3));
}

static void keeps_the_epoch_when_a_store_gains_a_path(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	uint32_t id = store(r, "a", "/srv/a", NULL);

	(void)state;
	assert_int_equal(store(r, "a", "/srv/a", "/srv/b"), id);
	assert_int_equal(store(r, "a", "/srv/b", "/srv/a"), id);
}

static void begins_a_new_epoch_when_a_store_loses_a_path(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	uint32_t id = store(r, "a", "/srv/a", "/srv/b");

	(void)state;
	assert_int_equal(store(r, "a", "/srv/a", NULL), id + (1 << AM_STORE_SLOT_BITS));
	/* Back again is not what it was: files of /srv/b were free in between. */
	assert_int_equal(store(r, "a", "/srv/a", "/srv/b"), id + (1 << AM_STORE_SLOT_BITS));
	assert_int_equal(store(r, "a", "/srv/c", NULL), id + (2 << AM_STORE_SLOT_BITS));
	assert_int_equal(store(r, "a", NULL, NULL), id + (3 << AM_STORE_SLOT_BITS));
	assert_string_equal(am_registry_store_name(r, id), "a");
}

static void has_room_for_4096_stores_and_no_more(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	uint32_t id = 5;
	char name[16];

	(void)state;
	for (unsigned i = 1; i < AM_STORES_MAX; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		assert_int_equal(slot_of(store(r, name, "/srv", NULL)), i);
	}
	/* The last one has slot 0, and an id that is none of nothing. */
	assert_null(am_registry_store_name(r, 1 << AM_STORE_SLOT_BITS));
	assert_int_equal(store(r, "last", "/srv", NULL), 1 << AM_STORE_SLOT_BITS);
	assert_string_equal(am_registry_store_name(r, 1 << AM_STORE_SLOT_BITS), "last");
	assert_null(am_registry_store_name(r, 0));
	assert_int_equal(am_registry_store(r, "one-more", NULL, 0, &id), -ENOSPC);
	assert_int_equal(id, 5);
	assert_int_equal(slot_of(store(r, "s4095", "/srv", NULL)), 4095);
}

static void refuses_names_and_paths_that_it_could_not_write(void **state)
{
	static const char *const names[] = { "", "a b", "a\n", "\xd8\xb4", "a/b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	static const char *const paths[] = { "", "srv", "/srv/\n", "/srv/\x7f", "/\x1b" };
	am_auto(am_registry) struct am_registry *r = new_registry();
	uint32_t id = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(am_registry_label(r, names[i]), -EINVAL);
		assert_int_equal(am_registry_store(r, names[i], NULL, 0, &id), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_int_equal(am_registry_store(r, "a", &paths[i], 1, &id), -EINVAL);
	assert_int_equal(id, 5);
	assert_null(am_registry_store_name(r, 1));
}

static void a_copy_can_be_thrown_away(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	am_auto(am_registry) struct am_registry *copy = NULL;
	uint32_t id = store(r, "a", "/srv/a", "/srv/b"), next = store(r, "a", "/srv/a", NULL);

	(void)state;
	assert_true(next > id);
	assert_int_equal(am_registry_label(r, "l"), 0);
	assert_int_equal(am_registry_copy(r, &copy), 0);
	assert_int_equal(am_registry_label(copy, "l"), 0);
	assert_int_equal(store(copy, "a", "/srv/a", NULL), next);
	assert_true(store(copy, "a", "/srv/z", NULL) > next);
	assert_int_equal(am_registry_label(copy, "m"), 1);
	assert_int_equal(store(r, "a", "/srv/a", NULL), next);
	assert_null(am_registry_label_name(r, 1));
}

/* ---- the file --------------------------------------------------------------- */

static void write_registry(const char *text, size_t len)
{
	am_autoclose int fd = openat(dirfd_, "registry", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				     0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

static size_t read_registry(char *buf, size_t size)
{
	am_autoclose int fd = openat(dirfd_, "registry", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size);
	assert_true(n >= 0 && (size_t)n < size);
	buf[n] = '\0';
	return n;
}

static int load_error(void)
{
	struct am_registry *r = (void *)0x5a;
	int err = am_registry_load(dirfd_, &r);

	if (err)
		assert_ptr_equal(r, (void *)0x5a);
	else
		am_registry_free(r);
	return err;
}

static const char good[] =
	"amanat-registry 1\n"
	"label 0 cnic\n"
	"label 1 health\n"
	"store 1 3 a\n"
	"path /srv/a\n"
	"path /srv/with blank/\xd8\xb4\n"
	"store 2 1 b\n"
	"end 7\n";

static void a_missing_file_is_an_empty_registry(void **state)
{
	am_auto(am_registry) struct am_registry *r = NULL;

	(void)state;
	(void)unlinkat(dirfd_, "registry", 0); /* it may not be there */
	assert_int_equal(am_registry_load(dirfd_, &r), 0);
	assert_null(am_registry_label_name(r, 0));
}

static void reads_and_writes_the_documented_format(void **state)
{
	am_auto(am_registry) struct am_registry *r = NULL;
	char text[1024];

	(void)state;
	write_registry(good, sizeof(good) - 1);
	assert_int_equal(am_registry_load(dirfd_, &r), 0);
	assert_int_equal(am_registry_label(r, "health"), 1);
	assert_int_equal(store(r, "a", "/srv/a", "/srv/with blank/\xd8\xb4"),
			 3 << AM_STORE_SLOT_BITS | 1);
	assert_int_equal(am_registry_save(r, dirfd_), 0);
	read_registry(text, sizeof(text));
	assert_string_equal(text, good);
}

static const char good_2[] =
	"amanat-registry 2\n"
	"label 0 cnic\n"
	"purpose 1 kyc\n"
	"purpose 2 sim-registration\n"
	"store 1 3 a\n"
	"end 5\n";

static void reads_and_writes_purposes(void **state)
{
	am_auto(am_registry) struct am_registry *r = NULL, *copy = NULL;
	char text[1024];

	(void)state;
	write_registry(good_2, sizeof(good_2) - 1);
	assert_int_equal(am_registry_load(dirfd_, &r), 0);
	assert_int_equal(am_registry_purpose(r, "sim-registration"), 2);
	assert_int_equal(am_registry_copy(r, &copy), 0);
	assert_int_equal(am_registry_save(copy, dirfd_), 0);
	read_registry(text, sizeof(text));
	assert_string_equal(text, good_2);
}

static void saves_for_the_agent_alone(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	struct stat st;

	(void)state;
	assert_int_equal(am_registry_save(r, dirfd_), 0);
	assert_int_equal(fstatat(dirfd_, "registry", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(load_error(), 0);
}

static void keeps_the_old_file_when_it_cannot_write(void **state)
{
	am_auto(am_registry) struct am_registry *r = new_registry();
	char text[1024];

	(void)state;
	write_registry(good, sizeof(good) - 1);
	/* A folder in the temporary file's place cannot be written to. */
	assert_int_equal(mkdirat(dirfd_, "registry.new", 0700), 0);
	assert_true(am_registry_save(r, dirfd_) < 0);
	assert_int_equal(unlinkat(dirfd_, "registry.new", AT_REMOVEDIR), 0);
	read_registry(text, sizeof(text));
	assert_string_equal(text, good);
}

static const struct {
	const char *name;
	const char *text;
} malformed[] = {
	{ "an empty file", "" },
	{ "another format", "something 1\nend 1\n" },
	{ "another version", "amanat-registry 2\nend 1\n" },
	{ "a version to come", "amanat-registry 3\nend 1\n" },
	{ "purposes in the version without", "amanat-registry 1\npurpose 1 a\nend 2\n" },
	{ "purpose 0", "amanat-registry 2\npurpose 0 a\nend 2\n" },
	{ "a purpose that is skipped", "amanat-registry 2\npurpose 2 a\nend 2\n" },
	{ "a purpose named twice", "amanat-registry 2\npurpose 1 a\npurpose 2 a\nend 3\n" },
	{ "a purpose without name", "amanat-registry 2\npurpose 1\nend 2\n" },
	{ "a label behind a purpose", "amanat-registry 2\npurpose 1 a\nlabel 0 l\nend 3\n" },
	{ "a purpose behind a store", "amanat-registry 2\nstore 1 1 s\npurpose 1 a\nend 3\n" },
	{ "more behind the version", "amanat-registry 1 2\nend 1\n" },
	{ "no end", "amanat-registry 1\n" },
	{ "an end that counts wrong", "amanat-registry 1\nend 2\n" },
	{ "an end without number", "amanat-registry 1\nend\n" },
	{ "a line behind the end", "amanat-registry 1\nend 1\nlabel 0 a\n" },
	{ "a blank line", "amanat-registry 1\n\nend 2\n" },
	{ "an unknown line", "amanat-registry 1\nlable 0 a\nend 2\n" },
	{ "a label that skips a bit", "amanat-registry 1\nlabel 1 a\nend 2\n" },
	{ "a bit given twice", "amanat-registry 1\nlabel 0 a\nlabel 0 b\nend 3\n" },
	{ "a label named twice", "amanat-registry 1\nlabel 0 a\nlabel 1 a\nend 3\n" },
	{ "a label without name", "amanat-registry 1\nlabel 0\nend 2\n" },
	{ "a label with an empty name", "amanat-registry 1\nlabel 0 \nend 2\n" },
	{ "a label with two names", "amanat-registry 1\nlabel 0 a b\nend 2\n" },
	{ "two blanks", "amanat-registry 1\nlabel  0 a\nend 2\n" },
	{ "a sign", "amanat-registry 1\nlabel +0 a\nend 2\n" },
	{ "a leading zero", "amanat-registry 1\nlabel 00 a\nend 2\n" },
	{ "a carriage return", "amanat-registry 1\r\nend 1\r\n" },
	{ "slot 0", "amanat-registry 1\nstore 0 1 a\nend 2\n" },
	{ "a slot that is skipped", "amanat-registry 1\nstore 2 1 a\nend 2\n" },
	{ "epoch 0", "amanat-registry 1\nstore 1 0 a\nend 2\n" },
	{ "an epoch out of range", "amanat-registry 1\nstore 1 1048576 a\nend 2\n" },
	{ "an epoch far out of range", "amanat-registry 1\nstore 1 99999999999 a\nend 2\n" },
	{ "a store named twice", "amanat-registry 1\nstore 1 1 a\nstore 2 1 a\nend 3\n" },
	{ "a label behind a store", "amanat-registry 1\nstore 1 1 a\nlabel 0 l\nend 3\n" },
	{ "a path before any store", "amanat-registry 1\npath /a\nend 2\n" },
	{ "a path that is relative", "amanat-registry 1\nstore 1 1 a\npath a\nend 3\n" },
	{ "a path that is missing", "amanat-registry 1\nstore 1 1 a\npath\nend 3\n" },
	{ "a path with a tab", "amanat-registry 1\nstore 1 1 a\npath /a\tb\nend 3\n" },
};

static void refuses_a_file_that_is_not_what_it_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		write_registry(malformed[i].text, strlen(malformed[i].text));
		if (load_error() != -EBADMSG)
			fail_msg("%s was not refused", malformed[i].name);
	}
}

static void refuses_a_file_cut_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		write_registry(good, len);
		if (load_error() != -EBADMSG)
			fail_msg("the first %zu bytes were not refused", len);
	}
	for (size_t len = 0; len < sizeof(good_2) - 1; len++) {
		write_registry(good_2, len);
		if (load_error() != -EBADMSG)
			fail_msg("the first %zu bytes with purposes were not refused", len);
	}
}

static void refuses_nul_bytes(void **state)
{
	char text[sizeof(good)];

	(void)state;
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		memcpy(text, good, sizeof(good));
		text[i] = '\0';
		write_registry(text, sizeof(good) - 1);
		if (load_error() != -EBADMSG)
			fail_msg("a NUL byte at %zu was not refused", i);
	}
}

static void refuses_what_is_not_a_file(void **state)
{
	(void)state;
	(void)unlinkat(dirfd_, "registry", 0); /* it may not be there */
	assert_int_equal(mkdirat(dirfd_, "registry", 0700), 0);
	assert_int_equal(load_error(), -EBADMSG);
	assert_int_equal(unlinkat(dirfd_, "registry", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/etc/passwd", dirfd_, "registry"), 0);
	assert_int_equal(load_error(), -EBADMSG);
	assert_int_equal(unlinkat(dirfd_, "registry", 0), 0);
	assert_int_equal(mkfifoat(dirfd_, "registry", 0600), 0);
	assert_int_equal(load_error(), -EBADMSG);
	assert_int_equal(unlinkat(dirfd_, "registry", 0), 0);
}

static void refuses_an_epoch_that_would_go_round(void **state)
{
	static const char text[] = "amanat-registry 1\nstore 1 1048575 a\npath /a\nend 3\n";
	am_auto(am_registry) struct am_registry *r = NULL;
	const char *path = "/b";
	uint32_t id = 5;

	(void)state;
	write_registry(text, sizeof(text) - 1);
	assert_int_equal(am_registry_load(dirfd_, &r), 0);
	assert_int_equal(am_registry_store(r, "a", &path, 1, &id), -EOVERFLOW);
	assert_int_equal(id, 5);
	assert_int_equal(epoch_of(store(r, "a", "/a", "/b")), 1048575);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlinkat(dirfd_, "registry", 0); /* it may not be there */
	(void)close(dirfd_); /* it was only read */
	return rmdir(folder);
}

static int fds_before;

static int count_before(void **state)
{
	(void)state;
	fds_before = count_fds();
	return 0;
}

static int none_leaked(void **state)
{
	(void)state;
	return count_fds() == fds_before ? 0 : -1;
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, count_before, none_leaked)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_label_a_bit_and_keeps_it),
		cmocka_unit_test(has_room_for_64_labels_and_no_more),
		cmocka_unit_test(gives_each_purpose_a_number_and_keeps_it),
		cmocka_unit_test(has_room_for_63_purposes_and_no_more),
		cmocka_unit_test(gives_each_store_a_slot_and_its_first_epoch),
		cmocka_unit_test(keeps_the_epoch_when_a_store_gains_a_path),
		cmocka_unit_test(begins_a_new_epoch_when_a_store_loses_a_path),
		cmocka_unit_test(has_room_for_4096_stores_and_no_more),
		cmocka_unit_test(refuses_names_and_paths_that_it_could_not_write),
		cmocka_unit_test(a_copy_can_be_thrown_away),
		file_test(a_missing_file_is_an_empty_registry),
		file_test(reads_and_writes_the_documented_format),
		file_test(reads_and_writes_purposes),
		file_test(saves_for_the_agent_alone),
		file_test(keeps_the_old_file_when_it_cannot_write),
		file_test(refuses_a_file_that_is_not_what_it_writes),
		file_test(refuses_a_file_cut_anywhere),
		file_test(refuses_nul_bytes),
		file_test(refuses_what_is_not_a_file),
		file_test(refuses_an_epoch_that_would_go_round),
	};

	return cmocka_run_group_tests_name("registry", tests, make_folder, remove_folder);
}
