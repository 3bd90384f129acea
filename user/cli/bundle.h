/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs of `amanat policy` that make, sign and look at bundles. argv[0] is the verb.
 * Each returns an am_exit. */
#pragma once

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
