// SPDX-License-Identifier: GPL-2.0
/* Every call that reads, on a descriptor that the stranger was handed: closed at the open is
 * not closed enough. */
#include "technique.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/if_alg.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[FILE_SIZE] __attribute__((aligned(4096)));
static struct iovec iov[2] = { { buffer, 100 }, { buffer + 100, 100 } };

static int got(struct arena *a, ssize_t n)
{
	if (n < 0)
		return -errno;
	loot(a, buffer, n);
	return 0;
}

static int open_read(struct arena *a)
{
	return loot_path(a, a->file);
}

static int openat2_read(struct arena *a)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };

	return loot_fd(a, TRY(syscall(SYS_openat2, AT_FDCWD, a->file, &how, sizeof(how))));
}

static int open_rdwr_read(struct arena *a)
{
	return loot_fd(a, TRY(open(a->file, O_RDWR)));
}

static int read_given(struct arena *a) { return got(a, read(a->fd, buffer, 100)); }
static int pread_given(struct arena *a) { return got(a, pread(a->fd, buffer, 100, 0)); }
static int readv_given(struct arena *a) { return got(a, readv(a->fd, iov, 2)); }
static int preadv_given(struct arena *a) { return got(a, preadv(a->fd, iov, 2, 0)); }
static int preadv2_given(struct arena *a) { return got(a, preadv2(a->fd, iov, 2, -1, 0)); }

static int preadv2_nowait(struct arena *a)
{
	return got(a, preadv2(a->fd, iov, 2, 0, RWF_NOWAIT));
}

static int read_mid_block(struct arena *a)
{
	return got(a, pread(a->fd, buffer, 200, 4096 - 90));
}

static int read_twice(struct arena *a)
{
	/* The first call may be refused for another reason than the second. */
	if (read(a->fd, buffer, 100) < 0 && read(a->fd, buffer, 100) < 0)
		return -errno;
	return got(a, 100);
}

static int aio(struct arena *a, unsigned op, const void *p, size_t n)
{
	struct iocb cb = { .aio_lio_opcode = op, .aio_fildes = a->fd, .aio_buf = (unsigned long)p,
			   .aio_nbytes = n };
	struct iocb *list[] = { &cb };
	struct io_event event;
	aio_context_t ctx = 0;

	TRY(syscall(SYS_io_setup, 4, &ctx));
	TRY(syscall(SYS_io_submit, ctx, 1, list));
	TRY(syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL));
	if (event.res < 0)
		return event.res;
	return got(a, event.res);
}

static int aio_pread(struct arena *a) { return aio(a, IOCB_CMD_PREAD, buffer, 100); }
static int aio_preadv(struct arena *a) { return aio(a, IOCB_CMD_PREADV, iov, 2); }

static int direct_read(struct arena *a)
{
	TRY(fcntl(a->fd, F_SETFL, O_DIRECT));
	return got(a, pread(a->fd, buffer, 4096, 0));
}

static int drain(struct arena *a, int fd)
{
	return got(a, read(fd, buffer, sizeof(buffer)));
}

static int sendfile_to_pipe(struct arena *a)
{
	int p[2];

	TRY(pipe(p));
	TRY(sendfile(p[1], a->fd, NULL, 200));
	return drain(a, p[0]);
}

static int sendfile_to_socket(struct arena *a)
{
	int s[2];

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	TRY(sendfile(s[1], a->fd, NULL, 200));
	return drain(a, s[0]);
}

static int sendfile_to_file(struct arena *a)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0600));

	TRY(sendfile(fd, a->fd, NULL, 200));
	return loot_fd(a, fd);
}

static int splice_to_pipe(struct arena *a)
{
	int p[2];

	TRY(pipe(p));
	TRY(splice(a->fd, NULL, p[1], NULL, 200, 0));
	return drain(a, p[0]);
}

static int splice_then_tee(struct arena *a)
{
	int p[2], q[2];

	TRY(pipe(p));
	TRY(pipe(q));
	TRY(splice(a->fd, NULL, p[1], NULL, 200, 0));
	TRY(tee(p[0], q[1], 200, 0));
	return drain(a, q[0]);
}

static int splice_then_vmsplice(struct arena *a)
{
	int p[2];

	TRY(pipe(p));
	TRY(splice(a->fd, NULL, p[1], NULL, 200, 0));
	return got(a, vmsplice(p[0], iov, 2, 0));
}

static int copy_range(struct arena *a)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0600));

	TRY(copy_file_range(a->fd, NULL, fd, NULL, FILE_SIZE, 0));
	return loot_fd(a, fd);
}

/* The entry for 32-bit programs, which any program may use. */
static int compat_read(struct arena *a)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			 -1, 0);
	long n;

	if (low == MAP_FAILED)
		return -errno;
	__asm__ volatile("int $0x80" : "=a"(n)
			 : "a"(3), "b"(a->fd), "c"(low), "d"(100) : "memory", "r8", "r9", "r10", "r11");
	if (n < 0)
		return n;
	loot(a, low, n);
	return 0;
}

