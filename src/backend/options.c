/* SPDX-License-Identifier: MIT */
#include "backend/options.h"

#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/config.h"
#include "backend/patience.h"
#include "base/number.h"
#include "base/stats.h"

#define GRACE_MS_DEFAULT 5000u
#define POLL_US_DEFAULT	 200u
/* Linux's number; its frontends use 32 of them unless told otherwise. */
#define INDIRECT_SEGS_DEFAULT 256u
#define INDIRECT_SEGS_MAX     1024u /* vectors of one system call */
/* Linux's number: three full rings a queue. */
#define KEEP_PAGES_DEFAULT 1056u

/* argp finds these two by their names. */
const char *argp_program_version = "ringsided " RINGSIDE_VERSION;

enum {
	OPT_CONFIG = 0x100,
	OPT_LOCK,
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
	{ "config", OPT_CONFIG, "FILE", 0,
	  "read options and feature switches from FILE; what stands here beats "
	  "it (default: " CONFIG_FILE ", if it is there)",
	  0 },
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

/* ---- values ------------------------------------------------------------- */

static const struct {
	const char *name, *what;
	unsigned min, max;
	size_t at; /* of an unsigned in struct options */
} numbers[] = {
	{ "grace", "milliseconds", 0, 600000,
	  offsetof(struct options, vbd.grace_ms) },
	{ "poll", "microseconds", 0, PATIENCE_MAX_US,
	  offsetof(struct options, vbd.poll_us) },
	{ "queues", "a number", 1, NEGOTIATE_QUEUES_MAX,
	  offsetof(struct options, vbd.offer.queues_max) },
	{ "ring-order", "a number", 0, NEGOTIATE_ORDER_MAX,
	  offsetof(struct options, vbd.offer.ring_order_max) },
	{ "indirect", "a number", 0, INDIRECT_SEGS_MAX,
	  offsetof(struct options, vbd.offer.indirect_segs) },
};

static const struct {
	const char *name;
	size_t at; /* of a bool */
} flags[] = {
	{ "all", offsetof(struct options, vbd.all) },
	{ "direct", offsetof(struct options, vbd.disk.direct) },
	{ "no-uring", offsetof(struct options, vbd.disk.no_uring) },
};

static int number_set(struct options *o, unsigned i, const char *value,
		      struct why *why)
{
	struct features *f = &o->vbd.features;
	const char *name = numbers[i].name;
	uint64_t n;

	if (number_parse(value, numbers[i].min, numbers[i].max, &n))
		return why_set(why, -EINVAL,
			       "%s takes %s from %u to %u, not \"%.64s\"", name,
			       numbers[i].what, numbers[i].min, numbers[i].max,
			       value);
	*(unsigned *)((char *)o + numbers[i].at) = (unsigned)n;
	/* Whoever names a number wants the feature, whatever the file says. */
	f->multi_queue |= !strcmp(name, "queues");
	f->ring_order |= !strcmp(name, "ring-order");
	f->indirect |= !strcmp(name, "indirect");
	return 0;
}

static int flag_set(struct options *o, const char *name, const char *value,
		    struct why *why)
{
	unsigned i;
	bool yes;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(name, flags[i].name))
			break;
	if (i == sizeof(flags) / sizeof(*flags) && strcmp(name, "verbose") &&
	    strcmp(name, "quiet"))
		return why_set(why, -ENOENT, "there is no option \"%.64s\"",
			       name);
	if (features_yes(value, &yes))
		return why_set(why, -EINVAL,
			       "%s takes yes or no, not \"%.64s\"", name,
			       value);
	if (i < sizeof(flags) / sizeof(*flags))
		*(bool *)((char *)o + flags[i].at) = yes;
	else if (yes)
		o->level = *name == 'v' ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
	return 0;
}

/* What disks are, and what is done to them on purpose.  1: another option. */
static int disk_set(struct options *o, const char *name, const char *value,
		    struct why *why)
{
	struct vbd_config *v = &o->vbd;
	struct why said;
	int err;

