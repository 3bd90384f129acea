/* SPDX-License-Identifier: GPL-2.0 */
/* The ledger on disk. All numbers little endian; `varint` is LEB128 of at most 10 bytes;
 * H(key, bytes) is BLAKE2b-256 keyed with the bytes of a text below; signatures are
 * Ed25519. A row is one event, gap or mark; rows, seals and segments are numbered from 1.
 *
 * The directory
 *
 *   0000000000000001.aml   segment 1: sixteen hexadecimal digits, lower case
 *   links                  headers of the segments that retention removed, in order
 *   root.pub               per chain, there should be one: "amanat-ledger-key ", 64
 *                          hexadecimal digits of its root public key, a line feed
 *   key                    the signing secrets of now; never leaves the host
 *   lock                   flock()ed by the one writer
 *   segment.new            room that is set aside for the next segment; nothing in it counts
 *   anything else          junk: told, never read
 *
 * A segment: one header, then frames (blocks and seals) up to the end of the file.
 *
 * Header, 480 bytes
 *     0   8  "AMLEDGER"
 *     8   4  version, 1
 *    12   4  size, 480
 *    16   8  number of the segment
 *    24   8  number of the first seal in it
 *    32   8  number of its first row
 *    40   8  CLOCK_REALTIME, ns
 *    48   8  CLOCK_BOOTTIME, ns
 *    56  16  chain: first half of H(chain_key, root public key)
 *    72  32  link: chain value at the end of the segment before; zeros in a chain's first
 *   104  32  public key of the first seal in it
 *   136  32  public key of the next header
 *   168  32  H(machine_key, /etc/machine-id)
 *   200  16  boot id: all rows of a segment are of one boot
 *   216  64  host name             }
 *   280  64  kernel release        } NUL padded, with at least one NUL
 *   344  32  version of the agent  }
 *   376   4  origin: 0 continues; else a chain begins, and why (am_beginning)
 *   380   4  zero
 *   384  32  chain value h: H(head_key, bytes 0..383)
 *   416  64  signature of "amanat ledger head 1" and h, by the key of this header
 *
 * Block: a frame of rows
 *     0   4  "AMBK"
 *     4   4  size of the frame
 *     8   4  n, its rows, 1..AM_BLOCK_ROWS
 *    12   4  where its columns' data begins
 *    16   8  number of its first row
 *    24   8  earliest and         } CLOCK_REALTIME of its rows, signed ns
 *    32   8  latest               }
 *    40   8  lowest and highest pid, 4 bytes each
 *    48   8  lowest and highest uid
 *    56   8  bit per kind of its rows
 *    64   4  bit per verdict
 *    68   4  bit per op
 *    72  16  entries of its tables: actors, objects, destinations, deeds; each 1..n
 *    88   2  columns in the directory
 *    90   2  64-bit words in the filter: 0 or a power of two up to AM_FILTER_WORDS
 *    92   4  zero
 *    96      the filter, then the directory, then the columns' data in its order
 *  -32   32  chain value
 *
 * Filter: a Bloom filter. For each store name, user name, executable, unit and pid of the
 * block (not the empty one) the bits h, h >> 20, h >> 40, modulo the filter's bits, where
 * h is FNV-1a 64 of the column's id as one byte and the string (a pid: 4 bytes).
 *
 * Directory: per column, ids ascending
 *     byte    id (am_column; one that is not known is passed over)
 *     byte    encoding (am_encoding), plus 0x80 if the data is a zstd frame
 *     byte    width: 0, 1, 2, 4 or 8 for AM_ENC_FIXED, else 0
 *     varint  base
 *     varint  bytes of data in the block
 *     varint  bytes of data before zstd; the same without it
 * A column that is not listed is all zeros, or all empty strings.
 *
 * Data of a column of m values (m: rows of the block, or entries of its table)
 *     AM_ENC_FIXED   value = base + an integer of `width` bytes (none: all are base)
 *     AM_ENC_DELTA   value = value before + zigzag varint; before the first is base
 *     AM_ENC_LANE    likewise, before is the last one with the same value of AM_COL_CPU
 *                    modulo AM_LANES, or base
 *     AM_ENC_TEXT    varint bytes shared with the text before, varint bytes that follow,
 *                    these bytes; no NUL, a text has less than AM_TEXT_MAX bytes
 *     AM_ENC_DICT    varint d, 1..AM_DICT_MAX; d texts as above; a byte per value: which
 * A row tells its process, object, destination and deed by their index in the block's
 * tables, so that a table's columns hold each combination once. Tables are in any order; a
 * writer that puts objects in that of their paths has less to write.
 *
 * Seal: a frame of 184 bytes
 *     0   4  "AMSL"
 *     4   4  size, 184
 *     8   8  number k
 *    16   8  number of the first row that it does not seal
 *    24   8  CLOCK_REALTIME, ns
 *    32   8  CLOCK_BOOTTIME, ns
 *    40   8  oldest segment kept: those before it were removed on purpose
 *    48   4  flags (am_seal_flag)
 *    52   4  zero
 *    56  32  public key of seal k + 1
 *    88  32  chain value h
 *   120  64  signature of "amanat ledger seal 1" and h, by the key of seal k
 *
 * Chain: the header's h, then for each frame h = H(frame_key, h before, bytes of the frame
 * before its h). One value covers everything before it, up to the first header.
 *
 * Validity. A directory holds if
 *  1. headers, `links` first, are numbered 1, 2, 3 ... without a hole; each is signed by
 *     the key that the one before names, the first by the root key; all are of one chain;
 *     where both are there, the link is the chain value at the end of the segment before;
 *  2. in each segment the numbers of rows and seals go on where they stopped, chain
 *     values hold, each seal is signed by the key that the one before it (or the header)
 *     names, and the next header names the key of the next seal;
 *  3. a segment that has a successor ends with a seal with AM_SEAL_CLOSES;
 *  4. the oldest segment there is not above the one that the last seal calls oldest.
 * What follows the last seal is not sealed: it may be the writer's or anybody's.
 *
 * Keys evolve forward. There are two secrets, s (seals) and t (headers), both 32 random
 * bytes when a chain begins. The Ed25519 seed for a number is H(s, "amanat ledger sign");
 * after use s becomes H(s, "amanat ledger next") and what was before is overwritten. So who
 * steals the secrets of now can go on from here, but cannot make a signature of the past:
 * seal k+1 is certified by seal k, up to the root, and its secret is gone. Nor can he cut
 * out the recent past of the current segment and go on in a new one, though he has t:
 * rule 3 asks for a closing seal by a key that is gone. What he can do is cut the ledger
 * short and stop. Against that a head (am_head) is kept elsewhere.
 * t is one segment ahead, so that a header can be checked without the segments before it:
 * after retention, `links` alone leads from the root to the oldest segment.
 *
 * Key file: two slots of 160 bytes at 0 and 4096; the valid one with more writes counts.
 *     0   8  "AMLEDKEY"
 *     8   4  version, 1
 *    12   4  zero
 *    16   8  writes
 *    24   8  seal that s is for
 *    32  32  s
 *    64   8  segment that t is for
 *    72  32  t
 *   104  16  chain
 *   120   8  zero
 *   128  32  H(slot_key, bytes 0..127)
 * The other slot is zeroed after each write. It is written after what it signed is on
 * disk (but before a chain's first header), so it may be behind, never ahead; as the
 * secrets evolve by themselves, whoever starts catches up. Overwriting in place is as good
 * as the disk: copy-on-write file systems and flash keep old blocks for a while.
 *
 * Writing. A block is appended when it is full, at the latest a second after its first row
 * and at once after a finding; then comes a seal (blocks that are full may share one), then
 * fdatasync(), then the key. The file is preallocated beyond its end, so that a full disk
 * is noticed while there is room for saying so.
 *
 * Recovery. The last segment is walked. Whole blocks whose chain value holds stay, also
 * behind the last seal; what follows is cut off; a seal closes the segment and a new one
 * begins with the mark AM_MARK_TORN and a gap since the last seal. But if the key file is
 * ahead of what was found, sealed rows are missing: then nothing is cut off, and a new
 * chain begins whose origin says so. The old one stays as evidence.
 *
 * Retention. The header goes to `links`, a mark and a seal with the new oldest number are
 * on disk, then the file goes. The number of a removed segment is never used again. */
