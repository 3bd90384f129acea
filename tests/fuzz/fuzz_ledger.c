// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a segment, as a block, as `links`, root.pub, a head: reading and verifying
 * must stay within bounds and come to an end, and nothing forged may be found to hold.
 *
 * Hashes keep a fuzzer out, so each input is also tried as a block with the hash mended
 * (a reader does not look at it), which is where the parsing is. The corpus comes from
 * tests/unit/test_ledger_corpus.c. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/block.h"
#include "ledger/bytes.h"
#include "ledger/file.h"
#include "ledger/scan.h"
#include "ledger/verify.h"
#include "ledger/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int dir = -1;

/* In memory, and gone with the process. */
static int folder(void)
{
	char path[] = "/dev/shm/amanat-fuzz-XXXXXX";

	if (dir >= 0)
		return dir;
	assert(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert(dir >= 0);
	return dir;
}

static void put(const char *name, const void *bytes, size_t len)
{
	int fd = openat(folder(), name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert(fd >= 0 && am_write_at(fd, bytes, len, 0) == 0);
	(void)close(fd);
}

static void check_text(const char *text)
{
	assert(!text || strlen(text) < AM_TEXT_MAX);
}

static void read_rows(void)
{
	static const struct am_query queries[] = {
		{ 0 },
		{ .store = "claims", .user = "clerk07", .verdicts = 1 << 2, .has_pid = true, .pid = 4711 },
		{ .since_ns = 1, .until_ns = INT64_MAX, .path = "/srv", .kinds = 3, .has_uid = true },
	};
	struct am_scan *s;
	struct am_row row;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		assert(am_scan_open(folder(), &queries[i], AM_COLUMNS_ALL, &s) == 0);
		for (n = 0; n < 100000 && am_scan_next(s, &row) == 1; n++) {
			check_text(row.object.path);
			check_text(row.actor.exe);
			check_text(row.deed.why);
		}
		am_scan_free(s);
	}
}

static void verify(void)
{
	const struct am_verify_options options = { .threads = 1 };
	struct am_audit *v = NULL;

	assert(am_verify(folder(), &options, &v) == 0);
	am_audit_free(v);
}

static void try_segment(const uint8_t *data, size_t size)
{
	char name[AM_SEGMENT_NAME];

	am_segment_name(1, name);
	put(name, data, size);
	verify();
	read_rows();
}

struct memory {
	const uint8_t *at;
	size_t len;
};

static int from_memory(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct memory *m = ctx;

	if (at > m->len || len > m->len - at)
		return -ENODATA;
	memcpy(to, m->at + at, len);
	return 0;
}

static void try_block(const uint8_t *data, size_t size)
{
	static struct am_block *block;
	struct memory m = { data, size };
	struct am_block_head head;
	struct am_row row;
	uint32_t i;

	if (!block)
		assert(am_block_new(&block) == 0);
	if (size < AM_BLOCK_HEAD_LEN || am_block_head(data, &head) < 0 || head.size > size ||
	    am_block_begin(block, &head, data) < 0 ||
	    am_block_load(block, AM_COLUMNS_ALL, NULL, from_memory, &m) < 0)
		return;
	for (i = 0; i < head.rows; i++) {
		am_block_row(block, i, &row);
		check_text(row.object.path);
		check_text(row.actor.user);
	}
}

static void try_texts(const uint8_t *data, size_t size)
{
	struct am_roots_pub roots;
	struct am_header header;
	struct am_head head;

	(void)am_roots_pub_parse((const char *)data, size, &roots);
	(void)am_head_parse((const char *)data, size, &head);
	if (size >= AM_HEADER_LEN)
		(void)am_header_read(data, &header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	assert(am_chain_init() == 0);
	try_texts(data, size);
	if (size > AM_HEADER_LEN)
		try_block(data + AM_HEADER_LEN, size - AM_HEADER_LEN);
	copy = malloc(size + AM_BLOCK_HEAD_LEN + 1);
	assert(copy);
	memcpy(copy, data, size);
	/* As a block that is as long as the input. */
	if (size >= AM_BLOCK_HEAD_LEN + AM_HASH_LEN) {
		memcpy(copy, "AMBK", 4);
		am_put32(copy + 4, (uint32_t)size);
		am_put32(copy + 92, 0);
		try_block(copy, size);
	}
	free(copy);
	try_segment(data, size);
	put("links", data, size);
	verify();
	(void)unlinkat(folder(), "links", 0);
	return 0;
}
