/* SPDX-License-Identifier: GPL-2.0 */
/* What a verb of the command line writes to its two streams, caught in files. Include it
 * behind cmocka.h. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct captured {
	int to[2], saved[2];
};

/* From here on standard output and error go to files without a name in `folder`. */
static inline void captured_begin(struct captured *c, const char *folder)
{
	fflush(NULL);
	for (int i = 0; i < 2; i++) {
		c->to[i] = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
		c->saved[i] = dup(i + 1);
		assert_true(c->to[i] >= 0 && c->saved[i] >= 0);
		assert_true(dup2(c->to[i], i + 1) >= 0);
	}
}

static inline void captured_read(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
}

/* They are as before; `out` and `err`, of `size` bytes each, hold what was written. */
static inline void captured_end(struct captured *c, char *out, char *err, size_t size)
{
	fflush(NULL);
	for (int i = 0; i < 2; i++) {
		assert_true(dup2(c->saved[i], i + 1) >= 0);
		assert_int_equal(close(c->saved[i]), 0);
		captured_read(c->to[i], i ? err : out, size);
		assert_int_equal(close(c->to[i]), 0);
	}
}
