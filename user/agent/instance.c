/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/log.h"

static const char lock_name[] = "lock";

/* Not a lock on the directory itself: whoever may open that could hold us off. */
struct place {
	int dir;	/* owned */
	int lock;	/* owned */
};

struct am_instance {
	struct place state;
	struct place run;
};

static int open_dir(const char *path, const char *what, mode_t mode, int *ret)
{
	am_autoclose int fd = -1;

	/* chmod(): whoever may use the socket must get there, whatever the umask is. */
	if (mkdir(path, mode) < 0 ? errno != EEXIST : chmod(path, mode) < 0)
		return am_err(-errno, "cannot create the %s directory '%s'", what, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return am_err(-errno, "cannot open the %s directory '%s'", what, path);
	*ret = AM_TAKE_FD(fd);
	return 0;
}

/* Whether the locked file is still the one of that name: its owner before removes it. */
static bool is_current(int dir, int lock)
{
	struct stat a, b;

	return !fstat(lock, &a) && !fstatat(dir, lock_name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int take_lock(int dir, int *ret)
{
	for (;;) {
		am_autoclose int fd = openat(dir, lock_name,
					     O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			return -errno;
		if (is_current(dir, fd)) {
			*ret = AM_TAKE_FD(fd);
			return 0;
		}
	}
}

static int take_place(const char *path, const char *what, mode_t mode, struct place *ret)
{
	int r;

	r = open_dir(path, what, mode, &ret->dir);
	if (r < 0)
		return r;
	r = take_lock(ret->dir, &ret->lock);
	if (r == -EWOULDBLOCK) {
		am_error("another amanatd is running with the %s directory '%s'", what, path);
		return r;
	}
	if (r < 0)
		return am_err(r, "cannot write to the %s directory '%s'", what, path);
	return 0;
}

int am_instance_open(const char *state, const char *run, struct am_instance **ret)
{
	am_auto(am_instance) struct am_instance *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return am_err(-ENOMEM, "cannot start");
	i->state = i->run = (struct place){ -1, -1 };
	r = take_place(state, "state", 0700, &i->state);
	if (!r)
		r = take_place(run, "run", 0755, &i->run);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(i);
	return 0;
}

int am_instance_state(const struct am_instance *i)
{
	return i->state.dir;
}

int am_instance_run(const struct am_instance *i)
{
	return i->run.dir;
}

static void leave(struct place *place)
{
	if (place->lock >= 0) {
		(void)unlinkat(place->dir, lock_name, 0); /* an old lock file locks nobody out */
		(void)close(place->lock);
	}
	if (place->dir >= 0)
		(void)close(place->dir); /* read only: nothing can be lost */
}

void am_instance_free(struct am_instance *i)
{
	if (!i)
		return;
	leave(&i->run);
	leave(&i->state);
	free(i);
}
