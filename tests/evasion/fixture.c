// SPDX-License-Identifier: GPL-2.0
#include "fixture.h"

#include "acting.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SWAP_SIZE = 10 * 4096 };

static void make_secret(char *to)
{
	unsigned char bytes[16];
	unsigned i;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	to += sprintf(to, MARK);
	for (i = 0; i < sizeof(bytes); i++)
		to += sprintf(to, "%02x", bytes[i]);
}

static int fill_text(const struct arena *a, int fd)
{
	char data[FILE_SIZE];
	size_t at;

	for (at = 0; at + SECRET_LEN < sizeof(data); at += SECRET_LEN + 1)
		sprintf(data + at, "%s\n", a->secret);
	memset(data + at, '\n', sizeof(data) - at);
	return write(fd, data, sizeof(data)) == sizeof(data) ? 0 : -EIO;
}

/* Itself, with the secret in place of its embedded text. */
static int fill_program(const struct arena *a, int fd)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t size = lseek(from, 0, SEEK_END);
	char *all = malloc(size), *at;
	int r = -EIO;

	if (all && pread(from, all, size, 0) == size &&
	    (at = memmem(all, size, (const char *)embedded, 8 + sizeof(MARK) - 1))) {
		memcpy(at + 8, a->secret, SECRET_LEN);
		r = write(fd, all, size) == size ? 0 : -EIO;
	}
	free(all);
	close(from);
	return r;
}

static int fill_swap(int fd)
{
	static char page[4096];
	uint32_t *info = (uint32_t *)(page + 1024);
	unsigned i;

	info[0] = 1;				/* version */
	info[1] = SWAP_SIZE / 4096 - 1;		/* last page */
	memcpy(page + 4086, "SWAPSPACE2", 10);
	if (write(fd, page, 4096) != 4096)
		return -EIO;
	memset(page, 0, sizeof(page));
	for (i = 1; i < SWAP_SIZE / 4096; i++)
		if (write(fd, page, 4096) != 4096)
			return -EIO;
	return 0;
}

static int fill_script(const struct arena *a, const struct places *p, int fd)
{
	dprintf(fd, "#!%s/echo %s\n", p->bin, a->secret);
	return 0;
}

static void find_place(struct arena *a, int fd)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} m = { .map = { .fm_length = FILE_SIZE, .fm_flags = FIEMAP_FLAG_SYNC,
			 .fm_extent_count = 1 } };

	if (ioctl(fd, FS_IOC_FIEMAP, &m) == 0 && m.map.fm_mapped_extents)
		a->physical = m.extent.fe_physical;
}

