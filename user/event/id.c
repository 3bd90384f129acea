// SPDX-License-Identifier: GPL-2.0
#include "event/id.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

void am_event_id_of(const struct am_event *e, uint32_t run, struct am_event_id *ret)
{
	*ret = (struct am_event_id){
		.run = run,
		.urgent = e->flags & AM_EVENT_URGENT,
		.cpu = e->cpu,
		.seq = e->seq,
	};
}

void am_event_id_format(const struct am_event_id *id, char text[AM_EVENT_ID_TEXT])
{
	snprintf(text, AM_EVENT_ID_TEXT, "%" PRIu32 "-%c%" PRIu32 "-%" PRIu64, id->run,
		 id->urgent ? 'u' : 'b', id->cpu, id->seq);
}

/* Up to `max`, advancing *text. */
static int take_number(const char **text, uint64_t max, uint64_t *ret)
{
	const char *s = *text;
	uint64_t n = 0;

	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned digit = *s - '0';

		if (n > (max - digit) / 10)
			return -EINVAL;
		n = n * 10 + digit;
	}
	*text = s;
	*ret = n;
	return 0;
}

int am_event_id_parse(const char *text, struct am_event_id *ret)
{
	struct am_event_id id = { 0 };
	uint64_t run, cpu, seq;

	if (take_number(&text, UINT32_MAX, &run) || !run || *text++ != '-')
		return -EINVAL;
	if (*text != 'u' && *text != 'b')
		return -EINVAL;
	id.urgent = *text++ == 'u';
	if (take_number(&text, UINT32_MAX, &cpu) || *text++ != '-')
		return -EINVAL;
	if (take_number(&text, UINT64_MAX, &seq) || !seq || *text)
		return -EINVAL;
	id.run = run;
	id.cpu = cpu;
	id.seq = seq;
	*ret = id;
	return 0;
}
