/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/hooks.h"

#include <errno.h>
#include <unistd.h>

#include "agent/log.h"
#include "base/host.h"

enum {
	/* An inode and its name take about 1 KiB of memory as long as they are cached, an entry of
	 * the table a tenth of that, and its room 16 bytes ahead. So the table is not full before
	 * a quarter of the memory is names and inodes of stores. */
	BYTES_PER_TAG = 4096,
	TAGS_LEAST = 65536,
	TAGS_MOST = 1 << 22,
};

static uint32_t tags_that_fit(void)
{
	uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES);
	uint64_t tags = pages * (uint64_t)sysconf(_SC_PAGESIZE) / BYTES_PER_TAG;

	if (tags < TAGS_LEAST)
		return TAGS_LEAST;
	return tags > TAGS_MOST ? TAGS_MOST : (uint32_t)tags;
}

int am_hooks_choose(const struct am_config *config, struct am_engine_options *ret)
{
	bool has_lsm = am_host_has_bpf_lsm(&am_host_here);

	if (config->flavour == AM_FLAVOUR_LSM && !has_lsm) {
		am_error("'--hooks lsm' cannot work: bpf is not among the kernel's active security "
			 "modules (/sys/kernel/security/lsm); leave it out to have fmod_ret hooks");
		return -EOPNOTSUPP;
	}
	*ret = (struct am_engine_options){
		.flavour = config->flavour,
		.tags = config->tags ? config->tags : tags_that_fit(),
		.strays = config->strays,
		.preemptible = am_host_may_skip(&am_host_here),
	};
	if (config->flavour == AM_FLAVOUR_AUTO)
		ret->flavour = has_lsm ? AM_FLAVOUR_LSM : AM_FLAVOUR_FMOD_RET;
	return 0;
}
