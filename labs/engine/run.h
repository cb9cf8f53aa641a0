/* SPDX-License-Identifier: MIT */
/*
 * The checks of a lab, run: on one desk and by one ringsided, each as a domain
 * of its own, all in one recording; then the cases of ringside-frontends, which
 * have a desk of their own.
 *
 * What stands in struct run_check was seen by other processes than the
 * student's, but for `ended`'s place in the file.
 */
#ifndef LABS_ENGINE_RUN_H
#define LABS_ENGINE_RUN_H

#include <json-c/json.h>

#include "labs/engine/expect.h"
#include "labs/engine/site.h"

/* Why a check was not tried, where the first that fails is wanted. */
#define RUN_FIRST_ONLY "each waits for the one before it"

struct run_case {
	const char *name;
	uint16_t domid; /* 0: it was not run */
	bool ok;
	const char *said; /* why not; NULL if it was not run */
};

struct run_check {
	bool tried;	     /* all of it, or some of its cases */
	const char *untried; /* why it was not, or not all; NULL: nothing went
				wrong before */
	uint16_t *domid;     /* whose events are its own */
	unsigned domids;

	/* Of `run front`. */
	struct json_object *front;   /* its report; NULL if it gave none */
	int front_code;		     /* exit code; -1: it was stopped */
	const char *front_said;	     /* what was wrong, by its own words */
	struct json_object *desk[2]; /* counters before and after */

	/* Of `run case`. */
	struct run_case **kase;
	unsigned kases;

	const char *ended; /* how the student's ringsided ended in it */
};

/*
 * Run all checks; with `first` until one failed, in the order of the file,
 * but frontends before cases.  `s` has a recording that was begun, and its
 * trace is whole when this returns.  out[] has expect->checks elements, zeroed;
 * what they point to is the arena's, but the JSON, which run_free() gives back.
 * 0; or -errno with a sentence: nothing can be graded.
 */
int run_checks(struct site *s, const struct expect *e, bool first,
	       struct run_check *out, struct why *why);
void run_free(struct run_check *r, unsigned n);

#endif
