/* SPDX-License-Identifier: MIT */
/*
 * A text is read line by line.  Three kinds of lines are marks, if nothing but
 * blanks stands before them; all others are code.
 */
#include "labs/engine/skeleton.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/engine/file.h"

enum mark { CODE, TODO, TODO_MORE, SKELETON, END };

struct reader {
	const char *name;
	bool c;	     /* else a comment is "# ..." */
	bool theirs; /* a student's: what is no mark is code */
	const char *next;
	unsigned number; /* of the line below */
	const char *line;
	size_t len; /* without its newline */
	enum mark mark;
	unsigned step, total; /* of a TODO or END */
	const char *keep;     /* what a SKELETON line says */
	size_t keep_len;
	bool open; /* in a TODO comment that goes on */
	struct why *why;
};

static void reader_begin(struct reader *r, const char *name, const char *text,
			 struct why *why)
{
	const char *dot = strrchr(name, '.');

	memset(r, 0, sizeof(*r));
	r->name = name;
	r->c = dot && (!strcmp(dot, ".c") || !strcmp(dot, ".h"));
	r->next = text;
	r->why = why;
}

static int refuse(struct reader *r, const char *text)
{
	return why_set(r->why, -EINVAL, "%s:%u: %s", r->name, r->number, text);
}

/* Is `word` at `at`?  Then behind it, else NULL. */
static const char *skip_word(const char *at, const char *word)
{
	size_t len = strlen(word);

	return strncmp(at, word, len) ? NULL : at + len;
}

/* A number from 1 to SKELETON_STEPS; NULL if there is none. */
static const char *skip_number(const char *at, unsigned *n)
{
	char *end;
	unsigned long v;

	if (*at < '1' || *at > '9')
		return NULL;
	v = strtoul(at, &end, 10);
	*n = (unsigned)v;
	return v <= SKELETON_STEPS ? end : NULL;
}

/* Does the comment end on this line, with nothing after it but blanks? */
static bool comment_ends(const struct reader *r, const char *from,
			 const char **end)
{
	const char *stop = r->line + r->len;

	while (stop > from && strchr(" \t", stop[-1]))
		stop--;
	*end = stop;
	if (!r->c)
		return true;
	if (stop - from < 2 || strncmp(stop - 2, "*/", 2))
		return false;
	*end = stop - 2;
	return true;
}

static int todo_read(struct reader *r, const char *at)
{
	const char *end;

	at = skip_word(at, " ");
	at = at ? skip_number(at, &r->step) : NULL;
	at = at ? skip_word(at, "/") : NULL;
	at = at ? skip_number(at, &r->total) : NULL;
	at = at ? skip_word(at, ": ") : NULL;
	if (!at)
		return refuse(r, "a TODO is written \"TODO 1/3: what to do\"");
	if (r->step > r->total)
		return refuse(r, "this TODO's number is beyond the last one");
	r->mark = TODO;
	/* Where it begins a line before, that line does not end it. */
	r->open = at > r->line + r->len || !comment_ends(r, at, &end);
	return 0;
}

static int end_read(struct reader *r, const char *at)
{
	const char *end;

	at = skip_number(at, &r->step);
	if (!at || !comment_ends(r, at, &end))
		return refuse(r, "an END is written \"END 1\", with the number "
				 "of its TODO");
	r->mark = END;
	return 0;
}

static int skeleton_read(struct reader *r, const char *at)
{
	const char *end;

	if (!comment_ends(r, at, &end))
		return refuse(r, "a SKELETON comment has one line");
	if (*at == ' ')
		at++;
	while (end > at && end[-1] == ' ')
		end--;
	r->mark = SKELETON;
	r->keep = at;
	r->keep_len = (size_t)(end - at);
	return 0;
}

/*
 * Behind what begins a comment, at its first word; NULL: no comment begins.
 * That may be on a line of its own, before " * ".
 */
static const char *comment_begin(const struct reader *r, const char *at)
{
	const char *stop = r->line + r->len;

	if (!r->c)
		return skip_word(at, "# ");
	at = skip_word(at, "/*");
	if (!at || at < stop)
		return at ? skip_word(at, " ") : NULL;
	at = r->next + strspn(r->next, " \t");
	at = skip_word(at, "* ");
	return at && !strncmp(at, "TODO", 4) ? at : NULL;
}

/* The next line.  1: there is one, 0: the end, or -EINVAL. */
static int reader_next(struct reader *r)
{
	const char *at, *word, *end;
	int err = 0;

	if (!*r->next)
		return 0;
	r->line = r->next;
	r->len = strcspn(r->line, "\n");
	r->next = r->line + r->len + (r->line[r->len] == '\n');
	r->number++;
	r->mark = CODE;
	at = r->line + strspn(r->line, " \t");
	if (r->open) {
		r->mark = TODO_MORE;
		r->open = !comment_ends(r, at, &end);
		return 1;
	}
	at = comment_begin(r, at);
	if (!at)
		return 1;
	if ((word = skip_word(at, "TODO")))
		err = todo_read(r, word);
	else if ((word = skip_word(at, "SKELETON:")))
		err = skeleton_read(r, word);
	else if ((word = skip_word(at, "END ")))
		err = end_read(r, word);
	if (err && r->theirs) {
		r->mark = CODE;
		err = 0;
	}
	return err ? err : 1;
}

