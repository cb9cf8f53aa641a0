/* SPDX-License-Identifier: MIT */
/*
 * A frontend and a toolstack that write any strings at any time, and the
 * backend's side of the handshake as backend/vbd.c drives it, before it has
 * offered, while it waits, and while it is connected: it comes to rest, takes
 * legal steps only, writes nothing but its own keys, and believes of the
 * frontend's exactly what the rules allow.
 *
 * Input: a byte of what is offered, one of faults of the store, then lines:
 *
 *	KEY=VALUE    the frontend writes
 *	!KEY=VALUE   the toolstack writes, into the backend's directory
 *	-KEY         the frontend removes
 *	.            the backend looks (it does so at the end, too)
 */
#include "base/log.h"
#include "fuzz.h"
#include "list_store.h"
#include "xenbus/handshake.h"
#include "xenbus/negotiate.h"

#define BE    "/local/domain/0/backend/vbd/1/51712"
#define FE    "/local/domain/1/device/vbd/51712"
#define ERROR "/local/domain/0/error/backend/vbd/1/51712"

static struct xenbus_device dev;
static struct negotiate_offer offer;
static bool connected, faulted, accepted;
static const struct negotiate_disk disk = { .size_bytes = 1 << 20,
					    .sector_bytes = 512,
					    .physical_bytes = 512 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open("fuzz_handshake", LOG_LEVEL_ERROR);
	return 0;
}

/* ---- what the frontend's keys mean -------------------------------------- */

static const char *key(const char *dir, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return list_value(path);
}

/* XB-08: 0 or 1 value in *out, or -1 if it is no number from min to max. */
static int number(const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *text = key(FE, name);
	unsigned __int128 n = 0;

	if (!text)
		return 0;
	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > UINT64_MAX)
			return -1;
	}
	*out = (uint64_t)n;
	return n < min || n > max ? -1 : 1;
}

static bool model_ring(const char *prefix, unsigned order, bool given,
		       struct negotiate_ring *ring)
{
	uint64_t n = 0;
	unsigned i;
	char name[64];
	int found;

	for (i = 0; i < 1u << order; i++) {
		snprintf(name, sizeof(name),
			 order ? "%sring-ref%u" : "%sring-ref", prefix, i);
		found = number(name, 0, UINT32_MAX, &n);
		if (!found && !order && given) {
			snprintf(name, sizeof(name), "%sring-ref0", prefix);
			found = number(name, 0, UINT32_MAX, &n);
		}
		if (found != 1)
			return false;
		ring->gref[i] = (uint32_t)n;
	}
	snprintf(name, sizeof(name), "%sevent-channel", prefix);
	if (number(name, 1, UINT32_MAX, &n) != 1)
		return false;
	ring->evtchn_port = (uint32_t)n;
	return true;
}

/* XB-03, XB-08 to XB-13; false where one of them is broken. */
static bool model(struct negotiate_result *want)
{
	const char *protocol = key(FE, "protocol");
	uint64_t order = 0, queues = 1, persistent = 0;
	int given = number("ring-page-order", 0, offer.ring_order_max, &order);
	unsigned i;

	memset(want, 0, sizeof(*want));
	want->abi = NEGOTIATE_X86_32;
	if (protocol && !strcmp(protocol, "x86_64-abi"))
		want->abi = NEGOTIATE_X86_64;
	else if (protocol && strcmp(protocol, "x86_32-abi"))
		return false;
	if (given < 0 ||
	    number("multi-queue-num-queues", 1, offer.queues_max, &queues) < 0)
		return false;
	if (number("feature-persistent", 0, 1, &persistent) < 0)
		return false;
	want->ring_order = (unsigned)order;
	want->queues = (unsigned)queues;
	want->persistent = persistent && offer.persistent;
	for (i = 0; i < queues; i++) {
		char prefix[24] = "";

		if (queues > 1)
			snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		if (!model_ring(prefix, want->ring_order, given,
				&want->ring[i]))
			return false;
	}
	return true;
}

static void refusal_check(const char *rule, const struct why *why)
{
	const char *c;

	fuzz_check(!strncmp(rule, "XB-", 3) && strlen(rule) == 5,
		   "a refusal names its rule");
	fuzz_check(strnlen(why->text, sizeof(why->text)) > 10 &&
			   memchr(why->text, 0, sizeof(why->text)),
		   "a refusal is a sentence");
	for (c = why->text; *c; c++)
		fuzz_check((unsigned char)*c >= ' ' && *c != 0x7f,
			   "a frontend's words make no line of the log");
}

/* ---- what the backend may write ----------------------------------------- */

static void list_written(const char *path, const char *value)
{
	size_t len = strlen(BE);

	if (!strncmp(path, ERROR, strlen(ERROR)))
		return;
	fuzz_check(!strncmp(path, BE, len), "only keys of its own are written");
	if (strcmp(path + len, "/state"))
		return;
	switch (value[0]) {
	case '2':
		fuzz_check(key(BE, "max-ring-page-order") &&
				   key(BE, "max-ring-pages") &&
				   key(BE, "multi-queue-max-queues") &&
				   key(BE, "feature-persistent"),
			   "XB-01, XB-11: the offer stands before state 2");
		fuzz_check(!connected, "XB-06: no way from connected to 2");
		fuzz_check(!key(BE, "feature-max-indirect-segments") ==
				   !offer.indirect_segs,
			   "XB-17: indirect requests only where offered");
		fuzz_check(!key(BE, "discard-granularity") ==
				   !key(BE, "discard-alignment"),
			   "XB-16: both or none");
		break;
	case '4':
		fuzz_check(accepted, "XB-05: keys were read and taken");
		fuzz_check(key(BE, "sectors") && key(BE, "sector-size") &&
				   key(BE, "info"),
			   "XB-02: the disk stands before state 4");
		break;
	case '6':
		fuzz_check(!connected, "XB-19: nothing is held in state 6");
		break;
	default:
		fuzz_check(value[0] == '5', "XB-06: no other state is ours");
	}
}

