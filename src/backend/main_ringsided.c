/* SPDX-License-Identifier: MIT */
/* ringsided: the block backend. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/patience.h"
#include "base/log.h"
#include "base/number.h"
#include "base/stats.h"
#include "trace/emit.h"
#include "xen/xen.h"

#define GRACE_MS_DEFAULT 5000u
#define POLL_US_DEFAULT	 200u
/* Linux's number; its frontends use 32 of them unless told otherwise. */
#define INDIRECT_SEGS_DEFAULT 256u
#define INDIRECT_SEGS_MAX     1024u /* vectors of one system call */
/* Linux's numbers: three full rings a queue; here also a cap over all. */
#define KEEP_PAGES_DEFAULT   1056u
#define BUDGET_PAGES_DEFAULT 65536u /* 256 MiB */

const char *argp_program_version = "ringsided " RINGSIDE_VERSION;

struct options {
	const char *host;
	const char *lock;
	enum log_level level;
	struct vbd_config vbd;
};

enum {
	OPT_LOCK = 0x100,
	OPT_NO_URING,
	OPT_DIRECT,
	OPT_ALL,
	OPT_GRACE,
	OPT_GRANTS,
	OPT_POLL,
	OPT_QUEUES,
	OPT_RING_ORDER,
	OPT_INDIRECT,
	OPT_STATS,
	OPT_SECTOR_SIZE,
	OPT_SECTOR_UNITS,
	OPT_INJECT,
	OPT_LIMIT
};

static const struct argp_option option_list[] = {
	{ "host", 'H', "HOST", 0,
	  "serve the guests of HOST: xen, or desk:DIR (default: xen)", 0 },
	{ "all", OPT_ALL, NULL, 0,
	  "take every vbd, whatever its script (only where no other backend "
	  "serves backend/vbd)",
	  0 },
	{ "direct", OPT_DIRECT, NULL, 0,
	  "bypass the page cache where the storage allows it", 0 },
	{ "no-uring", OPT_NO_URING, NULL, 0,
	  "use threads for storage even where io_uring works", 0 },
	{ "grants", OPT_GRANTS, "HOW", 0,
	  "how pages of guests are reached: keep them mapped for frontends "
	  "that reuse them (keep, the default; others are mapped), or map or "
	  "copy for each request",
	  0 },
	{ "queues", OPT_QUEUES, "N", 0,
	  "how many queues a frontend may have, each served by a thread "
	  "(1 to 16; default: one for each processor here)",
	  0 },
	{ "ring-order", OPT_RING_ORDER, "N", 0,
	  "a queue's ring may have up to 2^N pages (0 to 4; default: 4)", 0 },
	{ "indirect", OPT_INDIRECT, "N", 0,
	  "how many segments an indirect request may have (0: offer none; "
	  "up to 1024; default: 256)",
	  0 },
	{ "poll", OPT_POLL, "US", 0,
	  "how many microseconds a queue may look for requests before it "
	  "sleeps; how long it does is learned (0: never; default: 200)",
	  0 },
	{ "sector-size", OPT_SECTOR_SIZE, "BYTES", 0,
	  "of disks for which the store says nothing: 512 (the default) or "
	  "4096",
	  0 },
	{ "sector-units", OPT_SECTOR_UNITS, "UNIT", 0,
	  "sectors are counted in units of 512 bytes (the default), or of "
	  "sector-size",
	  0 },
	{ "inject", OPT_INJECT, "RULES", 0,
	  "make storage slow, wrong or failing, as in 'op=read errno=EIO "
	  "rate=0.1; delay=5ms'; may be repeated",
	  0 },
	{ "limit", OPT_LIMIT, "RATES", 0,
	  "hold each disk to rates, as in 'iops=1000 bps=10M'", 0 },
	{ "stats", OPT_STATS, "DIR", 0,
	  "where the statistics of disks are (default: " STATS_DIR
	  ", or stats in the desk's directory)",
	  0 },
	{ "grace", OPT_GRACE, "MS", 0,
	  "how long a frontend may take to close (default: 5000)", 0 },
	{ "lock", OPT_LOCK, "FILE", 0,
	  "the file that keeps a second daemon away", 0 },
	{ "verbose", 'v', NULL, 0, "say more", 0 },
	{ "quiet", 'q', NULL, 0, "say only what is wrong", 0 },
	{ 0 }
};

