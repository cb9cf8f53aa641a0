/* SPDX-License-Identifier: MIT */
/* Grants of the desk: granting, mapping, copying, and taking back. */
#include <fcntl.h>
#include <sys/mman.h>

#include "desk_rig.h"

#include <xen/grant_table.h>

#include "xen/desk/guest.h"
#include "xen/desk/host.h"
#include "xen/desk/pin.h"

#define GUEST 1

static struct xen_host *guest, *back;
static struct xen_gnttab *gnt;
static const struct xen_gnttab_ops *ops;

static int start(void **state)
{
	rig_start(state);
	rig_domain(GUEST);
	rig_domain(2);
	guest = rig_host(GUEST);
	back = rig_host(0);
	ops = &back->ops->gnttab;
	assert_int_equal(ops->open(back, &gnt), 0);
	return 0;
}

static int stop(void **state)
{
	if (gnt)
		ops->close(gnt);
	if (guest)
		xen_host_close(guest);
	if (back)
		xen_host_close(back);
	gnt = NULL;
	guest = back = NULL;
	return rig_stop(state);
}

/* The guest's grant table itself, to write in it what a guest should not. */
static struct desk_grant_entry *table(void)
{
	struct desk_view *v;

	assert_int_equal(desk_view_get(desk_host_of(back), GUEST, &v), 0);
	/* The handle has one of its own, or the host closes it. */
	return v->grant;
}

static uint32_t grant(void *page, bool readonly)
{
	int gref = desk_guest_grant(guest, 0, page, readonly);

	assert_true(gref >= 8);
	return (uint32_t)gref;
}

static int map_one(struct xen_map *m, uint32_t gref, bool writable,
		   int16_t *status)
{
	static uint32_t grefs[64];
	static unsigned at;

	at = (at + 1) % 64;
	grefs[at] = gref;
	*status = 99;
	*m = (struct xen_map){ .domid = GUEST,
			       .writable = writable,
			       .count = 1,
			       .grefs = &grefs[at],
			       .status = status };
	return ops->map(gnt, m, 1);
}

/* Does touching this address kill? */
static bool faults(volatile uint8_t *addr, bool write)
{
	int status;
	pid_t pid = rig_fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (write)
			*addr = 1;
		else
			(void)*addr;
		_exit(0);
	}
	status = rig_exit_status(pid);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void pages_are_shared(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	struct xen_map m;
	int16_t status;
	uint32_t gref;
	uint8_t *seen;

	(void)state;
	assert_non_null(page);
	gref = grant(page, false);
	strcpy((char *)page, "from the guest");
	assert_int_equal(map_one(&m, gref, true, &status), 0);
	assert_int_equal(status, XEN_GNTST_OKAY);
	seen = m.addr;
	assert_string_equal(seen, "from the guest");
	strcpy((char *)seen, "from the backend");
	assert_string_equal(page, "from the backend");
	assert_int_equal(rig_counters().mappings, 1);
	assert_int_equal(rig_counters().grants, 1);
	assert_int_equal(DESK_GRANT_FLAGS(table()[gref].head),
			 GTF_permit_access | GTF_reading | GTF_writing);
	/* Mapped, it cannot be taken back; unmapped, it can. */
	assert_int_equal(desk_guest_grant_end(guest, gref), -EBUSY);
	assert_int_equal(desk_guest_regrant(guest, gref, 0, page, true),
			 -EBUSY);
	assert_int_equal(ops->unmap(gnt, &m, 1), 0);
	assert_null(m.addr);
	assert_true(faults(seen, false));
	assert_int_equal(DESK_GRANT_FLAGS(table()[gref].head),
			 GTF_permit_access);
	assert_int_equal(desk_guest_grant_end(guest, gref), 0);
	assert_int_equal(desk_guest_grant_end(guest, gref), -EINVAL);
	assert_int_equal(rig_counters().mappings, 0);
	assert_int_equal(rig_counters().grants, 0);
	assert_int_equal(map_one(&m, gref, true, &status), 1);
	assert_int_equal(status, XEN_GNTST_GENERAL_ERROR);
	desk_guest_free(guest, page, 1);
}

