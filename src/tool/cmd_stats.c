/* SPDX-License-Identifier: MIT */
/* ringside stats: what a running ringsided counts (base/stats.h). */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stats.h"
#include "tool/commands.h"
#include "top/file.h"
#include "top/json.h"

struct args {
	const char *dir;
	bool json;
};

/* ---- writing ------------------------------------------------------------ */

static void print_text(const struct top_file *d)
{
	const struct stats_header *h = &d->header;
	double since = (double)(clock_now_ns() - h->since_ns) / 1e9;
	struct stats_queue sum;
	const struct stats_queue *s = &sum;
	unsigned i;

	top_file_sum(d, &sum);
	printf("domain %u device %u: %s, %u queue%s of %u, connected %.0f s\n",
	       h->domid, h->devid, h->target, h->queues,
	       h->queues == 1 ? "" : "s", h->ring_entries, since);
	for (i = 0; i < STATS_OPS; i++) {
		uint64_t n = s->requests[i];

		if (!n)
			continue;
		printf("  %-8s %10llu requests %8.1f MiB", top_op_name[i],
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

static struct json_object *json_counters(const struct stats_queue *s)
{
	struct json_object *o = json_object_new_object();
	struct json_object *latency = json_object_new_array();
	unsigned i;

	top_json_counts(o, s);
	top_json_put(o, "in_flight", s->in_flight);
	top_json_put(o, "pushes", s->pushes);
	top_json_put(o, "kept_pages", s->kept_pages);
	top_json_put(o, "pending", s->pending);
	top_json_put(o, "still_ns", s->still_ns);
	for (i = 0; i < STATS_LATENCIES; i++)
		json_object_array_add(latency,
				      json_object_new_uint64(s->latency[i]));
	json_object_object_add(o, "latency", latency);
	return o;
}

static struct json_object *json_device(const struct top_file *d)
{
	struct json_object *o = json_object_new_object();
	struct json_object *queues = json_object_new_array();
	uint32_t i;

	top_json_put(o, "domid", d->header.domid);
	top_json_put(o, "devid", d->header.devid);
	json_object_object_add(o, "target",
			       json_object_new_string(d->header.target));
	top_json_put(o, "size_bytes", d->header.size_bytes);
	top_json_put(o, "ring_entries", d->header.ring_entries);
	top_json_put(o, "connected_ns", clock_now_ns() - d->header.since_ns);
	for (i = 0; i < d->header.queues; i++)
		json_object_array_add(queues, json_counters(&d->queue[i]));
	json_object_object_add(o, "queues", queues);
	return o;
}

/* ---- the command -------------------------------------------------------- */

static int stats_print(const struct args *a, int dirfd, struct dirent **names,
		       int n)
{
	struct json_object *all = a->json ? json_object_new_array() : NULL;
	int i, shown = 0, rc = 0;

	for (i = 0; i < n; i++) {
		struct top_file d;
		int got = top_file_read(dirfd, names[i]->d_name, &d);

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
		top_file_free(&d);
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
	char dir[TOP_DIR_MAX];
	int n, fd, rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.dir)
		a.dir = STATS_DIR;
	top_dir_name(a.dir, dir);
	n = scandir(dir, &names, top_file_named, versionsort);
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
