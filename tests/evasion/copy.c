// SPDX-License-Identifier: GPL-2.0
/* From who may read to a stranger of the same host: copies, pipes, sockets, queues, shared
 * memory, and processes that become somebody else after they have read. */
#include "ring.h"
#include "technique.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int ends[2], more[2];
static char buffer[4096] __attribute__((aligned(4096)));
static char *memory;

static int put(int fd, const char *data, size_t size)
{
	TRY(write(fd, data, size));
	return 0;
}

static int store_fd(struct arena *a) { return TRY(open(a->file, O_RDONLY | O_CLOEXEC)); }

/* ---- files ---------------------------------------------------------------------- */

static int copy_out(struct arena *a, const char *data, size_t size)
{
	return write_path(outside(a, "copy"), data, size);
}

static int read_copy(struct arena *a) { return loot_path(a, outside(a, "copy")); }

static int make_copy(struct arena *a) { return write_path(outside(a, "copy"), "", 0); }

static int copy_sendfile(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0666));

	(void)data;
	TRY(sendfile(fd, PASS_ON(store_fd(a)), NULL, size));
	return 0;
}

static int copy_range(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0666));

	(void)data;
	TRY(copy_file_range(PASS_ON(store_fd(a)), NULL, fd, NULL, size, 0));
	return 0;
}

static int copy_mapped(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0666));

	TRY(ftruncate(fd, 4096));
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, data, size);
	return 0;
}

/* Mapped before anything was read. */
static int map_copy(struct arena *a)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0666));

	TRY(ftruncate(fd, 4096));
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? -errno : 0;
}

static int poke(struct arena *a, const char *data, size_t size)
{
	(void)a;
	memcpy(memory, data, size);
	return 0;
}

static int copy_unnamed(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open(a->out, O_TMPFILE | O_RDWR, 0666));
	char path[64];

	PASS_ON(put(fd, data, size));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	TRY(linkat(AT_FDCWD, path, AT_FDCWD, outside(a, "copy"), AT_SYMLINK_FOLLOW));
	return 0;
}

static int copy_moved(struct arena *a, const char *data, size_t size)
{
	PASS_ON(write_path(outside(a, "first"), data, size));
	TRY(rename(outside(a, "first"), outside(a, "copy")));
	return 0;
}

static int copy_by_program(struct arena *a, const char *data, size_t size)
{
	char command[400];

	(void)data;
	(void)size;
	snprintf(command, sizeof(command), "exec cp %s %s", a->file, outside(a, "copy"));
	return system(command) ? -EACCES : 0;
}

static int copy_archived(struct arena *a, const char *data, size_t size)
{
	char command[600];

	(void)data;
	(void)size;
	snprintf(command, sizeof(command), "cd %s && exec tar cf %s %s 2>/dev/null", a->store,
		 outside(a, "copy"), strrchr(a->file, '/') + 1);
	return system(command) ? -EACCES : 0;
}

static int read_archive(struct arena *a)
{
	char command[400];

	snprintf(command, sizeof(command), "tar xOf %s >%s 2>/dev/null", outside(a, "copy"),
		 outside(a, "extracted"));
	if (system(command))
		return -EACCES;
	return loot_path(a, outside(a, "extracted"));
}

static int copy_uring(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0666));
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_WRITE, fd, data, size)->flags = IOSQE_ASYNC;
	return ring_run(&r, 1);
}

static int copy_twice(struct arena *a, const char *data, size_t size)
{
	char command[500];

	PASS_ON(write_path(outside(a, "first"), data, size));
	snprintf(command, sizeof(command), "cat %s | tr -d '\\0' >%s", outside(a, "first"),
		 outside(a, "copy"));
	return system(command) ? -EACCES : 0;
}

static int copy_uncached(struct arena *a, const char *data, size_t size)
{
	int fd;

	PASS_ON(copy_out(a, data, size));
	sync();
	fd = TRY(open("/proc/sys/vm/drop_caches", O_WRONLY));
	TRY(write(fd, "3", 1));
	return 0;
}

static int make_memory_file(struct arena *a)
{
	(void)a;
	ends[0] = ends[1] = TRY(memfd_create("copy", 0));
	return 0;
}

