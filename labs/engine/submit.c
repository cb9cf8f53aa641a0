/* SPDX-License-Identifier: MIT */
#include "labs/engine/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "labs/engine/file.h"
#include "labs/engine/kit.h"
#include "labs/engine/questions.h"

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "no memory");
}

/* One of the student's files, which has to be a text of some size. */
static int one_copy(const struct lab_work *w, const char *name, const char *to,
		    struct why *why)
{
	char *from = file_text("%s/%s", w->dir, name), *text = NULL;
	char *dest = file_text("%s/%s", to, name);
	int err = from && dest ? file_read(from, &text, why) : no_memory(why);

	if (!err)
		err = file_write(dest, text, why);
	free(text);
	free(from);
	free(dest);
	return err;
}

static int fill(const struct lab_work *w, const char *to, struct why *why)
{
	char *meta = file_text("%s/.lab", to);
	char *state = file_text("%s/%s", to, LAB_WORK_STATE);
	char *ours = file_text("%s/state.json", w->meta);
	struct why remark;
	unsigned i;
	int err =
		meta && state && ours ? file_mkdirs(meta, why) : no_memory(why);

	for (i = 0; i < w->lab->files && !err; i++)
		err = one_copy(w, w->lab->file[i], to, why);
	if (!err && lab_submit_answers(w, &remark))
		err = one_copy(w, LAB_ANSWERS, to, why);
	if (!err)
		err = file_copy(ours, state, why);
	free(meta);
	free(state);
	free(ours);
	return err;
}

int lab_submit_make(const struct lab_work *w, const char *file, struct why *why)
{
	char *scratch, *to;
	int err;

	err = file_scratch("submit", &scratch, why);
	if (err)
		return err;
	to = file_text("%s/%s", scratch, w->lab->id);
	err = to ? fill(w, to, why) : no_memory(why);
	if (!err)
		err = lab_tar_make(scratch, w->lab->id, file, why);
	file_tree_remove(scratch);
	free(scratch);
	free(to);
	return err;
}

bool lab_submit_answers(const struct lab_work *w, struct why *remark)
{
	char *path = file_text("%s/" LAB_ANSWERS, w->dir), *text = NULL;
	char *form = lab_questions_form(w->lab);
	bool is = path && file_is_there(path);
	struct why why;

	remark->text[0] = '\0';
	if (form && !is)
		why_set(remark, 0,
			LAB_ANSWERS " is missing: your answers to the README's "
				    "questions belong there");
	else if (form && !file_read(path, &text, &why) && !strcmp(form, text))
		why_set(remark, 0,
			LAB_ANSWERS " has the questions, but no answers yet");
	free(text);
	free(form);
	free(path);
	return is;
}

/* When the last of the files was written, seconds since 1970. */
static int64_t files_written(const struct lab_work *w)
{
	int64_t last = 0;
	struct stat st;
	unsigned i;
	char *path;

	for (i = 0; i < w->lab->files; i++) {
		path = lab_work_file(w, i);
		if (path && stat(path, &st) == 0 && st.st_mtime > last)
			last = st.st_mtime;
		free(path);
	}
	return last;
}

static double number_of(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_double(v)
						     : 0;
}

void lab_submit_remark(const struct lab_work *w, struct why *remark)
{
	struct json_object *last = lab_work_last(w, "grades");
	double points, of;

	remark->text[0] = '\0';
	if (!last) {
		why_set(remark, 0,
			"it was never graded here: \"ringside lab "
			"grade\" tells how far it comes");
		return;
	}
	points = number_of(last, "points");
	of = number_of(last, "of");
	if (files_written(w) > (int64_t)number_of(last, "at"))
		why_set(remark, 0,
			"it was changed since it was graded last, with %g of "
			"%g points",
			points, of);
	else
		why_set(remark, 0, "it was graded with %g of %g points", points,
			of);
}
