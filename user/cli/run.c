// SPDX-License-Identifier: GPL-2.0
#include "cli/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/frame.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/dropin.h"

enum {
	ANSWER_MS = 10 * 1000,
	NAME_MAX_BYTES = 200,	/* of a purpose; the agent refuses what is longer than the policy allows */
	EXIT_NOT_RUN = 126,	/* as a shell has it */
	EXIT_NOT_FOUND = 127,
};

static const char usage[] =
	"amanat run --purpose NAME [--argv0 WORD] -- COMMAND [ARGUMENTS]\n"
	"       amanat run --purpose NAME --drop-in UNIT";

static const char more[] =
	"\nAsks the agent to put this process under the purpose, then becomes COMMAND, which keeps\n"
	"it, with all processes that it starts. A rule must allow it: allow WHO to use NAME.\n\n"
	"  --purpose NAME   one of the policy's purposes\n"
	"  --argv0 WORD     what the command is told that it is called\n"
	"  --drop-in UNIT   prints the drop-in file by which systemd starts the service so\n\n"
	"Exit codes: the command's; 1 refused; 2 usage; 3 there is no agent; 126 the command\n"
	"cannot be run; 127 there is no such command.\n";

static void (*sigpipe_before)(int) = SIG_DFL;

void am_cli_run_sigpipe(void (*before)(int))
{
	sigpipe_before = before == SIG_IGN ? SIG_IGN : SIG_DFL;
}

/* ---- asking --------------------------------------------------------------- */

/* 0, or -ETIMEDOUT, or another -errno. */
static int await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, ANSWER_MS);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int next_frame(int fd, char *packet, struct am_frame *ret)
{
	int r = await(fd);

	if (!r)
		r = am_frame_recv(fd, packet, ret);
	return r == -ECONNRESET ? -ENODATA : r;
}

static int send_request(int fd, const char *purpose)
{
	char payload[sizeof("use") + NAME_MAX_BYTES + 1] = "use";
	size_t len = strlen(purpose) + 1;

	if (len > NAME_MAX_BYTES)
		return -ENAMETOOLONG;
	memcpy(payload + sizeof("use"), purpose, len);
	return am_frame_send(fd, AM_FRAME_REQUEST, 0, payload, sizeof("use") + len);
}

/* The answer's code, or -errno. */
static int converse(int fd, const char *purpose, char *packet, FILE *err)
{
	struct am_frame head;
	int r;

	for (;;) {
		r = next_frame(fd, packet, &head);
		if (r < 0)
			return r;
		if (head.kind == AM_FRAME_END)
			return head.code;
		if (head.kind == AM_FRAME_NOTICE)
			(void)fwrite(packet + sizeof(head), 1, head.len, err); /* it is talk */
		if (head.kind != AM_FRAME_DATA)
			continue;
		r = send_request(fd, purpose);	/* the agent has us in hand */
		if (r < 0)
			return r;
	}
}

static int ask(const struct am_cmd_line *line, const char *purpose)
{
	am_autofree char *packet = malloc(AM_FRAME_MAX);
	am_autoclose int fd = -1;

	if (!packet)
		return -ENOMEM;
	fd = am_client_connect(line->run, "purpose.sock");
	return fd < 0 ? fd : converse(fd, purpose, packet, line->err);
}

static int failed(const struct am_cmd_line *line, int r)
{
	const struct am_client c = { .run = line->run, .err = line->err };

	if (r == -ENAMETOOLONG) {
		fputs("error: no purpose has a name that long\n", line->err);
		return AM_EXIT_NO;
	}
	if (r != -EACCES)
		return am_client_failed(&c, r);
	fputs("error: this process may not speak to the agent: Permission denied\n"
	      "  hint: If it has read protected data, start from a process that has not.\n",
	      line->err);
	return AM_EXIT_NO;
}

/* ---- the command ---------------------------------------------------------- */

