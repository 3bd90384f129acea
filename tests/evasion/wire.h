/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors that go from process to process. */
#pragma once

#include <sys/types.h>

/* By SCM_RIGHTS over a Unix socket. 0, a descriptor, or -errno. */
int pass_fd(int socket, int fd);
int take_fd(int socket);
/* Out of another process's table. */
int steal_fd(pid_t pid, int fd);
