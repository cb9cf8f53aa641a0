/* SPDX-License-Identifier: MIT */
#include "trace/kernel/reader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "trace/bpf/complaint.h"

#define SETTINGS     ".rodata.settings"
#define RECORDING    ".data.recording"
#define PROGRAMS_MAX 32
#define AT_ONCE	     65536u

struct kernel_reader {
	const struct kernel_driver *driver;
	struct bpf_object *object;
	struct ring_buffer *ring;
	struct bpf_link *link[PROGRAMS_MAX];
	unsigned links;
	kernel_raw_fn each;
	void *user;
	unsigned left; /* records that may still be read at once */
	bool more;     /* there was, when it was read last */
};

/* The compiled programs (*.bpf.c). */
#define OBJECT(name, file)                                                     \
	extern const unsigned char name[], name##_end[];                       \
	__asm__(".section .rodata\n"                                           \
		".balign 16\n"                                                 \
		".hidden " #name "\n"                                          \
		".globl " #name "\n" #name ":\n"                               \
		".incbin \"" file "\"\n"                                       \
		".hidden " #name "_end\n"                                      \
		".globl " #name "_end\n" #name "_end:\n"                       \
		".previous\n")

OBJECT(kernel_blkback_object, KERNEL_OBJECTS "blkback.bpf.o");
OBJECT(kernel_blkfront_object, KERNEL_OBJECTS "blkfront.bpf.o");

static const struct {
	const unsigned char *begin, *end;
} objects[] = {
	[OBJECT_BLKBACK] = { kernel_blkback_object, kernel_blkback_object_end },
	[OBJECT_BLKFRONT] = { kernel_blkfront_object,
			      kernel_blkfront_object_end },
};

static int explain(int err, const char *what, struct why *why)
{
	return complaint_explain(err, what, "run it as root", why);
}

/* ---- what this kernel has -------------------------------------------------
 */

static int module_there(const struct kernel_driver *d, struct why *why)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", d->module);
	if (!access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "/sys/module/%s", d->module);
	if (access(path, F_OK))
		return why_set(why, -ENODEV,
			       "Linux's %s is not loaded on this machine; %s, "
			       "after \"modprobe %s\"",
			       d->name, d->where, d->name);
	return why_set(why, -ENOTSUP,
		       "this kernel does not describe its %s "
		       "(CONFIG_DEBUG_INFO_BTF_MODULES)",
		       d->name);
}

/* there[i]: the description of the kernel has the function of hook i. */
static int hooks_find(const struct kernel_driver *d, bool *there,
		      struct why *why)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *module;
	int err = kernel ? 0 : -errno;
	char what[64];

	if (err)
		return explain(err, "describe itself (CONFIG_DEBUG_INFO_BTF)",
			       why);
	module = btf__load_module_btf(d->module, kernel);
	err = module ? 0 : -errno;
	for (unsigned i = 0; !err && i < d->hooks; i++) {
		const struct hook *hook = &d->hook[i];
		const struct btf *of = hook->in_module ? module : kernel;

		/* What both have cannot be told apart by its name. */
		there[i] = btf__find_by_name_kind(of, hook->function,
						  BTF_KIND_FUNC) > 0 &&
			   (!hook->in_module || hook->by_kprobe ||
			    btf__find_by_name_kind(kernel, hook->function,
						   BTF_KIND_FUNC) < 0);
	}
	btf__free(module);
	btf__free(kernel);
	snprintf(what, sizeof(what), "describe its %s", d->name);
	return err ? explain(err, what, why) : 0;
}

/* Where functions of the module lie; 0 where that is hidden or not so. */
static void addresses_find(const struct kernel_driver *d,
			   struct raw_settings *settings)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[128], module[128];
	unsigned long long addr;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %*c %127s [%127[^]]", &addr, name,
			   module) != 3 ||
		    strcmp(module, d->module))
			continue;
		for (unsigned i = 0; i < RAW_ADDRESSES; i++)
			if (d->address[i] && !strcmp(name, d->address[i]))
				settings->address[i] = addr;
	}
	if (f)
		fclose(f);
}

/* ---- opening --------------------------------------------------------------
 */

static bool address_known(const struct kernel_driver *d, const char *name,
			  const struct raw_settings *settings)
{
	for (unsigned i = 0; name && i < RAW_ADDRESSES; i++)
		if (d->address[i] && !strcmp(name, d->address[i]))
			return settings->address[i];
	return !name;
}

