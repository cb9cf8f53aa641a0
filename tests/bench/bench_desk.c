/* SPDX-License-Identifier: MIT */
/*
 * bench_desk [ROUNDS [MS [TARGET]]]: requests and bytes per second that a queue
 * of ringsided serves on the desk, by the way to the guest's pages, the size
 * of the ring, the number of queues and the kind of segments; each beside the
 * bare loop of load.h over the same ring and storage.  A round runs all cases
 * for MS milliseconds, one after the other; a ratio is formed within a round,
 * and what is shown is the median over the rounds, with the least and the most.
 * The ratios matter; the figures are this machine's, which is shared with
 * whatever else runs on it.
 *
 * The backend's processor time is the process's without the frontend's threads;
 * the desk is a process of its own.  The bare loop never sleeps, so nothing is
 * said of its time.
 *
 * The table goes to stdout, and with tabs into the file that BENCH_TSV names.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "desk/server.h"
#include "load.h"
#include "xen/desk/control.h"

#define ROUNDS_MAX  99u
#define GUEST_BYTES (128ull << 20)

static char dir[] = "/tmp/rs-bench-XXXXXX";
static pid_t desk_pid;

/* ---- cases -------------------------------------------------------------- */

static const struct shape {
	const char *name;
	struct load_shape load;
} shapes[] = {
	{ "direct, 1 page", { 0, 1, 1, false } },
	{ "direct, 11 pages", { 0, 1, 11, false } },
	{ "indirect, 32 pages", { 0, 1, 32, false } },
	{ "direct, 1 page, writes", { 0, 1, 1, true } },
	{ "ring of 4 pages", { 2, 1, 1, false } },
	{ "ring of 16 pages", { 4, 1, 1, false } },
	{ "2 queues", { 0, 2, 1, false } },
	{ "4 queues", { 0, 4, 1, false } },
};

static const char *const path_name[] = { "bare", "map", "copy", "keep" };

#define SHAPES (sizeof(shapes) / sizeof(*shapes))
#define PATHS  4u

struct result {
	double requests; /* a second */
	double cpu_us;	 /* of the backend, for a request */
};

static struct result results[SHAPES][PATHS][ROUNDS_MAX];

/* ---- one case, once ----------------------------------------------------- */

static uint64_t process_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int measure(struct load_queue *q, unsigned n, unsigned ms,
		   struct result *out, struct why *why)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };
	uint64_t start = clock_now_ns(), cpu = process_cpu_ns();
	uint64_t done = 0, errors = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		if (load_start(&q[i]))
			return why_set(why, -1, "no more threads");
	nanosleep(&pause, NULL);
	for (i = 0; i < n; i++)
		load_stop(&q[i]);
	start = clock_now_ns() - start;
	cpu = process_cpu_ns() - cpu;
	for (i = 0; i < n; i++) {
		done += q[i].done;
		errors += q[i].errors;
		cpu -= q[i].cpu_ns;
	}
	if (errors || !done)
		return why_set(why, -1, "%llu requests, %llu of them failed",
			       (unsigned long long)done,
			       (unsigned long long)errors);
	out->requests = (double)done * 1e9 / (double)start;
	out->cpu_us = (double)cpu / 1e3 / (double)done;
	return 0;
}

static int run(const struct load_world *world, const struct load_shape *shape,
	       enum load_path path, unsigned ms, struct result *out,
	       struct why *why)
{
	static struct load_queue queue[LOAD_QUEUES_MAX];
	unsigned i;
	int err = 0;

	for (i = 0; !err && i < shape->queues; i++)
		err = load_open(&queue[i], world, shape, path, i, why);
	if (!err)
		err = measure(queue, shape->queues, ms, out, why);
	for (i = 0; i < shape->queues; i++)
		load_close(&queue[i]);
	return err;
}

/* ---- the world ---------------------------------------------------------- */

static int desk_fork(void)
{
	struct why why = { "" };
	struct desk *desk;
	int pair[2];
	char c;

	if (!mkdtemp(dir) || pipe(pair))
		return -1;
	desk_pid = fork();
	if (desk_pid < 0)
		return -1;
	if (desk_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (desk_server_open(dir, 0, &desk, &why) ||
		    write(pair[1], "", 1) != 1)
			_exit(1);
		desk_server_run(desk);
		desk_server_close(desk);
		_exit(0);
	}
	close(pair[1]);
	return read(pair[0], &c, 1) == 1 ? 0 : -1;
}

