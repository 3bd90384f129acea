// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "cli/report.h"
#include "unit/report_made.h"

/* ---- helpers ------------------------------------------------------------------------------ */

struct said {
	int code;
	char *out, *err;	/* owned */
};

static struct said ask_words(const char *const *words, size_t n)
{
	struct said s = { 0 };
	size_t out_len, err_len, i;
	char *argv[16] = { "report" };
	struct am_cmd_line line = { .argc = (int)n + 1, .argv = argv };

	for (i = 0; i < n; i++)
		argv[i + 1] = (char *)words[i];
	line.out = open_memstream(&s.out, &out_len);
	line.err = open_memstream(&s.err, &err_len);
	s.code = am_cli_report(&line);
	(void)fclose(line.out);
	(void)fclose(line.err);
	return s;
}

#define ASK(...) ask_words((const char *const[]){ __VA_ARGS__ },                              \
			   AM_COUNT(((const char *const[]){ __VA_ARGS__ })))

static void forget(struct said *s)
{
	free(s->out);
	free(s->err);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("there is no \"%s\" in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("there is \"%s\" in:\n%s", part, text);
}

static void expose(const struct made *m, unsigned since_s, unsigned until_s, struct am_exposure **ret)
{
	const struct am_exposure_question question = {
		.store = "registry",
		.since_ns = since_s ? MADE_START + since_s * MADE_S : 0,
		.until_ns = until_s ? MADE_START + until_s * MADE_S : 0,
		.from_ns = MADE_START, .to_ns = MADE_START + 300 * MADE_S,
	};

	assert_int_equal(am_exposure_make(m->fd, &question, ret), 0);
}

static const struct am_lineage_place *place(const struct am_exposure *x, const char *to)
{
	const struct am_lineage *l = &x->lineage;
	size_t i;

	for (i = 0; i < l->places.n; i++) {
		const struct am_lineage_place *p = AM_TALLY_AT(&l->places, struct am_lineage_place, i);

		if (!strcmp(am_pool_text(&l->pool, p->text), to))
			return p;
	}
	fail_msg("nothing was sent to %s", to);
	return NULL;
}

static const struct am_lineage_subject *subject(const struct am_exposure *x, const char *exe)
{
	const struct am_lineage *l = &x->lineage;
	size_t i;

	for (i = 0; i < l->subjects.n; i++) {
		const struct am_lineage_subject *s =
			AM_TALLY_AT(&l->subjects, struct am_lineage_subject, i);

		if (!strcmp(am_pool_text(&l->pool, s->exe), exe))
			return s;
	}
	fail_msg("%s did nothing", exe);
	return NULL;
}

/* ---- what is found ---------------------------------------------------------------------------- */

static void counts_what_was_read_once_per_file(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;

	expose(*state, 0, 0, &x);
	assert_int_equal(x->lineage.files_read, 2);
	assert_int_equal(x->lineage.bytes, 2000000 + 1500);
	assert_int_equal(x->lineage.unsized, 0);
	assert_int_equal(x->accesses, 5 + 1 + 1 + 1 + 41 + 1 + 1);
	assert_int_equal(x->refused, 5);
	assert_int_equal(x->left_out, 0);
}

static void tells_subjects_apart(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;

	expose(*state, 0, 0, &x);
	assert_int_equal(subject(x, "/usr/bin/psql")->reads, 44);
	assert_int_equal(subject(x, "/usr/bin/psql")->files, 2);
	assert_int_equal(subject(x, "/usr/bin/psql")->bytes, 2001500);
	assert_int_equal(subject(x, "/usr/bin/cat")->refused, 5);
	assert_int_equal(subject(x, "/usr/bin/cat")->breaches, 1);
	assert_int_equal(subject(x, "/usr/bin/cat")->bytes, 1500);
	assert_int_equal(subject(x, "/usr/bin/cat")->processes, 2);
	assert_int_equal(subject(x, "/usr/bin/scp")->files, 0);
	assert_int_equal(subject(x, "/usr/bin/scp")->copies_read, 1);
	assert_int_equal(subject(x, "/usr/bin/scp")->bytes, 2001500);
}

