/* SPDX-License-Identifier: GPL-2.0 */
/* The keys whose signatures a host believes: a folder of minisign public keys, NAME.pub,
 * one key a file. Beyond minisign's two lines a file may say
 *
 *     expires: 2027-01-01            from the first second of that day on (UTC), or
 *     expires: 2027-01-01T12:30:00Z  from then on
 *
 * in a third one, which minisign does not read: key and limit stay together when the
 * file is copied, and a damaged limit is an error and not a key without one. It counts
 * because the folder is this host's configuration; the untrusted comment, which came
 * with the key, says nothing.
 *
 * Always true of a ring: folder and files belong to the owner that was asked for and
 * nobody else may write them; no two keys have the same id. A key is withdrawn by
 * removing its file. Files with other names, or with a dot in front, are not looked at. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "policy/minisign.h"

enum {
	AM_KEYS_MAX = 64,
	AM_KEY_FILE_MAX = 2048,
};

#define AM_KEYS_DIR "/etc/amanat/keys"
#define AM_KEY_NEVER INT64_MAX

struct am_trusted_key {
	char *name;		/* owned: of the file, without .pub */
	struct am_pubkey key;
	int64_t expires_s;	/* first second of the epoch that is too late; AM_KEY_NEVER */
};

struct am_keyring {
	struct am_trusted_key *keys;	/* owned */
	size_t count;
};

/* A ring without keys, which believes nobody. */
int am_keyring_new(struct am_keyring **ret);

/* All keys of the folder `dir`, or none: one bad file is an error. `owner` is 0 but in
 * tests. 0; -ENOENT without a folder; -EPERM if others may write; -EBADMSG; another
 * negative errno. The diags then hold one error. */
int am_keyring_load(const char *dir, uid_t owner, struct am_diags *diags,
		    struct am_keyring **ret);

/* Adds the key that a file `file` holds. 0; -EBADMSG, -EEXIST, -ENOSPC with an error;
 * -ENOMEM. */
int am_keyring_add(struct am_keyring *ring, const char *file, const char *text, size_t len,
		   struct am_diags *diags);

/* Borrowed; NULL if there is none. Says nothing of its expiry. */
const struct am_trusted_key *am_keyring_find(const struct am_keyring *ring,
					     const uint8_t id[AM_KEY_ID_BYTES]);

void am_keyring_free(struct am_keyring *ring);
AM_DEFINE_AUTO(am_keyring);

/* "2027-01-01" or "2027-01-01T12:30:00Z" as seconds of the epoch. 0 or -EINVAL. */
int am_expiry_parse(const char *text, size_t len, int64_t *ret);

enum { AM_TIME_TEXT = 32 };

/* "2027-01-01T12:30:00Z" */
void am_time_format(int64_t time_s, char ret[AM_TIME_TEXT]);
