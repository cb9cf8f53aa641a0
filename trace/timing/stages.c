/* SPDX-License-Identifier: MIT */
#include "trace/timing/stages.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace/timing/load.h"

/*
 * The last one of a request's way first: what is taken after the last probe
 * was set passes all of them.
 */
static const char *const probes[] = {
	"evtchn_notify", "ring_notify",	  "request_respond", "disk_done",
	"disk_submit",	 "request_check", "request_take",
};

#define PROBES (sizeof(probes) / sizeof(probes[0]))

struct timing_stages {
	struct bpf_object *object;
	struct bpf_link *link[PROBES];
	int fd; /* of the map */
};

/* The compiled programs (stages.bpf.c). */
extern const unsigned char stages_object[], stages_object_end[];

__asm__(".section .rodata\n"
	".balign 16\n"
	".hidden stages_object\n"
	".globl stages_object\n"
	"stages_object:\n"
	".incbin \"" STAGES_OBJECT "\"\n"
	".hidden stages_object_end\n"
	".globl stages_object_end\n"
	"stages_object_end:\n"
	".previous\n");

static int probe_set(struct timing_stages *s, unsigned n, int pid,
		     struct why *why)
{
	char name[64], path[64];
	int err;

	snprintf(name, sizeof(name), "on_%s", probes[n]);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	s->link[n] = bpf_program__attach_usdt(
		bpf_object__find_program_by_name(s->object, name), pid, path,
		"ringside", probes[n], NULL);
	if (s->link[n])
		return 0;
	err = -errno;
	if (kill(pid, 0) && errno == ESRCH)
		return why_set(why, -ESRCH, "process %d has ended", pid);
	if (err == -ENOENT)
		return why_set(why, err, "process %d has no probe %s", pid,
			       probes[n]);
	return timing_explain(err, "set probes", why);
}

int timing_stages_open(struct timing_stages **stages, int pid, struct why *why)
{
	struct timing_stages *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return why_set(why, -ENOMEM, "no memory");
	err = timing_object_open(&s->object, stages_object,
				 (size_t)(stages_object_end - stages_object));
	if (!err)
		err = bpf_object__load(s->object);
	if (err)
		err = timing_explain(err, "load BPF programs", why);
	for (unsigned i = 0; !err && i < PROBES; i++)
		err = probe_set(s, i, pid, why);
	if (err) {
		timing_stages_close(s);
		return err;
	}
	s->fd = bpf_object__find_map_fd_by_name(s->object, "stages");
	*stages = s;
	return 0;
}

int timing_stages_read(struct timing_stages *s, struct timing_stage_row **rows,
		       unsigned *count)
{
	struct timing_stage_key at, next;
	unsigned room = 0;
	bool first = true;

	*rows = NULL;
	*count = 0;
	while (!bpf_map_get_next_key(s->fd, first ? NULL : &at, &next)) {
		if (*count == room) {
			struct timing_stage_row *more;

			room = room ? 2 * room : 64;
			more = reallocarray(*rows, room, sizeof(*more));
			if (!more)
				return -ENOMEM;
			*rows = more;
		}
		(*rows)[*count].key = next;
		if (!bpf_map_lookup_elem(s->fd, &next, &(*rows)[*count].hist))
			++*count;
		at = next;
		first = false;
	}
	return 0;
}

void timing_stages_close(struct timing_stages *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < PROBES; i++)
		bpf_link__destroy(s->link[i]);
	bpf_object__close(s->object);
	free(s);
}
