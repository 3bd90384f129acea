// SPDX-License-Identifier: GPL-2.0
#include "cli/dropin.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/unit.h"

static const char default_run[] = "/run/amanat";

/* A part of the unit that cannot be wrapped, in words. Returns AM_EXIT_NO. */
static int refuse(const struct am_cmd_line *line, const char *unit, const char *what,
		  const char *hint)
{
	fputs("error: '", line->err);
	am_text_print(line->err, unit);
	fprintf(line->err, "' %s\n  hint: %s\n", what, hint);
	return AM_EXIT_NO;
}

static int refuse_read(const struct am_cmd_line *line, const char *unit, int r)
{
	if (r == -EINVAL) {
		fputs("error: '", line->err);
		am_text_print(line->err, unit);
		fputs("' is not the name of a service\n"
		      "  hint: Only services run commands: write NAME.service.\n", line->err);
		return AM_EXIT_USAGE;
	}
	if (r == -ENOENT)
		return refuse(line, unit, "is not a unit of this host",
			      "Name a service that is installed, or the path of its unit file.");
	return refuse(line, unit, strerror(-r), "Its files must be readable.");
}

/* A word for a unit file: systemd expands `%` and `$` in it. */
static bool is_plain(const char *word)
{
	return word[0] && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_./@+,:")];
}

static int check_start(const struct am_cmd_line *line, const struct am_unit *u, const char *start,
		       struct am_unit_start *ret)
{
	int r = am_unit_split(start, ret);

	if (r == -ENOTSUP)
		return refuse(line, u->name, "has several commands in one ExecStart=",
			      "Give each an ExecStart= of its own.");
	if (r < 0)
		return refuse(line, u->name, "has an ExecStart= without a program",
			      "'systemd-analyze verify' tells more.");
	if (strstr(start, "amanat run --purpose") || strstr(start, "amanat --run"))
		return refuse(line, u->name, "runs under a purpose already",
			      "Remove that from its ExecStart= first.");
	return AM_EXIT_YES;
}

static void print_start(const struct am_cmd_line *line, const char *self, const char *purpose,
			const struct am_unit_start *s)
{
	fprintf(line->out, "ExecStart=%s%s", s->prefix, self);
	if (strcmp(line->run, default_run))
		fprintf(line->out, " --run %s", line->run);
	fprintf(line->out, " run --purpose %s", purpose);
	if (s->argv0)
		fprintf(line->out, " --argv0 %.*s", (int)s->argv0_len, s->argv0);
	fprintf(line->out, " -- %.*s%s%s\n", (int)s->program_len, s->program, s->rest[0] ? " " : "",
		s->rest);
}

static void print_head(const struct am_cmd_line *line, const char *purpose, const char *unit)
{
	fprintf(line->out,
		"# Starts %s under the purpose %s.\n"
		"# As /etc/systemd/system/%s.d/" AM_DROPIN_NAME ", then: systemctl daemon-reload\n"
		"# Purposes end with the agent, so the service is restarted with it.\n"
		"[Unit]\n"
		"Wants=amanatd.service\n"
		"After=amanatd.service\n"
		"PartOf=amanatd.service\n"
		"\n"
		"[Service]\n"
		"ExecStart=\n", unit, purpose, unit);
}

static int print(const struct am_cmd_line *line, const char *self, const char *purpose,
		 const struct am_unit *u)
{
	struct am_unit_start s;
	size_t i;
	int r;

	if (!u->n_starts)
		return refuse(line, u->name, "has no ExecStart=", "There is nothing to start.");
	/* All of them first: half a file is none. */
	for (i = 0; i < u->n_starts; i++) {
		r = check_start(line, u, u->starts[i], &s);
		if (r != AM_EXIT_YES)
			return r;
	}
	if (u->has_root)
		fprintf(line->err, "warning: '%s' has a root directory of its own; '%s' and the "
			"agent's socket must be there too\n", u->name, self);
	print_head(line, purpose, u->name);
	for (i = 0; i < u->n_starts; i++) {
		(void)am_unit_split(u->starts[i], &s); /* as above */
		print_start(line, self, purpose, &s);
	}
	return AM_EXIT_YES;
}

int am_cli_dropin(const struct am_cmd_line *line, const char *purpose, const char *unit)
{
	am_auto(am_unit) struct am_unit *u = NULL;
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int r;

	self[len > 0 ? len : 0] = '\0';
	if (!is_plain(self) || !is_plain(line->run) || !is_plain(purpose)) {
		fputs("error: a unit file cannot name this program, its run directory or that "
		      "purpose: only letters, digits and -_./@+,: are taken\n", line->err);
		return AM_EXIT_USAGE;
	}
	r = am_unit_read(unit, am_unit_folders, AM_DROPIN_NAME, &u);
	return r < 0 ? refuse_read(line, unit, r) : print(line, self, purpose, u);
}
