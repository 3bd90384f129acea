// SPDX-License-Identifier: GPL-2.0
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cmd.h"
#include "cli/reading.h"

int am_source_open(const char *dir, FILE *err)
{
	int fd = open(dir ? dir : AM_LEDGER_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -errno;

	if (fd >= 0)
		return fd;
	(void)fputs("error: cannot open the ledger '", err);
	am_text_print(err, dir ? dir : AM_LEDGER_DIR);
	(void)fprintf(err, "': %s\n", strerror(-r));
	if (r == -ENOENT || r == -ENOTDIR)
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
