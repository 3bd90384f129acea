/* SPDX-License-Identifier: GPL-2.0 */
/* The version of the programs, as --version and every JSON event tell it. */
#pragma once

#define AM_VERSION "0.1.0"
