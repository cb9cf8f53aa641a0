/* SPDX-License-Identifier: MIT */
/* XB: states, and what has to be true in them; removal is in removal_rules.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/peer.h"
#include "xen/desk/guest.h"

/* The frontend's directory, before there is one of the backend. */
static void front_first(struct peer *p)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u", p->domid);
	p->tool->ops->store.mkdir(p->tool, 0, p->front);
	p->tool->ops->store.permit(p->tool, 0, path, 0, p->domid, 'r');
	p->tool->ops->store.permit(p->tool, 0, p->front, p->domid, 0, 'r');
}

/* The frontend is at 3 before the backend is at 2. */
static void early(struct peer *p, unsigned order, unsigned queues)
{
	peer_open(p, case_domid(), 51712);
	p->order = order;
	p->queues = queues;
	rings_make(p);
	front_first(p);
	keys_write(p);
	front_state(p, 3);
	peer_attach(p, &(struct attach){ .target = "mem:4M" });
}

/* Another backend was here, and offered nothing that we would. */
static void xb_01_left(void)
{
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M", .state = "2" });
	until(back_get(&p, "max-ring-page-order"),
	      "state 2 was there before us: expected an offer of our own");
	back_wait(&p, 2);
	peer_connect(&p);
	data_check(&p.ring[0], 0, 1);
	peer_end(&p);
}

static void xb_04(void)
{
	struct peer p;

	early(&p, 0, 1);
	back_wait(&p, 4);
	front_state(&p, 4);
	data_check(&p.ring[0], 0, 3);
	peer_end(&p);

	early(&p, 1, 1);
	refused_by(&p, "XB-04");
	peer_end(&p);

	early(&p, 0, 2);
	refused_by(&p, "XB-04");
	/* Who comes again in the right order is served. */
	front_state(&p, 6);
	back_wait(&p, 6);
	rings_free(&p);
	keys_remove(&p);
	front_state(&p, 1);
	back_wait(&p, 2);
	peer_connect(&p);
	data_check(&p.ring[1], 0, 3);
	peer_end(&p);
}

static void xb_05(void)
{
	uint32_t before = ports_bound();
	struct peer p;
	unsigned i, j;

	peer_begin(&p, 51712);
	p.queues = 2;
	p.order = 1;
	rings_make(&p);
	keys_write(&p);
	front_state(&p, 3);
	back_wait(&p, 4);
	for (i = 0; i < p.queues; i++)
		for (j = 0; j < p.ring[i].pages; j++)
			same("a ring's page in state 4 to be mapped (-EBUSY)",
			     desk_guest_grant_end(p.guest, p.ring[i].gref[j]),
			     -EBUSY);
	same("ends of channels bound in state 4", ports_bound() - before, 4);
	front_state(&p, 4);
	peer_end(&p);
}

/* The backend goes from one state to another, and is seen in no third. */
static void moves(struct peer *p, int from, int to)
{
	long long seen = -1;

	until((seen = back_number(p, "state")) == to || seen != from,
	      "expected the backend to move from %d to %d, it stays", from, to);
	must(seen == to, "expected the backend to move from %d to %d, saw %lld",
	     from, to, seen);
}

static void xb_06(void)
{
	struct peer p, other;
	unsigned round;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M" });
	moves(&p, 1, 2);
	for (round = 0; round < 3; round++) {
		rings_make(&p);
		keys_write(&p);
		front_state(&p, 3);
		moves(&p, 2, 4);
		front_state(&p, 4);
		data_check(&p.ring[0], 0, (uint8_t)round);
		front_state(&p, 5);
		moves(&p, 4, 5);
		front_state(&p, 6);
		moves(&p, 5, 6);
		rings_free(&p);
		keys_remove(&p);
		front_state(&p, 1);
		moves(&p, 6, 2);
	}
	/* Without online, 6 to 1 brings nothing. */
	peer_offline(&p);
	front_state(&p, 6);
	back_wait(&p, 6);
	front_state(&p, 1);
	peer_begin(&other, 51728); /* what comes later was answered */
	same("the backend's state without online", back_number(&p, "state"), 6);
	peer_end(&other);
	peer_end(&p);
}

/* Closed, and it may come again. */
static void comes_again(struct peer *p)
{
	rings_free(p);
	keys_remove(p);
	front_state(p, 6);
	back_wait(p, 6);
	front_state(p, 1);
	back_wait(p, 2);
	peer_connect(p);
	data_check(&p->ring[0], 0, 12);
}

/* Refused: told by 5, and then it is the frontend's turn. */
static void xb_06_refused(void)
{
	struct peer p, other;

	peer_begin(&p, 51712);
	rings_make(&p);
	keys_write(&p);
	front_rm(&p, "ring-ref");
	front_state(&p, 3);
	moves(&p, 2, 5);
	peer_begin(&other, 51728); /* what comes later was answered */
	same("the backend's state while the frontend stays at 3",
	     back_number(&p, "state"), 5);
	peer_end(&other);
	front_state(&p, 6);
	moves(&p, 5, 6);
	comes_again(&p);
	peer_end(&p);
}

