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
	VIEW_FORMATS
};

/* What to show of it; zeroed means: what is most telling. */
struct view_options {
	enum view_format format;
	const char *title; /* the trace's name, for headings */
	bool device_given; /* domid and devid hold */
	uint16_t domid;
	uint32_t devid;
	bool request_given;
	uint64_t request; /* sequence number, request_seq() */
	unsigned first;	  /* at most so many messages or rows; 0: default */
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

/* The device that the options name, or the one with most requests. */
int view_device(const struct model *m, const struct view_options *o,
		uint32_t *device, struct why *why);

/* The request that the options name, or the slowest of the device. */
int view_one_request(const struct model *m, const struct view_options *o,
		     uint32_t device, const struct request **r,
		     struct why *why);

#endif
