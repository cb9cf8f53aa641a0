/* SPDX-License-Identifier: MIT */
/*
 * What `ringside host` and its agent in dom0 say to each other, over a virtio
 * port: a stream of frames.  A frame is a byte with its type, three bytes
 * with its length (least significant first), and that many bytes.
 *
 * Either side may find the rest of a broken conversation in the stream.  So
 * the client begins with as many zero bytes as the longest frame is long (a
 * zero byte between frames means nothing) and then says HELLO with a number
 * of its own; the agent ends what it was doing and answers READY with that
 * number; the client reads over everything until it finds that answer.
 *
 * client: HELLO, START, then STDIN..., STDIN_END, SIGNAL, WINDOW at any time
 * agent:  READY, then STDOUT and STDERR, last EXIT or REFUSED
 */
#ifndef HOST_WIRE_H
#define HOST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEAD 4u
#define WIRE_MAX  32768u /* bytes in a frame, at most */

/* The ports of a host, each for one command at a time. */
#define WIRE_PORTS     8u
#define WIRE_PORT_NAME "ringside.%u"

enum wire_type {
	WIRE_NOTHING = 0, /* a byte by itself, without a length */
	WIRE_HELLO = 1,	  /* 8 bytes: the client's number */
	WIRE_READY,	  /* the same 8 bytes */
	WIRE_START,	  /* struct wire_start and the strings of argv */
	WIRE_STDIN,
	WIRE_STDIN_END,
	WIRE_SIGNAL, /* one byte, for the command and its children */
	WIRE_WINDOW, /* struct wire_window */
	WIRE_STDOUT,
	WIRE_STDERR,
	WIRE_EXIT,    /* one byte: status, or 128 and the signal */
	WIRE_REFUSED, /* a sentence: it could not be started */
};

struct wire_window {
	uint16_t rows, columns;
};

struct wire_start {
	uint8_t terminal; /* on a terminal of its own */
	uint8_t pad;
	struct wire_window window;
	/* then each word of argv with its NUL */
};

struct wire_reader {
	size_t have;
	uint8_t data[WIRE_HEAD + WIRE_MAX];
};

/* Where read(2) may put bytes, and how many; add them to `have`. */
static inline uint8_t *wire_room(struct wire_reader *r, size_t *room)
{
	*room = sizeof(r->data) - r->have;
	return r->data + r->have;
}

/*
 * The first whole frame in the reader, whose payload stays where it is until
 * wire_drop().  1; 0: more bytes are needed; -EPROTO: this is no frame.
 */
int wire_peek(struct wire_reader *r, enum wire_type *type,
	      const uint8_t **payload, size_t *len);

/* Done with the frame that wire_peek() gave. */
void wire_drop(struct wire_reader *r);

/*
 * Write one frame to a descriptor, blocking or not, waiting where it takes
 * no more.  0 or -errno; -EPIPE: nobody listens.
 */
int wire_send(int fd, enum wire_type type, const void *payload, size_t len);

/* The same for bytes that are no frame. */
int wire_send_raw(int fd, const void *data, size_t len);

#endif
