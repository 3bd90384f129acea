// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fds.h"
#include "store/file.h"
#include "store/generation.h"
#include "store/strays.h"

struct state_dir {
	char path[64];
	int fd;
	int fds;
};

static int set_up(void **state)
{
	struct state_dir *s = calloc(1, sizeof(*s));

	*state = s;
	s->fds = count_fds();
	(void)snprintf(s->path, sizeof(s->path), "%s/amanat-state-XXXXXX", P_tmpdir);
	if (!mkdtemp(s->path))
		return -1;
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY);
	return s->fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "strays", "strays.new", "generation", "generation.new" };
	struct state_dir *s = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(s->fd, names[i], 0) < 0)
			(void)unlinkat(s->fd, names[i], AT_REMOVEDIR);
	(void)close(s->fd);
	assert_int_equal(count_fds(), s->fds);
	assert_int_equal(rmdir(s->path), 0);
	free(s);
	return 0;
}

static void put(const struct state_dir *s, const char *name, const void *bytes, size_t len)
{
	int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd);
}

static void make_strays(struct am_stray *strays, size_t n)
{
	memset(strays, 0, n * sizeof(*strays));
	for (size_t i = 0; i < n; i++) {
		strays[i].key.ino = i + 1;
		strays[i].key.generation = (uint32_t)(i * 7);
		memset(strays[i].key.uuid, (int)i, sizeof(strays[i].key.uuid));
		strays[i].tag.labels = 1ULL << (i % 64);
		strays[i].tag.flags = AM_TAG_STRAY;
	}
}

/* ---- strays --------------------------------------------------------------- */

static void reads_back_what_it_saved(void **state)
{
	struct state_dir *s = *state;
	am_autofree struct am_stray *read = NULL;
	struct am_stray strays[100];
	size_t n;

	make_strays(strays, 100);
	assert_int_equal(am_strays_save(s->fd, strays, 100), 0);
	assert_int_equal(am_strays_load(s->fd, &read, &n), 0);
	assert_int_equal(n, 100);
	assert_memory_equal(read, strays, sizeof(strays));
}

static void has_the_format_that_its_header_describes(void **state)
{
	struct state_dir *s = *state;
	am_autofree char *bytes = NULL;
	struct am_stray strays[2];
	uint32_t version, n;
	uint64_t sum;
	size_t len;

	make_strays(strays, 2);
	assert_int_equal(am_strays_save(s->fd, strays, 2), 0);
	assert_int_equal(am_file_read(s->fd, "strays", 4096, &bytes, &len), 0);
	assert_int_equal(len, 16 + 2 * 64 + 8);
	assert_memory_equal(bytes, "AMSTRAYS", 8);
	memcpy(&version, bytes + 8, 4);
	memcpy(&n, bytes + 12, 4);
	memcpy(&sum, bytes + len - 8, 8);
	assert_int_equal(version, 2);
	assert_int_equal(n, 2);
	assert_true(sum == am_strays_sum(strays, 2));
	assert_memory_equal(bytes + 16, strays, sizeof(strays));
}

static void takes_a_missing_file_for_no_strays(void **state)
{
	struct state_dir *s = *state;
	struct am_stray *strays = (void *)s;
	size_t n = 1;

	assert_int_equal(am_strays_load(s->fd, &strays, &n), 0);
	assert_null(strays);
	assert_int_equal(n, 0);
}

static void saves_no_strays(void **state)
{
	struct state_dir *s = *state;
	am_autofree struct am_stray *strays = NULL;
	size_t n = 1;

	assert_int_equal(am_strays_save(s->fd, NULL, 0), 0);
	assert_int_equal(am_strays_load(s->fd, &strays, &n), 0);
	assert_int_equal(n, 0);
}

static void refuses_a_file_with_any_byte_changed_or_missing(void **state)
{
	struct state_dir *s = *state;
	am_autofree char *bytes = NULL;
	struct am_stray strays[3], *read = NULL;
	size_t len, n = 7;

	make_strays(strays, 3);
	assert_int_equal(am_strays_save(s->fd, strays, 3), 0);
	assert_int_equal(am_file_read(s->fd, "strays", 4096, &bytes, &len), 0);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x40;
		put(s, "strays", bytes, len);
		assert_int_equal(am_strays_load(s->fd, &read, &n), -EBADMSG);
		bytes[i] ^= 0x40;
		put(s, "strays", bytes, i);
		assert_int_equal(am_strays_load(s->fd, &read, &n), -EBADMSG);
	}
	put(s, "strays", "", 0);
	assert_int_equal(am_strays_load(s->fd, &read, &n), -EBADMSG);
	assert_null(read);
	assert_int_equal(n, 7);
}

