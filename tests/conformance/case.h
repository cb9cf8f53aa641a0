/* SPDX-License-Identifier: MIT */
/*
 * A case of the conformance run: a frontend that breaks a rule, or that looks
 * whether the backend keeps one, against a ringsided of its own process.
 *
 * Each case runs in a process of its own, as the domain that case_domid()
 * says; what it fails to clean up goes with it.  When it has ended, the
 * main program looks whether ringsided lives, still serves another disk, and
 * whether the desk's counters are back where they were.
 *
 * Nothing here asserts on time: there is one limit, for what never comes.
 */
#ifndef TESTS_CONFORMANCE_CASE_H
#define TESTS_CONFORMANCE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct conf_case {
	const char *name; /* the rule, a space, and what is tried */
	void (*run)(void);
	const char *options; /* of its ringsided, beside the usual ones */
};

/* Each list ends with a case without a name. */
extern const struct conf_case store_rules[], handshake_rules[], removal_rules[],
	ring_rules[], flight_rules[], notify_rules[], asleep_rules[],
	request_rules[], order_rules[], grant_rules[], advisories[],
	advisories_grants[];

/* What the main program tells a case. */
extern char case_dir[]; /* the desk's */
uint16_t case_domid(void);

/* The case ends here: what was expected, and what was seen. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);

#define must(cond, ...)                                                        \
	do {                                                                   \
		if (!(cond))                                                   \
			fail(__VA_ARGS__);                                     \
	} while (0)

/* A number that has to be another one. */
void same(const char *what, long long seen, long long expected);

/*
 * Wait until `cond` holds; the rest tells in vain for what.  Once a round
 * something else may run: the processor is not ours alone.
 */
#define until(cond, ...)                                                       \
	do {                                                                   \
		uint64_t limit_ = patience_end();                              \
		while (!(cond)) {                                              \
			if (patience_over(limit_))                             \
				fail(__VA_ARGS__);                             \
		}                                                              \
	} while (0)

uint64_t patience_end(void);
uint64_t patience_soon(void); /* a fifth of it, where many cases would wait */
bool patience_over(uint64_t end);

/*
 * Where ringsided's log ends now; and: does a line from `from` on have both
 * texts?  Then the end of that line, else 0.
 */
long log_end(void);
long log_find(long from, const char *a, const char *b);

#endif
