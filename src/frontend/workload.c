/* SPDX-License-Identifier: MIT */
/*
 * One state machine, and longer than most files for that: what begins next
 * and what came of it look at the same table of generations.
 */
#include "frontend/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "frontend/pattern.h"

/* The table of generations; its top bit: an operation is in flight. */
#define GEN_BUSY 0x80000000u
#define GEN_UNKNOWN                                                            \
	0x7fffffffu /* a write failed: who knows what stands there */
#define GEN_NONE 0u /* not written by this run */

#define VERIFY_BLOCKS_MAX (1u << 28)

struct workload_op {
	struct front_io io;
	struct workload *w;
	enum workload_kind kind;
	uint64_t block;
	uint64_t start_ns;
	struct workload_op *next_free;
};

enum workload_part { PART_RUN, PART_REREAD, PART_ENDED };

struct workload {
	struct front_device *device;
	struct workload_options opt;
	struct workload_report report;
	enum workload_part part;
	bool stopping;
	uint64_t blocks;   /* of the region */
	uint64_t begun;	   /* reads and writes */
	uint64_t position; /* next block in order */
	uint64_t writes_since_flush;
	uint64_t random;
	uint64_t start_ns;
	uint32_t *gen; /* a block's generation, with verify */
	uint8_t *buffers;
	struct workload_op *ops;
	struct workload_op *free;
	unsigned in_flight;
};

/* ---- what to do next ------------------------------------------------------
 */

/* A block without an operation in flight, from `block` on; false: none. */
static bool block_claim(struct workload *w, uint64_t *block)
{
	uint64_t i;

	if (!w->gen)
		return true;
	/* One more than can be busy is enough to find one, if there is one. */
	for (i = 0; i <= w->opt.depth && i < w->blocks; i++) {
		uint64_t b = (*block + i) % w->blocks;

		if (w->gen[b] & GEN_BUSY)
			continue;
		w->gen[b] |= GEN_BUSY;
		*block = b;
		return true;
	}
	return false;
}

static void op_rw(struct workload *w, struct workload_op *op, bool write)
{
	uint64_t off = w->opt.off_bytes + op->block * w->opt.bs_bytes;

	op->kind = write ? WORKLOAD_WRITE : WORKLOAD_READ;
	op->io.op = write ? RING_OP_WRITE : RING_OP_READ;
	op->io.off_bytes = off;
	op->io.len_bytes = w->opt.bs_bytes;
	if (write && w->gen) {
		uint32_t gen = w->gen[op->block] & ~GEN_BUSY;

		/* After a failed write nothing is known; begin anew. */
		gen = gen == GEN_UNKNOWN ? 1 : gen + 1;
		pattern_fill(op->io.buf, op->io.len_bytes,
			     off / PATTERN_SECTOR_BYTES, gen, w->opt.seed);
	}
}

static bool next_run(struct workload *w, struct workload_op *op)
{
	const struct workload_options *o = &w->opt;
	bool write = o->writes;

	if (o->flush_every && w->writes_since_flush >= o->flush_every) {
		w->writes_since_flush = 0;
		op->kind = WORKLOAD_FLUSH;
		op->io.op = RING_OP_FLUSH;
		op->io.off_bytes = 0;
		op->io.len_bytes = 0;
		return true;
	}
	if (o->ops && w->begun >= o->ops)
		return false;
	if (o->runtime_ns && clock_now_ns() - w->start_ns >= o->runtime_ns)
		return false;
	op->block = o->random ? pattern_random(&w->random) % w->blocks
			      : w->position % w->blocks;
	if (!block_claim(w, &op->block))
		return false;
	if (!o->random)
		w->position = op->block + 1;
	if (o->reads && o->writes)
		write = pattern_random(&w->random) & 1;
	w->begun++;
	w->writes_since_flush += write;
	op_rw(w, op, write);
	return true;
}

/* Once more through all that was written and is known. */
static bool next_reread(struct workload *w, struct workload_op *op)
{
	for (; w->position < w->blocks; w->position++) {
		uint32_t gen = w->gen[w->position];

		if (gen == GEN_NONE || gen == GEN_UNKNOWN)
			continue;
		op->block = w->position++;
		w->gen[op->block] |= GEN_BUSY;
		op_rw(w, op, false);
		return true;
	}
	return false;
}

