// SPDX-License-Identifier: GPL-2.0
#include "policy/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "policy/blob.h"

static const char suffix[] = ".pub";

int am_keyring_new(struct am_keyring **ret)
{
	struct am_keyring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	*ret = ring;
	return 0;
}

void am_keyring_free(struct am_keyring *ring)
{
	if (!ring)
		return;
	for (size_t i = 0; i < ring->count; i++)
		free(ring->keys[i].name);
	free(ring->keys);
	free(ring);
}

const struct am_trusted_key *am_keyring_find(const struct am_keyring *ring,
					     const uint8_t id[AM_KEY_ID_BYTES])
{
	for (size_t i = 0; i < ring->count; i++)
		if (!memcmp(ring->keys[i].key.id, id, AM_KEY_ID_BYTES))
			return &ring->keys[i];
	return NULL;
}

/* ---- times ------------------------------------------------------------------ */

/* Reads as many digits as `pattern` has '0's; its other characters stand for themselves. */
static bool read_digits(const char *text, const char *pattern, int *fields)
{
	int field = -1;
	bool digits = false;

	for (; *pattern; pattern++, text++) {
		if (*pattern != '0') {
			digits = false;
			if (*text != *pattern)
				return false;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		if (!digits)
			fields[++field] = 0;
		digits = true;
		fields[field] = fields[field] * 10 + (*text - '0');
	}
	return true;
}

int am_expiry_parse(const char *text, size_t len, int64_t *ret)
{
	static const char day[] = "0000-00-00", second[] = "0000-00-00T00:00:00Z";
	const char *pattern = len == strlen(day) ? day : second;
	int f[6] = { 0 };
	struct tm tm, again;
	time_t t;

	if (len != strlen(pattern) || !read_digits(text, pattern, f) || f[0] < 1970)
		return -EINVAL;
	tm = (struct tm){ .tm_year = f[0] - 1900, .tm_mon = f[1] - 1, .tm_mday = f[2],
			  .tm_hour = f[3], .tm_min = f[4], .tm_sec = f[5] };
	again = tm;
	t = timegm(&again);
	/* What was changed to make sense, such as a 30th of February, made none. */
	if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday ||
	    again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return -EINVAL;
	*ret = t;
	return 0;
}

void am_time_format(int64_t time_s, char ret[AM_TIME_TEXT])
{
	time_t t = time_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, AM_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(ret, AM_TIME_TEXT, "?");
}

/* ---- one key ---------------------------------------------------------------- */

/* What follows minisign's lines: nothing, or when the key expires. */
static int read_expiry(const char *text, size_t len, int64_t *ret)
{
	static const char word[] = "expires: ";
	size_t skip = strlen(word);

	*ret = AM_KEY_NEVER;
	if (!len)
		return 0;
	if (text[len - 1] == '\n')
		len--;
	if (len < skip || memcmp(text, word, skip))
		return -EINVAL;
	return am_expiry_parse(text + skip, len - skip, ret);
}

static char *key_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	size_t len = strlen(base), cut = strlen(suffix);

	if (len > cut && !strcmp(base + len - cut, suffix))
		len -= cut;
	return strndup(base, len);
}

int am_keyring_add(struct am_keyring *ring, const char *file, const char *text, size_t len,
		   struct am_diags *diags)
{
	struct am_trusted_key key = { 0 };
	const struct am_trusted_key *other;
	size_t size;
	int err;

	if (am_pubkey_parse(text, len, &key.key, &size))
		return am_refuse(diags, file, -EBADMSG,
				 "It has two lines, as 'amanat policy keygen' and 'minisign -G' "
				 "write them.", "this is not a public key of minisign");
	if (read_expiry(text + size, len - size, &key.expires_s))
		return am_refuse(diags, file, -EBADMSG,
				 "Behind the key there may be one line, such as: "
				 "expires: 2027-01-01.",
				 "what follows the key does not say when it expires");
	other = am_keyring_find(ring, key.key.id);
	if (other)
		return am_refuse(diags, file, -EEXIST, "Remove one of the two files.",
				 "the key has the same id as '%s'", other->name);
	if (ring->count == AM_KEYS_MAX)
		return am_refuse(diags, file, -ENOSPC, "Remove keys that are no longer used.",
				 "there are more than %d keys", AM_KEYS_MAX);
	key.name = key_name(file);
	if (!key.name)
		return -ENOMEM;
	err = AM_APPEND(ring->keys, ring->count, key);
	if (err)
		free(key.name);
	return err;
}

/* ---- the folder ------------------------------------------------------------- */

struct folder {
	DIR *dir;		/* owned */
	int fd;			/* of `dir` */
	const char *name;
	uid_t owner;
};

static void done_folder(struct folder *f)
{
	if (f->dir)
		(void)closedir(f->dir); /* it was only read */
}

static int open_folder(struct folder *f, struct am_diags *diags)
{
	am_autoclose int fd = -1;
	struct stat st;
	int err;

	fd = open(f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err = -errno;
		return am_refuse(diags, f->name, err,
				 "It is a folder, and holds the public keys of who may sign "
				 "policies as NAME.pub.",
				 "the folder of trusted keys cannot be opened: %s",
				 strerror(-err));
	}
	err = am_refuse_if_others_write(diags, f->name, &st, f->owner);
	if (err)
		return err;
	f->dir = fdopendir(fd);
	if (!f->dir)
		return -errno;
	f->fd = AM_TAKE_FD(fd);
	return 0;
}

static bool is_key_file(const char *name)
{
	size_t len = strlen(name), cut = strlen(suffix);

	return name[0] != '.' && len > cut && !strcmp(name + len - cut, suffix);
}

static int add_file(struct am_keyring *ring, const struct folder *f, const char *file,
		    struct am_diags *diags)
{
	const struct am_blob_terms terms = { .max = AM_KEY_FILE_MAX, .owner = f->owner,
					     .what = "a key" };
	am_autoblob struct am_blob blob = { 0 };
	char name[PATH_MAX];
	int err;

	snprintf(name, sizeof(name), "%s/%s", f->name, file);
	err = am_blob_read(f->fd, file, name, &terms, diags, &blob);
	return err ? err : am_keyring_add(ring, name, blob.bytes, blob.len, diags);
}

int am_keyring_load(const char *dir, uid_t owner, struct am_diags *diags,
		    struct am_keyring **ret)
{
	__attribute__((cleanup(done_folder))) struct folder f = { .name = dir, .owner = owner };
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	struct dirent *entry;
	int err;

	err = open_folder(&f, diags);
	if (err)
		return err;
	err = am_keyring_new(&ring);
	if (err)
		return err;
	while ((errno = 0, entry = readdir(f.dir))) {
		if (!is_key_file(entry->d_name))
			continue;
		err = add_file(ring, &f, entry->d_name, diags);
		if (err)
			return err;
	}
	if (errno)	/* the folder could not be read to its end */
		return am_refuse(diags, dir, -errno, "Look for errors of the disk.",
				 "the folder of trusted keys cannot be read");
	*ret = AM_TAKE_PTR(ring);
	return 0;
}
