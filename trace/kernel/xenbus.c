/* SPDX-License-Identifier: MIT */
/* The handshake, and how a ring comes and goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/kernel/state.h"

#define CONNECTED 4u

/*
 * Whose node it is: the driver's own, which the kernel knows below its own
 * domain, or the peer's.  False: no block device's.
 */
bool xenbus_device_of(const struct kstate *b, const char *path, uint16_t *domid,
		      uint32_t *devid)
{
	unsigned dom, dev;

	if (b->driver->actor == EV_ACTOR_FRONTEND) {
		dom = b->own_domid;
		if (sscanf(path, "/local/domain/%*u/backend/vbd/%u/%u", &dom,
			   &dev) != 2 &&
		    sscanf(path, "device/vbd/%u", &dev) != 1)
			return false;
	} else if (sscanf(path, "backend/vbd/%u/%u", &dom, &dev) != 2 &&
		   sscanf(path, "/local/domain/%u/device/vbd/%u", &dom, &dev) !=
			   2) {
		return false;
	}
	*domid = (uint16_t)dom;
	*devid = dev;
	return true;
}

/* It is told when it stands in the store. */
int on_state(struct kstate *b, const void *data)
{
	const struct raw_device *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);

	if (!thread)
		return -ENOMEM;
	if (raw->from != raw->to)
		thread->state = *raw;
	return 0;
}

static int state_written(struct kstate *b, struct kthr *thread,
			 const char *path, const struct ctf_event *write)
{
	const struct raw_device *raw = &thread->state;
	size_t len = strlen(raw->node);
	struct ctf_event e;

	if (!len || strncmp(path, raw->node, len) ||
	    strcmp(path + len, "/state"))
		return 0;
	e = event_of_device(EV_KIND_state_switch, write->t_ns, write->domid,
			    write->devid);
	e.value[0].number = (uint64_t)(int64_t)raw->from;
	e.value[1].number = (uint64_t)(int64_t)raw->to;
	*thread->state.node = '\0';
	return state_tell(b, &e);
}

int on_seen(struct kstate *b, const void *data)
{
	const struct raw_device *raw = data;
	struct ctf_event e;
	uint16_t domid;
	uint32_t devid;

	if (!xenbus_device_of(b, raw->node, &domid, &devid))
		return 0;
	e = event_of_device(EV_KIND_state_seen, raw->head.t_ns, domid, devid);
	e.value[0].number = (uint64_t)(int64_t)raw->to;
	return state_tell(b, &e);
}

int on_remove(struct kstate *b, const void *data)
{
	const struct raw_device *raw = data;
	struct ctf_event e;
	uint16_t domid;
	uint32_t devid;

	if (!xenbus_device_of(b, raw->node, &domid, &devid))
		return 0;
	e = event_of_device(EV_KIND_device_destroy, raw->head.t_ns, domid,
			    devid);
	e.value[0].text = raw->node;
	return state_tell(b, &e);
}

/* Nothing stands behind the directory where the node is all of the path. */
static void path_join(const struct raw_text *raw,
		      char path[RAW_DIR_MAX + RAW_NODE_MAX])
{
	snprintf(path, RAW_DIR_MAX + RAW_NODE_MAX, "%s%s%s", raw->dir,
		 *raw->dir && *raw->node ? "/" : "", raw->node);
}

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len >= n && !strcmp(path + len - n, end);
}

int on_read(struct kstate *b, const void *data)
{
	char path[RAW_DIR_MAX + RAW_NODE_MAX];
	const struct raw_text *raw = data;
	struct ctf_event e;
	uint16_t domid;
	uint32_t devid;

	path_join(raw, path);
	/* The kernel reads its own state back, also of what is gone. */
	if (!xenbus_device_of(b, path, &domid, &devid) ||
	    (*path != '/' && ends_with(path, "/state")))
		return 0;
	e = event_of_device(EV_KIND_store_read, raw->head.t_ns, domid, devid);
	e.value[0].text = path;
	e.value[1].text = raw->value;
	e.value[2].number = (uint64_t)(int64_t)raw->error;
	return state_tell(b, &e);
}