static void workload_fill(struct workload *w)
{
	while (w->free && !w->stopping && w->part != PART_ENDED) {
		struct workload_op *op = w->free;
		bool more = w->part == PART_RUN ? next_run(w, op)
						: next_reread(w, op);

		if (!more)
			break;
		w->free = op->next_free;
		w->in_flight++;
		op->start_ns = clock_now_ns();
		if (front_device_submit(w->device, &op->io) == 0)
			continue;
		/* The device has ended: this operation never began. */
		w->in_flight--;
		op->next_free = w->free;
		w->free = op;
		w->stopping = true;
	}
	if (w->in_flight)
		return;
	/* Nothing in flight, nothing begun: this part is over. */
	if (w->part == PART_RUN) {
		w->report.elapsed_ns = clock_now_ns() - w->start_ns;
		w->position = 0;
		w->part = w->opt.verify && w->opt.writes && !w->stopping
				  ? PART_REREAD
				  : PART_ENDED;
		workload_fill(w);
	} else {
		w->part = PART_ENDED;
	}
}

/* ---- what came of it ------------------------------------------------------
 */

static void first_error(struct workload *w, int err, const char *text)
{
	if (w->report.first_error)
		return;
	w->report.first_error = err;
	why_set(&w->report.first_why, err, "%s", text);
}

static void op_failed(struct workload *w, const struct workload_op *op)
{
	static const char *const names[] = { "read", "write", "flush" };
	struct workload_count *c = &w->report.count[op->kind];
	struct why why;

	switch (op->io.error) {
	case -EIO:
		c->error++;
		break;
	case -EOPNOTSUPP:
		c->eopnotsupp++;
		break;
	default:
		/* The device ended, and says itself why. */
		c->lost++;
		return;
	}
	why_set(&why, op->io.error, "%s: the %s of %u bytes at %llu failed: %s",
		w->device->name, names[op->kind], op->io.len_bytes,
		(unsigned long long)op->io.off_bytes,
		op->io.error == -EIO ? "the backend answered error (-1)"
				     : "the backend answered EOPNOTSUPP (-2)");
	first_error(w, op->io.error, why.text);
}

static void op_verify(struct workload *w, const struct workload_op *op)
{
	uint32_t gen = w->gen[op->block] & ~GEN_BUSY;
	struct why why, told;
	int err;

	/* Where only reads are done, any writing of that seed will do. */
	if (!w->opt.writes)
		gen = PATTERN_ANY;
	else if (gen == GEN_NONE || gen == GEN_UNKNOWN) {
		w->report.unchecked++;
		return;
	}
	w->report.checked++;
	err = pattern_check(op->io.buf, op->io.len_bytes,
			    op->io.off_bytes / PATTERN_SECTOR_BYTES, gen,
			    w->opt.seed, &why);
	if (!err)
		return;
	w->report.mismatches++;
	why_set(&told, err, "%s: wrong data: %s", w->device->name, why.text);
	first_error(w, err, told.text);
	if (!w->opt.keep_going)
		w->stopping = true;
}

/* Count it, check it, and free its block. */
static void op_account(struct workload *w, struct workload_op *op)
{
	struct workload_count *c = &w->report.count[op->kind];
	bool known = w->gen && op->kind != WORKLOAD_FLUSH;
	bool reread = w->part == PART_REREAD;

	if (!reread)
		c->ops++;
	if (op->io.error) {
		op_failed(w, op);
	} else if (!reread) {
		c->bytes += op->io.len_bytes;
		latency_add(&c->latency, clock_now_ns() - op->start_ns);
	} else {
		w->report.reread++;
	}
	if (!known)
		return;
	if (op->kind == WORKLOAD_READ && !op->io.error)
		op_verify(w, op);
	w->gen[op->block] &= ~GEN_BUSY;
	if (op->kind != WORKLOAD_WRITE)
		return;
	if (op->io.error)
		w->gen[op->block] = GEN_UNKNOWN;
	else if (w->gen[op->block] == GEN_UNKNOWN)
		w->gen[op->block] = 1;
	else
		w->gen[op->block]++;
}

static void op_done(struct front_io *io)
{
	struct workload_op *op = io->opaque;
	struct workload *w = op->w;

	op_account(w, op);
	op->next_free = w->free;
	w->free = op;
	w->in_flight--;
	workload_fill(w);
}

/* ---- life -----------------------------------------------------------------
 */

