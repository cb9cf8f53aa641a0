/* SPDX-License-Identifier: MIT */
#include "xen/desk/guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/grant_table.h>

#include "xen/desk/host.h"

/* An entry that is taken but grants nothing yet: no flag, this domid. */
#define CLAIMED DESK_GRANT_HEAD(0, 0x7ff4u) /* DOMID_INVALID */

struct desk_guest {
	struct desk_host *host;
	pthread_mutex_t lock;
	uint8_t *memory;
	uint64_t pages;
	struct desk_grant_entry *grant;
	uint8_t *free;	 /* one byte a page: 1 if it is ours and free */
	uint64_t hint;	 /* below it there is no free page */
	uint32_t *spare; /* grefs that were ended, the last one on top */
	uint32_t spares;
	uint32_t fresh; /* grefs from here on were not tried yet */
};

int desk_guest_open(struct desk_host *h, uint64_t mem_bytes, int memory_fd,
		    int grant_fd)
{
	const int prot = PROT_READ | PROT_WRITE;
	struct desk_guest *g = calloc(1, sizeof(*g));
	int err = -ENOMEM;

	if (!g)
		goto out;
	g->host = h;
	g->pages = mem_bytes / XEN_PAGE_SIZE;
	g->fresh = DESK_GRANT_FIRST;
	pthread_mutex_init(&g->lock, NULL);
	g->memory = mmap(NULL, mem_bytes, prot, MAP_SHARED, memory_fd, 0);
	g->grant = mmap(NULL, DESK_GRANT_BYTES, prot, MAP_SHARED, grant_fd, 0);
	g->free = calloc(g->pages, 1);
	g->spare = malloc(DESK_GRANT_ENTRIES * sizeof(*g->spare));
	h->guest = g; /* the host frees it, in whatever state */
	if (g->memory != MAP_FAILED && g->grant != MAP_FAILED && g->free &&
	    g->spare)
		err = 0;
out:
	if (memory_fd >= 0)
		close(memory_fd);
	if (grant_fd >= 0)
		close(grant_fd);
	return err;
}

