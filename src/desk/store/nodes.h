/* SPDX-License-Identifier: MIT */
/*
 * Requests about nodes, and what all handlers need of a request.  A handler
 * answers and returns 0, or returns -errno, which becomes the answer.
 */
#ifndef DESK_STORE_NODES_H
#define DESK_STORE_NODES_H

#include "desk/store/wire.h"

/* One request, with what most handlers need of it. */
struct store_request {
	struct store_conn *c;
	struct store *s;
	uint16_t domid;
	struct store_transaction *t; /* NULL outside */
	const char *data;	     /* ended by a NUL that is not counted */
	size_t len;
};

/* "OK", the answer of whatever has no other.  Returns 0. */
int store_request_ok(struct store_request *r);

/* The payload if it is one string with its NUL, else NULL. */
const char *store_request_string(const struct store_request *r);

/* Its first string, and what follows that one's NUL; NULL without a NUL. */
const char *store_request_first(const struct store_request *r,
				const char **rest, size_t *rest_len);

int store_do_read(struct store_request *r);
int store_do_write(struct store_request *r);
int store_do_mkdir(struct store_request *r);
int store_do_rm(struct store_request *r);
int store_do_directory(struct store_request *r);
int store_do_directory_part(struct store_request *r);
int store_do_get_perms(struct store_request *r);
int store_do_set_perms(struct store_request *r);

#endif
