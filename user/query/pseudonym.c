// SPDX-License-Identifier: GPL-2.0
#include "query/pseudonym.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "event/groups.h"

enum {
	KEY_BYTES = 32,
	HASH_BYTES = 6,		/* as hexadecimal it fits where a thread's name does */
	HASH_TEXT = 2 * HASH_BYTES + 1,
	NUMBER_LOW = 0x40000000,	/* numbers of people are above those of systems, and no ~0 */
};

#define INODE_LOW (UINT64_C(1) << 47)	/* which no file system comes to; exact in JSON */

struct am_pseudonym {
	uint8_t key[KEY_BYTES];
	char user[HASH_TEXT + 8], login[HASH_TEXT + 8], comm[HASH_TEXT], unit[HASH_TEXT + 8];
	char exe[AM_TEXT_MAX], path[AM_TEXT_MAX], script[AM_TEXT_MAX], cgroup[AM_TEXT_MAX];
	char groups[AM_TEXT_MAX];
};

int am_pseudonym_new(const void *key, size_t len, struct am_pseudonym **ret)
{
	struct am_pseudonym *p;

	if (sodium_init() < 0)
		return -EIO;
	if (key && (len < AM_PSEUDONYM_KEY_MIN || len > AM_PSEUDONYM_KEY_MAX))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	if (key)	/* fails only for wrong sizes of hash and key */
		(void)crypto_generichash(p->key, sizeof(p->key), key, len, NULL, 0);
	else
		randombytes_buf(p->key, sizeof(p->key));
	*ret = p;
	return 0;
}

void am_pseudonym_free(struct am_pseudonym *p)
{
	if (!p)
		return;
	sodium_memzero(p->key, sizeof(p->key));
	free(p);
}

/* What it is stands in front: a user's name and a file of the same name are two things. */
static void hash(const struct am_pseudonym *p, const char *kind, const void *bytes, size_t len,
		 uint8_t *to, size_t size)
{
	uint8_t whole[crypto_generichash_BYTES];
	crypto_generichash_state s;

	(void)crypto_generichash_init(&s, p->key, sizeof(p->key), sizeof(whole));
	(void)crypto_generichash_update(&s, (const uint8_t *)kind, strlen(kind) + 1);
	(void)crypto_generichash_update(&s, bytes, len);
	(void)crypto_generichash_final(&s, whole, sizeof(whole));
	memcpy(to, whole, size);
}

static void hash_text(const struct am_pseudonym *p, const char *kind, const char *text, size_t len,
		      char to[HASH_TEXT])
{
	uint8_t bytes[HASH_BYTES];

	hash(p, kind, text, len, bytes, sizeof(bytes));
	(void)sodium_bin2hex(to, HASH_TEXT, bytes, sizeof(bytes));
}

/* `prefix` and the hash; nothing of nothing. */
static const char *name(const struct am_pseudonym *p, const char *prefix, const char *text,
			char *to, size_t size)
{
	char hex[HASH_TEXT];

	to[0] = '\0';
	if (!text || !*text)
		return to;
	hash_text(p, prefix, text, strlen(text), hex);
	(void)snprintf(to, size, "%s%s", prefix, hex);
	return to;
}

static uint32_t number(const struct am_pseudonym *p, const char *kind, uint32_t n)
{
	uint32_t out;

	if (n == UINT32_MAX)
		return n;	/* that there is none is known of many */
	hash(p, kind, &n, sizeof(n), (uint8_t *)&out, sizeof(out));
	return NUMBER_LOW | (out & (NUMBER_LOW - 1));
}

/* Of a file or a cgroup, which whoever is on the host could look up. */
static uint64_t inode(const struct am_pseudonym *p, uint64_t n)
{
	uint64_t out;

	if (!n)
		return 0;
	hash(p, "inode", &n, sizeof(n), (uint8_t *)&out, sizeof(out));
	return INODE_LOW | (out & (INODE_LOW - 1));
}