static unsigned option_number(struct argp_state *state, const char *name,
			      const char *what, const char *arg, unsigned min,
			      unsigned max)
{
	uint64_t number = min;

	if (number_parse(arg, min, max, &number))
		argp_error(state, "%s takes %s from %u to %u, not \"%s\"", name,
			   what, min, max, arg);
	return (unsigned)number;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct vbd_config *v = &o->vbd;
	struct why why;

	switch (key) {
	case 'H':
		o->host = arg;
		return 0;
	case OPT_ALL:
		o->vbd.all = true;
		return 0;
	case OPT_DIRECT:
		o->vbd.disk.direct = true;
		return 0;
	case OPT_NO_URING:
		o->vbd.disk.no_uring = true;
		return 0;
	case OPT_GRACE:
		v->grace_ms = option_number(state, "--grace", "milliseconds",
					    arg, 0, 600000);
		return 0;
	case OPT_POLL:
		v->poll_us = option_number(state, "--poll", "microseconds", arg,
					   0, PATIENCE_MAX_US);
		return 0;
	case OPT_QUEUES:
		v->offer.queues_max =
			option_number(state, "--queues", "a number", arg, 1,
				      NEGOTIATE_QUEUES_MAX);
		return 0;
	case OPT_RING_ORDER:
		v->offer.ring_order_max =
			option_number(state, "--ring-order", "a number", arg, 0,
				      NEGOTIATE_ORDER_MAX);
		return 0;
	case OPT_INDIRECT:
		v->offer.indirect_segs =
			option_number(state, "--indirect", "a number", arg, 0,
				      INDIRECT_SEGS_MAX);
		return 0;
	case OPT_GRANTS:
		o->vbd.offer.persistent = !strcmp(arg, "keep");
		o->vbd.grant_path =
			strcmp(arg, "copy") ? GRANT_PATH_MAP : GRANT_PATH_COPY;
		if (strcmp(arg, "keep") && strcmp(arg, "map") &&
		    strcmp(arg, "copy"))
			argp_error(state,
				   "--grants takes keep, map or copy, not "
				   "\"%s\"",
				   arg);
		return 0;
	case OPT_SECTOR_SIZE:
		if (disk_sector_parse(arg, &v->disk.sector_bytes))
			argp_error(state,
				   "--sector-size takes 512 or 4096, not "
				   "\"%s\"",
				   arg);
		return 0;
	case OPT_SECTOR_UNITS:
		if (disk_units_parse(arg, &v->sector_units))
			argp_error(state,
				   "--sector-units takes 512 or sector-size, "
				   "not \"%s\"",
				   arg);
		return 0;
	case OPT_INJECT:
		if (inject_parse(arg, &v->inject, &why))
			argp_error(state, "--inject: %s", why.text);
		return 0;
	case OPT_LIMIT:
		if (inject_limit_parse(arg, &v->inject, &why))
			argp_error(state, "--limit: %s", why.text);
		return 0;
	case OPT_STATS:
		if (!*arg || strlen(arg) > STATS_DIR_MAX)
			argp_error(state,
				   "--stats takes a directory's name of at "
				   "most %u bytes",
				   STATS_DIR_MAX);
		v->stats_dir = arg;
		return 0;
	case OPT_LOCK:
		o->lock = arg;
		return 0;
	case 'v':
		o->level = LOG_LEVEL_DEBUG;
		return 0;
	case 'q':
		o->level = LOG_LEVEL_WARN;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "there is nothing to do with \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/*
 * One backend a host: two would answer the same rings.  Returns the locked
 * fd, which the process keeps for its life, or -errno.
 */
static int lock_take(const struct options *o, struct why *why)
{
	char path[512];
	int fd, err;

	if (o->lock)
		snprintf(path, sizeof(path), "%s", o->lock);
	else if (!strncmp(o->host, "desk:", 5))
		snprintf(path, sizeof(path), "%s/ringsided.lock", o->host + 5);
	else
		snprintf(path, sizeof(path), "/run/ringsided.lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, -errno, "cannot open the lock file %s: %s",
			       path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK
			      ? why_set(why, -EBUSY,
					"another ringsided serves "
					"%s already (it holds %s); stop it "
					"first",
					o->host, path)
			      : why_set(why, -errno, "cannot lock %s: %s", path,
					strerror(errno));
		close(fd);
		return err;
	}
	return fd;
}

/*
 * Before any thread exists, so that they inherit the mask: the loop takes
 * these signals from a file descriptor.
 */
static void signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* An image beyond RLIMIT_FSIZE is an error of one request. */
	signal(SIGXFSZ, SIG_IGN);
}

static const char *stats_dir_default(const char *host, char *room, size_t size)
{
	if (strncmp(host, "desk:", 5))
		return STATS_DIR;
	snprintf(room, size, "%s/stats", host + 5);
	return room;
}

/* More queues than processors only change places. */
static unsigned queues_default(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1			  ? 1
	       : n > NEGOTIATE_QUEUES_MAX ? NEGOTIATE_QUEUES_MAX
					  : (unsigned)n;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_list,
		.parser = option_parse,
		.doc = "Serve virtual disks to Xen guests, and tell every "
		       "step of the protocol to whoever traces it.\v"
		       "Exit status: 0 after an orderly end, 1 if the host "
		       "failed, 2 if it could not start.",
	};
	struct grant_budget budget = { .max_pages = BUDGET_PAGES_DEFAULT };
	struct options o = {
		.host = "xen",
		.level = LOG_LEVEL_INFO,
		.vbd =
			{
				.offer = {.ring_order_max =
						  NEGOTIATE_ORDER_MAX,
					  .queues_max = queues_default(),
					  .indirect_segs =
						  INDIRECT_SEGS_DEFAULT,
					  .flush = true,
					  .barrier = true,
					  .discard = true,
					  .persistent = true},
				.disk = {.sector_bytes = 512},
				.grant_path = GRANT_PATH_MAP,
				.grant_keep_pages = KEEP_PAGES_DEFAULT,
				.grant_budget = &budget,
				.poll_us = POLL_US_DEFAULT,
				.grace_ms = GRACE_MS_DEFAULT,
			},
	};
	struct ev_origin ev = { .actor = EV_ACTOR_BACKEND,
				.queue = EV_QUEUE_NONE };
	struct xen_host *host = NULL;
	struct why why = { "" };
	char stats[512];
	int lock, err;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	log_open("ringsided", o.level);
	signals_block();

	err = xen_host_open(o.host, 0, &host, &why);
	if (err) {
		log_error("%s", why.text);
		return 2;
	}
	lock = lock_take(&o, &why);
	if (lock < 0) {
		log_error("%s", why.text);
		xen_host_close(host);
		return 2;
	}
	if (!o.vbd.stats_dir)
		o.vbd.stats_dir =
			stats_dir_default(o.host, stats, sizeof(stats));
	ev.domid = host->domid;
	ev_program_start(&ev, "ringsided", o.host, (uint32_t)getpid());
	err = backend_run(host, &o.vbd, &why);
	if (err)
		log_error("%s", why.text);
	ev_program_stop(&ev, "ringsided");
	xen_host_close(host);
	close(lock);
	return err ? 1 : 0;
}
