/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat report exposure`: what an organisation needs for a breach notice, of one store and
 * one period: for a terminal, as JSON, and as one self-contained HTML page.
 *
 * Exit codes: 0 the report is made; 1 nothing was done to the store in that period (what
 * there is to say is said all the same), or the record knows no such store; 2 usage; 3 there
 * is no ledger, or the report cannot be written.
 *
 * JSON: one object. Members are only ever added. Times are UTC, "2026-03-01T10:00:00.000Z";
 * counts and bytes are numbers; identities that may exceed 2^53 are strings.
 *
 *   report       "exposure"; version 1
 *   store, since, until   as asked for; since and until are left out where they were not
 *   summary      what stands at the top of the page
 *   made         { at, host, version, ledger }
 *   verification { answer, code, holds, key ("directory" | "given"), root_key, head, host,
 *                  sealed_from, sealed_to, first_row, last_row, unsealed_rows, remarks [text] }
 *   totals       { accesses, refused, breaches, subjects, files, bytes { at_most, exact, unsized },
 *                  labels, copies, sends_outside, sends_refused, sends_likely, sends_local,
 *                  sends_breaches, sent { at_most, unsized }, sent_likely { … } }
 *                breaches: what went ahead though the policy denies it, as it only observed
 *                bytes: exact is true only where nothing was read; files whose size nobody
 *                told are `unsized` and not in at_most
 *                sent, sent_likely: handed to the calls of sends_outside, and of sends_likely; a
 *                call may have sent less. `unsized`: sends that may have sent more than that, as
 *                nobody said how much. Nothing can have sent more of the store than its sender
 *                had read, but the same may have been sent several times
 *   who          [{ user, uid, login, login_uid, unit, exe, processes, reads, writes, refused,
 *                   breaches, files, copies_read, sends, sends_refused, sends_breaches, bytes, first,
 *                   last }]
 *   files        [{ path, ino, bytes, sized, reads, writes, refused, readers }]
 *   destinations [{ to, zones, leaves_host, sends, likely, refused, breaches, processes,
 *                   further, bytes, sent, sent_likely, first, last }]
 *                bytes: that the senders had read; sent: as of totals, to this one
 *   copies       [{ path, ino, since, bytes, sized, by { pid, start_ns, user, exe }, readers }]
 *   findings     [{ what, user, uid, login_uid, exe, dest, reason, why, blocked, count, path,
 *                   first, last, id }]
 *   policies     [{ generation, name, in_force, events, first, last, mark }]
 *   gaps         [{ reason, count, since, until }]        count 0: nobody knows
 *   notes        [{ what, count, why, at }]               the record about itself
 *   timeline     { from, to, allowed [n], refused [n] }   buckets of one length
 *   lineage      { processes [{ pid, start_ns, ppid, comm, user, exe, held (read | copy | parent |
 *                  unknown), from, since }], files [{ path, inside, held }], destinations [text],
 *                  edges [{ from, to, kind (read | copy | write | send), store, known, count,
 *                  refused, first, last }] }
 *                ends are "process:N", "file:N", "dest:N", by place in these lists; `inside` and
 *                `store`: of the store; `held`: holds its data; `known`: of a send, the process
 *                is known to hold its data
 *   unknown      [text]    what this report cannot know, each a sentence
 *   left_out     rows that found no room in the report's tables, 0 as a rule */
#pragma once

#include "cli/cmd.h"
#include "ledger/verify.h"
#include "query/exposure.h"

#define AM_WORDS_REPORT \
	"exposure --store S [--since T] [--until T] [--ledger DIR] [--key FILE] [--json | --html FILE]"

int am_cli_report(const struct am_cmd_line *line);

/* ---- between the parts of the report -------------------------------------------------- */

enum { AM_REPORT_TIME = 32, AM_REPORT_BYTES = 96, AM_REPORT_COUNT = 32 };

struct am_report {
	const struct am_exposure *x;	/* borrowed, as all */
	const struct am_audit *audit;
	const char *dir;
	char root_key[2 * AM_HASH_LEN + 1];	/* of the chain; empty: there is none */
	char host[65];
	int64_t made_ns;
};

void am_report_time(int64_t ns, char ret[AM_REPORT_TIME]);	/* 2026-03-01 10:00:00Z; "" for 0 */

/* "at most 3.4 MB", "at most 3.4 MB and 2 files of unknown size", "nothing". */
void am_report_bytes(uint64_t bytes, uint64_t unsized, uint64_t files, char ret[AM_REPORT_BYTES]);

/* The same of what was handed to so many sends: "at most 3.4 MB, and 2 sends of unknown size". */
void am_report_handed(const struct am_handed *h, uint64_t sends, char ret[AM_REPORT_BYTES]);

/* "1,234,567" */
void am_report_count(uint64_t n, char ret[AM_REPORT_COUNT]);

/* "4 s", "3 min", "2 h 5 min" */
void am_report_span(int64_t ns, char ret[AM_REPORT_TIME]);

/* Few short sentences for people who decide: who, how much, where to, what isn't known. Owned by the
 * caller; NULL for lack of memory. Names in it are as they are: to be escaped. */
char *am_report_summary(const struct am_report *r);

/* The sentences of what this report cannot know, one call each; names likewise. */
void am_report_unknown(const struct am_report *r, void (*tell)(void *ctx, const char *sentence),
		       void *ctx);

/* Items of a tally, the most important first; owned, NULL for lack of memory. */
const void **am_report_order(const struct am_tally *t, bool (*wanted)(const void *item),
			     int (*compare)(const void *a, const void *b), size_t *ret_n);

/* "acme", or the number; may lie in `buf`. */
const char *am_report_user(const struct am_exposure *x, const struct am_lineage_subject *s,
			   char buf[16]);

extern const struct am_report_lists {
	bool (*readers)(const void *subject);
	int (*by_bytes)(const void *a, const void *b);
	bool (*inside)(const void *file);
	bool (*copies)(const void *file);
	int (*by_readers)(const void *a, const void *b);
	int (*by_sends)(const void *a, const void *b);
	int (*by_count)(const void *a, const void *b);
	int (*by_generation)(const void *a, const void *b);
} am_report_lists;

/* Each 0 or -errno of the stream. */
int am_report_text(const struct am_report *r, FILE *out);
int am_report_json(const struct am_report *r, FILE *out);
int am_report_html(const struct am_report *r, FILE *out);

/* Pictures of the page, as SVG. */
void am_report_timeline(const struct am_report *r, FILE *out);
int am_report_lineage(const struct am_report *r, FILE *out);

/* Text that somebody else chose, for HTML and SVG: nothing in it is markup, moves or reorders
 * anything. `max`: letters; 0 for all. With more, the end is kept. */
void am_report_escape(FILE *out, const char *text, size_t max);