static void tells_what_left_from_what_was_refused_and_what_nobody_knows(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;

	expose(*state, 0, 0, &x);
	assert_int_equal(place(x, "203.0.113.9:443/tcp")->sends, 1);	/* of a child */
	assert_int_equal(place(x, "198.51.100.7:22/tcp")->sends, 4);	/* of who read a copy */
	assert_int_equal(place(x, "198.51.100.99:80/tcp")->sends, 0);
	assert_int_equal(place(x, "198.51.100.99:80/tcp")->likely, 1);
	assert_int_equal(place(x, "192.0.2.1:25/tcp")->sends, 0);
	assert_int_equal(place(x, "192.0.2.1:25/tcp")->refused, 2);
	assert_int_equal(x->sends, 5);
	assert_int_equal(x->refused_sends, 2);
	assert_int_equal(x->likely_sends, 1);
	assert_int_equal(place(x, "203.0.113.9:443/tcp")->handed.bytes, 3000);
	assert_int_equal(place(x, "198.51.100.7:22/tcp")->handed.bytes, 6000);
	assert_int_equal(place(x, "198.51.100.7:22/tcp")->handed.unsized, 0);
	assert_int_equal(place(x, "192.0.2.1:25/tcp")->handed.bytes, 0);	/* it was refused */
	assert_int_equal(x->handed.bytes, 9000);
	assert_int_equal(x->handed.unsized, 0);
	assert_int_equal(x->likely_handed.bytes, 0);
	assert_int_equal(x->likely_handed.unsized, 1);
}

static void follows_copies_whose_records_come_before_their_reads(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;
	size_t held = 0, i;

	expose(*state, 0, 0, &x);
	for (i = 0; i < x->lineage.files.n; i++)
		held += AM_TALLY_AT(&x->lineage.files, struct am_lineage_file, i)->held;
	assert_int_equal(held, 2);
	assert_int_equal(x->copies, 2);
}

static void a_send_before_the_read_carries_nothing(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;

	/* From 61 on neither the reads nor the send of the child are there; the copy's maker did
	 * not read in this period, so nobody knows of scp either. */
	expose(*state, 61, 0, &x);
	assert_int_equal(x->sends, 0);
	assert_int_equal(x->likely_sends, 5);
	assert_int_equal(x->copies, 0);
}

static void a_period_has_only_what_is_in_it(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;

	expose(*state, 5, 12, &x);
	assert_int_equal(x->accesses, 1);
	assert_int_equal(x->lineage.bytes, 1000);	/* as large as it was then */
	assert_int_equal(x->n_gaps, 0);
}

