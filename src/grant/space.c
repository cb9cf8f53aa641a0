/* SPDX-License-Identifier: MIT */
#include "grant/space.h"

#include <errno.h>
#include <stdlib.h>

#include "grant/path.h"

int grant_space_open(struct grant_space **out,
		     const struct grant_space_setup *setup, struct why *why)
{
	static const struct grant_path_ops *const path[] = {
		[GRANT_PATH_MAP] = &grant_path_map,
		[GRANT_PATH_COPY] = &grant_path_copy,
		[GRANT_PATH_PERSIST] = &grant_path_persist,
	};
	struct grant_space *s = calloc(1, sizeof(*s));
	size_t pages = setup->pages_max;
	int err = -ENOMEM;

	if (!s)
		goto fail;
	s->setup = *setup;
	s->gnttab = &setup->host->ops->gnttab;
	s->grefs = calloc(pages, sizeof(*s->grefs));
	s->status = calloc(pages, sizeof(*s->status));
	if (!s->grefs || !s->status)
		goto fail;
	if (!path[setup->path]->tells_shared)
		err = grant_flight_open(&s->flight, setup->pages_max);
	else
		err = 0;
	if (err)
		goto fail;
	err = path[setup->path]->open(s);
	if (err)
		goto fail;
	s->path = path[setup->path];
	*out = s;
	return 0;
fail:
	grant_space_close(s);
	return why_set(why, err, "no memory for %zu grants", pages);
}

void grant_space_close(struct grant_space *s)
{
	if (!s)
		return;
	if (s->path)
		s->path->close(s);
	grant_flight_close(&s->flight);
	free(s->grefs);
	free(s->status);
	free(s);
}

static void use_took_off(struct grant_space *s, struct grant_use *u)
{
	uint32_t i;

	u->shared = false;
	if (u->error)
		return;
	for (i = 0; i < u->count; i++)
		if (grant_flight_add(&s->flight, u->segs[i].gref, u->seq)) {
			u->shared = true;
			u->shared_gref = u->segs[i].gref;
		}
}

static void use_landed(struct grant_space *s, const struct grant_use *u)
{
	uint32_t i;

	for (i = 0; i < u->count; i++)
		grant_flight_remove(&s->flight, u->segs[i].gref);
}

int grant_space_acquire(struct grant_space *s, struct grant_use **uses,
			unsigned n)
{
	unsigned i;
	int err;

	if (!n)
		return 0;
	err = s->path->acquire(s, uses, n);
	for (i = 0; i < n && !s->path->tells_shared; i++)
		use_took_off(s, uses[i]);
	return err;
}

void grant_space_release(struct grant_space *s, struct grant_use **uses,
			 unsigned n)
{
	unsigned i;

	if (!n)
		return;
	s->path->release(s, uses, n);
	for (i = 0; i < n; i++) {
		if (!s->path->tells_shared)
			use_landed(s, uses[i]);
		uses[i]->count = 0;
	}
}

bool grant_space_idle(struct grant_space *s)
{
	return s->path->idle && s->path->idle(s);
}

unsigned grant_space_kept(const struct grant_space *s)
{
	return s->kept;
}
