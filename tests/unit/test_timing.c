/* SPDX-License-Identifier: MIT */
/*
 * BPF programs count this process's own system calls, each one, by what they
 * are.  Two devices that any machine has stand for those of Xen: what counts
 * is which device a descriptor is of, and the number of the ioctl.  It takes
 * root and a kernel that can do it; else it is skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
/* The headers of the devices take these types for given. */
#include <xen/grant_table.h>
#include <xen/xen.h>

#include <xen/evtchn.h>
#include <xen/gntdev.h>

#include <cmocka.h>

#include "trace/timing/calls.h"

#define GNTDEV "/dev/zero" /* which can be mapped */
#define EVTCHN "/dev/null"

static struct timing_calls *calls;
static struct timing_seen seen;
static struct timing_hist before[TIMING_KINDS], of[TIMING_KINDS];
static int gntdev, evtchn, file, event, sockets[2];

static int open_all(void **state)
{
	struct why why;
	int err;

	(void)state;
	err = timing_calls_open(&calls, getpid(), GNTDEV, EVTCHN, &seen, &why);
	if (err == -EPERM || err == -ENOSYS || err == -ENOTSUP) {
		printf("skipped: %s\n", why.text);
		calls = NULL;
		return 0;
	}
	if (err)
		printf("%s\n", why.text);
	gntdev = open(GNTDEV, O_RDWR);
	evtchn = open(EVTCHN, O_RDWR);
	file = memfd_create("test_timing", 0);
	event = eventfd(0, 0);
	return err || gntdev < 0 || evtchn < 0 || file < 0 || event < 0 ||
	       socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
}

static int close_all(void **state)
{
	(void)state;
	timing_calls_close(calls);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return calls ? timing_calls_read(calls, before) : 0;
}

static uint64_t counted(const struct timing_hist *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < TIMING_SLOTS; i++)
		n += h->slot[i];
	return n;
}

/* What has been counted since it began; some time was spent with it. */
static uint64_t count_of(enum timing_call kind)
{
	uint64_t n = counted(&of[kind]) - counted(&before[kind]);

	assert_true(!n == (of[kind].sum_ns == before[kind].sum_ns));
	return n;
}

#define TIMES(n, call)                                                         \
	do {                                                                   \
		for (unsigned i_ = 0; i_ < (n); i_++)                          \
			(void)!(call);                                         \
	} while (0)

static void calls_of_the_devices(void **state)
{
	char byte[4] = "";
	void *page = NULL;

	(void)state;
	if (!calls)
		skip();
	assert_true(seen.gntdev && seen.evtchn);
	TIMES(5, ioctl(gntdev, IOCTL_GNTDEV_MAP_GRANT_REF, NULL));
	TIMES(4, ioctl(gntdev, IOCTL_GNTDEV_UNMAP_GRANT_REF, NULL));
	TIMES(3, ioctl(gntdev, IOCTL_GNTDEV_GRANT_COPY, NULL));
	TIMES(2, ioctl(gntdev, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, NULL));
	for (unsigned i = 0; i < 6; i++) {
		page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, gntdev, 0);
		munmap(page, 4096);
	}
	TIMES(7, ioctl(evtchn, IOCTL_EVTCHN_NOTIFY, NULL));
	TIMES(1, ioctl(evtchn, IOCTL_EVTCHN_UNBIND, NULL));
	TIMES(8, write(evtchn, byte, sizeof(byte)));
	TIMES(9, read(evtchn, byte, sizeof(byte)));
	assert_int_equal(timing_calls_read(calls, of), 0);
	assert_int_equal(count_of(TIMING_GNTDEV_MAP), 5);
	assert_int_equal(count_of(TIMING_GNTDEV_UNMAP), 4);
	assert_int_equal(count_of(TIMING_GNTDEV_COPY), 3);
	assert_int_equal(count_of(TIMING_GNTDEV_ELSE), 2);
	assert_int_equal(count_of(TIMING_GNTDEV_MMAP), 6);
	assert_int_equal(count_of(TIMING_MUNMAP), 6);
	assert_int_equal(count_of(TIMING_EVTCHN_NOTIFY), 7);
	assert_int_equal(count_of(TIMING_EVTCHN_ELSE), 1);
	assert_int_equal(count_of(TIMING_EVTCHN_UNMASK), 8);
	assert_int_equal(count_of(TIMING_EVTCHN_TAKE), 9);
	assert_int_equal(count_of(TIMING_READ), 0);
	assert_int_equal(count_of(TIMING_WRITE), 0);
}

