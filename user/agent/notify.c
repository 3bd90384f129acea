/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

static void send_state(const char *path, const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	am_autoclose int fd = -1;
	size_t len = strlen(path);

	if (len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';	/* abstract socket */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	len += offsetof(struct sockaddr_un, sun_path);
	(void)sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
		     (struct sockaddr *)&address, (socklen_t)len); /* see the header */
}

void am_notify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	char state[512];
	va_list args;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	va_start(args, format);
	(void)vsnprintf(state, sizeof(state), format, args); /* cut if need be */
	va_end(args);
	send_state(path, state);
}

int64_t am_notify_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;
	long long us;

	if (!text || (pid && atol(pid) != getpid()))
		return 0;
	errno = 0;
	us = strtoll(text, &end, 10);
	if (errno || *end || us <= 0)
		return 0;
	return us / 1000;
}
