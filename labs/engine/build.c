/* SPDX-License-Identifier: MIT */
#include "labs/engine/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labs/engine/child.h"
#include "labs/engine/confine.h"

#define SECONDS	     120
#define MEMORY_BYTES (4ull << 30)
#define SOURCE_MAX   (1 << 20)

/* So that what nobody has set is not 0 by the compiler's grace. */
#define PATTERN "-ftrivial-auto-var-init=pattern"

/* Warnings are told, and are no errors: a student is not done yet. */
static const char *const compiler[] = {
	"cc",
	"-std=c11",
	"-D_GNU_SOURCE",
	"-O2",
	"-g",
	"-fPIC",
	"-pthread",
	"-fno-omit-frame-pointer",
	PATTERN,
	"-Wall",
	"-Wextra",
	"-fdiagnostics-color=never",
	"-ffile-prefix-map=./=",
};

#define COMPILER (sizeof(compiler) / sizeof(compiler[0]))

/* What is handed in may be a link to a file that is not the student's. */
static int source_copy(const char *from, const char *to, struct why *why)
{
	static char room[SOURCE_MAX];
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int out, err = 0;
	struct stat st;
	ssize_t n;

	if (in < 0)
		return why_set(why, -errno, "%s cannot be read: %s", from,
			       errno == ELOOP ? "it is a symbolic link"
					      : strerror(errno));
	if (fstat(in, &st) || !S_ISREG(st.st_mode) || st.st_size > SOURCE_MAX) {
		close(in);
		return why_set(why, -EINVAL,
			       "%s is no file of at most %d bytes", from,
			       SOURCE_MAX);
	}
	n = read(in, room, sizeof(room));
	close(in);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (n < 0 || out < 0 || write(out, room, (size_t)n) != n)
		err = why_set(why, -EIO, "%s cannot be copied: %s", from,
			      strerror(errno));
	if (out >= 0) {
		fchmod(out, 0644);
		close(out);
	}
	return err;
}

/* True: all are there; else what is wrong stands in out->said. */
static bool sources_copy(struct arena *a, const struct lab_work *work,
			 struct build *out)
{
	struct why why = { "" };
	unsigned i;
	int err = 0;

	for (i = 0; i < work->lab->files && !err; i++) {
		char *from = lab_work_file(work, i);

		err = from ? source_copy(from,
					 arena_printf(a, "%s/%s", out->sources,
						      work->lab->file[i]),
					 &why)
			   : -ENOMEM;
		free(from);
	}
	if (err)
		out->said = arena_printf(a, "%s\n", why.text);
	return !err;
}

static bool is_source(const char *name)
{
	size_t len = strlen(name);

	return len > 2 && !strcmp(name + len - 2, ".c");
}

static char **command(struct arena *a, const struct lab_work *work,
		      const char *program, char **flags)
{
	const struct lab *lab = work->lab;
	size_t n = 0, more = 0;
	char **w;
	unsigned i;

	while (flags[more])
		more++;
	w = arena_alloc(a, sizeof(*w) * (COMPILER + LAB_FILES + more + 8));
	for (i = 0; i < COMPILER; i++)
		w[n++] = arena_text(a, compiler[i]);
	w[n++] = arena_printf(a, "-I%s", lab->root->include);
	w[n++] = arena_text(a, "-o");
	w[n++] = arena_text(a, program);
	for (i = 0; i < lab->files; i++)
		if (is_source(lab->file[i]))
			w[n++] = arena_text(a, lab->file[i]);
	w[n++] = arena_text(a, lab->object);
	w[n++] = arena_printf(a, "%s/crash.o", lab->root->lib);
	for (i = 0; flags[i]; i++)
		w[n++] = arena_text(a, flags[i]);
	return w;
}

/* A linker that makes do without what the student's files would have. */
static char **probe(struct arena *a, const struct lab_work *work,
		    const char *program, char **flags)
{
	struct words w;
	char **out;
	unsigned n, i;

	words_split(a, "cc " PATTERN " -Wl,--unresolved-symbols=ignore-all -o",
		    &w);
	for (n = 0; flags[n]; n++)
		;
	out = arena_alloc(a, sizeof(*out) * (w.count + n + 4));
	memcpy(out, w.word, sizeof(*out) * w.count);
	out[w.count++] = arena_text(a, program);
	out[w.count++] = arena_text(a, work->lab->object);
	out[w.count++] = arena_printf(a, "%s/crash.o", work->lab->root->lib);
	for (i = 0; i < n; i++)
		out[w.count++] = flags[i];
	return out;
}

struct compiler_run {
	const struct lab_work *work;
	const struct build *build;
	const char *folder; /* it may write here */
	bool trust;
};

/* *well: it did its work.  What it said is appended. */
static int compiler_run(struct arena *a, const struct compiler_run *r,
			char **argv, struct text *said, bool *well,
			struct why *why)
{
	const struct lab_root *root = r->work->lab->root;
	const char *see[] = { r->build->sources, root->include, root->lib,
			      NULL };
	const char *write[] = { r->folder, NULL };
	struct confine c = {
		.see = see,
		.write = write,
		.hide = root->labs,
		.dir = r->build->sources,
		.memory_bytes = MEMORY_BYTES,
		.forks = true,
		.trust = r->trust,
	};
	struct child child = CHILD_INIT;
	int status = 0, err;

