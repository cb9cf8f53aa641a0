/* SPDX-License-Identifier: MIT */
#include "xen/desk/control.h"

#include <errno.h>
#include <string.h>

#include "xen/desk/link.h"

static int ask(const char *dir, struct desk_wire_request *q,
	       struct desk_wire_reply *reply, struct why *why)
{
	struct desk_link link;
	int err;

	err = desk_link_open(&link, dir, 0, true, reply, NULL, why);
	if (err)
		return err;
	q->magic = DESK_WIRE_MAGIC;
	err = desk_link_call(&link, q, reply, NULL, 0);
	if (err)
		why_set(why, err, "the desk in %s refuses: %s", dir,
			strerror(-err));
	desk_link_close(&link);
	return err;
}

int desk_control_counters(const char *dir, struct desk_counters *out,
			  struct why *why)
{
	struct desk_wire_request q = { .op = DESK_WIRE_COUNTERS };
	struct desk_wire_reply reply;
	int err = ask(dir, &q, &reply, why);

	if (!err)
		*out = reply.counters;
	return err;
}

int desk_control_domain_counters(const char *dir, uint16_t domid,
				 struct desk_counters *out, struct why *why)
{
	struct desk_wire_request q = { .op = DESK_WIRE_COUNTERS,
				       .domid = domid,
				       .arg = 1 };
	struct desk_wire_reply reply;
	int err = ask(dir, &q, &reply, why);

	if (err == -ESRCH)
		why_set(why, err, "there is no domain %u on the desk in %s",
			domid, dir);
	if (!err)
		*out = reply.counters;
	return err;
}

int desk_control_domain_create(const char *dir, uint16_t domid,
			       uint64_t mem_bytes, struct why *why)
{
	struct desk_wire_request q = {
		.op = DESK_WIRE_DOMAIN_CREATE,
		.domid = domid,
		.size = mem_bytes,
	};
	struct desk_wire_reply reply;
	int err = ask(dir, &q, &reply, why);

	if (err == -EBUSY)
		why_set(why, err,
			"domain %u on the desk in %s is dying: its disks are "
			"still being closed, or somebody maps its memory",
			domid, dir);
	if (err == -EINVAL)
		why_set(why, err,
			"a domain has a number from 1 to %u and from 1 MiB to "
			"64 GiB of memory",
			DESK_DOMID_MAX);
	return err;
}

int desk_control_watchers(const char *dir, uint16_t domid, uint32_t *out,
			  struct why *why)
{
	struct desk_wire_request q = { .op = DESK_WIRE_WATCHERS,
				       .domid = domid };
	struct desk_wire_reply reply;
	int err = ask(dir, &q, &reply, why);

	if (!err)
		*out = reply.value;
	return err;
}

int desk_control_stop(const char *dir, struct why *why)
{
	struct desk_wire_request q = { .op = DESK_WIRE_STOP };
	struct desk_wire_reply reply;

	return ask(dir, &q, &reply, why);
}
