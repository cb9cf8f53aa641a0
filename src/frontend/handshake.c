/* SPDX-License-Identifier: MIT */
#include "frontend/handshake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "frontend/settle.h"
#include "frontend/store.h"

/* The operator is told of a wait that is longer than this. */
#define TELL_MS 2000u

#define BIT(state) (1u << (state))

/* ---- waiting --------------------------------------------------------------
 */

/*
 * Run the loop until the backend's state is one of `states`.  -EINTR when
 * the owner is asked to stop meanwhile.
 */
static int handshake_wait(struct front_device *d, unsigned states,
			  unsigned timeout_ms, const char *what,
			  struct why *why)
{
	struct front_guest *g = d->guest;
	unsigned interrupts = g->interrupts;
	uint64_t start_ns = clock_now_ns();
	bool told = false;

	asleep_begin(&g->backend);
	while (!(states & BIT(d->peer))) {
		uint64_t ms = (clock_now_ns() - start_ns) / 1000000;
		enum asleep how;

		if (g->interrupts != interrupts)
			return why_set(why, -EINTR,
				       "stopped while the backend of %s was "
				       "to reach %s",
				       d->name, what);
		how = asleep_look(&g->backend);
		if (how != ASLEEP_NO)
			return why_set(why, -ETIMEDOUT,
				       "the backend of %s did not reach %s, "
				       "and %s: %s has %s",
				       d->name, what, asleep_words(how),
				       d->backend, front_state_name(d->peer));
		if (ms >= timeout_ms)
			return why_set(why, -ETIMEDOUT,
				       "the backend of %s did not reach %s "
				       "within %g s: %s has %s; is ringsided "
				       "running?",
				       d->name, what, timeout_ms / 1000.0,
				       d->backend, front_state_name(d->peer));
		if (ms >= TELL_MS && !told) {
			log_info("%s: waiting for the backend to reach %s; it "
				 "has %s",
				 d->name, what, front_state_name(d->peer));
			told = true;
		}
		if (front_guest_step(g, (int)(timeout_ms - ms)) == -ECONNRESET)
			return front_guest_gone(g, why);
	}
	return 0;
}

/* ---- finding the disk -----------------------------------------------------
 */

static int find_backend(struct front_device *d, struct why *why)
{
	char *text = front_store_read(d, d->path, "backend");
	int len;

	if (!text && errno == ENOENT)
		return why_set(why, -ENOENT,
			       "domain %u has no disk %s: nothing stands at "
			       "%s; attach one with `ringside attach`",
			       d->guest->domid, d->name, d->path);
	if (!text)
		return why_set(why, -errno, "cannot read %s/backend: %s",
			       d->path, strerror(errno));
	len = snprintf(d->backend, sizeof(d->backend), "%s", text);
	free(text);
	if (len <= 0 || (size_t)len >= sizeof(d->backend))
		return why_set(why, -EINVAL,
			       "%s/backend names no directory of a backend",
			       d->path);
	return 0;
}

static int find_backend_id(struct front_device *d, struct why *why)
{
	char *text = front_store_read(d, d->path, "backend-id");
	uint64_t id = 0;
	int err = text ? number_parse(text, 0, 32751, &id) : -ENOENT;

	free(text);
	if (err)
		return why_set(why, -EINVAL,
			       "%s/backend-id is absent or no domain's number",
			       d->path);
	d->backend_id = (uint16_t)id;
	return 0;
}

int front_handshake_find(struct front_device *d, struct why *why)
{
	struct xen_host *h = d->guest->host;
	char path[FRONT_PATH_MAX + 8];
	int err = find_backend(d, why);

	if (!err)
		err = find_backend_id(d, why);
	if (err)
		return err;
	/* Nothing depends on it; blkfront reads it, so a trace shows it. */
	free(front_store_read(d, d->path, "virtual-device"));
	d->own = front_store_own(d);

	snprintf(path, sizeof(path), "%s/state", d->backend);
	snprintf(d->token, sizeof(d->token), "front-%u", d->devid);
	err = front_guest_result(d->guest,
				 h->ops->store.watch(h, path, d->token));
	if (err)
		return why_set(why, err, "cannot watch %s: %s", path,
			       strerror(-err));
	d->watched = true;
	front_store_look(d);
	return 0;
}

