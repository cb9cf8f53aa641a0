/* SPDX-License-Identifier: MIT */
#include "trace/record/relay.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"

#define CONNECT_MS 5000

/* Seconds: a silent machine is asked twice more and then given up. */
#define SILENT_S 4
#define REPEAT_S 2
#define REPEATS	 3

/* ---- what the person wrote ----------------------------------------------- */

static int ports_parse(const char *text, struct record_relay *relay)
{
	char control[8];
	uint64_t n;
	size_t len;

	if (!*text)
		return 0;
	if (*text++ != ':')
		return -EINVAL;
	len = strcspn(text, ":");
	if (text[len] != ':' || len >= sizeof(control))
		return -EINVAL;
	memcpy(control, text, len);
	control[len] = '\0';
	if (number_parse(control, 1, UINT16_MAX, &n))
		return -EINVAL;
	relay->control = (uint16_t)n;
	if (number_parse(text + len + 1, 1, UINT16_MAX, &n))
		return -EINVAL;
	relay->data = (uint16_t)n;
	return 0;
}

int record_relay_parse(const char *text, struct record_relay *relay,
		       struct why *why)
{
	const char *begin = text, *rest;
	size_t len;

	*relay = (struct record_relay){ .control = RECORD_RELAY_CONTROL,
					.data = RECORD_RELAY_DATA,
					.fd = -1 };
	if (*text == '[') {
		begin++;
		len = strcspn(begin, "]");
		rest = begin + len + (begin[len] == ']');
		if (rest == begin + len)
			len = 0;
	} else {
		len = strcspn(begin, ":");
		rest = begin + len;
	}
	if (!len || len >= sizeof(relay->host) ||
	    strcspn(begin, "/@ %") < len || ports_parse(rest, relay))
		return why_set(why, -EINVAL,
			       "\"%s\" is not HOST or HOST:CONTROL:DATA; an "
			       "IPv6 address stands in brackets",
			       text);
	memcpy(relay->host, begin, len);
	relay->host[len] = '\0';
	return 0;
}

/* ---- connections --------------------------------------------------------- */

/* A socket, or -errno. */
static int connect_one(const struct addrinfo *to)
{
	int fd = socket(to->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0, ready;

	if (fd < 0)
		return -errno;
	if (!connect(fd, to->ai_addr, to->ai_addrlen))
		return fd;
	if (errno == EINPROGRESS) {
		do
			ready = poll(&p, 1, CONNECT_MS);
		while (ready < 0 && errno == EINTR);
		err = ready > 0 ? 0 : ETIMEDOUT;
		if (!err)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	} else {
		err = errno;
	}
	if (!err)
		return fd;
	close(fd);
	return -err;
}

static void port_set(struct addrinfo *to, uint16_t port)
{
	if (to->ai_family == AF_INET6)
		((struct sockaddr_in6 *)to->ai_addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)to->ai_addr)->sin_port = htons(port);
}

/* 0: both ports of this address are open.  *port is the one that is not. */
static int address_try(struct record_relay *relay, struct addrinfo *to,
		       uint16_t *port)
{
	int data, fd;

	port_set(to, *port = relay->control);
	fd = connect_one(to);
	if (fd < 0)
		return fd;
	port_set(to, *port = relay->data);
	data = connect_one(to);
	if (data < 0) {
		close(fd);
		return data;
	}
	close(data);
	relay->fd = fd;
	relay->v6 = to->ai_family == AF_INET6;
	getnameinfo(to->ai_addr, to->ai_addrlen, relay->address,
		    sizeof(relay->address), NULL, 0, NI_NUMERICHOST);
	return 0;
}

static void watch_for_silence(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, SILENT_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, REPEAT_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, REPEATS },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(fd, options[i].level, options[i].name,
			   &options[i].value, sizeof(options[i].value));
}

int record_relay_connect(struct record_relay *relay, struct why *why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int err = getaddrinfo(relay->host, NULL, &hints, &all);
	uint16_t port = relay->control;

	if (err)
		return why_set(why, -EHOSTUNREACH,
			       "the host %s is not found: %s", relay->host,
			       err == EAI_SYSTEM ? strerror(errno)
						 : gai_strerror(err));
	err = -EHOSTUNREACH;
	for (struct addrinfo *to = all; to && err; to = to->ai_next)
		if (to->ai_family == AF_INET || to->ai_family == AF_INET6)
			err = address_try(relay, to, &port);
	freeaddrinfo(all);
	if (err)
		return why_set(why, -EHOSTUNREACH,
			       "no lttng-relayd answers at port %u of %s (%s); "
			       "start lttng-relayd there, and see that nothing "
			       "in between keeps ports %u and %u closed",
			       port, relay->host, strerror(-err),
			       relay->control, relay->data);
	watch_for_silence(relay->fd);
	return 0;
}

bool record_relay_alive(const struct record_relay *relay)
{
	char byte;
	ssize_t n = recv(relay->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void record_relay_place(const char *name, char place[RECORD_RELAY_PLACE])
{
	char here[65] = "";

	gethostname(here, sizeof(here) - 1);
	snprintf(place, RECORD_RELAY_PLACE, "~/lttng-traces/%s/%s", here, name);
}

void record_relay_urls(const struct record_relay *relay, const char *name,
		       char control[RECORD_RELAY_URL],
		       char data[RECORD_RELAY_URL])
{
	const char *form = relay->v6 ? "tcp6://[%s]:%u%s%s" : "tcp://%s:%u%s%s";

	snprintf(control, RECORD_RELAY_URL, form, relay->address,
		 relay->control, "/", name);
	snprintf(data, RECORD_RELAY_URL, form, relay->address, relay->data, "",
		 "");
}