static int object_load(struct kernel_reader *r, enum ev_level level,
		       uint64_t ring_bytes, bool *there)
{
	struct raw_settings settings = { .wake_bytes = ring_bytes / 4 };
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "ringside");
	const struct kernel_driver *d = r->driver;
	const unsigned char *object = objects[d->object].begin;
	int err;

	addresses_find(d, &settings);
	for (unsigned i = 0; i < d->hooks; i++)
		there[i] &= address_known(d, d->hook[i].address, &settings);
	complaint_forget();
	r->object = bpf_object__open_mem(
		object, (size_t)(objects[d->object].end - object), &opts);
	if (!r->object)
		return -errno;
	err = bpf_map__set_initial_value(
		bpf_object__find_map_by_name(r->object, SETTINGS), &settings,
		sizeof(settings));
	if (!err)
		err = bpf_map__set_max_entries(
			bpf_object__find_map_by_name(r->object, "ring"),
			(uint32_t)ring_bytes);
	for (unsigned i = 0; !err && i < d->hooks; i++)
		err = bpf_program__set_autoload(
			bpf_object__find_program_by_name(r->object,
							 d->hook[i].program),
			there[i] && hook_wanted(&d->hook[i], level));
	return err ? err : bpf_object__load(r->object);
}

static struct bpf_link *hook_set(const struct kernel_driver *d,
				 const struct hook *hook,
				 struct bpf_program *program)
{
	char name[128];

	if (!hook->by_kprobe)
		return bpf_program__attach(program);
	snprintf(name, sizeof(name), "%s%s%s", hook->in_module ? d->module : "",
		 hook->in_module ? ":" : "", hook->function);
	return bpf_program__attach_kprobe(program, false, name);
}

static int recording(const struct kernel_reader *r, uint64_t on)
{
	int fd = bpf_object__find_map_fd_by_name(r->object, RECORDING);
	uint32_t key = 0;

	return bpf_map_update_elem(fd, &key, &on, BPF_ANY) ? -errno : 0;
}

/* A kprobe may be refused where others are not: then it is not there. */
static int hooks_set(struct kernel_reader *r, bool *there)
{
	const struct kernel_driver *d = r->driver;

	for (unsigned i = 0; i < d->hooks; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(
			r->object, d->hook[i].program);
		struct bpf_link *link;

		if (!bpf_program__autoload(program))
			continue;
		link = hook_set(d, &d->hook[i], program);
		if (link)
			r->link[r->links++] = link;
		else if (d->hook[i].by_kprobe)
			there[i] = false;
		else
			return -errno;
	}
	return recording(r, 1);
}

static int each_raw(void *user, void *bytes, size_t size)
{
	struct kernel_reader *r = user;
	const struct raw_head *raw = bytes;
	int err = 0;

	if (size >= sizeof(*raw) && raw->len <= size)
		err = r->each(raw, raw->len, r->user);
	/* libbpf goes on for as long as there is more. */
	return err ? err : --r->left ? 0 : -EAGAIN;
}

int kernel_reader_open(struct kernel_reader **reader,
		       const struct kernel_driver *driver, enum ev_level level,
		       uint64_t ring_bytes, bool *there, kernel_raw_fn each,
		       void *user, struct why *why)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct kernel_reader *r;
	int err = module_there(driver, why);

	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return why_set(why, -ENOMEM, "no memory");
	r->driver = driver;
	r->each = each;
	r->user = user;
	setrlimit(RLIMIT_MEMLOCK, &all); /* older kernels count by it */
	complaint_listen();
	err = hooks_find(driver, there, why);
	if (!err) {
		err = object_load(r, level, ring_bytes, there);
		if (!err)
			r->ring = ring_buffer__new(
				bpf_object__find_map_fd_by_name(r->object,
								"ring"),
				each_raw, r, NULL);
		if (!err && !r->ring)
			err = -errno;
		if (!err)
			err = hooks_set(r, there);
		if (err)
			explain(err, "load BPF programs", why);
	}
	if (err)
		kernel_reader_close(r);
	else
		*reader = r;
	return err;
}

/* ---- what they left -------------------------------------------------------
 */

int kernel_reader_poll(struct kernel_reader *r, int ms)
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

/* A program that interrupts itself on a processor is not run. */
static uint64_t programs_missed(const struct kernel_reader *r)
{
	struct bpf_program *program;
	uint64_t sum = 0;

	bpf_object__for_each_program(program, r->object)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_program__fd(program) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info,
					    &len))
			sum += info.recursion_misses;
	}
	return sum;
}

void kernel_reader_detach(struct kernel_reader *r)
{
	if (r->links)
		recording(r, 0);
	while (r->links)
		bpf_link__destroy(r->link[--r->links]);
}

uint64_t kernel_reader_lost(struct kernel_reader *r)
{
	int fd = bpf_object__find_map_fd_by_name(r->object, "lost");
	uint64_t lost = 0;
	uint32_t key = 0;

	bpf_map_lookup_elem(fd, &key, &lost);
	return lost + programs_missed(r);
}

void kernel_reader_close(struct kernel_reader *r)
{
	if (!r)
		return;
	kernel_reader_detach(r);
	ring_buffer__free(r->ring);
	bpf_object__close(r->object);
	free(r);
}
