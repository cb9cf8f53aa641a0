/* SPDX-License-Identifier: MIT */
/* The toolstack's and the frontend's nodes: the other half of peer.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/peer.h"

static struct xen_host *host_open(uint16_t domid)
{
	struct xen_host *h = NULL;
	struct why why = { "" };
	char spec[512];

	snprintf(spec, sizeof(spec), "desk:%s", case_dir);
	if (xen_host_open(spec, domid, &h, &why))
		fail("%s", why.text);
	return h;
}

void peer_open(struct peer *p, uint16_t domid, uint32_t devid)
{
	struct why why = { "" };
	int err;

	memset(p, 0, sizeof(*p));
	p->domid = domid;
	p->devid = devid;
	if (desk_control_domain_create(case_dir, domid, 0, &why))
		fail("%s", why.text);
	p->tool = host_open(0);
	p->guest = host_open(domid);
	err = p->guest->ops->evtchn.open(p->guest, &p->ports);
	must(!err, "no event channels: %s", strerror(-err));
	snprintf(p->front, sizeof(p->front), "/local/domain/%u/device/vbd/%u",
		 domid, devid);
	snprintf(p->back, sizeof(p->back), "/local/domain/0/backend/vbd/%u/%u",
		 domid, devid);
	snprintf(p->error, sizeof(p->error),
		 "/local/domain/0/error/backend/vbd/%u/%u", domid, devid);
	p->log = log_end();
}

static void node_put(struct xen_host *h, xen_xbt t, const char *dir,
		     const char *key, const char *value)
{
	char path[192];
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	err = h->ops->store.write(h, t, path, value);
	must(!err, "cannot write %s: %s", path, strerror(-err));
}

static void dir_make(struct xen_host *h, xen_xbt t, const char *path,
		     uint16_t owner, uint16_t reader)
{
	int err = h->ops->store.mkdir(h, t, path);

	if (!err)
		err = h->ops->store.permit(h, t, path, owner, reader, 'r');
	must(!err, "cannot make %s: %s", path, strerror(-err));
}

static void attach_write(struct peer *p, xen_xbt t, const struct attach *a)
{
	const struct {
		const char *key, *value;
	} line[] = {
		{ "frontend", p->front },
		{ "params", a->target },
		{ "script", "/etc/xen/scripts/block-ringside" },
		{ "online", "1" },
		{ "removable", "0" },
		{ "mode", a->mode ? a->mode : "w" },
		{ "device-type", a->device_type ? a->device_type : "disk" },
	};
	char id[16];
	unsigned i;

	dir_make(p->tool, t, p->back, 0, p->domid);
	for (i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		node_put(p->tool, t, p->back, line[i].key, line[i].value);
	snprintf(id, sizeof(id), "%u", p->domid);
	node_put(p->tool, t, p->back, "frontend-id", id);
	if (a->discard_enable)
		node_put(p->tool, t, p->back, "discard-enable",
			 a->discard_enable);
	for (i = 0; a->more && a->more[i]; i += 2)
		node_put(p->tool, t, p->back, a->more[i], a->more[i + 1]);
	node_put(p->tool, t, p->back, "state", a->state ? a->state : "1");
}

void peer_attach(struct peer *p, const struct attach *a)
{
	const struct xen_store_ops *s = &p->tool->ops->store;
	char path[64], *there;
	xen_xbt t;
	int err;

	snprintf(path, sizeof(path), "/local/domain/%u", p->domid);
	do {
		err = s->transaction_start(p->tool, &t);
		must(!err, "no transaction: %s", strerror(-err));
		dir_make(p->tool, t, path, 0, p->domid);
		/* A case may have written here before. */
		there = s->read(p->tool, t, p->front, NULL);
		if (!there) {
			dir_make(p->tool, t, p->front, p->domid, 0);
			node_put(p->tool, t, p->front, "backend", p->back);
			node_put(p->tool, t, p->front, "state", "1");
		}
		free(there);
		attach_write(p, t, a);
		err = s->transaction_end(p->tool, t, false);
	} while (err == -EAGAIN);
	must(!err, "cannot attach: %s", strerror(-err));
}

void peer_begin(struct peer *p, uint32_t devid)
{
	peer_open(p, case_domid(), devid);
	peer_attach(p, &(struct attach){ .target = "mem:4M" });
	back_wait(p, 2);
}

