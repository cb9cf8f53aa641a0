/* SPDX-License-Identifier: MIT */
#include "tool/front_options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include "base/number.h"

enum {
	OPT_DOMID = 0x100,
	OPT_VDEV,
	OPT_RW,
	OPT_BS,
	OPT_DEPTH,
	OPT_OPS,
	OPT_RUNTIME,
	OPT_SIZE,
	OPT_OFFSET,
	OPT_VERIFY,
	OPT_FLUSH,
	OPT_BARRIER,
	OPT_SEED,
	OPT_RING_ORDER,
	OPT_QUEUES,
	OPT_INDIRECT,
	OPT_PERSISTENT,
	OPT_ABI,
	OPT_TIMEOUT,
	OPT_BACKEND_PID,
	OPT_SECTOR_UNITS,
	OPT_JSON,
	OPT_INFO,
	OPT_NBD,
};

static const struct argp_option option_list[] = {
	{ NULL, 0, NULL, 0, "Which disk:", 1 },
	{ "domid", OPT_DOMID, "N", 0, "the guest's domain (default: 1)", 0 },
	{ "vdev", OPT_VDEV, "NAME[,NAME...]", 0, "its disks (default: xvda)",
	  0 },
	{ "timeout", OPT_TIMEOUT, "SECONDS", 0,
	  "how long to wait for the backend (default: 30)", 0 },
	{ "backend-pid", OPT_BACKEND_PID, "PID", 0,
	  "the backend's process: wait no longer once it only sleeps, or "
	  "computes without an end",
	  0 },
	{ NULL, 0, NULL, 0, "How it connects:", 2 },
	{ "ring-order", OPT_RING_ORDER, "N", 0,
	  "each ring has 2^N pages (default: 0)", 0 },
	{ "queues", OPT_QUEUES, "N", 0,
	  "rings, each with a thread of its own (default: 1)", 0 },
	{ "indirect", OPT_INDIRECT, "N", 0,
	  "segments of a request at most; 0: no indirect requests (default: "
	  "32, or what is offered)",
	  0 },
	{ "persistent", OPT_PERSISTENT, NULL, 0,
	  "keep grants and use them again", 0 },
	{ "abi", OPT_ABI, "NAME", 0,
	  "layout of requests: x86_64, x86_32 or native (the default)", 0 },
	{ "sector-units", OPT_SECTOR_UNITS, "UNIT", 0,
	  "count sectors in units of 512 bytes (the default) or of sector-size",
	  0 },
	{ NULL, 0, NULL, 0, "Load:", 3 },
	{ "rw", OPT_RW, "MODE", 0,
	  "read, write, rw, trim; randread, randwrite, randrw, randtrim "
	  "(default: read)",
	  0 },
	{ "bs", OPT_BS, "SIZE", 0, "of each operation (default: 4k)", 0 },
	{ "depth", OPT_DEPTH, "N", 0,
	  "operations at a time on each queue (default: 32)", 0 },
	{ "ops", OPT_OPS, "N", 0,
	  "end after N operations (default: as many as there are blocks)", 0 },
	{ "runtime", OPT_RUNTIME, "SECONDS", 0, "end after a time", 0 },
	{ "offset", OPT_OFFSET, "SIZE", 0, "begin there (default: 0)", 0 },
	{ "size", OPT_SIZE, "SIZE", 0,
	  "stay in a region of that size (default: to the end)", 0 },
	{ "flush-every", OPT_FLUSH, "N", 0, "flush after every N writes", 0 },
	{ "barrier-every", OPT_BARRIER, "N", 0,
	  "make every Nth write a barrier", 0 },
	{ "verify", OPT_VERIFY, NULL, 0,
	  "write patterns and compare every read with what was written", 0 },
	{ "seed", OPT_SEED, "N", 0,
	  "of patterns and random numbers (default: a new one)", 0 },
	{ NULL, 0, NULL, 0, "Instead of load:", 4 },
	{ "info", OPT_INFO, NULL, 0,
	  "tell what the handshake settled; no load unless it is asked for",
	  0 },
	{ "nbd", OPT_NBD, "SOCKET", 0, "export the disk over NBD until Ctrl-C",
	  0 },
	{ NULL, 0, NULL, 0, "Output:", 5 },
	{ "json", OPT_JSON, NULL, 0, "for programs", 0 },
	{ "quiet", 'q', NULL, 0, "say only what is wrong", 0 },
	{ 0 }
};

static uint64_t option_number(struct argp_state *state, const char *name,
			      const char *arg, uint64_t min, uint64_t max)
{
	uint64_t number = 0;

	if (number_parse(arg, min, max, &number))
		argp_error(state,
			   "--%s takes a number from %llu to %llu, not "
			   "\"%s\"",
			   name, (unsigned long long)min,
			   (unsigned long long)max, arg);
	return number;
}

static uint64_t option_size(struct argp_state *state, const char *name,
			    const char *arg, uint64_t min, uint64_t max)
{
	uint64_t number = 0;
	int err = number_parse_size(arg, min, max, &number);

	if (!err && number % 512)
		argp_error(state,
			   "--%s must be a multiple of 512 bytes, not "
			   "\"%s\"",
			   name, arg);
	if (err == -ERANGE)
		argp_error(state,
			   "--%s must be from %llu to %llu bytes, not "
			   "\"%s\"",
			   name, (unsigned long long)min,
			   (unsigned long long)max, arg);
	if (err)
		argp_error(state,
			   "--%s takes a size such as 4096, 64k or 1G, "
			   "not \"%s\"",
			   name, arg);
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
	o->work.trims = !strcmp(plain, "trim");
	if (!o->work.reads && !o->work.writes && !o->work.trims)
		argp_error(state,
			   "--rw is one of read, write, rw, trim, randread, "
			   "randwrite, randrw and randtrim, not \"%s\"",
			   arg);
}

