/* SPDX-License-Identifier: GPL-2.0 */
/* The two flavours of hook, see bpf/hook.h: which programs belong to which, and what hangs on
 * which function of the kernel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum am_flavour {
	AM_FLAVOUR_AUTO = 0,	/* lsm if `bpf` is among the active LSMs, else fmod_ret */
	AM_FLAVOUR_LSM,
	AM_FLAVOUR_FMOD_RET,
	AM_FLAVOUR_MAX_,
};

enum { AM_HOOK_NAME = 64 };	/* room for am_target_name() */

/* "lsm"; also what a person writes. NULL for a number that is none. */
const char *am_flavour_name(enum am_flavour flavour);

/* 0, or -EINVAL for a word that names none. */
int am_flavour_parse(const char *word, enum am_flavour *ret);

/* What a program is for, out of the name of its section. */
struct am_target {
	enum am_flavour flavour;	/* AM_FLAVOUR_AUTO: both */
	bool probe;			/* of AM_PROBE(), else of AM_ENTRY() and its kind; if of both flavours */
	const char *prefix;		/* of the function's name in the kernel */
	const char *hook;		/* and the rest of it: "file_open", "security_file_open" */
};

/* "?lsm/file_open" is optional in the eyes of libbpf. False for a section of another kind, which hangs on no function: a tracepoint, a test. */
bool am_target_of(const char *section, struct am_target *ret);

/* What people call it: the hook's LSM name, of both flavours ("bprm_check_security" also for
 * fmod_ret/security_bprm_check), or "get_pipe_info()" for another function. */
void am_target_name(const struct am_target *target, char *ret, size_t size);

/* The function of the kernel that a program on such a hook needs: "bpf_lsm_file_open" or
 * "security_file_open". */
void am_hook_symbol(enum am_flavour flavour, const char *hook, char *ret, size_t size);
