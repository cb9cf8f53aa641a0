/* SPDX-License-Identifier: MIT */
#include "backend/medium.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/queue.h"
#include "backend/stats.h"
#include "base/clock.h"
#include "disk/empty.h"

#define MEASURE_NS 1000000000ull

/* ---- opening ------------------------------------------------------------ */

/* What this disk can do of all that may be offered. */
static void medium_able_settle(struct vbd *v)
{
	const struct disk *disk = v->disk;
	struct negotiate_offer *o = &v->able;
	/* What the toolstack says of it: 0 is no, anything else is nothing. */
	char *enable = xenbus_own_read(&v->dev, 0, "discard-enable");

	o->discard = o->discard && disk->discard &&
		     !(enable && !strcmp(enable, "0"));
	o->secure = o->discard && disk->secure;
	o->discard_granularity = disk->discard_granularity;
	o->discard_alignment = disk->discard_alignment;
	if (disk->queues_max && disk->queues_max < o->queues_max)
		o->queues_max = disk->queues_max;
	/* The next medium may not take more. */
	if (v->facts.cdrom)
		o->queues_max = 1;
	free(enable);
}

/* Is the value of our own key `text`? */
static bool own_is(struct vbd *v, const char *key, const char *text)
{
	char *value = xenbus_own_read(&v->dev, 0, key);
	bool same = value && !strcmp(value, text);

	free(value);
	return same;
}

/* The sectors that it is to have, and how they are counted. */
static int medium_sectors_read(struct vbd *v, struct why *why)
{
	char *size = xenbus_own_read(&v->dev, 0, SECTOR_SIZE_KEY);
	char *units = xenbus_own_read(&v->dev, 0, SECTOR_UNITS_KEY);
	uint32_t sector = v->config->disk.sector_bytes;
	bool counted = v->config->sector_units;
	int err = 0;

	if (size && disk_sector_parse(size, &sector))
		err = why_set(why, -EINVAL,
			      SECTOR_SIZE_KEY " is \"%.16s\"; it is 512 or "
					      "4096",
			      size);
	else if (units && disk_units_parse(units, &counted))
		err = why_set(why, -EINVAL,
			      SECTOR_UNITS_KEY " is \"%.16s\"; it is 512 or "
					       "sector-size",
			      units);
	v->facts.sector_bytes = sector;
	v->facts.unit_shift = counted ? (unsigned)__builtin_ctz(sector) - 9 : 0;
	free(size);
	free(units);
	return err;
}

/* What the toolstack says of the drive, whatever is in it. */
static int medium_drive_read(struct vbd *v, struct why *why)
{
	v->facts = (struct negotiate_disk){
		.removable = own_is(v, "removable", "1"),
		.cdrom = own_is(v, "device-type", "cdrom"),
	};
	/* XSA-142: what is not clearly writable is opened read-only. */
	v->facts.readonly = v->facts.cdrom || !own_is(v, "mode", "w");
	return medium_sectors_read(v, why);
}

/* What is to be done to it: the daemon's rules, or the store's instead. */
static int medium_rules_read(struct vbd *v, struct inject_rules *rules,
			     struct why *why)
{
	char *inject = xenbus_own_read(&v->dev, 0, INJECT_KEY);
	char *limit = xenbus_own_read(&v->dev, 0, LIMIT_KEY);
	int err = 0;

	*rules = v->config->inject;
	if (inject) {
		rules->count = 0;
		err = inject_parse(inject, rules, why);
	}
	if (limit && !err) {
		rules->iops = rules->bps = 0;
		err = inject_limit_parse(limit, rules, why);
	}
	free(inject);
	free(limit);
	return err;
}

static int medium_disk_open(struct vbd *v, const char *target,
			    struct disk **out, struct why *why)
{
	struct disk_options opt = v->config->disk;
	struct inject_rules rules;
	int err;

