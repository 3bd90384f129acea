// SPDX-License-Identifier: GPL-2.0
#include "policy/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/read.h"
#include "base/write.h"

void am_blob_done(struct am_blob *b)
{
	if (b->bytes)
		sodium_memzero(b->bytes, b->len);
	free(b->bytes);
	*b = (struct am_blob){ 0 };
}

int am_refuse(struct am_diags *diags, const char *name, int err, const char *hint,
	      const char *fact, ...)
{
	va_list args;

	va_start(args, fact);
	am_diags_addv(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = name }, hint, fact, args);
	va_end(args);
	return err;
}

int am_refuse_if_others_write(struct am_diags *diags, const char *name, const struct stat *st,
			      int64_t owner)
{
	if (st->st_uid != owner)
		return am_refuse(diags, name, -EPERM,
				 "Look at what is in it, then give it to root with chown.",
				 "it belongs to user %u, and must belong to user %u",
				 (unsigned)st->st_uid, (unsigned)owner);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return am_refuse(diags, name, -EPERM,
				 "Look at what is in it, then run chmod go-w on it.",
				 "others than its owner may write it (mode %04o)",
				 (unsigned)(st->st_mode & 07777));
	return 0;
}

/* ---- reading ---------------------------------------------------------------- */

static int refuse_errno(struct am_diags *diags, const char *name, int err)
{
	return am_refuse(diags, name, err, "Check the name of the file and who may read it.",
			 "the file cannot be read: %s", strerror(-err));
}

static int refuse_size(struct am_diags *diags, const char *name,
		       const struct am_blob_terms *terms)
{
	return am_refuse(diags, name, -EFBIG, "Name the right file.",
			 "the file is larger than %s can be, %zu bytes", terms->what, terms->max);
}

static int open_file(int dirfd, const char *path, const char *name,
		     const struct am_blob_terms *terms, struct am_diags *diags, int *ret)
{
	am_autoclose int fd = -1;
	struct stat st;
	int err;

	/* Non-blocking, for a FIFO, which is refused. Where ownership counts, the file
	 * itself is looked at and not what a link to it says. */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
		    (terms->owner == AM_OWNER_ANY ? 0 : O_NOFOLLOW));
	if (fd < 0 && errno == ELOOP)
		return am_refuse(diags, name, -ELOOP, "Put the file itself in its place.",
				 "this is a symbolic link");
	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse_errno(diags, name, -errno);
	if (!S_ISREG(st.st_mode))
		return am_refuse(diags, name, -EINVAL, "Name the right file.",
				 "this is not a regular file");
	if (terms->owner != AM_OWNER_ANY) {
		err = am_refuse_if_others_write(diags, name, &st, terms->owner);
		if (err)
			return err;
	}
	if ((uint64_t)st.st_size > terms->max)
		return refuse_size(diags, name, terms);
	*ret = AM_TAKE_FD(fd);
	return 0;
}

int am_blob_read(int dirfd, const char *path, const char *name,
		 const struct am_blob_terms *terms, struct am_diags *diags, struct am_blob *ret)
{
	am_autoblob struct am_blob blob = { 0 };
	am_autoclose int fd = -1;
	ssize_t len;
	int err;

	err = open_file(dirfd, path, name, terms, diags, &fd);
	if (err)
		return err;
	blob.bytes = calloc(1, terms->max + 2);	/* one more than allowed, and the NUL byte */
	if (!blob.bytes)
		return refuse_errno(diags, name, -ENOMEM);
	blob.len = terms->max + 1;
	len = am_read_all(fd, blob.bytes, blob.len);
	if (len < 0)
		return refuse_errno(diags, name, len);
	if ((size_t)len > terms->max)
		return refuse_size(diags, name, terms);
	blob.len = len;
	*ret = blob;
	blob = (struct am_blob){ 0 };
	return 0;
}

/* ---- writing ---------------------------------------------------------------- */

static int write_bytes(int fd, mode_t mode, const void *bytes, size_t len)
{
	int err;

	/* Whatever the umask was. */
	if (fchmod(fd, mode) < 0)
		return -errno;
	err = am_write_all(fd, bytes, len);
	if (err)
		return err;
	return fsync(fd) < 0 ? -errno : 0;
}

int am_blob_create(int dirfd, const char *path, mode_t mode, const void *bytes, size_t len)
{
	am_autoclose int fd = -1;
	int err;

	fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_bytes(fd, mode, bytes, len);
	if (err)
		(void)unlinkat(dirfd, path, 0);	/* the first failure is the one to tell */
	return err;
}

/* Of a path, the folder it lies in: a renamed file is there for good once that is synced. */
static int sync_folder(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	am_autofree char *folder = NULL;
	am_autoclose int fd = -1;

	folder = slash ? strndup(path, slash == path ? 1 : slash - path) : strdup(".");
	if (!folder)
		return -ENOMEM;
	fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int am_blob_replace(int dirfd, const char *path, mode_t mode, const void *bytes, size_t len)
{
	char fresh[PATH_MAX];
	int n, err;

	n = snprintf(fresh, sizeof(fresh), "%s.new-%08x", path, randombytes_random());
	if (n < 0 || (size_t)n >= sizeof(fresh))
		return -ENAMETOOLONG;
	err = am_blob_create(dirfd, fresh, mode, bytes, len);
	if (err)
		return err;
	if (renameat(dirfd, fresh, dirfd, path) < 0) {
		err = -errno;
		(void)unlinkat(dirfd, fresh, 0); /* the first failure is the one to tell */
		return err;
	}
	return sync_folder(dirfd, path);
}
