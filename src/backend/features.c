/* SPDX-License-Identifier: MIT */
#include "backend/features.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY "ringside"

const struct features features_default = {
	.persistent = true,
	.indirect = true,
	.barrier = true,
	.flush = true,
	.discard = true,
	.multi_queue = true,
	.ring_order = true,
	.path = GRANT_PATH_MAP,
};

static const struct {
	const char *name;
	size_t at; /* of a bool */
} switches[] = {
	{ "persistent", offsetof(struct features, persistent) },
	{ "indirect", offsetof(struct features, indirect) },
	{ "barrier", offsetof(struct features, barrier) },
	{ "flush", offsetof(struct features, flush) },
	{ "discard", offsetof(struct features, discard) },
	{ "multi-queue", offsetof(struct features, multi_queue) },
	{ "ring-order", offsetof(struct features, ring_order) },
};

#define SWITCHES (sizeof(switches) / sizeof(*switches))

int features_yes(const char *word, bool *out)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	unsigned i;

	for (i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (!strcmp(word, yes[i]) || !strcmp(word, no[i])) {
			*out = !strcmp(word, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static int grants_set(struct features *f, const char *how, struct why *why)
{
	if (strcmp(how, "keep") && strcmp(how, "map") && strcmp(how, "copy"))
		return why_set(why, -EINVAL,
			       "grants takes keep, map or copy, not \"%.64s\"",
			       how);
	f->persistent = !strcmp(how, "keep");
	f->path = strcmp(how, "copy") ? GRANT_PATH_MAP : GRANT_PATH_COPY;
	return 0;
}

int features_set(struct features *f, const char *name, const char *value,
		 struct why *why)
{
	unsigned i;

	if (!strcmp(name, "grants"))
		return grants_set(f, value, why);
	for (i = 0; i < SWITCHES && strcmp(name, switches[i].name); i++)
		;
	if (i == SWITCHES)
		return why_set(why, -EINVAL,
			       "there is no feature \"%.64s\"; there are "
			       "persistent, indirect, barrier, flush, discard, "
			       "multi-queue, ring-order and grants",
			       name);
	if (features_yes(value, (bool *)((char *)f + switches[i].at)))
		return why_set(why, -EINVAL,
			       "%s takes yes or no, not \"%.64s\"", name,
			       value);
	return 0;
}

void features_read(struct features *f, struct xenbus_device *d,
		   struct log_limit *limit)
{
	char path[XENBUS_PATH_MAX + 16], **names;
	unsigned n = 0, i;

	snprintf(path, sizeof(path), "%s/" DIRECTORY, d->path);
	names = d->host->ops->store.directory(d->host, 0, path, &n);
	for (i = 0; names && i < n; i++) {
		char key[64], *value;
		struct why why = { "" };

		snprintf(key, sizeof(key), DIRECTORY "/%.40s", names[i]);
		value = xenbus_own_read(d, 0, key);
		if (value && features_set(f, names[i], value, &why) &&
		    log_limit_pass(limit))
			log_warn("domain %u device %u: %s is ignored: %s",
				 d->ev.domid, d->ev.devid, key, why.text);
		free(value);
	}
	free(names);
}

bool features_key(const char *key)
{
	size_t n = strlen(DIRECTORY);

	return !strncmp(key, DIRECTORY, n) && (!key[n] || key[n] == '/');
}

bool features_same(const struct features *a, const struct features *b)
{
	unsigned i;

	for (i = 0; i < SWITCHES; i++)
		if (*(const bool *)((const char *)a + switches[i].at) !=
		    *(const bool *)((const char *)b + switches[i].at))
			return false;
	return a->path == b->path;
}

void features_apply(const struct features *f, struct negotiate_offer *o)
{
	o->persistent &= f->persistent;
	o->barrier &= f->barrier;
	o->flush &= f->flush;
	o->discard &= f->discard;
	o->secure &= f->discard;
	if (!f->indirect)
		o->indirect_segs = 0;
	if (!f->multi_queue)
		o->queues_max = 1;
	if (!f->ring_order)
		o->ring_order_max = 0;
}
