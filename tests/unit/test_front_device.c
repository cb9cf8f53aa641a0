/* SPDX-License-Identifier: MIT */
/*
 * A frontend's handshake and its workloads against a store and a backend in
 * the same process: the backend reacts at once to what is written, as a test
 * tells it, right or wrong.
 */
#include "tests/unit/front_rig.h"

#include <stdio.h>

#include <pthread.h>
#include <sys/socket.h>

#include "base/log.h"
#include "frontend/bridge.h"
#include "frontend/device.h"
#include "frontend/pattern.h"
#include "frontend/store.h"
#include "frontend/workload.h"

#define FRONT "/local/domain/3/device/vbd/51712"
#define BACK  "/local/domain/7/backend/vbd/3/51712"

/* ---- a store ----------------------------------------------------------------
 */

static struct node {
	char path[96];
	char value[64];
} nodes[128];

static char watch_path[96], watch_token[32];
static bool watching;
static unsigned fired;
static int fired_fd = -1;
static unsigned conflicts; /* transactions that will */
static int store_error;	   /* of everything, when set */
static char states[64];	   /* of the frontend, in the order written */

static void backend_react(const char *path);

static struct node *node_find(const char *path)
{
	for (unsigned i = 0; i < 128; i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

static void node_set(const char *path, const char *value)
{
	struct node *n = node_find(path);

	if (!n)
		n = node_find("");
	assert_non_null(n);
	snprintf(n->path, sizeof(n->path), "%s", path);
	snprintf(n->value, sizeof(n->value), "%s", value);
	if (watching && !strcmp(path, watch_path)) {
		fired++;
		(void)!write(fired_fd, &(uint64_t){ 1 }, 8);
	}
}

static void back_set(const char *key, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), BACK "/%s", key);
	node_set(path, value);
}

static const char *front_get(const char *key)
{
	char path[96];
	struct node *n;

	snprintf(path, sizeof(path), FRONT "/%s", key);
	n = node_find(path);
	return n ? n->value : NULL;
}

static void node_remove(const char *path)
{
	struct node *n = node_find(path);

	assert_non_null(n);
	n->path[0] = '\0';
	if (watching && !strcmp(path, watch_path)) {
		fired++;
		(void)!write(fired_fd, &(uint64_t){ 1 }, 8);
	}
}

static char *fake_read(struct xen_host *h, xen_xbt t, const char *path,
		       size_t *len)
{
	struct node *n = node_find(path);

	(void)h;
	(void)t;
	errno = store_error ? -store_error : ENOENT;
	if (!n || store_error)
		return NULL;
	*len = strlen(n->value);
	return strdup(n->value);
}

static int fake_write(struct xen_host *h, xen_xbt t, const char *path,
		      const char *value)
{
	(void)h;
	(void)t;
	if (store_error)
		return store_error;
	node_set(path, value);
	if (!strcmp(path, FRONT "/state"))
		strncat(states, value, sizeof(states) - strlen(states) - 1);
	backend_react(path);
	return 0;
}

/* Names of children; those below FRONT are asked for. */
static char **fake_directory(struct xen_host *h, xen_xbt t, const char *path,
			     unsigned *count)
{
	size_t len = strlen(path);
	char **names = malloc(128 * (sizeof(*names) + 96));
	char *text = (char *)(names + 128);

	(void)h;
	(void)t;
	*count = 0;
	for (unsigned i = 0; i < 128; i++) {
		const char *name = nodes[i].path + len + 1;
		unsigned n = (unsigned)strcspn(name, "/"), k;

		if (strncmp(nodes[i].path, path, len) ||
		    nodes[i].path[len] != '/')
			continue;
		snprintf(text, n + 1, "%s", name);
		for (k = 0; k < *count && strcmp(names[k], text); k++)
			;
		if (k < *count)
			continue;
		names[(*count)++] = text;
		text += n + 1;
	}
	return names;
}

/* A node with all below it. */
static int fake_rm(struct xen_host *h, xen_xbt t, const char *path)
{
	size_t len = strlen(path);
	int err = -ENOENT;

	(void)h;
	(void)t;
	for (unsigned i = 0; i < 128; i++) {
		if (strncmp(nodes[i].path, path, len) ||
		    (nodes[i].path[len] && nodes[i].path[len] != '/'))
			continue;
		nodes[i].path[0] = '\0';
		err = 0;
	}
	return err;
}

static int fake_watch(struct xen_host *h, const char *path, const char *token)
{
	(void)h;
	watching = true;
	snprintf(watch_path, sizeof(watch_path), "%s", path);
	snprintf(watch_token, sizeof(watch_token), "%s", token);
	fired++;
	(void)!write(fired_fd, &(uint64_t){ 1 }, 8);
	return 0;
}

static int fake_unwatch(struct xen_host *h, const char *path, const char *token)
{
	(void)h;
	assert_string_equal(path, watch_path);
	assert_string_equal(token, watch_token);
	watching = false;
	return 0;
}

static int fake_store_fd(struct xen_host *h)
{
	(void)h;
	return fired_fd;
}

static int fake_next(struct xen_host *h, char ***event)
{
	char **e;

	(void)h;
	(void)!read(fired_fd, &(uint64_t){ 0 }, 8);
	if (!fired)
		return -EAGAIN;
	fired--;
	e = malloc(2 * sizeof(*e) + sizeof(watch_path) + sizeof(watch_token));
	e[0] = (char *)(e + 2);
	e[1] = strcpy(e[0] + sizeof(watch_path), watch_token);
	strcpy(e[0], watch_path);
	*event = e;
	return 0;
}

static int fake_start(struct xen_host *h, xen_xbt *t)
{
	(void)h;
	*t = 1;
	return 0;
}

static int fake_end(struct xen_host *h, xen_xbt t, bool abort)
{
	(void)h;
	assert_int_equal(t, 1);
	assert_false(abort);
	return conflicts && conflicts-- ? -EAGAIN : 0;
}

static int fake_gone(struct xen_host *h)
{
	(void)h;
	return -1;
}

