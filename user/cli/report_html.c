// SPDX-License-Identifier: GPL-2.0
/* The report as one page: no network, no script, no file beside it. The policy in its head
 * forbids all of these, should a name ever get through. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/report.h"
#include "cli/report_style.h"
#include "event/event.h"

enum {
	WHO_ROWS = 100,
	FILE_ROWS = 50,
	ROWS = 200,
};

struct page {
	const struct am_report *r;
	const struct am_exposure *x;
	const struct am_lineage *l;
	FILE *out;
};

/* ---- text ------------------------------------------------------------------------------- */

/* Beyond what a terminal must not see: what has no width, or only a direction. */
static bool is_hidden(uint32_t c)
{
	return am_text_is_control(c) || c == 0xad || c == 0x61c || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2060 && c <= 0x206f) ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static void escape_char(FILE *out, const char *s, size_t len, uint32_t c)
{
	switch (c) {
	case '<':
		(void)fputs("&lt;", out);
		break;
	case '>':
		(void)fputs("&gt;", out);
		break;
	case '&':
		(void)fputs("&amp;", out);
		break;
	case '"':
		(void)fputs("&quot;", out);
		break;
	case '\'':
		(void)fputs("&#39;", out);
		break;
	case '\\':
		(void)fputs("\\\\", out);
		break;
	default:
		(void)fwrite(s, 1, len, out);
	}
}

static size_t count_chars(const char *text)
{
	size_t left = strlen(text), n = 0, len;
	uint32_t c;

	for (; left; n++, text += len, left -= len) {
		len = am_text_char(text, left, &c);
		len = len ? len : 1;
	}
	return n;
}

void am_report_escape(FILE *out, const char *text, size_t max)
{
	size_t left = strlen(text), all = max ? count_chars(text) : 0, i, n;
	size_t skip = all > max ? all - max + 1 : 0;
	uint32_t c;

	if (skip)
		(void)fputs("\xe2\x80\xa6", out);
	for (; left; text += n, left -= n) {
		c = 0;
		n = am_text_char(text, left, &c);
		if (skip) {
			skip--;
		} else if (n && !is_hidden(c)) {
			escape_char(out, text, n, c);
			continue;
		} else {
			for (i = 0; i < (n ? n : 1); i++)
				(void)fprintf(out, "\\x%02x", (unsigned char)text[i]);
		}
		n = n ? n : 1;
	}
}

static void name(const struct page *p, const char *text)
{
	(void)fputs("<bdi>", p->out);
	am_report_escape(p->out, text, 0);
	(void)fputs("</bdi>", p->out);
}

static void pooled(const struct page *p, uint32_t number)
{
	name(p, am_pool_text(&p->l->pool, number));
}

static void path(const struct page *p, const struct am_lineage_file *f)
{
	(void)fputs("<td class=\"m\">", p->out);
	if (f->path)
		pooled(p, f->path);
	else
		(void)fprintf(p->out, "inode %" PRIu64 " (no path recorded)", f->ino);
	(void)fputs("</td>", p->out);
}

static void when(const struct page *p, int64_t ns)
{
	char time[AM_REPORT_TIME];

	am_report_time(ns, time);
	(void)fprintf(p->out, "<td class=\"t\">%s</td>", time[0] ? time : "not known");
}

static void between(const struct page *p, int64_t first_ns, int64_t last_ns)
{
	char first[AM_REPORT_TIME], last[AM_REPORT_TIME];

	am_report_time(first_ns, first);
	am_report_time(last_ns, last);
	(void)fprintf(p->out, "<td class=\"t\">%s", first);
	if (strcmp(first, last) != 0)
		(void)fprintf(p->out, "<small>to %s</small>", last);
	(void)fputs("</td>", p->out);
}

static void number(const struct page *p, uint64_t n)
{
	char text[AM_REPORT_COUNT];

	am_report_count(n, text);
	(void)fprintf(p->out, "<td class=\"n\">%s</td>", text);
}

/* What should be nought. */
static void marked(const struct page *p, uint64_t n)
{
	char text[AM_REPORT_COUNT];

	am_report_count(n, text);
	(void)fprintf(p->out, n ? "<td class=\"n\"><span class=\"tag red\">%s</span></td>" :
				  "<td class=\"n\">%s</td>", text);
}

