/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/lookback.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"

void am_origin_json(struct am_json *j, const struct am_origin *o)
{
	char digest[AM_DIGEST_TEXT];

	am_digest_format(o->digest, digest);
	am_json_text(j, "source", am_source_name(o->kind));
	if (o->kind == AM_SOURCE_BUNDLE) {
		am_json_int(j, "serial", (int64_t)o->serial);
		if (o->takes_back)
			am_json_int(j, "takes_back", (int64_t)o->takes_back);
		am_json_text(j, "signer", o->signer[0] ? o->signer : NULL);
		am_json_text(j, "key_id", o->key_id);
	}
	am_json_text(j, "digest", digest);
}

/* ---- the list --------------------------------------------------------------- */

static void format_time(int64_t s, char ret[AM_WHEN_TEXT])
{
	if (!am_when_local(s, ret))
		(void)snprintf(ret, AM_WHEN_TEXT, "?");
}

static void print_until(const struct am_reign *r, FILE *out)
{
	char until[AM_WHEN_TEXT];

	switch (r->ending) {
	case AM_ENDING_NONE:
		(void)fprintf(out, "%-19s", "in force");
		break;
	case AM_ENDING_UNKNOWN:
		(void)fprintf(out, "%-19s", "agent was killed");
		break;
	default:
		format_time(r->until_s, until);
		(void)fputs(until, out);
	}
}

static void print_reign(const struct am_reign *r, FILE *out)
{
	const struct am_origin *o = &r->origin;
	char since[AM_WHEN_TEXT], digest[AM_DIGEST_TEXT];

	format_time(r->since_s, since);
	am_digest_format(o->digest, digest);
	(void)fprintf(out, "%s#%u\t%s .. ", r->policy, r->generation, since);
	print_until(r, out);
	(void)fprintf(out, "  %s (%s", am_source_name(o->kind), am_road_name(o->road));
	if (o->road == AM_ROAD_PUSH)
		(void)fprintf(out, " by uid %u", o->uid);
	(void)fputc(')', out);
	if (o->kind == AM_SOURCE_BUNDLE) {
		(void)fprintf(out, ", serial %" PRIu64, o->serial);
		if (o->takes_back)
			(void)fprintf(out, " takes back %" PRIu64, o->takes_back);
		(void)fputs(", key '", out);
		am_text_print(out, o->signer[0] ? o->signer : o->key_id);
		(void)fputc('\'', out);
	}
	(void)fprintf(out, ", digest %.12s\n", digest);
}

static const char *ending_word(enum am_ending ending)
{
	switch (ending) {
	case AM_ENDING_NONE:
		return "in-force";
	case AM_ENDING_REPLACED:
		return "replaced";
	case AM_ENDING_STOPPED:
		return "agent-stopped";
	default:
		return "agent-killed";
	}
}

static void json_reign(struct am_json *j, const struct am_reign *r)
{
	am_json_object(j, NULL);
	am_json_int(j, "generation", r->generation);
	am_json_text(j, "policy", r->policy);
	am_json_int(j, "since", r->since_s);
	if (r->until_s)
		am_json_int(j, "until", r->until_s);
	am_json_text(j, "ended", ending_word(r->ending));
	am_json_text(j, "road", am_road_name(r->origin.road));
	am_json_int(j, "uid", r->origin.uid);
	am_origin_json(j, &r->origin);
	am_json_end(j);
}

static void print_json(const struct am_history *h, FILE *out)
{
	struct am_json j;
	size_t i;

	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_list(&j, "history");
	for (i = 0; i < h->count; i++)
		json_reign(&j, &h->reigns[i]);
	am_json_end(&j);
	am_json_int(&j, "damaged_lines", (int64_t)h->damaged);
	am_json_end(&j);
	(void)am_json_done(&j);	/* the stream keeps its error */
}