static const struct xen_ops fake_ops = {
	.name = "fake",
	.gone_fd = fake_gone,
	.store = {
		.read = fake_read,
		.write = fake_write,
		.rm = fake_rm,
		.directory = fake_directory,
		.watch = fake_watch,
		.unwatch = fake_unwatch,
		.fd = fake_store_fd,
		.next = fake_next,
		.transaction_start = fake_start,
		.transaction_end = fake_end,
	},
	.evtchn = FAKE_EVTCHN_OPS,
};

static struct xen_host fake_host = { .ops = &fake_ops };

int xen_host_open(const char *spec, uint16_t domid, struct xen_host **out,
		  struct why *why)
{
	(void)why;
	assert_string_equal(spec, "desk:/some/where");
	fake_host.domid = domid;
	*out = &fake_host;
	return 0;
}

void xen_host_close(struct xen_host *h)
{
	(void)h;
}

/* ---- a backend's handshake
 * ----------------------------------------------------- */

/* What a test wants of it. */
static struct {
	bool deaf;		 /* reacts to nothing */
	const char *refuse;	 /* its state instead of 4 */
	const char *without;	 /* this key is not written */
	const char *key, *value; /* this one is another */
	bool keep_mapped;	 /* the ring, beyond state 6 */
	bool idle;		 /* it maps no ring: there are several */
} want;

static unsigned ring_gref;

static void backend_connect(void)
{
	static const char *const keys[][2] = {
		{ "sectors", "2048" },
		{ "sector-size", "512" },
		{ "info", "0" },
		{ "physical-sector-size", "4096" },
		{ "feature-flush-cache", "1" },
		{ "feature-barrier", "1" },
		{ "feature-discard", "1" },
		{ "discard-granularity", "4096" },
		{ "discard-alignment", "512" },
		{ "discard-secure", "1" },
		{ "feature-persistent", "1" },
		{ "feature-max-indirect-segments", "64" },
	};
	struct ev_origin ev = { .domid = 3 };

	/* XB-03: all of it stands before state 3. */
	if (!want.idle) {
		assert_non_null(front_get("ring-ref"));
		assert_int_equal(atoi(front_get("event-channel")), TEST_PORT);
		assert_string_equal(front_get("protocol"), "x86_64-abi");
	}
	if (want.refuse) {
		back_set("state", want.refuse);
		return;
	}
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!want.without || strcmp(want.without, keys[i][0]) != 0)
			back_set(keys[i][0], keys[i][1]);
	if (want.key)
		back_set(want.key, want.value);
	if (want.idle) {
		back_set("state", "4");
		return;
	}
	ring_gref = (unsigned)atoi(front_get("ring-ref"));
	grants[ring_gref].mapped++;
	ring_back_init(&back, (void *)(uintptr_t)grants[ring_gref].page, 1,
		       RING_ABI_X86_64, &ev);
	ring_back_final_check(&back);
	back_set("state", "4");
}

static void backend_react(const char *path)
{
	if (want.deaf || strcmp(path, FRONT "/state") != 0)
		return;
	switch (atoi(front_get("state"))) {
	case 1:
		back_set("state", "2");
		break;
	case 3:
		backend_connect();
		break;
	case 5:
		back_set("state", "5");
		break;
	case 6:
		if (!want.keep_mapped)
			grants[ring_gref].mapped = 0;
		back_set("state", "6");
		break;
	default:
		break;
	}
}

/* ---- the test's own
 * ------------------------------------------------------------- */

static struct front_guest guest;
static struct front_device device;
static struct front_transport transport; /* what is wanted */
static struct why why;

