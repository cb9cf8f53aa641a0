/* SPDX-License-Identifier: MIT */
/*
 * What is offered, and what of a frontend's keys is believed.  The store
 * below is a list of keys behind the real table of operations.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "xenbus/negotiate.h"

#define BE "/local/domain/0/backend/vbd/1/51712"
#define FE "/local/domain/1/device/vbd/51712"

struct entry {
	char path[128], value[64];
};
static struct entry list[64], list_before[64]; /* a transaction began */
static unsigned listed, listed_before;
static void (*meanwhile)(void); /* once, after a read of `online` */
static int conflicts;		/* transactions that still have to fail */
static uint64_t state_writes;
static char last_written[128];

static char *list_read(struct xen_host *h, xen_xbt t, const char *path,
		       size_t *len)
{
	void (*then)(void) = meanwhile;
	char *value = NULL;
	unsigned i;

	(void)h;
	(void)len;
	for (i = 0; i < listed && !value; i++)
		if (!strcmp(list[i].path, path))
			value = strdup(list[i].value);
	/* In a transaction everything is of one moment. */
	if (then && !t && !strcmp(path, BE "/online")) {
		meanwhile = NULL;
		then();
	}
	if (!value)
		errno = ENOENT;
	return value;
}

static int list_write(struct xen_host *h, xen_xbt t, const char *path,
		      const char *value)
{
	unsigned i;

	(void)h;
	(void)t;
	for (i = 0; i < listed; i++)
		if (!strcmp(list[i].path, path))
			break;
	assert_true(i < 64);
	if (i == listed)
		listed++;
	snprintf(list[i].path, sizeof(list[i].path), "%s", path);
	snprintf(list[i].value, sizeof(list[i].value), "%s", value);
	state_writes += !strcmp(path, BE "/state");
	snprintf(last_written, sizeof(last_written), "%s", path);
	return 0;
}

static int list_rm(struct xen_host *h, xen_xbt t, const char *path)
{
	unsigned i;

	(void)h;
	(void)t;
	for (i = 0; i < listed; i++)
		if (!strcmp(list[i].path, path)) {
			list[i] = list[--listed];
			return 0;
		}
	return -ENOENT;
}

static int list_start(struct xen_host *h, xen_xbt *t)
{
	(void)h;
	*t = 1;
	memcpy(list_before, list, sizeof(list));
	listed_before = listed;
	return 0;
}

static int list_end(struct xen_host *h, xen_xbt t, bool abort)
{
	(void)h;
	(void)t;
	if (!abort && !conflicts)
		return 0;
	conflicts -= !abort;
	memcpy(list, list_before, sizeof(list));
	listed = listed_before;
	return abort ? 0 : -EAGAIN;
}

static const struct xen_ops ops = {
	.name = "list",
	.store = { .read = list_read,
		   .write = list_write,
		   .rm = list_rm,
		   .transaction_start = list_start,
		   .transaction_end = list_end },
};
static struct xen_host host = { .ops = &ops };
static struct xenbus_device dev;
static struct negotiate_offer offer = { .ring_order_max = 2,
					.queues_max = 2,
					.flush = true };
static struct negotiate_result got;
static const char *rule;
static struct why why;

static void key(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), FE "/%s", name);
	list_write(NULL, 0, path, value);
}

static const char *own(const char *name)
{
	char path[128];
	unsigned i;

	snprintf(path, sizeof(path), BE "/%s", name);
	for (i = 0; i < listed; i++)
		if (!strcmp(list[i].path, path))
			return list[i].value;
	return "(absent)";
}

static int fresh(void **state)
{
	(void)state;
	listed = 0;
	conflicts = 0;
	list_write(NULL, 0, BE "/frontend", FE);
	list_write(NULL, 0, BE "/frontend-id", "1");
	list_write(NULL, 0, BE "/state", "1");
	list_write(NULL, 0, BE "/online", "1");
	assert_int_equal(xenbus_device_open(&dev, &host, BE, 1, 51712, &why),
			 0);
	key("ring-ref", "8");
	key("event-channel", "3");
	key("protocol", "x86_64-abi");
	key("state", "3");
	assert_int_equal(xenbus_device_look(&dev), 0);
	return 0;
}

