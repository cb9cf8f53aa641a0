/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the desk: a real desk in a process of its own, in a
 * directory that goes with it.  Each unit test is one file, hence the
 * definitions here.
 */
#ifndef TESTS_UNIT_DESK_RIG_H
#define TESTS_UNIT_DESK_RIG_H

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "desk/server.h"
#include "xen/desk/control.h"
#include "xen/xen.h"

#define RIG_MEM (4u << 20)

static char rig_dir[64];
static pid_t rig_pid;

/* A child that dies with the test. */
static inline pid_t rig_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static inline void rig_serve(int ready)
{
	struct desk *desk;
	struct why why;

	log_open("desk", LOG_LEVEL_ERROR);
	if (desk_server_open(rig_dir, 0, &desk, &why))
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(2);
	close(ready);
	desk_server_run(desk);
	desk_server_close(desk);
	/*
	 * Leaks are looked for, but exit handlers are not run: LTTng's would
	 * wait for threads that only the parent has.
	 */
#ifdef __SANITIZE_ADDRESS__
	_exit(__lsan_do_recoverable_leak_check() ? 23 : 0);
#else
	_exit(0);
#endif
}

static int rig_begin(void)
{
	int pair[2];
	char c;

	assert_int_equal(pipe(pair), 0);
	rig_pid = rig_fork();
	if (rig_pid == 0) {
		close(pair[0]);
		rig_serve(pair[1]);
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &c, 1), 1);
	close(pair[0]);
	return 0;
}

/* cmocka's setup and teardown of one test: a desk of its own. */
static inline int rig_start(void **state)
{
	(void)state;
	strcpy(rig_dir, "/tmp/rs-desk-XXXXXX");
	assert_non_null(mkdtemp(rig_dir));
	return rig_begin();
}

static inline int rig_exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void rig_end(void)
{
	struct why why;

	assert_int_equal(desk_control_stop(rig_dir, &why), 0);
	assert_int_equal(rig_exit_status(rig_pid), 0);
	rig_pid = 0;
}

static inline int rig_stop(void **state)
{
	char path[96];

	(void)state;
	if (rig_pid)
		rig_end();
	snprintf(path, sizeof(path), "%s/lock", rig_dir);
	unlink(path);
	/* Sockets and the like are gone, or this fails. */
	assert_int_equal(rmdir(rig_dir), 0);
	return 0;
}

static inline void rig_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	rig_exit_status(pid);
}

static inline struct xen_host *rig_host(uint16_t domid)
{
	struct xen_host *h;
	struct why why;
	char spec[80];

	snprintf(spec, sizeof(spec), "desk:%s", rig_dir);
	if (xen_host_open(spec, domid, &h, &why))
		fail_msg("%s", why.text);
	return h;
}

static inline void rig_domain(uint16_t domid)
{
	struct why why;

	if (desk_control_domain_create(rig_dir, domid, RIG_MEM, &why))
		fail_msg("%s", why.text);
}

static inline struct desk_counters rig_counters(void)
{
	struct desk_counters c;
	struct why why;

	if (desk_control_counters(rig_dir, &c, &why))
		fail_msg("%s", why.text);
	return c;
}

/* The desk notices the end of a process in its own time. */
#define rig_wait_counter(field, value)                                         \
	do {                                                                   \
		int left_ = 5000;                                              \
		while (rig_counters().field != (value) && left_--)             \
			usleep(2000);                                          \
		assert_int_equal(rig_counters().field, value);                 \
	} while (0)

/* Readable within ten seconds? */
static inline int rig_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 10000) == 1;
}

/* Two processes meet at this one-byte pipe. */
struct rig_gate {
	int fd[2];
};

static inline void rig_gate_open(struct rig_gate *g)
{
	assert_int_equal(pipe(g->fd), 0);
}

static inline void rig_gate_pass(struct rig_gate *g)
{
	if (write(g->fd[1], "", 1) != 1)
		_exit(99);
}

static inline void rig_gate_wait(struct rig_gate *g)
{
	char c;

	if (read(g->fd[0], &c, 1) != 1)
		_exit(98);
}

/* In a child: let go of its parent's connections, keep the gate. */
static inline void rig_gate_alone(struct rig_gate *g)
{
	int fd;

	for (fd = 3; fd < 1024; fd++)
		if (fd != g->fd[0] && fd != g->fd[1])
			close(fd);
}

static inline void rig_gate_close(struct rig_gate *g)
{
	close(g->fd[0]);
	close(g->fd[1]);
}

#endif
