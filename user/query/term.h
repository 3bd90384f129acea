/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of a filter. Private to query/filter*.c. */
#pragma once

#include "query/filter.h"

enum am_term_op {
	AM_TERM_IS,
	AM_TERM_IS_NOT,
	AM_TERM_BELOW,
	AM_TERM_AT_MOST,
	AM_TERM_ABOVE,
	AM_TERM_AT_LEAST,
};

struct am_term_net {
	uint8_t addr[16];	/* IPv4 as ::ffff:a.b.c.d */
	unsigned prefix;	/* bits of it that count */
	uint32_t port;		/* 0: any */
};

struct am_term_value {
	char *text;		/* owned; as it was meant, without quotes */
	bool none;
	bool pattern;		/* has * or ? outside of quotes */
	bool is_number;
	bool is_net;
	int64_t number;
	struct am_term_net net;
};

struct am_term {
	const struct am_field *field;
	enum am_term_op op;
	struct am_term_value *values;	/* owned */
	size_t n_values;
};

struct am_filter {
	struct am_term *terms;	/* owned */
	size_t n_terms;
	int64_t from_ns;	/* since=: the latest of them */
	int64_t until_ns;
	bool births;		/* see am_filter_take_births() */
};

/* "10.0.0.0/8", "203.0.113.9:443", "[fd00::1]:53", "fd00::/8". False if it is none. */
bool am_term_net_parse(const char *text, struct am_term_net *ret);

bool am_term_net_holds(const struct am_term_net *net, const struct am_row_dest *dest);

bool am_term_matches(const struct am_term *term, const struct am_row *row);