static void read_only_is_read_only(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	uint32_t gref = grant(page, true);
	struct xen_map m, n;
	int16_t status;

	(void)state;
	assert_int_equal(map_one(&m, gref, true, &status), 1);
	assert_int_equal(status, XEN_GNTST_GENERAL_ERROR);
	assert_null(m.addr);
	assert_int_equal(map_one(&m, gref, false, &status), 0);
	assert_false(faults(m.addr, false));
	assert_true(faults(m.addr, true));
	/* A writer is refused also where a reader has it already. */
	assert_int_equal(map_one(&n, gref, true, &status), 1);
	assert_int_equal(DESK_GRANT_FLAGS(table()[gref].head),
			 GTF_permit_access | GTF_readonly | GTF_reading);
	ops->unmap(gnt, &m, 1);
	/* Read-only by our own choice of a page that we may write. */
	assert_int_equal(desk_guest_regrant(guest, gref, 0, page, false), 0);
	assert_int_equal(map_one(&m, gref, false, &status), 0);
	assert_true(faults(m.addr, true));
	assert_int_equal(map_one(&n, gref, true, &status), 0);
	ops->unmap(gnt, &n, 1);
	/* The writer is gone, the reader is not. */
	assert_int_equal(DESK_GRANT_FLAGS(table()[gref].head),
			 GTF_permit_access | GTF_reading);
	assert_int_equal(desk_guest_grant_end(guest, gref), -EBUSY);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(desk_guest_grant_end(guest, gref), 0);
}

static void statuses(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	struct desk_grant_entry *t = table();
	struct xen_map m;
	int16_t status;
	uint32_t gref;
	int other;

	(void)state;
	/* Beyond the table, never granted, for another domain. */
	assert_int_equal(map_one(&m, DESK_GRANT_ENTRIES, false, &status), 1);
	assert_int_equal(status, XEN_GNTST_BAD_GNTREF);
	assert_int_equal(map_one(&m, 0xffffffff, false, &status), 1);
	assert_int_equal(status, XEN_GNTST_BAD_GNTREF);
	assert_int_equal(map_one(&m, 5000, false, &status), 1);
	assert_int_equal(status, XEN_GNTST_GENERAL_ERROR);
	other = desk_guest_grant(guest, 2, page, false);
	assert_int_equal(map_one(&m, (uint32_t)other, false, &status), 1);
	assert_int_equal(status, XEN_GNTST_GENERAL_ERROR);
	/* A page that the guest does not have: the first one is. */
	gref = grant(page, false);
	t[gref].frame = RIG_MEM / XEN_PAGE_SIZE;
	assert_int_equal(map_one(&m, gref, false, &status), 1);
	assert_int_equal(status, XEN_GNTST_BAD_PAGE);
	t[gref].frame = 0xffffffff;
	assert_int_equal(map_one(&m, gref, true, &status), 1);
	assert_int_equal(status, XEN_GNTST_BAD_PAGE);
	assert_int_equal(DESK_GRANT_FLAGS(t[gref].head), GTF_permit_access);
	t[gref].frame = RIG_MEM / XEN_PAGE_SIZE - 1;
	assert_int_equal(map_one(&m, gref, false, &status), 0);
	/* Other kinds of entries. */
	ops->unmap(gnt, &m, 1);
	t[gref].head = DESK_GRANT_HEAD(GTF_accept_transfer, 0);
	assert_int_equal(map_one(&m, gref, false, &status), 1);
	t[gref].head = DESK_GRANT_HEAD(GTF_transitive, 0);
	assert_int_equal(map_one(&m, gref, false, &status), 1);
	t[gref].head = DESK_GRANT_HEAD(GTF_permit_access | GTF_sub_page, 0);
	assert_int_equal(map_one(&m, gref, false, &status), 1);
	assert_int_equal(status, XEN_GNTST_GENERAL_ERROR);
	/* No such domain, and ourselves. */
	m = (struct xen_map){
		.domid = 77, .count = 1, .grefs = &gref, .status = &status
	};
	assert_int_equal(ops->map(gnt, &m, 1), 1);
	assert_int_equal(status, XEN_GNTST_BAD_DOMAIN);
	m.domid = 0;
	assert_int_equal(ops->map(gnt, &m, 1), 1);
	assert_int_equal(status, XEN_GNTST_BAD_DOMAIN);
	/* Too many, and none. */
	m.domid = GUEST;
	m.status = NULL;
	m.count = 0;
	assert_int_equal(ops->map(gnt, &m, 1), 1);
	m.count = XEN_MAP_MAX + 1;
	assert_int_equal(ops->map(gnt, &m, 1), 1);
	assert_int_equal(rig_counters().mappings, 0);
}

