// SPDX-License-Identifier: MIT
/*
 * BPF programs on tracepoints of the kernel that count how long the system
 * calls of one process take, and its operations of io_uring from submitted to
 * completed.  Nothing goes to user space but the histograms, when they are
 * asked for.  The licence that the kernel sees is "Dual MIT/GPL", for it lends
 * its helpers to GPL programs only.
 *
 * The tracepoints are raw, which needs no tracefs: what they are given is
 * what the kernel's code gives them.  Of its structures only the way from a
 * file descriptor to a device is gone (CO-RE).
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <asm/ptrace.h>
#include <asm/unistd.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "trace/timing/call.h"

#define THREADS	   4096
#define OPERATIONS 32768

/* ioctls of xen/gntdev.h and xen/evtchn.h: _IOC(_IOC_NONE, type, nr, size). */
#define IOC_NR(cmd)   ((cmd)&0xff)
#define IOC_TYPE(cmd) ((cmd) >> 8 & 0xff)
#define GNTDEV_MAP    0
#define GNTDEV_UNMAP  1
#define GNTDEV_COPY   8
#define EVTCHN_NOTIFY 4

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
			     apply_to = record)

struct inode {
	__u32 i_rdev;
};
struct file {
	struct inode *f_inode;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct task_struct {
	struct files_struct *files;
};

#pragma clang attribute pop

/* Alone in its section, so that the loader need not look for it there. */
const volatile struct timing_settings settings SEC(".rodata.settings");

struct running {
	__u64 from_ns;
	__u64 kind;
};

/* The call that each thread is in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, THREADS);
	__type(key, __u64);
	__type(value, struct running);
} running SEC(".maps");

/* When each operation of io_uring was submitted, by its address. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, OPERATIONS);
	__type(key, __u64);
	__type(value, __u64);
} submitted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TIMING_KINDS);
	__type(key, __u32);
	__type(value, struct timing_hist);
} calls SEC(".maps");

static __always_inline bool ours(void)
{
	struct bpf_pidns_info at;

	return !bpf_get_ns_current_pid_tgid(settings.ns_dev, settings.ns_ino,
					    &at, sizeof(at)) &&
	       at.tgid == settings.pid;
}

/* A program may be preempted by another one on the same processor. */
static __always_inline void count(__u32 kind, __u64 ns)
{
	struct timing_hist *h = bpf_map_lookup_elem(&calls, &kind);
	__u32 slot = timing_slot(ns);

	if (!h || slot >= TIMING_SLOTS)
		return;
	__sync_fetch_and_add(&h->slot[slot], 1);
	__sync_fetch_and_add(&h->sum_ns, ns);
}

/* ---- system calls -------------------------------------------------------- */

/* The device that a file descriptor is of, or 0. */
static __always_inline __u32 device_of(__u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(fdt, fd), *file = 0;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return BPF_CORE_READ(file, f_inode, i_rdev);
}

static __always_inline __u32 kind_of_ioctl(__u32 device, __u32 cmd)
{
	if (device && device == settings.gntdev) {
		if (IOC_TYPE(cmd) == 'G' && IOC_NR(cmd) == GNTDEV_MAP)
			return TIMING_GNTDEV_MAP;
		if (IOC_TYPE(cmd) == 'G' && IOC_NR(cmd) == GNTDEV_UNMAP)
			return TIMING_GNTDEV_UNMAP;
		if (IOC_TYPE(cmd) == 'G' && IOC_NR(cmd) == GNTDEV_COPY)
			return TIMING_GNTDEV_COPY;
		return TIMING_GNTDEV_ELSE;
	}
	if (device && device == settings.evtchn) {
		if (IOC_TYPE(cmd) == 'E' && IOC_NR(cmd) == EVTCHN_NOTIFY)
			return TIMING_EVTCHN_NOTIFY;
		return TIMING_EVTCHN_ELSE;
	}
	return TIMING_ELSE;
}

/* By the call's arguments, where a descriptor says whose it is. */
static __always_inline __u32 kind_of_device(struct pt_regs *regs, long id)
{
	__u64 first = 0, second = 0, fifth = 0;
	__u32 device = 0;

	bpf_probe_read_kernel(&first, sizeof(first), &PT_REGS_PARM1(regs));
	bpf_probe_read_kernel(&second, sizeof(second), &PT_REGS_PARM2(regs));
	bpf_probe_read_kernel(&fifth, sizeof(fifth), &PT_REGS_PARM5(regs));
	if (settings.gntdev || settings.evtchn)
		device = device_of((__u32)(id == __NR_mmap ? fifth : first));
	switch (id) {
	case __NR_ioctl:
		return kind_of_ioctl(device, (__u32)second);
	case __NR_mmap:
		return device && device == settings.gntdev ? TIMING_GNTDEV_MMAP
							   : TIMING_ELSE;
	case __NR_read:
		return device && device == settings.evtchn ? TIMING_EVTCHN_TAKE
							   : TIMING_READ;
	default:
		return device && device == settings.evtchn
			       ? TIMING_EVTCHN_UNMASK
			       : TIMING_WRITE;
	}
}

/* TIMING_CALLS: it only waits. */
static __always_inline __u32 kind_of(struct pt_regs *regs, long id)
{
	switch (id) {
	case __NR_ioctl:
	case __NR_mmap:
	case __NR_read:
	case __NR_write:
		return kind_of_device(regs, id);
	case __NR_io_uring_enter:
		return TIMING_URING_ENTER;
	case __NR_pread64:
	case __NR_preadv:
	case __NR_preadv2:
		return TIMING_PREAD;
	case __NR_pwrite64:
	case __NR_pwritev:
	case __NR_pwritev2:
		return TIMING_PWRITE;
	case __NR_fsync:
	case __NR_fdatasync:
		return TIMING_SYNC;
	case __NR_fallocate:
		return TIMING_FALLOCATE;
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_recvfrom:
	case __NR_recvmsg:
		return TIMING_SOCKET;
	case __NR_munmap:
		return TIMING_MUNMAP;
#ifdef __NR_poll /* newer architectures have only the other */
	case __NR_poll:
	case __NR_epoll_wait:
	case __NR_select:
#endif
	case __NR_ppoll:
	case __NR_pselect6:
	case __NR_epoll_pwait:
	case __NR_futex:
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
	case __NR_rt_sigtimedwait:
	case __NR_restart_syscall:
		return TIMING_CALLS;
	default:
		return TIMING_ELSE;
	}
}

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct running call;

