/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/purpose.h"

#include <errno.h>
#include <string.h>

#include "agent/asker.h"
#include "agent/governor.h"
#include "agent/loop.h"
#include "agent/names.h"
#include "agent/pipeline.h"
#include "base/text.h"
#include "event/notice.h"
#include "kernel/grants.h"
#include "kernel/publish.h"
#include "policy/explain.h"

/* A user that asks again and again must not drown what others have to be told of. */
enum {
	RATE_MS = 10 * 1000,
	RATE_USER = 5,		/* refusals told of one user in that time */
	RATE_ALL = 50,
	WHY_SIZE = 768,
};

void am_purpose_init(struct am_purpose *p, struct am_governor *governor, struct am_names *names,
		     struct am_pipeline *pipeline)
{
	*p = (struct am_purpose){ .governor = governor, .names = names, .pipeline = pipeline };
}

/* ---- deciding ------------------------------------------------------------- */

/* One request, being decided. */
struct request {
	const struct am_force *force;
	struct am_publisher *publisher;
	const char *name;
	int pidfd;
	uint32_t purpose;	/* its number */
	struct am_asker asker;
	char why[WHY_SIZE];	/* one sentence */
};

__attribute__((format(printf, 2, 3)))
static bool refuse(struct request *q, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(q->why, sizeof(q->why), format, args); /* cut if need be */
	va_end(args);
	return false;
}

static bool find_purpose(struct request *q)
{
	const struct am_image *image = q->force->image;
	struct am_nearest nearest;
	uint32_t n;

	am_nearest_init(&nearest, q->name);
	for (n = 1; n < AM_PURPOSES_MAX; n++) {
		if (!image->purposes[n])
			continue;
		if (!strcmp(image->purposes[n], q->name)) {
			q->purpose = n;
			return true;
		}
		am_nearest_offer(&nearest, image->purposes[n]);
	}
	if (nearest.best)
		return refuse(q, "the policy has no purpose '%.64s'; did you mean '%s'?", q->name,
			      nearest.best);
	return refuse(q, "the policy has no purpose '%.64s'", q->name);
}

/* What it has read under one purpose is not to be used under another. */
static bool is_free(struct request *q)
{
	const struct am_image *image = q->force->image;
	struct am_grant_state state;
	const char *now;
	int r = am_grants_of(am_publisher_grants(q->publisher), q->pidfd, &state);

	if (r < 0)
		return refuse(q, "its purpose cannot be found: %s", strerror(-r));
	if (!state.number || state.purpose == q->purpose || !q->asker.labels)
		return true;
	now = state.purpose < AM_PURPOSES_MAX ? image->purposes[state.purpose] : NULL;
	return refuse(q, "it carries data that was read under %s%s; start it from a process "
		      "that has read none", now ? "the purpose " : "another purpose",
		      now ? now : "");
}

static bool is_granted(struct request *q)
{
	const struct am_asker *a = &q->asker;
	const struct am_force *f = q->force;
	struct am_event e = {
		.uid = a->facts.uid, .gid = a->facts.n_gids ? a->facts.gids[0] : 0,
		.login = a->facts.login, .generation = f->generation,
	};
	bool may = am_publisher_may_use(q->publisher, f->image, &a->facts, q->purpose, &e.bits);

	am_explain_use(f->model, f->image, f->registry, &e, a->exe, q->name, may, q->why,
		       sizeof(q->why));
	return may;
}

static bool give(struct request *q)
{
	int r = am_publisher_give(q->publisher, q->pidfd, &q->asker.facts, q->purpose);

	if (r == -ENOSPC)
		return refuse(q, "the agent keeps as many grants as it can (%d); it forgets those "
			      "that no process has any more", AM_GRANTS_MAX);
	return r < 0 ? refuse(q, "the kernel does not take it: %s", strerror(-r)) : true;
}

static bool decide(struct request *q, pid_t pid)
{
	int r = am_asker_read(pid, q->pidfd, q->publisher, &q->asker);

	if (r < 0)
		return refuse(q, "who asks cannot be established: %s", strerror(-r));
	if (!find_purpose(q))
		return false;
	if (q->asker.threads != 1)
		return refuse(q, "a process with several threads cannot take on a purpose; the "
			      "others would have it too");
	if (q->asker.unknown)
		return refuse(q, "who asks cannot be established: %s", q->asker.unknown);
	return is_free(q) && is_granted(q) && give(q);
}

