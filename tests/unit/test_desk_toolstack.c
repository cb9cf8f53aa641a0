/* SPDX-License-Identifier: MIT */
/* What the desk does when a guest's process is gone. */
#include "desk_rig.h"

#include "xen/desk/guest.h"

#define FRONT "/local/domain/1/device/vbd/51712"
#define BACK  "/local/domain/0/backend/vbd/1/51712"

static struct xen_host *back;
static const struct xen_store_ops *s;

static int start(void **state)
{
	rig_start(state);
	rig_domain(1);
	back = rig_host(0);
	s = &back->ops->store;
	return 0;
}

static int stop(void **state)
{
	if (back)
		xen_host_close(back);
	back = NULL;
	return rig_stop(state);
}

static void put(const char *path, const char *value)
{
	assert_int_equal(s->write(back, 0, path, value), 0);
}

static bool is(const char *path, const char *value)
{
	char *text = s->read(back, 0, path, NULL);
	bool same = text && !strcmp(text, value);

	free(text);
	return same;
}

static bool exists(const char *path)
{
	char *text = s->read(back, 0, path, NULL);

	free(text);
	return text != NULL;
}

#define wait_until(cond)                                                       \
	do {                                                                   \
		int left_ = 5000;                                              \
		while (!(cond) && left_--)                                     \
			usleep(2000);                                          \
		assert_true(cond);                                             \
	} while (0)

/* A disk whose two sides are in these states. */
static void disk(const char *front, const char *backend)
{
	assert_int_equal(s->mkdir(back, 0, FRONT), 0);
	assert_int_equal(s->permit(back, 0, FRONT, 1, 0, 'r'), 0);
	put(FRONT "/state", front);
	put(FRONT "/backend", BACK);
	put(FRONT "/backend-id", "0");
	put(BACK "/online", "1");
	put(BACK "/state", backend);
}

/* A guest's process: a port, a granted page; says so and waits. */
static pid_t frontend(const char *state_first, bool wait)
{
	struct rig_gate up;
	struct xen_host *h;
	struct xen_evtchn *e;
	void *page;
	pid_t pid;
	int port;
	char text[16];

	rig_gate_open(&up);
	pid = rig_fork();
	if (pid == 0) {
		rig_gate_alone(&up);
		h = rig_host(1);
		page = desk_guest_alloc(h, 1);
		if (!page || h->ops->evtchn.open(h, &e))
			_exit(1);
		port = h->ops->evtchn.alloc_unbound(e, 0);
		snprintf(text, sizeof(text), "%d", port);
		if (port < 1 ||
		    h->ops->store.write(h, 0, FRONT "/event-channel", text) ||
		    h->ops->store.write(h, 0, FRONT "/state", state_first) ||
		    desk_guest_grant(h, 0, page, false) < 8)
			_exit(1);
		*(char *)page = *state_first;
		rig_gate_pass(&up);
		while (wait)
			pause();
		_exit(0);
	}
	rig_gate_wait(&up);
	rig_gate_close(&up);
	return pid;
}

static void killed_frontend_loses_its_disk(void **state)
{
	uint32_t gref = 8;
	struct xen_gnttab *g;
	struct xen_map m = { .domid = 1, .count = 1, .grefs = &gref };
	struct why why;
	char **event;
	pid_t pid;

	(void)state;
	assert_int_equal(s->watch(back, "@releaseDomain", "gone"), 0);
	assert_true(rig_readable(s->fd(back)));
	assert_int_equal(s->next(back, &event), 0);
	free(event);
	disk("1", "4");
	pid = frontend("4", true);
	assert_int_equal(back->ops->gnttab.open(back, &g), 0);
	assert_int_equal(back->ops->gnttab.map(g, &m, 1), 0);
	rig_kill(pid);
	/* The backend is told, as by the toolstack. */
	wait_until(is(BACK "/state", "5"));
	assert_true(is(BACK "/online", "0"));
	assert_true(rig_readable(s->fd(back)));
	assert_int_equal(s->next(back, &event), 0);
	assert_string_equal(event[0], "@releaseDomain");
	free(event);
	/* It has its time: nothing is removed before it closes. */
	usleep(100000);
	assert_true(exists(BACK));
	assert_true(exists(FRONT));
	put(BACK "/state", "6");
	wait_until(!exists(BACK));
	wait_until(!exists("/local/domain/1"));
	assert_false(exists("/local/domain/0/backend/vbd/1"));
	/* The domain lasts as long as somebody maps its memory. */
	usleep(100000);
	assert_int_equal(rig_counters().domains, 1);
	assert_int_equal(((volatile char *)m.addr)[0], '4');
	assert_int_equal(desk_control_domain_create(rig_dir, 1, RIG_MEM, &why),
			 -EBUSY);
	assert_int_equal(back->ops->gnttab.unmap(g, &m, 1), 0);
	rig_wait_counter(domains, 0);
	assert_int_equal(rig_counters().grants, 0);
	assert_int_equal(rig_counters().ports_unbound, 0);
	assert_int_equal(rig_counters().tally.pages_mapped,
			 1); /* all the same */
	/* And may come back: another one of that number, seen as it is. */
	assert_int_equal(back->ops->gnttab.map(g, &m, 1), 1);
	rig_domain(1);
	disk("1", "4");
	pid = frontend("6", true);
	assert_int_equal(back->ops->gnttab.map(g, &m, 1), 0);
	assert_int_equal(((volatile char *)m.addr)[0], '6');
	assert_int_equal(back->ops->gnttab.unmap(g, &m, 1), 0);
	rig_kill(pid);
}