/* Part by part, so that what lies in one folder still does; what does not fit is cut off. */
static const char *path(const struct am_pseudonym *p, const char *text, char to[AM_TEXT_MAX])
{
	size_t used = 0;

	to[0] = '\0';
	while (text && *text && used < AM_TEXT_MAX - HASH_TEXT - 1) {
		size_t len = strcspn(text, "/");

		if (len) {
			hash_text(p, "path", text, len, to + used);
			used += HASH_TEXT - 1;
		}
		text += len;
		if (*text != '/')
			continue;
		to[used++] = '/';
		to[used] = '\0';
		text++;
	}
	return to;
}

/* Each number and name for itself, as of users: many a group is one person. */
static const char *groups(const struct am_pseudonym *p, const char *text, char to[AM_TEXT_MAX])
{
	char made[HASH_TEXT + 8];
	struct am_group group;
	size_t used = 0;

	to[0] = '\0';
	while (text && am_groups_next(&text, &group) && used < AM_TEXT_MAX - sizeof(made) - 16) {
		(void)name(p, "group-", group.name, made, sizeof(made));
		used += (size_t)snprintf(to + used, AM_TEXT_MAX - used, "%s%u%s%s", used ? "," : "",
					 number(p, "gid", group.gid), made[0] ? ":" : "", made);
	}
	return to;
}

/* An address of those that nobody has: 240.0.0.0/4, fd00::/8. */
static void address(const struct am_pseudonym *p, struct am_row_dest *d)
{
	const uint64_t words[] = { d->addr_high, d->addr_low };
	uint64_t out[2];

	if ((d->family != AF_INET && d->family != AF_INET6) || (!words[0] && words[1] <= 1))
		return;		/* none, or the host itself */
	hash(p, "address", words, sizeof(words), (uint8_t *)out, sizeof(out));
	if (d->family == AF_INET || (!words[0] && words[1] >> 32 == 0xffff)) {
		d->addr_low = 0xffff00000000 | 0xf0000000 | (out[1] & 0x0fffffff);
		return;
	}
	d->addr_high = 0xfdULL << 56 | out[0] >> 8;
	d->addr_low = out[1];
}

void am_pseudonym_row(struct am_pseudonym *p, const struct am_row *row, struct am_row *ret)
{
	struct am_row_actor *a = &ret->actor;

	*ret = *row;
	a->uid = number(p, "uid", row->actor.uid);
	a->login = number(p, "uid", row->actor.login);
	a->gid = number(p, "gid", row->actor.gid);
	a->session = number(p, "session", row->actor.session);
	a->user = name(p, "user-", row->actor.user, p->user, sizeof(p->user));
	a->login_user = name(p, "user-", row->actor.login_user, p->login, sizeof(p->login));
	a->comm = name(p, "", row->actor.comm, p->comm, sizeof(p->comm));
	a->unit = name(p, "unit-", row->actor.unit, p->unit, sizeof(p->unit));
	a->exe = path(p, row->actor.exe, p->exe);
	a->exe_ino = inode(p, row->actor.exe_ino);
	a->cgroup = inode(p, row->actor.cgroup);
	ret->object.ino = inode(p, row->object.ino);
	a->script = path(p, row->actor.script, p->script);
	a->cgroup_path = path(p, row->actor.cgroup_path, p->cgroup);
	a->groups = groups(p, row->actor.groups, p->groups);
	ret->object.path = path(p, row->object.path, p->path);
	address(p, &ret->dest);
	ret->deed.why = "";
}

void am_pseudonym_host(const struct am_pseudonym *p, const struct am_host_id *host,
		       struct am_host_id *ret)
{
	struct am_host_id out = { .name = "" };

	(void)name(p, "host-", host->name, out.name, sizeof(out.name));
	(void)name(p, "", host->machine, out.machine, sizeof(out.machine));
	(void)name(p, "", host->boot, out.boot, sizeof(out.boot));
	(void)snprintf(out.kernel, sizeof(out.kernel), "%s", host->kernel);
	*ret = out;
}
