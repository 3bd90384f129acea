/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/subjects.h"

#include "decide.h"

static const struct am_set *unlisted(const struct am_image *image, enum am_fact kind)
{
	return &image->policy->unlisted[kind];
}

/* AM_FACT_EXE or AM_FACT_SCRIPT. */
static void keep_file(const struct am_image *image, const struct am_exes *exes, enum am_fact kind,
		      uint32_t id, struct am_set *bits)
{
	struct am_set set, script;
	size_t i;

	for (i = 0; id && i < exes->n_files; i++) {
		if (exes->files[i]->id != id ||
		    !am_exes_sets(exes, exes->files[i], &set, &script))
			continue;
		am_set_keep(bits, kind == AM_FACT_EXE ? &set : &script);
		return;
	}
	am_set_keep(bits, unlisted(image, kind));
}

/* One of the groups is enough. */
static void keep_groups(const struct am_image *image, const struct am_task_facts *facts,
			struct am_set *bits)
{
	struct am_set any = *unlisted(image, AM_FACT_GROUP);
	uint32_t i;

	for (i = 0; i < facts->n_gids; i++)
		am_set_join(&any, am_image_fact_set(image, AM_FACT_GROUP, facts->gids[i]));
	am_set_keep(bits, &any);
}

/* The lowest listed one counts. */
static void keep_cgroup(const struct am_image *image, const struct am_findings *found,
			const struct am_task_facts *facts, struct am_set *bits)
{
	const struct am_set *set = unlisted(image, AM_FACT_CGROUP);
	uint32_t level;
	size_t i;

	for (level = 0; level < facts->n_cgroups; level++)
		for (i = 0; i < found->n_cgroups; i++)
			if (found->cgroups[i].id == facts->cgroups[level])
				set = &found->cgroups[i].set;
	am_set_keep(bits, set);
}

void am_subjects_find(const struct am_image *image, const struct am_findings *found,
		      const struct am_task_facts *facts, struct am_set *ret)
{
	*ret = image->policy->live;
	keep_file(image, found->exes, AM_FACT_EXE, facts->exe, ret);
	keep_file(image, found->exes, AM_FACT_SCRIPT, facts->script, ret);
	am_set_keep(ret, am_image_fact_set(image, AM_FACT_USER, facts->uid));
	am_set_keep(ret, am_image_fact_set(image, AM_FACT_LOGIN, facts->login));
	am_set_keep(ret, unlisted(image, AM_FACT_PURPOSE));
	keep_groups(image, facts, ret);
	keep_cgroup(image, found, facts, ret);
}
