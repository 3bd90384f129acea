// SPDX-License-Identifier: GPL-2.0
#include "policy/testfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/read.h"
#include "event/event.h"
#include "policy/reader.h"

/* A test being read; `into` of the reading functions. */
struct reading {
	const struct am_space *space;
	struct am_tests *tests;
	struct am_test *test;
	const struct am_node *digest;	/* of `as` */
};

/* ---- as --------------------------------------------------------------------- */

static int say(struct am_reader *r, const struct am_node *node, struct reading *in,
	       enum am_fact kind)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "one %s", am_fact_word(kind));
	if (!am_reader_expects(r, node, AM_NODE_TEXT, expected,
			       "Write it as the policy does, or something that it does not "
			       "mention."))
		return 0;
	if (am_who_say(in->space, &in->test->ask.who, kind, node->text) == -ERANGE)
		am_reader_error(r, node->pos, "Leave out those that the policy does not mention.",
				"a test has at most %d groups and %d cgroups", AM_GROUPS_MAX,
				AM_CGROUP_DEPTH);
	return 0;
}

static int read_exe(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	if (node->kind == AM_NODE_TEXT && node->text[0] != '/')
		am_reader_error(r, node->pos, "Write the path from the root on.",
				"the path is not absolute");
	else if (node->kind == AM_NODE_TEXT && in->digest)
		in->test->ask.who.facts[AM_FACT_EXE] = (struct am_who_fact){
			am_space_value(in->space, AM_FACT_EXE, node->text, in->digest->text),
			node->text };
	else
		return say(r, node, in, AM_FACT_EXE);
	return 0;
}

static int read_sha256(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	if (am_reader_expects(r, node, AM_NODE_TEXT, "a digest",
			      "Write the digest that a subject asks for, or other."))
		in->digest = node;
	return 0;
}

static int read_user(struct am_reader *r, const struct am_node *node, void *into)
{
	return say(r, node, into, AM_FACT_USER);
}

static int read_group(struct am_reader *r, const struct am_node *node, void *into)
{
	return say(r, node, into, AM_FACT_GROUP);
}

static int read_groups(struct am_reader *r, const struct am_node *node, void *into)
{
	return am_reader_list(r, node, "a list of groups",
			      "Write the groups as a list, such as [staff].", read_group, into);
}

static int read_login(struct am_reader *r, const struct am_node *node, void *into)
{
	return say(r, node, into, AM_FACT_LOGIN);
}

static int read_script(struct am_reader *r, const struct am_node *node, void *into)
{
	return say(r, node, into, AM_FACT_SCRIPT);
}

static int read_cgroup(struct am_reader *r, const struct am_node *node, void *into)
{
	return say(r, node, into, AM_FACT_CGROUP);
}

static int read_purpose(struct am_reader *r, const struct am_node *node, void *into)
{
	if (node->kind == AM_NODE_TEXT && node->text[0] &&
	    am_model_find(r->model, AM_NAMED_PURPOSE, node->text) < 0) {
		am_reader_unknown(r, node->pos, AM_NAMED_PURPOSE, node->text);
		return 0;
	}
	return say(r, node, into, AM_FACT_PURPOSE);
}

static int read_unknown(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char *const words[] = { "false", "true" };
	struct reading *in = into;

	in->test->ask.who.unknown = am_reader_choice(r, node, words, AM_COUNT(words)) == 1;
	return 0;
}

static const struct am_key as_keys[] = {
	{ "sha256", read_sha256, NULL },	/* before exe, of which it is a part */
	{ "exe", read_exe, NULL },
	{ "user", read_user, NULL },
	{ "group", read_group, NULL },
	{ "groups", read_groups, NULL },
	{ "login", read_login, NULL },
	{ "unit", read_cgroup, NULL },
	{ "cgroup", read_cgroup, NULL },
	{ "script", read_script, NULL },
	{ "purpose", read_purpose, NULL },
	{ "unknown", read_unknown, NULL },
};

static int read_as(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	in->digest = NULL;
	if (node->kind == AM_NODE_TEXT && !strcmp(node->text, "anyone"))
		return 0;
	if (!am_reader_expects(r, node, AM_NODE_MAP, "the facts of a task",
			       "Write them as a map, such as {user: desk, exe: /usr/bin/psql}, or "
			       "anyone for nobody in particular."))
		return 0;
	return am_reader_keys(r, node, "a task", as_keys, AM_COUNT(as_keys), into);
}

/* ---- what is asked ---------------------------------------------------------- */

