/* SPDX-License-Identifier: MIT */
/* What each message of the store's protocol means. */
#ifndef DESK_STORE_REQUEST_H
#define DESK_STORE_REQUEST_H

#include "desk/store/wire.h"

/* Do what c->hdr and c->payload ask, and answer. */
void store_request_run(struct store_conn *c);

/* Drop the connection's watches and transactions (RESET_WATCHES, close). */
void store_request_forget(struct store_conn *c);

#endif
