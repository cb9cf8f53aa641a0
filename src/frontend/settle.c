/* SPDX-License-Identifier: MIT */
#include "frontend/settle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "frontend/store.h"

/* Larger sectors than a page cannot be split at page boundaries. */
#define SECTOR_BYTES_MAX XEN_PAGE_SIZE

/* Pages for data of a device, shared out among its queues. */
#define DATA_PAGES_MAX 4096u

static int fault(struct front_device *d, const char *rule, struct why *why,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int fault(struct front_device *d, const char *rule, struct why *why,
		 const char *fmt, ...)
{
	char detail[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	ev_device_fault(&d->ev, rule, detail);
	return why_set(why, -EPROTO, "the backend broke %s: %s", rule, detail);
}

/* A number that may be absent; `missing` then. */
static int offered(struct front_device *d, const char *key, uint64_t max,
		   uint32_t missing, uint32_t *out, struct why *why)
{
	uint64_t value = missing;
	int err = front_store_number(d, key, 0, max, &value, why);

	if (err == -ENOENT)
		err = 0;
	*out = (uint32_t)value;
	return err;
}

static int offered_flag(struct front_device *d, const char *key, bool *out,
			struct why *why)
{
	uint32_t value;
	int err = offered(d, key, 1, 0, &value, why);

	*out = value == 1;
	return err;
}

/* ---- before state 3 -------------------------------------------------------
 */

/* What has to stand before state 2 (XB-01), against what is wanted. */
int front_settle_limits(struct front_device *d, const struct front_transport *t,
			struct why *why)
{
	struct front_settled *s = &d->settled;
	int err = offered(d, "max-ring-page-order", 15, 0, &s->max_ring_order,
			  why);

	if (!err)
		err = offered(d, "multi-queue-max-queues", UINT32_MAX, 1,
			      &s->max_queues, why);
	if (err)
		return err;
	s->abi = t->abi;
	s->ring_order = t->ring_order;
	s->queues = t->queues ? t->queues : 1;
	/* XB-09, XB-12: these would be ours to break. */
	if (s->ring_order > s->max_ring_order)
		return why_set(why, -EOPNOTSUPP,
			       "the backend of %s offers rings up to order %u "
			       "(max-ring-page-order), and order %u is wanted",
			       d->name, s->max_ring_order, s->ring_order);
	if (s->queues > s->max_queues)
		return why_set(why, -EOPNOTSUPP,
			       "the backend of %s offers up to %u queue%s "
			       "(multi-queue-max-queues), and %u are wanted",
			       d->name, s->max_queues,
			       s->max_queues == 1 ? "" : "s", s->queues);
	ev_feature_accept(&d->ev, "ring-page-order", s->ring_order);
	ev_feature_accept(&d->ev, "multi-queue-num-queues", s->queues);
	return 0;
}

static int open_queues(struct front_device *d,
		       const struct front_device_options *opt, struct why *why)
{
	const struct front_transport *t = &opt->transport;
	struct front_queue_options q = {
		.host = d->guest->host,
		.backend_id = d->backend_id,
		.pages = 1u << d->settled.ring_order,
		.abi = t->abi,
		.segs_max = t->indirect > RING_SEGS_MAX ? t->indirect : 0,
		.data_max = DATA_PAGES_MAX / d->settled.queues,
		.persistent = t->persistent,
		.ev = d->ev,
	};
	int err = 0;

	while (!err && d->nqueues < d->settled.queues) {
		q.ev.queue = (uint16_t)d->nqueues;
		q.id_seed = opt->id_seed + d->nqueues;
		err = front_guest_result(
			d->guest,
			front_queue_open(&d->queues[d->nqueues], &q, why));
		if (!err)
			d->nqueues++;
	}
	return err;
}

static void key_number(struct front_key *k, uint32_t value, const char *fmt,
		       ...) __attribute__((format(printf, 3, 4)));

static void key_number(struct front_key *k, uint32_t value, const char *fmt,
		       ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->name, sizeof(k->name), fmt, ap);
	va_end(ap);
	snprintf(k->value, sizeof(k->value), "%u", value);
}

/* XB-10, XB-12: where the keys stand depends on how many there are. */
static unsigned write_queue(const struct front_device *d, unsigned n,
			    struct front_key *keys)
{
	const struct front_queue *q = &d->queues[n];
	char prefix[24] = "";
	unsigned i, used = 0;

	if (d->nqueues > 1)
		snprintf(prefix, sizeof(prefix), "queue-%u/", n);
	if (q->npages == 1)
		key_number(&keys[used++], q->ring_gref[0], "%sring-ref",
			   prefix);
	else
		for (i = 0; i < q->npages; i++)
			key_number(&keys[used++], q->ring_gref[i],
				   "%sring-ref%u", prefix, i);
	key_number(&keys[used++], q->port, "%sevent-channel", prefix);
	return used;
}

int front_settle_share(struct front_device *d,
		       const struct front_device_options *opt, struct why *why)
{
	const struct front_settled *s = &d->settled;
	size_t each = (1u << s->ring_order) + 1;
	struct front_key *keys = calloc(s->queues * each + 5, sizeof(*keys));
	unsigned n = 0;
	int err;

	if (!keys)
		return why_set(why, -ENOMEM, "out of memory");
	err = open_queues(d, opt, why);
	if (err)
		goto out;
	/* XB-04 and XB-10: a default is said by saying nothing. */
	if (s->ring_order)
		key_number(&keys[n++], s->ring_order, "ring-page-order");
	if (s->queues > 1)
		key_number(&keys[n++], s->queues, "multi-queue-num-queues");
	for (unsigned i = 0; i < d->nqueues; i++)
		n += write_queue(d, i, &keys[n]);
	strcpy(keys[n].name, "protocol");
	strcpy(keys[n++].value, front_abi_protocol(s->abi));
	key_number(&keys[n++], opt->transport.persistent, "feature-persistent");
	if (opt->transport.sector_units)
		key_number(&keys[n++], 1, "feature-large-sector-size");
	err = front_store_commit(d, keys, n, why);
out:
	free(keys);
	return err;
}

/* ---- before state 4 -------------------------------------------------------
 */

static int number_needed(struct front_device *d, const char *key, uint64_t max,
			 uint64_t *out, struct why *why)
{
	int err = front_store_number(d, key, 0, max, out, why);

	if (err == -ENOENT)
		return fault(d, "XB-02", why,
			     "it is at Connected (4), and %s/%s is absent",
			     d->backend, key);
	return err;
}

static int size_check(struct front_device *d, uint64_t sectors, struct why *why)
{
	const struct front_settled *s = &d->settled;

	if (sectors > UINT64_MAX / s->unit_bytes)
		return fault(d, "XB-02", why,
			     "a disk of %llu sectors of %u bytes has no size",
			     (unsigned long long)sectors, s->unit_bytes);
	if (sectors * s->unit_bytes % s->physical_bytes)
		return fault(d, "XB-15", why,
			     "the disk's %llu sectors of %u bytes are no "
			     "multiple of physical-sector-size, %u",
			     (unsigned long long)sectors, s->unit_bytes,
			     s->physical_bytes);
	return 0;
}

/* What has to stand before state 4 (XB-02). */
int front_settle_geometry(struct front_device *d,
			  const struct front_transport *t, struct why *why)
{
	struct front_settled *s = &d->settled;
	uint64_t sector, info, physical;
	int err =
		number_needed(d, "sectors", UINT64_MAX >> 9, &s->sectors, why);

	if (!err)
		err = number_needed(d, "sector-size", UINT32_MAX, &sector, why);
	if (!err)
		err = number_needed(d, "info", UINT32_MAX, &info, why);
	if (err)
		return err;
	physical = sector;
	err = front_store_number(d, "physical-sector-size", 0, UINT32_MAX,
				 &physical, why);
	if (err && err != -ENOENT)
		return err;
	if (sector < 512 || (sector & (sector - 1)))
		return fault(d, "XB-14", why,
			     "sector-size is %llu, not a power of two from "
			     "512 on",
			     (unsigned long long)sector);
	if (!physical || physical % sector)
		return fault(d, "XB-14", why,
			     "physical-sector-size is %llu, no multiple of "
			     "sector-size, %llu",
			     (unsigned long long)physical,
			     (unsigned long long)sector);
	if (sector > SECTOR_BYTES_MAX)
		return why_set(why, -ENOTSUP,
			       "sector-size of %s is %llu: this frontend "
			       "knows sectors of at most %u bytes",
			       d->name, (unsigned long long)sector,
			       SECTOR_BYTES_MAX);
	s->sector_bytes = (uint32_t)sector;
	s->unit_bytes = t->sector_units ? (uint32_t)sector : 512;
	s->physical_bytes = (uint32_t)physical;
	s->info = (uint32_t)info;
	return size_check(d, s->sectors, why);
}

static int read_discard(struct front_device *d, struct why *why)
{
	struct front_settled *s = &d->settled;
	int err = offered_flag(d, "feature-discard", &s->discard, why);

	if (err || !s->discard)
		return err;
	err = offered(d, "discard-granularity", UINT32_MAX, 0,
		      &s->discard_granularity, why);
	if (!err)
		err = offered(d, "discard-alignment", UINT32_MAX, 0,
			      &s->discard_alignment, why);
	if (!err)
		err = offered_flag(d, "discard-secure", &s->discard_secure,
				   why);
	return err;
}

/* GR-47, RQ-34, RQ-36: what is wanted, as far as it is offered. */
static int settle_wanted(struct front_device *d,
			 const struct front_transport *t, struct why *why)
{
	struct front_settled *s = &d->settled;

	if (t->persistent && !s->may_persist)
		return why_set(why, -EOPNOTSUPP,
			       "the backend of %s offers no persistent grants "
			       "(feature-persistent), and they are wanted",
			       d->name);
	if (t->indirect_must && t->indirect > s->max_indirect)
		return why_set(why, -EOPNOTSUPP,
			       "the backend of %s offers indirect requests of "
			       "up to %u segments "
			       "(feature-max-indirect-segments), and %u are "
			       "wanted",
			       d->name, s->max_indirect, t->indirect);
	s->persistent = t->persistent;
	s->segs_max =
		t->indirect < s->max_indirect ? t->indirect : s->max_indirect;
	if (s->segs_max < RING_SEGS_MAX)
		s->segs_max = RING_SEGS_MAX;
	for (unsigned i = 0; i < d->nqueues; i++) {
		front_queue_settle(&d->queues[i], s->segs_max, s->persistent,
				   s->unit_bytes);
		/* Memory may be too small for so many. */
		if (d->queues[i].segs_max < s->segs_max)
			s->segs_max = d->queues[i].segs_max;
	}
	return 0;
}

int front_settle_features(struct front_device *d,
			  const struct front_transport *t, struct why *why)
{
	struct front_settled *s = &d->settled;
	int err = offered_flag(d, "feature-flush-cache", &s->flush, why);

	if (!err)
		err = offered_flag(d, "feature-barrier", &s->barrier, why);
	if (!err)
		err = read_discard(d, why);
	if (!err)
		err = offered_flag(d, "feature-persistent", &s->may_persist,
				   why);
	if (!err)
		err = offered(d, "feature-max-indirect-segments", UINT32_MAX, 0,
			      &s->max_indirect, why);
	if (!err)
		err = settle_wanted(d, t, why);
	if (err)
		return err;
	ev_feature_accept(&d->ev, "feature-flush-cache", s->flush);
	ev_feature_accept(&d->ev, "feature-barrier", s->barrier);
	ev_feature_accept(&d->ev, "feature-discard", s->discard);
	ev_feature_accept(&d->ev, "feature-persistent", s->persistent);
	ev_feature_accept(&d->ev, "feature-max-indirect-segments",
			  s->segs_max > RING_SEGS_MAX ? s->segs_max : 0);
	return 0;
}

/* ---- while connected ------------------------------------------------------
 */

int front_settle_resize(struct front_device *d, struct why *why)
{
	uint64_t before = d->settled.sectors, sectors = before;
	int err = front_store_number(d, "sectors", 0, UINT64_MAX >> 9, &sectors,
				     why);

	/* The directory may be going away: its state will say so. */
	if (err == -ENOENT)
		return 0;
	if (!err)
		err = size_check(d, sectors, why);
	if (err || sectors == before)
		return err;
	__atomic_store_n(&d->settled.sectors, sectors, __ATOMIC_RELAXED);
	ev_feature_accept(&d->ev, "sectors", sectors);
	log_info("%s has %llu bytes now", d->name,
		 (unsigned long long)front_device_bytes(d));
	return 0;
}
