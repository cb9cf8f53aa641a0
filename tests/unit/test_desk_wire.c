/* SPDX-License-Identifier: MIT */
/* The desk's control socket, and those who misuse it. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "desk_rig.h"

#include "xen/desk/link.h"

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { 20, 0 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/desk.sock", rig_dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The error of one request; its descriptors are dropped. */
static int ask(int fd, uint32_t op, uint32_t domid, uint32_t arg, uint64_t size)
{
	struct desk_wire_request q = { DESK_WIRE_MAGIC, op, domid, arg, size };
	struct desk_wire_reply reply;

	assert_int_equal(send(fd, &q, sizeof(q), MSG_NOSIGNAL), sizeof(q));
	assert_int_equal(recv(fd, &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.op, op);
	return reply.error;
}

static bool closed(int fd)
{
	char c[256];
	ssize_t n = recv(fd, c, sizeof(c), 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void first_comes_hello(void **state)
{
	int fd = dial();
	uint32_t op;

	(void)state;
	for (op = 2; op < 20; op++)
		assert_int_equal(ask(fd, op, 0, 0, 0), -EPROTO);
	assert_int_equal(ask(fd, DESK_WIRE_HELLO, 1, 0, 0), -ESRCH);
	assert_int_equal(ask(fd, DESK_WIRE_HELLO, 40000, 0, 0), -EINVAL);
	assert_int_equal(ask(fd, DESK_WIRE_HELLO, 65536, 0, 0), -EINVAL);
	assert_int_equal(rig_counters().connections, 0);
	assert_int_equal(ask(fd, DESK_WIRE_HELLO, 0, 0, 0), 0);
	assert_int_equal(rig_counters().connections, 1);
	assert_int_equal(ask(fd, DESK_WIRE_HELLO, 0, 0, 0), -ENOSYS);
	close(fd);
	rig_wait_counter(connections, 0);
}

static void rights(void **state)
{
	int asks = dial(), dom0 = dial(), guest = dial();

	(void)state;
	rig_domain(1);
	assert_int_equal(ask(asks, DESK_WIRE_HELLO, 0, 1, 0), 0);
	assert_int_equal(ask(dom0, DESK_WIRE_HELLO, 0, 0, 0), 0);
	assert_int_equal(ask(guest, DESK_WIRE_HELLO, 1, 0, 0), 0);
	/* Who asks is no process, and a process does not ask. */
	assert_int_equal(rig_counters().connections, 2);
	assert_int_equal(ask(asks, DESK_WIRE_TRACK_OPEN, 0, 0, 0), -EPERM);
	assert_int_equal(ask(asks, DESK_WIRE_EVTCHN_ALLOC, 0, 0, 0), -EPERM);
	assert_int_equal(ask(guest, DESK_WIRE_COUNTERS, 0, 0, 0), -EPERM);
	assert_int_equal(ask(guest, DESK_WIRE_STOP, 0, 0, 0), -EPERM);
	assert_int_equal(ask(guest, DESK_WIRE_DOMAIN_CREATE, 9, 0, RIG_MEM),
			 -EPERM);
	assert_int_equal(ask(dom0, DESK_WIRE_PAGES_TAKE, 0, 1, 0), -EPERM);
	assert_int_equal(ask(guest, DESK_WIRE_PAGES_TAKE, 0, 0, 0), -ENOSPC);
	assert_int_equal(ask(guest, DESK_WIRE_PAGES_TAKE, 0, 0xffffffff, 0),
			 -ENOSPC);
	/* Nobody looks at domain 0, nor at himself. */
	assert_int_equal(ask(guest, DESK_WIRE_DOMAIN_OPEN, 0, 0, 0), -ESRCH);
	assert_int_equal(ask(guest, DESK_WIRE_DOMAIN_OPEN, 1, 0, 0), -ESRCH);
	assert_int_equal(ask(dom0, DESK_WIRE_DOMAIN_OPEN, 0x10001, 0, 0),
			 -ESRCH);
	assert_int_equal(ask(dom0, DESK_WIRE_TRACK_CLOSE, 0, 1, 0), -EINVAL);
	assert_int_equal(ask(dom0, DESK_WIRE_EVTCHN_UNBIND, 0, 0, 0), -EINVAL);
	assert_int_equal(ask(dom0, DESK_WIRE_EVTCHN_UNBIND, 0, 0xffffffff, 0),
			 -EINVAL);
	close(asks);
	close(dom0);
	close(guest);
}

static void what_is_no_request_ends_it(void **state)
{
	struct desk_wire_request q = { DESK_WIRE_MAGIC, DESK_WIRE_HELLO, 0, 0,
				       0 };
	char big[4096] = { 0 };
	int fd, i;

	(void)state;
	for (i = 0; i < 4; i++) {
		fd = dial();
		switch (i) {
		case 0: /* too short */
			send(fd, &q, sizeof(q) - 1, 0);
			break;
		case 1: /* too long */
			memcpy(big, &q, sizeof(q));
			send(fd, big, sizeof(big), 0);
			break;
		case 2: /* of another version */
			q.magic++;
			send(fd, &q, sizeof(q), 0);
			break;
		default: /* nothing at all */
			send(fd, &q, 0, 0);
		}
		assert_true(closed(fd));
		close(fd);
	}
	rig_counters();
}

/* Descriptors that a client sends along cost the desk nothing. */
static void descriptors_are_dropped(void **state)
{
	struct desk_wire_request q = { DESK_WIRE_MAGIC, DESK_WIRE_HELLO, 0, 1,
				       0 };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &q, sizeof(q) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct desk_wire_reply reply;
	struct cmsghdr *c;
	int fd = dial(), pair[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
	assert_int_equal(sendmsg(fd, &msg, 0), sizeof(q));
	assert_int_equal(recv(fd, &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.error, 0);
	close(pair[1]);
	/* The desk does not hold the other end open. */
	assert_int_equal(read(pair[0], &byte, 1), 0);
	close(pair[0]);
	close(fd);
}

/* One that asks and never reads is cut off; others do not notice. */
static void answers_unread(void **state)
{
	struct desk_wire_request q = { DESK_WIRE_MAGIC, DESK_WIRE_EVTCHN_ALLOC,
				       0, 0, 0 };
	struct timeval now = { 2, 0 };
	int fd = dial(), i;
	ssize_t n = 1;

	(void)state;
	assert_int_equal(ask(fd, DESK_WIRE_HELLO, 0, 0, 0), 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &now, sizeof(now));
	for (i = 0; i < 100000 && n > 0; i++)
		n = send(fd, &q, sizeof(q), MSG_NOSIGNAL);
	assert_true(n < 0);
	rig_wait_counter(connections, 0);
	assert_int_equal(rig_counters().ports_unbound, 0);
	close(fd);
}

/* Many connections that say nothing. */
static void crowds(void **state)
{
	int fd[300], i;

	(void)state;
	for (i = 0; i < 300; i++)
		fd[i] = dial();
	assert_true(closed(fd[299]));
	assert_int_equal(ask(fd[0], DESK_WIRE_HELLO, 0, 0, 0), 0);
	for (i = 0; i < 300; i++)
		close(fd[i]);
	/* There is room again, once the desk has seen them go. */
	do {
		struct desk_wire_request q = { DESK_WIRE_MAGIC, DESK_WIRE_HELLO,
					       0, 1, 0 };

		fd[0] = dial();
		send(fd[0], &q, sizeof(q), MSG_NOSIGNAL);
		i = closed(fd[0]);
		close(fd[0]);
	} while (i);
}

/* A desk without a descriptor left refuses, and does not spin. */
static void descriptors_run_out(void **state)
{
	struct rlimit lim = { 40, 40 };
	int fd[60], i, refused = 0;
	struct desk_counters c;
	struct why why;
	char byte;

	(void)state;
	assert_int_equal(prlimit(rig_pid, RLIMIT_NOFILE, &lim, NULL), 0);
	for (i = 0; i < 60; i++)
		fd[i] = dial();
	assert_true(closed(fd[59]));
	for (i = 0; i < 60; i++)
		refused += recv(fd[i], &byte, 1, MSG_DONTWAIT) == 0;
	assert_in_range(refused, 20, 50);
	for (i = 0; i < 60; i++)
		close(fd[i]);
	/* Once it has seen them go there is room again. */
	while (desk_control_counters(rig_dir, &c, &why))
		;
}

static void two_desks_do_not_share(void **state)
{
	struct desk *desk;
	struct why why;

	(void)state;
	assert_int_equal(desk_server_open(rig_dir, 0, &desk, &why), -EBUSY);
	assert_non_null(strstr(why.text, "already runs"));
	rig_counters(); /* and did the first no harm */
	assert_int_equal(desk_server_open("/nonexistent/d", 0, &desk, &why),
			 -ENOENT);
}

/* SIGTERM ends it as `stop` does. */
static void signals_end_it(void **state)
{
	char path[96];

	(void)state;
#ifdef __SANITIZE_THREAD__
	/* tests/desk/desk.sh sends it to a desk that was not forked. */
	print_message("# a handler never runs in a child forked under TSan\n");
	skip();
#endif
	rig_domain(1);
	assert_int_equal(kill(rig_pid, SIGTERM), 0);
	assert_int_equal(rig_exit_status(rig_pid), 0);
	rig_pid = 0;
	snprintf(path, sizeof(path), "%s/dom1", rig_dir);
	assert_int_equal(access(path, F_OK), -1);
}

/* Long directories are no obstacle to the desk's own clients. */
static void a_long_directory(void **state)
{
	char keep[sizeof(rig_dir)], deep[300];
	struct xen_host *h;
	struct desk *desk;
	struct why why;
	char spec[320];
	pid_t pid;

	(void)state;
	strcpy(keep, rig_dir);
	snprintf(deep, sizeof(deep), "%s/", rig_dir);
	memset(deep + strlen(deep), 'd', 180);
	deep[strlen(keep) + 181] = 0;
	assert_int_equal(mkdir(deep, 0700), 0);
	pid = rig_fork();
	if (pid == 0) {
		if (desk_server_open(deep, 0, &desk, &why))
			_exit(1);
		desk_server_run(desk);
		desk_server_close(desk);
		exit(0);
	}
	snprintf(spec, sizeof(spec), "desk:%s", deep);
	while (xen_host_open(spec, 0, &h, &why))
		usleep(1000);
	assert_int_equal(h->ops->store.write(h, 0, "/x", "y"), 0);
	xen_host_close(h);
	assert_int_equal(desk_control_stop(deep, &why), 0);
	assert_int_equal(rig_exit_status(pid), 0);
	snprintf(spec, sizeof(spec), "%s/lock", deep);
	unlink(spec);
	assert_int_equal(rmdir(deep), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_comes_hello),
		T(rights),
		T(what_is_no_request_ends_it),
		T(descriptors_are_dropped),
		T(answers_unread),
		T(crowds),
		T(descriptors_run_out),
		T(two_desks_do_not_share),
		T(signals_end_it),
		T(a_long_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
