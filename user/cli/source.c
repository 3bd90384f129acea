// SPDX-License-Identifier: GPL-2.0
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/reading.h"
#include "ledger/file.h"

/* A folder that is none would answer every question with nothing. */
static int open_ledger(const char *dir)
{
	am_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct am_listing listing;
	bool empty;
	int r = fd < 0 ? -errno : am_listing_read(fd, false, &listing);

	if (r < 0)
		return r;
	empty = !listing.count;
	am_listing_done(&listing);
	return empty ? -ENODATA : AM_TAKE_FD(fd);
}

int am_source_open(const char *dir, FILE *err)
{
	int r = open_ledger(dir ? dir : AM_LEDGER_DIR);

	if (r >= 0)
		return r;
	(void)fputs("error: cannot open the ledger '", err);
	am_text_print(err, dir ? dir : AM_LEDGER_DIR);
	(void)fprintf(err, "': %s\n", r == -ENODATA ? "there is no segment of one in it" : strerror(-r));
	if (r == -ENOENT || r == -ENOTDIR || r == -ENODATA)
		(void)fputs("  hint: Name its folder by --ledger; the agent's is " AM_LEDGER_DIR ".\n",
			    err);
	if (r == -EACCES)
		(void)fputs("  hint: The record holds names and paths; only root reads it.\n", err);
	return r;
}

int am_source_borrow(const struct am_cmd_line *line, const char *dir)
{
	int r;

	if (dir)
		return am_source_open(dir, line->err);
	r = am_reading_borrow(line);
	if (r >= 0)
		return r;
	if (r == -ENOENT || r == -ECONNREFUSED)
		return am_source_open(NULL, line->err);
	if (geteuid() == 0) {
		(void)fputs("note: this reading is not recorded; the ledger's folder is read\n",
			    line->err);
		return am_source_open(NULL, line->err);
	}
	if (r != -EACCES)
		(void)fprintf(line->err, "error: cannot ask the agent for the ledger: %s\n",
			      strerror(-r));
	return r;
}