static int setup(void **state)
{
	(void)state;
	log_open("test", LOG_LEVEL_ERROR);
	rig_reset();
	if (fired_fd < 0) {
		fired_fd = eventfd(0, EFD_NONBLOCK);
		port_fd = eventfd(0, EFD_NONBLOCK);
	}
	memset(nodes, 0, sizeof(nodes));
	memset(&want, 0, sizeof(want));
	memset(&transport, 0, sizeof(transport));
	watching = false;
	fired = conflicts = 0;
	store_error = 0;
	states[0] = '\0';
	why.text[0] = '\0';
	node_set(FRONT "/backend", BACK);
	node_set(FRONT "/backend-id", "7");
	node_set(FRONT "/virtual-device", "51712");
	node_set(FRONT "/state", "1");
	back_set("state", "2");
	assert_int_equal(front_guest_open(&guest, "/some/where", 3, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	front_guest_close(&guest);
	return 0;
}

static int open_within(unsigned timeout_ms)
{
	struct front_device_options opt = {
		.devid = 51712,
		.timeout_ms = timeout_ms,
		.id_seed = 1,
		.transport = transport,
	};

	return front_device_open(&device, &guest, &opt, &why);
}

static int open_device(void)
{
	return open_within(20000);
}

static void expect_why(const char *words)
{
	if (!strstr(why.text, words))
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void expect_closed(void)
{
	rig_empty();
	assert_false(watching);
	assert_int_equal(guest.ndevices, 0);
}

/* ---- the handshake
 * ---------------------------------------------------------------- */

static void test_connect_and_close(void **state)
{
	(void)state;
	assert_int_equal(open_device(), 0);
	assert_string_equal(states, "34");
	assert_int_equal(device.settled.sectors, 2048);
	assert_int_equal(device.settled.sector_bytes, 512);
	assert_int_equal(device.settled.physical_bytes, 4096);
	assert_true(device.settled.flush);
	assert_true(device.settled.barrier);
	assert_true(device.settled.discard_secure);
	assert_int_equal(device.settled.discard_granularity, 4096);
	assert_int_equal(device.settled.discard_alignment, 512);
	assert_false(device.settled.persistent); /* nobody wanted it */
	assert_int_equal(device.settled.segs_max, 11);
	assert_int_equal(device.settled.max_queues, 1);
	assert_int_equal(front_device_close(&device, &why), 0);
	assert_string_equal(states, "3456");
	expect_closed();
}

static void test_wait_for_backend(void **state)
{
	(void)state;
	want.deaf = true;
	back_set("state", "1");
	assert_int_equal(open_within(50), -ETIMEDOUT);
	expect_why("InitWait (2)");
	expect_why("Initialising (1)");
	expect_why(BACK);
	assert_string_equal(states, "");
	expect_closed();
}

static void test_wait_for_connected(void **state)
{
	(void)state;
	want.deaf = true;
	assert_int_equal(open_within(50), -ETIMEDOUT);
	expect_why("Connected (4)");
	/* It says in the store that it has given up. */
	assert_string_equal(states, "356");
	expect_closed();
}

static void test_refused(void **state)
{
	(void)state;
	want.refuse = "5";
	assert_int_equal(open_device(), -ECONNREFUSED);
	expect_why("Closing (5)");
	assert_string_equal(states, "356");
	expect_closed();
}

static void test_no_disk(void **state)
{
	(void)state;
	node_remove(FRONT "/backend");
	assert_int_equal(open_device(), -ENOENT);
	expect_why("ringside attach");
	expect_closed();
}

static void test_bad_backend_id(void **state)
{
	(void)state;
	node_set(FRONT "/backend-id", "7x");
	assert_int_equal(open_device(), -EINVAL);
	expect_why("backend-id");
	expect_closed();
}

static void test_left_connected(void **state)
{
	(void)state;
	node_set(FRONT "/state", "4");
	back_set("state", "4");
	assert_int_equal(open_device(), 0);
	assert_string_equal(states, "56134");
	assert_int_equal(front_device_close(&device, &why), 0);
	expect_closed();
}

static void test_left_closed(void **state)
{
	(void)state;
	node_set(FRONT "/state", "6");
	back_set("state", "6");
	assert_int_equal(open_device(), 0);
	assert_string_equal(states, "134");
	assert_int_equal(front_device_close(&device, &why), 0);
	/* And once more, as often as one likes. */
	assert_int_equal(open_device(), 0);
	assert_string_equal(states, "13456134");
	assert_int_equal(front_device_close(&device, &why), 0);
	expect_closed();
}

/* XB-06: from 4 the way leads over 5, even if nobody is left to see it. */
static void test_left_alone(void **state)
{
	(void)state;
	node_set(FRONT "/state", "4");
	back_set("state", "6");
	assert_int_equal(open_device(), 0);
	assert_string_equal(states, "56134");
	assert_int_equal(front_device_close(&device, &why), 0);
	expect_closed();
}

static void test_left_without_backend(void **state)
{
	(void)state;
	node_set(FRONT "/state", "3");
	back_set("state", "1");
	want.deaf = true;
	assert_int_equal(open_within(50), -ETIMEDOUT);
	assert_string_equal(states, "1");
	expect_closed();
}

static void test_conflicts(void **state)
{
	(void)state;
	conflicts = 5;
	assert_int_equal(open_device(), 0);
	assert_int_equal(front_device_close(&device, &why), 0);
	conflicts = 1000000;
	assert_int_equal(open_device(), -EAGAIN);
	expect_closed();
}

static void test_geometry(void **state)
{
	static const struct {
		const char *without, *key, *value;
		int err;
		const char *words;
	} cases[] = {
		{ "sectors", NULL, NULL, -EPROTO, "XB-02" },
		{ "sector-size", NULL, NULL, -EPROTO, "XB-02" },
		{ "info", NULL, NULL, -EPROTO, "XB-02" },
		{ NULL, "sectors", "0x800", -EPROTO, "XB-08" },
		{ NULL, "sectors", "-1", -EPROTO, "XB-08" },
		{ NULL, "sectors", "36028797018963968", -EPROTO, "XB-08" },
		{ NULL, "sectors", "", -EPROTO, "XB-08" },
		{ NULL, "feature-flush-cache", "2", -EPROTO, "XB-08" },
		{ NULL, "sector-size", "513", -EPROTO, "XB-14" },
		{ NULL, "sector-size", "256", -EPROTO, "XB-14" },
		{ NULL, "sector-size", "0", -EPROTO, "XB-14" },
		{ NULL, "physical-sector-size", "768", -EPROTO, "XB-14" },
		{ NULL, "physical-sector-size", "0", -EPROTO, "XB-14" },
		{ NULL, "sectors", "2047", -EPROTO, "XB-15" },
		{ NULL, "sector-size", "8192", -EPROTO, "XB-14" },
		{ "physical-sector-size", "sector-size", "8192", -ENOTSUP,
		  "at most 4096" },
		{ "physical-sector-size", NULL, NULL, 0, NULL },
		{ "feature-flush-cache", NULL, NULL, 0, NULL },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		want.without = cases[i].without;
		want.key = cases[i].key;
		want.value = cases[i].value;
		if (open_device() != cases[i].err)
			fail_msg("case %u: \"%s\"", i, why.text);
		if (cases[i].err) {
			expect_why(cases[i].words);
			assert_string_equal(states, "356");
		} else {
			assert_int_equal(device.settled.flush,
					 strcmp(cases[i].without,
						"feature-flush-cache") != 0);
			assert_int_equal(front_device_close(&device, &why), 0);
		}
		expect_closed();
	}
}

/* ---- what is wanted, and what is offered
 * ----------------------------------- */

static void expect_key(const char *key, const char *value)
{
	const char *is = front_get(key);

	if (!value ? is != NULL : !is || strcmp(is, value))
		fail_msg("%s is %s, not %s", key, is ? is : "absent",
			 value ? value : "absent");
}

/* XB-10, XB-12, and back to one ring of one page. */
static void test_keys(void **state)
{
	char key[40];
	unsigned i, k;

	(void)state;
	back_set("max-ring-page-order", "2");
	back_set("multi-queue-max-queues", "3");
	transport = (struct front_transport){ .ring_order = 2,
					      .queues = 3,
					      .persistent = true,
					      .abi = RING_ABI_X86_32 };
	want.idle = true;
	assert_int_equal(open_device(), 0);
	expect_key("ring-page-order", "2");
	expect_key("multi-queue-num-queues", "3");
	expect_key("protocol", "x86_32-abi");
	expect_key("feature-persistent", "1");
	expect_key("ring-ref", NULL);
	expect_key("ring-ref0", NULL);
	expect_key("event-channel", NULL);
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 5; k++) {
			snprintf(key, sizeof(key), "queue-%u/ring-ref%u", i, k);
			if (k < 4)
				assert_int_equal(atoi(front_get(key)),
						 device.queues[i].ring_gref[k]);
			else
				expect_key(key, NULL);
		}
		snprintf(key, sizeof(key), "queue-%u/event-channel", i);
		expect_key(key, "5");
		assert_int_equal(device.queues[i].ev.queue, i);
		assert_int_equal(device.queues[i].ring.entries, 128);
		assert_true(device.queues[i].persistent);
	}
	assert_int_equal(front_device_close(&device, &why), 0);

	transport.queues = 0;
	transport.persistent = false;
	assert_int_equal(open_device(), 0);
	expect_key("ring-page-order", "2");
	expect_key("multi-queue-num-queues", NULL);
	assert_int_equal(atoi(front_get("ring-ref3")),
			 device.queues[0].ring_gref[3]);
	expect_key("ring-ref", NULL);
	expect_key("queue-0/ring-ref0", NULL);
	assert_int_equal(front_device_close(&device, &why), 0);
	want.idle = false;
	transport = (struct front_transport){ 0 };
	assert_int_equal(open_device(), 0);
	expect_key("ring-page-order", NULL);
	expect_key("ring-ref0", NULL);
	expect_key("queue-0/ring-ref0", NULL);
	expect_key("virtual-device", "51712");
	assert_int_equal(front_device_close(&device, &why), 0);
	expect_closed();
}

static void test_not_offered(void **state)
{
	static const struct {
		struct front_transport t;
		const char *words, *states;
	} cases[] = {
		{ { .ring_order = 3 }, "max-ring-page-order", "" },
		{ { .queues = 3 }, "multi-queue-max-queues", "" },
		{ { .persistent = true }, "feature-persistent", "356" },
		{ { .indirect = 65, .indirect_must = true },
		  "feature-max-indirect-segments",
		  "356" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		back_set("max-ring-page-order", "2");
		back_set("multi-queue-max-queues", "2");
		want.without = "feature-persistent";
		transport = cases[i].t;
		assert_int_equal(open_device(), -EOPNOTSUPP);
		expect_why(cases[i].words);
		assert_string_equal(states, cases[i].states);
		expect_closed();
	}
	/* What nobody insists on is as much as there is. */
	setup(NULL);
	transport.indirect = 65;
	assert_int_equal(open_device(), 0);
	assert_int_equal(device.settled.segs_max, 64);
	assert_int_equal(device.queues[0].segs_max, 64);
	assert_int_equal(front_device_close(&device, &why), 0);
	setup(NULL);
	want.without = "feature-max-indirect-segments";
	transport.indirect = 65;
	assert_int_equal(open_device(), 0);
	assert_int_equal(device.settled.segs_max, 11);
	assert_int_equal(front_device_close(&device, &why), 0);
	expect_closed();
}

static void resize(const char *sectors)
{
	back_set("sectors", sectors);
	back_set("state", "4");
	front_guest_step(&guest, 0);
}

/* XB-18. */
static void test_resize(void **state)
{
	(void)state;
	assert_int_equal(open_device(), 0);
	resize("4096");
	assert_int_equal(front_device_bytes(&device), 4096 * 512);
	assert_int_equal(front_device_ended(&device, &why), 0);
	resize("4096");
	resize("1024");
	assert_int_equal(front_device_bytes(&device), 1024 * 512);
	resize("1023");
	assert_int_equal(front_device_ended(&device, &why), -EPROTO);
	expect_why("XB-15");
	assert_int_equal(front_device_close(&device, &why), -EPROTO);
	expect_closed();
}

static void test_left_mapped(void **state)
{
	(void)state;
	want.keep_mapped = true;
	assert_int_equal(open_device(), 0);
	assert_int_equal(front_device_close(&device, &why), -EPROTO);
	expect_why("XB-19");
	expect_why("1 page of xvda");
}

static void test_desk_gone(void **state)
{
	(void)state;
	assert_int_equal(open_device(), 0);
	store_error = -EPIPE;
	back_set("state", "5");
	while (!front_device_ended(&device, &why))
		front_guest_step(&guest, 100);
	assert_int_equal(device.error, -ECONNRESET);
	expect_why("desk /some/where has ended");
	assert_int_equal(front_device_close(&device, &why), -ECONNRESET);
	assert_true(guest.gone);
}

static int stop_fd = -1;

static void stop_asked(struct front_wake *wake)
{
	wake->fd = -1;
	guest.interrupts++;
}

static void test_asked_to_stop(void **state)
{
	(void)state;
	/* While the handshake waits. */
	want.deaf = true;
	stop_fd = eventfd(1, 0);
	front_guest_wake_on(&guest, stop_fd, stop_asked, NULL);
	assert_int_equal(open_device(), -EINTR);
	expect_why("stopped while");
	assert_string_equal(states, "356");
	expect_closed();
	close(stop_fd);
}

/* ---- workloads
 * ----------------------------------------------------------------------- */

/* What the disk does to the writes that it should not. */
static enum {
	DISK_GOOD,
	DISK_LOSES,
	DISK_LOSES_BARRIER,
	DISK_TRIMS_BADLY,
	DISK_SHRINKS,
	DISK_MISPLACES,
	DISK_OLD,
	DISK_ERRORS,
	DISK_SILENT,
	DISK_LEAVES,
} disk_fault;
static unsigned disk_ops; /* so far */

static void disk_serve_one(struct ring_request_x86_64 *r)
{
	bool write = r->operation == RING_OP_WRITE;

	disk_ops++;
	switch (disk_fault) {
	case DISK_LOSES:
		if (write && disk_ops == 50) {
			ring_back_respond(&back, r->id, r->operation,
					  RING_STATUS_OKAY);
			return;
		}
		break;
	case DISK_LOSES_BARRIER:
		if (r->operation == RING_OP_BARRIER && disk_ops > 50) {
			ring_back_respond(&back, r->id, r->operation,
					  RING_STATUS_OKAY);
			return;
		}
		break;
	case DISK_TRIMS_BADLY: /* the block beside it */
		if (r->operation == RING_OP_DISCARD)
			r->sector_number ^= 8;
		break;
	case DISK_SHRINKS:
		if (disk_ops == 100) {
			back_set("sectors", "1024");
			back_set("state", "4");
		}
		break;
	case DISK_MISPLACES:
		if (write && disk_ops == 50)
			r->sector_number ^= 8;
		break;
	case DISK_OLD: /* reads of the last page see it as it was */
		if (!write && r->sector_number == 0) {
			for (unsigned i = 0; i < r->nr_segments; i++)
				memset((void *)(uintptr_t)grants[r->seg[i].gref]
					       .page,
				       0, 4096);
			ring_back_respond(&back, r->id, r->operation,
					  RING_STATUS_OKAY);
			return;
		}
		break;
	case DISK_ERRORS:
		if (disk_ops % 10 == 0) {
			back_answer(r, write ? RING_STATUS_ERROR
					     : RING_STATUS_EOPNOTSUPP);
			return;
		}
		break;
	case DISK_SILENT:
		if (disk_ops > 20)
			return;
		break;
	case DISK_LEAVES:
		if (disk_ops == 20)
			back_set("state", "5");
		break;
	default:
		break;
	}
	back_answer(r, RING_STATUS_OKAY);
}

static void disk_serve(void)
{
	do {
		while (back_take()) {
			while (ntaken)
				disk_serve_one(&taken[--ntaken]);
			back_push();
		}
	} while (ring_back_final_check(&back));
}

static struct workload_options work_default(void)
{
	struct workload_options o = {
		.reads = true,
		.writes = true,
		.random = true,
		.verify = true,
		.bs_bytes = 4096,
		.depth = 16,
		.ops = 2000,
		.seed = 99,
	};

	return o;
}

/* Run to the end; the device is closed afterwards. */
static struct workload *run(const struct workload_options *o)
{
	struct workload *w = NULL;

	on_notify = disk_serve;
	disk_ops = 0;
	assert_int_equal(open_within(disk_fault == DISK_SILENT ? 300 : 20000),
			 0);
	assert_int_equal(workload_start(&device, o, &w, &why), 0);
	while (workload_step(w))
		front_guest_step(&guest, 100);
	return w;
}

static void finish(struct workload *w)
{
	front_device_close(&device, NULL);
	workload_free(w);
	expect_closed();
}

static void test_work_good(void **state)
{
	struct workload_options o = work_default();
	const struct workload_report *r;
	struct workload *w;

	(void)state;
	disk_fault = DISK_GOOD;
	o.flush_every = 10;
	w = run(&o);
	r = workload_report(w);
	assert_int_equal(r->first_error, 0);
	assert_int_equal(r->count[WORKLOAD_READ].ops +
				 r->count[WORKLOAD_WRITE].ops,
			 2000);
	assert_in_range(r->count[WORKLOAD_READ].ops, 800, 1200);
	assert_int_equal(r->count[WORKLOAD_FLUSH].ops,
			 r->count[WORKLOAD_WRITE].ops / 10);
	assert_int_equal(r->count[WORKLOAD_WRITE].bytes,
			 r->count[WORKLOAD_WRITE].ops * 4096);
	assert_int_equal(r->count[WORKLOAD_READ].latency.count,
			 r->count[WORKLOAD_READ].ops);
	/* 256 blocks, about 1000 writes: nearly all were written. */
	assert_in_range(r->reread, 200, 256);
	assert_int_equal(r->checked + r->unchecked,
			 r->count[WORKLOAD_READ].ops + r->reread);
	assert_int_equal(r->mismatches, 0);
	finish(w);
}

static void test_work_in_order(void **state)
{
	struct workload_options o = work_default();
	struct workload *w;

	(void)state;
	disk_fault = DISK_GOOD;
	o.random = o.reads = false;
	o.ops = 0;
	o.bs_bytes = 100 * 512; /* 20 blocks and a rest */
	o.off_bytes = 1024;
	w = run(&o);
	assert_int_equal(workload_report(w)->count[WORKLOAD_WRITE].ops, 20);
	assert_int_equal(workload_report(w)->reread, 20);
	assert_int_equal(workload_report(w)->first_error, 0);
	finish(w);

	/* A later run that only reads knows the data by the seed. */
	o.reads = true;
	o.writes = false;
	w = run(&o);
	assert_int_equal(workload_report(w)->checked, 20);
	assert_int_equal(workload_report(w)->first_error, 0);
	finish(w);
	o.seed++;
	o.keep_going = true;
	w = run(&o);
	assert_int_equal(workload_report(w)->mismatches, 20);
	assert_non_null(
		strstr(workload_report(w)->first_why.text, "another run"));
	finish(w);
}

/* A barrier is a write; a split one is checked as such, too. */
static void test_work_barriers(void **state)
{
	struct workload_options o = work_default();
	const struct workload_report *r;
	struct workload *w;

	(void)state;
	disk_fault = DISK_GOOD;
	o.barrier_every = 4;
	w = run(&o);
	r = workload_report(w);
	assert_int_equal(r->first_error, 0);
	assert_int_equal(r->count[WORKLOAD_READ].ops +
				 r->count[WORKLOAD_WRITE].ops +
				 r->count[WORKLOAD_BARRIER].ops,
			 2000);
	assert_int_equal((r->count[WORKLOAD_WRITE].ops +
			  r->count[WORKLOAD_BARRIER].ops) /
				 4,
			 r->count[WORKLOAD_BARRIER].ops);
	assert_in_range(r->reread, 200, 256);
	finish(w);
	disk_fault = DISK_LOSES_BARRIER;
	o.reads = o.random = false;
	o.ops = 0;
	w = run(&o);
	assert_int_equal(workload_report(w)->first_error, -EILSEQ);
	finish(w);
}

/* What was discarded has no content; all else must be as it was. */
static void test_work_trim(void **state)
{
	struct workload_options o = work_default();
	const struct workload_report *r;
	struct workload *w;

	(void)state;
	disk_fault = DISK_GOOD;
	o.reads = o.random = false;
	o.ops = 0;
	w = run(&o);
	assert_int_equal(workload_report(w)->first_error, 0);
	finish(w);

	o.writes = false;
	o.trims = o.random = true;
	o.ops = 60;
	w = run(&o);
	r = workload_report(w);
	assert_int_equal(r->first_error, 0);
	assert_int_equal(r->count[WORKLOAD_TRIM].ops, 60);
	assert_in_range(r->trimmed, 40, 60); /* some twice */
	assert_int_equal(r->zeroed, r->trimmed);
	assert_int_equal(r->checked, 256 - r->trimmed);
	assert_int_equal(r->reread, 256);
	finish(w);

	/* What is not zero is no mistake; what lies beside it is. */
	disk_fault = DISK_TRIMS_BADLY;
	o.ops = 1;
	o.seed = 99;
	for (unsigned i = 0; i < DISK_BYTES; i += 4096)
		pattern_fill(disk + i, 4096, i / 512, 1, o.seed);
	w = run(&o);
	r = workload_report(w);
	assert_int_equal(r->trimmed, 1);
	assert_int_equal(r->zeroed, 0);
	assert_int_equal(r->first_error, -EILSEQ);
	finish(w);
}

/* A disk that becomes smaller ends the run with a word of it. */
static void test_work_shrinks(void **state)
{
	struct workload_options o = work_default();
	struct workload *w;

	(void)state;
	disk_fault = DISK_SHRINKS;
	o.ops = 100000;
	w = run(&o);
	assert_int_equal(workload_report(w)->first_error, -ENOSPC);
	assert_non_null(
		strstr(workload_report(w)->first_why.text, "smaller now"));
	assert_int_equal(front_device_ended(&device, &why), 0);
	finish(w);
}

/* More at a time than there are blocks. */
static void test_work_crowded(void **state)
{
	struct workload_options o = work_default();
	struct workload *w;

	(void)state;
	disk_fault = DISK_GOOD;
	o.size_bytes = 3 * 4096;
	o.depth = 64;
	w = run(&o);
	assert_int_equal(workload_report(w)->first_error, 0);
	assert_int_equal(workload_report(w)->reread, 3);
	finish(w);
}

static void expect_mismatch(int fault, const char *words)
{
	struct workload_options o = work_default();
	struct workload *w;

	disk_fault = fault;
	o.reads = false;
	o.random = false;
	o.ops = 600; /* more than twice around */
	w = run(&o);
	assert_int_equal(workload_report(w)->first_error, -EILSEQ);
	assert_true(workload_report(w)->mismatches > 0);
	if (!strstr(workload_report(w)->first_why.text, words))
		fail_msg("\"%s\" does not say \"%s\"",
			 workload_report(w)->first_why.text, words);
	finish(w);
}

static void test_work_old(void **state)
{
	(void)state;
	expect_mismatch(DISK_OLD, "nothing that --verify writes");
}

static void test_work_lost(void **state)
{
	struct workload_options o = work_default();
	struct workload *w;

	(void)state;
	disk_fault = DISK_LOSES;
	o.reads = o.random = false;
	o.ops = 0; /* once: the 50th block stays as it was */
	w = run(&o);
	assert_int_equal(workload_report(w)->first_error, -EILSEQ);
	finish(w);
}

static void test_work_misplaced(void **state)
{
	struct workload_options o = work_default();
	struct workload *w;

	(void)state;
	disk_fault = DISK_MISPLACES;
	o.reads = o.random = false;
	o.keep_going = true;
	o.ops = 0;
	w = run(&o);
	/* Either it hit a block that was written before, or was overwritten. */
	assert_int_equal(workload_report(w)->first_error, -EILSEQ);
	assert_in_range(workload_report(w)->mismatches, 1, 2);
	finish(w);
}

static void test_work_errors(void **state)
{
	struct workload_options o = work_default();
	const struct workload_report *r;
	struct workload *w;

	(void)state;
	disk_fault = DISK_ERRORS;
	w = run(&o);
	r = workload_report(w);
	assert_int_equal(r->mismatches, 0);
	assert_int_equal(r->count[WORKLOAD_WRITE].eopnotsupp, 0);
	assert_in_range(r->count[WORKLOAD_WRITE].error, 50, 150);
	assert_in_range(r->count[WORKLOAD_READ].eopnotsupp, 50, 200);
	assert_true(r->first_error == -EIO || r->first_error == -EOPNOTSUPP);
	assert_non_null(strstr(r->first_why.text, "xvda: the "));
	finish(w);
}

static void test_work_silent(void **state)
{
	struct workload_options o = work_default();
	struct workload *w;

	(void)state;
	disk_fault = DISK_SILENT;
	w = run(&o);
	assert_int_equal(front_device_ended(&device, &why), -ETIMEDOUT);
	expect_why("no answer");
	assert_int_equal(workload_report(w)->count[WORKLOAD_READ].lost +
				 workload_report(w)->count[WORKLOAD_WRITE].lost,
			 16);
	want.deaf = false;
	finish(w);
}

static void test_work_detached(void **state)
{
	struct workload_options o = work_default();
	const struct workload_report *r;
	struct workload *w;

	(void)state;
	disk_fault = DISK_LEAVES;
	o.ops = 100000;
	w = run(&o);
	r = workload_report(w);
	assert_int_equal(front_device_ended(&device, &why), -ESHUTDOWN);
	expect_why("the backend closed xvda");
	/* What was in flight was answered; nothing more was begun. */
	assert_int_equal(r->count[WORKLOAD_READ].lost +
				 r->count[WORKLOAD_WRITE].lost,
			 0);
	assert_true(r->count[WORKLOAD_READ].ops + r->count[WORKLOAD_WRITE].ops <
		    o.ops);
	finish(w);
	assert_string_equal(states, "3456");
}

static void test_work_does_not_fit(void **state)
{
	struct workload_options good = work_default(), o;
	struct workload *w;

	(void)state;
	assert_int_equal(open_device(), 0);
	o = good, o.off_bytes = DISK_BYTES;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EINVAL);
	expect_why("--offset");
	o = good, o.off_bytes = 512, o.size_bytes = DISK_BYTES;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EINVAL);
	expect_why("beyond the end");
	o = good, o.bs_bytes = 2 * DISK_BYTES, o.depth = 1;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EINVAL);
	expect_why("--bs");
	device.settled.info = FRONT_INFO_READONLY;
	o = good;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EROFS);
	expect_why("read-only");
	device.settled.info = 0;
	device.settled.flush = false;
	o = good, o.flush_every = 1;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EOPNOTSUPP);
	expect_why("feature-flush-cache");
	device.settled.barrier = false;
	o = good, o.barrier_every = 1;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EOPNOTSUPP);
	expect_why("feature-barrier");
	device.settled.discard = false;
	o = good, o.reads = o.writes = false, o.trims = true;
	assert_int_equal(workload_start(&device, &o, &w, &why), -EOPNOTSUPP);
	expect_why("feature-discard");
	assert_int_equal(front_device_close(&device, &why), 0);
	expect_closed();
}

