// SPDX-License-Identifier: GPL-2.0
/* ledger [EVENTS [DIR]]: the ledger beside SQLite, on the same invented storm with the
 * same fields: appending, size, a filtered scan, verification. SQLite has the best of its
 * common settings for this: WAL, one prepared statement, 8192 rows a transaction,
 * synchronous=NORMAL (no sync per transaction), a 256 MiB cache for the scan. The ledger
 * hashes, signs and syncs at the latest every second.
 *
 * The storm is made beforehand and not counted. Ratios are the result; times are those of
 * this machine at this moment. Scans and verification are told in CPU time (the best of
 * three), which says more on a machine that others use; both work in one thread then. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger/scan.h"
#include "ledger/verify.h"
#include "ledger/writer.h"
#include "storm.h"

enum { BATCH = 8192 };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "error: %s: %s\n", what, why);
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct took {
	double wall, cpu;
};

static struct took since(struct took start)
{
	return (struct took){ now_s() - start.wall, cpu_s() - start.cpu };
}

/* ---- the storm, in memory -------------------------------------------------------------- */

static struct am_row *rows;
static size_t n_rows;

static const char *keep(const char *text)
{
	static struct { const char *text; } seen[1 << 20];
	uint32_t h = 2166136261U, at;
	const char *p;

	if (!text || !text[0])
		return "";
	for (p = text; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619U;
	for (at = h % (1 << 20); seen[at].text; at = (at + 1) % (1 << 20))
		if (!strcmp(seen[at].text, text))
			return seen[at].text;
	seen[at].text = strdup(text);
	return seen[at].text;
}

static void make_rows(size_t n)
{
	static struct storm storm;
	size_t i;

	rows = calloc(n, sizeof(*rows));
	if (!rows)
		die("storm", strerror(ENOMEM));
	storm_init(&storm, 1);
	for (i = 0; i < n; i++) {
		struct am_row *r = &rows[i];

		storm_next(&storm, r);
		r->actor.comm = keep(r->actor.comm);
		r->actor.exe = keep(r->actor.exe);
		r->actor.user = keep(r->actor.user);
		r->actor.login_user = keep(r->actor.login_user);
		r->actor.unit = keep(r->actor.unit);
		r->object.path = keep(r->object.path);
		r->deed.why = keep(r->deed.why);
	}
	n_rows = n;
}

/* ---- SQLite ------------------------------------------------------------------------------ */

static const char table[] =
	"CREATE TABLE events (id INTEGER PRIMARY KEY, event, wall, boot, cpu, seq, count,"
	" pid, tid, ppid, uid, gid, login, session, start, cgroup, exe_ino, exe_dev,"
	" bits0, bits1, bits2, bits3, comm TEXT, exe TEXT, user TEXT, login_user TEXT, unit TEXT,"
	" ino, dev, igen, store_id, path TEXT, store TEXT,"
	" addr_high, addr_low, zones_low, zones_high, family, port, proto, zones TEXT,"
	" kind, verdict, reason, op, act, flags, generation, labels, culprits,"
	" label_names TEXT, policy TEXT, why TEXT)";
enum { SQL_COLUMNS = 53 };

static void sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die(text, sqlite3_errmsg(db));
}

static void bind_number(sqlite3_stmt *st, int *i, uint64_t v)
{
	(void)sqlite3_bind_int64(st, (*i)++, (sqlite3_int64)v);
}

