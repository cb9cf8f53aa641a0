/* SPDX-License-Identifier: MIT */
#include "labs/engine/match.h"

#include <stdlib.h>
#include <string.h>

struct matcher {
	struct arena *a;
	const struct scope *s;
	const struct expect_item *item;
	struct match *out;
};

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",	     [VERDICT_MISSING] = "missing",
		[VERDICT_BROKEN] = "broken", [VERDICT_UNKNOWN] = "unknown",
		[VERDICT_SKIPPED] = "-",
	};

	return names[v];
}

/* The first record from `from` on that is meant, or MATCH_NONE. */
static uint32_t find(const struct scope *s, const struct pattern *p,
		     uint32_t from)
{
	const struct trace_log *log = s->log;

	for (; from < log->n; from++)
		if (scope_has(s, &log->rec[from]) &&
		    pattern_matches(log, &log->rec[from], p))
			return from;
	return MATCH_NONE;
}

/* The first that is wrong decides, and is what a person looks at. */
static void fails(struct matcher *m, enum verdict v, uint32_t rec,
		  const char *saw)
{
	if (m->out->verdict != VERDICT_OK)
		return;
	m->out->verdict = v;
	m->out->rec = rec;
	m->out->saw = saw;
}

static void match_ordered(struct matcher *m)
{
	const struct pattern *p = m->item->event;
	uint32_t at = 0, last = MATCH_NONE;
	unsigned i;

	for (i = 0; i < m->item->events; i++) {
		struct match_event *e = &m->out->event[i];

		if (m->out->verdict != VERDICT_OK) {
			e->verdict = VERDICT_SKIPPED;
			continue;
		}
		e->rec = find(m->s, &p[i], at);
		if (e->rec != MATCH_NONE) {
			last = e->rec;
			at = e->rec + 1;
			continue;
		}
		e->rec = find(m->s, &p[i], 0);
		if (e->rec == MATCH_NONE) {
			e->verdict = VERDICT_MISSING;
			fails(m, e->verdict, last,
			      arena_printf(m->a, "no %s came%s%s", p[i].text,
					   i ? " after " : "",
					   i ? p[i - 1].text : ""));
		} else {
			e->verdict = VERDICT_BROKEN;
			fails(m, e->verdict, e->rec,
			      arena_printf(m->a,
					   "%s came before %s and not after it",
					   p[i].text, p[i - 1].text));
		}
	}
}

static void match_unordered(struct matcher *m)
{
	unsigned i;

	for (i = 0; i < m->item->events; i++) {
		const struct pattern *p = &m->item->event[i];
		struct match_event *e = &m->out->event[i];

		e->rec = find(m->s, p, 0);
		if (e->rec != MATCH_NONE)
			continue;
		e->verdict = VERDICT_MISSING;
		fails(m, e->verdict, MATCH_NONE,
		      arena_printf(m->a, "no %s came", p->text));
	}
}

static void match_never(struct matcher *m)
{
	unsigned i;

	for (i = 0; i < m->item->events; i++) {
		const struct pattern *p = &m->item->event[i];
		struct match_event *e = &m->out->event[i];

		e->rec = find(m->s, p, 0);
		if (e->rec == MATCH_NONE)
			continue;
		e->verdict = VERDICT_BROKEN;
		fails(m, e->verdict, e->rec,
		      arena_printf(m->a, "%s came", p->text));
	}
}

static void match_count(struct matcher *m)
{
	const struct pattern *p = m->item->event;
	uint32_t at = 0, extra = MATCH_NONE, last = MATCH_NONE;
	uint64_t n = 0;

	while ((at = find(m->s, p, at)) != MATCH_NONE) {
		last = at++;
		if (++n == m->item->count + 1)
			extra = last;
	}
	if (pattern_op_holds(m->item->op, (int64_t)n, (int64_t)m->item->count))
		return;
	fails(m, n < m->item->count ? VERDICT_MISSING : VERDICT_BROKEN,
	      n < m->item->count ? last : extra,
	      arena_printf(m->a, "%llu came", (unsigned long long)n));
}

/* ---- before -------------------------------------------------------------- */

