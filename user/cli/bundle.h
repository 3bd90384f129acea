/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs of `amanat policy` that make, sign and look at bundles. argv[0] is the verb.
 * Each returns an am_exit. */
#pragma once

#include "policy/bundle.h"

#define AM_USAGE_COMPILE "amanat policy compile FILE -o BUNDLE --serial N [--rollback H]"
#define AM_USAGE_KEYGEN "amanat policy keygen -o NAME [-W | --password-file FILE]"
#define AM_USAGE_SIGN \
	"amanat policy sign BUNDLE -k SECRETKEY [--password-file FILE] [-o SIGNED]"
#define AM_USAGE_VERIFY \
	"amanat policy verify BUNDLE [-p PUBLICKEY | --keys DIR] [--min-serial N] [--json]"
#define AM_USAGE_SHOW "amanat policy show BUNDLE [--json]"

/* FILE as a bundle with the serial N. With --rollback it goes back: it is for hosts that
 * have had serial H, and undoes it. */
int am_cli_policy_compile(int argc, char **argv);

/* NAME.pub and NAME.key, as `minisign -G` makes them; -W: not encrypted. */
int am_cli_policy_keygen(int argc, char **argv);

/* BUNDLE.minisig, as `minisign -S` makes it; or, with -o, signature and bundle in one. */
int am_cli_policy_sign(int argc, char **argv);

/* Whether a host with these keys (/etc/amanat/keys) would believe the bundle. */
int am_cli_policy_verify(int argc, char **argv);

/* The text of a bundle, signed or not, believed or not. */
int am_cli_policy_show(int argc, char **argv);

/* ---- shared with others ----------------------------------------------------- */

/* The signature of a bundle's text. 0, and *ret is owned; -errno: told, or in `diags`. */
int am_cli_sign(const struct am_draft *d, const char *text, size_t len, const char *key_file,
		const char *password_file, struct am_diags *diags, char **ret);

/* Who must own the keys in `dir`; NULL is the host's. */
uid_t am_cli_keys_owner(const char *dir);

/* "--serial 12". AM_ARGS_GO, or told and the exit code. */
int am_cli_number(const char *option, const char *word, uint64_t *ret);

/* Prints the findings, and gives them up; `file` stands for what has no words of its own.
 * The exit code. */
int am_cli_finish(int err, const char *file, struct am_diags *diags);
