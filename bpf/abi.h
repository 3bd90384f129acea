/* SPDX-License-Identifier: GPL-2.0 */
/* The contract between the kernel side and the user side: every structure that
 * crosses a map or a ring buffer, and every number that both give a meaning to.
 *
 * Always true of it: fixed-width members, no padding (asserted at the end, by
 * both compilers), and every byte of a record determinate, since records are
 * hashed later on. A change here changes AM_ABI_VERSION.
 *
 * Identifiers of labels (0..63), stores and executables are handed out by the
 * agent's registry and stay the same from policy to policy, so that a label on
 * an inode keeps its meaning when the policy changes. Subjects and zones are
 * numbered anew in each policy and never leave it. */
#pragma once

#include <linux/types.h>

enum {
	AM_ABI_VERSION = 4,

	AM_LABELS_MAX = 64,
	AM_SUBJECTS_MAX = 256,
	AM_STORES_MAX = 4096,
	AM_ZONES_MAX = 256,

	AM_SET_WORDS = 4,	/* AM_SUBJECTS_MAX and AM_ZONES_MAX bits */
	AM_COMM_LEN = 16,
	AM_PATH_LEN = 1024,	/* bytes of one path in an event, truncation is flagged */
	AM_PATH_DEPTH = 24,	/* components of one path in an event, likewise */
	AM_SCRIPT_LEN = 504,	/* bytes of the path of a script, likewise */
	AM_CLIMB_DEPTH = 24,	/* directories climbed while a store is being sealed */
	AM_GROUPS_MAX = 64,	/* supplementary groups looked at; more is an unknown fact */
	AM_PURPOSES_MAX = 64,	/* number 0 is no purpose */
	AM_CGROUP_DEPTH = 24,	/* levels of cgroups looked at */
	AM_GRANTS_MAX = 1024,	/* of purposes: who took on which, as different askers */
	AM_ZONE_HITS = 15,	/* zones that one address may lie in, `anywhere` aside */
	AM_ANCESTORS = 8,	/* of a process, told with its first event; process 1 never is */
};

/* A set of subjects, or of zones, of one policy: bit n is subject or zone n. */
struct am_set {
	__u64 w[AM_SET_WORDS];
};

/* The zones that hold one address or destination. `anywhere` always does and is not listed. */
struct am_zones {
	__u8 count;
	__u8 id[AM_ZONE_HITS];	/* zero beyond `count`; zero means `anywhere`, also before it */
};

/* What is done to the data. Rules speak of these. */
enum am_op {
	AM_OP_INVALID = 0,
	AM_OP_READ,
	AM_OP_WRITE,
	AM_OP_SEND,
	AM_OP_MAX_,
};

/* By which act it is done: the hook family that asked. Events speak of these. */
enum am_act {
	AM_ACT_INVALID = 0,
	AM_ACT_OPEN,		/* open for what the op says */
	AM_ACT_READ,		/* read family, on an open descriptor */
	AM_ACT_WRITE,
	AM_ACT_MMAP,
	AM_ACT_MPROTECT,
	AM_ACT_CREATE,		/* create, mkdir, mknod, symlink in a store */
	AM_ACT_LINK,
	AM_ACT_UNLINK,		/* unlink, rmdir */
	AM_ACT_RENAME,
	AM_ACT_TRUNCATE,
	AM_ACT_CONNECT,
	AM_ACT_SEND,
	AM_ACT_SPLICE,		/* file to socket: sendfile, splice */
	AM_ACT_EXEC,
	AM_ACT_ATTR,		/* mode, owner, times */
	AM_ACT_XATTR,		/* extended attributes, which hold data */
	AM_ACT_TEE,		/* tee, splice, vmsplice, at a pipe */
	AM_ACT_TRACE,		/* ptrace, /proc/PID/mem, process_vm_readv, pidfd_getfd */
	AM_ACT_RAW,		/* a disk below its file system, the memory of the kernel */
	AM_ACT_LOOP,		/* a loop device over a file */
	AM_ACT_RING,		/* an io_uring that the kernel polls */
	AM_ACT_QUEUE,		/* message queues */
	AM_ACT_SOCKET,		/* a socket whose data no hook sees */
	AM_ACT_KEY,		/* the kernel's key store */
	AM_ACT_BPF,		/* bpf(2) */
	AM_ACT_CORE,		/* a core dump */
	AM_ACT_SIGNAL,		/* a signal with a value */
	/* Of AM_EVENT_PROCESS, as is AM_ACT_EXEC there. */
	AM_ACT_FORK,		/* the process has begun */
	AM_ACT_ANCESTOR,	/* it was there: the user side makes such of `ancestors` */
	AM_ACT_MAX_,
};

