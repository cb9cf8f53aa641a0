/* SPDX-License-Identifier: MIT */
/*
 * What every storage engine does with an operation: a list of them, the
 * rules each must keep, and the part of it that is still to be transferred.
 */
#ifndef DISK_OP_H
#define DISK_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "disk/disk.h"

/* Operations in the order they came, linked through op->next. */
struct disk_list {
	struct disk_op *head;
	struct disk_op *tail;
};

static inline void disk_list_push(struct disk_list *l, struct disk_op *op)
{
	op->next = NULL;
	if (l->tail)
		l->tail->next = op;
	else
		l->head = op;
	l->tail = op;
}

/* NULL if there is none. */
static inline struct disk_op *disk_list_pop(struct disk_list *l)
{
	struct disk_op *op = l->head;

	if (op) {
		l->head = op->next;
		if (!l->head)
			l->tail = NULL;
		op->next = NULL;
	}
	return op;
}

/* Everything of `from` goes behind what `to` holds; `from` is empty then. */
static inline void disk_list_join(struct disk_list *to, struct disk_list *from)
{
	if (!from->head)
		return;
	if (to->tail)
		to->tail->next = from->head;
	else
		to->head = from->head;
	to->tail = from->tail;
	from->head = NULL;
	from->tail = NULL;
}

/*
 * Begin an operation: clears error and progress and asserts what disk.h asks
 * of the caller.  False if it is answered already, with op->error set: a
 * write to a read-only disk, a discard where there is none, or nothing to do.
 */
bool disk_op_begin(const struct disk *d, struct disk_op *op);

/*
 * The vectors from op->done_bytes on.  Where that lies inside a vector, `one`
 * is filled with the rest of that vector alone, so that nothing is ever
 * copied or allocated; the caller comes back for what follows.  Returns how
 * many stand at *out; 0 only for a finished operation.
 */
unsigned disk_op_rest(const struct disk_op *op, struct iovec *one,
		      const struct iovec **out);

/*
 * Copy `len` bytes between `buf` and the vectors from op->done_bytes on;
 * `len` is at most what remains.
 */
void disk_op_gather(const struct disk_op *op, void *buf, size_t len);
void disk_op_scatter(const struct disk_op *op, const void *buf, size_t len);

/* True for a read or a write that has bytes left to move. */
static inline bool disk_op_left(const struct disk_op *op)
{
	return op->done_bytes < op->len_bytes;
}

/*
 * An eventfd that says "reap me": created non-blocking, or -errno.
 * raise and clear keep errno.
 */
int disk_signal_open(void);
void disk_signal_raise(int fd);
void disk_signal_clear(int fd);

#endif
