/* SPDX-License-Identifier: GPL-2.0 */
/* What a service of systemd starts: its ExecStart= lines in force, from the unit file and
 * the drop-ins beside it, read as systemd.unit(5) and systemd.service(5) describe. Nothing
 * is asked of a running systemd, and nothing is run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct am_unit {
	char *name;		/* owned: "sim-desk.service" */
	char **starts;		/* owned, as are they: values of ExecStart= */
	size_t n_starts;
	bool has_root;		/* RootDirectory= or RootImage= */
};

/* Folders that hold units, the first wins; ends with NULL. */
extern const char *const am_unit_folders[];

/* `what` is a name, looked for in `folders`, or a path of a unit file, whose drop-ins are
 * then not looked for. Drop-ins called `own` are left out. 0; -ENOENT; -EINVAL if it is the
 * name of no service; another -errno. *ret is owned. */
int am_unit_read(const char *what, const char *const *folders, const char *own,
		 struct am_unit **ret);

void am_unit_free(struct am_unit *u);
AM_DEFINE_AUTO(am_unit);

/* An ExecStart= value in its parts. `command` begins with the name of the program. */
struct am_unit_start {
	char prefix[8];		/* "-", "+", ... without "@" */
	const char *argv0;	/* of "@": the word behind the program, as written; else NULL */
	size_t argv0_len;
	const char *program;	/* as written, with quotes */
	size_t program_len;
	const char *rest;	/* the arguments, as written */
};

/* 0; -EINVAL: there is no program; -ENOTSUP: several commands in one line. */
int am_unit_split(const char *start, struct am_unit_start *ret);
