/* SPDX-License-Identifier: MIT */
#include "labs/engine/source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/engine/child.h"

/* "NAME(" as a word of its own, in a line that begins at its margin. */
static bool names(const char *line, const char *function)
{
	size_t len = strlen(function);
	const char *at = line;

	if (!isalpha((unsigned char)*line) && *line != '_')
		return false;
	while ((at = strstr(at, function))) {
		if (at[len] == '(' &&
		    (at == line ||
		     (!isalnum((unsigned char)at[-1]) && at[-1] != '_')))
			return true;
		at += len;
	}
	return false;
}

/* A body follows, and not only a semicolon. */
static bool is_definition(const char *at)
{
	at += strcspn(at, "{;");
	return *at == '{';
}

static unsigned definition_line(char *text, const char *function)
{
	unsigned n = 1;
	char *line, *end;

	for (line = text; line && *line; line = end ? end + 1 : NULL, n++) {
		bool here;

		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		here = names(line, function);
		if (end)
			*end = '\n';
		if (here && is_definition(line))
			return n;
	}
	return 0;
}

const char *source_function(struct arena *a, const struct lab_work *work,
			    const char *function)
{
	const char *place = NULL;
	unsigned i, line;

	for (i = 0; i < work->lab->files && !place; i++) {
		char *path = lab_work_file(work, i);
		struct text t = { 0 };

		if (path)
			child_file_read(path, &t);
		line = t.len ? definition_line(t.data, function) : 0;
		if (line)
			place = arena_printf(a, "%s:%u", work->lab->file[i],
					     line);
		text_free(&t);
		free(path);
	}
	return place;
}

/* "| RG-30 | both | what it asks | ...": the third column, without `. */
static char *column_take(char *row)
{
	char *at, *to, *clause;
	int bars = 0;

	for (at = row; *at && bars < 3; at++)
		bars += *at == '|';
	clause = at + strspn(at, " ");
	for (at = to = clause; *at && *at != '|'; at++)
		if (*at != '`')
			*to++ = *at;
	while (to > clause && to[-1] == ' ')
		to--;
	*to = '\0';
	return clause;
}

const char *source_clause(struct arena *a, const struct lab_root *root,
			  const char *rule)
{
	char *start = arena_printf(a, "| %s |", rule), *line, *save = NULL;
	struct text t = { 0 };
	const char *clause = NULL;

	child_file_read(root->protocol, &t);
	for (line = t.len ? strtok_r(t.data, "\n", &save) : NULL;
	     line && !clause; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, start, strlen(start)))
			clause = arena_text(a, column_take(line));
	text_free(&t);
	return clause;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s + strspn(s, " \t");
}

const char *source_answer(struct arena *a, const struct lab_work *work,
			  const char *key)
{
	char *path = arena_printf(a, "%s/answers.txt", work->dir);
	char *line, *save = NULL, *eq;
	struct text t = { 0 };
	const char *answer = NULL;

	child_file_read(path, &t);
	for (line = t.len ? strtok_r(t.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		eq = strchr(line, '=');
		if (!eq)
			continue;
		*eq = '\0';
		if (strcmp(trim(line), key) != 0)
			continue;
		answer = arena_text(a, trim(eq + 1));
	}
	text_free(&t);
	return answer && *answer ? answer : NULL;
}