static int workload_fit(struct workload *w, struct why *why)
{
	const struct front_device *d = w->device;
	const struct workload_options *o = &w->opt;
	uint64_t disk = front_device_bytes(d);
	uint32_t sector = d->settled.sector_bytes;
	uint64_t size = o->size_bytes;

	if (o->bs_bytes % sector || o->off_bytes % sector)
		return why_set(why, -EINVAL,
			       "--bs and --offset must be multiples of the "
			       "sector size of %s, %u",
			       d->name, sector);
	if (o->off_bytes >= disk)
		return why_set(why, -EINVAL,
			       "--offset is %llu, but %s has only %llu bytes",
			       (unsigned long long)o->off_bytes, d->name,
			       (unsigned long long)disk);
	if (!size)
		size = disk - o->off_bytes;
	if (size > disk - o->off_bytes)
		return why_set(why, -EINVAL,
			       "--size goes beyond the end of %s, which has "
			       "%llu bytes",
			       d->name, (unsigned long long)disk);
	w->blocks = size / o->bs_bytes;
	if (!w->blocks)
		return why_set(why, -EINVAL,
			       "--bs is %u bytes, more than the %llu to work "
			       "on",
			       o->bs_bytes, (unsigned long long)size);
	if (o->writes && d->settled.info & FRONT_INFO_READONLY)
		return why_set(why, -EROFS,
			       "%s is read-only: only --rw read "
			       "and randread work on it",
			       d->name);
	if (o->flush_every && !d->settled.flush)
		return why_set(why, -EOPNOTSUPP,
			       "the backend of %s offers no flush "
			       "(feature-flush-cache), as --flush-every needs",
			       d->name);
	if (o->verify && w->blocks > VERIFY_BLOCKS_MAX)
		return why_set(why, -EINVAL,
			       "--verify keeps track of at most %u blocks, "
			       "here are %llu: use --size or a larger --bs",
			       VERIFY_BLOCKS_MAX,
			       (unsigned long long)w->blocks);
	if (!o->ops && !o->runtime_ns)
		w->opt.ops = w->blocks;
	return 0;
}

static int workload_allocate(struct workload *w, struct why *why)
{
	const struct workload_options *o = &w->opt;
	uint64_t random = o->seed;
	unsigned i;

	w->ops = calloc(o->depth, sizeof(*w->ops));
	w->buffers = malloc((size_t)o->depth * o->bs_bytes);
	if (o->verify)
		w->gen = calloc(w->blocks, sizeof(*w->gen));
	if (!w->ops || !w->buffers || (o->verify && !w->gen))
		return why_set(why, -ENOMEM,
			       "no memory for %u operations of %u bytes",
			       o->depth, o->bs_bytes);
	/* So that writes without verify write something, and not zeroes. */
	for (size_t n = 0; n + 8 <= (size_t)o->depth * o->bs_bytes; n += 8)
		memcpy(w->buffers + n, &(uint64_t){ pattern_random(&random) },
		       8);
	for (i = o->depth; i--;) {
		struct workload_op *op = &w->ops[i];

		op->w = w;
		op->io.buf = w->buffers + (size_t)i * o->bs_bytes;
		op->io.done = op_done;
		op->io.opaque = op;
		op->next_free = w->free;
		w->free = op;
	}
	return 0;
}

int workload_start(struct front_device *d, const struct workload_options *opt,
		   struct workload **out, struct why *why)
{
	struct workload *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return why_set(why, -ENOMEM, "out of memory");
	w->device = d;
	w->opt = *opt;
	w->random = opt->seed ^ d->devid;
	err = workload_fit(w, why);
	if (!err)
		err = workload_allocate(w, why);
	if (err) {
		workload_free(w);
		return err;
	}
	w->start_ns = clock_now_ns();
	*out = w;
	workload_fill(w);
	front_device_kick(d);
	return 0;
}

void workload_stop(struct workload *w)
{
	w->stopping = true;
	if (!w->in_flight)
		workload_fill(w);
}

bool workload_ended(const struct workload *w)
{
	return w->part == PART_ENDED;
}

double workload_progress(const struct workload *w, bool *rereading)
{
	double part = 0;

	*rereading = w->part == PART_REREAD;
	if (*rereading)
		return (double)w->position / (double)w->blocks;
	if (w->opt.ops)
		part = (double)(w->begun - w->in_flight) / (double)w->opt.ops;
	if (w->opt.runtime_ns) {
		double time = (double)(clock_now_ns() - w->start_ns) /
			      (double)w->opt.runtime_ns;

		part = time > part ? time : part;
	}
	return part < 0 ? 0 : part > 1 ? 1 : part;
}

const struct workload_report *workload_report(const struct workload *w)
{
	return &w->report;
}

void workload_free(struct workload *w)
{
	if (!w)
		return;
	free(w->gen);
	free(w->buffers);
	free(w->ops);
	free(w);
}
