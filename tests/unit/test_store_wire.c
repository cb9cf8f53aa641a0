/* SPDX-License-Identifier: MIT */
/*
 * The store's wire protocol, byte by byte, against a real desk: what a kernel
 * or libxenstore would send, and what they never would.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "desk_rig.h"

#include <xen/io/xs_wire.h>

#include "desk/store/quota.h"

struct answer {
	struct xsd_sockmsg hdr;
	char data[XENSTORE_PAYLOAD_MAX + 1];
};

static struct answer last;

static int dial(uint16_t domid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { 20, 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dom%u/store.sock",
		 rig_dir, domid);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void say(int fd, uint32_t type, uint32_t tx, const void *data,
		size_t len)
{
	struct xsd_sockmsg hdr = {
		.type = type, .req_id = 77, .tx_id = tx, .len = (uint32_t)len
	};

	assert_int_equal(send(fd, &hdr, sizeof(hdr), MSG_NOSIGNAL),
			 sizeof(hdr));
	if (len)
		assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static bool read_all(int fd, void *to, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, (char *)to + got, len - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* The next message, be it an answer or an event. */
static bool hear(int fd)
{
	if (!read_all(fd, &last.hdr, sizeof(last.hdr)))
		return false;
	assert_true(last.hdr.len <= XENSTORE_PAYLOAD_MAX);
	last.data[last.hdr.len] = 0;
	return read_all(fd, last.data, last.hdr.len);
}

/* Ask; the answer's data, or "E..." of an error. */
static const char *ask_raw(int fd, uint32_t type, uint32_t tx, const void *data,
			   size_t len)
{
	say(fd, type, tx, data, len);
	do {
		assert_true(hear(fd));
	} while (last.hdr.type == XS_WATCH_EVENT);
	assert_int_equal(last.hdr.req_id, 77);
	assert_int_equal(last.hdr.tx_id, tx);
	if (last.hdr.type != XS_ERROR)
		assert_int_equal(last.hdr.type, type);
	return last.data;
}

#define ask(fd, type, tx, text) ask_raw(fd, type, tx, text, sizeof(text))

static const char *put(int fd, uint32_t tx, const char *path, const char *value)
{
	char data[XENSTORE_PAYLOAD_MAX];
	size_t n = strlen(path) + 1;

	memcpy(data, path, n);
	memcpy(data + n, value, strlen(value));
	return ask_raw(fd, XS_WRITE, tx, data, n + strlen(value));
}

static const char *get(int fd, uint32_t tx, const char *path)
{
	return ask_raw(fd, XS_READ, tx, path, strlen(path) + 1);
}

