/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers of the ledger's format in bytes that nobody vouches for. */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void am_put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void am_put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint32_t am_get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t am_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t am_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

enum { AM_VARINT_MAX = 10 };

/* There must be room for AM_VARINT_MAX bytes. Returns the byte behind. */
static inline uint8_t *am_put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* The byte behind; NULL if it does not end before `end` or has more than 64 bits. */
static inline const uint8_t *am_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned shift;

	for (shift = 0; shift < 64; shift += 7) {
		if (p >= end)
			return NULL;
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) {
			*ret = v;
			return shift == 63 && p[-1] > 1 ? NULL : p;
		}
	}
	return NULL;
}

static inline uint64_t am_zigzag(uint64_t delta)
{
	return delta << 1 ^ (delta >> 63 ? ~0ULL : 0);
}

static inline uint64_t am_unzigzag(uint64_t v)
{
	return v >> 1 ^ (v & 1 ? ~0ULL : 0);
}