enum am_verdict {
	AM_VERDICT_INVALID = 0,
	AM_VERDICT_ALLOW,
	AM_VERDICT_DENY,
	AM_VERDICT_MAX_,
};

/* The one reason of a verdict. */
enum am_reason {
	AM_REASON_INVALID = 0,
	AM_REASON_RULE_ALLOWS,	/* a rule allows it, none denies it */
	AM_REASON_RULE_DENIES,	/* a deny rule matches; it wins over every allow */
	AM_REASON_NO_RULE,	/* no rule allows it: a declared store is closed */
	AM_REASON_LABEL_DENIES,	/* a deny rule matches a label that the data carries */
	AM_REASON_LABEL_NO_RULE,/* no rule allows it for a label that the data carries */
	AM_REASON_SPILL,	/* a label with spill: deny would reach an object outside */
	AM_REASON_UNKNOWN_FACT,	/* a fact could not be established: on-error decides */
	AM_REASON_NO_POLICY,	/* labelled data, and no policy in force */
	AM_REASON_UNPROTECTED,	/* nothing that any store or label covers */
	AM_REASON_PURPOSE,	/* the store is open for other purposes only */
	AM_REASON_UNRECORDED,	/* allowed, but it cannot be recorded, and the store is strict */
	AM_REASON_MAX_,
};

/* ---- labels on inodes: the value of inode storage `am_tags` --------------- */

/* A store's id: its slot in am_policy.stores in the low bits, the epoch of that
 * slot above. A store that loses a path gets a new epoch, so every tag handed
 * out before is stale at once. 0 is no store. */
enum {
	AM_STORE_SLOT_BITS = 12,
	AM_STORE_SLOT_MASK = AM_STORES_MAX - 1,
};

enum am_tag_flag {
	AM_TAG_ROOT = 1 << 0,	/* a store's root: the agent set it and holds it open */
	AM_TAG_STRAY = 1 << 1,	/* may lack a tagged parent: kept in am_strays too, as roots are */
	AM_TAG_UNPROVEN = 1 << 2,/* renamed into a store: believed once a parent confirms */
	AM_TAG_DETACHED = 1 << 3,/* reached without a name, on a device with stores: unknown */
	AM_TAG_RAW = 1 << 4,	/* node of a disk, or the kernel's memory: see am_raws */
	AM_TAG_PROBER = 1 << 5,	/* executable that may look at disks: udev's */
};

struct am_tag {
	__u64 labels;		/* carried beyond those of the store */
	__u32 store;		/* id, 0 = none */
	__u32 flags;		/* am_tag_flag */
	__u32 next;		/* of a root: its store under the policy that comes next; 0 = the same */
	__u32 pad;
};

/* Without inode storage: the value of `am_inodes`, by the address of the inode. The rest is
 * whose tag it is. All zero in `tag`: it has none. */
struct am_inode {
	struct am_tag tag;
	__u64 sb;		/* address of the super block, compared only */
	__u64 ino;
};

/* What the agent has the kernel side do to an inode, see serve.bpf.c. */
enum am_request_op {
	AM_REQUEST_NONE = 0,	/* also: served */
	AM_REQUEST_TAG_READ,	/* into `tag`; -ENOENT */
	AM_REQUEST_TAG_ADD,	/* -EEXIST, -ENOSPC */
	AM_REQUEST_TAG_REPLACE,	/* -ENOSPC */
	AM_REQUEST_EXE_PUT,	/* -ENOSPC */
	AM_REQUEST_EXE_DELETE,	/* -ENOENT */
};

