// SPDX-License-Identifier: GPL-2.0
/* evasion: runs every technique, tells what it got. See README.md beside this file.
 *
 *   evasion list
 *   evasion run DISK DEVICE BTRFS BIN PHASES [--harmless | NAME...]
 *   evasion as WHAT ...		what techniques execute; see acting.h
 *
 * `run` runs the techniques once for each phase. After a phase but the last it waits for a
 * line on its standard input: then there is an agent. It tells one line for each run:
 *
 *   PHASE FAMILY NAME GOAL ROLE FENCE FIRST-PID LAST-PID GOT SENT CODE OTHER NOTE
 *
 * GOT is what was seen of the effect: 1 or 0, whatever any call returned. After each run a
 * process named fence-FENCE opens a file that is closed to it, so that what the agent tells
 * of one run is apart from what it tells of the next. */
#include "acting.h"
#include "fixture.h"
#include "sniffer.h"
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 10 };

static const struct family *const families[] = {
	&family_read, &family_uring, &family_map, &family_descriptor, &family_name,
	&family_device, &family_helper, &family_write, &family_copy, &family_covert,
	&family_egress, &family_race, &family_handed, &family_served,
};

static const char *const goals[] = { "", "get", "change", "pass", "send" };

/* A run that was begun, perhaps before there was an agent. */
struct run {
	const struct family *family;
	const struct technique *t;
	struct arena *a;
	struct state before;
	pid_t pid;
	bool control;
};

static const struct places *places;
static struct sniffer sniffer;
static unsigned fences;

static struct arena *arena_new(void)
{
	int fd = memfd_create("arena", 0);
	struct arena *a;

	if (fd < 0 || ftruncate(fd, sizeof(*a)) < 0)
		return NULL;
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (a == MAP_FAILED)
		return NULL;
	a->memory = fd;
	a->fd = -1;
	a->sent = 1;
	return a;
}

static void arena_free(struct arena *a)
{
	close(a->memory);
	munmap(a, sizeof(*a));
}

/* Whether what was got can be sent on: a stranger that has read something without being
 * stopped may be labelled all the same. */
static void send_on(struct arena *a)
{
	if (a->loot_size)
		a->sent = send_foreign(a->loot, a->loot_size);
}

static int single(const struct technique *t, struct arena *a)
{
	int r = 0;

	if (t->flags & WITH_FD) {
		be_reader(a);
		setgroups_keeper(t);
		a->fd = open(a->file, fixture_flags(t) | O_CLOEXEC);
		if (a->fd < 0)
			return -errno;
		fcntl(a->fd, F_SETFD, 0);
	}
	be_stranger(a);
	if (t->before)
		r = t->before(a);
	turn_set(a, 1);
	if (t->flags & EARLY) {
		while (a->turn < 2)
			turn_wait(a, 2);
	}
	alarm(SECONDS_MAX);
	if (!r)
		r = t->act(a);
	a->code = r;
	if (t->goal == GOAL_GET)
		send_on(a);
	return r;
}

static int pusher(const struct technique *t, struct arena *a)
{
	char data[SECRET_LEN + 1] = "";
	int r;

	be_reader(a);
	r = read_secret(a, data, SECRET_LEN);
	if (!r)
		r = t->push(a, data, SECRET_LEN);
	a->code = a->other = r;
	turn_set(a, 1);
	turn_wait(a, 2);
	return r;
}

static int puller(const struct technique *t, struct arena *a)
{
	be_stranger(a);
	if (!turn_wait(a, 1))
		return -ETIMEDOUT;
	a->other = t->pull(a);
	if (t->goal == GOAL_PASS)
		send_on(a);
	turn_set(a, 2);
	return 0;
}

static int pair(const struct technique *t, struct arena *a)
{
	pid_t peer = 0, pid;
	int r;

	alarm(SECONDS_MAX);
	r = t->setup ? t->setup(a) : 0;

	if (r < 0) {
		a->code = r;
		return r;
	}
	if (t->pull) {
		peer = fork();
		if (!peer)
			_exit(-puller(t, a));
		a->peer = peer;
	}
	pid = fork();
	if (!pid)
		_exit(-pusher(t, a));
	if (!peer) {
		turn_wait(a, 1);
		turn_set(a, 2);
	}
	ended(pid);
	if (peer)
		ended(peer);
	return 0;
}

