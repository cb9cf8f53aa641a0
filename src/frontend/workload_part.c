/* SPDX-License-Identifier: MIT */
/*
 * One state machine: what begins next and what came of it look at the same
 * table of generations.
 */
#include "frontend/workload_part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "frontend/pattern.h"

/* The table of generations; its top bit: an operation is in flight. */
#define GEN_BUSY 0x80000000u
#define GEN_UNKNOWN                                                            \
	0x7fffffffu /* a write failed: who knows what stands there */
#define GEN_TRIMMED 0x7ffffffeu /* discarded: no content is defined */
#define GEN_NONE    0u		/* not written by this run */

struct workload_op {
	struct front_io io;
	struct workload_part *part;
	enum workload_kind kind;
	uint64_t block; /* of the part */
	uint64_t start_ns;
	struct workload_op *next_free;
};

static void tell(uint64_t *where, uint64_t what)
{
	__atomic_store_n(where, what, __ATOMIC_RELAXED);
}

static bool part_stopping(const struct workload_part *p)
{
	return __atomic_load_n(&p->all->stopping, __ATOMIC_RELAXED);
}

static void part_stop_all(struct workload_part *p)
{
	__atomic_store_n(&p->all->stopping, true, __ATOMIC_RELAXED);
}

static bool changes(enum workload_kind kind)
{
	return kind == WORKLOAD_WRITE || kind == WORKLOAD_BARRIER;
}

/* ---- what to do next ------------------------------------------------------
 */

/* A block without an operation in flight, from `block` on; false: none. */
static bool block_claim(struct workload_part *p, uint64_t *block)
{
	uint64_t i;

	if (!p->gen)
		return true;
	/* One more than can be busy is enough to find one, if there is one. */
	for (i = 0; i <= p->all->opt.depth && i < p->blocks; i++) {
		uint64_t b = (*block + i) % p->blocks;

		if (p->gen[b] & GEN_BUSY)
			continue;
		p->gen[b] |= GEN_BUSY;
		*block = b;
		return true;
	}
	return false;
}

/* What op->kind means for the block op->block. */
static void op_prepare(struct workload_part *p, struct workload_op *op)
{
	static const enum ring_op ops[] = {
		[WORKLOAD_READ] = RING_OP_READ,
		[WORKLOAD_WRITE] = RING_OP_WRITE,
		[WORKLOAD_FLUSH] = RING_OP_FLUSH,
		[WORKLOAD_BARRIER] = RING_OP_BARRIER,
		[WORKLOAD_TRIM] = RING_OP_DISCARD,
	};
	const struct workload_options *o = &p->all->opt;
	uint64_t block = op->block * p->all->parts + p->n;
	uint64_t off = o->off_bytes + block * o->bs_bytes;
	uint32_t gen;

	op->io.op = ops[op->kind];
	op->io.off_bytes = off;
	op->io.len_bytes = o->bs_bytes;
	if (!changes(op->kind) || !p->gen)
		return;
	gen = p->gen[op->block] & ~GEN_BUSY;
	/* After a failed write nothing is known; begin anew. */
	gen = gen == GEN_UNKNOWN ? 1 : gen + 1;
	pattern_fill(op->io.buf, op->io.len_bytes, off / PATTERN_SECTOR_BYTES,
		     gen, o->seed);
}

static enum workload_kind next_kind(struct workload_part *p)
{
	const struct workload_options *o = &p->all->opt;

	if (o->trims)
		return WORKLOAD_TRIM;
	if (!o->writes || (o->reads && !(pattern_random(&p->random) & 1)))
		return WORKLOAD_READ;
	p->writes_since_flush++;
	if (!o->barrier_every || ++p->writes_since_barrier < o->barrier_every)
		return WORKLOAD_WRITE;
	p->writes_since_barrier = 0;
	return WORKLOAD_BARRIER;
}