	if (!ours())
		return 0;
	call.kind = kind_of((struct pt_regs *)ctx->args[0], (long)ctx->args[1]);
	if (call.kind == TIMING_CALLS)
		return 0;
	call.from_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&running, &thread, &call, BPF_ANY);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 now = bpf_ktime_get_ns(), thread = bpf_get_current_pid_tgid();
	struct running *call = bpf_map_lookup_elem(&running, &thread);

	if (!call)
		return 0;
	count((__u32)call->kind, now - call->from_ns);
	bpf_map_delete_elem(&running, &thread);
	return 0;
}

/* ---- io_uring ------------------------------------------------------------ */

static __always_inline int submit(__u64 req)
{
	__u64 now = bpf_ktime_get_ns();

	if (ours())
		bpf_map_update_elem(&submitted, &req, &now, BPF_ANY);
	return 0;
}

/* By this name until Linux 6.3, and by the next one since. */
SEC("raw_tp/io_uring_submit_sqe")
int on_submit_sqe(struct bpf_raw_tracepoint_args *ctx)
{
	return submit(ctx->args[0]);
}

SEC("raw_tp/io_uring_submit_req")
int on_submit_req(struct bpf_raw_tracepoint_args *ctx)
{
	return submit(ctx->args[0]);
}

/* In whatever context: only the address tells whose it is. */
SEC("raw_tp/io_uring_complete")
int on_complete(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 now = bpf_ktime_get_ns(), req = ctx->args[1];
	__u64 *from = bpf_map_lookup_elem(&submitted, &req);

	if (!from)
		return 0;
	count(TIMING_URING, now - *from);
	bpf_map_delete_elem(&submitted, &req);
	return 0;
}
