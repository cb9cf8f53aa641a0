/* SPDX-License-Identifier: MIT */
#include "tests/conformance/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "desk/server.h"
#include "tests/conformance/peer.h"

#define USUAL	   "--queues 4"
#define GOOD_DOMID 100
#define ABORT_MS   2000

char case_dir[256];

static const char *ringsided;
static char log_path[4096];
static char how_it_ended[64];
static pid_t desk_pid, daemon_pid;
static bool daemon_serves; /* between its start and its end */
static struct peer good;   /* the disk that nothing may disturb */
static bool good_open;
static uint8_t good_seed;

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
pid_t world_child(void)
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

void world_desk_start(const void *unused)
{
	struct desk *desk;
	struct why why;
	int ready[2];
	char c;

	(void)unused;
	if (pipe(ready))
		fail("pipe: %s", strerror(errno));
	desk_pid = world_child();
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

bool world_daemon_lives(void)
{
	int status;

	if (daemon_pid && !waitpid(daemon_pid, &status, WNOHANG))
		return true;
	if (daemon_pid)
		snprintf(how_it_ended, sizeof(how_it_ended),
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

void world_daemon_start(const void *options)
{
	long from = log_end();

	daemon_serves = false;
	daemon_pid = world_child();
	if (!daemon_pid)
		daemon_exec(options);
	until(log_find(from, "ringsided: ready", "") || !world_daemon_lives(),
	      "ringsided does not become ready");
	must(daemon_pid, "ringsided %s does not start: %s",
	     (const char *)options, how_it_ended);
	daemon_serves = true;
	good_begin();
}

pid_t world_daemon(void)
{
	return daemon_serves ? daemon_pid : 0;
}

/* With its verdict: a sanitizer finds leaks at the end. */
void world_daemon_stop(const void *failed)
{
	int status = 0;

	/* LTTng may take its time, asleep; but not if it is to go anyway. */
	daemon_serves = failed != NULL;
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

/* ---- what a case has to leave as it was ---------------------------------- */

struct desk_counters world_counters(void)
{
	struct desk_counters c;
	struct why why = { "" };

	if (desk_control_counters(case_dir, &c, &why))
		fail("%s", why.text);
	return c;
}

void world_counters_back(const struct desk_counters *before)
{
	uint64_t end = patience_end();
	struct desk_counters c;

	do {
		c = world_counters();
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

void world_good_check(void)
{
	data_check(&good.ring[0], good_seed % 64 * 8, good_seed);
	good_seed++;
}

const char *world_daemon_end(void)
{
	return how_it_ended;
}

bool world_daemon_abort(void)
{
	unsigned ms;

	if (!world_daemon_lives())
		return false;
	kill(daemon_pid, SIGABRT);
	for (ms = 0; world_daemon_lives() && ms < ABORT_MS; ms++)
		usleep(1000);
	return true;
}

void world_daemon_kill(void)
{
	if (daemon_pid)
		kill(daemon_pid, SIGKILL);
}

int world_open(const char *program, const char *log_file)
{
	const char *tmp = getenv("TMPDIR");

	ringsided = program;
	snprintf(case_dir, sizeof(case_dir), "%s/conf-XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(case_dir))
		return -errno;
	if (log_file)
		snprintf(log_path, sizeof(log_path), "%s", log_file);
	else
		snprintf(log_path, sizeof(log_path), "%s/ringsided.log",
			 case_dir);
	return 0;
}

void world_close(void)
{
	char command[400];
	struct why why;

	world_daemon_kill();
	if (desk_pid && !desk_control_stop(case_dir, &why))
		waitpid(desk_pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", case_dir);
	if (case_dir[0] && system(command))
		fprintf(stderr, "cannot remove %s\n", case_dir);
}
