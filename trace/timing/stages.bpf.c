// SPDX-License-Identifier: MIT
/*
 * BPF programs on the USDT probes of a ringsided that count how long each
 * stage of a request took.  Nothing goes to user space but the histograms,
 * when they are asked for.  The licence that the kernel sees is "Dual
 * MIT/GPL", for it lends its helpers to GPL programs only.
 *
 * All of a request is counted when it is answered, by the times that it left
 * on its way.  Maps forget what is oldest: a queue that ends leaves requests
 * that nobody answers.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <asm/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#include "trace/timing/stage.h"

#define REQUESTS 32768
#define QUEUES	 4096
#define ENTRIES	 512u /* of the largest ring */
#define RESPONSE 1    /* enum side of the catalogue */

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct request_key {
	__u64 origin;
	__u64 number; /* seq; of those answered the response's index */
};

struct request_times {
	__u64 take, check, submit, done; /* 0: it was not there yet */
};

struct span {
	__u32 from, to; /* indices of responses */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REQUESTS);
	__type(key, struct request_key);
	__type(value, struct request_times);
} requests SEC(".maps");

/* When those were answered that the frontend has not been told of. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REQUESTS);
	__type(key, struct request_key);
	__type(value, __u64);
} answered SEC(".maps");

/* What waits for a notification, by the origin. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QUEUES);
	__type(key, __u64);
	__type(value, struct span);
} published SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct timing_stage_key);
	__type(value, struct timing_hist);
} stages SEC(".maps");

static const struct timing_hist none;

static __always_inline __u64 argument(struct pt_regs *ctx, __u64 i)
{
	long value = 0;

	bpf_usdt_arg(ctx, i, &value);
	return (__u64)value;
}

/* The packed origin (trace-gen): actor, queue, domid, devid from bit 0 on. */
static __always_inline struct timing_hist *hist_of(__u64 origin, __u16 stage)
{
	struct timing_stage_key key = {
		.devid = (__u32)(origin >> 32),
		.domid = (__u16)(origin >> 16),
		.stage = stage,
	};
	struct timing_hist *h = bpf_map_lookup_elem(&stages, &key);

	if (h)
		return h;
	bpf_map_update_elem(&stages, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&stages, &key);
}

/* Its own function, which the verifier looks at once and not in each turn. */
__attribute__((noinline)) __u32 slot_of(__u64 ns)
{
	return timing_slot(ns);
}

static __always_inline void hist_add(struct timing_hist *h, __u64 ns)
{
	__u32 slot = slot_of(ns);

	if (slot >= TIMING_SLOTS) /* for the verifier */
		return;
	__sync_fetch_and_add(&h->slot[slot], 1);
	__sync_fetch_and_add(&h->sum_ns, ns);
}

/* Only what has both ends: not what was under way when we came. */
static __always_inline void count(__u64 origin, __u16 stage, __u64 from,
				  __u64 to)
{
	struct timing_hist *h;

	if (!from || to < from)
		return;
	h = hist_of(origin, stage);
	if (h)
		hist_add(h, to - from);
}

static __always_inline struct request_times *times_of(struct pt_regs *ctx)
{
	struct request_key key = { argument(ctx, 0), argument(ctx, 1) };

	return bpf_map_lookup_elem(&requests, &key);
}

SEC("usdt")
int on_request_take(struct pt_regs *ctx)
{
	struct request_times t = { .take = bpf_ktime_get_ns() };
	struct request_key key = { argument(ctx, 0), argument(ctx, 1) };

	bpf_map_update_elem(&requests, &key, &t, BPF_ANY);
	return 0;
}

SEC("usdt")
int on_request_check(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct request_times *t = times_of(ctx);

	if (t)
		t->check = now;
	return 0;
}

SEC("usdt")
int on_disk_submit(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct request_times *t = times_of(ctx);

	if (t && !t->submit)
		t->submit = now;
	return 0;
}

SEC("usdt")
int on_disk_done(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct request_times *t = times_of(ctx);

	if (t)
		t->done = now;
	return 0;
}

SEC("usdt")
int on_request_respond(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns(), origin = argument(ctx, 0);
	struct request_key key = { origin, argument(ctx, 1) };
	struct request_key answer = { origin, (__u32)argument(ctx, 3) };
	struct request_times *t = bpf_map_lookup_elem(&requests, &key);

	if (!t)
		return 0;
	count(origin, TIMING_CHECK, t->take, t->check);
	count(origin, TIMING_START, t->check, t->submit);
	count(origin, TIMING_STORAGE, t->submit, t->done);
	count(origin, TIMING_ANSWER, t->done, now);
	count(origin, TIMING_ALL, t->take, now);
	bpf_map_delete_elem(&requests, &key);
	bpf_map_update_elem(&answered, &answer, &now, BPF_ANY);
	return 0;
}

static __always_inline void told(__u64 origin, const struct span *of, __u64 now)
{
	__u32 from = of->from, n = of->to - from;
	struct timing_hist *h = hist_of(origin, TIMING_TELL);

	for (__u32 i = 0; h && i < ENTRIES && i < n; i++) {
		struct request_key key = { origin, (__u32)(from + i) };
		__u64 *at = bpf_map_lookup_elem(&answered, &key);

		if (!at)
			continue;
		hist_add(h, now - *at);
		bpf_map_delete_elem(&answered, &key);
	}
}

SEC("usdt")
int on_ring_notify(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns(), origin = argument(ctx, 0);
	struct span of = { (__u32)argument(ctx, 2), (__u32)argument(ctx, 3) };

	if (argument(ctx, 1) != RESPONSE)
		return 0;
	if ((__u8)argument(ctx, 5))
		bpf_map_update_elem(&published, &origin, &of, BPF_ANY);
	else
		told(origin, &of, now);
	return 0;
}

SEC("usdt")
int on_evtchn_notify(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns(), origin = argument(ctx, 0);
	struct span *of = bpf_map_lookup_elem(&published, &origin);

	if (!of)
		return 0;
	told(origin, of, now);
	bpf_map_delete_elem(&published, &origin);
	return 0;
}