#pragma once

#include <stdint.h>

enum {
	AM_LEDGER_VERSION = 1,

	AM_HASH_LEN = 32,
	AM_SIG_LEN = 64,
	AM_CHAIN_LEN = 16,

	AM_HEADER_LEN = 480,
	AM_SEAL_LEN = 184,
	AM_BLOCK_HEAD_LEN = 96,
	AM_LEDGER_FRAME_MAX = 32 << 20,

	AM_BLOCK_ROWS = 16384,
	AM_COLUMN_MAX = 8 << 20,	/* bytes of one column, also of its texts put together */
	AM_TEXT_MAX = 4096,
	AM_DICT_MAX = 256,
	AM_FILTER_WORDS = 256,
	AM_LANES = 64,

	AM_SLOT_LEN = 160,
	AM_SLOT_STEP = 4096,
};

enum am_encoding {
	AM_ENC_INVALID = 0,
	AM_ENC_FIXED,
	AM_ENC_DELTA,
	AM_ENC_LANE,
	AM_ENC_TEXT,
	AM_ENC_DICT,
	AM_ENC_MAX_,
};

enum { AM_ENC_ZSTD = 0x80 };

enum am_seal_flag {
	AM_SEAL_CLOSES = 1 << 0,	/* the last of its segment */
	AM_SEAL_FINDING = 1 << 1,	/* made at once, for a finding */
};

/* Why a chain begins. */
enum am_beginning {
	AM_BEGIN_CONTINUES = 0,
	AM_BEGIN_FRESH,	/* there was no ledger */
	AM_BEGIN_NO_KEY,	/* segments, but no key file */
	AM_BEGIN_BAD_KEY,	/* the key file is damaged, or of another ledger */
	AM_BEGIN_ROLLED_BACK,	/* the key file knows of seals that are not there */
	AM_BEGIN_DAMAGED,	/* the last segment does not hold */
	AM_BEGIN_MAX_,
};