/* One value of the field, on one queue of one device. */
struct value {
	int64_t v;
	uint32_t devid, rec;
	uint16_t queue, domid;
};

static int value_compare(const void *pa, const void *pb)
{
	const struct value *a = pa, *b = pb;

	if (a->domid != b->domid)
		return a->domid < b->domid ? -1 : 1;
	if (a->devid != b->devid)
		return a->devid < b->devid ? -1 : 1;
	if (a->queue != b->queue)
		return a->queue < b->queue ? -1 : 1;
	if (a->v != b->v)
		return a->v < b->v ? -1 : 1;
	return a->rec < b->rec ? -1 : a->rec > b->rec;
}

/* Each value's first record, sorted. */
static size_t firsts(struct matcher *m, unsigned which, struct value **out)
{
	const struct trace_log *log = m->s->log;
	struct value *v = arena_alloc(m->a, (log->n + 1) * sizeof(*v));
	uint32_t at = 0;
	size_t n = 0, i, kept = 0;

	while ((at = find(m->s, &m->item->event[which], at)) != MATCH_NONE) {
		const struct log_rec *rec = &log->rec[at];

		v[n++] = (struct value){
			.v = pattern_field(log, rec, m->item->by[which]),
			.domid = rec->domid,
			.devid = rec->devid,
			.queue = rec->queue,
			.rec = at++,
		};
	}
	qsort(v, n, sizeof(*v), value_compare);
	for (i = 0; i < n; i++)
		if (!kept || v[kept - 1].v != v[i].v ||
		    v[kept - 1].queue != v[i].queue ||
		    v[kept - 1].devid != v[i].devid ||
		    v[kept - 1].domid != v[i].domid)
			v[kept++] = v[i];
	*out = v;
	return kept;
}

static void match_before(struct matcher *m)
{
	const struct pattern *p = m->item->event;
	struct value *a, *b;
	size_t na = firsts(m, 0, &a), nb = firsts(m, 1, &b), i, k = 0;
	uint32_t worst = MATCH_NONE;
	enum verdict verdict = VERDICT_OK;
	int64_t value = 0;

	for (i = 0; i < nb; i++) {
		struct value key = b[i];
		bool there;

		key.rec = 0;
		while (k < na && value_compare(&a[k], &key) < 0)
			k++;
		there = k < na && a[k].v == key.v && a[k].queue == key.queue &&
			a[k].devid == key.devid && a[k].domid == key.domid;
		if ((there && a[k].rec < b[i].rec) || b[i].rec >= worst)
			continue;
		worst = b[i].rec;
		value = key.v;
		verdict = there ? VERDICT_BROKEN : VERDICT_MISSING;
	}
	if (verdict != VERDICT_OK)
		fails(m, VERDICT_BROKEN, worst,
		      arena_printf(m->a, "the %s of %lld came %s %s",
				   ev_descs[p[1].kind].name, (long long)value,
				   verdict == VERDICT_BROKEN ? "before its"
							     : "without a",
				   ev_descs[p[0].kind].name));
	else if (!nb)
		fails(m, VERDICT_MISSING, MATCH_NONE,
		      arena_printf(m->a, "no %s came", p[1].text));
}

void match_events(struct arena *a, const struct scope *s,
		  const struct expect_item *item, struct match *out)
{
	struct matcher m = { a, s, item, out };
	unsigned i;

	memset(out, 0, sizeof(*out));
	out->rec = MATCH_NONE;
	out->saw = "";
	out->event = arena_alloc(a, (item->events + 1) * sizeof(*out->event));
	for (i = 0; i < item->events; i++)
		out->event[i].rec = MATCH_NONE;
	switch (item->kind) {
	case EXPECT_ORDERED:
		match_ordered(&m);
		break;
	case EXPECT_UNORDERED:
		match_unordered(&m);
		break;
	case EXPECT_NEVER:
		match_never(&m);
		break;
	case EXPECT_COUNT:
		match_count(&m);
		break;
	case EXPECT_BEFORE:
		match_before(&m);
		break;
	default:
		break;
	}
	/* What did not come may be among what was lost. */
	if (s->log->losses && out->verdict == VERDICT_MISSING)
		out->verdict = VERDICT_UNKNOWN;
}