/* The same numbers of ioctls on another file are no calls of the devices. */
static void calls_of_other_files(void **state)
{
	uint64_t one = 1;
	struct iovec iov = { &one, sizeof(one) };

	(void)state;
	if (!calls)
		skip();
	TIMES(3, ioctl(file, IOCTL_GNTDEV_MAP_GRANT_REF, NULL));
	TIMES(2, ioctl(file, IOCTL_EVTCHN_NOTIFY, NULL));
	for (unsigned i = 0; i < 4; i++) {
		one = 1;
		TIMES(1, write(event, &one, sizeof(one)));
		TIMES(1, read(event, &one, sizeof(one)));
	}
	TIMES(2, pwrite(file, &one, sizeof(one), 0));
	TIMES(3, pwritev(file, &iov, 1, 0));
	TIMES(4, pread(file, &one, sizeof(one), 0));
	TIMES(1, preadv(file, &iov, 1, 0));
	TIMES(2, fdatasync(file));
	TIMES(1, fallocate(file, 0, 0, 4096));
	TIMES(3, send(sockets[0], &one, 1, 0));
	TIMES(3, recv(sockets[1], &one, 1, 0));
	assert_int_equal(timing_calls_read(calls, of), 0);
	assert_int_equal(count_of(TIMING_GNTDEV_MAP), 0);
	assert_int_equal(count_of(TIMING_EVTCHN_NOTIFY), 0);
	assert_int_equal(count_of(TIMING_READ), 4);
	assert_int_equal(count_of(TIMING_WRITE), 4);
	assert_int_equal(count_of(TIMING_PWRITE), 5);
	assert_int_equal(count_of(TIMING_PREAD), 5);
	assert_int_equal(count_of(TIMING_SYNC), 2);
	assert_int_equal(count_of(TIMING_FALLOCATE), 1);
	assert_int_equal(count_of(TIMING_SOCKET), 6);
}

static void operations_of_io_uring(void **state)
{
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	(void)state;
	if (!calls || io_uring_queue_init(8, &ring, 0))
		skip();
	assert_true(seen.uring);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned j = 0; j < 5; j++)
			io_uring_prep_nop(io_uring_get_sqe(&ring));
		assert_int_equal(io_uring_submit(&ring), 5);
		for (unsigned j = 0; j < 5; j++) {
			assert_int_equal(io_uring_wait_cqe(&ring, &cqe), 0);
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	assert_int_equal(timing_calls_read(calls, of), 0);
	assert_int_equal(count_of(TIMING_URING), 15);
	assert_int_equal(count_of(TIMING_URING_ENTER), 3);
	io_uring_queue_exit(&ring);
}

static void calls_of_others_are_not_counted(void **state)
{
	pid_t child;

	(void)state;
	if (!calls)
		skip();
	child = fork();
	if (!child) {
		TIMES(50, fdatasync(file));
		_exit(0);
	}
	while (waitpid(child, NULL, 0) < 0)
		;
	assert_int_equal(timing_calls_read(calls, of), 0);
	assert_int_equal(count_of(TIMING_SYNC), 0);
}

#define T(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(calls_of_the_devices),
		T(calls_of_other_files),
		T(operations_of_io_uring),
		T(calls_of_others_are_not_counted),
	};

	return cmocka_run_group_tests_name("timing", tests, open_all,
					   close_all);
}
