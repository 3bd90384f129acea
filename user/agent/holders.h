/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that hold a mapping of a stored file from before the policy. Whoever reads a page that is
 * mapped asks nobody, so they are taken to have read it: they carry the file's labels from now on, and
 * what they send is refused as it would be. Looked for once per policy, when every file has its tag:
 * from the first instant of the policy nobody gets a new mapping without being asked. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

struct am_engine;
struct am_policy;

enum { AM_HOLDERS_KNOWN = 1024 };	/* a power of two */

/* A file that carries nothing; libraries are mapped by everybody. */
struct am_holders_file {
	uint32_t major, minor;
	uint64_t inode;
};

struct am_holders {
	struct am_engine *engine;		/* borrowed */
	const struct am_policy *policy;		/* borrowed */
	DIR *proc;				/* owned; NULL: nothing is being looked for */
	bool due;
	uint64_t found;				/* processes, under this policy */
	int first;				/* of these */
	uint64_t missed;			/* of these, that could not be given the labels */
	struct am_holders_file known[AM_HOLDERS_KNOWN];
};

void am_holders_init(struct am_holders *h, struct am_engine *e);

/* Another policy is in force: it is all to be done again. */
void am_holders_begin(struct am_holders *h, const struct am_policy *policy);

/* Goes on for some processes. Whether there are more. */
bool am_holders_step(struct am_holders *h);

bool am_holders_are_known(const struct am_holders *h);

void am_holders_done(struct am_holders *h);
