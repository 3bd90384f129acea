/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/control.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "abi.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "base/frame.h"
#include "output/sink.h"
#include "query/filter.h"

static const char socket_name[] = "control.sock";

enum {
	ASK_MS = 10 * 1000,	/* from connecting to the request */
	STUCK_MS = 30 * 1000,	/* from a full socket to the next byte read */
	WAIT_MAX_S = 3600,
	WORDS_MAX = 8,
	GROUPS_MAX = 1024,
	TALK_MAX = 32 * 1024,	/* bytes of a notice */
};

enum client_state {
	CLIENT_FREE = 0,
	CLIENT_ASKING,		/* its request is due */
	CLIENT_WAITING,		/* for the answer to `status --wait` */
	CLIENT_TAIL,
	CLIENT_ENDING,		/* what waits goes out, then it is closed */
};

struct client {
	struct am_control *control;
	struct am_source source;
	struct am_sink sink;
	enum client_state state;
	enum am_control_form form;
	int64_t deadline_ms;	/* ASKING, WAITING */
	int64_t blocked_ms;	/* since when its socket is full; 0: it is not */
	int passed;		/* a descriptor that came with the request, while it is taken; borrowed, or -1 */
	uint32_t uid;
	struct am_filter *filter;	/* TAIL: owned; NULL: everything */
	bool chosen;		/* TAIL: wants the row at hand */
};

struct am_control {
	struct am_loop *loop;	/* borrowed */
	int run_fd;		/* borrowed */
	struct am_source listener;	/* fd is owned */
	struct am_control_calls calls;
	bool has_group;
	gid_t group;
	struct am_control_counts counts;	/* but for clients and tails */
	struct client clients[AM_CONTROL_CLIENTS];
	char packet[AM_FRAME_MAX];
};

/* ---- one client ----------------------------------------------------------- */

static void close_client(struct client *c)
{
	am_loop_remove(c->control->loop, &c->source);
	(void)close(c->source.fd); /* what did not go out by now is not wanted */
	c->control->counts.not_shown += c->sink.dropped_total;
	am_sink_done(&c->sink);
	am_filter_free(c->filter);
	c->filter = NULL;
	c->state = CLIENT_FREE;
}

static void flush_client(struct client *c)
{
	int r;

	if (c->state == CLIENT_FREE || c->blocked_ms)
		return;
	r = am_sink_flush(&c->sink);
	if (r > 0) {
		c->blocked_ms = am_now_ms();
		r = am_loop_change(c->control->loop, &c->source, EPOLLIN | EPOLLOUT);
	}
	if (r < 0 || (c->state == CLIENT_ENDING && c->sink.end_sent))
		close_client(c);
}

static void end_client(struct client *c, unsigned code)
{
	am_sink_end(&c->sink, code);
	c->state = CLIENT_ENDING;
	flush_client(c);
}

static void answer_status(struct client *c)
{
	const struct am_control_calls *calls = &c->control->calls;
	am_autofree char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ready = false;
	int r = -ENOMEM;

	if (out) {
		ready = calls->status(calls->ctx, c->form == AM_FORM_JSON, out);
		r = fclose(out) ? -ENOMEM : am_sink_reply(&c->sink, text, len);
	}
	if (r < 0)
		am_sink_notice(&c->sink, "error: the agent cannot answer: %s", strerror(-r));
	end_client(c, r < 0 || !ready);
}

/* ---- requests ------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void refuse(struct client *c, const char *format, ...)
{
	char text[AM_SINK_NOTICE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	am_sink_notice(&c->sink, "error: %s", text);
	end_client(c, 2);
}

static bool parse_seconds(const char *word, int64_t *ret_ms)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (errno || end == word || *end || n < 0 || n > WAIT_MAX_S)
		return false;
	*ret_ms = (int64_t)n * 1000;
	return true;
}

static void request_status(struct client *c, const char **words, int n)
{
	int64_t wait_ms = 0;
	int i;

	c->form = AM_FORM_TEXT;
	for (i = 1; i < n; i++) {
		if (!strcmp(words[i], "--json")) {
			c->form = AM_FORM_JSON;
		} else if (strcmp(words[i], "--wait")) {
			refuse(c, "'status' does not know '%s'", words[i]);
			return;
		} else if (++i == n || !parse_seconds(words[i], &wait_ms)) {
			refuse(c, "'--wait' takes a number of seconds up to %d", WAIT_MAX_S);
			return;
		}
	}
	if (!wait_ms || c->control->calls.ready(c->control->calls.ctx)) {
		answer_status(c);
		return;
	}
	c->deadline_ms = am_now_ms() + wait_ms;
	c->state = CLIENT_WAITING;
}

/* The client has read it already, and told the person what is wrong with it: but who knows
 * what a client is. */
