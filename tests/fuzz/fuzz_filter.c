// SPDX-License-Identifier: GPL-2.0
/* Any text is a filter or an error that points into it; what it asks for can be asked of
 * any row. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "abi.h"
#include "query/filter.h"

static const struct am_row rows[] = {
	{ .wall_ns = 1772359200000000000, .number = 1,
	  .actor = { .pid = 4711, .uid = 1001, .login = ~0u, .exe = "/usr/bin/psql", .user = "acme" },
	  .object = { .store = "registry", .path = "/srv/registry/a" },
	  .deed = { .kind = AM_EVENT_ACCESS, .verdict = AM_VERDICT_DENY, .label_names = "a,b" } },
	{ .dest = { .family = AF_INET6, .addr_high = 1, .port = 7 },
	  .deed = { .kind = AM_EVENT_SEND } },
	{ .deed = { .kind = AM_ROW_GAP, .reason = ~0u } },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct am_when from = { 1772360430000000000, 1772300000000000000 };
	struct am_filter_error err = { 0 };
	struct am_filter *f = NULL;
	char *text = malloc(size + 1);
	int64_t a, b;
	size_t i;
	int r;

	memcpy(text, data, size);
	text[size] = '\0';
	r = am_filter_parse(text, &from, &err, &f);
	assert(r == 0 || r == -EINVAL);
	if (r) {
		FILE *out = fopen("/dev/null", "w");

		assert(err.at <= strlen(text) && err.fact[0]);
		am_filter_complain(out, text, &err);
		fclose(out);
	} else {
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			(void)am_filter_matches(f, &rows[i]);
		am_filter_span(f, &a, &b);
		assert(a >= 0 || a == INT64_MIN);
	}
	am_filter_free(f);
	free(text);
	return 0;
}
