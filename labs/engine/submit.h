/* SPDX-License-Identifier: MIT */
/* What a student hands in. */
#ifndef LABS_ENGINE_SUBMIT_H
#define LABS_ENGINE_SUBMIT_H

#include "labs/engine/work.h"

/*
 * Write a tar file to `file`, compressed by gzip, with one folder, ID: the
 * files that the student edits, answers.md and .lab/state.json.  "ringside lab
 * grade
 * --dir ID" grades it where it is unpacked.  -ENOENT and the like: one of the
 * files is missing or is no text; nothing is written then.
 */
int lab_submit_make(const struct lab_work *work, const char *file,
		    struct why *why);

/* Whether answers.md was packed, and "" or a sentence on what it lacks. */
bool lab_submit_answers(const struct lab_work *work, struct why *remark);

/*
 * A sentence on what was handed in, of the last grade: there is none, its
 * points, or that it is older than the files.
 */
void lab_submit_remark(const struct lab_work *work, struct why *remark);

#endif
