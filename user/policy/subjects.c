// SPDX-License-Identifier: GPL-2.0
/* The section `subjects`. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

static int read_subject_exe(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	s->exe_pos = node->pos;
	return am_reader_path(r, node, &s->exe);
}

/* The name or number of a user or group. Whether this host has it is not asked here. */
static int read_account(struct am_reader *r, const struct am_node *node, const char *expected,
			char **ret)
{
	static const char hint[] = "Write one name, such as postgres, or a number.";

	if (!am_reader_expects(r, node, AM_NODE_TEXT, expected, hint))
		return 0;
	if (strlen(node->text) > AM_NAME_LEN_MAX || strpbrk(node->text, " ,:/\t\n")) {
		am_reader_error(r, node->pos, hint, "'%.64s' is not %s", node->text, expected);
		return 0;
	}
	*ret = strdup(node->text);
	return *ret ? 0 : -ENOMEM;
}

static int read_subject_user(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	s->user_pos = node->pos;
	return read_account(r, node, "the name of a user", &s->user);
}

static int read_subject_group(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	s->group_pos = node->pos;
	return read_account(r, node, "the name of a group", &s->group);
}

static int read_subject_third_party(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "the name of a company",
			       "Write its name, such as ACME Ltd."))
		return 0;
	if (strlen(node->text) > 2 * AM_NAME_LEN_MAX || strpbrk(node->text, "\n\t")) {
		am_reader_error(r, node->pos, "Write its name, such as ACME Ltd.",
				"the name is longer than %d bytes or more than a line",
				2 * AM_NAME_LEN_MAX);
		return 0;
	}
	s->third_party = strdup(node->text);
	return s->third_party ? 0 : -ENOMEM;
}

static const struct am_key subject_keys[] = {
	{ "exe", read_subject_exe, NULL },
	{ "user", read_subject_user, NULL },
	{ "group", read_subject_group, NULL },
	{ "third-party", read_subject_third_party, NULL },
	{ "unit", NULL, NULL },
	{ "cgroup", NULL, NULL },
	{ "login", NULL, NULL },
	{ "purpose", NULL, NULL },
	{ "sha256", NULL, NULL },
};

int am_read_subject(struct am_reader *r, const struct am_node *key, const struct am_node *value)
{
	struct am_model *m = r->model;
	struct am_model_subject subject = { .pos = key->pos };
	int err;

	if (!am_reader_may_add(r, key, AM_NAMED_SUBJECT, AM_SUBJECTS_MAX))
		return 0;
	subject.name = strdup(key->text);
	if (!subject.name)
		return -ENOMEM;
	err = AM_APPEND(m->subjects, m->n_subjects, subject);
	if (err) {
		free(subject.name);
		return err;
	}
	if (!am_reader_expects(r, value, AM_NODE_MAP, "the keys of a subject",
			       "Say who it is by exe, user or group, indented below its name."))
		return 0;
	return am_reader_keys(r, value, "a subject", subject_keys, AM_COUNT(subject_keys),
			      &m->subjects[m->n_subjects - 1]);
}
