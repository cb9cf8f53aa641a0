/* SPDX-License-Identifier: MIT */
#include "host/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- frames that come ---------------------------------------------------- */

static size_t frame_len(const struct wire_reader *r)
{
	return (size_t)r->data[1] | (size_t)r->data[2] << 8 |
	       (size_t)r->data[3] << 16;
}

static void skip(struct wire_reader *r, size_t len)
{
	r->have -= len;
	memmove(r->data, r->data + len, r->have);
}

int wire_read(struct wire_reader *r, int fd)
{
	ssize_t n;

	if (r->have == sizeof(r->data))
		return 0;
	n = read(fd, r->data + r->have, sizeof(r->data) - r->have);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	r->have += (size_t)n;
	return 1;
}

int wire_peek(struct wire_reader *r, enum wire_type *type,
	      const uint8_t **payload, size_t *len)
{
	size_t zeros = 0;

	while (zeros < r->have && r->data[zeros] == WIRE_NOTHING)
		zeros++;
	if (zeros)
		skip(r, zeros);
	if (r->have < WIRE_HEAD)
		return 0;
	*len = frame_len(r);
	if (*len > WIRE_MAX || r->data[0] >= WIRE_TYPES)
		return -EPROTO;
	if (r->have < WIRE_HEAD + *len)
		return 0;
	*type = (enum wire_type)r->data[0];
	*payload = r->data + WIRE_HEAD;
	return 1;
}

void wire_drop(struct wire_reader *r)
{
	skip(r, WIRE_HEAD + frame_len(r));
}

/* ---- frames that go ------------------------------------------------------ */

/* Room for so many bytes at the end, or NULL. */
static uint8_t *room(struct wire_writer *w, size_t len)
{
	if (w->len + len > sizeof(w->data)) {
		w->len -= w->at;
		memmove(w->data, w->data + w->at, w->len);
		w->at = 0;
	}
	if (w->len + len > sizeof(w->data))
		return NULL;
	w->len += len;
	return w->data + w->len - len;
}

bool wire_queue(struct wire_writer *w, enum wire_type type, const void *payload,
		size_t len)
{
	uint8_t *p = len > WIRE_MAX ? NULL : room(w, WIRE_HEAD + len);

	if (!p)
		return false;
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)len;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)(len >> 16);
	if (len)
		memcpy(p + WIRE_HEAD, payload, len);
	return true;
}

bool wire_queue_zeros(struct wire_writer *w)
{
	uint8_t *p = room(w, WIRE_HEAD + WIRE_MAX);

	if (p)
		memset(p, WIRE_NOTHING, WIRE_HEAD + WIRE_MAX);
	return p;
}

int wire_flush(struct wire_writer *w, int fd)
{
	ssize_t n;

	while (w->at < w->len) {
		n = write(fd, w->data + w->at, w->len - w->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		w->at += (size_t)n;
	}
	w->at = w->len = 0;
	return 0;
}
