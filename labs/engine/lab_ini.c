/* SPDX-License-Identifier: MIT */
#include "labs/engine/lab_ini.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

#define LINE_MAX_BYTES 600 /* longer ones are refused */
#define MEMORY_MIN     (64ull << 20)
#define MEMORY_MAX     (64ull << 30)

struct reader {
	FILE *file;
	struct lab *lab;
	int line;    /* the last one that was read */
	int refused; /* the line that `why` speaks of; 0: none */
	struct why why;
};

/* ---- keys ---------------------------------------------------------------- */

/* Each sets one field from a text; 0, or -errno with the sentence. */
typedef int setter(struct lab *lab, const char *value, struct why *why);

static int text_set(char **to, const char *value, struct why *why)
{
	if (*to)
		return why_set(why, -EEXIST, "this was said before");
	*to = strdup(value);
	return *to ? 0 : why_set(why, -ENOMEM, "no memory");
}

static int title_set(struct lab *lab, const char *value, struct why *why)
{
	if (!value[0])
		return why_set(why, -EINVAL, "a title is needed");
	return text_set(&lab->title, value, why);
}

static int number_set(unsigned *to, const char *value, unsigned max,
		      struct why *why)
{
	uint64_t n;

	if (number_parse(value, 1, max, &n))
		return why_set(why, -EINVAL,
			       "a number from 1 to %u is needed, not \"%s\"",
			       max, value);
	*to = (unsigned)n;
	return 0;
}

static int minutes_set(struct lab *lab, const char *value, struct why *why)
{
	return number_set(&lab->minutes, value, 600, why);
}

static int seconds_set(struct lab *lab, const char *value, struct why *why)
{
	return number_set(&lab->limit.seconds, value, 3600, why);
}

static int memory_set(struct lab *lab, const char *value, struct why *why)
{
	if (number_parse_size(value, MEMORY_MIN, MEMORY_MAX,
			      &lab->limit.memory_bytes))
		return why_set(why, -EINVAL,
			       "a size from 64M to 64G is needed, not \"%s\"",
			       value);
	return 0;
}

/* A name in its folder, and nothing that leads out of it. */
static bool name_is_plain(const char *name)
{
	if (!isalnum((unsigned char)name[0]))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return false;
	return true;
}

static int file_add(struct lab *lab, const char *word, struct why *why)
{
	if (!name_is_plain(word))
		return why_set(why, -EINVAL,
			       "\"%s\" is not the plain name of a file", word);
	if (lab->files == LAB_FILES)
		return why_set(why, -EINVAL, "%u files are the most",
			       LAB_FILES);
	return text_set(&lab->file[lab->files++], word, why);
}

static int need_add(struct lab *lab, const char *word, struct why *why)
{
	uint64_t n;

	if (number_parse(word, 0, 99, &n))
		return why_set(why, -EINVAL,
			       "the numbers of labs are needed, not \"%s\"",
			       word);
	if (lab->needs == LAB_NEEDS)
		return why_set(why, -EINVAL, "%u labs are the most", LAB_NEEDS);
	lab->need[lab->needs++] = (uint32_t)n;
	return 0;
}

static int each_word(struct lab *lab, const char *value, setter *add,
		     struct why *why)
{
	char *words = strdup(value), *rest = words, *word;
	int err = words ? 0 : why_set(why, -ENOMEM, "no memory");

	while (!err && (word = strsep(&rest, " \t,")))
		if (*word)
			err = add(lab, word, why);
	free(words);
	return err;
}

static int files_set(struct lab *lab, const char *value, struct why *why)
{
	return each_word(lab, value, file_add, why);
}

static int needs_set(struct lab *lab, const char *value, struct why *why)
{
	return each_word(lab, value, need_add, why);
}

static int replaces_set(struct lab *lab, const char *value, struct why *why)
{
	size_t len = strlen(value);

	if (!len)
		return 0;
	if (strncmp(value, "src/", 4) || strstr(value, "..") || len < 7 ||
	    strcmp(value + len - 2, ".c"))
		return why_set(why, -EINVAL,
			       "\"%s\" is no source of ringsided, as "
			       "src/ring/back.c is",
			       value);
	return text_set(&lab->replaces, value, why);
}

static int trace_set(struct lab *lab, const char *value, struct why *why)
{
	if (strncmp(value, "front ", 6))
		return why_set(why, -EINVAL,
			       "what is recorded is \"front\" with options, "
			       "not \"%s\"",
			       value);
	return text_set(&lab->trace_run, value, why);
}

static const struct {
	const char *section, *name;
	setter *set;
} keys[] = {
	{ "lab", "title", title_set },
	{ "lab", "minutes", minutes_set },
	{ "lab", "files", files_set },
	{ "lab", "replaces", replaces_set },
	{ "lab", "needs", needs_set },
	{ "limits", "seconds", seconds_set },
	{ "limits", "memory", memory_set },
	{ "trace", "run", trace_set },
};

