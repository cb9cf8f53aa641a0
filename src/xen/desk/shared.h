/* SPDX-License-Identifier: MIT */
/*
 * Memory that the desk, a guest and those who map its grants share.
 *
 *   memory        the guest's pages, gfn 0 first
 *   grant table   struct grant_entry_v1 of xen/grant_table.h, written by
 *                 the guest; mappers set GTF_reading and GTF_writing in it
 *   active        what the hypervisor keeps beside it: how often each entry
 *                 is mapped, under the lock that maps and unmaps take
 *   maptrack      which pages one handle has mapped: one table for each open
 *                 handle of a mapper, so that the desk can undo what a killed
 *                 process left behind
 *
 * On Xen the hypervisor does all this in one hypercall.  Here the mapper
 * does it in its own process, so that the path of every request needs no
 * message: mappers are therefore trusted with the pin counts (they run as
 * the user who runs the desk), the guest is trusted with nothing.
 *
 * The memfds have a fixed size and are sealed: a guest that could shrink its
 * memory would kill its mappers by SIGBUS.
 */
#ifndef XEN_DESK_SHARED_H
#define XEN_DESK_SHARED_H

#include <pthread.h>
#include <stdint.h>

#include "xen/desk/control.h"

#define DESK_GRANT_ENTRIES 65536u
#define DESK_GRANT_FIRST   8u /* 0 to 7 are reserved, as in Linux */
/* Half of what the kernel lets a process have of mappings. */
#define DESK_TRACK_ENTRIES 32768u
/* The last ones are for what a batch of copies has pinned. */
#define DESK_TRACK_COPIES 64u

/* One entry of the grant table: two words, of which the first is atomic. */
struct desk_grant_entry {
	uint32_t head;	/* flags in the low half, domid in the high half */
	uint32_t frame; /* gfn */
};

#define DESK_GRANT_HEAD(flags, domid)                                          \
	((uint32_t)(flags) | (uint32_t)(domid) << 16)
#define DESK_GRANT_FLAGS(head) ((uint16_t)((head)&0xffffu))
#define DESK_GRANT_DOMID(head) ((uint16_t)((head) >> 16))

/*
 * Take marks (GTF_reading, GTF_writing) out of an entry.  Only these bits:
 * the guest writes the same word at any time.
 */
static inline void desk_grant_unmark(struct desk_grant_entry *e, uint16_t marks)
{
	__atomic_fetch_and(&e->head, ~DESK_GRANT_HEAD(marks, 0),
			   __ATOMIC_RELEASE);
}

/*
 * An entry that is mapped: page and mapper as they were when it was first
 * mapped; the guest's later changes to the entry count no more.
 */
struct desk_active_entry {
	uint32_t gfn;
	uint16_t domid;
	uint16_t pad;
	uint32_t readers; /* read-only mappings */
	uint32_t writers; /* writable ones */
};

struct desk_active {
	pthread_mutex_t lock;	 /* process-shared and robust */
	uint32_t dead;		 /* the domain is gone: open it anew */
	struct desk_tally tally; /* changed under the lock, too */
	struct desk_active_entry entry[DESK_GRANT_ENTRIES];
};

/*
 * One mapped page; the index in the table is the page's place in the
 * handle's window of addresses (window.h).  Changed only under the lock of the
 * domain.
 */
struct desk_track {
	uint32_t gref;
	uint16_t domid;
	uint16_t flags; /* DESK_TRACK_*; 0 is a free entry */
};

#define DESK_TRACK_USED	 1u
#define DESK_TRACK_WRITE 2u

#define DESK_GRANT_BYTES  (DESK_GRANT_ENTRIES * sizeof(struct desk_grant_entry))
#define DESK_ACTIVE_BYTES sizeof(struct desk_active)
#define DESK_TRACK_BYTES  (DESK_TRACK_ENTRIES * sizeof(struct desk_track))

#endif
