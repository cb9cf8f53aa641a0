/* SPDX-License-Identifier: MIT */
/*
 * Watches: who is told of what changed.
 *
 * A watch hears of its own path and of all below it, if its domain may read
 * the node that changed (as it is now or as it was), or that node's parent.
 * It fires once when it is set.  An event that waits unsent in a reader's
 * queue is not queued again.
 */
#ifndef DESK_STORE_WATCH_H
#define DESK_STORE_WATCH_H

#include <stddef.h>
#include <sys/queue.h>

#include "desk/store/op.h"
#include "desk/store/store.h"

struct store_watch {
	TAILQ_ENTRY(store_watch) link;
	char *path;  /* absolute, or special */
	char *token; /* after the path, in the same block */
	size_t base; /* bytes of a path that this client does not see */
};

TAILQ_HEAD(store_watch_list, store_watch);

/*
 * Tell all who watch what changed.  `old` is the tree before; `cause` is the
 * domain whose request it was, or NULL.
 */
void store_watch_fire(struct store *s, struct store_domain *cause,
		      const struct store_tree *old,
		      const struct store_changes *changes);

/* "@introduceDomain" or "@releaseDomain" to those who may hear of it. */
void store_watch_fire_special(struct store *s, const char *name,
			      const struct store_perms *perms);

/* -EEXIST, -E2BIG (quota), -ENOMEM.  Does not fire it. */
int store_watch_add(struct store_conn *c, const char *path, size_t base,
		    const char *token, struct store_watch **out);
int store_watch_remove(struct store_conn *c, const char *path,
		       const char *token);
void store_watch_remove_all(struct store_conn *c);

/* Tell `c` of `path` through `w`. */
void store_watch_tell(struct store_conn *c, const struct store_watch *w,
		      const char *path, struct store_domain *cause);

#endif
