/* SPDX-License-Identifier: MIT */
/*
 * A mapper may be killed between any two lines.  The order is mark, note,
 * count; the desk, when it sees the process gone, counts anew from the notes
 * and clears the marks that nobody counts (src/desk/grant.c).
 */
#include "xen/desk/pin.h"

#include <errno.h>

#include <xen/grant_table.h>

#include "xen/xen.h"

#define RETRIES 4 /* as in Xen: a guest must not keep us here */

_Static_assert(sizeof(struct desk_grant_entry) == sizeof(struct grant_entry_v1),
	       "grant_table.h");

int desk_pin_lock(struct desk_view *v)
{
	int err = pthread_mutex_lock(&v->active->lock);

	/* Its owner was killed; the desk mends what that one left behind. */
	if (err == EOWNERDEAD)
		err = pthread_mutex_consistent(&v->active->lock);
	return err ? -EPIPE : 0;
}

void desk_pin_unlock(struct desk_view *v)
{
	pthread_mutex_unlock(&v->active->lock);
}

/* Set the marks, if the entry permits it (Xen's _set_status_v1). */
static int16_t marks_set(struct desk_grant_entry *e, uint16_t mapper,
			 bool writable, bool pinned)
{
	uint32_t head = __atomic_load_n(&e->head, __ATOMIC_ACQUIRE);
	uint16_t marks = GTF_reading | (writable ? GTF_writing : 0);
	uint16_t flags;
	int tries = 0;

	do {
		flags = DESK_GRANT_FLAGS(head);
		if (!pinned && ((flags & (GTF_type_mask | GTF_sub_page)) !=
					GTF_permit_access ||
				DESK_GRANT_DOMID(head) != mapper))
			return XEN_GNTST_GENERAL_ERROR;
		if (writable && flags & GTF_readonly)
			return XEN_GNTST_GENERAL_ERROR;
		if (tries++ > RETRIES)
			return XEN_GNTST_GENERAL_ERROR;
	} while (!__atomic_compare_exchange_n(
		&e->head, &head, head | DESK_GRANT_HEAD(marks, 0), false,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return XEN_GNTST_OKAY;
}

int16_t desk_pin(struct desk_view *v, uint16_t mapper, uint32_t gref,
		 bool writable, struct desk_track *track)
{
	struct desk_active_entry *a;
	struct desk_grant_entry *e;
	int16_t status;
	uint32_t gfn;
	bool pinned;

	if (gref >= DESK_GRANT_ENTRIES)
		return XEN_GNTST_BAD_GNTREF;
	a = &v->active->entry[gref];
	e = &v->grant[gref];
	pinned = a->readers || a->writers;
	if (pinned && a->domid != mapper)
		return XEN_GNTST_GENERAL_ERROR;
	if (!pinned || (writable && !a->writers)) {
		status = marks_set(e, mapper, writable, pinned);
		if (status)
			return status;
	}
	if (!pinned) {
		/* Once: the guest may change it right after. */
		gfn = __atomic_load_n(&e->frame, __ATOMIC_RELAXED);
		if (gfn >= v->pages) {
			desk_grant_unmark(e, GTF_reading | GTF_writing);
			return XEN_GNTST_BAD_PAGE;
		}
		a->gfn = gfn;
		a->domid = mapper;
	}
	track->gref = gref;
	track->domid = v->domid;
	__atomic_store_n(&track->flags,
			 DESK_TRACK_USED | (writable ? DESK_TRACK_WRITE : 0),
			 __ATOMIC_RELEASE);
	if (writable)
		a->writers++;
	else
		a->readers++;
	return XEN_GNTST_OKAY;
}

void desk_unpin(struct desk_view *v, uint32_t gref, bool writable,
		struct desk_track *track)
{
	struct desk_active_entry *a = &v->active->entry[gref];
	uint16_t marks = 0;

	/* Never below zero: the desk may have counted anew in between. */
	if (writable && a->writers)
		a->writers--;
	else if (!writable && a->readers)
		a->readers--;
	__atomic_store_n(&track->flags, 0, __ATOMIC_RELEASE);
	if (!a->writers)
		marks |= GTF_writing;
	if (!a->writers && !a->readers)
		marks |= GTF_reading;
	if (marks)
		desk_grant_unmark(&v->grant[gref], marks);
}
