/* SPDX-License-Identifier: MIT */
#include "desk/grant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/grant_table.h>

#include "base/log.h"
#include "desk/memory.h"

#define RETRY_NS   5000000u
#define TABLES_MAX 256u /* open handles of one process */

/* ---- tables ------------------------------------------------------------ */

int desk_grant_table_open(struct desk_conn *c, uint32_t *id)
{
	struct desk_table *t;
	void *entry;
	int fd;

	if (c->tables >= TABLES_MAX)
		return -ENOSPC;
	fd = desk_memory_create("ringside-maptrack", DESK_TRACK_BYTES);
	if (fd < 0)
		return fd;
	t = calloc(1, sizeof(*t));
	entry = desk_memory_map(fd, DESK_TRACK_BYTES);
	if (!t || !entry) {
		if (entry)
			munmap(entry, DESK_TRACK_BYTES);
		free(t);
		close(fd);
		return -ENOMEM;
	}
	t->entry = entry;
	t->id = *id = ++c->last_table;
	LIST_INSERT_HEAD(&c->table, t, link);
	c->tables++;
	return fd;
}

static bool table_mentions(const struct desk_table *t, uint16_t domid)
{
	unsigned i;

	for (i = 0; i < DESK_TRACK_ENTRIES; i++)
		if (t->entry[i].flags & DESK_TRACK_USED &&
		    t->entry[i].domid == domid)
			return true;
	return false;
}

static void table_free(struct desk_conn *c, struct desk_table *t)
{
	LIST_REMOVE(t, link);
	c->tables--;
	munmap((void *)(uintptr_t)t->entry, DESK_TRACK_BYTES);
	free(t);
}

int desk_grant_table_close(struct desk_conn *c, uint32_t id)
{
	struct desk_domain *dom;
	struct desk_table *t;

	LIST_FOREACH(t, &c->table, link)
		if (t->id == id)
			break;
	if (!t)
		return -EINVAL;
	/* What its owner did not unmap before is forgotten here. */
	LIST_FOREACH(dom, &c->desk->domains, link)
		if (dom->active && table_mentions(t, dom->domid))
			desk_loop_timer_set(&c->desk->loop, &dom->recount, 0);
	table_free(c, t);
	return 0;
}

void desk_grant_table_close_all(struct desk_conn *c)
{
	struct desk_domain *dom;

	if (LIST_EMPTY(&c->table))
		return;
	while (!LIST_EMPTY(&c->table))
		table_free(c, LIST_FIRST(&c->table));
	/*
	 * The mappings themselves went with the process.  If it was killed
	 * half way it may have marked an entry that it had not yet noted in
	 * a table, so all domains are looked at.
	 */
	LIST_FOREACH(dom, &c->desk->domains, link)
		if (dom->active)
			desk_grant_recount(dom);
}

/* ---- the lock ---------------------------------------------------------- */

/* Never waits: a stopped mapper must not stop the desk. */
static bool lock_try(struct desk_domain *dom)
{
	int err = pthread_mutex_trylock(&dom->active->lock);

	if (err == EOWNERDEAD)
		err = pthread_mutex_consistent(&dom->active->lock);
	return err == 0;
}

static void lock_drop(struct desk_domain *dom)
{
	pthread_mutex_unlock(&dom->active->lock);
}

/* ---- counting ---------------------------------------------------------- */

struct count {
	uint32_t readers, writers;
};

static void count_tables(const struct desk *d, uint16_t domid,
			 struct count *count)
{
	const struct desk_conn *c;
	const struct desk_table *t;
	struct desk_track e;
	unsigned i;

	LIST_FOREACH(c, &d->conns, link) {
		LIST_FOREACH(t, &c->table, link) {
			for (i = 0; i < DESK_TRACK_ENTRIES; i++) {
				e = t->entry[i];
				if (!(e.flags & DESK_TRACK_USED) ||
				    e.domid != domid ||
				    e.gref >= DESK_GRANT_ENTRIES)
					continue;
				if (e.flags & DESK_TRACK_WRITE)
					count[e.gref].writers++;
				else
					count[e.gref].readers++;
			}
		}
	}
}

