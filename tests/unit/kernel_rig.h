/* SPDX-License-Identifier: MIT */
/* For tests of trace/kernel: records made by hand, and the events of them. */
#ifndef KERNEL_RIG_H
#define KERNEL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "trace/kernel/driver.h"

#define KEPT 64
struct kept {
	struct ctf_event event;
	uint32_t gref[RAW_GREFS_MAX];
	int16_t status[RAW_GREFS_MAX];
	char text[3][256];
};

struct rig {
	struct kstate *b;
	uint64_t now;
	uint32_t cpu, tid;
	uint32_t req_cons, rsp_prod;
	struct kept kept[KEPT];
	unsigned n;
};

static int keep(const struct ctf_event *event, void *user)
{
	struct rig *rig = user;
	struct kept *k;
	const struct ev_desc *desc = &ev_descs[event->kind];

	assert_true(rig->n < KEPT);
	k = &rig->kept[rig->n++];
	k->event = *event;
	for (size_t i = 0; i < desc->fields; i++)
		if (desc->field[i].type == EV_TYPE_STRING)
			snprintf(k->text[i % 3], sizeof(k->text[0]), "%s",
				 event->value[i].text);
	if (event->kind == EV_KIND_grant_map) {
		memcpy(k->gref, event->value[2].array.of,
		       event->value[2].array.count * sizeof(uint32_t));
		memcpy(k->status, event->value[3].array.of,
		       event->value[3].array.count * sizeof(int16_t));
	}
	return 0;
}

static int rig_begin(void **state, const struct kernel_driver *driver)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->b = kstate_new(driver, keep, rig);
	rig->now = 1000;
	rig->tid = 77;
	*state = rig;
	return rig->b ? 0 : -1;
}

static int finish(void **state)
{
	struct rig *rig = *state;

	kstate_free(rig->b);
	free(rig);
	return 0;
}

/* ---- records --------------------------------------------------------------
 */

static struct raw_head head(struct rig *rig, enum raw_what what, size_t len)
{
	rig->now += 10;
	return (struct raw_head){ .t_ns = rig->now,
				  .what = what,
				  .cpu = rig->cpu,
				  .tid = rig->tid,
				  .len = (uint32_t)len };
}

#define GIVE(rig, raw)                                                         \
	assert_int_equal(kstate_take((rig)->b, &(raw).head, sizeof(raw)), 0)

static void slot_make(uint8_t *slot, uint8_t op, uint8_t n, uint64_t id,
		      uint64_t sector)
{
	slot[0] = op;
	slot[1] = n;
	memcpy(slot + 8, &id, 8);
	memcpy(slot + 16, &sector, 8);
}

/* ---- what must come of it -------------------------------------------------
 */

static void kinds(const struct rig *rig, const char *want)
{
	char text[2048] = "";

	for (unsigned i = 0; i < rig->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, ev_descs[rig->kept[i].event.kind].name);
	}
	assert_string_equal(text, want);
}

static const struct kept *nth(const struct rig *rig, enum ev_kind kind,
			      unsigned n)
{
	for (unsigned i = 0; i < rig->n; i++)
		if (rig->kept[i].event.kind == kind && !n--)
			return &rig->kept[i];
	fail_msg("there is no such event");
	return NULL;
}

static uint64_t value(const struct rig *rig, enum ev_kind kind, unsigned n,
		      unsigned field)
{
	return nth(rig, kind, n)->event.value[field].number;
}

#endif