struct am_request {
	__u32 op;		/* am_request_op */
	__s32 result;		/* 0 or -errno */
	struct am_tag tag;
	__u32 exe;
	__u32 pad;
};

/* In am_sealing, see bpf/maps.h. */
#define AM_SEALING_OWED (1ULL << 63)
#define AM_SEALING_RECALL (1ULL << 62)
#define AM_SEALING_FLAGS (AM_SEALING_OWED | AM_SEALING_RECALL)

/* A file that keeps its tag without a tagged parent: the key of `am_strays`
 * (value: struct am_tag). Built by the kernel side only: stat() lies on btrfs. */
struct am_inode_key {
	__u8 uuid[16];		/* super_block.s_uuid */
	__u64 ino;
	__u64 root;		/* 0; room for what tells btrfs subvolumes apart, should that be
				 * wanted: as it is, a snapshot's file is as closed as its origin */
	__u32 generation;
	__u32 dev;		/* super_block.s_dev where there is no s_uuid, else 0 */
};

/* Key of `am_raws`: S_IFBLK or S_IFCHR, and the device's number as in the inode. */
#define AM_RAW(kind, rdev) (((__u64)(kind) << 32) | (rdev))

/* ---- facts about a task, and the sets of subjects that they leave --------- */

/* Each fact maps to the set of subjects that it is compatible with; a subject
 * that does not mention the fact is in every set of it. A value that is not in
 * `am_facts` has the set am_policy.unlisted[kind]. */
enum am_fact {
	AM_FACT_INVALID = 0,
	AM_FACT_EXE,		/* id in inode storage `am_exes`, of the running executable */
	AM_FACT_USER,		/* effective uid */
	AM_FACT_GROUP,		/* effective gid and supplementary gids: union of their sets */
	AM_FACT_LOGIN,		/* audit login uid */
	AM_FACT_CGROUP,		/* cgroup v2 id; the set of the nearest listed one, upwards */
	AM_FACT_PURPOSE,	/* number of the purpose that the process runs under, 0 = none */
	AM_FACT_SCRIPT,		/* id in `am_exes` of the file given to exec(): the script, not
				 * the interpreter that its first line names */
	AM_FACT_PORT,		/* of a destination: AM_PORT(proto, port); sets of zones */
	AM_FACT_MAX_,
};

enum { AM_FACT_SLOTS = 16 };	/* a power of two, so that an index can be masked */

#define AM_PORT(proto, port) (((__u64)(proto) << 16) | (port))

struct am_fact_key {		/* `am_facts`, value: struct am_set */
	__u32 generation;
	__u32 kind;		/* am_fact */
	__u64 value;
};

/* `am_units`, value: struct am_set, who a task in such a cgroup is compatible with. By its path
 * below the mount, or by its last name if every cgroup above it is a slice: units of a user's
 * manager or of a container are none of the host's. Longer names are found by the agent alone. */
enum { AM_UNIT_NAME = 256 };	/* with a NUL, and zeros behind it; a power of two */

struct am_unit_key {
	__u32 generation;
	__u32 is_path;
	char name[AM_UNIT_NAME];
};

/* `am_nets`, an LPM trie, value: struct am_zones, the zones whose networks hold
 * the address (a longer prefix lists the zones of the shorter ones too; zones
 * that name no network are in all). Not listed: am_policy.zones_unlisted.
 * Of these, a destination is in those that AM_FACT_PORT's set holds as well. */
struct am_net_key {
	__u32 prefixlen;	/* 32 for the generation, plus 0..128 */
	__u32 generation;	/* compared bit by bit as stored */
	__u8 addr[16];		/* IPv6, or IPv4 as ::ffff:a.b.c.d */
};

