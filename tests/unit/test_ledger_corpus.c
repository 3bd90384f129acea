// SPDX-License-Identifier: GPL-2.0
/* The corpus of fuzz_ledger, tests/data/ledger: small segments as this build writes them.
 * `build/san/test_ledger_corpus tests/data/ledger` makes it anew; as a test it makes sure
 * that what earlier builds wrote can still be read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/walk.h"
#include "ledger_lab.h"

static const char *folder = "tests/data/ledger";

static void write_to(const char *name, const struct bytes *b)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(b->at, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

static void make(struct lab *lab, const char *name, size_t rows, uint64_t segment)
{
	struct bytes b;

	lab_run(lab, rows);
	b = lab_read(lab, lab_name(segment));
	write_to(name, &b);
	free(b.at);
}

static void makes_the_corpus(void **state)
{
	struct lab *lab = *state;

	make(lab, "empty.aml", 0, 1);
	make(lab, "one.aml", 1, 2);
	lab->storm.calm = false;
	make(lab, "some.aml", 300, 3);
	lab->storm.whole = true;
	make(lab, "facts.aml", 300, 4);
}

static void reads(struct lab *lab, const char *name, uint64_t segment)
{
	struct am_walk w;
	int dir = open(folder, O_RDONLY | O_DIRECTORY), fd;
	struct bytes b;
	struct stat st;

	if (dir < 0)
		skip();		/* run from elsewhere than the tree's root */
	fd = openat(dir, name, O_RDONLY);
	assert_true(fd >= 0 && !fstat(fd, &st));
	assert_int_equal(am_walk(fd, NULL, &w), 0);
	assert_int_equal(w.fault, AM_FAULT_NONE);
	assert_true(am_walk_is_closed(&w));
	b.len = (size_t)st.st_size;
	b.at = malloc(b.len);
	assert_int_equal(am_read_at(fd, b.at, b.len, 0), 0);
	lab_write(lab, lab_name(segment), b.at, b.len);
	assert_int_equal(lab_events(lab), 300);
	free(b.at);
	(void)close(fd);
	(void)close(dir);
}

/* By the first build that had the format, without the columns of AM_EVENT_FACTS: version 1 is
 * read for good. */
static void reads_what_was_written_before(void **state)
{
	reads(*state, "some.aml", 3);
}

static void reads_what_is_written_now(void **state)
{
	reads(*state, "facts.aml", 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest make_it[] = {
		cmocka_unit_test_setup_teardown(makes_the_corpus, lab_set_up, lab_tear_down),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_what_was_written_before, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(reads_what_is_written_now, lab_set_up,
						lab_tear_down),
	};

	if (argc > 1) {
		folder = argv[1];
		return cmocka_run_group_tests(make_it, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
