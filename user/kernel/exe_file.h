/* SPDX-License-Identifier: GPL-2.0 */
/* One file that makes processes a subject: its inode, held open, since the kernel forgets
 * the id on an inode with the inode, and since a number of an inode that is held is given
 * to no other file. Its digest is computed a piece at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "policy/image.h"

struct am_exe_digest;

struct am_exe_file {
	uint64_t dev;
	uint64_t ino;
	int fd;				/* owned */
	uint32_t id;			/* in inode storage; 0: none yet */
	struct stat seen;		/* when it was last looked at */
	bool wanted;			/* somebody asks for the digest */
	bool known;			/* `sha256` is that of the content, as far as times tell */
	int error;			/* of reading it, negative; 0: none */
	uint8_t sha256[AM_SHA256_BYTES];
	struct am_exe_digest *digest;	/* owned; NULL: none is being computed */
	bool put;			/* the kernel knows the sets that follow */
	struct am_set set, script;
};

/* What a look at it shows. */
enum am_exe_change {
	AM_EXE_SAME = 0,
	AM_EXE_TOUCHED,		/* its owner, mode, links ... or its content, if somebody set times back */
	AM_EXE_WRITTEN,		/* its content */
};

/* Takes `fd` on success. 0 or -errno. *ret is owned. */
int am_exe_file_new(int fd, const struct stat *st, struct am_exe_file **ret);

/* The same file once more, with all that is known of it, for another list. */
int am_exe_file_copy(const struct am_exe_file *f, struct am_exe_file **ret);

void am_exe_file_free(struct am_exe_file *f);
AM_DEFINE_AUTO(am_exe_file);

/* Looks at it again. A digest that does not hold any more is forgotten when the content was
 * written; when it was only touched it holds until a new one is known: chmod(2) must not
 * stop a service. */
enum am_exe_change am_exe_file_look(struct am_exe_file *f);

/* Has the digest computed, unless it is known or about to be. */
void am_exe_file_want(struct am_exe_file *f);

/* Whether a digest is being computed. */
bool am_exe_file_works(const struct am_exe_file *f);

/* Computes on, at most `bytes` of the file. Returns whether there is more to do at once. */
bool am_exe_file_step(struct am_exe_file *f, size_t bytes);
