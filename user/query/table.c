// SPDX-License-Identifier: GPL-2.0
/* The plan of a scan is handed from best_index() to filter() as the plan's text, which
 * EXPLAIN QUERY PLAN shows:
 *
 *     "store= time_ns>= columns 1f03"
 *
 * per constraint that is passed on, in the order of the arguments, the column and the
 * operator; then the columns of the table that are wanted, bit by bit. */
#include "query/table.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/when.h"
#include "event/event.h"
#include "ledger/scan.h"
#include "query/field.h"
#include "query/word.h"

enum { PLAN_LEN = 512, SCHEMA_LEN = 2048, PASSED_MAX = 16 };

struct table {
	sqlite3_vtab base;	/* first: SQLite knows it by this */
	int dirfd;
};

struct cursor {
	sqlite3_vtab_cursor base;
	int dirfd;
	struct am_query query;
	char *texts[PASSED_MAX];	/* owned; of the query */
	size_t n_texts;
	bool never;			/* asks for what no row is */
	struct am_scan *scan;
	struct am_row row;
	bool end;
};

/* ---- columns ------------------------------------------------------------------ */

/* Numbers beside the texts of fields. */
static const struct {
	const char *name;
	const char *field;
} numbers[] = {
	{ "time_ns", "time" },
	{ "uid", "user" },
	{ "login_uid", "login" },
};

static bool is_number(const struct am_field *f)
{
	return f->type == AM_FIELD_NUMBER || f->type == AM_FIELD_FLAG;
}

/* The field of a column of the table, and whether it is wanted as a number. */
static const struct am_field *field_of(int column, bool *ret_number)
{
	size_t n;
	const struct am_field *fields = am_fields(&n), *f;
	const char *name;

	if (column < 0 || (size_t)column >= n + AM_COUNT(numbers))
		return NULL;
	*ret_number = (size_t)column >= n;
	if (!*ret_number) {
		*ret_number = is_number(&fields[column]);
		return &fields[column];
	}
	name = numbers[(size_t)column - n].field;
	f = am_field_find(name, strlen(name));
	return f;
}

static const char *name_of(int column)
{
	size_t n;
	const struct am_field *fields = am_fields(&n);

	return (size_t)column < n ? fields[column].name : numbers[(size_t)column - n].name;
}

static void write_schema(char schema[SCHEMA_LEN])
{
	size_t n, used;
	const struct am_field *fields = am_fields(&n);
	size_t i;

	used = (size_t)snprintf(schema, SCHEMA_LEN, "CREATE TABLE events(");
	for (i = 0; i < n; i++)
		used += (size_t)snprintf(schema + used, SCHEMA_LEN - used, "%s\"%s\" %s",
					 i ? ", " : "", fields[i].name,
					 is_number(&fields[i]) ? "INTEGER" : "TEXT");
	for (i = 0; i < AM_COUNT(numbers); i++)
		used += (size_t)snprintf(schema + used, SCHEMA_LEN - used, ", %s INTEGER",
					 numbers[i].name);
	(void)snprintf(schema + used, SCHEMA_LEN - used, ")");
}

static uint64_t columns_of(uint64_t wanted)
{
	uint64_t columns = 0;
	bool number;
	int i;

	for (i = 0; i < 64; i++) {
		const struct am_field *f = wanted >> i & 1 ? field_of(i, &number) : NULL;

		if (f)
			columns |= f->columns;
	}
	return columns;
}

/* ---- what can be passed on ---------------------------------------------------- */

enum {
	OP_EQ = 1,
	OP_LOW = 2,	/* > >= */
	OP_HIGH = 4,	/* < <= */
};

static int set_number(uint32_t *to, bool *has, sqlite3_value *v)
{
	int64_t n = sqlite3_value_int64(v);

	*has = true;
	*to = (uint32_t)n;
	return n >= 0 && n <= UINT32_MAX ? 0 : -ENOENT;
}

