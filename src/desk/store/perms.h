/* SPDX-License-Identifier: MIT */
/*
 * Permissions of a node: an owner with all rights, the rights of everybody
 * not named (the first entry's), and those of the domains named after it.
 * Immutable once made, and shared by count.  Domain 0 may do everything.
 */
#ifndef DESK_STORE_PERMS_H
#define DESK_STORE_PERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PERMS_READ  1u
#define STORE_PERMS_WRITE 2u
#define STORE_PERMS_OWNER 4u
#define STORE_PERMS_ALL                                                        \
	(STORE_PERMS_READ | STORE_PERMS_WRITE | STORE_PERMS_OWNER)
/* Named a domain that did not exist: a later one of that number gains
 * nothing by it (XSA-322). */
#define STORE_PERMS_VOID 8u

struct store_perms_entry {
	uint16_t domid;
	uint8_t bits; /* STORE_PERMS_READ, STORE_PERMS_WRITE, STORE_PERMS_VOID
		       */
};

struct store_perms {
	unsigned refs;
	unsigned count; /* at least 1: the owner */
	struct store_perms_entry entry[];
};

/* All entries n0; one reference.  NULL without memory. */
struct store_perms *store_perms_new(unsigned count);
struct store_perms *store_perms_get(struct store_perms *p);
void store_perms_put(struct store_perms *p); /* NULL is fine */

/* The same, owned by another domain. */
struct store_perms *store_perms_owned_by(const struct store_perms *p,
					 uint16_t domid);

/*
 * The same without what it says of `domid`, whose name and number may come
 * back as another domain.  NULL with *same set if it says nothing.
 */
struct store_perms *store_perms_without(const struct store_perms *p,
					uint16_t domid, bool *same);

/* PERMS_* that `domid` has. */
unsigned store_perms_rights(const struct store_perms *p, uint16_t domid);

/*
 * Strings such as "b12", each with its NUL, as SET_PERMS and GET_PERMS
 * carry them.  parse: -EINVAL on anything else, -ENOMEM.
 */
int store_perms_parse(const char *text, size_t len, struct store_perms **out);
/* Bytes written, or -E2BIG. */
int store_perms_format(const struct store_perms *p, char *buf, size_t room);

#endif
