/* SPDX-License-Identifier: GPL-2.0 */
/* Has the kernel side tell all repeats that were only counted so far, of every thread. */
#pragma once

struct am_engine;

/* Also once the hooks are detached: then nothing is counted any more that is not told. What
 * finds no room in the ring stays counted. 0 or -errno. */
int am_engine_sweep(struct am_engine *e);
