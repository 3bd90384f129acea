// SPDX-License-Identifier: GPL-2.0
/* Code that a stranger brings into somebody else's program: LD_PRELOAD, LD_AUDIT, dlopen(). It
 * reads what that program may read and leaves it in the shared memory. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "technique.h"

/* What an auditing library must have. */
unsigned la_version(unsigned version);
unsigned la_version(unsigned version) { return version; }

static int read_into(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY);
	uint32_t i;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, a->loot, SECRET_LEN);
	for (i = 0; i < sizeof(a->note) - 1 && "by foreign code"[i]; i++)
		a->note[i] = "by foreign code"[i];
	if (n > 0)
		a->loot_size = n;
	close(fd);
	return 0;
}

__attribute__((constructor)) static void enter(void)
{
	const char *fd = getenv("FOREIGN_MEMORY"), *path = getenv("FOREIGN_FILE");
	struct arena *a;

	if (!fd || !path)
		return;
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
	if (a != MAP_FAILED && !a->loot_size)
		read_into(a, path);
	/* What the program itself would do now is another matter. */
	_exit(0);
}
