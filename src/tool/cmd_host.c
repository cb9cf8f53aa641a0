/* SPDX-License-Identifier: MIT */
/* ringside host: a real Xen host in QEMU, and commands in its dom0. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "host/agent.h"
#include "host/copy.h"
#include "host/images.h"
#include "host/link.h"
#include "host/machine.h"
#include "host/remote.h"
#include "tool/commands.h"

/* As env(1) and timeout(1): what went wrong was not the command. */
#define EXIT_OURS 125
#define ANSWER_MS 10000

enum action { UP, RUN, SHELL, PUT, GET, DOWN, IMAGES, AGENT };

static const char *const action_name[] = { "up",  "run",  "shell",  "put",
					   "get", "down", "images", "agent" };

struct args {
	int action; /* enum action, or -1 before it is named */
	const char *dir;
	const char *cache;
	const char *programs;
	unsigned memory_mib, cpus, patience_s;
	char **rest; /* NULL behind the last */
	int nrest;
	char dir_default[PATH_MAX];
};

static int complain(const char *text, int code)
{
	fprintf(stderr, "ringside host: %s\n", text);
	return code;
}

/* ---- up --------------------------------------------------------------------
 */

/* What `make` puts beside the programs, or `make install` below lib/. */
static int programs_find(char *out, size_t room)
{
	static const char *const places[] = { "host.tar",
					      "../lib/ringside/host.tar" };
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	unsigned i;

	if (n < 0)
		return -errno;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	for (i = 0; i < 2; i++) {
		if ((size_t)snprintf(out, room, "%s%s", exe, places[i]) <
			    room &&
		    !access(out, R_OK))
			return 0;
	}
	return -ENOENT;
}

static int images(const struct args *a, struct images *out)
{
	struct why why;
	int err = images_get(a->cache, out, &why);

	if (err)
		return complain(why.text, err == -EINTR ? 130 : 1);
	return 0;
}

static int up(const struct args *a)
{
	struct machine_options o = { .memory_mib = a->memory_mib,
				     .dom0_mib = 1536,
				     .cpus = a->cpus,
				     .patience_s = a->patience_s };
	char programs[PATH_MAX];
	struct images made;
	struct why why;
	int err, code;

	if (a->programs) {
		snprintf(programs, sizeof(programs), "%s", a->programs);
		if (access(programs, R_OK)) {
			fprintf(stderr, "ringside host: cannot read %s: %s\n",
				programs, strerror(errno));
			return 2;
		}
	} else if (programs_find(programs, sizeof(programs))) {
		return complain("host.tar, what dom0 gets of Ringside, is "
				"missing beside this program: run \"make\"",
				1);
	}
	if (machine_runs(a->dir)) {
		fprintf(stderr,
			"ringside host: a Xen host runs in %s already; "
			"\"ringside host down\" ends it\n",
			a->dir);
		return 1;
	}
	code = images(a, &made);
	if (code)
		return code;
	o.images = made.dir;
	o.programs = programs;
	err = machine_up(a->dir, &o, &why);
	if (err)
		return complain(why.text, err == -EINTR ? 130 : 1);
	fprintf(stderr,
		"ringside host: Xen runs in %s; \"ringside host "
		"shell\" is a prompt in its dom0\n",
		a->dir);
	return 0;
}

/* ---- run and shell ------------------------------------------------------ */

static int run(const struct args *a, char *const *argv, bool terminal, int in,
	       int out)
{
	struct remote_command c = { .argv = argv,
				    .terminal = terminal,
				    .in_fd = in,
				    .out_fd = out,
				    .err_fd = STDERR_FILENO };
	struct link *l;
	struct why why;
	int err, status = 0;

	err = link_open(a->dir, ANSWER_MS, &l, &why);
	if (err)
		return complain(why.text, EXIT_OURS);
	err = remote_run(l, &c, &status, &why);
	link_close(l);
	if (err)
		return complain(why.text, err == -EINTR ? 130 : EXIT_OURS);
	return status;
}

/* One word is a line for the shell; several are a command. */
static int run_words(const struct args *a)
{
	char *line[] = { (char *)"bash", (char *)"-c", a->rest[0], NULL };

	return run(a, a->nrest == 1 ? line : a->rest, false, STDIN_FILENO,
		   STDOUT_FILENO);
}

static int shell(const struct args *a)
{
	char *argv[] = { (char *)"bash", (char *)"-l", NULL };

	if (!isatty(STDIN_FILENO))
		return run(a, argv, false, STDIN_FILENO, STDOUT_FILENO);
	fprintf(stderr, "dom0 of a Xen host; try what "
			"/usr/share/doc/ringside/examples/guest.cfg says\n");
	return run(a, argv, true, STDIN_FILENO, STDOUT_FILENO);
}

/* ---- put and get --------------------------------------------------------- */

static int copy(const struct args *a, bool put)
{
	int last = a->nrest - 1, err;
	struct link *l;
	struct why why;

	err = link_open(a->dir, ANSWER_MS, &l, &why);
	if (!err) {
		err = copy_files(l, put, a->rest, last, a->rest[last], &why);
		link_close(l);
	}
	return err ? complain(why.text, err == -EINTR ? 130 : 1) : 0;
}

/* ---- arguments ---------------------------------------------------------- */

enum { OPT_CACHE = 0x100, OPT_PROGRAMS, OPT_MEMORY, OPT_CPUS, OPT_PATIENCE };

