/* SPDX-License-Identifier: GPL-2.0 */
/* The texts of the policies that were in force: the folder `policies` of the state
 * directory, a file for each, named by the digest of its text (64 hex digits). A file
 * holds a signed bundle as it was taken, or, of a policy from a file of this host, its
 * canonical text. What a digest names never changes, so nothing here is ever half new. */
#pragma once

#include "policy/bundle.h"

enum { AM_ARCHIVE_MAX = 64 };	/* texts kept, each at most AM_SIGNED_MAX bytes */

/* On disk when it returns 0; -errno, and what was there still is. */
int am_archive_keep(int dirfd, const uint8_t digest[AM_DIGEST_BYTES], const void *bytes,
		    size_t len);

/* 0; -ENOENT; -EBADMSG if it is not what the digest names; another errno. */
int am_archive_read(int dirfd, const uint8_t digest[AM_DIGEST_BYTES], struct am_blob *ret);

/* Where in a kept file the text begins: behind the signature, if there is one. */
size_t am_archive_text(const struct am_blob *blob);

/* Of that text. */
void am_archive_digest(const struct am_blob *blob, uint8_t ret[AM_DIGEST_BYTES]);

/* Removes what `wants` does not want. 0 or -errno. */
int am_archive_prune(int dirfd, bool (*wants)(void *ctx, const char *digest), void *ctx);
