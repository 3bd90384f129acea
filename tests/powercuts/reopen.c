// SPDX-License-Identifier: GPL-2.0
/* reopen DIR: does to a ledger what an agent does that starts after a power cut: recovers it,
 * goes on for one row, and ends. */
#include <stdio.h>
#include <string.h>

#include "ledger/writer.h"

int main(int argc, char *argv[])
{
	const struct am_writer_options options = { .no_thread = true };
	am_auto(am_writer) struct am_writer *w = NULL;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: reopen DIR\n");
		return 2;
	}
	r = am_writer_open(argv[1], &options, &w);
	if (!r)
		r = am_writer_mark(w, AM_MARK_NOTICE, 0, "after a power cut");
	if (!r)
		r = am_writer_flush(w);
	if (r < 0)
		fprintf(stderr, "error: cannot go on with the ledger '%s': %s\n", argv[1], strerror(-r));
	return r < 0;
}