/* ---- telling -------------------------------------------------------------- */

static void tell(struct am_purpose *p, const struct request *q, enum am_notice_kind kind,
		 bool observed)
{
	const struct am_asker *a = &q->asker;

	am_pipeline_notice(p->pipeline, &(struct am_notice){
		.kind = kind, .observed = observed, .what = q->name, .why = q->why,
		.pid = (uint32_t)a->pid, .uid = a->facts.uid,
		.user = am_names_user(p->names, a->facts.uid),
		.unit = am_names_unit(p->names, a->cgroup),
		.comm = a->comm[0] ? a->comm : NULL, .exe = a->exe[0] ? a->exe : NULL });
}

static void tell_untold(struct am_purpose *p)
{
	char why[96];

	if (!p->rate.untold)
		return;
	(void)snprintf(why, sizeof(why), "%llu more requests were refused, too many to be told "
		       "one by one", (unsigned long long)p->rate.untold);
	am_pipeline_notice(p->pipeline, &(struct am_notice){
		.kind = AM_NOTICE_PURPOSE_REFUSED, .what = "purposes", .why = why });
}

static void renew_rate(struct am_purpose *p, int64_t now_ms)
{
	if (now_ms - p->rate.since_ms < RATE_MS)
		return;
	tell_untold(p);
	p->rate = (struct am_purpose_rate){ .since_ms = now_ms };
}

static bool may_tell(struct am_purpose *p, uid_t uid)
{
	struct am_purpose_rate *rate = &p->rate;
	size_t i = 0;

	renew_rate(p, am_now_ms());
	while (i < rate->n_users && rate->users[i].uid != uid)
		i++;
	if (rate->told >= RATE_ALL || i == AM_PURPOSE_USERS ||
	    (i < rate->n_users && rate->users[i].told >= RATE_USER)) {
		rate->untold++;
		return false;
	}
	if (i == rate->n_users) {
		rate->users[i].uid = uid;
		rate->users[i].told = 0;
		rate->n_users++;
	}
	rate->users[i].told++;
	rate->told++;
	return true;
}

enum am_purpose_answer am_purpose_ask(struct am_purpose *p, pid_t pid, int pidfd, const char *name,
				      char *why, size_t size)
{
	const struct am_force *force = p->governor->now;
	bool observed = force->model->mode == AM_MODE_OBSERVE;
	struct request q = { .force = force, .publisher = p->governor->publisher, .name = name,
			     .pidfd = pidfd };

	*why = '\0';
	if (decide(&q, pid)) {
		tell(p, &q, AM_NOTICE_PURPOSE_GRANTED, false);
		return AM_PURPOSE_GRANTED;
	}
	if (may_tell(p, q.asker.facts.uid))
		tell(p, &q, AM_NOTICE_PURPOSE_REFUSED, observed);
	if (observed)
		(void)snprintf(why, size, "warning: the policy would refuse it, and only observes: "
			       "%s\n", q.why);
	else
		(void)snprintf(why, size, "error: refused: %s\n", q.why);
	return observed ? AM_PURPOSE_OBSERVED : AM_PURPOSE_REFUSED;
}

/* ---- now and then --------------------------------------------------------- */

static void tell_ended(struct am_purpose *p)
{
	const struct am_image *image = p->governor->now->image;
	struct am_task_facts facts;
	uint32_t purpose;

	while (am_grants_next_ended(am_publisher_grants(p->governor->publisher), &facts, &purpose)) {
		const char *name = am_registry_purpose_name(p->governor->now->registry, purpose);
		const char *user = am_names_user(p->names, facts.uid);
		char why[160];

		(void)snprintf(why, sizeof(why), "%s to %s%.64s, whose processes run without a "
			       "purpose now", purpose < AM_PURPOSES_MAX && image->purposes[purpose] ?
			       "the policy does not grant it any more" :
			       "the policy does not have it any more, nor grants it",
			       user ? "user=" : "a user", user ? user : "");
		am_pipeline_notice(p->pipeline, &(struct am_notice){
			.kind = AM_NOTICE_PURPOSE_ENDED, .what = name ? name : "?", .why = why });
	}
}

void am_purpose_tick(struct am_purpose *p, int64_t now_ms)
{
	tell_ended(p);
	renew_rate(p, now_ms);
}
