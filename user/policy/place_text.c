// SPDX-License-Identifier: GPL-2.0
/* Places in the words of a person. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "event/dest.h"
#include "policy/place.h"

static const struct {
	const char *name;
	uint8_t number;
} protos[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP },
	{ "ipv6-icmp", IPPROTO_ICMPV6 }, { "sctp", IPPROTO_SCTP },
};

static int parse_proto(const char *text, uint8_t *ret)
{
	for (size_t i = 0; i < AM_COUNT(protos); i++) {
		if (strcmp(protos[i].name, text))
			continue;
		*ret = protos[i].number;
		return 0;
	}
	return -EINVAL;
}

static int parse_port(const char *text, uint16_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port = digits && digits <= 5 && !text[digits] ? strtoul(text, NULL, 10) : 0;

	if (!port || port > UINT16_MAX || text[0] == '0')
		return -EINVAL;
	*ret = port;
	return 0;
}

static int parse_address(const char *text, uint8_t ret[16])
{
	size_t len = strlen(text);
	char inner[INET6_ADDRSTRLEN];

	if (text[0] != '[') {
		memset(ret, 0, 10);
		memset(ret + 10, 0xff, 2);
		return inet_pton(AF_INET, text, ret + 12) == 1 ? 0 : -EINVAL;
	}
	if (len < 2 || text[len - 1] != ']' || len - 2 >= sizeof(inner))
		return -EINVAL;
	memcpy(inner, text + 1, len - 2);
	inner[len - 2] = '\0';
	return inet_pton(AF_INET6, inner, ret) == 1 ? 0 : -EINVAL;
}

/* Cuts `text` up, from its end: protocol, port, address. */
static int parse_network(char *text, struct am_place *place)
{
	char *slash = strrchr(text, '/'), *colon;
	int err;

	if (!slash)
		return -EINVAL;
	*slash = '\0';
	err = parse_proto(slash + 1, &place->proto);
	colon = strrchr(text, ':');
	if (!err && colon && !strchr(colon, ']')) {
		*colon = '\0';
		err = parse_port(colon + 1, &place->port);
	} else if (place->proto == IPPROTO_TCP || place->proto == IPPROTO_UDP) {
		return -EINVAL;	/* these have ports, and rules speak of them */
	}
	return err ? err : parse_address(text, place->addr);
}

int am_place_parse(const char *text, struct am_place *ret)
{
	static const struct {
		const char *name;
		enum am_place_kind kind;
	} words[] = {
		{ "local", AM_PLACE_LOCAL },
		{ "terminal", AM_PLACE_TERMINAL },
		{ "device", AM_PLACE_OTHER },
	};
	struct am_place place = { .kind = AM_PLACE_NETWORK };
	char copy[AM_PLACE_TEXT];
	int err;

	for (size_t i = 0; i < AM_COUNT(words); i++) {
		if (strcmp(words[i].name, text))
			continue;
		*ret = (struct am_place){ .kind = words[i].kind };
		return 0;
	}
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	err = parse_network(copy, &place);
	if (!err)
		*ret = place;
	return err;
}

void am_place_format(const struct am_place *place, char ret[AM_PLACE_TEXT])
{
	struct am_event e = { .family = AF_INET6, .proto = place->proto, .port = place->port };
	char text[AM_DEST_TEXT];

	memcpy(e.addr, place->addr, sizeof(e.addr));
	am_dest_text(&e, text);
	snprintf(ret, AM_PLACE_TEXT, "%s",
		 place->kind == AM_PLACE_LOCAL ? "local" :
		 place->kind == AM_PLACE_TERMINAL ? "terminal" :
		 place->kind == AM_PLACE_OTHER ? "device" : text);
}
