/* SPDX-License-Identifier: MIT */
#include "trace/probe/reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "trace/bpf/complaint.h"

#define UPROBES	  "/sys/bus/event_source/devices/uprobe"
#define SETTINGS  ".rodata.settings"
#define RECORDING ".data.recording"
#define AT_ONCE	  65536u

struct probe_reader {
	struct bpf_object *object;
	struct bpf_program *program[EV_KIND_COUNT];
	struct ring_buffer *ring;
	int threads_fd, lost_fd, recording_fd;
	struct bpf_link **link;
	size_t links;
	probe_event_fn each;
	void *user;
	unsigned left; /* events that may still be read at once */
	bool more;     /* there was, when it was read last */
};

/* The compiled programs (event.bpf.c). */
extern const unsigned char probe_object[], probe_object_end[];

__asm__(".section .rodata\n"
	".balign 16\n"
	".hidden probe_object\n"
	".globl probe_object\n"
	"probe_object:\n"
	".incbin \"" PROBE_OBJECT "\"\n"
	".hidden probe_object_end\n"
	".globl probe_object_end\n"
	"probe_object_end:\n"
	".previous\n");

/* ---- opening --------------------------------------------------------------
 */

static int object_load(struct probe_reader *r, uint64_t ring_bytes, bool sleep)
{
	const struct probe_settings settings = { ring_bytes / 4, sleep };
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "ringside");
	struct bpf_program *program;
	int err;

	complaint_forget();
	r->object = bpf_object__open_mem(
		probe_object, (size_t)(probe_object_end - probe_object), &opts);
	if (!r->object)
		return -errno;
	err = bpf_map__set_initial_value(
		bpf_object__find_map_by_name(r->object, SETTINGS), &settings,
		sizeof(settings));
	if (!err)
		err = bpf_map__set_max_entries(
			bpf_object__find_map_by_name(r->object, "ring"),
			(uint32_t)ring_bytes);
	if (sleep)
		bpf_object__for_each_program(program, r->object)
			bpf_program__set_flags(program, BPF_F_SLEEPABLE);
	if (!err)
		err = bpf_object__load(r->object);
	if (err) {
		bpf_object__close(r->object);
		r->object = NULL;
	}
	return err;
}

static int each_event(void *user, void *bytes, size_t size)
{
	struct probe_reader *r = user;
	const struct probe_event *event = bytes;
	int err = 0;

	if (size >= sizeof(*event) && event->len <= size - sizeof(*event) &&
	    event->kind < EV_KIND_COUNT)
		err = r->each(event, (const uint8_t *)bytes + sizeof(*event),
			      r->user);
	/* libbpf goes on for as long as there is more. */
	return err ? err : --r->left ? 0 : -EAGAIN;
}

static int object_use(struct probe_reader *r)
{
	for (int kind = 0; kind < EV_KIND_COUNT; kind++) {
		char name[96];

		snprintf(name, sizeof(name), "on_%s", ev_descs[kind].name);
		r->program[kind] =
			bpf_object__find_program_by_name(r->object, name);
		if (!r->program[kind])
			return -ENOENT;
	}
	r->threads_fd = bpf_object__find_map_fd_by_name(r->object, "threads");
	r->lost_fd = bpf_object__find_map_fd_by_name(r->object, "lost");
	r->recording_fd = bpf_object__find_map_fd_by_name(r->object, RECORDING);
	r->ring = ring_buffer__new(
		bpf_object__find_map_fd_by_name(r->object, "ring"), each_event,
		r, NULL);
	return r->ring ? 0 : -errno;
}

static int explain(int err, const char *what, struct why *why)
{
	return complaint_explain(
		err, what,
		"run it as root, or record by LTTng, without --probes", why);
}

