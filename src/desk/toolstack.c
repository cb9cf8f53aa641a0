/* SPDX-License-Identifier: MIT */
#include "desk/toolstack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "desk/domain.h"
#include "desk/evtchn.h"
#include "desk/grant.h"

#define STEP_NS	    20000000u
#define PATIENCE_NS 10000000000u
#define PATH_BYTES  256u

/* States of xenbus that matter here. */
#define INITIALISING "1"
#define CLOSING	     "5"
#define CLOSED	     "6"

/* A disk that is being taken away. */
struct desk_removal {
	LIST_ENTRY(desk_removal) link;
	uint16_t domid;	  /* the frontend's */
	uint16_t backend; /* the backend's */
	uint64_t until_ns;
	char devid[16];
};

static void frontend_path(char out[PATH_BYTES], uint16_t domid,
			  const char *devid, const char *key)
{
	snprintf(out, PATH_BYTES, "/local/domain/%u/device/vbd/%s%s%s", domid,
		 devid, key[0] ? "/" : "", key);
}

static void backend_path(char out[PATH_BYTES], const struct desk_removal *r,
			 const char *key)
{
	snprintf(out, PATH_BYTES, "/local/domain/%u/backend/vbd/%u/%s%s%s",
		 r->backend, r->domid, r->devid, key[0] ? "/" : "", key);
}

static bool frontend_closed(struct desk *d, uint16_t domid, const char *devid)
{
	char path[PATH_BYTES], state[8];

	frontend_path(path, domid, devid, "state");
	if (store_read(d->store, path, state, sizeof(state)))
		return false;
	return !strcmp(state, INITIALISING) || !strcmp(state, CLOSED);
}

/* Does this process hold the port that the frontend named under `key`? */
static bool holds_port(const struct desk_conn *c, const char *devid,
		       const char *key)
{
	char path[PATH_BYTES], text[16];
	const struct desk_port *p;
	uint64_t port;

	frontend_path(path, c->domain->domid, devid, key);
	if (store_read(c->desk->store, path, text, sizeof(text)) ||
	    number_parse(text, 1, DESK_PORT_MAX, &port))
		return false;
	p = c->domain->port[port];
	return p && p->conn == c;
}

static void removal_start(struct desk_conn *c, uint16_t backend,
			  const char *devid)
{
	struct desk *d = c->desk;
	struct desk_removal *r;
	char path[PATH_BYTES], state[8];

	LIST_FOREACH(r, &d->removals, link)
		if (r->domid == c->domain->domid && r->backend == backend &&
		    !strcmp(r->devid, devid))
			return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->domid = c->domain->domid;
	r->backend = backend;
	r->until_ns = clock_now_ns() + PATIENCE_NS;
	snprintf(r->devid, sizeof(r->devid), "%s", devid);
	LIST_INSERT_HEAD(&d->removals, r, link);
	log_info("the frontend of domain %u is gone without closing disk %s: "
		 "removing the disk",
		 r->domid, r->devid);
	backend_path(path, r, "online");
	store_write(d->store, path, "0");
	backend_path(path, r, "state");
	if (store_read(d->store, path, state, sizeof(state)) ||
	    strcmp(state, CLOSED))
		store_write(d->store, path, CLOSING);
}

/* The disks of the domain with one backend, by the backend's directory. */
static void look_at_backend(struct desk_conn *c, uint16_t backend, bool last)
{
	uint16_t domid = c->domain->domid;
	const struct store_node *dir;
	char path[PATH_BYTES], (*devid)[16];
	unsigned i, n = 0;

	snprintf(path, sizeof(path), "/local/domain/%u/backend/vbd/%u", backend,
		 domid);
	dir = store_tree_find(&c->desk->store->tree, path);
	if (!dir || !dir->children)
		return;
	/* Writing changes the tree: take the names first. */
	devid = calloc(dir->children, sizeof(*devid));
	for (i = 0; devid && i < dir->children; i++)
		if (strlen(dir->child[i]->name) < sizeof(*devid))
			strcpy(devid[n++], dir->child[i]->name);
	for (i = 0; i < n; i++) {
		if (frontend_closed(c->desk, domid, devid[i]))
			continue;
		if (last || holds_port(c, devid[i], "event-channel") ||
		    holds_port(c, devid[i], "queue-0/event-channel"))
			removal_start(c, backend, devid[i]);
	}
	free(devid);
}

