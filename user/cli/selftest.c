/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "cli/trial.h"
#include "event/json.h"

enum {
	PATH_SIZE = 256,
	AGENT_SECONDS = 900,	/* the verifier takes its time on a slow machine */
	CHUNK = 1 << 16,
	SILENCE_MS = 300 * 1000,	/* of the runner: it waits for each technique, on a slow machine too */
	RECORD_SECONDS = 120,
	AGAIN_MS = 500,

	/* Groups that no account has; of tests/evasion/technique.h. */
	GID_READER = 61021,
	GID_WRITER = 61022,
	GID_COURIER = 61023,
};

/* Where what a program says goes. */
enum talk {
	TALK_KEPT = 1,	/* in a file, which is shown if it fails */
	TALK_ERRORS,	/* its standard error is ours */
	TALK_PIPED,	/* and the rest is ours to read */
};

/* A program that was started, and the pipe that it writes to. */
struct program {
	pid_t pid;	/* 0: none */
	int out, in;	/* owned; -1: none */
	char *text;	/* owned: what was read of it and not taken yet */
	size_t size;
	const char *kept;	/* borrowed: the file of TALK_KEPT */
};

#define WAIT_SECONDS "5"	/* between looks whether the agent is still there */

#define NO_PROGRAM { .out = -1, .in = -1 }

struct selftest {
	char scratch[PATH_SIZE / 2];
	char said[PATH_SIZE];
	char amanat[PATH_SIZE], amanatd[PATH_SIZE], runner[PATH_SIZE], list[PATH_SIZE];
	struct program agent, techniques;
	struct am_trials *trials;
	FILE *err;
};

/* Whoever interrupts it finds the host as it was. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void catch_interrupts(void)
{
	const struct sigaction action = { .sa_handler = interrupt };	/* calls return */
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)sigaction(signals[i], &action, NULL);
}

