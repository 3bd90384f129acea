/* SPDX-License-Identifier: GPL-2.0 */
/* Events on their way into the ledger, with the names that they have now. The ledger may
 * be out of order (a full or failed disk): then the agent goes on, what is not recorded
 * is counted, becomes a gap as soon as there is a ledger again, and `amanat status`
 * says so. A new try is made now and then. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "ledger/writer.h"

struct am_decoded;
struct am_event_names;
struct am_force;
struct am_keeping;
struct am_notice;
struct am_recorder;

/* Opens the ledger in `dir` (NULL: `ledger` in the directory `state`); if it cannot, says so
 * in one line and tries again later. `keeping` is borrowed for good. 0; -ENOMEM. *ret is
 * owned. */
int am_recorder_new(const char *dir, const char *state, const struct am_keeping *keeping,
		    struct am_recorder **ret);

/* What an event is called; the model names zones, or is NULL. Never waits. The row that it
 * is in the ledger, also if there is none, borrowed as the names are and until the next. */
const struct am_row *am_recorder_take(struct am_recorder *r, const struct am_decoded *e,
		      const struct am_event_names *names, const struct am_force *force);

/* Whether the next `rows` events would find no room: better to leave them in the kernel's
 * ring for some milliseconds. False if there is no ledger: they are lost to it anyway. */
bool am_recorder_is_busy(struct am_recorder *r, unsigned rows);

/* Whether what happens now will find a place. False already while a disk gets full, so that
 * what is on its way does. */
bool am_recorder_records(struct am_recorder *r);

/* Events are missing. */
void am_recorder_lost(struct am_recorder *r, enum am_gap reason, uint64_t count);

/* The kernel left out so many runs of hooks. Nobody knows whether there would have been events. */
void am_recorder_skipped(struct am_recorder *r, uint64_t runs);

/* A policy came into force. */
void am_recorder_policy(struct am_recorder *r, const struct am_force *force);

/* What the agent has noticed itself. */
void am_recorder_notice(struct am_recorder *r, const struct am_notice *n);

/* Somebody asks for the ledger. All borrowed. */
struct am_reader {
	uint32_t pid, uid, login;	/* login: ~0 if not known */
	const char *user, *login_user;	/* NULL: not known */
	const char *words;		/* what he asks */
};

/* Takes note of it, so that he may be given it: 0; -errno if it cannot be recorded. */
int am_recorder_read(struct am_recorder *r, const struct am_reader *reader);

/* Opens again what failed. To be called now and then. */
void am_recorder_tick(struct am_recorder *r, int64_t now_ms);

struct am_recorder_state {
	const char *path;	/* borrowed */
	bool open;
	bool records;		/* as am_recorder_records() */
	int error;		/* -errno, why it is not recording; 0 */
	uint64_t lost;		/* events that are in no ledger */
	struct am_writer_stats ledger;	/* of the writer that is open */
};

void am_recorder_state(struct am_recorder *r, struct am_recorder_state *ret);

/* Seals and closes. NULL is fine. */
void am_recorder_free(struct am_recorder *r);
AM_DEFINE_AUTO(am_recorder);
