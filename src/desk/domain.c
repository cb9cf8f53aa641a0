/* SPDX-License-Identifier: MIT */
#include "desk/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "desk/evtchn.h"
#include "desk/grant.h"
#include "desk/memory.h"
#include "desk/server.h"
#include "xen/xen.h"

#define CHUNK_BYTES ((uint64_t)DESK_CHUNK_PAGES * XEN_PAGE_SIZE)

struct desk_domain *desk_domain_find(struct desk *d, uint16_t domid)
{
	struct desk_domain *dom;

	LIST_FOREACH(dom, &d->domains, link)
		if (dom->domid == domid)
			return dom;
	return NULL;
}

static int lock_init(struct desk_active *active)
{
	pthread_mutexattr_t attr;
	int err;

	if (pthread_mutexattr_init(&attr))
		return -ENOMEM;
	err = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (!err)
		err = pthread_mutex_init(&active->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}

static int memory_init(struct desk_domain *dom, uint64_t bytes)
{
	char name[64];

	snprintf(name, sizeof(name), "ringside-dom%u", dom->domid);
	dom->mem_bytes = bytes;
	dom->memory_fd = desk_memory_create(name, bytes);
	if (dom->memory_fd < 0)
		return dom->memory_fd;
	dom->grant_fd = desk_memory_create("ringside-grants", DESK_GRANT_BYTES);
	if (dom->grant_fd < 0)
		return dom->grant_fd;
	dom->active_fd =
		desk_memory_create("ringside-active", DESK_ACTIVE_BYTES);
	if (dom->active_fd < 0)
		return dom->active_fd;
	dom->grant = desk_memory_map(dom->grant_fd, DESK_GRANT_BYTES);
	dom->active = desk_memory_map(dom->active_fd, DESK_ACTIVE_BYTES);
	dom->chunks = (unsigned)(bytes / CHUNK_BYTES);
	dom->chunk = calloc(dom->chunks, sizeof(*dom->chunk));
	if (!dom->grant || !dom->active || !dom->chunk)
		return -ENOMEM;
	return lock_init(dom->active);
}

static void memory_free(struct desk_domain *dom)
{
	desk_loop_timer_stop(&dom->recount);
	if (dom->grant)
		munmap(dom->grant, DESK_GRANT_BYTES);
	if (dom->active)
		munmap(dom->active, DESK_ACTIVE_BYTES);
	if (dom->memory_fd >= 0)
		close(dom->memory_fd);
	if (dom->grant_fd >= 0)
		close(dom->grant_fd);
	if (dom->active_fd >= 0)
		close(dom->active_fd);
	free(dom->chunk);
}

int desk_domain_create(struct desk *d, uint16_t domid, uint64_t mem_bytes)
{
	struct desk_domain *dom = desk_domain_find(d, domid);
	int err, fd;

	if (dom)
		return dom->dying ? -EBUSY : 0;
	if (domid > DESK_DOMID_MAX)
		return -EINVAL;
	if (domid && !mem_bytes)
		mem_bytes = d->mem_default;
	if (domid && (mem_bytes < DESK_DOMAIN_MEM_MIN ||
		      mem_bytes > DESK_DOMAIN_MEM_MAX))
		return -EINVAL;
	dom = calloc(1, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->desk = d;
	dom->domid = domid;
	dom->memory_fd = dom->grant_fd = dom->active_fd = -1;
	dom->recount.fire = desk_grant_recount_timer;
	err = domid ? memory_init(dom, mem_bytes / CHUNK_BYTES * CHUNK_BYTES)
		    : 0;
	if (err)
		goto fail;
	fd = desk_server_listen_store(d, domid);
	err = fd < 0 ? fd : store_domain_add(d->store, domid, fd);
	if (err)
		goto fail;
	LIST_INSERT_HEAD(&d->domains, dom, link);
	return 0;
fail:
	memory_free(dom);
	free(dom);
	return err;
}

void desk_domain_free(struct desk_domain *dom)
{
	store_domain_remove(dom->desk->store, dom->domid);
	desk_server_unlink_store(dom->desk, dom->domid);
	LIST_REMOVE(dom, link);
	desk_grant_tally(dom, &dom->desk->gone);
	memory_free(dom);
	free(dom);
}

bool desk_domain_pages_reclaim(struct desk_domain *dom)
{
	bool busy = false;
	unsigned i;

	for (i = 0; i < dom->chunks; i++) {
		if (!dom->chunk[i].left)
			continue;
		if (!desk_grant_withdraw(dom, i * DESK_CHUNK_PAGES,
					 DESK_CHUNK_PAGES)) {
			busy = true;
			continue;
		}
		dom->chunk[i].left = false;
		/* What the dead process wrote is not for the next one. */
		if (fallocate(dom->memory_fd,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (off_t)(i * CHUNK_BYTES), CHUNK_BYTES))
			log_warn("memory of domain %u cannot be given back",
				 dom->domid);
	}
	return busy;
}

int64_t desk_domain_pages_take(struct desk_domain *dom, struct desk_conn *owner,
			       uint32_t pages)
{
	uint64_t need =
		((uint64_t)pages + DESK_CHUNK_PAGES - 1) / DESK_CHUNK_PAGES;
	unsigned i, run = 0;

	desk_domain_pages_reclaim(dom);
	for (i = 0; need && i < dom->chunks; i++) {
		run = dom->chunk[i].owner || dom->chunk[i].left ? 0 : run + 1;
		if (run < need)
			continue;
		for (; run; run--)
			dom->chunk[i - run + 1].owner = owner;
		return (int64_t)(i - need + 1) * DESK_CHUNK_PAGES;
	}
	return -ENOSPC;
}

void desk_domain_pages_leave(struct desk_domain *dom, struct desk_conn *owner)
{
	unsigned i;

	for (i = 0; i < dom->chunks; i++) {
		if (dom->chunk[i].owner != owner)
			continue;
		dom->chunk[i].owner = NULL;
		dom->chunk[i].left = true;
	}
	/* The last one leaves entries behind that name no page of its own. */
	if (dom->active && dom->conns == 1)
		desk_grant_withdraw(dom, 0, UINT32_MAX);
	desk_domain_pages_reclaim(dom);
}
