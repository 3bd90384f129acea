/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/programs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/governor.h"
#include "agent/log.h"
#include "agent/pipeline.h"
#include "event/notice.h"
#include "kernel/publish.h"

enum {
	LINKS_MAX = 40,		/* followed on the way to one file; as the kernel has it */
	LOOK_MS = 50,		/* between two looks because of changes */
	WATCHED = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB |
		  IN_ONLYDIR,
};

/* ---- telling -------------------------------------------------------------- */

static bool names(const struct am_model_subject *s, const struct am_image_exe *named)
{
	if (named->is_exe && s->exe && !strcmp(s->exe, named->path) && s->pinned == named->pinned &&
	    (!s->pinned || !memcmp(s->sha256, named->sha256, sizeof(s->sha256))))
		return true;
	return named->is_script && s->script && !strcmp(s->script, named->path);
}

void am_programs_subjects(const struct am_governor *governor, const struct am_image_exe *named,
			  char *ret, size_t size)
{
	const struct am_model *m = governor->now->model;
	size_t len = 0, i;

	*ret = '\0';
	for (i = 0; i < m->n_subjects; i++) {
		if (!names(&m->subjects[i], named) || len + strlen(m->subjects[i].name) + 2 > size)
			continue;
		len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? "," : "",
					m->subjects[i].name);
	}
}

static void tell(void *ctx, const struct am_image_exe *named, enum am_exe_news news,
		 const char *why)
{
	static const enum am_notice_kind kinds[] = {
		[AM_EXE_NEWS_CHANGED] = AM_NOTICE_EXE_CHANGED,
		[AM_EXE_NEWS_GONE] = AM_NOTICE_EXE_GONE,
		[AM_EXE_NEWS_ABSENT] = AM_NOTICE_EXE_GONE,
		[AM_EXE_NEWS_BACK] = AM_NOTICE_EXE_BACK,
		[AM_EXE_NEWS_OLD_GONE] = AM_NOTICE_EXE_GONE,
	};
	const struct am_programs *p = ctx;
	char subjects[1024];

	am_programs_subjects(p->governor, named, subjects, sizeof(subjects));
	if (kinds[news] == AM_NOTICE_EXE_GONE && news != AM_EXE_NEWS_ABSENT)
		am_error("'%s', which makes the subject %s, is not as it should be: %s",
			 named->path, subjects, why);
	am_pipeline_notice(p->pipeline, &(struct am_notice){
		.kind = kinds[news], .what = named->path, .subjects = subjects, .why = why });
}

/* ---- watching ------------------------------------------------------------- */

/* A path being walked: `path` up to `at` has been, the rest is still to come. */
struct walk {
	char path[PATH_MAX];
	char rest[PATH_MAX];
	unsigned links;
};

/* The link that w->path is goes in front of what is still to come. */
static bool follow_link(struct walk *w)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlink(w->path, target, sizeof(target) - 1);
	char *slash;

	if (len <= 0 || ++w->links > LINKS_MAX)
		return false;
	target[len] = '\0';
	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= sizeof(rest))
		return false;
	strcpy(w->rest, rest);
	slash = strrchr(w->path, '/');
	if (target[0] == '/')
		w->path[0] = '\0';
	else if (slash)
		*slash = '\0';
	return true;
}

/* Moves the next component over. Returns false when there is none, or it does not fit. */
static bool take_component(struct walk *w)
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/"), used;

	if (!len)
		return false;
	used = strlen(w->path);
	if (used + len + 2 > sizeof(w->path))
		return false;
	snprintf(w->path + used, sizeof(w->path) - used, "/%.*s", (int)len, w->rest + skip);
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return true;
}

/* Every folder in which a name on the way is looked up. Where that ends early, what is
 * missing comes up in the last of them. */
static void watch_path(int fd, const char *path)
{
	struct walk w = { .links = 0 };
	struct stat st;

	if ((size_t)snprintf(w.rest, sizeof(w.rest), "%s", path) >= sizeof(w.rest))
		return;		/* the ticks look at it */
	for (;;) {
		/* Fails where it is no folder, or with all watches of the host in use. */
		(void)inotify_add_watch(fd, w.path[0] ? w.path : "/", WATCHED);
		if (!take_component(&w) || lstat(w.path, &st) < 0)
			return;
		if (S_ISLNK(st.st_mode) && !follow_link(&w))
			return;
	}
}

static void watch_paths(const struct am_programs *p)
{
	const struct am_image *image = p->governor->now->image;
	size_t i;

	for (i = 0; p->source.fd >= 0 && i < image->n_exes; i++)
		watch_path(p->source.fd, image->exes[i].path);
}

static void changed(void *ctx, uint32_t events)
{
	struct am_programs *p = ctx;
	char buffer[16 * 1024];

	(void)events;
	/* What it was is found by looking, also after an overflow. */
	while (read(p->source.fd, buffer, sizeof(buffer)) > 0)
		p->changed = true;
}

static void unwatch(struct am_programs *p)
{
	if (p->source.fd < 0)
		return;
	am_loop_remove(p->loop, &p->source);
	(void)close(p->source.fd); /* holds no data */
	p->source.fd = -1;
}

/* All anew, so that no folder is watched for a policy that is gone. */
static void watch_policy(struct am_programs *p)
{
	unwatch(p);
	p->generation = p->governor->now->generation;
	p->source = (struct am_source){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
					.ready = changed, .ctx = p };
	if (p->source.fd >= 0 && am_loop_add(p->loop, &p->source, EPOLLIN) < 0) {
		(void)close(p->source.fd); /* the ticks alone look, then */
		p->source.fd = -1;
	}
	watch_paths(p);
	p->changed = true;	/* something may have happened before */
}

/* ---- the loop ------------------------------------------------------------- */

void am_programs_init(struct am_programs *p, struct am_loop *loop, struct am_governor *governor,
		      struct am_pipeline *pipeline)
{
	*p = (struct am_programs){
		.loop = loop, .governor = governor, .pipeline = pipeline, .source = { .fd = -1 },
	};
	am_publisher_teller(governor->publisher, &(struct am_exe_teller){ tell, p });
}

bool am_programs_step(struct am_programs *p, int64_t now_ms)
{
	if (p->generation != p->governor->now->generation)
		watch_policy(p);
	if (p->changed && now_ms - p->looked_ms >= LOOK_MS) {
		p->changed = false;
		p->looked_ms = now_ms;
		watch_paths(p);	/* a link may lead elsewhere now */
		/* What fails here is tried again at the next tick. */
		(void)am_publisher_refresh_exes(p->governor->publisher, p->governor->now->image);
	}
	return am_publisher_step(p->governor->publisher, p->governor->now->image);
}

bool am_programs_settled(const struct am_governor *governor)
{
	return am_exes_settled(am_publisher_exes(governor->publisher));
}

void am_programs_done(struct am_programs *p)
{
	if (p->loop)
		unwatch(p);
}