static void refuses_a_file_with_more_than_it_says(void **state)
{
	struct state_dir *s = *state;
	am_autofree char *bytes = NULL, *more = NULL;
	struct am_stray strays[3], *read;
	size_t len, n;

	make_strays(strays, 3);
	assert_int_equal(am_strays_save(s->fd, strays, 3), 0);
	assert_int_equal(am_file_read(s->fd, "strays", 4096, &bytes, &len), 0);
	more = calloc(1, len + 1);
	memcpy(more, bytes, len);
	put(s, "strays", more, len + 1);
	assert_int_equal(am_strays_load(s->fd, &read, &n), -EBADMSG);
}

static void sums_differ_when_a_tag_differs(void **state)
{
	struct am_stray a[3], b[3];

	(void)state;
	make_strays(a, 3);
	make_strays(b, 3);
	assert_true(am_strays_sum(a, 3) == am_strays_sum(b, 3));
	b[2].tag.labels ^= 1;
	assert_true(am_strays_sum(a, 3) != am_strays_sum(b, 3));
	assert_true(am_strays_sum(a, 3) != am_strays_sum(a, 2));
}

/* ---- files ---------------------------------------------------------------- */

static void leaves_the_old_file_alone_when_it_cannot_be_replaced(void **state)
{
	struct state_dir *s = *state;
	am_autofree char *text = NULL;
	size_t len;

	put(s, "generation", "7\n", 2);
	/* The temporary file's name is taken by a folder. */
	assert_int_equal(mkdirat(s->fd, "generation.new", 0700), 0);
	assert_int_equal(am_file_replace(s->fd, "generation", "8\n", 2), -EISDIR);
	assert_int_equal(am_file_read(s->fd, "generation", 10, &text, &len), 0);
	assert_string_equal(text, "7\n");
}

static void refuses_to_read_more_than_its_bound(void **state)
{
	struct state_dir *s = *state;
	char *text = NULL;
	size_t len;

	put(s, "generation", "12345", 5);
	assert_int_equal(am_file_read(s->fd, "generation", 4, &text, &len), -EFBIG);
	assert_null(text);
}

static void refuses_to_read_what_is_no_file(void **state)
{
	struct state_dir *s = *state;
	char *text;
	size_t len;

	assert_int_equal(mkfifoat(s->fd, "strays", 0600), 0);
	assert_int_equal(am_file_read(s->fd, "strays", 4, &text, &len), -EINVAL);
	assert_int_equal(symlinkat("strays", s->fd, "generation"), 0);
	assert_int_equal(am_file_read(s->fd, "generation", 4, &text, &len), -ELOOP);
}

/* ---- generation ----------------------------------------------------------- */

static void starts_with_generation_zero_and_remembers(void **state)
{
	struct state_dir *s = *state;
	uint32_t generation = 9;

	assert_int_equal(am_generation_load(s->fd, &generation), 0);
	assert_int_equal(generation, 0);
	assert_int_equal(am_generation_save(s->fd, UINT32_MAX), 0);
	assert_int_equal(am_generation_load(s->fd, &generation), 0);
	assert_true(generation == UINT32_MAX);
}

static void refuses_what_is_no_generation(void **state)
{
	static const char *const cases[] = { "", "\n", "1", "x\n", "-1\n", "1 \n", " 1\n", "1\n\n",
					     "4294967296\n", "99999999999\n", "0x1\n" };
	struct state_dir *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t generation = 9;

		put(s, "generation", cases[i], strlen(cases[i]));
		if (am_generation_load(s->fd, &generation) != -EBADMSG)
			fail_msg("accepted '%s'", cases[i]);
		assert_int_equal(generation, 9);
	}
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(reads_back_what_it_saved),
		WITH_DIR(has_the_format_that_its_header_describes),
		WITH_DIR(takes_a_missing_file_for_no_strays),
		WITH_DIR(saves_no_strays),
		WITH_DIR(refuses_a_file_with_any_byte_changed_or_missing),
		WITH_DIR(refuses_a_file_with_more_than_it_says),
		WITH_DIR(sums_differ_when_a_tag_differs),
		WITH_DIR(leaves_the_old_file_alone_when_it_cannot_be_replaced),
		WITH_DIR(refuses_to_read_more_than_its_bound),
		WITH_DIR(refuses_to_read_what_is_no_file),
		WITH_DIR(starts_with_generation_zero_and_remembers),
		WITH_DIR(refuses_what_is_no_generation),
	};

	return cmocka_run_group_tests_name("strays", tests, NULL, NULL);
}
