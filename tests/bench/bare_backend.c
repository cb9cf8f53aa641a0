/* SPDX-License-Identifier: MIT */
/*
 * bare_backend DOMID DEVID IMAGE: the least that serves a guest's disk on Xen,
 * to be compared with: one ring of one page, direct reads and writes, grants
 * kept mapped, each request served by one preadv() or pwritev() and answered
 * by itself; no checks, no events.  For a frontend that is trusted and has not
 * begun.  Ends when it is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/io/blkif.h>

#include "xen/xen.h"

/* What the macros of xen/io/ring.h want. */
#define mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#define GREFS 65536u

static struct xs_handle *store;
static char own[128], peer[128];
static xengnttab_handle *gnttab;
static void *kept[GREFS];
static uint32_t domid;
static int image;

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bare_backend: %s: %s\n", what, strerror(errno));
	exit(1);
}

__attribute__((format(printf, 2, 3))) static void
key_write(const char *key, const char *fmt, ...)
{
	char path[200], value[64];
	va_list ap;

	snprintf(path, sizeof(path), "%s/%s", own, key);
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	check(xs_write(store, XBT_NULL, path, value, (unsigned)strlen(value)),
	      path);
}

/* A number of the frontend's, or `missing`. */
static unsigned long peer_number(const char *key, unsigned long missing)
{
	char path[200], *value;
	unsigned long n = missing;
	unsigned len;

	snprintf(path, sizeof(path), "%s/%s", peer, key);
	value = xs_read(store, XBT_NULL, path, &len);
	if (value)
		n = strtoul(value, NULL, 10);
	free(value);
	return n;
}

/* What xen-blkback may have offered already goes. */
static void offer(void)
{
	static const char *const none[] = { "feature-max-indirect-segments",
					    "max-ring-page-order",
					    "max-ring-pages",
					    "multi-queue-max-queues",
					    "feature-discard",
					    "feature-barrier",
					    "feature-flush-cache" };
	char path[200];
	size_t i;

	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", own, none[i]);
		xs_rm(store, XBT_NULL, path);
	}
	key_write("feature-persistent", "1");
	key_write("state", "2");
	puts("offered");
	fflush(stdout);
}

static void *page_of(uint32_t gref)
{
	check(gref < GREFS, "a gref");
	if (!kept[gref])
		kept[gref] = xengnttab_map_grant_ref(gnttab, domid, gref,
						     PROT_READ | PROT_WRITE);
	check(kept[gref] != NULL, "a grant could not be mapped");
	return kept[gref];
}

static int serve(const blkif_request_t *q)
{
	struct iovec iov[BLKIF_MAX_SEGMENTS_PER_REQUEST];
	off_t at = (off_t)q->sector_number * 512;
	ssize_t len = 0;
	unsigned i;

	if (q->operation != BLKIF_OP_READ && q->operation != BLKIF_OP_WRITE)
		return BLKIF_RSP_EOPNOTSUPP;
	for (i = 0; i < q->nr_segments; i++) {
		const struct blkif_request_segment *s = &q->seg[i];

		iov[i].iov_base =
			(char *)page_of(s->gref) + s->first_sect * 512;
		iov[i].iov_len = (s->last_sect - s->first_sect + 1u) * 512;
		len += (ssize_t)iov[i].iov_len;
	}
	if (q->operation == BLKIF_OP_READ)
		return preadv(image, iov, (int)i, at) == len ? BLKIF_RSP_OKAY
							     : BLKIF_RSP_ERROR;
	return pwritev(image, iov, (int)i, at) == len ? BLKIF_RSP_OKAY
						      : BLKIF_RSP_ERROR;
}

static void run(blkif_back_ring_t *ring, xenevtchn_handle *evtchn, int port)
{
	int more, notify;

	for (;;) {
		check(xenevtchn_pending(evtchn) == port, "a notification");
		check(!xenevtchn_unmask(evtchn, (evtchn_port_t)port), "unmask");
		do {
			while (RING_HAS_UNCONSUMED_REQUESTS(ring)) {
				blkif_request_t q = *RING_GET_REQUEST(
					ring, ring->req_cons);
				blkif_response_t *p;

				ring->req_cons++;
				p = RING_GET_RESPONSE(ring, ring->rsp_prod_pvt);
				p->id = q.id;
				p->operation = q.operation;
				p->status = (int16_t)serve(&q);
				ring->rsp_prod_pvt++;
				RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(ring,
								     notify);
				if (notify)
					xenevtchn_notify(evtchn,
							 (evtchn_port_t)port);
			}
			RING_FINAL_CHECK_FOR_REQUESTS(ring, more);
		} while (more);
	}
}

int main(int argc, char **argv)
{
	xenevtchn_handle *evtchn;
	blkif_back_ring_t ring;
	struct xen_host *host;
	struct why why;
	struct stat st;
	void *page;
	int port;

	if (argc != 4) {
		fputs("usage: bare_backend DOMID DEVID IMAGE\n", stderr);
		return 2;
	}
	domid = (uint32_t)atoi(argv[1]);
	snprintf(own, sizeof(own), "/local/domain/0/backend/vbd/%s/%s", argv[1],
		 argv[2]);
	snprintf(peer, sizeof(peer), "/local/domain/%s/device/vbd/%s", argv[1],
		 argv[2]);
	image = open(argv[3], O_RDWR);
	check(image >= 0 && !fstat(image, &st), argv[3]);
	store = xs_open(0);
	gnttab = xengnttab_open(NULL, 0);
	evtchn = xenevtchn_open(NULL, 0);
	check(store && gnttab && evtchn, "Xen");
	if (xen_host_open("xen", 0, &host, &why) ||
	    host->ops->claim(host, (uint16_t)domid,
			     (uint32_t)strtoul(argv[2], NULL, 10), &why) < 0) {
		fprintf(stderr, "bare_backend: %s\n", why.text);
		return 1;
	}
	offer();
	while (peer_number("state", 0) < 3)
		usleep(10000);
	page = xengnttab_map_grant_ref(gnttab, domid,
				       (uint32_t)peer_number("ring-ref", 0),
				       PROT_READ | PROT_WRITE);
	check(page != NULL, "the ring");
	BACK_RING_INIT(&ring, (blkif_sring_t *)page, XEN_PAGE_SIZE);
	port = xenevtchn_bind_interdomain(
		evtchn, domid, (evtchn_port_t)peer_number("event-channel", 0));
	check(port >= 0, "the event channel");
	key_write("sectors", "%lld", (long long)st.st_size / 512);
	key_write("sector-size", "512");
	key_write("info", "0");
	key_write("state", "4");
	run(&ring, evtchn, port);
}
