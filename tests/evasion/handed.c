// SPDX-License-Identifier: GPL-2.0
/* What was read is handed on by memory: the memory of another, put there by userfaultfd; buffers
 * and rings that two processes map; samples and probes, by which a stranger has the kernel look
 * into whoever reads; threads of the kernel that send it. */
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/memfd.h>
#include <linux/perf_event.h>
#include <linux/udmabuf.h>
#include <linux/userfaultfd.h>
#include <linux/vhost.h>
#include <linux/virtio_ring.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int made, answer[2];

/* ---- into the memory of another ---------------------------------------------------------- */

/* A stranger who has given away the right to fill a page of his. He shares his descriptors, so
 * that what he makes here is passed on to both parties. */
static int hold_page(struct arena *a)
{
	struct uffdio_register region = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	unsigned char there = 0;
	char *page;

	be_stranger(a);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	made = TRY(syscall(SYS_userfaultfd, O_CLOEXEC));
	TRY(ioctl(made, UFFDIO_API, &api));
	region.range = (struct uffdio_range){ (unsigned long)page, PAGE };
	TRY(ioctl(made, UFFDIO_REGISTER, &region));
	a->word[0] = made;
	a->word[1] = (unsigned long)page;
	TRY(write(answer[1], "r", 1));
	turn_wait(a, 1);
	/* Nobody has filled it: looking at it would wait for ever. */
	if (!mincore(page, PAGE, &there) && (there & 1))
		loot(a, page, 200);
	TRY(write(answer[1], "l", 1));
	return 0;
}

static int make_page(struct arena *a)
{
	struct pollfd p = { .events = POLLIN };
	char c;

	TRY(pipe(answer));
	if (!TRY(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0)))
		_exit(-hold_page(a));
	p.fd = answer[0];
	if (poll(&p, 1, 3000) <= 0)
		return -ETIMEDOUT;
	TRY(read(answer[0], &c, 1));
	return 0;
}

static int push_page(struct arena *a, const char *data, size_t size)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_copy copy = { .dst = a->word[1], .src = (unsigned long)page, .len = PAGE };

	memcpy(page, data, size);
	TRY(ioctl(a->word[0], UFFDIO_COPY, &copy));
	return 0;
}

static int pull_page(struct arena *a)
{
	struct pollfd p = { .fd = answer[0], .events = POLLIN };

	return poll(&p, 1, patience(a) + 300) > 0 ? 0 : -ETIMEDOUT;
}

/* ---- memory that both map, after it was read ---------------------------------------------- */

static int put_mapped(int fd, off_t at, const char *data, size_t size)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);

	if (p == MAP_FAILED)
		return -errno;
	memcpy(p, data, size);
	return 0;
}

static int loot_mapped(struct arena *a, int fd, off_t at)
{
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, at);

	if (p == MAP_FAILED)
		return -errno;
	loot(a, p, 512);
	return 0;
}

static int make_ring(struct arena *a)
{
	struct io_uring_params p = {};

	(void)a;
	made = TRY(syscall(SYS_io_uring_setup, 64, &p));
	return 0;
}

static int push_ring(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return put_mapped(made, IORING_OFF_SQES, data, size);
}

static int pull_ring(struct arena *a) { return loot_mapped(a, made, IORING_OFF_SQES); }

static int make_array(struct arena *a)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64,
				.max_entries = 1, .map_flags = BPF_F_MMAPABLE };

	(void)a;
	made = TRY(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
	return 0;
}

static int make_secret_memory(struct arena *a)
{
	(void)a;
	made = TRY(syscall(SYS_memfd_secret, 0));
	TRY(ftruncate(made, PAGE));
	return 0;
}

static int push_made(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return put_mapped(made, 0, data, size);
}

static int pull_made(struct arena *a) { return loot_mapped(a, made, 0); }

/* Pages of a file in memory, mapped past the file. */
static int make_sealed(struct arena *a)
{
	(void)a;
	made = TRY(memfd_create("buffer", MFD_ALLOW_SEALING));
	TRY(ftruncate(made, PAGE));
	TRY(fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK));
	return 0;
}

static int push_file(struct arena *a, const char *data, size_t size)
{
	(void)a;
	TRY(pwrite(made, data, size, 0));
	return 0;
}

static int pull_buffer(struct arena *a)
{
	struct udmabuf_create c = { .memfd = made, .flags = UDMABUF_FLAGS_CLOEXEC, .size = PAGE };
	int device = TRY(open("/dev/udmabuf", O_RDWR));

	return loot_mapped(a, TRY(ioctl(device, UDMABUF_CREATE, &c)), 0);
}