static void orderly_frontend_keeps_its_disk(void **state)
{
	static const char *const orderly[] = { "6", "1" };
	unsigned i;
	pid_t pid;

	(void)state;
	disk("1", "2");
	for (i = 0; i < 2; i++) {
		pid = frontend(orderly[i], false);
		assert_int_equal(rig_exit_status(pid), 0);
		rig_wait_counter(connections, 1);
		/* What it granted is withdrawn, its ports are closed. */
		rig_wait_counter(grants, 0);
		assert_int_equal(rig_counters().ports_unbound, 0);
		usleep(50000);
		assert_true(is(BACK "/state", "2"));
		assert_true(is(BACK "/online", "1"));
		assert_int_equal(rig_counters().domains, 1);
	}
}

/* One of two processes of a domain: only its own disk goes. */
static void a_second_process_lives_on(void **state)
{
	struct xen_host *other = rig_host(1);
	pid_t pid;

	(void)state;
	disk("1", "4");
	put("/local/domain/1/device/vbd/51728/state", "4");
	put("/local/domain/0/backend/vbd/1/51728/state", "4");
	pid = frontend("4", true);
	rig_kill(pid);
	wait_until(is(BACK "/state", "5"));
	put(BACK "/state", "6");
	wait_until(!exists(BACK));
	wait_until(!exists(FRONT));
	assert_true(is("/local/domain/0/backend/vbd/1/51728/state", "4"));
	assert_int_equal(rig_counters().domains, 1);
	/* Its granted page is free again. */
	rig_wait_counter(grants, 0);
	/* Then the last one, and with it the rest. */
	xen_host_close(other);
	wait_until(is("/local/domain/0/backend/vbd/1/51728/state", "5"));
	put("/local/domain/0/backend/vbd/1/51728/state", "6");
	rig_wait_counter(domains, 0);
}

/* Nobody is there who could close it. */
static void no_backend_to_wait_for(void **state)
{
	struct desk_counters c;
	pid_t pid;

	(void)state;
	disk("1", "4");
	pid = frontend("4", true);
	xen_host_close(back);
	back = NULL;
	rig_wait_counter(connections, 1);
	rig_kill(pid);
	rig_wait_counter(domains, 0);
	c = rig_counters();
	assert_int_equal(c.nodes, 7); /* as it was at the start */
}

/* A guest cannot make the desk remove what is not its disk. */
static void guests_words_are_not_trusted(void **state)
{
	pid_t pid;

	(void)state;
	put("/precious/state", "4");
	disk("1", "4");
	put(FRONT "/backend", "/precious");
	put(FRONT "/backend-id", "99999999999");
	put("/local/domain/1/device/vbd/evil/backend", "/precious");
	pid = frontend("4", true);
	rig_kill(pid);
	wait_until(is(BACK "/state", "5"));
	put(BACK "/state", "6");
	rig_wait_counter(domains, 0);
	assert_true(is("/precious/state", "4"));
}

/* The desk ends in the middle of it. */
static void the_desk_ends_meanwhile(void **state)
{
	pid_t pid;

	(void)state;
	disk("1", "4");
	pid = frontend("4", true);
	rig_kill(pid);
	wait_until(is(BACK "/state", "5"));
	rig_end();
	assert_true(rig_readable(xen_host_gone_fd(back)));
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(killed_frontend_loses_its_disk),
		T(orderly_frontend_keeps_its_disk),
		T(a_second_process_lives_on),
		T(no_backend_to_wait_for),
		T(guests_words_are_not_trusted),
		T(the_desk_ends_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
