/* SPDX-License-Identifier: MIT */
#include "backend/channel.h"

#include <errno.h>
#include <string.h>

int channel_open(struct channel *c, struct xen_host *host, uint16_t domid,
		 uint32_t remote_port, const struct ev_origin *ev,
		 const char **rule, struct why *why)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->ops = &host->ops->evtchn;
	c->ev = *ev;
	err = c->ops->open(host, &c->evtchn);
	if (err)
		return why_set(why, err, "cannot open event channels: %s",
			       strerror(-err));
	err = c->ops->bind_interdomain(c->evtchn, domid, remote_port);
	if (err < 0) {
		c->ops->close(c->evtchn);
		c->evtchn = NULL;
		if (err == -EINVAL || err == -ENOENT || err == -ESRCH)
			*rule = "XB-03";
		return why_set(why, err,
			       "cannot bind event channel %u of "
			       "domain %u: %s",
			       remote_port, domid, strerror(-err));
	}
	c->port = (uint32_t)err;
	ev_evtchn_bind(&c->ev, c->port, remote_port);
	return 0;
}

void channel_close(struct channel *c)
{
	if (!c->evtchn)
		return;
	c->ops->unbind(c->evtchn, c->port);
	ev_evtchn_unbind(&c->ev, c->port);
	c->ops->close(c->evtchn);
	c->evtchn = NULL;
}

int channel_fd(const struct channel *c)
{
	return c->ops->fd(c->evtchn);
}

int channel_take(struct channel *c)
{
	int port = c->ops->pending(c->evtchn);

	if (port == -EAGAIN)
		return 0;
	if (port < 0)
		return port;
	c->masked = true;
	c->received++;
	ev_evtchn_wakeup(&c->ev, c->port);
	return 1;
}

int channel_rearm(struct channel *c, bool worked)
{
	if (!c->masked)
		return 0;
	if (!worked) {
		c->spurious++;
		ev_evtchn_spurious(&c->ev, c->port);
	}
	c->masked = false;
	return c->ops->unmask(c->evtchn, c->port);
}

int channel_notify(struct channel *c)
{
	int err = c->ops->notify(c->evtchn, c->port);

	if (err)
		return err;
	c->sent++;
	ev_evtchn_notify(&c->ev, c->port);
	return 0;
}