static int take_filter(struct client *c, const char *text)
{
	const struct am_when here = am_when_here();
	struct am_filter_error error = { .fact = "there is not enough memory" };

	if (!c->filter && strlen(text) <= AM_TAIL_FILTER_MAX &&
	    !am_filter_parse(text, &here, &error, &c->filter))
		return 0;
	refuse(c, "the filter cannot be used: %s", c->filter ? "there are two" :
	       strlen(text) > AM_TAIL_FILTER_MAX ? "it is too long" : error.fact);
	return -EINVAL;
}

static void request_tail(struct client *c, const char **words, int n)
{
	int i;

	c->form = AM_FORM_TEXT;
	for (i = 1; i < n; i++) {
		if (!strcmp(words[i], "--json")) {
			c->form = AM_FORM_JSON;
		} else if (!strcmp(words[i], "--color")) {
			c->form = AM_FORM_COLOR;
		} else if (!strcmp(words[i], "--filter") && i + 1 < n) {
			if (take_filter(c, words[++i]) < 0)
				return;
		} else {
			refuse(c, "'tail' does not know '%s'", words[i]);
			return;
		}
	}
	c->state = CLIENT_TAIL;
}

/* What takes longer than the loop may. */
static void request_answer(struct client *c, const char **words, int n)
{
	const struct am_control_calls *calls = &c->control->calls;
	int r = calls->answer(calls->ctx, c->source.fd, words, n);

	if (!r)
		close_client(c);	/* its answer comes from elsewhere */
	else if (r == -EAGAIN)
		refuse(c, "the agent is answering others already; try again");
	else
		refuse(c, "the agent cannot answer: %s", strerror(-r));
}

/* In one packet: the socket is empty yet, and a notice is no longer than some lines. */
static void send_talk(struct client *c, const char *text, size_t len)
{
	if (len > TALK_MAX)
		len = TALK_MAX;
	if (len && am_frame_send(c->source.fd, AM_FRAME_NOTICE, 0, text, len) < 0)
		am_sink_notice(&c->sink, "%.*s", (int)strcspn(text, "\n"), text);
}

static int ask_policy(struct client *c, const char **words, int n, FILE *out, FILE *err)
{
	const struct am_control_calls *calls = &c->control->calls;
	const struct am_control_ask ask = { words, n, c->passed, c->uid };

	return calls->policy(calls->ctx, &ask, out, err);
}

static void request_policy(struct client *c, const char **words, int n)
{
	am_autofree char *text = NULL, *talk = NULL;
	size_t len = 0, talk_len = 0;
	am_autofclose FILE *out = open_memstream(&text, &len);
	am_autofclose FILE *err = open_memstream(&talk, &talk_len);
	int code = 3, r = -ENOMEM;

	if (out && err) {
		code = ask_policy(c, words, n, out, err);
		r = fflush(out) || fflush(err) ? -ENOMEM : am_sink_reply(&c->sink, text, len);
		send_talk(c, talk, talk_len);
	}
	if (r < 0)
		am_sink_notice(&c->sink, "error: the agent cannot answer: %s", strerror(-r));
	end_client(c, r < 0 ? 3 : (unsigned)code);
}

static void request_read(struct client *c, const char **words, int n)
{
	const struct am_control_calls *calls = &c->control->calls;
	const struct am_control_ask ask = { words, n, c->passed, c->uid };
	am_autofree char *talk = NULL;
	size_t len = 0;
	FILE *err = open_memstream(&talk, &len);
	int r = err ? calls->read(calls->ctx, &ask, c->source.fd, err) : -ENOMEM;

	if (err && fclose(err))
		r = -ENOMEM;
	if (len)
		send_talk(c, talk, len);
	end_client(c, r < 0 ? 3 : 0);
}

static const struct {
	const char *word;
	void (*request)(struct client *c, const char **words, int n);
} requests[] = {
	{ "status", request_status },
	{ "tail", request_tail },
	{ "explain", request_answer },
	{ "learn", request_answer },
	{ "push", request_policy },
	{ "history", request_policy },
	{ "earlier", request_policy },
	{ "read", request_read },
};

