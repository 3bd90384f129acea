// SPDX-License-Identifier: GPL-2.0
/* The least program there can be, so that a fork and exec of it is mostly that:
 * linked without libc, it ends. */
#include <sys/syscall.h>

void _start(void);

void _start(void)
{
	__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(0) : "rcx", "r11", "memory");
	__builtin_unreachable();
}