static void never(struct front_io *io)
{
	(void)io;
	fail_msg("done() of an operation that was not accepted");
}

static void test_submit_checks(void **state)
{
	static const struct {
		enum ring_op op;
		uint64_t off;
		uint32_t len;
		int err;
	} cases[] = {
		{ RING_OP_READ, 1, 512, -EINVAL },
		{ RING_OP_READ, 0, 511, -EINVAL },
		{ RING_OP_READ, 0, 0, -EINVAL },
		{ RING_OP_READ, DISK_BYTES, 512, -ENOSPC },
		{ RING_OP_READ, DISK_BYTES - 512, 1024, -ENOSPC },
		{ RING_OP_READ, UINT64_MAX - 511, 512, -ENOSPC },
		{ RING_OP_WRITE, 0, 512, -EROFS },
		{ RING_OP_FLUSH, 0, 0, -EOPNOTSUPP },
		{ RING_OP_BARRIER, 0, 512, -EOPNOTSUPP },
		{ RING_OP_DISCARD, 0, 512, -EOPNOTSUPP },
	};

	(void)state;
	assert_int_equal(open_device(), 0);
	device.settled.info = FRONT_INFO_READONLY;
	device.settled.flush = false;
	device.settled.barrier = false;
	device.settled.discard = false;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct front_io io = {
			.op = cases[i].op,
			.off_bytes = cases[i].off,
			.len_bytes = cases[i].len,
			.done = never,
		};

		assert_int_equal(front_device_submit(&device, 0, &io),
				 cases[i].err);
	}
	device.settled.discard = true;
	{
		struct front_io io = { .op = RING_OP_DISCARD,
				       .len_bytes = 512,
				       .done = never };

		assert_int_equal(front_device_submit(&device, 0, &io), -EROFS);
	}
	assert_false(front_device_busy(&device));
	assert_int_equal(front_device_close(&device, &why), 0);
}

