// SPDX-License-Identifier: GPL-2.0
/* Preloaded into an agent, so that it believes to have synced and has not: power cuts must show
 * that, or they show nothing. */
int fsync(int fd);
int fdatasync(int fd);

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}
