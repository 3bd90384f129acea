// SPDX-License-Identifier: GPL-2.0
/* `amanat status`: the agent answers, and waits if told to. What is left to do here is
 * to wait for an agent that does not run yet. */
#include "cli/status.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "cli/client.h"

enum {
	WAIT_MAX_S = 3600,
	ANSWER_MS = 10 * 1000,	/* beyond what the agent was asked to wait */
	RETRY_MS = 50,
	MS_PER_S = 1000,
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail with this clock */
	return (int64_t)t.tv_sec * MS_PER_S + t.tv_nsec / 1000000;
}

static int parse_seconds(const char *word, FILE *err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (!errno && word[0] >= '0' && word[0] <= '9' && !*end && n <= WAIT_MAX_S)
		return (int)n;
	fprintf(err, "error: --wait takes a number of seconds up to %d\n  hint: Such as "
		     "'--wait 10'.\n", WAIT_MAX_S);
	return -EINVAL;
}

static void put_words(struct am_client *c, const char *seconds, bool json)
{
	size_t n = 0;

	c->words[n++] = "status";
	if (seconds) {
		c->words[n++] = "--wait";
		c->words[n++] = seconds;
	}
	if (json)
		c->words[n++] = "--json";
	c->words[n] = NULL;
}

/* Asks until an agent has answered or the time is over. */
static int ask_patiently(struct am_client *c, int64_t wait_ms, bool json)
{
	int64_t left_ms = wait_ms, deadline_ms = now_ms() + wait_ms;
	char seconds[24];
	int r;

	for (;;) {
		snprintf(seconds, sizeof(seconds), "%lld",
			 (long long)(left_ms + MS_PER_S - 1) / MS_PER_S);
		put_words(c, seconds, json);
		c->silence_ms = (int)left_ms + ANSWER_MS;
		r = am_client_ask(c);
		left_ms = deadline_ms - now_ms();
		if (!am_client_absent(c, r) || left_ms <= 0)
			return r;
		(void)poll(NULL, 0, left_ms < RETRY_MS ? (int)left_ms : RETRY_MS);
	}
}

int am_cli_status(const struct am_cmd_line *line)
{
	struct am_client c = { .run = line->run, .silence_ms = ANSWER_MS, .stop_fd = -1,
			       .out = line->out, .err = line->err };
	bool json = line->values[AM_STATUS_JSON];
	int seconds = 0, r;

	if (line->values[AM_STATUS_WAIT])
		seconds = parse_seconds(line->values[AM_STATUS_WAIT], line->err);
	if (seconds < 0)
		return AM_EXIT_USAGE;
	if (line->values[AM_STATUS_WAIT]) {
		r = ask_patiently(&c, (int64_t)seconds * MS_PER_S, json);
	} else {
		put_words(&c, NULL, json);
		r = am_client_ask(&c);
	}
	if (r == -EPIPE)	/* nobody wants the answer any more */
		return AM_EXIT_NO;
	return r < 0 ? am_client_failed(&c, r) : r;
}