	opt.readonly = v->facts.readonly;
	opt.sector_bytes = v->facts.sector_bytes;
	if (!*target && v->facts.cdrom)
		return disk_empty_open(&opt, out, why);
	if (!*target)
		return why_set(why, -EINVAL,
			       "the toolstack named no target (params is "
			       "empty); only a cdrom's drive may be empty");
	/* The toolstack names a format when it inserts a medium. */
	if (v->facts.cdrom && !strncmp(target, "aio:", 4))
		target += 4;
	err = medium_rules_read(v, &rules, why);
	opt.inject = &rules;
	return err ? err : disk_open(target, &opt, out, why);
}

/* v->disk is the one now. */
static void medium_facts(struct vbd *v)
{
	v->facts.size_bytes = v->disk->size_bytes;
	v->facts.physical_bytes = v->disk->physical_bytes;
}

static void medium_log(struct vbd *v)
{
	if (disk_is_empty(v->disk))
		log_info("domain %u device %u: the drive is empty",
			 v->dev.ev.domid, v->dev.ev.devid);
	else
		log_info("domain %u device %u: serving %s, %llu MiB%s",
			 v->dev.ev.domid, v->dev.ev.devid, v->disk->target,
			 (unsigned long long)(v->disk->size_bytes >> 20),
			 v->disk->readonly ? ", read-only" : "");
}

void medium_tell(struct vbd *v)
{
	struct xenbus_device *d = &v->dev;

	if (v->disk) {
		medium_log(v);
		if (v->facts.cdrom)
			xenbus_own_write(d, 0, MEDIUM_KEY, "%s",
					 v->params ? v->params : "");
		xenbus_own_write(d, 0, "hotplug-status", "connected");
	} else {
		log_error("domain %u device %u: %s", d->ev.domid, d->ev.devid,
			  v->disk_why.text);
		xenbus_own_write(d, 0, "hotplug-error", "%s", v->disk_why.text);
		xenbus_own_write(d, 0, "hotplug-status", "error");
		xenbus_error_write(d, v->disk_why.text);
	}
}

void medium_open(struct vbd *v)
{
	char *params = xenbus_own_read(&v->dev, 0, "params");
	const char *target = params ? params : "";
	int err = medium_drive_read(v, &v->disk_why);

	v->able = v->config->offer;
	if (!err)
		err = medium_disk_open(v, target, &v->disk, &v->disk_why);
	if (!err) {
		medium_facts(v);
		medium_able_settle(v);
		ev_device_create(&v->dev.ev, v->dev.path, target,
				 v->facts.size_bytes);
	}
	v->params = params;
}

/* ---- another size ------------------------------------------------------- */

void medium_measure(struct vbd *v)
{
	uint64_t size;
	unsigned i;

	v->measure_ns = 0;
	if (!v->disk || v->next_disk || !v->disk->ops->measure)
		return;
	/* At whole seconds, so that all disks cost one wake-up. */
	v->measure_ns = (clock_now_ns() / MEASURE_NS + 1) * MEASURE_NS;
	/* XB-15: in what the frontend was told is the unit. */
	if (disk_measure(v->disk, v->facts.physical_bytes, &size) ||
	    size == v->facts.size_bytes)
		return;
	v->facts.size_bytes = size;
	for (i = 0; i < v->nqueues; i++)
		queue_resize(v->queues[i], size);
	v->untold = v->dirty = true;
}

/* ---- another medium ----------------------------------------------------- */

/* No queue uses v->disk any more. */
static void medium_finish(struct vbd *v)
{
	/* What was offered without any storage does not hold. */
	v->stale |= !v->disk;
	disk_close(v->disk);
	v->disk = v->next_disk;
	v->next_disk = NULL;
	medium_facts(v);
	medium_able_settle(v);
	medium_log(v);
	ev_device_medium(&v->dev.ev, v->disk->target, v->facts.size_bytes);
	v->untold = v->dirty = true;
	if (v->connected)
		medium_measure(v);
}

