// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/frame.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/status.h"
#include "cli/tail.h"
#include "query/filter.h"

enum { DEADLINE_MS = 20000 };

/* ---- a table of commands ----------------------------------------------------------- */

static int ran;
static struct am_cmd_line ran_line;

static int note(const struct am_cmd_line *line)
{
	ran++;
	ran_line = *line;
	fputs("data\n", line->out);
	return AM_EXIT_NO;
}

static const struct am_cmd commands[] = {
	{ .name = "doctor", .summary = "examines",
	  .options = { { "--json", NULL, "as JSON" } }, .run = note },
	{ .name = "policy", .summary = "checks", .words = "check FILE", .run = note },
	{ .name = "status", .summary = "tells",
	  .options = { [AM_STATUS_WAIT] = { "--wait", "N", "waits" },
		       [AM_STATUS_JSON] = { "--json", NULL, "as JSON" } }, .run = note },
};

static const struct am_cmds cmds = {
	.program = "amanat", .version = "1.2.3", .purpose = "guards",
	.items = commands, .count = sizeof(commands) / sizeof(commands[0]),
};

struct said {
	int code;
	char out[4096];
	char err[4096];
};

/* Runs the words that follow, up to NULL. */
static struct said type(const char *word, ...) __attribute__((sentinel));

static struct said type(const char *word, ...)
{
	char *argv[16] = { "amanat" };
	struct said said = { 0 };
	FILE *out = fmemopen(said.out, sizeof(said.out), "w");
	FILE *err = fmemopen(said.err, sizeof(said.err), "w");
	va_list args;
	int argc = 1;

	assert_non_null(out);
	assert_non_null(err);
	va_start(args, word);
	for (; word; word = va_arg(args, const char *)) {
		assert_true(argc < 15);
		argv[argc++] = (char *)word;
	}
	va_end(args);
	ran = 0;
	said.code = am_cmds_main(&cmds, argc, argv, out, err);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(err), 0);
	return said;
}

static void runs_a_command_with_what_was_typed(void **state)
{
	struct said s = type("status", "--json", "--wait", "5", NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_NO);
	assert_int_equal(ran, 1);
	assert_string_equal(s.out, "data\n");
	assert_string_equal(s.err, "");
	assert_string_equal(ran_line.values[AM_STATUS_WAIT], "5");
	assert_string_equal(ran_line.values[AM_STATUS_JSON], "");
	s = type("status", NULL);
	assert_null(ran_line.values[AM_STATUS_WAIT]);
	assert_null(ran_line.values[AM_STATUS_JSON]);
}

static void leaves_its_words_to_a_command_that_reads_them_itself(void **state)
{
	(void)state;
	(void)type("policy", "check", "--help", "--run", NULL);
	assert_int_equal(ran, 1);
	assert_int_equal(ran_line.argc, 4);
	assert_string_equal(ran_line.argv[0], "policy");
	assert_string_equal(ran_line.argv[3], "--run");
}

static void finds_the_run_directory(void **state)
{
	(void)state;
	(void)unsetenv("AMANAT_RUN");
	(void)type("status", NULL);
	assert_string_equal(ran_line.run, "/run/amanat");
	(void)setenv("AMANAT_RUN", "/tmp/a", 1);
	(void)type("status", NULL);
	assert_string_equal(ran_line.run, "/tmp/a");
	(void)type("--run", "/tmp/b", "status", NULL);
	assert_string_equal(ran_line.run, "/tmp/b");
	(void)type("status", "--run", "/tmp/c", NULL);
	assert_string_equal(ran_line.run, "/tmp/c");
	(void)setenv("AMANAT_RUN", "", 1);
	(void)type("status", NULL);
	assert_string_equal(ran_line.run, "/run/amanat");
	(void)unsetenv("AMANAT_RUN");
}