/* State 4, and nobody who serves it: the ring is lost. */
static void xb_06_left(void)
{
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	rings_make(&p);
	front_first(&p);
	keys_write(&p);
	front_state(&p, 4);
	peer_attach(&p, &(struct attach){ .target = "mem:4M", .state = "4" });
	moves(&p, 4, 5);
	front_state(&p, 6);
	moves(&p, 5, 6);
	comes_again(&p);
	peer_end(&p);
}

/* Somebody writes our state: what we hold is given up, not forgotten. */
static void xb_06_set_back(void)
{
	static const char *const state[] = { "1", "6" };
	uint32_t bound = ports_bound();
	struct peer p;
	unsigned i;

	peer_begin(&p, 51712);
	peer_connect(&p);
	for (i = 0; i < 2; i++) {
		back_put(&p, "state", state[i]);
		until(ports_bound() == bound && !counters_of(&p).mappings,
		      "state %s while connected: expected the channel "
		      "unbound and the ring unmapped, saw %u ends bound and "
		      "%u pages mapped",
		      state[i], ports_bound() - bound,
		      counters_of(&p).mappings);
		back_wait(&p, 6);
		comes_again(&p);
	}
	peer_end(&p);
}

/* From state 4, by what the frontend writes, to 6 or 2 at last. */
static void leave(struct peer *p, const char *state)
{
	peer_connect(p);
	data_check(&p->ring[0], 0, 9);
	if (state)
		front_put(p, "state", "%s", state);
	else
		front_rm(p, "state");
	until(back_number(p, "state") == 6 || back_number(p, "state") == 2,
	      "frontend state \"%s\": expected the backend at 6 or 2, saw %lld",
	      state ? state : "none", back_number(p, "state"));
	rings_free(p);
	keys_remove(p);
	front_state(p, 6);
	back_wait(p, 6);
	front_state(p, 1);
	back_wait(p, 2);
}

static void xb_07(void)
{
	struct peer p;

	peer_begin(&p, 51712);
	/* 1 to 4, without 3. */
	rings_make(&p);
	keys_write(&p);
	front_state(&p, 4);
	back_wait(&p, 4);
	data_check(&p.ring[0], 0, 8);
	peer_reconnect(&p);

	leave(&p, "6"); /* without 5 */
	leave(&p, "1"); /* it starts again */
	leave(&p, "0");
	leave(&p, NULL);
	leave(&p, "gone");
	leave(&p, "");

	/* States that mean nothing here change nothing. */
	peer_connect(&p);
	front_state(&p, 7);
	front_state(&p, 8);
	front_state(&p, 2);
	front_state(&p, 4);
	data_check(&p.ring[0], 0, 10);
	same("the backend's state", back_number(&p, "state"), 4);
	peer_end(&p);
}

static bool state_fired(struct peer *p)
{
	char **event;
	int err = p->guest->ops->store.next(p->guest, &event);

	if (!err)
		free(event);
	return !err;
}

/* The disk gets another size, and the first that is heard of it is the new one.
 */
static void resize(struct peer *p, const char *file, off_t bytes)
{
	while (state_fired(p))
		;
	must(!truncate(file, bytes), "cannot resize %s", file);
	until(state_fired(p), "state is not written again for a new size");
	same("sectors", back_number(p, "sectors"), bytes / 512);
	same("state", back_number(p, "state"), 4);
}

static void xb_18(void)
{
	char file[256], state[96];
	struct page page;
	struct peer p;
	struct req q;
	int fd;

	snprintf(file, sizeof(file), "%s/resize-%u", case_dir, case_domid());
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && !ftruncate(fd, 1 << 20), "cannot make %s", file);
	close(fd);
	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = file });
	peer_connect(&p);
	snprintf(state, sizeof(state), "%s/state", p.back);
	must(!p.guest->ops->store.watch(p.guest, state, "size"), "no watch");
	until(state_fired(&p), "a watch does not fire at once");

	resize(&p, file, 2 << 20);
	data_check(&p.ring[0], (2 << 11) - 8, 18);
	resize(&p, file, 1 << 20);
	page = page_new(&p, false);
	q = req_io(READ, (2 << 11) - 8, &page, 0, 7);
	refused(&p.ring[0], &q, -1, "RQ-38");
	page_free(&p, &page);
	data_check(&p.ring[0], (1 << 11) - 8, 19);
	peer_end(&p);
	unlink(file);
}

const struct conf_case handshake_rules[] = {
	{ "XB-01 another backend's state 2", xb_01_left, NULL },
	{ "XB-04 state 3 before the backend's 2", xb_04, NULL },
	{ "XB-05 state 4 means mapped and bound", xb_05, NULL },
	{ "XB-06 the order of states", xb_06, NULL },
	{ "XB-06 a broken rule closes in order", xb_06_refused, NULL },
	{ "XB-06 a dead backend's state 4", xb_06_left, NULL },
	{ "XB-06 a state that is set back", xb_06_set_back, NULL },
	{ "XB-07 states that are skipped", xb_07, NULL },
	{ "XB-18 another size", xb_18, NULL },
	{ 0 }
};
