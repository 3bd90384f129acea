// SPDX-License-Identifier: GPL-2.0
#include "ledger/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/bytes.h"
#include "ledger/file.h"

enum { WINDOW = 1 << 20, FRAME_LEAST = 8, SECTOR = 512 };

/* A part of the file in memory. */
struct window {
	int fd;
	uint64_t size;		/* of the file */
	uint8_t *bytes;		/* owned */
	size_t room;
	uint64_t at;
	size_t len;
};

static void window_done(struct window *w)
{
	free(w->bytes);
}

/* Bytes at..at+len, which the file has. 0 or -errno. */
static int look(struct window *w, uint64_t at, size_t len, const uint8_t **ret)
{
	size_t want = len > WINDOW ? len : WINDOW;
	int r;

	if (at < w->at || at + len > w->at + w->len) {
		if (want > w->size - at)
			want = w->size - at;
		if (want > w->room) {
			free(w->bytes);
			w->bytes = malloc(want);
			w->room = w->bytes ? want : 0;
			if (!w->bytes)
				return -ENOMEM;
		}
		w->len = 0;
		r = am_read_at(w->fd, w->bytes, want, (off_t)at);
		if (r < 0)
			return r;
		w->at = at;
		w->len = want;
	}
	*ret = w->bytes + (at - w->at);
	return 0;
}

static void found(struct am_walk *w, enum am_fault fault)
{
	w->fault = fault;
	w->fault_at = w->good;
}

static enum am_fault out_of_order(uint64_t is, uint64_t wanted)
{
	if (is == wanted)
		return AM_FAULT_ALTERED;
	return is > wanted ? AM_FAULT_MISSING : AM_FAULT_REPEATED;
}

/* ---- beyond what holds ------------------------------------------------------------- */

/* Whether here is a seal that shows that the frame at hand was sealed: the one that is due,
 * signed with its key, wherever it is now; or another one, which nobody writes before the
 * one that is due is on disk. */
static bool proves_more(const struct am_walk *w, const uint8_t *p)
{
	struct am_ledger_seal seal;

	if (am_ledger_seal_read(p, &seal) < 0)
		return false;
	return seal.number != w->next_seal || am_ledger_seal_is_signed(p, w->next_key);
}

/* 1 if there is such a seal behind `at`, 0, or -errno. */
static int find_proof(const struct am_walk *w, struct window *win, uint64_t at)
{
	const uint8_t *p, *hit;
	int r;

	while (at + AM_SEAL_LEN <= win->size) {
		size_t len = win->size - at > WINDOW ? WINDOW : win->size - at;

		r = look(win, at, len, &p);
		if (r < 0)
			return r;
		hit = memmem(p, len, "AMSL", 4);
		if (!hit) {
			at += len - 3;
			continue;
		}
		at += (uint64_t)(hit - p);
		if (at + AM_SEAL_LEN > win->size)
			break;
		r = look(win, at, AM_SEAL_LEN, &p);
		if (r < 0)
			return r;
		if (proves_more(w, p))
			return 1;
		at++;
	}
	return 0;
}

/* A frame that does not hold: `fault`, if it must have been sealed, else a torn tail. */
static int judge(struct am_walk *w, struct window *win, enum am_fault fault)
{
	int r = find_proof(w, win, w->good);

	if (r >= 0)
		found(w, r ? fault : AM_FAULT_TORN);
	return r < 0 ? r : 0;
}

/* ---- frames ------------------------------------------------------------------------- */

static int take_block(struct am_walk *w, struct window *win, const struct am_walk_calls *calls,
		      const uint8_t *frame, size_t size)
{
	struct am_block_head head;
	uint8_t h[AM_HASH_LEN];

	if (am_block_head(frame, &head) < 0)
		return judge(w, win, AM_FAULT_ALTERED);
	memcpy(h, w->h, sizeof(h));
	am_chain_step(h, frame, size - AM_HASH_LEN);
	if (memcmp(h, frame + size - AM_HASH_LEN, AM_HASH_LEN) != 0 || head.first_row != w->next_row)
		return judge(w, win, out_of_order(head.first_row, w->next_row));
	if (calls->block) {
		int r = calls->block(calls->ctx, &head, frame, w->good);

		if (r)
			return r;
	}
	memcpy(w->h, h, sizeof(h));
	w->good += size;
	w->next_row += head.rows;
	w->blocks++;
	return 0;
}

/* Whether the seal lies across two sectors of a disk and the second was never written. */
static bool ends_in_hole(const struct am_walk *w, const uint8_t *frame)
{
	static const uint8_t zeros[AM_SEAL_LEN];
	uint64_t before = SECTOR - w->good % SECTOR;

	return before < AM_SEAL_LEN && !memcmp(frame + before, zeros, AM_SEAL_LEN - before);
}

