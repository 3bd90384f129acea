// SPDX-License-Identifier: GPL-2.0
#include "cli/unit.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

const char *const am_unit_folders[] = {
	"/etc/systemd/system",	   "/run/systemd/system",     "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system",     NULL,
};

enum { UNIT_BYTES_MAX = 1 << 20, DROPINS_MAX = 256 };

void am_unit_free(struct am_unit *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n_starts; i++)
		free(u->starts[i]);
	free(u->starts);
	free(u->name);
	free(u);
}

/* ---- the text of a unit --------------------------------------------------- */

/* Up to `end`, without blanks around it; cut in place. */
static char *trim(char *text, char *end)
{
	text += strspn(text, " \t\r");
	while (end > text && strchr(" \t\r", end[-1]))
		end--;
	*end = '\0';
	return text;
}

static void drop_starts(struct am_unit *u)
{
	while (u->n_starts)
		free(u->starts[--u->n_starts]);
	free(u->starts);
	u->starts = NULL;
}

/* An empty value takes back all before it. */
static int add_start(struct am_unit *u, const char *value)
{
	char *copy;
	int r;

	if (!value[0]) {
		drop_starts(u);
		return 0;
	}
	copy = strdup(value);
	r = copy ? AM_APPEND(u->starts, u->n_starts, copy) : -ENOMEM;
	if (r < 0)
		free(copy);
	return r;
}

static int take_setting(struct am_unit *u, char *line)
{
	char *equals = strchr(line, '='), *key, *value;

	if (!equals)
		return 0;	/* systemd says so and goes on, too */
	key = trim(line, equals);
	value = trim(equals + 1, equals + 1 + strlen(equals + 1));
	if (!strcmp(key, "RootDirectory") || !strcmp(key, "RootImage"))
		u->has_root = value[0];
	return strcmp(key, "ExecStart") ? 0 : add_start(u, value);
}

/* One line of the file, joined with the next while it ends in a backslash; comments between
 * are skipped. Returns where the next one begins. */
static char *take_line(char *text, char *ret, size_t size)
{
	size_t used = 0;

	for (*ret = '\0'; *text;) {
		size_t len = strcspn(text, "\n");
		char *next = text + len + (text[len] == '\n');
		bool comment = used && (text[strspn(text, " \t")] == '#' ||
					text[strspn(text, " \t")] == ';');
		bool goes_on = !comment && len && text[len - 1] == '\\';

		if (!comment && used + len + 2 <= size)
			used += (size_t)snprintf(ret + used, size - used, "%.*s%s",
						 (int)len - goes_on, text, goes_on ? " " : "");
		text = next;
		if (!goes_on && !comment)
			break;
	}
	return text;
}

static int take_text(struct am_unit *u, char *text)
{
	am_autofree char *line = malloc(UNIT_BYTES_MAX + 1);
	bool in_service = false;
	int r = 0;

	if (!line)
		return -ENOMEM;
	while (!r && *text) {
		char *start;

		text = take_line(text, line, UNIT_BYTES_MAX);
		start = trim(line, line + strlen(line));
		if (!*start || *start == '#' || *start == ';')
			continue;
		if (*start == '[')
			in_service = !strcmp(start, "[Service]");
		else if (in_service)
			r = take_setting(u, start);
	}
	return r;
}

static int take_file(struct am_unit *u, const char *path)
{
	am_autofclose FILE *f = fopen(path, "re");
	am_autofree char *text = malloc(UNIT_BYTES_MAX + 1);
	size_t len;

	if (!f)
		return -errno;
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, UNIT_BYTES_MAX + 1, f);
	if (ferror(f))
		return -EIO;
	if (len > UNIT_BYTES_MAX)
		return -EFBIG;
	text[len] = '\0';
	return take_text(u, text);
}

/* ---- where units are ------------------------------------------------------ */

static bool join(char path[PATH_MAX], const char *folder, const char *name, const char *more)
{
	return (size_t)snprintf(path, PATH_MAX, "%s/%s%s", folder, name, more) < PATH_MAX;
}

/* "desk@7.service" is made of "desk@.service"; false if it is no instance. */
static bool template_of(const char *name, char ret[NAME_MAX + 1])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot < at || dot == at + 1)
		return false;
	return (size_t)snprintf(ret, NAME_MAX + 1, "%.*s%s", (int)(at + 1 - name), name, dot) <=
	       NAME_MAX;
}

static int take_fragment(struct am_unit *u, const char *name, const char *const *folders)
{
	char path[PATH_MAX];
	int r = -ENOENT;

	for (; *folders && r == -ENOENT; folders++)
		r = join(path, *folders, name, "") ? take_file(u, path) : -ENAMETOOLONG;
	return r;
}

/* A drop-in; of two with one name the first folder's counts. */
struct dropin {
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
};

