// SPDX-License-Identifier: GPL-2.0
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/host.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/args.h"
#include "cli/source.h"

struct ask {
	const struct am_cmd_line *line;
	const char *store, *since, *until, *dir, *key, *html;
	bool json;
	FILE *out, *err;
	struct am_exposure_question question;
	struct am_roots_pub roots;
};

/* ---- the question ------------------------------------------------------------------------ */

static int refuse_moment(FILE *err, const char *option, const char *text)
{
	(void)fprintf(err, "error: %s: '", option);
	am_text_print(err, text);
	(void)fprintf(err, "' is no moment\n  hint: Such as %s.\n", am_when_forms);
	return AM_EXIT_USAGE;
}

static int read_moment(const struct ask *a, const char *option, const char *text, int64_t *ret)
{
	const struct am_when here = am_when_here();

	if (!text || !am_when_parse(text, strlen(text), &here, ret))
		return AM_ARGS_GO;
	return refuse_moment(a->err, option, text);
}

static int read_period(struct ask *a)
{
	struct am_exposure_question *q = &a->question;
	int code = read_moment(a, "--since", a->since, &q->since_ns);

	if (code == AM_ARGS_GO)
		code = read_moment(a, "--until", a->until, &q->until_ns);
	if (code != AM_ARGS_GO || !q->until_ns || q->since_ns < q->until_ns)
		return code;
	(void)fputs("error: the period ends before it begins\n  hint: --since comes before --until.\n",
		    a->err);
	return AM_EXIT_USAGE;
}

static int read_key(struct ask *a)
{
	int r = a->key ? am_roots_pub_load(AT_FDCWD, a->key, &a->roots) : 0;

	if (!r)
		return AM_ARGS_GO;
	(void)fputs("error: cannot use the key '", a->err);
	am_text_print(a->err, a->key);
	(void)fprintf(a->err, "': %s\n  hint: 'amanat ledger key DIR' prints the key of a ledger.\n",
		      r == -EBADMSG ? "it is not the key of a ledger" : strerror(-r));
	return AM_EXIT_USAGE;
}

/* ---- where it goes ----------------------------------------------------------------------- */

static int write_form(const struct ask *a, const struct am_report *r, FILE *out)
{
	if (a->html)
		return am_report_html(r, out);
	return a->json ? am_report_json(r, out) : am_report_text(r, out);
}

