/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/lender.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/names.h"
#include "agent/recorder.h"
#include "base/passing.h"
#include "ledger/passed.h"

enum { WORDS_SIZE = 1024 };

/* ---- who ------------------------------------------------------------------ */

/* Who he logged in as, whoever he is now; a process that has ended asks no more. */
static uint32_t login_of(pid_t pid)
{
	am_autofclose FILE *f = NULL;
	char path[40];
	uint32_t login;

	(void)snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)pid);
	f = fopen(path, "re");
	return f && fscanf(f, "%u", &login) == 1 ? login : UINT32_MAX;
}

static int note_reader(struct am_recorder *recorder, struct am_names *names,
		       const struct am_control_ask *ask, int fd)
{
	struct am_reader reader = { .uid = ask->uid, .login = UINT32_MAX };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	char words[WORDS_SIZE];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	(void)snprintf(words, sizeof(words), "%s", ask->n > 1 ? ask->words[1] : "");
	reader.pid = (uint32_t)peer.pid;
	reader.login = login_of(peer.pid);
	reader.user = am_names_user(names, reader.uid);
	if (reader.login != UINT32_MAX)
		reader.login_user = am_names_user(names, reader.login);
	reader.words = words;
	return am_recorder_read(recorder, &reader);
}

/* ---- what ------------------------------------------------------------------ */

struct batch {
	int fds[AM_PASSING_MAX];	/* owned */
	size_t n;
	char names[AM_PASSING_MAX * AM_SEGMENT_NAME];
};

static void empty(struct batch *b)
{
	while (b->n)
		(void)close(b->fds[--b->n]); /* read only: nothing can be lost */
}

static int send_batch(struct batch *b, int to)
{
	int r = b->n ? am_passing_send(to, b->names, b->n * AM_SEGMENT_NAME, b->fds, b->n) : 0;

	empty(b);
	return r;
}

static int add(struct batch *b, int dir, uint64_t segment)
{
	char *name = b->names + b->n * AM_SEGMENT_NAME;
	int fd;

	am_segment_name(segment, name);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;	/* removed meanwhile */
	b->fds[b->n++] = fd;
	return 0;
}

static int send_segments(int dir, const struct am_listing *l, int to)
{
	size_t first = l->count > AM_PASSED_MAX ? l->count - AM_PASSED_MAX : 0, i;
	__attribute__((cleanup(empty))) struct batch b = { .n = 0 };
	int r = 0;

	for (i = first; !r && i < l->count; i++) {
		r = add(&b, dir, l->segments[i].segment);
		if (!r && b.n == AM_PASSING_MAX)
			r = send_batch(&b, to);
	}
	return r ? r : send_batch(&b, to);
}

static int lend(const char *path, int to, FILE *err)
{
	am_autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct am_listing l;
	int r = dir < 0 ? -errno : am_listing_read(dir, false, &l);

	if (r < 0)
		return r;
	if (l.count > AM_PASSED_MAX)
		(void)fprintf(err, "note: the oldest %zu segments are left out; root reads them all\n",
			      l.count - AM_PASSED_MAX);
	r = send_segments(dir, &l, to);
	am_listing_done(&l);
	return r;
}

int am_lender_lend(struct am_recorder *recorder, struct am_names *names,
		   const struct am_control_ask *ask, int fd, FILE *err)
{
	struct am_recorder_state state;
	int r;

	if (ask->n > 2) {
		(void)fputs("error: the request is not well-formed\n", err);
		return -EINVAL;
	}
	r = note_reader(recorder, names, ask, fd);
	if (r < 0) {
		(void)fprintf(err, "error: that you read the record cannot be recorded now: %s\n",
			      strerror(-r));
		return r;
	}
	am_recorder_state(recorder, &state);
	r = lend(state.path, fd, err);
	if (r < 0)
		(void)fprintf(err, "error: the agent cannot hand out the ledger: %s\n", strerror(-r));
	return r;
}
