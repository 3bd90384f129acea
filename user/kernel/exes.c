/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/exes.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "decide.h"

_Static_assert(AM_SHA256_BYTES == crypto_hash_sha256_BYTES, "one digest, one length");

static bool digest_of(int fd, uint8_t ret[AM_SHA256_BYTES])
{
	crypto_hash_sha256_state state;
	unsigned char block[64 * 1024];
	off_t at = 0;
	ssize_t n;

	(void)crypto_hash_sha256_init(&state);
	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		(void)crypto_hash_sha256_update(&state, block, (unsigned long long)n);
		at += n;
	}
	(void)crypto_hash_sha256_final(&state, ret); /* none of the three can fail */
	return n == 0;
}

static bool has_digest(int fd, const uint8_t expected[AM_SHA256_BYTES])
{
	uint8_t digest[AM_SHA256_BYTES];

	return digest_of(fd, digest) && !memcmp(digest, expected, sizeof(digest));
}

static void warn_about(const struct am_image_exe *exe, struct am_diags *diags, const char *what)
{
	am_diags_add(diags, AM_SEVERITY_WARNING, exe->pos,
		     "No process is this subject until the file is as it should be and the policy is loaded again.",
		     "%s '%s': %s", exe->is_exe ? "executable" : "script", exe->path, what);
}

static void warn_about_kind(const struct am_image_exe *exe, int fd, struct am_diags *diags)
{
	char start[2];

	if (!exe->is_exe || pread(fd, start, sizeof(start), 0) != sizeof(start) ||
	    memcmp(start, "#!", sizeof(start)))
		return;
	am_diags_add(diags, AM_SEVERITY_WARNING, exe->pos,
		     "Who runs is the interpreter in its first line; write 'script:' instead of 'exe:'.",
		     "executable '%s' is a script and never a process's executable", exe->path);
}

/* The descriptor; -1 after a warning: the file cannot make anybody a subject. */
static int open_exe(const struct am_image_exe *exe, struct am_diags *diags, struct stat *ret_st)
{
	am_autoclose int fd = open(exe->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_st) < 0) {
		warn_about(exe, diags, strerror(errno));
		return -1;
	}
	if (!S_ISREG(ret_st->st_mode)) {
		warn_about(exe, diags, "not a regular file");
		return -1;
	}
	if (exe->pinned && !has_digest(fd, exe->sha256)) {
		warn_about(exe, diags, "does not have the digest that the policy asks for");
		return -1;
	}
	warn_about_kind(exe, fd, diags);
	return AM_TAKE_FD(fd);
}

static void pin(struct am_exe *exe, const struct am_image_exe *named)
{
	if (!named->pinned)
		return;
	exe->pinned = true;
	memcpy(exe->sha256, named->sha256, sizeof(exe->sha256));
}

static void add_exe(struct am_exes *exes, const struct am_image_exe *named, struct am_diags *diags)
{
	am_autoclose int fd = -1;
	struct am_exe *exe;
	struct stat st;

	fd = open_exe(named, diags, &st);
	if (fd < 0)
		return;
	exe = am_exes_find(exes, st.st_dev, st.st_ino);
	if (exe) {
		am_set_join(&exe->set, &named->set);
		am_set_join(&exe->script, &named->script);
		pin(exe, named);
		return;
	}
	exe = &exes->items[exes->count++];
	*exe = (struct am_exe){
		.path = named->path,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.fd = AM_TAKE_FD(fd),
		.mtime = st.st_mtim,
		.ctime = st.st_ctim,
		.set = named->set,
		.script = named->script,
	};
	pin(exe, named);
}

int am_exes_open(const struct am_image *image, struct am_diags *diags, struct am_exes *ret)
{
	struct am_exes exes = { .items = calloc(image->n_exes + 1, sizeof(*exes.items)) };
	size_t i;

	if (!exes.items)
		return -ENOMEM;
	for (i = 0; i < image->n_exes; i++)
		add_exe(&exes, &image->exes[i], diags);
	*ret = exes;
	return 0;
}

struct am_exe *am_exes_find(const struct am_exes *exes, uint64_t dev, uint64_t ino)
{
	size_t i;

	for (i = 0; i < exes->count; i++)
		if (exes->items[i].dev == dev && exes->items[i].ino == ino)
			return &exes->items[i];
	return NULL;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool am_exe_is_current(const struct am_exe *exe)
{
	struct stat st;

	return !stat(exe->path, &st) && st.st_dev == exe->dev && st.st_ino == exe->ino &&
	       is_same_time(&st.st_mtim, &exe->mtime);
}

bool am_exe_is_forged(struct am_exe *exe)
{
	struct stat st;

	/* The time of change cannot be set back, that of writing can. */
	if (!exe->pinned || (!fstat(exe->fd, &st) && is_same_time(&st.st_ctim, &exe->ctime)))
		return false;
	if (!has_digest(exe->fd, exe->sha256))
		return true;
	exe->ctime = st.st_ctim;
	return false;
}

void am_exes_close(struct am_exes *exes)
{
	size_t i;

	for (i = 0; i < exes->count; i++)
		(void)close(exes->items[i].fd); /* read only: nothing can be lost */
	free(exes->items);
	*exes = (struct am_exes){ 0 };
}
