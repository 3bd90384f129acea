// SPDX-License-Identifier: GPL-2.0
/* The file `registry`, lines of text ended by a line feed, in this order:
 *
 *   amanat-registry VERSION        1 without purposes, 2 with them
 *   label BIT NAME                 once per label, BIT growing from 0 without gaps
 *   purpose NUMBER NAME            once per purpose, NUMBER growing from 1 without gaps
 *   store SLOT EPOCH NAME          once per store, SLOT growing from 1 without gaps,
 *   path PATH                        followed by the paths it has now
 *   end LINES                      the number of lines above; nothing follows
 *
 * It is valid if every line is one of these, fields are separated by one space,
 * numbers are decimal without leading zeros and in range (BIT and NUMBER below 64, SLOT
 * at most 4096, EPOCH from 1 to 1048575), no name occurs twice among labels, purposes or
 * stores, version 2 has a purpose and version 1 has none, names are made of letters, digits and -_. and at most 63 bytes long,
 * paths are absolute and hold no control character. Everything else is refused
 * whole: a wrong number would give one store's tags to another. */
#include "store/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "abi.h"
#include "store/file.h"

enum {
	REGISTRY_VERSION = 1,
	REGISTRY_PURPOSES = 2,	/* the version with purposes; others stay what agents of
				 * before can read */
	REGISTRY_BYTES_MAX = 64 << 20,
	NAME_LEN_MAX = 63,
	EPOCH_MAX = (1 << (32 - AM_STORE_SLOT_BITS)) - 1,
};

static const char file_name[] = "registry";

struct slot {
	char *name;
	uint32_t epoch;
	char **paths;
	size_t n_paths;
};

struct am_registry {
	char *labels[AM_LABELS_MAX];
	unsigned n_labels;
	char *purposes[AM_PURPOSES_MAX];	/* [0] is NULL: no purpose */
	unsigned n_purposes;
	struct slot *stores;	/* [n] is slot n + 1 */
	size_t n_stores;
};

static void free_paths(char **paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
}

void am_registry_free(struct am_registry *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n_labels; i++)
		free(r->labels[i]);
	for (unsigned i = 1; i <= r->n_purposes; i++)
		free(r->purposes[i]);
	for (size_t i = 0; i < r->n_stores; i++) {
		free(r->stores[i].name);
		free_paths(r->stores[i].paths, r->stores[i].n_paths);
	}
	free(r->stores);
	free(r);
}

int am_registry_new(struct am_registry **ret)
{
	struct am_registry *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*ret = r;
	return 0;
}

static bool name_is_valid(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789-_.");

	return len && len <= NAME_LEN_MAX && !name[len];
}

static bool path_is_valid(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

/* ---- numbers and names ------------------------------------------------------ */

int am_registry_label(struct am_registry *r, const char *name)
{
	char *copy;

	for (unsigned i = 0; i < r->n_labels; i++)
		if (!strcmp(r->labels[i], name))
			return i;
	if (!name_is_valid(name))
		return -EINVAL;
	if (r->n_labels == AM_LABELS_MAX)
		return -ENOSPC;

	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	r->labels[r->n_labels] = copy;
	return r->n_labels++;
}

int am_registry_purpose(struct am_registry *r, const char *name)
{
	char *copy;

	for (unsigned i = 1; i <= r->n_purposes; i++)
		if (!strcmp(r->purposes[i], name))
			return i;
	if (!name_is_valid(name))
		return -EINVAL;
	if (r->n_purposes == AM_PURPOSES_MAX - 1)
		return -ENOSPC;

	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	r->purposes[++r->n_purposes] = copy;
	return r->n_purposes;
}

static int copy_paths(const char *const *paths, size_t n, char ***ret)
{
	char **copies = calloc(n ? n : 1, sizeof(*copies));

	if (!copies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		copies[i] = strdup(paths[i]);
		if (!copies[i]) {
			free_paths(copies, i);
			return -ENOMEM;
		}
	}
	*ret = copies;
	return 0;
}

/* Takes `name`'s place at the end; the caller fills in its paths. */
static int append_store(struct am_registry *r, const char *name, struct slot **ret)
{
	struct slot *stores;
	char *copy;

	if (r->n_stores == AM_STORES_MAX)
		return -ENOSPC;
	stores = realloc(r->stores, (r->n_stores + 1) * sizeof(*stores));
	if (!stores)
		return -ENOMEM;
	r->stores = stores;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;

	stores[r->n_stores] = (struct slot){ .name = copy, .epoch = 1 };
	*ret = &stores[r->n_stores++];
	return 0;
}

static struct slot *find_store(const struct am_registry *r, const char *name)
{
	for (size_t i = 0; i < r->n_stores; i++)
		if (!strcmp(r->stores[i].name, name))
			return &r->stores[i];
	return NULL;
}

static bool has_path(const char *const *paths, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(paths[i], path))
			return true;
	return false;
}

static bool loses_a_path(const struct slot *s, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < s->n_paths; i++)
		if (!has_path(paths, n, s->paths[i]))
			return true;
	return false;
}

