/* SPDX-License-Identifier: MIT */
/* ringside front: drive disks of the desk as their guest would. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "frontend/device.h"
#include "frontend/nbd.h"
#include "frontend/workload.h"
#include "tool/commands.h"
#include "tool/front_options.h"
#include "tool/front_report.h"

#define PROGRAM "ringside front"

#define BAR_AFTER_NS 1000000000u
#define BAR_EVERY_MS 200

struct front_run {
	const struct front_options *opt;
	struct front_guest guest;
	struct front_device *devices; /* ndisks */
	unsigned opened;
	struct workload **work; /* ndisks, NULL where not begun */
	int signal_fd;
	struct json_object *json; /* what --json prints in the end */
	bool bar;		  /* it stands on the terminal */
	uint64_t start_ns;
};

static int complain(const char *text)
{
	fprintf(stderr, PROGRAM ": %s\n", text);
	return 1;
}

/* ---- the progress bar -----------------------------------------------------
 */

static void bar_clear(struct front_run *run)
{
	if (run->bar)
		fputs("\r\033[K", stderr);
	run->bar = false;
}

static void bar_show(struct front_run *run)
{
	uint64_t ns = clock_now_ns() - run->start_ns;
	char bar[31] = "..............................";
	char speed[FRONT_SIZE_TEXT];
	double part = 0, bytes = 0;
	bool any = false;
	unsigned i;

	if (run->opt->quiet || ns < BAR_AFTER_NS || !isatty(STDERR_FILENO))
		return;
	for (i = 0; i < run->opened; i++) {
		uint64_t moved;
		bool again;

		part += workload_progress(run->work[i], &again, &moved) /
			run->opened;
		any |= again;
		bytes += (double)moved;
	}
	memset(bar, '#', (size_t)(part * 30));
	fprintf(stderr, "\r\033[K  %s [%s] %3.0f %%  %s",
		any ? "comparing" : "running", bar, part * 100,
		front_size_text(bytes, speed));
	run->bar = true;
}

/* ---- a run ----------------------------------------------------------------
 */

static void run_signal(struct front_wake *wake)
{
	struct front_run *run = wake->opaque;
	struct signalfd_siginfo info;

	if (read(wake->fd, &info, sizeof(info)) == sizeof(info))
		run->guest.interrupts++;
}

/* Blocked in all threads that come, and read from a descriptor. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run_open(struct front_run *run, struct why *why)
{
	const struct front_options *o = run->opt;
	int err = front_guest_open(&run->guest, o->dir, o->domid, why);

	if (err)
		return err;
	front_guest_wake_on(&run->guest, run->signal_fd, run_signal, run);
	asleep_open(&run->guest.backend, o->backend_pid);
	front_guest_started(&run->guest, PROGRAM);
	while (run->opened < o->ndisks) {
		struct front_device_options dev = {
			.devid = o->devids[run->opened],
			.timeout_ms = o->timeout_s * 1000,
			.id_seed = o->work.seed + run->opened,
			.transport = o->transport,
		};

		err = front_device_open(&run->devices[run->opened], &run->guest,
					&dev, why);
		if (err)
			return err;
		run->opened++;
	}
	return 0;
}

/* Close all; the first failure is told. */
static int run_close(struct front_run *run)
{
	struct why why;
	int failed = 0;
	unsigned i;

	for (i = 0; i < run->opened; i++) {
		struct front_device *d = &run->devices[i];
		int ended = front_device_ended(d, &why);
		int err = front_device_close(d, ended ? NULL : &why);

		if (ended || err)
			failed = complain(why.text);
		/* All disks of a desk end with it: once is enough. */
		if (run->guest.gone)
			break;
	}
	for (; i < run->opened; i++)
		front_device_close(&run->devices[i], NULL);
	if (run->guest.host)
		front_guest_ended(&run->guest, PROGRAM);
	return failed;
}

static void run_info(struct front_run *run)
{
	unsigned i;

	for (i = 0; i < run->opened; i++) {
		const struct front_device *d = &run->devices[i];

		if (run->opt->json)
			json_object_array_add(run->json, front_info_json(d));
		else if (!run->opt->quiet)
			front_info_text(stdout, d);
	}
}

/* Every disk's load goes a step on; false: all have ended. */
static bool run_step(const struct front_run *run)
{
	bool more = false;

	for (unsigned i = 0; i < run->opened; i++)
		more |= workload_step(run->work[i]);
	return more;
}

