/* SPDX-License-Identifier: GPL-2.0 */
#include "store/strays.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/file.h"

static const char file_name[] = "strays";

struct head {
	char magic[8];
	__u32 version;
	__u32 n;
};

enum {
	VERSION = 2,
	SUM_LEN = sizeof(__u64),
	FILE_MAX = sizeof(struct head) + AM_STRAYS_MAX * sizeof(struct am_stray) + SUM_LEN,
};

AM_ASSERT_SIZE(struct head, 16);
AM_ASSERT_SIZE(struct am_stray, 64);

static const struct head empty = { .magic = "AMSTRAYS", .version = VERSION };

static __u64 add_bytes(__u64 sum, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	size_t i;

	for (i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ULL;
	return sum;
}

__u64 am_strays_sum(const struct am_stray *strays, size_t n)
{
	struct head head = empty;

	head.n = (__u32)n;
	return add_bytes(add_bytes(0xcbf29ce484222325ULL, &head, sizeof(head)), strays,
			 n * sizeof(*strays));
}

static int unpack(const char *bytes, size_t len, struct am_stray **ret, size_t *ret_n)
{
	am_autofree struct am_stray *strays = NULL;
	struct head head;
	size_t size;
	__u64 sum;

	if (len < sizeof(head) + SUM_LEN)
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, empty.magic, sizeof(head.magic)) || head.version != VERSION ||
	    head.n > AM_STRAYS_MAX)
		return -EBADMSG;
	size = head.n * sizeof(*strays);
	if (len != sizeof(head) + size + SUM_LEN)
		return -EBADMSG;
	strays = malloc(size + 1);	/* never of size 0 */
	if (!strays)
		return -ENOMEM;
	memcpy(strays, bytes + sizeof(head), size);
	memcpy(&sum, bytes + sizeof(head) + size, SUM_LEN);
	if (sum != am_strays_sum(strays, head.n))
		return -EBADMSG;
	*ret = AM_TAKE_PTR(strays);
	*ret_n = head.n;
	return 0;
}

int am_strays_load(int dirfd, struct am_stray **ret, size_t *ret_n)
{
	am_autofree char *bytes = NULL;
	size_t len;
	int r;

	r = am_file_read(dirfd, file_name, FILE_MAX, &bytes, &len);
	if (r == -ENOENT) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	if (r == -EFBIG)
		return -EBADMSG;
	return r < 0 ? r : unpack(bytes, len, ret, ret_n);
}

int am_strays_save(int dirfd, const struct am_stray *strays, size_t n)
{
	am_autofree char *bytes = NULL;
	struct head head = empty;
	size_t size = n * sizeof(*strays);
	__u64 sum;

	if (n > AM_STRAYS_MAX)
		return -EFBIG;
	bytes = malloc(sizeof(head) + size + SUM_LEN);
	if (!bytes)
		return -ENOMEM;
	head.n = (__u32)n;
	sum = am_strays_sum(strays, n);
	memcpy(bytes, &head, sizeof(head));
	if (n)
		memcpy(bytes + sizeof(head), strays, size);
	memcpy(bytes + sizeof(head) + size, &sum, SUM_LEN);
	return am_file_replace(dirfd, file_name, bytes, sizeof(head) + size + SUM_LEN);
}
