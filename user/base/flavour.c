/* SPDX-License-Identifier: GPL-2.0 */
#include "base/flavour.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[AM_FLAVOUR_MAX_] = {
	[AM_FLAVOUR_AUTO] = "auto",
	[AM_FLAVOUR_LSM] = "lsm",
	[AM_FLAVOUR_FMOD_RET] = "fmod_ret",
};

const char *am_flavour_name(enum am_flavour flavour)
{
	return flavour < AM_FLAVOUR_MAX_ ? names[flavour] : NULL;
}

int am_flavour_parse(const char *word, enum am_flavour *ret)
{
	int f;

	for (f = 0; f < AM_FLAVOUR_MAX_; f++) {
		if (strcmp(word, names[f]))
			continue;
		*ret = (enum am_flavour)f;
		return 0;
	}
	return -EINVAL;
}

/* The first that fits counts. */
static const struct family {
	const char *section;
	size_t skip;		/* of it, what is not the function's name */
	const char *prefix;
	enum am_flavour flavour;
	bool probe;
} families[] = {
	{ "lsm/", 4, "bpf_lsm_", AM_FLAVOUR_LSM, false },
	{ "lsm.s/", 6, "bpf_lsm_", AM_FLAVOUR_LSM, false },
	{ "fmod_ret/", 9, "", AM_FLAVOUR_FMOD_RET, false },
	{ "fentry/security_", 7, "", AM_FLAVOUR_FMOD_RET, false },
	{ "fentry/", 7, "", AM_FLAVOUR_AUTO, false },
	{ "fexit/security_", 6, "", AM_FLAVOUR_FMOD_RET, false },
	{ "fexit/", 6, "", AM_FLAVOUR_AUTO, false },
	{ "kprobe.session/", 15, "", AM_FLAVOUR_AUTO, true },
};

bool am_target_of(const char *section, struct am_target *ret)
{
	size_t i;

	section += section[0] == '?';
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct family *f = &families[i];

		if (strncmp(section, f->section, strlen(f->section)))
			continue;
		*ret = (struct am_target){ f->flavour, f->probe, f->prefix, section + f->skip };
		return true;
	}
	return false;
}

/* Functions that are not called as their hook is. */
static const struct alias {
	const char *hook;
	const char *function;
} aliases[] = {
	{ "bprm_check_security", "security_bprm_check" },
	{ "cred_prepare", "security_prepare_creds" },
	{ "inode_free_security", "security_inode_free" },
	{ "msg_queue_free_security", "security_msg_queue_free" },
	{ "sb_free_security", "security_sb_free" },
	{ "sk_alloc_security", "security_sk_alloc" },
	{ "sk_free_security", "security_sk_free" },
};

enum { N_ALIASES = sizeof(aliases) / sizeof(aliases[0]) };

void am_target_name(const struct am_target *target, char *ret, size_t size)
{
	static const char around[] = "security_";
	size_t i, skip = sizeof(around) - 1;

	for (i = 0; i < N_ALIASES; i++) {
		if (strcmp(target->hook, aliases[i].function))
			continue;
		(void)snprintf(ret, size, "%s", aliases[i].hook);
		return;
	}
	if (target->prefix[0])
		(void)snprintf(ret, size, "%s", target->hook);
	else if (!strncmp(target->hook, around, skip))
		(void)snprintf(ret, size, "%s", target->hook + skip);
	else
		(void)snprintf(ret, size, "%s()", target->hook);
}

void am_hook_symbol(enum am_flavour flavour, const char *hook, char *ret, size_t size)
{
	size_t i, len = strlen(hook);

	if (len > 2 && !strcmp(hook + len - 2, "()")) {
		(void)snprintf(ret, size, "%.*s", (int)len - 2, hook);
		return;
	}
	if (flavour == AM_FLAVOUR_LSM) {
		(void)snprintf(ret, size, "bpf_lsm_%s", hook);
		return;
	}
	for (i = 0; i < N_ALIASES && strcmp(hook, aliases[i].hook); i++)
		;
	if (i < N_ALIASES)
		(void)snprintf(ret, size, "%s", aliases[i].function);
	else
		(void)snprintf(ret, size, "security_%s", hook);
}