/* ---- the bridge
 * ----------------------------------------------------------------------- */

#define THREADS	 6
#define LANE	 (64u * 1024) /* of the disk, each thread's own */
#define IO_BYTES 8192u

static struct front_bridge *bridge;
static unsigned ended_calls;
static struct why ended_why;
static unsigned closed_calls; /* read by the lanes, too */

static void bridge_closed(void *opaque, const struct why *w)
{
	assert_ptr_equal(opaque, &ended_calls);
	assert_null(w);
	__atomic_fetch_add(&closed_calls, 1, __ATOMIC_SEQ_CST);
}

static void bridge_ended(void *opaque, const struct why *w)
{
	assert_ptr_equal(opaque, &ended_calls);
	ended_calls++;
	ended_why = *w;
}

static int bridge_start(int stop, unsigned timeout_ms)
{
	struct front_bridge_options opt = {
		.program = "test",
		.dir = "/some/where",
		.domid = 3,
		.device = { .devid = 51712, .timeout_ms = timeout_ms },
		.stop_fd = stop,
		.ended = bridge_ended,
		.closed = bridge_closed,
		.opaque = &ended_calls,
	};

	ended_calls = 0;
	closed_calls = 0;
	disk_ops = 0;
	on_notify = disk_serve;
	return front_bridge_start(&opt, &bridge, &why);
}