/* In a child: it can be ended, whatever our own caller let through. */
static void take_signals(void)
{
	sigset_t none;

	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- programs ------------------------------------------------------------------------ */

static int start(struct program *p, enum talk talk, const char *const *argv)
{
	int out[2] = { -1, -1 }, in[2] = { -1, -1 };
	bool piped = talk == TALK_PIPED;

	if (piped && (pipe2(out, O_CLOEXEC) < 0 || pipe2(in, O_CLOEXEC) < 0))
		return -errno;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (!p->pid) {
		dup2(piped ? in[0] : open("/dev/null", O_RDWR | O_CLOEXEC), 0);
		if (piped)
			dup2(out[1], 1);
		else
			dup2(0, 1);
		if (talk == TALK_KEPT)
			dup2(open(p->kept, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 2);
		take_signals();
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (piped) {
		close(out[1]);
		close(in[0]);
		p->out = out[0];
		p->in = in[1];
	}
	return 0;
}

/* More of what it says, in as few calls as can be: the agent drops who does not keep up. */
static int read_more(struct program *p)
{
	char *text = realloc(p->text, p->size + CHUNK + 1);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	p->text = text;
	n = read(p->out, text + p->size, CHUNK);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	p->size += n;
	text[p->size] = 0;
	return 0;
}

/* The next line, without its end, if there is one within the time. 1: *ret is the caller's;
 * 0: there is none; -EPIPE: there will be none any more. */
static int take_line(struct program *p, int timeout_ms, char **ret)
{
	struct pollfd poll_out = { .fd = p->out, .events = POLLIN };
	char *line_end;
	int r;

	while (!p->text || !(line_end = memchr(p->text, '\n', p->size))) {
		if (poll(&poll_out, 1, timeout_ms) <= 0)
			return interrupted ? -EINTR : 0;
		r = read_more(p);
		if (r < 0)
			return r;
	}
	*ret = strndup(p->text, line_end - p->text);
	p->size -= line_end + 1 - p->text;
	memmove(p->text, line_end + 1, p->size + 1);
	return *ret ? 1 : -ENOMEM;
}

static void end(struct program *p)
{
	if (p->out >= 0)
		close(p->out);
	if (p->in >= 0)
		close(p->in);
	/* Again and again: before its exec our handler would take the signal. */
	while (p->pid > 0 && !waitpid(p->pid, NULL, WNOHANG)) {
		kill(p->pid, SIGTERM);
		(void)poll(NULL, 0, AGAIN_MS / 10);
	}
	free(p->text);
	*p = (struct program)NO_PROGRAM;
}

/* Its exit status; a negative errno. What it says goes into the file `kept`; NULL: its errors are ours. */
static int run_kept(const char *kept, const char *const *argv)
{
	struct program p = { .out = -1, .in = -1, .kept = kept };
	int status, r = start(&p, kept ? TALK_KEPT : TALK_ERRORS, argv);

	if (r < 0)
		return r;
	while (waitpid(p.pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int run(const char *const *argv)
{
	return run_kept(NULL, argv);
}

/* ---- the scratch store ----------------------------------------------------------------- */

static const char *in_scratch(const struct selftest *s, const char *name)
{
	static char paths[4][PATH_SIZE];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_SIZE, "%s/%s", s->scratch, name);
	return path;
}

static const char policy[] =
	"version: 1\n"
	"name: selftest\n"
	"mode: enforce\n"
	"labels: [scratch]\n"
	"stores:\n"
	"  scratch-store: { paths: [%s/store], labels: [scratch] }\n"
	"subjects:\n"
	"  readers: { group: %d }\n"
	"  writers: { group: %d }\n"
	"  couriers: { group: %d }\n"
	"  trusted: { exe: %s/bin/trusted }\n"
	"rules:\n"
	"  - allow readers to read scratch-store\n"
	"  - allow writers to read, write scratch-store\n"
	"  - allow trusted to read scratch-store\n"
	"  - allow couriers to send scratch to anywhere\n";

static int write_policy(const struct selftest *s)
{
	am_autofclose FILE *f = fopen(in_scratch(s, "policy.yaml"), "we");

	if (!f)
		return -errno;
	fprintf(f, policy, s->scratch, GID_READER, GID_WRITER, GID_COURIER, s->scratch);
	return ferror(f) || fflush(f) ? -EIO : 0;
}

/* The runner under its three names, and what it brings into programs. */
static int copy_programs(const struct selftest *s)
{
	char command[4 * PATH_SIZE];

	snprintf(command, sizeof(command), "cd '%s/bin' && cp '%s' evasion && cp evasion trusted && "
		 "cp evasion echo && cp \"$(dirname '%s')/foreign.so\" . && chown 65534 foreign.so", s->scratch, s->runner,
		 s->runner);
	return run((const char *const[]){ "/bin/sh", "-c", command, NULL }) ? -EIO : 0;
}

static int make_scratch(struct selftest *s)
{
	static const char *const folders[] = { "store", "out", "bin", "state", "run" };
	am_autoclose int fence = -1;
	size_t i;
	int r;

	/* Where files last: a file system in memory is not what a store is on. */
	strcpy(s->scratch, "/var/tmp/amanat-selftest.XXXXXX");
	if (!mkdtemp(s->scratch))
		return -errno;
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (mkdir(in_scratch(s, folders[i]), 0700) < 0)
			return -errno;
	fence = open(in_scratch(s, "store/fence"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fence < 0)
		return -errno;
	r = write_policy(s);
	return r < 0 ? r : copy_programs(s);
}

static void remove_scratch(struct selftest *s)
{
	if (s->scratch[0])
		(void)run((const char *const[]){ "/bin/rm", "-rf", s->scratch, NULL });
}

/* ---- the course of it -------------------------------------------------------------------- */

/* What the agent said for itself. */
static void show_kept(const struct selftest *s)
{
	am_autofclose FILE *f = fopen(s->agent.kept, "re");
	am_autofree char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0)
		fprintf(s->err, "amanatd: %s", line);
}

static bool has_ended(struct program *p)
{
	if (waitpid(p->pid, NULL, WNOHANG) != p->pid)
		return false;
	p->pid = 0;
	return true;
}

/* 0 once it enforces; -ENODEV: it has ended, or takes too long. */
static int wait_for_agent(struct selftest *s)
{
	time_t until = time(NULL) + AGENT_SECONDS;

	while (run_kept(in_scratch(s, "waiting"), (const char *const[]){
		s->amanat, "--run", in_scratch(s, "run"), "status", "--wait", WAIT_SECONDS, NULL }))
		if (interrupted)
			return -EINTR;
		else if (has_ended(&s->agent) || time(NULL) > until)
			return -ENODEV;
	return 0;
}

static int start_agent(struct selftest *s)
{
	int r;

	snprintf(s->said, sizeof(s->said), "%s/said", s->scratch);
	s->agent.kept = s->said;
	r = start(&s->agent, TALK_KEPT, (const char *const[]){
		s->amanatd, "--policy", in_scratch(s, "policy.yaml"), "--state", in_scratch(s, "state"),
		"--run", in_scratch(s, "run"), NULL });
	if (!r)
		r = wait_for_agent(s);
	if (r && !interrupted)
		show_kept(s);
	return r;
}

/* One line of the runner. 1: it has ended. */
static int obey(struct selftest *s, const char *line)
{
	int r;

	if (!strcmp(line, "end"))
		return 1;
	if (strcmp(line, "ready"))
		return am_trials_run(s->trials, line);
	r = start_agent(s);
	if (!r && write(s->techniques.in, "go\n", 3) != 3)
		r = -EPIPE;
	return r;
}

/* All that is in the record so far. Who follows events as they come may miss some; the record
 * does not. */
static int hear_record(struct selftest *s)
{
	struct program replay = NO_PROGRAM;
	int r = start(&replay, TALK_PIPED, (const char *const[]){
		s->amanat, "replay", "kind=access,send,spill,foreign", "--json", "--ledger",
		in_scratch(s, "state/ledger"), NULL });

	am_trials_rewind(s->trials);
	while (!r) {
		am_autofree char *line = NULL;

		r = take_line(&replay, SILENCE_MS, &line);
		if (r == 1)
			am_trials_event(s->trials, line);
		r = r == 1 ? 0 : r ? r : -ETIMEDOUT;
	}
	end(&replay);
	return r == -EPIPE ? 0 : r;
}

/* What was told last is sealed within a second or so. */
static int hear_all(struct selftest *s)
{
	time_t until = time(NULL) + RECORD_SECONDS;
	int r;

	while (!(r = hear_record(s)) && !am_trials_complete(s->trials)) {
		if (time(NULL) > until)
			return -ETIMEDOUT;
		if (interrupted)
			return -EINTR;
		(void)poll(NULL, 0, AGAIN_MS);
	}
	return r;
}

static int step(struct selftest *s)
{
	am_autofree char *line = NULL;
	int r = interrupted ? -EINTR : take_line(&s->techniques, SILENCE_MS, &line);

	return r == 1 ? obey(s, line) : r ? r : -ETIMEDOUT;
}

static int try_all(struct selftest *s)
{
	int r;

	r = start(&s->techniques, TALK_PIPED, (const char *const[]){
		s->runner, "run", s->scratch, "", "", in_scratch(s, "bin"), "2", "--harmless", NULL });
	while (!r)
		r = step(s);
	return r < 0 ? r : hear_all(s);
}

/* ---- what came of it ------------------------------------------------------------------------ */

static void read_known(struct selftest *s)
{
	am_autofclose FILE *f = fopen(s->list, "re");
	am_autofree char *line = NULL;
	char here[sizeof(((struct utsname *)0)->release) + 16];
	struct utsname u;
	size_t size = 0;
	int major = 0, minor = 0;

	if (!f || uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2)
		return;
	if (major >= 7)
		snprintf(here, sizeof(here), "%d/", major);
	else
		snprintf(here, sizeof(here), "%d.%d/", major, minor);
	strcat(here, am_host_has_bpf_lsm(&am_host_here) ? "lsm" : "fmod_ret");
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = 0;
		(void)am_trials_known(s->trials, line, here);	/* one line less: more is open */
	}
}

static void show_trial(const struct am_trial *t, FILE *out)
{
	fprintf(out, "%-9s %s/%s", am_outcome_name(t->outcome), t->family, t->name);
	if (t->outcome == AM_OUTCOME_OPEN)
		fprintf(out, ": %s", t->why_open ? t->why_open : "not known to be");
	if (t->harmed)
		fprintf(out, "; who may is refused too: %s", t->why_harmed ? t->why_harmed : "not known to be");
	fputc('\n', out);
}

static void json_trial(const struct am_trial *t, struct am_json *j)
{
	am_json_object(j, NULL);
	am_json_text(j, "family", t->family);
	am_json_text(j, "technique", t->name);
	am_json_text(j, "outcome", am_outcome_name(t->outcome));
	am_json_text(j, "why_open", t->why_open);
	am_json_bool(j, "harmed", t->harmed);
	am_json_text(j, "why_harmed", t->why_harmed);
	am_json_end(j);
}

static int show(const struct selftest *s, bool json, FILE *out)
{
	size_t counts[AM_OUTCOME_MAX_] = {}, i, bad = 0;
	struct am_json j;

	if (json) {
		am_json_init(&j, out);
		am_json_object(&j, NULL);
		am_json_list(&j, "trials");
	}
	for (i = 0; i < am_trials_count(s->trials); i++) {
		struct am_trial t = am_trials_at(s->trials, i);

		counts[t.outcome]++;
		bad += (t.harmed && !t.why_harmed) || (t.outcome == AM_OUTCOME_OPEN && !t.why_open);
		if (json)
			json_trial(&t, &j);
		else
			show_trial(&t, out);
	}
	if (json)
		(void)am_json_done(&j);	/* whoever owns the stream looks at its error */
	else
		fprintf(out, "blocked %zu, detected %zu, open %zu; absent on this host %zu\n",
			counts[AM_OUTCOME_BLOCKED], counts[AM_OUTCOME_DETECTED],
			counts[AM_OUTCOME_OPEN], counts[AM_OUTCOME_ABSENT]);
	return bad ? AM_EXIT_NO : AM_EXIT_YES;
}

/* Beside this program, as in a build tree; else where they are installed. */
static int find_programs(struct selftest *s)
{
	ssize_t n = readlink("/proc/self/exe", s->amanat, sizeof(s->amanat) - 1);
	char folder[PATH_SIZE];

	if (n < 0)
		return -errno;
	s->amanat[n] = 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(s->amanat, '/') - s->amanat), s->amanat);
	if (snprintf(s->amanatd, PATH_SIZE, "%s/amanatd", folder) < PATH_SIZE &&
	    snprintf(s->runner, PATH_SIZE, "%s/tests/evasion", folder) < PATH_SIZE &&
	    snprintf(s->list, PATH_SIZE, "%s/../tests/evasion/known-open", folder) < PATH_SIZE &&
	    !access(s->amanatd, X_OK) && !access(s->runner, X_OK))
		return 0;
	strcpy(s->amanatd, "/usr/sbin/amanatd");
	strcpy(s->runner, "/usr/libexec/amanat/evasion");
	strcpy(s->list, "/usr/libexec/amanat/known-open");
	return access(s->amanatd, X_OK) || access(s->runner, X_OK) ? -errno : 0;
}

static int refuse(const struct selftest *s, const char *what, int r)
{
	fprintf(s->err, "error: %s: %s\n", what, strerror(-r));
	return AM_EXIT_MISSING;
}

static int carry_out(struct selftest *s, bool json, FILE *out)
{
	int r = find_programs(s);
	char sentence[1024];

	if (r < 0)
		return refuse(s, "the programs of the self-test are not installed", r);
	if (am_host_missing(&am_host_here, sentence, sizeof(sentence))) {
		fprintf(s->err, "error: %s\n", sentence);
		return AM_EXIT_MISSING;
	}
	r = make_scratch(s);
	if (r < 0)
		return refuse(s, "cannot make a scratch store in '/var/tmp'", r);
	fprintf(s->err, "trying ways around an agent of its own, on a scratch store in '%s'; takes a "
			"minute or some\n", s->scratch);
	r = try_all(s);
	if (interrupted)
		r = -EINTR;
	if (r < 0)
		return refuse(s, "the self-test did not come to its end", r);
	read_known(s);
	return show(s, json, out);
}

int am_cli_selftest(const struct am_cmd_line *line, bool json)
{
	am_auto(am_trials) struct am_trials *trials = am_trials_new();
	struct selftest s = { .agent = NO_PROGRAM, .techniques = NO_PROGRAM,
			      .trials = trials, .err = line->err };
	int r;

	if (geteuid()) {
		fputs("error: the self-test loads programs into the kernel; run it as root\n", line->err);
		return AM_EXIT_MISSING;
	}
	if (!trials)
		return refuse(&s, "cannot begin", -ENOMEM);
	catch_interrupts();
	r = carry_out(&s, json, line->out);
	end(&s.techniques);
	end(&s.agent);
	remove_scratch(&s);
	return r;
}
