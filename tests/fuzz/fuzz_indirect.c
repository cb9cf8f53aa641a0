/* SPDX-License-Identifier: MIT */
/*
 * Lists of segments in pages of a guest, through whole turns of a queue: each
 * request is accepted exactly if it keeps the rules, the storage sees what was
 * in the list when it was read and nothing that came later, no byte of the
 * guest outside the segments of a read changes, and everything is answered
 * once and given back.
 *
 * Input: a byte that chooses one of the queues below, one that says how the
 * storage behaves, one request after the other as in request_put(), and then
 * segments, with which the pages of lists are filled again and again.
 */
#include <errno.h>

#include "backend/turn.h"
#include "base/log.h"
#include "fuzz.h"
#include "guest.h"
#include "model.h"
#include "ring/front.h"

#define DISK_BYTES (1u << 20)
#define LIST_FIRST 12u /* the guest's pages from here on hold lists */
#define MOST	   4u  /* requests at a time */
#define PATTERN	   0x5a
#define SEGS_MOST  1024u

/* ---- what was asked, and what must come of it --------------------------- */

static struct asked {
	struct request_raw raw;
	struct ring_segment list[SEGS_MOST]; /* as it stood */
	unsigned segs;
	bool kept;   /* every rule is kept */
	bool listed; /* the pages of its list are there */
	bool there;  /* and those of its data */
	bool stored; /* the storage was asked */
	bool failed; /* the storage said no */
	bool answered;
} asked[MOST];
static unsigned nasked;

/* ---- the storage -------------------------------------------------------- */

static struct disk_op *has[64];
static unsigned nhas;
static bool copying;
static uint8_t manner; /* bit 0: the last comes first; bit 1: each fails */

static int storage_open(struct disk *d, unsigned depth, struct disk_queue **out,
			struct why *why)
{
	(void)d;
	(void)depth;
	(void)why;
	*out = (struct disk_queue *)has; /* anything but NULL */
	return 0;
}

static void storage_close(struct disk_queue *q)
{
	(void)q;
}

/* The pieces are those of the list, whatever stands there now (XSA-155). */
static void pieces_check(const struct asked *a, const struct disk_op *op)
{
	uint64_t sum = 0;
	unsigned i;

	fuzz_check(op->iov_count == a->segs, "as many pieces as segments");
	for (i = 0; i < op->iov_count; i++) {
		fuzz_check(op->iov[i].iov_len ==
				   model_seg_sectors(&a->list[i]) * 512u,
			   "XSA-155: a piece is as long as it was");
		sum += op->iov[i].iov_len;
	}
	fuzz_check(op->len_bytes == sum, "the length is that of the pieces");
	fuzz_check(op->off_bytes <= DISK_BYTES &&
			   sum <= DISK_BYTES - op->off_bytes,
		   "RQ-38: inside the disk");
	fuzz_check(op->off_bytes == a->raw.sector * 512, "at its place");
}

static void storage_submit(struct disk_queue *q, struct disk_op *op)
{
	struct asked *a = &asked[request_of_io(op)->id];

	(void)q;
	/* Where data is copied, a read finds out when it has the data. */
	fuzz_check(a->kept && (a->there ||
			       (copying && a->listed && a->raw.answer_op == 0)),
		   "only good requests reach the storage");
	fuzz_check(!a->stored, "and each of them once");
	fuzz_check((op->kind == DISK_READ) == (a->raw.answer_op == 0),
		   "a read is a read");
	pieces_check(a, op);
	a->stored = true;
	has[nhas++] = op;
}

static void storage_kick(struct disk_queue *q)
{
	(void)q;
}

/* One at a time; every byte of it is touched. */
static unsigned storage_reap(struct disk_queue *q, struct disk_op **done,
			     unsigned max)
{
	unsigned i, at = manner & 1 ? nhas - 1 : 0;
	volatile uint8_t sum = 0;
	struct disk_op *op;
	size_t j;

	(void)q;
	if (!nhas || !max)
		return 0;
	op = done[0] = has[at];
	memmove(has + at, has + at + 1, (--nhas - at) * sizeof(*has));
	op->error = manner & 2 ? -EIO : 0;
	asked[request_of_io(op)->id].failed = op->error;
	for (i = 0; i < op->iov_count; i++) {
		uint8_t *bytes = op->iov[i].iov_base;

		for (j = 0; j < op->iov[i].iov_len; j += 64)
			sum = (uint8_t)(sum + bytes[j]);
		if (op->kind == DISK_READ)
			memset(bytes, PATTERN, op->iov[i].iov_len);
	}
	return 1;
}