static int take_pid(struct cursor *c, int op, sqlite3_value *v)
{
	(void)op;
	return set_number(&c->query.pid, &c->query.has_pid, v);
}

static int take_uid(struct cursor *c, int op, sqlite3_value *v)
{
	(void)op;
	return set_number(&c->query.uid, &c->query.has_uid, v);
}

/* The scan's texts are not empty: an empty one asks for nothing, and is checked by SQLite. */
static int take_text(struct cursor *c, const char **to, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	char *copy;

	if (!text || !*text)
		return 0;
	if (c->n_texts == PASSED_MAX)
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	c->texts[c->n_texts++] = copy;
	*to = copy;
	return 0;
}

static int take_store(struct cursor *c, int op, sqlite3_value *v)
{
	(void)op;
	return take_text(c, &c->query.store, v);
}

/* A user without a name is shown by number, which the scan does not know as a text. */
static int take_user(struct cursor *c, int op, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);

	(void)op;
	if (text && *text >= '0' && *text <= '9')
		return 0;
	return take_text(c, &c->query.user, v);
}

static int take_exe(struct cursor *c, int op, sqlite3_value *v)
{
	(void)op;
	return take_text(c, &c->query.exe, v);
}

static int take_unit(struct cursor *c, int op, sqlite3_value *v)
{
	(void)op;
	return take_text(c, &c->query.unit, v);
}

static int take_path(struct cursor *c, int op, sqlite3_value *v)
{
	(void)op;
	return take_text(c, &c->query.path, v);
}

static int take_verdict(struct cursor *c, int op, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	unsigned i;

	(void)op;
	for (i = 1; text && i < AM_VERDICT_MAX_; i++)
		if (!strcmp(am_verdict_name(i), text))
			return c->query.verdicts = 1u << i, 0;
	return -ENOENT;
}

static int take_op(struct cursor *c, int op, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	unsigned i;

	(void)op;
	for (i = 1; text && i < AM_OP_MAX_; i++)
		if (!strcmp(am_op_name(i), text))
			return c->query.ops = 1u << i, 0;
	return -ENOENT;
}

static int take_kind(struct cursor *c, int op, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	struct am_row row = { .number = 0 };
	uint32_t i;

	(void)op;
	for (i = 1; text && i < AM_ROW_KINDS; i++) {
		row.deed.kind = i;
		if (!strcmp(am_word_kind(&row), text))
			return c->query.kinds = 1ULL << i, 0;
	}
	return -ENOENT;
}

/* A bound is widened by what the text or the operator leaves open; SQLite checks again. */
static void narrow(struct cursor *c, int op, int64_t low_ns, int64_t high_ns)
{
	if (op & (OP_EQ | OP_LOW) && low_ns > c->query.since_ns)
		c->query.since_ns = low_ns;
	if (op & (OP_EQ | OP_HIGH) && (!c->query.until_ns || high_ns + 1 < c->query.until_ns))
		c->query.until_ns = high_ns + 1 > 0 ? high_ns + 1 : 1;
}

static int take_time_ns(struct cursor *c, int op, sqlite3_value *v)
{
	int64_t ns = sqlite3_value_int64(v);

	if (sqlite3_value_type(v) == SQLITE_INTEGER && ns < INT64_MAX)
		narrow(c, op, ns, ns);
	return 0;
}

/* Only what is written as `time` is shown, up to the second, is taken: text is compared as
 * text, and what sorts otherwise is not for us. */
static int take_time(struct cursor *c, int op, sqlite3_value *v)
{
	enum { SECONDS_LEN = sizeof("2026-11-26T14:02:07") - 1 };
	static const int64_t second_ns = 1000000000;
	const char *text = (const char *)sqlite3_value_text(v);
	const struct am_when from = { 0 };
	char utc[SECONDS_LEN + 2];
	int64_t ns;

	if (!text || strlen(text) < SECONDS_LEN)
		return 0;
	(void)snprintf(utc, sizeof(utc), "%.*sZ", SECONDS_LEN, text);
	if (utc[10] == 'T' && !am_when_parse(utc, SECONDS_LEN + 1, &from, &ns))
		narrow(c, op, ns, ns + second_ns);
	return 0;
}

