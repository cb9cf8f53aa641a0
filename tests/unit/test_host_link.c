/* SPDX-License-Identifier: MIT */
/*
 * The real agent and the real link, without QEMU.  Two stand-ins for a virtio
 * port: `direct`, where the agent sees a client hang up, and `relay`, where it
 * never does and each client finds what the one before left in the stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "host/agent.h"
#include "host/link.h"
#include "host/remote.h"

#define PATIENCE_MS 10000

struct rig {
	char dir[64];
	pid_t port; /* 0: nobody serves */
};

/* ---- the port ------------------------------------------------------------ */

static void lock_path(const struct rig *r, unsigned port, char out[128])
{
	snprintf(out, 128, "%s/port%u.lock", r->dir, port);
}

static int listen_at(const struct rig *r, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/port0.sock", r->dir);
	assert_return_code(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_return_code(listen(fd, backlog), 0);
	return fd;
}

static int connect_raw(const struct rig *r)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/port0.sock", r->dir);
	assert_return_code(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			   0);
	return fd;
}

static void make_dir(struct rig *r)
{
	char path[128];
	unsigned i;

	strcpy(r->dir, "/tmp/ringside-link-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	for (i = 0; i < WIRE_PORTS; i++) {
		lock_path(r, i, path);
		close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	}
}

static _Noreturn void serve_direct(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (agent_serve_fd(fd))
			_exit(1);
		close(fd);
	}
}

struct way {
	size_t at, len;
	char data[16384];
};

/* One direction: what is there goes on.  False at the end of `from`. */
static bool pass(struct way *w, int from, int to, short from_has, short to_can)
{
	ssize_t n;

	if (from_has && !w->len) {
		n = recv(from, w->data, sizeof(w->data), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		w->at = 0;
		w->len = n > 0 ? (size_t)n : 0;
	} else if (to_can && w->len) {
		n = send(to, w->data + w->at, w->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		w->at += (size_t)n;
		w->len -= (size_t)n;
	}
	return true;
}

static _Noreturn void serve_relay(int listener, int agent)
{
	static struct way in, out;
	int client = -1;

	for (;;) {
		struct pollfd p[3] = {
			{ .fd = client < 0 ? listener : -1, .events = POLLIN },
			{ .fd = client,
			  .events = (short)((in.len ? 0 : POLLIN) |
					    (out.len ? POLLOUT : 0)) },
			{ .fd = agent,
			  .events = (short)((out.len ? 0 : POLLIN) |
					    (in.len ? POLLOUT : 0)) },
		};

		poll(p, 3, -1);
		if (p[0].revents)
			client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (!pass(&out, agent, client, p[2].revents & ~POLLOUT,
			  client >= 0 ? p[1].revents & POLLOUT : 0))
			p[1].revents |= POLLHUP;
		if (!pass(&in, client, agent,
			  client >= 0 ? p[1].revents & ~POLLOUT : 0,
			  p[2].revents & POLLOUT) ||
		    (p[1].revents & POLLHUP && !in.len)) {
			close(client);
			client = -1;
		}
	}
}

static void serve(struct rig *r, bool relay)
{
	int listener = listen_at(r, 8), pair[2];

	r->port = fork();
	if (r->port) {
		close(listener);
		return;
	}
	setpgid(0, 0);
	/* As a shell leaves it to what it starts in the background. */
	signal(SIGINT, SIG_IGN);
	if (!relay)
		serve_direct(listener);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	if (!fork()) {
		close(listener);
		close(pair[1]);
		_exit(agent_serve_fd(pair[0]) ? 1 : 0);
	}
	close(pair[0]);
	serve_relay(listener, pair[1]);
}

static int rig_make(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	make_dir(r);
	*state = r;
	return 0;
}

static int rig_direct(void **state)
{
	rig_make(state);
	serve(*state, false);
	return 0;
}

static int rig_relay(void **state)
{
	rig_make(state);
	serve(*state, true);
	return 0;
}

static int rig_drop(void **state)
{
	struct rig *r = *state;
	char path[128];
	unsigned i;

	if (r->port) {
		kill(r->port, SIGTERM);
		waitpid(r->port, NULL, 0);
	}
	for (i = 0; i < WIRE_PORTS; i++) {
		lock_path(r, i, path);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/port0.sock", r->dir);
	unlink(path);
	i = (unsigned)rmdir(r->dir);
	free(r);
	return (int)i;
}

/* ---- commands ------------------------------------------------------------ */

struct said {
	int err, status;
	char out[4096], error[4096];
	struct why why;
};

static int temporary(void)
{
	char name[] = "/tmp/ringside-link-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(name);
	return fd;
}

static void text_of(int fd, char *out, size_t room)
{
	ssize_t n = pread(fd, out, room - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	close(fd);
}

static struct link *open_link(const struct rig *r)
{
	struct link *l = NULL;
	struct why why = { "" };

	if (link_open(r->dir, PATIENCE_MS, &l, &why))
		fail_msg("link_open: %s", why.text);
	return l;
}

/* With output into files. */
static void run(const struct rig *r, struct said *s, char *const *argv)
{
	struct remote_command c = { .argv = argv,
				    .in_fd = -1,
				    .out_fd = temporary(),
				    .err_fd = temporary() };
	struct link *l = open_link(r);

	memset(s, 0, sizeof(*s));
	s->err = remote_run(l, &c, &s->status, &s->why);
	link_close(l);
	text_of(c.out_fd, s->out, sizeof(s->out));
	text_of(c.err_fd, s->error, sizeof(s->error));
}

static void run_shell(const struct rig *r, struct said *s, const char *line)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)line,
			 NULL };

	run(r, s, argv);
}

static void expect_served(const struct rig *r)
{
	struct said s;

	run_shell(r, &s, "echo served; exit 3");
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 3);
	assert_string_equal(s.out, "served\n");
	assert_string_equal(s.error, "");
}