static void take_request(struct client *c, const char *payload, size_t len)
{
	const char *words[WORDS_MAX];
	int n = am_frame_words(payload, len, words, WORDS_MAX);
	size_t i;

	if (n <= 0) {
		refuse(c, "the request is not well-formed");
		return;
	}
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (!strcmp(words[0], requests[i].word)) {
			requests[i].request(c, words, n);
			return;
		}
	}
	refuse(c, "the agent does not know '%s'", words[0]);
}

static void read_client(struct client *c)
{
	struct am_control *control = c->control;
	struct am_frame head;
	am_autoclose int passed = -1;
	int r = am_frame_recv_with(c->source.fd, control->packet, &head, &passed);

	if (r == -EAGAIN)
		return;
	/* Not a moment longer than the request takes: it may be the client's end of this very
	 * socket, and then nobody would see it hang up. */
	c->passed = passed;
	/* One request; nothing may follow it. */
	if (r < 0 || head.kind != AM_FRAME_REQUEST || c->state != CLIENT_ASKING)
		close_client(c);
	else
		take_request(c, control->packet + sizeof(head), head.len);
	c->passed = -1;
}

static void client_ready(void *ctx, uint32_t events)
{
	struct client *c = ctx;

	if (c->state == CLIENT_FREE)
		return;
	if (events & EPOLLIN)
		read_client(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		close_client(c);
	if (c->state == CLIENT_FREE || !(events & EPOLLOUT))
		return;
	c->blocked_ms = 0;
	if (am_loop_change(c->control->loop, &c->source, EPOLLIN) < 0)
		close_client(c);
	else
		flush_client(c);
}

/* ---- connections ---------------------------------------------------------- */

static bool is_member(const struct am_control *c, int fd, gid_t primary)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);
	size_t i;

	if (!c->has_group)
		return false;
	if (primary == c->group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (i = 0; i < len / sizeof(*groups); i++)
		if (groups[i] == c->group)
			return true;
	return false;
}

static bool may_ask(const struct am_control *c, int fd, uint32_t *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*ret_uid = peer.uid;
	return peer.uid == 0 || is_member(c, fd, peer.gid);
}

static struct client *free_client(struct am_control *c)
{
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++)
		if (c->clients[i].state == CLIENT_FREE)
			return &c->clients[i];
	return NULL;
}

static int start_client(struct am_control *control, struct client *c, int fd, uint32_t uid)
{
	*c = (struct client){
		.control = control,
		.source = { .fd = fd, .ready = client_ready, .ctx = c },
		.deadline_ms = am_now_ms() + ASK_MS,
		.passed = -1,
		.uid = uid,
	};
	if (am_loop_add(control->loop, &c->source, EPOLLIN) < 0)
		return -ENOMEM;
	am_sink_init(&c->sink, fd);
	c->state = CLIENT_ASKING;
	return 0;
}

/* Its socket is new and empty, so this goes out whole or the client is gone. */
static void turn_away(struct am_control *c, int fd, const char *why)
{
	c->counts.turned_away++;
	(void)am_frame_send(fd, AM_FRAME_NOTICE, 0, why, strlen(why));
	(void)am_frame_send(fd, AM_FRAME_END, 3, NULL, 0);
}

static void listener_ready(void *ctx, uint32_t events)
{
	struct am_control *control = ctx;
	am_autoclose int fd = -1;
	struct client *c;
	uint32_t uid = 0;

	(void)events;
	fd = accept4(control->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;		/* gone again, or out of descriptors: it will ask once more */
	c = free_client(control);
	if (!may_ask(control, fd, &uid))
		turn_away(control, fd, "error: only root and the agent's group may ask the agent\n");
	else if (!c)
		turn_away(control, fd, "error: the agent has as many clients as it takes\n");
	else if (!start_client(control, c, fd, uid))
		(void)AM_TAKE_FD(fd);
}

static int find_group(struct am_control *c, const char *name)
{
	const struct group *group;

	if (!name)
		return 0;
	errno = 0;
	group = getgrnam(name);
	if (!group) {
		am_error("there is no group '%s' for the agent's socket", name);
		return errno ? -errno : -ENOENT;
	}
	c->has_group = true;
	c->group = group->gr_gid;
	return 0;
}

/* Through the directory's descriptor: any length of path, and no other directory. */
static int bind_socket(struct am_control *c, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t before;
	int r;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", c->run_fd,
		       socket_name);
	(void)unlinkat(c->run_fd, socket_name, 0); /* of an agent that was killed */
	before = umask(0117);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)umask(before);
	if (!r && c->has_group && fchownat(c->run_fd, socket_name, 0, c->group, 0) < 0)
		r = -errno;
	if (!r && listen(fd, AM_CONTROL_CLIENTS) < 0)
		r = -errno;
	return r;
}

