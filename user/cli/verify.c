// SPDX-License-Identifier: GPL-2.0
/* `amanat verify`: whether a ledger is what was written, for a person and for a script. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/args.h"
#include "cli/ledger.h"
#include "event/json.h"
#include "ledger/row.h"
#include "ledger/verify.h"

static const char usage[] = "amanat verify DIR [--key FILE] [--head FILE] [--json]";

enum { GAPS_SHOWN = 20 };

/* ---- what is given ------------------------------------------------------------------ */

static int refuse(const char *what, const char *file, const char *why, const char *hint)
{
	fprintf(stderr, "error: cannot %s '", what);
	am_text_print(stderr, file);
	fprintf(stderr, "': %s\n", why);
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	return AM_EXIT_MISSING;
}

static int load_key(const char *file, struct am_roots_pub *ret)
{
	int r = am_roots_pub_load(AT_FDCWD, file, ret);

	if (!r)
		return 0;
	return refuse("use the key", file, r == -EBADMSG ? "it is not the key of a ledger" : strerror(-r),
		      "'amanat ledger key DIR' prints the key of a ledger.");
}

static int load_head(const char *file, struct am_head *ret)
{
	char text[AM_HEAD_TEXT];
	FILE *f = fopen(file, "re");
	size_t n;

	if (!f)
		return refuse("use the head", file, strerror(errno), NULL);
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);	/* read only: nothing can be lost */
	if (am_head_parse(text, n, ret) < 0)
		return refuse("use the head", file, "it is not the head of a ledger",
			      "'amanat ledger head DIR' prints the head of a ledger.");
	return 0;
}

/* ---- text ------------------------------------------------------------------------------ */