static void test_status(void **state)
{
	char *missing[] = { (char *)"/no/such/program", NULL };
	char *folder[] = { (char *)"/tmp", NULL };
	struct said s;

	run_shell(*state, &s, "exit 7");
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 7);
	run_shell(*state, &s, "kill -TERM $$");
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 128 + SIGTERM);
	run(*state, &s, missing);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 127);
	assert_non_null(strstr(s.error, "/no/such/program: No such file"));
	run(*state, &s, folder);
	assert_int_equal(s.status, 126);
}

static void test_streams(void **state)
{
	struct said s;

	run_shell(*state, &s, "echo one; echo two >&2; echo three");
	assert_int_equal(s.err, 0);
	assert_string_equal(s.out, "one\nthree\n");
	assert_string_equal(s.error, "two\n");
}

/* Much in both directions at once, all bytes as they were. */
static void test_binary(void **state)
{
	enum { LEN = 6 << 20 };
	char *argv[] = { (char *)"cat", NULL };
	struct remote_command c = { .argv = argv,
				    .in_fd = temporary(),
				    .out_fd = temporary(),
				    .err_fd = STDERR_FILENO };
	uint8_t *data = malloc(LEN), *back = calloc(1, LEN);
	uint32_t x = 1;
	struct link *l;
	struct why why;
	int i, status = -1;

	for (i = 0; i < LEN; i++) {
		x = x * 1664525u + 1013904223u;
		data[i] = i % 3 ? (uint8_t)(x >> 24) : 0;
	}
	assert_int_equal(write(c.in_fd, data, LEN), LEN);
	lseek(c.in_fd, 0, SEEK_SET);
	l = open_link(*state);
	assert_int_equal(remote_run(l, &c, &status, &why), 0);
	link_close(l);
	assert_int_equal(status, 0);
	assert_int_equal(lseek(c.out_fd, 0, SEEK_END), LEN);
	assert_int_equal(pread(c.out_fd, back, LEN, 0), LEN);
	assert_memory_equal(data, back, LEN);
	close(c.in_fd);
	close(c.out_fd);
	free(data);
	free(back);
}

