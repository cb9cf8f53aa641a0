/* SPDX-License-Identifier: MIT */
#include "disk/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "disk/file.h"
#include "disk/inject.h"
#include "disk/mem.h"
#include "disk/nbd.h"
#include "disk/null.h"

#define SECTOR_DEFAULT 512u
#define SECTOR_MAX     4096u

int disk_open(const char *target, const struct disk_options *opt,
	      struct disk **out, struct why *why)
{
	struct disk_options o = *opt;
	struct disk *engine;
	int err;

	if (!o.sector_bytes)
		o.sector_bytes = SECTOR_DEFAULT;
	if (o.sector_bytes < SECTOR_DEFAULT || o.sector_bytes > SECTOR_MAX ||
	    (o.sector_bytes & (o.sector_bytes - 1))) /* XB-14 */
		return why_set(why, -EINVAL,
			       "%s: a sector size of %u bytes is not possible; "
			       "it is a power of two from %u to %u",
			       target, o.sector_bytes, SECTOR_DEFAULT,
			       SECTOR_MAX);
	if (!strncmp(target, "null:", 5))
		err = disk_null_open(target + 5, &o, &engine, why);
	else if (!strncmp(target, "mem:", 4))
		err = disk_mem_open(target + 4, &o, &engine, why);
	else if (!strncmp(target, "nbd:", 4))
		err = disk_nbd_open(target, &o, &engine, why);
	else
		err = disk_file_open(target, &o, &engine, why);
	if (err)
		return err;
	snprintf(engine->target, sizeof(engine->target), "%s", target);
	if (o.inject && inject_wanted(o.inject))
		return disk_inject_open(engine, o.inject, out, why);
	*out = engine;
	return 0;
}

int disk_sector_parse(const char *text, uint32_t *sector_bytes)
{
	if (strcmp(text, "512") && strcmp(text, "4096"))
		return -EINVAL;
	*sector_bytes = text[0] == '5' ? 512 : 4096;
	return 0;
}

int disk_units_parse(const char *text, bool *sector_units)
{
	if (strcmp(text, "512") && strcmp(text, "sector-size"))
		return -EINVAL;
	*sector_units = text[0] == 's';
	return 0;
}

int disk_measure(struct disk *d, uint32_t unit, uint64_t *size_bytes)
{
	uint64_t bytes;
	int err = d->ops->measure ? d->ops->measure(d, &bytes) : -EOPNOTSUPP;

	if (err)
		return err;
	bytes -= bytes % unit;
	if (bytes > d->size_bytes)
		d->size_bytes = bytes;
	*size_bytes = bytes;
	return 0;
}

void disk_close(struct disk *d)
{
	if (d)
		d->ops->close(d);
}
