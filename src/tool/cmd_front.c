/* SPDX-License-Identifier: MIT */
/* ringside front: drive disks of the desk as their guest would. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "frontend/device.h"
#include "frontend/nbd.h"
#include "frontend/workload.h"
#include "tool/commands.h"
#include "tool/front_report.h"

#define PROGRAM "ringside front"

#define BAR_AFTER_NS 1000000000u
#define BAR_EVERY_MS 200

struct front_options {
	const char *dir;
	const char *nbd;
	const char *rw;
	char *vdevs;
	uint32_t devids[FRONT_DEVICES_MAX];
	unsigned ndisks;
	uint16_t domid;
	unsigned timeout_s;
	bool info, json, quiet;
	bool load; /* an option that only a workload has was given */
	bool seeded;
	struct workload_options work;
};

struct front_run {
	const struct front_options *opt;
	struct front_guest guest;
	struct front_device *devices;  /* ndisks */
	unsigned opened;
	struct workload **work;        /* ndisks, NULL where not begun */
	int signal_fd;
	struct json_object *json;      /* what --json prints in the end */
	bool bar;                      /* it stands on the terminal */
	uint64_t start_ns;
};

static int complain(const char *text)
{
	fprintf(stderr, PROGRAM ": %s\n", text);
	return 1;
}

/* ---- options -------------------------------------------------------------- */

enum {
	OPT_DOMID = 0x100, OPT_VDEV, OPT_RW, OPT_BS, OPT_DEPTH, OPT_OPS,
	OPT_RUNTIME, OPT_SIZE, OPT_OFFSET, OPT_VERIFY, OPT_FLUSH, OPT_SEED,
	OPT_TIMEOUT, OPT_JSON, OPT_INFO, OPT_NBD,
};

static const struct argp_option option_list[] = {
	{ NULL, 0, NULL, 0, "Which disk:", 1 },
	{ "domid", OPT_DOMID, "N", 0, "the guest's domain (default: 1)", 0 },
	{ "vdev", OPT_VDEV, "NAME[,NAME...]", 0,
	  "its disks (default: xvda)", 0 },
	{ "timeout", OPT_TIMEOUT, "SECONDS", 0,
	  "how long to wait for the backend (default: 30)", 0 },
	{ NULL, 0, NULL, 0, "Load:", 2 },
	{ "rw", OPT_RW, "MODE", 0,
	  "read, write, rw; randread, randwrite, randrw (default: read)", 0 },
	{ "bs", OPT_BS, "SIZE", 0, "of each operation (default: 4k)", 0 },
	{ "depth", OPT_DEPTH, "N", 0,
	  "operations at a time (default: 32)", 0 },
	{ "ops", OPT_OPS, "N", 0,
	  "end after N operations (default: as many as there are blocks)", 0 },
	{ "runtime", OPT_RUNTIME, "SECONDS", 0, "end after a time", 0 },
	{ "offset", OPT_OFFSET, "SIZE", 0, "begin there (default: 0)", 0 },
	{ "size", OPT_SIZE, "SIZE", 0,
	  "stay in a region of that size (default: to the end)", 0 },
	{ "flush-every", OPT_FLUSH, "N", 0, "flush after every N writes", 0 },
	{ "verify", OPT_VERIFY, NULL, 0,
	  "write patterns and compare every read with what was written", 0 },
	{ "seed", OPT_SEED, "N", 0,
	  "of patterns and random numbers (default: a new one)", 0 },
	{ NULL, 0, NULL, 0, "Instead of load:", 3 },
	{ "info", OPT_INFO, NULL, 0,
	  "tell what the handshake settled; no load unless it is asked for",
	  0 },
	{ "nbd", OPT_NBD, "SOCKET", 0,
	  "export the disk over NBD until Ctrl-C", 0 },
	{ NULL, 0, NULL, 0, "Output:", 4 },
	{ "json", OPT_JSON, NULL, 0, "for programs", 0 },
	{ "quiet", 'q', NULL, 0, "say only what is wrong", 0 },
	{ 0 }
};

static uint64_t option_number(struct argp_state *state, const char *name,
			      const char *arg, uint64_t min, uint64_t max)
{
	uint64_t number = 0;

	if (number_parse(arg, min, max, &number))
		argp_error(state, "--%s takes a number from %llu to %llu, not "
			   "\"%s\"", name, (unsigned long long)min,
			   (unsigned long long)max, arg);
	return number;
}

