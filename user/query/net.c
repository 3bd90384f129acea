// SPDX-License-Identifier: GPL-2.0
/* Networks as values of a filter. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "query/recorded.h"
#include "query/term.h"

enum {
	V4_BITS = 32,
	V6_BITS = 128,
	MAPPED_BITS = 96,
	ADDR_TEXT = INET6_ADDRSTRLEN,
	PORT_MAX = 65535,
};

/* All of `text` as a decimal number up to `max`. */
static bool parse_decimal(const char *text, unsigned long max, uint32_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > max)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* Splits off what is behind the address: "/8", ":443". `addr` gets the rest. */
static bool split(const char *text, char addr[ADDR_TEXT], char *ret_mark, const char **ret_rest)
{
	const char *start = text, *end;

	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		text = end + 1;
	} else {
		end = strchr(text, '/');
		if (!end && strchr(text, ':') == strrchr(text, ':'))
			end = strchr(text, ':');
		text = end ? end : "";
		end = end ? end : start + strlen(start);
	}
	if (end == start || end - start >= ADDR_TEXT)
		return false;
	memcpy(addr, start, (size_t)(end - start));
	addr[end - start] = '\0';
	*ret_mark = *text;
	*ret_rest = *text ? text + 1 : text;
	return true;
}

bool am_term_net_parse(const char *text, struct am_term_net *ret)
{
	struct am_term_net net = { .addr = { [10] = 0xff, [11] = 0xff }, .prefix = V6_BITS };
	uint32_t prefix = 0;
	char addr[ADDR_TEXT], mark;
	const char *rest;
	bool v4;

	if (!split(text, addr, &mark, &rest))
		return false;
	v4 = inet_pton(AF_INET, addr, net.addr + MAPPED_BITS / 8) == 1;
	if (!v4 && inet_pton(AF_INET6, addr, net.addr) != 1)
		return false;
	if (mark == ':' && (!parse_decimal(rest, PORT_MAX, &net.port) || !net.port))
		return false;
	if (mark == '/') {
		if (!parse_decimal(rest, v4 ? V4_BITS : V6_BITS, &prefix))
			return false;
		net.prefix = prefix + (v4 ? MAPPED_BITS : 0);
	}
	*ret = net;
	return true;
}

static bool has_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return !memcmp(a, b, whole) && (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}

bool am_term_net_holds(const struct am_term_net *net, const struct am_row_dest *dest)
{
	uint8_t addr[AM_RECORDED_ADDR];

	if (dest->family != AF_INET && dest->family != AF_INET6)
		return false;
	am_recorded_addr(dest, addr);
	return has_prefix(addr, net->addr, net->prefix) && (!net->port || net->port == dest->port);
}
