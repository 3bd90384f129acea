// SPDX-License-Identifier: GPL-2.0
#include "cli/look.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool am_look_wants_color(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

void am_look_day(int64_t wall_ns, char ret[AM_WHEN_TEXT])
{
	am_look_time(wall_ns, ret);
	ret[strcspn(ret, " ")] = '\0';
}

void am_look_time(int64_t wall_ns, char ret[AM_WHEN_TEXT])
{
	(void)am_when_local(wall_ns / 1000000000, ret); /* zeros will do */
}
