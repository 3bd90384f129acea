// SPDX-License-Identifier: GPL-2.0
/* Anything that a client may do at the agent's socket, through a real one: packets of any bytes,
 * requests with any words, descriptors that come along, a second request, hanging up, not
 * reading. The agent outlives it, gives back every descriptor, answers in frames with END as the
 * last, and passes on only words that end within their packet.
 *
 * The input is a script: a byte that says what is done (the low three bits) and how, then what
 * it takes. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/loop.h"
#include "base/frame.h"
#include "ledger/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS = 4, WORDS_MAX = 8, LINE_MAX_ = 16 * 1024 };

enum deed {
	DEED_SEND = 0,		/* as a request: 2 bytes say how long; also 1 to 3 */
	DEED_READ = 4,		/* what was answered */
	DEED_TICK,		/* a byte: as many seconds from now */
	DEED_LINE,		/* a byte: a line of so many times 64 bytes for who follows */
	DEED_AGAIN,		/* hangs up and connects again */
};

enum how {
	HOW_RAW = 1 << 3,	/* the bytes are the packet */
	HOW_PASSING = 1 << 4,	/* a descriptor goes with it */
	HOW_READY = 1 << 5,	/* all is sealed from here on */
};

struct bytes {
	const uint8_t *at;
	size_t left;
};

static struct am_loop loop;
static struct am_control *control;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char packet[AM_FRAME_MAX];
static bool all_ready;

/* ---- what the rest of the agent would do ------------------------------------------------ */

static void check_words(const char *const *words, int n)
{
	assert(n > 0 && n <= WORDS_MAX);
	for (int i = 0; i < n; i++)
		assert(strlen(words[i]) < AM_FRAME_MAX);
}

static bool status(void *ctx, bool json, FILE *out)
{
	(void)ctx;
	fprintf(out, json ? "{}\n" : "policy\n");
	return all_ready;
}

static bool ready(void *ctx)
{
	(void)ctx;
	return all_ready;
}

static int answer(void *ctx, int fd, const char *const *words, int n)
{
	(void)ctx;
	assert(fcntl(fd, F_GETFD) >= 0);
	check_words(words, n);
	return n == 1 ? 0 : n == 2 ? -EAGAIN : -EINVAL;
}

static int policy(void *ctx, const struct am_control_ask *ask, FILE *out, FILE *err)
{
	(void)ctx;
	check_words(ask->words, ask->n);
	assert(ask->fd < 0 || fcntl(ask->fd, F_GETFD) >= 0);
	for (int i = 1; i < ask->n; i++)
		fprintf(i % 2 ? out : err, "%s\n", ask->words[i]);
	return ask->n % 4;
}

static int lend(void *ctx, const struct am_control_ask *ask, int fd, FILE *err)
{
	(void)ctx;
	check_words(ask->words, ask->n);
	assert(fcntl(fd, F_GETFD) >= 0);
	fprintf(err, "error: %s\n", ask->words[ask->n - 1]);
	return ask->n == 1 ? 0 : -EIO;
}

static const struct am_control_calls calls = { status, ready, answer, policy, lend, NULL };

/* ---- the client -------------------------------------------------------------------------- */

static void turn(void)
{
	for (int i = 0; i < ROUNDS; i++)
		assert(!am_loop_wait(&loop, 0));
}

static int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)));
	turn();
	return fd;
}

/* Until nothing more has come. Returns whether the agent has ended it. */
static bool read_all(int fd, bool ended)
{
	struct am_frame head;
	int r;

	while (!(r = am_frame_recv(fd, packet, &head))) {
		assert(!ended && head.kind != AM_FRAME_REQUEST);
		ended = head.kind == AM_FRAME_END;
		assert(!ended || !head.len);
		turn();
	}
	assert(r != -EBADMSG);
	return ended;
}

static uint8_t next(struct bytes *b)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->at++;
}

/* What it does not take is lost, as a client's own would be. */
static void send_one(int fd, unsigned how, struct bytes *b)
{
	size_t len = next(b) | (size_t)next(b) << 8;
	int passed = how & HOW_PASSING ? fd : -1;

	if (len > b->left)
		len = b->left;
	if (how & HOW_RAW)
		(void)!send(fd, b->at, len, MSG_NOSIGNAL);
	else
		(void)am_frame_send_with(fd, AM_FRAME_REQUEST, b->at, len, passed);
	b->at += len;
	b->left -= len;
}

static void tell_line(size_t len)
{
	static char line[LINE_MAX_];
	const struct am_row row = {
		.actor = { .pid = 7, .uid = 7, .user = "u", .exe = "/e", .comm = "c" },
		.object = { .path = "/p", .store = "s" },
		.deed = { .kind = 1, .verdict = 2, .reason = 3, .op = 1, .act = 1, .label_names = "l" },
	};

	memset(line, 'x', len);
	for (int form = 0; form < AM_FORM_MAX_; form++)
		if (am_control_choose(control, form, &row))
			am_control_line(control, form, line, len);
	am_control_lost(control, 1);
	am_control_flush(control);
}

static void play(struct bytes b)
{
	int fd = connect_client();
	bool ended = false;

	while (b.left) {
		unsigned what = next(&b);

		all_ready |= (what & HOW_READY) != 0;
		switch (what & 7) {
		case DEED_READ:
			ended = read_all(fd, ended);
			break;
		case DEED_TICK:
			am_control_tick(control, am_now_ms() + next(&b) * 1000);
			break;
		case DEED_LINE:
			tell_line(next(&b) * 64);
			break;
		case DEED_AGAIN:
			(void)close(fd);
			turn();
			fd = connect_client();
			ended = false;
			break;
		default:
			send_one(fd, what, &b);
		}
		turn();
	}
	(void)read_all(fd, ended);
	(void)close(fd);
}

/* ---- the agent's socket --------------------------------------------------------------------- */

static char dir[] = "/tmp/amanat-fuzz-XXXXXX";

static void leave(void)
{
	am_control_free(control);
	(void)rmdir(dir);
}

static void start(void)
{
	const struct group *group = getgrgid(getgid());
	int run;

	assert(mkdtemp(dir));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", dir);
	run = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(run >= 0 && group && !am_loop_init(&loop));
	assert(!am_control_open(&loop, run, group->gr_name, &calls, &control));
	(void)atexit(leave);
}

static int lowest_free(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	assert(fd >= 0);
	(void)close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct am_control_counts counts;
	int before;

	if (!control)
		start();
	before = lowest_free();
	all_ready = false;
	play((struct bytes){ data, size });
	turn();
	am_control_counts(control, &counts);
	assert(!counts.clients && !counts.tails && !counts.turned_away);
	assert(lowest_free() == before);
	return 0;
}
