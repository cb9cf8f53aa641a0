/* SPDX-License-Identifier: MIT */
/* XB: the keys that a backend writes, and those of a frontend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/peer.h"

/* ---- what the backend writes --------------------------------------------- */

static void xb_01(void)
{
	static const char *const key[] = {
		"max-ring-page-order",	  "max-ring-pages",
		"multi-queue-max-queues", "feature-flush-cache",
		"feature-barrier",	  "feature-persistent",
		"feature-discard",	  "feature-max-indirect-segments",
	};
	struct peer p;
	unsigned i;

	peer_begin(&p, 51712); /* state 2 has just been seen */
	for (i = 0; i < sizeof(key) / sizeof(key[0]); i++)
		must(back_get(&p, key[i]), "%s is absent in state 2", key[i]);
	same("multi-queue-max-queues",
	     back_number(&p, "multi-queue-max-queues"), 4);
	peer_end(&p);
}

static void disk_keys(const struct attach *a, long long sectors, unsigned info)
{
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, a);
	back_wait(&p, 2);
	peer_connect(&p); /* state 4 has just been seen */
	same("sectors", back_number(&p, "sectors"), sectors);
	same("sector-size", back_number(&p, "sector-size"), 512);
	same("info", back_number(&p, "info"), info);
	peer_end(&p);
}

static void xb_02(void)
{
	static const char *const removable[] = { "removable", "1", NULL };

	disk_keys(&(struct attach){ .target = "mem:4M" }, 8192, 0);
	disk_keys(&(struct attach){ .target = "mem:3M", .mode = "r" }, 6144, 4);
	disk_keys(&(struct attach){ .target = "mem:1M",
				    .mode = "r",
				    .device_type = "cdrom",
				    .more = removable },
		  2048, 7);
}

static void xb_11(void)
{
	struct peer p;
	long long order, pages;

	peer_begin(&p, 51712);
	order = back_number(&p, "max-ring-page-order");
	pages = back_number(&p, "max-ring-pages");
	must(order >= 0 && pages == 1 << order,
	     "expected max-ring-pages = 2^max-ring-page-order, saw %lld and "
	     "%lld",
	     pages, order);
	/* And the last of them is served. */
	p.order = (unsigned)order;
	peer_connect(&p);
	data_check(&p.ring[0], 0, 1);
	peer_end(&p);
}

static void geometry(const char *target)
{
	long long size, physical, sectors;
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = target });
	back_wait(&p, 2);
	peer_connect(&p);
	size = back_number(&p, "sector-size");
	physical = back_number(&p, "physical-sector-size");
	sectors = back_number(&p, "sectors");
	must(size >= 512 && !(size & (size - 1)),
	     "%s: sector-size is %lld, no power of two from 512 on", target,
	     size);
	must(physical >= size && physical % size == 0,
	     "%s: physical-sector-size %lld is no multiple of sector-size %lld",
	     target, physical, size);
	must(sectors > 0 && sectors * 512 % physical == 0,
	     "%s: %lld sectors are not whole physical sectors of %lld", target,
	     sectors, physical);
	peer_end(&p);
}

/* A file of so many bytes, in the desk's directory. */
static const char *file_new(const char *name, long bytes)
{
	static char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", case_dir, name);
	f = fopen(path, "we");
	must(f && !fseek(f, bytes - 1, SEEK_SET) && fputc(0, f) != EOF &&
		     !fclose(f),
	     "cannot make %s", path);
	return path;
}

static void xb_14(void)
{
	geometry("mem:1M");
	geometry("null:8M");
	geometry(file_new("xb14.img", 1 << 20));
}

static void xb_15(void)
{
	/* Not whole in 4096, which most file systems are made of. */
	geometry(file_new("xb15.img", (1 << 20) + 512));
	geometry(file_new("xb15.img", (1 << 20) + 3584));
	geometry(file_new("xb15.img", 512));
}

/* What another backend may have left there. */
static const char *const stale_discard[] = { "feature-discard",
					     "1",
					     "discard-granularity",
					     "4096",
					     "discard-alignment",
					     "0",
					     "discard-secure",
					     "1",
					     NULL };

