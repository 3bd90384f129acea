// SPDX-License-Identifier: GPL-2.0
/* The section `subjects`. */
#include <errno.h>
#include <limits.h>
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

static int read_subject_login(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	s->login_pos = node->pos;
	return read_account(r, node, "the name of a user", &s->login);
}

static int read_subject_script(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	s->script_pos = node->pos;
	return am_reader_path(r, node, &s->script);
}

static int read_subject_purpose(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_subject *s = into;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a purpose",
			       "Name one purpose that is declared under 'purposes'."))
		return 0;
	if (am_model_find(r->model, AM_NAMED_PURPOSE, node->text) < 0) {
		am_reader_unknown(r, node->pos, AM_NAMED_PURPOSE, node->text);
		return 0;
	}
	s->purpose_pos = node->pos;
	s->purpose = strdup(node->text);
	return s->purpose ? 0 : -ENOMEM;
}

/* ---- cgroups ---------------------------------------------------------------- */

/* Whether subjects that follow are about another cgroup than the one they have. */
static bool has_cgroup(struct am_reader *r, const struct am_node *node,
		       const struct am_model_subject *s)
{
	if (!s->unit && !s->cgroup)
		return false;
	am_reader_error(r, node->pos, "Keep one of the two; a unit is the cgroup that systemd gives "
			"it.", "the subject has both a unit and a cgroup");
	return true;
}

static const char mount_point[] = "/sys/fs/cgroup";

static int read_subject_cgroup(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char hint[] = "Write the path below /sys/fs/cgroup, such as "
				   "/system.slice/sim-desk.service.";
	struct am_model_subject *s = into;

	if (has_cgroup(r, node, s))
		return 0;
	if (node->kind == AM_NODE_TEXT && !strncmp(node->text, mount_point, strlen(mount_point))) {
		am_reader_error(r, node->pos, hint,
				"the path of a cgroup does not begin with %s", mount_point);
		return 0;
	}
	s->cgroup_pos = node->pos;
	return am_reader_path(r, node, &s->cgroup);
}

/* The kinds of units that have processes. */
static bool has_unit_kind(const char *name)
{
	static const char *const kinds[] = { ".service", ".slice", ".scope", ".socket", ".mount",
					     ".swap" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && dot != name && i < AM_COUNT(kinds); i++)
		if (!strcmp(dot, kinds[i]))
			return true;
	return false;
}

static const char *unit_fault(const char *name)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789:-_.\\@";

	if (strlen(name) > NAME_MAX || name[strspn(name, chars)])
		return "is not the name of a unit";
	if (!has_unit_kind(name))
		return "does not end as a unit with processes does";
	if (strstr(name, "@."))
		return "is a template, which has no processes";
	/* Its cgroup is the root: everybody. */
	return strcmp(name, "-.slice") ? NULL : "holds every process";
}

static int read_subject_unit(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char hint[] = "Write the name with its suffix, such as sim-desk.service or "
				   "desk@3.service; also .slice, .scope, .socket, .mount and "
				   ".swap.";
	struct am_model_subject *s = into;
	const char *fault;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "the name of a unit", hint) ||
	    has_cgroup(r, node, s))
		return 0;
	fault = unit_fault(node->text);
	if (fault) {
		am_reader_error(r, node->pos, hint, "'%.64s' %s", node->text, fault);
		return 0;
	}
	s->cgroup_pos = node->pos;
	s->unit = strdup(node->text);
	return s->unit ? 0 : -ENOMEM;
}

/* ---- digests ---------------------------------------------------------------- */

static int parse_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_digest(const char *text, uint8_t ret[AM_SHA256_BYTES])
{
	if (strlen(text) != 2 * AM_SHA256_BYTES)
		return false;
	for (size_t i = 0; i < AM_SHA256_BYTES; i++) {
		int high = parse_hex(text[2 * i]), low = parse_hex(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = high << 4 | low;
	}
	return true;
}

static int read_subject_sha256(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char hint[] = "Write the 64 hexadecimal digits that sha256sum prints for the "
				   "executable.";
	struct am_model_subject *s = into;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a SHA-256 digest", hint))
		return 0;
	if (!parse_digest(node->text, s->sha256)) {
		am_reader_error(r, node->pos, hint, "'%.64s' is not a SHA-256 digest", node->text);
		return 0;
	}
	s->sha256_pos = node->pos;
	s->pinned = true;
	return 0;
}

/* ---- a subject -------------------------------------------------------------- */

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
	{ "login", read_subject_login, NULL },
	{ "unit", read_subject_unit, NULL },
	{ "cgroup", read_subject_cgroup, NULL },
	{ "script", read_subject_script, NULL },
	{ "purpose", read_subject_purpose, NULL },
	{ "sha256", read_subject_sha256, NULL },
	{ "third-party", read_subject_third_party, NULL },
};

static void check_pin(struct am_reader *r, const struct am_node *subject)
{
	const struct am_node *digest = am_node_value(subject, "sha256");

	if (digest && !am_node_value(subject, "exe"))
		am_reader_error(r, digest->pos, "Give the executable that has this digest as exe.",
				"a sha256 stands without an exe");
}

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
			       "Say who it is, by exe, user, unit and so on, indented below "
			       "its name."))
		return 0;
	check_pin(r, value);
	return am_reader_keys(r, value, "a subject", subject_keys, AM_COUNT(subject_keys),
			      &m->subjects[m->n_subjects - 1]);
}
