/* SPDX-License-Identifier: MIT */
#include "host/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

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
	if (*len > WIRE_MAX || r->data[0] > WIRE_REFUSED)
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

int wire_send_raw(int fd, const void *data, size_t len)
{
	const char *p = data;
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno == EAGAIN) {
			if (poll(&wait, 1, -1) > 0 &&
			    wait.revents & (POLLHUP | POLLERR))
				return -EPIPE;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int wire_send(int fd, enum wire_type type, const void *payload, size_t len)
{
	uint8_t frame[WIRE_HEAD + WIRE_MAX];

	if (len > WIRE_MAX)
		return -EMSGSIZE;
	frame[0] = (uint8_t)type;
	frame[1] = (uint8_t)len;
	frame[2] = (uint8_t)(len >> 8);
	frame[3] = (uint8_t)(len >> 16);
	if (len)
		memcpy(frame + WIRE_HEAD, payload, len);
	return wire_send_raw(fd, frame, WIRE_HEAD + len);
}
