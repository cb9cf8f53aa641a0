/* SPDX-License-Identifier: MIT */
/*
 * What students get of one lab: a tar file with a ROOT of its own
 * (labs/engine/root.h), in which there is nothing of the layer that they are
 * to write, as source or as code, no solution and no mutant.
 */
#ifndef LABS_ENGINE_KIT_H
#define LABS_ENGINE_KIT_H

#include "labs/engine/lab.h"

/*
 * Write it to `file`, compressed by gzip; the same tree gives the same bytes.
 * Below the tar file's one folder, ringside-lab-ID:
 *
 *	README.md setup               of ROOT/kit
 *	bin/ (ringsided only where no code is written)
 *	lib/ID.o lib/link.flags lib/crash.o include/ docs/
 *	labs/ID/                      what lab_student_kit() lets pass
 *
 * -ENOENT: this is a kit itself, or something is missing in ROOT; or -errno.
 */
int lab_kit_make(const struct lab *lab, const char *file, struct why *why);

/*
 * The same for any folder: `dir`'s entry `name` and all below, as a tar file.
 */
int lab_tar_make(const char *dir, const char *name, const char *file,
		 struct why *why);

#endif
