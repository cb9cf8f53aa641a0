/* SPDX-License-Identifier: MIT */
/* The store operations of xen.h, through libxenstore, on a real desk. */
#include <pthread.h>
#include <sys/stat.h>

#include "desk_rig.h"

static void reads_and_writes(void **state)
{
	struct xen_host *h = rig_host(0);
	const struct xen_store_ops *s = &h->ops->store;
	char *value, **names;
	unsigned count;
	size_t len;

	(void)state;
	assert_int_equal(s->write(h, 0, "/a/b", "value"), 0);
	value = s->read(h, 0, "/a/b", &len);
	assert_string_equal(value, "value");
	assert_int_equal(len, 5);
	free(value);
	assert_int_equal(s->mkdir(h, 0, "/a/c"), 0);
	names = s->directory(h, 0, "/a", &count);
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "b");
	assert_string_equal(names[1], "c");
	free(names);
	assert_null(s->read(h, 0, "/no", &len));
	assert_int_equal(errno, ENOENT);
	assert_null(s->directory(h, 0, "/no", &count));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(s->rm(h, 0, "/a/b"), 0);
	assert_int_equal(s->rm(h, 0, "/a/b"), -ENOENT);
	assert_int_equal(s->write(h, 0, "/a//b", "x"), -EINVAL);
	assert_int_equal(s->unwatch(h, "/a", "none"), -ENOENT);
	xen_host_close(h);
}

static void domains_have_their_rights(void **state)
{
	const struct xen_store_ops *s;
	struct xen_host *h, *guest;
	char *value;

	(void)state;
	rig_domain(1);
	h = rig_host(0);
	guest = rig_host(1);
	s = &h->ops->store;
	assert_int_equal(h->domid, 0);
	assert_int_equal(guest->domid, 1);
	assert_int_equal(s->write(h, 0, "/x", "0"), 0);
	assert_int_equal(s->write(guest, 0, "/x", "1"), -EACCES);
	assert_int_equal(s->permit(h, 0, "/x", 0, 1, 'r'), 0);
	assert_int_equal(s->write(guest, 0, "/x", "1"), -EACCES);
	value = s->read(guest, 0, "/x", NULL);
	assert_string_equal(value, "0");
	free(value);
	assert_int_equal(s->permit(h, 0, "/x", 0, 1, 'b'), 0);
	assert_int_equal(s->write(guest, 0, "/x", "1"), 0);
	assert_int_equal(s->permit(h, 0, "/x", 0, 1, 'n'), 0);
	assert_null(s->read(guest, 0, "/x", NULL));
	assert_int_equal(errno, EACCES);
	xen_host_close(guest);
	xen_host_close(h);
}

static void watch_fires(void **state)
{
	struct xen_host *h = rig_host(0);
	const struct xen_store_ops *s = &h->ops->store;
	char **event;

	(void)state;
	assert_int_equal(s->next(h, &event), -EAGAIN);
	assert_int_equal(s->watch(h, "/w", "token"), 0);
	assert_int_equal(s->watch(h, "/w", "token"), -EEXIST);
	assert_true(rig_readable(s->fd(h)));
	assert_int_equal(s->next(h, &event), 0);
	assert_string_equal(event[0], "/w");
	assert_string_equal(event[1], "token");
	free(event);
	assert_int_equal(s->write(h, 0, "/w/deep", ""), 0);
	assert_true(rig_readable(s->fd(h)));
	assert_int_equal(s->next(h, &event), 0);
	assert_string_equal(event[0], "/w/deep");
	free(event);
	assert_int_equal(s->next(h, &event), -EAGAIN);
	assert_int_equal(rig_counters().watches, 1);
	assert_int_equal(s->unwatch(h, "/w", "token"), 0);
	assert_int_equal(rig_counters().watches, 0);
	assert_int_equal(s->watch(h, "/w", "token"), 0);
	xen_host_close(h);
	rig_wait_counter(watches, 0);
}

static void transactions_retry(void **state)
{
	struct xen_host *a = rig_host(0), *b = rig_host(0);
	const struct xen_store_ops *s = &a->ops->store;
	xen_xbt t;

	(void)state;
	assert_int_equal(s->write(a, 0, "/n", "1"), 0);
	assert_int_equal(s->transaction_start(a, &t), 0);
	assert_true(t != 0);
	free(s->read(a, t, "/n", NULL));
	assert_int_equal(s->write(b, 0, "/n", "2"), 0);
	assert_int_equal(s->write(a, t, "/n", "3"), 0);
	assert_int_equal(s->transaction_end(a, t, false), -EAGAIN);
	assert_int_equal(s->transaction_start(a, &t), 0);
	assert_int_equal(s->write(a, t, "/n", "3"), 0);
	assert_int_equal(s->transaction_end(a, t, false), 0);
	assert_int_equal(s->transaction_start(a, &t), 0);
	assert_int_equal(s->rm(a, t, "/n"), 0);
	assert_int_equal(s->transaction_end(a, t, true), 0);
	assert_int_equal(rig_counters().nodes, 8);
	xen_host_close(b);
	xen_host_close(a);
}

/*
 * The desk is killed: each call fails with -EPIPE, none hangs, and whoever
 * waits for it hears of it.
 */
