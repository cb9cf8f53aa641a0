/* SPDX-License-Identifier: MIT */
#include "viz/read/corridor.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Times are rounded to 1 ns on both sides. */
#define SLACK_NS 1.0

/* (2/3)^100 of 1e-3, which is less than a double can tell apart. */
#define STEPS 100

void corridor_free(struct corridor *c)
{
	free(c->upper.at);
	free(c->lower.at);
	memset(c, 0, sizeof(*c));
}

int corridor_add(struct corridor *c, bool upper, int64_t x_ns, int64_t y_ns)
{
	struct corridor_side *s = upper ? &c->upper : &c->lower;
	size_t room = s->room ? s->room * 2 : 256;
	struct corridor_bound *at;

	if (s->n == s->room) {
		at = realloc(s->at, room * sizeof(*at));
		if (!at)
			return -ENOMEM;
		s->at = at;
		s->room = room;
	}
	if (!c->bounds++) {
		c->x0_ns = c->from_ns = c->to_ns = x_ns;
		c->y0_ns = y_ns;
	}
	if (x_ns < c->from_ns)
		c->from_ns = x_ns;
	if (x_ns > c->to_ns)
		c->to_ns = x_ns;
	s->at[s->n].x = (double)(x_ns - c->x0_ns);
	s->at[s->n].y =
		(double)(y_ns - c->y0_ns) + (upper ? SLACK_NS : -SLACK_NS);
	s->n++;
	return 0;
}

/* ---- only the hull counts ----------------------------------------------- */

static int by_x(const void *a, const void *b)
{
	const struct corridor_bound *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return (p->y > q->y) - (p->y < q->y);
}

/* Does b lie above the straight line from a to c, or on it? */
static bool above(const struct corridor_bound *a,
		  const struct corridor_bound *b,
		  const struct corridor_bound *c)
{
	return (b->y - a->y) * (c->x - a->x) >= (c->y - a->y) * (b->x - a->x);
}

static void flip(struct corridor_side *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		s->at[i].y = -s->at[i].y;
}

/* Keep what a line from below can touch: the lower convex hull. */
static void hull(struct corridor_side *s)
{
	size_t i, n = 0;

	if (!s->n)
		return;
	qsort(s->at, s->n, sizeof(*s->at), by_x);
	for (i = 0; i < s->n; i++) {
		if (n && s->at[n - 1].x == s->at[i].x)
			continue; /* the lower one came first */
		while (n >= 2 && above(&s->at[n - 2], &s->at[n - 1], &s->at[i]))
			n--;
		s->at[n++] = s->at[i];
	}
	s->n = n;
}

/* ---- lines of one rate -------------------------------------------------- */

/* The highest base that keeps the upper bounds, the lowest for the lower. */
static double ceiling(const struct corridor *c, double rate)
{
	double min = INFINITY;
	size_t i;

	for (i = 0; i < c->upper.n; i++)
		min = fmin(min, c->upper.at[i].y - rate * c->upper.at[i].x);
	return min;
}

static double ground(const struct corridor *c, double rate)
{
	double max = -INFINITY;
	size_t i;

	for (i = 0; i < c->lower.n; i++)
		max = fmax(max, c->lower.at[i].y - rate * c->lower.at[i].x);
	return max;
}

/* Three concave functions of the rate; `x` is where it is asked for. */
static double height(const struct corridor *c, double rate, double x)
{
	(void)x;
	return ceiling(c, rate) - ground(c, rate);
}

static double highest(const struct corridor *c, double rate, double x)
{
	return ceiling(c, rate) + rate * x;
}

static double lowest(const struct corridor *c, double rate, double x)
{
	return -(ground(c, rate) + rate * x);
}

/* Where a concave function is greatest between two rates. */
static double peak(const struct corridor *c,
		   double (*f)(const struct corridor *, double, double),
		   double x, double from, double to)
{
	unsigned i;

	for (i = 0; i < STEPS; i++) {
		double a = from + (to - from) / 3, b = to - (to - from) / 3;

		if (f(c, a, x) < f(c, b, x))
			from = a;
		else
			to = b;
	}
	return (from + to) / 2;
}

/* The last rate on the way from one with a line to `to`. */
static double edge(const struct corridor *c, double in, double to)
{
	unsigned i;

	if (height(c, to, 0) >= 0)
		return to;
	for (i = 0; i < STEPS; i++) {
		double mid = (in + to) / 2;

		if (height(c, mid, 0) >= 0)
			in = mid;
		else
			to = mid;
	}
	return in;
}

/* ---- the fit ------------------------------------------------------------ */

static int fit_half(struct corridor *c)
{
	c->rate = 0;
	c->rate_min = -CORRIDOR_RATE_MAX;
	c->rate_max = CORRIDOR_RATE_MAX;
	c->error_ns = INT64_MAX;
	c->base = c->upper.n ? ceiling(c, 0) : c->lower.n ? ground(c, 0) : 0;
	return -ENODATA;
}

int corridor_fit(struct corridor *c)
{
	int64_t a, b;
	double best;

	hull(&c->upper);
	flip(&c->lower);
	hull(&c->lower);
	flip(&c->lower);
	if (!c->upper.n || !c->lower.n)
		return fit_half(c);
	best = peak(c, height, 0, -CORRIDOR_RATE_MAX, CORRIDOR_RATE_MAX);
	if (height(c, best, 0) < 0) {
		c->gap_ns = -height(c, best, 0);
		return -EDOM;
	}
	c->rate_min = edge(c, best, -CORRIDOR_RATE_MAX);
	c->rate_max = edge(c, best, CORRIDOR_RATE_MAX);
	/* One offset for all is what people expect, where it fits well. */
	c->rate = height(c, 0, 0) >= height(c, best, 0) / 2
			  ? 0
			  : (c->rate_min + c->rate_max) / 2;
	c->base = (ceiling(c, c->rate) + ground(c, c->rate)) / 2;
	/* It is a convex function of time. */
	a = corridor_error(c, c->from_ns);
	b = corridor_error(c, c->to_ns);
	c->error_ns = a > b ? a : b;
	return 0;
}

int64_t corridor_at(const struct corridor *c, int64_t x_ns)
{
	return c->y0_ns +
	       llround(c->base + c->rate * (double)(x_ns - c->x0_ns));
}

int64_t corridor_error(const struct corridor *c, int64_t x_ns)
{
	double x = (double)(x_ns - c->x0_ns), line = c->base + c->rate * x;
	double up, down;

	up = highest(c, peak(c, highest, x, c->rate_min, c->rate_max), x);
	down = -lowest(c, peak(c, lowest, x, c->rate_min, c->rate_max), x);
	/* The offset is rounded, too. */
	return (int64_t)ceil(fmax(up - line, line - down)) + 1;
}
