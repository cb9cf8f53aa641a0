/* SPDX-License-Identifier: MIT */
/*
 * A queue's thread of ringsided, run instruction by instruction: so that a case
 * can act at a moment that lasts some nanoseconds, and does not have to wait
 * for it by chance.
 */
#ifndef TESTS_CONFORMANCE_STEP_H
#define TESTS_CONFORMANCE_STEP_H

#include "tests/conformance/peer.h"

/*
 * The thread that answers this ring, which is asked for that now, stopped.
 * 0: none could be found, or this process may not do such a thing; then all is
 * as it was.  Who ends without step_end() lets it go on, too.
 */
pid_t step_begin(struct ring *r);

/*
 * Let it go on until the index changes, and stop it directly after.  False if
 * that did not happen within as many instructions as any answer takes.
 */
bool step_until_changed(pid_t thread, const struct ring *r, unsigned which);

void step_end(pid_t thread);

#endif
