/* SPDX-License-Identifier: MIT */
#include "viz/model/episode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct episode *episode_new(struct episodes *e)
{
	struct episode *grown;
	size_t room;

	if (e->n == e->room) {
		room = e->room ? e->room * 2 : 64;
		grown = realloc(e->ep, room * sizeof(*grown));
		if (!grown)
			return NULL;
		e->ep = grown;
		e->room = room;
	}
	grown = &e->ep[e->n++];
	memset(grown, 0, sizeof(*grown));
	grown->min_ns = UINT64_MAX;
	return grown;
}

static void take_in(struct episode *ep, const struct request *r)
{
	uint64_t total = (uint64_t)request_total(r);

	ep->requests++;
	ep->op[r->op < EPISODE_OPS ? r->op : EPISODE_OPS - 1]++;
	ep->refused += (r->flags & REQUEST_REFUSED) != 0;
	ep->failed += request_failed(r);
	ep->open += !(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED));
	if (request_end(r) > ep->to_ns)
		ep->to_ns = request_end(r);
	if (total < ep->min_ns)
		ep->min_ns = total;
	if (total > ep->max_ns)
		ep->max_ns = total;
}

/* One request, two, a few, many; which operations; whether all went well. */
static uint32_t kind_of(const struct episode *ep)
{
	uint32_t many = ep->requests < 3   ? ep->requests
			: ep->requests < 9 ? 3
					   : 4;
	uint32_t ops = 0, i;

	for (i = 0; i < EPISODE_OPS; i++)
		ops |= (uint32_t)(ep->op[i] != 0) << i;
	return many << 16 | ops << 4 | (uint32_t)(ep->failed != 0) |
	       (uint32_t)(ep->refused != 0) << 1 |
	       (uint32_t)(ep->open != 0) << 2;
}

/* The frontend grants pages before it writes the request. */
static uint32_t with_grants(const struct model *m, uint32_t rec, uint32_t floor)
{
	const struct log_rec *first = &m->log->rec[rec], *r;
	uint32_t at = rec;

	while (at > floor) {
		r = &m->log->rec[at - 1];
		if (r->domid == first->domid && r->devid == first->devid &&
		    r->queue == first->queue && r->kind != EV_KIND_grant_access)
			break;
		at--;
		if (r->kind == EV_KIND_grant_access &&
		    r->queue == first->queue && r->devid == first->devid)
			rec = at;
	}
	return rec;
}

int episodes_make(const struct model *m, uint32_t queue, struct episodes *out)
{
	const struct model_queue *q = &m->queue[queue];
	struct episode *ep = NULL;
	uint32_t floor = 0;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (q->first_request == MODEL_NONE)
		return 0;
	for (i = q->first_request; i < m->requests; i++) {
		const struct request *r = &m->request[i];

		if (r->queue != queue)
			continue;
		if (!ep || request_start(r) > ep->to_ns) {
			ep = episode_new(out);
			if (!ep)
				return -ENOMEM;
			ep->first = (uint32_t)i;
			ep->from_ns = request_start(r);
			ep->to_ns = ep->from_ns;
			ep->rec_from = with_grants(m, r->first_rec, floor);
			floor = r->first_rec;
			if (out->n > 1)
				out->ep[out->n - 2].rec_to = ep->rec_from;
		}
		take_in(ep, r);
		if (r->last_rec >= ep->rec_to)
			ep->rec_to = r->last_rec + 1;
	}
	for (i = 0; i < out->n; i++)
		out->ep[i].kind = kind_of(&out->ep[i]);
	return 0;
}

void episodes_free(struct episodes *e)
{
	free(e->ep);
	memset(e, 0, sizeof(*e));
}