static uint32_t slot_id(const struct am_registry *r, const struct slot *s)
{
	uint32_t slot = s - r->stores + 1;

	/* The last slot is 0 in ids. With its epoch, from 1 on, that is not the id 0. */
	return s->epoch << AM_STORE_SLOT_BITS | (slot & AM_STORE_SLOT_MASK);
}

int am_registry_store(struct am_registry *r, const char *name, const char *const *paths,
		      size_t n_paths, uint32_t *ret_id)
{
	struct slot *s = find_store(r, name);
	char **copies;
	int err;

	if (!name_is_valid(name))
		return -EINVAL;
	for (size_t i = 0; i < n_paths; i++)
		if (!path_is_valid(paths[i]))
			return -EINVAL;
	/* Going round would make the oldest tags believed again. */
	if (s && loses_a_path(s, paths, n_paths) && s->epoch == EPOCH_MAX)
		return -EOVERFLOW;

	err = copy_paths(paths, n_paths, &copies);
	if (err)
		return err;
	if (!s) {
		err = append_store(r, name, &s);
		if (err) {
			free_paths(copies, n_paths);
			return err;
		}
	}
	s->epoch += loses_a_path(s, paths, n_paths);
	free_paths(s->paths, s->n_paths);
	s->paths = copies;
	s->n_paths = n_paths;
	*ret_id = slot_id(r, s);
	return 0;
}

const char *am_registry_label_name(const struct am_registry *r, unsigned bit)
{
	return bit < r->n_labels ? r->labels[bit] : NULL;
}

const char *am_registry_purpose_name(const struct am_registry *r, unsigned number)
{
	return number && number <= r->n_purposes ? r->purposes[number] : NULL;
}

const char *am_registry_store_name(const struct am_registry *r, uint32_t id)
{
	uint32_t slot = id & AM_STORE_SLOT_MASK;

	if (!slot && id)
		slot = AM_STORES_MAX;
	return slot && slot <= r->n_stores ? r->stores[slot - 1].name : NULL;
}

int am_registry_copy(const struct am_registry *r, struct am_registry **ret)
{
	am_auto(am_registry) struct am_registry *copy = NULL;
	uint32_t id;
	int err;

	err = am_registry_new(&copy);
	if (err)
		return err;
	for (unsigned i = 0; i < r->n_labels; i++) {
		err = am_registry_label(copy, r->labels[i]);
		if (err < 0)
			return err;
	}
	for (unsigned i = 1; i <= r->n_purposes; i++) {
		err = am_registry_purpose(copy, r->purposes[i]);
		if (err < 0)
			return err;
	}
	for (size_t i = 0; i < r->n_stores; i++) {
		const struct slot *s = &r->stores[i];

		err = am_registry_store(copy, s->name, (const char *const *)s->paths, s->n_paths,
					&id);
		if (err)
			return err;
		copy->stores[i].epoch = s->epoch;
	}
	*ret = AM_TAKE_PTR(copy);
	return 0;
}

/* ---- reading ---------------------------------------------------------------- */

/* What is left of the file's text; lines are cut out of it in place. */
struct lines {
	char *next, *end;
	unsigned long count;
};

static char *take_line(struct lines *l)
{
	char *line = l->next;
	char *feed = line < l->end ? memchr(line, '\n', l->end - line) : NULL;

	/* A NUL byte would hide the rest of its line. */
	if (!feed || memchr(line, '\0', feed - line))
		return NULL;
	*feed = '\0';
	l->next = feed + 1;
	l->count++;
	return line;
}

/* Cuts the first word off `*rest`. */
static char *take_word(char **rest)
{
	return *rest ? strsep(rest, " ") : NULL;
}

/* A decimal number as we write it ourselves, from `min` to `max`. */
static int take_number(char **rest, unsigned long min, unsigned long max, unsigned long *ret)
{
	const char *word = take_word(rest);
	size_t digits = word ? strspn(word, "0123456789") : 0;
	unsigned long n;

	if (!digits || word[digits] || digits > 10 || (word[0] == '0' && digits > 1))
		return -EBADMSG;
	n = strtoul(word, NULL, 10);
	if (n < min || n > max)
		return -EBADMSG;
	*ret = n;
	return 0;
}

static int read_label(struct am_registry *r, char *rest)
{
	unsigned long bit;
	int err;

	err = take_number(&rest, r->n_labels, r->n_labels, &bit);
	if (err)
		return err;
	if (!rest || !name_is_valid(rest))
		return -EBADMSG;
	err = am_registry_label(r, rest);
	if (err == -ENOMEM)
		return err;
	/* An earlier bit means that the name was there before. */
	return err == (int)bit ? 0 : -EBADMSG;
}

static int read_purpose(struct am_registry *r, char *rest)
{
	unsigned long number;
	int err;

	err = take_number(&rest, r->n_purposes + 1, r->n_purposes + 1, &number);
	if (err)
		return err;
	if (!rest || !name_is_valid(rest))
		return -EBADMSG;
	err = am_registry_purpose(r, rest);
	if (err == -ENOMEM)
		return err;
	return err == (int)number ? 0 : -EBADMSG;
}

