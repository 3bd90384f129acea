// SPDX-License-Identifier: GPL-2.0
#include "query/cursor.h"

#include <errno.h>
#include <string.h>

#include "abi.h"
#include "event/event.h"

struct am_cursor {
	const struct am_filter *filter;	/* borrowed */
	struct am_query query;
	struct am_scan *scan;
	struct am_row row;
};

static void push_time(struct am_cursor *c)
{
	int64_t from_ns, until_ns;

	am_filter_span(c->filter, &from_ns, &until_ns);
	/* 0 is no limit, to the scan. */
	c->query.since_ns = from_ns > 0 ? from_ns : 0;
	if (until_ns < INT64_MAX)
		c->query.until_ns = until_ns > 0 ? until_ns : 1;
}

static void push_numbers(struct am_cursor *c)
{
	int64_t n;

	if (am_filter_number(c->filter, "pid", &n) && n <= UINT32_MAX) {
		c->query.has_pid = true;
		c->query.pid = (uint32_t)n;
	}
	if (am_filter_number(c->filter, "user", &n) && n <= UINT32_MAX) {
		c->query.has_uid = true;
		c->query.uid = (uint32_t)n;
	}
}

static void push_texts(struct am_cursor *c)
{
	c->query.store = am_filter_text(c->filter, "store");
	c->query.user = am_filter_text(c->filter, "user");
	c->query.exe = am_filter_text(c->filter, "exe");
	c->query.unit = am_filter_text(c->filter, "unit");
	c->query.path = am_filter_text(c->filter, "path");
}

static void push_words(struct am_cursor *c)
{
	const char *verdict = am_filter_text(c->filter, "verdict");
	const char *op = am_filter_text(c->filter, "op");
	unsigned i;

	for (i = 1; verdict && i < AM_VERDICT_MAX_; i++)
		if (!strcmp(am_verdict_name(i), verdict))
			c->query.verdicts = 1u << i;
	for (i = 1; op && i < AM_OP_MAX_; i++)
		if (!strcmp(am_op_name(i), op))
			c->query.ops = 1u << i;
}

int am_cursor_open(int dirfd, const struct am_filter *filter, uint64_t columns,
		   struct am_cursor **ret)
{
	am_auto(am_cursor) struct am_cursor *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->filter = filter;
	if (filter) {
		push_time(c);
		push_numbers(c);
		push_texts(c);
		push_words(c);
		columns |= am_filter_columns(filter);
	}
	r = am_scan_open(dirfd, &c->query, columns, &c->scan);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(c);
	return 0;
}

int am_cursor_next(struct am_cursor *c, const struct am_row **ret)
{
	int r;

	while ((r = am_scan_next(c->scan, &c->row)) > 0) {
		if (c->filter && !am_filter_matches(c->filter, &c->row))
			continue;
		*ret = &c->row;
		return 1;
	}
	return r;
}

const struct am_host_id *am_cursor_host(const struct am_cursor *c)
{
	return am_scan_host(c->scan);
}

void am_cursor_counts(const struct am_cursor *c, struct am_scan_counts *ret)
{
	am_scan_counts(c->scan, ret);
}

void am_cursor_free(struct am_cursor *c)
{
	if (!c)
		return;
	am_scan_free(c->scan);
	free(c);
}
