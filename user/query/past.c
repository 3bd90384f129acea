// SPDX-License-Identifier: GPL-2.0
#include "query/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/archive.h"
#include "policy/history.h"

/* A text that was looked for, and what came of it. */
struct text {
	uint8_t digest[AM_DIGEST_BYTES];
	struct am_model *model;	/* owned; NULL: there is none */
};

struct am_past {
	int dirfd;		/* borrowed */
	struct am_history history;
	struct text *texts;	/* owned */
	size_t n_texts;
};

int am_past_open(int dirfd, struct am_past **ret)
{
	am_auto(am_past) struct am_past *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->dirfd = dirfd;
	p->history.fd = -1;
	err = am_history_read(&p->history, dirfd);
	if (err)
		return err;
	*ret = AM_TAKE_PTR(p);
	return 0;
}

void am_past_free(struct am_past *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_texts; i++)
		am_model_free(p->texts[i].model);
	free(p->texts);
	am_history_close(&p->history);
	free(p);
}

/* It was a policy when it was kept; what another version refuses now is as good as gone. */
static struct am_model *read_model(const struct am_past *p, const uint8_t digest[AM_DIGEST_BYTES])
{
	am_autoblob struct am_blob blob = { 0 };
	struct am_model *model = NULL;
	struct am_diags diags;
	size_t skip;

	if (am_archive_read(p->dirfd, digest, &blob) < 0)
		return NULL;
	skip = am_archive_text(&blob);
	am_diags_init(&diags);
	if (am_model_parse("a policy of the past", blob.bytes + skip, blob.len - skip, &diags,
			   &model) < 0)
		model = NULL;
	am_diags_done(&diags);
	return model;
}

const struct am_model *am_past_model(struct am_past *p, uint32_t generation)
{
	const struct am_reign *reign = am_history_find(&p->history, generation);
	struct text text = { .model = NULL };

	if (!reign)
		return NULL;
	for (size_t i = 0; i < p->n_texts; i++)
		if (!memcmp(p->texts[i].digest, reign->origin.digest, AM_DIGEST_BYTES))
			return p->texts[i].model;
	memcpy(text.digest, reign->origin.digest, AM_DIGEST_BYTES);
	text.model = read_model(p, text.digest);
	if (AM_APPEND(p->texts, p->n_texts, text)) {
		am_model_free(text.model);
		return NULL;
	}
	return text.model;
}
