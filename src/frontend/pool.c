/* SPDX-License-Identifier: MIT */
#include "frontend/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "frontend/queue.h"
#include "xen/desk/guest.h"

/* ---- grants ---------------------------------------------------------------
 */

int front_grant(struct front_queue *q, const void *page, bool readonly)
{
	int gref = desk_guest_grant(q->host, q->backend_id, page, readonly);

	if (gref < 0)
		return gref;
	if (ev_grant_access_on()) {
		size_t off = (size_t)((const uint8_t *)page - q->memory);

		ev_grant_access(&q->ev, (uint32_t)gref, !readonly,
				off >> XEN_PAGE_SHIFT);
	}
	return gref;
}

int front_grant_end(struct front_queue *q, uint32_t gref)
{
	int err = desk_guest_grant_end(q->host, gref);

	ev_grant_end(&q->ev, gref, err == -EBUSY);
	return err;
}

/* ---- pages ----------------------------------------------------------------
 */

int front_pool_open(struct front_queue *q, unsigned wanted, unsigned least,
		    struct why *why)
{
	struct front_pool *p = &q->pool;

	p->pages = calloc(wanted, sizeof(*p->pages));
	if (!p->pages)
		return why_set(why, -ENOMEM, "out of memory");
	while (p->total < wanted) {
		struct front_page *page = &p->pages[p->total];

		page->addr = desk_guest_alloc(q->host, 1);
		if (!page->addr)
			break;
		p->total++;
	}
	/* So that the first is used first. */
	for (unsigned i = p->total; i--;) {
		p->pages[i].next = p->free;
		p->free = &p->pages[i];
	}
	p->free_count = p->total;
	if (p->total >= least)
		return 0;
	front_pool_close(q);
	return why_set(why, -ENOMEM,
		       "domain %u has no %u free pages for data: give it more "
		       "memory",
		       q->ev.domid, least);
}

unsigned front_pool_close(struct front_queue *q)
{
	struct front_pool *p = &q->pool;
	unsigned i, mapped = 0;

	for (i = 0; i < p->total; i++) {
		struct front_page *page = &p->pages[i];

		if (page->gref != FRONT_NO_GRANT &&
		    front_grant_end(q, page->gref) == -EBUSY)
			mapped++;
		else
			desk_guest_free(q->host, page->addr, 1);
	}
	free(p->pages);
	*p = (struct front_pool){ 0 };
	return mapped;
}

static void pool_push(struct front_pool *p, struct front_page *page)
{
	page->next = p->free;
	p->free = page;
	p->free_count++;
}

int front_pool_take(struct front_queue *q, unsigned count, bool readonly,
		    struct front_page **chain)
{
	struct front_pool *p = &q->pool;
	struct front_page *taken = NULL, **end = &taken;

	if (count > p->free_count)
		return -EAGAIN;
	while (count--) {
		struct front_page *page = p->free;

		if (page->gref == FRONT_NO_GRANT) {
			int gref = front_grant(q, page->addr,
					       readonly && !q->persistent);

			if (gref < 0) {
				front_pool_give(q, &taken);
				return gref;
			}
			page->gref = (uint32_t)gref;
		}
		p->free = page->next;
		p->free_count--;
		page->next = NULL;
		*end = page;
		end = &page->next;
	}
	*end = *chain;
	*chain = taken;
	return 0;
}

int front_pool_give(struct front_queue *q, struct front_page **chain)
{
	while (*chain) {
		struct front_page *page = *chain;

		if (!q->persistent) {
			if (front_grant_end(q, page->gref) == -EBUSY)
				return -EBUSY;
			page->gref = FRONT_NO_GRANT;
		}
		*chain = page->next;
		pool_push(&q->pool, page);
	}
	return 0;
}
