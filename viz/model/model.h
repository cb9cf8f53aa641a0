/* SPDX-License-Identifier: MIT */
/*
 * What a trace says happened: devices, their queues, and every request with
 * the moments of its stages, joined from the events of both sides.
 *
 *	log -> model_build() -> devices, queues, requests -> views
 *
 * The model believes nothing: a response without a request, a request never
 * answered or a second answer is kept and marked, and where events were lost,
 * or the trace begins or ends, it says that it cannot tell.  Times are of the
 * log, in ns; MODEL_NEVER where a stage was not seen.
 */
#ifndef VIZ_MODEL_MODEL_H
#define VIZ_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "viz/read/log.h"

#define MODEL_NEVER	 INT64_MIN
#define MODEL_NONE	 UINT32_MAX
#define MODEL_QUEUES_MAX 4096u

/* The moments in a request's life, in the order they should come. */
enum stage {
	STAGE_PUSH,	/* the frontend wrote it into its slot */
	STAGE_PUBLISH,	/* req_prod passed it */
	STAGE_TAKE,	/* the backend copied it out */
	STAGE_CHECK,	/* checked, or refused */
	STAGE_MAP,	/* its pages are mapped, or copied from the guest */
	STAGE_SUBMIT,	/* given to the storage engine */
	STAGE_DONE,	/* the storage engine is done */
	STAGE_UNMAP,	/* its pages are unmapped, or copied to the guest */
	STAGE_RESPOND,	/* the response stands in its slot */
	STAGE_PRODUCE,	/* rsp_prod passed it */
	STAGE_COMPLETE, /* the frontend took the response */
	STAGE_COUNT
};

extern const char *const stage_names[STAGE_COUNT]; /* "pushed", ... */

enum request_flag {
	REQUEST_PUSHED = 1 << 0,    /* the frontend's side was seen: fseq */
	REQUEST_TAKEN = 1 << 1,	    /* the backend's side was seen: bseq */
	REQUEST_REFUSED = 1 << 2,   /* rule and detail say why */
	REQUEST_RESPONDED = 1 << 3, /* status is known */
	REQUEST_COMPLETED = 1 << 4,
	REQUEST_TWICE = 1 << 5,	   /* more than one response (RG-25) */
	REQUEST_ORPHAN = 1 << 6,   /* a response without a request */
	REQUEST_RETAKEN = 1 << 7,  /* taken again, by a new backend */
	REQUEST_UNSURE = 1 << 8,   /* events were lost in its time */
	REQUEST_EDGE = 1 << 9,	   /* the trace begins or ends in its time */
	REQUEST_OUTDONE = 1 << 10, /* its slot was used again, unanswered */
};

/*
 * Operations as the model counts them: those of the ring below MODEL_OP_OTHER,
 * which is all that are none, and what indirect requests turned out to be.
 */
enum {
	MODEL_OP_OTHER = 7,
	MODEL_OP_INDIRECT_READ,
	MODEL_OP_INDIRECT_WRITE,
	MODEL_OPS
};

struct request {
	int64_t t[STAGE_COUNT];
	uint64_t bseq, fseq; /* each side's own count */
	uint64_t id;
	uint64_t sector; /* as claimed */
	uint64_t len;	 /* bytes; 0 where nothing told it */
	uint32_t idx, rsp_idx;
	uint32_t queue;		 /* index into model.queue */
	uint32_t first_rec;	 /* its events stand from here */
	uint32_t last_rec;	 /* to here in the log */
	uint32_t rule, detail;	 /* strings of the log */
	int32_t error;		 /* of the storage: 0 or -errno */
	uint32_t next_b, next_f; /* chains of the join */
	uint16_t segments, slot, pages;
	uint16_t flags;
	uint8_t op;    /* enum ev_op, or one of those below */
	int8_t status; /* enum ev_status */
};

/* Notifications in one direction. */
struct notify_count {
	uint64_t sent;		/* evtchn_notify */
	uint64_t wakeups;	/* evtchn_wakeup at the receiver */
	uint64_t spurious;	/* of these, without work */
	uint64_t needed, saved; /* decisions of ring_notify */
};

struct model_queue {
	uint32_t device; /* index into model.device */
	uint16_t number;
	uint32_t entries;  /* of its ring; 0 if it was never told */
	uint64_t requests; /* in the model */
	uint64_t pushed, taken, refused, responded, completed, failed;
	uint64_t mapped_pages, unmapped_pages, reused_pages, copied_pages;
	struct notify_count to_backend, to_frontend;
	/* Requests between push and completion, or take and response where
	 * the frontend was not traced. */
	uint32_t in_flight_max;
	double in_flight_mean; /* over the time from first to last request */
	int64_t first_ns, last_ns;
	/* Records: its ring was made, and was last taken away; MODEL_NONE */
	uint32_t ring_rec, end_rec;
	uint32_t first_request; /* MODEL_NONE if it has none */
	struct join *join;	/* of the build; NULL afterwards */
};

struct model_device {
	uint16_t domid;
	uint32_t devid;
	unsigned life; /* 1, 2 ... where it was attached again */
	uint32_t first_rec, last_rec;
	uint32_t path, target; /* strings of the log */
	uint64_t size;	       /* bytes, 0 if it was not told */
	bool created, destroyed;
	uint8_t state[2]; /* the last of the frontend, of the backend */
	unsigned faults;
	uint32_t *step; /* its control events, as records of the log */
	size_t steps, steps_room;
	unsigned queues;
	uint64_t requests, failed;
};

struct model {
	const struct trace_log *log; /* borrowed */
	struct model_device *device;
	size_t devices, devices_room;
	struct model_queue *queue;
	size_t queues, queues_room;
	struct request *request; /* in the order of their first event */
	size_t requests, requests_room;
	uint32_t *of_rec; /* whose event a record is, or MODEL_NONE */
	int64_t start_ns, end_ns;
	uint64_t skipped; /* events of queues beyond MODEL_QUEUES_MAX */
	/*
	 * Faults; what may be one or the effect of a gap; and what was in
	 * flight when the recording began or ended.
	 */
	uint64_t unanswered, orphans, twice, unsure, edge;
	struct index *index; /* of the build */
};

/* 0 or -ENOMEM.  The log must outlive the model; model_free() in any case. */
int model_build(struct model *m, const struct trace_log *log);
void model_free(struct model *m);

/* Of several lives that with most requests; NULL if there is none. */
const struct model_device *model_device_find(const struct model *m,
					     uint16_t domid, uint32_t devid);

/* A queue of a device by its number, or MODEL_NONE. */
uint32_t model_queue_find(const struct model *m,
			  const struct model_device *device, uint16_t number);

/* From one stage to another: never negative; -1 if one was not seen. */
int64_t request_span(const struct request *r, enum stage from, enum stage to);

/* First and last moment that was seen, and what lies between. */
enum stage request_first(const struct request *r);
enum stage request_last(const struct request *r);
int64_t request_start(const struct request *r);
int64_t request_end(const struct request *r);
int64_t request_total(const struct request *r);

/* The backend's sequence number where there is one, else the frontend's. */
uint64_t request_seq(const struct request *r);

bool request_failed(const struct request *r);

#endif
