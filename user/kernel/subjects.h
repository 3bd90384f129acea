/* SPDX-License-Identifier: GPL-2.0 */
/* Who a process is, found from user space: am_bits_make() of bpf/subject.h once more, over the
 * same tables. Nothing here knows libbpf. */
#pragma once

#include <stddef.h>

#include "kernel/cgroups.h"
#include "kernel/exes.h"
#include "kernel/task_facts.h"

/* What this host adds to the facts of an image. */
struct am_findings {
	struct am_exes *exes;		/* owned */
	struct am_cgroup *cgroups;	/* owned; in the order of their ids */
	size_t n_cgroups;
};

/* The subjects that a process with these facts and without a purpose is: rules that let take
 * one on speak of no subject that needs one. */
void am_subjects_find(const struct am_image *image, const struct am_findings *found,
		      const struct am_task_facts *facts, struct am_set *ret);
