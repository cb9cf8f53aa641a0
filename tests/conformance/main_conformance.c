/* SPDX-License-Identifier: MIT */
/*
 * conformance [OPTION...] [PATTERN...]: runs the cases whose name contains one
 * of the patterns, or all of them, each against a ringsided on a desk that
 * this program starts in a directory of its own.
 *
 * Cases that want ringsided with other options run together after the others.
 *
 * For a grader: --domid numbers the domains from FIRST on, says what will be
 * run ("want NAME") and which domain is whose ("case DOMID NAME"), --hangs
 * tries nothing more after N cases that waited in vain until the end, --log
 * keeps what ringsided says; "STUCK" is said of one that did not end and was
 * aborted, which leaves a line in that log.  --look waits no longer where
 * ringsided sleeps or goes in circles.  --first runs the cases in the order of
 * the patterns, and nothing after the first that failed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asleep.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/conformance/world.h"

#define PATIENCE_S  60
#define NO_LIMIT    (~0u)
#define FIRST_DOMID 200

static const struct conf_case *const lists[] = {
	store_rules,  handshake_rules, removal_rules, ring_rules,
	flight_rules, notify_rules,    asleep_rules,  request_rules,
	order_rules,  grant_rules,     advisories,    advisories_grants,
};

static uint16_t domid;
static pid_t main_pid;
static sigjmp_buf failed;
static char failure[1024];
static int patience_s = PATIENCE_S;
static int tell_fd = -1; /* of a case: where its failure goes */
static bool look;	 /* at what ringsided does, while we wait */
static struct asleep_watch backend;
static uint64_t looked_end; /* of which wait `backend` is */
static bool first_only;	    /* the first that failed is the last */
static bool tell_domids;    /* say which domain a case is, before it begins */
static unsigned hangs_left = NO_LIMIT; /* that may still wait in vain */

uint16_t case_domid(void)
{
	return domid;
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
	return clock_now_ns() + (uint64_t)patience_s * 1000000000u;
}

uint64_t patience_soon(void)
{
	return clock_now_ns() + (uint64_t)patience_s * 1000000000u / 5;
}