/* ---- the backend -------------------------------------------------------- */

static int connect_run(void)
{
	struct negotiate_result got, want;
	const char *rule = NULL;
	struct why why = { "" };
	bool good = model(&want);
	unsigned reads = list_read_fails;
	int err = negotiate_read(&dev, &offer, &got, &rule, &why);

	if (reads && !list_read_fails) { /* the store failed meanwhile */
		faulted = err;
		return err;
	}
	fuzz_check(good == !err, "accepted exactly if every rule is kept");
	if (err) {
		refusal_check(rule, &why);
		faulted = true;
		return 0;
	}
	fuzz_check(!memcmp(&got.ring, &want.ring, sizeof(got.ring)),
		   "grefs and ports are what was written");
	fuzz_check(got.abi == want.abi && got.queues == want.queues &&
			   got.ring_order == want.ring_order &&
			   got.persistent == want.persistent,
		   "and so is the rest");
	accepted = true;
	err = negotiate_connected_write(&dev, &disk);
	accepted = false;
	connected = !err;
	return err;
}

static int act(enum handshake_action action)
{
	switch (action) {
	case HANDSHAKE_OFFER:
		faulted = false;
		return negotiate_offer_write(&dev, &offer);
	case HANDSHAKE_CONNECT:
		return connect_run();
	case HANDSHAKE_CLOSING:
		return xenbus_switch_with(&dev, NULL, NULL, XENBUS_CLOSING);
	case HANDSHAKE_CLOSE:
		connected = faulted = false;
		return xenbus_switch_with(&dev, NULL, NULL, XENBUS_CLOSED);
	case HANDSHAKE_REMOVE:
		return xenbus_own_remove(&dev);
	case HANDSHAKE_DESTROY:
	case HANDSHAKE_WAIT:
		break;
	}
	return 0;
}

/* True while the device lives. */
static bool look(bool overdue)
{
	unsigned i;

	for (i = 0;; i++) {
		struct handshake_view view;
		enum handshake_action action;

		fuzz_check(i < 8, "it comes to rest");
		if (xenbus_device_look(&dev))
			return true;
		fuzz_check(dev.own <= XENBUS_RECONFIGURED &&
				   dev.peer <= XENBUS_RECONFIGURED,
			   "XB-07: a state is one of those there are");
		view = (struct handshake_view){
			.own = dev.own,
			.peer = dev.peer,
			.online = dev.online,
			.gone = dev.gone,
			.connected = connected,
			.faulted = faulted,
			.overdue = overdue,
		};
		action = handshake_next(&view);
		if (action == HANDSHAKE_DESTROY)
			return false;
		if (action == HANDSHAKE_WAIT || act(action))
			return true;
	}
}

/* ---- the input ---------------------------------------------------------- */

/* The next line without its end; false if there is none. */
static bool line_take(struct fuzz_input *in, char *line, size_t room)
{
	size_t n = 0;

	if (!in->left)
		return false;
	while (in->left) {
		char c = (char)fuzz_byte(in);

		if (c == '\n')
			break;
		if (n < room - 1)
			line[n++] = c;
	}
	line[n] = 0;
	return true;
}

static void line_run(const char *line)
{
	const char *dir = line[0] == '!' ? BE : FE;
	const char *equals = strchr(line, '=');
	char path[160];

	if (line[0] == '-') {
		snprintf(path, sizeof(path), FE "/%.80s", line + 1);
		list_remove(path);
	} else if (equals) {
		line += line[0] == '!';
		snprintf(path, sizeof(path), "%s/%.*s", dir,
			 (int)(equals - line) & 63, line);
		list_set(path, equals + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t what = fuzz_byte(&in), faults = fuzz_byte(&in);
	bool alive = true;
	char line[128];

	memset(&list, 0, sizeof(list.count));
	list_conflicts = list_read_fails = 0;
	connected = faulted = accepted = false;
	offer = (struct negotiate_offer){
		.ring_order_max = what % 5,
		.queues_max = (what >> 3 & 3) + 1,
		.persistent = what & 0x20,
		.discard = what & 0x40,
		.discard_granularity = 512,
		.indirect_segs = what & 0x80 ? 256 : 0,
	};
	list_set(BE "/frontend", FE);
	list_set(BE "/frontend-id", "1");
	list_set(BE "/online", "1");
	list_set(BE "/state", "1");
	list_set(FE "/state", "1");
	fuzz_check(!xenbus_device_open(&dev, &list_host, BE, 1, 51712, NULL),
		   "a device");
	list_conflicts = faults & 3;
	list_read_fails = faults >> 2;
	while (alive && line_take(&in, line, sizeof(line))) {
		if (!strcmp(line, "."))
			alive = look(false);
		else
			line_run(line);
	}
	/* A removal does not wait for a frontend for ever. */
	if (alive)
		alive = look(false);
	list_read_fails = list_conflicts = 0;
	if (!alive || !list_set(BE "/online", "0") || !look(true))
		return 0;
	fuzz_check(dev.own == XENBUS_CLOSED && !connected,
		   "XB-19: a removal reaches state 6");
	return 0;
}
