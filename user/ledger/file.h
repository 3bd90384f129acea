/* SPDX-License-Identifier: GPL-2.0 */
/* Files of a ledger's directory: whole reads and writes, and which file is a segment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 0 or -errno; a part may have been written. */
int am_write_at(int fd, const void *bytes, size_t len, off_t at);

/* 0; -ENODATA if the file ends before; -errno. */
int am_read_at(int fd, void *bytes, size_t len, off_t at);

/* Writes a file whole, on disk when it returns, or leaves what was there. */
int am_put_file(int dirfd, const char *name, mode_t mode, const void *bytes, size_t len);

enum { AM_SEGMENT_NAME = 21 };	/* "0000000000000001.aml" */

void am_segment_name(uint64_t segment, char ret[AM_SEGMENT_NAME]);

/* Whether a file of this name is, or pretends to be, a segment. */
bool am_segment_number(const char *name, uint64_t *ret);

struct am_listed {
	uint64_t segment;
	uint64_t size;
};

struct am_listing {
	struct am_listed *segments;	/* owned; by number */
	size_t count;
	char **junk;			/* owned, as each name: files that are none of ours */
	size_t n_junk;
};

void am_listing_done(struct am_listing *l);

/* Of the directory. `junk` false: not wanted. 0 or -errno. */
int am_listing_read(int dirfd, bool junk, struct am_listing *ret);
