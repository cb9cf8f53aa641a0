/* SPDX-License-Identifier: MIT */
#include "xenbus/negotiate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `info` of a vbd (xen/io/blkif.h VDISK_*). */
#define INFO_CDROM     0x1u
#define INFO_REMOVABLE 0x2u
#define INFO_READONLY  0x4u

#define SECTOR_SHIFT 9u /* 512 bytes */

static int offer_keys(struct xenbus_device *d, xen_xbt t, const void *arg)
{
	const struct negotiate_offer *o = arg;
	const struct {
		const char *key;
		uint64_t value;
		/*
		 * XB-16, XB-17: no key rather than a 0.  Another backend may
		 * have offered it, and a frontend would take it at its word.
		 */
		bool absent;
	} keys[] = {
		/* XB-11: both spellings of the same limit. */
		{ "max-ring-page-order", o->ring_order_max, false },
		{ "max-ring-pages", 1u << o->ring_order_max, false },
		{ "multi-queue-max-queues", o->queues_max, false },
		{ "feature-flush-cache", o->flush, false },
		{ "feature-barrier", o->barrier, false },
		{ "feature-persistent", o->persistent, false },
		{ "feature-max-indirect-segments", o->indirect_segs,
		  !o->indirect_segs },
		{ "feature-discard", o->discard, false },
		{ "discard-granularity", o->discard_granularity, !o->discard },
		{ "discard-alignment", o->discard_alignment, !o->discard },
		{ "discard-secure", o->secure, !o->discard },
	};
	unsigned i;
	int err = 0;

	for (i = 0; !err && i < sizeof(keys) / sizeof(keys[0]); i++)
		err = keys[i].absent ? xenbus_own_clear(d, t, keys[i].key)
				     : xenbus_own_offer(d, t, keys[i].key,
							keys[i].value);
	return err;
}

int negotiate_offer_write(struct xenbus_device *d,
			  const struct negotiate_offer *offer)
{
	return xenbus_switch_with(d, offer_keys, offer, XENBUS_INIT_WAIT);
}

static int abi_read(struct xenbus_device *d, enum negotiate_abi *abi,
		    const char **rule, struct why *why)
{
	char *protocol = xenbus_peer_read(d, 0, "protocol");
	int err = 0;

	if (!protocol) {
		if (errno != ENOENT)
			return why_set(why, -errno, "cannot read protocol: %s",
				       strerror(errno));
		/* The oldest frontends, 32-bit ones, wrote nothing. */
		*abi = NEGOTIATE_X86_32;
	} else if (!strcmp(protocol, "x86_64-abi")) {
		*abi = NEGOTIATE_X86_64;
	} else if (!strcmp(protocol, "x86_32-abi")) {
		*abi = NEGOTIATE_X86_32;
	} else {
		*rule = "XB-13";
		err = why_set(why, -EINVAL,
			      "the frontend wrote protocol = "
			      "\"%.32s\", which is neither x86_64-abi nor "
			      "x86_32-abi",
			      protocol);
	}
	free(protocol);
	return err;
}

/*
 * A number that the frontend wrote.  On failure *rule is XB-08 where it is no
 * number, and `rule_range` where it is one that may not be.
 */
static int number_read(struct xenbus_device *d, const char *key, uint64_t min,
		       uint64_t max, uint64_t missing, uint64_t *out,
		       const char *rule_range, const char **rule,
		       struct why *why)
{
	int err = xenbus_peer_number(d, 0, key, min, max, missing, out, why);

	if (err == -EINVAL)
		*rule = "XB-08";
	else if (err == -ERANGE)
		*rule = rule_range;
	return err;
}

/* XB-04: more than a default, asked for before anything was offered. */
static int unseen_check(const struct negotiate_offer *offer, const char *key,
			uint64_t value, uint64_t standard, const char **rule,
			struct why *why)
{
	if (!offer->unseen || value == standard)
		return 0;
	*rule = "XB-04";
	return why_set(why, -EINVAL,
		       "the frontend wrote %s = %llu and state 3 before this "
		       "backend offered anything in state 2",
		       key, (unsigned long long)value);
}

static bool peer_has(struct xenbus_device *d, const char *key)
{
	char *text = xenbus_peer_read(d, 0, key);

	free(text);
	return text;
}

/* `key` of a ring is absent. */
static int ring_key_missing(struct xenbus_device *d, const char *prefix,
			    const char *key, bool order_given,
			    const char **rule, struct why *why)
{
	/* XB-12: keys of one queue, where there are several. */
	if (*prefix && (peer_has(d, "ring-ref") || peer_has(d, "ring-ref0")))
		*rule = "XB-12";
	else
		*rule = order_given ? "XB-10" : "XB-03";
	return why_set(why, -EINVAL,
		       "the frontend reached state %d without writing %s",
		       (int)d->peer, key);
}

/* The keys of one queue: in the frontend's directory, or queue-N/ below. */
static int ring_read(struct xenbus_device *d, const char *prefix,
		     unsigned order, bool order_given,
		     struct negotiate_ring *ring, const char **rule,
		     struct why *why)
{
	uint64_t number;
	char key[64];
	unsigned i;
	int err;

