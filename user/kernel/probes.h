/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of AM_PROBE() in bpf/hook.h: on a function's entry and return, with preemption off, so that
 * a preemptible kernel hardly skips them. libbpf knows neither how to load nor how to
 * attach these. */
#pragma once

#include <stdbool.h>

struct bpf_program;
struct btf;

/* Whether this kernel has what they need, by its BTF. */
bool am_probes_are_there(const struct btf *kernel);

/* Makes ready what is not loaded yet. 0 or -errno. */
int am_probe_prepare(struct bpf_program *program, const struct btf *kernel);

/* Attaches what is loaded to a function of the kernel. 0 or -errno; *ret is owned: the probe goes
 * with the descriptor. */
int am_probe_attach(const struct bpf_program *program, const char *function, int *ret);