/* Zones that every policy has. */
enum am_zone {
	AM_ZONE_ANYWHERE = 0,	/* every destination */
	AM_ZONE_LOCAL,		/* another process of this host through AF_UNIX */
	AM_ZONE_LOOPBACK,	/* 127.0.0.0/8, ::1 */
	AM_ZONE_TERMINAL,
	AM_ZONE_FIRST_USER,
};

/* ---- the policy in force: the one value of the inner map of `am_policy` ---- */

enum am_store_flag {
	AM_STORE_ENFORCE = 1 << 0,	/* else observe: same decisions, nothing blocked */
	AM_STORE_ERROR_ALLOW = 1 << 1,	/* on-error: allow (default: deny) */
	AM_STORE_STRICT = 1 << 2,	/* what cannot be recorded is denied */
};

/* Who may do one operation to one store, or to data that carries one label. */
struct am_grant {
	struct am_set allow;
	struct am_set deny;
};

struct am_store {
	__u32 id;		/* 0: the slot is unused; another epoch: stale tags */
	__u32 flags;		/* am_store_flag */
	__u64 labels;
	__u64 purposes;		/* bit per purpose that it is open for; 0 = any or none */
	struct am_grant read;
	struct am_grant write;
};

struct am_policy {
	__u32 abi;		/* AM_ABI_VERSION */
	__u32 generation;	/* > 0 */
	__u64 labels;		/* that some store carries */
	__u64 enforce_labels;	/* labels of which some store is in enforce mode */
	__u64 error_allow_labels;	/* labels all of whose stores say on-error: allow */
	__u64 spill_deny_labels;	/* labels that may not reach an object outside */
	__u64 strict_labels;	/* labels of which some store is strict */
	__u64 mentioned;	/* bit per am_fact that some subject mentions */
	struct am_set live;	/* subjects whose host conditions hold now */
	struct am_set unlisted[AM_FACT_SLOTS];
	struct am_zones zones_unlisted;
	/* Data outside every store that carries the label: the union over the
	 * stores with that label, of allows and of denies. */
	struct am_grant label_read[AM_LABELS_MAX];
	/* Who may send (or may not send) the label to the zone. */
	struct am_grant send[AM_LABELS_MAX][AM_ZONES_MAX];
	struct am_store stores[AM_STORES_MAX];
};

/* ---- processes ------------------------------------------------------------ */

enum am_task_flag {
	AM_TASK_AGENT = 1 << 0,	/* the agent itself: set by it through a pidfd */
	/* On the leader, until the next exec: code of others may run in it, or it may be
	 * looked into. It counts as no executable and no script then. */
	AM_TASK_FOREIGN = 1 << 1,/* runs code from a file that others than root can write */
	AM_TASK_TRACED = 1 << 2,/* somebody has attached to it */
	/* On the leader, until it ends. */
	AM_TASK_SQPOLL = 1 << 3,/* has a ring that a thread of the kernel reads for anybody */
	AM_TASK_OUTLET = 1 << 4,/* has a socket that sends without a call */
	AM_TASK_TOLD = 1 << 5,	/* an event has told who it descends from */
};

enum { AM_TASK_NOT_ITSELF = AM_TASK_FOREIGN | AM_TASK_TRACED };

enum {
	AM_TOUCHES = 8,
	AM_REPEAT_S = 10,	/* so often the agent has all repeats told, see sweep.bpf.c */
};

/* Of a send: more may have been sent than is counted, for nobody said how much. A bit among the
 * bytes, so that both are taken at once. */
#define AM_BYTES_UNKNOWN (1ULL << 63)

/* Something that a thread has done to a file, or sent to a destination, and the count of
 * repeats not yet told. */
