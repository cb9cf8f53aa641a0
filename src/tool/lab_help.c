/* SPDX-License-Identifier: MIT */
/* ringside lab hint, catchup: for who is stuck. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "labs/engine/file.h"
#include "labs/engine/skeleton.h"
#include "labs/engine/solution.h"
#include "tool/lab_commands.h"
#include "tool/lab_tool.h"
#include "trace/record/dir.h"

enum { OPT_ONLY = 0x100 };

struct help_args {
	const char *dir;
	const char *from;
	unsigned n; /* 0: not given */
	bool only;
};

static error_t help_parse(int key, char *arg, struct argp_state *state)
{
	struct help_args *a = state->input;
	uint64_t n = 0;

	switch (key) {
	case 'C':
		a->dir = arg;
		return 0;
	case 'f':
		a->from = arg;
		return 0;
	case OPT_ONLY:
		a->only = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->n || number_parse(arg, 1, SKELETON_STEPS, &n))
			argp_error(state,
				   "one number from 1 on is needed, not "
				   "\"%s\"",
				   arg);
		a->n = (unsigned)n;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- hint ---------------------------------------------------------------- */

static const struct argp_option hint_options[] = { LAB_TOOL_DIR, { 0 } };

static const struct argp hint_argp = {
	.options = hint_options,
	.parser = help_parse,
	.args_doc = "[N]",
	.doc = "Print hint N of the lab (default: the first that you have not "
	       "seen).\vThe first says where to look, the second what is "
	       "wrong, the third is nearly the solution.",
};

/* The first that was not taken; the last if all were. */
static unsigned hint_next(const struct lab_work *w, unsigned count)
{
	uint32_t taken = lab_work_hints(w);
	unsigned n = 1;

	while (n < count && (taken & (1u << (n - 1))))
		n++;
	return n;
}

static int hint(const char *name, struct lab_work *w, unsigned n)
{
	unsigned count = lab_hints(w->lab);
	char *path, *text = NULL;
	struct why why;
	int err;

	if (!n)
		n = hint_next(w, count);
	if (n > count) {
		fprintf(stderr, "%s: lab %s has %u hint%s\n", name, w->lab->id,
			count, count == 1 ? "" : "s");
		return 2;
	}
	path = lab_path(w->lab, "hints/%u.md", n);
	err = path ? file_read(path, &text, &why)
		   : why_set(&why, -ENOMEM, "no memory");
	free(path);
	if (!err) {
		printf("Hint %u of %u\n\n%s", n, count, text);
		lab_work_hint_note(w, n);
		err = lab_work_save(w, &why);
	}
	free(text);
	if (!err)
		return 0;
	lab_tool_complain(name, &why);
	return lab_tool_code(err);
}

int lab_cmd_hint(int argc, char **argv)
{
	struct help_args a = { 0 };
	struct lab_work *work;
	struct lab_root *root;
	int code;

	argp_parse(&hint_argp, argc, argv, 0, NULL, &a);
	code = lab_tool_work(argv[0], a.dir, &root, &work);
	if (code)
		return code;
	code = hint(argv[0], work, a.n);
	lab_work_free(work);
	lab_root_free(root);
	return code;
}

/* ---- catchup ------------------------------------------------------------- */

static const struct argp_option catchup_options[] = {
	LAB_TOOL_DIR,
	{ "from", 'f', "DIR", 0,
	  "where the steps are: what your teacher gave you (default: the lab's "
	  "solution, which is not in a kit)",
	  0 },
	{ "only", OPT_ONLY, NULL, 0, "step N only, and not those before it",
	  0 },
	{ 0 }
};

static const struct argp catchup_argp = {
	.options = catchup_options,
	.parser = help_parse,
	.args_doc = "N",
	.doc = "Have the steps up to N of your file filled in, so that you can "
	       "go on.\vYour own code of these steps is replaced.  The file as "
	       "it was is kept in .lab/before-catchup, and of later times in "
	       "others beside it.  It is noted that the "
	       "steps are not yours.",
};

/* Where to keep files: what was kept before may be dearer.  NULL: no memory. */
static char *kept_dir(const struct lab_work *w)
{
	char *dir = file_text("%s/before-catchup", w->meta);
	unsigned n;

	for (n = 2; dir && !access(dir, F_OK); n++) {
		free(dir);
		dir = file_text("%s/before-catchup-%u", w->meta, n);
	}
	return dir;
}

/* Copy the student's files there, or back again. */
static int files_keep(const struct lab_work *w, const char *dir, bool back,
		      struct why *why)
{
	char *kept, *file;
	int err = dir ? file_mkdirs(dir, why)
		      : why_set(why, -ENOMEM, "no memory");
	unsigned i;

	for (i = 0; i < w->lab->files && !err; i++) {
		file = lab_work_file(w, i);
		kept = file_text("%s/%s", dir, w->lab->file[i]);
		if (!file || !kept)
			err = why_set(why, -ENOMEM, "no memory");
		else if (file_is_there(back ? kept : file))
			err = file_copy(back ? kept : file, back ? file : kept,
					why);
		free(file);
		free(kept);
	}
	return err;
}

static int steps_fill(struct lab_work *w, const struct help_args *a,
		      struct why *why)
{
	unsigned step, file;
	int err = 0;

	for (step = a->only ? a->n : 1; step <= a->n && !err; step++) {
		err = skeleton_catchup(w->lab, w->dir, a->from, step, &file,
				       why);
		if (err)
			break;
		lab_work_catchup_note(w, step);
	}
	return err;
}

static int catchup(const char *name, struct lab_work *w,
		   const struct help_args *a)
{
	struct why why;
	char *dir;
	int err;

	if (!a->from && !lab_has_solution(w->lab)) {
		fprintf(stderr,
			"%s: a kit holds no solution: ask your teacher for the "
			"steps up to %u, and say by --from where they are\n",
			name, a->n);
		return 2;
	}
	dir = kept_dir(w);
	err = files_keep(w, dir, false, &why);
	if (!err) {
		err = steps_fill(w, a, &why);
		/* All or nothing. */
		if (err && !files_keep(w, dir, true, NULL))
			record_dir_remove(dir);
		else if (!err)
			err = lab_work_save(w, &why);
	}
	if (err) {
		free(dir);
		lab_tool_complain(name, &why);
		return lab_tool_code(err);
	}
	if (a->only || a->n == 1)
		printf("step %u is filled in\n", a->n);
	else
		printf("steps 1 to %u are filled in\n", a->n);
	printf("your own code of before is in %s\n", dir);
	free(dir);
	return 0;
}

int lab_cmd_catchup(int argc, char **argv)
{
	struct help_args a = { 0 };
	struct lab_work *work;
	struct lab_root *root;
	int code;

	argp_parse(&catchup_argp, argc, argv, 0, NULL, &a);
	if (!a.n) {
		fprintf(stderr,
			"%s: up to which step? the TODO comments in your file "
			"have their numbers\n",
			argv[0]);
		return 2;
	}
	code = lab_tool_work(argv[0], a.dir, &root, &work);
	if (code)
		return code;
	code = catchup(argv[0], work, &a);
	lab_work_free(work);
	lab_root_free(root);
	return code;
}