/* What is empty is not stored: the best that a table can do. */
static void bind_text(sqlite3_stmt *st, int *i, const char *text)
{
	if (text && text[0])
		(void)sqlite3_bind_text(st, *i, text, -1, SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(st, *i);
	(*i)++;
}

static void insert(sqlite3 *db, sqlite3_stmt *st, const struct am_row *r)
{
	const struct am_row_actor *a = &r->actor;
	const struct am_row_object *o = &r->object;
	const struct am_row_dest *d = &r->dest;
	const struct am_row_deed *e = &r->deed;
	const uint64_t head[] = { r->event, (uint64_t)r->wall_ns, (uint64_t)r->boot_ns, r->cpu, r->seq,
				  r->count, a->pid, a->tid, a->ppid, a->uid, a->gid, a->login,
				  a->session, a->start_ns, a->cgroup, a->exe_ino, a->exe_dev,
				  a->bits[0], a->bits[1], a->bits[2], a->bits[3] };
	const uint64_t dest[] = { d->addr_high, d->addr_low, d->zones_low, d->zones_high, d->family,
				  d->port, d->proto };
	const uint64_t deed[] = { e->kind, e->verdict, e->reason, e->op, e->act, e->flags,
				  e->generation, e->labels, e->culprits };
	int i = 2;
	size_t k;

	(void)sqlite3_bind_null(st, 1);
	for (k = 0; k < sizeof(head) / sizeof(head[0]); k++)
		bind_number(st, &i, head[k]);
	bind_text(st, &i, a->comm);
	bind_text(st, &i, a->exe);
	bind_text(st, &i, a->user);
	bind_text(st, &i, a->login_user);
	bind_text(st, &i, a->unit);
	bind_number(st, &i, o->ino);
	bind_number(st, &i, o->dev);
	bind_number(st, &i, o->igen);
	bind_number(st, &i, o->store_id);
	bind_text(st, &i, o->path);
	bind_text(st, &i, o->store);
	for (k = 0; k < sizeof(dest) / sizeof(dest[0]); k++)
		bind_number(st, &i, dest[k]);
	bind_text(st, &i, d->zones);
	for (k = 0; k < sizeof(deed) / sizeof(deed[0]); k++)
		bind_number(st, &i, deed[k]);
	bind_text(st, &i, e->label_names);
	bind_text(st, &i, e->policy);
	bind_text(st, &i, e->why);
	if (i != SQL_COLUMNS + 1 || sqlite3_step(st) != SQLITE_DONE)
		die("insert", sqlite3_errmsg(db));
	(void)sqlite3_reset(st);
}

static sqlite3 *sql_append(const char *path, struct took *ret)
{
	char text[512];
	sqlite3 *db;
	sqlite3_stmt *st;
	struct took start;
	size_t i, used;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path, sqlite3_errmsg(db));
	sql(db, "PRAGMA journal_mode=WAL");
	sql(db, "PRAGMA synchronous=NORMAL");
	sql(db, "PRAGMA cache_size=-262144");
	sql(db, table);
	used = (size_t)snprintf(text, sizeof(text), "INSERT INTO events VALUES (?");
	for (i = 1; i < SQL_COLUMNS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",?");
	(void)snprintf(text + used, sizeof(text) - used, ")");
	if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
		die(text, sqlite3_errmsg(db));
	start = (struct took){ now_s(), cpu_s() };
	for (i = 0; i < n_rows; i++) {
		if (i % BATCH == 0)
			sql(db, i ? "COMMIT; BEGIN" : "BEGIN");
		insert(db, st, &rows[i]);
	}
	sql(db, "COMMIT");
	*ret = since(start);
	(void)sqlite3_finalize(st);
	sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	return db;
}

static sqlite3_int64 sql_query(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;
	sqlite3_int64 n;

	if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		die(text, sqlite3_errmsg(db));
	n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return n;
}

/* ---- the ledger ----------------------------------------------------------------------------- */

static void ledger_append(const char *path, struct took *ret, uint64_t *waits)
{
	const struct am_writer_options options = { 0 };
	am_auto(am_writer) struct am_writer *w = NULL;
	const struct timespec little = { .tv_nsec = 100000 };
	struct took start;
	size_t i;
	int r = am_writer_open(path, &options, &w);

	if (r < 0)
		die(path, strerror(-r));
	start = (struct took){ now_s(), cpu_s() };
	for (i = 0; i < n_rows; i++) {
		while ((r = am_writer_append(w, &rows[i])) == -EAGAIN) {
			(*waits)++;
			(void)nanosleep(&little, NULL);
		}
		if (r < 0)
			die("append", strerror(-r));
	}
	r = am_writer_flush(w);
	if (r < 0)
		die("flush", strerror(-r));
	*ret = since(start);
}

static uint64_t size_of(const char *dir)
{
	char command[512];
	unsigned long long n = 0;
	FILE *p;

	(void)snprintf(command, sizeof(command), "cat %s/*.aml | wc -c", dir);
	p = popen(command, "r");
	if (!p || fscanf(p, "%llu", &n) != 1)
		die(dir, "cannot be measured");
	(void)pclose(p);
	return n;
}

static uint64_t ledger_count(int dir, const struct am_query *q, struct am_scan_counts *counts)
{
	am_auto(am_scan) struct am_scan *s = NULL;
	uint64_t n;
	int r = am_scan_open(dir, q, 0, &s);

	if (!r)
		r = am_scan_count(s, &n);
	if (r < 0)
		die("scan", strerror(-r));
	am_scan_counts(s, counts);
	return n;
}

/* Sums a column of the rows that match, as the SQL beside it does. */
static uint64_t ledger_sum(int dir, const struct am_query *q)
{
	am_auto(am_scan) struct am_scan *s = NULL;
	struct am_row row;
	uint64_t sum = 0;
	int r = am_scan_open(dir, q, AM_COLUMN_BIT(AM_COL_COUNT) | AM_COLUMN_BIT(AM_COL_PATH), &s);

	while (!r && (r = am_scan_next(s, &row)) > 0) {
		sum += row.count + strlen(row.object.path);
		r = 0;
	}
	if (r < 0)
		die("scan", strerror(-r));
	return sum;
}

/* ---- comparisons ------------------------------------------------------------------------------ */

struct question {
	const char *what;
	const char *sql;
	struct am_query query;
	bool sums;
};

static double best(double a, double b)
{
	return a < b ? a : b;
}

