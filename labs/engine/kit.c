/* SPDX-License-Identifier: MIT */
#include "labs/engine/kit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/engine/file.h"
#include "labs/engine/start.h"

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "no memory");
}

/* gzip without a time in it, so that the same tree gives the same file. */
int lab_tar_make(const char *dir, const char *name, const char *file,
		 struct why *why)
{
	char *words = file_text("%s/.tar.err", dir);
	struct why said;
	char *argv[] = { (char *)"tar",
			 (char *)"--create",
			 (char *)"--sort=name",
			 (char *)"--owner=0",
			 (char *)"--group=0",
			 (char *)"--numeric-owner",
			 (char *)"--mtime=@1",
			 (char *)"--mode=u+rw,go+r-w",
			 (char *)"--use-compress-program=gzip -n",
			 (char *)"-C",
			 (char *)(uintptr_t)dir,
			 (char *)"-f",
			 (char *)(uintptr_t)file,
			 (char *)"--",
			 (char *)(uintptr_t)name,
			 NULL };
	int code;

	if (!words)
		return no_memory(why);
	code = file_run(argv, NULL, NULL, words);
	file_first_line(words, &said);
	unlink(words);
	free(words);
	if (!code)
		return 0;
	unlink(file);
	return why_set(why, -EIO, "%s cannot be written: %s", file,
		       said.text[0] ? said.text : "tar cannot be run");
}

/* Copy ROOT/`what`, a file or a folder, to the same place below `to`. */
static int part_copy(const struct lab *lab, const char *what, const char *to,
		     struct why *why)
{
	char *from = file_text("%s/%s", lab->root->dir, what);
	char *dest = file_text("%s/%s", to, what), *slash;
	int err = from && dest ? 0 : no_memory(why);

	if (!err && file_is_dir(from)) {
		err = file_tree_copy(from, dest, why);
	} else if (!err) {
		slash = strrchr(dest, '/');
		*slash = '\0';
		err = file_mkdirs(dest, why);
		*slash = '/';
		if (!err)
			err = file_copy(from, dest, why);
	}
	free(from);
	free(dest);
	return err;
}

static int lab_copy(const struct lab *lab, const char *to, struct why *why)
{
	char **names, *part;
	int err, i;

	err = file_names(lab->dir, &names, why);
	if (err)
		return err;
	for (i = 0; names[i] && !err; i++) {
		if (!lab_student_kit(names[i]))
			continue;
		part = file_text("labs/%s/%s", lab->id, names[i]);
		err = part ? part_copy(lab, part, to, why) : no_memory(why);
		free(part);
	}
	free(names);
	return err;
}

/* What ROOT/kit has goes to the top. */
static int top_copy(const struct lab *lab, const char *to, struct why *why)
{
	char *kit = file_text("%s/kit", lab->root->dir);
	int err;

	if (!kit)
		err = no_memory(why);
	else if (!file_is_dir(kit))
		err = why_set(why, -ENOENT,
			      "%s is a kit itself; kits are made by \"ringside "
			      "lab kit\" of an installation",
			      lab->root->dir);
	else
		err = file_tree_copy(kit, to, why);
	free(kit);
	return err;
}

static int kit_fill(const struct lab *lab, const char *to, struct why *why)
{
	static const char *const parts[] = { "bin/ringside",
					     "bin/ringside-frontends",
					     "bin/nbdkit-ringside-plugin.so",
					     "include",
					     "docs",
					     "lib/link.flags",
					     "lib/crash.o" };
	char *object = file_text("lib/%s.o", lab->id);
	int err = object ? top_copy(lab, to, why) : no_memory(why);
	unsigned i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && !err; i++)
		err = part_copy(lab, parts[i], to, why);
	if (!err)
		err = part_copy(lab, object, to, why);
	/* Who writes no code runs ours. */
	if (!err && !lab->replaces)
		err = part_copy(lab, "bin/ringsided", to, why);
	if (!err)
		err = lab_copy(lab, to, why);
	free(object);
	return err;
}

int lab_kit_make(const struct lab *lab, const char *file, struct why *why)
{
	char *scratch = NULL, *name = NULL, *to = NULL;
	int err;

	err = file_scratch("kit", &scratch, why);
	if (err)
		return err;
	name = file_text("ringside-lab-%s", lab->id);
	to = name ? file_text("%s/%s", scratch, name) : NULL;
	err = to ? kit_fill(lab, to, why) : no_memory(why);
	if (!err)
		err = lab_tar_make(scratch, name, file, why);
	file_tree_remove(scratch);
	free(scratch);
	free(name);
	free(to);
	return err;
}
