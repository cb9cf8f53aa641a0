/* SPDX-License-Identifier: MIT */
#include "frontend/vdev.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define VDEV_EXTENDED (1u << 28)

/* How the three kinds of names become numbers. */
static const struct vdev_scheme {
	const char *prefix;
	uint32_t base;
	unsigned disk_shift;
	unsigned disks;
	unsigned partitions; /* the last one */
} schemes[] = {
	{ "xvd", 202u << 8, 4, 16, 15 },
	{ "sd", 8u << 8, 4, 16, 15 },
	{ "hd", 3u << 8, 6, 2, 63 },
};

static int vdev_bad(struct why *why, const char *text)
{
	return why_set(why, -EINVAL,
		       "'%s' is no virtual disk: give a name such as xvda "
		       "or its number such as 51712",
		       text);
}

int front_vdev_parse(const char *text, uint32_t *devid, struct why *why)
{
	const struct vdev_scheme *s = NULL;
	uint64_t disk = 0, part = 0;
	const char *p;
	unsigned i;

	if (isdigit((unsigned char)text[0])) {
		uint64_t number;

		if (number_parse(text, 1, VDEV_EXTENDED * 2u - 1, &number))
			return vdev_bad(why, text);
		*devid = (uint32_t)number;
		return 0;
	}
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (!strncmp(text, schemes[i].prefix,
			     strlen(schemes[i].prefix)))
			s = &schemes[i];
	if (!s)
		return vdev_bad(why, text);
	p = text + strlen(s->prefix);
	if (!islower((unsigned char)*p))
		return vdev_bad(why, text);
	/* a..z, then aa, ab, ...: letters count from 1 in base 26. */
	for (i = 0; islower((unsigned char)*p) && i < 3; p++, i++)
		disk = disk * 26 + (uint64_t)(*p - 'a') + 1;
	disk--;
	if (*p && (*p == '0' || number_parse(p, 1, 255, &part)))
		return vdev_bad(why, text);
	if (disk < s->disks && part <= s->partitions) {
		*devid = s->base | (uint32_t)(disk << s->disk_shift | part);
		return 0;
	}
	/* Only xvd has more: 20 bits of disk, 8 of partition. */
	if (s != &schemes[0] || disk >= 1u << 20)
		return vdev_bad(why, text);
	*devid = VDEV_EXTENDED | (uint32_t)(disk << 8 | part);
	return 0;
}

void front_vdev_name(uint32_t devid, char name[FRONT_VDEV_NAME_MAX])
{
	const char *prefix = NULL;
	char letters[4], digits[12] = "";
	uint32_t disk = 0, part = 0, rest;
	unsigned i, n = 0;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct vdev_scheme *s = &schemes[i];
		uint32_t low = devid - s->base;

		if (devid < s->base || low >> s->disk_shift >= s->disks)
			continue;
		prefix = s->prefix;
		disk = low >> s->disk_shift;
		part = low & ((1u << s->disk_shift) - 1);
	}
	if (devid & VDEV_EXTENDED) {
		prefix = "xvd";
		disk = (devid & (VDEV_EXTENDED - 1)) >> 8;
		part = devid & 0xff;
	}
	if (!prefix || disk >= 26u * 27 * 26) {
		snprintf(name, FRONT_VDEV_NAME_MAX, "%u", devid);
		return;
	}
	for (rest = disk + 1; rest; rest = (rest - 1) / 26)
		letters[n++] = (char)('a' + (rest - 1) % 26);
	for (i = 0; i < n / 2; i++) {
		char c = letters[i];

		letters[i] = letters[n - 1 - i];
		letters[n - 1 - i] = c;
	}
	letters[n] = '\0';
	if (part)
		snprintf(digits, sizeof(digits), "%u", part);
	snprintf(name, FRONT_VDEV_NAME_MAX, "%s%s%s", prefix, letters, digits);
}