static void no_discard(const struct attach *a)
{
	struct req q = { .op = DISCARD, .id = 5, .nr_sectors = 8 };
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, a);
	back_wait(&p, 2);
	must(back_number(&p, "feature-discard") <= 0,
	     "feature-discard is offered");
	must(!back_get(&p, "discard-granularity") &&
		     !back_get(&p, "discard-alignment") &&
		     !back_get(&p, "discard-secure"),
	     "keys of a discard stand there without the feature");
	peer_connect(&p);
	refused(&p.ring[0], &q, -2, "RQ-34");
	peer_end(&p);
}

static void xb_16(void)
{
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M",
					  .discard_enable = "1" });
	back_wait(&p, 2);
	same("feature-discard", back_number(&p, "feature-discard"), 1);
	must(back_number(&p, "discard-granularity") >= 512 &&
		     back_number(&p, "discard-alignment") >= 0,
	     "feature-discard without granularity or alignment");
	peer_end(&p);
	no_discard(&(struct attach){ .target = "mem:4M",
				     .discard_enable = "0",
				     .more = stale_discard });
	no_discard(&(struct attach){
		.target = "mem:4M", .mode = "r", .more = stale_discard });
}

static void xb_17_none(void)
{
	static const char *const stale[] = { "feature-max-indirect-segments",
					     "32", NULL };
	struct req q = { .op = INDIRECT, .inner = READ, .nr_indirect = 1 };
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M", .more = stale });
	back_wait(&p, 2);
	must(!back_get(&p, "feature-max-indirect-segments"),
	     "indirect requests are offered, though none are served");
	peer_connect(&p);
	refused(&p.ring[0], &q, -2, "RQ-34");
	peer_end(&p);
}

/* ---- what a frontend writes ---------------------------------------------- */

/*
 * Connect with all keys but those that `change` makes wrong.  Refused by
 * `rule`; or served, where it is NULL.
 */
static void keys_try(unsigned order, unsigned queues, const char *rule,
		     void (*change)(struct peer *p))
{
	struct peer p;

	peer_begin(&p, 51712);
	p.order = order;
	p.queues = queues;
	rings_make(&p);
	keys_write(&p);
	change(&p);
	front_state(&p, 3);
	if (rule) {
		refused_by(&p, rule);
	} else {
		back_wait(&p, 4);
		front_state(&p, 4);
		data_check(&p.ring[queues > 1 ? queues - 1 : 0], 64, 7);
	}
	peer_end(&p);
}

/* One key with another value, or absent. */
static const char *other_key, *other_value;

static void change_key(struct peer *p)
{
	if (other_value)
		front_put(p, other_key, "%s", other_value);
	else
		front_rm(p, other_key);
}

static void key_try(const char *key, const char *value, const char *rule)
{
	other_key = key;
	other_value = value;
	keys_try(0, 1, rule, change_key);
}

static void change_no_protocol(struct peer *p)
{
	front_rm(p, "protocol");
	p->abi = ABI_NONE; /* with its default */
}

static void xb_03(void)
{
	key_try("ring-ref", NULL, "XB-03");
	key_try("event-channel", NULL, "XB-03");
	keys_try(0, 1, NULL, change_no_protocol);
}

static void xb_03_bad(void)
{
	key_try("ring-ref", "60000", "XB-03"); /* no such grant */
	key_try("ring-ref", "4294967295", "XB-03");
	key_try("event-channel", "4000", "XB-03"); /* no such port */
	key_try("event-channel", "0", "XB-03");
}

static void xb_08(void)
{
	static const char *const text[] = { "",	   "0x8", "8 ",	 " 8",
					    "+8",  "-1",  "8.0", "eight",
					    "8\n", "1e1", "8,9" };
	unsigned i;

	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		key_try("ring-ref", text[i], "XB-08");
	key_try("event-channel", "port", "XB-08");
	key_try("ring-page-order", "one", "XB-08");
	key_try("multi-queue-num-queues", "0x1", "XB-08");
	key_try("feature-persistent", "yes", "XB-08");
	key_try("feature-persistent", "2", "XB-08");
	key_try("feature-persistent", "0", NULL);
}

