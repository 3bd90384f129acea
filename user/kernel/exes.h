/* SPDX-License-Identifier: GPL-2.0 */
/* The executables and scripts that a policy names, and the files to which these names
 * lead: now, and before an upgrade.
 *
 * Always true of it: one item per inode, held open. A file makes processes a subject
 *   - while the path that the subject names leads to it and it is a regular file that has
 *     the digest, if one is asked for;
 *   - and afterwards, if it did until it was replaced, has been deleted, and was not written
 *     since: a service that still runs it is the same code under the same rule, and nobody
 *     can start it anew. A file that is kept under another name is nobody, but for the name
 *     that dpkg gives it while it unpacks.
 *
 * Nothing here knows libbpf. */
#pragma once

#include "kernel/exe_file.h"

enum {
	AM_EXE_OLD = 8,		/* replaced files per name that may still be running */
};

enum am_exe_state {
	AM_EXE_INVALID = 0,
	AM_EXE_RIGHT,
	AM_EXE_CHECKING,	/* its digest is being computed */
	AM_EXE_MISSING,		/* it cannot be opened: `error` */
	AM_EXE_ODD,		/* not a regular file */
	AM_EXE_WRONG,		/* it has not the digest */
	AM_EXE_STATE_MAX_,
};

/* What was told of a name; a state that comes again is not told again. */
struct am_exe_told {
	enum am_exe_state state;
	uint64_t dev, ino;
	struct timespec mtime;
};

/* An entry of the image. */
struct am_exe_name {
	const struct am_image_exe *named;	/* borrowed */
	enum am_exe_state state;
	int error;			/* MISSING: negative errno */
	struct am_exe_file *file;	/* where the path leads; NULL: nowhere */
	struct am_exe_file *old[AM_EXE_OLD];	/* the latest first */
	size_t n_old;
	struct am_exe_told told;
	const char *old_gone;		/* why one of `old` counts no more; NULL: nothing to tell */
};

struct am_exes {
	struct am_exe_name *names;	/* owned; in the order of the image */
	size_t n_names;
	struct am_exe_file **files;	/* owned, and so are they */
	size_t n_files;
};

/* Something to be told about a name. */
enum am_exe_news {
	AM_EXE_NEWS_INVALID = 0,
	AM_EXE_NEWS_CHANGED,	/* another file or content, and right */
	AM_EXE_NEWS_GONE,
	AM_EXE_NEWS_ABSENT,	/* the same, from the first; the policy's warnings have said so */
	AM_EXE_NEWS_BACK,
	AM_EXE_NEWS_OLD_GONE,	/* who runs a replaced file is the subject no more */
};

struct am_exe_teller {
	void (*tell)(void *ctx, const struct am_image_exe *named, enum am_exe_news news,
		     const char *why);
	void *ctx;
};

/* Follows what `image` names; what is known of the same files from `before` (NULL: nothing)
 * still holds. What is not as it should be is a warning. Digests are not computed yet. 0 or
 * -errno; *ret is owned, and must not outlive the image. */
int am_exes_new(const struct am_image *image, const struct am_exes *before,
		struct am_diags *diags, struct am_exes **ret);

/* Looks again at every name and file; nothing is told yet. 0, or -errno when something could not be followed for
 * lack of memory or descriptors; the next look tries it again. */
int am_exes_look(struct am_exes *exes);

/* Computes digests, at most `bytes`. Returns whether there is more to do at once. */
bool am_exes_step(struct am_exes *exes, size_t bytes);

/* Whether a digest is being computed. */
bool am_exes_work(const struct am_exes *exes);

/* Whether nobody waits for a digest to become a subject. */
bool am_exes_settled(const struct am_exes *exes);

/* Tells what has become of names since it was told last: once the kernel knows it, so that
 * what is told is so. */
void am_exes_tell(struct am_exes *exes, const struct am_exe_teller *teller);

/* What the file makes of who runs it, or is started by it as a script; false: nobody. */
bool am_exes_sets(const struct am_exes *exes, const struct am_exe_file *f, struct am_set *ret_set,
		  struct am_set *ret_script);

/* NULL when there is none. */
struct am_exe_file *am_exes_find(const struct am_exes *exes, uint64_t dev, uint64_t ino);

/* Whether no name leads to the file, or led to it and may still count. */
bool am_exes_forgotten(const struct am_exes *exes, const struct am_exe_file *f);

/* Lets go of a file that is forgotten, by its index. */
void am_exes_drop(struct am_exes *exes, size_t index);

/* What is wrong with the name, in words: "no such file"; NULL if nothing is. */
const char *am_exe_name_fault(const struct am_exe_name *n);

void am_exes_free(struct am_exes *exes);
AM_DEFINE_AUTO(am_exes);