/* What the guest does to an entry after it was mapped changes nothing. */
static void mapped_stays_as_it_was(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 2);
	struct desk_grant_entry *t = table();
	uint32_t gref = grant(page, false);
	struct xen_map m, n;
	int16_t status;

	(void)state;
	assert_int_equal(map_one(&m, gref, false, &status), 0);
	t[gref].frame++;
	page[0] = 11;
	page[XEN_PAGE_SIZE] = 22;
	assert_int_equal(map_one(&n, gref, false, &status), 0);
	assert_int_equal(*(uint8_t *)n.addr, 11);
	t[gref].head = 0; /* torn away by force */
	ops->unmap(gnt, &m, 1);
	ops->unmap(gnt, &n, 1);
	assert_int_equal(rig_counters().mappings, 0);
	assert_int_equal(t[gref].head, 0);
}

/* Many pages become one run of addresses, in the order of their grefs. */
static void batches(void **state)
{
	enum { MAPS = 20, PAGES = 11 };
	uint8_t *page = desk_guest_alloc(guest, MAPS * PAGES);
	uint32_t gref[MAPS][PAGES];
	int16_t status[MAPS][PAGES];
	struct xen_map m[MAPS];
	unsigned i, j, at;

	(void)state;
	for (i = 0; i < MAPS; i++) {
		for (j = 0; j < PAGES; j++) {
			/* Neighbours in the first, scattered in the others. */
			at = i ? (j * 7 + 3) % PAGES : j;
			page[(i * PAGES + at) * XEN_PAGE_SIZE] =
				(uint8_t)(i * 16 + j);
			gref[i][j] = grant(
				page + (i * PAGES + at) * XEN_PAGE_SIZE, false);
		}
		m[i] = (struct xen_map){ .domid = GUEST,
					 .writable = i % 2,
					 .count = PAGES,
					 .grefs = gref[i],
					 .status = status[i] };
	}
	assert_int_equal(ops->map(gnt, m, MAPS), 0);
	assert_int_equal(rig_counters().mappings, MAPS * PAGES);
	for (i = 0; i < MAPS; i++)
		for (j = 0; j < PAGES; j++)
			assert_int_equal(
				((uint8_t *)m[i].addr)[j * XEN_PAGE_SIZE],
				(uint8_t)(i * 16 + j));
	assert_int_equal(ops->unmap(gnt, m, MAPS), 0);
	assert_int_equal(rig_counters().mappings, 0);
	for (i = 0; i < MAPS; i++)
		assert_null(m[i].addr);

	/* One bad page fails its map, and no other (XSA-361). */
	assert_int_equal(desk_guest_grant_end(guest, gref[3][5]), 0);
	assert_int_equal(ops->map(gnt, m, MAPS), 1);
	assert_null(m[3].addr);
	for (j = 0; j < PAGES; j++)
		assert_int_equal(status[3][j], j == 5 ? XEN_GNTST_GENERAL_ERROR
						      : XEN_GNTST_OKAY);
	assert_int_equal(rig_counters().mappings, (MAPS - 1) * PAGES);
	/* What was mapped of the bad one is not any more. */
	assert_int_equal(desk_guest_grant_end(guest, gref[3][4]), 0);
	assert_int_equal(desk_guest_grant_end(guest, gref[4][4]), -EBUSY);
	assert_int_equal(ops->unmap(gnt, m, MAPS), 0);
	assert_int_equal(rig_counters().mappings, 0);
}

/* The same page many times, and the window to its end. */
static void window_is_bounded(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	uint32_t grefs[XEN_MAP_MAX], gref = grant(page, false);
	static struct xen_map m[200];
	int16_t status[XEN_MAP_MAX];
	unsigned i, n;

	(void)state;
	for (i = 0; i < XEN_MAP_MAX; i++)
		grefs[i] = gref;
	for (n = 0; n < 200; n++) {
		m[n] = (struct xen_map){ .domid = GUEST,
					 .grefs = grefs,
					 .count = n % 2 ? 7 : XEN_MAP_MAX / 2,
					 .status = status };
		if (ops->map(gnt, &m[n], 1))
			break;
	}
	/* Each page is a mapping of its own to the kernel: either limit. */
	assert_true(n > 100 && n < 200);
	assert_int_equal(status[0], XEN_GNTST_NO_SPACE);
	assert_null(m[n].addr);
	/* Every second one goes; a long one does not fit in their place. */
	for (i = 1; i < n; i += 2)
		assert_int_equal(ops->unmap(gnt, &m[i], 1), 0);
	m[1] = (struct xen_map){ .domid = GUEST, .grefs = grefs, .count = 7 };
	assert_int_equal(ops->map(gnt, &m[1], 1), 0);
	for (i = 0; i < n; i++)
		ops->unmap(gnt, &m[i], 1);
	assert_int_equal(rig_counters().mappings, 0);
	assert_int_equal(desk_guest_grant_end(guest, gref), 0);
}