struct lane {
	pthread_t thread;
	unsigned n;
	unsigned done, wrong, failed;
	bool early; /* it failed before the disk was closed */
	int error;  /* the last */
};

/* Write and read back in a lane of its own, until the first error. */
static void *lane_run(void *arg)
{
	struct lane *l = arg;
	uint8_t out[IO_BYTES], in[IO_BYTES];
	unsigned i;

	for (i = 0; i < 200 && !l->failed; i++) {
		uint64_t off = l->n * LANE + i * 512 % (LANE - IO_BYTES);

		memset(out, (int)(i * THREADS + l->n), sizeof(out));
		l->error = front_bridge_io(bridge, RING_OP_WRITE, out,
					   sizeof(out), off);
		if (!l->error)
			l->error = front_bridge_io(bridge, RING_OP_READ, in,
						   sizeof(in), off);
		if (l->error) {
			l->failed++;
			l->early = !__atomic_load_n(&closed_calls,
						    __ATOMIC_SEQ_CST);
		} else
			l->wrong += memcmp(in, out, sizeof(in)) != 0;
		l->done++;
	}
	return NULL;
}

static void lanes_begin(struct lane *lanes)
{
	memset(lanes, 0, THREADS * sizeof(*lanes));
	for (unsigned i = 0; i < THREADS; i++) {
		lanes[i].n = i;
		assert_int_equal(pthread_create(&lanes[i].thread, NULL,
						lane_run, &lanes[i]),
				 0);
	}
}