static void test_terminal(void **state)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"tty && stty size",
			 NULL };
	struct remote_command c = { .argv = argv,
				    .terminal = true,
				    .in_fd = -1,
				    .out_fd = temporary(),
				    .err_fd = STDERR_FILENO };
	struct link *l = open_link(*state);
	char out[256];
	struct why why;
	int status = -1;

	assert_int_equal(remote_run(l, &c, &status, &why), 0);
	link_close(l);
	text_of(c.out_fd, out, sizeof(out));
	assert_int_equal(status, 0);
	assert_non_null(strstr(out, "/dev/pts/"));
	assert_non_null(strstr(out, "24 80"));
}

/* What it started writes on and on: that is not waited for. */
static void test_daemon(void **state)
{
	struct said s;

	run_shell(*state, &s, "yes & sleep 0.2; exit 3");
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 3);
	expect_served(*state);
}

static void test_words(void **state)
{
	char **argv = calloc(WIRE_WORDS + 2, sizeof(*argv));
	struct said s;
	unsigned i;

	for (i = 0; i <= WIRE_WORDS; i++)
		argv[i] = (char *)"true";
	run(*state, &s, argv);
	assert_int_equal(s.err, -E2BIG);
	assert_non_null(strstr(s.why.text, "too long"));
	argv[WIRE_WORDS] = NULL;
	run(*state, &s, argv);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 0);
	free(argv);
}

/* ---- nobody reads the output ----------------------------------------------
 */

static void test_deaf(void **state)
{
	char *argv[] = { (char *)"yes", NULL };
	struct remote_command c = { .argv = argv,
				    .in_fd = -1,
				    .err_fd = STDERR_FILENO };
	struct link *l = open_link(*state);
	int p[2], status = -1;
	struct why why;

	assert_return_code(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	c.out_fd = p[1];
	assert_int_equal(remote_run(l, &c, &status, &why), 0);
	assert_int_equal(status, 128 + SIGPIPE);
	link_close(l);
	close(p[1]);
}

static void test_full(void **state)
{
	char *argv[] = { (char *)"yes", NULL };
	struct remote_command c = { .argv = argv,
				    .in_fd = -1,
				    .out_fd = open("/dev/full",
						   O_WRONLY | O_CLOEXEC),
				    .err_fd = STDERR_FILENO };
	struct link *l = open_link(*state);
	struct why why;
	int status;

	assert_int_equal(remote_run(l, &c, &status, &why), -ENOSPC);
	assert_non_null(strstr(why.text, "No space left"));
	link_close(l);
	close(c.out_fd);
	expect_served(*state);
}

/* ---- signals ------------------------------------------------------------- */

static void on_nothing(int number)
{
	(void)number;
}

/* Once `fd` can be read, SIGINT so many times to us; it is not read. */
static pid_t interrupter(int fd, int times)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t us = getpid(), pid = fork();

	if (pid)
		return pid;
	poll(&p, 1, PATIENCE_MS);
	while (times--) {
		usleep(300000);
		kill(us, SIGINT);
	}
	_exit(0);
}

static void run_interrupted(const struct rig *r, const char *line, int times,
			    struct said *s)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)line,
			 NULL };
	struct sigaction act = { .sa_handler = on_nothing }, old;
	struct remote_command c = { .argv = argv, .err_fd = STDERR_FILENO };
	struct link *l = open_link(r);
	int p[2];
	pid_t helper;

	memset(s, 0, sizeof(*s));
	/* More input than the command or the stream takes. */
	c.in_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_return_code(pipe2(p, O_CLOEXEC), 0);
	c.out_fd = p[1];
	sigaction(SIGINT, &act, &old);
	helper = interrupter(p[0], times);
	s->err = remote_run(l, &c, &s->status, &s->why);
	waitpid(helper, NULL, 0);
	sigaction(SIGINT, &old, NULL);
	link_close(l);
	close(c.in_fd);
	close(p[0]);
	close(p[1]);
}

/* Though its input is stuck. */
static void test_interrupt(void **state)
{
	struct said s;

	run_interrupted(*state,
			"trap 'exit 5' INT; echo up; "
			"while :; do sleep 0.02; done",
			1, &s);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 5);
	run_interrupted(*state, "echo up; exec sleep 100", 1, &s);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.status, 128 + SIGINT);
	expect_served(*state);
}