static void accepted(void)
{
	int err = negotiate_read(&dev, &offer, &got, &rule, &why);

	if (err)
		fail_msg("refused by %s: %s", rule, why.text);
}

static void refused(const char *by)
{
	assert_int_not_equal(negotiate_read(&dev, &offer, &got, &rule, &why),
			     0);
	assert_string_equal(rule, by);
	assert_true(strlen(why.text) > 10);
}

static void look_sees_both_sides(void **state)
{
	(void)state;
	assert_int_equal(dev.own, 1);
	assert_int_equal(dev.peer, 3);
	assert_true(dev.online);
	assert_false(dev.gone);
	list_write(NULL, 0, BE "/online", "0");
	key("state", "banana"); /* XB-07: no state is no state */
	xenbus_device_look(&dev);
	assert_false(dev.online);
	assert_int_equal(dev.peer, XENBUS_UNKNOWN);
	list[0].path[0] = list[2].path[0] = 0; /* our state is gone */
	xenbus_device_look(&dev);
	assert_true(dev.gone);
}

static void directory_comes_again(void)
{
	list_write(NULL, 0, BE "/online", "1");
	list_write(NULL, 0, BE "/state", "1");
}

/* Not the old directory's `online` beside the new one's state. */
static void look_believes_an_end_only_whole(void **state)
{
	(void)state;
	list_rm(NULL, 0, BE "/state");
	list_rm(NULL, 0, BE "/online");
	meanwhile = directory_comes_again;
	assert_int_equal(xenbus_device_look(&dev), 0);
	assert_false(dev.gone);
	assert_true(dev.online);
	assert_int_equal(dev.own, 1);

	list_write(NULL, 0, BE "/online", "0");
	list_write(NULL, 0, BE "/state", "6");
	meanwhile = directory_comes_again;
	assert_int_equal(xenbus_device_look(&dev), 0);
	assert_true(dev.online);
	assert_int_equal(dev.own, 1);
}

/* Nor is a state written where somebody else was meanwhile. */
static void a_switch_is_from_the_state_that_was_seen(void **state)
{
	(void)state;
	list_write(NULL, 0, BE "/state", "5");
	assert_int_equal(xenbus_switch_with(&dev, NULL, NULL, 2), -ESTALE);
	assert_string_equal(own("state"), "5");
	assert_int_equal(dev.own, 1);
	list_rm(NULL, 0, BE "/state");
	assert_int_equal(xenbus_switch_with(&dev, NULL, NULL, 6), -ESTALE);
	assert_string_equal(own("state"), "(absent)");

	list_write(NULL, 0, BE "/state", "1");
	conflicts = 3;
	assert_int_equal(xenbus_switch_with(&dev, NULL, NULL, 6), 0);
	assert_string_equal(own("state"), "6");
	assert_int_equal(dev.own, 6);
}

static void a_path_must_agree_with_its_keys(void **state)
{
	(void)state;
	assert_int_equal(xenbus_device_open(&dev, &host, BE, 2, 51712, &why),
			 -EINVAL);
	assert_int_equal(xenbus_device_open(&dev, &host, "/x", 2, 51712, &why),
			 -ENOENT);
}

static void XB_01_XB_11_the_offer_stands_with_state_2(void **state)
{
	(void)state;
	/* Left by another backend, and not ours to keep. */
	list_write(NULL, 0, BE "/feature-max-indirect-segments", "256");
	conflicts = 3; /* others write: tried again */
	assert_int_equal(negotiate_offer_write(&dev, &offer), 0);
	assert_string_equal(own("state"), "2");
	assert_string_equal(own("max-ring-page-order"), "2");
	assert_string_equal(own("max-ring-pages"), "4");
	assert_string_equal(own("multi-queue-max-queues"), "2");
	assert_string_equal(own("feature-flush-cache"), "1");
	assert_string_equal(own("feature-max-indirect-segments"), "(absent)");
	assert_string_equal(own("feature-discard"), "0");
	assert_string_equal(own("discard-granularity"), "(absent)");
	assert_int_equal(dev.own, XENBUS_INIT_WAIT);
}

