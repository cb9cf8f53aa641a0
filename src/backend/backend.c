/* SPDX-License-Identifier: MIT */
#include "backend/backend.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/medium.h"
#include "backend/stats.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"

#define TOKEN_BACKEND "backend"
/* A store that refused a step (a conflict, a quota) is asked again. */
#define RETRY_NS 100000000ull

struct backend {
	struct xen_host *host;
	const struct vbd_config *config;
	char root[64]; /* /local/domain/N/backend/vbd */
	struct vbd *vbds;
	int fault_fd;
	int signal_fd;
	bool stopping;
	bool hurry; /* a second signal: no more grace */
};

/* ---- discovery ---------------------------------------------------------- */

/*
 * "ROOT/DOMID/DEVID" or something below it: the numbers, and the first key
 * below ("" for the directory itself).  False for anything else.
 */
static bool path_split(const struct backend *b, const char *path,
		       uint16_t *domid, uint32_t *devid, const char **key)
{
	size_t root = strlen(b->root);
	uint64_t number;
	char part[16];
	const char *p = path + root, *end;

	if (strncmp(path, b->root, root) || *p != '/')
		return false;
	end = strchrnul(++p, '/');
	if (!*end || (size_t)(end - p) >= sizeof(part))
		return false;
	memcpy(part, p, (size_t)(end - p));
	part[end - p] = '\0';
	if (number_parse(part, 0, UINT16_MAX, &number))
		return false;
	*domid = (uint16_t)number;
	p = end + 1;
	end = strchrnul(p, '/');
	if (end == p || (size_t)(end - p) >= sizeof(part))
		return false;
	memcpy(part, p, (size_t)(end - p));
	part[end - p] = '\0';
	if (number_parse(part, 0, UINT32_MAX, &number))
		return false;
	*devid = (uint32_t)number;
	*key = *end ? end + 1 : "";
	return true;
}

static struct vbd *vbd_find(struct backend *b, uint16_t domid, uint32_t devid)
{
	struct vbd *v;

	for (v = b->vbds; v; v = v->next)
		if (v->dev.ev.domid == domid && v->dev.ev.devid == devid)
			return v;
	return NULL;
}

/* The path and token of a vbd's watch on its frontend's state. */
static void vbd_watch_name(const struct vbd *v, char *path, size_t room,
			   char token[32])
{
	snprintf(path, room, "%s/state", v->dev.frontend);
	snprintf(token, 32, "%u/%u", v->dev.ev.domid, v->dev.ev.devid);
}

static void vbd_discover(struct backend *b, uint16_t domid, uint32_t devid)
{
	char path[XENBUS_PATH_MAX + 8], token[32];
	struct why why = { "" };
	struct vbd *v;
	int err;

	if (b->stopping)
		return;
	snprintf(path, sizeof(path), "%s/%u/%u", b->root, domid, devid);
	err = vbd_open(&v, b->host, path, domid, devid, b->config, b->fault_fd,
		       &why);
	if (err) {
		if (err != -ENOENT)
			log_error("%s", why.text);
		return;
	}
	vbd_watch_name(v, path, sizeof(path), token);
	err = b->host->ops->store.watch(b->host, path, token);
	if (err) {
		log_error("domain %u device %u: cannot watch the frontend: "
			  "%s",
			  domid, devid, strerror(-err));
		vbd_free(v);
		return;
	}
	v->next = b->vbds;
	b->vbds = v;
}

/* Devices that stood in the store before we came. */
static void backend_scan(struct backend *b)
{
	const struct xen_store_ops *store = &b->host->ops->store;
	unsigned ndoms, ndevs, i, j;
	char **doms, **devs;

	doms = store->directory(b->host, 0, b->root, &ndoms);
	for (i = 0; doms && i < ndoms; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%.16s", b->root, doms[i]);
		devs = store->directory(b->host, 0, path, &ndevs);
		for (j = 0; devs && j < ndevs; j++) {
			char full[160];
			uint16_t domid;
			uint32_t devid;
			const char *key;

			snprintf(full, sizeof(full), "%s/%.16s", path, devs[j]);
			if (path_split(b, full, &domid, &devid, &key))
				vbd_discover(b, domid, devid);
		}
		free(devs);
	}
	free(doms);
}

