// SPDX-License-Identifier: GPL-2.0
#include "policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/sha256.h"

/* A file that a subject names. */
struct named_file {
	const struct am_model_subject *subject;
	const char *path;	/* borrowed */
	const char *word;	/* executable, script */
	struct am_pos pos;
	const uint8_t *sha256;	/* NULL: any content will do */
	struct stat st;
	bool exists;
};

struct named_files {
	struct named_file *items;	/* owned */
	size_t count;
};

static void done_files(struct named_files *files)
{
	free(files->items);
}

static void warn(struct am_diags *diags, const struct named_file *f, const char *hint,
		 const char *fact, ...) __attribute__((format(printf, 4, 5)));

static void warn(struct am_diags *diags, const struct named_file *f, const char *hint,
		 const char *fact, ...)
{
	va_list args;

	va_start(args, fact);
	am_diags_addv(diags, AM_SEVERITY_WARNING, f->pos, hint, fact, args);
	va_end(args);
}

/* ---- who can change it ------------------------------------------------------ */

/* Who but root may write; "" if nobody. */
static void find_writer(const struct stat *st, char *ret, size_t size)
{
	*ret = '\0';
	if (st->st_mode & S_IWOTH)
		snprintf(ret, size, "everybody");
	else if (st->st_uid)
		snprintf(ret, size, "the user %u", st->st_uid);
	else if (st->st_gid && st->st_mode & S_IWGRP)
		snprintf(ret, size, "the group %u", st->st_gid);
}

/* In a sticky folder nobody else's file can be replaced. */
static bool is_sticky(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX && !st->st_uid;
}

/* The first of the folders down to `path`, or it itself, that somebody but root can write:
 * cuts `path` there, and says who. What a link leads to is looked at on its own. */
static bool find_weak(char *path, char *who, size_t size)
{
	for (char *end = path + 1;; end++) {
		struct stat st;
		char c;

		end = strchrnul(end, '/');
		c = *end;
		*end = '\0';
		if (lstat(path, &st) < 0)
			return false;
		if (!S_ISLNK(st.st_mode) && !is_sticky(&st)) {
			find_writer(&st, who, size);
			if (*who)
				return true;
		}
		if (!c)
			return false;
		*end = c;
	}
}

bool am_trust_weak(const char *path, char *ret_who, size_t who_size, char *ret_where,
		   size_t where_size)
{
	char real[PATH_MAX];

	if (strlen(path) >= where_size || where_size < sizeof(real) || !realpath(path, real))
		return false;
	strcpy(ret_where, path);
	if (find_weak(ret_where, ret_who, who_size))
		return true;
	strcpy(ret_where, real);
	return find_weak(ret_where, ret_who, who_size);
}

static void check_writers(const struct named_file *f, struct am_diags *diags)
{
	char where[PATH_MAX], who[64];

	if (am_trust_weak(f->path, who, sizeof(who), where, sizeof(where)))
		warn(diags, f, "Let root alone own and write it and the folders above it.",
		     "%s can change the %s '%s', which makes the subject '%s': it can write '%s'",
		     who, f->word, f->path, f->subject->name, where);
}

/* ---- what it is ------------------------------------------------------------- */

static void check_digest(const struct named_file *f, struct am_diags *diags)
{
	am_autoclose int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t sha256[AM_SHA256_LEN];
	int err = fd < 0 ? -errno : am_sha256_file(fd, sha256);

	if (err)
		warn(diags, f, "Check it as root.", "the %s '%s' cannot be read: %s", f->word,
		     f->path, strerror(-err));
	else if (memcmp(sha256, f->sha256, sizeof(sha256)))
		warn(diags, f, "Check how it came to be changed; then write the digest that "
		     "sha256sum prints.",
		     "the %s '%s' has not the digest that the subject '%s' asks for", f->word,
		     f->path, f->subject->name);
}

static void check_file(const struct named_file *f, struct am_diags *diags)
{
	if (!f->exists) {
		warn(diags, f, "Nobody is this subject until it exists.",
		     "this host has no %s '%s'", f->word, f->path);
		return;
	}
	if (!S_ISREG(f->st.st_mode)) {
		warn(diags, f, "Name the file itself.", "'%s' is not a regular file", f->path);
		return;
	}
	check_writers(f, diags);
	if (f->sha256)
		check_digest(f, diags);
}

/* Subjects that name two paths of one file are one to the kernel. */
static void check_twins(const struct named_files *files, size_t index, struct am_diags *diags)
{
	const struct named_file *f = &files->items[index];

	for (size_t i = 0; i < index; i++) {
		const struct named_file *other = &files->items[i];

		if (!f->exists || !other->exists || f->st.st_ino != other->st.st_ino ||
		    f->st.st_dev != other->st.st_dev || !strcmp(f->path, other->path))
			continue;
		warn(diags, f, "Who runs it is both subjects.",
		     "'%s' and '%s', of the subject '%s', are one file", f->path, other->path,
		     other->subject->name);
		return;
	}
}

/* ---- all of them ------------------------------------------------------------ */

static int add_file(struct named_files *files, struct named_file new)
{
	if (!new.path)
		return 0;
	new.exists = !stat(new.path, &new.st);
	return AM_APPEND(files->items, files->count, new);
}

static int list_files(const struct am_model *m, struct named_files *ret)
{
	int err = 0;

	for (size_t i = 0; !err && i < m->n_subjects; i++) {
		const struct am_model_subject *s = &m->subjects[i];

		err = add_file(ret, (struct named_file){
			.subject = s, .path = s->exe, .word = "executable", .pos = s->exe_pos,
			.sha256 = s->pinned ? s->sha256 : NULL });
		if (!err)
			err = add_file(ret, (struct named_file){
				.subject = s, .path = s->script, .word = "script",
				.pos = s->script_pos });
	}
	return err;
}

/* The same file for another subject. */
static bool is_repeated(const struct named_files *files, size_t index)
{
	const struct named_file *f = &files->items[index];

	for (size_t i = 0; i < index; i++)
		if (!strcmp(files->items[i].path, f->path) && files->items[i].sha256 == f->sha256)
			return true;
	return false;
}

int am_trust_check(const struct am_model *model, struct am_diags *diags)
{
	__attribute__((cleanup(done_files))) struct named_files files = { 0 };
	int err = list_files(model, &files);

	if (err)
		return err;
	for (size_t i = 0; i < files.count; i++) {
		if (!is_repeated(&files, i))
			check_file(&files.items[i], diags);
		check_twins(&files, i, diags);
	}
	am_diags_sort(diags);
	return 0;
}

int am_trust_check_writers(const struct am_model *model, struct am_diags *diags)
{
	__attribute__((cleanup(done_files))) struct named_files files = { 0 };
	int err = list_files(model, &files);

	if (err)
		return err;
	for (size_t i = 0; i < files.count; i++)
		if (files.items[i].exists && !is_repeated(&files, i))
			check_writers(&files.items[i], diags);
	am_diags_sort(diags);
	return 0;
}

/* ---- the host of a space ---------------------------------------------------- */

static int identify(void *ctx, const char *path, uint64_t ret[2])
{
	struct stat st;

	(void)ctx;
	if (stat(path, &st) < 0)
		return -errno;
	ret[0] = st.st_dev;
	ret[1] = st.st_ino;
	return 0;
}

const struct am_space_host am_trust_host = { .resolver = &am_resolver_host, .file = identify };