/* psql reads at 10; at `began_s` it begins a shell, which touches nothing and begins wget at 31. */
static void passes_on(unsigned began_s, bool told, struct am_exposure **ret)
{
	const struct story_who shell = { 170, 100, 1000, began_s, "acme", "/bin/sh" };
	const struct story_who wget = { 171, 170, 1000, 31, "acme", "/usr/bin/wget" };
	const struct am_writer_options options = { .no_thread = true, .clock_ns = story_clock };
	am_auto(am_writer) struct am_writer *w = NULL;
	struct am_row begun = story_row(began_s, &shell, AM_EVENT_PROCESS, 0);
	struct made m;

	begun.deed.act = AM_ACT_FORK;
	begun.deed.verdict = begun.deed.reason = 0;
	story_s = 0;
	(void)snprintf(m.dir, sizeof(m.dir), "/tmp/am-ledger-XXXXXX");
	assert_non_null(mkdtemp(m.dir));
	assert_int_equal(am_writer_open(m.dir, &options, &w), 0);
	story_put(w, story_read(10, &story_psql, 0, 1000));
	if (told)
		story_put(w, begun);
	story_put(w, story_send(40, &wget, 0xcb007109, 443));
	assert_int_equal(am_writer_flush(w), 0);
	story_s = 300;
	m.fd = open(m.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expose(&m, 0, 0, ret);
	made_done(&m);
}

static void data_passes_through_who_only_begins_others(void **state)
{
	static const struct {
		unsigned began_s;
		bool told;
		unsigned known;
	} cases[] = {
		{ 30, true, 1 },
		{ 30, false, 0 },	/* as of old records: nobody knows whose child it is */
		{ 5, true, 0 },		/* before it was read: the shell had nothing */
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		am_auto(am_exposure) struct am_exposure *x = NULL;

		passes_on(cases[i].began_s, cases[i].told, &x);
		assert_int_equal(x->sends, cases[i].known);
		assert_int_equal(x->likely_sends, !cases[i].known);
		assert_int_equal(x->accesses, 1);
		assert_int_equal(x->lineage.processes.n, 2);	/* the shell did nothing */
		assert_int_equal(place(x, "203.0.113.9:443/tcp")->bytes, cases[i].known ? 1000 : 0);
	}
}

static void a_gap_that_ends_after_the_period_is_told(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;

	expose(*state, 5, 45, &x);
	assert_int_equal(x->n_gaps, 1);
	assert_int_equal(x->gaps[0].count, 40);
	assert_int_equal(x->gaps[0].until_ns, MADE_START + 50 * MADE_S);
}

static void the_policy_in_force_before_the_period_is_told(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;
	const struct am_exposure_policy *p;

	expose(*state, 5, 12, &x);
	assert_int_equal(x->policies.n, 1);
	p = AM_TALLY_AT(&x->policies, struct am_exposure_policy, 0);
	assert_int_equal(p->generation, 3);
	assert_int_equal(p->in_force_ns, MADE_START);
	assert_int_equal(p->events, 1);
}

static void findings_are_counted_by_what_they_are(void **state)
{
	am_auto(am_exposure) struct am_exposure *x = NULL;
	uint64_t blocked = 0, breaches = 0;
	size_t i;

	expose(*state, 0, 0, &x);
	for (i = 0; i < x->findings.n; i++) {
		const struct am_exposure_finding *f =
			AM_TALLY_AT(&x->findings, struct am_exposure_finding, i);

		*(f->blocked ? &blocked : &breaches) += f->count;
	}
	assert_int_equal(x->findings.n, 3);
	assert_int_equal(blocked, 7);
	assert_int_equal(breaches, 1);
}

static void take(struct am_lineage *l, struct am_row row, enum am_event_kind kind, uint64_t count,
		 int counted)
{
	row.object = (struct am_row_object){ .path = NULL };	/* a socket has no inode */
	row.deed.kind = kind;
	row.count = count;
	if (kind == AM_EVENT_REPEAT) {	/* as the kernel: less is told than at first */
		row.deed.labels = 0;
		row.deed.label_names = row.dest.zones = NULL;
	}
	assert_int_equal(am_lineage_other(l, &row), counted);
}

static void repeats_of_a_send_are_of_their_own_destination(void **state)
{
	struct am_lineage l;
	struct am_row read = story_read(10, &story_psql, 0, 1000);
	uint64_t sends = 0, further = 0;

	(void)state;
	am_lineage_init(&l);
	assert_int_equal(am_lineage_store(&l, &read), 0);
	take(&l, story_send(20, &story_psql, 0xcb007109, 53), AM_EVENT_SEND, 0, 0);
	take(&l, story_send(21, &story_psql, 0xcb00710a, 53), AM_EVENT_SEND, 0, 0);
	take(&l, story_send(30, &story_psql, 0xcb00710a, 53), AM_EVENT_REPEAT, 4, 1);
	take(&l, story_send(31, &story_psql, 0xcb00710a, 54), AM_EVENT_REPEAT, 100, 0);
	take(&l, story_send(31, &story_curl, 0xcb007109, 53), AM_EVENT_REPEAT, 100, 0);
	assert_int_equal(l.sends.n, 2);
	assert_int_equal(AM_TALLY_AT(&l.sends, struct am_lineage_send, 0)->count, 1);
	assert_int_equal(AM_TALLY_AT(&l.sends, struct am_lineage_send, 1)->count, 5);
	for (size_t i = 0; i < l.sends.n; i++) {
		sends += AM_TALLY_AT(&l.sends, struct am_lineage_send, i)->count;
		further += AM_TALLY_AT(&l.sends, struct am_lineage_send, i)->further;
	}
	assert_int_equal(sends, 6);
	assert_int_equal(further, 0);	/* of each the address is known */
	am_lineage_done(&l);
}

/* Of what a kernel cannot say, and of what an older agent has recorded. */
static void a_send_of_unknown_size_is_no_send_of_nothing(void **state)
{
	const struct am_row read = story_read(10, &story_psql, 0, 1000);
	struct am_row known = story_sized(story_send(20, &story_psql, 0xcb007109, 53), 300);
	struct am_row unknown = story_send(21, &story_psql, 0xcb007109, 53);
	const struct am_lineage_place *p;
	char text[AM_REPORT_BYTES];
	struct am_lineage l;

	(void)state;
	am_lineage_init(&l);
	assert_int_equal(am_lineage_store(&l, &read), 0);
	assert_int_equal(am_lineage_other(&l, &known), 0);
	assert_int_equal(am_lineage_other(&l, &unknown), 0);
	unknown.deed.kind = AM_EVENT_REPEAT;
	unknown.count = 4;
	unknown.object.bytes = 50;	/* of some of them it is known */
	assert_int_equal(am_lineage_other(&l, &unknown), 1);
	assert_int_equal(am_lineage_solve(&l), 0);
	p = AM_TALLY_AT(&l.places, struct am_lineage_place, 0);
	assert_int_equal(p->handed.bytes, 350);
	assert_int_equal(p->handed.unsized, 5);
	am_report_handed(&p->handed, p->sends, text);
	assert_string_equal(text, "at most 350 bytes, and 5 sends of unknown size");
	am_lineage_done(&l);
}

static void says_how_much_was_handed_to_sends(void **state)
{
	static const struct {
		struct am_handed handed;
		uint64_t sends;
		const char *text;
	} cases[] = {
		{ { 0, 0 }, 0, "nothing" },
		{ { 0, 0 }, 2, "nothing" },	/* that connected only */
		{ { 1, 0 }, 1, "at most 1 byte" },
		{ { 0, 3 }, 3, "an unknown amount" },
		{ { 3400000, 0 }, 3, "at most 3.4 MB" },
		{ { 3400000, 1 }, 3, "at most 3.4 MB, and 1 send of unknown size" },
	};
	char text[AM_REPORT_BYTES];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		am_report_handed(&cases[i].handed, cases[i].sends, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void a_full_table_is_counted_not_lost(void **state)
{
	struct am_tally t = AM_TALLY(uint64_t, 8, 3);
	uint64_t key;
	uint32_t i;

	(void)state;
	for (key = 0; key < 3; key++)
		assert_int_equal(am_tally_add(&t, &key, &i), 0);
	assert_int_equal(am_tally_add(&t, &key, &i), -ENOSPC);
	assert_int_equal(t.left_out, 1);
	key = 1;
	assert_int_equal(am_tally_add(&t, &key, &i), 0);
	assert_int_equal(i, 1);
	am_tally_done(&t);
}

/* ---- what is said -------------------------------------------------------------------------------- */

static void the_text_says_it_at_the_top(void **state)
{
	const struct made *m = *state;
	struct said s = ASK("exposure", "--store", "registry", "--ledger", m->dir);

	assert_int_equal(s.code, AM_EXIT_YES);
	has(s.out, "root, acme and desk read 2 files of 'registry', at most 2.0 MB.");
	has(s.out, "outside of this host (5 sends, at most 9.0 kB); 2 sends were refused. 2 copies were made");
	has(s.out, "4 sent, 0 refused; at most 6.0 kB handed to it; the senders had read at most");
	has(s.out, "Not known: what happened in 2 gaps of the record, and whether 1 more send carried it.");
	has(s.out, "Against the policy, which only observed, root used the store 1 time.");
	has(s.out, "The record verifies.");
	has(s.out, "nobody knows how many events");
	has(s.out, "\\xe2\\x80\\xae\\x1b[31m\\xff.csv");
	has_not(s.out, "\x1b");
	has_not(s.out, "\xe2\x80\xae");
	forget(&s);
}

/* Numbers and clocks of processes begin anew with each boot. */
static void nobody_inherits_from_a_process_of_the_boot_before(void **state)
{
	static const struct story_who before = { 100, 1, 1000, 40, "acme", "/usr/bin/psql" };
	static const struct story_who child = { 160, 100, 1000, 55, "acme", "/bin/sh" };
	const struct am_row read = story_read(50, &before, 0, 1000);
	const struct am_row sent = story_send(60, &child, 0xcb007109, 443);
	uint64_t sends[2];

	(void)state;
	for (int other = 0; other < 2; other++) {
		struct am_lineage l;

		am_lineage_init(&l);
		assert_int_equal(am_lineage_boot(&l, "one"), 0);
		assert_int_equal(am_lineage_store(&l, &read), 0);
		assert_int_equal(am_lineage_boot(&l, other ? "two" : "one"), 0);
		assert_int_equal(am_lineage_other(&l, &sent), 0);
		assert_int_equal(am_lineage_solve(&l), 0);
		sends[other] = AM_TALLY_AT(&l.places, struct am_lineage_place, 0)->sends;
		am_lineage_done(&l);
	}
	assert_int_equal(sends[0], 1);
	assert_int_equal(sends[1], 0);
}

static void one_send_against_the_policy_comes_before_a_thousand_others(void **state)
{
	struct am_lineage_place places[] = {
		{ .text = 1, .sends = 1000 }, { .text = 2, .likely = 2000 },
		{ .text = 3, .sends = 1, .breaches = 1 },
	};
	struct am_tally t = AM_TALLY(struct am_lineage_place, 16, 8);
	uint32_t i;
	size_t n;

	(void)state;
	for (i = 0; i < AM_COUNT(places); i++)
		assert_int_equal(am_tally_add(&t, &places[i], &(uint32_t){ 0 }), 0);
	am_autofree const void **list = am_report_order(&t, NULL, am_report_lists.by_sends, &n);

	assert_non_null(list);
	assert_int_equal(n, 3);
	assert_int_equal(((const struct am_lineage_place *)list[0])->text, 3);
	assert_int_equal(((const struct am_lineage_place *)list[1])->text, 2);
	am_tally_done(&t);
}

static void the_json_is_json(void **state)
{
	const struct made *m = *state;
	char command[256];

	(void)snprintf(command, sizeof(command), "%s/report.json", m->dir);
	struct said s = ASK("exposure", "--store", "registry", "--ledger", m->dir, "--json");
	FILE *f = fopen(command, "w");

	assert_int_equal(s.code, AM_EXIT_YES);
	assert_non_null(f);
	(void)fputs(s.out, f);
	(void)fclose(f);
	has(s.out, "\"bytes\":{\"at_most\":2001500,\"exact\":false,\"unsized\":0}");
	has(s.out, "\"refused\":5,\"breaches\":1,");
	has(s.out, "\"sends_outside\":5,\"sends_refused\":2,\"sends_likely\":1");
	if (system("command -v python3 >/dev/null") != 0) {
		print_message("skipped in part: there is no python3 to read the JSON\n");
	} else {
		(void)snprintf(command, sizeof(command), "python3 -m json.tool <%s/report.json >/dev/null",
			       m->dir);
		assert_int_equal(system(command), 0);
	}
	(void)snprintf(command, sizeof(command), "%s/report.json", m->dir);
	assert_int_equal(unlink(command), 0);
	forget(&s);
}

static void make_page(const struct made *m, char path[96])
{
	struct said s;

	(void)snprintf(path, 96, "%s.html", m->dir);
	s = ASK("exposure", "--store", "registry", "--ledger", m->dir, "--html", path);
	assert_int_equal(s.code, AM_EXIT_YES);
	assert_string_equal(s.out, "");
	assert_string_equal(s.err, "");
	forget(&s);
}

static void the_page_is_well_formed_and_inert_whatever_names_say(void **state)
{
	char path[96], command[1024];

	if (system("command -v python3 >/dev/null") != 0 || access("tests/unit/report_page.py", R_OK) < 0) {
		print_message("skipped: there is no python3, or it is not run from the top folder\n");
		skip();
	}
	make_page(*state, path);
	(void)snprintf(command, sizeof(command), "python3 tests/unit/report_page.py <%s >%s.txt", path, path);
	assert_int_equal(system(command), 0);
	/* The name is there, as text. */
	(void)snprintf(command, sizeof(command), "grep -q '<script>alert(1)</script>' %s.txt && "
		       "! grep -q '<script' %s && grep -q 'onload=' %s.txt", path, path, path);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof(command), "rm %s %s.txt", path, path);
	assert_int_equal(system(command), 0);
}

static void a_browser_shows_and_prints_the_page_and_finds_no_element_in_names(void **state)
{
	char path[96], command[256];

	if (system("command -v chromium >/dev/null") != 0 ||
	    access("tests/unit/report_browser.py", X_OK) < 0) {
		print_message("skipped: there is no chromium, or it is not run from the top folder\n");
		skip();
	}
	make_page(*state, path);
	(void)snprintf(command, sizeof(command), "tests/unit/report_browser.py %s", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(unlink(path), 0);
}

static void the_page_is_for_its_owner_alone(void **state)
{
	char path[96];
	struct stat st;

	make_page(*state, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
}

static void names_that_are_long_or_no_text_stay_inside_their_place(void **state)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	(void)state;
	am_report_escape(f, "\"'<&>\\\n\xc3\xa9\xe2\x80\x8b\xff", 0);
	(void)fputc('|', f);
	am_report_escape(f, "a\xc3\xa9long name", 5);
	(void)fclose(f);
	assert_string_equal(out, "&quot;&#39;&lt;&amp;&gt;\\\\\\x0a\xc3\xa9\\xe2\\x80\\x8b\\xff|\xe2\x80\xa6name");
	free(out);
}

/* ---- what is refused --------------------------------------------------------------------------------- */

static void refuses_what_is_no_question(void **state)
{
	const struct made *m = *state;
	struct {
		const char *words[8];
		size_t n;
		const char *said;
	} cases[] = {
		{ { "exposure", "--store", "registry", "--since", "tomorrowish" }, 5, "is no moment" },
		{ { "exposure", "--store", "registry", "--since", "2026-03-02", "--until", "2026-03-01" }, 7,
		  "ends before it begins" },
		{ { "exposure", "--store", "registry", "--json", "--html", "x" }, 6, "not both" },
		{ { "everything", "--store", "registry" }, 3, "'exposure'" },
		{ { "exposure", "--store", "registry", "--key", "/nonexistent" }, 5, "cannot use the key" },
	};
	size_t i;

	for (i = 0; i < AM_COUNT(cases); i++) {
		struct said s = ask_words(cases[i].words, cases[i].n);

		assert_int_equal(s.code, AM_EXIT_USAGE);
		has(s.err, cases[i].said);
		assert_string_equal(s.out, "");
		forget(&s);
	}
	assert_non_null(m);
}

static void a_store_that_nobody_knows_is_answered_with_one_that_is(void **state)
{
	const struct made *m = *state;
	struct said s = ASK("exposure", "--store", "regisrty", "--ledger", m->dir);

	assert_int_equal(s.code, AM_EXIT_NO);
	has(s.err, "the record knows no store 'regisrty'");
	has(s.err, "Did you mean 'registry'?");
	forget(&s);
}

static void an_empty_period_is_an_answer_of_its_own(void **state)
{
	const struct made *m = *state;
	struct said s = ASK("exposure", "--store", "registry", "--since", "2026-03-01T10:02:30Z", "--until",
			    "2026-03-01T10:04:00Z", "--ledger", m->dir);

	assert_int_equal(s.code, AM_EXIT_NO);
	has(s.out, "nobody is recorded as having read 'registry'.");
	has(s.out, "Nothing is recorded as having left this host.");
	has(s.out, "Not known: what happened in 1 gap of the record.");
	has(s.out, "generation 4");
	forget(&s);
}

static void no_ledger_is_no_report(void **state)
{
	struct said s = ASK("exposure", "--store", "registry", "--ledger", "/nonexistent");

	(void)state;
	assert_int_equal(s.code, AM_EXIT_MISSING);
	has(s.err, "cannot open the ledger");
	forget(&s);
	s = ASK("exposure", "--store", "registry", "--ledger", "/usr");
	assert_int_equal(s.code, AM_EXIT_MISSING);
	has(s.err, "there is no segment");
	forget(&s);
}

static void a_page_that_cannot_be_written_leaves_nothing(void **state)
{
	const struct made *m = *state;
	struct said s = ASK("exposure", "--store", "registry", "--ledger", m->dir, "--html",
			    "/nonexistent/x.html");

	assert_int_equal(s.code, AM_EXIT_MISSING);
	has(s.err, "cannot write the report '/nonexistent/x.html': No such file");
	forget(&s);
}

static void a_damaged_record_makes_a_report_that_says_so(void **state)
{
	struct made m;
	struct said s;
	char path[128];
	int fd;

	(void)state;
	story_open(&m);
	(void)snprintf(path, sizeof(path), "%s/0000000000000001.aml", m.dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 2000), 8);
	(void)close(fd);
	s = ASK("exposure", "--store", "registry", "--ledger", m.dir);
	if (s.code == AM_EXIT_YES)
		has(s.out, "The record does not verify.");
	else	/* nothing of the store is left to be read */
		has(s.err, "the record knows no store");
	forget(&s);
	made_done(&m);
}

/* ---- */

static int set_up(void **state)
{
	static struct made m;

	story_open(&m);
	*state = &m;
	return 0;
}

static int tear_down(void **state)
{
	made_done(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_was_read_once_per_file),
		cmocka_unit_test(tells_subjects_apart),
		cmocka_unit_test(tells_what_left_from_what_was_refused_and_what_nobody_knows),
		cmocka_unit_test(follows_copies_whose_records_come_before_their_reads),
		cmocka_unit_test(a_send_before_the_read_carries_nothing),
		cmocka_unit_test(a_period_has_only_what_is_in_it),
		cmocka_unit_test(data_passes_through_who_only_begins_others),
		cmocka_unit_test(a_gap_that_ends_after_the_period_is_told),
		cmocka_unit_test(the_policy_in_force_before_the_period_is_told),
		cmocka_unit_test(findings_are_counted_by_what_they_are),
		cmocka_unit_test(repeats_of_a_send_are_of_their_own_destination),
		cmocka_unit_test(a_send_of_unknown_size_is_no_send_of_nothing),
		cmocka_unit_test(says_how_much_was_handed_to_sends),
		cmocka_unit_test(a_full_table_is_counted_not_lost),
		cmocka_unit_test(the_text_says_it_at_the_top),
		cmocka_unit_test(nobody_inherits_from_a_process_of_the_boot_before),
		cmocka_unit_test(one_send_against_the_policy_comes_before_a_thousand_others),
		cmocka_unit_test(the_json_is_json),
		cmocka_unit_test(the_page_is_well_formed_and_inert_whatever_names_say),
		cmocka_unit_test(a_browser_shows_and_prints_the_page_and_finds_no_element_in_names),
		cmocka_unit_test(the_page_is_for_its_owner_alone),
		cmocka_unit_test(names_that_are_long_or_no_text_stay_inside_their_place),
		cmocka_unit_test(refuses_what_is_no_question),
		cmocka_unit_test(a_store_that_nobody_knows_is_answered_with_one_that_is),
		cmocka_unit_test(an_empty_period_is_an_answer_of_its_own),
		cmocka_unit_test(no_ledger_is_no_report),
		cmocka_unit_test(a_page_that_cannot_be_written_leaves_nothing),
		cmocka_unit_test(a_damaged_record_makes_a_report_that_says_so),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