static bool closed(int fd)
{
	char c;
	ssize_t n = read(fd, &c, 1);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static uint32_t begin(int fd)
{
	return (uint32_t)atoi(ask(fd, XS_TRANSACTION_START, 0, ""));
}

/* ---- what a client may do -------------------------------------------------
 */

static void nodes(void **state)
{
	int fd = dial(0);

	(void)state;
	assert_string_equal(put(fd, 0, "/a/b", "value"), "OK");
	assert_string_equal(get(fd, 0, "/a/b"), "value");
	assert_int_equal(last.hdr.len, 5); /* no NUL in a value */
	assert_string_equal(get(fd, 0, "/a"), "");
	assert_int_equal(last.hdr.len, 0);
	assert_string_equal(ask(fd, XS_MKDIR, 0, "/a/c"), "OK");
	assert_string_equal(ask(fd, XS_MKDIR, 0, "/a/b"), "OK");
	assert_string_equal(get(fd, 0, "/a/b"), "value");
	ask(fd, XS_DIRECTORY, 0, "/a");
	assert_int_equal(last.hdr.len, 4);
	assert_memory_equal(last.data, "b\0c\0", 4);
	assert_string_equal(ask(fd, XS_RM, 0, "/a/b"), "OK");
	assert_string_equal(ask(fd, XS_RM, 0, "/a/b"), "OK"); /* parent is */
	assert_string_equal(ask(fd, XS_RM, 0, "/x/b"), "ENOENT");
	assert_string_equal(ask(fd, XS_RM, 0, "/"), "EINVAL");
	assert_string_equal(get(fd, 0, "/a/b"), "ENOENT");
	/* Any bytes are a value. */
	assert_string_equal(ask_raw(fd, XS_WRITE, 0, "/bin\0a\0b", 8), "OK");
	get(fd, 0, "/bin");
	assert_int_equal(last.hdr.len, 3);
	assert_memory_equal(last.data, "a\0b", 3);
	/* Relative to the own domain. */
	assert_string_equal(put(fd, 0, "here", "1"), "OK");
	assert_string_equal(get(fd, 0, "/local/domain/0/here"), "1");
	close(fd);
}

static void long_directories(void **state)
{
	char data[64], all[20000];
	size_t used = 0, n;
	uint64_t gen = 0;
	int fd = dial(0), i, parts = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		snprintf(data, sizeof(data), "/dir/child-%04d", i);
		put(fd, 0, data, "");
	}
	assert_string_equal(ask(fd, XS_DIRECTORY, 0, "/dir"), "E2BIG");
	do {
		n = (size_t)snprintf(data, sizeof(data), "/dir%c%zu", 0, used);
		ask_raw(fd, XS_DIRECTORY_PART, 0, data, n + 1);
		if (parts++)
			assert_int_equal(strtoull(last.data, NULL, 10), gen);
		gen = strtoull(last.data, NULL, 10);
		n = strlen(last.data) + 1;
		assert_true(last.hdr.len > n);
		memcpy(all + used, last.data + n, last.hdr.len - n);
		used += last.hdr.len - n;
	} while (used < 2 || all[used - 2]);
	assert_int_equal(used, 1000 * 11 + 1);
	assert_string_equal(all + 999 * 11, "child-0999");
	assert_true(parts > 2);
	/* Behind the end: an empty name. */
	ask_raw(fd, XS_DIRECTORY_PART, 0, "/dir\099999", 11);
	assert_int_equal(last.hdr.len, strlen(last.data) + 2);
	assert_string_equal(ask_raw(fd, XS_DIRECTORY_PART, 0, "/dir\0x", 7),
			    "EINVAL");
	assert_string_equal(ask_raw(fd, XS_DIRECTORY_PART, 0, "/dir", 5),
			    "EINVAL");
	close(fd);
}

static void permissions(void **state)
{
	int dom0, dom1, dom2;

	(void)state;
	rig_domain(1);
	rig_domain(2);
	dom0 = dial(0);
	dom1 = dial(1);
	dom2 = dial(2);
	put(dom0, 0, "/own", "x");
	assert_string_equal(ask(dom0, XS_SET_PERMS, 0, "/own\0n1\0r2"), "OK");
	ask(dom1, XS_GET_PERMS, 0, "/own");
	assert_memory_equal(last.data, "n1\0r2\0", 6);
	assert_string_equal(get(dom1, 0, "/own"), "x");
	assert_string_equal(get(dom2, 0, "/own"), "x");
	assert_string_equal(put(dom2, 0, "/own", "y"), "EACCES");
	assert_string_equal(put(dom2, 0, "/own/sub", "y"), "EACCES");
	assert_string_equal(put(dom1, 0, "/own/sub", "y"), "OK");
	/* Nobody is told of what he may not see. */
	assert_string_equal(get(dom2, 0, "/nothing"), "EACCES");
	assert_string_equal(get(dom2, 0, "/local/domain/0/name"), "EACCES");
	assert_string_equal(get(dom0, 0, "/nothing"), "ENOENT");
	/* An owner may not give away, nor others take. */
	assert_string_equal(ask(dom1, XS_SET_PERMS, 0, "/own\0n2"), "EPERM");
	assert_string_equal(ask(dom2, XS_SET_PERMS, 0, "/own\0n2"), "EACCES");
	assert_string_equal(ask(dom1, XS_SET_PERMS, 0, "/own\0b1"), "OK");
	assert_string_equal(put(dom2, 0, "/own", "y"), "OK");
	assert_string_equal(
		ask(dom1, XS_SET_PERMS, 0, "/own\0n1\0r2\0r3\0r4\0r5\0r6"),
		"ENOSPC");
	assert_string_equal(ask(dom0, XS_SET_PERMS, 0, "/own\0n9"), "ENOENT");
	assert_string_equal(ask(dom0, XS_SET_PERMS, 0, "/own"), "EINVAL");
	assert_string_equal(ask(dom0, XS_SET_PERMS, 0, "/own\0zz"), "EINVAL");
	/* Domain 0's own requests. */
	assert_string_equal(ask(dom1, XS_INTRODUCE, 0, "1\0001\0001"),
			    "EACCES");
	assert_string_equal(ask(dom1, XS_CONTROL, 0, "help"), "EACCES");
	close(dom0);
	close(dom1);
	close(dom2);
}