	child.argv = confine_argv(a, &c, argv);
	child.dir = r->trust ? r->build->sources : NULL;
	confine_give(&c, r->folder);
	err = child_run(&child, SECONDS, said, said, &status, why);
	*well = !err && WIFEXITED(status) && !WEXITSTATUS(status);
	return err;
}

/*
 * It was not made.  Whose fault is that?  -EIO with a sentence if what is ours
 * cannot be linked either.
 */
static int fault_find(struct arena *a, const struct compiler_run *r,
		      char **flags, struct why *why)
{
	struct text said = { 0 };
	bool well = false;
	int err;

	err = compiler_run(a, r, probe(a, r->work, r->build->program, flags),
			   &said, &well, why);
	if (!err && !well && !said.len)
		err = why_set(why, -ENOENT,
			      "there is no compiler \"cc\": install gcc");
	else if (!err && !well)
		err = why_set(why, -EIO,
			      "ringsided cannot be linked here, whatever your "
			      "files say: %.*s; \"ringside lab doctor\" may "
			      "tell why",
			      (int)strcspn(said.data, "\n"), said.data);
	text_free(&said);
	return err;
}

static int compile(struct arena *a, const struct lab_work *work,
		   const char *folder, bool trust, struct build *out,
		   struct why *why)
{
	struct compiler_run r = { work, out, folder, trust };
	struct text said = { 0 };
	char **flags;
	int err = lab_root_link_flags(work->lab->root, &flags, why);

	if (err)
		return err;
	err = compiler_run(a, &r, command(a, work, out->program, flags), &said,
			   &out->made, why);
	if (err == -ETIME) {
		text_printf(&said,
			    "The compiler was stopped: it worked for "
			    "more than %d s.\n",
			    SECONDS);
		err = 0;
	} else if (!err && !out->made) {
		err = fault_find(a, &r, flags, why);
	}
	out->said = arena_text(a, text_str(&said));
	text_free(&said);
	free(flags);
	return err;
}

int build_make(struct arena *a, const struct lab_work *work,
	       const char *scratch, bool trust, struct build *out,
	       struct why *why)
{
	const char *folder = arena_printf(a, "%s/build", scratch);

	memset(out, 0, sizeof(*out));
	out->said = "";
	out->sources = arena_printf(a, "%s/lab", scratch);
	out->program = arena_printf(a, "%s/ringsided", folder);
	if (access(work->lab->object, R_OK))
		return why_set(why, -ENOENT,
			       "%s, the rest of ringsided, cannot be read: %s",
			       work->lab->object, strerror(errno));
	if (access(arena_printf(a, "%s/crash.o", work->lab->root->lib), R_OK))
		return why_set(why, -ENOENT, "%s/crash.o cannot be read: %s",
			       work->lab->root->lib, strerror(errno));
	if (access(arena_printf(a, "%s/trace/emit.h", work->lab->root->include),
		   R_OK))
		return why_set(why, -ENOENT, "%s has no headers: %s",
			       work->lab->root->include, strerror(errno));
	if (mkdir(out->sources, 0755) || mkdir(folder, 0755))
		return why_set(why, -errno, "%s cannot be made: %s", folder,
			       strerror(errno));
	return sources_copy(a, work, out)
		       ? compile(a, work, folder, trust, out, why)
		       : 0;
}

/* ---- where it crashed ---------------------------------------------------- */

static bool is_of(const struct lab *lab, const char *file)
{
	unsigned i;

	for (i = 0; i < lab->files; i++)
		if (!strcmp(lab->file[i], file))
			return true;
	return false;
}

/* addr2line's two lines for an address: function, and FILE:LINE. */
static const char *place_pick(struct arena *a, const struct lab *lab,
			      char *lines)
{
	char *function, *place, *colon, *save = NULL, *base;
	const char *first = NULL;

	for (function = strtok_r(lines, "\n", &save); function;
	     function = strtok_r(NULL, "\n", &save)) {
		place = strtok_r(NULL, "\n", &save);
		colon = place ? strrchr(place, ':') : NULL;
		if (!colon || colon[1] == '?' || !strcmp(function, "??"))
			continue;
		colon[1 + strspn(colon + 1, "0123456789")] = '\0';
		base = strrchr(place, '/');
		base = base ? base + 1 : place;
		*colon = '\0';
		if (is_of(lab, base))
			return arena_printf(a, "%s:%s (%s)", base, colon + 1,
					    function);
		if (!first)
			first = arena_printf(a, "%s:%s (%s)" BUILD_OURS, base,
					     colon + 1, function);
	}
	return first;
}

const char *build_place(struct arena *a, const struct lab *lab,
			const struct build *b, const char *addresses,
			bool trust)
{
	const char *see[] = { b->program, NULL };
	struct confine c = { .see = see,
			     .memory_bytes = MEMORY_BYTES,
			     .forks = true,
			     .trust = trust };
	struct child child = CHILD_INIT;
	struct text said = { 0 };
	struct words w, line;
	const char *place = NULL;
	int status = 0;
	unsigned i;

	if (words_split(a, addresses, &w) || !w.count || w.count > 40)
		return NULL;
	words_split(a, "addr2line -f -i -e", &line);
	line.word[line.count++] = arena_text(a, b->program);
	for (i = 0; i < w.count; i++)
		line.word[line.count++] = w.word[i];
	line.word[line.count] = NULL;
	child.argv = confine_argv(a, &c, line.word);
	if (!child_run(&child, 30, &said, NULL, &status, NULL) && said.len)
		place = place_pick(a, lab, said.data);
	text_free(&said);
	return place;
}
