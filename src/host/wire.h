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
 * client: HELLO, START, then STDIN..., STDIN_END, SIGNAL, WINDOW, DEAF at any
 *         time
 * agent:  READY, then STDOUT, STDERR and TAKEN, last EXIT or REFUSED
 *
 * A command may take no input, and whoever is here no output, for any time.
 * So that a SIGNAL and the next HELLO get through even then, the agent reads
 * always: the client sends no more input than the agent has room for
 * (WIRE_INPUT bytes that were not TAKEN yet).  Output simply stays in the
 * stream; the agent queues one frame of it and reads on.
 */
#ifndef HOST_WIRE_H
#define HOST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 2u
#define WIRE_HEAD    4u
#define WIRE_MAX     32768u /* bytes in a frame, at most */
#define WIRE_INPUT   65536u /* bytes of input on their way, at most */
#define WIRE_WORDS   4096u  /* words of a command, at most */

/* The ports of a host, each for one command at a time. */
#define WIRE_PORTS     8u
#define WIRE_PORT_NAME "ringside.%u"

enum wire_type {
	WIRE_NOTHING = 0, /* a byte by itself, without a length */
	WIRE_HELLO = 1,	  /* struct wire_hello: the client's number */
	WIRE_READY,	  /* the same number, and the agent's version */
	WIRE_START,	  /* struct wire_start and the strings of argv */
	WIRE_STDIN,
	WIRE_STDIN_END,
	WIRE_SIGNAL, /* one byte, for the command and its children */
	WIRE_WINDOW, /* struct wire_window */
	WIRE_STDOUT,
	WIRE_STDERR,
	WIRE_EXIT,    /* one byte: status, or 128 and the signal */
	WIRE_REFUSED, /* a sentence: it could not be started */
	WIRE_TAKEN,   /* uint32_t: so many more bytes of input are taken */
	WIRE_DEAF,    /* one byte, 1 or 2: nobody reads that output any more */
	WIRE_TYPES,
};

struct wire_hello {
	uint8_t number[8];
	uint8_t version;
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

/* ---- frames that come ---------------------------------------------------- */

struct wire_reader {
	size_t have;
	uint8_t data[WIRE_HEAD + WIRE_MAX];
};

/*
 * Read once from a descriptor that need not block.  1 if bytes came, 0 if
 * none are there or there is no room, -EPIPE at the end, or -errno.
 */
int wire_read(struct wire_reader *r, int fd);

/*
 * The first whole frame in the reader, whose payload stays where it is until
 * wire_drop().  1; 0: more bytes are needed; -EPROTO: this is no frame.
 */
int wire_peek(struct wire_reader *r, enum wire_type *type,
	      const uint8_t **payload, size_t *len);

/* Done with the frame that wire_peek() gave. */
void wire_drop(struct wire_reader *r);

/* ---- frames that go ------------------------------------------------------ */

/*
 * On their way out.  Neither side ever waits for that alone: the other may
 * wait until it is read.
 */
struct wire_writer {
	size_t at, len;
	uint8_t data[4 * (WIRE_HEAD + WIRE_MAX)];
};

/*
 * Queue a frame.  False if there is no room for it: that cannot happen to
 * those who queue output or input only while wire_idle(), since all other
 * frames together are small.
 */
bool wire_queue(struct wire_writer *w, enum wire_type type, const void *payload,
		size_t len);

/* Queue the zero bytes that a conversation begins with. */
bool wire_queue_zeros(struct wire_writer *w);

static inline bool wire_idle(const struct wire_writer *w)
{
	return !w->len;
}

/* Write what a non-blocking descriptor takes.  0 or -errno. */
int wire_flush(struct wire_writer *w, int fd);

#endif
