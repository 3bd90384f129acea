// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/replay.h"
#include "cli/source.h"
#include "event/id.h"
#include "query/cursor.h"
#include "query/recorded.h"

static int write_fields(FILE *out, const struct am_row *row)
{
	size_t n, i;
	const struct am_field *fields = am_fields(&n);
	char buf[AM_FIELD_TEXT_MAX];

	for (i = 0; i < n; i++) {
		const char *text = am_field_text(&fields[i], row, buf);

		if (!*text)
			continue;
		(void)fprintf(out, "%-10s ", fields[i].name);
		am_text_print(out, text);
		(void)fputc('\n', out);
	}
	return ferror(out) ? -EIO : 0;
}

static int write_json(FILE *out, const struct am_cursor *c, const struct am_row *row)
{
	struct am_decoded event;
	struct am_event_names names;

	if (!am_recorded_event(row, &event, &names))
		return -EINVAL;
	names.host = am_cursor_host(c);
	return am_event_json(out, &event, &names);
}

static int find(const struct am_cmd_line *line, int fd, const struct am_filter *filter, bool json)
{
	am_auto(am_cursor) struct am_cursor *c = NULL;
	const struct am_row *row;
	int r = am_cursor_open(fd, filter, AM_COLUMNS_ALL, &c);

	if (!r)
		r = am_cursor_next(c, &row);
	if (!r) {
		(void)fputs("note: the record has no such event\n", line->err);
		return AM_EXIT_NO;
	}
	if (r > 0)
		r = json ? write_json(line->out, c, row) : write_fields(line->out, row);
	if (!r)
		return AM_EXIT_YES;
	(void)fprintf(line->err, "error: cannot show it: %s\n", strerror(-r));
	return AM_EXIT_MISSING;
}

int am_cli_show(const struct am_cmd_line *line)
{
	const struct am_when here = am_when_here();
	const char *dir = NULL, *id = NULL;
	bool json = false;
	const struct am_arg items[] = {
		{ "--ledger", &dir, NULL, false },
		{ "--json", NULL, &json, false },
	};
	const struct am_args args = { AM_USAGE_SHOW, items, AM_COUNT(items), &id };
	am_auto(am_filter) struct am_filter *filter = NULL;
	struct am_filter_error error;
	struct am_event_id parsed;
	am_autoclose int fd = -1;
	char text[AM_EVENT_ID_TEXT + 8];
	int code = am_args_parse(&args, line->argc, line->argv);

	if (code != AM_ARGS_GO)
		return code;
	if (am_event_id_parse(id, &parsed) < 0) {
		(void)fputs("error: '", line->err);
		am_text_print(line->err, id);
		(void)fputs("' is no event's id\n  hint: Such as 12-u0-4711, at the end of the "
			    "lines of 'tail' and 'replay'.\n", line->err);
		return AM_EXIT_USAGE;
	}
	fd = am_source_borrow(line, dir);
	if (fd < 0)
		return AM_EXIT_MISSING;
	(void)snprintf(text, sizeof(text), "id=%s", id);
	if (am_filter_parse(text, &here, &error, &filter) < 0)
		return AM_EXIT_NO;
	return find(line, fd, filter, json);
}
