/* SPDX-License-Identifier: MIT */
#include "trace/record/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <lttng/lttng.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/record/dir.h"
#include "trace/record/session.h"

#define NAME "lttng" /* what it is called until it is in its place */

static const char *const words[RECORD_CAUSES] = {
	[RECORD_REFUSED] = "refused", [RECORD_ERROR] = "error",
	[RECORD_SLOW] = "slow",	      [RECORD_DEATH] = "death",
	[RECORD_ASKED] = "asked",
};

const char *record_cause_word(enum record_cause cause)
{
	return words[cause];
}

bool record_snapshot_is_word(const char *word)
{
	for (int i = 0; i < RECORD_CAUSES; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* LTTng makes PATH/NAME-DATE-TIME-N/ust of it; PATH/ust is what we want. */
static int snapshot_place(const char *path, struct why *why)
{
	char from[PATH_MAX + NAME_MAX + 8] = "", to[PATH_MAX + 8];
	DIR *d = opendir(path);
	struct dirent *e;
	int err;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, NAME "-", strlen(NAME "-")))
			snprintf(from, sizeof(from), "%s/%s/ust", path,
				 e->d_name);
	if (d)
		closedir(d);
	if (!*from || access(from, F_OK))
		return why_set(why, -ENODATA,
			       "no backend or frontend has emitted an event "
			       "yet; is ringsided running?");
	snprintf(to, sizeof(to), "%s/ust", path);
	if (rename(from, to)) {
		err = -errno;
		return why_set(why, err, "%s cannot be made: %s", to,
			       strerror(-err));
	}
	*strrchr(from, '/') = '\0';
	rmdir(from);
	return 0;
}

static int note_write(const char *path, const char *note, struct why *why)
{
	char name[PATH_MAX + 16];
	FILE *f;
	int err = 0;

	snprintf(name, sizeof(name), "%s/snapshot", path);
	f = fopen(name, "we");
	if (!f || fputs(note, f) < 0)
		err = -errno;
	if (f && fclose(f) && !err)
		err = -errno;
	return err ? why_set(why, err, "%s cannot be written: %s", name,
			     strerror(-err))
		   : 0;
}

static int snapshot_write(const char *session, const char *path,
			  struct why *why)
{
	struct lttng_snapshot_output *output = lttng_snapshot_output_create();
	int ret = 0;

	if (!output)
		return why_set(why, -ENOMEM, "no memory for a snapshot");
	if (lttng_snapshot_output_set_local_path(path, output) ||
	    lttng_snapshot_output_set_name(NAME, output))
		ret = why_set(why, -EINVAL,
			      "LTTng does not take \"%s\" as a directory",
			      path);
	if (!ret && (ret = lttng_snapshot_record(session, output, 0)) < 0)
		ret = why_set(why, -EIO, "LTTng could not take it: %s",
			      lttng_strerror(ret));
	lttng_snapshot_output_destroy(output);
	return ret;
}

int record_snapshot(const struct record *rec, const char *path,
		    const char *note, struct why *why)
{
	int err;

	if (mkdir(path, 0777)) {
		err = -errno;
		return why_set(why, err, "%s cannot be made: %s", path,
			       strerror(-err));
	}
	err = snapshot_write(record_name(rec), path, why);
	if (!err)
		err = snapshot_place(path, why);
	if (!err)
		err = note_write(path, note, why);
	if (err)
		record_dir_remove(path);
	return err;
}