void desk_toolstack_process_gone(struct desk_conn *c)
{
	bool last = c->domain->conns == 1;
	struct desk *d = c->desk;
	struct desk_removal *r;
	struct desk_domain *dom;

	if (!c->domain->domid || c->domain->dying || d->ending)
		return;
	LIST_FOREACH(dom, &d->domains, link)
		look_at_backend(c, dom->domid, last);
	if (!last)
		return;
	LIST_FOREACH(r, &d->removals, link)
		if (r->domid == c->domain->domid)
			c->domain->dying = true;
	if (c->domain->dying) {
		log_info("domain %u dies", c->domain->domid);
		store_domain_find(d->store, c->domain->domid)->introduced =
			false;
		store_released(d->store);
	}
}

/* Remove a node, and parents that are empty then, as libxl does. */
static void clean_up(struct desk *d, char *path)
{
	const struct store_node *dir;

	do {
		store_remove(d->store, path);
		*strrchr(path, '/') = 0;
		dir = path[0] ? store_tree_find(&d->store->tree, path) : NULL;
	} while (path[0] && (!dir || !dir->children));
}

static void removal_finish(struct desk *d, struct desk_removal *r)
{
	char path[PATH_BYTES];

	backend_path(path, r, "");
	clean_up(d, path);
	frontend_path(path, r->domid, r->devid, "");
	clean_up(d, path);
	LIST_REMOVE(r, link);
	free(r);
}

/* The backend is done with the disk, or there is nobody to wait for. */
static bool removal_ready(struct desk *d, const struct desk_removal *r)
{
	struct desk_domain *backend = desk_domain_find(d, r->backend);
	char path[PATH_BYTES], state[8];

	backend_path(path, r, "state");
	if (store_read(d->store, path, state, sizeof(state)) ||
	    !strcmp(state, CLOSED))
		return true;
	if (!backend || !backend->conns)
		return true;
	if (clock_now_ns() < r->until_ns)
		return false;
	log_warn("the backend in domain %u does not close disk %s of domain "
		 "%u: its directories are removed all the same",
		 r->backend, r->devid, r->domid);
	return true;
}

static void domain_step(struct desk_domain *dom)
{
	struct desk *d = dom->desk;
	char path[PATH_BYTES];
	struct desk_removal *r;

	LIST_FOREACH(r, &d->removals, link)
		if (r->domid == dom->domid)
			return;
	snprintf(path, sizeof(path), "/local/domain/%u", dom->domid);
	store_remove(d->store, path);
	if (dom->conns || !desk_grant_retire(dom))
		return;
	log_info("domain %u is gone", dom->domid);
	desk_domain_free(dom);
}

void desk_toolstack_step(struct desk *d)
{
	struct desk_removal *r, *next;
	struct desk_domain *dom, *next_dom;
	bool waiting = false;

	for (r = LIST_FIRST(&d->removals); r; r = next) {
		next = LIST_NEXT(r, link);
		if (removal_ready(d, r))
			removal_finish(d, r);
	}
	for (dom = LIST_FIRST(&d->domains); dom; dom = next_dom) {
		next_dom = LIST_NEXT(dom, link);
		if (dom->dying)
			domain_step(dom);
	}
	LIST_FOREACH(dom, &d->domains, link)
		waiting |= dom->dying || desk_domain_pages_reclaim(dom);
	if (waiting || !LIST_EMPTY(&d->removals))
		desk_loop_timer_set(&d->loop, &d->toolstack, STEP_NS);
}

void desk_toolstack_timer(struct desk_timer *t)
{
	desk_toolstack_step(desk_container(t, struct desk, toolstack));
}

void desk_toolstack_drop(struct desk *d)
{
	struct desk_removal *r;

	desk_loop_timer_stop(&d->toolstack);
	while ((r = LIST_FIRST(&d->removals))) {
		LIST_REMOVE(r, link);
		free(r);
	}
}
