// SPDX-License-Identifier: GPL-2.0
#include "kernel/probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"
#include "base/array.h"
#include "base/cleanup.h"

/* From Linux 6.10 on ("bpf: Add support for kprobe session attach"); our headers are older. */
enum { TRACE_KPROBE_SESSION = 56 };

static const struct {
	const char *name;
	int placeholder;
} calls[] = {
	{ "bpf_session_is_return", AM_CALL_IS_RETURN },
	{ "bpf_session_cookie", AM_CALL_COOKIE },
};

/* Before Linux 6.14 ("fprobe: Rewrite fprobe on function-graph tracer") a return was missed if too many
 * calls were under way, and reads of pipes are for as long as they wait. */
bool am_probes_are_there(const struct btf *kernel)
{
	size_t i;

	for (i = 0; i < AM_COUNT(calls); i++)
		if (btf__find_by_name_kind(kernel, calls[i].name, BTF_KIND_FUNC) <= 0)
			return false;
	return btf__find_by_name_kind(kernel, "fprobe_hlist", BTF_KIND_STRUCT) > 0;
}

static int replace(struct bpf_insn *insn, const struct btf *kernel)
{
	size_t i;
	int id;

	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return 0;
	for (i = 0; i < AM_COUNT(calls); i++) {
		if (insn->imm != calls[i].placeholder)
			continue;
		id = btf__find_by_name_kind(kernel, calls[i].name, BTF_KIND_FUNC);
		if (id < 0)
			return id;
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->off = 0;
		insn->imm = id;
	}
	return 0;
}

int am_probe_prepare(struct bpf_program *program, const struct btf *kernel)
{
	size_t i, n = bpf_program__insn_cnt(program);
	am_autofree struct bpf_insn *insns = calloc(n, sizeof(*insns));
	int r;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(program), n * sizeof(*insns));
	for (i = 0; i < n; i++) {
		r = replace(&insns[i], kernel);
		if (r < 0)
			return r;
	}
	r = bpf_program__set_insns(program, insns, n);
	if (!r)
		r = bpf_program__set_type(program, BPF_PROG_TYPE_KPROBE);
	if (!r)
		r = bpf_program__set_expected_attach_type(program,
							  (enum bpf_attach_type)TRACE_KPROBE_SESSION);
	return r;
}

int am_probe_attach(const struct bpf_program *program, const char *function, int *ret)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (__u32)bpf_program__fd(program);
	attr.link_create.attach_type = TRACE_KPROBE_SESSION;
	attr.link_create.kprobe_multi.cnt = 1;
	attr.link_create.kprobe_multi.syms = (__u64)(uintptr_t)&function;
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	*ret = (int)fd;
	return 0;
}
