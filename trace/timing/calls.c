/* SPDX-License-Identifier: MIT */
#include "trace/timing/calls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "trace/timing/load.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define LINKS	   5

struct timing_calls {
	struct bpf_object *object;
	struct bpf_link *link[LINKS];
	unsigned links;
	int fd;			  /* of the map */
	unsigned cpus;		  /* that the kernel has room for */
	struct timing_hist *each; /* of one kind on each processor */
};

/* The compiled programs (calls.bpf.c). */
extern const unsigned char calls_object[], calls_object_end[];

__asm__(".section .rodata\n"
	".balign 16\n"
	".hidden calls_object\n"
	".globl calls_object\n"
	"calls_object:\n"
	".incbin \"" CALLS_OBJECT "\"\n"
	".hidden calls_object_end\n"
	".globl calls_object_end\n"
	"calls_object_end:\n"
	".previous\n");

/* As the kernel has it within. */
static uint32_t device_number(dev_t dev)
{
	return (uint32_t)major(dev) << 20 | (uint32_t)minor(dev);
}

static uint32_t device_at(const char *path)
{
	struct stat st;

	return stat(path, &st) || !S_ISCHR(st.st_mode)
		       ? 0
		       : device_number(st.st_rdev);
}

static int object_load(struct timing_calls *c,
		       const struct timing_settings *settings)
{
	int err = timing_object_open(&c->object, calls_object,
				     (size_t)(calls_object_end - calls_object));

	if (!err)
		err = bpf_map__set_initial_value(
			bpf_object__find_map_by_name(c->object,
						     ".rodata.settings"),
			settings, sizeof(*settings));
	return err ? err : bpf_object__load(c->object);
}

static int program_set(struct timing_calls *c, const char *name)
{
	struct bpf_link *link = bpf_program__attach(
		bpf_object__find_program_by_name(c->object, name));

	if (!link)
		return -errno;
	c->link[c->links++] = link;
	return 0;
}

/* What a kernel does not have is not there; anything else is an error. */
static int programs_set(struct timing_calls *c, bool *uring)
{
	int err = program_set(c, "on_exit");

	if (!err)
		err = program_set(c, "on_enter");
	if (err)
		return err;
	*uring = !program_set(c, "on_complete") &&
		 (!program_set(c, "on_submit_req") ||
		  !program_set(c, "on_submit_sqe"));
	return 0;
}

int timing_calls_open(struct timing_calls **calls, int pid, const char *gntdev,
		      const char *evtchn, struct timing_seen *seen,
		      struct why *why)
{
	struct timing_settings settings = { .pid = (uint32_t)pid,
					    .gntdev = device_at(gntdev),
					    .evtchn = device_at(evtchn) };
	int cpus = libbpf_num_possible_cpus(), err;
	struct timing_calls *c;
	struct stat ns;

	if (access(KERNEL_BTF, F_OK) || stat("/proc/self/ns/pid", &ns))
		return why_set(why, -ENOTSUP,
			       "this kernel does not describe itself "
			       "(CONFIG_DEBUG_INFO_BTF)");
	settings.ns_dev = device_number(ns.st_dev);
	settings.ns_ino = ns.st_ino;
	c = calloc(1, sizeof(*c));
	if (c)
		c->each = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*c->each));
	if (!c || !c->each) {
		timing_calls_close(c);
		return why_set(why, -ENOMEM, "no memory");
	}
	c->cpus = cpus > 0 ? (unsigned)cpus : 1;
	err = object_load(c, &settings);
	if (!err)
		err = programs_set(c, &seen->uring);
	if (err) {
		timing_calls_close(c);
		return timing_explain(err, "load BPF programs", why);
	}
	c->fd = bpf_object__find_map_fd_by_name(c->object, "calls");
	seen->gntdev = settings.gntdev;
	seen->evtchn = settings.evtchn;
	*calls = c;
	return 0;
}

int timing_calls_read(struct timing_calls *c,
		      struct timing_hist of[TIMING_KINDS])
{
	memset(of, 0, TIMING_KINDS * sizeof(*of));
	for (uint32_t kind = 0; kind < TIMING_KINDS; kind++) {
		if (bpf_map_lookup_elem(c->fd, &kind, c->each))
			return -errno;
		for (unsigned cpu = 0; cpu < c->cpus; cpu++) {
			of[kind].sum_ns += c->each[cpu].sum_ns;
			for (unsigned i = 0; i < TIMING_SLOTS; i++)
				of[kind].slot[i] += c->each[cpu].slot[i];
		}
	}
	return 0;
}

void timing_calls_close(struct timing_calls *c)
{
	if (!c)
		return;
	while (c->links)
		bpf_link__destroy(c->link[--c->links]);
	bpf_object__close(c->object);
	free(c->each);
	free(c);
}
