/* SPDX-License-Identifier: MIT */
#include "labs/engine/doctor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "labs/engine/file.h"
#include "viz/render/draw.h"

#define NEEDED_MB 300u /* a desk, images and traces of a grade */

enum health { WELL, MISSING, BROKEN };

static const char *const health_name[] = { "ok", "missing", "broken" };

struct exam {
	const struct lab_root *root; /* or NULL */
	const struct why *why_none;
	char *dir; /* a scratch directory */
	char *err; /* in it: what programs said on stderr */
	char *out; /* and on stdout */
	struct why what, fix;
};

/* ---- helpers
 * ----------------------------------------------------------------- */

static enum health say(struct exam *e, enum health h, const char *what,
		       const char *fix)
{
	if (what)
		why_set(&e->what, 0, "%s", what);
	if (fix)
		why_set(&e->fix, 0, "%s", fix);
	return h;
}

/* Run it in the scratch directory; its words are in e->out and e->err. */
static int run(struct exam *e, char *const argv[])
{
	unlink(e->out);
	unlink(e->err);
	return file_run(argv, e->dir, e->out, e->err);
}

#define RUN(e, ...) run(e, (char *[]){ __VA_ARGS__, NULL })
#define WORD(text)  ((char *)(uintptr_t)(text))

static int number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	int n = -1;

	if (f && fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static bool is_container(void)
{
	return file_is_there("/.dockerenv") ||
	       file_is_there("/run/.containerenv");
}

/* ---- what is looked at
 * ---------------------------------------------------------- */

static enum health labs_look(struct exam *e)
{
	if (!e->root)
		return say(e, MISSING, e->why_none->text,
			   "use the program of a kit, or of an installation");
	return say(e, WELL, e->root->dir, NULL);
}

static enum health compiler_look(struct exam *e)
{
	int code;

	code = RUN(e, WORD("gcc"), WORD("-dumpfullversion"));
	if (code)
		return say(e, MISSING, "there is no gcc",
			   "apt-get install gcc libc6-dev");
	file_first_line(e->out, &e->what);
	return WELL;
}

/* Write a program to try.c in the scratch directory. */
static int try_write(struct exam *e, const char *text)
{
	char *path = file_text("%s/try.c", e->dir);
	int err = path ? file_write(path, text, NULL) : -ENOMEM;

	free(path);
	return err;
}

static enum health headers_look(struct exam *e)
{
	if (try_write(e, "#include <stdio.h>\n"))
		return say(e, BROKEN, "no file can be written",
			   "make room, or set TMPDIR");
	if (RUN(e, WORD("gcc"), WORD("-fsyntax-only"), WORD("try.c")))
		return say(e, MISSING, "C's own headers are not there",
			   "apt-get install libc6-dev");
	if (!e->root)
		return say(e, WELL, "of C", NULL);
	try_write(e, "#include \"trace/emit.h\"\n");
	if (RUN(e, WORD("gcc"), WORD("-fsyntax-only"), WORD("-I"),
		e->root->include, WORD("try.c"))) {
		file_first_line(e->err, &e->what);
		return say(e, MISSING, NULL,
			   "apt-get install liblttng-ust-dev");
	}
	return say(e, WELL, "of C, of LTTng, of Ringside", NULL);
}

/* The Debian package that a library is in. */
static const char *package_of(const char *library)
{
	static const struct {
		const char *library, *package;
	} known[] = {
		{ "libxenstore.", "libxenstore4" },
		{ "libxengnttab.", "libxengnttab1" },
		{ "libxenevtchn.", "libxenevtchn1" },
		{ "liblttng-ust", "liblttng-ust1" },
		{ "liburing.", "liburing2" },
		{ "libnbd.", "libnbd0" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(library, known[i].library,
			     strlen(known[i].library)))
			return known[i].package;
	return "gcc";
}

/* The first library of these that gcc does not find; NULL: it finds all. */
static const char *library_missing(struct exam *e, char **flags)
{
	struct why found;
	char *word;

	for (; *flags; flags++) {
		if (strncmp(*flags, "-l:", 3))
			continue;
		word = file_text("-print-file-name=%s", *flags + 3);
		RUN(e, WORD("gcc"), word);
		free(word);
		file_first_line(e->out, &found);
		if (!strchr(found.text, '/'))
			return *flags + 3;
	}
	return NULL;
}

static enum health linker_look(struct exam *e)
{
	const char *missing;
	char **flags, **argv;
	struct why why;
	unsigned n;
	int code;

	if (try_write(e, "int main(void) { return 0; }\n") || !e->root ||
	    lab_root_link_flags(e->root, &flags, &why))
		return say(e, BROKEN, "there is nothing to try it with", NULL);
	missing = library_missing(e, flags);
	if (missing) {
		why_set(&e->what, 0, "there is no %s", missing);
		why_set(&e->fix, 0, "apt-get install %s", package_of(missing));
		free(flags);
		return MISSING;
	}
	for (n = 0; flags[n]; n++)
		;
	argv = calloc(n + 5, sizeof(*argv));
	if (argv) {
		argv[0] = WORD("gcc");
		argv[1] = WORD("try.c");
		argv[2] = WORD("-o");
		argv[3] = WORD("try");
		memcpy(argv + 4, flags, n * sizeof(*flags));
	}
	code = argv ? run(e, argv) : 1;
	free(argv);
	free(flags);
	if (!code)
		code = RUN(e, WORD("./try"));
	if (code) {
		file_first_line(e->err, &e->what);
		return say(e, BROKEN, NULL, "apt-get install binutils gcc");
	}
	return say(e, WELL, "a program was linked and run", NULL);
}

/* Why a namespace cannot be made here, as far as it can be told. */
static const char *namespace_fix(void)
{
	if (number_in("/proc/sys/user/max_user_namespaces") == 0)
		return "as root: sysctl -w user.max_user_namespaces=10000";
	if (number_in("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return "as root: sysctl -w kernel.unprivileged_userns_clone=1";
	if (is_container())
		return "start the container with --security-opt "
		       "seccomp=unconfined --security-opt "
		       "systempaths=unconfined, or with --privileged";
	if (number_in("/proc/sys/kernel/"
		      "apparmor_restrict_unprivileged_userns") == 1)
		return "as root: sysctl -w "
		       "kernel.apparmor_restrict_unprivileged_userns=0";
	return "ask who runs this machine to allow user namespaces; your own "
	       "code can be graded by \"ringside lab grade --trust\"";
}

static enum health confine_look(struct exam *e)
{
	int code =
		RUN(e, WORD("bwrap"), WORD("--ro-bind"), WORD("/"), WORD("/"),
		    WORD("--proc"), WORD("/proc"), WORD("--dev"), WORD("/dev"),
		    WORD("--tmpfs"), WORD("/tmp"), WORD("--unshare-all"),
		    WORD("--die-with-parent"), WORD("true"));

	if (code == 127)
		return say(e, MISSING, "there is no bwrap",
			   "apt-get install bubblewrap");
	if (code) {
		file_first_line(e->err, &e->what);
		return say(e, BROKEN, NULL, namespace_fix());
	}
	return say(e, WELL, "a program was run apart from all others", NULL);
}

static enum health lttng_look(struct exam *e)
{
	if (RUN(e, WORD("lttng-sessiond"), WORD("--version")) == 127)
		return say(e, MISSING, "there is no lttng-sessiond",
			   "apt-get install lttng-tools");
	if (RUN(e, WORD("lttng"), WORD("--version")) == 127)
		return say(e, MISSING, "there is no lttng",
			   "apt-get install lttng-tools");
	file_first_line(e->out, &e->what);
	return WELL;
}

/* Of the first labs: the stock reader of traces. */
static enum health reader_look(struct exam *e)
{
	if (RUN(e, WORD("babeltrace2"), WORD("--version")))
		return say(e, MISSING, "there is no babeltrace2",
			   "apt-get install babeltrace2");
	file_first_line(e->out, &e->what);
	return WELL;
}

static enum health record_look(struct exam *e)
{
	char *trace = file_text("%s/trace/metadata", e->dir);
	char *ust = file_text("%s/trace/ust", e->dir);
	struct why words;
	bool recorded;
	char *self;

	if (!e->root || !trace || !ust) {
		free(trace);
		free(ust);
		return say(e, BROKEN, "there is no program to record", NULL);
	}
	/*
	 * A guest whose disk nobody serves: it says that it begins, and gives
	 * up after a second.
	 */
	self = e->root->ringside;
	RUN(e, self, WORD("desk"), WORD("start"), WORD("desk"));
	RUN(e, self, WORD("attach"), WORD("desk"), WORD("--target"),
	    WORD("mem:1M"), WORD("--no-wait"));
	RUN(e, self, WORD("record"), WORD("-o"), WORD("trace"), WORD("--"),
	    self, WORD("front"), WORD("desk"), WORD("--timeout"), WORD("1"),
	    WORD("--info"));
	file_first_line(e->err, &words);
	recorded = file_is_dir(ust) || file_is_there(trace);
	RUN(e, self, WORD("desk"), WORD("stop"), WORD("desk"));
	free(trace);
	free(ust);
	if (recorded)
		return say(e, WELL, "events were recorded", NULL);
	return say(e, BROKEN, words.text,
		   "try it by hand: ringside record -o /tmp/t -- ringside "
		   "front /tmp/none");
}

static enum health draw_look(struct exam *e)
{
	Agraph_t *g = agopen(WORD("doctor"), Agdirected, NULL);
	struct text out = { 0 };
	struct why why;
	int err;

	if (!g)
		return say(e, BROKEN, "no graph can be made", NULL);
	agedge(g, agnode(g, WORD("a"), 1), agnode(g, WORD("b"), 1), NULL, 1);
	err = draw_render(g, DRAW_DOT, "svg", &out, &why);
	agclose(g);
	text_free(&out);
	if (err)
		return say(e, BROKEN, why.text,
			   "apt-get install --reinstall libgvc6");
	if (RUN(e, WORD("fc-match"), WORD("DejaVu Sans")) == 0) {
		file_first_line(e->out, &why);
		if (!strstr(why.text, "DejaVu"))
			return say(e, MISSING, "letters of DejaVu Sans",
				   "apt-get install fonts-dejavu-core");
	}
	return say(e, WELL, "Graphviz drew a graph", NULL);
}

static enum health space_look(struct exam *e)
{
	struct statvfs vfs;
	unsigned long long mb;

	if (statvfs(e->dir, &vfs))
		return say(e, BROKEN, strerror(errno), NULL);
	mb = (unsigned long long)vfs.f_bavail * vfs.f_frsize >> 20;
	why_set(&e->what, 0, "%llu MiB where temporary files go", mb);
	if (mb < NEEDED_MB) {
		why_set(&e->fix, 0,
			"make room for %u MiB, or set TMPDIR to a directory "
			"that has it",
			NEEDED_MB);
		return MISSING;
	}
	return WELL;
}

static enum health nbdkit_look(struct exam *e)
{
	if (RUN(e, WORD("nbdkit"), WORD("--version")))
		return say(e, MISSING, "there is no nbdkit",
			   "apt-get install nbdkit libnbd-bin");
	file_first_line(e->out, &e->what);
	return WELL;
}

static const struct {
	const char *name;
	enum health (*look)(struct exam *e);
} exams[] = {
	{ "labs", labs_look },		{ "compiler", compiler_look },
	{ "headers", headers_look },	{ "linker", linker_look },
	{ "bubblewrap", confine_look }, { "LTTng", lttng_look },
	{ "recording", record_look },	{ "babeltrace2", reader_look },
	{ "pictures", draw_look },	{ "free space", space_look },
	{ "nbdkit", nbdkit_look },
};

int lab_doctor(const struct lab_root *root, const struct why *why_none,
	       FILE *to, struct why *why)
{
	struct exam e = { .root = root, .why_none = why_none };
	int unwell = 0, err;
	enum health h;
	size_t i;

	err = file_scratch("doctor", &e.dir, why);
	if (err)
		return err;
	e.out = file_text("%s/out", e.dir);
	e.err = file_text("%s/err", e.dir);
	for (i = 0; e.out && e.err && i < sizeof(exams) / sizeof(exams[0]);
	     i++) {
		e.what.text[0] = e.fix.text[0] = '\0';
		h = exams[i].look(&e);
		fprintf(to, "%-8s %-11s %s\n", health_name[h], exams[i].name,
			e.what.text);
		if (h != WELL && e.fix.text[0])
			fprintf(to, "%21smend it: %s\n", "", e.fix.text);
		fflush(to);
		unwell += h != WELL;
	}
	file_tree_remove(e.dir);
	free(e.dir);
	free(e.out);
	free(e.err);
	return unwell;
}
