/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat policy ...`: what can be done with a policy file without the agent. */
#pragma once

/* argv[0] is "policy". The exit code: 0 yes, 1 the policy is refused, 2 usage. */
int am_cli_policy(int argc, char **argv);
