/* SPDX-License-Identifier: MIT */
/*
 * A view turns the model of a trace into something that a person reads.  Each
 * stands in a file of its own and in the table of viz/views/list.c; `ringside
 * show` knows only this interface.
 */
#ifndef VIZ_VIEWS_VIEW_H
#define VIZ_VIEWS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "viz/model/model.h"
#include "viz/text.h"

enum view_format {
	VIEW_TEXT,
	VIEW_SVG,
	VIEW_PNG,
	VIEW_PDF,
	VIEW_DOT,
	VIEW_HTML,
	VIEW_JSON,
	VIEW_MERMAID,
	VIEW_FORMATS
};

/* What to show of it; zeroed means: what is most telling. */
struct view_options {
	enum view_format format;
	const char *title; /* the trace's name, for headings */
	bool device_given; /* domid and devid hold */
	uint16_t domid;
	uint32_t devid;
	bool queue_given;
	uint16_t queue;
	bool request_given;
	uint64_t request; /* sequence number, request_seq() */
	unsigned slowest; /* so many of the slowest requests; 0: not asked */
	unsigned first;	  /* at most so many rows; 0: as the view thinks */
	bool from_given, to_given;
	int64_t from_ns, to_ns; /* since the trace's first event */
};

struct view {
	const char *name;
	const char *what; /* one line for the help */
	unsigned formats; /* bits 1 << enum view_format */
	/*
	 * Append it to `out`.  0; or -errno with a sentence: -ENOENT if the
	 * trace holds nothing of the kind (it cannot be told), -EINVAL if an
	 * option names what is not there.
	 */
	int (*show)(const struct model *m, const struct view_options *o,
		    struct text *out, struct why *why);
};

extern const struct view view_sequence;
extern const struct view view_handshake;
extern const struct view view_request;
extern const struct view view_latency;
extern const struct view view_report;

/* All of them, ending with NULL. */
extern const struct view *const view_list[];

const char *view_format_name(enum view_format f); /* "svg", ... */

/* What the options choose of a trace. */
struct selection {
	uint32_t device; /* index into model.device */
	uint32_t queue;	 /* into model.queue; MODEL_NONE: it has none */
	unsigned other_devices, other_queues; /* left out by this choice */
};

/*
 * The device and queue that the options name, or those with most requests.
 * 0; -ENOENT: there is no device at all; -EINVAL: not the one named.
 */
int view_select(const struct model *m, const struct view_options *o,
		struct selection *s, struct why *why);

/*
 * The requests that the options name: those of a number, of which each
 * connection may have one, or the slowest of the selection; at most `max`
 * indices into model.request, *n of them.
 */
int view_requests(const struct model *m, const struct view_options *o,
		  const struct selection *s, uint32_t *list, unsigned max,
		  unsigned *n, struct why *why);

/* "device 1/51712 (xvda), queue 0", and what else the trace holds. */
void view_subject(const struct model *m, const struct selection *s,
		  struct text *out);

/* "xvda" for 51712; "" for numbers of other kinds. */
#define VIEW_DISK_MAX 16
const char *view_disk_name(uint32_t devid, char name[VIEW_DISK_MAX]);

/* What to say of losses and damage, as sentences; nothing if all is well. */
void view_caveats(const struct model *m, struct text *out);

#endif