static void lanes_end(struct lane *lanes)
{
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(lanes[i].thread, NULL);
}

static void test_bridge_threads(void **state)
{
	struct lane lanes[THREADS];

	(void)state;
	disk_fault = DISK_GOOD;
	assert_int_equal(bridge_start(-1, 20000), 0);
	assert_int_equal(front_bridge_settled(bridge)->sectors, 2048);
	lanes_begin(lanes);
	lanes_end(lanes);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(lanes[i].done, 200);
		assert_int_equal(lanes[i].failed, 0);
		assert_int_equal(lanes[i].wrong, 0);
	}
	assert_int_equal(front_bridge_io(bridge, RING_OP_FLUSH, NULL, 0, 0), 0);
	assert_int_equal(front_bridge_io(bridge, RING_OP_READ, NULL, 512, 1),
			 -EINVAL);
	assert_int_equal(front_bridge_stop(bridge, &why), 0);
	assert_int_equal(ended_calls, 0);
	rig_empty();
}

static void test_bridge_refused(void **state)
{
	(void)state;
	want.refuse = "6";
	assert_int_equal(bridge_start(-1, 20000), -ECONNREFUSED);
	expect_why("Closed (6)");
	assert_int_equal(ended_calls, 0);
	rig_empty();
}

/* Everybody comes back when the disk ends under them. */
static void test_bridge_ends(void **state)
{
	static const int faults[] = { DISK_LEAVES, DISK_SILENT };
	struct lane lanes[THREADS];

	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		setup(NULL);
		disk_fault = faults[f];
		assert_int_equal(bridge_start(-1, 300), 0);
		lanes_begin(lanes);
		lanes_end(lanes);
		for (unsigned i = 0; i < THREADS; i++) {
			assert_int_equal(lanes[i].failed, 1);
			assert_true(lanes[i].error == -ESHUTDOWN ||
				    lanes[i].error == -ETIMEDOUT);
			assert_int_equal(lanes[i].wrong, 0);
		}
		/* And who comes later is told at once. */
		assert_int_equal(
			front_bridge_io(bridge, RING_OP_FLUSH, NULL, 0, 0),
			-ESHUTDOWN);
		assert_int_equal(front_bridge_stop(bridge, &why), 0);
		assert_int_equal(ended_calls, 1);
		assert_non_null(strstr(ended_why.text,
				       f ? "no answer" : "closed xvda"));
		rig_empty();
	}
}

