// SPDX-License-Identifier: GPL-2.0
#include "policy/annals.h"

#include <string.h>

int am_annals_open(struct am_annals *a, int dirfd, int *ret_history)
{
	*a = (struct am_annals){ .dirfd = dirfd, .history = { .fd = -1 } };
	am_serial_unstage(dirfd);
	*ret_history = am_history_open(&a->history, dirfd);
	return am_serial_load(dirfd, &a->serial);
}

void am_annals_close(struct am_annals *a)
{
	am_history_close(&a->history);
}

bool am_annals_has_bundle(const struct am_annals *a)
{
	return a->serial.policy[0];
}

int am_annals_bundle(const struct am_annals *a, struct am_blob *ret)
{
	return am_archive_read(a->dirfd, a->serial.digest, ret);
}

/* ---- taking over ------------------------------------------------------------ */

static bool is_new(const struct am_annals *a, const struct am_origin *o)
{
	return o->kind == AM_SOURCE_BUNDLE &&
	       (!am_annals_has_bundle(a) ||
		memcmp(a->serial.digest, o->digest, sizeof(o->digest)));
}

static int stage(struct am_annals *a, const struct am_reign *r)
{
	const struct am_origin *o = &r->origin;
	int err;

	if (!is_new(a, o))
		return 0;
	a->next = a->serial;
	am_serial_move(&a->next, r->policy, o->serial, o->digest);
	err = am_serial_stage(&a->next, a->dirfd);
	a->staged = !err;
	return err;
}

int am_annals_prepare(struct am_annals *a, const struct am_reign *r, const void *bytes, size_t len)
{
	int kept = am_archive_keep(a->dirfd, r->origin.digest, bytes, len);
	int err;

	a->staged = false;
	if (kept && r->origin.kind == AM_SOURCE_BUNDLE)
		return kept;
	err = am_history_begin(&a->history, r);
	if (r->origin.kind != AM_SOURCE_BUNDLE)
		return kept ? kept : err;
	if (err)
		return err;
	err = stage(a, r);
	if (err)
		am_history_revert(&a->history);
	return err;
}

void am_annals_revert(struct am_annals *a)
{
	am_history_revert(&a->history);
	if (a->staged)
		am_serial_unstage(a->dirfd);
	a->staged = false;
}

/* ---- what is kept ----------------------------------------------------------- */

struct wanted {
	char digests[AM_ARCHIVE_MAX][AM_DIGEST_TEXT];
	size_t count;
};

static bool is_wanted(void *ctx, const char *digest)
{
	const struct wanted *w = ctx;

	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->digests[i], digest))
			return true;
	return false;
}

static void want(struct wanted *w, const uint8_t digest[AM_DIGEST_BYTES])
{
	char text[AM_DIGEST_TEXT];

	am_digest_format(digest, text);
	if (w->count < AM_ARCHIVE_MAX && !is_wanted(w, text))
		memcpy(w->digests[w->count++], text, sizeof(text));
}

static void prune(const struct am_annals *a)
{
	struct wanted w = { .count = 0 };

	if (am_annals_has_bundle(a))
		want(&w, a->serial.digest);
	for (size_t i = a->history.count; i > 0; i--)
		want(&w, a->history.reigns[i - 1].origin.digest);
	(void)am_archive_prune(a->dirfd, is_wanted, &w); /* the next commit tries again */
}

int am_annals_commit(struct am_annals *a)
{
	int err = 0;

	if (a->staged) {
		/* Transaction point: from here on the next start is with this bundle. */
		err = am_serial_commit(a->dirfd);
		/* It is in force in any case: nothing older may follow it. */
		a->serial = a->next;
		a->staged = false;
	}
	if (!err)
		prune(a);
	return err;
}

/* ---- looking back ----------------------------------------------------------- */

const struct am_reign *am_annals_earlier(const struct am_annals *a, uint64_t serial)
{
	const struct am_reign *best = NULL;

	for (size_t i = a->history.count; i > 0; i--) {
		const struct am_reign *r = &a->history.reigns[i - 1];

		if (r->origin.kind != AM_SOURCE_BUNDLE || strcmp(r->policy, a->serial.policy) ||
		    r->origin.serial >= a->serial.current)
			continue;
		if (serial ? r->origin.serial == serial :
			     !best || r->origin.serial > best->origin.serial)
			best = r;
		if (best && serial)
			break;
	}
	return best;
}