static void attack(const struct technique *t, struct arena *a)
{
	setsid();
	/* Some wait for an agent: not longer than there is somebody who runs them. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, t->name);
	if (t->act)
		single(t, a);
	else
		pair(t, a);
	_exit(0);
}

static int begin(struct run *r)
{
	r->a = arena_new();
	if (!r->a)
		return -ENOMEM;
	r->a->control = r->control;
	if (fixture_make(places, r->t, r->a) < 0)
		return -EIO;
	if (r->t->goal == GOAL_CHANGE)
		state_take(r->a, &r->before);
	r->pid = fork();
	if (!r->pid)
		attack(r->t, r->a);
	if (r->t->flags & EARLY)
		turn_wait(r->a, 1);
	return 0;
}

/* Everything that the technique has started ends with it. */
static void wait_for(struct run *r)
{
	struct pollfd p = { .fd = syscall(SYS_pidfd_open, r->pid, 0), .events = POLLIN };

	if (poll(&p, 1, SECONDS_MAX * 1000) <= 0) {
		r->a->code = -ETIMEDOUT;
		note(r->a, "hangs");
	}
	close(p.fd);
	kill(-r->pid, SIGKILL);
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static pid_t fence(void)
{
	char path[256], name[16];
	pid_t pid = fork();

	if (pid)
		return waitpid(pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/store/fence", places->disk);
	snprintf(name, sizeof(name), "fence-%u", fences);
	prctl(PR_SET_NAME, name);
	_exit(open(path, O_RDONLY) < 0 ? errno : 0);
}

static bool has_got(struct run *r, const struct state *now, bool wire)
{
	bool loot_has = memmem(r->a->loot, r->a->loot_size, r->a->secret, SECRET_LEN);

	switch (r->t->goal) {
	case GOAL_CHANGE:
		return r->a->changed || !state_equal(&r->before, now);
	case GOAL_SEND:
		return loot_has || wire;
	default:
		return loot_has;
	}
}

static void finish(struct run *r, unsigned phase)
{
	struct state now = {};
	bool wire, got;
	pid_t last;

	turn_set(r->a, r->t->flags & EARLY ? 2 : r->a->turn);
	wait_for(r);
	wire = sniffer_heard(&sniffer, r->a->secret);
	if (r->t->goal == GOAL_CHANGE)
		state_take(r->a, &now);
	got = has_got(r, &now, wire);
	fences++;
	last = fence();
	printf("%u\t%s\t%s\t%s\t%s\t%u\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", phase, r->family->name,
	       r->t->name, goals[r->t->goal], r->control ? "control" : "attack", fences, r->pid,
	       last, got, r->t->goal == GOAL_SEND ? 0 : wire, r->a->code, r->a->other, r->a->note);
	fflush(stdout);
	fixture_remove(r->a);
	arena_free(r->a);
}

/* What may be done to a host that somebody works on: nothing that anybody else would notice. */
static bool harmless(const struct technique *t)
{
	return !(t->flags & ALTERS_HOST) && (!(t->flags & ON_BTRFS) || *places->btrfs);
}

static bool chosen(const struct family *f, const struct technique *t, char **names)
{
	if (*names && !strcmp(*names, "--harmless"))
		return harmless(t);
	if (!*names)
		return true;
	for (; *names; names++)
		if (strstr(t->name, *names) || !strcmp(f->name, *names))
			return true;
	return false;
}

/* Fills in the runs of a phase; returns how many. */
static size_t plan(struct run *runs, char **names)
{
	size_t n = 0, i, j;

	for (i = 0; i < sizeof(families) / sizeof(*families); i++)
		for (j = 0; j < families[i]->count; j++) {
			const struct technique *t = &families[i]->list[j];

			if (!chosen(families[i], t, names))
				continue;
			runs[n++] = (struct run){ .family = families[i], .t = t };
			if (!(t->flags & NO_CONTROL))
				runs[n++] = (struct run){ .family = families[i], .t = t,
							 .control = true };
		}
	return n;
}

static int run_all(unsigned phases, char **names)
{
	static struct run runs[1024];
	unsigned phase;
	char line[16];
	size_t n, i;

	for (phase = 1; phase <= phases; phase++) {
		n = plan(runs, names);
		/* What is older than the agent. */
		for (i = 0; i < n; i++)
			if (runs[i].t->flags & EARLY && begin(&runs[i]) < 0)
				return 1;
		if (phase > 1) {
			printf("ready\n");
			fflush(stdout);
			if (!fgets(line, sizeof(line), stdin))
				return 1;
		}
		for (i = 0; i < n; i++) {
			if (!(runs[i].t->flags & EARLY) && begin(&runs[i]) < 0) {
				fprintf(stderr, "error: nothing to attack can be made for %s\n",
					runs[i].t->name);
				return 1;
			}
			finish(&runs[i], phase);
		}
	}
	printf("end\n");
	return 0;
}

static int list(void)
{
	size_t i, j;

	for (i = 0; i < sizeof(families) / sizeof(*families); i++)
		for (j = 0; j < families[i]->count; j++) {
			const struct technique *t = &families[i]->list[j];

			printf("%s/%s\t%s%s\n", families[i]->name, t->name, goals[t->goal],
			       t->flags & NO_CONTROL ? "" : " control");
		}
	return 0;
}

int main(int argc, char **argv)
{
	static struct places p;

	if (argc > 1 && getenv("ECHO_MEMORY"))	/* the interpreter of a stored script */
		return act_as(3, (char *[]){ "echo", getenv("ECHO_MEMORY"), argv[1] });
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc > 2 && !strcmp(argv[1], "as"))
		return act_as(argc - 2, argv + 2);
	if (argc < 7 || strcmp(argv[1], "run")) {
		fprintf(stderr, "usage: evasion list | run DISK DEVICE BTRFS BIN PHASES [NAME...]\n");
		return 2;
	}
	p = (struct places){ argv[2], argv[3], argv[4], argv[5] };
	places = &p;
	signal(SIGPIPE, SIG_IGN);
	if (argc > 7 && !strcmp(argv[7], "--harmless") && own_network() < 0) {
		fprintf(stderr, "error: cannot make a network of its own\n");
		return 1;
	}
	if (sniffer_open(&sniffer) < 0) {
		fprintf(stderr, "error: cannot listen to the network\n");
		return 1;
	}
	return run_all(strtoul(argv[6], NULL, 10), argv + 7);
}
