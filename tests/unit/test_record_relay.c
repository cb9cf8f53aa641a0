/* SPDX-License-Identifier: MIT */
/* Where a recording is sent to: what a person writes, and what LTTng reads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "trace/record/relay.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		unsigned control, data;
	} cases[] = {
		{ "host", "host", 5342, 5343 },
		{ "10.0.0.1:1:65535", "10.0.0.1", 1, 65535 },
		{ "[::1]", "::1", 5342, 5343 },
		{ "[fe80::2]:7:8", "fe80::2", 7, 8 },
		{ "", NULL, 0, 0 },
		{ "::1", NULL, 0, 0 },
		{ "[]", NULL, 0, 0 },
		{ "[::1", NULL, 0, 0 },
		{ "[::1]x", NULL, 0, 0 },
		{ "host:", NULL, 0, 0 },
		{ "host:1", NULL, 0, 0 },
		{ "host:1:", NULL, 0, 0 },
		{ "host::1", NULL, 0, 0 },
		{ "host:0:1", NULL, 0, 0 },
		{ "host:1:65536", NULL, 0, 0 },
		{ "host:1:2:3", NULL, 0, 0 },
		{ "host/path", NULL, 0, 0 },
		{ "user@host", NULL, 0, 0 },
	};
	struct record_relay relay;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int err = record_relay_parse(cases[i].text, &relay, &why);

		if (!cases[i].host) {
			if (err != -EINVAL || !strstr(why.text, "HOST"))
				fail_msg("\"%s\" is taken", cases[i].text);
			continue;
		}
		assert_int_equal(err, 0);
		assert_string_equal(relay.host, cases[i].host);
		assert_int_equal(relay.control, cases[i].control);
		assert_int_equal(relay.data, cases[i].data);
	}
}

static void test_urls(void **state)
{
	struct record_relay relay = { .control = 1,
				      .data = 2,
				      .address = "10.0.0.1" };
	char control[RECORD_RELAY_URL], data[RECORD_RELAY_URL];

	(void)state;
	record_relay_urls(&relay, "name", control, data);
	assert_string_equal(control, "tcp://10.0.0.1:1/name");
	assert_string_equal(data, "tcp://10.0.0.1:2");
	relay.v6 = true;
	strcpy(relay.address, "::1");
	record_relay_urls(&relay, "name", control, data);
	assert_string_equal(control, "tcp6://[::1]:1/name");
	assert_string_equal(data, "tcp6://[::1]:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