static int fill(const struct places *p, const struct technique *t, struct arena *a)
{
	int fd, r;

	if (t->flags & FILE_IS_FOLDER) {
		char inside[256];

		TRY(mkdir(a->file, 0777));
		snprintf(inside, sizeof(inside), "%s/%s", a->file, a->secret);
		fd = TRY(open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
		close(fd);
		return 0;
	}
	fd = TRY(open(a->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0777));
	if (t->flags & FILE_IS_PROGRAM)
		r = fill_program(a, fd);
	else if (t->flags & FILE_IS_SWAP)
		r = fill_swap(fd);
	else if (t->flags & FILE_IS_SCRIPT)
		r = fill_script(a, p, fd);
	else
		r = fill_text(a, fd);
	if (!r && t->flags & NEEDS_PLACE) {
		fsync(fd);
		find_place(a, fd);
	}
	close(fd);
	return r;
}

int fixture_make(const struct places *p, const struct technique *t, struct arena *a)
{
	const char *role = a->control ? "control" : "attack";
	pid_t pid;

	make_secret(a->secret);
	snprintf(a->disk, sizeof(a->disk), "%s", p->disk);
	snprintf(a->store, sizeof(a->store), "%s/store", p->disk);
	snprintf(a->device, sizeof(a->device), "%s", p->device);
	snprintf(a->btrfs, sizeof(a->btrfs), "%s", p->btrfs);
	snprintf(a->bin, sizeof(a->bin), "%s", p->bin);
	snprintf(a->file, sizeof(a->file), "%s/store/%s-%s", t->flags & ON_BTRFS ? p->btrfs : p->disk,
		 t->name, role);
	snprintf(a->out, sizeof(a->out), "%s/out/%s-%s.XXXXXX", t->flags & ON_BTRFS ? p->btrfs : p->disk,
		 t->name, role);
	if (!mkdtemp(a->out) || chmod(a->out, 0777) < 0)
		return -errno;
	pid = fork();
	if (!pid) {
		be_keeper();
		_exit(-fill(p, t, a));
	}
	return ended(pid);
}

static void remove_beside(const struct arena *a, const char *suffix)
{
	char path[200];

	snprintf(path, sizeof(path), "%s%s", a->file, suffix);
	if (unlink(path) < 0)
		rmdir(path);
}

void fixture_remove(const struct arena *a)
{
	pid_t pid = fork();

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	/* What is left of it, if anything; the next run must find nothing. */
	be_keeper();
	remove_beside(a, ".new");
	remove_beside(a, ".core");
	remove_beside(a, ".again");
	if (unlink(a->file) < 0 && (errno == EISDIR || errno == EPERM)) {
		char inside[256];

		snprintf(inside, sizeof(inside), "%s/%s", a->file, a->secret);
		unlink(inside);
		rmdir(a->file);
	}
	_exit(0);
}

int fixture_flags(const struct technique *t)
{
	if (t->flags & FILE_IS_FOLDER)
		return O_RDONLY | O_DIRECTORY;
	return t->goal == GOAL_CHANGE ? O_RDWR : O_RDONLY;
}

void setgroups_keeper(const struct technique *t)
{
	if (t->goal == GOAL_CHANGE)
		be_keeper();
}

/* ---- state ------------------------------------------------------------------- */

static void mix(uint64_t *digest, const void *data, size_t size)
{
	const unsigned char *p = data;

	while (size--)
		*digest = (*digest ^ *p++) * 0x100000001b3ull;
}

static void mix_file(uint64_t *digest, const char *path)
{
	char buffer[4096];
	struct stat s;
	ssize_t n;
	int fd;

	if (lstat(path, &s) < 0) {
		mix(digest, "gone", 4);
		return;
	}
	mix(digest, &s.st_mode, sizeof(s.st_mode));
	mix(digest, &s.st_ino, sizeof(s.st_ino));
	mix(digest, &s.st_uid, sizeof(s.st_uid));
	mix(digest, &s.st_gid, sizeof(s.st_gid));
	mix(digest, &s.st_nlink, sizeof(s.st_nlink));
	mix(digest, &s.st_size, sizeof(s.st_size));
	mix(digest, &s.st_blocks, sizeof(s.st_blocks));
	mix(digest, &s.st_mtim, sizeof(s.st_mtim));
	n = listxattr(path, buffer, sizeof(buffer));
	mix(digest, buffer, n > 0 ? n : 0);
	n = getxattr(path, "user.mark", buffer, sizeof(buffer));
	mix(digest, buffer, n > 0 ? n : 0);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		mix(digest, buffer, n);
	n = 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &n) == 0)
		mix(digest, &n, sizeof(n));
	close(fd);
}

/* Sorted by addition: a folder's order means nothing. */
static void mix_names(uint64_t *digest, const char *path)
{
	uint64_t sum = 0, one;
	struct dirent *e;
	DIR *d = opendir(path);

	while (d && (e = readdir(d))) {
		one = 0xcbf29ce484222325ull;
		mix(&one, e->d_name, strlen(e->d_name));
		sum += one;
	}
	if (d)
		closedir(d);
	mix(digest, &sum, sizeof(sum));
}

void state_take(struct arena *a, struct state *ret)
{
	pid_t pid = fork();

	if (!pid) {
		uint64_t digest = 0xcbf29ce484222325ull;
		char folder[160];

		be_keeper();
		snprintf(folder, sizeof(folder), "%s", a->file);
		*strrchr(folder, '/') = 0;
		mix_file(&digest, a->file);
		mix_names(&digest, folder);
		a->word[7] = digest;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ret->digest = a->word[7];
}

bool state_equal(const struct state *one, const struct state *other)
{
	return one->digest == other->digest;
}