static void helps_on_standard_output(void **state)
{
	struct said s = type("--help", NULL), same = type("help", NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_YES);
	assert_int_equal(ran, 0);
	assert_string_equal(s.err, "");
	assert_string_equal(s.out, same.out);
	assert_non_null(strstr(s.out, "\n  status [--wait N] [--json]      tells\n"));
	assert_non_null(strstr(s.out, "\n  policy check FILE               checks\n"));
	s = type("help", "status", NULL);
	same = type("status", "--json", "--help", NULL);
	assert_int_equal(s.code, AM_EXIT_YES);
	assert_int_equal(ran, 0);
	assert_string_equal(s.out, same.out);
	assert_non_null(strstr(s.out, "Usage: amanat [--run DIR] status [--wait N] [--json]\n"));
	assert_non_null(strstr(s.out, "\n  --wait N    waits\n"));
	s = type("--version", NULL);
	assert_string_equal(s.out, "amanat 1.2.3\n");
	assert_int_equal(s.code, AM_EXIT_YES);
}

static void refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *words[4];
		const char *err;
	} cases[] = {
		{ { "statsu" }, "error: there is no command 'statsu'\n  hint: Did you mean 'status'?\n" },
		{ { "stat" }, "error: there is no command 'stat'\n" },
		{ { "STATUS" }, "Did you mean 'status'?" },
		{ { "xyzzy" }, "  hint: 'amanat --help' lists the commands.\n" },
		{ { "hepl" }, "Did you mean 'help'?" },
		{ { "" }, "error: there is no command ''\n" },
		{ { "a\x1b[2J\n" }, "error: there is no command 'a\\x1b[2J\\x0a'\n" },
		{ { "help", "statsu" }, "Did you mean 'status'?" },
		{ { "--jsn", "status" }, "error: there is no option '--jsn'\n" },
		{ { "-h" }, "error: there is no option '-h'\n" },
		{ { "--run" }, "a word is missing behind '--run'\n  hint: It is written '--run DIR'.\n" },
		{ { "--run", "" }, "a word is missing behind '--run'\n" },
		{ { "status", "--jsno" }, "Did you mean '--json'?" },
		{ { "status", "--js" }, "error: there is no option '--js'\n" },
		{ { "status", "--wait=5" }, "error: there is no option '--wait=5'\n" },
		{ { "status", "--wait" }, "It is written '--wait N'." },
		{ { "status", "all" }, "error: nothing is known of 'all'\n  hint: 'amanat help status'" },
		{ { "status", "--run" }, "It is written '--run DIR'." },
		{ { "doctor", "--wait", "5" }, "error: there is no option '--wait'\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const *w = cases[i].words;
		struct said s = type(w[0], w[1], w[2], w[3], NULL);

		if (s.code != AM_EXIT_USAGE || ran || s.out[0] || !strstr(s.err, cases[i].err))
			fail_msg("'%s %s' gave %d and '%s'", w[0], w[1] ? w[1] : "", s.code, s.err);
	}
}

static void shows_the_help_as_talk_when_nothing_was_asked(void **state)
{
	struct said s = type(NULL, NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_USAGE);
	assert_string_equal(s.out, "");
	assert_non_null(strstr(s.err, "Usage: amanat"));
}

static void fails_when_the_data_did_not_arrive(void **state)
{
	char *argv[] = { "amanat", "--version", NULL };
	char text[256] = "";
	am_autofclose FILE *full = fopen("/dev/full", "w");
	FILE *err = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(full);
	assert_non_null(err);
	assert_int_equal(am_cmds_main(&cmds, 2, argv, full, err), AM_EXIT_MISSING);
	assert_int_equal(fclose(err), 0);
	assert_string_equal(text, "error: cannot write to standard output: No space left on device\n");
	clearerr(full);
}

/* ---- a fake agent ------------------------------------------------------------------- */

enum agent_act {
	AGENT_END = 0,		/* of the script: the connection is closed */
	AGENT_TAKE,		/* reads the request */
	AGENT_ECHO,		/* sends its words as DATA, a space behind each */
	AGENT_DATA,
	AGENT_NOTICE,
	AGENT_CODE,		/* END with `number` */
	AGENT_NOISE,		/* a packet that is no frame */
	AGENT_REQUEST,		/* a frame that an agent does not send */
	AGENT_KILL,		/* sends the signal `number` to the client */
	AGENT_HOLD,		/* waits until the client is gone */
	AGENT_AGAIN,		/* closes, and takes the next client */
};

