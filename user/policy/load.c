// SPDX-License-Identifier: GPL-2.0
/* A policy from where it is kept: a file, or a folder of files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/read.h"
#include "policy/reader.h"

/* What has been read so far. */
struct load {
	struct am_model *model;
	struct am_diags *diags;
	struct am_source *sources;	/* owned, and so is each text */
	size_t n_sources;
	size_t bytes;			/* of them all */
};

static void done_load(struct load *l)
{
	for (size_t i = 0; i < l->n_sources; i++)
		free((char *)l->sources[i].text);
	free(l->sources);
}

static int refuse(struct load *l, const char *path, const char *fact, const char *hint, int err)
{
	am_diags_add(l->diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = path }, hint, "%s", fact);
	return err;
}

static int refuse_errno(struct load *l, const char *path, int err)
{
	am_diags_add(l->diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = path },
		     "Check the name of the file and who may read it.",
		     "the file cannot be read: %s", strerror(-err));
	return err;
}

static int refuse_size(struct load *l, const char *path)
{
	return refuse(l, path, l->n_sources ? "with this file the policy is larger than 4 MiB"
					    : "the file is larger than 4 MiB",
		      "A policy is a page of text; name the right file.", -EFBIG);
}

/* ---- one file --------------------------------------------------------------- */

static int open_file(struct load *l, const char *path, int *ret, struct stat *ret_st)
{
	am_autoclose int fd = -1;

	/* Non-blocking, for a FIFO, which is refused. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return refuse_errno(l, path, -errno);
	*ret = AM_TAKE_FD(fd);
	return 0;
}

/* `path` is borrowed as long as the model lives. */
static int add_source(struct load *l, const char *path, int fd, const struct stat *st)
{
	size_t room = AM_POLICY_BYTES_MAX - l->bytes + 1;
	struct am_source source = { .name = path };
	am_autofree char *text = NULL;
	ssize_t len;
	int err;

	if (!S_ISREG(st->st_mode))
		return refuse(l, path, "this is not a regular file",
			      "Save the policy to a file and name that.", -EINVAL);
	if (st->st_size >= (off_t)room)
		return refuse_size(l, path);
	text = malloc(room);
	if (!text)
		return refuse_errno(l, path, -ENOMEM);
	len = am_read_all(fd, text, room);
	if (len < 0)
		return refuse_errno(l, path, len);
	if ((size_t)len == room)
		return refuse_size(l, path);
	source.text = text;
	source.len = len;
	err = AM_APPEND(l->sources, l->n_sources, source);
	if (err)
		return refuse_errno(l, path, err);
	(void)AM_TAKE_PTR(text);	/* the source has it */
	l->bytes += len;
	return 0;
}

/* ---- a folder --------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && !strcmp(name + len - n, end);
}

/* Takes note of a name in the folder. */
static int note_name(struct load *l, const char *folder, const char *name)
{
	struct am_model *m = l->model;
	char *path = NULL;
	int err;

	if (name[0] == '.' || (!ends_with(name, ".yaml") && !ends_with(name, ".yml")))
		return 0;
	/* Its tests: `policy test` reads them. */
	if (ends_with(name, ".test.yaml") || ends_with(name, ".test.yml"))
		return 0;
	if (asprintf(&path, "%s%s%s", folder, ends_with(folder, "/") ? "" : "/", name) < 0)
		return -ENOMEM;
	if (ends_with(name, ".yml")) {
		am_diags_add(l->diags, AM_SEVERITY_WARNING, (struct am_pos){ .file = path },
			     "Rename it to end in .yaml if it is to be a part of the policy.",
			     "this file is not read");
		free(path);
		return 0;
	}
	err = AM_APPEND(m->files, m->n_files, path);
	if (err)
		free(path);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);	/* it was only read */
}

static int list_files(struct load *l, const char *folder)
{
	__attribute__((cleanup(close_dir))) DIR *dir = opendir(folder);
	struct am_model *m = l->model;
	const struct dirent *entry;
	int err;

	if (!dir)
		return refuse_errno(l, folder, -errno);
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		err = note_name(l, folder, entry->d_name);
		if (err)
			return refuse_errno(l, folder, err);
		if (m->n_files > AM_FILES_MAX)
			return refuse(l, folder, "the folder holds more than 256 files NAME.yaml",
				      "Put several of them together.", -E2BIG);
	}
	if (errno)
		return refuse_errno(l, folder, -errno);
	if (!m->n_files)
		return refuse(l, folder, "the folder holds no file NAME.yaml",
			      "Put the files of the policy into it, or name one file.", -ENOENT);
	qsort(m->files, m->n_files, sizeof(*m->files), by_name);
	return 0;
}

static int add_folder(struct load *l, const char *folder)
{
	int err = list_files(l, folder);

	for (size_t i = 0; !err && i < l->model->n_files; i++) {
		am_autoclose int fd = -1;
		struct stat st;

		err = open_file(l, l->model->files[i], &fd, &st);
		if (!err)
			err = add_source(l, l->model->files[i], fd, &st);
	}
	return err;
}

/* ---- either ----------------------------------------------------------------- */

static int add_all(struct load *l, const char *path)
{
	am_autoclose int fd = -1;
	struct stat st;
	int err;

	err = open_file(l, path, &fd, &st);
	if (err)
		return err;
	return S_ISDIR(st.st_mode) ? add_folder(l, path) : add_source(l, path, fd, &st);
}

int am_model_load(const char *path, struct am_diags *diags, struct am_model **ret)
{
	am_auto(am_model) struct am_model *m = calloc(1, sizeof(*m));
	__attribute__((cleanup(done_load))) struct load l = { .model = m, .diags = diags };
	int err;

	if (m)
		m->file = strdup(path);
	if (!m || !m->file)
		return refuse_errno(&l, path, -ENOMEM);
	err = add_all(&l, m->file);
	if (!err)
		err = am_model_read(m, l.sources, l.n_sources, diags);
	if (!err)
		*ret = AM_TAKE_PTR(m);
	return err;
}