static void desk_is_killed(void **state)
{
	struct xen_host *h = rig_host(0), *quiet = rig_host(0);
	const struct xen_store_ops *s = &h->ops->store;
	struct xen_evtchn *e;
	struct xen_gnttab *g;
	unsigned count;
	char **event;
	xen_xbt t;
	int i;

	(void)state;
	/* One with libxenstore's reader thread, one without. */
	assert_int_equal(s->watch(h, "/w", "token"), 0);
	assert_int_equal(s->write(quiet, 0, "/q", ""), 0);
	assert_int_equal(h->ops->evtchn.open(h, &e), 0);
	assert_int_equal(h->ops->gnttab.open(h, &g), 0);
	assert_int_equal(poll(&(struct pollfd){ .fd = xen_host_gone_fd(h),
						.events = POLLIN },
			      1, 0),
			 0);
	rig_kill(rig_pid);
	rig_pid = 0;
	assert_true(rig_readable(xen_host_gone_fd(h)));
	assert_true(rig_readable(xen_host_gone_fd(quiet)));
	for (i = 0; i < 2; i++) {
		assert_null(s->read(h, 0, "/w", NULL));
		assert_int_equal(errno, EPIPE);
		assert_int_equal(s->write(h, 0, "/w", "x"), -EPIPE);
		assert_int_equal(s->transaction_start(h, &t), -EPIPE);
		assert_null(s->directory(h, 0, "/", &count));
		assert_int_equal(errno, EPIPE);
		assert_int_equal(s->write(quiet, 0, "/w", "x"), -EPIPE);
		assert_int_equal(h->ops->evtchn.alloc_unbound(e, 1), -EPIPE);
	}
	/* What was on the way comes first. */
	while ((i = s->next(h, &event)) == 0)
		free(event);
	assert_int_equal(i, -EPIPE);
	h->ops->evtchn.close(e);
	h->ops->gnttab.close(g);
	xen_host_close(quiet);
	xen_host_close(h);

	/* A new one clears away what the old one left. */
	rig_begin();
	h = rig_host(0);
	assert_int_equal(h->ops->store.write(h, 0, "/again", ""), 0);
	xen_host_close(h);
}

static void *write_slowly(void *host)
{
	struct xen_host *h = host;

	return (void *)(intptr_t)h->ops->store.write(h, 0, "/slow", "x");
}

/* It is killed while somebody waits for its answer. */
static void desk_is_killed_in_a_call(void **state)
{
	struct xen_host *h = rig_host(0), *watching = rig_host(0);
	pthread_t a, b;
	void *err;

	(void)state;
	assert_int_equal(watching->ops->store.watch(watching, "/w", "t"), 0);
	kill(rig_pid, SIGSTOP);
	pthread_create(&a, NULL, write_slowly, h);
	pthread_create(&b, NULL, write_slowly, watching);
	usleep(50000); /* later or sooner it must end all the same */
	rig_kill(rig_pid);
	rig_pid = 0;
	pthread_join(a, &err);
	assert_int_equal((intptr_t)err, -EPIPE);
	pthread_join(b, &err);
	assert_int_equal((intptr_t)err, -EPIPE);
	xen_host_close(watching);
	xen_host_close(h);
	rig_begin();
}

static void sentences(void **state)
{
	char spec[512], path[300];
	struct xen_host *h;
	struct why why;

	(void)state;
	assert_int_equal(xen_host_open("desk:/nonexistent/x", 0, &h, &why),
			 -ENOENT);
	assert_non_null(strstr(why.text, "ringside desk start /nonexistent/x"));
	assert_int_equal(xen_host_open("desk:", 0, &h, &why), -EINVAL);
	assert_int_equal(xen_host_open("kvm", 0, &h, &why), -EINVAL);
	assert_non_null(strstr(why.text, "\"kvm\" is no host"));
	snprintf(spec, sizeof(spec), "desk:%s", rig_dir);
	assert_int_equal(xen_host_open(spec, 5, &h, &why), -ESRCH);
	assert_non_null(strstr(why.text, "domain 5 does not exist"));
	if (access("/sys/hypervisor/type", F_OK)) {
		assert_int_equal(xen_host_open("xen", 0, &h, &why), -ENODEV);
		assert_non_null(strstr(why.text, "does not run on Xen"));
	}
	assert_int_equal(desk_control_domain_create(rig_dir, 1, 4096, &why),
			 -EINVAL);
	assert_int_equal(desk_control_domain_create(rig_dir, 0, RIG_MEM, &why),
			 -EINVAL);
	/* A directory without a desk, and a name longer than an address. */
	memset(path, 0, sizeof(path));
	snprintf(path, sizeof(path), "%s/", rig_dir);
	memset(path + strlen(path), 'x', 200);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(spec, sizeof(spec), "desk:%s", path);
	assert_int_equal(xen_host_open(spec, 0, &h, &why), -ENOENT);
	assert_non_null(strstr(why.text, "no desk runs in"));
	rmdir(path);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_and_writes), T(domains_have_their_rights),
		T(watch_fires),	     T(transactions_retry),
		T(desk_is_killed),   T(desk_is_killed_in_a_call),
		T(sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
