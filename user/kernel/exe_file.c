/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/exe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

_Static_assert(AM_SHA256_BYTES == crypto_hash_sha256_BYTES, "one digest, one length");

enum {
	BLOCK = 64 * 1024,
	/* Two writes within one tick of the kernel's clock leave the same time: a digest counts
	 * only if the last change is older than this. */
	SETTLE_NS = 50 * 1000 * 1000,
};

struct am_exe_digest {
	crypto_hash_sha256_state state;
	off_t at;
	struct timespec ctime;	/* of the file, when it was begun */
};

int am_exe_file_new(int fd, const struct stat *st, struct am_exe_file **ret)
{
	struct am_exe_file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->seen = *st;
	f->fd = fd;
	*ret = f;
	return 0;
}

int am_exe_file_copy(const struct am_exe_file *f, struct am_exe_file **ret)
{
	am_autoclose int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	struct am_exe_file *copy;
	int r;

	if (fd < 0)
		return -errno;
	r = am_exe_file_new(fd, &f->seen, &copy);
	if (r < 0)
		return r;
	(void)AM_TAKE_FD(fd);	/* taken */
	copy->id = f->id;
	copy->known = f->known;
	memcpy(copy->sha256, f->sha256, sizeof(copy->sha256));
	/* A check that was under way begins anew; what it was about to find counts till then. */
	if (f->digest || f->error)
		am_exe_file_want(copy);
	*ret = copy;
	return 0;
}

void am_exe_file_free(struct am_exe_file *f)
{
	if (!f)
		return;
	(void)close(f->fd); /* read only: nothing can be lost */
	free(f->digest);
	free(f);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* ---- the digest ----------------------------------------------------------- */

/* From the beginning; without memory it is tried again at the next look. */
static void begin(struct am_exe_file *f)
{
	if (!f->digest)
		f->digest = malloc(sizeof(*f->digest));
	if (!f->digest) {
		f->known = false;
		f->error = -ENOMEM;
		return;
	}
	f->digest->at = 0;
	f->digest->ctime = f->seen.st_ctim;
	(void)crypto_hash_sha256_init(&f->digest->state); /* cannot fail, nor can the other two */
}

void am_exe_file_want(struct am_exe_file *f)
{
	f->wanted = true;
	if (!f->known && !f->digest)
		begin(f);
}

bool am_exe_file_works(const struct am_exe_file *f)
{
	return f->digest;
}

static void end(struct am_exe_file *f)
{
	free(f->digest);
	f->digest = NULL;
}

/* A clock that was set back makes a change look as if it were still to come. */
static bool is_settled(const struct timespec *ctime)
{
	struct timespec now;
	int64_t age_ns;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	age_ns = (int64_t)(now.tv_sec - ctime->tv_sec) * 1000000000 + now.tv_nsec - ctime->tv_nsec;
	return age_ns < -SETTLE_NS || age_ns > SETTLE_NS;
}

/* All of it was read: does the digest hold for what is there now? */
static bool conclude(struct am_exe_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0) {
		f->error = -errno;
		f->known = false;
		end(f);
		return false;
	}
	f->seen = st;
	if (!is_same_time(&st.st_ctim, &f->digest->ctime)) {
		begin(f);
		return true;
	}
	(void)crypto_hash_sha256_final(&f->digest->state, f->sha256);
	f->known = true;
	f->error = 0;
	end(f);
	return false;
}

bool am_exe_file_step(struct am_exe_file *f, size_t bytes)
{
	unsigned char block[BLOCK];
	ssize_t n;

	if (!f->digest || !is_settled(&f->digest->ctime))
		return false;	/* the next tick comes back to it */
	for (; bytes >= sizeof(block); bytes -= sizeof(block)) {
		n = pread(f->fd, block, sizeof(block), f->digest->at);
		if (n < 0) {
			f->error = -errno;
			f->known = false;
			end(f);
			return false;
		}
		if (!n)
			return conclude(f);
		(void)crypto_hash_sha256_update(&f->digest->state, block, (unsigned long long)n);
		f->digest->at += n;
	}
	return true;
}

/* ---- looking -------------------------------------------------------------- */

enum am_exe_change am_exe_file_look(struct am_exe_file *f)
{
	const struct stat before = f->seen;
	bool written;

	if (fstat(f->fd, &f->seen) < 0)
		return AM_EXE_SAME;	/* an open file that has no state: does not happen */
	if (is_same_time(&before.st_ctim, &f->seen.st_ctim)) {
		if (f->wanted && !f->known && !f->digest && f->error == -ENOMEM)
			begin(f);
		return AM_EXE_SAME;
	}
	written = before.st_size != f->seen.st_size ||
		  !is_same_time(&before.st_mtim, &f->seen.st_mtim);
	if (written)
		f->known = false;
	if (f->wanted)
		begin(f);
	else
		f->known = false;	/* nobody asks, so nobody proves it again */
	return written ? AM_EXE_WRITTEN : AM_EXE_TOUCHED;
}
