/* SPDX-License-Identifier: MIT */
#include "tool/front_report.h"

static const char *const kind_names[] = { "read", "write", "flush", "barrier",
					  "trim" };

const char *front_size_text(double bytes, char text[FRONT_SIZE_TEXT])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned i = 0;

	while (bytes >= 1024 && i < 4) {
		bytes /= 1024;
		i++;
	}
	snprintf(text, FRONT_SIZE_TEXT, i ? "%.1f %s" : "%.0f %s", bytes,
		 units[i]);
	return text;
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static double rate(double amount, uint64_t ns)
{
	return ns ? amount / seconds(ns) : 0;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

/* ---- --info ---------------------------------------------------------------
 */

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

static const char *offer(bool offered, bool used)
{
	return !offered ? "not offered" : used ? "used" : "offered, not used";
}

static unsigned indirect_used(const struct front_settled *s)
{
	return s->segs_max > RING_SEGS_MAX ? s->segs_max : 0;
}

void front_info_text(FILE *to, const struct front_device *d)
{
	const struct front_settled *s = &d->settled;
	const struct front_queue *q = &d->queues[0];
	char size[FRONT_SIZE_TEXT];

	fprintf(to, "%s (%u) of domain %u\n", d->name, d->devid, d->ev.domid);
	fprintf(to, "  frontend         %s\n", d->path);
	fprintf(to, "  backend          %s, domain %u\n", d->backend,
		d->backend_id);
	fprintf(to, "  size             %llu sectors of %u bytes, %s\n",
		(unsigned long long)s->sectors, s->unit_bytes,
		front_size_text((double)front_device_bytes(d), size));
	fprintf(to, "  sector size      %u, physical %u\n", s->sector_bytes,
		s->physical_bytes);
	fprintf(to, "  read-only        %s\n",
		yes(s->info & FRONT_INFO_READONLY));
	fprintf(to, "  removable        %s\n",
		yes(s->info & FRONT_INFO_REMOVABLE));
	fprintf(to, "  cdrom            %s\n", yes(s->info & FRONT_INFO_CDROM));
	fprintf(to,
		"  ring             %u page%s, %u requests, grant %u, event "
		"channel %u, %s\n",
		q->npages, q->npages == 1 ? "" : "s", q->ring.entries,
		q->ring_gref[0], q->port, front_abi_protocol(s->abi));
	fprintf(to, "  flush            %s\n", offer(s->flush, true));
	fprintf(to, "  barrier          %s\n", offer(s->barrier, true));
	if (s->discard)
		fprintf(to, "  discard          used, in units of %u bytes%s\n",
			s->discard_granularity,
			s->discard_secure ? ", secure ones offered" : "");
	else
		fprintf(to, "  discard          not offered\n");
	fprintf(to, "  persistent       %s\n",
		offer(s->may_persist, s->persistent));
	if (s->max_indirect)
		fprintf(to, "  indirect         %u segments offered, %u used\n",
			s->max_indirect, indirect_used(s));
	else
		fprintf(to, "  indirect         not offered\n");
	fprintf(to, "  ring pages       %u offered, %u used\n",
		1u << s->max_ring_order, 1u << s->ring_order);
	fprintf(to, "  queues           %u offered, %u used\n", s->max_queues,
		s->queues);
}

static void put_string(struct json_object *o, const char *key,
		       const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void put_number(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static void put_double(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, json_object_new_double(value));
}

static void put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

struct json_object *front_info_json(const struct front_device *d)
{
	const struct front_settled *s = &d->settled;
	const struct front_queue *q = &d->queues[0];
	struct json_object *o = json_object_new_object();

	put_string(o, "report", "settled");
	put_string(o, "disk", d->name);
	put_number(o, "devid", d->devid);
	put_number(o, "domid", d->ev.domid);
	put_string(o, "frontend", d->path);
	put_string(o, "backend", d->backend);
	put_number(o, "backend_domid", d->backend_id);
	put_number(o, "sectors", s->sectors);
	put_number(o, "bytes", front_device_bytes(d));
	put_number(o, "sector_bytes", s->sector_bytes);
	put_number(o, "physical_sector_bytes", s->physical_bytes);
	put_bool(o, "readonly", s->info & FRONT_INFO_READONLY);
	put_bool(o, "removable", s->info & FRONT_INFO_REMOVABLE);
	put_bool(o, "cdrom", s->info & FRONT_INFO_CDROM);
	put_string(o, "protocol", front_abi_protocol(s->abi));
	put_number(o, "ring_pages", q->npages);
	put_number(o, "ring_entries", q->ring.entries);
	put_number(o, "ring_gref", q->ring_gref[0]);
	put_number(o, "evtchn_port", q->port);
	put_number(o, "queues", s->queues);
	put_bool(o, "flush", s->flush);
	put_bool(o, "persistent", s->persistent);
	put_number(o, "indirect_segments", indirect_used(s));
	put_bool(o, "offered_barrier", s->barrier);
	put_bool(o, "offered_discard", s->discard);
	put_number(o, "discard_granularity", s->discard_granularity);
	put_number(o, "discard_alignment", s->discard_alignment);
	put_bool(o, "offered_discard_secure", s->discard_secure);
	put_bool(o, "offered_persistent", s->may_persist);
	put_number(o, "offered_indirect_segments", s->max_indirect);
	put_number(o, "offered_ring_page_order", s->max_ring_order);
	put_number(o, "offered_queues", s->max_queues);
	return o;
}

/* ---- the load -------------------------------------------------------------
 */

static void kind_text(FILE *to, enum workload_kind kind,
		      const struct workload_count *c, uint64_t elapsed_ns)
{
	const struct latency *l = &c->latency;
	char size[FRONT_SIZE_TEXT], speed[FRONT_SIZE_TEXT];

	if (!c->ops)
		return;
	fprintf(to, "  %-8s%llu operations, %.0f a second", kind_names[kind],
		(unsigned long long)c->ops, rate((double)c->ops, elapsed_ns));
	if (kind != WORKLOAD_FLUSH)
		fprintf(to, ", %s, %s/s",
			front_size_text((double)c->bytes, size),
			front_size_text(rate((double)c->bytes, elapsed_ns),
					speed));
	fprintf(to, "\n");
	if (l->count)
		fprintf(to,
			"          latency in us: min %.1f  median %.1f  p99 "
			"%.1f  max %.1f\n",
			us(l->min_ns), us(latency_percentile(l, 50)),
			us(latency_percentile(l, 99)), us(l->max_ns));
	if (c->error || c->eopnotsupp || c->lost)
		fprintf(to,
			"          failed: %llu with error (-1), %llu with "
			"EOPNOTSUPP (-2), %llu never answered\n",
			(unsigned long long)c->error,
			(unsigned long long)c->eopnotsupp,
			(unsigned long long)c->lost);
}

/* Of all queues; what they counted stays after they were closed. */
struct ring_sums {
	uint64_t requests, responses, indirects;
	uint64_t notifies_sent, notifies_saved, wakeups, spurious;
};

static struct ring_sums ring_sums(const struct front_device *d)
{
	struct ring_sums sums = { 0 };

	for (unsigned i = 0; i < d->settled.queues; i++) {
		const struct front_queue *q = &d->queues[i];

		sums.requests += q->seq;
		sums.responses += q->responses;
		sums.indirects += q->indirects;
		sums.notifies_sent += q->notifies_sent;
		sums.notifies_saved += q->notifies_saved;
		sums.wakeups += q->wakeups;
		sums.spurious += q->spurious;
	}
	return sums;
}

void front_report_text(FILE *to, const struct front_device *d,
		       const struct workload_report *r, uint64_t seed)
{
	struct ring_sums sums = ring_sums(d);
	uint64_t ops = 0;
	unsigned i;

	for (i = 0; i < WORKLOAD_KINDS; i++)
		ops += i == WORKLOAD_FLUSH ? 0 : r->count[i].ops;
	fprintf(to, "%s: %llu operations in %.2f s, %.0f IOPS\n", d->name,
		(unsigned long long)ops, seconds(r->elapsed_ns),
		rate((double)ops, r->elapsed_ns));
	for (i = 0; i < WORKLOAD_KINDS; i++)
		kind_text(to, (enum workload_kind)i, &r->count[i],
			  r->elapsed_ns);
	if (seed)
		fprintf(to,
			"  verify  %llu blocks compared (%llu of them read "
			"once "
			"more at the end),\n"
			"          %llu wrong, %llu not ours to compare; "
			"seed %llu\n",
			(unsigned long long)r->checked,
			(unsigned long long)r->reread,
			(unsigned long long)r->mismatches,
			(unsigned long long)r->unchecked,
			(unsigned long long)seed);
	if (r->trimmed)
		fprintf(to,
			"  trim   %llu discarded blocks looked at, %llu of "
			"them "
			"read as zeroes\n",
			(unsigned long long)r->trimmed,
			(unsigned long long)r->zeroed);
	fprintf(to,
		"  ring    %llu requests, %llu of them indirect; "
		"notifications: "
		"%llu sent, %llu saved, %llu received, %llu spurious\n",
		(unsigned long long)sums.requests,
		(unsigned long long)sums.indirects,
		(unsigned long long)sums.notifies_sent,
		(unsigned long long)sums.notifies_saved,
		(unsigned long long)sums.wakeups,
		(unsigned long long)sums.spurious);
	if (d->settled.queues < 2)
		return;
	fprintf(to, "  queues  requests of each:");
	for (i = 0; i < d->settled.queues; i++)
		fprintf(to, " %llu", (unsigned long long)d->queues[i].seq);
	fprintf(to, "\n");
}

static struct json_object *kind_json(const struct workload_count *c,
				     uint64_t elapsed_ns)
{
	const struct latency *l = &c->latency;
	struct json_object *o = json_object_new_object();
	struct json_object *t = json_object_new_object();

	put_number(o, "ops", c->ops);
	put_number(o, "bytes", c->bytes);
	put_double(o, "iops", rate((double)c->ops, elapsed_ns));
	put_number(o, "error", c->error);
	put_number(o, "eopnotsupp", c->eopnotsupp);
	put_number(o, "lost", c->lost);
	put_number(t, "min", l->min_ns);
	put_number(t, "median", latency_percentile(l, 50));
	put_number(t, "p99", latency_percentile(l, 99));
	put_number(t, "max", l->max_ns);
	json_object_object_add(o, "latency_ns", t);
	return o;
}

struct json_object *front_report_json(const struct front_device *d,
				      const struct workload_report *r,
				      uint64_t seed)
{
	struct ring_sums sums = ring_sums(d);
	struct json_object *o = json_object_new_object();
	struct json_object *ring = json_object_new_object();
	struct json_object *queues = json_object_new_array();
	unsigned i;

	put_string(o, "report", "load");
	put_string(o, "disk", d->name);
	put_number(o, "devid", d->devid);
	put_number(o, "domid", d->ev.domid);
	put_double(o, "elapsed_s", seconds(r->elapsed_ns));
	for (i = 0; i < WORKLOAD_KINDS; i++)
		json_object_object_add(o, kind_names[i],
				       kind_json(&r->count[i], r->elapsed_ns));
	if (seed) {
		struct json_object *v = json_object_new_object();

		put_number(v, "seed", seed);
		put_number(v, "checked", r->checked);
		put_number(v, "reread", r->reread);
		put_number(v, "mismatches", r->mismatches);
		put_number(v, "unchecked", r->unchecked);
		put_number(v, "trimmed", r->trimmed);
		put_number(v, "zeroed", r->zeroed);
		json_object_object_add(o, "verify", v);
	}
	put_number(ring, "requests", sums.requests);
	put_number(ring, "responses", sums.responses);
	put_number(ring, "indirects", sums.indirects);
	put_number(ring, "notifies_sent", sums.notifies_sent);
	put_number(ring, "notifies_saved", sums.notifies_saved);
	put_number(ring, "wakeups", sums.wakeups);
	put_number(ring, "spurious", sums.spurious);
	for (i = 0; i < d->settled.queues; i++)
		json_object_array_add(queues,
				      json_object_new_uint64(d->queues[i].seq));
	json_object_object_add(ring, "queue_requests", queues);
	json_object_object_add(o, "ring", ring);
	return o;
}
