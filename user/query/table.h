/* SPDX-License-Identifier: GPL-2.0 */
/* A ledger as a table of SQLite, `events`: one row per event, gap or mark, in the order in
 * which they were recorded. Its columns are the fields (query/field.h), and beside them
 *
 *     time_ns     of `time`: nanoseconds of the epoch
 *     uid, login_uid      the numbers of `user` and `login`
 *
 * Texts are TEXT, numbers and flags (1, 0) INTEGER, what a row does not have is NULL. What is
 * asked of time, time_ns, store, user, uid, exe, unit, path, pid, kind, verdict and op is
 * passed on to the ledger, which reads only blocks that can have it. */
#pragma once

struct sqlite3;

/* Makes the table known to `db` as a module and creates it. `dirfd` is borrowed until `db` is
 * closed. 0 or -errno. */
int am_table_open(struct sqlite3 *db, int dirfd);