struct am_touch {
	__u64 inode;		/* kernel address, compared only; 0: it is a destination */
	__u64 facts;		/* which labels, and who: mixed, compared only */
	union {
		struct {
			__u64 ino;
			__u32 dev;
			__u32 igen;
		};
		__u8 addr[16];	/* as in am_event */
	};
	__u32 generation;	/* of the policy that allowed it */
	union {
		__u32 store;
		struct {
			__u16 family;
			__u16 port;
		};
	};
	__u8 act;		/* am_act */
	__u8 op;		/* am_op */
	__u16 proto;
	__u32 count;		/* beyond what has been told */
	__u32 uid;		/* who it was then: the thread may be somebody else since */
	__u32 gid;
	__u32 purpose;
	__u32 busy;		/* another one takes its place, or the sweep is at it */
	__u64 bytes;		/* handed to these sends; AM_BYTES_UNKNOWN */
};

/* A file that was executed and is no ELF image: the key of `am_scripts`. All zero: none. */
struct am_script_key {
	__u64 ino;
	__u32 dev;
	__u32 igen;
};

/* Its path when it was executed last, as in events. */
struct am_script {
	char names[AM_SCRIPT_LEN];
	__u32 len;
	__u32 cut;		/* the upper end is missing */
};

/* Task storage `am_tasks`. Labels are read from the thread group leader's,
 * everything else from the thread's own. */
struct am_task {
	__u64 labels;
	__u32 flags;		/* am_task_flag */
	__u32 generation;	/* for which `bits` holds; 0 = none */
	struct am_set bits;	/* who this is, under the facts that follow */
	__u64 cred;		/* kernel addresses, compared only */
	__u64 exe;
	__u64 exe_ino;
	__u64 cgroup;
	__u32 login;
	__u32 purpose;
	__u32 script;		/* of the image that runs; 0 = not listed */
	__u32 exec_script;	/* of an exec that has not happened yet */
	__u32 epoch;		/* am_epoch when `bits` were made */
	__u32 not_itself;	/* AM_TASK_NOT_ITSELF of the leader when `bits` were made */
	__u64 channel;		/* address of the pipe that a splice under way writes to, 0 = none */
	__u64 family;		/* key of am_families that the leader shares labels with, 0 = none */
	__u64 who;		/* `bits`, purpose and uid, mixed */
	struct am_script_key script_file;	/* of the image that runs, whatever the policy lists */
	struct am_script_key exec_file;		/* of an exec that has not happened yet */
	struct am_set fact;	/* room for what one fact says, while `bits` are made */
	struct am_touch touch[AM_TOUCHES];
};

/* ---- events --------------------------------------------------------------- */

enum am_event_kind {
	AM_EVENT_INVALID = 0,
	AM_EVENT_ACCESS,	/* first touch of a store or labelled file, or a refusal */
	AM_EVENT_REPEAT,	/* `count` further ones like an earlier AM_EVENT_ACCESS or _SEND */
	AM_EVENT_SEND,		/* labelled data towards a destination */
	AM_EVENT_SPILL,		/* an object outside every store has gained labels */
	AM_EVENT_RESEAL,	/* a folder came into a store: its tree must be sealed */
	AM_EVENT_FOREIGN,	/* a listed executable maps code from a file that others can write; by AM_ACT_EXEC: its
				 * caller would have had it load some, and does not get that */
	AM_EVENT_PROCESS,	/* no access: a process that carries labels, or that was told of, has begun another
				 * (which is the task of the record), or has come to run something else */
	AM_EVENT_MAX_,
};

enum am_event_flag {
	AM_EVENT_BLOCKED = 1 << 0,	/* the kernel refused; else logged or allowed */
	AM_EVENT_PATH_CUT = 1 << 1,	/* `path` lacks its upper end */
	AM_EVENT_EXE_CUT = 1 << 2,
	AM_EVENT_DIR = 1 << 3,		/* the object is a folder */
	AM_EVENT_FS_PATH = 1 << 4,	/* `path` starts at the root of its file system, not of the host */
	AM_EVENT_FOREIGN_CODE = 1 << 5,	/* the task was AM_TASK_FOREIGN */
	AM_EVENT_TRACED = 1 << 6,	/* the task was AM_TASK_TRACED */
	AM_EVENT_URGENT = 1 << 7,	/* it came by the urgent ring: `seq` is of that one */
	AM_EVENT_FACTS = 1 << 8,	/* purpose, groups and script are told, if there are any */
	AM_EVENT_UNKNOWN = 1 << 9,	/* a fact could not be established */
	AM_EVENT_GROUPS_CUT = 1 << 10,	/* there are more groups than `groups` */
	AM_EVENT_SCRIPT_CUT = 1 << 11,
	AM_EVENT_SCRIPT_LOST = 1 << 12,	/* it runs a script whose path is not kept any more */
	AM_EVENT_SIZED = 1 << 13,	/* of a send: `bytes` is all that was handed to the call */
};