static const struct disk_ops storage_ops = {
	.queue_open = storage_open,
	.queue_close = storage_close,
	.submit = storage_submit,
	.kick = storage_kick,
	.reap = storage_reap,
};
static struct disk disk = { .ops = &storage_ops, .size_bytes = DISK_BYTES };

/* ---- queues ------------------------------------------------------------- */

/*
 * Two layouts, two ways to the pages, four kinds of disk; opened once, as
 * each is idle again after an input.
 */
static struct fuzz_queue {
	struct turn turn;
	struct ring_front front;
	uint8_t page[XEN_PAGE_SIZE] __attribute__((aligned(4096)));
	bool open;
} queue[16];
static const struct xen_evtchn_ops evtchn_ops = { .notify = guest_notify };
static struct channel channel = { .ops = &evtchn_ops };

static struct fuzz_queue *queue_at(uint8_t which)
{
	static const struct request_limits kind[] = {
		{ .indirect_segs = 256, .sector_bytes = 512 },
		{ .indirect_segs = SEGS_MOST, .sector_bytes = 512 },
		{ .indirect_segs = 600, .sector_bytes = 4096 },
		{ .indirect_segs = 32, .sector_bytes = 512, .readonly = true },
	};
	struct fuzz_queue *q = &queue[which & 15];
	struct queue_setup setup = {
		.host = &guest_host,
		.disk = &disk,
		.domid = 1,
		.abi = which & 1 ? RING_ABI_X86_32 : RING_ABI_X86_64,
		.ring_pages = 1,
		.limits = kind[which >> 2 & 3],
		.grant_path = which & 2 ? GRANT_PATH_COPY : GRANT_PATH_MAP,
	};
	const struct ev_origin ev = { .domid = 1 };

	if (q->open)
		return q;
	setup.limits.size_bytes = DISK_BYTES;
	ring_front_init(&q->front, q->page, 1, setup.abi, &ev);
	fuzz_check(!turn_open(&q->turn, &setup, NULL, &channel, q->page, NULL),
		   "memory");
	q->open = true;
	return q;
}

/* ---- requests ----------------------------------------------------------- */

static void model_fill(struct asked *a, const struct request_limits *l)
{
	unsigned i, n = a->raw.nr_segments, pages = (n + 511) / 512;

	a->kept = model_slot(&a->raw, l);
	a->listed = true;
	if (!a->kept)
		return;
	a->segs = n;
	for (i = 0; i < pages; i++) {
		unsigned here = n - i * 512 < 512 ? n - i * 512 : 512;

		if (a->raw.list_gref[i] >= GUEST_PAGES)
			a->listed = false;
		else
			memcpy(a->list + i * 512,
			       guest + a->raw.list_gref[i] * XEN_PAGE_SIZE,
			       here * sizeof(a->list[0]));
	}
	if (!a->listed)
		return; /* nobody knows what its segments are */
	a->kept = model_segs(&a->raw, a->list, n, l);
	a->there = true;
	for (i = 0; i < n; i++)
		a->there &= a->list[i].gref < GUEST_PAGES;
}

/*
 * A request of 7 bytes: operation and inner operation, number of segments,
 * sector, the first page of its list, and the high byte of the sector.
 */
static void request_put(struct fuzz_queue *q, struct fuzz_input *in)
{
	struct asked *a = &asked[nasked];
	uint8_t slot[RING_SLOT_MAX] = { RING_OP_INDIRECT };
	uint8_t what = fuzz_byte(in);
	uint16_t n = fuzz_short(in), sector = fuzz_short(in);
	uint8_t page = fuzz_byte(in), high = fuzz_byte(in), i;
	unsigned w = q->front.abi == RING_ABI_X86_64 ? 4 : 0;

	memset(a, 0, sizeof(*a));
	slot[1] = what;
	memcpy(slot + 2, &n, 2);
	slot[4 + w] = (uint8_t)nasked; /* the id */
	memcpy(slot + 12 + w, &sector, 2);
	slot[19 + w] = high;
	for (i = 0; i < RING_LIST_PAGES_MAX; i++)
		slot[24 + w + 4 * i] = (uint8_t)(page + i);
	request_decode(q->front.abi, slot, &a->raw);
	model_fill(a, &q->turn.table.limits);
	ring_front_put(&q->front, slot);
	nasked++;
}

