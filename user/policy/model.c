// SPDX-License-Identifier: GPL-2.0
#include "policy/model.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/reader.h"

static void free_store(struct am_model_store *s)
{
	for (size_t i = 0; i < s->n_paths; i++)
		free(s->paths[i].path);
	free(s->paths);
	free(s->labels);
	free(s->purposes);
	free(s->class);
	free(s->name);
}

static void free_subject(struct am_model_subject *s)
{
	free(s->name);
	free(s->exe);
	free(s->user);
	free(s->group);
	free(s->login);
	free(s->unit);
	free(s->cgroup);
	free(s->script);
	free(s->purpose);
	free(s->third_party);
}

static void free_zone(struct am_model_zone *z)
{
	free(z->name);
	free(z->nets);
	free(z->ports);
}

static void free_rule(struct am_model_rule *r)
{
	free(r->text);
	free(r->stores);
	free(r->labels);
	free(r->zones);
	free(r->purposes);
}

static void free_invariant(struct am_model_invariant *inv)
{
	free(inv->text);
	free(inv->subjects);
	free(inv->stores);
	free(inv->labels);
	free(inv->zones);
}

void am_model_free(struct am_model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_labels; i++)
		free(m->labels[i].name);
	for (size_t i = 0; i < m->n_purposes; i++)
		free(m->purposes[i].name);
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i]);
	for (size_t i = 0; i < m->n_stores; i++)
		free_store(&m->stores[i]);
	for (size_t i = 0; i < m->n_subjects; i++)
		free_subject(&m->subjects[i]);
	for (size_t i = 0; i < m->n_zones; i++)
		free_zone(&m->zones[i]);
	for (size_t i = 0; i < m->n_rules; i++)
		free_rule(&m->rules[i]);
	for (size_t i = 0; i < m->n_invariants; i++)
		free_invariant(&m->invariants[i]);
	free(m->labels);
	free(m->purposes);
	free(m->files);
	free(m->stores);
	free(m->subjects);
	free(m->zones);
	free(m->rules);
	free(m->invariants);
	free(m->name);
	free(m->file);
	free(m);
}

const char *am_subject_atom(const struct am_model_subject *subject, enum am_fact kind)
{
	switch (kind) {
	case AM_FACT_EXE:
		return subject->exe;
	case AM_FACT_USER:
		return subject->user;
	case AM_FACT_GROUP:
		return subject->group;
	case AM_FACT_LOGIN:
		return subject->login;
	case AM_FACT_CGROUP:
		return subject->unit ? subject->unit : subject->cgroup;
	case AM_FACT_PURPOSE:
		return subject->purpose;
	case AM_FACT_SCRIPT:
		return subject->script;
	default:
		return NULL;
	}
}

/* ---- parsing ---------------------------------------------------------------- */

static int read_model(struct am_model *m, const char *text, size_t len, struct am_diags *diags)
{
	am_auto(am_node) struct am_node *root = NULL;
	struct am_reader reader = { .model = m, .diags = diags };
	int err;

	err = am_yaml_parse(m->file, text, len, diags, &root);
	if (err)
		return err;
	err = am_read_policy(&reader, root);
	if (err)
		return err;
	return am_check_policy(&reader);
}

int am_model_parse(const char *name, const char *text, size_t len, struct am_diags *diags,
		   struct am_model **ret)
{
	am_auto(am_model) struct am_model *m = calloc(1, sizeof(*m));
	size_t errors = diags->errors;
	int err;

	if (!m)
		return -ENOMEM;
	m->file = strdup(name);
	if (!m->file)
		return -ENOMEM;
	err = read_model(m, text, len, diags);
	am_diags_sort(diags);
	if (err)
		return err;
	if (diags->errors != errors)
		return -EINVAL;
	*ret = AM_TAKE_PTR(m);
	return 0;
}

/* ---- the file --------------------------------------------------------------- */

static int refuse_file(struct am_diags *diags, const char *path, const char *fact,
		       const char *hint, int err)
{
	am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = path }, hint, "%s", fact);
	return err;
}

static int refuse_errno(struct am_diags *diags, const char *path, int err)
{
	am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = path },
		     "Check the name of the file and who may read it.",
		     "the file cannot be read: %s", strerror(-err));
	return err;
}

static int open_policy(const char *path, struct am_diags *diags, int *ret)
{
	am_autoclose int fd = -1;
	struct stat st;

	/* Non-blocking, for a FIFO, which is refused. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse_errno(diags, path, -errno);
	if (S_ISDIR(st.st_mode))
		return refuse_file(diags, path, "this is a folder", "Name one policy file in it.",
				   -EISDIR);
	if (!S_ISREG(st.st_mode))
		return refuse_file(diags, path, "this is not a regular file",
				   "Save the policy to a file and name that.", -EINVAL);
	if (st.st_size > AM_POLICY_BYTES_MAX)
		return refuse_file(diags, path, "the file is larger than 1 MiB",
				   "A policy is a page of text; name the right file.", -EFBIG);
	*ret = AM_TAKE_FD(fd);
	return 0;
}

/* All bytes of the file, at most `size`, whatever its size was said to be. */
static ssize_t read_bytes(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
	}
	return len;
}

int am_model_load(const char *path, struct am_diags *diags, struct am_model **ret)
{
	am_autofree char *text = NULL;
	am_autoclose int fd = -1;
	ssize_t len;
	int err;

	err = open_policy(path, diags, &fd);
	if (err)
		return err;
	text = malloc(AM_POLICY_BYTES_MAX + 1);
	if (!text)
		return refuse_errno(diags, path, -ENOMEM);
	len = read_bytes(fd, text, AM_POLICY_BYTES_MAX + 1);
	if (len < 0)
		return refuse_errno(diags, path, len);
	if (len > AM_POLICY_BYTES_MAX)
		return refuse_file(diags, path, "the file is larger than 1 MiB",
				   "A policy is a page of text; name the right file.", -EFBIG);
	return am_model_parse(path, text, len, diags, ret);
}
