// SPDX-License-Identifier: GPL-2.0
/* Any bytes as the history of a host: whatever is read of it, what is written next is
 * there when it is read again, and so is what was read.
 *
 * A line whose check does not hold is left out at once, so each line of the input is also
 * tried with the check that it ought to have. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int folder(void)
{
	static char name[] = "/dev/shm/amanat-fuzz-XXXXXX";
	static int fd = -1;

	if (fd < 0) {
		assert(sodium_init() >= 0 && mkdtemp(name));
		fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert(fd >= 0);
	}
	return fd;
}

static void write_history(const char *text, size_t len)
{
	int fd = openat(folder(), "history", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close(fd);
}

static void go_on(struct am_history *h)
{
	struct am_reign r = { .generation = 77, .since_s = 1, .policy = "p",
			      .origin = { .kind = AM_SOURCE_FILE, .road = AM_ROAD_RELOAD } };
	struct am_history again;
	size_t count;

	assert(am_history_begin(h, &r) == 0);
	count = h->count;
	assert(am_history_open(&again, folder()) == 0);
	assert(again.count == count && again.damaged == h->damaged);
	for (size_t i = 0; i < count; i++)
		assert(!memcmp(&again.reigns[i].origin, &h->reigns[i].origin, sizeof(r.origin)));
	assert(am_history_find(&again, 77) == &again.reigns[count - 1]);
	am_history_revert(h);
	assert(h->count == count - 1);
	am_history_close(&again);
}

static void try(const char *text, size_t len)
{
	struct am_history h;
	int err;

	write_history(text, len);
	err = am_history_open(&h, folder());
	assert(!err || err == -EBADMSG);
	assert(h.count <= 2 * AM_HISTORY_MAX);
	for (size_t i = 0; i < h.count; i++)
		assert(memchr(h.reigns[i].policy, '\0', sizeof(h.reigns[i].policy)) &&
		       memchr(h.reigns[i].origin.signer, '\0', sizeof(h.reigns[i].origin.signer)));
	go_on(&h);
	am_history_close(&h);
}

/* Each line behind its check. */
static size_t with_checks(const uint8_t *data, size_t size, char *ret)
{
	static const char opening[] = "amanat history 1\n";
	size_t used = strlen(opening);

	memcpy(ret, opening, used);
	for (size_t at = 0; at < size;) {
		const uint8_t *lf = memchr(data + at, '\n', size - at);
		size_t len = lf ? (size_t)(lf - data) - at : size - at;
		uint8_t hash[16];

		crypto_generichash(hash, sizeof(hash), data + at, len, NULL, 0);
		sodium_bin2hex(ret + used, 33, hash, sizeof(hash));
		used += 32;
		ret[used++] = ' ';
		memcpy(ret + used, data + at, len);
		used += len;
		ret[used++] = '\n';
		at += len + 1;
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size > 16384)
		return 0;
	text = malloc(size * 35 + 64);
	assert(text);
	try((const char *)data, size);
	try(text, with_checks(data, size, text));
	free(text);
	return 0;
}