/* The page appears whole or not at all, and is for its owner: it is full of names. */
static int write_page(const struct ask *a, const struct am_report *r)
{
	am_autofree char *temporary = NULL;
	am_autofclose FILE *out = NULL;
	int fd, err;

	if (asprintf(&temporary, "%s.XXXXXX", a->html) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	err = out ? write_form(a, r, out) : -errno;
	if (!out)
		(void)close(fd); /* nothing was written */
	else if (!err && (fflush(out) || fsync(fd) < 0))
		err = -errno;
	/* Transaction point: the page has its name. */
	if (!err && rename(temporary, a->html) < 0)
		err = -errno;
	if (err)
		(void)unlink(temporary); /* what is left of a failure */
	return err;
}

static int write_report(const struct ask *a, const struct am_report *r)
{
	bool page = a->html && strcmp(a->html, "-") != 0;
	int err = page ? write_page(a, r) : write_form(a, r, a->out);

	if (!err || (err == -EPIPE && !page))	/* who closed the pipe did not want all of it */
		return am_exposure_is_empty(r->x) ? AM_EXIT_NO : AM_EXIT_YES;
	(void)fputs("error: cannot write the report", a->err);
	if (page) {
		(void)fputs(" '", a->err);
		am_text_print(a->err, a->html);
		(void)fputc('\'', a->err);
	}
	(void)fprintf(a->err, ": %s\n", strerror(-err));
	return AM_EXIT_MISSING;
}

/* ---- making it ----------------------------------------------------------------------------- */

static int refuse_store(const struct ask *a, const char *near)
{
	(void)fputs("error: the record knows no store '", a->err);
	am_text_print(a->err, a->store);
	(void)fputs("'\n", a->err);
	if (!near)
		return AM_EXIT_NO;
	(void)fputs("  hint: Did you mean '", a->err);
	am_text_print(a->err, near);
	(void)fputs("'?\n", a->err);
	return AM_EXIT_NO;
}

/* The timeline shows what was asked for, as far as the clock has come. */
static void set_span(struct ask *a, const struct am_audit *audit, int64_t now_ns)
{
	struct am_exposure_question *q = &a->question;

	q->from_ns = q->since_ns ? q->since_ns : audit->first_ns;
	q->to_ns = q->until_ns ? q->until_ns : audit->last_ns + 1000000000;
	if (!q->until_ns && q->to_ns <= q->from_ns)
		q->to_ns = now_ns;
	if (q->to_ns <= q->from_ns)
		q->to_ns = q->from_ns + 1000000000;
}

static void name_key(struct am_report *r, const struct ask *a, int fd)
{
	struct am_roots_pub roots;
	const uint8_t *key;

	if (a->key)
		roots = a->roots;
	else if (am_roots_pub_load(fd, am_root_name, &roots) < 0)
		return;
	key = am_roots_pub_find(&roots, r->audit->head.chain);
	if (key)
		am_hex_format(key, AM_HASH_LEN, r->root_key);
}

static int fail(const struct ask *a, int err)
{
	(void)fprintf(a->err, "error: cannot read the ledger: %s\n", strerror(-err));
	return AM_EXIT_MISSING;
}

static int make(struct ask *a, int fd, const struct am_audit *audit)
{
	struct am_report r = { .audit = audit, .dir = a->dir ? a->dir : AM_LEDGER_DIR,
			       .made_ns = am_when_here().now_ns };
	am_auto(am_exposure) struct am_exposure *x = NULL;
	struct am_host_id host;
	int err;

	set_span(a, audit, r.made_ns);
	err = am_exposure_make(fd, &a->question, &x);
	if (err < 0)
		return fail(a, err);
	r.x = x;
	name_key(&r, a, fd);
	am_host_id_read(&am_host_here, &host);
	(void)snprintf(r.host, sizeof(r.host), "%s", host.name);
	return write_report(a, &r);
}

/* A report needs the folder itself, to verify it. The agent is asked all the same, so that it
 * records who reads. */
static int open_ledger(const struct ask *a)
{
	am_autoclose int lent = a->dir ? -1 : am_source_borrow(a->line, NULL);

	if (!a->dir && lent < 0)
		return lent;
	return am_source_open(a->dir, a->err);
}

static int report(struct ask *a)
{
	const struct am_verify_options options = { .roots = a->key ? &a->roots : NULL };
	am_auto(am_audit) struct am_audit *audit = NULL;
	am_autoclose int fd = open_ledger(a);
	am_autofree char *near = NULL;
	int r;

	if (fd < 0)
		return AM_EXIT_MISSING;
	r = am_verify(fd, &options, &audit);
	if (r < 0)
		return fail(a, r);
	if (audit->code == AM_VERIFY_EMPTY) {
		(void)fputs("error: there is no ledger in this folder\n", a->err);
		return AM_EXIT_MISSING;
	}
	r = am_exposure_knows(fd, a->store, &near);
	if (r < 0)
		return fail(a, r);
	return r ? make(a, fd, audit) : refuse_store(a, near);
}

static int check_name(const struct am_cmd_line *line, const char *name)
{
	if (!strcmp(name, "exposure"))
		return AM_ARGS_GO;
	(void)fputs("error: there is no report '", line->err);
	am_text_print(line->err, name);
	(void)fputs("'\n  hint: The one that there is, is 'exposure'.\nusage: amanat report "
		    AM_WORDS_REPORT "\n", line->err);
	return AM_EXIT_USAGE;
}

int am_cli_report(const struct am_cmd_line *line)
{
	struct ask a = { .line = line, .out = line->out, .err = line->err };
	const char *what = NULL;
	const struct am_arg items[] = {
		{ "--store", &a.store, NULL, true },
		{ "--since", &a.since, NULL, false },
		{ "--until", &a.until, NULL, false },
		{ "--ledger", &a.dir, NULL, false },
		{ "--key", &a.key, NULL, false },
		{ "--html", &a.html, NULL, false },
		{ "--json", NULL, &a.json, false },
	};
	const struct am_args args = { "amanat report " AM_WORDS_REPORT, items, AM_COUNT(items), &what };
	int code = AM_ARGS_GO;

	/* Before what else may be missing. */
	if (line->argc > 1 && line->argv[1][0] != '-')
		code = check_name(line, line->argv[1]);
	if (code == AM_ARGS_GO)
		code = am_args_parse(&args, line->argc, line->argv);
	if (code == AM_ARGS_GO)
		code = check_name(line, what);
	if (code != AM_ARGS_GO)
		return code;
	if (a.json && a.html) {
		(void)fprintf(line->err, "error: --json or --html, not both\nusage: %s\n", args.usage);
		return AM_EXIT_USAGE;
	}
	code = read_period(&a);
	if (code == AM_ARGS_GO)
		code = read_key(&a);
	a.question.store = a.store;
	return code == AM_ARGS_GO ? report(&a) : code;
}