static int pull_buffer_of_two(struct arena *a)
{
	struct {
		struct udmabuf_create_list head;
		struct udmabuf_create_item items[2];
	} c = { .head = { .flags = UDMABUF_FLAGS_CLOEXEC, .count = 2 } };
	int device = TRY(open("/dev/udmabuf", O_RDWR)), other, fd;

	other = TRY(memfd_create("other", MFD_ALLOW_SEALING));
	TRY(ftruncate(other, PAGE));
	TRY(fcntl(other, F_ADD_SEALS, F_SEAL_SHRINK));
	c.items[0] = (struct udmabuf_create_item){ .memfd = other, .size = PAGE };
	c.items[1] = (struct udmabuf_create_item){ .memfd = made, .size = PAGE };
	fd = TRY(ioctl(device, UDMABUF_CREATE_LIST, &c));
	return loot_mapped(a, fd, PAGE);
}

/* ---- samples and probes ---------------------------------------------------------------------- */

static char held[64];

/* Who has read goes on working, with what he read on his stack. */
static int work(struct arena *a)
{
	volatile char on_stack[sizeof(held)];
	int sink = open("/dev/null", O_WRONLY);
	size_t i;

	for (i = 0; i < sizeof(held); i++)
		on_stack[i] = held[i];
	a->word[0] = getpid();
	turn_set(a, 1);
	while (a->turn < 2)
		if (write(sink, held, SECRET_LEN) < 0)
			return -errno;
	return on_stack[0];
}

static int push_work(struct arena *a, const char *data, size_t size)
{
	memcpy(held, data, size);
	spawn(a, work);
	turn_wait(a, 1);
	return 0;
}

enum { SAMPLE_PAGES = 32 };

static int loot_samples(struct arena *a, int fd)
{
	char *p = mmap(NULL, (1 + SAMPLE_PAGES) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int rounds = 20;

	if (p == MAP_FAILED)
		return -errno;
	while (rounds-- && !memmem(p + PAGE, SAMPLE_PAGES * PAGE, MARK, sizeof(MARK) - 1))
		if (poll(&ready, 1, 100) < 0)
			return -errno;
	loot(a, p + PAGE, SAMPLE_PAGES * PAGE);
	return 0;
}

static int sample(struct arena *a, pid_t pid, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 1000000,
		.sample_type = PERF_SAMPLE_STACK_USER | PERF_SAMPLE_REGS_USER,
		.sample_regs_user = 0xff, .sample_stack_user = 4096, .wakeup_events = 1,
	};

	return loot_samples(a, TRY(syscall(SYS_perf_event_open, &attr, pid, cpu, -1, 0)));
}

static int pull_samples(struct arena *a) { return sample(a, a->word[0], -1); }
static int pull_all_samples(struct arena *a) { return sample(a, -1, 0); }

#define TRACING "/sys/kernel/tracing/"

static int tell(const char *path, const char *text)
{
	int fd = TRY(open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
	ssize_t n = write(fd, text, strlen(text));
	int r = n < 0 ? -errno : 0;

	close(fd);
	return r;
}

static int loot_trace(struct arena *a)
{
	static char all[1 << 16];
	struct pollfd p = { .fd = TRY(open(TRACING "trace_pipe", O_RDONLY | O_NONBLOCK)),
			    .events = POLLIN };
	int rounds = 200;	/* an emulated machine takes its time */

	while (rounds-- && !a->loot_size) {
		ssize_t n;

		poll(&p, 1, 100);
		n = read(p.fd, all, sizeof(all));
		if (n > 0 && memmem(all, n, MARK, sizeof(MARK) - 1))
			loot(a, all, n);
	}
	close(p.fd);
	return 0;
}

/* What is left of one that was killed, in the trace as well. */
static void end_probes(const char *file)
{
	int trace = open(TRACING "trace", O_WRONLY | O_TRUNC);

	tell(TRACING "events/evasion/writes/enable", "0");
	tell(TRACING "events/syscalls/sys_enter_write/enable", "0");
	tell(file, "-:evasion/writes\n");
	if (trace >= 0)
		close(trace);
}

/* The second argument of write(2), as text, of whoever calls it. */
#define PROBE "p:evasion/writes __x64_sys_write text=+0(+104(%di)):ustring\n"

static int probe(struct arena *a, const char *file)
{
	int r;

	end_probes(file);
	PASS_ON(tell(file, PROBE));
	r = tell(TRACING "events/evasion/writes/enable", "1");
	if (!r)
		r = loot_trace(a);
	end_probes(file);
	return r;
}

static int pull_probe(struct arena *a) { return probe(a, TRACING "kprobe_events"); }
static int pull_dynamic_probe(struct arena *a) { return probe(a, TRACING "dynamic_events"); }

/* From Linux 6.19 on the kernel's own trace of calls has the first bytes of buffers. */
static int pull_traced_calls(struct arena *a)
{
	int r;

	TRY(access(TRACING "syscall_user_buf_size", R_OK));
	end_probes(TRACING "kprobe_events");
	PASS_ON(tell(TRACING "events/syscalls/sys_enter_write/enable", "1"));
	r = loot_trace(a);
	end_probes(TRACING "kprobe_events");
	return r;
}

/* ---- a worker of the kernel ------------------------------------------------------------------- */

enum { HEADER = 10, FRAME = 128, TRANSMIT = 1, SLOTS = 2 };

static int tap_open(void)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
			   .ifr_name = "evasion%d" };
	int fd = TRY(open("/dev/net/tun", O_RDWR)), s = TRY(socket(AF_INET, SOCK_DGRAM, 0));

	TRY(ioctl(fd, TUNSETIFF, &r));
	TRY(ioctl(s, SIOCGIFFLAGS, &r));
	r.ifr_flags |= IFF_UP;
	TRY(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
	return fd;
}