/* ---- watches ------------------------------------------------------------ */

/* Something below backend/vbd changed. */
static void backend_changed(struct backend *b, const char *path)
{
	struct vbd *v;
	uint16_t domid;
	uint32_t devid;
	const char *key;

	if (!path_split(b, path, &domid, &devid, &key)) {
		/* A whole subtree, perhaps: everybody looks. */
		for (v = b->vbds; v; v = v->next)
			v->dirty = true;
		return;
	}
	v = vbd_find(b, domid, devid);
	if (!v) {
		vbd_discover(b, domid, devid);
		return;
	}
	/* Of our own directory only the toolstack's words matter. */
	v->params_written |= !strcmp(key, "params");
	if (!*key || !strcmp(key, "state") || !strcmp(key, "online") ||
	    !strcmp(key, "params") || features_key(key)) {
		ev_store_watch(&v->dev.ev, path, TOKEN_BACKEND);
		v->dirty = true;
	}
}

static int backend_watches(struct backend *b)
{
	char **event;
	int err;

	/* Take all there are, then let each device look once (XSA-349). */
	while (!(err = b->host->ops->store.next(b->host, &event))) {
		const char *path = event[0], *token = event[1];
		unsigned domid, devid;

		if (!strcmp(token, TOKEN_BACKEND)) {
			backend_changed(b, path);
		} else if (sscanf(token, "%u/%u", &domid, &devid) == 2) {
			struct vbd *v = vbd_find(b, (uint16_t)domid, devid);

			if (v) {
				ev_store_watch(&v->dev.ev, path, token);
				v->dirty = true;
			}
		}
		free(event);
	}
	return err == -EAGAIN ? 0 : err;
}

/* ---- the loop ----------------------------------------------------------- */

static int backend_steps(struct backend *b)
{
	struct vbd **link = &b->vbds;
	uint64_t now = clock_now_ns();

	while (*link) {
		struct vbd *v = *link;
		int err = 0;

		if (v->overdue_ns && (b->hurry || now >= v->overdue_ns)) {
			if (b->hurry)
				v->overdue_ns = 1;
			v->dirty = true;
		}
		if (v->retry_ns && now >= v->retry_ns)
			v->dirty = true;
		if (v->remove_ns && now >= v->remove_ns)
			v->dirty = true;
		if (v->claim_ns && now >= v->claim_ns)
			v->dirty = true;
		if (v->measure_ns && now >= v->measure_ns)
			medium_measure(v);
		if (v->dirty && now >= v->rest_ns) {
			err = vbd_step(v, b->stopping);
			v->retry_ns = err ? now + RETRY_NS : 0;
			/* Its own writes must not bring it back at once. */
			v->rest_ns = err == -ELOOP ? v->retry_ns : 0;
		}
		if (err == -EPIPE)
			return err; /* the store is gone */
		if (err && err != -ELOOP && log_limit_pass(&v->limit))
			log_error("domain %u device %u: the store refused, "
				  "trying again: %s",
				  v->dev.ev.domid, v->dev.ev.devid,
				  strerror(-err));
		if (v->dead) {
			char path[XENBUS_PATH_MAX + 8], token[32];
			const uint16_t domid = v->dev.ev.domid;
			const uint32_t devid = v->dev.ev.devid;
			const bool anew = v->anew;

			vbd_watch_name(v, path, sizeof(path), token);
			b->host->ops->store.unwatch(b->host, path, token);
			*link = v->next;
			vbd_free(v);
			if (anew)
				vbd_discover(b, domid, devid);
			continue;
		}
		link = &v->next;
	}
	return 0;
}