int on_write(struct kstate *b, const void *data)
{
	char path[RAW_DIR_MAX + RAW_NODE_MAX];
	const struct raw_text *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);
	struct ctf_event e;
	uint16_t domid;
	uint32_t devid;
	int err;

	if (!thread)
		return -ENOMEM;
	path_join(raw, path);
	/* The other side, if it is in this domain, writes its own nodes. */
	if (!xenbus_device_of(b, path, &domid, &devid) || *path == '/')
		return 0;
	e = event_of_device(EV_KIND_store_write, raw->head.t_ns, domid, devid);
	e.value[0].text = path;
	e.value[1].text = raw->value;
	err = state_tell(b, &e);
	return err ? err : state_written(b, thread, path, &e);
}

int on_port(struct kstate *b, const void *data)
{
	const struct raw_irq *raw = data;
	struct kirq *irq = state_irq(b, raw->irq);

	if (!irq)
		return -ENOMEM;
	irq->port = raw->number;
	return 0;
}

int on_bind(struct kstate *b, const void *data)
{
	const struct raw_irq *raw = data;
	struct kirq *irq = state_irq(b, raw->irq);

	if (!irq)
		return -ENOMEM;
	irq->remote_port = raw->number;
	return 0;
}

int on_grants(struct kstate *b, const void *data)
{
	const struct raw_grants *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);

	if (!thread)
		return -ENOMEM;
	thread->grants = *raw;
	return 0;
}

/* The pages of the ring were mapped by the same thread just before. */
int on_ring(struct kstate *b, const void *data)
{
	const struct raw_on_ring *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);
	struct kring *ring = state_ring(b, &raw->ring);
	struct kirq *irq = state_irq(b, raw->ring.irq);
	struct ctf_event e;
	uint32_t pages;
	uint16_t domid;
	uint32_t devid;
	int err;

	if (!thread || !ring || !irq)
		return -ENOMEM;
	ring->port = irq->port;
	ring->indexed = ring->started = false;
	ring->mapped = true;
	pages = thread->grants.count;
	if (!pages ||
	    !xenbus_device_of(b, thread->grants.node, &domid, &devid) ||
	    domid != ring->domid || devid != ring->devid)
		return 0;
	e = event_of_ring(EV_KIND_ring_map, raw->head.t_ns, ring);
	e.value[0].number = (uint64_t)(31 - __builtin_clz(pages));
	e.value[1].number = ring->entries;
	e.value[2].array.of = thread->grants.gref;
	e.value[2].array.count = pages;
	err = state_tell(b, &e);
	thread->grants.count = 0;
	if (err)
		return err;
	e = event_of_ring(EV_KIND_evtchn_bind, raw->head.t_ns, ring);
	e.value[0].number = irq->port;
	e.value[1].number = irq->remote_port;
	return state_tell(b, &e);
}

int on_status(struct kstate *b, const void *data)
{
	const struct raw_status *raw = data;

	if (raw->state != CONNECTED || !raw->running)
		return 0;
	for (size_t i = 0; i < b->rings; i++) {
		struct kring *ring = &b->ring[i];
		struct ctf_event e;
		int err;

		if (ring->domid != raw->domid || ring->devid != raw->devid ||
		    !ring->mapped || ring->started)
			continue;
		ring->started = true;
		e = event_of_ring(EV_KIND_queue_start, raw->head.t_ns, ring);
		e.value[0].number = ring->entries;
		err = state_tell(b, &e);
		if (err)
			return err;
	}
	return 0;
}

static int ring_end(struct kstate *b, struct kring *ring, uint64_t t_ns)
{
	struct ctf_event e = event_of_ring(EV_KIND_evtchn_unbind, t_ns, ring);
	struct kirq *irq = state_irq(b, ring->irq);
	int err;

	e.value[0].number = ring->port;
	err = state_tell(b, &e);
	if (err)
		return err;
	e = event_of_ring(EV_KIND_ring_unmap, t_ns, ring);
	e.value[0].number = ring->entries;
	if (irq)
		*irq = (struct kirq){ .irq = irq->irq };
	/* The kernel gives the irq's number to the next one who asks. */
	ring->addr = 0;
	ring->irq = ring->port = 0;
	ring->mapped = ring->started = ring->indexed = false;
	return state_tell(b, &e);
}

int on_disconnect(struct kstate *b, const void *data)
{
	const struct raw_status *raw = data;
	int err = 0;

	for (size_t i = 0; i < b->rings && !err; i++)
		if (b->ring[i].domid == raw->domid &&
		    b->ring[i].devid == raw->devid && b->ring[i].addr)
			err = ring_end(b, &b->ring[i], raw->head.t_ns);
	return err;
}