static uint64_t option_size(struct argp_state *state, const char *name,
			    const char *arg, uint64_t min, uint64_t max)
{
	uint64_t number = 0;
	int err = number_parse_size(arg, min, max, &number);

	if (!err && number % 512)
		argp_error(state, "--%s must be a multiple of 512 bytes, not "
			   "\"%s\"", name, arg);
	if (err == -ERANGE)
		argp_error(state, "--%s must be from %llu to %llu bytes, not "
			   "\"%s\"", name, (unsigned long long)min,
			   (unsigned long long)max, arg);
	if (err)
		argp_error(state, "--%s takes a size such as 4096, 64k or 1G, "
			   "not \"%s\"", name, arg);
	return number;
}

static void option_rw(struct argp_state *state, struct front_options *o,
		      const char *arg)
{
	const char *plain = arg;

	o->rw = arg;
	o->work.random = strncmp(arg, "rand", 4) == 0;
	if (o->work.random)
		plain += 4;
	o->work.reads = !strcmp(plain, "read") || !strcmp(plain, "rw");
	o->work.writes = !strcmp(plain, "write") || !strcmp(plain, "rw");
	if (!o->work.reads && !o->work.writes)
		argp_error(state, "--rw is one of read, write, rw, randread, "
			   "randwrite and randrw, not \"%s\"", arg);
}

static void option_vdevs(struct argp_state *state, struct front_options *o,
			 char *arg)
{
	struct why why;
	char *name;

	o->vdevs = arg;
	o->ndisks = 0;
	for (name = strsep(&arg, ","); name; name = strsep(&arg, ",")) {
		uint32_t devid = 0;
		unsigned i;

		if (o->ndisks == FRONT_DEVICES_MAX)
			argp_error(state, "--vdev takes at most %d disks",
				   FRONT_DEVICES_MAX);
		if (front_vdev_parse(name, &devid, &why))
			argp_error(state, "--vdev: %s", why.text);
		for (i = 0; i < o->ndisks; i++)
			if (o->devids[i] == devid)
				argp_error(state, "--vdev names %s twice",
					   name);
		o->devids[o->ndisks++] = devid;
	}
}