/* Below a title that says "at most". */
static void amount(const struct page *p, uint64_t bytes, uint64_t unsized, uint64_t files)
{
	char text[AM_REPORT_BYTES], exact[AM_REPORT_COUNT];
	bool known = bytes || !unsized;

	am_report_bytes(bytes, known ? 0 : unsized, files, text);
	am_report_count(bytes, exact);
	(void)fprintf(p->out, "<td class=\"t\">%s", files && known ? text + strlen("at most ") : text);
	if (files && bytes >= 1000)
		(void)fprintf(p->out, "<small>%s bytes</small>", exact);
	if (unsized && known)
		(void)fprintf(p->out, "<small>and %" PRIu64 " of unknown size</small>", unsized);
	(void)fputs("</td>", p->out);
}

/* To sends, below such a title. */
static void handed(const struct page *p, const struct am_handed *h, uint64_t sends)
{
	char text[AM_REPORT_BYTES], exact[AM_REPORT_COUNT];
	const struct am_handed known = { .bytes = h->bytes };

	am_report_handed(h->bytes ? &known : h, sends, text);
	am_report_count(h->bytes, exact);
	(void)fprintf(p->out, "<td class=\"t\">%s", h->bytes ? text + strlen("at most ") : sends ? text : "");
	if (h->bytes >= 1000)
		(void)fprintf(p->out, "<small>%s bytes</small>", exact);
	if (h->bytes && h->unsized)
		(void)fprintf(p->out, "<small>and %" PRIu64 " send%s of unknown size</small>", h->unsized,
			      h->unsized == 1 ? "" : "s");
	(void)fputs("</td>", p->out);
}

static void person(const struct page *p, const struct am_lineage_subject *s)
{
	char buf[16];

	(void)fputs("<td class=\"u\">", p->out);
	name(p, am_report_user(p->x, s, buf));
	if (s->login != UINT32_MAX && s->login != s->uid) {
		(void)fputs("<small>logged in as ", p->out);
		if (s->login_user)
			pooled(p, s->login_user);
		else
			(void)fprintf(p->out, "%" PRIu32, s->login);
		(void)fputs("</small>", p->out);
	}
	(void)fputs("</td>", p->out);
}

