/* SPDX-License-Identifier: MIT */
#include "desk/store/perms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

struct store_perms *store_perms_new(unsigned count)
{
	struct store_perms *p;

	p = calloc(1, sizeof(*p) + count * sizeof(p->entry[0]));
	if (!p)
		return NULL;
	p->refs = 1;
	p->count = count;
	return p;
}

struct store_perms *store_perms_get(struct store_perms *p)
{
	p->refs++;
	return p;
}

void store_perms_put(struct store_perms *p)
{
	if (p && --p->refs == 0)
		free(p);
}

struct store_perms *store_perms_owned_by(const struct store_perms *p,
					 uint16_t domid)
{
	struct store_perms *n = store_perms_new(p->count);

	if (!n)
		return NULL;
	memcpy(n->entry, p->entry, p->count * sizeof(p->entry[0]));
	n->entry[0].domid = domid;
	n->entry[0].bits &= (uint8_t)~STORE_PERMS_VOID;
	return n;
}

struct store_perms *store_perms_without(const struct store_perms *p,
					uint16_t domid, bool *same)
{
	struct store_perms *n;
	unsigned i, kept = 1;

	for (i = 1; i < p->count; i++)
		kept += p->entry[i].domid != domid;
	*same = kept == p->count && p->entry[0].domid != domid;
	if (*same)
		return NULL;
	n = store_perms_new(kept);
	if (!n)
		return NULL;
	n->entry[0] = p->entry[0];
	if (n->entry[0].domid == domid)
		n->entry[0].domid = 0;
	for (i = 1, kept = 1; i < p->count; i++)
		if (p->entry[i].domid != domid)
			n->entry[kept++] = p->entry[i];
	return n;
}

unsigned store_perms_rights(const struct store_perms *p, uint16_t domid)
{
	unsigned i;

	if (domid == 0 || p->entry[0].domid == domid)
		return STORE_PERMS_ALL;
	for (i = 1; i < p->count; i++)
		if (p->entry[i].domid == domid &&
		    !(p->entry[i].bits & STORE_PERMS_VOID))
			return p->entry[i].bits & STORE_PERMS_ALL;
	return p->entry[0].bits & STORE_PERMS_ALL;
}

static int entry_parse(const char *s, struct store_perms_entry *e)
{
	uint64_t domid;

	switch (s[0]) {
	case 'n':
		e->bits = 0;
		break;
	case 'r':
		e->bits = STORE_PERMS_READ;
		break;
	case 'w':
		e->bits = STORE_PERMS_WRITE;
		break;
	case 'b':
		e->bits = STORE_PERMS_READ | STORE_PERMS_WRITE;
		break;
	default:
		return -EINVAL;
	}
	if (number_parse(s + 1, 0, UINT16_MAX, &domid))
		return -EINVAL;
	e->domid = (uint16_t)domid;
	return 0;
}

int store_perms_parse(const char *text, size_t len, struct store_perms **out)
{
	const char *s, *end = text + len;
	unsigned count = 0, i;
	struct store_perms *p;

	if (!len || text[len - 1])
		return -EINVAL;
	for (s = text; s < end; s += strlen(s) + 1)
		count++;
	p = store_perms_new(count);
	if (!p)
		return -ENOMEM;
	for (s = text, i = 0; s < end; s += strlen(s) + 1, i++) {
		if (entry_parse(s, &p->entry[i])) {
			store_perms_put(p);
			return -EINVAL;
		}
	}
	*out = p;
	return 0;
}

int store_perms_format(const struct store_perms *p, char *buf, size_t room)
{
	static const char letter[] = { 'n', 'r', 'w', 'b' };
	size_t used = 0;
	unsigned i;
	int n;

	for (i = 0; i < p->count; i++) {
		n = snprintf(buf + used, room - used, "%c%u",
			     letter[p->entry[i].bits & 3], p->entry[i].domid);
		if ((size_t)n + 1 > room - used)
			return -E2BIG;
		used += (size_t)n + 1;
	}
	return (int)used;
}
