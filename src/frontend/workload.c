/* SPDX-License-Identifier: MIT */
#include "frontend/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "frontend/workload_part.h"

#define VERIFY_BLOCKS_MAX (1u << 28)

enum workload_phase { PHASE_RUN, PHASE_REREAD, PHASE_ENDED };

struct workload {
	struct workload_shared all;
	enum workload_phase phase;
	struct workload_part *parts;
	struct workload_report report; /* of all parts */
};

/* ---- does it fit the disk -------------------------------------------------
 */

/* Where it works, and in how many blocks. */
static int fit_region(struct workload *w, struct why *why)
{
	const struct front_device *d = w->all.device;
	const struct workload_options *o = &w->all.opt;
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
	w->all.blocks = size / o->bs_bytes;
	if (!w->all.blocks)
		return why_set(why, -EINVAL,
			       "--bs is %u bytes, more than the %llu to work "
			       "on",
			       o->bs_bytes, (unsigned long long)size);
	if ((o->writes || o->trims) && d->settled.info & FRONT_INFO_READONLY)
		return why_set(why, -EROFS,
			       "%s is read-only: only --rw read "
			       "and randread work on it",
			       d->name);
	if (o->verify && w->all.blocks > VERIFY_BLOCKS_MAX)
		return why_set(why, -EINVAL,
			       "--verify keeps track of at most %u blocks, "
			       "here are %llu: use --size or a larger --bs",
			       VERIFY_BLOCKS_MAX,
			       (unsigned long long)w->all.blocks);
	if (!o->ops && !o->runtime_ns)
		w->all.opt.ops = w->all.blocks;
	return 0;
}

/* What the backend has to offer for it. */
static int fit_features(const struct workload *w, struct why *why)
{
	const struct front_device *d = w->all.device;
	const struct workload_options *o = &w->all.opt;
	const struct front_settled *s = &d->settled;
	const struct {
		bool wanted, offered;
		const char *what, *key, *option;
	} needs[] = {
		{ o->flush_every, s->flush, "flush", "feature-flush-cache",
		  "--flush-every" },
		{ o->barrier_every, s->barrier, "barrier", "feature-barrier",
		  "--barrier-every" },
		{ o->trims, s->discard, "discard", "feature-discard",
		  "--rw trim" },
	};
	unsigned i;

	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (needs[i].wanted && !needs[i].offered)
			return why_set(why, -EOPNOTSUPP,
				       "the backend of %s offers no %s (%s), "
				       "as %s needs",
				       d->name, needs[i].what, needs[i].key,
				       needs[i].option);
	return 0;
}

/* ---- life -----------------------------------------------------------------
 */

static void call_run(void *arg)
{
	workload_part_run(arg);
}

static void call_reread(void *arg)
{
	workload_part_reread(arg);
}

/* Let each queue's thread begin its part. */
static void workload_begin(struct workload *w, void (*call)(void *arg))
{
	unsigned i;

	__atomic_store_n(&w->all.running, w->all.parts, __ATOMIC_RELEASE);
	for (i = 0; i < w->all.parts; i++)
		front_device_call(w->all.device, i, call, &w->parts[i]);
}

static int workload_allocate(struct workload *w, struct why *why)
{
	const struct workload_options *o = &w->all.opt;
	unsigned i;
	int err = 0;

	/* A queue without a block has nothing to do. */
	w->all.parts = w->all.device->nqueues;
	if (w->all.parts > w->all.blocks)
		w->all.parts = (unsigned)w->all.blocks;
	w->parts = calloc(w->all.parts, sizeof(*w->parts));
	if (!w->parts)
		err = -ENOMEM;
	for (i = 0; !err && i < w->all.parts; i++)
		err = workload_part_open(&w->parts[i], &w->all, i);
	if (err)
		why_set(why, err, "no memory for %u operations of %u bytes",
			o->depth * w->all.parts, o->bs_bytes);
	return err;
}