static void copies(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 2), local[XEN_PAGE_SIZE];
	struct xen_copy c[100];
	uint32_t rw = grant(page, false);
	uint32_t ro = grant(page + XEN_PAGE_SIZE, true);
	unsigned i;

	(void)state;
	memset(page, 'g', XEN_PAGE_SIZE);
	memset(local, 'l', sizeof(local));
	for (i = 0; i < 100; i++)
		c[i] = (struct xen_copy){ .local = local + i * 40,
					  .domid = GUEST,
					  .gref = rw,
					  .off_bytes = (uint16_t)(i * 40),
					  .len_bytes = 20,
					  .to_guest = i % 2 };
	assert_int_equal(ops->copy(gnt, c, 100), 0);
	assert_int_equal(local[0], 'g');
	assert_int_equal(local[20], 'l');
	assert_int_equal(page[40], 'l');
	assert_int_equal(page[60], 'g');
	assert_int_equal(page[99 * 40 + 19], 'l');

	c[0] = (struct xen_copy){ .local = local,
				  .domid = GUEST,
				  .gref = ro,
				  .off_bytes = 0,
				  .len_bytes = 4096 };
	c[1] = c[0];
	c[1].to_guest = true;
	c[2] = c[0];
	c[2].gref = DESK_GRANT_ENTRIES;
	c[3] = c[0];
	c[3].domid = 99;
	assert_int_equal(ops->copy(gnt, c, 4), 3);
	assert_int_equal(c[0].status, XEN_GNTST_OKAY);
	assert_int_equal(c[1].status, XEN_GNTST_GENERAL_ERROR);
	assert_int_equal(c[2].status, XEN_GNTST_BAD_GNTREF);
	assert_int_equal(c[3].status, XEN_GNTST_BAD_DOMAIN);
	/* One that leaves its page spoils the call, as in Linux. */
	c[1] = c[0];
	c[1].off_bytes = 1;
	assert_int_equal(ops->copy(gnt, c, 2), -EINVAL);
	c[1].off_bytes = c[1].len_bytes = 65535;
	assert_int_equal(ops->copy(gnt, c, 2), -EINVAL);
	/* Nothing stays pinned. */
	assert_int_equal(desk_guest_grant_end(guest, rw), 0);
	assert_int_equal(desk_guest_grant_end(guest, ro), 0);
	assert_int_equal(rig_counters().mappings, 0);
}

/* A backend may live in any domain; only what it was granted is its own. */
static void driver_domain(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	struct xen_host *driver = rig_host(2);
	int for_driver = desk_guest_grant(guest, 2, page, false);
	uint32_t gref = grant(page, false);
	int16_t status;
	struct xen_map m = { .domid = GUEST,
			     .count = 1,
			     .writable = true,
			     .grefs = &gref,
			     .status = &status };
	struct xen_gnttab *g;

	(void)state;
	assert_int_equal(driver->ops->gnttab.open(driver, &g), 0);
	assert_int_equal(driver->ops->gnttab.map(g, &m, 1), 1);
	assert_int_equal(status, XEN_GNTST_GENERAL_ERROR);
	gref = (uint32_t)for_driver;
	assert_int_equal(driver->ops->gnttab.map(g, &m, 1), 0);
	strcpy(m.addr, "driver");
	assert_string_equal(page, "driver");
	assert_int_equal(map_one(&m, gref, false, &status), 1);
	xen_host_close(driver); /* and with it its handles */
	rig_wait_counter(mappings, 0);
}

/* A handle that closes lets go of what it has mapped. */
static void closing_unmaps(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	uint32_t gref = grant(page, false);
	struct xen_gnttab *first = gnt;
	struct xen_map m, n;
	int16_t status;

	(void)state;
	assert_int_equal(map_one(&m, gref, true, &status), 0);
	assert_int_equal(ops->open(back, &gnt), 0);
	assert_int_equal(map_one(&n, gref, false, &status), 0);
	assert_int_equal(rig_counters().mappings, 2);
	ops->close(first);
	assert_int_equal(rig_counters().mappings, 1);
	assert_true(faults(m.addr, false));
	assert_false(faults(n.addr, false));
	assert_int_equal(DESK_GRANT_FLAGS(table()[gref].head),
			 GTF_permit_access | GTF_reading);
}

/* ---- runs that lie idle ------------------------------------------------- */

