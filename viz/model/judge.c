/* SPDX-License-Identifier: MIT */
/* When all events were taken in: which requests have no end, or no begin. */
#include "viz/model/judge.h"

#include "viz/model/join.h"

static bool lost_in(const struct trace_log *log, int64_t from, int64_t to)
{
	size_t i;

	for (i = 0; i < log->losses; i++)
		if (log->loss[i].to_ns >= from && log->loss[i].from_ns <= to)
			return true;
	return false;
}

/* Of two traces the one that would tell had not begun, or had ended. */
static bool outside(const struct trace_log *log, const struct request *r,
		    bool answered)
{
	if (!log->aligned[0])
		return false;
	return answered ? request_end(r) < log->common_from_ns
			: request_start(r) > log->common_to_ns;
}

/*
 * Before its queue's ring was seen to be made, others may have been in flight;
 * and what is in flight at the end will be answered, if the ring still is there
 * and its slot was not used again.
 */
static bool at_edge(const struct model *m, const struct request *r,
		    bool answered)
{
	const struct model_queue *q = &m->queue[r->queue];

	if (answered)
		return q->ring_rec == MODEL_NONE || q->ring_rec > r->first_rec;
	return !(r->flags & REQUEST_OUTDONE) &&
	       !m->device[q->device].destroyed &&
	       (q->end_rec == MODEL_NONE || q->end_rec < r->last_rec);
}

static void judge(struct model *m, struct request *r)
{
	bool answered = r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED);

	if (r->flags & REQUEST_TWICE)
		m->twice++;
	if (answered && !(r->flags & REQUEST_ORPHAN))
		return;
	/*
	 * Something of it is missing: was it lost?  The end of a trace that
	 * was cut is a loss, too, and so is that of a snapshot; of what is
	 * read live either end.
	 */
	if (m->log->cut || m->log->live || (m->log->snapshot && !answered) ||
	    outside(m->log, r, answered) ||
	    lost_in(m->log, answered ? INT64_MIN : request_start(r),
		    answered ? request_end(r) : INT64_MAX)) {
		r->flags |= REQUEST_UNSURE;
		m->unsure++;
		return;
	}
	if (at_edge(m, r, answered)) {
		r->flags |= REQUEST_EDGE;
		m->edge++;
		return;
	}
	if (answered)
		m->orphans++;
	else
		m->unanswered++;
}

void requests_judge(struct model *m)
{
	size_t i;

	for (i = 0; i < m->requests; i++) {
		struct request *r = &m->request[i];
		struct model_device *d = &m->device[m->queue[r->queue].device];

		judge(m, r);
		d->requests++;
		d->failed += request_failed(r);
	}
	for (i = 0; i < m->queues; i++) {
		struct model_queue *q = &m->queue[i];
		double span = (double)(q->last_ns - q->first_ns);
		struct join *j = q->join;

		if (!j)
			continue;
		q->in_flight_max = q->pushed ? j->max_f : j->max_b;
		if (span > 0)
			q->in_flight_mean =
				(q->pushed ? j->area_f : j->area_b) / span;
		join_free(q);
	}
}