static void compare(sqlite3 *db, int dir, const struct question *q)
{
	double t_sql = 1e9, t_ledger = 1e9, start;
	struct am_scan_counts counts = { 0 };
	uint64_t a = 0, b = 0;
	int i;

	for (i = 0; i < 3; i++) {
		start = cpu_s();
		a = (uint64_t)sql_query(db, q->sql);
		t_sql = best(t_sql, cpu_s() - start);
		start = cpu_s();
		b = q->sums ? ledger_sum(dir, &q->query) : ledger_count(dir, &q->query, &counts);
		t_ledger = best(t_ledger, cpu_s() - start);
	}
	if (a != b) {
		fprintf(stderr, "error: %s: SQLite says %llu, the ledger %llu\n", q->what,
			(unsigned long long)a, (unsigned long long)b);
		exit(1);
	}
	printf("scan    %-34s SQLite %7.1f ms   ledger %7.1f ms   %6.1fx   (%llu)\n", q->what,
	       t_sql * 1e3, t_ledger * 1e3, t_sql / t_ledger, (unsigned long long)a);
}

static void scan(sqlite3 *db, int dir)
{
	const int64_t mid = rows[n_rows / 2].wall_ns, end = rows[n_rows / 2 + n_rows / 50].wall_ns;
	char in_time[160], in_store[160];
	struct question questions[] = {
		{ "verdict = deny", "SELECT count(*) FROM events WHERE verdict = 2",
		  { .verdicts = 1 << AM_VERDICT_DENY }, false },
		{ "user and store",
		  "SELECT count(*) FROM events WHERE user = 'clerk07' AND store = 'claims'",
		  { .user = "clerk07", .store = "claims" }, false },
		{ "a pid", in_store, { .has_pid = true, .pid = rows[n_rows / 2].actor.pid }, false },
		{ "2 % of the time", in_time, { .since_ns = mid, .until_ns = end }, false },
		{ "user and store: sum over path, count",
		  "SELECT sum(count + length(path)) FROM events WHERE user = 'clerk07' AND store = 'claims'",
		  { .user = "clerk07", .store = "claims" }, true },
	};
	size_t i;

	(void)snprintf(in_store, sizeof(in_store), "SELECT count(*) FROM events WHERE pid = %u",
		       rows[n_rows / 2].actor.pid);
	(void)snprintf(in_time, sizeof(in_time),
		       "SELECT count(*) FROM events WHERE wall >= %lld AND wall < %lld",
		       (long long)mid, (long long)end);
	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		compare(db, dir, &questions[i]);
}

static void verify(int dir, uint64_t bytes, uint64_t sql_bytes)
{
	const struct am_verify_options options = { .threads = 1 };
	double took = 1e9, start;
	int i, r;

	for (i = 0; i < 3; i++) {
		am_auto(am_audit) struct am_audit *v = NULL;

		start = cpu_s();
		r = am_verify(dir, &options, &v);
		took = best(took, cpu_s() - start);
		if (r < 0 || v->code != AM_VERIFY_HOLDS)
			die("verify", r < 0 ? strerror(-r) : am_verify_name(v->code));
	}
	printf("verify  %.2f GB/s of ledger per processor: %.1f M events/s, or %.1f GB/s of SQLite's "
	       "bytes for them\n", (double)bytes / took / 1e9, (double)n_rows / took / 1e6,
	       (double)sql_bytes / took / 1e9);
}

int main(int argc, char **argv)
{
	char dir[256], db_path[300], command[600];
	struct took t_sql, t_ledger;
	uint64_t waits = 0, bytes;
	sqlite3 *db;
	struct stat st;
	int fd;

	(void)snprintf(dir, sizeof(dir), "%s/amanat-bench-XXXXXX", argc > 2 ? argv[2] : "/var/tmp");
	if (!mkdtemp(dir))
		die(dir, strerror(errno));
	make_rows(argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000);
	(void)snprintf(db_path, sizeof(db_path), "%s/sqlite.db", dir);
	db = sql_append(db_path, &t_sql);
	(void)snprintf(db_path + strlen(dir), sizeof(db_path) - strlen(dir), "/ledger");
	ledger_append(db_path, &t_ledger, &waits);
	bytes = size_of(db_path);
	fd = open(db_path, O_RDONLY | O_DIRECTORY);
	(void)snprintf(db_path + strlen(dir), sizeof(db_path) - strlen(dir), "/sqlite.db");
	if (fd < 0 || stat(db_path, &st) < 0)
		die(dir, strerror(errno));
	printf("append  SQLite %8.0f events/s   ledger %8.0f events/s   %5.1fx   (by CPU time of all "
	       "threads %.1fx; waited %llu times)\n", (double)n_rows / t_sql.wall,
	       (double)n_rows / t_ledger.wall, t_sql.wall / t_ledger.wall, t_sql.cpu / t_ledger.cpu,
	       (unsigned long long)waits);
	printf("bytes   SQLite %8.1f per event  ledger %8.1f per event  %5.1fx smaller\n",
	       (double)st.st_size / (double)n_rows, (double)bytes / (double)n_rows,
	       (double)st.st_size / (double)bytes);
	scan(db, fd);
	verify(fd, bytes, (uint64_t)st.st_size);
	(void)sqlite3_close(db);
	(void)close(fd);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) ? 1 : 0;
}
