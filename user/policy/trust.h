/* SPDX-License-Identifier: GPL-2.0 */
/* Whether what of this host a policy relies on deserves it: the files by which it knows
 * programs. Looks at the host as it is now; the rest of policy/ does not. */
#pragma once

#include "policy/space.h"

/* Adds warnings: files of subjects that do not exist, that have not the digest asked for,
 * that somebody but root can change or replace, that are one file though subjects tell
 * them apart. 0 or -ENOMEM. */
int am_trust_check(const struct am_model *model, struct am_diags *diags);

/* Whether somebody but root can change or replace the file, or what leads to it: who, and the
 * file or folder that he can write. Not of a file that does not exist. */
bool am_trust_weak(const char *path, char *ret_who, size_t who_size, char *ret_where,
		   size_t where_size);
/* Of these the warnings that no host should have: files that are there and that somebody
 * but root can change or replace. */
int am_trust_check_writers(const struct am_model *model, struct am_diags *diags);

/* This host for am_space_new(): its accounts, and which of its paths are one file. */
extern const struct am_space_host am_trust_host;
