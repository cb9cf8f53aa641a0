/* SPDX-License-Identifier: MIT */
/*
 * How two clocks stand to each other, from what came before what.  Each pair
 * of moments bounds the offset (the other clock minus one's own) at a time of
 * one's own clock: from above where one's own moment came first, from below
 * where it came last.
 *
 *	offset |      v     v    v	upper bounds
 *	       | --------------------	the line
 *	       |   ^     ^     ^	lower bounds
 *	       +--------------------- own time
 *
 * Both clocks are taken to be steady: their rates differ by one number, no
 * more than CORRIDOR_RATE_MAX.  The lines that keep all bounds are a convex
 * set (Duda, Harrus, Haddad and Bernard, "Estimating global time in
 * distributed systems", 1987).  A line in its midst is taken; the true one is
 * in the set, so what is farthest from ours at a time is the error there.
 */
#ifndef VIZ_READ_CORRIDOR_H
#define VIZ_READ_CORRIDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As far as a kernel lets its clock be slewed: 500 millionths. */
#define CORRIDOR_RATE_MAX 500e-6

struct corridor_bound {
	double x, y; /* ns from x0_ns and y0_ns */
};

struct corridor_side {
	struct corridor_bound *at; /* after the fit those that count */
	size_t n, room;
};

struct corridor {
	int64_t x0_ns, y0_ns; /* of the first bound: doubles hold the rest */
	struct corridor_side upper, lower;
	size_t bounds; /* as many as were added */

	/* Of the fit.  The line is base + rate * x. */
	double base, rate;
	double rate_min, rate_max; /* of all lines that keep the bounds */
	int64_t from_ns, to_ns;	   /* where the bounds are */
	int64_t error_ns;	   /* at most, between these two */
	double gap_ns;		   /* -EDOM: no line comes nearer */
};

/* Zeroed is empty. */
void corridor_free(struct corridor *c);

/* 0 or -ENOMEM. */
int corridor_add(struct corridor *c, bool upper, int64_t x_ns, int64_t y_ns);

/*
 * Find the line.  0; -ENODATA: one side has no bound, and the line is as near
 * as the other one allows; -EDOM: no line keeps all of them.
 */
int corridor_fit(struct corridor *c);

/* After a fit: the offset at a time of one's own clock. */
int64_t corridor_at(const struct corridor *c, int64_t x_ns);

/* After a fit that returned 0: how wrong that may be, at most. */
int64_t corridor_error(const struct corridor *c, int64_t x_ns);

#endif
