// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fds.h"
#include "kernel/exes.h"

/* A folder with a program `tool` in it, and an image that names it. */
static char folder[64], tool[96], other[96];
static struct am_image image;
static struct am_image_exe named[2];
static struct am_exes *exes;
static struct am_diags diags;

/* What was told. */
static struct {
	unsigned count;
	enum am_exe_news news;
	char why[256];
} told;

static void tell(void *ctx, const struct am_image_exe *n, enum am_exe_news news, const char *why)
{
	(void)ctx;
	assert_string_equal(n->path, tool);
	told.count++;
	told.news = news;
	snprintf(told.why, sizeof(told.why), "%s", why ? why : "");
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void replace(const char *text)
{
	put(other, text);
	assert_int_equal(rename(other, tool), 0);
}

static void digest_of(const char *text, uint8_t ret[AM_SHA256_BYTES])
{
	crypto_hash_sha256(ret, (const unsigned char *)text, strlen(text));
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/amanat-exes.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(tool, sizeof(tool), "%s/tool", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	memset(&named, 0, sizeof(named));
	named[0] = (struct am_image_exe){ .path = tool, .set = { { 1 } }, .script = { { 2 } },
					  .is_exe = true };
	named[1] = named[0];
	named[1].set = (struct am_set){ { 4 } };
	image = (struct am_image){ .exes = named, .n_exes = 1 };
	memset(&told, 0, sizeof(told));
	am_diags_init(&diags);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	am_exes_free(exes);
	exes = NULL;
	am_diags_done(&diags);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void begin(void)
{
	struct am_exes *next = NULL;

	assert_int_equal(am_exes_new(&image, exes, &diags, &next), 0);
	am_exes_free(exes);
	exes = next;
}

/* Until no digest is being computed: a file that was written a moment ago has to settle. */
static void settle(void)
{
	for (int i = 0; am_exes_work(exes); i++) {
		assert_true(i < 1000);
		if (!am_exes_step(exes, 1 << 20) && am_exes_work(exes))
			(void)poll(NULL, 0, 10);
	}
}

static void look(void)
{
	const struct am_exe_teller teller = { tell, NULL };

	assert_int_equal(am_exes_look(exes), 0);
	settle();
	am_exes_tell(exes, &teller);
}

static void expect_told(unsigned count, enum am_exe_news news, const char *word)
{
	assert_int_equal(told.count, count);
	if (count) {
		assert_int_equal(told.news, news);
		assert_non_null(strstr(told.why, word));
	}
	told.count = 0;
}

/* Whether who runs this file is the subject. */
static bool counts_file(const struct am_exe_file *f)
{
	struct am_set set, script;

	return f && am_exes_sets(exes, f, &set, &script) && set.w[0] & 1 && script.w[0] & 2;
}

static bool counts_path(const char *path)
{
	struct stat st;

	return !stat(path, &st) && counts_file(am_exes_find(exes, st.st_dev, st.st_ino));
}

static void pin(struct am_image_exe *n, const char *text)
{
	n->pinned = true;
	digest_of(text, n->sha256);
}

/* ---- without a digest ------------------------------------------------------------ */

static void a_file_counts_wherever_its_path_leads_now(void **state)
{
	(void)state;
	put(tool, "one");
	begin();
	look();
	assert_true(counts_path(tool));
	expect_told(0, 0, "");
	replace("two");
	assert_false(counts_path(tool));
	look();
	assert_true(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_CHANGED, "replaced");
	put(tool, "three");
	look();
	assert_true(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_CHANGED, "written");
	look();
	expect_told(0, 0, "");
}

static void a_deleted_file_still_counts_until_it_is_written(void **state)
{
	const struct am_exe_file *old;
	int fd;

	(void)state;
	put(tool, "one");
	fd = open(tool, O_WRONLY | O_APPEND);
	begin();
	old = exes->names[0].file;
	replace("two");
	look();
	expect_told(1, AM_EXE_NEWS_CHANGED, "replaced");
	assert_true(counts_file(old));
	assert_int_equal(write(fd, "x", 1), 1);
	look();
	assert_false(counts_file(old));
	assert_true(am_exes_forgotten(exes, old));
	assert_true(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_OLD_GONE, "written");
	(void)close(fd);
}

static void an_old_file_under_another_name_is_nobody_until_that_name_goes(void **state)
{
	const struct am_exe_file *old;

	(void)state;
	put(tool, "one");
	begin();
	old = exes->names[0].file;
	put(other, "two");
	{
		char kept[128];

		snprintf(kept, sizeof(kept), "%s.kept", tool);
		assert_int_equal(link(tool, kept), 0);
		assert_int_equal(rename(other, tool), 0);
		look();
		assert_false(counts_file(old));
		expect_told(1, AM_EXE_NEWS_CHANGED, "nobody");
		assert_int_equal(unlink(kept), 0);
		look();
		assert_true(counts_file(old));
	}
}

static void the_name_that_dpkg_gives_it_keeps_an_old_file(void **state)
{
	const struct am_exe_file *old;
	char kept[128];

	(void)state;
	put(tool, "one");
	begin();
	old = exes->names[0].file;
	snprintf(kept, sizeof(kept), "%s.dpkg-tmp", tool);
	assert_int_equal(link(tool, kept), 0);
	replace("two");
	look();
	assert_true(counts_file(old));
	assert_int_equal(unlink(kept), 0);
	put(kept, "another file of that name");
	look();
	assert_true(counts_file(old));
}

static void old_files_outlive_a_new_policy(void **state)
{
	uint64_t dev, ino;

	(void)state;
	put(tool, "one");
	begin();
	dev = exes->names[0].file->dev;
	ino = exes->names[0].file->ino;
	replace("two");		/* unseen by any look */
	begin();
	assert_true(counts_file(am_exes_find(exes, dev, ino)));
	assert_true(counts_path(tool));
	begin();
	assert_true(counts_file(am_exes_find(exes, dev, ino)));
}

static void old_files_have_a_bound(void **state)
{
	(void)state;
	put(tool, "0");
	begin();
	for (int i = 0; i < 2 * AM_EXE_OLD; i++) {
		replace("another");
		look();
	}
	assert_int_equal(exes->names[0].n_old, AM_EXE_OLD);
	for (size_t i = 0; i < exes->n_files;) {
		if (am_exes_forgotten(exes, exes->files[i]))
			am_exes_drop(exes, i);
		else
			i++;
	}
	assert_int_equal(exes->n_files, AM_EXE_OLD + 1);
}

static void a_missing_file_counts_when_it_comes(void **state)
{
	(void)state;
	begin();
	assert_int_equal(diags.count, 1);
	look();
	expect_told(1, AM_EXE_NEWS_ABSENT, "No such file");
	look();
	expect_told(0, 0, "");
	put(tool, "one");
	look();
	assert_true(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_BACK, "");
	assert_int_equal(unlink(tool), 0);
	look();
	expect_told(1, AM_EXE_NEWS_GONE, "No such file");
}

static void what_is_no_regular_file_is_nobody(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(tool, 0600), 0);
	begin();
	look();
	expect_told(1, AM_EXE_NEWS_ABSENT, "not a regular file");
	assert_int_equal(exes->n_files, 0);
}

static void a_link_is_followed_anew_at_each_look(void **state)
{
	char one[128], two[128];

	(void)state;
	snprintf(one, sizeof(one), "%s/1.0", folder);
	snprintf(two, sizeof(two), "%s/2.0", folder);
	put(one, "one");
	put(two, "two");
	assert_int_equal(symlink("1.0", tool), 0);
	begin();
	assert_true(counts_path(one));
	assert_int_equal(symlink("2.0", other), 0);
	assert_int_equal(rename(other, tool), 0);
	look();
	assert_false(counts_path(one));
	assert_true(counts_path(two));
}

/* ---- with one ---------------------------------------------------------------------- */

static void a_pinned_file_counts_once_its_digest_was_computed(void **state)
{
	(void)state;
	pin(&named[0], "one");
	put(tool, "one");
	begin();
	assert_false(counts_path(tool));
	assert_false(am_exes_settled(exes));
	look();
	assert_true(am_exes_settled(exes));
	assert_true(counts_path(tool));
	begin();		/* the same policy once more: it is known already */
	assert_true(counts_path(tool));
	assert_true(am_exes_settled(exes));
}

static void a_pinned_file_that_changes_is_gone_and_may_be_back(void **state)
{
	(void)state;
	pin(&named[0], "one");
	put(tool, "one");
	begin();
	look();
	expect_told(0, 0, "");
	replace("two");
	look();
	assert_false(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_GONE, "digest");
	replace("one");
	look();
	assert_true(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_BACK, "");
	put(tool, "oNe");
	look();
	assert_false(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_GONE, "digest");
}

static void times_that_are_set_back_hide_nothing(void **state)
{
	struct timespec times[2];
	struct stat st;

	(void)state;
	pin(&named[0], "one");
	put(tool, "one");
	begin();
	look();
	assert_int_equal(stat(tool, &st), 0);
	put(tool, "oNe");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, tool, times, 0), 0);
	look();
	assert_false(counts_path(tool));
	expect_told(1, AM_EXE_NEWS_GONE, "digest");
}

