/* SPDX-License-Identifier: MIT */
#include "labs/engine/root.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/engine/file.h"

/* What a directory has if it is a ROOT. */
static bool looks_like_root(const char *dir)
{
	char *flags = file_text("%s/lib/link.flags", dir);
	char *labs = file_text("%s/labs", dir);
	bool is = flags && labs && file_is_there(flags) && file_is_dir(labs);

	free(flags);
	free(labs);
	return is;
}

int lab_root_open(const char *dir, struct lab_root **out, struct why *why)
{
	struct lab_root *root;

	if (!looks_like_root(dir))
		return why_set(why, -EINVAL,
			       "%s holds no labs: labs/ and lib/link.flags "
			       "would be there",
			       dir);
	root = calloc(1, sizeof(*root));
	if (!root)
		return why_set(why, -ENOMEM, "no memory");
	root->dir = realpath(dir, NULL);
	root->labs = file_text("%s/labs", root->dir);
	root->lib = file_text("%s/lib", root->dir);
	root->include = file_text("%s/include", root->dir);
	root->protocol = file_text("%s/docs/protocol.md", root->dir);
	root->ringside = file_text("%s/bin/ringside", root->dir);
	root->frontends = file_text("%s/bin/ringside-frontends", root->dir);
	if (!root->dir || !root->labs || !root->lib || !root->include ||
	    !root->protocol || !root->ringside || !root->frontends) {
		lab_root_free(root);
		return why_set(why, -ENOMEM, "no memory");
	}
	*out = root;
	return 0;
}

int lab_root_find(struct lab_root **out, struct why *why)
{
	static const char *const places[] = { "labs", "..",
					      "../lib/ringside/labs" };
	const char *named = getenv("RINGSIDE_LABS");
	char self[PATH_MAX], *dir;
	ssize_t len;
	unsigned i;
	bool is;
	int err;

	if (named && named[0])
		return lab_root_open(named, out, why);
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return why_set(why, -errno, "cannot tell where I am: %s",
			       strerror(errno));
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		dir = file_text("%s/%s", self, places[i]);
		if (!dir)
			return why_set(why, -ENOMEM, "no memory");
		is = looks_like_root(dir);
		err = is ? lab_root_open(dir, out, why) : 0;
		free(dir);
		if (is)
			return err;
	}
	return why_set(why, -ENOENT,
		       "there are no labs beside %s: build or install "
		       "Ringside as a whole, or say where they are by "
		       "RINGSIDE_LABS",
		       self);
}

void lab_root_free(struct lab_root *root)
{
	if (!root)
		return;
	free(root->dir);
	free(root->labs);
	free(root->lib);
	free(root->include);
	free(root->protocol);
	free(root->ringside);
	free(root->frontends);
	free(root);
}

int lab_root_link_flags(const struct lab_root *root, char ***out,
			struct why *why)
{
	char *path = file_text("%s/link.flags", root->lib), *text, *word, *rest;
	char **list;
	size_t room;
	unsigned n = 0;
	int err;

	if (!path)
		return why_set(why, -ENOMEM, "no memory");
	err = file_read(path, &text, why);
	free(path);
	if (err)
		return err;
	/* A word takes two bytes at least, with the blank after it. */
	room = (strlen(text) / 2 + 2) * sizeof(*list);
	list = malloc(room + strlen(text) + 1);
	if (!list) {
		free(text);
		return why_set(why, -ENOMEM, "no memory");
	}
	rest = strcpy((char *)list + room, text);
	free(text);
	while ((word = strsep(&rest, " \t\n")))
		if (*word)
			list[n++] = word;
	list[n] = NULL;
	*out = list;
	return 0;
}