/* Without strict mode; where a sanitizer forces it, the rest still holds. */
static void start_lazy(void)
{
	ops->close(gnt);
	unsetenv("RINGSIDE_DESK_STRICT");
	assert_int_equal(ops->open(back, &gnt), 0);
	setenv("RINGSIDE_DESK_STRICT", "1", 1);
}

static void idle_runs_are_unmapped_for_the_guest(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 2);
	uint32_t gref = grant(page, false);
	struct xen_map m;
	int16_t status;

	(void)state;
	start_lazy();
	page[0] = 1;
	page[XEN_PAGE_SIZE] = 2;
	assert_int_equal(map_one(&m, gref, true, &status), 0);
	assert_int_equal(*(uint8_t *)m.addr, 1);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(rig_counters().mappings, 0);
	/* The same gref for another page, then for the first one again. */
	assert_int_equal(
		desk_guest_regrant(guest, gref, 0, page + XEN_PAGE_SIZE, false),
		0);
	assert_int_equal(map_one(&m, gref, true, &status), 0);
	assert_int_equal(*(uint8_t *)m.addr, 2);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(desk_guest_regrant(guest, gref, 0, page, false), 0);
	page[0] = 3;
	assert_int_equal(map_one(&m, gref, true, &status), 0);
	assert_int_equal(*(uint8_t *)m.addr, 3);
	ops->unmap(gnt, &m, 1);
	/* Read-only is read-only, also where it lay writable before. */
	assert_int_equal(map_one(&m, gref, false, &status), 0);
	assert_true(faults(m.addr, true));
	ops->unmap(gnt, &m, 1);
	/* And withdrawn is withdrawn, wherever it lies. */
	assert_int_equal(desk_guest_grant_end(guest, gref), 0);
	assert_int_equal(map_one(&m, gref, true, &status), 1);
	assert_null(m.addr);
	assert_int_equal(desk_guest_grant(guest, 0, page, false), gref);
	assert_int_equal(map_one(&m, gref, true, &status), 0);
	assert_int_equal(*(uint8_t *)m.addr, 3);
	ops->unmap(gnt, &m, 1);
}

#ifndef __has_feature
#define __has_feature(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LAZY 0
#else
#define LAZY 1
#endif

/* The same pages are found where they lay; that is what it is for. */
static void idle_runs_are_found(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 20);
	uint32_t gref[20], i;
	struct xen_map m[3];
	void *before[2];

	(void)state;
	start_lazy();
	for (i = 0; i < 20; i++)
		gref[i] = grant(page + (i * 7) % 20 * XEN_PAGE_SIZE, false);
	for (i = 0; i < 3; i++)
		m[i] = (struct xen_map){ .domid = GUEST,
					 .writable = true,
					 .count = i ? 9 : 1,
					 .grefs = gref + (i ? 9 * i - 8 : 0) };
	/* The last one stays, so that the window does not begin anew. */
	assert_int_equal(ops->map(gnt, m, 3), 0);
	for (i = 0; i < 2; i++)
		before[i] = m[i].addr;
	for (i = 0; i < 3; i++) {
		ops->unmap(gnt, m, 2);
		assert_int_equal(ops->map(gnt, m, 2), 0);
		if (LAZY) {
			assert_ptr_equal(m[0].addr, before[0]);
			assert_ptr_equal(m[1].addr, before[1]);
		}
	}
	ops->unmap(gnt, m, 3);
}

/* What a guest writes into an entry only says where to look first. */
static void idle_runs_are_checked(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 2);
	uint32_t a = grant(page, false);
	uint32_t b = grant(page + XEN_PAGE_SIZE, false);
	struct desk_grant_entry *t = table();
	struct xen_map m, n;
	int16_t status;

	(void)state;
	start_lazy();
	page[0] = 'a';
	page[XEN_PAGE_SIZE] = 'b';
	/* b's page lies idle, a is mapped, and a's entry now names b's page. */
	assert_int_equal(map_one(&m, b, false, &status), 0);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(map_one(&m, a, false, &status), 0);
	t[a].frame = t[b].frame;
	assert_int_equal(map_one(&n, a, false, &status), 0);
	assert_int_equal(*(uint8_t *)n.addr, 'a');
	ops->unmap(gnt, &n, 1);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(map_one(&m, b, false, &status), 0);
	assert_int_equal(*(uint8_t *)m.addr, 'b');
	ops->unmap(gnt, &m, 1);
}