int am_control_open(struct am_loop *loop, int run_fd, const char *group,
		    const struct am_control_calls *calls, struct am_control **ret)
{
	am_auto(am_control) struct am_control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return am_err(-ENOMEM, "cannot start");
	c->loop = loop;
	c->run_fd = run_fd;
	c->calls = *calls;
	c->listener = (struct am_source){ .fd = -1, .ready = listener_ready, .ctx = c };
	r = find_group(c, group);
	if (r < 0)
		return r;
	c->listener.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->listener.fd < 0)
		return am_err(-errno, "cannot make the agent's socket");
	r = bind_socket(c, c->listener.fd);
	if (!r)
		r = am_loop_add(loop, &c->listener, EPOLLIN);
	if (r < 0)
		return am_err(r, "cannot listen on '%s' in the run directory", socket_name);
	*ret = AM_TAKE_PTR(c);
	return 0;
}

/* Whoever reads is told why it ends; nobody is waited for. */
static void dismiss(struct client *c)
{
	am_sink_notice(&c->sink, "the agent has ended");
	am_sink_end(&c->sink, 3);
	(void)am_sink_flush(&c->sink);
	close_client(c);
}

void am_control_free(struct am_control *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < AM_CONTROL_CLIENTS; i++)
		if (c->clients[i].state != CLIENT_FREE)
			dismiss(&c->clients[i]);
	if (c->listener.fd >= 0) {
		am_loop_remove(c->loop, &c->listener);
		(void)close(c->listener.fd); /* holds no data */
		(void)unlinkat(c->run_fd, socket_name, 0); /* else the next start does */
	}
	free(c);
}

/* ---- events --------------------------------------------------------------- */

bool am_control_wants(const struct am_control *c, enum am_control_form form)
{
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++)
		if (c->clients[i].state == CLIENT_TAIL && c->clients[i].form == form)
			return true;
	return false;
}

bool am_control_choose(struct am_control *c, enum am_control_form form, const struct am_row *row)
{
	bool any = false;
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		client->chosen = client->state == CLIENT_TAIL && client->form == form &&
				 (client->filter ? am_filter_matches(client->filter, row) :
						   row->deed.kind != AM_EVENT_PROCESS);
		any |= client->chosen;
	}
	return any;
}

void am_control_line(struct am_control *c, enum am_control_form form, const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++)
		if (c->clients[i].state == CLIENT_TAIL && c->clients[i].chosen &&
		    c->clients[i].form == form)
			(void)am_sink_line(&c->clients[i].sink, line, len); /* counted there */
}

void am_control_lost(struct am_control *c, uint64_t events)
{
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++)
		if (c->clients[i].state == CLIENT_TAIL)
			am_sink_lost(&c->clients[i].sink, events);
}

void am_control_flush(struct am_control *c)
{
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++)
		if (c->clients[i].state != CLIENT_FREE && am_sink_waits(&c->clients[i].sink))
			flush_client(&c->clients[i]);
}

static void cut_off(struct client *c)
{
	c->control->counts.cut_off++;
	close_client(c);
}

void am_control_tick(struct am_control *control, int64_t now_ms)
{
	bool ready = control->calls.ready(control->calls.ctx);
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++) {
		struct client *c = &control->clients[i];

		if (c->state == CLIENT_FREE)
			continue;
		if (c->blocked_ms && now_ms - c->blocked_ms > STUCK_MS)
			cut_off(c);
		else if (c->state == CLIENT_ASKING && now_ms > c->deadline_ms)
			cut_off(c);
		else if (c->state == CLIENT_WAITING && (ready || now_ms > c->deadline_ms))
			answer_status(c);
	}
}

void am_control_counts(const struct am_control *c, struct am_control_counts *ret)
{
	struct am_control_counts counts = c->counts;
	size_t i;

	for (i = 0; i < AM_CONTROL_CLIENTS; i++) {
		const struct client *client = &c->clients[i];

		counts.clients += client->state != CLIENT_FREE;
		counts.tails += client->state == CLIENT_TAIL;
		if (client->state != CLIENT_FREE)
			counts.not_shown += client->sink.dropped_total;
	}
	*ret = counts;
}
