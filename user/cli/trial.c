/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/trial.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
	FENCES_MAX = 4096,
	TECHNIQUES_MAX = 1024,
	FIELDS = 13,
	NAME_MAX_ = 48,

	/* What was told between two fences. */
	TOLD_DENY = 1,
	TOLD_SEND = 2,	/* a refusal to send */
	TOLD_SPILL = 4,
	TOLD_CODE = 8,	/* what others would have had a program run */
};

struct run {
	unsigned fence;		/* 0: there was none */
	bool got, wire;
};

struct technique {
	char family[NAME_MAX_], name[NAME_MAX_], goal[NAME_MAX_];
	struct run runs[2][2];	/* [with the agent][by who may] */
};

struct known {
	char *key, *reason;	/* owned */
};

struct am_trials {
	struct technique *items;
	size_t count;
	struct known *known;
	size_t known_count;
	unsigned char told[FENCES_MAX];
	unsigned char since;	/* told since the last fence */
	unsigned last_run, last_heard;
};

static const char *const outcome_words[AM_OUTCOME_MAX_] = {
	[AM_OUTCOME_ABSENT] = "absent",
	[AM_OUTCOME_BLOCKED] = "blocked",
	[AM_OUTCOME_DETECTED] = "detected",
	[AM_OUTCOME_OPEN] = "open",
};

const char *am_outcome_name(enum am_outcome outcome)
{
	return outcome > 0 && outcome < AM_OUTCOME_MAX_ ? outcome_words[outcome] : "?";
}

struct am_trials *am_trials_new(void)
{
	return calloc(1, sizeof(struct am_trials));
}

void am_trials_free(struct am_trials *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->known_count; i++) {
		free(t->known[i].key);
		free(t->known[i].reason);
	}
	free(t->known);
	free(t->items);
	free(t);
}

/* Cuts a copy of the line at its tabs. */
static size_t split(char *line, char **fields)
{
	size_t n = 0;

	while (n < FIELDS) {
		fields[n++] = line;
		line = strchr(line, '\t');
		if (!line)
			break;
		*line++ = 0;
	}
	return n;
}

static int number(const char *text, unsigned max, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > max)
		return -EBADMSG;
	*ret = n;
	return 0;
}

static struct technique *find(struct am_trials *t, const char *family, const char *name)
{
	size_t i = t->count;

	while (i--)
		if (!strcmp(t->items[i].family, family) && !strcmp(t->items[i].name, name))
			return &t->items[i];
	return NULL;
}

static int find_or_add(struct am_trials *t, char **fields, struct technique **ret)
{
	struct technique new = {};
	int r;

	*ret = find(t, fields[1], fields[2]);
	if (*ret)
		return 0;
	if (t->count == TECHNIQUES_MAX)
		return -E2BIG;
	if (strlen(fields[1]) >= NAME_MAX_ || strlen(fields[2]) >= NAME_MAX_ ||
	    strlen(fields[3]) >= NAME_MAX_)
		return -EBADMSG;
	strcpy(new.family, fields[1]);
	strcpy(new.name, fields[2]);
	strcpy(new.goal, fields[3]);
	r = AM_APPEND(t->items, t->count, new);
	if (r < 0)
		return r;
	*ret = &t->items[t->count - 1];
	return 0;
}

int am_trials_run(struct am_trials *t, const char *line)
{
	am_autofree char *copy = strdup(line);
	unsigned phase, fence, got, wire;
	struct technique *at;
	char *fields[FIELDS];
	int r;

	if (!copy)
		return -ENOMEM;
	if (split(copy, fields) != FIELDS || number(fields[0], 2, &phase) < 0 || !phase ||
	    number(fields[5], FENCES_MAX - 1, &fence) < 0 || number(fields[8], 1, &got) < 0 ||
	    number(fields[9], 1, &wire) < 0)
		return -EBADMSG;
	r = find_or_add(t, fields, &at);
	if (r < 0)
		return r;
	at->runs[phase - 1][!strcmp(fields[4], "control")] =
		(struct run){ .fence = fence, .got = got, .wire = wire };
	t->last_run = fence;
	return 0;
}