/* Kinds of rows beside those of am_event_kind, which stay below. */
enum {
	AM_ROW_GAP = 32,	/* `count` accesses are missing (0: nobody knows), since `since_ns`; processes
				 * that begin (AM_EVENT_PROCESS) are rows as well, and counted here too */
	AM_ROW_MARK = 33,
	AM_ROW_KINDS = 64,
};

/* The reason of a gap. */
enum am_gap {
	AM_GAP_INVALID = 0,
	AM_GAP_NOT_RUNNING,	/* no agent ran, or it was killed with rows in memory */
	AM_GAP_RING,		/* the kernel's ring was full */
	AM_GAP_QUEUE,		/* the ledger's writer was too slow */
	AM_GAP_DISK_FULL,
	AM_GAP_DISK_ERROR,
	AM_GAP_MALFORMED,	/* records of the kernel that were no records */
	AM_GAP_SKIPPED,		/* the kernel left out `count` runs of hooks: what they would have seen */
	AM_GAP_MAX_,
};

/* The reason of a mark. */
enum am_mark {
	AM_MARK_INVALID = 0,
	AM_MARK_START,
	AM_MARK_STOP,
	AM_MARK_POLICY,		/* in force from here on; `why` has its digest */
	AM_MARK_CLOCK,		/* CLOCK_REALTIME jumped; `count` ns, `why` says which way */
	AM_MARK_TORN,		/* `count` bytes of a tail were cut off */
	AM_MARK_DISK_FULL,
	AM_MARK_REMOVED,	/* segment number `count`; `why` has its last chain value */
	AM_MARK_NOTICE,		/* any other thing that the agent noticed */
	AM_MARK_READ,		/* somebody was given the ledger to read; `why` is what he asked */
	AM_MARK_MAX_,
};

enum am_table {
	AM_TABLE_ROWS,
	AM_TABLE_ACTORS,
	AM_TABLE_OBJECTS,
	AM_TABLE_DESTS,
	AM_TABLE_DEEDS,
	AM_TABLE_MAX_,
};

/* Ids of columns: never reused, appended only. */
enum am_column {
	/* rows */
	AM_COL_ACTOR,		/* indexes into the block's tables */
	AM_COL_OBJECT,
	AM_COL_DEST,
	AM_COL_DEED,
	AM_COL_WALL,		/* CLOCK_REALTIME, ns */
	AM_COL_BOOT,		/* CLOCK_REALTIME - CLOCK_BOOTTIME */
	AM_COL_EVENT,		/* the agent's number for it */
	AM_COL_CPU,
	AM_COL_SEQ,
	AM_COL_COUNT,
	AM_COL_SINCE,		/* CLOCK_REALTIME, ns; 0 = not told */
	/* actors */
	AM_COL_PID,
	AM_COL_TID,
	AM_COL_PPID,
	AM_COL_UID,
	AM_COL_GID,
	AM_COL_LOGIN,
	AM_COL_SESSION,
	AM_COL_EXE_DEV,
	AM_COL_START,
	AM_COL_CGROUP,
	AM_COL_EXE_INO,
	AM_COL_BITS0,
	AM_COL_BITS1,
	AM_COL_BITS2,
	AM_COL_BITS3,
	AM_COL_COMM,
	AM_COL_EXE,
	AM_COL_USER,
	AM_COL_LOGIN_USER,
	AM_COL_UNIT,
	/* objects */
	AM_COL_INO,
	AM_COL_DEV,
	AM_COL_IGEN,
	AM_COL_STORE_ID,
	AM_COL_PATH,
	AM_COL_STORE,
	/* destinations */
	AM_COL_ADDR_HIGH,
	AM_COL_ADDR_LOW,
	AM_COL_ZONES_LOW,
	AM_COL_ZONES_HIGH,
	AM_COL_FAMILY,
	AM_COL_PORT,
	AM_COL_PROTO,
	AM_COL_ZONES,
	/* deeds */
	AM_COL_KIND,
	AM_COL_VERDICT,
	AM_COL_REASON,
	AM_COL_OP,
	AM_COL_ACT,
	AM_COL_FLAGS,
	AM_COL_GENERATION,
	AM_COL_LABELS,
	AM_COL_CULPRITS,
	AM_COL_LABEL_NAMES,
	AM_COL_POLICY,
	AM_COL_WHY,
	/* objects */
	AM_COL_BYTES,		/* op send: handed to the call, or calls; all of it if the deed's flags have
				 * AM_EVENT_SIZED. Else the size of the file when it happened; 0 also: not told */
	/* actors: told if the deed's flags have AM_EVENT_FACTS; older rows do not have them */
	AM_COL_PURPOSE,		/* name; empty: none */
	AM_COL_GROUPS,		/* event/groups.h */
	AM_COL_SCRIPT,		/* path; empty: none */
	AM_COL_CGROUP_PATH,	/* below the mount; empty: not known */
	AM_COL_MAX_,
};

_Static_assert(AM_COL_MAX_ <= 64, "a set of columns is one word");
