/* SPDX-License-Identifier: GPL-2.0 */
/* The bytes of a small file, read once: whoever checks them and whoever uses them
 * look at the same bytes, whatever becomes of the file in between. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/diag.h"

struct am_blob {
	char *bytes;		/* owned; a NUL byte, not counted, follows the last */
	size_t len;
};

/* Wipes, as the bytes may be a secret, and frees. */
void am_blob_done(struct am_blob *b);

#define am_autoblob __attribute__((cleanup(am_blob_done)))

enum { AM_OWNER_ANY = -1 };

struct am_blob_terms {
	size_t max;		/* bytes; a larger file is refused before it is read */
	int64_t owner;		/* who must own it and alone may write it, or AM_OWNER_ANY */
	const char *what;	/* "a bundle": what it should be, for messages */
};

/* Reads the regular file `path` (below `dirfd`, as openat() has it); messages call it
 * `name`. 0; -EFBIG; -EPERM if others could have written it; another negative errno.
 * The diags then hold one error. */
int am_blob_read(int dirfd, const char *path, const char *name,
		 const struct am_blob_terms *terms, struct am_diags *diags, struct am_blob *ret);

/* Replaces the file as a whole: a reader sees the old bytes or the new ones. */
int am_blob_replace(int dirfd, const char *path, mode_t mode, const void *bytes, size_t len);

/* Makes a new file; -EEXIST, and nothing is touched, if there is one. */
int am_blob_create(int dirfd, const char *path, mode_t mode, const void *bytes, size_t len);

/* Adds an error about the file or folder `name` as a whole, and hands back `err`. */
int am_refuse(struct am_diags *diags, const char *name, int err, const char *hint,
	      const char *fact, ...) __attribute__((format(printf, 5, 6)));

/* The one rule for what decides whom to trust: owned by `owner`, and no group and
 * nobody else may write it (an access list that lets others write shows as the
 * group's). 0, or -EPERM with an error. */
struct stat;
int am_refuse_if_others_write(struct am_diags *diags, const char *name, const struct stat *st,
			      int64_t owner);
