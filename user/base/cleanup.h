/* SPDX-License-Identifier: GPL-2.0 */
/* Scope-bound ownership: an owned local cleans itself up at the end of its
 * scope unless it was taken out with AM_TAKE_PTR() or AM_TAKE_FD(). */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For `void am_x_free(struct am_x *)`: allows `am_auto(am_x) struct am_x *x = NULL;` */
#define AM_DEFINE_AUTO(type)                                  \
	static inline void type##_auto_(struct type **p)      \
	{                                                     \
		type##_free(*p);                              \
	}                                                     \
	struct type

#define am_auto(type) __attribute__((cleanup(type##_auto_)))
#define am_autofree __attribute__((cleanup(am_free_auto_)))
#define am_autoclose __attribute__((cleanup(am_close_auto_)))
#define am_autofclose __attribute__((cleanup(am_fclose_auto_)))

#define AM_TAKE_PTR(p)                          \
	({                                      \
		__typeof__(p) taken_ = (p);     \
		(p) = NULL;                     \
		taken_;                         \
	})
#define AM_TAKE_FD(fd)                          \
	({                                      \
		int taken_ = (fd);              \
		(fd) = -1;                      \
		taken_;                         \
	})

static inline void am_free_auto_(void *p)
{
	free(*(void **)p);
}

static inline void am_close_auto_(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing to do about a failure here; writers fsync first */
}

static inline void am_fclose_auto_(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* likewise */
}