struct dropins {
	struct dropin *items;	/* owned; DROPINS_MAX */
	size_t count;
};

static void free_dropins(struct dropins *d)
{
	free(d->items);
}

static bool is_known(const struct dropins *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (!strcmp(d->items[i].name, name))
			return true;
	return false;
}

static int list_folder(struct dropins *d, const char *folder, const char *own)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return 0;	/* most units have none */
	while (!r && (e = readdir(dir))) {
		size_t len = strlen(e->d_name);
		struct dropin *item = &d->items[d->count];

		if (e->d_name[0] == '.' || len < 6 || strcmp(e->d_name + len - 5, ".conf") ||
		    !strcmp(e->d_name, own) || is_known(d, e->d_name))
			continue;
		if (d->count == DROPINS_MAX || !join(item->path, folder, e->d_name, ""))
			r = -E2BIG;
		else
			strcpy(d->items[d->count++].name, e->d_name);
	}
	(void)closedir(dir); /* it was only read */
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

static int take_dropins(struct am_unit *u, const char *template, const char *const *folders,
			const char *own)
{
	__attribute__((cleanup(free_dropins))) struct dropins d = {
		.items = calloc(DROPINS_MAX, sizeof(*d.items)),
	};
	char path[PATH_MAX];
	int r = d.items ? 0 : -ENOMEM;

	for (; !r && *folders; folders++) {
		if (join(path, *folders, u->name, ".d"))
			r = list_folder(&d, path, own);
		if (!r && template && join(path, *folders, template, ".d"))
			r = list_folder(&d, path, own);
		if (!r && join(path, *folders, "service", ".d"))
			r = list_folder(&d, path, own);
	}
	if (d.items)
		qsort(d.items, d.count, sizeof(*d.items), compare);
	for (size_t i = 0; !r && i < d.count; i++)
		r = take_file(u, d.items[i].path);
	return r;
}

static bool is_service(const char *name)
{
	static const char ending[] = ".service";
	size_t len = strlen(name);

	return len >= sizeof(ending) && !strcmp(name + len - (sizeof(ending) - 1), ending) &&
	       len <= NAME_MAX;
}

static int read_named(struct am_unit *u, const char *const *folders, const char *own)
{
	char template[NAME_MAX + 1];
	bool instance = template_of(u->name, template);
	int r = take_fragment(u, u->name, folders);

	if (r == -ENOENT && instance)
		r = take_fragment(u, template, folders);
	return r < 0 ? r : take_dropins(u, instance ? template : NULL, folders, own);
}

int am_unit_read(const char *what, const char *const *folders, const char *own,
		 struct am_unit **ret)
{
	am_auto(am_unit) struct am_unit *u = calloc(1, sizeof(*u));
	const char *slash = strrchr(what, '/');
	int r;

	if (!u)
		return -ENOMEM;
	if (!is_service(slash ? slash + 1 : what))
		return -EINVAL;
	u->name = strdup(slash ? slash + 1 : what);
	if (!u->name)
		return -ENOMEM;
	r = slash ? take_file(u, what) : read_named(u, folders, own);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(u);
	return 0;
}

/* ---- one ExecStart= ------------------------------------------------------- */

/* The length of the word at `text`: quotes hold it together, a backslash keeps what follows. */
static size_t word_len(const char *text)
{
	char quote = 0;
	size_t n;

	for (n = 0; text[n]; n++) {
		if (text[n] == '\\' && text[n + 1])
			n++;
		else if (quote)
			quote = text[n] == quote ? 0 : quote;
		else if (text[n] == '"' || text[n] == '\'')
			quote = text[n];
		else if (text[n] == ' ' || text[n] == '\t')
			break;
	}
	return n;
}

static const char *next_word(const char *text)
{
	text += word_len(text);
	return text + strspn(text, " \t");
}

static bool has_several(const char *text)
{
	for (; *text; text = next_word(text))
		if (word_len(text) == 1 && *text == ';')
			return true;
	return false;
}

int am_unit_split(const char *start, struct am_unit_start *ret)
{
	struct am_unit_start s = { .prefix = "" };
	size_t used = 0;
	bool named = false;

	for (; *start && strchr("-@:+!|", *start); start++) {
		if (*start == '@')
			named = true;
		else if (used < sizeof(s.prefix) - 1)
			s.prefix[used++] = *start;
	}
	start += strspn(start, " \t");
	if (!*start)
		return -EINVAL;
	if (has_several(start))
		return -ENOTSUP;
	s.program = start;
	s.program_len = word_len(start);
	s.rest = next_word(start);
	if (named) {
		if (!*s.rest)
			return -EINVAL;
		s.argv0 = s.rest;
		s.argv0_len = word_len(s.rest);
		s.rest = next_word(s.rest);
	}
	*ret = s;
	return 0;
}
