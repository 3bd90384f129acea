// SPDX-License-Identifier: GPL-2.0
/* The two pictures of the report's page. Nothing in them but shapes, text and titles. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "abi.h"
#include "base/array.h"
#include "cli/report.h"

/* ---- timeline -------------------------------------------------------------------------- */

enum {
	TIME_W = 1000,
	TIME_LEFT = 46,
	TIME_RIGHT = 990,
	TIME_MARKS = 4,		/* what was denied, above the bars */
	TIME_MARK_H = 8,
	TIME_TOP = 18,
	TIME_BASE = 158,
	TIME_H = 188,
	TICKS = 5,
};

static double x_of(const struct am_exposure_question *q, int64_t ns)
{
	double share = (double)(ns - q->from_ns) / (double)(q->to_ns - q->from_ns);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return TIME_LEFT + share * (TIME_RIGHT - TIME_LEFT);
}

static void shade(FILE *out, const struct am_exposure_question *q, int64_t from_ns, int64_t to_ns,
		  const char *what)
{
	double from = x_of(q, from_ns), to = x_of(q, to_ns);
	char span[AM_REPORT_TIME];

	if (to_ns < q->from_ns || from_ns >= q->to_ns)
		return;
	if (to - from < 3) {	/* a short one must be seen as well */
		from = from > TIME_RIGHT - 3 ? TIME_RIGHT - 3 : from;
		to = from + 3;
	}
	am_report_span(to_ns - from_ns, span);
	(void)fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"url(#gap)\" "
		      "stroke=\"var(--gap)\" stroke-width=\".7\"><title>%s, %s</title></rect>", from, TIME_TOP,
		      to - from, TIME_BASE - TIME_TOP, what, span);
}

static uint64_t highest(const struct am_exposure *x)
{
	uint64_t max = 1, n;
	size_t i;

	for (i = 0; i < AM_EXPOSURE_BUCKETS; i++) {
		n = x->timeline[i].allowed + x->timeline[i].refused;
		max = n > max ? n : max;
	}
	return max;
}

static void bar(FILE *out, size_t i, double base, double height, const char *color)
{
	double w = (double)(TIME_RIGHT - TIME_LEFT) / AM_EXPOSURE_BUCKETS;

	if (height > 0)
		(void)fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1\" "
			      "fill=\"var(--%s)\"/>", TIME_LEFT + w * (double)i + 1, base - height, w - 2,
			      height, color);
}

/* Whatever there was, one in a million, is at least a line. */
static double height_of(uint64_t n, uint64_t max)
{
	double h = (double)n / (double)max * (TIME_BASE - TIME_TOP - 4);

	return n && h < 2 ? 2 : h;
}

/* One refusal among a million reads is what is looked for: it has a mark of its own. */
static void mark(FILE *out, size_t i, const struct am_exposure_bucket *b)
{
	double w = (double)(TIME_RIGHT - TIME_LEFT) / AM_EXPOSURE_BUCKETS;

	if (b->refused || b->breaches)
		(void)fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\" "
			      "fill=\"var(--%s)\"/>", TIME_LEFT + w * (double)i + 1, TIME_MARKS, w - 2,
			      TIME_MARK_H, b->breaches ? "red" : "gap");
}

static void bars(FILE *out, const struct am_exposure *x, uint64_t max)
{
	size_t i;

	for (i = 0; i < AM_EXPOSURE_BUCKETS; i++) {
		const struct am_exposure_bucket *b = &x->timeline[i];
		double refused = height_of(b->refused, max), breaches = height_of(b->breaches, max);
		double allowed = height_of(b->allowed - b->breaches, max);

		if (!b->refused && !b->allowed)
			continue;
		(void)fprintf(out, "<g><title>%" PRIu64 " went ahead, %" PRIu64 " of them against the policy; "
			      "%" PRIu64 " refused</title>", b->allowed, b->breaches, b->refused);
		bar(out, i, TIME_BASE, refused, "gap");
		bar(out, i, TIME_BASE - refused, breaches, "red");
		bar(out, i, TIME_BASE - refused - breaches, allowed, "blue");
		mark(out, i, b);
		(void)fputs("</g>", out);
	}
}

