/* SPDX-License-Identifier: GPL-2.0 */
#include "store/generation.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "store/file.h"

static const char file_name[] = "generation";

enum { TEXT_MAX = 11 };	/* the digits of UINT32_MAX and the line feed */

static bool parse(const char *text, size_t len, uint32_t *ret)
{
	uint64_t n = 0;
	size_t i;

	if (len < 2 || text[len - 1] != '\n')
		return false;
	for (i = 0; i < len - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	if (n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

int am_generation_load(int dirfd, uint32_t *ret)
{
	am_autofree char *text = NULL;
	size_t len;
	int r;

	r = am_file_read(dirfd, file_name, TEXT_MAX, &text, &len);
	if (r == -ENOENT) {
		*ret = 0;
		return 0;
	}
	if (r == -EFBIG)
		return -EBADMSG;
	if (r < 0)
		return r;
	return parse(text, len, ret) ? 0 : -EBADMSG;
}

int am_generation_save(int dirfd, uint32_t generation)
{
	char text[TEXT_MAX + 1];
	int len = snprintf(text, sizeof(text), "%u\n", generation);

	return am_file_replace(dirfd, file_name, text, (size_t)len);
}