/* Have all queues change to v->next_disk. */
static int medium_change(struct vbd *v, struct why *why)
{
	uint64_t size = v->next_disk->size_bytes;
	unsigned i, n = v->nqueues;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = queue_change_prepare(v->queues[i], v->next_disk, size,
					   why);
	for (i = 0; i < n; i++)
		if (err)
			queue_change_drop(v->queues[i]);
		else
			queue_change_start(v->queues[i]);
	if (!err && !n)
		medium_finish(v);
	return err;
}

/* What is asked for is opened, or nothing is in the drive. */
static void medium_insert(struct vbd *v, const char *target)
{
	struct xenbus_device *d = &v->dev;
	struct why why = { "" };
	int err = medium_disk_open(v, target, &v->next_disk, &why);

	v->effect = target;
	if (!err)
		err = medium_change(v, &why);
	if (!err) {
		xenbus_own_clear(d, 0, "hotplug-error");
		return;
	}
	log_error("domain %u device %u: %s", d->ev.domid, d->ev.devid,
		  why.text);
	xenbus_own_write(d, 0, "hotplug-error", "%s", why.text);
	disk_close(v->next_disk);
	v->next_disk = NULL;
	v->effect = "";
	err = medium_disk_open(v, "", &v->next_disk, &why);
	if (!err)
		err = medium_change(v, &why);
	if (err) {
		/* No memory even for nothing: what is there stays there. */
		disk_close(v->next_disk);
		v->next_disk = NULL;
	}
}

/*
 * The toolstack wrote params.  It takes our key away to say that it means
 * the same name anew.
 */
static void medium_params(struct vbd *v)
{
	char *params = xenbus_own_read(&v->dev, 0, "params");
	char *answer = xenbus_own_read(&v->dev, 0, MEDIUM_KEY);
	bool known = params && v->params && !strcmp(params, v->params) &&
		     (answer || !v->disk);

	free(answer);
	if (!params || known) {
		free(params);
		return;
	}
	free(v->params);
	v->params = params;
	medium_insert(v, params);
	v->unanswered = true;
}

void medium_poll(struct vbd *v)
{
	unsigned i;

	if (!v->next_disk)
		return;
	for (i = 0; i < v->nqueues; i++)
		if (!queue_changed(v->queues[i]))
			return;
	medium_finish(v);
}

void medium_settle(struct vbd *v)
{
	v->measure_ns = 0;
	if (v->next_disk)
		medium_finish(v);
}

void medium_close(struct vbd *v)
{
	disk_close(v->next_disk);
	disk_close(v->disk);
	free(v->params);
}

static int medium_size_tell(struct vbd *v)
{
	uint64_t before = v->told_bytes;
	int err;

	v->untold = false;
	if (!v->connected)
		return 0;
	err = negotiate_resized_write(&v->dev, &v->facts);
	if (err == -ESTALE)
		return 0; /* it is closing, and learns it when it comes back */
	v->untold = err != 0;
	if (err)
		return err;
	v->told_bytes = v->facts.size_bytes;
	stats_storage(v->stats, v->told_bytes, v->disk->target);
	ev_device_resize(&v->dev.ev, before, v->told_bytes);
	if (before != v->told_bytes)
		log_info("domain %u device %u: its size is now %llu bytes",
			 v->dev.ev.domid, v->dev.ev.devid,
			 (unsigned long long)v->told_bytes);
	return 0;
}

int medium_step(struct vbd *v)
{
	int err = 0;

	if (v->params_written && !v->next_disk) {
		v->params_written = false;
		if (v->facts.cdrom)
			medium_params(v);
	}
	if (v->next_disk)
		return 0;
	if (v->untold)
		err = medium_size_tell(v);
	if (!err && v->unanswered)
		err = xenbus_own_write(&v->dev, 0, MEDIUM_KEY, "%s", v->effect);
	v->unanswered &= err != 0;
	return err;
}