static int put_end(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return put(ends[1], data, size);
}

static int read_end_file(struct arena *a) { return loot_fd(a, ends[0]); }

static int reopen_end_file(struct arena *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	return loot_path(a, path);
}

static const char *shm_name(const struct arena *a)
{
	static char name[64];

	snprintf(name, sizeof(name), "/evasion-%s", a->secret + sizeof(MARK) + 20);
	return name;
}

static int copy_tmpfs(struct arena *a, const char *data, size_t size)
{
	return put(TRY(shm_open(shm_name(a), O_RDWR | O_CREAT, 0666)), data, size);
}

static int read_tmpfs(struct arena *a)
{
	int fd = TRY(shm_open(shm_name(a), O_RDONLY, 0)), r = loot_fd(a, fd);

	shm_unlink(shm_name(a));
	return r;
}

/* ---- pipes and sockets -------------------------------------------------------------- */

static int make_pipe(struct arena *a) { (void)a; TRY(pipe(ends)); return 0; }
static int read_end(struct arena *a) { return loot_wait(a, ends[0]); }

static int make_pipes(struct arena *a) { PASS_ON(make_pipe(a)); TRY(pipe(more)); return 0; }
static int read_more(struct arena *a) { return loot_wait(a, more[0]); }

static int pipe_sendfile(struct arena *a, const char *data, size_t size)
{
	(void)data;
	TRY(sendfile(ends[1], PASS_ON(store_fd(a)), NULL, size));
	return 0;
}

static int pipe_splice(struct arena *a, const char *data, size_t size)
{
	(void)data;
	TRY(splice(PASS_ON(store_fd(a)), NULL, ends[1], NULL, size, 0));
	return 0;
}

/* By way of a pipe of his own, from which it is moved without being read. */
static int pipe_to_pipe(struct arena *a, const char *data, size_t size)
{
	PASS_ON(pipe_splice(a, data, size));
	TRY(splice(ends[0], NULL, more[1], NULL, size, 0));
	return 0;
}

static int pipe_tee(struct arena *a, const char *data, size_t size)
{
	PASS_ON(put_end(a, data, size));
	TRY(tee(ends[0], more[1], size, 0));
	return 0;
}

static int pipe_uring_tee(struct arena *a, const char *data, size_t size)
{
	struct ring r;

	PASS_ON(put_end(a, data, size));
	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_TEE, more[1], NULL, size)->splice_fd_in = ends[0];
	return ring_run(&r, 1);
}

static int pipe_vmsplice(struct arena *a, const char *data, size_t size)
{
	struct iovec iov = { buffer, size };

	(void)a;
	memcpy(buffer, data, size);
	TRY(vmsplice(ends[1], &iov, 1, 0));
	return 0;
}

static int pipe_uring_write(struct arena *a, const char *data, size_t size)
{
	struct ring r;

	(void)a;
	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_WRITE, ends[1], data, size)->off = -1;
	return ring_run(&r, 1);
}

static int pull_vmsplice(struct arena *a)
{
	struct iovec iov = { buffer, 200 };
	ssize_t n = TRY(vmsplice(ends[0], &iov, 1, SPLICE_F_NONBLOCK));

	loot(a, buffer, n);
	return 0;
}

static int pull_splice(struct arena *a)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0600));

	TRY(splice(ends[0], NULL, fd, NULL, 200, SPLICE_F_NONBLOCK));
	return loot_fd(a, fd);
}

static int make_fifo(struct arena *a)
{
	TRY(mkfifo(outside(a, "copy"), 0666));
	ends[0] = TRY(open(outside(a, "copy"), O_RDWR));
	return 0;
}

static int read_fifo(struct arena *a)
{
	return loot_wait(a, TRY(open(outside(a, "copy"), O_RDWR)));
}

static int make_stream(struct arena *a) { (void)a; TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)); return 0; }
static int make_dgram(struct arena *a) { (void)a; TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)); return 0; }

static int socket_sendfile(struct arena *a, const char *data, size_t size)
{
	return pipe_sendfile(a, data, size);
}