static const struct argp_option options[] = {
	{ "dir", 'd', "DIR", 0,
	  "where the host lives (default: ringside-host in XDG_RUNTIME_DIR, "
	  "or /tmp/ringside-host-UID)",
	  0 },
	{ "cache", OPT_CACHE, "DIR", 0,
	  "up, images: where the images are kept (default: "
	  "~/.cache/ringside)",
	  0 },
	{ "programs", OPT_PROGRAMS, "FILE", 0,
	  "up: a tar file to lay over dom0's root (default: the programs of "
	  "this Ringside)",
	  0 },
	{ "memory", OPT_MEMORY, "MIB", 0,
	  "up: memory of the host, 1536 MiB of which are dom0's (default: "
	  "4096)",
	  0 },
	{ "cpus", OPT_CPUS, "N", 0, "up: its processors (default: 2)", 0 },
	{ "timeout", OPT_PATIENCE, "S", 0,
	  "up: how long booting may take (default: 240)", 0 },
	{ 0 }
};

static unsigned number(struct argp_state *state, const char *name,
		       const char *arg, unsigned min, unsigned max)
{
	uint64_t n;

	if (number_parse(arg, min, max, &n))
		argp_error(state,
			   "--%s takes a number from %u to %u, not "
			   "\"%s\"",
			   name, min, max, arg);
	return (unsigned)n;
}

static void check(const struct args *a, struct argp_state *state)
{
	int least[] = { 0, 1, 0, 2, 2, 0, 0, 1 };
	int most[] = { 0, INT_MAX, 0, INT_MAX, INT_MAX, 0, 0, 1 };

	if (a->action < 0)
		argp_error(state, "one of up, run, shell, put, get, down is "
				  "needed");
	if (a->nrest < least[a->action])
		argp_error(state,
			   a->action == RUN ? "run needs a command"
					    : "%s needs what to copy, and a "
					      "directory for it",
			   action_name[a->action]);
	if (a->nrest > most[a->action])
		argp_error(state, "%s takes no \"%s\"", action_name[a->action],
			   a->rest[0]);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	int i;

	switch (key) {
	case 'd':
		a->dir = arg;
		return 0;
	case OPT_CACHE:
		a->cache = arg;
		return 0;
	case OPT_PROGRAMS:
		a->programs = arg;
		return 0;
	case OPT_MEMORY:
		a->memory_mib = number(state, "memory", arg, 2048, 1u << 20);
		return 0;
	case OPT_CPUS:
		a->cpus = number(state, "cpus", arg, 1, 64);
		return 0;
	case OPT_PATIENCE:
		a->patience_s = number(state, "timeout", arg, 1, 36000);
		return 0;
	case ARGP_KEY_ARG:
		for (i = UP; i <= AGENT; i++)
			if (!strcmp(arg, action_name[i]))
				a->action = i;
		if (a->action < 0)
			argp_error(state,
				   "\"%s\" is none of up, run, shell, "
				   "put, get, down",
				   arg);
		/* What follows is dom0's, options and all. */
		a->rest = state->argv + state->next;
		a->nrest = state->argc - state->next;
		if (a->nrest && !strcmp(a->rest[0], "--")) {
			a->rest++;
			a->nrest--;
		}
		if (a->action == RUN || a->action == PUT || a->action == GET ||
		    a->action == AGENT || a->nrest == 0 || a->rest[0][0] != '-')
			state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		check(a, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "up\nrun COMMAND [ARG...]\nshell\nput FILE... DIR\n"
		    "get FILE... DIR\ndown\nimages",
	.doc = "A real Xen host in QEMU's software emulation, made of Debian "
	       "packages: it needs neither hardware nor KVM nor root.\v"
	       "up      boot it (and make its images, the first time)\n"
	       "run     a command in dom0: its output, its exit status; one\n"
	       "        word is a line for the shell\n"
	       "shell   a prompt in dom0\n"
	       "put     copy files into a directory of dom0\n"
	       "get     copy files of dom0 into a directory here\n"
	       "down    end it; what dom0 wrote is gone\n"
	       "images  only make the images\n\n"
	       "Exit status: that of the command; 125 if the host is at fault."
	       "\nringside-host(1) tells more.",
};

static const char *dir_default(char *out, size_t room)
{
	const char *run_dir = getenv("XDG_RUNTIME_DIR");

	if (run_dir && *run_dir == '/')
		snprintf(out, room, "%s/ringside-host", run_dir);
	else
		snprintf(out, room, "/tmp/ringside-host-%u",
			 (unsigned)getuid());
	return out;
}

int cmd_host(int argc, char **argv)
{
	struct args a = {
		.action = -1, .memory_mib = 4096, .cpus = 2, .patience_s = 240
	};
	struct images made;
	struct why why;

	a.dir = dir_default(a.dir_default, sizeof(a.dir_default));
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
	switch (a.action) {
	case UP:
		return up(&a);
	case RUN:
		return run_words(&a);
	case SHELL:
		return shell(&a);
	case PUT:
	case GET:
		return copy(&a, a.action == PUT);
	case IMAGES:
		return images(&a, &made);
	case AGENT:
		return agent_serve(a.rest[0]) ? 1 : 0;
	default:
		return machine_down(a.dir, &why) ? complain(why.text, 1) : 0;
	}
}