/* A right given before a domain was there is not the right of a later one. */
static void permissions_do_not_outlive_a_domain(void **state)
{
	int dom0 = dial(0), dom5;

	(void)state;
	put(dom0, 0, "/secret", "x");
	assert_string_equal(ask(dom0, XS_SET_PERMS, 0, "/secret\0n0\0r5"),
			    "OK");
	rig_domain(5);
	dom5 = dial(5);
	assert_string_equal(get(dom5, 0, "/secret"), "EACCES");
	close(dom5);
	close(dom0);
}

static void domains(void **state)
{
	int fd = dial(0);

	(void)state;
	rig_domain(3);
	assert_string_equal(ask(fd, XS_GET_DOMAIN_PATH, 0, "12"),
			    "/local/domain/12");
	assert_string_equal(ask(fd, XS_GET_DOMAIN_PATH, 0, "x"), "EINVAL");
	assert_string_equal(ask(fd, XS_IS_DOMAIN_INTRODUCED, 0, "3"), "T");
	assert_string_equal(ask(fd, XS_IS_DOMAIN_INTRODUCED, 0, "4"), "F");
	assert_string_equal(ask(fd, XS_RELEASE, 0, "3"), "OK");
	assert_string_equal(ask(fd, XS_IS_DOMAIN_INTRODUCED, 0, "3"), "F");
	assert_string_equal(ask_raw(fd, XS_INTRODUCE, 0, "3\0001\0001", 6),
			    "OK");
	assert_string_equal(ask(fd, XS_IS_DOMAIN_INTRODUCED, 0, "3"), "T");
	close(fd);
}

/* ---- watches ----------------------------------------------------------------
 */

static void expect_event(int fd, const char *path, const char *token)
{
	assert_true(hear(fd));
	assert_int_equal(last.hdr.type, XS_WATCH_EVENT);
	assert_int_equal(last.hdr.req_id, 0);
	assert_int_equal(last.hdr.tx_id, 0);
	assert_string_equal(last.data, path);
	assert_string_equal(last.data + strlen(path) + 1, token);
	assert_int_equal(last.hdr.len, strlen(path) + strlen(token) + 2);
}

/* Nothing came before the answer to a new question. */
static void expect_silence(int fd)
{
	say(fd, XS_GET_DOMAIN_PATH, 0, "0", 2);
	assert_true(hear(fd));
	assert_int_equal(last.hdr.type, XS_GET_DOMAIN_PATH);
}

