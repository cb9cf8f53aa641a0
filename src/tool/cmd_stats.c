/* SPDX-License-Identifier: MIT */
/* ringside stats: what a running ringsided counts (base/stats.h). */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/clock.h"
#include "base/stats.h"
#include "tool/commands.h"

#define FILE_BYTES_MAX (1u << 20)

static const char *const op_name[STATS_OPS] = { "read", "write", "barrier",
						"flush", "discard" };

struct args {
	const char *dir;
	bool json;
};

/* One file, read whole: the daemon may take it away at any time. */
struct device {
	struct stats_header header;
	struct stats_queue sum;
	struct stats_queue *queue; /* header.queues of them */
};

/* ---- reading ------------------------------------------------------------ */

/* A later version may have more in each part than we know. */
static bool device_parse(const char *bytes, size_t len, struct device *d)
{
	struct stats_header *h = &d->header;
	uint64_t *sum = (uint64_t *)&d->sum;
	uint32_t i, j;

	if (len < sizeof(*h))
		return false;
	memcpy(h, bytes, sizeof(*h));
	h->target[sizeof(h->target) - 1] = '\0';
	if (memcmp(h->magic, STATS_MAGIC, sizeof(h->magic)) ||
	    h->header_bytes < sizeof(*h) || h->header_bytes > len ||
	    h->queue_bytes < sizeof(d->sum) ||
	    h->queues > (len - h->header_bytes) / h->queue_bytes)
		return false;
	d->queue = calloc(h->queues ? h->queues : 1, sizeof(*d->queue));
	if (!d->queue)
		return false;
	for (i = 0; i < h->queues; i++) {
		const uint64_t *one = (const uint64_t *)&d->queue[i];

		memcpy(&d->queue[i],
		       bytes + h->header_bytes + (size_t)i * h->queue_bytes,
		       sizeof(d->queue[i]));
		for (j = 0; j < sizeof(d->sum) / sizeof(*sum); j++)
			sum[j] += one[j];
	}
	return true;
}

