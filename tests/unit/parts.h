/* SPDX-License-Identifier: GPL-2.0 */
/* What a text holds. Include it behind cmocka.h. */
#pragma once

#include <string.h>

static inline void expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static inline void expect_not_in(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}
