/* SPDX-License-Identifier: GPL-2.0 */
/* What passes between `amanat` and `amanatd` on the agent's Unix socket
 * (SOCK_SEQPACKET, RUN/control.sock): one frame per packet, a fixed head in host
 * byte order and a payload. The client sends one REQUEST; the agent answers with
 * any number of DATA and NOTICE frames and one END, which carries the exit code
 * of the command. A frame that is not well-formed ends the connection. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	AM_FRAME_MAGIC = 0x314d41,	/* "AM1" */
	AM_FRAME_MAX = 60 * 1024,	/* bytes of a packet, head included */
};

enum am_frame_kind {
	AM_FRAME_INVALID = 0,
	AM_FRAME_REQUEST,	/* words, each ended by a NUL byte: "tail\0--json\0" */
	AM_FRAME_DATA,		/* for standard output */
	AM_FRAME_NOTICE,	/* for standard error */
	AM_FRAME_END,		/* no payload; `code` is the exit code */
	AM_FRAME_MAX_,
};

struct am_frame {
	uint32_t magic;
	uint16_t kind;
	uint16_t code;
	uint32_t len;		/* of the payload */
	uint32_t pad;
};

/* 0; -EAGAIN when it would block (non-blocking socket); -EMSGSIZE; another errno. */
int am_frame_send(int fd, enum am_frame_kind kind, unsigned code, const void *payload, size_t len);

/* Receives one packet into `buf` (AM_FRAME_MAX bytes). Payload is `buf` + head. 0 and
 * *ret; -ENODATA at the end of the connection; -EBADMSG; another errno. */
int am_frame_recv(int fd, void *buf, struct am_frame *ret);

/* The head of a packet that was received otherwise; 0 and *ret, or -EBADMSG. */
int am_frame_parse(const void *packet, size_t len, struct am_frame *ret);
/* A frame that a descriptor goes with; -1: none does. */
int am_frame_send_with(int fd, enum am_frame_kind kind, const void *payload, size_t len,
		       int passed);

/* Receives a packet that a descriptor may go with: *ret_passed is owned, or -1. A packet
 * with several of them is -EBADMSG. No other descriptor that came along stays open. */
int am_frame_recv_with(int fd, void *buf, struct am_frame *ret, int *ret_passed);

/* Splits a REQUEST payload into at most `max` words, borrowed from `payload`.
 * The number of words; -EBADMSG if the last has no NUL or there are more. */
int am_frame_words(const char *payload, size_t len, const char **words, size_t max);