static int prediction_set(struct lab *lab, const char *of, const char *name,
			  const char *value, struct why *why)
{
	struct lab_prediction *p = NULL;
	unsigned i;

	if (!name_is_plain(of))
		return why_set(why, -EINVAL,
			       "[predict %s]: the name of a prediction has "
			       "letters, digits and \"._-\" only",
			       of);
	for (i = 0; i < lab->predictions; i++)
		if (!strcmp(lab->prediction[i].name, of))
			p = &lab->prediction[i];
	if (!p && lab->predictions == LAB_PREDICTIONS)
		return why_set(why, -EINVAL, "%u predictions are the most",
			       LAB_PREDICTIONS);
	if (!p) {
		p = &lab->prediction[lab->predictions++];
		if (text_set(&p->name, of, why))
			return -ENOMEM;
	}
	if (!strcmp(name, "ask"))
		return text_set(&p->ask, value, why);
	if (!strcmp(name, "unit"))
		return text_set(&p->unit, value, why);
	if (!strcmp(name, "run"))
		return text_set(&p->run, value, why);
	if (!strcmp(name, "of"))
		return text_set(&p->of, value, why);
	if (!strcmp(name, "explain"))
		return text_set(&p->explain, value, why);
	return why_set(why, -EINVAL,
		       "[predict] has ask, unit, run, of and explain, and no "
		       "\"%s\"",
		       name);
}

static int key_set(void *arg, const char *section, const char *name,
		   const char *value)
{
	struct reader *r = arg;
	struct why why = { "" };
	int err = 1;
	size_t i;

	if (!strncmp(section, "predict ", 8))
		err = prediction_set(r->lab, section + 8, name, value, &why);
	else
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (!strcmp(section, keys[i].section) &&
			    !strcmp(name, keys[i].name))
				err = keys[i].set(r->lab, value, &why);
	if (err > 0)
		err = why_set(&why, -EINVAL,
			      "there is no key \"%s\" in [%s] of a lab", name,
			      section);
	if (err && !r->refused) {
		r->refused = r->line;
		r->why = why;
	}
	return !err;
}

/* ---- the file --------------------------------------------------------------
 */

/* As fgets(3); a line that does not fit ends the file. */
static char *line_read(char *to, int room, void *arg)
{
	struct reader *r = arg;
	char *got = fgets(to, room, r->file);

	if (!got)
		return NULL;
	r->line++;
	if (!strchr(to, '\n') && !feof(r->file)) {
		r->refused = r->line;
		why_set(&r->why, -EINVAL, "this line is too long");
		return NULL;
	}
	return got;
}

/* What has to be said was said, and what need not has its default. */
static int complete(struct lab *lab, const char *path, struct why *why)
{
	const char *lacks = NULL, *of = NULL;
	struct lab_prediction *p;
	unsigned i;

	if (!lab->files)
		lacks = "files";
	if (!lab->minutes)
		lacks = "minutes";
	if (!lab->title)
		lacks = "title";
	for (i = 0; i < lab->predictions && !lacks; i++) {
		p = &lab->prediction[i];
		of = p->name;
		lacks = !p->ask	  ? "ask"
			: !p->run ? "run"
			: !p->of  ? "of"
				  : NULL;
		if (!p->unit)
			p->unit = strdup("");
		if (!p->explain)
			p->explain = strdup("");
		if (!p->unit || !p->explain)
			return why_set(why, -ENOMEM, "no memory");
	}
	if (lacks)
		return why_set(why, -EINVAL, "%s: [%s%s] has no \"%s\"", path,
			       of ? "predict " : "lab", of ? of : "", lacks);
	return 0;
}

int lab_ini_read(struct lab *lab, const char *path, struct why *why)
{
	struct reader r = { .lab = lab };
	int bad;

	r.file = fopen(path, "re");
	if (!r.file)
		return why_set(why, -EINVAL, "cannot read %s: %s", path,
			       strerror(errno));
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = LINE_MAX_BYTES;
	bad = ini_parse_stream(line_read, &r, key_set, &r);
	if (ferror(r.file))
		bad = why_set(why, -EINVAL, "cannot read %s: %s", path,
			      strerror(EIO));
	else if (r.refused)
		bad = why_set(why, -EINVAL, "%s:%d: %s", path, r.refused,
			      r.why.text);
	else if (bad > 0)
		bad = why_set(why, -EINVAL,
			      "%s:%d: this is neither [section] nor "
			      "name = value",
			      path, bad);
	else if (bad)
		bad = why_set(why, -ENOMEM, "%s: no memory", path);
	fclose(r.file);
	return bad ? bad : complete(lab, path, why);
}