/* Values hold no bare quotes, so what is found is the member and nothing else. */
static unsigned char told_by(const char *json)
{
	unsigned char told = 0;

	if (strstr(json, "\"kind\":\"spill\""))
		told |= TOLD_SPILL;
	if (strstr(json, "\"kind\":\"foreign\""))
		told |= TOLD_CODE;
	if (strstr(json, "\"verdict\":\"deny\"")) {
		told |= TOLD_DENY;
		if (strstr(json, "\"op\":\"send\""))
			told |= TOLD_SEND;
	}
	return told;
}

void am_trials_event(struct am_trials *t, const char *json)
{
	static const char fence[] = "\"name\":\"fence-";
	const char *at = strstr(json, fence);
	unsigned long n;

	if (!at) {
		t->since |= told_by(json);
		return;
	}
	n = strtoul(at + sizeof(fence) - 1, NULL, 10);
	if (n < FENCES_MAX) {
		t->told[n] |= t->since;
		t->last_heard = n;
	}
	t->since = 0;
}

void am_trials_rewind(struct am_trials *t)
{
	t->since = 0;
	t->last_heard = 0;
}

bool am_trials_complete(const struct am_trials *t)
{
	return t->last_heard >= t->last_run;
}

/* Whether `here` is among the patterns, which are separated by commas. */
static bool is_here(char *patterns, const char *here)
{
	char *rest = NULL, *one;

	for (one = strtok_r(patterns, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
		if (!fnmatch(one, here, 0))
			return true;
	return false;
}

int am_trials_known(struct am_trials *t, const char *line, const char *here)
{
	am_autofree char *copy = strdup(line);
	struct known new;
	char *key, *where, *reason, *rest = NULL;
	int r;

	if (!copy)
		return -ENOMEM;
	key = strtok_r(copy, " \t", &rest);
	if (!key || *key == '#')
		return 0;
	where = strtok_r(NULL, " \t", &rest);
	reason = strtok_r(NULL, "", &rest);
	if (!where || !reason)
		return -EBADMSG;
	if (!is_here(where, here))
		return 0;
	new = (struct known){ .key = strdup(key), .reason = strdup(reason + strspn(reason, " \t")) };
	r = new.key && new.reason ? AM_APPEND(t->known, t->known_count, new) : -ENOMEM;
	if (r < 0) {
		free(new.key);
		free(new.reason);
	}
	return r;
}

/* `of` is what comes before the key in the list: "", or "control:" of who may. */
static const char *reason_of(const struct am_trials *t, const char *of, const struct technique *at)
{
	char key[2 * NAME_MAX_ + 16];
	size_t i;

	snprintf(key, sizeof(key), "%s%s/%s", of, at->family, at->name);
	for (i = 0; i < t->known_count; i++)
		if (!fnmatch(t->known[i].key, key, 0))
			return t->known[i].reason;
	return NULL;
}

static enum am_outcome judge(const struct am_trials *t, const struct technique *at)
{
	const struct run *bare = &at->runs[0][0], *run = &at->runs[1][0];
	unsigned char told = t->told[run->fence];
	bool sends = !strcmp(at->goal, "get") || !strcmp(at->goal, "pass");

	if (!bare->fence || !bare->got || !run->fence)
		return AM_OUTCOME_ABSENT;
	if (!run->got)
		return told ? AM_OUTCOME_BLOCKED : AM_OUTCOME_OPEN;
	/* Refusals on the way to success are no detection; a refusal to send on is. What has left
	 * the host has left it, whatever was told. */
	if (sends && !run->wire && told & (TOLD_SPILL | TOLD_SEND))
		return AM_OUTCOME_DETECTED;
	return AM_OUTCOME_OPEN;
}

size_t am_trials_count(const struct am_trials *t)
{
	return t->count;
}

struct am_trial am_trials_at(const struct am_trials *t, size_t index)
{
	const struct technique *at = &t->items[index];
	struct am_trial ret = {
		.family = at->family,
		.name = at->name,
		.outcome = judge(t, at),
	};

	ret.harmed = ret.outcome != AM_OUTCOME_ABSENT && at->runs[0][1].got && at->runs[1][1].fence &&
		     !at->runs[1][1].got;
	if (ret.outcome == AM_OUTCOME_OPEN)
		ret.why_open = reason_of(t, "", at);
	if (ret.harmed)
		ret.why_harmed = reason_of(t, "control:", at);
	return ret;
}