/* A backend that is silent does not hold whoever has no patience left. */
static void test_bridge_impatience(void **state)
{
	struct lane lanes[THREADS];

	(void)state;
	disk_fault = DISK_SILENT;
	stop_fd = eventfd(0, 0);
	assert_int_equal(bridge_start(stop_fd, 600000), 0);
	lanes_begin(lanes);
	assert_int_equal(write(stop_fd, &(uint64_t){ 1 }, 8), 8);
	lanes_end(lanes);
	assert_int_equal(front_bridge_stop(bridge, &why), 0);
	assert_int_equal(ended_calls, 1);
	assert_non_null(strstr(ended_why.text, "stopped before"));

	/* Nor does a handshake that goes nowhere. */
	setup(NULL);
	want.deaf = true;
	assert_int_equal(bridge_start(stop_fd, 600000), -EINTR);
	close(stop_fd);
}

/* Asked to, it closes the disk, and only then anybody's I/O fails. */
static void test_bridge_quit(void **state)
{
	struct lane lanes[THREADS];
	unsigned failed = 0;
	int pair[2];

	(void)state;
	disk_fault = DISK_GOOD;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(bridge_start(pair[0], 20000), 0);
	lanes_begin(lanes);
	assert_int_equal(write(pair[1], &(char){ FRONT_BRIDGE_QUIT }, 1), 1);
	lanes_end(lanes);
	for (unsigned i = 0; i < THREADS; i++) {
		failed += lanes[i].failed;
		assert_false(lanes[i].early);
		assert_true(!lanes[i].failed || lanes[i].error == -ESHUTDOWN);
		assert_int_equal(lanes[i].wrong, 0);
	}
	assert_int_not_equal(failed, 0);
	assert_int_equal(front_bridge_io(bridge, RING_OP_FLUSH, NULL, 0, 0),
			 -ESHUTDOWN);
	assert_int_equal(front_bridge_stop(bridge, &why), 0);
	assert_int_equal(ended_calls, 0);
	assert_int_equal(closed_calls, 1);
	close(pair[0]);
	close(pair[1]);
	rig_empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_connect_and_close),
		T(test_wait_for_backend),
		T(test_wait_for_connected),
		T(test_refused),
		T(test_no_disk),
		T(test_bad_backend_id),
		T(test_left_connected),
		T(test_left_closed),
		T(test_left_alone),
		T(test_left_without_backend),
		T(test_conflicts),
		T(test_geometry),
		T(test_keys),
		T(test_not_offered),
		T(test_resize),
		T(test_left_mapped),
		T(test_desk_gone),
		T(test_asked_to_stop),
		T(test_work_good),
		T(test_work_in_order),
		T(test_work_barriers),
		T(test_work_trim),
		T(test_work_shrinks),
		T(test_work_crowded),
		T(test_work_old),
		T(test_work_lost),
		T(test_work_misplaced),
		T(test_work_errors),
		T(test_work_silent),
		T(test_work_detached),
		T(test_work_does_not_fit),
		T(test_submit_checks),
		T(test_bridge_threads),
		T(test_bridge_refused),
		T(test_bridge_ends),
		T(test_bridge_impatience),
		T(test_bridge_quit),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