static void desk_end(void)
{
	char lock[64];
	struct why why;

	desk_control_stop(dir, &why);
	waitpid(desk_pid, NULL, 0);
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	unlink(lock);
	rmdir(dir);
}

static int world_open(struct load_world *w, const char *target, struct why *why)
{
	static struct grant_budget budget = { .max_pages = 65536 };
	const struct disk_options opt = { .sector_bytes = 512 };
	char spec[64];
	int err;

	if (desk_fork())
		return why_set(why, -1, "no desk in %s", dir);
	snprintf(spec, sizeof(spec), "desk:%s", dir);
	err = desk_control_domain_create(dir, LOAD_DOMID, GUEST_BYTES, why);
	if (!err)
		err = xen_host_open(spec, 0, &w->back, why);
	if (!err)
		err = xen_host_open(spec, LOAD_DOMID, &w->front, why);
	if (!err)
		err = disk_open(target, &opt, &w->disk, why);
	w->budget = &budget;
	w->poll_us = 200; /* as ringsided */
	return err;
}

static void world_close(struct load_world *w)
{
	disk_close(w->disk);
	xen_host_close(w->front);
	xen_host_close(w->back);
	if (desk_pid > 0)
		desk_end();
}

/* ---- the table ---------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them; the median of an even number is the mean of its two. */
static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_size);
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

static void row(FILE *tsv, const struct shape *s, unsigned path,
		const struct result *bare, const struct result *is,
		unsigned rounds)
{
	double requests[ROUNDS_MAX], cpu[ROUNDS_MAX], ratio[ROUNDS_MAX];
	double m, per_s, us;
	unsigned i;

	for (i = 0; i < rounds; i++) {
		requests[i] = is[i].requests;
		cpu[i] = is[i].cpu_us;
		ratio[i] = is[i].requests / bare[i].requests;
	}
	m = median(ratio, rounds);
	per_s = median(requests, rounds);
	us = median(cpu, rounds);
	printf("%-24s %-5s %10.0f %9.0f", s->name, path_name[path], per_s,
	       per_s * s->load.segs * XEN_PAGE_SIZE / 1e6);
	if (path == LOAD_BARE)
		printf("\n");
	else
		printf(" %7.3f (%.3f to %.3f) %8.2f\n", m, ratio[0],
		       ratio[rounds - 1], us);
	if (tsv && path != LOAD_BARE)
		fprintf(tsv, "%s\t%s\t%g\t%g\t%g\t%g\t%g\t%g\n", s->name,
			path_name[path], m, ratio[0], ratio[rounds - 1], per_s,
			per_s * s->load.segs * XEN_PAGE_SIZE, us);
}

static void table(unsigned rounds)
{
	const char *name = getenv("BENCH_TSV");
	FILE *tsv = name ? fopen(name, "w") : NULL;
	unsigned s, p;

	printf("%-24s %-5s %10s %9s %7s %-16s %8s\n", "", "pages", "requests/s",
	       "MB/s", "ratio", "", "CPU us");
	if (tsv)
		fprintf(tsv, "case\tpages\tratio\tleast\tmost\trequests/s\t"
			     "bytes/s\tcpu us/request\n");
	for (s = 0; s < SHAPES; s++)
		for (p = 0; p < PATHS; p++)
			row(tsv, &shapes[s], p, results[s][LOAD_BARE],
			    results[s][p], rounds);
	printf("%u rounds; ratio: to the bare loop of the same round, median "
	       "(least to most)\n",
	       rounds);
	if (tsv)
		fclose(tsv);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 7;
	unsigned ms = argc > 2 ? (unsigned)atoi(argv[2]) : 150;
	struct load_world world = { 0 };
	struct why why = { "" };
	unsigned r, s, p;
	int err;

	log_open("bench_desk", LOG_LEVEL_WARN);
	if (!rounds || rounds > ROUNDS_MAX || !ms) {
		log_error("ROUNDS is 1 to %u, MS more than 0", ROUNDS_MAX);
		return 2;
	}
	err = world_open(&world, argc > 3 ? argv[3] : "null:1G", &why);
	for (r = 0; !err && r < rounds; r++)
		for (s = 0; !err && s < SHAPES; s++)
			for (p = 0; !err && p < PATHS; p++)
				err = run(&world, &shapes[s].load, p, ms,
					  &results[s][p][r], &why);
	if (err)
		log_error("%s", why.text);
	else
		table(rounds);
	world_close(&world);
	return err ? 1 : 0;
}
