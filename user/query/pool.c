// SPDX-License-Identifier: GPL-2.0
#include "query/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void am_pool_done(struct am_pool *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->texts[i]);
	free(p->texts);
	free(p->slots);
	*p = (struct am_pool){ 0 };
}

/* FNV-1a. */
static size_t hash_of(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	return h ^ h >> 32;
}

static uint32_t *slot_of(const struct am_pool *p, const char *text)
{
	size_t at = hash_of(text) & (p->n_slots - 1);

	while (p->slots[at] && strcmp(p->texts[p->slots[at] - 1], text) != 0)
		at = (at + 1) & (p->n_slots - 1);
	return &p->slots[at];
}

static int make_room(struct am_pool *p)
{
	size_t n = p->n_slots ? p->n_slots * 2 : 256, i;
	uint32_t *slots;

	if (p->n * 2 < p->n_slots)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(p->slots);
	p->slots = slots;
	p->n_slots = n;
	for (i = 0; i < p->n; i++)
		*slot_of(p, p->texts[i]) = (uint32_t)i + 1;
	return 0;
}

static int keep(struct am_pool *p, uint32_t *slot, const char *text)
{
	char *copy = strdup(text);

	if (!copy || AM_APPEND(p->texts, p->n, copy) < 0) {
		free(copy);
		return -ENOMEM;
	}
	p->bytes += strlen(text) + 1;
	*slot = (uint32_t)p->n;
	return 0;
}

int am_pool_add(struct am_pool *p, const char *text, uint32_t *ret)
{
	uint32_t *slot;
	int r;

	if (!p->n && text && *text) {	/* so that 0 is "" */
		r = am_pool_add(p, "", ret);
		if (r < 0)
			return r;
	}
	text = text ? text : "";
	r = make_room(p);
	if (r < 0)
		return r;
	slot = slot_of(p, text);
	if (!*slot && (p->n == AM_POOL_TEXTS_MAX || p->bytes > AM_POOL_BYTES_MAX)) {
		p->left_out++;
		*ret = 0;
		return 0;
	}
	if (!*slot)
		r = keep(p, slot, text);
	if (!r)
		*ret = *slot - 1;
	return r;
}

const char *am_pool_text(const struct am_pool *p, uint32_t number)
{
	return number < p->n ? p->texts[number] : "";
}