static void watches(void **state)
{
	int w = dial(0), fd = dial(0);
	uint32_t tx;

	(void)state;
	assert_string_equal(ask(w, XS_WATCH, 0, "/a\0tok"), "OK");
	expect_event(w, "/a", "tok"); /* once, at once */
	assert_string_equal(ask(w, XS_WATCH, 0, "/a\0tok"), "EEXIST");
	assert_string_equal(ask(w, XS_WATCH, 0, "/a\0other"), "OK");
	expect_event(w, "/a", "other");
	put(fd, 0, "/a", "1");
	expect_event(w, "/a", "tok");
	expect_event(w, "/a", "other");
	assert_string_equal(ask(w, XS_UNWATCH, 0, "/a\0other"), "OK");
	assert_string_equal(ask(w, XS_UNWATCH, 0, "/a\0other"), "ENOENT");
	put(fd, 0, "/a/b/c", "1");
	expect_event(w, "/a/b/c", "tok");
	put(fd, 0, "/ab", "1");
	ask(fd, XS_MKDIR, 0, "/a"); /* is there: no change */
	expect_silence(w);
	/* What a transaction did is told when it ends, and not before. */
	tx = begin(fd);
	put(fd, tx, "/a/t", "1");
	expect_silence(w);
	ask(fd, XS_TRANSACTION_END, tx, "T");
	expect_event(w, "/a/t", "tok");
	tx = begin(fd);
	put(fd, tx, "/a/t", "2");
	ask(fd, XS_TRANSACTION_END, tx, "F");
	expect_silence(w);
	/* Who watches below what is removed hears of his own node. */
	ask(w, XS_WATCH, 0, "/a/b/c\0deep");
	expect_event(w, "/a/b/c", "deep");
	ask(fd, XS_RM, 0, "/a");
	expect_event(w, "/a/b/c", "deep");
	expect_event(w, "/a", "tok");
	assert_string_equal(ask(w, XS_RESET_WATCHES, 0, ""), "OK");
	assert_int_equal(rig_counters().watches, 0);
	put(fd, 0, "/a", "1");
	expect_silence(w);
	close(fd);
	close(w);
}

static void relative_watches(void **state)
{
	int fd;

	(void)state;
	rig_domain(1);
	fd = dial(0);
	put(fd, 0, "/local/domain/1", "");
	ask(fd, XS_SET_PERMS, 0, "/local/domain/1\0n1");
	close(fd);
	fd = dial(1);
	assert_string_equal(ask(fd, XS_WATCH, 0, "device\0t"), "OK");
	expect_event(fd, "device", "t");
	say(fd, XS_WRITE, 0, "device/vbd\0x", 12);
	expect_event(fd, "device/vbd", "t");
	assert_true(hear(fd)); /* the answer, behind it */
	assert_string_equal(ask(fd, XS_UNWATCH, 0, "device\0t"), "OK");
	close(fd);
}

static void watches_see_what_their_domain_may(void **state)
{
	int fd = dial(0), w;

	(void)state;
	rig_domain(1);
	w = dial(1);
	assert_string_equal(ask(w, XS_WATCH, 0, "/\0t"), "OK");
	expect_event(w, "/", "t");
	put(fd, 0, "/hidden", "1");
	put(fd, 0, "/hidden", "2");
	expect_silence(w);
	ask(fd, XS_SET_PERMS, 0, "/hidden\0n0\0r1");
	expect_event(w, "/hidden", "t");
	/* It learns that a right is taken away, and of no more. */
	ask(fd, XS_SET_PERMS, 0, "/hidden\0n0");
	expect_event(w, "/hidden", "t");
	put(fd, 0, "/hidden", "3");
	expect_silence(w);
	/* Domains that come are for domain 0, or whom it lets. */
	ask(w, XS_WATCH, 0, "@introduceDomain\0i");
	expect_event(w, "@introduceDomain", "i");
	rig_domain(8);
	expect_silence(w);
	assert_string_equal(
		ask(fd, XS_SET_PERMS, 0, "@introduceDomain\0n0\0r1"), "OK");
	rig_domain(9);
	expect_event(w, "@introduceDomain", "i");
	assert_string_equal(ask(w, XS_SET_PERMS, 0, "@releaseDomain\0n0\0r1"),
			    "EACCES");
	close(fd);
	close(w);
}

