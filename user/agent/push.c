/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/push.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/lookback.h"
#include "base/text.h"
#include "event/findings.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

enum outcome {
	REFUSED = 0,
	TAKEN,
	ALREADY,	/* it is in force */
	WOULD,		/* be taken */
};

static const char *const outcome_words[] = {
	[REFUSED] = "refused",
	[TAKEN] = "in-force",
	[ALREADY] = "already-in-force",
	[WOULD] = "would-be-in-force",
};

struct push {
	const char *name;	/* what the client calls it */
	bool json;
	bool dry_run;
	enum outcome outcome;
	struct am_origin origin;	/* of what was pushed, once it is believed */
	char policy[AM_NAME_LEN_MAX + 1];
	struct am_diags diags;
};

/* ---- what was passed -------------------------------------------------------- */

static int refuse_descriptor(struct push *p, const char *fact)
{
	return am_refuse(&p->diags, p->name, -EBADF, "Push it with 'amanat policy push'.", "%s", fact);
}

/* Of this size it stays, and these bytes. */
static int check_descriptor(struct push *p, int fd, size_t *ret_len)
{
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0)
		return refuse_descriptor(p, "the request came without a bundle in memory");
	if ((seals & SEALS) != SEALS)
		return refuse_descriptor(p, "the bundle in memory is not sealed");
	if (fstat(fd, &st) < 0)
		return refuse_descriptor(p, "the bundle in memory cannot be looked at");
	if (st.st_size > AM_SIGNED_MAX)
		return am_refuse(&p->diags, p->name, -EFBIG, "Name the right file.",
				 "this is larger than a signed bundle can be");
	*ret_len = (size_t)st.st_size;
	return 0;
}

static int read_descriptor(struct push *p, int fd, struct am_blob *ret)
{
	am_autoblob struct am_blob blob = { 0 };
	size_t have = 0;
	int r = check_descriptor(p, fd, &blob.len);

	if (r < 0)
		return r;
	blob.bytes = calloc(1, blob.len + 1);
	if (!blob.bytes)
		return -ENOMEM;
	while (have < blob.len) {
		ssize_t n = pread(fd, blob.bytes + have, blob.len - have, (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return refuse_descriptor(p, "the bundle in memory cannot be read");
		have += (size_t)n;
	}
	*ret = blob;
	blob = (struct am_blob){ 0 };
	return 0;
}

/* ---- the push --------------------------------------------------------------- */

static void note(struct push *p, const struct am_bundle *b, uint32_t uid)
{
	am_origin_of_bundle(&p->origin, b);
	p->origin.road = AM_ROAD_PUSH;
	p->origin.uid = uid;
	(void)snprintf(p->policy, sizeof(p->policy), "%s", b->draft->model->name);
}

static int put(const struct am_intake *in, struct push *p, struct am_bundle *b)
{
	am_auto(am_force) struct am_force *f = NULL;
	int r = am_intake_resolve(in, b, AM_ROAD_PUSH, p->origin.uid, &p->diags, &f);

	if (r < 0)
		return r;
	p->outcome = WOULD;
	if (p->dry_run)
		return 0;
	p->outcome = REFUSED;
	r = in->put(in->ctx, f, &p->diags);
	if (r < 0)
		return r;
	(void)AM_TAKE_PTR(f);	/* taken */
	p->outcome = TAKEN;
	return r;
}

/* 0; 1: in force, with something to be said; -errno. */
static int push(const struct am_intake *in, struct push *p, const struct am_control_ask *ask)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	am_autoblob struct am_blob blob = { 0 };
	int r;

	r = read_descriptor(p, ask->fd, &blob);
	if (!r)
		r = am_intake_open(in, p->name, &blob, &p->diags, &b);
	if (b)
		note(p, b, ask->uid);
	if (r == -EALREADY) {
		p->outcome = ALREADY;
		return 0;
	}
	return r < 0 ? r : put(in, p, b);
}

/* ---- the answer ------------------------------------------------------------- */

static void print_signer(const struct am_origin *o, FILE *out)
{
	(void)fprintf(out, "serial %" PRIu64, o->serial);
	if (o->takes_back)
		(void)fprintf(out, ", which takes back %" PRIu64, o->takes_back);
	(void)fputs(", signed with key '", out);
	am_text_print(out, o->signer[0] ? o->signer : o->key_id);
	(void)fputs("'\n", out);
}

static void answer_text(const struct push *p, const struct am_force *now, FILE *out, FILE *err)
{
	am_diags_print(&p->diags, err);
	switch (p->outcome) {
	case TAKEN:
	case ALREADY:
		(void)fprintf(out, "policy %s#%u %s: ", now->model->name, now->generation,
			      p->outcome == TAKEN ? "in force" : "was in force already");
		print_signer(&p->origin, out);
		break;
	case WOULD:
		(void)fprintf(out, "policy %s would be put in force: ", p->policy);
		print_signer(&p->origin, out);
		(void)fprintf(out, "policy %s#%u is in force\n", now->model->name, now->generation);
		break;
	default:
		(void)fprintf(err, "policy %s#%u stays in force\n", now->model->name,
			      now->generation);
	}
}

static void json_pushed(struct am_json *j, const struct push *p)
{
	if (!p->origin.kind)	/* not believed: nothing that it says is shown */
		return;
	am_json_object(j, "bundle");
	am_json_text(j, "policy", p->policy);
	am_origin_json(j, &p->origin);
	am_json_end(j);
}

static void answer_json(const struct push *p, const struct am_force *now, FILE *out)
{
	struct am_json j;

	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_text(&j, "file", p->name);
	am_json_bool(&j, "ok", p->outcome != REFUSED);
	am_json_text(&j, "result", outcome_words[p->outcome]);
	json_pushed(&j, p);
	am_json_object(&j, "in_force");
	am_json_text(&j, "policy", now->model->name);
	am_json_int(&j, "generation", now->generation);
	am_origin_json(&j, &now->origin);
	am_json_end(&j);
	am_findings_json(&j, &p->diags);
	am_json_end(&j);
	(void)am_json_done(&j);	/* the stream keeps its error */
}

static int read_words(struct push *p, const struct am_control_ask *ask, FILE *err)
{
	int i;

	for (i = 1; i < ask->n; i++) {
		if (!strcmp(ask->words[i], "--json"))
			p->json = true;
		else if (!strcmp(ask->words[i], "--dry-run"))
			p->dry_run = true;
		else if (!p->name)
			p->name = ask->words[i];
		else
			return fputs("error: 'push' takes one bundle\n", err), -EINVAL;
	}
	if (!p->name)
		return fputs("error: 'push' takes a bundle\n", err), -EINVAL;
	return 0;
}

int am_push(const struct am_intake *in, const struct am_control_ask *ask, FILE *out, FILE *err)
{
	struct push p = { 0 };
	int r;

	if (read_words(&p, ask, err) < 0)
		return 2;
	am_diags_init(&p.diags);
	r = push(in, &p, ask);
	if (r < 0 && !p.diags.errors)
		(void)am_refuse(&p.diags, p.name, r, NULL, "cannot work on it: %s", strerror(-r));
	if (r < 0 && !p.dry_run)
		am_intake_refused(in, p.name, &p.diags);
	if (p.json)
		answer_json(&p, in->governor->now, out);
	else
		answer_text(&p, in->governor->now, out, err);
	am_diags_done(&p.diags);
	return r ? 1 : 0;
}