static void XB_16_XB_17_what_belongs_together_is_offered_together(void **state)
{
	struct negotiate_offer all = offer;

	(void)state;
	all.barrier = all.discard = all.secure = true;
	all.indirect_segs = 64;
	all.discard_granularity = 4096;
	all.discard_alignment = 512;
	assert_int_equal(negotiate_offer_write(&dev, &all), 0);
	assert_string_equal(own("feature-barrier"), "1");
	assert_string_equal(own("feature-max-indirect-segments"), "64");
	assert_string_equal(own("feature-discard"), "1");
	assert_string_equal(own("discard-granularity"), "4096");
	assert_string_equal(own("discard-alignment"), "512");
	assert_string_equal(own("discard-secure"), "1");
}

static void a_store_that_always_conflicts_is_given_up(void **state)
{
	(void)state;
	conflicts = 1000;
	assert_int_equal(negotiate_offer_write(&dev, &offer), -EAGAIN);
	assert_int_equal(dev.own, XENBUS_INITIALISING);
}

static void XB_02_the_disk_stands_with_state_4(void **state)
{
	const struct negotiate_disk disk = { .size_bytes = 1 << 20,
					     .sector_bytes = 512,
					     .physical_bytes = 4096,
					     .readonly = true };

	(void)state;
	assert_int_equal(negotiate_connected_write(&dev, &disk), 0);
	assert_string_equal(own("sectors"), "2048");
	assert_string_equal(own("sector-size"), "512");
	assert_string_equal(own("physical-sector-size"), "4096");
	assert_string_equal(own("info"), "4");
	assert_string_equal(own("state"), "4");
}

static void the_plain_frontend(void **state)
{
	(void)state;
	accepted();
	assert_int_equal(got.abi, NEGOTIATE_X86_64);
	assert_int_equal(got.queues, 1);
	assert_int_equal(got.ring_order, 0);
	assert_int_equal(got.ring[0].gref[0], 8);
	assert_int_equal(got.ring[0].evtchn_port, 3);
}

static void XB_03_keys_must_stand(void **state)
{
	(void)state;
	list[4].path[0] = 0; /* ring-ref */
	refused("XB-03");
	fresh(NULL);
	list[5].path[0] = 0; /* event-channel */
	refused("XB-03");
	fresh(NULL);
	key("event-channel", "0");
	refused("XB-03");
}

static void XB_04_defaults_only_before_the_offer(void **state)
{
	(void)state;
	offer.unseen = true;
	accepted();
	key("ring-page-order", "0");
	key("multi-queue-num-queues", "1");
	accepted();
	key("multi-queue-num-queues", "2");
	refused("XB-04");
	key("multi-queue-num-queues", "1");
	key("ring-page-order", "1");
	refused("XB-04");
	offer.unseen = false;
}

static void XB_08_numbers_are_decimal(void **state)
{
	static const char *const bad[] = { "",	 " 8",	"8 ",  "-1",   "0x8",
					   "8k", "8 9", "8\n", "eight" };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		key("ring-ref", bad[i]);
		refused("XB-08");
	}
	key("ring-ref", "4294967296"); /* a number, but none of a grant */
	refused("XB-03");
	key("ring-ref", "4294967295");
	accepted();
}

static void XB_09_order_is_within_the_offer(void **state)
{
	(void)state;
	key("ring-page-order", "3");
	refused("XB-09");
	key("ring-page-order", "-1");
	refused("XB-08");
}

static void XB_10_every_spelling_of_the_ring(void **state)
{
	(void)state;
	key("ring-page-order", "0");
	accepted(); /* as tapdisk and FreeBSD read it: ring-ref */
	list[4].path[0] = 0;
	refused("XB-10");
	key("ring-ref0", "9");
	accepted(); /* as Linux and QEMU read it: ring-ref0 */
	assert_int_equal(got.ring[0].gref[0], 9);
	key("ring-page-order", "1");
	refused("XB-10");
	key("ring-ref1", "10");
	accepted();
	assert_int_equal(got.ring[0].gref[1], 10);
}