/* More of them than are kept, in all sizes and orders; each is right. */
static void idle_runs_are_bounded(void **state)
{
	enum { PAGES = 512, ROUNDS = 20000, LIVE = 16 };
	uint8_t *page = desk_guest_alloc(guest, PAGES);
	uint32_t first = 0, i, j, gref, grefs[LIVE][12];
	struct xen_map m[LIVE] = { { 0 } };
	unsigned seed = 3;

	(void)state;
	start_lazy();
	for (i = 0; i < PAGES; i++) {
		gref = grant(page + i * XEN_PAGE_SIZE, false);
		if (!i)
			first = gref;
		assert_int_equal(gref, first + i);
		memcpy(page + i * XEN_PAGE_SIZE, &gref, sizeof(gref));
	}
	for (i = 0; i < ROUNDS; i++) {
		struct xen_map *one = &m[(unsigned)rand_r(&seed) % LIVE];
		uint32_t *g = grefs[one - m];

		if (one->addr) {
			assert_int_equal(ops->unmap(gnt, one, 1), 0);
			continue;
		}
		*one = (struct xen_map){ .domid = GUEST,
					 .grefs = g,
					 .writable = rand_r(&seed) % 2,
					 .count = 1 + (unsigned)rand_r(&seed) %
							      12 };
		for (j = 0; j < one->count; j++)
			g[j] = first + (unsigned)rand_r(&seed) % PAGES;
		assert_int_equal(ops->map(gnt, one, 1), 0);
		for (j = 0; j < one->count; j++)
			assert_int_equal(((uint32_t *)one->addr)[j * 1024],
					 g[j]);
	}
	for (i = 0; i < LIVE; i++)
		ops->unmap(gnt, &m[i], 1);
	assert_int_equal(rig_counters().mappings, 0);
}

/* ---- the guest's own side
 * ------------------------------------------------------- */

static void guest_memory(void **state)
{
	struct xen_host *again;
	uint8_t *base, *a, *b, *c;
	size_t pages;
	unsigned n;

	(void)state;
	base = desk_guest_memory(guest, &pages);
	assert_int_equal(pages, RIG_MEM / XEN_PAGE_SIZE);
	assert_null(desk_guest_memory(back, &pages));
	a = desk_guest_alloc(guest, 3);
	b = desk_guest_alloc(guest, 1);
	assert_true(a >= base && b == a + 3 * XEN_PAGE_SIZE);
	memset(a, 0xee, 3 * XEN_PAGE_SIZE);
	desk_guest_free(guest, a, 3);
	c = desk_guest_alloc(guest, 2);
	assert_ptr_equal(c, a);
	assert_int_equal(c[0], 0);
	/* Another process of the domain has other pages. */
	again = rig_host(GUEST);
	c = desk_guest_alloc(again, 1);
	assert_non_null(c);
	assert_int_not_equal(c - (uint8_t *)desk_guest_memory(again, &pages),
			     b - base);
	c[0] = 77;
	assert_int_equal(base[c - (uint8_t *)desk_guest_memory(again, &pages)],
			 77);
	/* Until there is no more. */
	for (n = 0; desk_guest_alloc(guest, 64); n++)
		;
	assert_int_equal(n, (1024 - 256 - 3) / 64);
	assert_null(desk_guest_alloc(guest, 100000));
	xen_host_close(again);
	/* What a process had, the next one may have. */
	rig_wait_counter(connections, 2);
	assert_non_null(desk_guest_alloc(guest, 256));
}

static void grefs_run_out(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	int gref = 0;
	unsigned n;

	(void)state;
	for (n = 0; n < DESK_GRANT_ENTRIES; n++) {
		gref = desk_guest_grant(guest, 0, page, false);
		if (gref < 0)
			break;
	}
	assert_int_equal(gref, -ENOSPC);
	assert_int_equal(n, DESK_GRANT_ENTRIES - 8);
	assert_int_equal(desk_guest_grant_end(guest, 4242), 0);
	assert_int_equal(desk_guest_grant(guest, 0, page, false), 4242);
	assert_int_equal(desk_guest_grant_end(guest, 7), -EINVAL);
	assert_int_equal(desk_guest_grant_end(guest, DESK_GRANT_ENTRIES),
			 -EINVAL);
}

