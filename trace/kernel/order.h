/* SPDX-License-Identifier: MIT */
/*
 * Brings what several processors saw into the order of time.  A program asks
 * for room in the ring buffer and then stamps; meanwhile others, also an
 * interrupt on the same processor, may do both.  And of a frontend's requests
 * some are stamped long before there is room for them (blkfront.bpf.c).
 */
#ifndef KERNEL_ORDER_H
#define KERNEL_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "trace/kernel/raw.h"

struct order_item {
	uint64_t t_ns, n;
	size_t at; /* in bytes */
	size_t len;
};

/* Zeroed, it is empty. */
struct order {
	uint8_t *bytes;
	size_t used, room;
	struct order_item *item;
	size_t items, items_room;
	uint64_t n;
};

/* A copy is kept.  -ENOMEM. */
int order_add(struct order *o, const struct raw_head *raw, size_t len);

/*
 * Gives and forgets all that is not younger than until_ns, the oldest first;
 * what is not 0 ends that, and is returned.  -ENOMEM.
 */
int order_give(struct order *o, uint64_t until_ns,
	       int (*each)(const struct raw_head *raw, size_t len, void *user),
	       void *user);

void order_free(struct order *o);

#endif
