/* SPDX-License-Identifier: MIT */
/*
 * Where the labs are.  ROOT is one tree, the same for the developer
 * (build/VARIANT/labs), the installation (PREFIX/lib/ringside/labs) and a
 * student's kit (its top):
 *
 *	bin/ringside, bin/ringside-frontends, bin/nbdkit-ringside-plugin.so
 *	bin/ringsided    not in the kit of a lab with code
 *	lib/NN-name.o    ringsided without the layer that the lab takes out
 *	lib/link.flags   what the linker wants after it, words between blanks
 *	include/         headers, so that one -I is enough
 *	docs/protocol.md
 *	labs/NN-name/    README.md lab.ini expect.trace hints/ skeleton/ and,
 *	                 not in a kit, solution/ mutants/ INSTRUCTOR.md
 */
#ifndef LABS_ENGINE_ROOT_H
#define LABS_ENGINE_ROOT_H

#include <stdbool.h>

#include "base/why.h"

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

#endif
