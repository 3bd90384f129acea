// SPDX-License-Identifier: GPL-2.0
/* `amanat ledger key` and `head`: what is kept elsewhere so that a ledger can be verified. */
#include "cli/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/args.h"
#include "ledger/file.h"
#include "ledger/verify.h"

static int refuse(const char *dir, const char *what, const char *why)
{
	fprintf(stderr, "error: the ledger '");
	am_text_print(stderr, dir);
	fprintf(stderr, "' has no %s: %s\n", what, why);
	return AM_EXIT_MISSING;
}

static int print_key(const char *dir, int fd, FILE *out)
{
	struct am_roots_pub roots;
	char text[AM_ROOTS_TEXT];
	int r = am_roots_pub_load(fd, am_root_name, &roots);

	if (r < 0)
		return refuse(dir, "key", r == -EBADMSG ? "root.pub is damaged" : strerror(-r));
	(void)fwrite(text, 1, am_roots_pub_format(&roots, text), out);
	return AM_EXIT_YES;
}

/* Has what was just read on disk. The agent's last seal may still be on its way there, and a
 * power cut would then make of its head a proof that something was cut off. */
static int settle(int dir)
{
	struct am_listing l = { 0 };
	char name[AM_SEGMENT_NAME];
	am_autoclose int fd = -1;
	int r = am_listing_read(dir, false, &l);

	if (r < 0 || !l.count)
		return r;
	am_segment_name(l.segments[l.count - 1].segment, name);
	am_listing_done(&l);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 || fdatasync(fd) < 0 ? -errno : 0;
}

/* Of what holds: a head of anything else would only spread a forgery. */
static int print_head(const char *dir, int fd, FILE *out)
{
	const struct am_verify_options options = { 0 };
	am_auto(am_audit) struct am_audit *v = NULL;
	char text[AM_HEAD_TEXT];
	int r = am_verify(fd, &options, &v);

	if (r < 0)
		return refuse(dir, "head", strerror(-r));
	if (v->code != AM_VERIFY_HOLDS && v->code != AM_VERIFY_UNSEALED) {
		(void)refuse(dir, "head", "it does not hold; 'amanat verify' tells why");
		return (int)v->code;
	}
	r = settle(fd);
	if (r < 0)
		return refuse(dir, "head that is sure to be on disk", strerror(-r));
	am_head_format(&v->head, text);
	fputs(text, out);
	return AM_EXIT_YES;
}

static const struct verb {
	const char *name;
	const char *usage;
	int (*run)(const char *dir, int fd, FILE *out);
} verbs[] = {
	{ "key", "amanat ledger key DIR     the root public key, for 'amanat verify --key'", print_key },
	{ "head", "amanat ledger head DIR    the last seal, for 'amanat verify --head'", print_head },
};

static int usage(FILE *out)
{
	size_t i;

	for (i = 0; i < AM_COUNT(verbs); i++)
		fprintf(out, "%s %s\n", i ? "      " : "usage:", verbs[i].usage);
	return out == stderr ? AM_EXIT_USAGE : AM_EXIT_YES;
}

static int run(const struct verb *verb, int argc, char **argv, FILE *out)
{
	const char *dir = NULL;
	const struct am_args args = { verb->usage, NULL, 0, &dir };
	am_autoclose int fd = -1;
	int r = am_args_parse(&args, argc, argv);

	if (r != AM_ARGS_GO)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(dir, verb->name, strerror(errno));
	return verb->run(dir, fd, out);
}

int am_cli_ledger(const struct am_cmd_line *line)
{
	struct am_nearest nearest;
	size_t i;

	if (line->argc < 2)
		return usage(stderr);
	if (!strcmp(line->argv[1], "--help") || !strcmp(line->argv[1], "help"))
		return usage(line->out);
	am_nearest_init(&nearest, line->argv[1]);
	for (i = 0; i < AM_COUNT(verbs); i++) {
		if (!strcmp(verbs[i].name, line->argv[1]))
			return run(&verbs[i], line->argc - 1, line->argv + 1, line->out);
		am_nearest_offer(&nearest, verbs[i].name);
	}
	fputs("error: there is no verb '", stderr);
	am_text_print(stderr, line->argv[1]);
	fputs("'\n", stderr);
	if (nearest.best)
		fprintf(stderr, "  hint: Did you mean '%s'?\n", nearest.best);
	return usage(stderr);
}
