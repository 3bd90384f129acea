// SPDX-License-Identifier: GPL-2.0
#include "cli/words.h"

#include <errno.h>
#include <string.h>

#include "cli/cmd.h"

static int join(const struct am_words *words, const char *since, const char *until, char **ret)
{
	size_t len, i;
	FILE *out = open_memstream(ret, &len);

	if (!out)
		return -ENOMEM;
	for (i = 0; i < words->count; i++)
		(void)fprintf(out, "%s%s", i ? " " : "", words->items[i]);
	if (since)
		(void)fprintf(out, "%ssince=%s", words->count ? " " : "", since);
	if (until)
		(void)fprintf(out, "%suntil=%s", words->count || since ? " " : "", until);
	return fclose(out) ? -ENOMEM : 0;
}

int am_words_filter(const struct am_words *words, const char *since, const char *until, FILE *err,
		    char **ret_text, struct am_filter **ret)
{
	const struct am_when here = am_when_here();
	struct am_filter_error error;
	int r = join(words, since, until, ret_text);

	if (!r)
		r = am_filter_parse(*ret_text, &here, &error, ret);
	if (!r)
		return AM_ARGS_GO;
	if (r == -EINVAL)
		am_filter_complain(err, *ret_text, &error);
	else
		(void)fprintf(err, "error: %s\n", strerror(-r));
	return AM_EXIT_USAGE;
}