static const struct passed {
	const char *column;
	int ops;
	double share;	/* of the rows that is left, as a guess */
	/* 0; -ENOENT: no row is like that; -ENOMEM. */
	int (*take)(struct cursor *c, int op, sqlite3_value *v);
} passed[] = {
	{ "time_ns", OP_EQ | OP_LOW | OP_HIGH, 0.3, take_time_ns },
	{ "time", OP_EQ | OP_LOW | OP_HIGH, 0.3, take_time },
	{ "store", OP_EQ, 0.2, take_store },
	{ "user", OP_EQ, 0.2, take_user },
	{ "uid", OP_EQ, 0.2, take_uid },
	{ "exe", OP_EQ, 0.2, take_exe },
	{ "unit", OP_EQ, 0.2, take_unit },
	{ "path", OP_EQ, 0.01, take_path },
	{ "pid", OP_EQ, 0.01, take_pid },
	{ "kind", OP_EQ, 0.5, take_kind },
	{ "verdict", OP_EQ, 0.5, take_verdict },
	{ "op", OP_EQ, 0.5, take_op },
};

static const struct passed *find_passed(const char *column, size_t len)
{
	size_t i;

	for (i = 0; i < AM_COUNT(passed); i++)
		if (strlen(passed[i].column) == len && !memcmp(passed[i].column, column, len))
			return &passed[i];
	return NULL;
}

static const struct {
	unsigned char sqlite;
	int op;
	const char *text;
} operators[] = {
	{ SQLITE_INDEX_CONSTRAINT_EQ, OP_EQ, "=" },
	{ SQLITE_INDEX_CONSTRAINT_GE, OP_LOW, ">=" },
	{ SQLITE_INDEX_CONSTRAINT_GT, OP_LOW, ">" },
	{ SQLITE_INDEX_CONSTRAINT_LE, OP_HIGH, "<=" },
	{ SQLITE_INDEX_CONSTRAINT_LT, OP_HIGH, "<" },
};

/* ---- the plan ------------------------------------------------------------------ */

/* Adds one constraint to the plan if it can be passed on; whether it was. */
static bool plan_one(sqlite3_index_info *info, int n, char plan[PLAN_LEN], double *share)
{
	const struct sqlite3_index_constraint *k = &info->aConstraint[n];
	const char *name = k->iColumn < 0 ? "" : name_of(k->iColumn);
	const struct passed *p = find_passed(name, strlen(name));
	size_t i, used = strlen(plan);

	/* What compares otherwise than byte by byte is not for us. */
	if (!k->usable || !p || strcmp(sqlite3_vtab_collation(info, n), "BINARY") != 0)
		return false;
	for (i = 0; i < AM_COUNT(operators); i++) {
		if (operators[i].sqlite != k->op || !(operators[i].op & p->ops))
			continue;
		(void)snprintf(plan + used, PLAN_LEN - used, "%s%s ", name, operators[i].text);
		*share *= p->share;
		return true;
	}
	return false;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	static const double rows = 1e7;
	char plan[PLAN_LEN] = "";
	double share = 1;
	int i, args = 0;
	size_t used;

	(void)base;
	for (i = 0; i < info->nConstraint && args < PASSED_MAX; i++)
		if (plan_one(info, i, plan, &share))
			info->aConstraintUsage[i].argvIndex = ++args;
	used = strlen(plan);
	(void)snprintf(plan + used, sizeof(plan) - used, "columns %" PRIx64,
		       (uint64_t)info->colUsed);
	info->idxStr = sqlite3_mprintf("%s", plan);
	if (!info->idxStr)
		return SQLITE_NOMEM;
	info->needToFreeIdxStr = 1;
	info->estimatedRows = (sqlite3_int64)(rows * share);
	info->estimatedCost = rows * share;
	return SQLITE_OK;
}

