/* SPDX-License-Identifier: MIT */
#include "labs/engine/questions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "labs/engine/file.h"
#include "viz/text.h"

/* "12. " begins a question; where its words begin, NULL if it is none. */
static const char *question(const char *line)
{
	size_t digits = strspn(line, "0123456789");

	return digits && !strncmp(line + digits, ". ", 2) ? line + digits + 2
							  : NULL;
}

/* Each with all of its lines in one. */
static unsigned headings(char *section, struct text *out)
{
	char *line, *save = NULL;
	unsigned n = 0;
	bool open = false;

	for (line = strtok_r(section, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *words = question(line);

		if (!strncmp(line, "## ", 3))
			break;
		if (words)
			text_printf(out, "%s## %u. %s", open ? "\n\n\n" : "",
				    ++n, words);
		else if (open && isspace((unsigned char)*line))
			text_printf(out, " %s", line + strspn(line, " \t"));
		open |= words != NULL;
	}
	text_add(out, open ? "\n\n" : "");
	return n;
}

char *lab_questions_form(const struct lab *lab)
{
	static const char mark[] = "\n## Questions\n";
	char *path = lab_path(lab, "README.md"), *text = NULL, *at, *form;
	struct text out = { 0 };
	struct why why;
	unsigned n = 0;

	if (path && lab->replaces && !file_read(path, &text, &why)) {
		at = strstr(text, mark);
		text_printf(&out, "# Answers: %s\n\n", lab->title);
		if (at)
			n = headings(at + sizeof(mark) - 1, &out);
	}
	form = n ? strdup(text_str(&out)) : NULL;
	text_free(&out);
	free(text);
	free(path);
	return form;
}
