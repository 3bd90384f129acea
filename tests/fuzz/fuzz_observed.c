// SPDX-License-Identifier: GPL-2.0
/* The table of what was refused, as a file that anybody may have written: with its sum put
 * right, or no input would get past it. What is taken must come back byte for byte. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/observed.h"

enum { SUM = 8 };

static void sum_up(char *bytes, size_t len)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len - SUM; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
	memcpy(bytes + len - SUM, &sum, SUM);
}

static void use(struct am_observed *o)
{
	const struct am_observed_row *rows;
	size_t n;

	rows = am_observed_rows(o, &n);
	for (size_t i = 0; i < n; i++) {
		struct am_observed_row row = rows[i];
		uint64_t all = am_observed_since(&row, INT64_MIN);

		assert(all == row.facts.count);
		(void)am_observed_since(&row, row.facts.last_s);
	}
	if (n)	/* one that is there is found, not added */
		am_observed_add(o, &rows[0], true, rows[0].facts.first_s);
	assert(am_observed_left_out(o) || !n || am_observed_is_dirty(o));
}

static void check(const char *bytes, size_t len)
{
	struct am_observed *o = NULL;
	char *again;
	size_t len_again;

	if (am_observed_unpack(bytes, len, &o))
		return;
	assert(!am_observed_pack(o, &again, &len_again));
	/* The version before comes back as this one. */
	assert(bytes[8] == 1 || (len == len_again && !memcmp(bytes, again, len)));
	free(again);
	use(o);
	am_observed_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + SUM);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (size >= SUM)
		check(bytes, size);
	sum_up(bytes, size + SUM);
	check(bytes, size + SUM);
	free(bytes);
	return 0;
}
