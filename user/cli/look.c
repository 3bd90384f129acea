// SPDX-License-Identifier: GPL-2.0
#include "cli/look.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool am_look_wants_color(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

void am_look_day(int64_t wall_ns, char ret[AM_LOOK_TIME])
{
	am_look_time(wall_ns, ret);
	ret[strcspn(ret, " ")] = '\0';
}

void am_look_time(int64_t wall_ns, char ret[AM_LOOK_TIME])
{
	time_t s = wall_ns / 1000000000;
	struct tm t = { 0 };

	(void)localtime_r(&s, &t);	/* a year that does not fit an int leaves zeros */
	if (!strftime(ret, AM_LOOK_TIME, "%Y-%m-%d %H:%M:%S", &t))
		ret[0] = '\0';
}