/* ---- a scan --------------------------------------------------------------------- */

static void done_scan(struct cursor *c)
{
	size_t i;

	am_scan_free(c->scan);
	for (i = 0; i < c->n_texts; i++)
		free(c->texts[i]);
	c->scan = NULL;
	c->n_texts = 0;
	c->never = false;
	c->query = (struct am_query){ 0 };
}

/* In words: SQLite's own would speak of a disk. */
static int fail(struct cursor *c, int r)
{
	sqlite3_vtab *table = c->base.pVtab;

	if (r == -ENOMEM)
		return SQLITE_NOMEM;
	sqlite3_free(table->zErrMsg);
	table->zErrMsg = sqlite3_mprintf("the ledger cannot be read: %s", strerror(-r));
	return SQLITE_IOERR;
}

static int step(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int r = c->never ? 0 : am_scan_next(c->scan, &c->row);

	c->end = r <= 0;
	return r < 0 ? fail(c, r) : SQLITE_OK;
}

static int op_of(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < AM_COUNT(operators); i++)
		if (strlen(operators[i].text) == len && !memcmp(operators[i].text, text, len))
			return operators[i].op;
	return 0;
}

/* Reads the plan's constraints into the query; *plan is then at "columns". */
static int take_plan(struct cursor *c, const char **plan, int argc, sqlite3_value **argv)
{
	int i, r;

	for (i = 0; i < argc; i++) {
		size_t name = strcspn(*plan, "=<>"), all = strcspn(*plan, " ");
		const struct passed *p = find_passed(*plan, name);

		if (!p)
			return -EINVAL;
		r = p->take(c, op_of(*plan + name, all - name), argv[i]);
		if (r == -ENOENT)
			c->never = true;
		else if (r < 0)
			return r;
		*plan += all + 1;
	}
	return 0;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
		  sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	uint64_t wanted;
	int r;

	(void)number;
	done_scan(c);
	r = take_plan(c, &plan, argc, argv);
	if (!r && sscanf(plan, "columns %" SCNx64, &wanted) != 1)
		r = -EINVAL;
	if (!r && !c->never)
		r = am_scan_open(c->dirfd, &c->query, columns_of(wanted), &c->scan);
	return r < 0 ? fail(c, r) : step(base);
}

static int is_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	const struct cursor *c = (const struct cursor *)base;
	bool number = false;
	const struct am_field *f = field_of(i, &number);
	char buf[AM_FIELD_TEXT_MAX];
	const char *text;
	int64_t n;

	if (!f)
		return SQLITE_OK;
	if (number) {
		if (am_field_number(f, &c->row, &n))
			sqlite3_result_int64(ctx, n);
		return SQLITE_OK;
	}
	text = am_field_text(f, &c->row, buf);
	if (*text)
		sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
	return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct cursor *)base)->row.number;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	c->dirfd = ((struct table *)base)->dirfd;
	*ret = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	done_scan(c);
	free(c);
	return SQLITE_OK;
}

/* ---- the table ------------------------------------------------------------------ */

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv,
			 sqlite3_vtab **ret, char **ret_error)
{
	struct table *t;
	char schema[SCHEMA_LEN];
	int r;

	(void)argc;
	(void)argv;
	(void)ret_error;
	write_schema(schema);
	r = sqlite3_declare_vtab(db, schema);
	if (r != SQLITE_OK)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	t->dirfd = *(const int *)aux;
	*ret = &t->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* Without a create method the table is there by the module's name alone. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = connect_table,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = step,
	.xEof = is_end,
	.xColumn = column,
	.xRowid = row_id,
};

int am_table_open(struct sqlite3 *db, int dirfd)
{
	int *aux = malloc(sizeof(*aux));

	if (!aux)
		return -ENOMEM;
	*aux = dirfd;
	/* Takes `aux`, also on failure. */
	return sqlite3_create_module_v2(db, "events", &module, aux, free) == SQLITE_OK ? 0 : -ENOMEM;
}