/* What only makes sense together, or does not. */
static void options_check(struct argp_state *state, struct front_options *o)
{
	if (!o->dir)
		argp_error(state, "the desk's directory is missing");
	if (o->nbd && (o->load || o->info || o->json))
		argp_error(state, "--nbd exports a disk: no load, --info or "
			   "--json beside it");
	if (o->nbd && o->ndisks > 1)
		argp_error(state, "--nbd exports one disk, not %u",
			   o->ndisks);
	if ((uint64_t)o->work.bs_bytes * o->work.depth > WORKLOAD_MEM_MAX)
		argp_error(state, "--depth times --bs must not be more than "
			   "%u MiB", WORKLOAD_MEM_MAX >> 20);
	if (o->work.flush_every && !o->work.writes)
		argp_error(state, "--flush-every counts writes, and --rw %s "
			   "does none", o->rw);
	if (o->work.verify && !o->work.writes && !o->seeded)
		argp_error(state, "--verify with --rw %s needs the --seed "
			   "that the run printed which wrote the data", o->rw);
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct front_options *o = state->input;
	struct workload_options *w = &o->work;

	if (key >= OPT_RW && key <= OPT_SEED)
		o->load = true;
	switch (key) {
	case OPT_DOMID:
		o->domid = (uint16_t)option_number(state, "domid", arg, 1,
						   32751);
		return 0;
	case OPT_VDEV:
		option_vdevs(state, o, arg);
		return 0;
	case OPT_TIMEOUT:
		o->timeout_s = (unsigned)option_number(state, "timeout", arg,
						       1, 86400);
		return 0;
	case OPT_RW:
		option_rw(state, o, arg);
		return 0;
	case OPT_BS:
		w->bs_bytes = (uint32_t)option_size(state, "bs", arg, 512,
						    WORKLOAD_BS_MAX);
		return 0;
	case OPT_DEPTH:
		w->depth = (unsigned)option_number(state, "depth", arg, 1,
						   WORKLOAD_DEPTH_MAX);
		return 0;
	case OPT_OPS:
		w->ops = option_number(state, "ops", arg, 1, UINT64_MAX);
		return 0;
	case OPT_RUNTIME:
		w->runtime_ns = 1000000000u *
				option_number(state, "runtime", arg, 1,
					      31536000);
		return 0;
	case OPT_SIZE:
		w->size_bytes = option_size(state, "size", arg, 512,
					    UINT64_MAX);
		return 0;
	case OPT_OFFSET:
		w->off_bytes = option_size(state, "offset", arg, 0,
					   UINT64_MAX);
		return 0;
	case OPT_FLUSH:
		w->flush_every = option_number(state, "flush-every", arg, 1,
					       UINT64_MAX);
		return 0;
	case OPT_VERIFY:
		w->verify = true;
		return 0;
	case OPT_SEED:
		w->seed = option_number(state, "seed", arg, 1, UINT64_MAX);
		o->seeded = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_INFO:
		o->info = true;
		return 0;
	case OPT_NBD:
		o->nbd = arg;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->dir)
			argp_error(state, "there is nothing to do with \"%s\"",
				   arg);
		o->dir = arg;
		return 0;
	case ARGP_KEY_END:
		options_check(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- the progress bar ----------------------------------------------------- */

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
	unsigned i, k;

	if (run->opt->quiet || ns < BAR_AFTER_NS || !isatty(STDERR_FILENO))
		return;
	for (i = 0; i < run->opened; i++) {
		bool again;

		part += workload_progress(run->work[i], &again) / run->opened;
		any |= again;
		for (k = 0; k < WORKLOAD_KINDS; k++)
			bytes += (double)workload_report(run->work[i])
					 ->count[k].bytes;
	}
	memset(bar, '#', (size_t)(part * 30));
	fprintf(stderr, "\r\033[K  %s [%s] %3.0f %%  %s",
		any ? "comparing" : "running", bar, part * 100,
		front_size_text(bytes, speed));
	run->bar = true;
}

/* ---- a run ---------------------------------------------------------------- */

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
	front_guest_started(&run->guest, PROGRAM);
	while (run->opened < o->ndisks) {
		struct front_device_options dev = {
			.devid = o->devids[run->opened],
			.timeout_ms = o->timeout_s * 1000,
			.id_seed = o->work.seed + run->opened,
		};

		err = front_device_open(&run->devices[run->opened],
					&run->guest, &dev, why);
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

static bool run_ended(const struct front_run *run)
{
	for (unsigned i = 0; i < run->opened; i++)
		if (!workload_ended(run->work[i]))
			return false;
	return true;
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
			return err == -ENOMEM ? 1 : 2;
		}
	}
	run->start_ns = clock_now_ns();
	while (!run_ended(run) && !run->guest.interrupts) {
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
		const struct workload_report *r =
			workload_report(run->work[i]);

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
		puts(json_object_to_json_string_ext(run.json,
						    JSON_C_TO_STRING_PRETTY |
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

/* ---- NBD ------------------------------------------------------------------ */

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
	return err == -EINVAL || err == -EADDRINUSE || err == -ENAMETOOLONG
		       ? 2
		       : 1;
}

int cmd_front(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_list,
		.parser = option_parse,
		.args_doc = "DIR",
		.doc = "Drive disks of the desk in DIR as their guest would, "
		       "and say how it went."
		       "\vSIZE is in bytes, or with k, M, G or T.\n"
		       "Exit status: 0 if all went well; 1 if an operation, a "
		       "comparison or the connection failed; 2 for wrong "
		       "options.",
	};
	struct front_options o = {
		.rw = "read",
		.domid = 1,
		.timeout_s = 30,
		.devids = { 51712 },
		.ndisks = 1,
		.work = { .reads = true, .bs_bytes = 4096, .depth = 32 },
	};
	struct stat st;
	int signal_fd;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (stat(o.dir, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, PROGRAM ": %s is no directory of a desk: start "
			"one there with `ringside desk start %s`\n",
			o.dir, o.dir);
		return 2;
	}
	log_open(PROGRAM, o.quiet ? LOG_LEVEL_WARN : LOG_LEVEL_INFO);
	if (!o.seeded && getrandom(&o.work.seed, sizeof(o.work.seed), 0) > 0)
		o.work.seed = o.work.seed >> 32 | 1; /* easy to type again */
	signal_fd = signals_open();
	if (signal_fd < 0)
		return complain("cannot take signals");
	return o.nbd ? run_nbd(&o, signal_fd) : run_disks(&o, signal_fd);
}
