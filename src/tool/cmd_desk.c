/* SPDX-License-Identifier: MIT */
/* ringside desk: start, stop and ask an emulated Xen host. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "desk/domain.h"
#include "desk/server.h"
#include "tool/commands.h"
#include "tool/desk_status.h"
#include "xen/desk/control.h"

#define STOP_PATIENCE_NS 10000000000u

enum action { START, STOP, ENV, STATUS };

static const char *const action_name[] = { "start", "stop", "env", "status" };

struct args {
	int action; /* enum action, or -1 before it is named */
	const char *dir;
	bool foreground;
	bool json;
	uint16_t domid; /* that is asked for; 0: all of it */
	uint64_t mem_bytes;
	bool mem_given;
	int ready_fd; /* of the started process: tell its parent; or -1 */
};

static int complain(const char *text)
{
	fprintf(stderr, "ringside desk: %s\n", text);
	return 1;
}

/* ---- start ------------------------------------------------------------- */

/* Tell the parent: an empty text means that the desk is ready. */
static void tell_parent(int fd, const char *text)
{
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text) + 1) < 0)
		log_warn("nobody waits for the desk to be ready");
	close(fd);
}

static int serve(const struct args *a)
{
	struct why why;
	struct desk *desk;
	int err;

	log_open("desk", LOG_LEVEL_INFO);
	err = desk_server_open(a->dir, a->mem_bytes, &desk, &why);
	if (err) {
		if (a->ready_fd < 0)
			complain(why.text);
		tell_parent(a->ready_fd, why.text);
		return 1;
	}
	log_info("ready in %s", a->dir);
	tell_parent(a->ready_fd, "");
	err = desk_server_run(desk);
	if (err)
		log_error("the desk ends: %s", strerror(-err));
	desk_server_close(desk);
	log_info("ended");
	return err ? 1 : 0;
}