/* Milliseconds until something is due, or -1. */
static int backend_timeout(const struct backend *b)
{
	uint64_t now = clock_now_ns(), next = UINT64_MAX;
	const struct vbd *v;

	for (v = b->vbds; v; v = v->next) {
		if (v->overdue_ns && v->overdue_ns < next)
			next = v->overdue_ns;
		if (v->retry_ns && v->retry_ns < next)
			next = v->retry_ns;
		if (v->remove_ns && v->remove_ns < next)
			next = v->remove_ns;
		if (v->claim_ns && v->claim_ns < next)
			next = v->claim_ns;
		if (v->measure_ns && v->measure_ns < next)
			next = v->measure_ns;
	}
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)((next - now) / 1000000 + 1);
}

static bool backend_all_closed(const struct backend *b)
{
	const struct vbd *v;

	for (v = b->vbds; v; v = v->next)
		if (v->dev.own != XENBUS_CLOSED && !v->unclaimed)
			return false;
	return true;
}

static void backend_stop(struct backend *b)
{
	struct vbd *v;

	if (b->stopping) {
		b->hurry = true;
		return;
	}
	b->stopping = true;
	log_info("closing all devices");
	for (v = b->vbds; v; v = v->next)
		v->dirty = true;
}

static void fd_drain(int fd)
{
	uint64_t room[32];

	while (read(fd, room, sizeof(room)) > 0)
		;
}

static int backend_loop(struct backend *b, struct why *why)
{
	const struct xen_ops *ops = b->host->ops;
	struct pollfd fd[4] = {
		{ .fd = ops->store.fd(b->host), .events = POLLIN },
		{ .fd = b->fault_fd, .events = POLLIN },
		{ .fd = b->signal_fd, .events = POLLIN },
		{ .fd = xen_host_gone_fd(b->host), .events = POLLIN },
	};
	struct vbd *v;
	int err;

	for (;;) {
		err = backend_watches(b);
		if (!err)
			err = backend_steps(b);
		if (err)
			return why_set(why, err, "the store is gone: %s",
				       strerror(-err));
		if (b->stopping && backend_all_closed(b))
			return 0;
		if (poll(fd, 4, backend_timeout(b)) < 0 && errno != EINTR)
			return why_set(why, -errno, "cannot wait: %s",
				       strerror(errno));
		if (fd[3].revents)
			return why_set(why, -ECONNRESET,
				       "the host went away, "
				       "with the guests that were served");
		if (fd[2].revents) {
			fd_drain(b->signal_fd);
			backend_stop(b);
		}
		if (fd[1].revents) {
			fd_drain(b->fault_fd);
			for (v = b->vbds; v; v = v->next)
				vbd_queues_poll(v);
		}
	}
}

int backend_run(struct xen_host *host, const struct vbd_config *config,
		struct why *why)
{
	struct backend b = { .host = host, .config = config };
	sigset_t set;
	int err;

	snprintf(b.root, sizeof(b.root), "/local/domain/%u/backend/vbd",
		 host->domid);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	b.fault_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (b.fault_fd < 0 || b.signal_fd < 0) {
		err = why_set(why, -errno, "cannot make an eventfd: %s",
			      strerror(errno));
		goto out;
	}
	err = host->ops->store.watch(host, b.root, TOKEN_BACKEND);
	if (err) {
		why_set(why, err, "cannot watch %s: %s", b.root,
			strerror(-err));
		goto out;
	}
	stats_begin(config->stats_dir);
	backend_scan(&b);
	log_info("ready, serving %s on %s", b.root, host->ops->name);
	err = backend_loop(&b, why);
out:
	while (b.vbds) {
		struct vbd *v = b.vbds;

		b.vbds = v->next;
		vbd_free(v);
	}
	stats_end(config->stats_dir);
	if (b.fault_fd >= 0)
		close(b.fault_fd);
	if (b.signal_fd >= 0)
		close(b.signal_fd);
	return err;
}
