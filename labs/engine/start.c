/* SPDX-License-Identifier: MIT */
#include "labs/engine/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "labs/engine/file.h"
#include "labs/engine/questions.h"
#include "labs/engine/record.h"

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "no memory");
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

bool lab_student_look(const char *name)
{
	static const char *const known[] = { "README.md", "expect.trace",
					     "frontends", "pictures",
					     "traces",	  NULL };
	const char *dot = strrchr(name, '.');

	return is_one_of(name, known) ||
	       (dot && (!strcmp(dot, ".svg") || !strcmp(dot, ".png")));
}

bool lab_student_kit(const char *name)
{
	static const char *const known[] = { "lab.ini", "hints", "skeleton",
					     NULL };

	return lab_student_look(name) || is_one_of(name, known);
}

/* ---- one thing that is copied ----------------------------------------------
 */

/* From ROOT/labs/ID a link to "../../X" is one to ROOT/X. */
static char *links_mended(const char *text, const char *root)
{
	static const char up[] = "](../../";
	const char *hit;
	char *out = NULL;
	size_t len;
	FILE *to = open_memstream(&out, &len);

	if (!to)
		return NULL;
	for (; (hit = strstr(text, up)); text = hit + strlen(up))
		fprintf(to, "%.*s](%s/", (int)(hit - text), text, root);
	fputs(text, to);
	if (fclose(to)) {
		free(out);
		return NULL;
	}
	return out;
}

static int readme_copy(const char *from, const char *to, const char *root,
		       struct why *why)
{
	char *text, *mended;
	int err;

	err = file_read(from, &text, why);
	if (err)
		return err;
	mended = links_mended(text, root);
	free(text);
	err = mended ? file_write(to, mended, why) : no_memory(why);
	free(mended);
	return err;
}

static int thing_copy(const struct lab *lab, const char *from, const char *to,
		      struct why *why)
{
	const char *name = strrchr(from, '/') + 1;

	if (!strcmp(name, "README.md"))
		return readme_copy(from, to, lab->root->dir, why);
	return file_is_dir(from) ? file_tree_copy(from, to, why)
				 : file_copy(from, to, why);
}

/* Where there are no symbolic links (a VM's shared folder), a copy. */
static int thing_link(const struct lab *lab, const char *from, const char *to,
		      struct why *why)
{
	(void)lab;
	return symlink(from, to) ? file_tree_copy(from, to, why) : 0;
}

static int thing_absent(const struct lab *lab, const char *from, const char *to,
			struct why *why)
{
	(void)from;
	if (file_is_there(to) || file_is_dir(to))
		return why_set(why, -EEXIST,
			       "%s is there already: start lab %s in another "
			       "directory",
			       to, lab->id);
	return 0;
}

/* ---- all of them ------------------------------------------------------------
 */

typedef int each(const struct lab *lab, const char *from, const char *to,
		 struct why *why);

static int folder_each(const struct lab *lab, const char *folder,
		       bool (*wanted)(const char *name), const char *dir,
		       each *what, struct why *why)
{
	char **names, *from, *to;
	int err, i;

	err = file_names(folder, &names, why);
	if (err)
		return err;
	for (i = 0; names[i] && !err; i++) {
		if (wanted && !wanted(names[i]))
			continue;
		from = file_text("%s/%s", folder, names[i]);
		to = file_text("%s/%s", dir, names[i]);
		err = from && to ? what(lab, from, to, why) : no_memory(why);
		free(from);
		free(to);
	}
	free(names);
	return err;
}

/* What READMEs name and all labs share; too much to be copied. */
static int shared_each(const struct lab *lab, const char *dir, each *what,
		       struct why *why)
{
	static const char *const shared[] = { "docs", "include" };
	char *from, *to;
	int err = 0;
	unsigned i;

	for (i = 0; i < sizeof(shared) / sizeof(shared[0]) && !err; i++) {
		from = file_text("%s/%s", lab->root->dir, shared[i]);
		to = file_text("%s/%s", dir, shared[i]);
		err = from && to ? what(lab, from, to, why) : no_memory(why);
		free(from);
		free(to);
	}
	return err;
}

static int all_absent(const struct lab *lab, const char *skeleton,
		      const char *dir, struct why *why)
{
	int err = folder_each(lab, skeleton, NULL, dir, thing_absent, why);

	if (!err)
		err = folder_each(lab, lab->dir, lab_student_look, dir,
				  thing_absent, why);
	return err ? err : shared_each(lab, dir, thing_absent, why);
}

static int all_copy(const struct lab *lab, const char *skeleton,
		    const char *dir, struct why *why)
{
	int err = folder_each(lab, skeleton, NULL, dir, thing_copy, why);

	if (!err)
		err = folder_each(lab, lab->dir, lab_student_look, dir,
				  thing_copy, why);
	return err ? err : shared_each(lab, dir, thing_link, why);
}

/* What somebody has written already stays. */
static int answers_begin(const struct lab *lab, const char *dir,
			 struct why *why)
{
	char *form = lab_questions_form(lab);
	char *path = file_text("%s/" LAB_ANSWERS, dir);
	int err = 0;

	if (!path)
		err = no_memory(why);
	else if (form && !file_is_there(path))
		err = file_write(path, form, why);
	free(form);
	free(path);
	return err;
}

static int state_begin(struct lab_work *w, struct lab *lab, struct why *why)
{
	struct json_object *o = w->state;

	json_object_object_add(o, "lab", json_object_new_string(lab->id));
	json_object_object_add(o, "version",
			       json_object_new_string(RINGSIDE_VERSION));
	json_object_object_add(o, "started",
			       json_object_new_int64((int64_t)time(NULL)));
	w->borrowed = false;
	return lab_work_save(w, why);
}

/* Some labs are about a trace, another one for each student. */
static int trace_make(const struct lab *lab, const char *dir, struct why *why)
{
	char *full, *trace;
	int err;

	if (!lab->trace_run)
		return 0;
	full = realpath(dir, NULL);
	trace = full ? file_text("%s/trace", full) : NULL;
	err = trace ? lab_trace_record(lab, trace, why) : no_memory(why);
	free(full);
	free(trace);
	return err;
}

int lab_work_start(struct lab *lab, const char *dir, struct lab_work **out,
		   struct why *why)
{
	char *skeleton = lab_path(lab, "skeleton");
	char *state = file_text("%s/%s", dir, LAB_WORK_STATE);
	struct lab_work *w = NULL;
	int err;

	if (!skeleton || !state)
		err = no_memory(why);
	else if (!file_is_dir(skeleton))
		err = why_set(why, -ENOENT, "%s is missing: run \"make labs\"",
			      skeleton);
	else
		err = thing_absent(lab, NULL, state, why);
	if (!err)
		err = all_absent(lab, skeleton, dir, why);
	if (!err)
		err = file_mkdirs(dir, why);
	/* It is what may fail, so that nothing else is there by then. */
	if (!err)
		err = trace_make(lab, dir, why);
	if (!err)
		err = all_copy(lab, skeleton, dir, why);
	if (!err)
		err = answers_begin(lab, dir, why);
	if (!err)
		err = lab_work_borrow(lab, dir, dir, &w, why);
	if (!err) {
		err = state_begin(w, lab, why);
		if (err)
			w->lab = NULL; /* it stays the caller's */
	}
	free(skeleton);
	free(state);
	if (err)
		rmdir(dir); /* unless there is something in it */
	if (err)
		lab_work_free(w);
	else
		*out = w;
	return err;
}
