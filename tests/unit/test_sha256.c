// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sha256.h"

static int file_with(const void *bytes, size_t len)
{
	int fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

static bool has_digest(int fd, const char *hex)
{
	uint8_t digest[AM_SHA256_LEN];
	char text[2 * AM_SHA256_LEN + 1];

	assert_int_equal(am_sha256_file(fd, digest), 0);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return !strcmp(text, hex);
}

/* The examples of FIPS 180-4, and what sha256sum says of the longer one. */
static void finds_the_digest_of_a_file(void **state)
{
	am_autoclose int empty = file_with("", 0), abc = file_with("abc", 3);
	am_autofree char *million = malloc(1000000);
	am_autoclose int longer = -1;

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	longer = file_with(million, 1000000);
	assert_true(has_digest(empty, "e3b0c44298fc1c149afbf4c8996fb924"
				      "27ae41e4649b934ca495991b7852b855"));
	assert_true(has_digest(abc, "ba7816bf8f01cfea414140de5dae2223"
				    "b00361a396177a9cb410ff61f20015ad"));
	assert_true(has_digest(longer, "cdc76e5c9914fb9281a1c7e284d73e67"
				       "f1809a48a497200e046d39ccc7112cd0"));
}

static void leaves_the_descriptor_where_it_stands(void **state)
{
	am_autoclose int fd = file_with("abc", 3);

	(void)state;
	assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
	assert_true(has_digest(fd, "ba7816bf8f01cfea414140de5dae2223"
				   "b00361a396177a9cb410ff61f20015ad"));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 1);
}

static void leaves_the_result_alone_on_failure(void **state)
{
	am_autoclose int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t digest[AM_SHA256_LEN] = { 0x5a };

	(void)state;
	assert_int_equal(am_sha256_file(folder, digest), -EISDIR);
	assert_int_equal(am_sha256_file(-1, digest), -EBADF);
	assert_int_equal(digest[0], 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_digest_of_a_file),
		cmocka_unit_test(leaves_the_descriptor_where_it_stands),
		cmocka_unit_test(leaves_the_result_alone_on_failure),
	};

	return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
