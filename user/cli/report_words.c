// SPDX-License-Identifier: GPL-2.0
/* What all forms of the report say alike. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "cli/report.h"

void am_report_time(int64_t ns, char ret[AM_REPORT_TIME])
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm t = { 0 };

	ret[0] = '\0';
	if (ns > 0 && gmtime_r(&s, &t))
		(void)strftime(ret, AM_REPORT_TIME, "%Y-%m-%d %H:%M:%SZ", &t);
}

void am_report_span(int64_t ns, char ret[AM_REPORT_TIME])
{
	int64_t s = ns / 1000000000;

	if (s < 1)
		(void)snprintf(ret, AM_REPORT_TIME, "less than 1 s");
	else if (s < 120)
		(void)snprintf(ret, AM_REPORT_TIME, "%" PRId64 " s", s);
	else if (s < 7200)
		(void)snprintf(ret, AM_REPORT_TIME, "%" PRId64 " min", s / 60);
	else if (s < 172800)
		(void)snprintf(ret, AM_REPORT_TIME, "%" PRId64 " h %" PRId64 " min", s / 3600,
			       s / 60 % 60);
	else
		(void)snprintf(ret, AM_REPORT_TIME, "%" PRId64 " days", s / 86400);
}

static void size_text(uint64_t bytes, char *ret, size_t size)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double n = (double)bytes / 1000;
	size_t i = 0;

	if (bytes < 1000) {
		(void)snprintf(ret, size, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
		return;
	}
	for (; n >= 999.95 && i + 1 < AM_COUNT(units); i++)
		n /= 1000;
	(void)snprintf(ret, size, "%.1f %s", n, units[i]);
}

void am_report_count(uint64_t n, char ret[AM_REPORT_COUNT])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*ret++ = ',';
		*ret++ = digits[i];
	}
	*ret = '\0';
}

void am_report_bytes(uint64_t bytes, uint64_t unsized, uint64_t files, char ret[AM_REPORT_BYTES])
{
	char size[32];

	size_text(bytes, size, sizeof(size));
	if (!files)
		(void)snprintf(ret, AM_REPORT_BYTES, "nothing");
	else if (!unsized)
		(void)snprintf(ret, AM_REPORT_BYTES, "at most %s", size);
	else if (unsized == files && !bytes)
		(void)snprintf(ret, AM_REPORT_BYTES, "an unknown amount");
	else
		(void)snprintf(ret, AM_REPORT_BYTES, "at most %s, and %" PRIu64 " file%s of unknown size",
			       size, unsized, unsized == 1 ? "" : "s");
}

void am_report_handed(const struct am_handed *h, uint64_t sends, char ret[AM_REPORT_BYTES])
{
	char size[32];

	size_text(h->bytes, size, sizeof(size));
	if (!sends || (!h->bytes && !h->unsized))
		(void)snprintf(ret, AM_REPORT_BYTES, "nothing");
	else if (!h->unsized)
		(void)snprintf(ret, AM_REPORT_BYTES, "at most %s", size);
	else if (!h->bytes)
		(void)snprintf(ret, AM_REPORT_BYTES, "an unknown amount");
	else
		(void)snprintf(ret, AM_REPORT_BYTES, "at most %s, and %" PRIu64 " send%s of unknown size",
			       size, h->unsized, h->unsized == 1 ? "" : "s");
}

const char *am_report_user(const struct am_exposure *x, const struct am_lineage_subject *s,
			   char buf[16])
{
	(void)snprintf(buf, 16, "%" PRIu32, s->uid);
	return s->user ? am_pool_text(&x->lineage.pool, s->user) : buf;
}

/* ---- lists -------------------------------------------------------------------------------- */

const void **am_report_order(const struct am_tally *t, bool (*wanted)(const void *item),
			     int (*compare)(const void *a, const void *b), size_t *ret_n)
{
	const void **list = calloc(t->n + 1, sizeof(*list));
	size_t n = 0, i;

	if (!list)
		return NULL;
	for (i = 0; i < t->n; i++)
		if (!wanted || wanted(t->items + i * t->item_size))
			list[n++] = t->items + i * t->item_size;
	qsort(list, n, sizeof(*list), compare);
	*ret_n = n;
	return list;
}