/* The same event is not queued twice for one who does not read. */
static void events_coalesce(void **state)
{
	int w = dial(0), fd = dial(0), i, events = 0;
	char path[32];

	(void)state;
	ask(w, XS_WATCH, 0, "/s\0t");
	expect_event(w, "/s", "t");
	for (i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/s/%d", i % 4);
		say(fd, XS_WRITE, 0, path, strlen(path) + 1);
		assert_true(hear(fd));
	}
	say(w, XS_GET_DOMAIN_PATH, 0, "0", 2);
	while (hear(w) && last.hdr.type == XS_WATCH_EVENT)
		events++;
	/* A socket's buffer full, not 20,000; and the last ones are there. */
	assert_in_range(events, 4, 5000);
	close(fd);
	close(w);
}

/*
 * A guest that makes events for a reader that does not read must wait for
 * it, and nobody else does (XSA-326, XSA-349).
 */
static void a_flood_waits(void **state)
{
	int w = dial(0), fd = dial(0), guest, i;
	struct timeval now = { 0, 200000 };
	char path[64];
	ssize_t n = 1;

	(void)state;
	rig_domain(1);
	put(fd, 0, "/flood", "");
	ask(fd, XS_SET_PERMS, 0, "/flood\0n1");
	ask(w, XS_WATCH, 0, "/flood\0t");
	expect_event(w, "/flood", "t");
	guest = dial(1);
	setsockopt(guest, SOL_SOCKET, SO_SNDTIMEO, &now, sizeof(now));
	/* New names each time, so that nothing coalesces. */
	for (i = 0; i < 1000000 && n > 0; i++) {
		struct xsd_sockmsg hdr = { .type = i % 2 ? XS_RM : XS_WRITE };
		char data[sizeof(hdr) + sizeof(path)], sink[4096];

		snprintf(path, sizeof(path), "/flood/%d", i / 2);
		hdr.len = (uint32_t)strlen(path) + 1;
		memcpy(data, &hdr, sizeof(hdr));
		memcpy(data + sizeof(hdr), path, hdr.len);
		n = send(guest, data, sizeof(hdr) + hdr.len, MSG_NOSIGNAL);
		while (recv(guest, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	}
	assert_true(n < 0 && errno == EAGAIN);
	assert_true(i < 5000); /* what sockets hold, and the quota */
	/* Others have their answers. */
	assert_string_equal(get(fd, 0, "/local/domain/0/domid"), "0");
	/* And when the reader reads, the guest goes on. */
	for (i = 0; i < 50000 && n < 0; i++) {
		assert_true(hear(w));
		n = send(guest, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	assert_true(n == 1);
	close(guest);
	close(fd);
	close(w);
}

/* ---- transactions
 * -------------------------------------------------------------- */

static void transactions(void **state)
{
	int a = dial(0), b = dial(0);
	uint32_t t, u;

	(void)state;
	put(a, 0, "/k", "0");
	t = begin(a);
	u = begin(b);
	assert_true(t && u && t != u);
	assert_string_equal(get(a, t, "/k"), "0");
	assert_string_equal(put(a, t, "/k", "a"), "OK");
	assert_string_equal(get(b, 0, "/k"), "0");
	assert_string_equal(get(a, 0, "/k"), "0");
	assert_string_equal(get(b, u, "/k"), "0");
	assert_string_equal(ask(a, XS_TRANSACTION_END, t, "T"), "OK");
	assert_string_equal(get(b, 0, "/k"), "a");
	assert_string_equal(put(b, u, "/k", "b"), "OK");
	assert_string_equal(ask(b, XS_TRANSACTION_END, u, "T"), "EAGAIN");
	assert_string_equal(ask(b, XS_TRANSACTION_END, u, "T"), "ENOENT");
	assert_string_equal(get(b, 0, "/k"), "a");
	/* Of another connection, of nobody, and inside another one. */
	t = begin(a);
	assert_string_equal(get(b, t, "/k"), "ENOENT");
	assert_string_equal(get(b, 0xffffffff, "/k"), "ENOENT");
	assert_string_equal(ask(a, XS_TRANSACTION_START, t, ""), "EBUSY");
	assert_string_equal(ask(a, XS_TRANSACTION_END, t, "x"), "EINVAL");
	assert_string_equal(ask(a, XS_TRANSACTION_END, 0, "T"), "ENOENT");
	assert_int_equal(rig_counters().transactions, 1);
	close(a);
	close(b);
	rig_wait_counter(transactions, 0);
}

/* ---- limits
 * ---------------------------------------------------------------------- */

static void limits_of_a_guest(void **state)
{
	int fd, other, i;
	char data[64];
	size_t n;

	(void)state;
	rig_domain(1);
	fd = dial(1);
	other = dial(1);
	for (i = 0; i <= (int)STORE_QUOTA_TRANSACTIONS; i++)
		assert_true(begin(fd) != 0);
	/* Over all its connections. */
	assert_string_equal(ask(other, XS_TRANSACTION_START, 0, ""), "ENOSPC");
	for (i = 0; i < (int)STORE_QUOTA_WATCHES; i++) {
		n = (size_t)snprintf(data, sizeof(data), "/x%ct%d", 0, i);
		ask_raw(i % 2 ? fd : other, XS_WATCH, 0, data, n + 1);
		assert_string_equal(last.data, "OK");
	}
	assert_string_equal(ask(fd, XS_WATCH, 0, "/x\0more"), "E2BIG");
	assert_string_equal(ask(fd, XS_RESET_WATCHES, 0, ""), "OK");
	assert_true(begin(other) != 0);
	close(fd);
	close(other);
}

static void connections_of_a_guest(void **state)
{
	int fd[STORE_QUOTA_CONNECTIONS + 1], dom0 = dial(0);
	unsigned i;

	(void)state;
	rig_domain(1);
	for (i = 0; i < STORE_QUOTA_CONNECTIONS; i++) {
		fd[i] = dial(1);
		assert_string_equal(ask(fd[i], XS_GET_DOMAIN_PATH, 0, "1"),
				    "/local/domain/1");
	}
	fd[i] = dial(1);
	assert_true(closed(fd[i]));
	assert_string_equal(get(dom0, 0, "/local/domain/0/domid"), "0");
	for (i = 0; i <= STORE_QUOTA_CONNECTIONS; i++)
		close(fd[i]);
	close(dom0);
}

/* ---- what nobody should send
 * ------------------------------------------------------ */

static void too_long_ends_the_connection(void **state)
{
	struct xsd_sockmsg hdr = { .type = XS_READ,
				   .len = XENSTORE_PAYLOAD_MAX + 1 };
	int fd = dial(0), other = dial(0);
	char big[XENSTORE_PAYLOAD_MAX];

	(void)state;
	assert_int_equal(send(fd, &hdr, sizeof(hdr), 0), sizeof(hdr));
	assert_true(closed(fd));
	close(fd);
	hdr.len = 0xffffffff;
	fd = dial(0);
	assert_int_equal(send(fd, &hdr, sizeof(hdr), 0), sizeof(hdr));
	assert_true(closed(fd));
	close(fd);
	/* As long as may be. */
	memset(big, 'v', sizeof(big));
	memcpy(big, "/big", 5);
	assert_string_equal(ask_raw(other, XS_WRITE, 0, big, sizeof(big)),
			    "OK");
	get(other, 0, "/big");
	assert_int_equal(last.hdr.len, XENSTORE_PAYLOAD_MAX - 5);
	close(other);
}

static void unknown_messages(void **state)
{
	static const uint32_t bad[] = {
		XS_WATCH_EVENT, XS_ERROR,      20,	  23, 9999,
		XS_INVALID,	XS_SET_TARGET, 0xffffffff
	};
	int fd = dial(0);
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_string_equal(ask(fd, bad[i], 0, "x"), "ENOSYS");
	assert_string_equal(ask(fd, XS_CONTROL, 0, "help"), "EINVAL");
	close(fd);
}

static void malformed_payloads(void **state)
{
	int fd = dial(0);
	uint32_t type;

	(void)state;
	for (type = 0; type < XS_TYPE_COUNT; type++) {
		if (type == XS_TRANSACTION_START || type == XS_RESET_WATCHES ||
		    type == XS_WATCH_EVENT || type == XS_ERROR)
			continue;
		/* Nothing at all, no NUL, two where one is needed. */
		assert_int_equal(ask_raw(fd, type, 0, "", 0)[0], 'E');
		assert_int_equal(ask_raw(fd, type, 0, "/a", 2)[0], 'E');
		assert_int_equal(ask_raw(fd, type, 0, "//\0//\0//", 9)[0], 'E');
	}
	assert_string_equal(ask_raw(fd, XS_READ, 0, "/a\0/b", 6), "EINVAL");
	assert_string_equal(ask_raw(fd, XS_WATCH, 0, "/a\0t\0u", 7), "EINVAL");
	close(fd);
}

/* Bytes drip in, and stop in the middle: the others are served. */
static void half_a_message(void **state)
{
	struct xsd_sockmsg hdr = { .type = XS_GET_DOMAIN_PATH,
				   .req_id = 77,
				   .len = 2 };
	int fd = dial(0), other = dial(0);
	char bytes[sizeof(hdr) + 2] = { 0 };
	size_t i;

	(void)state;
	memcpy(bytes, &hdr, sizeof(hdr));
	bytes[sizeof(hdr)] = '5';
	for (i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(write(fd, bytes + i, 1), 1);
		assert_string_equal(get(other, 0, "/local/domain/0/domid"),
				    "0");
	}
	assert_true(hear(fd));
	assert_string_equal(last.data, "/local/domain/5");
	assert_int_equal(write(fd, bytes, 10), 10);
	close(fd);
	assert_string_equal(get(other, 0, "/local/domain/0/domid"), "0");
	close(other);
}

/* Requests without end, and no answer read: only that one waits. */
static void answers_unread(void **state)
{
	int fd = dial(0), other = dial(0), i;
	struct timeval now = { 0, 1000 };
	ssize_t n = 1;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &now, sizeof(now));
	for (i = 0; i < 1000000 && n > 0; i++)
		n = send(fd, "\1\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0/", 18,
			 MSG_NOSIGNAL);
	assert_true(n < 0 && errno == EAGAIN);
	assert_string_equal(get(other, 0, "/local/domain/0/domid"), "0");
	close(fd);
	close(other);
}

/* Random bytes behind a plausible header, always the same ones. */
static void noise(void **state)
{
	int fd = dial(0), other = dial(0);
	unsigned seed = 4711, i, j;
	char data[256];

	(void)state;
	for (i = 0; i < 3000; i++) {
		size_t len = (size_t)rand_r(&seed) % sizeof(data);

		for (j = 0; j < len; j++)
			data[j] = "/ab@0\0-n1"[rand_r(&seed) % 9];
		ask_raw(fd, (uint32_t)rand_r(&seed) % 25,
			(uint32_t)rand_r(&seed) % 3, data, len);
	}
	assert_string_equal(get(other, 0, "/local/domain/0/domid"), "0");
	close(fd);
	close(other);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nodes),
		T(long_directories),
		T(permissions),
		T(permissions_do_not_outlive_a_domain),
		T(domains),
		T(watches),
		T(relative_watches),
		T(watches_see_what_their_domain_may),
		T(events_coalesce),
		T(a_flood_waits),
		T(transactions),
		T(limits_of_a_guest),
		T(connections_of_a_guest),
		T(too_long_ends_the_connection),
		T(unknown_messages),
		T(malformed_payloads),
		T(half_a_message),
		T(answers_unread),
		T(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