void desk_grant_recount(struct desk_domain *dom)
{
	struct desk_active_entry *a;
	struct count *count;
	unsigned i;

	count = calloc(DESK_GRANT_ENTRIES, sizeof(*count));
	if (!count || !lock_try(dom)) {
		free(count);
		desk_loop_timer_set(&dom->desk->loop, &dom->recount, RETRY_NS);
		return;
	}
	count_tables(dom->desk, dom->domid, count);
	for (i = 0; i < DESK_GRANT_ENTRIES; i++) {
		a = &dom->active->entry[i];
		a->readers = count[i].readers;
		a->writers = count[i].writers;
		if (!a->writers && !a->readers)
			desk_grant_unmark(&dom->grant[i],
					  GTF_reading | GTF_writing);
		else if (!a->writers)
			desk_grant_unmark(&dom->grant[i], GTF_writing);
	}
	lock_drop(dom);
	free(count);
}

void desk_grant_recount_timer(struct desk_timer *t)
{
	desk_grant_recount(desk_container(t, struct desk_domain, recount));
}

/* ---- withdrawing ------------------------------------------------------- */

bool desk_grant_withdraw(struct desk_domain *dom, uint32_t first,
			 uint32_t pages)
{
	const struct desk_active_entry *a;
	uint32_t gfn;
	bool all = true;
	unsigned i;

	if (dom->recount.set || !lock_try(dom))
		return false;
	for (i = 0; i < DESK_GRANT_ENTRIES; i++) {
		a = &dom->active->entry[i];
		if (a->readers || a->writers) {
			if (a->gfn >= first && a->gfn - first < pages)
				all = false;
			continue;
		}
		gfn = __atomic_load_n(&dom->grant[i].frame, __ATOMIC_RELAXED);
		if (__atomic_load_n(&dom->grant[i].head, __ATOMIC_RELAXED) &&
		    gfn >= first && gfn - first < pages)
			__atomic_store_n(&dom->grant[i].head, 0,
					 __ATOMIC_RELEASE);
	}
	lock_drop(dom);
	return all;
}

bool desk_grant_retire(struct desk_domain *dom)
{
	const struct desk_active_entry *a;
	bool mapped = false;
	unsigned i;

	if (dom->recount.set || !lock_try(dom))
		return false;
	for (i = 0; i < DESK_GRANT_ENTRIES && !mapped; i++) {
		a = &dom->active->entry[i];
		mapped = a->readers || a->writers;
	}
	if (!mapped)
		dom->active->dead = 1;
	lock_drop(dom);
	return !mapped;
}

/* ---- looking ----------------------------------------------------------- */

uint32_t desk_grant_count(const struct desk_domain *dom)
{
	uint32_t n = 0, head;
	unsigned i;

	for (i = 0; dom->grant && i < DESK_GRANT_ENTRIES; i++) {
		head = __atomic_load_n(&dom->grant[i].head, __ATOMIC_RELAXED);
		n += (head & GTF_type_mask) == GTF_permit_access;
	}
	return n;
}

uint32_t desk_grant_count_mappings(const struct desk *d,
				   const struct desk_domain *of)
{
	const struct desk_conn *c;
	const struct desk_table *t;
	uint32_t n = 0;
	unsigned i;

	LIST_FOREACH(c, &d->conns, link)
		LIST_FOREACH(t, &c->table, link)
			for (i = 0; i < DESK_TRACK_ENTRIES; i++)
				n += t->entry[i].flags & DESK_TRACK_USED &&
				     (!of || t->entry[i].domid == of->domid);
	return n;
}

void desk_grant_tally(const struct desk_domain *dom, struct desk_tally *sum)
{
	const struct desk_tally *t;

	if (!dom->active)
		return;
	t = &dom->active->tally;
	sum->map_calls += __atomic_load_n(&t->map_calls, __ATOMIC_RELAXED);
	sum->unmap_calls += __atomic_load_n(&t->unmap_calls, __ATOMIC_RELAXED);
	sum->copy_calls += __atomic_load_n(&t->copy_calls, __ATOMIC_RELAXED);
	sum->pages_mapped +=
		__atomic_load_n(&t->pages_mapped, __ATOMIC_RELAXED);
	sum->pages_writable +=
		__atomic_load_n(&t->pages_writable, __ATOMIC_RELAXED);
	sum->pages_unmapped +=
		__atomic_load_n(&t->pages_unmapped, __ATOMIC_RELAXED);
	sum->pages_copied +=
		__atomic_load_n(&t->pages_copied, __ATOMIC_RELAXED);
}
