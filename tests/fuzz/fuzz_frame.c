// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a packet of the agent's sockets, which everybody may send: nothing beyond
 * them is read, and what is taken for a request is words, each with its end. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const char *payload, size_t len, size_t max)
{
	const char *words[8];
	int n = am_frame_words(payload, len, words, max);

	assert(n <= (int)max);
	for (int i = 0; i < n; i++) {
		assert(words[i] >= payload && words[i] < payload + len);
		assert(words[i] + strlen(words[i]) < payload + len);
	}
}

static void check_packet(const uint8_t *packet, size_t size)
{
	struct am_frame head;

	if (am_frame_parse(packet, size, &head) < 0)
		return;
	assert(head.len == size - sizeof(head));
	check_words((const char *)packet + sizeof(head), head.len, 2);
	check_words((const char *)packet + sizeof(head), head.len, 8);
}

/* Most bytes are no frame; so behind a head that is right they are tried once more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct am_frame head = { .magic = AM_FRAME_MAGIC, .kind = AM_FRAME_REQUEST, .len = size };
	uint8_t *packet = malloc(sizeof(head) + size);

	assert(packet);
	check_packet(data, size);
	memcpy(packet, &head, sizeof(head));
	if (size)
		memcpy(packet + sizeof(head), data, size);
	check_packet(packet, sizeof(head) + size);
	free(packet);
	return 0;
}