/* A string of the record: `off` from the start of the record. Paths are the
 * names from the file up to the root, each followed by a NUL byte. */
struct am_span {
	__u16 off;
	__u16 len;
};

/* One whom a process descends from, as it was when the record was made. */
struct am_ancestor {
	__u64 start_ns;		/* as in am_event, like the rest */
	__u64 cgroup;
	__u32 tgid;
	__u32 ppid;		/* the next one's, if that is told */
	__u32 uid;
	__u32 gid;
	__u32 login;
	__u32 session;
	char comm[AM_COMM_LEN];
};

struct am_event {
	__u32 size;		/* of the record, head and strings */
	__u16 abi;		/* AM_ABI_VERSION */
	__u16 kind;		/* am_event_kind */
	__u64 seq;		/* of this CPU and ring, from 1, without gaps unless lost */
	__u64 boottime_ns;	/* CLOCK_BOOTTIME */
	__u32 cpu;
	__u32 generation;	/* of the policy that decided, 0 = none */
	__u8 verdict;		/* am_verdict */
	__u8 reason;		/* am_reason */
	__u8 op;		/* am_op */
	__u8 act;		/* am_act */
	__u32 flags;		/* am_event_flag */
	__u64 labels;		/* that the data carries, the store's included */
	__u64 culprits;		/* of those, the ones that decided a refusal */
	struct am_set bits;	/* subjects that the task was */
	struct am_zones zones;	/* of the destination */
	__u32 store;		/* id, 0 = none */
	__u32 count;		/* AM_EVENT_REPEAT */
	/* the object */
	__u64 ino;
	__u32 dev;		/* kernel's s_dev */
	__u32 igen;
	__u64 bytes;		/* of a send: handed to the call, or the calls; at most so much was
				 * sent, if AM_EVENT_SIZED, else more may have been. Of a file: its
				 * size then, before what is done; 0: empty, or not told */
	/* the destination, network byte order, IPv4 as ::ffff:a.b.c.d */
	__u8 addr[16];
	__u16 family;		/* AF_* */
	__u16 port;		/* host byte order */
	__u32 proto;		/* IPPROTO_* */
	/* the task */
	__u64 start_ns;		/* CLOCK_BOOTTIME at which the process began */
	__u64 cgroup;
	__u64 exe_ino;
	__u32 exe_dev;
	__u32 tgid;		/* in the initial pid namespace */
	__u32 tid;
	__u32 ppid;
	__u32 uid;		/* effective */
	__u32 gid;		/* effective */
	__u32 login;		/* audit login uid, ~0 = none */
	__u32 session;		/* audit session, ~0 = none */
	char comm[AM_COMM_LEN];
	struct am_span path;	/* of the object */
	struct am_span exe;	/* of the running executable */
	struct am_span script;	/* of what was given to exec(), where it is no ELF image */
	struct am_span groups;	/* supplementary gids, __u32 each, not aligned */
	__u32 purpose;		/* that it runs under, 0 = none; AM_EVENT_REPEAT tells it too */
	struct am_span ancestors;	/* struct am_ancestor each, the parent first, not aligned; of a
				 * process that no event has told of before */
};

enum {
	AM_EVENT_SIZE_MAX = sizeof(struct am_event) + AM_SCRIPT_LEN +
			    AM_GROUPS_MAX * sizeof(__u32) + 2 * AM_PATH_LEN +
			    AM_ANCESTORS * sizeof(struct am_ancestor),
};

