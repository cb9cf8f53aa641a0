/* SPDX-License-Identifier: MIT */
#include "trace/kernel/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN (64u << 10)

static int room_make(struct order *o, size_t len)
{
	size_t room = o->room ? o->room : ROOM_MIN;
	uint8_t *bytes;

	while (room - o->used < len)
		room *= 2;
	if (room == o->room)
		return 0;
	bytes = realloc(o->bytes, room);
	if (!bytes)
		return -ENOMEM;
	o->bytes = bytes;
	o->room = room;
	return 0;
}

int order_add(struct order *o, const struct raw_head *raw, size_t len)
{
	/* Each begins where any of its members may. */
	size_t whole = (len + 7) & ~(size_t)7;

	if (o->items == o->items_room) {
		size_t more = o->items_room ? 2 * o->items_room : 1024;
		struct order_item *item =
			reallocarray(o->item, more, sizeof(*item));

		if (!item)
			return -ENOMEM;
		o->item = item;
		o->items_room = more;
	}
	if (room_make(o, whole))
		return -ENOMEM;
	memcpy(o->bytes + o->used, raw, len);
	o->item[o->items++] =
		(struct order_item){ raw->t_ns, o->n++, o->used, len };
	o->used += whole;
	return 0;
}

/* Of the same time: as they came. */
static int by_time(const void *a, const void *b)
{
	const struct order_item *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

/* What is left of it, from the item `first` on, in memory of its own. */
static int keep(struct order *o, size_t first)
{
	struct order left = { .n = o->n };
	int err = 0;

	for (size_t i = first; i < o->items && !err; i++) {
		const struct order_item *item = &o->item[i];

		err = order_add(&left, (const void *)(o->bytes + item->at),
				item->len);
		if (!err)
			left.item[left.items - 1].n = item->n;
	}
	left.n = o->n;
	order_free(o);
	*o = left;
	return err;
}

int order_give(struct order *o, uint64_t until_ns,
	       int (*each)(const struct raw_head *raw, size_t len, void *user),
	       void *user)
{
	size_t i;
	int err = 0;

	if (!o->items)
		return 0;
	qsort(o->item, o->items, sizeof(*o->item), by_time);
	for (i = 0; i < o->items && o->item[i].t_ns <= until_ns && !err; i++)
		err = each((const void *)(o->bytes + o->item[i].at),
			   o->item[i].len, user);
	if (i < o->items && !err)
		return keep(o, i);
	o->items = o->used = 0;
	return err;
}

void order_free(struct order *o)
{
	free(o->bytes);
	free(o->item);
	*o = (struct order){ 0 };
}