static void test_interrupt_twice(void **state)
{
	struct said s;

	run_interrupted(*state, "trap '' INT; echo up; exec sleep 100", 2, &s);
	assert_int_equal(s.err, -EINTR);
	assert_string_equal(s.why.text, "interrupted");
	/* Nobody reads the output either. */
	run_interrupted(*state, "trap '' INT; exec yes", 2, &s);
	assert_int_equal(s.err, -EINTR);
	expect_served(*state);
}

/* ---- clients that are no more ---------------------------------------------
 */

/* A conversation up to and with START, through the link's own words. */
static struct link *abandoned(const struct rig *r, const char *line)
{
	struct wire_start start = { .terminal = 0 };
	uint8_t payload[512];
	struct link *l = open_link(r);
	size_t len;

	memcpy(payload, &start, sizeof(start));
	len = sizeof(start);
	len += (size_t)snprintf((char *)payload + len, 400, "sh%c-c%c%s", 0, 0,
				line) +
	       1;
	assert_true(wire_queue(&l->out, WIRE_START, payload, len));
	assert_int_equal(wire_flush(&l->out, l->fd), 0);
	return l;
}

static void send_all(int fd, const void *data, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const char *at = data;
	ssize_t n;

	while (len && poll(&p, 1, PATIENCE_MS) > 0) {
		n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0)
			break;
		at += n;
		len -= (size_t)n;
	}
	assert_int_equal(len, 0);
}

static void test_vanish_in_frame(void **state)
{
	static const uint8_t head[] = { WIRE_STDIN, 0, 0x80, 0, 'x' };
	static const size_t cuts[] = { 1, 2, 4, 5 };
	struct link *l;
	unsigned i;

	for (i = 0; i < 4; i++) {
		l = abandoned(*state, "cat");
		send_all(l->fd, head, cuts[i]);
		link_close(l);
		expect_served(*state);
	}
}

/* It takes no input, all room is full, and nobody told it to end. */
static void test_vanish_stuck(void **state)
{
	static uint8_t data[WIRE_MAX];
	struct link *l = abandoned(*state, "exec sleep 100");
	int i;

	/* A pipe takes another 64 KiB. */
	for (i = 0; i < 4; i++) {
		assert_true(
			wire_queue(&l->out, WIRE_STDIN, data, sizeof(data)));
		send_all(l->fd, l->out.data, l->out.len);
		l->out.at = l->out.len = 0;
	}
	link_close(l);
	expect_served(*state);
}

/* Its output is still in the stream. */
static void test_vanish_flooded(void **state)
{
	struct link *l = abandoned(*state, "exec yes");
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	usleep(100000);
	link_close(l);
	expect_served(*state);
}

/* Its command heeds nothing but SIGKILL. */
static void test_vanish_stubborn(void **state)
{
	struct link *l = abandoned(*state, "trap '' TERM INT HUP; echo up; "
					   "while :; do sleep 1; done");
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	link_close(l);
	expect_served(*state);
}

static void test_junk(void **state)
{
	static const char line[] = "\x7f\xff\xff\xff this is no frame";
	/* A good head that promises much. */
	static const uint8_t start[] = { WIRE_START, 0xff, 0x7f, 0, 1, 2, 3 };
	int fd = connect_raw(*state);

	send_all(fd, line, sizeof(line));
	close(fd);
	expect_served(*state);
	fd = connect_raw(*state);
	send_all(fd, start, sizeof(start));
	close(fd);
	expect_served(*state);
}

/* The client that is there is told so, and its command ended. */
static void test_junk_inside(void **state)
{
	static const uint8_t junk[] = { 0x7f, 0xff, 0xff, 0xff };
	struct link *l = abandoned(*state, "exec sleep 100");
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	enum wire_type type = WIRE_NOTHING;
	const uint8_t *payload;
	size_t len;

	send_all(l->fd, junk, sizeof(junk));
	while (wire_peek(&l->in, &type, &payload, &len) == 0) {
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_int_equal(wire_read(&l->in, l->fd), 1);
	}
	assert_int_equal(type, WIRE_REFUSED);
	link_close(l);
	expect_served(*state);
}

