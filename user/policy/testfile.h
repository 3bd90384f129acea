/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of a policy, kept in a file beside it: facts, what is asked, and the verdict that is
 * expected. YAML, of which this is all:
 *
 *   tests:
 *     - name: the desk reads but does not write       # optional
 *       as: {user: desk, exe: /usr/bin/psql, groups: [staff]}
 *       write: citizen-registry                       # or a path; read: alike
 *       expect: deny
 *       reason: no-rule                               # optional
 *     - as: {unit: sim-desk.service, purpose: kyc}
 *       send: {labels: [cnic], to: "10.20.1.2:5432/tcp"}
 *       expect: allow
 *
 * `as` takes what subjects take, also `group`; what it does not mention is any other.
 * `unknown: true` stands for a fact that could not be established. Beside `read` and
 * `write`, `carrying: [LABEL]` tells labels that the file, or the process that writes,
 * carries beyond the store's; `use: PURPOSE` asks for a purpose. A destination is
 * ADDRESS:PORT/PROTOCOL, local, terminal or device. */
#pragma once

#include "policy/ask.h"

enum { AM_TESTS_MAX = 4096 };

struct am_test {
	struct am_pos pos;
	const char *name;		/* borrowed; NULL if it has none */
	struct am_ask ask;
	enum am_verdict expect;
	enum am_reason reason;		/* AM_REASON_INVALID: any */
};

struct am_tests {
	struct am_test *items;
	size_t count;
	char *file, *text;		/* which positions and tests borrow */
	struct am_node *root;
};

/* Reads the file `path` against the policy of `space`, which is borrowed. 0; -EINVAL with
 * errors in `diags`; another negative errno, with an error too, if it cannot be read. */
int am_tests_load(const char *path, const struct am_space *space, struct am_diags *diags,
		  struct am_tests **ret);

/* The same from memory; `name` stands for the file in positions. */
int am_tests_parse(const char *name, const char *text, size_t len, const struct am_space *space,
		   struct am_diags *diags, struct am_tests **ret);

void am_tests_free(struct am_tests *tests);
AM_DEFINE_AUTO(am_tests);

/* Decides it as the kernel would; whether that is what is expected. */
bool am_test_run(const struct am_test *test, const struct am_space *space, struct am_answer *ret);
