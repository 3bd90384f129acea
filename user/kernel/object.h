/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this folder share and nobody else sees: the BPF object. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "abi.h"
#include "amanat.skel.h"
#include "base/flavour.h"

enum { AM_ENGINE_MISSING_MAX = 64, AM_ENGINE_PROBES_MAX = 16 };

/* What a map that holds a policy must be like, or the kernel does not take it. */
struct am_table_shape {
	enum bpf_map_type type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
};

struct am_engine {
	struct amanat *object;		/* owned */
	struct am_table_shape table;
	enum am_flavour flavour;
	int watcher;			/* owned; of inotify, see inodes.c; -1: not needed */
	bool probes;			/* those of AM_PROBE() instead of AM_ENTRY() */
	int links[AM_ENGINE_PROBES_MAX];	/* owned; of the probes */
	size_t n_links;
	size_t loaded;
	size_t n_missing;
	const char *missing[AM_ENGINE_MISSING_MAX];	/* borrowed from the object */
};
