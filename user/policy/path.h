/* SPDX-License-Identifier: GPL-2.0 */
/* Paths as a policy writes them: names only, nothing of this host is looked at.
 * Private to policy/. */
#pragma once

#include <stdbool.h>

/* Writes `text` (absolute, shorter than PATH_MAX) without "//", "." and an end slash to
 * `ret` (PATH_MAX bytes); the root itself becomes "". 0; -EINVAL if it holds "..";
 * -ENAMETOOLONG if one of its names is too long. */
int am_path_normalise(const char *text, char *ret);

/* Orders normalised paths so that a folder stands directly before all it holds. */
int am_path_compare(const char *a, const char *b);

/* Whether `path` lies below the folder `outer`, and is not it. */
bool am_path_is_below(const char *path, const char *outer);
