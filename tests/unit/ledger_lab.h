/* SPDX-License-Identifier: GPL-2.0 */
/* A ledger in a temporary folder, for tests: made of the invented storm, with a fake host
 * and, if wanted, a fake clock. cmocka's headers come first. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fds.h"
#include "ledger/file.h"
#include "ledger/scan.h"
#include "ledger/verify.h"
#include "ledger/writer.h"
#include "storm.h"

struct lab {
	char path[64];
	int fd;
	int fds;
	struct storm storm;
	struct am_writer_options options;
};

static const struct am_host_id lab_host = {
	.name = "clinic-7",
	.machine = "0123456789abcdef0123456789abcdef",
	.boot = "00112233-4455-6677-8899-aabbccddeeff",
	.kernel = "6.1.0-test",
};

static inline void lab_remove(const char *path)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static inline int lab_set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	*state = lab;
	lab->fds = count_fds();
	(void)snprintf(lab->path, sizeof(lab->path), "%s/amanat-ledger-XXXXXX", P_tmpdir);
	if (!mkdtemp(lab->path))
		return -1;
	lab->fd = open(lab->path, O_RDONLY | O_DIRECTORY);
	storm_init(&lab->storm, 7);
	lab->storm.calm = true;	/* each finding is a sync */
	lab->options = (struct am_writer_options){ .no_thread = true, .host = &lab_host };
	return lab->fd < 0 ? -1 : 0;
}

static inline int lab_tear_down(void **state)
{
	struct lab *lab = *state;

	(void)close(lab->fd);
	lab_remove(lab->path);
	assert_int_equal(count_fds(), lab->fds);
	free(lab);
	return 0;
}

static inline struct am_writer *lab_open(struct lab *lab)
{
	struct am_writer *w = NULL;

	assert_int_equal(am_writer_open(lab->path, &lab->options, &w), 0);
	return w;
}

static inline void lab_append(struct lab *lab, struct am_writer *w, size_t n)
{
	struct am_row row;

	while (n--) {
		storm_next(&lab->storm, &row);
		assert_int_equal(am_writer_append(w, &row), 0);
	}
}

/* One run of a writer, which ends as it should. */
static inline void lab_run(struct lab *lab, size_t n)
{
	struct am_writer *w = lab_open(lab);

	lab_append(lab, w, n);
	am_writer_free(w);
}

static inline uint64_t lab_count(const struct lab *lab, const struct am_query *q)
{
	struct am_scan *s = NULL;
	uint64_t n = 0;

	assert_int_equal(am_scan_open(lab->fd, q, 0, &s), 0);
	assert_int_equal(am_scan_count(s, &n), 0);
	am_scan_free(s);
	return n;
}

/* Rows that are events of the storm. */
static inline uint64_t lab_events(const struct lab *lab)
{
	const struct am_query q = { .kinds = (1ULL << AM_ROW_GAP) - 1 };

	return lab_count(lab, &q);
}

/* The first row of this kind and reason: whether there is one. */
static inline bool lab_find(const struct lab *lab, uint32_t kind, uint32_t reason, struct am_row *ret)
{
	const struct am_query q = { .kinds = 1ULL << kind };
	struct am_scan *s = NULL;
	struct am_row row;
	bool found = false;

	assert_int_equal(am_scan_open(lab->fd, &q, AM_COLUMNS_ALL, &s), 0);
	while (!found && am_scan_next(s, &row) == 1) {
		found = row.deed.reason == reason;
		if (found && ret) {
			*ret = row;
			ret->deed.why = NULL;	/* borrowed */
		}
	}
	am_scan_free(s);
	return found;
}

static inline struct am_audit *lab_verify_with(const struct lab *lab,
					       const struct am_verify_options *options)
{
	struct am_audit *v = NULL;

	assert_int_equal(am_verify(lab->fd, options, &v), 0);
	return v;
}

static inline enum am_verify_code lab_verify(const struct lab *lab)
{
	const struct am_verify_options options = { .threads = 1 };
	struct am_audit *v = lab_verify_with(lab, &options);
	enum am_verify_code code = v->code;

	am_audit_free(v);
	return code;
}

/* ---- files ------------------------------------------------------------------------ */

struct bytes {
	uint8_t *at;	/* owned */
	size_t len;
};

static inline struct bytes lab_read(const struct lab *lab, const char *name)
{
	int fd = openat(lab->fd, name, O_RDONLY);
	struct bytes b;
	struct stat st;

	assert_true(fd >= 0 && !fstat(fd, &st));
	b.len = (size_t)st.st_size;
	b.at = malloc(b.len + 1);
	assert_non_null(b.at);
	assert_int_equal(am_read_at(fd, b.at, b.len, 0), 0);
	(void)close(fd);
	return b;
}

static inline void lab_write(const struct lab *lab, const char *name, const uint8_t *at, size_t len)
{
	int fd = openat(lab->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(am_write_at(fd, at, len, 0), 0);
	(void)close(fd);
}

static inline const char *lab_name(uint64_t segment)
{
	static char names[4][AM_SEGMENT_NAME];
	static unsigned next;
	char *name = names[next++ % 4];

	am_segment_name(segment, name);
	return name;
}