static void a_touched_file_counts_while_it_is_checked_again(void **state)
{
	(void)state;
	pin(&named[0], "one");
	put(tool, "one");
	begin();
	look();
	assert_int_equal(chmod(tool, 0700), 0);
	assert_int_equal(am_exes_look(exes), 0);
	assert_true(am_exes_work(exes));
	assert_true(counts_path(tool));
	settle();
	assert_true(counts_path(tool));
}

static void a_digest_takes_as_many_steps_as_the_file_is_long(void **state)
{
	enum { BLOCKS = 16, BLOCK = 64 * 1024 };
	am_autofree char *text = calloc(1, BLOCKS * BLOCK + 1);
	unsigned steps = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', BLOCKS * BLOCK);
	pin(&named[0], text);
	put(tool, text);
	begin();
	(void)poll(NULL, 0, 100);	/* the file's time has to lie back */
	while (am_exes_step(exes, BLOCK))
		steps++;
	assert_in_range(steps, BLOCKS - 1, BLOCKS + 1);
	assert_true(counts_path(tool));
}

static void a_file_that_is_written_while_it_is_read_is_read_again(void **state)
{
	(void)state;
	pin(&named[0], "one");
	put(tool, "one");
	begin();
	(void)poll(NULL, 0, 100);
	put(tool, "two");	/* no look has seen it when the digest is done */
	assert_true(am_exes_step(exes, 1 << 20));
	assert_false(counts_path(tool));
	settle();
	assert_false(counts_path(tool));
	assert_int_equal(exes->names[0].state, AM_EXE_WRONG);
}