#define DEFINE_ORDER(name, type, first, second)                                     \
	static int name(const void *a, const void *b)                               \
	{                                                                           \
		const struct type *x = *(const struct type *const *)a;              \
		const struct type *y = *(const struct type *const *)b;              \
		uint64_t x1 = (first)(x), y1 = (first)(y);                          \
		uint64_t x2 = (uint64_t)x->second, y2 = (uint64_t)y->second;        \
		if (x1 != y1)                                                       \
			return x1 < y1 ? 1 : -1;                                    \
		if (x2 != y2)                                                       \
			return x2 < y2 ? 1 : -1;                                    \
		return x < y ? -1 : x > y;	/* as they came */                  \
	}

/* What went ahead against the policy comes before all that did not, however much that is. */
#define BREACH (UINT64_C(1) << 62)

static bool is_breacher(const void *subject)
{
	const struct am_lineage_subject *s = subject;

	return s->breaches || s->breached_sends;
}

static uint64_t amount_of(const struct am_lineage_subject *s)
{
	return s->files + s->copies_read ? s->bytes + s->files + s->copies_read : 0;
}

static uint64_t subject_weight(const struct am_lineage_subject *s)
{
	return amount_of(s) + (is_breacher(s) ? BREACH : 0);
}

static uint64_t file_weight(const struct am_lineage_file *f)
{
	return f->readers;
}

static uint64_t place_weight(const struct am_lineage_place *p)
{
	return p->local ? 0 : p->sends + p->likely + 1 + (p->breaches ? BREACH : 0);
}

static uint64_t finding_weight(const struct am_exposure_finding *f)
{
	return f->blocked ? 0 : 1;	/* what happened all the same comes first */
}

static uint64_t no_weight(const struct am_exposure_policy *p)
{
	(void)p;
	return 0;
}

DEFINE_ORDER(by_bytes, am_lineage_subject, subject_weight, refused)
DEFINE_ORDER(by_readers, am_lineage_file, file_weight, bytes)
DEFINE_ORDER(by_sends, am_lineage_place, place_weight, refused)
DEFINE_ORDER(by_count, am_exposure_finding, finding_weight, count)
DEFINE_ORDER(by_generation, am_exposure_policy, no_weight, generation)

static bool is_reader(const void *subject)
{
	const struct am_lineage_subject *s = subject;

	return s->reads || s->writes || s->refused || s->copies_read || s->sends;
}

static bool is_inside(const void *file)
{
	const struct am_lineage_file *f = file;

	return f->inside && (f->reads || f->writes);
}

static bool is_copy(const void *file)
{
	return ((const struct am_lineage_file *)file)->held;
}

const struct am_report_lists am_report_lists = {
	.readers = is_reader, .by_bytes = by_bytes,
	.inside = is_inside, .copies = is_copy, .by_readers = by_readers,
	.by_sends = by_sends, .by_count = by_count, .by_generation = by_generation,
};

/* ---- sentences ------------------------------------------------------------------------------ */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void say_period(const struct am_report *r, FILE *out)
{
	const struct am_exposure_question *q = &r->x->question;
	char from[AM_REPORT_TIME], to[AM_REPORT_TIME];

	am_report_time(q->since_ns ? q->since_ns : q->from_ns, from);
	am_report_time(q->until_ns ? q->until_ns : q->to_ns, to);
	(void)fprintf(out, "From %s to %s, ", from, to);
}

/* "a", "a and b", "a, b and 3 more". */
enum { NAMED = 3 };

static void say_names(const char (*names)[80], size_t n, size_t more, FILE *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		(void)fprintf(out, "%s%s", !i ? "" : i + 1 == n && !more ? " and " : ", ", names[i]);
	if (more)
		(void)fprintf(out, " and %zu more", more);
}

static bool is_named(const char (*names)[80], size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strncmp(names[i], name, sizeof(names[i]) - 1))
			return true;
	return false;
}

static bool has_some(const void *subject)
{
	return amount_of(subject);
}

/* By user, each once; of those without a place among the first, the subjects are counted. */
static void say_users(const struct am_exposure *x, const void **subjects, size_t n,
		      bool (*wanted)(const void *subject), FILE *out)
{
	char names[NAMED][80], buf[16];
	size_t named = 0, more = 0, i;

	for (i = 0; i < n; i++) {
		const char *user = am_report_user(x, subjects[i], buf);

		if (!wanted(subjects[i]) || is_named(names, named, user))
			continue;
		if (named == NAMED)
			more++;
		else
			(void)snprintf(names[named++], sizeof(names[0]), "%s", user);
	}
	say_names(names, named, more, out);
}