static int compat_open(struct arena *a)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			 -1, 0);
	long fd;

	if (low == MAP_FAILED)
		return -errno;
	strcpy(low, a->file);
	__asm__ volatile("int $0x80" : "=a"(fd)
			 : "a"(5), "b"(low), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
	return fd < 0 ? (int)fd : loot_fd(a, fd);
}

enum { CIPHERED = 256 };

/* Undoes in place what a cipher does that was told nothing: it deciphers. */
static int encipher(int fd, char *data)
{
	char control[CMSG_SPACE(sizeof(uint32_t))] = { 0 };
	struct iovec part = { data, CIPHERED };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	const uint32_t op = ALG_OP_ENCRYPT;

	*c = (struct cmsghdr){ .cmsg_level = SOL_ALG, .cmsg_type = ALG_SET_OP,
			       .cmsg_len = CMSG_LEN(sizeof(op)) };
	memcpy(CMSG_DATA(c), &op, sizeof(op));
	TRY(sendmsg(fd, &m, 0));
	return TRY(read(fd, data, CIPHERED));
}

/* The kernel's own ciphers as the reader. */
static int sendfile_to_cipher(struct arena *a)
{
	struct sockaddr_alg alg = { .salg_family = AF_ALG, .salg_type = "skcipher",
				    .salg_name = "ecb(aes)" };
	int cipher = TRY(socket(AF_ALG, SOCK_SEQPACKET, 0)), fd;

	TRY(bind(cipher, (struct sockaddr *)&alg, sizeof(alg)));
	TRY(setsockopt(cipher, SOL_ALG, ALG_SET_KEY, "an attacker's key", 16));
	fd = TRY(accept(cipher, NULL, NULL));
	TRY(sendfile(fd, a->fd, NULL, CIPHERED));
	/* No more: it would wait for more. */
	TRY(read(fd, buffer, CIPHERED));
	return got(a, encipher(TRY(accept(cipher, NULL, NULL)), buffer));
}

static int list_names(struct arena *a)
{
	DIR *d = opendir(a->file);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)))
		loot(a, e->d_name, strlen(e->d_name));
	closedir(d);
	return a->loot_size ? 0 : -errno;
}

static int list_names_given(struct arena *a)
{
	ssize_t n = TRY(syscall(SYS_getdents64, a->fd, buffer, sizeof(buffer)));

	loot(a, buffer, n);
	return 0;
}

/* Guesses are free where an answer is told by "these blocks are the same". */
static int dedupe_oracle(struct arena *a)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} d = { .range = { .src_length = 4096, .dest_count = 1 } };
	int guess = TRY(open(outside(a, "guess"), O_RDWR | O_CREAT, 0600));
	size_t at;

	memset(buffer, '\n', sizeof(buffer));
	for (at = 0; at + SECRET_LEN < sizeof(buffer); at += SECRET_LEN + 1)
		memcpy(buffer + at, a->secret, SECRET_LEN);
	TRY(write(guess, buffer, sizeof(buffer)));
	fsync(guess);
	d.info.dest_fd = a->fd;
	TRY(ioctl(guess, FIDEDUPERANGE, &d));
	if (d.info.status < 0)
		return d.info.status;
	if (d.info.status == FILE_DEDUPE_RANGE_SAME)
		loot(a, a->secret, SECRET_LEN);
	return 0;
}

#define GET(call, ...) { .name = #call, .goal = GOAL_GET, .act = call, ##__VA_ARGS__ }
#define GIVEN(call) GET(call, .flags = WITH_FD)

static const struct technique list[] = {
	GET(open_read), GET(openat2_read), GET(open_rdwr_read),
	GIVEN(read_given), GIVEN(pread_given), GIVEN(readv_given), GIVEN(preadv_given),
	GIVEN(preadv2_given), GIVEN(preadv2_nowait), GIVEN(read_mid_block), GIVEN(read_twice),
	GIVEN(aio_pread), GIVEN(aio_preadv), GIVEN(direct_read),
	GIVEN(sendfile_to_pipe), GIVEN(sendfile_to_socket), GIVEN(sendfile_to_file),
	GIVEN(splice_to_pipe), GIVEN(splice_then_tee), GIVEN(splice_then_vmsplice),
	GIVEN(copy_range), GIVEN(sendfile_to_cipher),
	GIVEN(compat_read), GET(compat_open),
	GET(list_names, .flags = FILE_IS_FOLDER),
	GET(list_names_given, .flags = WITH_FD | FILE_IS_FOLDER),
	GET(dedupe_oracle, .flags = WITH_FD | ON_BTRFS),
};

FAMILY(read, list);