/* In the child: become the server.  Does not return. */
static void exec_server(const struct args *a, int log_fd, int ready_fd)
{
	char fd_text[16], mem_text[32];
	char *argv[] = { (char *)"ringside",
			 (char *)"desk",
			 (char *)"start",
			 (char *)"--foreground",
			 (char *)"--ready-fd",
			 fd_text,
			 (char *)"--mem",
			 mem_text,
			 (char *)"--",
			 (char *)(uintptr_t)a->dir,
			 NULL };
	int null_fd = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null_fd, STDIN_FILENO);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	/* Whatever else is open belongs to our caller. */
	dup2(ready_fd, 3);
	closefrom(4);
	snprintf(fd_text, sizeof(fd_text), "3");
	snprintf(mem_text, sizeof(mem_text), "%llu",
		 (unsigned long long)a->mem_bytes);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static int open_log(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/desk.log", dir);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int daemonize(const struct args *a)
{
	char text[sizeof(struct why)];
	size_t got = 0;
	int log_fd, pair[2];
	ssize_t n;
	pid_t pid;

	log_fd = open_log(a->dir);
	if (log_fd < 0) {
		fprintf(stderr,
			"ringside desk: %s/desk.log cannot be "
			"written: %s\n",
			a->dir, strerror(errno));
		return 1;
	}
	if (pipe2(pair, O_CLOEXEC)) {
		close(log_fd);
		return complain("no pipe");
	}
	pid = fork();
	if (pid == 0)
		exec_server(a, log_fd, pair[1]);
	close(pair[1]);
	close(log_fd);
	if (pid < 0) {
		close(pair[0]);
		return complain("no new process can be started");
	}
	while (got < sizeof(text)) {
		n = read(pair[0], text + got, sizeof(text) - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(pair[0]);
	if (got == 1 && !text[0])
		return 0;
	waitpid(pid, NULL, 0);
	if (got && !text[got - 1])
		return complain(text);
	fprintf(stderr,
		"ringside desk: the desk ended before it was ready; "
		"%s/desk.log may say why\n",
		a->dir);
	return 1;
}

static int start(const struct args *a)
{
	struct stat st;

	if (mkdir(a->dir, 0700) && errno != EEXIST) {
		fprintf(stderr,
			"ringside desk: directory %s cannot be made: %s\n",
			a->dir, strerror(errno));
		return 1;
	}
	if (stat(a->dir, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "ringside desk: %s is not a directory\n",
			a->dir);
		return 1;
	}
	return a->foreground ? serve(a) : daemonize(a);
}

/* ---- stop -------------------------------------------------------------- */

/* The desk holds a lock on DIR/lock until its very end. */
static bool lock_is_free(const char *dir)
{
	char path[PATH_MAX];
	bool is_free;
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return true;
	is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return is_free;
}

static int stop(const struct args *a)
{
	const struct timespec nap = { 0, 2000000 };
	uint64_t until = clock_now_ns() + STOP_PATIENCE_NS;
	struct why why;

	if (desk_control_stop(a->dir, &why))
		return complain(why.text);
	while (!lock_is_free(a->dir)) {
		if (clock_now_ns() > until) {
			fprintf(stderr,
				"ringside desk: the desk in %s was "
				"asked to stop and has not; its process is in "
				"%s/desk.pid\n",
				a->dir, a->dir);
			return 1;
		}
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* ---- env ---------------------------------------------------------------- */

/* In single quotes, for any shell. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

static int env(const struct args *a)
{
	struct desk_counters counters;
	struct sockaddr_un addr;
	char dir[PATH_MAX], path[PATH_MAX + 32];
	struct why why;

	if (desk_control_counters(a->dir, &counters, &why))
		return complain(why.text);
	if (!realpath(a->dir, dir))
		return complain(strerror(errno));
	snprintf(path, sizeof(path), "%s/dom0/store.sock", dir);
	if (strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr,
			"ringside desk: %s is too long for the address "
			"of a socket (%zu bytes at most); start the desk in a "
			"shorter directory to use the xenstore tools with it\n",
			path, sizeof(addr.sun_path) - 1);
		return 1;
	}
	printf("export XENSTORED_PATH=");
	print_quoted(path);
	printf("\nexport RINGSIDE_DESK=");
	print_quoted(dir);
	printf("\n");
	return 0;
}

/* ---- arguments --------------------------------------------------------- */

enum { OPT_FOREGROUND = 0x100, OPT_MEM, OPT_JSON, OPT_DOMID, OPT_READY_FD };

static const struct argp_option options[] = {
	{ "foreground", OPT_FOREGROUND, NULL, 0,
	  "start: stay in the foreground and log to stderr", 0 },
	{ "mem", OPT_MEM, "SIZE", 0,
	  "start: memory of a guest that is made (default: 64M)", 0 },
	{ "json", OPT_JSON, NULL, 0, "status: as JSON", 0 },
	{ "domid", OPT_DOMID, "N", 0, "status: only the grants of domain N",
	  0 },
	{ "ready-fd", OPT_READY_FD, "FD", OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	uint64_t n;
	int i;

	switch (key) {
	case OPT_FOREGROUND:
		a->foreground = true;
		return 0;
	case OPT_MEM:
		if (number_parse_size(arg, DESK_DOMAIN_MEM_MIN,
				      DESK_DOMAIN_MEM_MAX, &a->mem_bytes))
			argp_error(state,
				   "--mem %s: a size from 1M to 64G is "
				   "needed",
				   arg);
		a->mem_given = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_DOMID:
		if (number_parse(arg, 1, DESK_DOMID_MAX, &n))
			argp_error(state,
				   "--domid %s: a number from 1 to %u "
				   "is needed",
				   arg, DESK_DOMID_MAX);
		a->domid = (uint16_t)n;
		return 0;
	case OPT_READY_FD:
		if (number_parse(arg, 3, 1023, &n))
			argp_error(state, "--ready-fd %s: no descriptor", arg);
		a->ready_fd = (int)n;
		return 0;
	case ARGP_KEY_ARG:
		if (a->action < 0) {
			for (i = START; i <= STATUS; i++)
				if (!strcmp(arg, action_name[i]))
					a->action = i;
			if (a->action < 0)
				argp_error(state,
					   "\"%s\" is none of start, "
					   "stop, env, status",
					   arg);
		} else if (!a->dir && arg[0]) {
			a->dir = arg;
		} else {
			argp_error(state, "one directory, please: \"%s\"", arg);
		}
		return 0;
	case ARGP_KEY_END:
		if (a->action < 0 || !a->dir)
			argp_error(state, "an action and the desk's directory "
					  "are needed");
		if (a->foreground && a->action != START)
			argp_error(state, "--foreground belongs to start");
		if (a->mem_given && a->action != START)
			argp_error(state, "--mem belongs to start");
		if (a->json && a->action != STATUS)
			argp_error(state, "--json belongs to status");
		if (a->domid && a->action != STATUS)
			argp_error(state, "--domid belongs to status");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "start|stop|env|status DIR",
	.doc = "An emulated Xen host in the directory DIR.\v"
	       "start   begin a desk in DIR, which is made if it is missing\n"
	       "stop    end it\n"
	       "env     shell commands that make the xenstore tools use it\n"
	       "status  what is in use on it\n\n"
	       "ringside-desk(1) tells more.",
};

int cmd_desk(int argc, char **argv)
{
	struct args a = { .action = -1,
			  .mem_bytes = 64u << 20,
			  .ready_fd = -1 };

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (strlen(a.dir) > PATH_MAX - 64) {
		complain("that directory's name is too long");
		return 2;
	}
	switch (a.action) {
	case START:
		return start(&a);
	case STOP:
		return stop(&a);
	case ENV:
		return env(&a);
	default:
		return desk_status_print(a.dir, a.domid, a.json);
	}
}
