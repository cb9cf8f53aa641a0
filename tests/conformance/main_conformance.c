/* SPDX-License-Identifier: MIT */
/*
 * conformance [OPTION...] [PATTERN...]: runs the cases whose name contains one
 * of the patterns, or all of them, each against a ringsided on a desk that
 * this program starts in a directory of its own.
 *
 * Cases that want ringsided with other options run together after the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "desk/server.h"
#include "tests/conformance/peer.h"
#include "xen/desk/control.h"

#define PATIENCE_NS 60000000000u
#define USUAL	    "--queues 4"
#define GOOD_DOMID  100
#define FIRST_DOMID 200

char case_dir[256];

static const struct conf_case *const lists[] = {
	store_rules,  handshake_rules, ring_rules,
	notify_rules, request_rules,   order_rules,
	grant_rules,  advisories,      advisories_grants,
};

static const char *ringsided;
static char log_path[300];
static uint16_t domid;
static pid_t main_pid, desk_pid, daemon_pid;
static struct peer good; /* the disk that nothing may disturb */
static bool good_open;
static uint8_t good_seed;
static sigjmp_buf failed;
static char failure[1024];
static int tell_fd = -1; /* of a case: where its failure goes */

uint16_t case_domid(void)
{
	return domid;
}

pid_t case_daemon(void)
{
	return daemon_pid;
}

