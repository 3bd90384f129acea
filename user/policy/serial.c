// SPDX-License-Identifier: GPL-2.0
#include "policy/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

static const char file_name[] = "serial", staged_name[] = "serial.next";

enum { FILE_MAX = 512 };

/* ---- what is taken next ----------------------------------------------------- */

static int refuse(struct am_diags *diags, const char *name, const char *hint, const char *fact, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(struct am_diags *diags, const char *name, const char *hint, const char *fact, ...)
{
	va_list args;

	va_start(args, fact);
	am_diags_addv(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = name }, hint, fact, args);
	va_end(args);
	return -ESTALE;
}

static int check_rollback(const struct am_serial *s, const struct am_draft *d, const char *name,
			  struct am_diags *diags)
{
	if (d->takes_back != s->highest)
		return refuse(diags, name,
			      "Compile the rollback so that it takes back the highest serial "
			      "that this host has had.",
			      "the rollback takes back serial %" PRIu64 ", and the highest that this "
			      "host has had is %" PRIu64, d->takes_back, s->highest);
	if (d->serial >= s->current)
		return refuse(diags, name, "Go back further, or forward with a higher serial.",
			      "the rollback goes to serial %" PRIu64 ", and this host is at %" PRIu64
			      " already", d->serial, s->current);
	return 0;
}

int am_serial_check(const struct am_serial *s, const struct am_draft *d, const char *name,
		    struct am_diags *diags)
{
	if (s->policy[0] && strcmp(s->policy, d->model->name))
		return refuse(diags, name,
			      "Give the policy the name that this host knows, or send it to the "
			      "host that it is for.",
			      "the bundle is for the policy '%s', and this host has '%s'",
			      d->model->name, s->policy);
	if (s->current && !memcmp(s->digest, d->digest, sizeof(s->digest)))
		return -EALREADY;
	if (d->takes_back)
		return check_rollback(s, d, name, diags);
	if (d->serial > s->highest)
		return 0;
	return refuse(diags, name,
		      "Compile it with a higher serial; only a signed rollback goes back.",
		      d->serial == s->highest ?
		      "serial %" PRIu64 " is used up: the highest that this host has had is %" PRIu64 :
		      "the bundle has serial %" PRIu64 ", and this host has had %" PRIu64 " already",
		      d->serial, s->highest);
}

void am_serial_move(struct am_serial *s, const char *policy, uint64_t serial,
		    const uint8_t digest[AM_DIGEST_BYTES])
{
	snprintf(s->policy, sizeof(s->policy), "%s", policy);
	s->current = serial;
	if (serial > s->highest)
		s->highest = serial;
	memcpy(s->digest, digest, sizeof(s->digest));
}

void am_serial_advance(struct am_serial *s, const struct am_draft *d)
{
	am_serial_move(s, d->model->name, d->serial, d->digest);
}

/* ---- the file --------------------------------------------------------------- */

static int format(const struct am_serial *s, char ret[FILE_MAX])
{
	char digest[AM_DIGEST_TEXT];

	am_digest_format(s->digest, digest);
	return snprintf(ret, FILE_MAX,
			"amanat serial 1\npolicy %s\ncurrent %" PRIu64 "\nhighest %" PRIu64
			"\ndigest %s\n", s->policy, s->current, s->highest, digest);
}

static bool take(char **at, const char *prefix, char **ret)
{
	char *lf = strchr(*at, '\n');

	if (!lf || strncmp(*at, prefix, strlen(prefix)))
		return false;
	*lf = '\0';
	*ret = *at + strlen(prefix);
	*at = lf + 1;
	return true;
}

static int parse(const struct am_blob *blob, struct am_serial *ret)
{
	char text[FILE_MAX], again[FILE_MAX], *at = text;
	char *form, *policy, *current, *highest, *digest;
	struct am_serial s = { 0 };
	size_t n;

	memcpy(text, blob->bytes, blob->len + 1);
	if (!take(&at, "amanat serial 1", &form) || !take(&at, "policy ", &policy) ||
	    !take(&at, "current ", &current) || !take(&at, "highest ", &highest) ||
	    !take(&at, "digest ", &digest) || !*policy || strlen(policy) > AM_NAME_LEN_MAX ||
	    am_serial_parse(current, strlen(current), &s.current) ||
	    am_serial_parse(highest, strlen(highest), &s.highest) || s.current > s.highest ||
	    sodium_hex2bin(s.digest, sizeof(s.digest), digest, strlen(digest), NULL, &n, NULL) ||
	    n != sizeof(s.digest))
		return -EBADMSG;
	strcpy(s.policy, policy);	/* measured above */
	/* There is one way to write it. */
	if ((size_t)format(&s, again) != blob->len || memcmp(again, blob->bytes, blob->len))
		return -EBADMSG;
	*ret = s;
	return 0;
}

int am_serial_load(int dirfd, struct am_serial *ret)
{
	const struct am_blob_terms terms = { FILE_MAX - 1, AM_OWNER_ANY, "a serial" };
	am_autoblob struct am_blob blob = { 0 };
	struct am_diags diags;
	int err;

	am_diags_init(&diags);	/* the errno says it all: the agent names the file */
	err = am_blob_read(dirfd, file_name, file_name, &terms, &diags, &blob);
	am_diags_done(&diags);
	if (err == -ENOENT) {
		*ret = (struct am_serial){ 0 };
		return 0;
	}
	if (err)
		return err == -EFBIG ? -EBADMSG : err;
	return parse(&blob, ret);
}

int am_serial_save(const struct am_serial *s, int dirfd)
{
	char text[FILE_MAX];

	return am_blob_replace(dirfd, file_name, 0600, text, format(s, text));
}

void am_serial_unstage(int dirfd)
{
	(void)unlinkat(dirfd, staged_name, 0); /* most often there is none */
}

int am_serial_stage(const struct am_serial *s, int dirfd)
{
	char text[FILE_MAX];

	am_serial_unstage(dirfd);	/* of an agent that was killed */
	return am_blob_create(dirfd, staged_name, 0600, text, format(s, text));
}

int am_serial_commit(int dirfd)
{
	if (renameat(dirfd, staged_name, dirfd, file_name) < 0)
		return -errno;
	return fsync(dirfd) < 0 ? -errno : 0;
}
