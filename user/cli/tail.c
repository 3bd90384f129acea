// SPDX-License-Identifier: GPL-2.0
/* `amanat tail`: events as the agent tells them, until either side ends. */
#include "cli/tail.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/look.h"

static int follow(struct am_client *c)
{
	int r = am_client_ask(c);

	/* Told to end, or its reader has seen enough: both are what was wanted. */
	if (r == -ECANCELED || r == -EPIPE)
		return AM_EXIT_YES;
	return r < 0 ? am_client_failed(c, r) : r;
}

int am_cli_tail(const struct am_cmd_line *line)
{
	struct am_client c = { .run = line->run, .words = { "tail" }, .silence_ms = -1,
			       .out = line->out, .err = line->err };
	am_autoclose int stop = -1;
	sigset_t ends, before;
	int code;

	if (line->values[AM_TAIL_JSON])
		c.words[1] = "--json";
	else if (am_look_wants_color(line->out))
		c.words[1] = "--color";

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	stop = signalfd(-1, &ends, SFD_CLOEXEC);
	if (stop < 0 || sigprocmask(SIG_BLOCK, &ends, &before) < 0) {
		fprintf(line->err, "error: cannot wait for signals: %s\n", strerror(errno));
		return AM_EXIT_MISSING;
	}
	c.stop_fd = stop;
	code = follow(&c);
	/* One that is pending has done its work, and must not end us now. */
	while (sigtimedwait(&ends, NULL, &(struct timespec){ 0 }) > 0)
		;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);	/* fails only for a bad first argument */
	return code;
}