/* A gref that is none is rare, or nothing would ever be mapped. */
static void lists_fill(const struct fuzz_input *in)
{
	struct ring_segment *list = (void *)(guest + LIST_FIRST * 4096);
	size_t i, n = in->left / sizeof(*list);

	memset(guest, 0x11, LIST_FIRST * 4096);
	memset(list, 0, GUEST_BYTES - LIST_FIRST * 4096);
	for (i = 0; n && i < 4 * RING_LIST_SEGS; i++) {
		memcpy(&list[i], in->at + i % n * sizeof(*list), sizeof(*list));
		list[i].gref %= list[i].pad & 1 ? GUEST_PAGES + 1 : GUEST_PAGES;
	}
}

/* ---- afterwards --------------------------------------------------------- */

static void answers_take(struct fuzz_queue *q)
{
	int n = ring_front_ready(&q->front);

	fuzz_check(n >= 0, "RG-21: no more responses than requests");
	while (n--) {
		struct ring_response rsp;
		struct asked *a;

		ring_front_take(&q->front, &rsp);
		fuzz_check(rsp.id < nasked, "RG-26: the id is one of ours");
		a = &asked[rsp.id];
		fuzz_check(!a->answered, "RG-25: one response");
		a->answered = true;
		fuzz_check(rsp.operation == a->raw.answer_op, "RG-27: echoed");
		if (a->kept && a->there && !a->failed)
			fuzz_check(rsp.status == RING_STATUS_OKAY && a->stored,
				   "a good request succeeds");
		else
			fuzz_check(rsp.status == RING_STATUS_ERROR ||
					   rsp.status == RING_STATUS_EOPNOTSUPP,
				   "a bad one does not");
	}
}

/* The bytes of a guest that a read was to fill. */
static void read_fill(const struct asked *a, uint8_t *bytes)
{
	unsigned i;

	for (i = 0; i < a->segs; i++)
		if (a->list[i].gref < GUEST_PAGES)
			memset(bytes + a->list[i].gref * XEN_PAGE_SIZE +
				       a->list[i].first_sect * 512,
			       PATTERN, model_seg_sectors(&a->list[i]) * 512);
}

/* Only they have changed, and where nothing failed, all of them. */
static void guest_check(const uint8_t *before)
{
	static uint8_t want[GUEST_BYTES];
	unsigned i;

	memcpy(want, before, sizeof(want));
	for (i = 0; i < nasked; i++) {
		const struct asked *a = &asked[i];

		if (!a->stored || a->raw.answer_op)
			continue;
		read_fill(a, want);
		if (!a->there || a->failed)
			read_fill(a, guest); /* whatever stands there */
	}
	fuzz_check(!memcmp(guest, want, sizeof(want)),
		   "the data of reads, and nothing else, arrived");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open("fuzz_indirect", LOG_LEVEL_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t before[GUEST_BYTES];
	struct fuzz_input in = { data, size };
	struct fuzz_queue *q = queue_at(fuzz_byte(&in));
	uint8_t n, turns = 0;

	nasked = nhas = 0;
	copying = data && size && data[0] & 2;
	manner = fuzz_byte(&in);
	n = manner >> 2 & (MOST - 1);
	/* The lists come last, but the requests need them. */
	lists_fill(&(struct fuzz_input){
		in.at + (in.left > 7u * (n + 1u) ? 7 * (n + 1) : in.left),
		in.left > 7u * (n + 1u) ? in.left - 7 * (n + 1) : 0 });
	do
		request_put(q, &in);
	while (n--);
	ring_front_push(&q->front);
	turn_run(&q->turn, true);
	/* The guest changes its mind when the lists were read. */
	memset(guest + LIST_FIRST * 4096, 0xff,
	       GUEST_BYTES - LIST_FIRST * 4096);
	memcpy(before, guest, sizeof(before));
	answers_take(q);
	while (turn_in_flight(&q->turn)) {
		fuzz_check(++turns < 100, "everything is done at last");
		turn_run(&q->turn, true);
		answers_take(q);
	}
	for (n = 0; n < nasked; n++)
		fuzz_check(asked[n].answered, "RG-25: each is answered");
	fuzz_check(!guest_maps && !q->turn.pages, "GR-46: nothing is held");
	guest_check(before);
	return 0;
}
