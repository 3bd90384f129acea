// SPDX-License-Identifier: GPL-2.0
#include "base/sha256.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { CHUNK = 1 << 16 };

int am_sha256_file(int fd, uint8_t ret[AM_SHA256_LEN])
{
	am_autofree unsigned char *chunk = malloc(CHUNK);
	crypto_hash_sha256_state state;
	off_t at = 0;
	ssize_t n;

	if (!chunk)
		return -ENOMEM;
	crypto_hash_sha256_init(&state);
	while ((n = pread(fd, chunk, CHUNK, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		crypto_hash_sha256_update(&state, chunk, n);
		at += n;
	}
	crypto_hash_sha256_final(&state, ret);
	return 0;
}