static void option_indirect(struct argp_state *state, struct front_options *o,
			    const char *arg)
{
	uint64_t n = option_number(state, "indirect", arg, 0, FRONT_SEGS_MAX);

	if (n && n <= RING_SEGS_MAX)
		argp_error(state,
			   "--indirect takes 0 or a number from %u on, not "
			   "\"%s\": up to %u segments need no indirect request",
			   RING_SEGS_MAX + 1, arg, RING_SEGS_MAX);
	o->transport.indirect = (unsigned)n;
	o->transport.indirect_must = true;
}

/* How it connects. */
static error_t option_transport(int key, char *arg, struct argp_state *state)
{
	struct front_options *o = state->input;
	struct front_transport *t = &o->transport;

	switch (key) {
	case OPT_RING_ORDER:
		t->ring_order = (unsigned)option_number(
			state, "ring-order", arg, 0, FRONT_RING_ORDER_MAX);
		return 0;
	case OPT_QUEUES:
		t->queues = (unsigned)option_number(state, "queues", arg, 1,
						    FRONT_QUEUES_MAX);
		return 0;
	case OPT_INDIRECT:
		option_indirect(state, o, arg);
		return 0;
	case OPT_PERSISTENT:
		t->persistent = true;
		return 0;
	case OPT_ABI:
		if (!front_abi_parse(arg, &t->abi))
			argp_error(state,
				   "--abi is one of x86_64, x86_32 and "
				   "native, not \"%s\"",
				   arg);
		return 0;
	case OPT_SECTOR_UNITS:
		if (strcmp(arg, "512") && strcmp(arg, "sector-size"))
			argp_error(state,
				   "--sector-units is 512 or sector-size, not "
				   "\"%s\"",
				   arg);
		t->sector_units = arg[0] == 's';
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void option_vdevs(struct argp_state *state, struct front_options *o,
			 char *arg)
{
	struct why why;
	char *name;

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
		argp_error(state, "--nbd exports one disk, not %u", o->ndisks);
	if (o->nbd && o->transport.queues > 1)
		argp_error(state, "--nbd drives one queue, not %u",
			   o->transport.queues);
	if ((uint64_t)o->work.bs_bytes * o->work.depth * o->transport.queues >
	    WORKLOAD_MEM_MAX)
		argp_error(state,
			   "--depth times --bs times --queues must not be more "
			   "than %u MiB",
			   WORKLOAD_MEM_MAX >> 20);
	if (o->work.barrier_every && !o->work.writes)
		argp_error(state,
			   "--barrier-every counts writes, and --rw %s does "
			   "none",
			   o->rw);
	if (o->work.flush_every && !o->work.writes)
		argp_error(state,
			   "--flush-every counts writes, and --rw %s "
			   "does none",
			   o->rw);
	if (o->work.verify && !o->work.writes && !o->seeded)
		argp_error(state,
			   "--verify with --rw %s needs the --seed "
			   "that the run printed which wrote the data",
			   o->rw);
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct front_options *o = state->input;
	struct workload_options *w = &o->work;

	if (key >= OPT_RW && key <= OPT_SEED)
		o->load = true;
	switch (key) {
	case OPT_DOMID:
		o->domid =
			(uint16_t)option_number(state, "domid", arg, 1, 32751);
		return 0;
	case OPT_VDEV:
		option_vdevs(state, o, arg);
		return 0;
	case OPT_TIMEOUT:
		o->timeout_s = (unsigned)option_number(state, "timeout", arg, 1,
						       86400);
		return 0;
	case OPT_BACKEND_PID:
		o->backend_pid = (pid_t)option_number(state, "backend-pid", arg,
						      1, INT_MAX);
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
		w->runtime_ns = 1000000000u * option_number(state, "runtime",
							    arg, 1, 31536000);
		return 0;
	case OPT_SIZE:
		w->size_bytes =
			option_size(state, "size", arg, 512, UINT64_MAX);
		return 0;
	case OPT_OFFSET:
		w->off_bytes = option_size(state, "offset", arg, 0, UINT64_MAX);
		return 0;
	case OPT_FLUSH:
		w->flush_every =
			option_number(state, "flush-every", arg, 1, UINT64_MAX);
		return 0;
	case OPT_BARRIER:
		w->barrier_every = option_number(state, "barrier-every", arg, 1,
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
		return option_transport(key, arg, state);
	}
}

void front_options_parse(struct front_options *o, int argc, char **argv)
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

	memset(o, 0, sizeof(*o));
	o->rw = "read";
	o->domid = 1;
	o->timeout_s = 30;
	o->devids[0] = 51712;
	o->ndisks = 1;
	o->transport.queues = 1;
	o->transport.indirect = FRONT_INDIRECT_DEFAULT;
	front_abi_parse("native", &o->transport.abi);
	o->work.reads = true;
	o->work.bs_bytes = 4096;
	o->work.depth = 32;
	argp_parse(&argp, argc, argv, 0, NULL, o);
	if (!o->seeded && getrandom(&o->work.seed, sizeof(o->work.seed), 0) > 0)
		o->work.seed = o->work.seed >> 32 | 1; /* easy to type again */
}
