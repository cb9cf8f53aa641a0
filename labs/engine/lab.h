/* SPDX-License-Identifier: MIT */
/*
 * What a lab is, on disk: a folder NN-name below ROOT/labs with its lab.ini.
 * ROOT is one tree, the same for the developer (build/VARIANT/labs), the
 * installation (PREFIX/lib/ringside/labs) and a student's kit (its top):
 *
 *	bin/ringside, bin/ringside-frontends
 *	lib/NN-name.o    ringsided without the layer that the lab takes out
 *	lib/link.flags   what the linker wants after it, words between blanks
 *	include/         headers, so that one -I is enough
 *	docs/protocol.md
 *	labs/NN-name/    README.md lab.ini expect.trace hints/ skeleton/ and,
 *	                 not in a kit, solution/ mutants/ INSTRUCTOR.md
 */
#ifndef LABS_ENGINE_LAB_H
#define LABS_ENGINE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define LAB_FILES	4u /* that a student edits, at most */
#define LAB_NEEDS	8u
#define LAB_PREDICTIONS 16u
#define LAB_NO_NUMBER	UINT32_MAX /* of labs/template */

/* ---- ROOT ---------------------------------------------------------------- */

/* Absolute paths; all owned. */
struct lab_root {
	char *dir;
	char *labs;	 /* dir/labs */
	char *lib;	 /* dir/lib */
	char *include;	 /* dir/include */
	char *protocol;	 /* dir/docs/protocol.md */
	char *ringside;	 /* the program to run: dir/bin/ringside */
	char *frontends; /* dir/bin/ringside-frontends */
};

/*
 * $RINGSIDE_LABS, else beside this program (labs/, ../ when it is ROOT/bin,
 * ../lib/ringside/labs).  Gives *out.  -ENOENT: there is none; -EINVAL:
 * $RINGSIDE_LABS names a directory that is none.
 */
int lab_root_find(struct lab_root **out, struct why *why);

/* The same for a directory that is known.  -EINVAL if it is none. */
int lab_root_open(const char *dir, struct lab_root **out, struct why *why);
void lab_root_free(struct lab_root *root);

/*
 * The words of lib/link.flags.  Gives *out, a NULL-terminated list, one block
 * for free(3).  -errno of the file.
 */
int lab_root_link_flags(const struct lab_root *root, char ***out,
			struct why *why);

/* ---- lab.ini ------------------------------------------------------------- */

/* [predict NAME]: a number that is asked for before it is measured. */
struct lab_prediction {
	char *name;
	char *ask;  /* the question */
	char *unit; /* "" if it has none */
	char *run;  /* as after `run` in expect.trace: "front ..." */
	char *of;   /* what is measured: "desk KEY", "front KEY", "count .." */
	char *explain; /* what to write about; "" if nothing */
};

struct lab {
	const struct lab_root *root; /* borrowed */
	uint32_t number;	     /* NN, or LAB_NO_NUMBER */
	char *id;		     /* its folder's name: "05-ring" */
	char *name;		     /* without the number: "ring" */
	char *dir;		     /* ROOT/labs/ID */
	char *title;
	unsigned minutes; /* 1..600 */

	/* Plain names (no '/'), which lie in solution/ and skeleton/. */
	char *file[LAB_FILES];
	unsigned files; /* 1..LAB_FILES */
	/* The source in the project's tree; NULL for a lab without code. */
	char *replaces;
	/* ROOT/lib/ID.o, the rest of ringsided.  May be missing: look. */
	char *object;

	uint32_t need[LAB_NEEDS]; /* numbers of labs that should come before */
	unsigned needs;

	struct {
		unsigned seconds;      /* for each check; 1..3600 */
		uint64_t memory_bytes; /* of the student's ringsided */
	} limit;

	struct lab_prediction prediction[LAB_PREDICTIONS];
	unsigned predictions;
};

/*
 * Load the lab that `which` names: "5", "05", "ring", "05-ring".  Gives *out,
 * which borrows `root`.  -ENOENT: there is none (the sentence names those that
 * there are); -EINVAL: its lab.ini is wrong, "FILE:LINE: ...".
 */
int lab_load(const struct lab_root *root, const char *which, struct lab **out,
	     struct why *why);
void lab_free(struct lab *lab);

/* All labs by number, those without last.  Gives *out, free by the other. */
struct lab_list {
	struct lab **lab;
	unsigned count;
};
int lab_list_load(const struct lab_root *root, struct lab_list *out,
		  struct why *why);
void lab_list_free(struct lab_list *list);

/*
 * A path below the lab's folder by printf rules ("hints/%u.md"); NULL without
 * memory.  To be freed.
 */
char *lab_path(const struct lab *lab, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* How many hints there are, hints/1.md and on. */
unsigned lab_hints(const struct lab *lab);

/* NULL if there is none of that name. */
const struct lab_prediction *lab_prediction_find(const struct lab *lab,
						 const char *name);

/* ---- what only a teacher's tree has ---------------------------------------
 */

/* True if solution/ is here: this is no kit. */
bool lab_has_solution(const struct lab *lab);

/* Copy the lab's files from solution/ into `to`, a directory that is there. */
int lab_solution_copy(const struct lab *lab, const char *to, struct why *why);

/*
 * Wrong solutions, for the tests.  A mutant NAME is one of
 *	mutants/NAME.sed   a script for sed -E, which is applied to each file of
 *	                   the solution and has to change one of them
 *	mutants/NAME.c     in place of the lab's only file
 *	mutants/NAME/      files in place of the solution's of that name
 *
 * lab_mutants gives *out, a sorted NULL-terminated list of names, one block
 * for free(3); empty if there is no folder.  lab_mutant_copy does for a mutant
 * what lab_solution_copy does for the solution; -ENOENT: there is none.
 */
int lab_mutants(const struct lab *lab, char ***out, struct why *why);
int lab_mutant_copy(const struct lab *lab, const char *mutant, const char *to,
		    struct why *why);

#endif