/* A test asks one thing. */
static bool begin(struct am_reader *r, const struct am_node *node, struct reading *in, unsigned op)
{
	if (in->test->ask.access.op) {
		am_reader_error(r, node->pos, "Write one test for each.",
				"a test asks for one of read, write, send and use");
		return false;
	}
	in->test->ask.access.op = op;
	return true;
}

static int read_object(struct am_reader *r, const struct am_node *node, struct reading *in,
		       unsigned op)
{
	int err;

	if (!begin(r, node, in, op) ||
	    !am_reader_expects(r, node, AM_NODE_TEXT, "a store or a path",
			       "Name a store of the policy, or write a path from the root on."))
		return 0;
	err = am_ask_object(&in->test->ask, in->space, node->text);
	if (err == -ENOENT)
		am_reader_unknown(r, node->pos, AM_NAMED_STORE, node->text);
	else if (err)
		am_reader_error(r, node->pos, "Write the path from the root on, without '..'.",
				"'%.64s' is not a path", node->text);
	return 0;
}

static int read_read(struct am_reader *r, const struct am_node *node, void *into)
{
	return read_object(r, node, into, AM_OP_READ);
}

static int read_write(struct am_reader *r, const struct am_node *node, void *into)
{
	return read_object(r, node, into, AM_OP_WRITE);
}

static int read_label(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	if (am_reader_expects(r, node, AM_NODE_TEXT, "a label", "Name a label of the policy.") &&
	    am_ask_label(&in->test->ask, in->space, node->text))
		am_reader_unknown(r, node->pos, AM_NAMED_LABEL, node->text);
	return 0;
}

static int read_labels(struct am_reader *r, const struct am_node *node, void *into)
{
	return am_reader_list(r, node, "a list of labels",
			      "Write the labels as a list, such as [cnic].", read_label, into);
}

static int read_to(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char hint[] = "Write ADDRESS:PORT/PROTOCOL, such as 10.20.1.2:5432/tcp or "
				   "[fd00::1]:443/tcp, or local, terminal or device.";
	struct reading *in = into;

	if (am_reader_expects(r, node, AM_NODE_TEXT, "a destination", hint) &&
	    am_ask_place(&in->test->ask, in->space, node->text))
		am_reader_error(r, node->pos, hint, "'%.80s' is not a destination", node->text);
	return 0;
}

static const struct am_key send_keys[] = {
	{ "labels", read_labels, "Say what is sent, such as labels: [cnic]." },
	{ "to", read_to, "Say where to, such as to: \"10.20.1.2:5432/tcp\"." },
};

static int read_send(struct am_reader *r, const struct am_node *node, void *into)
{
	if (!begin(r, node, into, AM_OP_SEND) ||
	    !am_reader_expects(r, node, AM_NODE_MAP, "what is sent where",
			       "Write it as {labels: [cnic], to: \"10.20.1.2:5432/tcp\"}."))
		return 0;
	return am_reader_keys(r, node, "a send", send_keys, AM_COUNT(send_keys), into);
}

static int read_use(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	if (begin(r, node, in, AM_OP_USE) &&
	    am_reader_expects(r, node, AM_NODE_TEXT, "a purpose",
			      "Name a purpose of the policy.") &&
	    am_ask_use(&in->test->ask, in->space, node->text))
		am_reader_unknown(r, node->pos, AM_NAMED_PURPOSE, node->text);
	return 0;
}

/* ---- what is expected ------------------------------------------------------- */

static int read_expect(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char *const words[] = { "allow", "deny" };
	struct reading *in = into;
	int i = am_reader_choice(r, node, words, AM_COUNT(words));

	if (i >= 0)
		in->test->expect = i ? AM_VERDICT_DENY : AM_VERDICT_ALLOW;
	return 0;
}

static int read_reason(struct am_reader *r, const struct am_node *node, void *into)
{
	const char *words[AM_REASON_MAX_ - 1];
	struct reading *in = into;
	int i;

	for (unsigned reason = 1; reason < AM_REASON_MAX_; reason++)
		words[reason - 1] = am_reason_name(reason);
	i = am_reader_choice(r, node, words, AM_COUNT(words));
	if (i >= 0)
		in->test->reason = i + 1;
	return 0;
}

static int read_name(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	if (am_reader_expects(r, node, AM_NODE_TEXT, "the name of a test",
			      "Write a sentence that is true when the test is passed."))
		in->test->name = node->text;
	return 0;
}

