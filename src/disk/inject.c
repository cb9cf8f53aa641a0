/* SPDX-License-Identifier: MIT */
#include "disk/inject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "disk/inject_queue.h"

/* ---- which rules -------------------------------------------------------- */

uint32_t inject_random(uint64_t *random)
{
	/* xorshift64* */
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (uint32_t)((*random * 0x2545f4914f6cdd1du) >> 32);
}

static bool rule_fits(const struct inject_rule *r, const struct disk_op *op,
		      uint64_t *random)
{
	if (!(r->ops & 1u << op->kind))
		return false;
	if (r->len_bytes && (op->off_bytes >= r->off_bytes + r->len_bytes ||
			     op->off_bytes + op->len_bytes <= r->off_bytes))
		return false;
	return r->rate == UINT32_MAX || inject_random(random) < r->rate;
}

uint64_t inject_match(const struct inject_rules *rules, struct disk_op *op,
		      uint64_t *random)
{
	uint64_t delay_ns = 0;
	unsigned i;

	op->injected = 0;
	op->inject_rules = 0;
	op->error = 0;
	for (i = 0; i < rules->count; i++) {
		const struct inject_rule *r = &rules->rule[i];
		bool data = op->iov_count;

		if (!rule_fits(r, op, random))
			continue;
		op->inject_rules |= 1u << i;
		delay_ns += r->delay_ns;
		if (!op->error)
			op->error = r->error;
		op->injected |=
			(r->delay_ns ? DISK_INJECTED_DELAY : 0) |
			(r->error ? DISK_INJECTED_ERROR : 0) |
			(r->reorder ? DISK_INJECTED_REORDER : 0) |
			(r->cut && data ? DISK_INJECTED_SHORT : 0) |
			(r->corrupt && data ? DISK_INJECTED_CORRUPT : 0);
	}
	/* What the storage never gets, or half, is bad enough. */
	if (op->injected & DISK_INJECTED_ERROR)
		op->injected &= ~(unsigned)DISK_INJECTED_SHORT;
	if (op->injected & (DISK_INJECTED_ERROR | DISK_INJECTED_SHORT))
		op->injected &= ~(unsigned)DISK_INJECTED_CORRUPT;
	return delay_ns;
}

/* ---- the disk ----------------------------------------------------------- */

static int inject_measure(struct disk *d, uint64_t *bytes)
{
	struct disk *inner = ((struct disk_inject *)d)->inner;

	return disk_measure(inner, inner->sector_bytes, bytes);
}

static void inject_close(struct disk *d)
{
	disk_close(((struct disk_inject *)d)->inner);
	free(d);
}

int disk_inject_open(struct disk *inner, const struct inject_rules *rules,
		     struct disk **out, struct why *why)
{
	struct disk_inject *inj = calloc(1, sizeof(*inj));
	unsigned i;

	if (!inj) {
		why_set(why, -ENOMEM, "%s: no memory", inner->target);
		disk_close(inner);
		return -ENOMEM;
	}
	inj->d = *inner;
	inj->ops = disk_inject_ops;
	inj->ops.close = inject_close;
	if (inner->ops->measure)
		inj->ops.measure = inject_measure;
	inj->d.ops = &inj->ops;
	inj->inner = inner;
	inj->rules = *rules;
	inj->iops.rate = rules->iops;
	inj->bps.rate = rules->bps;
	for (i = 0; i < rules->count; i++)
		inj->corrupts |= rules->rule[i].corrupt;
	*out = &inj->d;
	return 0;
}

void disk_injected_words(unsigned injected, char words[DISK_INJECTED_WORDS])
{
	static const char *const word[] = { "delay",   "error",	  "short",
					    "reorder", "corrupt", "limit" };
	unsigned i, at = 0;

	words[0] = '\0';
	for (i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		if (injected & 1u << i)
			at += (unsigned)snprintf(
				words + at, DISK_INJECTED_WORDS - at, "%s%s",
				at ? "," : "", word[i]);
}
