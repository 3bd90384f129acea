// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a record of the ring: decoding must not read or write out of bounds,
 * and what decodes must come out as one line of harmless text and one of JSON.
 *
 * Most bytes fail the first checks, so each input is also tried with a head that
 * passes them; the fields behind it, the spans and the strings stay as they are. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/format.h"
#include "event/groups.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One line feed, at the end, and otherwise nothing but shown characters. */
static void check_line(const char *line, size_t len)
{
	uint32_t c;
	size_t n;

	assert(len > 1 && line[len - 1] == '\n');
	for (len--; len; line += n, len -= n) {
		n = am_text_char(line, len, &c);
		assert(n && !am_text_is_control(c));
	}
}

static void check_format(int (*format)(FILE *, const struct am_decoded *,
				       const struct am_event_names *),
			 const struct am_decoded *e, const struct am_event_names *n)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	assert(out);
	assert(format(out, e, n) == 0);
	assert(fclose(out) == 0);
	check_line(line, len);
	free(line);
}

static const char *odd_name(void *ctx, uint32_t gid)
{
	return gid % 3 ? ctx : NULL;
}

/* What is written can be read, each group once; a name that cannot be told becomes a number. */
static void check_groups(const struct am_decoded *e)
{
	char text[AM_GROUPS_TEXT];
	struct am_group group;
	const char *at = text;
	unsigned n = 0;

	(void)am_groups_text(e, odd_name, (void *)e->path, text);
	assert(strlen(text) < sizeof(text));
	while (am_groups_next(&at, &group))
		n++;
	assert(!*at && n >= 1 && n <= e->n_groups + 1);
}

/* Each began no later than the one before, which is somebody else; their names end. */
static void check_ancestors(const struct am_decoded *e)
{
	uint64_t start_ns = e->raw.start_ns;
	uint32_t tgid = e->raw.tgid;
	unsigned i;

	assert(e->n_ancestors <= AM_ANCESTORS);
	for (i = 0; i < e->n_ancestors; i++) {
		const struct am_ancestor *a = &e->ancestors[i];

		assert(a->tgid && a->tgid != tgid && a->start_ns <= start_ns);
		assert(strnlen(a->comm, sizeof(a->comm)) < sizeof(a->comm));
		tgid = a->tgid;
		start_ns = a->start_ns;
	}
}

static int plain_text(FILE *out, const struct am_decoded *e, const struct am_event_names *n)
{
	return am_event_text(out, e, n, false);
}

static void try(const uint8_t *data, size_t size)
{
	struct am_decoded e;
	struct am_event_names n = { 0 };

	if (am_event_decode(data, size, &e) < 0)
		return;
	assert(memcmp(&e.raw, data, sizeof(e.raw)) == 0);
	assert(strlen(e.path) < sizeof(e.path) && strlen(e.exe) < sizeof(e.exe) &&
	       strlen(e.script) < sizeof(e.script) && e.n_groups <= AM_GROUPS_MAX);
	check_groups(&e);
	check_ancestors(&e);
	n.wall_ns = (int64_t)e.raw.ino;
	check_format(plain_text, &e, &n);
	check_format(am_event_json, &e, &n);
	n.store = n.labels = e.exe;
	n.within = n.user = n.unit = n.why = n.policy = n.cgroup = e.path;
	n.purpose = n.groups = e.script;
	check_format(plain_text, &e, &n);
	check_format(am_event_json, &e, &n);
}

static unsigned wrapped(unsigned value, unsigned max)
{
	return value % (max - 1) + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct am_event *e;
	uint8_t *copy;

	try(data, size);
	if (size < sizeof(*e))
		return 0;
	copy = malloc(size);
	assert(copy);
	memcpy(copy, data, size);
	e = (struct am_event *)copy;
	e->size = (uint32_t)size;
	e->abi = AM_ABI_VERSION;
	e->kind = (uint16_t)wrapped(e->kind, AM_EVENT_MAX_);
	e->verdict = (uint8_t)wrapped(e->verdict, AM_VERDICT_MAX_);
	e->reason %= AM_REASON_MAX_;
	e->op %= AM_OP_MAX_;
	e->act = (uint8_t)wrapped(e->act, AM_ACT_MAX_);
	e->purpose %= AM_PURPOSES_MAX;
	e->zones.count %= AM_ZONE_HITS + 1;
	e->comm[AM_COMM_LEN - 1] = '\0';
	copy[size - 1] = '\0';
	try(copy, size);
	/* And with all that follows the head as one path. */
	if (size - sizeof(*e) <= AM_PATH_LEN) {
		e->path = (struct am_span){ sizeof(*e), (uint16_t)(size - sizeof(*e)) };
		e->exe = e->path;
		try(copy, size);
	}
	/* Or as ancestors. */
	if (size - sizeof(*e) <= AM_ANCESTORS * sizeof(struct am_ancestor)) {
		size_t n = (size - sizeof(*e)) / sizeof(struct am_ancestor);

		e->script = e->exe = e->path = e->groups = (struct am_span){ 0 };
		e->ancestors = (struct am_span){ sizeof(*e), (uint16_t)(n * sizeof(struct am_ancestor)) };
		try(copy, size);
	}
	/* Or as groups, and a script. */
	if (size - sizeof(*e) <= AM_GROUPS_MAX * sizeof(uint32_t)) {
		e->script = e->exe = e->path = e->groups = (struct am_span){ 0 };
		e->script = (struct am_span){ sizeof(*e), (uint16_t)(size - sizeof(*e)) };
		e->groups = (struct am_span){ sizeof(*e), (uint16_t)((size - sizeof(*e)) & ~3UL) };
		try(copy, size);
	}
	/* Or as a process that begins. */
	e->kind = AM_EVENT_PROCESS;
	e->act = e->act % 2 ? AM_ACT_FORK : AM_ACT_EXEC;
	e->verdict = e->op = 0;
	e->flags &= ~(uint32_t)AM_EVENT_BLOCKED;
	try(copy, size);
	free(copy);
	return 0;
}