	if (!strcmp(name, "sector-size"))
		return disk_sector_parse(value, &v->disk.sector_bytes)
			       ? why_set(why, -EINVAL,
					 "sector-size takes 512 or 4096, not "
					 "\"%.64s\"",
					 value)
			       : 0;
	if (!strcmp(name, "sector-units"))
		return disk_units_parse(value, &v->sector_units)
			       ? why_set(why, -EINVAL,
					 "sector-units takes 512 or "
					 "sector-size, not \"%.64s\"",
					 value)
			       : 0;
	if (!strcmp(name, "inject"))
		err = inject_parse(value, &v->inject, &said);
	else if (!strcmp(name, "limit"))
		err = inject_limit_parse(value, &v->inject, &said);
	else
		return 1;
	return err ? why_set(why, err, "%s: %s", name, said.text) : 0;
}

int options_set(struct options *o, const char *name, const char *value,
		struct why *why)
{
	unsigned i;
	int err = disk_set(o, name, value, why);

	if (err <= 0)
		return err;
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcmp(name, numbers[i].name))
			return number_set(o, i, value, why);
	if (!strcmp(name, "grants"))
		return features_set(&o->vbd.features, name, value, why);
	if (!strcmp(name, "stats")) {
		if (!*value || strlen(value) > STATS_DIR_MAX)
			return why_set(why, -EINVAL,
				       "stats takes a directory's name of at "
				       "most %u bytes",
				       STATS_DIR_MAX);
		o->vbd.stats_dir = value;
	} else if (!strcmp(name, "host")) {
		o->host = value;
	} else if (!strcmp(name, "lock")) {
		o->lock = value;
	} else if (!strcmp(name, "config")) {
		o->config = value;
	} else {
		return flag_set(o, name, value, why);
	}
	return 0;
}

/* ---- the command line --------------------------------------------------- */

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	const struct argp_option *opt = option_list;
	struct why why;

	if (key == ARGP_KEY_ARG) {
		argp_error(state, "there is nothing to do with \"%s\"", arg);
		return EINVAL;
	}
	while (opt->name && opt->key != key)
		opt++;
	if (!opt->name)
		return ARGP_ERR_UNKNOWN;
	if (options_set(state->input, opt->name, arg ? arg : "yes", &why))
		argp_error(state, "--%s", why.text);
	return 0;
}

/* More queues than processors only change places. */
static unsigned queues_default(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1			  ? 1
	       : n > NEGOTIATE_QUEUES_MAX ? NEGOTIATE_QUEUES_MAX
					  : (unsigned)n;
}

void options_default(struct options *o, struct grant_budget *budget)
{
	*o = (struct options){
		.host = "xen",
		.level = LOG_LEVEL_INFO,
		.vbd = { .offer = { .ring_order_max = NEGOTIATE_ORDER_MAX,
				    .queues_max = queues_default(),
				    .indirect_segs = INDIRECT_SEGS_DEFAULT,
				    .flush = true,
				    .barrier = true,
				    .discard = true,
				    .persistent = true },
			 .disk = { .sector_bytes = 512 },
			 .features = features_default,
			 .grant_keep_pages = KEEP_PAGES_DEFAULT,
			 .grant_budget = budget,
			 .poll_us = POLL_US_DEFAULT,
			 .grace_ms = GRACE_MS_DEFAULT },
	};
}

void options_read(struct options *o, struct grant_budget *budget, int argc,
		  char **argv)
{
	static const struct argp argp = {
		.options = option_list,
		.parser = option_parse,
		.doc = "Serve virtual disks to Xen guests, and tell every "
		       "step of the protocol to whoever traces it.\v"
		       "Exit status: 0 after an orderly end, 1 if the host "
		       "failed, 2 if it could not start.",
	};
	const char *named;
	struct why why;
	int err;

	argp_err_exit_status = 2;
	options_default(o, budget);
	argp_parse(&argp, argc, argv, 0, NULL, o);
	/* Once more, over what the file says. */
	named = o->config;
	options_default(o, budget);
	err = config_read(named ? named : CONFIG_FILE, o, &why);
	if (err && (named || err != -ENOENT)) {
		log_open("ringsided", LOG_LEVEL_INFO);
		log_error("%s", why.text);
		exit(2);
	}
	argp_parse(&argp, argc, argv, 0, NULL, o);
}