struct agent_step {
	enum agent_act act;
	const char *text;
	int number;
};

#define STEP(act) { AGENT_##act, NULL, 0 }
#define TAKE STEP(TAKE)
#define ECHO_WORDS STEP(ECHO)
#define NOISE STEP(NOISE)
#define REQUEST STEP(REQUEST)
#define HOLD STEP(HOLD)
#define AGAIN STEP(AGAIN)
#define END STEP(END)
#define DATA(text) { AGENT_DATA, text, 0 }
#define NOTICE(text) { AGENT_NOTICE, text, 0 }
#define CODE(number) { AGENT_CODE, NULL, number }
#define KILL(number) { AGENT_KILL, NULL, number }

struct agent {
	char run[32];
	pid_t pid;
};

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, DEADLINE_MS) != 1)
		_exit(9);
}

static void do_step(int fd, const struct agent_step *s, char *packet)
{
	struct am_frame head;
	const char *words[8];
	char text[256] = "";
	int r = 0, n;

	switch (s->act) {
	case AGENT_TAKE:
		wait_readable(fd);
		r = am_frame_recv(fd, packet, &head);
		break;
	case AGENT_ECHO:
		wait_readable(fd);
		r = am_frame_recv(fd, packet, &head);
		n = r ? 0 : am_frame_words(packet + sizeof(head), head.len, words, 8);
		for (int i = 0; i < n; i++)
			strcat(strcat(text, words[i]), " ");
		r = r ? r : am_frame_send(fd, AM_FRAME_DATA, 0, text, strlen(text));
		break;
	case AGENT_DATA:
		r = am_frame_send(fd, AM_FRAME_DATA, 0, s->text, strlen(s->text));
		r = r == -EPIPE ? 0 : r;	/* a client may have ended by then */
		break;
	case AGENT_NOTICE:
		r = am_frame_send(fd, AM_FRAME_NOTICE, 0, s->text, strlen(s->text));
		break;
	case AGENT_CODE:
		r = am_frame_send(fd, AM_FRAME_END, (unsigned)s->number, NULL, 0);
		break;
	case AGENT_NOISE:
		r = send(fd, "noise", 5, 0) == 5 ? 0 : -errno;
		break;
	case AGENT_REQUEST:
		r = am_frame_send(fd, AM_FRAME_REQUEST, 0, "x", 2);
		break;
	case AGENT_KILL:
		r = kill(getppid(), s->number);
		break;
	default:
		wait_readable(fd);
		break;
	}
	if (r)
		_exit(8);
}

static void act_agent(int listener, const struct agent_step *steps)
{
	char *packet = malloc(AM_FRAME_MAX);
	int fd = -1;

	for (; packet && steps->act != AGENT_END; steps++) {
		if (fd < 0) {
			wait_readable(listener);
			fd = accept(listener, NULL, NULL);
		}
		if (steps->act == AGENT_AGAIN) {
			(void)close(fd);
			fd = -1;
		} else {
			do_step(fd, steps, packet);
		}
	}
	_exit(packet ? 0 : 7);
}

static struct agent start_agent(const struct agent_step *steps)
{
	struct agent a = { .run = "/tmp/am-run-XXXXXX" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_non_null(mkdtemp(a.run));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", a.run);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	a.pid = fork();
	assert_true(a.pid >= 0);
	if (!a.pid)
		act_agent(fd, steps);
	assert_int_equal(close(fd), 0);
	return a;
}

static void stop_agent(struct agent *a)
{
	char path[64];
	int status;

	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	snprintf(path, sizeof(path), "%s/control.sock", a->run);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(a->run), 0);
}

typedef int verb_fn(const struct am_cmd_line *line);

/* `first` and `second` are the values of the verb's options. */
static struct said ask(verb_fn *verb, const char *run, const char *first, const char *second)
{
	struct said said = { 0 };
	/* As options of the table, and as words of those that read them themselves. */
	char *words[] = { "verb", (char *)first, (char *)second };
	struct am_cmd_line line = {
		.run = run, .values = { first, second },
		.argc = 1 + (first != NULL) + (second != NULL), .argv = words,
		.out = fmemopen(said.out, sizeof(said.out), "w"),
		.err = fmemopen(said.err, sizeof(said.err), "w"),
	};