static int unix_name(const struct arena *a, struct sockaddr_un *name, bool abstract)
{
	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (abstract)
		return offsetof(struct sockaddr_un, sun_path) +
		       sprintf(name->sun_path + 1, "%s", shm_name(a)) + 1;
	if (snprintf(name->sun_path, sizeof(name->sun_path), "%s/%s", a->bin, shm_name(a) + 1) >=
	    (int)sizeof(name->sun_path))
		name->sun_path[0] = 0;
	return sizeof(*name);
}

static int listen_unix(struct arena *a, bool abstract)
{
	struct sockaddr_un name;
	int size = unix_name(a, &name, abstract);

	ends[0] = TRY(socket(AF_UNIX, SOCK_STREAM, 0));
	TRY(bind(ends[0], (struct sockaddr *)&name, size));
	TRY(listen(ends[0], 1));
	return 0;
}

static int connect_unix(struct arena *a, const char *data, size_t size, bool abstract)
{
	struct sockaddr_un name;
	int length = unix_name(a, &name, abstract), fd = TRY(socket(AF_UNIX, SOCK_STREAM, 0));

	TRY(connect(fd, (struct sockaddr *)&name, length));
	return put(fd, data, size);
}

static int listen_name(struct arena *a) { return listen_unix(a, false); }
static int listen_abstract(struct arena *a) { return listen_unix(a, true); }

static int connect_name(struct arena *a, const char *data, size_t size)
{
	return connect_unix(a, data, size, false);
}

static int connect_abstract(struct arena *a, const char *data, size_t size)
{
	return connect_unix(a, data, size, true);
}

static int accept_end(struct arena *a)
{
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return loot_wait(a, TRY(accept(ends[0], NULL, NULL)));
}

static int make_pty(struct arena *a)
{
	struct termios raw;

	(void)a;
	ends[0] = TRY(posix_openpt(O_RDWR | O_NOCTTY));
	TRY(grantpt(ends[0]));
	TRY(unlockpt(ends[0]));
	ends[1] = TRY(open(ptsname(ends[0]), O_RDWR | O_NOCTTY));
	tcgetattr(ends[1], &raw);
	cfmakeraw(&raw);
	tcsetattr(ends[1], TCSANOW, &raw);
	return 0;
}

/* ---- queues and shared memory ------------------------------------------------------------ */

static int ipc;

static int make_shm(struct arena *a)
{
	(void)a;
	ipc = TRY(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666));
	return 0;
}

static int push_shm(struct arena *a, const char *data, size_t size)
{
	char *p = shmat(ipc, NULL, 0);

	(void)a;
	if (p == (void *)-1)
		return -errno;
	memcpy(p, data, size);
	return 0;
}

static int pull_shm(struct arena *a)
{
	char *p = shmat(ipc, NULL, SHM_RDONLY);

	if (p == (void *)-1)
		return -errno;
	loot(a, p, 200);
	return shmctl(ipc, IPC_RMID, NULL);
}

static int make_attached_shm(struct arena *a)
{
	PASS_ON(make_shm(a));
	memory = shmat(ipc, NULL, 0);
	shmctl(ipc, IPC_RMID, NULL);
	return memory == (void *)-1 ? -errno : 0;
}

static int make_shared(struct arena *a)
{
	(void)a;
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? -errno : 0;
}

static int make_shared_zero(struct arena *a)
{
	(void)a;
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		      TRY(open("/dev/zero", O_RDWR)), 0);
	return memory == MAP_FAILED ? -errno : 0;
}

static int look(struct arena *a) { loot(a, memory, 200); return 0; }

struct message {
	long type;
	char text[200];
};

static int make_msg(struct arena *a)
{
	(void)a;
	ipc = TRY(msgget(IPC_PRIVATE, IPC_CREAT | 0666));
	return 0;
}

static int push_msg(struct arena *a, const char *data, size_t size)
{
	struct message m = { 1, "" };

	(void)a;
	memcpy(m.text, data, size);
	TRY(msgsnd(ipc, &m, size, IPC_NOWAIT));
	return 0;
}