static void time_text(int64_t ns, char ret[AM_WHEN_TEXT])
{
	if (ns < 0)
		(void)snprintf(ret, AM_WHEN_TEXT, "%" PRId64 " ns", ns);
	else
		am_when_utc(ns, ret);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void text_sealed(const struct am_audit *v, FILE *out)
{
	char from[AM_WHEN_TEXT], to[AM_WHEN_TEXT];

	if (!v->first_row || v->last_row < v->first_row) {
		fputs("sealed    nothing\n", out);
		return;
	}
	time_text(v->first_ns, from);
	time_text(v->last_ns, to);
	fprintf(out, "sealed    rows %" PRIu64 " to %" PRIu64 ", %s to %s\n", v->first_row, v->last_row,
		from, to);
	fputs("host      ", out);
	am_text_print(out, v->host);
	fputc('\n', out);
}

static void text_gaps(const struct am_audit *v, FILE *out)
{
	char from[AM_WHEN_TEXT], to[AM_WHEN_TEXT];
	size_t i;

	for (i = 0; i < v->n_gaps && i < GAPS_SHOWN; i++) {
		const struct am_gap_seen *g = &v->gaps[i];

		time_text(g->since_ns, from);
		time_text(g->until_ns, to);
		fprintf(out, "gap       %s to %s, %s, ", from, to, am_gap_name(g->reason));
		if (g->count)
			fprintf(out, "%" PRIu64 " event%s", g->count, plural(g->count));
		else
			fputs("nobody knows how many", out);
		fprintf(out, " (row %" PRIu64 ")\n", g->row);
	}
	if (v->n_gaps > GAPS_SHOWN || v->gaps_lost)
		fprintf(out, "          and %zu more%s; --json lists them\n",
			v->n_gaps > GAPS_SHOWN ? v->n_gaps - GAPS_SHOWN : 0,
			v->gaps_lost ? ", and some that are not kept" : "");
}

static void text_remarks(const struct am_audit *v, FILE *out)
{
	size_t i;

	for (i = 0; i < v->n_remarks; i++) {
		const struct am_remark *m = &v->remarks[i];

		fprintf(out, "%-9s ", m->code ? am_verify_name(m->code) : "note");
		if (m->file[0]) {
			am_text_print(out, m->file);
			fprintf(out, " at byte %" PRIu64 ": ", m->offset);
		}
		am_text_print(out, m->text);
		fputc('\n', out);
	}
	if (v->remarks_lost)
		fputs("          and more\n", out);
}

static void text_audit(const struct am_audit *v, FILE *out)
{
	fprintf(out, "ledger    %" PRIu64 " segment%s, %" PRIu64 " block%s, %" PRIu64 " seal%s, %"
		PRIu64 " byte%s", v->segments, plural(v->segments), v->blocks, plural(v->blocks), v->seals,
		plural(v->seals), v->bytes, plural(v->bytes));
	if (v->removed)
		fprintf(out, "; %" PRIu64 " segment%s removed by retention", v->removed,
			plural(v->removed));
	fputc('\n', out);
	text_sealed(v, out);
	text_gaps(v, out);
	text_remarks(v, out);
	if (v->by_own_key)
		fputs("key       from the directory itself: proves nothing against somebody who "
		      "replaced all of it; give --key\n", out);
	fprintf(out, "answer    %s\n", am_verify_name(v->code));
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void json_lists(const struct am_audit *v, struct am_json *j)
{
	size_t i;

	am_json_list(j, "gaps");
	for (i = 0; i < v->n_gaps; i++) {
		am_json_object(j, NULL);
		am_json_text(j, "reason", am_gap_name(v->gaps[i].reason));
		am_json_u64(j, "count", v->gaps[i].count);
		am_json_u64(j, "row", v->gaps[i].row);
		am_json_u64(j, "since_ns", (uint64_t)v->gaps[i].since_ns);
		am_json_u64(j, "until_ns", (uint64_t)v->gaps[i].until_ns);
		am_json_end(j);
	}
	am_json_end(j);
	am_json_bool(j, "gaps_complete", !v->gaps_lost);
	am_json_list(j, "remarks");
	for (i = 0; i < v->n_remarks; i++) {
		const struct am_remark *m = &v->remarks[i];

		am_json_object(j, NULL);
		am_json_text(j, "what", m->code ? am_verify_name(m->code) : "note");
		am_json_text(j, "file", m->file[0] ? m->file : NULL);
		am_json_u64(j, "offset", m->offset);
		am_json_text(j, "text", m->text);
		am_json_end(j);
	}
	am_json_end(j);
}

static int json_audit(const struct am_audit *v, FILE *out)
{
	char head[AM_HEAD_TEXT];
	struct am_json j;

	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_text(&j, "answer", am_verify_name(v->code));
	am_json_int(&j, "code", v->code);
	am_json_text(&j, "key", v->by_own_key ? "directory" : "given");
	am_json_text(&j, "host", v->host);
	am_json_u64(&j, "segments", v->segments);
	am_json_u64(&j, "removed", v->removed);
	am_json_u64(&j, "bytes", v->bytes);
	am_json_u64(&j, "blocks", v->blocks);
	am_json_u64(&j, "seals", v->seals);
	am_json_u64(&j, "first_row", v->first_row);
	am_json_u64(&j, "last_row", v->last_row);
	am_json_u64(&j, "first_ns", (uint64_t)v->first_ns);
	am_json_u64(&j, "last_ns", (uint64_t)v->last_ns);
	am_json_u64(&j, "unsealed_rows", v->unsealed_rows);
	if (v->head.seal) {
		am_head_format(&v->head, head);
		head[strcspn(head, "\n")] = '\0';
		am_json_text(&j, "head", head);
	}
	json_lists(v, &j);
	return am_json_done(&j);
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int verify(const char *dir, const struct am_verify_options *options, bool json, FILE *out)
{
	am_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	am_auto(am_audit) struct am_audit *v = NULL;
	int r = fd < 0 ? -errno : am_verify(fd, options, &v);

	if (r < 0)
		return refuse("read the ledger", dir, strerror(-r), NULL);
	if (json)
		(void)json_audit(v, out);	/* the stream keeps its error for the end */
	else
		text_audit(v, out);
	return (int)v->code;
}

int am_cli_verify(const struct am_cmd_line *line)
{
	const char *dir = NULL, *key = NULL, *head_file = NULL;
	bool json = false;
	const struct am_arg items[] = {
		{ .name = "--key", .value = &key },
		{ .name = "--head", .value = &head_file },
		{ .name = "--json", .given = &json },
	};
	const struct am_args args = { usage, items, AM_COUNT(items), &dir };
	struct am_verify_options options = { 0 };
	struct am_roots_pub roots;
	struct am_head head;
	int r = am_args_parse(&args, line->argc, line->argv);

	if (r != AM_ARGS_GO)
		return r;
	if (key) {
		r = load_key(key, &roots);
		if (r)
			return r;
		options.roots = &roots;
	}
	if (head_file) {
		r = load_head(head_file, &head);
		if (r)
			return r;
		options.head = &head;
	}
	return verify(dir, &options, json, line->out);
}
