/* SPDX-License-Identifier: MIT */
#include "trace/probe/decode.h"

#include <errno.h>
#include <string.h>

#define QUEUE_BITS 0xfffu /* all of them: the device as a whole */
#define QUEUE_NONE 0xffffu

struct cursor {
	const uint8_t *data;
	uint32_t at, len;
};

/* The next n bytes, and what fills them up to a multiple of 8; or NULL. */
static const uint8_t *take(struct cursor *c, uint64_t n)
{
	const uint8_t *p = c->data + c->at;

	if (n > c->len - c->at)
		return NULL;
	c->at += (uint32_t)n;
	n = (8 - n % 8) % 8;
	c->at += n > c->len - c->at ? c->len - c->at : (uint32_t)n;
	return p;
}

static uint32_t element_size(enum ev_type type)
{
	return type == EV_TYPE_U8 ? 1 : type == EV_TYPE_I16 ? 2 : 4;
}

static int field_decode(struct cursor *c, const struct ev_field *field,
			union ctf_value *value)
{
	const uint8_t *p = take(c, sizeof(value->number));
	uint64_t n;

	if (!p)
		return -EBADMSG;
	memcpy(&n, p, sizeof(n));
	if (field->array) {
		if (n > PROBE_ARRAY_MAX)
			return -EBADMSG;
		value->array.count = (uint32_t)n;
		value->array.of = take(c, n * element_size(field->type));
		return value->array.of ? 0 : -EBADMSG;
	}
	if (field->type != EV_TYPE_STRING) {
		value->number = n;
		return 0;
	}
	p = take(c, n);
	if (!p || !n || p[n - 1])
		return -EBADMSG;
	value->text = (const char *)p;
	return 0;
}

int probe_decode(const struct probe_event *from, const uint8_t *data,
		 struct ctf_event *event)
{
	const struct ev_desc *desc = &ev_descs[from->kind];
	struct cursor c = { data, 0, from->len };
	uint64_t origin = from->origin;
	int err = 0;

	event->kind = (enum ev_kind)from->kind;
	event->t_ns = from->t_ns;
	event->actor = origin & 0xf;
	event->queue = origin >> 4 & QUEUE_BITS;
	if (event->queue == QUEUE_BITS)
		event->queue = QUEUE_NONE;
	event->domid = (uint16_t)(origin >> 16);
	event->devid = (uint32_t)(origin >> 32);
	for (size_t i = 0; !err && i < desc->fields; i++)
		err = field_decode(&c, &desc->field[i], &event->value[i]);
	return err;
}
