/* SPDX-License-Identifier: MIT */
/* Which events of a failed case a grade shows, and what of them. */
#include <stdio.h>

#include "labs/engine/trail.h"
#include "tests/unit/viz_rig.h"

#define SECOND 1000000000ll
#define DIR    "/local/domain/0/backend/vbd/7/51712"

struct shown {
	struct rig r;
	struct grade g;
	struct grade_check c;
	struct expect_check check;
	struct run_check run;
	struct run_case good, bad;
	struct run_case *kase[2];
	uint16_t domid[2];
	struct text said;
};

/* A check of two cases: the first passed, the second did not. */
static void open_all(struct shown *s)
{
	memset(s, 0, sizeof(*s));
	rig_open(&s->r);
	s->good = (struct run_case){ "good", 6, true, "" };
	s->bad = (struct run_case){ "bad", 7, false, "it waited" };
	s->kase[0] = &s->good;
	s->kase[1] = &s->bad;
	s->domid[0] = 6;
	s->domid[1] = 7;
	s->run = (struct run_check){
		.domid = s->domid, .domids = 2, .kase = s->kase, .kases = 2
	};
	s->c.check = &s->check;
	s->c.run = &s->run;
}

static void close_all(struct shown *s)
{
	text_free(&s->said);
	rig_close(&s->r);
}

static void write_key(struct shown *s, int64_t t, const char *path,
		      const char *value)
{
	rig_event(&s->r, t, EV_ACTOR_BACKEND, EV_KIND_store_write);
	rig_text(&s->r, LF_store_write_path, path);
	rig_text(&s->r, LF_store_write_value, value);
}

static void tell(struct shown *s)
{
	s->g.log = s->r.log;
	trail_tell(&s->g, &s->c, &s->said);
}

static void has(const struct shown *s, const char *words, bool wanted)
{
	if (!strstr(text_str(&s->said), words) == wanted)
		fail_msg("\"%s\" %s in:\n%s", words, wanted ? "is not" : "is",
			 text_str(&s->said));
}

/* A fault, silence, and clearing up that is longer than an excerpt. */
static void fault_and_end(struct shown *s)
{
	int64_t t;

	s->r.domid = 6;
	write_key(s, 0, DIR "/sectors", "1");
	s->r.domid = 7;
	rig_event(&s->r, 10, EV_ACTOR_BACKEND, EV_KIND_device_fault);
	rig_text(&s->r, LF_device_fault_rule, "XB-03");
	rig_text(&s->r, LF_device_fault_detail,
		 "cannot bind event channel 77 of domain 7, which has no such "
		 "channel, so its key is wrong");
	rig_event(&s->r, 20, EV_ACTOR_BACKEND, EV_KIND_feature_accept);
	write_key(s, 30, DIR "/state", "5");
	rig_event(&s->r, 40, EV_ACTOR_BACKEND, EV_KIND_store_watch);
	for (t = 0; t < 30; t++)
		write_key(s, 2 * SECOND + t, DIR "/error", "");
}

static void test_what_is_shown(void **state)
{
	struct shown s;

	(void)state;
	open_all(&s);
	fault_and_end(&s);
	tell(&s);
	has(&s, "backend/…/state = 5\n", true);
	has(&s, "its key is wrong\n", true);
	has(&s, ">> then nothing for 2.0 s\n", true);
	has(&s, "store_watch", false);
	has(&s, "feature_accept", false);
	has(&s, "sectors", false); /* the good case's */
	close_all(&s);
}

static void test_place(void **state)
{
	struct trail_place place;
	struct shown s;

	(void)state;
	open_all(&s);
	fault_and_end(&s);
	s.g.log = s.r.log;
	assert_true(trail_place(&s.g, &s.c, &place));
	assert_int_equal(place.domid, 7);
	assert_int_equal(place.devid, 51712);
	assert_int_equal(place.from_ns, 1000010);
	close_all(&s);
}

static void test_paths(void **state)
{
	struct shown s;

	(void)state;
	open_all(&s);
	s.r.domid = 7;
	write_key(&s, 0, "/local/domain/7/device/vbd/51712/queue-1/ring-ref",
		  "8");
	write_key(&s, 1, "/local/domain/7/name", "");
	write_key(&s, 2, "short", "x");
	tell(&s);
	has(&s, "store_write device/…/queue-1/ring-ref = 8\n", true);
	has(&s, "store_write name = (nothing)\n", true);
	has(&s, "store_write short = x\n", true);
	has(&s, ">> then nothing", false);
	close_all(&s);
}

static void test_no_events(void **state)
{
	struct trail_place place;
	struct shown s;

	(void)state;
	open_all(&s);
	s.g.log = s.r.log;
	assert_false(trail_place(&s.g, &s.c, &place));
	tell(&s);
	assert_string_equal(text_str(&s.said), "");
	close_all(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_shown),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_no_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