static void who_asks_for_no_digest_is_not_concerned_by_one(void **state)
{
	struct am_set set, script;

	(void)state;
	pin(&named[1], "one");
	image.n_exes = 2;
	put(tool, "two");
	begin();
	settle();
	assert_true(am_exes_sets(exes, exes->names[0].file, &set, &script));
	assert_int_equal(set.w[0], 1);
	put(tool, "one");
	assert_int_equal(am_exes_look(exes), 0);
	settle();
	assert_true(am_exes_sets(exes, exes->names[0].file, &set, &script));
	assert_int_equal(set.w[0], 5);
}

static void no_descriptor_is_left(void **state)
{
	int before = count_fds();

	(void)state;
	put(tool, "one");
	for (int i = 0; i < 20; i++) {
		begin();
		replace("another");
		look();
	}
	am_exes_free(exes);
	exes = NULL;
	assert_int_equal(count_fds(), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_counts_wherever_its_path_leads_now),
		TEST(a_deleted_file_still_counts_until_it_is_written),
		TEST(an_old_file_under_another_name_is_nobody_until_that_name_goes),
		TEST(the_name_that_dpkg_gives_it_keeps_an_old_file),
		TEST(old_files_outlive_a_new_policy),
		TEST(old_files_have_a_bound),
		TEST(a_missing_file_counts_when_it_comes),
		TEST(what_is_no_regular_file_is_nobody),
		TEST(a_link_is_followed_anew_at_each_look),
		TEST(a_pinned_file_counts_once_its_digest_was_computed),
		TEST(a_pinned_file_that_changes_is_gone_and_may_be_back),
		TEST(times_that_are_set_back_hide_nothing),
		TEST(a_touched_file_counts_while_it_is_checked_again),
		TEST(a_digest_takes_as_many_steps_as_the_file_is_long),
		TEST(a_file_that_is_written_while_it_is_read_is_read_again),
		TEST(who_asks_for_no_digest_is_not_concerned_by_one),
		TEST(no_descriptor_is_left),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
