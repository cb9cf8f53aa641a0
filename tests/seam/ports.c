/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "seam.h"

#define PATIENCE_MS 300

static const struct xen_evtchn_ops *ops;

/* Is a port of `e` pending?  It is masked then. */
static void heard(const char *what, struct xen_evtchn *e, int port)
{
	struct pollfd p = { .fd = ops->fd(e), .events = POLLIN };
	int n, got;

	n = poll(&p, 1, PATIENCE_MS);
	got = ops->pending(e);
	if (n != (got > 0))
		say(what, "poll and pending disagree");
	else if (got < 0)
		say(what, got == -EAGAIN ? "nothing" : strerrorname_np(-got));
	else
		say(what, got == port ? "yes" : "another port");
}

static void unmask(struct xen_evtchn *e, int port)
{
	ops->unmask(e, (uint32_t)port);
}

void seam_ports(struct seam *s)
{
	uint16_t own = s->own->domid, peer = s->peer->domid;
	struct xen_evtchn *a, *b;
	int pa, pb, other;

	ops = &s->own->ops->evtchn;
	if (ops->open(s->peer, &a) || ops->open(s->own, &b)) {
		say("open", "failed");
		return;
	}
	pa = ops->alloc_unbound(a, own);
	say_result("alloc", pa);
	heard("pending before anything", a, pa);
	say_result("notify while unbound", ops->notify(a, (uint32_t)pa));
	heard("and heard by itself", a, pa);
	pb = ops->bind_interdomain(b, peer, (uint32_t)pa);
	say_result("bind", pb);
	heard("the binder hears at once", b, pb);
	heard("the other one hears", a, pa);
	say_result("bind of a bound port",
		   ops->bind_interdomain(b, peer, (uint32_t)pa));
	say_result("bind of port 0", ops->bind_interdomain(b, peer, 0));
	say_result("bind of a free port", ops->bind_interdomain(b, peer, 1000));
	say_result("bind of no port",
		   ops->bind_interdomain(b, peer, 0x7fffffff));
	say_result("bind with no domain",
		   ops->bind_interdomain(b, 999, (uint32_t)pa));
	other = ops->alloc_unbound(a, 999);
	say_result("alloc for no domain", other);
	say_result("bind of another's port",
		   ops->bind_interdomain(b, peer, (uint32_t)other));
	say_result("unbind it", ops->unbind(a, (uint32_t)other));
	unmask(b, pb);
	say_result("notify", ops->notify(a, (uint32_t)pa));
	heard("heard", b, pb);
	ops->notify(a, (uint32_t)pa);
	heard("masked", b, pb);
	unmask(b, pb);
	heard("unmasked", b, pb);
	unmask(b, pb);
	heard("once only", b, pb);
	ops->notify(b, (uint32_t)pb);
	heard("the other way", a, pa);
	unmask(a, pa);
	say_result("notify on no port of ours", ops->notify(b, 1000));
	say_result("unbind of no port of ours", ops->unbind(b, 1000));
	say_result("unmask of no port of ours", ops->unmask(b, 1000));
	say_result("the binder closes", ops->unbind(b, (uint32_t)pb));
	heard("the other one hears that", a, pa);
	say_result("notify on what is unbound again",
		   ops->notify(a, (uint32_t)pa));
	pb = ops->bind_interdomain(b, peer, (uint32_t)pa);
	say_result("bind again", pb);
	heard("the binder hears at once again", b, pb);
	unmask(b, pb);
	ops->notify(b, (uint32_t)pb);
	heard("and is heard", a, pa);
	unmask(a, pa);
	say_result("the allocator closes", ops->unbind(a, (uint32_t)pa));
	heard("the binder hears that", b, pb);
	say_result("notify without a peer", ops->notify(b, (uint32_t)pb));
	pa = ops->bind_interdomain(a, own, (uint32_t)pb);
	say_result("the allocator binds the binder's", pa);
	heard("it hears at once", a, pa);
	unmask(a, pa);
	ops->notify(a, (uint32_t)pa);
	heard("the binder hears it", b, pb);
	ops->close(b);
	say_result("notify after the handle was closed",
		   ops->notify(a, (uint32_t)pa));
	ops->close(a);
}