static bool next_run(struct workload_part *p, struct workload_op *op)
{
	const struct workload_options *o = &p->all->opt;

	if (o->flush_every && p->writes_since_flush >= o->flush_every) {
		p->writes_since_flush = 0;
		op->kind = WORKLOAD_FLUSH;
		op->io.op = RING_OP_FLUSH;
		op->io.off_bytes = 0;
		op->io.len_bytes = 0;
		return true;
	}
	if (p->begun >= p->ops_max)
		return false;
	if (o->runtime_ns && clock_now_ns() - p->all->start_ns >= o->runtime_ns)
		return false;
	op->block = o->random ? pattern_random(&p->random) % p->blocks
			      : p->position % p->blocks;
	if (!block_claim(p, &op->block))
		return false;
	if (!o->random)
		p->position = op->block + 1;
	p->begun++;
	op->kind = next_kind(p);
	op_prepare(p, op);
	return true;
}

/* Once more through all of which something is known. */
static bool next_reread(struct workload_part *p, struct workload_op *op)
{
	for (; p->position < p->blocks; p->position++) {
		uint32_t gen = p->gen[p->position];

		/* What a run of discards left alone, another run wrote. */
		if (gen == GEN_UNKNOWN ||
		    (gen == GEN_NONE && !p->all->opt.trims))
			continue;
		op->block = p->position++;
		p->gen[op->block] |= GEN_BUSY;
		op->kind = WORKLOAD_READ;
		op_prepare(p, op);
		return true;
	}
	return false;
}

static void first_error(struct workload_part *p, int err, const char *text)
{
	if (p->report.first_error)
		return;
	p->report.first_error = err;
	why_set(&p->report.first_why, err, "%s", text);
}

/* It never began: the device has ended, or the disk is smaller now. */
static void op_refused(struct workload_part *p, struct workload_op *op, int err)
{
	struct why why;

	p->in_flight--;
	op->next_free = p->free;
	p->free = op;
	part_stop_all(p);
	if (err == -ESHUTDOWN)
		return; /* the device says itself why */
	why_set(&why, err, "%s: an operation of %u bytes at %llu %s",
		p->all->device->name, op->io.len_bytes,
		(unsigned long long)op->io.off_bytes,
		err == -ENOSPC ? "is beyond the end of the disk, which is "
				 "smaller now"
			       : strerror(-err));
	p->report.count[op->kind].error++;
	first_error(p, err, why.text);
}

static void part_fill(struct workload_part *p)
{
	while (p->free && !p->done && !part_stopping(p)) {
		struct workload_op *op = p->free;
		bool more = p->rereading ? next_reread(p, op) : next_run(p, op);
		int err;

		if (!more)
			break;
		p->free = op->next_free;
		p->in_flight++;
		op->start_ns = clock_now_ns();
		err = front_device_submit(p->all->device, p->n, &op->io);
		if (err)
			op_refused(p, op, err);
	}
	if (p->in_flight || p->done)
		return;
	/* Nothing in flight, nothing begun. */
	p->done = true;
	if (!p->rereading)
		p->report.elapsed_ns = clock_now_ns() - p->all->start_ns;
	/* What we counted is seen by who sees that we are done. */
	__atomic_fetch_sub(&p->all->running, 1, __ATOMIC_ACQ_REL);
	front_device_poke(p->all->device);
}

/* ---- what came of it ------------------------------------------------------
 */

static void op_failed(struct workload_part *p, const struct workload_op *op)
{
	static const char *const names[] = { "read", "write", "flush",
					     "barrier", "discard" };
	struct workload_count *c = &p->report.count[op->kind];
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
		p->all->device->name, names[op->kind], op->io.len_bytes,
		(unsigned long long)op->io.off_bytes,
		op->io.error == -EIO ? "the backend answered error (-1)"
				     : "the backend answered EOPNOTSUPP (-2)");
	first_error(p, op->io.error, why.text);
}

static bool is_zero(const uint8_t *buf, uint32_t len)
{
	return !len || (!buf[0] && !memcmp(buf, buf + 1, len - 1));
}

static void op_verify(struct workload_part *p, const struct workload_op *op)
{
	const struct workload_options *o = &p->all->opt;
	uint32_t gen = p->gen[op->block] & ~GEN_BUSY;
	struct why why, told;
	int err;

	if (gen == GEN_TRIMMED) {
		p->report.trimmed++;
		p->report.zeroed += is_zero(op->io.buf, op->io.len_bytes);
		return;
	}
	/* Where this run writes nothing, any writing of that seed will do. */
	if (!o->writes)
		gen = PATTERN_ANY;
	else if (gen == GEN_NONE || gen == GEN_UNKNOWN) {
		p->report.unchecked++;
		return;
	}
	p->report.checked++;
	err = pattern_check(op->io.buf, op->io.len_bytes,
			    op->io.off_bytes / PATTERN_SECTOR_BYTES, gen,
			    o->seed, &why);
	if (!err)
		return;
	p->report.mismatches++;
	why_set(&told, err, "%s: wrong data: %s", p->all->device->name,
		why.text);
	first_error(p, err, told.text);
	if (!o->keep_going)
		part_stop_all(p);
}

