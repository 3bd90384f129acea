// SPDX-License-Identifier: GPL-2.0
#include "agent/deputy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/frame.h"

enum { CHUNK = AM_FRAME_MAX - sizeof(struct am_frame), FAILED = 1 };

/* ---- the child --------------------------------------------------------------------- */

/* The parent closes the socket, so that what is set on it is the child's affair. */
static int prepare(int fd, pid_t agent)
{
	const struct rlimit limit = { AM_DEPUTY_S, AM_DEPUTY_S };
	const struct timeval timeout = { .tv_sec = AM_DEPUTY_S };
	sigset_t none;

	(void)sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != agent ||
	    setrlimit(RLIMIT_CPU, &limit) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 ||
	    fcntl(fd, F_SETFL, 0) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -EIO;
	return 0;
}

static int send_all(int fd, const char *text, size_t len)
{
	int r = 0;

	for (size_t at = 0; !r && at < len; at += CHUNK)
		r = am_frame_send(fd, AM_FRAME_DATA, 0, text + at,
				  len - at < CHUNK ? len - at : (size_t)CHUNK);
	return r;
}

static int send_sentence(int fd, const char *text)
{
	am_autofree char *line = NULL;
	int len = asprintf(&line, "error: %s\n", text);

	if (len < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return am_frame_send(fd, AM_FRAME_NOTICE, 0, line, len < CHUNK ? (size_t)len : CHUNK);
}

static int answer_on(int fd, am_deputy_answer answer, void *ctx, const char *const *words, int n)
{
	char *text = NULL, *said = NULL;	/* the process ends with them */
	size_t len = 0, said_len = 0;
	FILE *out = open_memstream(&text, &len), *err = open_memstream(&said, &said_len);
	int code, r;

	if (!out || !err)
		return -ENOMEM;
	code = answer(ctx, words, n, out, err);
	if (fclose(out) || fclose(err))
		return -ENOMEM;
	r = send_all(fd, text, len);
	if (!r && said_len)
		r = send_sentence(fd, said);
	return r ? r : am_frame_send(fd, AM_FRAME_END, (unsigned)code, NULL, 0);
}

/* A client without END knows that its answer is not whole. */
static void be_deputy(int fd, pid_t agent, am_deputy_answer answer, void *ctx,
		      const char *const *words, int n)
{
	if (prepare(fd, agent) < 0 || answer_on(fd, answer, ctx, words, n) < 0)
		_exit(FAILED);
	_exit(0);
}

/* ---- the agent ---------------------------------------------------------------------- */

/* A place for one more; NULL when there is none. */
static pid_t *free_place(struct am_deputies *d)
{
	pid_t *place = NULL;

	for (size_t i = 0; i < AM_DEPUTIES; i++) {
		if (d->pids[i] && waitpid(d->pids[i], NULL, WNOHANG) == d->pids[i])
			d->pids[i] = 0;
		if (!d->pids[i])
			place = &d->pids[i];
	}
	return place;
}

int am_deputy_send(struct am_deputies *d, int fd, am_deputy_answer answer, void *ctx,
		   const char *const *words, int n)
{
	pid_t *place = free_place(d), agent = getpid(), pid;

	if (!place)
		return -EAGAIN;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		be_deputy(fd, agent, answer, ctx, words, n);
	*place = pid;
	return 0;
}

void am_deputies_end(struct am_deputies *d)
{
	for (size_t i = 0; i < AM_DEPUTIES; i++) {
		if (!d->pids[i])
			continue;
		(void)kill(d->pids[i], SIGKILL); /* not reaped yet, so it is still ours */
		(void)waitpid(d->pids[i], NULL, 0);
		d->pids[i] = 0;
	}
}