static void xb_09(void)
{
	key_try("ring-page-order", "5", "XB-09");
	key_try("ring-page-order", "4294967296", "XB-09");
	key_try("ring-page-order", "18446744073709551616", "XB-09");
}

static void change_ring_ref0(struct peer *p)
{
	front_put(p, "ring-page-order", "0");
	front_rm(p, "ring-ref");
	front_put(p, "ring-ref0", "%u", p->ring[0].gref[0]);
}

static void change_order0(struct peer *p)
{
	front_put(p, "ring-page-order", "0");
}

static void change_only_ring_ref(struct peer *p)
{
	front_rm(p, "ring-ref0");
	front_rm(p, "ring-ref1");
	front_put(p, "ring-ref", "%u", p->ring[0].gref[0]);
}

static void change_one_missing(struct peer *p)
{
	front_rm(p, "ring-ref3");
}

static void change_nothing(struct peer *p)
{
	(void)p;
}

static void xb_10(void)
{
	keys_try(0, 1, NULL, change_ring_ref0);
	keys_try(0, 1, NULL, change_order0);
	keys_try(1, 1, "XB-10", change_only_ring_ref);
	keys_try(2, 1, "XB-10", change_one_missing);
	keys_try(1, 1, NULL, change_nothing);
	keys_try(3, 1, NULL, change_nothing);
}

static void change_flat(struct peer *p)
{
	front_rm(p, "queue-0");
	front_rm(p, "queue-1");
	front_put(p, "ring-ref", "%u", p->ring[0].gref[0]);
	front_put(p, "event-channel", "%u", p->ring[0].port);
}

static void change_count_only(struct peer *p)
{
	front_put(p, "multi-queue-num-queues", "2");
}

static void xb_12(void)
{
	keys_try(0, 5, "XB-12", change_nothing); /* with all their keys */
	key_try("multi-queue-num-queues", "4294967297", "XB-12");
	key_try("multi-queue-num-queues", "1", NULL);
	keys_try(0, 2, "XB-12", change_flat);
	keys_try(0, 1, "XB-12", change_count_only);
	keys_try(0, 4, NULL, change_nothing);
	keys_try(1, 2, NULL, change_nothing);
}

static void xb_13(void)
{
	key_try("protocol", "vax-abi", "XB-13");
	key_try("protocol", "", "XB-13");
	key_try("protocol", "x86_64-abi ", "XB-13");
}

static void xb_13_known(void)
{
	static const enum abi abi[] = { ABI_64, ABI_32, ABI_NONE };
	struct peer p;
	unsigned i;

	peer_begin(&p, 51712);
	for (i = 0; i < 3; i++) {
		p.abi = abi[i];
		peer_connect(&p);
		data_check(&p.ring[0], 8 * i, (uint8_t)i);
		peer_reconnect(&p);
	}
	peer_end(&p);
}

static void num_queues_0(void)
{
	key_try("multi-queue-num-queues", "0", "XB-12");
}

const struct conf_case store_rules[] = {
	{ "XB-01 what is offered stands in state 2", xb_01, NULL },
	{ "XB-02 the disk's parameters stand in state 4", xb_02, NULL },
	{ "XB-03 a key is missing", xb_03, NULL },
	{ "XB-03 a grant or a port that is none", xb_03_bad, NULL },
	{ "XB-08 numbers that are not decimal", xb_08, NULL },
	{ "XB-09 a ring larger than offered", xb_09, NULL },
	{ "XB-10 the names of the ring's pages", xb_10, NULL },
	{ "XB-11 both names of the largest ring", xb_11, NULL },
	{ "XB-12 how many queues", xb_12, NULL },
	{ "XB-13 an ABI that is none", xb_13, NULL },
	{ "XB-13 each ABI", xb_13_known, NULL },
	{ "XB-14 the size of a sector", xb_14, NULL },
	{ "XB-15 the capacity is whole", xb_15, NULL },
	{ "XB-16 keys of a discard, or none", xb_16, NULL },
	{ "XB-17 no indirect requests", xb_17_none, "--indirect 0" },
	{ "CVE-2026-45890 no queue at all", num_queues_0, NULL },
	{ 0 }
};