/* ---- calls of the kernel's ------------------------------------------------ */

/* Placeholders, see bpf/hook.h: no helper of the kernel has such a number. */
enum { AM_CALL_IS_RETURN = 0x616d01, AM_CALL_COOKIE = 0x616d02 };

/* ---- counters: the per-CPU array `am_counts` ------------------------------ */

enum am_count {
	AM_COUNT_URGENT_LOST = 0,	/* findings that the full urgent ring refused */
	AM_COUNT_BULK_LOST,		/* allowed accesses that the full bulk ring refused */
	AM_COUNT_URGENT_SENT,
	AM_COUNT_BULK_SENT,
	AM_COUNT_ALLOWED,		/* decisions on protected data */
	AM_COUNT_DENIED,
	AM_COUNT_BLOCKED,
	AM_COUNT_AGENT,			/* accesses of the agent itself, let through */
	AM_COUNT_NO_POLICY,
	AM_COUNT_NO_TASK_STORAGE,	/* a task's storage could not be had */
	AM_COUNT_NO_TAG_STORAGE,	/* an inode's storage could not be had */
	AM_COUNT_NO_STRAY_ROOM,		/* am_strays is full */
	AM_COUNT_CLIMB_TOO_DEEP,
	AM_COUNT_CLIMB_TAGGED,		/* labelled on sight while sealing */
	AM_COUNT_GROUPS_TOO_MANY,
	AM_COUNT_STRAY_RESTORED,
	AM_COUNT_UNKNOWN_FACT,		/* decided by on-error */
	AM_COUNT_REPEAT_LOST,		/* accesses among last repeats that no record could be made of */
	AM_COUNT_NO_SCRATCH,		/* records for which no scratch slot was free */
	AM_COUNT_SPILLED,		/* objects outside every store that gained labels */
	AM_COUNT_DETACHED,		/* opens by handle that no name could be found for */
	AM_COUNT_UNPROVEN,		/* uses of a file whose rename into a store has not happened */
	AM_COUNT_UNRECORDED,		/* accesses refused, or observed, since no record could be made */
	AM_COUNT_STALE_TAG,		/* tags of an inode that was there before, dropped */
	AM_COUNT_NO_CHANNEL_ROOM,	/* am_channels is full: who spliced was ended */
	AM_COUNT_TAKEN,			/* data that reached who may not read it: its call had begun */
	AM_COUNT_FOREIGN,		/* processes that came to run code others can write */
	AM_COUNT_KERNEL,		/* accesses by the kernel for nobody that is known */
	AM_COUNT_NO_FAMILY_ROOM,	/* am_families is full */
	AM_COUNT_PROBED,		/* disks of stores that udev opened */
	AM_COUNT_NO_FACT,		/* am_facts is full: a cgroup is known to the agent first */
	AM_COUNT_MAX_,
};

#define AM_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has padding")

AM_ASSERT_SIZE(struct am_tag, 24);
AM_ASSERT_SIZE(struct am_inode, 40);
AM_ASSERT_SIZE(struct am_request, 40);
AM_ASSERT_SIZE(struct am_inode_key, 40);
AM_ASSERT_SIZE(struct am_fact_key, 16);
AM_ASSERT_SIZE(struct am_unit_key, 264);
AM_ASSERT_SIZE(struct am_net_key, 24);
AM_ASSERT_SIZE(struct am_grant, 64);
AM_ASSERT_SIZE(struct am_store, 152);
AM_ASSERT_SIZE(struct am_touch, 72);
AM_ASSERT_SIZE(struct am_script_key, 16);
AM_ASSERT_SIZE(struct am_script, 512);
AM_ASSERT_SIZE(struct am_task, 192 + AM_TOUCHES * 72);
AM_ASSERT_SIZE(struct am_zones, 16);
AM_ASSERT_SIZE(struct am_ancestor, 56);
AM_ASSERT_SIZE(struct am_event, 256);