void front_handshake_forget(struct front_device *d)
{
	struct xen_host *h = d->guest->host;
	char path[FRONT_PATH_MAX + 8];

	if (!d->watched)
		return;
	snprintf(path, sizeof(path), "%s/state", d->backend);
	h->ops->store.unwatch(h, path, d->token);
	d->watched = false;
}

/* ---- there ----------------------------------------------------------------
 */

int front_handshake_reset(struct front_device *d, struct why *why)
{
	int err;

	if (d->own == XENBUS_INITIALISING)
		return 0;
	/* Closed is how every orderly end leaves it. */
	if (d->own != XENBUS_CLOSED)
		log_info("%s: an earlier frontend left %s behind; starting "
			 "over",
			 d->name, front_state_name(d->own));
	/* A backend that was connected must let go first. */
	if (d->peer != XENBUS_INITIALISING && d->peer != XENBUS_UNKNOWN) {
		err = front_handshake_leave(d, d->timeout_ms, why);
		if (err)
			return err;
	}
	return front_store_switch(d, XENBUS_INITIALISING, why);
}

int front_handshake_connect(struct front_device *d,
			    const struct front_device_options *opt,
			    struct why *why)
{
	int err = handshake_wait(d, BIT(XENBUS_INIT_WAIT), d->timeout_ms,
				 "InitWait (2)", why);

	if (!err)
		err = front_settle_limits(d, &opt->transport, why);
	if (!err)
		err = front_settle_share(d, opt, why);
	if (!err)
		err = front_store_switch(d, XENBUS_INITIALISED, why);
	if (!err)
		err = handshake_wait(
			d,
			BIT(XENBUS_CONNECTED) | BIT(XENBUS_CLOSING) |
				BIT(XENBUS_CLOSED) | BIT(XENBUS_UNKNOWN),
			d->timeout_ms, "Connected (4)", why);
	if (err)
		return err;
	if (d->peer != XENBUS_CONNECTED)
		return why_set(why, -ECONNREFUSED,
			       "the backend of %s did not take the connection: "
			       "%s has %s; the log of ringsided and the store "
			       "under error/ say why",
			       d->name, d->backend, front_state_name(d->peer));
	err = front_settle_geometry(d, &opt->transport, why);
	if (!err)
		err = front_settle_features(d, &opt->transport, why);
	if (!err)
		err = front_store_switch(d, XENBUS_CONNECTED, why);
	return err;
}

/* ---- and back -------------------------------------------------------------
 */

int front_handshake_leave(struct front_device *d, unsigned timeout_ms,
			  struct why *why)
{
	/* A directory that is gone has no state to wait for. */
	const unsigned gone = BIT(XENBUS_CLOSED) | BIT(XENBUS_UNKNOWN);
	int err = 0;

	if (d->own != XENBUS_CLOSED || !(gone & BIT(d->peer))) {
		err = front_store_switch(d, XENBUS_CLOSING, why);
		if (!err)
			err = handshake_wait(d, BIT(XENBUS_CLOSING) | gone,
					     timeout_ms, "Closing (5)", why);
	}
	if (err && err != -ETIMEDOUT && err != -EINTR)
		return err;
	/* Also where the backend is silent: state 6 is the truth about us. */
	if (err) {
		front_store_switch(d, XENBUS_CLOSED, NULL);
		return err;
	}
	err = front_store_switch(d, XENBUS_CLOSED, why);
	if (!err)
		err = handshake_wait(d, gone, timeout_ms, "Closed (6)", why);
	return err;
}
