/* SPDX-License-Identifier: MIT */
/*
 * Which connection of the guest's trace is which of the host's, and so how
 * the clocks of the two stand.
 *
 * Neither the order of connections nor an index or id tells it: either trace
 * may begin late, end early or lack events, and indices and ids come again.
 * But if one connection of each side is taken for the same, the offset of the
 * clocks follows, and with it which of the others are the same: those at the
 * same time.  Of all such beginnings the one is right by which all bounds can
 * be kept and most requests are found on both sides.
 */
#ifndef VIZ_READ_PAIR_H
#define VIZ_READ_PAIR_H

#include "viz/read/conns.h"
#include "viz/read/corridor.h"

struct pairing {
	struct corridor clock; /* "host minus guest" by the guest's time */
	uint32_t conns;	       /* that both sides have */
	/*
	 * Equal, unless the guest's trace has a domid that the host's does
	 * not know: a guest need not know its own.
	 */
	uint16_t guest_domid, host_domid;
	/* Others that fit as well; this one moves the clock least. */
	unsigned rivals;
	/* Of the guest without a partner, though another time has its like. */
	unsigned strays;
};

/*
 * 0; -ENOENT: no request is in both; -ENODATA: only one of clock.upper and
 * clock.lower has bounds; -EDOM: no two steady clocks explain them;
 * -ENOMEM.  pairing_free() in any case.
 */
int pair_find(const struct conns *guest, const struct conns *host,
	      struct pairing *out);
void pairing_free(struct pairing *p);

#endif
