/* SPDX-License-Identifier: MIT */
#include "backend/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/features.h"

#define LINE_MAX_BYTES 600 /* longer ones are refused */

struct reader {
	FILE *file;
	const char *path;
	struct options *options;
	int line;    /* the last one that was read */
	int refused; /* the line that `why` speaks of; 0: none */
	struct why why;
};

static int refuse(struct reader *r, const char *text)
{
	if (!r->refused) {
		r->refused = r->line;
		why_set(&r->why, -EINVAL, "%s", text);
	}
	return 0; /* inih's word for it */
}

/* As fgets(3); a line that does not fit ends the file. */
static char *line_read(char *to, int room, void *arg)
{
	struct reader *r = arg;
	char *got = fgets(to, room, r->file);

	if (!got)
		return NULL;
	r->line++;
	if (!strchr(to, '\n') && !feof(r->file)) {
		refuse(r, "this line is too long");
		return NULL;
	}
	return got;
}

/* Values live as long as the process, as the command line does. */
static struct kept {
	struct kept *next;
	char value[];
} * kept_list;

static int option_set(struct reader *r, const char *name, const char *value,
		      struct why *why)
{
	size_t len = strlen(value);
	struct kept *k;

	if (!strcmp(name, "config"))
		return why_set(why, -ENOENT, "a file cannot name another");
	k = malloc(sizeof(*k) + len + 1);
	if (!k)
		return why_set(why, -ENOMEM, "no memory");
	memcpy(k->value, value, len + 1);
	k->next = kept_list;
	kept_list = k;
	return options_set(r->options, name, k->value, why);
}

static int key_set(void *arg, const char *section, const char *name,
		   const char *value)
{
	struct reader *r = arg;
	struct why why = { "" };
	int err;

	if (!strcmp(section, "features"))
		err = features_set(&r->options->vbd.features, name, value,
				   &why);
	else if (!*section)
		err = option_set(r, name, value, &why);
	else
		err = why_set(&why, -EINVAL,
			      "there is no section [%.64s]; options stand "
			      "before any section, and switches below "
			      "[features]",
			      section);
	return err ? refuse(r, why.text) : 1;
}

int config_read(const char *path, struct options *o, struct why *why)
{
	struct reader r = { .path = path, .options = o };
	int bad;

	r.file = fopen(path, "re");
	if (!r.file)
		return why_set(why, -errno, "cannot read %s: %s", path,
			       strerror(errno));
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = LINE_MAX_BYTES;
	bad = ini_parse_stream(line_read, &r, key_set, &r);
	if (ferror(r.file))
		bad = why_set(why, -EIO, "cannot read %s: %s", path,
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
	return bad;
}
