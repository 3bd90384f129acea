/* SPDX-License-Identifier: GPL-2.0 */
/* Values of hash tables, read whole. An element that is replaced or removed is used again at
 * once, for another key, also while a program on another CPU, or one that was preempted, still
 * looks at it. So a value is copied, and believed if its key leads to the same element afterwards. */
#pragma once

#include "decide.h"
#include "maps.h"

/* Each but the first needs a change while two instructions run; the last one is believed. */
enum { AM_COPY_TRIES = 4 };

/* Copies the value at *key of the table to *to, both of constant size. False: there is none. */
#define AM_COPY(table, key, to)								\
({											\
	typeof(to) value_ = NULL;							\
	__u32 try_;									\
	_Pragma("clang loop unroll(disable)")						\
	for (try_ = 0; try_ < AM_COPY_TRIES; try_++) {					\
		value_ = bpf_map_lookup_elem(table, key);				\
		if (!value_)								\
			break;								\
		*(to) = *value_;							\
		asm volatile("" ::: "memory");						\
		if (bpf_map_lookup_elem(table, key) == value_)				\
			break;								\
	}										\
	value_ != NULL;									\
})