static int read_store(struct am_registry *r, char *rest)
{
	unsigned long slot, epoch;
	struct slot *s;
	int err;

	err = take_number(&rest, r->n_stores + 1, r->n_stores + 1, &slot);
	if (err)
		return err;
	err = take_number(&rest, 1, EPOCH_MAX, &epoch);
	if (err)
		return err;
	if (!rest || !name_is_valid(rest) || find_store(r, rest))
		return -EBADMSG;
	err = append_store(r, rest, &s);
	if (err)
		return err == -ENOMEM ? err : -EBADMSG;
	s->epoch = epoch;
	return 0;
}

static int read_path(struct am_registry *r, const char *path)
{
	struct slot *s = r->n_stores ? &r->stores[r->n_stores - 1] : NULL;
	char **paths;

	if (!s || !path || !path_is_valid(path))
		return -EBADMSG;
	paths = realloc(s->paths, (s->n_paths + 1) * sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	s->paths = paths;
	paths[s->n_paths] = strdup(path);
	if (!paths[s->n_paths])
		return -ENOMEM;
	s->n_paths++;
	return 0;
}

static int read_end(const struct lines *l, char *rest)
{
	unsigned long count;

	if (take_number(&rest, l->count - 1, l->count - 1, &count) || rest || l->next != l->end)
		return -EBADMSG;
	return 0;
}

static unsigned long version_of(const struct am_registry *r)
{
	return r->n_purposes ? REGISTRY_PURPOSES : REGISTRY_VERSION;
}

static int read_head(struct lines *l, unsigned long *ret_version)
{
	char *line = take_line(l);

	if (!line || strcmp(take_word(&line), "amanat-registry"))
		return -EBADMSG;
	return take_number(&line, REGISTRY_VERSION, REGISTRY_PURPOSES, ret_version) || line ?
	       -EBADMSG : 0;
}

static int read_lines(struct am_registry *r, struct lines *l)
{
	unsigned long version = 0;
	int err;

	err = read_head(l, &version);
	while (!err) {
		char *rest = take_line(l);
		const char *kind = take_word(&rest);

		if (!kind)
			return -EBADMSG;
		if (!strcmp(kind, "end"))
			return version == version_of(r) ? read_end(l, rest) : -EBADMSG;
		if (!strcmp(kind, "label") && !r->n_stores && !r->n_purposes)
			err = read_label(r, rest);
		else if (!strcmp(kind, "purpose") && !r->n_stores)
			err = read_purpose(r, rest);
		else if (!strcmp(kind, "store"))
			err = read_store(r, rest);
		else if (!strcmp(kind, "path"))
			err = read_path(r, rest);
		else
			err = -EBADMSG;
	}
	return err;
}

int am_registry_load(int dirfd, struct am_registry **ret)
{
	am_auto(am_registry) struct am_registry *r = NULL;
	am_autofree char *text = NULL;
	struct lines lines;
	size_t len;
	int err;

	err = am_registry_new(&r);
	if (err)
		return err;
	err = am_file_read(dirfd, file_name, REGISTRY_BYTES_MAX, &text, &len);
	if (err == -EINVAL || err == -EFBIG || err == -ELOOP)
		return -EBADMSG;	/* not a file of ours */
	if (err && err != -ENOENT)
		return err;
	if (!err) {
		lines = (struct lines){ .next = text, .end = text + len };
		err = read_lines(r, &lines);
		if (err)
			return err;
	}
	*ret = AM_TAKE_PTR(r);
	return 0;
}

/* ---- writing ---------------------------------------------------------------- */

static void print_all(const struct am_registry *r, FILE *out)
{
	unsigned long lines = 1;

	fprintf(out, "amanat-registry %lu\n", version_of(r));
	for (unsigned i = 0; i < r->n_labels; i++, lines++)
		fprintf(out, "label %u %s\n", i, r->labels[i]);
	for (unsigned i = 1; i <= r->n_purposes; i++, lines++)
		fprintf(out, "purpose %u %s\n", i, r->purposes[i]);
	for (size_t i = 0; i < r->n_stores; i++, lines++) {
		const struct slot *s = &r->stores[i];

		fprintf(out, "store %zu %" PRIu32 " %s\n", i + 1, s->epoch, s->name);
		for (size_t j = 0; j < s->n_paths; j++, lines++)
			fprintf(out, "path %s\n", s->paths[j]);
	}
	fprintf(out, "end %lu\n", lines);
}

static int print_to_memory(const struct am_registry *r, char **ret, size_t *ret_len)
{
	FILE *out = open_memstream(ret, ret_len);
	bool failed;

	if (!out)
		return -errno;
	print_all(r, out);
	failed = ferror(out);
	return fclose(out) || failed ? -ENOMEM : 0;
}

int am_registry_save(struct am_registry *r, int dirfd)
{
	am_autofree char *text = NULL;
	size_t len = 0;
	int err;

	err = print_to_memory(r, &text, &len);
	if (err)
		return err;
	/* What could not be read back must not replace what can. */
	if (len > REGISTRY_BYTES_MAX)
		return -EFBIG;
	return am_file_replace(dirfd, file_name, text, len);
}