static void axis(FILE *out, const struct am_exposure_question *q, uint64_t max)
{
	char most[AM_REPORT_COUNT];
	int i;

	am_report_count(max, most);
	(void)fprintf(out, "<path d=\"M%d %dH%d\" stroke=\"var(--line)\"/><text class=\"s\" x=\"%d\" y=\"%d\" "
		      "text-anchor=\"end\">%s</text><text class=\"s\" x=\"%d\" y=\"%d\" "
		      "text-anchor=\"end\">0</text>", TIME_LEFT, TIME_BASE, TIME_RIGHT, TIME_LEFT - 6,
		      TIME_TOP + 9, most, TIME_LEFT - 6, TIME_BASE);
	for (i = 0; i < TICKS; i++) {
		int64_t ns = q->from_ns + (q->to_ns - q->from_ns) / (TICKS - 1) * i;
		char time[AM_REPORT_TIME];

		am_report_time(ns, time);
		(void)fprintf(out, "<path d=\"M%.1f %dv5\" stroke=\"var(--gap)\"/><text class=\"s\" x=\"%.1f\" "
			      "y=\"%d\" text-anchor=\"%s\">%s</text>", x_of(q, ns), TIME_BASE, x_of(q, ns),
			      TIME_BASE + 20, !i ? "start" : i + 1 == TICKS ? "end" : "middle", time);
	}
}

void am_report_timeline(const struct am_report *r, FILE *out)
{
	const struct am_exposure_question *q = &r->x->question;
	uint64_t max = highest(r->x);
	size_t i;

	(void)fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Accesses over time\"><defs>"
		      "<pattern id=\"gap\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
		      "patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"var(--fine)\"/>"
		      "<rect width=\"2\" height=\"7\" fill=\"var(--gap)\" opacity=\".55\"/></pattern></defs>",
		      TIME_W, TIME_H);
	if (r->audit->first_ns > q->from_ns)
		shade(out, q, q->from_ns, r->audit->first_ns, "no record");
	for (i = 0; i < r->x->n_gaps; i++) {
		const struct am_exposure_gap *g = &r->x->gaps[i];

		shade(out, q, g->since_ns ? g->since_ns : g->until_ns, g->until_ns,
		      am_gap_name(g->reason));
	}
	bars(out, r->x, max);
	axis(out, q, max);
	(void)fputs("</svg>", out);
}

/* ---- lineage ---------------------------------------------------------------------------- */

enum {
	SHOWN = 9,		/* boxes of a column */
	NET_W = 1000,
	BOX_H = 42,
	STEP = 56,
	TOP = 28,
	STORE_X = 0, STORE_W = 190,
	WHO_X = 320, WHO_W = 280,
	TO_X = 720, TO_W = 280,
	WHO_LETTERS = 36,
	TO_LETTERS = 34,
};