	assert_non_null(line.out);
	assert_non_null(line.err);
	said.code = verb(&line);
	assert_int_equal(fclose(line.out), 0);
	assert_int_equal(fclose(line.err), 0);
	return said;
}

static struct said ask_agent(verb_fn *verb, const struct agent_step *steps, const char *first,
			     const char *second)
{
	struct agent a = start_agent(steps);
	struct said said = ask(verb, a.run, first, second);

	stop_agent(&a);
	return said;
}

/* ---- asking it ------------------------------------------------------------------------- */

static void passes_on_data_talk_and_code(void **state)
{
	static const struct agent_step steps[] = {
		TAKE, DATA("one\n"), NOTICE("talk\n"),
		DATA("two\n"), CODE(1), END,
	};
	struct said s = ask_agent(am_cli_status, steps, NULL, NULL);

	(void)state;
	assert_int_equal(s.code, 1);
	assert_string_equal(s.out, "one\ntwo\n");
	assert_string_equal(s.err, "talk\n");
}

static void sends_the_words_as_typed(void **state)
{
	static const struct agent_step steps[] = {
		ECHO_WORDS, CODE(0), END,
	};

	(void)state;
	assert_string_equal(ask_agent(am_cli_status, steps, NULL, NULL).out, "status ");
	assert_string_equal(ask_agent(am_cli_status, steps, "7", NULL).out, "status --wait 7 ");
	assert_string_equal(ask_agent(am_cli_status, steps, "7", "").out, "status --wait 7 --json ");
	assert_string_equal(ask_agent(am_cli_tail, steps, NULL, NULL).out, "tail ");
	assert_string_equal(ask_agent(am_cli_tail, steps, "--json", NULL).out, "tail --json ");
	assert_string_equal(ask_agent(am_cli_tail, steps, "--json", "op=read pid>7").out,
			    "tail --json --filter op=read pid>7 ");
}

static void tail_goes_on_with_the_next_agent_if_it_was_told_to(void **state)
{
	static const struct agent_step steps[] = {
		TAKE, DATA("one\n"), AGAIN,
		HOLD, AGAIN,	/* whether it is there */
		ECHO_WORDS, CODE(0), END,
	};
	struct said s = ask_agent(am_cli_tail, steps, "--reconnect", "op=read");

	(void)state;
	assert_int_equal(s.code, 0);
	assert_string_equal(s.out, "one\ntail --filter op=read ");
	assert_non_null(strstr(s.err, "waiting for the next one"));
}

static void a_filter_that_is_none_never_gets_to_the_agent(void **state)
{
	char words[AM_TAIL_FILTER_MAX + 16] = "exe=";
	struct said s;

	(void)state;
	s = ask(am_cli_tail, "/tmp/am-nowhere", "verdict=maybe", NULL);
	assert_int_equal(s.code, AM_EXIT_USAGE);
	assert_non_null(strstr(s.err, "^"));
	/* The agent tries it on every event. */
	memset(words + 4, 'x', sizeof(words) - 5);
	words[AM_TAIL_FILTER_MAX] = '\0';
	assert_int_equal(ask(am_cli_tail, "/tmp/am-nowhere", words, NULL).code, AM_EXIT_MISSING);
	words[AM_TAIL_FILTER_MAX] = 'x';
	words[AM_TAIL_FILTER_MAX + 1] = '\0';
	assert_int_equal(ask(am_cli_tail, "/tmp/am-nowhere", words, NULL).code, AM_EXIT_USAGE);
}

