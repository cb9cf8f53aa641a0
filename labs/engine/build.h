/* SPDX-License-Identifier: MIT */
/* From a student's files to a ringsided: compiled and linked, confined. */
#ifndef LABS_ENGINE_BUILD_H
#define LABS_ENGINE_BUILD_H

#include "labs/engine/arena.h"
#include "labs/engine/work.h"

/* What comes after a place that is in our files, not the student's. */
#define BUILD_OURS ", which is ours"

struct build {
	bool made;
	const char *program; /* the ringsided, if it was made */
	const char *sources; /* the folder where copies of the files are */
	const char *said;    /* by the compiler; "" if nothing */
};

/*
 * Build in `scratch`, a directory that is there.  What *out points to is the
 * arena's.  0: look at out->made; or -errno with a sentence: nothing can be
 * built here, whatever the files say.
 */
int build_make(struct arena *a, const struct lab_work *work,
	       const char *scratch, bool trust, struct build *out,
	       struct why *why);

/*
 * "back.c:57 (ring_back_push)": where the addresses lie that crash.c wrote,
 * best in one of the student's files.  NULL: nobody can tell.
 */
const char *build_place(struct arena *a, const struct lab *lab,
			const struct build *b, const char *addresses,
			bool trust);

#endif
