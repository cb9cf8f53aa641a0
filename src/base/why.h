/* SPDX-License-Identifier: MIT */
/*
 * Why something failed: one sentence for a person, beside the -errno for the
 * program.  A function that can fail for a reason the user can mend takes a
 * `struct why *` as its last argument and fills it exactly when it returns
 * non-zero.  The sentence says what was wrong, where, and what to do; it has
 * no newline and no program name; control characters become "?".
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

struct why {
	char text[512];
};

/*
 * Fill `why` (may be NULL) by printf rules and return `err` as it was given,
 * so that `return why_set(why, -EINVAL, "...")` reads as one step.
 */
int why_set(struct why *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