	for (i = 0; i < 1u << order; i++) {
		/*
		 * XB-10: one page without a word about the order is ring-ref;
		 * with an explicit order 0 frontends differ, and whichever
		 * key stands there is taken.
		 */
		if (order)
			snprintf(key, sizeof(key), "%sring-ref%u", prefix, i);
		else
			snprintf(key, sizeof(key), "%sring-ref", prefix);
		err = number_read(d, key, 0, UINT32_MAX, UINT64_MAX, &number,
				  "XB-03", rule, why);
		if (!err && number == UINT64_MAX && !order && order_given) {
			snprintf(key, sizeof(key), "%sring-ref0", prefix);
			err = number_read(d, key, 0, UINT32_MAX, UINT64_MAX,
					  &number, "XB-03", rule, why);
		}
		if (!err && number == UINT64_MAX)
			err = ring_key_missing(d, prefix, key, order_given,
					       rule, why);
		if (err)
			return err;
		ring->gref[i] = (uint32_t)number;
	}

	snprintf(key, sizeof(key), "%sevent-channel", prefix);
	err = number_read(d, key, 1, UINT32_MAX, UINT64_MAX, &number, "XB-03",
			  rule, why);
	if (!err && number == UINT64_MAX)
		err = ring_key_missing(d, prefix, key, false, rule, why);
	if (err)
		return err;
	ring->evtchn_port = (uint32_t)number;
	return 0;
}

static int order_read(struct xenbus_device *d,
		      const struct negotiate_offer *offer, unsigned *order,
		      bool *given, const char **rule, struct why *why)
{
	uint64_t number;
	int err;

	err = number_read(d, "ring-page-order", 0, offer->ring_order_max,
			  UINT64_MAX, &number, "XB-09", rule, why);
	if (err)
		return err;
	*given = number != UINT64_MAX;
	*order = *given ? (unsigned)number : 0;
	err = unseen_check(offer, "ring-page-order", *order, 0, rule, why);
	if (!err)
		ev_feature_accept(&d->ev, "ring-page-order", *order);
	return err;
}

static int queues_read(struct xenbus_device *d,
		       const struct negotiate_offer *offer, unsigned *queues,
		       const char **rule, struct why *why)
{
	uint64_t number;
	int err;

	/* XB-12: and 0 queues is no way to say one (CVE-2026-45890). */
	err = number_read(d, "multi-queue-num-queues", 1, offer->queues_max, 1,
			  &number, "XB-12", rule, why);
	if (!err)
		err = unseen_check(offer, "multi-queue-num-queues", number, 1,
				   rule, why);
	if (err)
		return err;
	*queues = (unsigned)number;
	ev_feature_accept(&d->ev, "multi-queue-num-queues", number);
	return 0;
}

int negotiate_read(struct xenbus_device *d, const struct negotiate_offer *offer,
		   struct negotiate_result *out, const char **rule,
		   struct why *why)
{
	uint64_t persistent;
	bool order_given;
	unsigned i;
	int err;

	memset(out, 0, sizeof(*out));
	*rule = "";
	err = abi_read(d, &out->abi, rule, why);
	if (!err)
		err = order_read(d, offer, &out->ring_order, &order_given, rule,
				 why);
	if (!err)
		err = queues_read(d, offer, &out->queues, rule, why);
	/* GR-47: only if both sides offered it. */
	if (!err)
		err = number_read(d, "feature-persistent", 0, 1, 0, &persistent,
				  "XB-08", rule, why);
	if (err)
		return err;
	out->persistent = persistent && offer->persistent;
	ev_feature_accept(&d->ev, "feature-persistent", out->persistent);

	for (i = 0; i < out->queues; i++) {
		char prefix[24] = "";

		if (out->queues > 1)
			snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		err = ring_read(d, prefix, out->ring_order, order_given,
				&out->ring[i], rule, why);
		if (err)
			return err;
	}
	return 0;
}

static int size_keys(struct xenbus_device *d, xen_xbt t,
		     const struct negotiate_disk *disk)
{
	int err = xenbus_own_write(
		d, t, "sectors", "%llu",
		(unsigned long long)(disk->size_bytes >>
				     (SECTOR_SHIFT + disk->unit_shift)));

	return err ? err
		   : xenbus_own_write(d, t, "physical-sector-size", "%u",
				      disk->physical_bytes);
}

static int connected_keys(struct xenbus_device *d, xen_xbt t, const void *arg)
{
	const struct negotiate_disk *disk = arg;
	unsigned info = 0;
	int err;

	if (disk->readonly)
		info |= INFO_READONLY;
	if (disk->removable)
		info |= INFO_REMOVABLE;
	if (disk->cdrom)
		info |= INFO_CDROM;

	err = size_keys(d, t, disk);
	if (!err)
		err = xenbus_own_write(d, t, "sector-size", "%u",
				       disk->sector_bytes);
	if (!err)
		err = xenbus_own_write(d, t, "info", "%u", info);
	return err;
}

static int resized_keys(struct xenbus_device *d, xen_xbt t, const void *arg)
{
	return size_keys(d, t, arg);
}

int negotiate_connected_write(struct xenbus_device *d,
			      const struct negotiate_disk *disk)
{
	return xenbus_switch_with(d, connected_keys, disk, XENBUS_CONNECTED);
}

int negotiate_resized_write(struct xenbus_device *d,
			    const struct negotiate_disk *disk)
{
	/* XB-18: the state as it is, so that the frontend's watch fires. */
	return d->own == XENBUS_CONNECTED
		       ? xenbus_switch_with(d, resized_keys, disk, d->own)
		       : -ESTALE;
}