static void say_read(const struct am_report *r, const void **subjects, size_t n, FILE *out)
{
	const struct am_exposure *x = r->x;
	const struct am_lineage *l = &x->lineage;
	char bytes[AM_REPORT_BYTES];

	if (!x->subjects) {
		(void)fprintf(out, "nobody is recorded as having read '%s'.", x->question.store);
		return;
	}
	am_report_bytes(l->bytes, l->unsized, l->files_read, bytes);
	say_users(x, subjects, n, has_some, out);
	(void)fprintf(out, " read %" PRIu64 " file%s of '%s', %s.", l->files_read, plural(l->files_read),
		      x->question.store, bytes);
}

static bool was_sent_to(const void *place)
{
	const struct am_lineage_place *p = place;

	return !p->local && p->sends;
}

static bool is_breached(const void *place)
{
	const struct am_lineage_place *p = place;

	return !p->local && p->breaches;
}

static void say_places(const struct am_exposure *x, const void **places, size_t n,
		       bool (*wanted)(const void *place), FILE *out)
{
	char names[NAMED][80];
	size_t named = 0, more = 0, i;

	for (i = 0; i < n; i++) {
		const struct am_lineage_place *p = places[i];

		if (!wanted(p))
			continue;
		if (named == NAMED)
			more++;
		else
			(void)snprintf(names[named++], sizeof(names[0]), "%s",
				       am_pool_text(&x->lineage.pool, p->text));
	}
	say_names(names, named, more, out);
}

static void say_left(const struct am_report *r, const void **places, size_t n, FILE *out)
{
	const struct am_exposure *x = r->x;
	char bytes[AM_REPORT_BYTES];

	if (x->sends) {
		(void)fputs(" Those who had it sent to ", out);
		say_places(x, places, n, was_sent_to, out);
		am_report_handed(&x->handed, x->sends, bytes);
		(void)fprintf(out, ", outside of this host (%" PRIu64 " send%s, %s)", x->sends,
			      plural(x->sends), bytes);
	} else {
		(void)fputs(" Nothing is recorded as having left this host", out);
	}
	if (x->refused_sends)
		(void)fprintf(out, "; %" PRIu64 " send%s refused", x->refused_sends,
			      x->refused_sends == 1 ? " was" : "s were");
	(void)fputc('.', out);
	if (x->copies)
		(void)fprintf(out, " %" PRIu64 " cop%s made outside of the store.", x->copies,
			      x->copies == 1 ? "y was" : "ies were");
}

/* For whoever reads one sentence only. */
static void say_breaches(const struct am_exposure *x, const void **subjects, size_t n_subjects,
			 const void **places, size_t n_places, FILE *out)
{
	if (!x->breaches && !x->breached_sends)
		return;
	(void)fputs(" Against the policy, which only observed, ", out);
	say_users(x, subjects, n_subjects, is_breacher, out);
	if (x->breaches)
		(void)fprintf(out, " used the store %" PRIu64 " time%s", x->breaches, plural(x->breaches));
	if (x->breached_sends) {
		(void)fprintf(out, "%s sent %" PRIu64 " time%s to ", x->breaches ? " and" : "",
			      x->breached_sends, plural(x->breached_sends));
		say_places(x, places, n_places, is_breached, out);
	}
	(void)fputc('.', out);
}

static void say_rest(const struct am_report *r, FILE *out)
{
	const struct am_exposure *x = r->x;
	const enum am_verify_code code = r->audit->code;

	if (x->n_gaps || x->likely_sends)
		(void)fputs(" Not known: ", out);
	if (x->n_gaps)
		(void)fprintf(out, "what happened in %zu gap%s of the record", x->n_gaps,
			      plural(x->n_gaps));
	if (x->likely_sends)
		(void)fprintf(out, "%swhether %" PRIu64 " more send%s carried it", x->n_gaps ? ", and " : "",
			      x->likely_sends, plural(x->likely_sends));
	(void)fputs(x->n_gaps || x->likely_sends ? "." : "", out);
	(void)fputs(code == AM_VERIFY_HOLDS || code == AM_VERIFY_UNSEALED ?
			    " The record verifies." : " The record does not verify.", out);
}

char *am_report_summary(const struct am_report *r)
{
	size_t n_subjects = 0, n_places = 0, len;
	am_autofree const void **subjects = am_report_order(&r->x->lineage.subjects, is_reader, by_bytes,
							    &n_subjects);
	am_autofree const void **places = am_report_order(&r->x->lineage.places, NULL, by_sends,
							  &n_places);
	char *text = NULL;
	FILE *out = subjects && places ? open_memstream(&text, &len) : NULL;

	if (!out)
		return NULL;
	say_period(r, out);
	say_read(r, subjects, n_subjects, out);
	say_left(r, places, n_places, out);
	say_breaches(r->x, subjects, n_subjects, places, n_places, out);
	say_rest(r, out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* ---- what is not known ------------------------------------------------------------------------ */

static uint64_t count_further(const struct am_lineage *l)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < l->sends.n; i++)
		n += AM_TALLY_AT(&l->sends, struct am_lineage_send, i)->further;
	return n;
}

