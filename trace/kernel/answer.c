/* SPDX-License-Identifier: MIT */
/* Responses and notifications. */
#include <errno.h>

#include "trace/kernel/state.h"

/* ---- responses ------------------------------------------------------------
 */

/*
 * Several processors may answer at once, each before it has the ring's lock:
 * then some saw the same index.
 */
static uint32_t answer_index(struct kring *ring, const struct raw_ring *at)
{
	if (!ring->indexed || (int32_t)(at->rsp_prod_pvt - ring->rsp_next) > 0)
		ring->rsp_next = at->rsp_prod_pvt;
	ring->indexed = true;
	return ring->rsp_next++;
}

/* A request that was answered before any of its pages was mapped. */
static int refused(struct kstate *b, struct kreq *req,
		   const struct raw_respond *raw)
{
	struct ctf_event e;
	int err = state_take(b, req, &raw->ring, raw->slot, raw->head.t_ns);

	if (err)
		return err;
	e = event_of_ring(EV_KIND_request_refuse, raw->head.t_ns,
			  &b->ring[req->ring]);
	req->stage = KREQ_DONE;
	e.value[0].number = req->seq;
	e.value[1].number = raw->id;
	e.value[2].number = req->op;
	e.value[3].text = "";
	e.value[4].text = "xen-blkback answered before it mapped anything";
	return state_tell(b, &e);
}

/* Which request is answered, if that is known. */
static struct kreq *answered(struct kstate *b, struct kcpu *cpu,
			     struct kthr *thread, const struct raw_respond *raw,
			     bool *is_new)
{
	struct kreq *req;

	*is_new = false;
	if (cpu->reqs) {
		req = state_request_find(b, cpu->req[--cpu->reqs]);
		return state_known(b, req) && req->id == raw->id ? req : NULL;
	}
	/* It failed between its grants and the storage. */
	req = thread->last;
	if (state_known(b, req) && req->id == raw->id &&
	    (req->stage == KREQ_LIST || req->stage == KREQ_CHECKED))
		return req;
	req = &thread->discard;
	if (state_known(b, req) && req->id == raw->id)
		return req;
	*is_new = raw->status && !b->losses;
	return *is_new ? req : NULL;
}

static int respond(struct kstate *b, const struct kreq *req,
		   const struct kanswer *answer, const struct raw_respond *raw)
{
	const struct kring *ring = &b->ring[answer->ring];
	struct ctf_event e =
		event_of_ring(EV_KIND_request_respond, raw->head.t_ns, ring);

	e.value[0].number = req->seq;
	e.value[1].number = raw->id;
	e.value[2].number = answer->idx;
	e.value[3].number = state_slot(ring, answer->idx);
	e.value[4].number = raw->op;
	e.value[5].number = (uint64_t)(int64_t)raw->status;
	e.value[6].number = raw->head.t_ns - req->take_ns;
	return state_tell(b, &e);
}

int on_respond(struct kstate *b, const void *data)
{
	const struct raw_respond *raw = data;
	struct kcpu *cpu = state_cpu(b, raw->head.cpu);
	struct kthr *thread = state_thread(b, raw->head.tid);
	struct kring *ring = state_ring(b, &raw->ring);
	struct kanswer *answer;
	struct kreq *req;
	bool is_new;
	int err = 0;

	if (!cpu || !thread || !ring)
		return -ENOMEM;
	if (cpu->answers == NEST_MAX) /* their ends were lost */
		cpu->answers = 0;
	answer = &cpu->answer[cpu->answers++];
	*answer = (struct kanswer){ .ring = (unsigned)(ring - b->ring),
				    .idx = answer_index(ring, &raw->ring),
				    .event = raw->ring.rsp_event };
	req = answered(b, cpu, thread, raw, &is_new);
	if (!req && b->losses)
		b->untold++;
	if (is_new)
		err = refused(b, req, raw);
	if (req && !err)
		err = respond(b, req, answer, raw);
	if (req)
		req->stage = KREQ_FREE;
	return err;
}

/* xen-blkback publishes each response alone. */
static int publish(struct kstate *b, struct kanswer *answer, bool notified,
		   uint32_t event, uint64_t t_ns)
{
	const uint32_t events[2] = { answer->event, event };

	answer->published = true;
	return state_publish(b, &b->ring[answer->ring], EV_SIDE_RESPONSE,
			     answer->idx, events, notified, t_ns);
}

int on_notify(struct kstate *b, const void *data)
{
	const struct raw_irq *raw = data;
	struct kcpu *cpu = state_cpu(b, raw->head.cpu);
	const struct kring *ring = state_ring_of_irq(b, raw->irq);
	struct kanswer *answer;
	struct ctf_event e;
	int err = 0;

	if (!cpu)
		return -ENOMEM;
	answer = cpu->answers ? &cpu->answer[cpu->answers - 1] : NULL;
	if (!ring || !answer || &b->ring[answer->ring] != ring)
		return 0;
	if (!answer->published)
		err = publish(b, answer, true, 0, raw->head.t_ns);
	if (err)
		return err;
	e = event_of_ring(EV_KIND_evtchn_notify, raw->head.t_ns, ring);
	e.value[0].number = ring->port;
	return state_tell(b, &e);
}

int on_responded(struct kstate *b, const void *data)
{
	const struct raw_on_ring *raw = data;
	struct kcpu *cpu = state_cpu(b, raw->head.cpu);
	struct kanswer *answer;

	if (!cpu)
		return -ENOMEM;
	if (!cpu->answers)
		return 0;
	answer = &cpu->answer[--cpu->answers];
	return answer->published ? 0
				 : publish(b, answer, false,
					   raw->ring.rsp_event, raw->head.t_ns);
}

/* ---- notifications --------------------------------------------------------
 */

int on_wakeup(struct kstate *b, const void *data)
{
	const struct raw_on_ring *raw = data;
	struct kring *ring = state_ring(b, &raw->ring);
	struct ctf_event e;

	if (!ring)
		return -ENOMEM;
	e = event_of_ring(EV_KIND_evtchn_wakeup, raw->head.t_ns, ring);
	e.value[0].number = ring->port;
	return state_tell(b, &e);
}

int on_eoi(struct kstate *b, const void *data)
{
	const struct raw_irq *raw = data;
	const struct kring *ring = state_ring_of_irq(b, raw->irq);
	struct ctf_event e;

	if (!ring || !(raw->number & RAW_EOI_SPURIOUS))
		return 0;
	e = event_of_ring(EV_KIND_evtchn_spurious, raw->head.t_ns, ring);
	e.value[0].number = ring->port;
	return state_tell(b, &e);
}
