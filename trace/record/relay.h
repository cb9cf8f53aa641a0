/* SPDX-License-Identifier: MIT */
/*
 * The lttng-relayd on another machine that a recording is sent to.
 *
 * LTTng's session daemon and its consumer have connections of their own to
 * it, and tell nobody when they break.  So a recorder keeps one, too, which
 * carries nothing: where it ends, relayd or its machine has gone.
 */
#ifndef RECORD_RELAY_H
#define RECORD_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

#define RECORD_RELAY_CONTROL 5342
#define RECORD_RELAY_DATA    5343
#define RECORD_RELAY_URL     192 /* bytes of a URL, its end included */
#define RECORD_RELAY_PLACE   256

struct record_relay {
	char host[128]; /* a name or an address, without brackets */
	uint16_t control, data;
	/* Of record_relay_connect(): */
	char address[64]; /* the host's, in digits */
	bool v6;
	int fd;
};

/*
 * "HOST[:CONTROL:DATA]", where HOST is a name, an IPv4 address or an IPv6
 * address in brackets.  -EINVAL with a sentence.
 */
int record_relay_parse(const char *text, struct record_relay *relay,
		       struct why *why);

/*
 * Finds the host and sees that both ports are open, within five seconds for
 * each of its addresses.  -EHOSTUNREACH with a sentence.
 */
int record_relay_connect(struct record_relay *relay, struct why *why);

/*
 * Whether relayd is still there.  A machine that vanished without a word is
 * noticed after ten seconds or so.
 */
bool record_relay_alive(const struct record_relay *relay);

/* Where relayd puts a trace of this machine that is called `name`. */
void record_relay_place(const char *name, char place[RECORD_RELAY_PLACE]);

/* What LTTng calls the two ports; `name` is the trace's. */
void record_relay_urls(const struct record_relay *relay, const char *name,
		       char control[RECORD_RELAY_URL],
		       char data[RECORD_RELAY_URL]);

#endif
