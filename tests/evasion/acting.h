/* SPDX-License-Identifier: GPL-2.0 */
/* What techniques execute: the same program under `as`, sometimes under another name. */
#pragma once

int act_as(int argc, char **argv);