static void program(const struct page *p, const struct am_lineage_subject *s)
{
	(void)fputs("<td><span class=\"m\">", p->out);
	pooled(p, s->exe);
	(void)fputs("</span>", p->out);
	if (s->unit) {
		(void)fputs("<small>", p->out);
		pooled(p, s->unit);
		(void)fputs("</small>", p->out);
	}
	(void)fputs("</td>", p->out);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void row_who(const struct page *p, const struct am_lineage_subject *s)
{
	person(p, s);
	program(p, s);
	(void)fprintf(p->out, "<td class=\"n\">%" PRIu64, s->files);
	if (s->copies_read)
		(void)fprintf(p->out, "<small>and %" PRIu32 " cop%s</small>", s->copies_read,
			      s->copies_read == 1 ? "y" : "ies");
	(void)fputs("</td>", p->out);
	if (s->sends && !s->files && !s->copies_read)
		(void)fputs("<td>nothing itself<small>holds what a parent read</small></td>", p->out);
	else
		amount(p, s->bytes, s->unsized, s->files + s->copies_read);
	number(p, s->reads);
	number(p, s->writes);
	number(p, s->refused);
	marked(p, s->breaches + s->breached_sends);
	number(p, s->sends);
	between(p, s->first_ns, s->last_ns);
}

static void row_file(const struct page *p, const struct am_lineage_file *f)
{
	path(p, f);
	if (f->bytes)
		number(p, f->bytes);
	else
		(void)fputs("<td class=\"n\">not known</td>", p->out);
	number(p, f->readers);
	number(p, f->reads);
	number(p, f->writes);
	number(p, f->refused);
}

static void row_place(const struct page *p, const struct am_lineage_place *d)
{
	(void)fputs("<td><span class=\"m\">", p->out);
	pooled(p, d->text);
	(void)fputs("</span>", p->out);
	if (d->zones) {
		(void)fputs("<small>zones: ", p->out);
		pooled(p, d->zones);
		(void)fputs("</small>", p->out);
	}
	(void)fprintf(p->out, "</td><td>%s</td>",
		      d->local ? "<span class=\"tag\">stays on this host</span>" :
		      d->breaches ? "<span class=\"tag red\">left against the policy</span>" :
		      d->sends ? "<span class=\"tag blue\">left, as allowed</span>" :
		      d->likely ? "<span class=\"tag amber\">may have left</span>" :
				  "<span class=\"tag green\">refused</span>");
	number(p, d->sends);
	handed(p, &d->handed, d->sends);
	number(p, d->likely);
	number(p, d->refused);
	if (d->sends)
		amount(p, d->bytes, d->unsized, d->unsized + (d->bytes > 0));
	else
		(void)fputs("<td></td>", p->out);
	between(p, d->first_ns, d->last_ns);
}

static void row_copy(const struct page *p, const struct am_lineage_file *f)
{
	const struct am_lineage_process *by =
		AM_TALLY_AT(&p->l->processes, struct am_lineage_process, f->maker);
	const struct am_lineage_subject *who =
		AM_TALLY_AT(&p->l->subjects, struct am_lineage_subject, by->subject);

	path(p, f);
	when(p, f->held_ns);
	person(p, who);
	(void)fputs("<td><span class=\"m\">", p->out);
	pooled(p, who->exe);
	(void)fprintf(p->out, "</span><small>process %" PRIu32 "</small></td>", by->pid);
	number(p, f->readers);
}

static void row_finding(const struct page *p, const struct am_exposure_finding *f)
{
	const struct am_lineage_subject *s =
		AM_TALLY_AT(&p->l->subjects, struct am_lineage_subject, f->subject);

	(void)fprintf(p->out, "<td>%s<small>%s</small></td>",
		      f->blocked ? "<span class=\"tag green\">refused</span>" :
				   "<span class=\"tag red\">went ahead</span>",
		      f->op ? am_op_name(f->op) : am_act_name(f->act));
	person(p, s);
	(void)fputs("<td><span class=\"m\">", p->out);
	pooled(p, f->dest ? f->dest : f->path);
	(void)fputs("</span><small>by ", p->out);
	pooled(p, s->exe);
	(void)fputs("</small></td><td>", p->out);
	if (f->why)
		pooled(p, f->why);
	(void)fprintf(p->out, f->why ? "<small>%s</small></td>" : "%s</td>",
		      am_reason_name(f->reason));
	number(p, f->count);
	between(p, f->first_ns, f->last_ns);
	(void)fputs("<td class=\"m\">", p->out);
	name(p, f->id);
	(void)fputs("</td>", p->out);
}

static void row_policy(const struct page *p, const struct am_exposure_policy *g)
{
	char time[AM_REPORT_TIME];

	am_report_time(g->in_force_ns, time);
	number(p, g->generation);
	(void)fputs("<td>", p->out);
	pooled(p, g->name ? g->name : g->mark);
	if (g->name && g->mark) {
		(void)fputs("<small>", p->out);
		pooled(p, g->mark);
		(void)fputs("</small>", p->out);
	}
	(void)fprintf(p->out, "</td><td class=\"t\">%s</td>", time[0] ? time : "before what is recorded");
	number(p, g->events);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void open_section(const struct page *p, const char *title, size_t n, const char *about)
{
	(void)fprintf(p->out, "<section><h2>%s <small>%zu</small></h2>", title, n);
	if (about)
		(void)fprintf(p->out, "<p>%s</p>", about);
}

/* `heads`: titles with | between; one with # before is of numbers. */
static void open_table(const struct page *p, const char *heads)
{
	(void)fputs("<div class=\"scroll\"><table><thead><tr>", p->out);
	while (*heads) {
		size_t len = strcspn(heads, "|");
		bool right = *heads == '#';

		(void)fprintf(p->out, "<th%s>%.*s</th>", right ? " class=\"n\"" : "", (int)len - right,
			      heads + right);
		heads += len + (heads[len] == '|');
	}
	(void)fputs("</tr></thead><tbody>", p->out);
}

static void close_table(const struct page *p, size_t n, size_t shown)
{
	(void)fputs("</tbody></table></div>", p->out);
	if (n > shown)
		(void)fprintf(p->out, "<p class=\"none\">and %zu more, which the JSON form lists</p>",
			      n - shown);
}

#define TABLE(type, title, about, none, heads, tally, wanted, compare, max)                    \
	static int table_##type(const struct page *p)                                          \
	{                                                                                      \
		size_t n = 0, i;                                                               \
		am_autofree const void **list = am_report_order(tally, wanted, compare, &n);   \
		if (!list)                                                                     \
			return -ENOMEM;                                                        \
		open_section(p, title, n, about);                                              \
		if (n)                                                                         \
			open_table(p, heads);                                                  \
		else                                                                           \
			(void)fputs("<p class=\"none\">" none "</p>", p->out);                 \
		for (i = 0; i < n && i < (max); i++) {                                         \
			(void)fputs("<tr>", p->out);                                           \
			row_##type(p, list[i]);                                                \
			(void)fputs("</tr>\n", p->out);                                        \
		}                                                                              \
		if (n)                                                                         \
			close_table(p, n, max);                                                \
		(void)fputs("</section>", p->out);                                             \
		return 0;                                                                      \
	}

TABLE(who, "Who", "By user, login, unit and program; who went against the policy first, then who read most.",
      "Nobody is recorded.", "User|Program|#Files|Bytes, at most|#Reads|#Writes|#Refused|#Against policy|#Sent|When",
      &p->l->subjects, am_report_lists.readers, am_report_lists.by_bytes, WHO_ROWS)
TABLE(place, "Destinations", "Where processes that had read the store sent to. Uncertain: the sender carries a "
      "label of the store, and how it came by it is not in this period.",
      "Nothing was sent.", "To|What|#Sends|Handed to them, at most|#Uncertain|#Refused|The senders had read, at most|When",
      &p->l->places, NULL, am_report_lists.by_sends, ROWS)
TABLE(copy, "Copies", "Files outside of every store that the data was written to.",
      "No copy is recorded.", "Path|Since|By|Program|#Read by", &p->l->files, am_report_lists.copies,
      am_report_lists.by_readers, ROWS)
TABLE(file, "Files", "Of the store; those with most readers first.", "No file was read or written.",
      "Path|#Largest size, bytes|#Readers|#Reads|#Writes|#Refused", &p->l->files,
      am_report_lists.inside, am_report_lists.by_readers, FILE_ROWS)
TABLE(finding, "Findings", "What the policy denied, of the store and of data with its labels.",
      "Nothing was denied.", "What|User|Object|Reason|#Times|When|First event", &p->x->findings, NULL,
      am_report_lists.by_count, ROWS)
TABLE(policy, "Policies in force", NULL, "None is recorded.", "#Generation|Policy|In force since|#Events decided",
      &p->x->policies, NULL, am_report_lists.by_generation, ROWS)

static void table_gaps(const struct page *p)
{
	size_t i;

	open_section(p, "Gaps", p->x->n_gaps, "Times for which the record is not complete.");
	if (!p->x->n_gaps) {
		(void)fputs("<p class=\"none\">The record tells of none.</p></section>", p->out);
		return;
	}
	open_table(p, "From|To|Length|Reason|#Events missing");
	for (i = 0; i < p->x->n_gaps && i < ROWS; i++) {
		const struct am_exposure_gap *g = &p->x->gaps[i];
		char span[AM_REPORT_TIME];

		am_report_span(g->until_ns - g->since_ns, span);
		(void)fputs("<tr>", p->out);
		when(p, g->since_ns);
		when(p, g->until_ns);
		(void)fprintf(p->out, "<td>%s</td><td>%s</td>", g->since_ns ? span : "not known",
			      am_gap_name(g->reason));
		if (g->count)
			number(p, g->count);
		else
			(void)fputs("<td class=\"n\">nobody knows</td>", p->out);
		(void)fputs("</tr>\n", p->out);
	}
	close_table(p, p->x->n_gaps, ROWS);
	(void)fputs("</section>", p->out);
}

static void table_notes(const struct page *p)
{
	size_t i;

	if (!p->x->n_notes)
		return;
	open_section(p, "The record about itself", p->x->n_notes, NULL);
	open_table(p, "When|What|");
	for (i = 0; i < p->x->n_notes && i < ROWS; i++) {
		(void)fputs("<tr>", p->out);
		when(p, p->x->notes[i].wall_ns);
		(void)fprintf(p->out, "<td>%s</td><td>", am_mark_name(p->x->notes[i].mark));
		pooled(p, p->x->notes[i].why);
		(void)fputs("</td></tr>\n", p->out);
	}
	close_table(p, p->x->n_notes, ROWS);
	(void)fputs("</section>", p->out);
}

/* ---- the top ------------------------------------------------------------------------------------- */

static bool holds(const struct page *p)
{
	return p->r->audit->code == AM_VERIFY_HOLDS || p->r->audit->code == AM_VERIFY_UNSEALED;
}

static void tile(const struct page *p, const char *look, const char *value, const char *what)
{
	(void)fprintf(p->out, "<div class=\"tile %s\"><b>%s</b><span>%s</span></div>", look, value, what);
}

static void tile_number(const struct page *p, const char *look, uint64_t n, const char *what)
{
	char text[AM_REPORT_COUNT];

	am_report_count(n, text);
	tile(p, n ? look : "", text, what);
}

static void tile_sends(const struct page *p)
{
	char text[96];

	if (!p->x->breached_sends) {
		tile_number(p, "", p->x->sends, "sends that left the host");
		return;
	}
	(void)snprintf(text, sizeof(text), "sends against the policy; %" PRIu64 " left the host in all",
		       p->x->sends);
	tile_number(p, "red", p->x->breached_sends, text);
}

static void tile_accesses(const struct page *p)
{
	char text[96];

	if (!p->x->breaches) {
		tile_number(p, "", p->x->refused, "accesses refused");
		return;
	}
	(void)snprintf(text, sizeof(text), "accesses went ahead against the policy; %" PRIu64 " refused",
		       p->x->refused);
	tile_number(p, "red", p->x->breaches, text);
}

static void tiles(const struct page *p)
{
	char bytes[AM_REPORT_BYTES];

	am_report_bytes(p->l->bytes, 0, p->l->files_read, bytes);
	(void)fputs("<div class=\"tiles\">", p->out);
	tile_number(p, "", p->x->subjects, "users and programs that read");
	tile_number(p, "", p->l->files_read, "files read");
	tile(p, "", strncmp(bytes, "at most ", 8) ? bytes : bytes + 8,
	     p->l->unsized ? "at most, and files of unknown size" : "at most, of data read");
	tile_sends(p);
	tile_number(p, "amber", p->x->copies, "copies outside of the store");
	tile_accesses(p);
	tile_number(p, "amber", p->x->n_gaps, "gaps in the record");
	tile(p, holds(p) ? "green" : "red", holds(p) ? "verified" : am_verify_name(p->r->audit->code),
	     holds(p) ? "the record is as written" : "the record does not hold");
	(void)fputs("</div>", p->out);
}

static void head(const struct page *p)
{
	(void)fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
		    "<meta name=\"referrer\" content=\"no-referrer\">"
		    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Exposure of ",
		    p->out);
	am_report_escape(p->out, p->x->question.store, 0);
	(void)fprintf(p->out, "</title><style>%s</style></head>\n<body><main><header><p>Amanat, exposure report</p>"
		      "<h1>", report_style);
	name(p, p->x->question.store);
	(void)fputs("</h1><p>", p->out);
	if (p->l->label_names) {
		(void)fputs("holds ", p->out);
		pooled(p, p->l->label_names);
		(void)fputs("; ", p->out);
	}
	(void)fputs("host ", p->out);
	name(p, p->r->audit->host);
	(void)fputs("; all times are UTC</p></header>\n", p->out);
}

static int summary(const struct page *p)
{
	am_autofree char *text = am_report_summary(p->r);
	const char *look = p->x->breaches || p->x->breached_sends || !holds(p) ? " bad" :
			   p->x->sends || p->x->copies ? " warn" : "";

	if (!text)
		return -ENOMEM;
	(void)fprintf(p->out, "<section class=\"sum%s\"><p>", look);
	am_report_escape(p->out, text, 0);
	(void)fputs("</p>", p->out);
	tiles(p);
	(void)fputs("</section>\n", p->out);
	return 0;
}

static int pictures(const struct page *p)
{
	int r;

	(void)fputs("<section><h2>When</h2><p>Accesses to the store, and sends of its labels.</p>", p->out);
	am_report_timeline(p->r, p->out);
	(void)fputs("<div class=\"key\"><span><i style=\"background:var(--blue)\"></i>went ahead</span><span>"
		    "<i style=\"background:var(--red)\"></i>went ahead against the policy</span><span>"
		    "<i style=\"background:var(--gap)\"></i>refused</span><span><i style=\"background:"
		    "repeating-linear-gradient(45deg,var(--gap) 0 2px,var(--fine) 2px 5px)\"></i>gap: not all "
		    "is recorded</span></div></section>\n<section><h2>Where it went</h2>", p->out);
	r = am_report_lineage(p->r, p->out);
	(void)fputs("<div class=\"key\"><span><i style=\"background:var(--blue)\"></i>read or sent, as the policy allows"
		    "</span><span><i style=\"background:var(--red)\"></i>against the policy</span><span>"
		    "<i style=\"background:var(--amber)\"></i>copied</span><span><i style=\"background:repeating-linear-gradient("
		    "90deg,var(--blue) 0 5px,transparent 5px 7px)\"></i>read a copy, or is a child of who held "
		    "the data</span><span><i style=\"background:repeating-linear-gradient("
		    "90deg,var(--amber) 0 5px,transparent 5px 7px)\"></i>uncertain</span><span><i style=\"background:repeating-linear-gradient("
		    "90deg,var(--gap) 0 2px,transparent 2px 5px)\"></i>refused</span></div></section>\n",
		    p->out);
	return r;
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void tell(void *ctx, const char *sentence)
{
	const struct page *p = ctx;

	(void)fputs("<li>", p->out);
	am_report_escape(p->out, sentence, 0);
	(void)fputs("</li>", p->out);
}

static void term(const struct page *p, const char *what, const char *value)
{
	(void)fprintf(p->out, "<dt>%s</dt><dd>", what);
	name(p, value);
	(void)fputs("</dd>", p->out);
}

static void verification(const struct page *p)
{
	const struct am_audit *v = p->r->audit;
	char head_text[AM_HEAD_TEXT], time[AM_REPORT_TIME], rows[96];
	size_t i;

	(void)fprintf(p->out, "<section><h2>The record</h2><dl><dt>Verification</dt><dd><span class=\"tag %s\">%s"
		      "</span> %s</dd>", holds(p) ? "green" : "red", am_verify_name(v->code),
		      v->code == AM_VERIFY_UNSEALED ?
		      "all that is sealed holds; something follows the last seal" : "");
	for (i = 0; i < v->n_remarks && i < 20; i++)
		term(p, v->remarks[i].code ? am_verify_name(v->remarks[i].code) : "note", v->remarks[i].text);
	(void)snprintf(rows, sizeof(rows), "%" PRIu64 " to %" PRIu64 " in %" PRIu64 " segments, %" PRIu64
		       " seals", v->first_row, v->last_row, v->segments, v->seals);
	term(p, "Sealed rows", rows);
	term(p, "Root key", p->r->root_key[0] ? p->r->root_key : "none");
	if (v->head.seal) {
		am_head_format(&v->head, head_text);
		head_text[strcspn(head_text, "\n")] = '\0';
		term(p, "Head", head_text);
	}
	term(p, "Of host", v->host);
	term(p, "Read from", p->r->dir);
	am_report_time(p->r->made_ns, time);
	(void)fprintf(p->out, "<dt>Made</dt><dd>%s by amanat %s on ", time, AM_VERSION);
	name(p, p->r->host);
	(void)fputs("</dd></dl></section>", p->out);
}

static int body(const struct page *p)
{
	static int (*const tables[])(const struct page *) = {
		table_who, table_place, table_copy, table_finding, table_file,
	};
	size_t i;
	int r = summary(p);

	if (!r)
		r = pictures(p);
	(void)fputs("<section><h2>What this report cannot know</h2><ul>", p->out);
	am_report_unknown(p->r, tell, (void *)p);
	(void)fputs("</ul></section>\n", p->out);
	for (i = 0; !r && i < AM_COUNT(tables); i++)
		r = tables[i](p);
	table_gaps(p);
	if (!r)
		r = table_policy(p);
	table_notes(p);
	verification(p);
	return r;
}

int am_report_html(const struct am_report *r, FILE *out)
{
	const struct page p = { r, r->x, &r->x->lineage, out };
	int err;

	errno = 0;
	head(&p);
	err = body(&p);
	(void)fputs("</main></body></html>\n", out);
	if (err)
		return err;
	return ferror(out) ? errno ? -errno : -EIO : 0;
}