__attribute__((format(printf, 3, 4)))
static void tell_one(void (*tell)(void *ctx, const char *sentence), void *ctx, const char *form, ...)
{
	char text[512];
	va_list args;

	va_start(args, form);
	(void)vsnprintf(text, sizeof(text), form, args);
	va_end(args);
	tell(ctx, text);
}

static void tell_edges(const struct am_report *r, void (*tell)(void *ctx, const char *sentence),
		       void *ctx)
{
	const struct am_exposure_question *q = &r->x->question;
	char time[AM_REPORT_TIME];

	am_report_time(r->audit->first_ns, time);
	if (q->since_ns && r->audit->first_ns > q->since_ns)
		tell_one(tell, ctx, "The record begins at %s; of the time before that nothing is known.",
			 time);
	if (r->audit->removed)
		tell_one(tell, ctx, "%" PRIu64 " older segment%s of the record %s removed by retention.",
			 r->audit->removed, plural(r->audit->removed),
			 r->audit->removed == 1 ? "was" : "were");
	am_report_time(r->audit->last_ns, time);
	if (q->until_ns && r->audit->last_ns && r->audit->last_ns < q->until_ns)
		tell_one(tell, ctx, "The record's last seal is of %s; of the time after it nothing is proved.",
			 time);
	if (r->x->bad_segments)
		tell_one(tell, ctx, "%" PRIu64 " segment%s of the record %s damaged: what follows the damage "
			 "is not in this report.", r->x->bad_segments, plural(r->x->bad_segments),
			 r->x->bad_segments == 1 ? "is" : "are");
}

void am_report_unknown(const struct am_report *r, void (*tell)(void *ctx, const char *sentence),
		       void *ctx)
{
	const struct am_exposure *x = r->x;
	const struct am_lineage *l = &x->lineage;
	uint64_t further = count_further(l);

	if (r->x->n_gaps)
		tell_one(tell, ctx, "Events are missing in %zu gap%s of the record (see Gaps): reads and sends "
			 "may have happened there.", r->x->n_gaps, plural(r->x->n_gaps));
	tell_edges(r, tell, ctx);
	if (l->files_read)
		tell(ctx, "How much of a file was read is not recorded: each file counts once, by its largest "
			  "size in the period, hence 'at most'. What was overwritten in between and read "
			  "again is not counted twice.");
	if (l->unsized)
		tell_one(tell, ctx, "The size of %" PRIu64 " file%s is not recorded, or it was empty.", l->unsized,
			 plural(l->unsized));
	if (r->x->sends || r->x->local_sends)
		tell(ctx, "What a send contained is never recorded: the sender had read the store before and "
			  "could have sent what it had read. How much was sent is at most what the calls were "
			  "handed: a call may take less, and what is left is handed to the next one.");
	if (x->handed.unsized)
		tell_one(tell, ctx, "Of %" PRIu64 " send%s out of this host nobody said how much it was: file to socket "
			 "(sendfile, splice) on a kernel before 6.5, several datagrams in one call (sendmmsg), "
			 "devices, or a record of an older agent. They are bounded by what the senders had read.",
			 x->handed.unsized, plural(x->handed.unsized));
	if (r->x->likely_sends)
		tell_one(tell, ctx, "%" PRIu64 " send%s came from processes that carry a label of the store but are "
			 "not seen to read it in this period: they may have read it earlier, or another store.",
			 r->x->likely_sends, plural(r->x->likely_sends));
	if (further)
		tell_one(tell, ctx, "%" PRIu64 " further send%s went through sockets already listed; for datagram "
			 "sockets their addresses are not recorded.", further, plural(further));
	if (l->unsolved)
		tell(ctx, "The chain of copies and child processes is longer than this report follows.");
	if (r->x->left_out)
		tell_one(tell, ctx, "%" PRIu64 " rows found no room in the tables of this report.", r->x->left_out);
	if (r->audit->by_own_key)
		tell(ctx, "The record was checked with the key in its own folder, which proves nothing against "
			  "somebody who replaced all of it; --key names one that was kept elsewhere.");
}