/* A guest cannot take the memory away under a mapper. */
static void memory_is_sealed(void **state)
{
	int fd, i, found = 0;
	char path[64], name[256];
	ssize_t n;

	(void)state;
	/* The guest's descriptors are closed; /proc has the mapping. */
	for (i = 3; i < 256; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		n = readlink(path, name, sizeof(name) - 1);
		if (n <= 0)
			continue;
		name[n] = 0;
		if (!strstr(name, "ringside-dom"))
			continue;
		fd = open(path, O_RDWR);
		if (fd < 0)
			continue;
		found++;
		assert_int_equal(ftruncate(fd, 0), -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
		close(fd);
	}
	/* The backend has one, once it has looked at the domain. */
	if (!found) {
		table();
		assert_int_equal(i, 256);
		memory_is_sealed(state);
	}
}

/* ---- the end of a mapper
 * ---------------------------------------------------------- */

/* In a child: a backend of its own that maps `gref`. */
static struct xen_gnttab *child_map(uint32_t gref, bool writable,
				    struct xen_host **host)
{
	struct xen_gnttab *g;
	struct xen_map m = {
		.domid = GUEST, .writable = writable, .count = 1, .grefs = &gref
	};

	*host = rig_host(0);
	if ((*host)->ops->gnttab.open(*host, &g) ||
	    (*host)->ops->gnttab.map(g, &m, 1))
		_exit(1);
	return g;
}

static void mapper_is_killed(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 2);
	uint32_t a = grant(page, false), b = grant(page, false);
	struct xen_host *h;
	struct rig_gate up;
	struct xen_map m;
	int16_t status;
	pid_t pid;

	(void)state;
	assert_int_equal(map_one(&m, a, false, &status), 0);
	rig_gate_open(&up);
	pid = rig_fork();
	if (pid == 0) {
		child_map(a, true, &h);
		child_map(b, true, &h);
		rig_gate_pass(&up);
		pause();
	}
	rig_gate_wait(&up);
	assert_int_equal(rig_counters().mappings, 3);
	assert_int_equal(desk_guest_grant_end(guest, b), -EBUSY);
	rig_kill(pid);
	rig_wait_counter(mappings, 1);
	/* The dead one's marks are gone, ours are not. */
	assert_int_equal(desk_guest_grant_end(guest, b), 0);
	assert_int_equal(desk_guest_grant_end(guest, a), -EBUSY);
	assert_int_equal(DESK_GRANT_FLAGS(table()[a].head),
			 GTF_permit_access | GTF_reading);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(desk_guest_grant_end(guest, a), 0);
	rig_gate_close(&up);
}

/* Killed with the lock in its hand, half way through an entry. */
static void mapper_is_killed_in_the_lock(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	uint32_t a = grant(page, false), b = grant(page, false);
	struct desk_view *v;
	struct xen_host *h;
	struct rig_gate up;
	struct xen_map m;
	int16_t status;
	pid_t pid;

	(void)state;
	rig_gate_open(&up);
	pid = rig_fork();
	if (pid == 0) {
		child_map(a, true, &h);
		if (desk_view_get(desk_host_of(h), GUEST, &v) ||
		    desk_pin_lock(v))
			_exit(1);
		/* Marked, but neither noted nor counted. */
		v->grant[b].head |= GTF_reading | GTF_writing;
		v->active->entry[a].readers = 1000;
		rig_gate_pass(&up);
		pause();
	}
	rig_gate_wait(&up);
	rig_kill(pid);
	rig_wait_counter(connections, 2);
	/* The lock is free, and the desk has mended the rest. */
	assert_int_equal(map_one(&m, a, true, &status), 0);
	ops->unmap(gnt, &m, 1);
	assert_int_equal(desk_guest_grant_end(guest, a), 0);
	assert_int_equal(desk_guest_grant_end(guest, b), 0);
	rig_gate_close(&up);
}

static void *lock_and_end(void *view)
{
	return desk_pin_lock(view) ? view : NULL;
}

/* The next one finds the lock in a dead hand, before the desk does. */
static void the_lock_is_inherited(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	uint32_t gref = grant(page, false);
	struct desk_view *v;
	struct xen_map m;
	pthread_t thread;
	int16_t status;
	void *failed;
	int i;

	(void)state;
	assert_int_equal(desk_view_get(desk_host_of(back), GUEST, &v), 0);
	pthread_create(&thread, NULL, lock_and_end, v);
	pthread_join(thread, &failed);
	assert_null(failed);
	for (i = 0; i < 2; i++) {
		assert_int_equal(map_one(&m, gref, true, &status), 0);
		assert_int_equal(ops->unmap(gnt, &m, 1), 0);
	}
	desk_view_put(desk_host_of(back), v);
}

/*
 * A mapper that is stopped while it holds the lock stops its peers, for they
 * share it; but not the desk.
 */
