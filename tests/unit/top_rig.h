/* SPDX-License-Identifier: MIT */
/* Two samples of disks that tests fill in, and the rates between them. */
#ifndef TESTS_UNIT_TOP_RIG_H
#define TESTS_UNIT_TOP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "top/columns.h"

#define S  1000000000ull
#define MS 1000000ull
#define US 1000ull

/* Two samples of up to three disks with two queues each. */
struct moment {
	struct stats_queue queue[3][2];
	struct top_disk disk[3];
	struct top_sample sample;
};

static struct moment a, b;
static struct top_rates last, rates;

static void moment_init(struct moment *m, uint64_t at_ns, unsigned ndisks)
{
	unsigned i;

	memset(m, 0, sizeof(*m));
	m->sample = (struct top_sample){ .at_ns = at_ns,
					 .daemon_pid = 7,
					 .ndisks = ndisks,
					 .disks = m->disk };
	for (i = 0; i < 3; i++) {
		struct top_disk *d = &m->disk[i];

		d->at_ns = at_ns;
		d->file.queue = m->queue[i];
		d->file.header = (struct stats_header){ .pid = 7,
							.queues = 2,
							.domid = i + 1,
							.devid = 51712,
							.since_ns = 1 * S,
							.ring_entries = 32 };
		snprintf(d->name, sizeof(d->name), "xvda");
	}
}

static int fresh(void **state)
{
	(void)state;
	moment_init(&a, 10 * S, 1);
	moment_init(&b, 12 * S, 1);
	return 0;
}

static int done(void **state)
{
	(void)state;
	top_rates_free(&last);
	top_rates_free(&rates);
	return 0;
}

/* The rates from `a` to `b`; the disk's row, and those of its queues. */
static const struct top_row *between(void)
{
	top_rates_free(&rates);
	assert_int_equal(top_rates_make(&a.sample, &b.sample,
					last.rows ? &last : NULL, 5 * S,
					&rates),
			 0);
	return rates.rows;
}

#define T(name) cmocka_unit_test_setup_teardown(name, fresh, done)

#endif