/* What stands in a block after `op` has tried to change it. */
static uint32_t gen_after(uint32_t gen, const struct workload_op *op)
{
	if (op->io.error)
		return GEN_UNKNOWN;
	if (op->kind == WORKLOAD_TRIM)
		return GEN_TRIMMED;
	return gen == GEN_UNKNOWN ? 1 : gen + 1;
}

/* Count it, check it, and free its block. */
static void op_account(struct workload_part *p, struct workload_op *op)
{
	struct workload_count *c = &p->report.count[op->kind];

	if (!p->rereading)
		c->ops++;
	if (op->io.error) {
		op_failed(p, op);
	} else if (!p->rereading) {
		c->bytes += op->io.len_bytes;
		latency_add(&c->latency, clock_now_ns() - op->start_ns);
	} else {
		p->report.reread++;
	}
	tell(&p->told_ops, p->told_ops + 1);
	tell(&p->told_bytes, p->told_bytes + op->io.len_bytes);
	if (!p->gen || op->kind == WORKLOAD_FLUSH)
		return;
	if (op->kind == WORKLOAD_READ && !op->io.error)
		op_verify(p, op);
	p->gen[op->block] &= ~GEN_BUSY;
	if (op->kind != WORKLOAD_READ)
		p->gen[op->block] = gen_after(p->gen[op->block], op);
}

static void op_done(struct front_io *io)
{
	struct workload_op *op = io->opaque;
	struct workload_part *p = op->part;

	op_account(p, op);
	op->next_free = p->free;
	p->free = op;
	p->in_flight--;
	part_fill(p);
}

/* ---- life -----------------------------------------------------------------
 */

void workload_part_run(struct workload_part *p)
{
	part_fill(p);
	front_device_kick(p->all->device, p->n);
}

void workload_part_reread(struct workload_part *p)
{
	p->rereading = true;
	p->done = false;
	p->position = 0;
	tell(&p->told_ops, 0);
	workload_part_run(p);
}

/* The `n`th of `parts` equal shares of `all`, the first ones the larger. */
static uint64_t share(uint64_t all, unsigned parts, unsigned n)
{
	return all / parts + (n < all % parts);
}

int workload_part_open(struct workload_part *p, struct workload_shared *all,
		       unsigned n)
{
	const struct workload_options *o = &all->opt;
	size_t bytes = (size_t)o->depth * o->bs_bytes;
	uint64_t random = o->seed + n;
	unsigned i;

	p->all = all;
	p->n = n;
	p->random = (o->seed ^ all->device->devid) + n;
	p->blocks = share(all->blocks, all->parts, n);
	p->ops_max = o->ops ? share(o->ops, all->parts, n) : UINT64_MAX;
	p->ops = calloc(o->depth, sizeof(*p->ops));
	p->buffers = malloc(bytes);
	if (o->verify)
		p->gen = calloc(p->blocks, sizeof(*p->gen));
	if (!p->ops || !p->buffers || (o->verify && !p->gen))
		return -ENOMEM;
	/* So that writes without verify write something, and not zeroes. */
	for (size_t at = 0; o->writes && at + 8 <= bytes; at += 8)
		memcpy(p->buffers + at, &(uint64_t){ pattern_random(&random) },
		       8);
	for (i = o->depth; i--;) {
		struct workload_op *op = &p->ops[i];

		op->part = p;
		op->io.buf = p->buffers + (size_t)i * o->bs_bytes;
		op->io.done = op_done;
		op->io.opaque = op;
		op->next_free = p->free;
		p->free = op;
	}
	return 0;
}

void workload_part_close(struct workload_part *p)
{
	free(p->gen);
	free(p->buffers);
	free(p->ops);
}
