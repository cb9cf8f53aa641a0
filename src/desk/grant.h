/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's account of mapped grants, as far as the desk keeps it:
 * mappers count for themselves (src/xen/desk/gnttab.c); here it is made true
 * again when one of them died, and looked at.
 */
#ifndef DESK_GRANT_H
#define DESK_GRANT_H

#include "desk/desk.h"

/* A new maptrack table for `c`.  Its fd (for the caller to close), -errno. */
int desk_grant_table_open(struct desk_conn *c, uint32_t *id);
int desk_grant_table_close(struct desk_conn *c, uint32_t id); /* or -EINVAL */
void desk_grant_table_close_all(struct desk_conn *c);

/*
 * Count anew, from the maptrack tables that are left, how often each entry
 * of `dom` is mapped, and clear the marks of mappings that are gone.  If a
 * mapper holds the lock it is tried again a little later.
 */
void desk_grant_recount(struct desk_domain *dom);
void desk_grant_recount_timer(struct desk_timer *t);

/*
 * Withdraw all grants of these pages that nobody has mapped.  True if none
 * is left; false if some are mapped, or the lock is taken now.
 */
bool desk_grant_withdraw(struct desk_domain *dom, uint32_t first,
			 uint32_t pages);

/*
 * If nobody maps the domain: from now on nobody can, and true.  False if
 * somebody does, or the lock is taken now.
 */
bool desk_grant_retire(struct desk_domain *dom);

/*
 * Entries that permit access; pages mapped, over all tables, of all domains or
 * (`of` is not NULL) of one.
 */
uint32_t desk_grant_count(const struct desk_domain *dom);
uint32_t desk_grant_count_mappings(const struct desk *d,
				   const struct desk_domain *of);

/* Add to `sum` what was done with the domain's pages. */
void desk_grant_tally(const struct desk_domain *dom, struct desk_tally *sum);

#endif
