// SPDX-License-Identifier: GPL-2.0
#include "ledger/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ledger/bytes.h"
#include "ledger/file.h"

static const char file_name[] = "key";
const char am_root_name[] = "root.pub";
static const char root_word[] = "amanat-ledger-key ";
static const char slot_key[] = "amanat ledger slot";

enum { SLOT_HASHED = AM_SLOT_LEN - AM_HASH_LEN, HEX_KEY = 2 * AM_HASH_LEN };

int am_keyfile_open(int dirfd, struct am_keyfile *ret)
{
	int fd = openat(dirfd, file_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	*ret = (struct am_keyfile){ .fd = fd };
	return 0;
}

void am_keyfile_close(struct am_keyfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd); /* what was written is synced already */
	f->fd = -1;
}

static void sum_slot(const uint8_t *slot, uint8_t ret[AM_HASH_LEN])
{
	(void)crypto_generichash(ret, AM_HASH_LEN, slot, SLOT_HASHED, (const uint8_t *)slot_key,
				 strlen(slot_key));
}

static bool slot_holds(const uint8_t *slot)
{
	uint8_t sum[AM_HASH_LEN];

	sum_slot(slot, sum);
	return !memcmp(slot, "AMLEDKEY", 8) && am_get32(slot + 8) == AM_LEDGER_VERSION &&
	       !memcmp(sum, slot + SLOT_HASHED, AM_HASH_LEN);
}

static void read_slot(const uint8_t *slot, struct am_keys *ret)
{
	ret->seal.number = am_get64(slot + 24);
	memcpy(ret->seal.secret, slot + 32, AM_HASH_LEN);
	ret->head.number = am_get64(slot + 64);
	memcpy(ret->head.secret, slot + 72, AM_HASH_LEN);
	memcpy(ret->chain, slot + 104, AM_CHAIN_LEN);
}

int am_keyfile_load(struct am_keyfile *f, struct am_keys *ret)
{
	uint8_t slot[AM_SLOT_LEN];
	bool found = false, empty = true;
	unsigned i;

	for (i = 0; i < 2; i++) {
		ssize_t n = pread(f->fd, slot, sizeof(slot), (off_t)i * AM_SLOT_STEP);

		if (n < 0)
			return -errno;
		empty &= n <= 0;
		if (n != sizeof(slot) || !slot_holds(slot) || am_get64(slot + 16) < f->writes)
			continue;
		f->writes = am_get64(slot + 16);
		read_slot(slot, ret);
		found = true;
	}
	sodium_memzero(slot, sizeof(slot));
	if (found)
		return 0;
	return empty ? -ENOENT : -EBADMSG;
}

int am_keyfile_save(struct am_keyfile *f, const struct am_keys *k)
{
	uint8_t slot[AM_SLOT_LEN] = { 0 };
	static const uint8_t zeros[AM_SLOT_LEN];
	off_t at;
	int r;

	f->writes++;
	at = (off_t)(f->writes % 2) * AM_SLOT_STEP;
	memcpy(slot, "AMLEDKEY", 8);
	am_put32(slot + 8, AM_LEDGER_VERSION);
	am_put64(slot + 16, f->writes);
	am_put64(slot + 24, k->seal.number);
	memcpy(slot + 32, k->seal.secret, AM_HASH_LEN);
	am_put64(slot + 64, k->head.number);
	memcpy(slot + 72, k->head.secret, AM_HASH_LEN);
	memcpy(slot + 104, k->chain, AM_CHAIN_LEN);
	sum_slot(slot, slot + SLOT_HASHED);
	r = am_write_at(f->fd, slot, sizeof(slot), at);
	sodium_memzero(slot, sizeof(slot));
	if (!r && fdatasync(f->fd) < 0)
		r = -errno;
	if (r < 0)
		return r;
	/* On disk with the next one: until then a thief finds one secret more. */
	return am_write_at(f->fd, zeros, sizeof(zeros), AM_SLOT_STEP - at);
}

/* ---- the public half ----------------------------------------------------------- */

void am_hex_format(const uint8_t *bytes, size_t len, char *ret)
{
	(void)sodium_bin2hex(ret, 2 * len + 1, bytes, len);
}

int am_hex_parse(const char *text, uint8_t *ret, size_t len)
{
	size_t n;

	if (strnlen(text, 2 * len) < 2 * len ||
	    sodium_hex2bin(ret, len, text, 2 * len, NULL, &n, NULL) || n != len)
		return -EBADMSG;
	return 0;
}

size_t am_roots_pub_format(const struct am_roots_pub *r, char ret[AM_ROOTS_TEXT])
{
	char hex[HEX_KEY + 1];
	size_t len = 0, i;

	for (i = 0; i < r->count; i++) {
		am_hex_format(r->keys[i], AM_HASH_LEN, hex);
		len += (size_t)snprintf(ret + len, AM_ROOTS_TEXT - len, "%s%s\n", root_word, hex);
	}
	return len;
}

int am_roots_pub_parse(const char *text, size_t len, struct am_roots_pub *ret)
{
	const size_t word = sizeof(root_word) - 1, line = word + HEX_KEY + 1;
	struct am_roots_pub r = { 0 };
	size_t at;

	if (!len || len % line)
		return -EBADMSG;
	if (len / line > AM_ROOTS_MAX)
		return -E2BIG;
	for (at = 0; at < len; at += line)
		if (memcmp(text + at, root_word, word) != 0 || text[at + line - 1] != '\n' ||
		    am_hex_parse(text + at + word, r.keys[r.count++], AM_HASH_LEN) < 0)
			return -EBADMSG;
	*ret = r;
	return 0;
}

const uint8_t *am_roots_pub_find(const struct am_roots_pub *r, const uint8_t chain[AM_CHAIN_LEN])
{
	uint8_t id[AM_CHAIN_LEN];
	size_t i;

	for (i = 0; i < r->count; i++) {
		am_chain_id(r->keys[i], id);
		if (!memcmp(id, chain, AM_CHAIN_LEN))
			return r->keys[i];
	}
	return NULL;
}

int am_roots_pub_load(int dirfd, const char *name, struct am_roots_pub *ret)
{
	char text[AM_ROOTS_TEXT];
	am_autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	return am_roots_pub_parse(text, (size_t)n, ret);
}

int am_roots_pub_add(int dirfd, const uint8_t root[AM_HASH_LEN])
{
	struct am_roots_pub r = { 0 };
	char text[AM_ROOTS_TEXT];
	int err = am_roots_pub_load(dirfd, am_root_name, &r);

	if (err < 0 && err != -ENOENT && err != -EBADMSG)
		return err;
	if (r.count == AM_ROOTS_MAX) {
		r.count--;	/* the oldest chain is long gone, or somebody plays */
		memmove(r.keys[0], r.keys[1], r.count * AM_HASH_LEN);
	}
	memcpy(r.keys[r.count++], root, AM_HASH_LEN);
	return am_put_file(dirfd, am_root_name, 0644, text, am_roots_pub_format(&r, text));
}