/* A seal that is there and does not hold was not torn: it is shorter than what a disk
 * writes in one go. */
static int take_seal(struct am_walk *w, struct window *win, const struct am_walk_calls *calls,
		     const uint8_t *frame)
{
	struct am_ledger_seal seal;
	uint8_t h[AM_HASH_LEN];

	if (am_ledger_seal_read(frame, &seal) < 0) {
		found(w, AM_FAULT_ALTERED);
		return 0;
	}
	memcpy(h, w->h, sizeof(h));
	am_chain_step(h, frame, AM_SEAL_LEN - AM_HASH_LEN - AM_SIG_LEN);
	if (memcmp(h, seal.h, AM_HASH_LEN) != 0 || seal.number != w->next_seal ||
	    seal.next_row != w->next_row || !am_ledger_seal_is_signed(frame, w->next_key)) {
		if (ends_in_hole(w, frame))
			return judge(w, win, AM_FAULT_ALTERED);
		found(w, seal.number == w->next_seal ? out_of_order(seal.next_row, w->next_row) :
						       out_of_order(seal.number, w->next_seal));
		return 0;
	}
	if (calls->seal) {
		int r = calls->seal(calls->ctx, &seal, w->good);

		if (r)
			return r;
	}
	memcpy(w->h, h, sizeof(h));
	memcpy(w->next_key, seal.next_key, AM_HASH_LEN);
	w->good += AM_SEAL_LEN;
	w->sealed = w->good;
	w->sealed_row = w->next_row;
	w->next_seal++;
	if (!w->seals++)
		w->first = seal;
	w->last = seal;
	return 0;
}

/* A frame begins with neither name. What a disk did not write is zeros, from the start or
 * from a sector on; other bytes somebody wrote. */
static int take_nonsense(struct am_walk *w, struct window *win, const uint8_t *p)
{
	static const uint8_t zeros[FRAME_LEAST];

	if (memcmp(p, zeros, FRAME_LEAST) != 0 && w->good % SECTOR <= SECTOR - FRAME_LEAST) {
		found(w, AM_FAULT_ALTERED);
		return 0;
	}
	return judge(w, win, AM_FAULT_ALTERED);
}

static int take_frame(struct am_walk *w, struct window *win, const struct am_walk_calls *calls)
{
	uint64_t left = win->size - w->good;
	const uint8_t *p;
	bool is_seal;
	uint32_t size;
	int r;

	if (left < FRAME_LEAST) {
		found(w, AM_FAULT_TORN);
		return 0;
	}
	r = look(win, w->good, FRAME_LEAST, &p);
	if (r < 0)
		return r;
	size = am_get32(p + 4);
	is_seal = !memcmp(p, "AMSL", 4) && size == AM_SEAL_LEN;
	if (!is_seal && (memcmp(p, "AMBK", 4) != 0 || size > AM_LEDGER_FRAME_MAX ||
			 size < AM_BLOCK_HEAD_LEN + AM_HASH_LEN))
		return take_nonsense(w, win, p);
	if (size > left)
		return judge(w, win, AM_FAULT_ALTERED);
	r = look(win, w->good, size, &p);
	if (r < 0)
		return r;
	return is_seal ? take_seal(w, win, calls, p) : take_block(w, win, calls, p, size);
}

static int take_header(struct am_walk *w, struct window *win)
{
	const uint8_t *p;
	int r;

	if (win->size < AM_HEADER_LEN) {
		found(w, AM_FAULT_HEADER);
		return 0;
	}
	r = look(win, 0, AM_HEADER_LEN, &p);
	if (r < 0)
		return r;
	if (am_header_read(p, &w->header) < 0) {
		found(w, AM_FAULT_HEADER);
		return 0;
	}
	memcpy(w->bytes, p, AM_HEADER_LEN);
	memcpy(w->h, w->header.h, AM_HASH_LEN);
	memcpy(w->next_key, w->header.seal_key, AM_HASH_LEN);
	w->next_row = w->sealed_row = w->header.first_row;
	w->next_seal = w->header.first_seal;
	w->good = w->sealed = AM_HEADER_LEN;
	return 0;
}

int am_walk(int fd, const struct am_walk_calls *calls, struct am_walk *ret)
{
	__attribute__((cleanup(window_done))) struct window win = { .fd = fd };
	static const struct am_walk_calls none;
	struct am_walk w = { 0 };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	w.size = win.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	r = take_header(&w, &win);
	while (!r && !w.fault && w.good < w.size)
		r = take_frame(&w, &win, calls ? calls : &none);
	if (!r)
		*ret = w;
	return r;
}

bool am_walk_is_closed(const struct am_walk *w)
{
	return w->seals && w->good == w->sealed && w->last.flags & AM_SEAL_CLOSES;
}