static int pull_msg(struct arena *a)
{
	struct message m;
	ssize_t n = msgrcv(ipc, &m, sizeof(m.text), 0, IPC_NOWAIT);
	int r = n < 0 ? -errno : 0;

	msgctl(ipc, IPC_RMID, NULL);
	if (!r)
		loot(a, m.text, n);
	return r;
}

static int make_mq(struct arena *a)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 200 };

	ends[0] = ends[1] = TRY(mq_open(shm_name(a), O_RDWR | O_CREAT | O_NONBLOCK, 0666, &attr));
	mq_unlink(shm_name(a));
	return 0;
}

static int push_mq(struct arena *a, const char *data, size_t size)
{
	(void)a;
	TRY(mq_send(ends[1], data, size, 0));
	return 0;
}

static int pull_mq(struct arena *a)
{
	ssize_t n = TRY(mq_receive(ends[0], buffer, sizeof(buffer), NULL));

	loot(a, buffer, n);
	return 0;
}

/* ---- another process's memory ---------------------------------------------------------------- */

static int push_writev(struct arena *a, const char *data, size_t size)
{
	struct iovec from = { (void *)data, size }, to = { buffer, size };

	TRY(process_vm_writev(a->peer, &from, 1, &to, 1, 0));
	return 0;
}

static int push_proc_mem(struct arena *a, const char *data, size_t size)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)a->peer);
	fd = TRY(open(path, O_RDWR));
	TRY(pwrite(fd, data, size, (off_t)(unsigned long)buffer));
	return 0;
}

static int look_buffer(struct arena *a) { loot(a, buffer, 200); return 0; }

/* ---- who reads, and becomes somebody else ------------------------------------------------------ */

static char known[256];

static int read_then_leave(struct arena *a)
{
	be_reader(a);
	PASS_ON(read_secret(a, known, SECRET_LEN));
	be_stranger(a);
	return 0;
}

/* What he knows, he knows; whether he may still send it is asked by who runs this. */
static int group_left(struct arena *a)
{
	PASS_ON(read_then_leave(a));
	loot(a, known, SECRET_LEN);
	return 0;
}

static int tell_known(struct arena *a)
{
	loot(a, known, SECRET_LEN);
	return 0;
}

static int group_left_by_child(struct arena *a)
{
	pid_t pid;
	int r;

	PASS_ON(read_then_leave(a));
	pid = spawn(a, tell_known);
	r = ended(pid);
	return r;
}

static int exec_teller(struct arena *a)
{
	char number[16], exe[200];

	snprintf(number, sizeof(number), "%d", a->memory);
	snprintf(exe, sizeof(exe), "%s/evasion", a->bin);
	execl(exe, exe, "as", "echo", number, known, NULL);
	return -errno;
}

static void *exec_from_thread(void *arg)
{
	exec_teller(arg);
	return NULL;
}

static int exec_by_leader(struct arena *a)
{
	PASS_ON(read_then_leave(a));
	return exec_teller(a);
}

static int exec_by_thread(struct arena *a)
{
	pthread_t thread;

	PASS_ON(read_then_leave(a));
	pthread_create(&thread, NULL, exec_from_thread, a);
	pthread_join(thread, NULL);
	return -EIO;
}

/* ---- two processes, one memory ------------------------------------------------------------------- */

static char stack[65536] __attribute__((aligned(64)));

static int read_there(void *arg)
{
	struct arena *a = arg;

	be_reader(a);
	/* By the calls themselves: the C library's state is the other's, too. */
	int fd = syscall(SYS_open, a->file, O_RDONLY);

	a->word[0] = syscall(SYS_read, fd, known, SECRET_LEN);
	return 0;
}

static int sibling_reads(struct arena *a, int flags)
{
	pid_t pid = TRY(clone(read_there, stack + sizeof(stack), flags | SIGCHLD, a));

	waitpid(pid, NULL, 0);
	loot(a, known, SECRET_LEN);
	return 0;
}

static int shared_memory_sibling(struct arena *a) { return sibling_reads(a, CLONE_VM); }
static int vfork_sibling(struct arena *a) { return sibling_reads(a, CLONE_VM | CLONE_VFORK); }