/* 1: it is there.  0: it is gone, or its daemon is.  -errno. */
static int device_read(int dirfd, const char *name, struct device *d)
{
	int fd = openat(dirfd, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *bytes;
	ssize_t n;
	int got = -EINVAL;

	memset(d, 0, sizeof(*d));
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	bytes = malloc(FILE_BYTES_MAX);
	if (bytes && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		n = pread(fd, bytes, FILE_BYTES_MAX, 0);
		if (n >= 0 && device_parse(bytes, (size_t)n, d))
			got = 1;
	}
	free(bytes);
	close(fd);
	/* A daemon that was killed left it behind. */
	if (got == 1 && kill((pid_t)d->header.pid, 0) && errno == ESRCH) {
		free(d->queue);
		got = 0;
	}
	return got;
}

/* ---- writing ------------------------------------------------------------ */

static void print_text(const struct device *d)
{
	const struct stats_header *h = &d->header;
	const struct stats_queue *s = &d->sum;
	double since = (double)(clock_now_ns() - h->since_ns) / 1e9;
	unsigned i;

	printf("domain %u device %u: %s, %u queue%s of %u, connected %.0f s\n",
	       h->domid, h->devid, h->target, h->queues,
	       h->queues == 1 ? "" : "s", h->ring_entries, since);
	for (i = 0; i < STATS_OPS; i++) {
		uint64_t n = s->requests[i];

		if (!n)
			continue;
		printf("  %-8s %10llu requests %8.1f MiB", op_name[i],
		       (unsigned long long)n, (double)s->bytes[i] / 1048576.0);
		printf("  %8.1f us each  %llu failed\n",
		       (double)s->waited_ns[i] / 1e3 / (double)n,
		       (unsigned long long)s->errors[i]);
	}
	if (s->indirect || s->kept_pages)
		printf("  indirect %llu; %llu pages kept mapped\n",
		       (unsigned long long)s->indirect,
		       (unsigned long long)s->kept_pages);
	printf("  in flight %llu; refused %llu, tolerated %llu; notified %llu "
	       "of %llu pushes; woken %llu, %llu for nothing\n",
	       (unsigned long long)s->in_flight, (unsigned long long)s->refused,
	       (unsigned long long)s->tolerated,
	       (unsigned long long)s->notifies, (unsigned long long)s->pushes,
	       (unsigned long long)s->wakeups, (unsigned long long)s->spurious);
}

static void put(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static struct json_object *json_counters(const struct stats_queue *s)
{
	struct json_object *o = json_object_new_object();
	unsigned i;

	for (i = 0; i < STATS_OPS; i++) {
		struct json_object *op = json_object_new_object();

		put(op, "requests", s->requests[i]);
		put(op, "bytes", s->bytes[i]);
		put(op, "errors", s->errors[i]);
		put(op, "waited_ns", s->waited_ns[i]);
		json_object_object_add(o, op_name[i], op);
	}
	put(o, "in_flight", s->in_flight);
	put(o, "refused", s->refused);
	put(o, "tolerated", s->tolerated);
	put(o, "pushes", s->pushes);
	put(o, "notifies", s->notifies);
	put(o, "wakeups", s->wakeups);
	put(o, "spurious", s->spurious);
	put(o, "indirect", s->indirect);
	put(o, "kept_pages", s->kept_pages);
	return o;
}

static struct json_object *json_device(const struct device *d)
{
	struct json_object *o = json_object_new_object();
	struct json_object *queues = json_object_new_array();
	uint32_t i;

	put(o, "domid", d->header.domid);
	put(o, "devid", d->header.devid);
	json_object_object_add(o, "target",
			       json_object_new_string(d->header.target));
	put(o, "size_bytes", d->header.size_bytes);
	put(o, "ring_entries", d->header.ring_entries);
	put(o, "connected_ns", clock_now_ns() - d->header.since_ns);
	for (i = 0; i < d->header.queues; i++)
		json_object_array_add(queues, json_counters(&d->queue[i]));
	json_object_object_add(o, "queues", queues);
	return o;
}

/* ---- the command -------------------------------------------------------- */

static int is_device(const struct dirent *e)
{
	unsigned domid, devid;
	int end = 0;

	return sscanf(e->d_name, "vbd-%u-%u%n", &domid, &devid, &end) == 2 &&
	       !e->d_name[end];
}

static int stats_print(const struct args *a, int dirfd, struct dirent **names,
		       int n)
{
	struct json_object *all = a->json ? json_object_new_array() : NULL;
	int i, shown = 0, rc = 0;

	for (i = 0; i < n; i++) {
		struct device d;
		int got = device_read(dirfd, names[i]->d_name, &d);

		if (got < 0) {
			fprintf(stderr,
				"ringside stats: %s in %s is no file of "
				"statistics\n",
				names[i]->d_name, a->dir);
			rc = 2;
		}
		if (got <= 0)
			continue;
		shown++;
		if (a->json)
			json_object_array_add(all, json_device(&d));
		else
			print_text(&d);
		free(d.queue);
	}
	if (a->json)
		puts(json_object_to_json_string_ext(all,
						    JSON_C_TO_STRING_PRETTY));
	else if (!shown)
		printf("no disk is connected in %s\n", a->dir);
	json_object_put(all);
	return rc;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'j':
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->dir)
			argp_error(state, "there is nothing to do with \"%s\"",
				   arg);
		a->dir = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_stats(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "for programs", 0 }, { 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = option_parse,
		.args_doc = "[DIR]",
		.doc = "Print what a running ringsided has counted of each "
		       "connected disk.\vDIR is a desk, or where the daemon's "
		       "--stats are (default: " STATS_DIR ").",
	};
	struct args a = { .dir = NULL };
	struct dirent **names;
	char dir[512];
	int n, fd, rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.dir)
		a.dir = STATS_DIR;
	snprintf(dir, sizeof(dir), "%s/stats", a.dir);
	if (access(dir, F_OK))
		snprintf(dir, sizeof(dir), "%s", a.dir);
	n = scandir(dir, &names, is_device, versionsort);
	fd = n < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr,
			"ringside stats: %s: %s; no ringsided has run there\n",
			dir, strerror(errno));
		return 2;
	}
	rc = stats_print(&a, fd, names, n);
	close(fd);
	while (n--)
		free(names[n]);
	free(names);
	return rc;
}