static void print_text(const struct am_history *h, FILE *out, FILE *err)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		print_reign(&h->reigns[i], out);
	if (h->damaged)
		(void)fprintf(err, "warning: %zu line%s of the history %s damaged and left out\n",
			      h->damaged, h->damaged == 1 ? "" : "s", h->damaged == 1 ? "is" : "are");
}

/* ---- one of them ------------------------------------------------------------ */

static int show(const struct am_annals *a, const char *word, FILE *out, FILE *err)
{
	am_autoblob struct am_blob blob = { 0 };
	const struct am_reign *r = NULL;
	uint64_t generation;
	size_t skip;

	if (am_serial_parse(word, strlen(word), &generation)) {
		(void)fputs("error: --show takes the number of a generation\n", err);
		return 2;
	}
	if (generation <= UINT32_MAX)
		r = am_history_find(&a->history, (uint32_t)generation);
	if (!r) {
		(void)fprintf(err, "error: nothing is known of generation %" PRIu64 "\n", generation);
		return 1;
	}
	if (am_archive_read(a->dirfd, r->origin.digest, &blob) < 0) {
		(void)fprintf(err, "error: the text of %s#%u is not kept any more\n"
			      "  hint: The %d policies that were in force last are kept.\n",
			      r->policy, r->generation, AM_ARCHIVE_MAX);
		return 1;
	}
	skip = am_archive_text(&blob);
	(void)fwrite(blob.bytes + skip, 1, blob.len - skip, out); /* the stream keeps its error */
	return 0;
}

int am_history_answer(const struct am_annals *a, const struct am_control_ask *ask, FILE *out,
		      FILE *err)
{
	const char *which = NULL;
	bool json = false;
	int i;

	for (i = 1; i < ask->n; i++) {
		if (!strcmp(ask->words[i], "--json")) {
			json = true;
		} else if (!strcmp(ask->words[i], "--show") && i + 1 < ask->n) {
			which = ask->words[++i];
		} else {
			(void)fputs("error: the request is not well-formed\n", err);
			return 2;
		}
	}
	if (which)
		return show(a, which, out, err);
	if (json)
		print_json(&a->history, out);
	else
		print_text(&a->history, out, err);
	return 0;
}

/* ---- where a rollback goes -------------------------------------------------- */

static int no_earlier(const struct am_annals *a, uint64_t serial, FILE *err)
{
	if (!am_annals_has_bundle(a))
		(void)fputs("error: no bundle is in force: there is nothing to take back\n", err);
	else if (serial)
		(void)fprintf(err, "error: no bundle of '%s' with serial %" PRIu64 " below %" PRIu64
			      " is in the history\n  hint: 'amanat policy history' lists them.\n",
			      a->serial.policy, serial, a->serial.current);
	else
		(void)fprintf(err, "error: no bundle of '%s' before serial %" PRIu64
			      " is in the history\n", a->serial.policy, a->serial.current);
	return 1;
}

int am_earlier_answer(const struct am_annals *a, const struct am_control_ask *ask, FILE *out,
		      FILE *err)
{
	am_autoblob struct am_blob blob = { 0 };
	const struct am_reign *r = NULL;
	uint64_t serial = 0;

	if (ask->n > 2 || (ask->n == 2 && am_serial_parse(ask->words[1], strlen(ask->words[1]),
							  &serial))) {
		(void)fputs("error: the request is not well-formed\n", err);
		return 2;
	}
	if (am_annals_has_bundle(a))
		r = am_annals_earlier(a, serial);
	if (!r)
		return no_earlier(a, serial, err);
	if (am_archive_read(a->dirfd, r->origin.digest, &blob) < 0) {
		(void)fprintf(err, "error: the bundle with serial %" PRIu64 " is not kept any more\n"
			      "  hint: Compile it anew as a rollback of %" PRIu64 ".\n",
			      r->origin.serial, a->serial.highest);
		return 1;
	}
	(void)fprintf(out, "highest %" PRIu64 "\n", a->serial.highest);
	(void)fwrite(blob.bytes, 1, blob.len, out); /* the stream keeps its error */
	return 0;
}