/* The queue that the worker empties, with one frame in it. */
static void fill_queue(char *pages, struct vring *v, const char *data, size_t size)
{
	char *frame = pages + 2 * PAGE;

	vring_init(v, SLOTS, pages, PAGE);
	memset(frame + HEADER, 0xff, 6);	/* to everybody */
	frame[HEADER + 12] = (char)0x88;	/* a protocol for experiments */
	frame[HEADER + 13] = (char)0xb5;
	memcpy(frame + HEADER + 14, data, size);
	v->desc[0] = (struct vring_desc){ .addr = (unsigned long)frame, .len = FRAME };
	v->avail->ring[0] = 0;
	v->avail->idx = 1;
}

static int set_up_worker(int vhost, const char *pages, const struct vring *v, int kick)
{
	struct vhost_vring_state state = { .index = TRANSMIT, .num = SLOTS };
	struct vhost_vring_file file = { .index = TRANSMIT, .fd = kick };
	struct vhost_vring_addr at = {
		.index = TRANSMIT, .desc_user_addr = (unsigned long)v->desc,
		.avail_user_addr = (unsigned long)v->avail, .used_user_addr = (unsigned long)v->used,
	};
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} memory = { .head.nregions = 1, .region = { (unsigned long)pages, 4 * PAGE,
						     (unsigned long)pages, 0 } };
	uint64_t features = 0;

	TRY(ioctl(vhost, VHOST_SET_OWNER));
	TRY(ioctl(vhost, VHOST_SET_FEATURES, &features));
	TRY(ioctl(vhost, VHOST_SET_MEM_TABLE, &memory));
	TRY(ioctl(vhost, VHOST_SET_VRING_NUM, &state));
	state.num = 0;
	TRY(ioctl(vhost, VHOST_SET_VRING_BASE, &state));
	TRY(ioctl(vhost, VHOST_SET_VRING_ADDR, &at));
	TRY(ioctl(vhost, VHOST_SET_VRING_KICK, &file));
	return 0;
}

static int load_vhost(struct arena *a)
{
	(void)a;
	return system("modprobe -a tun vhost_net 2>/dev/null") ? -ENODEV : 0;
}

static int push_vhost(struct arena *a, const char *data, size_t size)
{
	char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	struct vhost_vring_file tap = { .index = TRANSMIT, .fd = PASS_ON(tap_open()) };
	int vhost = TRY(open("/dev/vhost-net", O_RDWR)), kick = TRY(eventfd(0, 0)), rounds = 100;
	struct vring v;

	(void)a;
	fill_queue(pages, &v, data, size);
	PASS_ON(set_up_worker(vhost, pages, &v, kick));
	TRY(ioctl(vhost, VHOST_NET_SET_BACKEND, &tap));
	TRY(eventfd_write(kick, 1));
	while (rounds-- && !*(volatile uint16_t *)&v.used->idx)
		poll(NULL, 0, 10);
	return 0;
}

static const struct technique list[] = {
	PASS(page_put_into_memory, make_page, push_page, pull_page),
	PASS(ring_mapped, make_ring, push_ring, pull_ring),
	PASS(bpf_map_mapped, make_array, push_made, pull_made),
	PASS(secret_memory, make_secret_memory, push_made, pull_made),
	PASS(device_buffer, make_sealed, push_file, pull_buffer),
	PASS(device_buffer_of_two, make_sealed, push_file, pull_buffer_of_two),
	PASS(stack_sampled, NULL, push_work, pull_samples),
	PASS(stack_sampled_by_cpu, NULL, push_work, pull_all_samples),
	ALTERS(probed, push_work, pull_probe), ALTERS(probed_otherwise, push_work, pull_dynamic_probe),
	ALTERS(calls_traced, push_work, pull_traced_calls),
	{ .name = "vhost_worker", .goal = GOAL_SEND, .flags = ALTERS_HOST,
	  .setup = load_vhost, .push = push_vhost },
};

FAMILY(handed, list);
