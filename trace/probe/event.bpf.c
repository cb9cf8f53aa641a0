// SPDX-License-Identifier: MIT
/*
 * One BPF program for each kind of event, run by its USDT probe: it copies the
 * probe's arguments into a ring buffer that all processors share.  What a
 * program does for its kind is made from the catalogue (trace/probes.inc);
 * here is how.  The licence that the kernel sees is "Dual MIT/GPL", for it
 * lends its helpers to GPL programs only.
 *
 * An event is put together in a piece of scratch memory of the processor.
 * Programs can be preempted and, since they may wait for a page of a string,
 * sleep; so there are several pieces, and each is taken by one at a time.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
/* All kinds of a few dozen binaries. */
#define BPF_USDT_MAX_SPEC_CNT 4096
#include <bpf/usdt.bpf.h>

#include "trace/probe/event.h"

#define SCRATCHES 4
#define THREADS	  16384
#define PAGE_MASK 4095ul

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Alone in its section, so that the loader need not look for it there. */
const volatile struct probe_settings settings SEC(".rodata.settings");

/*
 * Setting all probes takes a while: nothing is recorded before the last one,
 * and nothing after the first has been taken away.
 */
volatile __u64 recording SEC(".data.recording");

struct scratch {
	__u64 taken;
	struct probe_event head;
	/* Room for the longest piece behind the last offset that may be. */
	__u8 data[PROBE_DATA_MAX + PROBE_ARRAY_MAX + 16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24); /* the loader sets it */
} ring SEC(".maps");

/* How many events each thread has emitted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, THREADS);
	__type(key, __u64);
	__type(value, __u64);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_LOST_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void count_lost(__u32 why)
{
	__u64 *n = bpf_map_lookup_elem(&lost, &why);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* The next number of this thread, 0 if it cannot be counted. */
static __always_inline __u64 thread_next(__u64 thread)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&threads, &thread);

	if (n)
		return ++*n; /* nobody else counts for it */
	return bpf_map_update_elem(&threads, &thread, &one, BPF_ANY) ? 0 : 1;
}

static __always_inline struct scratch *scratch_take(void)
{
	struct scratch *s;

	for (__u32 i = 0; i < SCRATCHES; i++) {
		__u32 key = i;

		s = bpf_map_lookup_elem(&scratches, &key);
		if (s && !__sync_lock_test_and_set(&s->taken, 1))
			return s;
	}
	return 0;
}

static __always_inline __u64 argument(struct pt_regs *ctx, __u64 i)
{
	long value = 0;

	bpf_usdt_arg(ctx, i, &value);
	return (__u64)value;
}

static __always_inline struct scratch *begin(struct pt_regs *ctx, __u32 kind)
{
	__u64 now = bpf_ktime_get_ns(), thread = bpf_get_current_pid_tgid();
	struct scratch *s;
	__u64 seq;

	if (!recording)
		return 0;
	seq = thread_next(thread);
	if (!seq) {
		count_lost(PROBE_LOST_THREAD);
		return 0;
	}
	s = scratch_take();
	if (!s)
		return 0; /* the thread's count says so */
	s->head.t_ns = now;
	s->head.seq = seq;
	s->head.origin = argument(ctx, 0);
	s->head.pid = (__u32)(thread >> 32);
	s->head.tid = (__u32)thread;
	s->head.kind = kind;
	s->head.len = 0;
	return s;
}

/* Where the next field begins, as a number that the verifier believes. */
static __always_inline __u32 offset(const struct scratch *s)
{
	__u32 at = *(volatile const __u32 *)&s->head.len;

	return at & (PROBE_DATA_MAX - 1) & ~7u;
}

static __always_inline void number(struct scratch *s, __u64 value)
{
	__u32 at = offset(s);

	*(__u64 *)(s->data + at) = value;
	s->head.len = at + sizeof(value);
}

/*
 * Takes a look at the pages of a string, up to the longest that it may be, so
 * that they come into memory.
 */
static __always_inline void fetch(__u64 from)
{
	__u8 byte;

	if (!settings.can_sleep)
		return;
	bpf_copy_from_user(&byte, 1, (const void *)from);
	bpf_copy_from_user(&byte, 1, (const void *)((from | PAGE_MASK) + 1));
}

static __always_inline void string(struct scratch *s, __u64 from)
{
	__u32 at = offset(s);
	__u8 *to = s->data + at + sizeof(probe_size);
	long len = bpf_probe_read_user_str(to, PROBE_STRING_MAX,
					   (const void *)from);

	if (len < 0) {
		fetch(from);
		len = bpf_probe_read_user_str(to, PROBE_STRING_MAX,
					      (const void *)from);
	}
	if (len <= 0 || len > PROBE_STRING_MAX) {
		*to = 0;
		len = 1;
	}
	*(probe_size *)(s->data + at) = (probe_size)len;
	s->head.len = at + (__u32)sizeof(probe_size) + (((__u32)len + 7) & ~7u);
}

static __always_inline void array(struct scratch *s, __u64 from, __u64 count,
				  __u32 element)
{
	__u32 at = offset(s), bytes;

	if (count > PROBE_ARRAY_MAX / element)
		count = PROBE_ARRAY_MAX / element;
	bytes = (__u32)count * element;
	if (bytes > PROBE_ARRAY_MAX ||
	    bpf_probe_read_user(s->data + at + sizeof(probe_size), bytes,
				(const void *)from))
		bytes = 0;
	*(probe_size *)(s->data + at) = bytes / element;
	s->head.len = at + (__u32)sizeof(probe_size) + ((bytes + 7) & ~7u);
}

static __always_inline int end(struct scratch *s)
{
	__u32 len = s->head.len;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (len > PROBE_DATA_MAX)
		len = PROBE_DATA_MAX;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= settings.wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	/* Where there is no room, the thread's count says so. */
	bpf_ringbuf_output(&ring, &s->head, sizeof(s->head) + len, flags);
	barrier();
	*(volatile __u64 *)&s->taken = 0;
	return 0;
}

#include "trace/probes.inc" /* generated */
