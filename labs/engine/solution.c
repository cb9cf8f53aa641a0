/* SPDX-License-Identifier: MIT */
#include "labs/engine/solution.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/engine/file.h"

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "no memory");
}

bool lab_has_solution(const struct lab *lab)
{
	char *path = lab_path(lab, "solution/%s", lab->file[0]);
	bool has = path && file_is_there(path);

	free(path);
	return has;
}

/* Copy file i of the lab from the folder; if `must` is false it may lack it. */
static int one_copy(const struct lab *lab, unsigned i, const char *folder,
		    bool must, const char *to, struct why *why)
{
	char *from = file_text("%s/%s", folder, lab->file[i]);
	char *dest = file_text("%s/%s", to, lab->file[i]);
	int err = from && dest ? 0 : no_memory(why);

	if (!err && (must || file_is_there(from)))
		err = file_copy(from, dest, why);
	free(from);
	free(dest);
	return err;
}

static int all_copy(const struct lab *lab, const char *folder, bool must,
		    const char *to, struct why *why)
{
	unsigned i;
	int err = 0;

	for (i = 0; i < lab->files && !err; i++)
		err = one_copy(lab, i, folder, must, to, why);
	return err;
}

int lab_solution_copy(const struct lab *lab, const char *to, struct why *why)
{
	char *folder;
	int err;

	if (!lab_has_solution(lab))
		return why_set(why, -ENOENT,
			       "lab %s has no solution here: this is a kit",
			       lab->id);
	folder = lab_path(lab, "solution");
	err = folder ? all_copy(lab, folder, true, to, why) : no_memory(why);
	free(folder);
	return err;
}

/* ---- mutants ---------------------------------------------------------------
 */

/* Cut ".sed" or ".c" off. */
static void suffix_cut(char *name)
{
	char *dot = strrchr(name, '.');

	if (dot && (!strcmp(dot, ".sed") || !strcmp(dot, ".c")))
		*dot = '\0';
}

int lab_mutants(const struct lab *lab, char ***out, struct why *why)
{
	char *folder = lab_path(lab, "mutants");
	int err, i;

	if (!folder)
		return no_memory(why);
	if (!file_is_dir(folder)) {
		free(folder);
		*out = calloc(1, sizeof(**out));
		return *out ? 0 : no_memory(why);
	}
	err = file_names(folder, out, why);
	free(folder);
	for (i = 0; !err && (*out)[i]; i++)
		suffix_cut((*out)[i]);
	return err;
}

/* Apply a script to file i in `to`.  *changed if it made a difference. */
static int sed_one(const struct lab *lab, unsigned i, const char *script,
		   const char *to, bool *changed, struct why *why)
{
	char *path = file_text("%s/%s", to, lab->file[i]);
	char *new = file_text("%s/%s.mutant", to, lab->file[i]);
	char *before = NULL, *after = NULL;
	int err;

	if (!path || !new) {
		err = no_memory(why);
		goto out;
	}
	char *const argv[] = { (char *)"sed",  (char *)"-E", (char *)"-f",
			       (char *)script, path,	     NULL };

	err = file_run(argv, NULL, new, NULL);
	if (err) {
		err = why_set(why, -EINVAL, "%s is no script of sed", script);
		goto out;
	}
	err = file_read(path, &before, why);
	if (!err)
		err = file_read(new, &after, why);
	if (!err && strcmp(before, after)) {
		*changed = true;
		err = file_write(path, after, why);
	}
out:
	if (new)
		unlink(new);
	free(before);
	free(after);
	free(path);
	free(new);
	return err;
}

static int sed_all(const struct lab *lab, const char *script, const char *to,
		   struct why *why)
{
	bool changed = false;
	unsigned i;
	int err = 0;

	for (i = 0; i < lab->files && !err; i++)
		err = sed_one(lab, i, script, to, &changed, why);
	if (!err && !changed)
		err = why_set(why, -EINVAL,
			      "%s changes nothing in the solution", script);
	return err;
}

static int text_put(const struct lab *lab, const char *source, const char *to,
		    struct why *why)
{
	char *dest = file_text("%s/%s", to, lab->file[0]);
	int err;

	if (!dest)
		return no_memory(why);
	if (lab->files != 1)
		err = why_set(why, -EINVAL,
			      "%s: which of the %u files of this lab is it?",
			      source, lab->files);
	else
		err = file_copy(source, dest, why);
	free(dest);
	return err;
}

int lab_mutant_copy(const struct lab *lab, const char *mutant, const char *to,
		    struct why *why)
{
	char *sed = NULL, *text = NULL, *folder = NULL;
	int err;

	if (strchr(mutant, '/') || mutant[0] == '.' || !mutant[0])
		return why_set(why, -ENOENT, "\"%s\" is no mutant's name",
			       mutant);
	err = lab_solution_copy(lab, to, why);
	if (err)
		return err;
	sed = lab_path(lab, "mutants/%s.sed", mutant);
	text = lab_path(lab, "mutants/%s.c", mutant);
	folder = lab_path(lab, "mutants/%s", mutant);
	if (!sed || !text || !folder)
		err = no_memory(why);
	else if (file_is_there(sed))
		err = sed_all(lab, sed, to, why);
	else if (file_is_there(text))
		err = text_put(lab, text, to, why);
	else if (file_is_dir(folder))
		err = all_copy(lab, folder, false, to, why);
	else
		err = why_set(why, -ENOENT, "lab %s has no mutant \"%s\"",
			      lab->id, mutant);
	free(sed);
	free(text);
	free(folder);
	return err;
}