/* Returns the exit code. */
static int run_load(struct front_run *run)
{
	const struct front_options *o = run->opt;
	struct why why;
	unsigned i;

	for (i = 0; i < run->opened; i++) {
		int err = workload_start(&run->devices[i], &o->work,
					 &run->work[i], &why);

		if (err) {
			complain(why.text);
			return err == -ENOMEM || err == -EOPNOTSUPP ? 1 : 2;
		}
	}
	run->start_ns = clock_now_ns();
	while (run_step(run) && !run->guest.interrupts) {
		front_guest_step(&run->guest, BAR_EVERY_MS);
		bar_show(run);
	}
	for (i = 0; i < run->opened; i++)
		workload_stop(run->work[i]);
	bar_clear(run);
	return 0;
}

static int run_judge(const struct front_run *run, unsigned n)
{
	const struct workload_report *r = workload_report(run->work[n]);
	uint64_t failed = r->mismatches;
	char text[700];
	unsigned i;

	for (i = 0; i < WORKLOAD_KINDS; i++)
		failed += r->count[i].error + r->count[i].eopnotsupp;
	if (!failed)
		return 0;
	if (failed == 1)
		return complain(r->first_why.text);
	snprintf(text, sizeof(text), "%s (the first of %llu failures)",
		 r->first_why.text, (unsigned long long)failed);
	return complain(text);
}

/* Returns the exit code. */
static int run_report(const struct front_run *run)
{
	const struct front_options *o = run->opt;
	uint64_t seed = o->work.verify ? o->work.seed : 0;
	int code = 0;
	unsigned i;

	for (i = 0; i < run->opened; i++) {
		const struct front_device *d = &run->devices[i];
		const struct workload_report *r = workload_report(run->work[i]);

		if (o->json)
			json_object_array_add(run->json,
					      front_report_json(d, r, seed));
		else if (!o->quiet)
			front_report_text(stdout, d, r, seed);
	}
	fflush(stdout);
	for (i = 0; i < run->opened; i++)
		code |= run_judge(run, i);
	return code;
}

/* Between opening and closing; returns the exit code. */
static int run_between(struct front_run *run)
{
	const struct front_options *o = run->opt;

	if (o->info)
		run_info(run);
	return !o->info || o->load ? run_load(run) : 0;
}

static int run_disks(const struct front_options *o, int signal_fd)
{
	struct front_run run = { .opt = o, .signal_fd = signal_fd };
	bool loaded = false;
	struct why why;
	int code = 0;
	unsigned i;

	run.devices = calloc(o->ndisks, sizeof(*run.devices));
	run.work = calloc(o->ndisks, sizeof(struct workload *));
	run.json = json_object_new_array();
	if (!run.devices || !run.work || !run.json)
		code = complain("out of memory");
	else if (run_open(&run, &why))
		code = complain(why.text);
	else
		code = run_between(&run);

	if (run.guest.host) {
		loaded = !code && run.opened && run.work[0];
		if (run_close(&run) && !code)
			code = 1;
	}
	if (loaded) {
		code |= run_report(&run);
		if (run.guest.interrupts)
			code = complain("stopped before it was done");
	}
	if (o->json && json_object_array_length(run.json))
		puts(json_object_to_json_string_ext(
			run.json, JSON_C_TO_STRING_PRETTY |
					  JSON_C_TO_STRING_NOSLASHESCAPE));
	for (i = 0; i < run.opened && run.work; i++)
		workload_free(run.work[i]);
	if (run.guest.host)
		front_guest_close(&run.guest);
	json_object_put(run.json);
	free(run.work);
	free(run.devices);
	return code;
}

/* ---- NBD ------------------------------------------------------------------
 */

static void nbd_ready(const char *uri)
{
	puts(uri);
	fflush(stdout);
}

static int run_nbd(const struct front_options *o, int signal_fd)
{
	char name[FRONT_VDEV_NAME_MAX];
	struct front_nbd_options nbd = {
		.dir = o->dir,
		.socket = o->nbd,
		.vdev = name,
		.domid = o->domid,
		.timeout_s = o->timeout_s,
		.transport = o->transport,
		.signal_fd = signal_fd,
		.ready = nbd_ready,
	};
	struct why why;
	int err;

	front_vdev_name(o->devids[0], name);
	err = front_nbd_serve(&nbd, &why);
	if (!err)
		return 0;
	complain(why.text);
	return err == -EINVAL || err == -EADDRINUSE || err == -ENAMETOOLONG ? 2
									    : 1;
}

int cmd_front(int argc, char **argv)
{
	struct front_options o;
	struct stat st;
	int signal_fd;

	front_options_parse(&o, argc, argv);
	if (stat(o.dir, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr,
			PROGRAM ": %s is no directory of a desk: start "
				"one there with `ringside desk start %s`\n",
			o.dir, o.dir);
		return 2;
	}
	log_open(PROGRAM, o.quiet ? LOG_LEVEL_WARN : LOG_LEVEL_INFO);
	signal_fd = signals_open();
	if (signal_fd < 0)
		return complain("cannot take signals");
	return o.nbd ? run_nbd(&o, signal_fd) : run_disks(&o, signal_fd);
}