static void line_copy(const struct reader *r, FILE *to)
{
	fprintf(to, "%.*s\n", (int)r->len, r->line);
}

/* A function ends here. */
static bool is_brace(const struct reader *r)
{
	return r->c && r->line[0] == '}';
}

/* Close the stream; *out is its text. */
static int text_end(FILE *to, char **text, int err, char **out, struct why *why)
{
	if (!to)
		return why_set(why, -ENOMEM, "no memory");
	if (fclose(to) && !err)
		err = why_set(why, -ENOMEM, "no memory");
	if (err)
		free(*text);
	else
		*out = *text;
	return err;
}

/* ---- the skeleton
 * ------------------------------------------------------------ */

static int region_line(struct reader *r, unsigned step, unsigned keep, FILE *to)
{
	int blanks = (int)strspn(r->line, " \t");

	if (r->mark == TODO)
		return refuse(r, "a TODO begins before the END of the last");
	if (r->mark == END && r->step != step)
		return refuse(r, "this END is not of the TODO above it");
	if (is_brace(r))
		return refuse(r,
			      "the function ends before the END of its TODO");
	if (step <= keep || r->mark == TODO_MORE)
		line_copy(r, to);
	else if (r->mark == SKELETON)
		fprintf(to, "%.*s%.*s\n", blanks, r->line, (int)r->keep_len,
			r->keep);
	return 0;
}

static int outside_line(struct reader *r, unsigned *step, FILE *to)
{
	if (r->mark == SKELETON || r->mark == END)
		return refuse(r, "there is no TODO above it");
	if (r->mark == TODO) {
		if (r->c && !strchr(" \t", r->line[0]))
			return refuse(r, "a TODO stands in a function");
		*step = r->step;
	}
	line_copy(r, to);
	return 0;
}

int skeleton_make(const char *name, const char *solution, unsigned keep,
		  char **out, struct why *why)
{
	unsigned step = 0; /* whose region we are in; 0: none */
	struct reader r;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	int err = 0, more;

	reader_begin(&r, name, solution, why);
	while (to && !err && (more = reader_next(&r))) {
		if (more < 0)
			err = more;
		else if (step)
			err = region_line(&r, step, keep, to);
		else
			err = outside_line(&r, &step, to);
		if (r.mark == END)
			step = 0;
	}
	if (!err && step)
		err = refuse(&r, "the last TODO has no END");
	return text_end(to, &text, err, out, why);
}

int skeleton_steps(const char *name, const char *text, uint32_t *steps,
		   unsigned *total, struct why *why)
{
	struct reader r;
	int more;

	*steps = 0;
	*total = 0;
	reader_begin(&r, name, text, why);
	while ((more = reader_next(&r)) > 0) {
		if (r.mark != TODO)
			continue;
		if (*steps & (1u << (r.step - 1)))
			return refuse(&r, "there are two TODOs of this number");
		if (*total && r.total != *total)
			return refuse(&r, "the TODO before this one has "
					  "another total");
		*steps |= 1u << (r.step - 1);
		*total = r.total;
	}
	return more;
}

/* ---- filling in
 * --------------------------------------------------------------- */

/*
 * Copy up to the end of the TODO comment of `step`; 1: it is there, 0: it is
 * not.
 */
static int up_to_todo(struct reader *r, unsigned step, FILE *to)
{
	bool found = false;
	int more;

	while ((more = reader_next(r)) > 0) {
		if (to)
			line_copy(r, to);
		if (r->mark == TODO)
			found = r->step == step;
		if (found && !r->open)
			return 1;
	}
	return more;
}

/*
 * Copy (to NULL: skip) what belongs to a TODO; marks are left out.  r is then
 * at the line after it (1), or the text is at its end (0).  *ended: an END was
 * among it.
 */
static int region_copy(struct reader *r, FILE *to, bool *ended)
{
	int more;

	*ended = false;
	while ((more = reader_next(r)) > 0) {
		if (r->mark == TODO || is_brace(r))
			return 1;
		if (r->mark == END)
			*ended = true;
		if (r->mark == CODE && to)
			line_copy(r, to);
	}
	return more;
}

static int fill(struct reader *student, struct reader *solution, unsigned step,
		FILE *to)
{
	bool ended;
	int more;

	more = up_to_todo(solution, step, NULL);
	if (more < 0)
		return more;
	if (!more)
		return why_set(solution->why, -ENOENT, "%s has no step %u",
			       solution->name, step);
	more = up_to_todo(student, step, to);
	if (more < 0)
		return more;
	if (!more)
		return why_set(student->why, -ESRCH,
			       "%s has no comment \"TODO %u/...\" any more, so "
			       "it cannot be told where the step belongs",
			       student->name, step);
	more = region_copy(solution, to, &ended);
	if (more < 0)
		return more;
	if (!ended)
		return why_set(solution->why, -ENOENT, "%s has no step %u",
			       solution->name, step);
	for (more = region_copy(student, NULL, &ended); more > 0;
	     more = reader_next(student))
		line_copy(student, to);
	return more;
}

int skeleton_fill(const char *name, const char *student,
		  const char *solution_name, const char *solution,
		  unsigned step, char **out, struct why *why)
{
	struct reader from, in;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	int err;

	reader_begin(&in, name, student, why);
	in.theirs = true;
	reader_begin(&from, solution_name, solution, why);
	err = to ? fill(&in, &from, step, to) : 0;
	return text_end(to, &text, err, out, why);
}
