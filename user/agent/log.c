/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/log.h"

#include <stdarg.h>
#include <string.h>

/* In one write: lines of two processes on one journal do not mix. */
__attribute__((format(printf, 2, 0)))
static void print(const char *prefix, const char *format, va_list args, const char *reason)
{
	char line[4096];
	size_t len;

	(void)snprintf(line, sizeof(line), "%s: ", prefix);
	len = strlen(line);
	(void)vsnprintf(line + len, sizeof(line) - len, format, args);
	len = strlen(line);
	if (reason)
		(void)snprintf(line + len, sizeof(line) - len, ": %s", reason);
	(void)fprintf(stderr, "%s\n", line); /* there is nobody left to tell of a failure */
}

void am_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("amanatd", format, args, NULL);
	va_end(args);
}

void am_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("error", format, args, NULL);
	va_end(args);
}

int am_err(int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print("error", format, args, strerror(-r));
	va_end(args);
	return r;
}
