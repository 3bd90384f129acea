// SPDX-License-Identifier: GPL-2.0
/* `amanat tail`: events as the agent tells them, until either side ends. */
#include "cli/tail.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/look.h"
#include "cli/outlet.h"
#include "cli/words.h"

enum { RETRY_MS = 500 };

static bool is_ended(int r)
{
	/* Told to end, or its reader has seen enough: both are what was wanted. */
	return r == -ECANCELED || r == -EPIPE;
}

/* Its reader may have stopped reading, too. */
static void tell(const struct am_client *c, const char *text)
{
	struct am_outlet o;

	am_outlet_init(&o, c->err, c->stop_fd);
	(void)am_outlet_write(&o, text, strlen(text));	/* talk; a signal is seen by who waits next */
	am_outlet_done(&o);
}

/* Until an agent listens, or `stop_fd` is readable. 0 or -ECANCELED. */
static int wait_agent(const struct am_client *c)
{
	struct pollfd stop = { .fd = c->stop_fd, .events = POLLIN };

	for (;;) {
		am_autoclose int fd = -1;

		if (poll(&stop, 1, RETRY_MS) > 0)
			return -ECANCELED;
		fd = am_client_connect(c->run, "control.sock");
		if (fd >= 0)
			return 0;
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail */
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Whether it ended with the agent. One who may not ask is turned away at once, by the same
 * code: for him no other agent will do better. */
static bool is_away(const struct am_client *c, int r, int64_t began_ms)
{
	return r == -ENODATA || am_client_absent(c, r) ||
	       (r == AM_EXIT_MISSING && now_ms() - began_ms > RETRY_MS);
}

/* With another agent after each: whoever ends it is the reader. */
static int follow(struct am_client *c, bool again)
{
	int64_t began = now_ms();
	int r = am_client_ask(c);

	while (again && is_away(c, r, began)) {
		tell(c, "note: the agent is away; waiting for the next one\n");
		r = wait_agent(c);
		if (r < 0)
			break;
		tell(c, "note: an agent is there; what happened in between is in the record\n");
		began = now_ms();
		r = am_client_ask(c);
	}
	if (is_ended(r))
		return AM_EXIT_YES;
	return r < 0 ? am_client_failed(c, r) : r;
}

/* For as long as it runs, signals end the conversation and not us. */
static int converse(struct am_client *c, bool again)
{
	am_autoclose int stop = -1;
	sigset_t ends, before;
	int code;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	stop = signalfd(-1, &ends, SFD_CLOEXEC);
	if (stop < 0 || sigprocmask(SIG_BLOCK, &ends, &before) < 0) {
		fprintf(c->err, "error: cannot wait for signals: %s\n", strerror(errno));
		return AM_EXIT_MISSING;
	}
	c->stop_fd = stop;
	code = follow(c, again);
	/* One that is pending has done its work, and must not end us now. */
	while (sigtimedwait(&ends, NULL, &(struct timespec){ 0 }) > 0)
		;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);	/* fails only for a bad first argument */
	return code;
}

int am_cli_tail(const struct am_cmd_line *line)
{
	struct am_client c = { .run = line->run, .words = { "tail" }, .silence_ms = -1,
			       .out = line->out, .err = line->err };
	bool json = false, again = false;
	const struct am_arg items[] = {
		{ "--json", NULL, &json, false },
		{ "--reconnect", NULL, &again, false },
	};
	const struct am_args args = { AM_USAGE_TAIL, items, AM_COUNT(items), NULL };
	am_auto(am_filter) struct am_filter *filter = NULL;
	am_autofree char *text = NULL;
	struct am_words words;
	size_t n = 1;
	int code = am_args_parse_words(&args, line->argc, line->argv, &words);

	if (code == AM_ARGS_GO)
		code = am_words_filter(&words, NULL, NULL, line->err, &text, &filter);
	if (code != AM_ARGS_GO)
		return code;
	if (strlen(text) > AM_TAIL_FILTER_MAX) {
		fprintf(line->err, "error: of 'tail' a filter has at most %d bytes\n",
			AM_TAIL_FILTER_MAX);
		return AM_EXIT_USAGE;
	}
	if (json)
		c.words[n++] = "--json";
	else if (am_look_wants_color(line->out))
		c.words[n++] = "--color";
	if (words.count) {
		c.words[n++] = "--filter";
		c.words[n] = text;
	}
	return converse(&c, again);
}
