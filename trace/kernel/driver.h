/* SPDX-License-Identifier: MIT */
/*
 * From what was seen of a driver of Linux (raw.h) to events of the catalogue:
 * each request is followed, as the driver does not say of itself which one it
 * works for.  No system call, no BPF in here.
 *
 * The kernel's own structures are known by their addresses.  What was in
 * flight when recording began has no number, and is not told.
 */
#ifndef KERNEL_DRIVER_H
#define KERNEL_DRIVER_H

#include "trace/ctf/writer.h"
#include "trace/kernel/hooks.h"
#include "trace/kernel/raw.h"

struct kstate; /* what is known of a driver (state.h) */

/* What a record means, told: 0, -ENOMEM, or what the call of an event gave. */
struct kernel_step {
	int (*on)(struct kstate *b, const void *raw);
	size_t len; /* of the record, at least */
};

enum kernel_object { OBJECT_BLKBACK, OBJECT_BLKFRONT };

struct kernel_driver {
	enum kernel_object object; /* its BPF programs */
	const char *name;
	const char *module;
	const char *where; /* to record, end of a sentence */
	enum ev_actor actor;
	/* Functions of the module, for raw_settings; NULL: none. */
	const char *address[RAW_ADDRESSES];
	const struct hook *hook;
	unsigned hooks;
	const struct kernel_step *step; /* RAW_WHAT_COUNT */
};

extern const struct kernel_driver kernel_blkback, kernel_blkfront;

/* Called with each event, in the order of time.  What is not 0 is an error. */
typedef int (*kernel_event_fn)(const struct ctf_event *event, void *user);

/* NULL: no memory. */
struct kstate *kstate_new(const struct kernel_driver *driver,
			  kernel_event_fn each, void *user);

/*
 * `raw` and `len` bytes behind it, in the order of time.  0, also where it
 * means nothing to us; -ENOMEM, or what `each` returned.
 */
int kstate_take(struct kstate *b, const struct raw_head *raw, size_t len);

/* Some are missing from here on: nothing is concluded from what was not seen.
 */
void kstate_lost(struct kstate *b);

/*
 * How many steps were seen, and not told.  Of a request during which something
 * was lost: unseen, it may have ended, and another one begun in its place.  And
 * a push or a response that came too late: the clocks of two traces are aligned
 * by its having been before what it makes possible on the other side, and told
 * later than it was it would lie.  Others are told late.
 */
uint64_t kstate_untold(const struct kstate *b);

/* NULL is nothing. */
void kstate_free(struct kstate *b);

#endif