static void mapper_is_stopped_in_the_lock(void **state)
{
	uint8_t *page = desk_guest_alloc(guest, 1);
	uint32_t a = grant(page, false);
	struct xen_host *h;
	struct desk_view *v;
	struct rig_gate up;
	pid_t pid, second;

	(void)state;
	rig_gate_open(&up);
	pid = rig_fork();
	if (pid == 0) {
		h = rig_host(0);
		if (desk_view_get(desk_host_of(h), GUEST, &v) ||
		    desk_pin_lock(v))
			_exit(1);
		rig_gate_pass(&up);
		pause();
	}
	rig_gate_wait(&up);
	kill(pid, SIGSTOP);
	/* A second one dies meanwhile; the desk cannot count yet, and goes on.
	 */
	second = rig_fork();
	if (second == 0) {
		struct xen_gnttab *g;

		h = rig_host(0);
		if (h->ops->gnttab.open(h, &g))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(rig_exit_status(second), 0);
	rig_wait_counter(connections, 3);
	assert_int_equal(desk_guest_grant_end(guest, a), 0);
	rig_kill(pid);
	rig_wait_counter(connections, 2);
	rig_gate_close(&up);
}

/* For whoever judges a backend by what it asked of its host. */
static void calls_and_pages_are_counted(void **state)
{
	enum { PAGES = 3 };
	uint8_t *page = desk_guest_alloc(guest, PAGES), local[64];
	uint32_t gref[PAGES], bad = 60000;
	struct xen_copy c[2];
	struct desk_counters n;
	struct xen_map m[4];
	struct why why;
	unsigned i;

	(void)state;
	for (i = 0; i < PAGES; i++)
		gref[i] = grant(page + i * XEN_PAGE_SIZE, false);
	m[0] = (struct xen_map){ .domid = GUEST, .count = 2, .grefs = gref };
	m[1] = (struct xen_map){ .domid = GUEST, .count = 1, .grefs = &bad };
	m[2] = (struct xen_map){
		.domid = GUEST, .writable = true, .count = PAGES, .grefs = gref
	};
	assert_int_equal(ops->map(gnt, m, 3), 1);
	assert_int_equal(map_one(&m[3], gref[0], false, (int16_t[]){ 0 }), 0);
	n = rig_counters();
	assert_int_equal(n.tally.map_calls, 2);
	assert_int_equal(n.tally.pages_mapped, 2 + PAGES + 1);
	assert_int_equal(n.tally.pages_writable, PAGES);
	assert_int_equal(n.tally.unmap_calls, 0);
	assert_int_equal(ops->unmap(gnt, m, 4), 0);
	for (i = 0; i < 2; i++)
		c[i] = (struct xen_copy){ .local = local,
					  .domid = GUEST,
					  .gref = i ? bad : gref[0],
					  .len_bytes = sizeof(local) };
	assert_int_equal(ops->copy(gnt, c, 2), 1);
	n = rig_counters();
	assert_int_equal(n.tally.unmap_calls, 1);
	assert_int_equal(n.tally.pages_unmapped, n.tally.pages_mapped);
	assert_int_equal(n.tally.copy_calls, 1);
	assert_int_equal(n.tally.pages_copied, 1);

	/* Of one domain: all of it was this one's, and none the other's. */
	assert_int_equal(desk_control_domain_counters(rig_dir, GUEST, &n, &why),
			 0);
	assert_int_equal(n.tally.map_calls, 2);
	assert_int_equal(n.grants, PAGES);
	assert_int_equal(desk_control_domain_counters(rig_dir, 2, &n, &why), 0);
	assert_int_equal(n.tally.map_calls, 0);
	assert_int_equal(n.grants, 0);
	assert_int_equal(desk_control_domain_counters(rig_dir, 0, &n, &why),
			 -ESRCH);
	assert_int_equal(desk_control_domain_counters(rig_dir, 99, &n, &why),
			 -ESRCH);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pages_are_shared),
		T(read_only_is_read_only),
		T(statuses),
		T(mapped_stays_as_it_was),
		T(batches),
		T(window_is_bounded),
		T(copies),
		T(calls_and_pages_are_counted),
		T(driver_domain),
		T(closing_unmaps),
		T(idle_runs_are_unmapped_for_the_guest),
		T(idle_runs_are_found),
		T(idle_runs_are_checked),
		T(idle_runs_are_bounded),
		T(guest_memory),
		T(grefs_run_out),
		T(memory_is_sealed),
		T(mapper_is_killed),
		T(mapper_is_killed_in_the_lock),
		T(the_lock_is_inherited),
		T(mapper_is_stopped_in_the_lock),
	};

	setenv("RINGSIDE_DESK_STRICT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
