/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <xengnttab.h>

#include "seam.h"
#include "xen/desk/guest.h"

static struct seam *s;
static const struct xen_gnttab_ops *ops;
static struct xen_gnttab *g;
static xengntshr_handle *share; /* on Xen */

/* A page of the peer's for us; NULL if it cannot be granted. */
static char *grant(bool writable, uint32_t *gref)
{
	uint16_t own = s->own->domid;
	void *page;
	int r;

	if (!s->desk)
		return xengntshr_share_pages(share, own, 1, gref, writable);
	page = desk_guest_alloc(s->peer, 1);
	r = page ? desk_guest_grant(s->peer, own, page, !writable) : -1;
	*gref = (uint32_t)r;
	return r < 0 ? NULL : page;
}

static void grant_end(char *page, uint32_t gref)
{
	if (!s->desk) {
		xengntshr_unshare(share, page, 1);
		return;
	}
	desk_guest_grant_end(s->peer, gref);
	desk_guest_free(s->peer, page, 1);
}

static struct xen_map one(const uint32_t *gref, bool writable, int16_t *status)
{
	return (struct xen_map){ .domid = s->peer->domid,
				 .writable = writable,
				 .count = 1,
				 .grefs = gref,
				 .status = status };
}

/* libxengnttab tells no reasons of a map, so it is only refused. */
static void try_map(const char *what, uint32_t gref, bool writable)
{
	int16_t status = 77;
	struct xen_map m = one(&gref, writable, &status);
	int r = ops->map(g, &m, 1);

	if (r < 0)
		say_result(what, r);
	else if (r != (m.addr == NULL) || (status != XEN_GNTST_OKAY) != r)
		say(what, "result, address and status disagree");
	else
		say(what, r ? "refused" : "mapped");
	ops->unmap(g, &m, 1);
}

static sigjmp_buf fault;

static void on_fault(int sig)
{
	siglongjmp(fault, sig);
}

static void try_write(const char *what, volatile char *p)
{
	struct sigaction act = { .sa_handler = on_fault }, segv, bus;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	if (sigsetjmp(fault, 1)) {
		say(what, "faults");
	} else {
		*p = 1;
		say(what, "works");
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
}

static void try_copy(const char *what, uint16_t domid, uint32_t gref,
		     bool to_guest, unsigned off, unsigned len)
{
	static char buf[8192] __attribute__((aligned(4096)));
	struct xen_copy c = { .local = buf,
			      .domid = domid,
			      .gref = gref,
			      .off_bytes = (uint16_t)off,
			      .len_bytes = (uint16_t)len,
			      .to_guest = to_guest };
	int r = ops->copy(g, &c, 1);
	char line[64];

	snprintf(line, sizeof(line), "status %d", c.status);
	if (r < 0)
		say_result(what, r);
	else if (r != (c.status != XEN_GNTST_OKAY))
		say(what, "result and status disagree");
	else
		say(what, c.status ? line : "copied");
}

static void maps(uint32_t rw, char *page, uint32_t ro)
{
	int16_t status[2] = { 77, 77 };
	uint32_t both[2] = { rw, 0xfffff };
	struct xen_map m[2];
	char line[64];
	int r;

	try_map("map read-write", rw, true);
	try_map("map read-only", rw, false);
	try_map("map of a read-only grant, read-write", ro, true);
	try_map("map of a read-only grant, read-only", ro, false);
	try_map("map of a grant that is not", 0xfffff, true);

	m[0] = one(&rw, true, NULL);
	m[1] = one(&rw, false, NULL);
	say_result("one grant mapped twice", ops->map(g, m, 2));
	if (m[0].addr && m[1].addr) {
		strcpy(m[0].addr, "seen");
		say("what is written in one is in the other", m[1].addr);
		say("and in the granted page", page);
		try_write("write to the read-only one", m[1].addr);
	}
	say_result("both unmapped", ops->unmap(g, m, 2));
	say_result("and again", ops->unmap(g, m, 2));

	m[0] = one(both, true, status);
	m[0].count = 2;
	r = ops->map(g, m, 1);
	snprintf(line, sizeof(line), "%d failed, first %s, second %s, %s", r,
		 status[0] ? "refused" : "okay", status[1] ? "refused" : "okay",
		 m[0].addr ? "mapped" : "not mapped");
	say("a map with one bad grant of two", line);
	ops->unmap(g, m, 1);
	m[0] = one(&both[1], true, NULL);
	m[1] = one(&both[0], true, NULL);
	r = ops->map(g, m, 2);
	snprintf(line, sizeof(line), "%d failed, first %s, second %s", r,
		 m[0].addr ? "mapped" : "not mapped",
		 m[1].addr ? "mapped" : "not mapped");
	say("two maps, one bad", line);
	ops->unmap(g, m, 2);
	m[0] = one(&rw, true, status);
	m[0].domid = 999;
	r = ops->map(g, m, 1);
	say("map of no domain", r == 1 ? "refused" : "something else");
	ops->unmap(g, m, 1);
}

void seam_grants(struct seam *seam)
{
	uint32_t rw, ro, gone;
	char *page, *page_ro, *page_gone;
	uint16_t peer;

	s = seam;
	peer = s->peer->domid;
	ops = &s->own->ops->gnttab;
	if (!s->desk)
		share = xengntshr_open(NULL, 0);
	if (ops->open(s->own, &g)) {
		say("open", "failed");
		return;
	}
	page = grant(true, &rw);
	page_ro = grant(false, &ro);
	page_gone = grant(true, &gone);
	if (!page || !page_ro || !page_gone) {
		say("grant", strerrorname_np(errno));
		return;
	}
	maps(rw, page, ro);
	try_copy("copy from it", peer, rw, false, 0, 4096);
	try_copy("copy to it", peer, rw, true, 0, 4096);
	try_copy("copy from a read-only grant", peer, ro, false, 0, 512);
	try_copy("copy to a read-only grant", peer, ro, true, 0, 512);
	try_copy("copy of a grant that is not", peer, 0xfffff, false, 0, 512);
	try_copy("copy with no domain", 999, rw, false, 0, 512);
	try_copy("copy of nothing", peer, rw, false, 0, 0);
	try_copy("copy to the page's end", peer, rw, false, 4000, 96);
	try_copy("copy over the page's end", peer, rw, false, 4000, 97);
	grant_end(page_gone, gone);
	try_map("map of a grant that was taken back", gone, true);
	try_copy("copy of one", peer, gone, false, 0, 512);
	grant_end(page, rw);
	grant_end(page_ro, ro);
	ops->close(g);
	if (share)
		xengntshr_close(share);
}