static int become(const struct am_cmd_line *line, const char *argv0, char **command)
{
	const char *file = command[0];
	int err;

	if (argv0)
		command[0] = (char *)argv0;	/* exec does not write to it */
	(void)fflush(line->out);	/* nothing was written to it */
	(void)fflush(line->err);
	(void)signal(SIGPIPE, sigpipe_before);
	execvp(file, command);
	err = errno;
	(void)signal(SIGPIPE, SIG_IGN);
	fputs("error: cannot run '", line->err);
	am_text_print(line->err, file);
	fprintf(line->err, "': %s\n", strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}

/* ---- words ---------------------------------------------------------------- */

struct words {
	const char *purpose, *argv0, *unit;
	char **command;		/* NULL: none */
};

static int refuse(const struct am_cmd_line *line, const char *what, const char *word)
{
	fprintf(line->err, "error: %s", what);
	if (word) {
		fputs(" '", line->err);
		am_text_print(line->err, word);
		fputc('\'', line->err);
	}
	fprintf(line->err, "\nusage: %s\n", usage);
	return AM_EXIT_USAGE;
}

static int refuse_option(const struct am_cmd_line *line, const char *word)
{
	static const char *const options[] = { "--purpose", "--argv0", "--drop-in", "--run" };
	struct am_nearest nearest;
	size_t i;

	am_nearest_init(&nearest, word);
	for (i = 0; i < AM_COUNT(options); i++)
		am_nearest_offer(&nearest, options[i]);
	fputs("error: there is no option '", line->err);
	am_text_print(line->err, word);
	fputs("'\n", line->err);
	if (nearest.best)
		fprintf(line->err, "  hint: Did you mean '%s'?\n", nearest.best);
	fprintf(line->err, "usage: %s\n", usage);
	return AM_EXIT_USAGE;
}

/* Where the value of an option goes; NULL: there is no such option. */
static const char **place_of(struct words *w, struct am_cmd_line *line, const char *option)
{
	if (!strcmp(option, "--purpose"))
		return &w->purpose;
	if (!strcmp(option, "--argv0"))
		return &w->argv0;
	if (!strcmp(option, "--drop-in"))
		return &w->unit;
	return strcmp(option, "--run") ? NULL : &line->run;
}

static int parse(struct am_cmd_line *line, struct words *w)
{
	int i;

	for (i = 1; i < line->argc && line->argv[i][0] == '-'; i++) {
		const char **place = place_of(w, line, line->argv[i]);

		if (!strcmp(line->argv[i], "--")) {
			i++;
			break;
		}
		if (!place)
			return refuse_option(line, line->argv[i]);
		if (i + 1 >= line->argc || !line->argv[i + 1][0])
			return refuse(line, "a word is missing behind", line->argv[i]);
		*place = line->argv[++i];
	}
	if (i < line->argc)
		w->command = &line->argv[i];
	if (!w->purpose)
		return refuse(line, "which purpose? There must be --purpose", NULL);
	if (w->unit && (w->command || w->argv0))
		return refuse(line, "--drop-in takes no command: it is the unit's", NULL);
	if (!w->unit && (!w->command || !w->command[0][0]))
		return refuse(line, "there must be a command", NULL);
	return AM_EXIT_YES;
}

static bool asks_for_help(const struct am_cmd_line *line)
{
	return line->argc > 1 && (!strcmp(line->argv[1], "--help") || !strcmp(line->argv[1], "-h"));
}

int am_cli_run(const struct am_cmd_line *given)
{
	struct am_cmd_line line = *given;
	struct words w = { NULL };
	int r;

	if (asks_for_help(&line)) {
		fprintf(line.out, "usage: %s\n%s", usage, more);
		return AM_EXIT_YES;
	}
	r = parse(&line, &w);
	if (r != AM_EXIT_YES)
		return r;
	if (w.unit)
		return am_cli_dropin(&line, w.purpose, w.unit);
	r = ask(&line, w.purpose);
	if (r < 0)
		return failed(&line, r);
	return r ? r : become(&line, w.argv0, w.command);
}