void fail(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(failure, sizeof(failure), fmt, ap);
	va_end(ap);
	if (tell_fd < 0)
		siglongjmp(failed, 1);
	if (n >= (int)sizeof(failure))
		n = sizeof(failure) - 1;
	if (write(tell_fd, failure, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

void same(const char *what, long long seen, long long expected)
{
	must(seen == expected, "expected %s %lld, saw %lld", what, expected,
	     seen);
}

uint64_t patience_end(void)
{
	return clock_now_ns() + PATIENCE_NS;
}

bool patience_over(uint64_t end)
{
	if (clock_now_ns() > end)
		return true;
	usleep(50);
	return false;
}

/* Run it; false if it failed, and `failure` says how. */
static bool attempt(void (*run)(const void *arg), const void *arg)
{
	if (sigsetjmp(failed, 1))
		return false;
	run(arg);
	return true;
}

/* ---- ringsided's log ----------------------------------------------------- */

long log_end(void)
{
	struct stat st;

	return stat(log_path, &st) ? 0 : (long)st.st_size;
}

long log_find(long from, const char *a, const char *b)
{
	FILE *f = fopen(log_path, "re");
	char *line = NULL;
	size_t room = 0;
	long at = 0;

	if (!f)
		return 0;
	fseek(f, from, SEEK_SET);
	while (!at && getline(&line, &room, f) > 0)
		if (strstr(line, a) && strstr(line, b))
			at = ftell(f);
	free(line);
	fclose(f);
	return at;
}

/* ---- processes ----------------------------------------------------------- */

/* A child that dies with us. */
static pid_t child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void desk_start(void)
{
	struct desk *desk;
	struct why why;
	int ready[2];
	char c;

	if (pipe(ready))
		fail("pipe: %s", strerror(errno));
	desk_pid = child();
	if (!desk_pid) {
		log_open("desk", LOG_LEVEL_ERROR);
		if (desk_server_open(case_dir, 0, &desk, &why) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		desk_server_run(desk);
		desk_server_close(desk);
		_exit(0);
	}
	close(ready[1]);
	must(read(ready[0], &c, 1) == 1, "the desk did not start in %s",
	     case_dir);
	close(ready[0]);
}

static void daemon_exec(const char *options)
{
	static char text[256], host[300];
	char *argv[24] = { (char *)(uintptr_t)ringsided, "--host", host };
	int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600), n = 3;
	char *word, *save = NULL;

	snprintf(host, sizeof(host), "desk:%s", case_dir);
	snprintf(text, sizeof(text), "%s %s", USUAL, options);
	for (word = strtok_r(text, " ", &save); word && n < 23;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	dup2(fd, STDERR_FILENO);
	execv(ringsided, argv);
	_exit(127);
}

static bool daemon_lives(void)
{
	int status;

	if (daemon_pid && !waitpid(daemon_pid, &status, WNOHANG))
		return true;
	if (daemon_pid)
		snprintf(failure, sizeof(failure),
			 "ringsided ended, wait status %#x", (unsigned)status);
	daemon_pid = 0;
	return false;
}

static void good_begin(void)
{
	peer_open(&good, GOOD_DOMID, 51712);
	good_open = true;
	peer_attach(&good, &(struct attach){ .target = "mem:4M" });
	back_wait(&good, 2);
	peer_connect(&good);
}

static void daemon_start(const void *options)
{
	long from = log_end();

	daemon_pid = child();
	if (!daemon_pid)
		daemon_exec(options);
	until(log_find(from, "ringsided: ready", "") || !daemon_lives(),
	      "ringsided does not become ready");
	must(daemon_pid, "ringsided %s does not start: %s",
	     (const char *)options, failure);
	good_begin();
}

/* With its verdict: a sanitizer finds leaks at the end. */
static void daemon_stop(const void *unused)
{
	int status = 0;

	(void)unused;
	if (good_open && daemon_pid) {
		good_open = false;
		peer_end(&good);
	} else if (good_open) {
		good_open = false;
		peer_remove(&good);
		peer_shut(&good);
	}
	if (!daemon_pid)
		return;
	kill(daemon_pid, SIGTERM);
	until(waitpid(daemon_pid, &status, WNOHANG) == daemon_pid,
	      "ringsided does not end");
	daemon_pid = 0;
	must(!status, "ringsided ended with wait status %#x", (unsigned)status);
	must(!log_find(0, "Sanitizer", ""), "a sanitizer speaks in its log");
}

/* ---- one case ------------------------------------------------------------ */

static struct desk_counters counters(void)
{
	struct desk_counters c;
	struct why why = { "" };

	if (desk_control_counters(case_dir, &c, &why))
		fail("%s", why.text);
	return c;
}

static void counter_back(const struct desk_counters *before)
{
	uint64_t end = patience_end();
	struct desk_counters c;

	do {
		c = counters();
		if (c.grants == before->grants &&
		    c.mappings == before->mappings &&
		    c.ports_bound == before->ports_bound &&
		    c.ports_unbound == before->ports_unbound &&
		    c.watches == before->watches &&
		    c.transactions == before->transactions)
			return;
	} while (!patience_over(end));
	fail("left behind: %d grants, %d mappings, %d+%d ports, %d watches, "
	     "%d transactions",
	     (int)(c.grants - before->grants),
	     (int)(c.mappings - before->mappings),
	     (int)(c.ports_bound - before->ports_bound),
	     (int)(c.ports_unbound - before->ports_unbound),
	     (int)(c.watches - before->watches),
	     (int)(c.transactions - before->transactions));
}

static void case_process(const struct conf_case *c)
{
	int tell[2], status;
	ssize_t n, have = 0;
	pid_t pid;

	if (pipe(tell))
		fail("pipe: %s", strerror(errno));
	pid = child();
	if (!pid) {
		close(tell[0]);
		tell_fd = tell[1];
		alarm(150);
		c->run();
		_exit(0);
	}
	close(tell[1]);
	while (have < (ssize_t)sizeof(failure) - 1 &&
	       (n = read(tell[0], failure + have,
			 sizeof(failure) - 1 - (size_t)have)) > 0)
		have += n;
	failure[have] = 0;
	close(tell[0]);
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid: %s", strerror(errno));
	if (status && !have)
		fail("the frontend ended with wait status %#x",
		     (unsigned)status);
	if (status)
		siglongjmp(failed, 1);
}

static void case_judge(const void *arg)
{
	struct desk_counters before = counters();

	case_process(arg);
	must(daemon_lives(), "%s", failure);
	data_check(&good.ring[0], good_seed % 64 * 8, good_seed);
	good_seed++;
	counter_back(&before);
}

static bool case_run(const struct conf_case *c)
{
	char text[sizeof(failure)];
	bool good_case;

	domid++;
	failure[0] = 0;
	good_case = attempt(case_judge, c);
	if (good_case) {
		printf("ok   %s\n", c->name);
	} else {
		snprintf(text, sizeof(text), "%s", failure);
		printf("FAIL %s: %s%s%s\n", c->name, text,
		       daemon_lives() ? "" : "; and ",
		       daemon_pid ? "" : failure);
	}
	fflush(stdout);
	return good_case;
}

/* ---- all of them --------------------------------------------------------- */

#define CASES_MAX 256

struct chosen {
	const struct conf_case *c;
	bool done;
};

static unsigned choose(struct chosen *out, char **patterns, int n)
{
	unsigned i, count = 0;
	const struct conf_case *c;
	int j;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (c = lists[i]; c->name && count < CASES_MAX; c++) {
			for (j = 0; j < n && !strstr(c->name, patterns[j]); j++)
				;
			if (!n || j < n)
				out[count++].c = c;
		}
	return count;
}

static const char *options_of(const struct chosen *k)
{
	return k->c->options ? k->c->options : "";
}

static void or_end(bool went, const char *what, const char *options)
{
	if (went)
		return;
	printf("FAIL ringsided %s, %s: %s\n", options, what, failure);
	exit(1);
}

/* After a failure: whatever is left of it goes. */
static void daemon_again(const char *options)
{
	if (!attempt(daemon_stop, NULL) && daemon_pid)
		kill(daemon_pid, SIGKILL);
	while (daemon_lives())
		usleep(1000);
	or_end(attempt(daemon_stop, NULL), "after a failure", options);
	or_end(attempt(daemon_start, options), "again", options);
}

/* The cases that want what case `first` wants.  How many failed. */
static unsigned phase(struct chosen *k, unsigned first, unsigned n)
{
	const char *options = options_of(&k[first]);
	unsigned i, bad = 0;

	or_end(attempt(daemon_start, options), "at its start", options);
	for (i = first; i < n; i++) {
		if (k[i].done || strcmp(options_of(&k[i]), options) != 0)
			continue;
		k[i].done = true;
		if (case_run(k[i].c))
			continue;
		bad++;
		daemon_again(options);
	}
	or_end(attempt(daemon_stop, NULL), "at its end", options);
	return bad;
}

static void desk_begin(const void *unused)
{
	(void)unused;
	desk_start();
}

static void clean_up(void)
{
	char command[400];
	struct why why;

	if (getpid() != main_pid)
		return;
	if (daemon_pid)
		kill(daemon_pid, SIGKILL);
	if (desk_pid && !desk_control_stop(case_dir, &why))
		waitpid(desk_pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", case_dir);
	if (case_dir[0] && system(command))
		fprintf(stderr, "cannot remove %s\n", case_dir);
}

static int usage(void)
{
	fputs("usage: conformance [--list] [--ringsided FILE] [PATTERN...]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct chosen k[CASES_MAX];
	static char beside[512];
	const char *tmp = getenv("TMPDIR");
	unsigned i, n, bad = 0;
	bool list = false;
	char *slash;
	int a = 1;

	snprintf(beside, sizeof(beside), "%s", argv[0]);
	slash = strrchr(beside, '/');
	snprintf(slash ? slash + 1 : beside, 64, "ringsided");
	ringsided = beside;
	for (; a < argc && argv[a][0] == '-'; a++) {
		if (!strcmp(argv[a], "--list"))
			list = true;
		else if (!strcmp(argv[a], "--ringsided") && a + 1 < argc)
			ringsided = argv[++a];
		else
			return usage();
	}
	n = choose(k, argv + a, argc - a);
	for (i = 0; list && i < n; i++)
		puts(k[i].c->name);
	if (list || !n)
		return n ? 0 : 2;

	log_open("conformance", LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	snprintf(case_dir, sizeof(case_dir), "%s/conf-XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(case_dir)) {
		perror(case_dir);
		return 1;
	}
	snprintf(log_path, sizeof(log_path), "%s/ringsided.log", case_dir);
	main_pid = getpid();
	domid = FIRST_DOMID;
	atexit(clean_up);
	if (!attempt(desk_begin, NULL)) {
		printf("FAIL %s\n", failure);
		return 1;
	}
	for (i = 0; i < n; i++)
		if (!k[i].done)
			bad += phase(k, i, n);
	printf("%u cases, %u failed\n", n, bad);
	return bad ? 1 : 0;
}
