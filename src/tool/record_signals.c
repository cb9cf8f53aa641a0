/* SPDX-License-Identifier: MIT */
#include "tool/record_signals.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/record_report.h"

#define HANG_NS 15000000000u

struct record_signals record_signals;
static int wake_fd;
static char give_up[256];

static void on_stop(int sig, siginfo_t *info, void *context)
{
	uint64_t one = 1;
	ssize_t unused;
	int err = errno;

	(void)context;
	/* A terminal that goes is told twice, by its shell and the kernel. */
	if (sig != SIGHUP || !record_signals.stops)
		record_signals.stops++;
	if (!record_signals.stop_signal) {
		record_signals.stop_signal = sig;
		record_signals.stop_from_tty = info->si_code == SI_KERNEL;
	}
	if (record_signals.lttng_since_ns &&
	    clock_now_ns() - record_signals.lttng_since_ns > HANG_NS) {
		unused = write(2, give_up, strlen(give_up));
		_exit(128 + sig);
	}
	unused = write(wake_fd, &one, sizeof(one));
	(void)unused;
	errno = err;
}

static void on_child(int sig)
{
	uint64_t one = 1;
	int err = errno;
	ssize_t unused = write(wake_fd, &one, sizeof(one));

	(void)sig;
	(void)unused;
	errno = err;
}

static void on_ask(int sig)
{
	record_signals.asked++;
	on_child(sig);
}

int record_signals_catch(bool flight)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction stop = { .sa_sigaction = on_stop,
				  .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction child = { .sa_handler = on_child,
				   .sa_flags = SA_RESTART | SA_NOCLDSTOP };
	struct sigaction ask = { .sa_handler = on_ask, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, was;

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	snprintf(give_up, sizeof(give_up),
		 "\n" RECORD_PROGRAM ": LTTng does not answer; the session "
		 "ringside-%d is left, \"lttng destroy\" or the next "
		 "recording removes it\n",
		 (int)getpid());
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		/* nohup(1) wants it to live on. */
		if (stops[i] == SIGHUP && !sigaction(SIGHUP, NULL, &was) &&
		    was.sa_handler == SIG_IGN)
			continue;
		sigaction(stops[i], &stop, NULL);
	}
	sigaction(SIGCHLD, &child, NULL);
	if (flight)
		sigaction(SIGUSR1, &ask, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return 0;
}

void record_signals_lttng(void)
{
	record_signals.lttng_since_ns = clock_now_ns();
}

void record_signals_lttng_end(void)
{
	record_signals.lttng_since_ns = 0;
}

void record_signals_wait(int ms)
{
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };
	uint64_t drop;

	if (poll(&wake, 1, ms) > 0 && read(wake_fd, &drop, sizeof(drop)) < 0)
		return; /* it was another's */
}