int probe_reader_open(struct probe_reader **reader, uint64_t ring_bytes,
		      probe_event_fn each, void *user, struct why *why)
{
	struct probe_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return why_set(why, -ENOMEM, "no memory");
	r->each = each;
	r->user = user;
	files_allow(); /* each probe is one */
	complaint_listen();
	/* Linux can wait for a page in such a program from 6.0 on. */
	err = object_load(r, ring_bytes, true);
	if (err && err != -EPERM)
		err = object_load(r, ring_bytes, false);
	if (!err)
		err = object_use(r);
	if (err)
		explain(err, "load BPF programs", why);
	else if (access(UPROBES, F_OK))
		err = why_set(why, -ENOTSUP,
			      "this kernel has no probes in programs "
			      "(CONFIG_UPROBE_EVENTS); record by LTTng, "
			      "without --probes");
	if (err)
		probe_reader_close(r);
	else
		*reader = r;
	return err;
}

/* ---- probes ---------------------------------------------------------------
 */

int probe_reader_attach(struct probe_reader *r, const struct probe_file *file,
			int only, enum ev_kind kind, struct why *why)
{
	struct bpf_link **more =
		reallocarray(r->link, r->links + 1, sizeof(*more));
	struct bpf_link *link;
	int err;

	if (!more)
		return why_set(why, -ENOMEM, "no memory");
	r->link = more;
	complaint_forget();
	link = bpf_program__attach_usdt(r->program[kind], only ? only : -1,
					file->path, "ringside",
					ev_descs[kind].name, NULL);
	err = link ? 0 : -errno;
	if (err == -ENOENT || err == -ESRCH)
		return why_set(why, -ENOENT, "%s has gone", file->name);
	if (err)
		return explain(err, "set probes", why);
	r->link[r->links++] = link;
	return 0;
}

static int recording(struct probe_reader *r, uint64_t on)
{
	uint32_t key = 0;

	return bpf_map_update_elem(r->recording_fd, &key, &on, BPF_ANY) ? -errno
									: 0;
}

int probe_reader_begin(struct probe_reader *r, struct why *why)
{
	int err = recording(r, 1);

	return err ? explain(err, "begin to record", why) : 0;
}

void probe_reader_detach(struct probe_reader *r)
{
	recording(r, 0);
	while (r->links)
		bpf_link__destroy(r->link[--r->links]);
}

/* ---- what they left -------------------------------------------------------
 */

int probe_reader_poll(struct probe_reader *r, int ms)
{
	int n;

	if (r->more)
		ms = 0;
	r->left = AT_ONCE;
	n = ring_buffer__poll(r->ring, ms);
	/* It reads only when it was woken, which is when there is much. */
	if (n >= 0 || n == -EINTR)
		n = ring_buffer__consume(r->ring);
	r->more = n == -EAGAIN;
	return r->more ? 1 : n < 0 ? n : 0;
}

uint64_t probe_reader_forget(struct probe_reader *r, int pid, int tid)
{
	uint64_t key = (uint64_t)pid << 32 | (uint32_t)tid, count;

	if (bpf_map_lookup_elem(r->threads_fd, &key, &count))
		return 0;
	bpf_map_delete_elem(r->threads_fd, &key);
	return count;
}

void probe_reader_threads(struct probe_reader *r,
			  void (*each)(int pid, int tid, uint64_t emitted,
				       void *user),
			  void *user)
{
	uint64_t key, before, count;
	bool first = true;

	while (!bpf_map_get_next_key(r->threads_fd, first ? NULL : &before,
				     &key)) {
		if (!bpf_map_lookup_elem(r->threads_fd, &key, &count))
			each((int)(key >> 32), (int)(uint32_t)key, count, user);
		before = key;
		first = false;
	}
}

uint64_t probe_reader_uncounted(struct probe_reader *r)
{
	uint32_t key = PROBE_LOST_THREAD;
	int cpus = libbpf_num_possible_cpus();
	uint64_t *of = cpus > 0 ? calloc((size_t)cpus, sizeof(*of)) : NULL;
	uint64_t sum = 0;

	if (of && !bpf_map_lookup_elem(r->lost_fd, &key, of))
		for (int i = 0; i < cpus; i++)
			sum += of[i];
	free(of);
	return sum;
}

void probe_reader_close(struct probe_reader *r)
{
	if (!r)
		return;
	if (r->object)
		probe_reader_detach(r);
	free(r->link);
	ring_buffer__free(r->ring);
	bpf_object__close(r->object);
	free(r);
}
