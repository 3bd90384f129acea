// SPDX-License-Identifier: GPL-2.0
#include "policy/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

static const char folder_name[] = "policies";

static int open_folder(int dirfd, bool make, int *ret)
{
	int fd;

	if (make && mkdirat(dirfd, folder_name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dirfd, folder_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

size_t am_archive_text(const struct am_blob *blob)
{
	struct am_signature s;

	return am_signature_begins(blob->bytes, blob->len) &&
	       !am_signature_parse(blob->bytes, blob->len, &s) ? s.size : 0;
}

void am_archive_digest(const struct am_blob *blob, uint8_t ret[AM_DIGEST_BYTES])
{
	size_t skip = am_archive_text(blob);

	/* It fails for wrong sizes of hash and key only. */
	(void)crypto_generichash(ret, AM_DIGEST_BYTES, (const uint8_t *)blob->bytes + skip,
				 blob->len - skip, NULL, 0);
}

static bool is_named(const struct am_blob *blob, const uint8_t digest[AM_DIGEST_BYTES])
{
	uint8_t found[AM_DIGEST_BYTES];

	am_archive_digest(blob, found);
	return !memcmp(found, digest, sizeof(found));
}

static int read_named(int folder, const uint8_t digest[AM_DIGEST_BYTES], struct am_blob *ret)
{
	const struct am_blob_terms terms = { AM_SIGNED_MAX, AM_OWNER_ANY, "a policy" };
	am_autoblob struct am_blob blob = { 0 };
	char name[AM_DIGEST_TEXT];
	struct am_diags diags;
	int err;

	am_digest_format(digest, name);
	am_diags_init(&diags);	/* the errno says it all: the caller names the file */
	err = am_blob_read(folder, name, name, &terms, &diags, &blob);
	am_diags_done(&diags);
	if (err)
		return err;
	if (!is_named(&blob, digest))
		return -EBADMSG;
	*ret = blob;
	blob = (struct am_blob){ 0 };
	return 0;
}

int am_archive_read(int dirfd, const uint8_t digest[AM_DIGEST_BYTES], struct am_blob *ret)
{
	am_autoclose int folder = -1;
	int err = open_folder(dirfd, false, &folder);

	return err ? err : read_named(folder, digest, ret);
}

int am_archive_keep(int dirfd, const uint8_t digest[AM_DIGEST_BYTES], const void *bytes, size_t len)
{
	am_autoblob struct am_blob kept = { 0 };
	am_autoclose int folder = -1;
	char name[AM_DIGEST_TEXT];
	int err = open_folder(dirfd, true, &folder);

	if (err)
		return err;
	/* Also the signature counts: the one there may be of a key that was withdrawn. */
	if (!read_named(folder, digest, &kept) && kept.len == len &&
	    !memcmp(kept.bytes, bytes, len))
		return 0;
	am_digest_format(digest, name);
	err = am_blob_replace(folder, name, 0600, bytes, len);
	if (!err && fsync(dirfd) < 0)	/* the folder itself may be new */
		err = -errno;
	return err;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);	/* it was only read */
}

int am_archive_prune(int dirfd, bool (*wants)(void *ctx, const char *digest), void *ctx)
{
	__attribute__((cleanup(close_dir))) DIR *dir = NULL;
	const struct dirent *entry;
	int fd, err = open_folder(dirfd, false, &fd);

	if (err)
		return err == -ENOENT ? 0 : err;
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		(void)close(fd);	/* it was only opened */
		return err;
	}
	/* What an agent that was killed left half-written has no digest's name. */
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (entry->d_name[0] != '.' && !wants(ctx, entry->d_name) &&
		    unlinkat(fd, entry->d_name, 0) < 0)
			return -errno;
	return -errno;
}