int workload_start(struct front_device *d, const struct workload_options *opt,
		   struct workload **out, struct why *why)
{
	struct workload *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return why_set(why, -ENOMEM, "out of memory");
	w->all.device = d;
	w->all.opt = *opt;
	err = fit_region(w, why);
	if (!err)
		err = fit_features(w, why);
	if (!err)
		err = workload_allocate(w, why);
	if (err) {
		workload_free(w);
		return err;
	}
	w->all.start_ns = clock_now_ns();
	*out = w;
	workload_begin(w, call_run);
	return 0;
}

static bool workload_stopping(const struct workload *w)
{
	return __atomic_load_n(&w->all.stopping, __ATOMIC_RELAXED);
}

bool workload_step(struct workload *w)
{
	const struct workload_options *o = &w->all.opt;

	if (w->phase == PHASE_ENDED)
		return false;
	if (__atomic_load_n(&w->all.running, __ATOMIC_ACQUIRE))
		return true;
	/* What one queue wrote, another may have spoiled: all are done now. */
	if (w->phase == PHASE_RUN && o->verify && (o->writes || o->trims) &&
	    !workload_stopping(w)) {
		w->phase = PHASE_REREAD;
		workload_begin(w, call_reread);
		return true;
	}
	w->phase = PHASE_ENDED;
	return false;
}

void workload_stop(struct workload *w)
{
	__atomic_store_n(&w->all.stopping, true, __ATOMIC_RELAXED);
}

double workload_progress(const struct workload *w, bool *rereading,
			 uint64_t *bytes)
{
	const struct workload_options *o = &w->all.opt;
	uint64_t ops = 0;
	double part = 0;
	unsigned i;

	*rereading = w->phase == PHASE_REREAD;
	*bytes = 0;
	for (i = 0; i < w->all.parts; i++) {
		const struct workload_part *p = &w->parts[i];

		ops += __atomic_load_n(&p->told_ops, __ATOMIC_RELAXED);
		*bytes += __atomic_load_n(&p->told_bytes, __ATOMIC_RELAXED);
	}
	if (*rereading)
		return (double)ops / (double)w->all.blocks;
	if (o->ops)
		part = (double)ops / (double)o->ops;
	if (o->runtime_ns) {
		double time = (double)(clock_now_ns() - w->all.start_ns) /
			      (double)o->runtime_ns;

		part = time > part ? time : part;
	}
	return part > 1 ? 1 : part;
}

static void report_add(struct workload_report *sum,
		       const struct workload_report *r)
{
	unsigned i;

	for (i = 0; i < WORKLOAD_KINDS; i++) {
		struct workload_count *c = &sum->count[i];

		c->ops += r->count[i].ops;
		c->bytes += r->count[i].bytes;
		c->error += r->count[i].error;
		c->eopnotsupp += r->count[i].eopnotsupp;
		c->lost += r->count[i].lost;
		latency_merge(&c->latency, &r->count[i].latency);
	}
	if (r->elapsed_ns > sum->elapsed_ns)
		sum->elapsed_ns = r->elapsed_ns;
	sum->checked += r->checked;
	sum->unchecked += r->unchecked;
	sum->reread += r->reread;
	sum->mismatches += r->mismatches;
	sum->trimmed += r->trimmed;
	sum->zeroed += r->zeroed;
	if (!sum->first_error) {
		sum->first_error = r->first_error;
		sum->first_why = r->first_why;
	}
}

const struct workload_report *workload_report(struct workload *w)
{
	unsigned i;

	memset(&w->report, 0, sizeof(w->report));
	for (i = 0; i < w->all.parts; i++)
		report_add(&w->report, &w->parts[i].report);
	return &w->report;
}

void workload_free(struct workload *w)
{
	unsigned i;

	if (!w)
		return;
	for (i = 0; w->parts && i < w->all.parts; i++)
		workload_part_close(&w->parts[i]);
	free(w->parts);
	free(w);
}