struct net {
	const struct am_report *r;
	const struct am_exposure *x;
	const struct am_lineage *l;
	FILE *out;
	const void **who;		/* owned; subjects that held data or were refused a send */
	size_t n_who;
	const void **places;		/* owned */
	size_t n_places;
	const void **copies;		/* owned */
	size_t n_copies;
	size_t shown_places, shown_copies;
	double height;
	uint64_t edges[SHOWN][2 * SHOWN];	/* by who and place, then copy: what went */
	uint64_t refused[SHOWN][SHOWN];
	uint64_t breaches[SHOWN][SHOWN];	/* of what went, or may have gone, to a place */
	uint64_t likely[SHOWN][SHOWN];
	uint64_t children[SHOWN][SHOWN];	/* processes, by the parent's subject and their own */
	uint64_t back[SHOWN][SHOWN];		/* copy read by who */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool was_active(const void *subject)
{
	const struct am_lineage_subject *s = subject;

	return s->files || s->copies_read || s->refused || s->writes || s->sends || s->likely ||
	       s->refused_sends;
}

static size_t place_of(const void **list, size_t n, const void *item)
{
	size_t i;

	for (i = 0; i < n && list[i] != item; i++)
		;
	return i;
}

/* The box of a subject; SHOWN: it has none. */
static size_t who_of(const struct net *n, uint32_t subject)
{
	size_t shown = least(n->n_who, SHOWN);
	size_t i = place_of(n->who, shown,
			    AM_TALLY_AT(&n->l->subjects, struct am_lineage_subject, subject));

	return i < shown ? i : SHOWN;
}

static void sum_children(struct net *n)
{
	size_t i;

	for (i = 0; i < n->l->processes.n; i++) {
		const struct am_lineage_process *p =
			AM_TALLY_AT(&n->l->processes, struct am_lineage_process, i);
		size_t child = who_of(n, p->subject), parent;

		if (p->held != AM_HELD_PARENT || child == SHOWN)
			continue;
		parent = who_of(n, AM_TALLY_AT(&n->l->processes, struct am_lineage_process,
					       p->source)->subject);
		if (parent != SHOWN && parent != child)
			n->children[parent][child]++;
	}
}

static void sum_sends(struct net *n)
{
	size_t i;

	for (i = 0; i < n->l->sends.n; i++) {
		const struct am_lineage_send *s = AM_TALLY_AT(&n->l->sends, struct am_lineage_send, i);
		const struct am_lineage_process *p =
			AM_TALLY_AT(&n->l->processes, struct am_lineage_process, s->process);
		size_t who = who_of(n, p->subject);
		size_t to = place_of(n->places, n->shown_places,
				     AM_TALLY_AT(&n->l->places, struct am_lineage_place, s->place));

		if (who == SHOWN || to == n->shown_places)
			continue;
		if (s->refused)
			n->refused[who][to] += s->count;
		else if (!s->known)
			n->likely[who][to] += s->count;
		else
			n->edges[who][to] += s->count;
		n->breaches[who][to] += s->breaches;
	}
}

static void sum_copies(struct net *n)
{
	size_t i;

	for (i = 0; i < n->l->links.n; i++) {
		const struct am_lineage_link *k = AM_TALLY_AT(&n->l->links, struct am_lineage_link, i);
		size_t who = who_of(n, k->subject);
		size_t to = place_of(n->copies, n->shown_copies,
				     AM_TALLY_AT(&n->l->files, struct am_lineage_file, k->file));

		if (k->refused || who == SHOWN || to == n->shown_copies)
			continue;
		if (k->op == AM_OP_READ)
			n->back[who][to] += k->count;
		else
			n->edges[who][n->shown_places + to] += k->count;
	}
}

static double y_of(const struct net *n, size_t i, size_t shown)
{
	double used = (double)shown * STEP - (STEP - BOX_H);

	return TOP + (n->height - TOP - used) / 2 + (double)i * STEP;
}

static double weight(uint64_t count)
{
	double w = 1.2;

	for (; count > 1 && w < 8; count /= 4)	/* a million is six times as wide as one */
		w += .65;
	return w;
}

static void curve(const struct net *n, double x1, double y1, double x2, double y2, uint64_t count,
		  const char *look)
{
	double bend = (x2 - x1) / 2;

	(void)fprintf(n->out, "<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\" fill=\"none\" "
		      "stroke-width=\"%.1f\" %s><title>%" PRIu64 "</title></path>", x1, y1, x1 + bend, y1,
		      x2 - bend, y2, x2, y2, weight(count), look, count);
}

/* `sub` is ours. */
static void box(const struct net *n, double x, double y, double w, const char *name, size_t letters,
		const char *sub, const char *color, const char *fill)
{
	(void)fprintf(n->out, "<g><title>");
	am_report_escape(n->out, name, 0);
	(void)fprintf(n->out, "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"6\" "
		      "fill=\"var(--%s)\" stroke=\"var(--%s)\"/><svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		      "height=\"%d\"><text y=\"18\" style=\"unicode-bidi:isolate\">", x + .5, y + .5, w - 1,
		      BOX_H - 1, fill, color, x + 10, y, w - 18, BOX_H);
	am_report_escape(n->out, name, letters);
	(void)fprintf(n->out, "</text><text class=\"s\" y=\"33\">%s</text></svg></g>", sub);
}

static void more(const struct net *n, double x, size_t all, size_t shown, const char *what)
{
	if (all > shown)
		(void)fprintf(n->out, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\">and %zu more %s, in the tables"
			      "</text>", x, n->height + 14, all - shown, what);
}

static void say_taken(const struct am_lineage_subject *s, const char *bytes, char *sub, size_t size)
{
	uint64_t breaches = s->breaches + s->breached_sends;
	int len = snprintf(sub, size, "%" PRIu64 " %s%s, %s",
			   s->files ? s->files : s->copies_read, s->files ? "file" : "cop",
			   s->files ? s->files == 1 ? "" : "s" : s->copies_read == 1 ? "y" : "ies",
			   bytes);

	if (breaches)
		(void)snprintf(sub + len, size - (size_t)len, "; %" PRIu64 " against the policy", breaches);
	else if (s->refused)
		(void)snprintf(sub + len, size - (size_t)len, "; %" PRIu64 " refused", s->refused);
}

static void draw_who(const struct net *n, size_t i, size_t shown)
{
	const struct am_lineage_subject *s = n->who[i];
	char name[600], sub[160], bytes[AM_REPORT_BYTES], buf[16];
	double y = y_of(n, i, shown);

	(void)snprintf(name, sizeof(name), "%s: %s", am_report_user(n->x, s, buf),
		       am_pool_text(&n->l->pool, s->exe));
	am_report_bytes(s->bytes, 0, s->files + s->copies_read, bytes);
	if (s->files || s->copies_read)
		say_taken(s, bytes, sub, sizeof(sub));
	else
		(void)snprintf(sub, sizeof(sub), s->sends ? "read nothing itself; held it all the same" :
			       s->likely ? "not seen to read the store" : "read nothing; %" PRIu64 " refused",
			       s->refused + s->refused_sends);
	box(n, WHO_X, y, WHO_W, name, WHO_LETTERS, sub, s->breaches + s->breached_sends ? "red" : "line",
	    "paper");
	y += BOX_H / 2.0;
	if (s->files)
		curve(n, STORE_X + STORE_W, TOP + (n->height - TOP) / 2, WHO_X, y, s->reads,
		      s->breaches ? "stroke=\"var(--red)\" opacity=\".8\"" :
				    "stroke=\"var(--blue)\" opacity=\".75\"");
	else if (s->refused)
		curve(n, STORE_X + STORE_W, TOP + (n->height - TOP) / 2, WHO_X, y, s->refused,
		      "stroke=\"var(--gap)\" stroke-dasharray=\"2 5\"");
}

static void draw_place(const struct net *n, size_t i, size_t shown)
{
	const struct am_lineage_place *p = n->places[i];
	const char *color = p->local ? "line" : p->breaches ? "red" : p->sends ? "blue" :
			    p->likely ? "amber" : "line";
	const char *fill = p->local ? "fine" : p->breaches ? "red2" : p->sends ? "blue2" :
			   p->likely ? "amber2" : "fine";
	char sub[160];
	int len = snprintf(sub, sizeof(sub), "%s%" PRIu64 " sent", p->local ? "on this host; " : "",
			   p->sends);

	if (p->breaches)
		len += snprintf(sub + len, sizeof(sub) - (size_t)len, ", %" PRIu64 " against the policy",
				p->breaches);
	if (p->refused)
		len += snprintf(sub + len, sizeof(sub) - (size_t)len, ", %" PRIu64 " refused", p->refused);
	if (p->likely)
		(void)snprintf(sub + len, sizeof(sub) - (size_t)len, ", %" PRIu64 " uncertain", p->likely);
	box(n, TO_X, y_of(n, i, shown), TO_W, am_pool_text(&n->l->pool, p->text), TO_LETTERS, sub,
	    color, fill);
}

static void draw_copy(const struct net *n, size_t i, size_t shown)
{
	const struct am_lineage_file *f = n->copies[i];
	const char *path = am_pool_text(&n->l->pool, f->path);
	char sub[160];

	(void)snprintf(sub, sizeof(sub), "copy outside of the store; read by %" PRIu32, f->readers);
	box(n, TO_X, y_of(n, n->shown_places + i, shown), TO_W, *path ? path : "(a file without a name)",
	    TO_LETTERS, sub, "amber", "amber2");
}

static void draw_to_place(const struct net *n, size_t who, size_t to, double y, double end)
{
	bool local = ((const struct am_lineage_place *)n->places[to])->local;

	if (n->edges[who][to])
		curve(n, WHO_X + WHO_W, y, TO_X, end, n->edges[who][to],
		      local ? "stroke=\"var(--gap)\" opacity=\".8\"" :
		      n->breaches[who][to] ? "stroke=\"var(--red)\" opacity=\".8\"" :
					     "stroke=\"var(--blue)\" opacity=\".75\"");
	if (n->likely[who][to])
		curve(n, WHO_X + WHO_W, y, TO_X, end, n->likely[who][to],
		      "stroke=\"var(--amber)\" stroke-dasharray=\"7 3\"");
	if (n->refused[who][to])
		curve(n, WHO_X + WHO_W, y + 5, TO_X, end + 5, n->refused[who][to],
		      "stroke=\"var(--gap)\" stroke-dasharray=\"2 5\"");
}

static void draw_to_copy(const struct net *n, size_t who, size_t copy, double y, double end)
{
	if (n->edges[who][n->shown_places + copy])
		curve(n, WHO_X + WHO_W, y, TO_X, end, n->edges[who][n->shown_places + copy],
		      "stroke=\"var(--amber)\" opacity=\".8\"");
	if (n->back[who][copy])
		curve(n, TO_X, end + 7, WHO_X + WHO_W, y + 7, n->back[who][copy],
		      "stroke=\"var(--blue)\" opacity=\".75\" stroke-dasharray=\"7 3\"");
}

/* Beside the column: from the box of a parent to that of its children. */
static void draw_children(const struct net *n, size_t parent, size_t shown)
{
	double from = y_of(n, parent, shown) + BOX_H - 8;
	size_t child;

	for (child = 0; child < shown; child++)
		if (n->children[parent][child])
			(void)fprintf(n->out, "<path d=\"M%d %.1fc-30 0 -30 %.1f 0 %.1f\" fill=\"none\" "
				      "stroke=\"var(--blue)\" stroke-width=\"1.4\" "
				      "stroke-dasharray=\"7 3\"><title>%" PRIu64 " child processes</title>"
				      "</path>", WHO_X, from, y_of(n, child, shown) + BOX_H / 2.0 - from,
				      y_of(n, child, shown) + BOX_H / 2.0 - from,
				      n->children[parent][child]);
}

static void draw_edges(const struct net *n, size_t shown_who, size_t shown_to)
{
	size_t who, to;

	for (who = 0; who < shown_who; who++) {
		double y = y_of(n, who, shown_who) + BOX_H / 2.0;

		draw_children(n, who, shown_who);
		for (to = 0; to < shown_to; to++) {
			double end = y_of(n, to, shown_to) + BOX_H / 2.0;

			if (to < n->shown_places)
				draw_to_place(n, who, to, y, end);
			else
				draw_to_copy(n, who, to - n->shown_places, y, end);
		}
	}
}

static void draw(struct net *n)
{
	size_t shown_who = least(n->n_who, SHOWN), shown_to = n->shown_places + n->shown_copies, i;
	size_t tallest = shown_who > shown_to ? shown_who : shown_to;
	char sub[AM_REPORT_BYTES];

	n->height = TOP + (double)(tallest ? tallest : 1) * STEP - (STEP - BOX_H);
	(void)fprintf(n->out, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"Where the data went\">"
		      "<text class=\"h\" x=\"%d\" y=\"14\">Store</text><text class=\"h\" x=\"%d\" y=\"14\">"
		      "Who, by which program</text><text class=\"h\" x=\"%d\" y=\"14\">Copies and destinations"
		      "</text>", NET_W, n->height + 22, STORE_X, WHO_X, TO_X);
	draw_edges(n, shown_who, shown_to);
	am_report_bytes(n->l->bytes, 0, n->l->files_read, sub);
	box(n, STORE_X, TOP + (n->height - TOP - BOX_H) / 2, STORE_W, n->x->question.store, 24, sub, "blue",
	    "blue2");
	for (i = 0; i < shown_who; i++)
		draw_who(n, i, shown_who);
	for (i = 0; i < n->shown_places; i++)
		draw_place(n, i, shown_to);
	for (i = 0; i < n->shown_copies; i++)
		draw_copy(n, i, shown_to);
	more(n, WHO_X, n->n_who, shown_who, "subjects");
	more(n, TO_X, n->n_places + n->n_copies, shown_to, "copies and destinations");
	(void)fputs("</svg>", n->out);
}

int am_report_lineage(const struct am_report *r, FILE *out)
{
	struct net n = { .r = r, .x = r->x, .l = &r->x->lineage, .out = out };
	int err = 0;

	n.who = am_report_order(&n.l->subjects, was_active, am_report_lists.by_bytes, &n.n_who);
	n.places = am_report_order(&n.l->places, NULL, am_report_lists.by_sends, &n.n_places);
	n.copies = am_report_order(&n.l->files, am_report_lists.copies, am_report_lists.by_readers,
				   &n.n_copies);
	if (n.who && n.places && n.copies) {
		/* Half for each, and what one does not need for the other. */
		n.shown_copies = least(n.n_copies, n.n_places < SHOWN / 2 ? SHOWN - n.n_places : SHOWN / 2);
		n.shown_places = least(n.n_places, SHOWN - n.shown_copies);
		sum_children(&n);
		sum_sends(&n);
		sum_copies(&n);
		draw(&n);
	} else {
		err = -ENOMEM;
	}
	free(n.who);
	free(n.places);
	free(n.copies);
	return err;
}
