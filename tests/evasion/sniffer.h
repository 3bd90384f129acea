/* SPDX-License-Identifier: GPL-2.0 */
/* Hears every frame that leaves or enters any device of the network namespace. */
#pragma once

#include "technique.h"

struct sniffer {
	int fd;
};

int sniffer_open(struct sniffer *s);
/* Whether the secret has gone by since the last time. */
bool sniffer_heard(struct sniffer *s, const char *secret);

/* From here on there is only a loopback device, which has the foreign host's addresses. */
int own_network(void);

/* A datagram to nobody: what anybody does who has got something. 0 or -errno. */
int send_foreign(const void *data, size_t size);
