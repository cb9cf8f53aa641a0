/* SPDX-License-Identifier: MIT */
/* One request, or the slowest few, in words and as a picture. */
#ifndef VIZ_VIEWS_REQUEST_H
#define VIZ_VIEWS_REQUEST_H

#include <json-c/json.h>

#include "viz/model/latency.h"
#include "viz/views/view.h"

#define REQUESTS_SHOWN_MAX 50u

struct request_list {
	const struct model *m;
	uint32_t at[REQUESTS_SHOWN_MAX]; /* indices into model.request */
	unsigned n;
	bool by_number; /* of one number, a connection each; else the slowest */
	struct text title;
};

/* What several have in common. */
void request_heading(const struct request_list *l, struct text *out);

/* "read #5: 4 KiB at sector 40, slot 5; okay" */
void request_line(const struct model *m, const struct request *r,
		  struct text *out);

/* "okay", "error (EIO)", "refused by RQ-38", "never answered", ... */
void request_outcome(const struct model *m, const struct request *r,
		     struct text *out);

/* All that is known of it, with its story as an array of steps. */
json_object *request_object(const struct model *m, const struct request *r);

/*
 * The steps alone: [[t_ns since its start, "from", "to", "tone", "what"], ...];
 * fewer where memory is short.
 */
json_object *request_steps(const struct model *m, const struct request *r);

int request_draw(const struct request_list *l, const char *format,
		 struct text *out, struct why *why);

#endif