static void XB_12_number_of_queues(void **state)
{
	(void)state;
	key("multi-queue-num-queues", "0");
	refused("XB-12");
	key("multi-queue-num-queues", "3");
	refused("XB-12");
	key("multi-queue-num-queues", "1");
	accepted();
	key("multi-queue-num-queues", "2");
	refused("XB-12"); /* only queue-N/ keys count now */
	key("queue-0/ring-ref", "11");
	key("queue-0/event-channel", "4");
	key("queue-1/ring-ref", "12");
	key("queue-1/event-channel", "5");
	accepted();
	assert_int_equal(got.queues, 2);
	assert_int_equal(got.ring[1].gref[0], 12);
	assert_int_equal(got.ring[1].evtchn_port, 5);
}

static void XB_13_protocol(void **state)
{
	(void)state;
	key("protocol", "x86_32-abi");
	accepted();
	assert_int_equal(got.abi, NEGOTIATE_X86_32);
	key("protocol", "arm-abi");
	refused("XB-13");
	list[6].path[0] = 0;
	accepted();
	assert_int_equal(got.abi, NEGOTIATE_X86_32);
}

static void XB_18_a_new_size_stands_with_the_state_again(void **state)
{
	struct negotiate_disk disk = { .size_bytes = 1 << 20,
				       .sector_bytes = 512,
				       .physical_bytes = 4096,
				       .cdrom = true };
	uint64_t before;

	(void)state;
	assert_int_equal(negotiate_connected_write(&dev, &disk), 0);
	assert_string_equal(own("sectors"), "2048");
	assert_string_equal(own("info"), "1");
	disk.unit_shift = 3; /* the older convention */
	assert_int_equal(negotiate_connected_write(&dev, &disk), 0);
	assert_string_equal(own("sectors"), "256");
	disk.unit_shift = 0;
	disk.size_bytes = 0; /* a drive may be empty */
	disk.physical_bytes = 512;
	conflicts = 2;
	before = state_writes;
	assert_int_equal(negotiate_resized_write(&dev, &disk), 0);
	assert_string_equal(own("sectors"), "0");
	assert_string_equal(own("physical-sector-size"), "512");
	assert_string_equal(own("state"), "4");
	assert_int_equal(state_writes, before + 3);
	assert_string_equal(last_written, BE "/state");

	/* Its end was asked for meanwhile: that is not undone. */
	list_write(NULL, 0, BE "/state", "5");
	disk.size_bytes = 4096;
	assert_int_equal(negotiate_resized_write(&dev, &disk), -ESTALE);
	assert_string_equal(own("state"), "5");
	assert_string_equal(own("sectors"), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(look_sees_both_sides, fresh),
		cmocka_unit_test_setup(look_believes_an_end_only_whole, fresh),
		cmocka_unit_test_setup(a_switch_is_from_the_state_that_was_seen,
				       fresh),
		cmocka_unit_test_setup(a_path_must_agree_with_its_keys, fresh),
		cmocka_unit_test_setup(
			XB_01_XB_11_the_offer_stands_with_state_2, fresh),
		cmocka_unit_test_setup(
			XB_16_XB_17_what_belongs_together_is_offered_together,
			fresh),
		cmocka_unit_test_setup(
			a_store_that_always_conflicts_is_given_up, fresh),
		cmocka_unit_test_setup(XB_02_the_disk_stands_with_state_4,
				       fresh),
		cmocka_unit_test_setup(
			XB_18_a_new_size_stands_with_the_state_again, fresh),
		cmocka_unit_test_setup(the_plain_frontend, fresh),
		cmocka_unit_test_setup(XB_04_defaults_only_before_the_offer,
				       fresh),
		cmocka_unit_test_setup(XB_03_keys_must_stand, fresh),
		cmocka_unit_test_setup(XB_08_numbers_are_decimal, fresh),
		cmocka_unit_test_setup(XB_09_order_is_within_the_offer, fresh),
		cmocka_unit_test_setup(XB_10_every_spelling_of_the_ring, fresh),
		cmocka_unit_test_setup(XB_12_number_of_queues, fresh),
		cmocka_unit_test_setup(XB_13_protocol, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