static void *read_in_thread(void *arg)
{
	struct arena *a = arg;
	gid_t group = GID_READER;
	int fd;

	/* The call itself is of one thread; the library's is of all. */
	syscall(SYS_setgroups, 1, &group);
	fd = open(a->file, O_RDONLY);
	a->word[0] = read(fd, known, SECRET_LEN);
	return NULL;
}

static int thread_reads(struct arena *a)
{
	pthread_t thread;

	pthread_create(&thread, NULL, read_in_thread, a);
	pthread_join(thread, NULL);
	loot(a, known, SECRET_LEN);
	return 0;
}

#define GET(call) { .name = #call, .goal = GOAL_GET, .act = call }

static const struct technique list[] = {
	PASS(file_new, NULL, copy_out, read_copy), PASS(file_old, make_copy, copy_out, read_copy),
	PASS(file_sendfile, NULL, copy_sendfile, read_copy),
	PASS(file_copy_range, NULL, copy_range, read_copy),
	PASS(file_mapped, NULL, copy_mapped, read_copy),
	PASS(file_mapped_before, map_copy, poke, read_copy),
	PASS(file_mapped_by_both, map_copy, poke, look),
	PASS(file_unnamed, NULL, copy_unnamed, read_copy),
	PASS(file_moved, NULL, copy_moved, read_copy), PASS(file_uring, NULL, copy_uring, read_copy),
	PASS(file_cp, NULL, copy_by_program, read_copy),
	PASS(file_tar, NULL, copy_archived, read_archive),
	PASS(file_twice, NULL, copy_twice, read_copy),
	{ .name = "file_uncached", .goal = GOAL_PASS, .flags = ALTERS_HOST, .push = copy_uncached,
	  .pull = read_copy },
	PASS(memory_file, make_memory_file, put_end, read_end_file),
	PASS(memory_file_reopened, make_memory_file, put_end, reopen_end_file),
	PASS(posix_shm, NULL, copy_tmpfs, read_tmpfs),
	PASS(pipe_write, make_pipe, put_end, read_end),
	PASS(pipe_sendfile, make_pipe, pipe_sendfile, read_end),
	PASS(pipe_splice, make_pipe, pipe_splice, read_end),
	PASS(pipe_to_pipe, make_pipes, pipe_to_pipe, read_more),
	PASS(pipe_tee, make_pipes, pipe_tee, read_more),
	PASS(pipe_uring_tee, make_pipes, pipe_uring_tee, read_more),
	PASS(pipe_uring_write, make_pipe, pipe_uring_write, read_end),
	PASS(pipe_vmsplice, make_pipe, pipe_vmsplice, read_end),
	PASS(pipe_pulled_by_vmsplice, make_pipe, put_end, pull_vmsplice),
	PASS(pipe_pulled_by_splice, make_pipe, put_end, pull_splice),
	PASS(pipe_splice_vmsplice, make_pipe, pipe_splice, pull_vmsplice),
	PASS(fifo, make_fifo, copy_out, read_fifo),
	PASS(socket_pair, make_stream, put_end, read_end),
	PASS(socket_pair_datagram, make_dgram, put_end, read_end),
	PASS(socket_pair_sendfile, make_stream, socket_sendfile, read_end),
	PASS(socket_name, listen_name, connect_name, accept_end),
	PASS(socket_abstract, listen_abstract, connect_abstract, accept_end),
	PASS(terminal_pair, make_pty, put_end, read_end),
	PASS(sysv_memory, make_shm, push_shm, pull_shm),
	PASS(sysv_memory_attached, make_attached_shm, poke, look),
	PASS(sysv_queue, make_msg, push_msg, pull_msg), PASS(posix_queue, make_mq, push_mq, pull_mq),
	PASS(shared_memory, make_shared, poke, look),
	PASS(shared_zero, make_shared_zero, poke, look),
	PASS(written_into_memory, NULL, push_writev, look_buffer),
	PASS(written_into_proc_mem, NULL, push_proc_mem, look_buffer),
	GET(group_left), GET(group_left_by_child), GET(exec_by_leader), GET(exec_by_thread),
	GET(shared_memory_sibling), GET(vfork_sibling), GET(thread_reads),
};

FAMILY(copy, list);