static void says_when_there_is_no_agent(void **state)
{
	struct said s = ask(am_cli_status, "/tmp/am-nowhere", NULL, NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_string_equal(s.out, "");
	assert_string_equal(s.err, "error: no agent runs in '/tmp/am-nowhere'\n  hint: Start amanatd, or "
				   "name its run directory by --run or AMANAT_RUN.\n");
	s = ask(am_cli_tail, "/tmp/am-nowhere", NULL, NULL);
	assert_int_equal(s.code, AM_EXIT_MISSING);
	s = ask(am_cli_status, "/dev/null", NULL, NULL);
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_string_equal(s.err, "error: cannot ask the agent in '/dev/null': Not a directory\n");
}

static void says_when_the_agent_of_a_socket_is_gone(void **state)
{
	static const struct agent_step nothing[] = { END };
	struct agent a = start_agent(nothing);
	int status;
	struct said s;

	(void)state;
	/* Its socket is still there when nobody listens any more. */
	assert_int_equal(waitpid(a.pid, &status, 0), a.pid);
	s = ask(am_cli_status, a.run, NULL, NULL);
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_non_null(strstr(s.err, "no agent runs in"));
	a.pid = fork();
	if (!a.pid)
		_exit(0);
	stop_agent(&a);
}

static void gives_up_at_once_when_there_is_no_time(void **state)
{
	struct said s = ask(am_cli_status, "/tmp/am-nowhere", "0", NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_non_null(strstr(s.err, "no agent runs in"));
}

static void asks_again_when_waiting_for_an_agent_that_restarts(void **state)
{
	static const struct agent_step steps[] = {
		AGAIN, TAKE, AGAIN, TAKE,
		DATA("sealed\n"), CODE(0), END,
	};
	struct said s = ask_agent(am_cli_status, steps, "15", NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_YES);
	assert_string_equal(s.out, "sealed\n");
	assert_string_equal(s.err, "");
}

static void does_not_ask_again_once_it_was_answered(void **state)
{
	static const struct agent_step steps[] = {
		TAKE, DATA("half\n"), END,
	};
	struct said s = ask_agent(am_cli_status, steps, "15", NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_string_equal(s.out, "half\n");
	assert_string_equal(s.err, "error: the agent went away\n");
}

static void refuses_a_time_that_is_none(void **state)
{
	static const char *const times[] = {
		"-1", "5s", "1.5", "3601", "99999999999999999999", " 1", "x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct said s = ask(am_cli_status, "/tmp/am-nowhere", times[i], NULL);

		if (s.code != AM_EXIT_USAGE || !strstr(s.err, "--wait takes a number"))
			fail_msg("'%s' gave %d and '%s'", times[i], s.code, s.err);
	}
}

static void refuses_an_agent_of_another_kind(void **state)
{
	static const struct agent_step noise[] = { TAKE, NOISE, HOLD, END };
	static const struct agent_step wrong[] = { TAKE, REQUEST, HOLD, END };
	struct said s = ask_agent(am_cli_status, noise, NULL, NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_non_null(strstr(s.err, "not this version's agent"));
	s = ask_agent(am_cli_tail, wrong, NULL, NULL);
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_non_null(strstr(s.err, "not this version's agent"));
}

static void hears_why_it_was_turned_away(void **state)
{
	static const struct agent_step steps[] = {
		NOTICE("error: only root may ask\n"), CODE(3),
		TAKE, END,
	};
	struct said s = ask_agent(am_cli_tail, steps, NULL, NULL);

	(void)state;
	assert_int_equal(s.code, 3);
	assert_string_equal(s.err, "error: only root may ask\n");
}

static void tells_a_silent_agent_from_none(void **state)
{
	static const struct agent_step steps[] = { TAKE, HOLD, END };
	struct agent a = start_agent(steps);
	char text[256] = "";
	struct am_client c = { .run = a.run, .words = { "status" }, .silence_ms = 1, .stop_fd = -1,
			       .out = stdout, .err = fmemopen(text, sizeof(text), "w") };
	int r = am_client_ask(&c);

	(void)state;
	stop_agent(&a);
	assert_int_equal(r, -ETIMEDOUT);
	assert_false(am_client_absent(&c, r));
	assert_int_equal(am_client_failed(&c, r), AM_EXIT_MISSING);
	assert_int_equal(fclose(c.err), 0);
	assert_non_null(strstr(text, "does not answer"));
}

/* ---- following it ------------------------------------------------------------------------ */

static void ends_in_good_order_on_a_signal(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM };
	sigset_t blocked;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct agent_step steps[] = {
			TAKE, DATA("line\n"), KILL(signals[i]),
			HOLD, END,
		};
		struct said s = ask_agent(am_cli_tail, steps, NULL, NULL);

		assert_int_equal(s.code, AM_EXIT_YES);
		assert_string_equal(s.err, "");
	}
	/* And signals do again what they did before. */
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_false(sigismember(&blocked, SIGINT));
}

static void says_when_the_agent_it_follows_goes_away(void **state)
{
	static const struct agent_step steps[] = {
		TAKE, DATA("line\n"), END,
	};
	struct said s = ask_agent(am_cli_tail, steps, NULL, NULL);

	(void)state;
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_string_equal(s.out, "line\n");
	assert_string_equal(s.err, "error: the agent went away\n");
}

/* Follows into a pipe; returns the exit code. */
static int follow_into(int fd, const struct agent_step *steps)
{
	struct agent a = start_agent(steps);
	struct am_cmd_line line = { .run = a.run, .out = fdopen(fd, "w"), .err = stderr };
	int code;

	assert_non_null(line.out);
	code = am_cli_tail(&line);
	(void)fclose(line.out);	/* what could not be written is what this is about */
	stop_agent(&a);
	return code;
}

static void ends_in_good_order_when_nobody_reads(void **state)
{
	static const struct agent_step busy[] = {
		TAKE, DATA("line\n"), HOLD, END,
	};
	static const struct agent_step quiet[] = { TAKE, HOLD, END };
	const struct agent_step *const both[] = { busy, quiet };

	(void)state;
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < 2; i++) {
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		assert_int_equal(close(fds[0]), 0);
		assert_int_equal(follow_into(fds[1], both[i]), AM_EXIT_YES);
	}
}

static void shows_each_line_at_once(void **state)
{
	static const struct agent_step steps[] = {
		TAKE, DATA("line\n"), HOLD, END,
	};
	int fds[2];
	char line[8] = "";
	pid_t reader;
	int status;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	reader = fork();
	assert_true(reader >= 0);
	if (!reader) {	/* the agent waits for us to end, and we for the first line */
		(void)close(fds[1]);
		_exit(read(fds[0], line, sizeof(line)) == 5 && !memcmp(line, "line\n", 5) ? 0 : 1);
	}
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(follow_into(fds[1], steps), AM_EXIT_YES);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_a_command_with_what_was_typed),
		cmocka_unit_test(leaves_its_words_to_a_command_that_reads_them_itself),
		cmocka_unit_test(finds_the_run_directory),
		cmocka_unit_test(helps_on_standard_output),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(shows_the_help_as_talk_when_nothing_was_asked),
		cmocka_unit_test(fails_when_the_data_did_not_arrive),
		cmocka_unit_test(passes_on_data_talk_and_code),
		cmocka_unit_test(sends_the_words_as_typed),
		cmocka_unit_test(tail_goes_on_with_the_next_agent_if_it_was_told_to),
		cmocka_unit_test(a_filter_that_is_none_never_gets_to_the_agent),
		cmocka_unit_test(says_when_there_is_no_agent),
		cmocka_unit_test(says_when_the_agent_of_a_socket_is_gone),
		cmocka_unit_test(gives_up_at_once_when_there_is_no_time),
		cmocka_unit_test(asks_again_when_waiting_for_an_agent_that_restarts),
		cmocka_unit_test(does_not_ask_again_once_it_was_answered),
		cmocka_unit_test(refuses_a_time_that_is_none),
		cmocka_unit_test(refuses_an_agent_of_another_kind),
		cmocka_unit_test(hears_why_it_was_turned_away),
		cmocka_unit_test(tells_a_silent_agent_from_none),
		cmocka_unit_test(ends_in_good_order_on_a_signal),
		cmocka_unit_test(says_when_the_agent_it_follows_goes_away),
		cmocka_unit_test(ends_in_good_order_when_nobody_reads),
		cmocka_unit_test(shows_each_line_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
