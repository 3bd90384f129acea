/* SPDX-License-Identifier: GPL-2.0 */
/* What a verb of the command line said to the streams it was given, in memory. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "cli/cmd.h"

struct said {
	char *out, *err;	/* owned */
	int code;
};

static inline void said_done(struct said *s)
{
	free(s->out);
	free(s->err);
}

#define am_autosaid __attribute__((cleanup(said_done)))

static inline void said_by(int (*verb)(const struct am_cmd_line *line), struct am_cmd_line *line,
			   struct said *ret)
{
	size_t out, err;

	line->out = open_memstream(&ret->out, &out);
	line->err = open_memstream(&ret->err, &err);
	ret->code = verb(line);
	fclose(line->out);
	fclose(line->err);
}