void desk_guest_close(struct desk_guest *g)
{
	if (!g)
		return;
	if (g->memory != MAP_FAILED)
		munmap(g->memory, g->pages * XEN_PAGE_SIZE);
	if (g->grant != MAP_FAILED)
		munmap(g->grant, DESK_GRANT_BYTES);
	free(g->free);
	free(g->spare);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static struct desk_guest *guest_of(struct xen_host *h)
{
	return strcmp(h->ops->name, "desk") ? NULL : desk_host_of(h)->guest;
}

void *desk_guest_memory(struct xen_host *h, size_t *pages)
{
	struct desk_guest *g = guest_of(h);

	if (!g)
		return NULL;
	*pages = g->pages;
	return g->memory;
}

/* ---- pages ------------------------------------------------------------- */

/* First page of `count` free ones in a row, or -1. */
static int64_t run_find(struct desk_guest *g, unsigned count)
{
	uint64_t i, run = 0;

	for (i = g->hint; i < g->pages; i++) {
		run = g->free[i] ? run + 1 : 0;
		if (run == count)
			return (int64_t)(i + 1 - count);
	}
	return -1;
}

/* More memory of the domain's for this process. */
static int pages_take(struct desk_guest *g, unsigned count)
{
	struct desk_wire_request q = { .magic = DESK_WIRE_MAGIC,
				       .op = DESK_WIRE_PAGES_TAKE,
				       .arg = count };
	uint64_t chunks =
		((uint64_t)count + DESK_CHUNK_PAGES - 1) / DESK_CHUNK_PAGES;
	struct desk_wire_reply reply;
	int err;

	err = desk_link_call(&g->host->link, &q, &reply, NULL, 0);
	if (err)
		return err;
	if (reply.value + chunks * DESK_CHUNK_PAGES > g->pages)
		return -EPROTO;
	memset(g->free + reply.value, 1, chunks * DESK_CHUNK_PAGES);
	if (reply.value < g->hint)
		g->hint = reply.value;
	return 0;
}

void *desk_guest_alloc(struct xen_host *h, unsigned count)
{
	struct desk_guest *g = guest_of(h);
	uint8_t *addr = NULL;
	int64_t at;

	if (!g || !count)
		return NULL;
	pthread_mutex_lock(&g->lock);
	at = run_find(g, count);
	if (at < 0 && pages_take(g, count) == 0)
		at = run_find(g, count);
	if (at >= 0) {
		memset(g->free + at, 0, count);
		if ((uint64_t)at == g->hint)
			g->hint += count;
		addr = g->memory + (uint64_t)at * XEN_PAGE_SIZE;
	}
	pthread_mutex_unlock(&g->lock);
	if (addr)
		memset(addr, 0, (size_t)count * XEN_PAGE_SIZE);
	return addr;
}

void desk_guest_free(struct xen_host *h, void *addr, unsigned count)
{
	struct desk_guest *g = guest_of(h);
	uint64_t at;

	if (!g || !addr)
		return;
	at = (uint64_t)((uint8_t *)addr - g->memory) / XEN_PAGE_SIZE;
	pthread_mutex_lock(&g->lock);
	memset(g->free + at, 1, count);
	if (at < g->hint)
		g->hint = at;
	pthread_mutex_unlock(&g->lock);
}

/* ---- grants ------------------------------------------------------------ */

/* Other processes of the domain take entries from the same table. */
static bool claim(struct desk_guest *g, uint32_t gref)
{
	uint32_t none = 0;

	return __atomic_compare_exchange_n(&g->grant[gref].head, &none, CLAIMED,
					   false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static int64_t gref_take(struct desk_guest *g)
{
	uint32_t gref;

	while (g->spares) {
		gref = g->spare[--g->spares];
		if (claim(g, gref))
			return gref;
	}
	while (g->fresh < DESK_GRANT_ENTRIES) {
		gref = g->fresh++;
		if (claim(g, gref))
			return gref;
	}
	/* What other processes gave back was passed over: once more. */
	for (gref = DESK_GRANT_FIRST; gref < DESK_GRANT_ENTRIES; gref++)
		if (claim(g, gref))
			return gref;
	return -1;
}

static void entry_write(struct desk_guest *g, uint32_t gref, uint16_t domid,
			const void *addr, bool readonly)
{
	uint16_t flags = GTF_permit_access | (readonly ? GTF_readonly : 0);
	size_t off = (size_t)((const uint8_t *)addr - g->memory);

	/* The frame stands before anybody may look at it. */
	__atomic_store_n(&g->grant[gref].frame, (uint32_t)(off / XEN_PAGE_SIZE),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&g->grant[gref].head, DESK_GRANT_HEAD(flags, domid),
			 __ATOMIC_RELEASE);
}

/* The entry becomes `to`, unless it is mapped. */
static int entry_end(struct desk_guest *g, uint32_t gref, uint32_t to)
{
	uint32_t head;

	if (gref < DESK_GRANT_FIRST || gref >= DESK_GRANT_ENTRIES)
		return -EINVAL;
	head = __atomic_load_n(&g->grant[gref].head, __ATOMIC_ACQUIRE);
	do {
		if ((DESK_GRANT_FLAGS(head) & GTF_type_mask) !=
		    GTF_permit_access)
			return -EINVAL;
		if (DESK_GRANT_FLAGS(head) & (GTF_reading | GTF_writing))
			return -EBUSY;
	} while (!__atomic_compare_exchange_n(&g->grant[gref].head, &head, to,
					      false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return 0;
}

int desk_guest_grant(struct xen_host *h, uint16_t domid, const void *addr,
		     bool readonly)
{
	struct desk_guest *g = guest_of(h);
	int64_t gref;

	if (!g)
		return -EINVAL;
	pthread_mutex_lock(&g->lock);
	gref = gref_take(g);
	pthread_mutex_unlock(&g->lock);
	if (gref < 0)
		return -ENOSPC;
	entry_write(g, (uint32_t)gref, domid, addr, readonly);
	return (int)gref;
}

int desk_guest_regrant(struct xen_host *h, uint32_t gref, uint16_t domid,
		       const void *addr, bool readonly)
{
	struct desk_guest *g = guest_of(h);
	int err = g ? entry_end(g, gref, CLAIMED) : -EINVAL;

	if (!err)
		entry_write(g, gref, domid, addr, readonly);
	return err;
}

int desk_guest_grant_end(struct xen_host *h, uint32_t gref)
{
	struct desk_guest *g = guest_of(h);
	int err = g ? entry_end(g, gref, 0) : -EINVAL;

	if (err)
		return err;
	pthread_mutex_lock(&g->lock);
	if (g->spares < DESK_GRANT_ENTRIES)
		g->spare[g->spares++] = gref;
	pthread_mutex_unlock(&g->lock);
	return 0;
}
