/* SPDX-License-Identifier: GPL-2.0 */
#include "event/roads.h"

#include <string.h>

static const char *const ops[] = { "read", "write", "send" };

enum { N_OPS = sizeof(ops) / sizeof(ops[0]) };

static size_t count_enforced(const char *op, am_has_hook has, void *ctx)
{
	const char *missing;
	size_t i, n = 0;

	for (i = 0; i < am_roads_count; i++)
		n += !strcmp(am_roads[i].op, op) &&
		     am_road_cover(&am_roads[i], has, ctx, &missing) == AM_COVER_ENFORCED;
	return n;
}

/* Why a road is not enforced; at least one of the two is known. */
static void text_why(FILE *out, const struct am_coverage_road *road, const char *missing)
{
	if (missing)
		(void)fprintf(out, " (no program on %s", missing);
	if (road->why)
		(void)fprintf(out, "%s%s", missing ? ": " : " (", road->why);
	(void)fputc(')', out);
}

static void text_gaps(FILE *out, int indent, const char *op, am_has_hook has, void *ctx)
{
	size_t i;

	for (i = 0; i < am_roads_count; i++) {
		const struct am_coverage_road *road = &am_roads[i];
		enum am_cover cover;
		const char *missing;

		if (strcmp(road->op, op))
			continue;
		cover = am_road_cover(road, has, ctx, &missing);
		if (cover == AM_COVER_ENFORCED)
			continue;
		(void)fprintf(out, "%*s%s: %s", indent, "", am_cover_word(cover), road->name);
		text_why(out, road, missing);
		(void)fputc('\n', out);
	}
}

void am_roads_text(FILE *out, const char *first, am_has_hook has, void *ctx)
{
	int indent = (int)strlen(first);
	size_t i;

	for (i = 0; i < N_OPS; i++) {
		(void)fprintf(out, "%*s%s: enforced on %zu roads\n", indent, i ? "" : first, ops[i],
			      count_enforced(ops[i], has, ctx));
		text_gaps(out, indent + 2, ops[i], has, ctx);
	}
}

void am_roads_json(struct am_json *j, am_has_hook has, void *ctx)
{
	size_t i;

	am_json_list(j, "roads");
	for (i = 0; i < am_roads_count; i++) {
		const struct am_coverage_road *road = &am_roads[i];
		const char *missing;
		enum am_cover cover = am_road_cover(road, has, ctx, &missing);

		am_json_object(j, NULL);
		am_json_text(j, "road", road->name);
		am_json_text(j, "op", road->op);
		am_json_text(j, "state", am_cover_word(cover));
		am_json_text(j, "missing_hook", missing);
		am_json_text(j, "why", cover == AM_COVER_ENFORCED ? NULL : road->why);
		am_json_end(j);
	}
	am_json_end(j);
}