/* ---- no way in ------------------------------------------------------------
 */

static void expect_no_link(const struct rig *r, int err, const char *says)
{
	uint64_t start = clock_now_ns();
	struct link *l = NULL;
	struct why why = { "" };

	assert_int_equal(link_open(r->dir, 300, &l, &why), err);
	if (!strstr(why.text, says))
		fail_msg("\"%s\" does not say \"%s\"", why.text, says);
	assert_true(clock_now_ns() - start < 5000000000u);
}

static void test_busy(void **state)
{
	const struct rig *r = *state;
	int fd[WIRE_PORTS];
	char path[128];
	unsigned i;

	for (i = 0; i < WIRE_PORTS; i++) {
		lock_path(r, i, path);
		fd[i] = open(path, O_RDWR | O_CLOEXEC);
		assert_return_code(flock(fd[i], LOCK_EX), 0);
	}
	expect_no_link(r, -EBUSY, "8 commands run");
	close(fd[0]);
	expect_served(r);
	for (i = 1; i < WIRE_PORTS; i++)
		close(fd[i]);
}

static void test_nobody(void **state)
{
	struct rig nowhere = { .dir = "/tmp/ringside-no-such-directory" };

	expect_no_link(&nowhere, -ENOENT, "no Xen host runs in");
	expect_no_link(*state, -ENOENT, "no Xen host runs in");
	/* QEMU was killed, and left its socket. */
	close(listen_at(*state, 1));
	expect_no_link(*state, -ENOENT, "no Xen host runs in");
}

static void test_silent(void **state)
{
	const struct rig *r = *state;
	int listener = listen_at(r, 0), first;

	first = connect_raw(r);
	/* Not even taken. */
	expect_no_link(r, -ETIMEDOUT, "does not answer");
	close(accept(listener, NULL, NULL));
	/* Taken, but dom0 says nothing. */
	expect_no_link(r, -ETIMEDOUT, "does not answer");
	close(first);
	close(listener);
}

static void test_version(void **state)
{
	const struct rig *r = *state;
	int listener = listen_at(r, 8), fd;
	static uint8_t data[2 * (WIRE_HEAD + WIRE_MAX)];
	size_t have = 0, want = WIRE_HEAD + WIRE_MAX + WIRE_HEAD +
				sizeof(struct wire_hello);
	ssize_t n;

	r = *state;
	if (!fork()) {
		fd = accept(listener, NULL, NULL);
		while (have < want) {
			n = read(fd, data + have, sizeof(data) - have);
			if (n <= 0)
				_exit(1);
			have += (size_t)n;
		}
		data[have - WIRE_HEAD - sizeof(struct wire_hello)] = WIRE_READY;
		data[have - 1] = WIRE_VERSION + 1;
		n = write(fd, data, have);
		_exit(n == (ssize_t)have ? 0 : 1);
	}
	expect_no_link(r, -EPROTO, "another version");
	wait(NULL);
	close(listener);
}

#define with(rig, f)                                                           \
	{                                                                      \
		.name = #f " " #rig, .test_func = f, .setup_func = rig_##rig,  \
		.teardown_func = rig_drop                                      \
	}
#define both(f) with(direct, f), with(relay, f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		both(test_status),
		both(test_streams),
		both(test_binary),
		both(test_terminal),
		both(test_daemon),
		both(test_words),
		both(test_deaf),
		both(test_full),
		both(test_interrupt),
		both(test_interrupt_twice),
		both(test_vanish_in_frame),
		both(test_vanish_stuck),
		both(test_vanish_flooded),
		both(test_vanish_stubborn),
		both(test_junk),
		both(test_junk_inside),
		with(direct, test_busy),
		with(make, test_nobody),
		with(make, test_silent),
		with(make, test_version),
	};

	return cmocka_run_group_tests_name("host link", tests, NULL, NULL);
}
