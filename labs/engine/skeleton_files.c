/* SPDX-License-Identifier: MIT */
/* The part of skeleton.h that reads and writes the files of a lab. */
#include <errno.h>
#include <stdlib.h>

#include "labs/engine/file.h"
#include "labs/engine/skeleton.h"

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "no memory");
}

/* Add up the TODOs of one file to those of the files before it. */
static int steps_add(const char *path, const char *text, uint32_t *all,
		     unsigned *total, struct why *why)
{
	uint32_t steps;
	unsigned n;
	int err = skeleton_steps(path, text, &steps, &n, why);

	if (err || !steps)
		return err;
	if (*all & steps)
		return why_set(why, -EINVAL,
			       "%s: one of its TODOs is in another file too",
			       path);
	if (*total && n != *total)
		return why_set(why, -EINVAL,
			       "%s: its TODOs count up to %u, those of another "
			       "file to %u",
			       path, n, *total);
	*all |= steps;
	*total = n;
	return 0;
}

static int steps_complete(const struct lab *lab, uint32_t all, unsigned total,
			  struct why *why)
{
	unsigned n;

	if (!total)
		return why_set(why, -EINVAL,
			       "the solution of lab %s has no TODO", lab->id);
	for (n = 1; n <= total; n++)
		if (!(all & (1u << (n - 1))))
			return why_set(why, -EINVAL,
				       "the solution of lab %s has no TODO "
				       "%u/%u",
				       lab->id, n, total);
	return 0;
}

int skeleton_write(const struct lab *lab, const char *to, unsigned keep,
		   struct why *why)
{
	char *made[LAB_FILES] = { NULL }, *path, *text;
	unsigned total = 0, i;
	uint32_t all = 0;
	int err = 0;

	for (i = 0; i < lab->files && !err; i++) {
		path = lab_path(lab, "solution/%s", lab->file[i]);
		text = NULL;
		err = path ? file_read(path, &text, why) : no_memory(why);
		if (!err)
			err = skeleton_make(path, text, keep, &made[i], why);
		if (!err)
			err = steps_add(path, text, &all, &total, why);
		free(text);
		free(path);
	}
	if (!err)
		err = steps_complete(lab, all, total, why);
	if (!err)
		err = file_mkdirs(to, why);
	for (i = 0; i < lab->files && !err; i++) {
		path = file_text("%s/%s", to, lab->file[i]);
		err = path ? file_write(path, made[i], why) : no_memory(why);
		free(path);
	}
	for (i = 0; i < lab->files; i++)
		free(made[i]);
	return err;
}

/* -ENOENT: the step is not in this file of the solution. */
static int one_catchup(const char *solution, const char *student, unsigned step,
		       struct why *why)
{
	char *theirs = NULL, *ours = NULL, *filled = NULL;
	int err;

	err = file_read(solution, &ours, why);
	if (!err)
		err = file_read(student, &theirs, why);
	if (!err)
		err = skeleton_fill(student, theirs, solution, ours, step,
				    &filled, why);
	if (!err)
		err = file_write(student, filled, why);
	free(theirs);
	free(ours);
	free(filled);
	return err;
}

int skeleton_catchup(const struct lab *lab, const char *dir, const char *from,
		     unsigned step, unsigned *file, struct why *why)
{
	char *solution, *student;
	int err = -ENOENT;
	unsigned i;

	for (i = 0; i < lab->files && err == -ENOENT; i++) {
		solution = from ? file_text("%s/%s", from, lab->file[i])
				: lab_path(lab, "solution/%s", lab->file[i]);
		student = file_text("%s/%s", dir, lab->file[i]);
		err = solution && student
			      ? one_catchup(solution, student, step, why)
			      : no_memory(why);
		*file = i;
		free(solution);
		free(student);
	}
	return err;
}