void peer_offline(struct peer *p)
{
	const struct xen_store_ops *s = &p->tool->ops->store;
	xen_xbt t;
	int err;

	do {
		err = s->transaction_start(p->tool, &t);
		must(!err, "no transaction: %s", strerror(-err));
		node_put(p->tool, t, p->back, "online", "0");
		node_put(p->tool, t, p->back, "state", "5");
		err = s->transaction_end(p->tool, t, false);
	} while (err == -EAGAIN);
}

void peer_remove(struct peer *p)
{
	const struct xen_store_ops *s = &p->tool->ops->store;

	s->rm(p->tool, 0, p->back);
	s->rm(p->tool, 0, p->front);
	s->rm(p->tool, 0, p->error);
}

void peer_shut(struct peer *p)
{
	p->guest->ops->evtchn.close(p->ports);
	xen_host_close(p->guest);
	xen_host_close(p->tool);
}

void peer_end(struct peer *p)
{
	peer_offline(p);
	until(back_number(p, "state") == 6 || back_number(p, "state") == 5,
	      "the backend does not follow to 5 or 6, it is at %lld",
	      back_number(p, "state"));
	front_state(p, 6);
	back_wait(p, 6);
	if (p->ring[0].mem)
		rings_free(p);
	peer_remove(p);
	peer_shut(p);
}

/* ---- keys ---------------------------------------------------------------- */

void front_put(struct peer *p, const char *key, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	node_put(p->guest, 0, p->front, key, value);
}

void front_rm(struct peer *p, const char *key)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", p->front, key);
	p->guest->ops->store.rm(p->guest, 0, path);
}

void front_state(struct peer *p, int state)
{
	front_put(p, "state", "%d", state);
}

static const char *tool_get(struct peer *p, const char *dir, const char *key)
{
	static char room[4][2048];
	static unsigned turn;
	char path[160], *value, *out = room[turn++ % 4];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	value = p->tool->ops->store.read(p->tool, 0, path, NULL);
	if (!value)
		return NULL;
	snprintf(out, sizeof(room[0]), "%s", value);
	free(value);
	return out;
}

const char *back_get(struct peer *p, const char *key)
{
	return tool_get(p, p->back, key);
}

long long back_number(struct peer *p, const char *key)
{
	const char *value = back_get(p, key);

	return value ? atoll(value) : -1;
}

void back_put(struct peer *p, const char *key, const char *value)
{
	node_put(p->tool, 0, p->back, key, value);
}

void back_wait(struct peer *p, int state)
{
	const char *why;

	until(back_number(p, "state") == state,
	      "expected the backend at state %d, saw %lld; its error is: %s",
	      state, back_number(p, "state"),
	      (why = tool_get(p, p->error, "error")) ? why : "none");
}

void refused_by(struct peer *p, const char *rule)
{
	const char *why = NULL;
	char words[16];

	back_wait(p, 5);
	snprintf(words, sizeof(words), "%s: ", rule);
	/* The node is written before the state. */
	why = tool_get(p, p->error, "error");
	must(why && !strncmp(why, words, strlen(words)),
	     "expected the error node to name %s, saw \"%s\"", rule,
	     why ? why : "(no node)");
}

/* ---- the desk -------------------------------------------------------------
 */

uint32_t ports_bound(void)
{
	struct desk_counters c;
	struct why why;

	if (desk_control_counters(case_dir, &c, &why))
		fail("%s", why.text);
	return c.ports_bound;
}

struct desk_counters counters_of(const struct peer *p)
{
	struct desk_counters c;
	struct why why;

	if (desk_control_domain_counters(case_dir, p->domid, &c, &why))
		fail("%s", why.text);
	return c;
}

/* ---- statistics ---------------------------------------------------------- */

#define STATS_PATH 300

static void stats_path(const struct peer *p, char path[STATS_PATH])
{
	snprintf(path, STATS_PATH, "%.200s/stats/vbd-%u-%u", case_dir, p->domid,
		 p->devid);
}

bool stats_there(const struct peer *p)
{
	char path[STATS_PATH];

	stats_path(p, path);
	return !access(path, F_OK);
}

struct stats_queue stats_of(const struct peer *p)
{
	struct stats_queue s = { 0 };
	struct stats_header h = { 0 };
	char path[STATS_PATH];
	int fd;

	stats_path(p, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0, "there are no statistics in %s", path);
	must(pread(fd, &h, sizeof(h), 0) == sizeof(h) &&
		     pread(fd, &s, sizeof(s), h.header_bytes) == sizeof(s),
	     "%s is too short", path);
	close(fd);
	return s;
}