bool patience_over(uint64_t end)
{
	if (clock_now_ns() > end)
		return true;
	if (look && looked_end != end) {
		looked_end = end;
		asleep_open(&backend, world_daemon());
	} else if (look && asleep_look(&backend) != ASLEEP_NO) {
		return true;
	}
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

/* ---- one case ------------------------------------------------------------ */

static void case_process(const struct conf_case *c)
{
	int tell[2], status;
	ssize_t n, have = 0;
	pid_t pid;

	if (pipe(tell))
		fail("pipe: %s", strerror(errno));
	pid = world_child();
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
	struct desk_counters before = world_counters();

	case_process(arg);
	must(world_daemon_lives(), "%s", world_daemon_end());
	world_good_check();
	world_counters_back(&before);
}

static bool case_run(const struct conf_case *c)
{
	uint64_t start = clock_now_ns(), took;
	bool went;

	domid++;
	failure[0] = 0;
	if (tell_domids) {
		printf("case %u %s\n", domid, c->name);
		fflush(stdout);
	}
	went = attempt(case_judge, c);
	took = clock_now_ns() - start;
	if (!went && hangs_left != NO_LIMIT &&
	    (took > patience_s * 1000000000ull ||
	     (look && took > ASLEEP_SPIN_MS * 1000000ull)))
		hangs_left--;
	if (went)
		printf("ok   %s\n", c->name);
	else if (world_daemon_lives())
		printf("FAIL %s: %s\n", c->name, failure);
	else
		printf("FAIL %s: %s; %s\n", c->name, failure,
		       world_daemon_end());
	fflush(stdout);
	return went;
}

/* ---- all of them --------------------------------------------------------- */

#define CASES_MAX 256

struct chosen {
	const struct conf_case *c;
	bool done;
};

/* Those with one of `n` patterns in their names (0: all) join the others. */
static unsigned choose(struct chosen *out, unsigned count, char **patterns,
		       int n)
{
	const struct conf_case *c;
	unsigned i, k;
	int j;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (c = lists[i]; c->name && count < CASES_MAX; c++) {
			for (j = 0; j < n && !strstr(c->name, patterns[j]); j++)
				;
			for (k = 0; k < count && out[k].c != c; k++)
				;
			if ((!n || j < n) && k == count)
				out[count++].c = c;
		}
	return count;
}

/* In the order of the lists, or in that of the patterns. */
static unsigned choose_all(struct chosen *out, char **patterns, int n)
{
	unsigned count = 0;
	int i;

	if (!first_only)
		return choose(out, 0, patterns, n);
	for (i = 0; i < n; i++)
		count = choose(out, count, patterns + i, 1);
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

static void stuck_tell(void)
{
	if (!tell_domids || !world_daemon_abort())
		return;
	puts("STUCK");
	fflush(stdout);
}

/* After a failure: whatever is left of it goes. */
static void daemon_again(const char *options)
{
	if (!attempt(world_daemon_stop, options)) {
		stuck_tell();
		world_daemon_kill();
	}
	while (world_daemon_lives())
		usleep(1000);
	or_end(attempt(world_daemon_stop, NULL), "after a failure", options);
	or_end(attempt(world_daemon_start, options), "again", options);
}

/* The cases that want what case `first` wants.  How many failed. */
static unsigned phase(struct chosen *k, unsigned first, unsigned n)
{
	const char *options = options_of(&k[first]);
	unsigned i, hangs = hangs_left, bad = 0;

	or_end(attempt(world_daemon_start, options), "at its start", options);
	for (i = first; i < n; i++) {
		if (k[i].done)
			continue;
		if (strcmp(options_of(&k[i]), options) != 0) {
			if (first_only)
				break;
			continue;
		}
		k[i].done = true;
		if (!hangs_left) {
			printf("SKIP %s: too many cases waited in vain\n",
			       k[i].c->name);
			continue;
		}
		if (case_run(k[i].c))
			continue;
		if (first_only) {
			if (hangs_left < hangs)
				stuck_tell();
			exit(1);
		}
		bad++;
		daemon_again(options);
	}
	or_end(attempt(world_daemon_stop, NULL), "at its end", options);
	return bad;
}

static void clean_up(void)
{
	if (getpid() == main_pid)
		world_close();
}

static int usage(void)
{
	fprintf(stderr,
		"usage: %s [--list] [--ringsided FILE] [--patience SECONDS]\n"
		"\t[--domid FIRST] [--hangs N] [--log FILE] [--look] "
		"[--first] [PATTERN...]\n",
		program_invocation_short_name);
	return 2;
}

int main(int argc, char **argv)
{
	static struct chosen k[CASES_MAX];
	static char beside[512];
	const char *ringsided = beside, *log_file = NULL;
	int first = 0; /* domain, where it was asked for */
	unsigned i, n, bad = 0;
	bool list = false;
	char *slash;
	int a = 1;

	snprintf(beside, sizeof(beside), "%s", argv[0]);
	slash = strrchr(beside, '/');
	snprintf(slash ? slash + 1 : beside, 64, "ringsided");
	for (; a < argc && argv[a][0] == '-'; a++) {
		if (!strcmp(argv[a], "--list"))
			list = true;
		else if (!strcmp(argv[a], "--ringsided") && a + 1 < argc)
			ringsided = argv[++a];
		else if (!strcmp(argv[a], "--patience") && a + 1 < argc)
			patience_s = atoi(argv[++a]);
		else if (!strcmp(argv[a], "--domid") && a + 1 < argc)
			first = atoi(argv[++a]);
		else if (!strcmp(argv[a], "--hangs") && a + 1 < argc)
			hangs_left = (unsigned)atoi(argv[++a]);
		else if (!strcmp(argv[a], "--look"))
			look = true;
		else if (!strcmp(argv[a], "--first"))
			first_only = true;
		else if (!strcmp(argv[a], "--log") && a + 1 < argc)
			log_file = argv[++a];
		else
			return usage();
	}
	n = choose_all(k, argv + a, argc - a);
	for (i = 0; list && i < n; i++)
		puts(k[i].c->name);
	if (list || !n)
		return n ? 0 : 2;

	log_open("conformance", LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	if (world_open(ringsided, log_file)) {
		perror(case_dir);
		return 1;
	}
	main_pid = getpid();
	domid = FIRST_DOMID;
	if (first > 0) {
		domid = (uint16_t)(first - 1);
		tell_domids = true;
	}
	atexit(clean_up);
	if (!attempt(world_desk_start, NULL)) {
		printf("FAIL %s\n", failure);
		return 1;
	}
	for (i = 0; i < n && tell_domids; i++)
		printf("want %s\n", k[i].c->name);
	/* We may be killed before the first of them is over. */
	fflush(stdout);
	for (i = 0; i < n; i++)
		if (!k[i].done)
			bad += phase(k, i, n);
	printf("%u cases, %u failed\n", n, bad);
	return bad ? 1 : 0;
}
