// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/verify.h"

static const char word[] = "amanat-ledger-head ";

void am_head_format(const struct am_head *h, char ret[AM_HEAD_TEXT])
{
	char chain[2 * AM_CHAIN_LEN + 1], hash[2 * AM_HASH_LEN + 1];

	am_hex_format(h->chain, AM_CHAIN_LEN, chain);
	am_hex_format(h->h, AM_HASH_LEN, hash);
	(void)snprintf(ret, AM_HEAD_TEXT, "%s%s %" PRIu64 " %s %" PRId64 "\n", word, chain, h->seal,
		       hash, h->wall_ns);
}

/* Read, then written again: only what comes out the same is a head. */
int am_head_parse(const char *text, size_t len, struct am_head *ret)
{
	char again[AM_HEAD_TEXT], copy[AM_HEAD_TEXT], hash[2 * AM_HASH_LEN + 1];
	struct am_head h = { 0 };
	size_t at = sizeof(word) - 1;

	if (len < at + 2 * AM_CHAIN_LEN || len >= sizeof(copy) || memcmp(text, word, at) != 0)
		return -EBADMSG;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (am_hex_parse(copy + at, h.chain, AM_CHAIN_LEN) < 0 ||
	    sscanf(copy + at + 2 * AM_CHAIN_LEN, " %" SCNu64 " %64s %" SCNd64, &h.seal, hash,
		   &h.wall_ns) != 3 || am_hex_parse(hash, h.h, AM_HASH_LEN) < 0)
		return -EBADMSG;
	am_head_format(&h, again);
	if (strcmp(again, copy) != 0)
		return -EBADMSG;
	*ret = h;
	return 0;
}