static const struct am_key test_keys[] = {
	{ "name", read_name, NULL },
	{ "as", read_as, NULL },
	{ "read", read_read, NULL },
	{ "write", read_write, NULL },
	{ "send", read_send, NULL },
	{ "use", read_use, NULL },
	{ "carrying", read_labels, NULL },
	{ "expect", read_expect, "Say what is expected: expect: allow, or expect: deny." },
	{ "reason", read_reason, NULL },
};

/* ---- the file --------------------------------------------------------------- */

static int read_test(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;
	int err;

	if (!am_reader_expects(r, node, AM_NODE_MAP, "a test",
			       "Write it as keys: as, what is asked, and expect."))
		return 0;
	in->test = &in->tests->items[in->tests->count++];
	in->test->pos = node->pos;
	am_ask_init(&in->test->ask);
	err = am_reader_keys(r, node, "a test", test_keys, AM_COUNT(test_keys), into);
	if (!err && !in->test->ask.access.op)
		am_reader_error(r, node->pos, "Ask for something, such as read: citizen-registry.",
				"the test asks for nothing");
	return err;
}

static int read_tests(struct am_reader *r, const struct am_node *node, void *into)
{
	struct reading *in = into;

	if (node->kind == AM_NODE_LIST && node->n_items > AM_TESTS_MAX) {
		am_reader_error(r, node->pos, "Put them into several files.",
				"a file has at most %d tests", AM_TESTS_MAX);
		return 0;
	}
	/* All at once: a test points into itself, so it may not move. */
	in->tests->items = calloc(node->n_items + 1, sizeof(*in->tests->items));
	if (!in->tests->items)
		return -ENOMEM;
	return am_reader_list(r, node, "a list of tests",
			      "Write each test as an item that begins with '- '.", read_test, into);
}

static const struct am_key file_keys[] = {
	{ "tests", read_tests, "Begin the file with 'tests:'." },
};

static int fill(struct am_tests *tests, size_t len, const struct am_space *space,
		struct am_diags *diags)
{
	struct reading in = { .space = space, .tests = tests };
	/* The reader looks names up in it and leaves it as it is. */
	struct am_reader r = { .model = (struct am_model *)space->models[0], .diags = diags };
	int err;

	err = am_yaml_parse(tests->file, tests->text, len, diags, &tests->root);
	if (err)
		return err;
	if (!am_reader_expects(&r, tests->root, AM_NODE_MAP, "the key 'tests'",
			       "Begin the file with 'tests:'."))
		return 0;
	return am_reader_keys(&r, tests->root, "a file of tests", file_keys, AM_COUNT(file_keys),
			      &in);
}

int am_tests_parse(const char *name, const char *text, size_t len, const struct am_space *space,
		   struct am_diags *diags, struct am_tests **ret)
{
	am_auto(am_tests) struct am_tests *tests = calloc(1, sizeof(*tests));
	size_t errors = diags->errors;
	int err;

	if (!tests)
		return -ENOMEM;
	tests->file = strdup(name);
	tests->text = malloc(len + 1);
	if (!tests->file || !tests->text)
		return -ENOMEM;
	memcpy(tests->text, text, len);
	tests->text[len] = '\0';
	err = fill(tests, len, space, diags);
	am_diags_sort(diags);
	if (err)
		return err;
	if (diags->errors != errors)
		return -EINVAL;
	*ret = AM_TAKE_PTR(tests);
	return 0;
}

void am_tests_free(struct am_tests *tests)
{
	if (!tests)
		return;
	free(tests->items);
	am_node_free(tests->root);
	free(tests->file);
	free(tests->text);
	free(tests);
}

/* At most one byte more than is allowed. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	am_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return am_read_all(fd, buf, size);
}

int am_tests_load(const char *path, const struct am_space *space, struct am_diags *diags,
		  struct am_tests **ret)
{
	am_autofree char *text = malloc(AM_POLICY_BYTES_MAX + 1);
	ssize_t len = text ? read_file(path, text, AM_POLICY_BYTES_MAX + 1) : -ENOMEM;

	if (len > AM_POLICY_BYTES_MAX)
		len = -EFBIG;
	if (len >= 0)
		return am_tests_parse(path, text, len, space, diags, ret);
	am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = path },
		     "Name a file of tests; policies/README.md shows one.",
		     "the file cannot be read: %s", strerror(-len));
	return len;
}

bool am_test_run(const struct am_test *test, const struct am_space *space, struct am_answer *ret)
{
	am_answer_find(space, &test->ask, ret);
	return ret->decision.verdict == test->expect &&
	       (!test->reason || ret->decision.reason == test->reason);
}
