/* SPDX-License-Identifier: MIT */
/*
 * The fields of the catalogue that the model uses, each as a constant.  They
 * are found by name once, when a log is made; a name that the catalogue does
 * not have fails log_init() and the unit test.
 */
#ifndef VIZ_READ_FIELDS_H
#define VIZ_READ_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_FIELDS(X)                                                          \
	X(program_start, program)                                              \
	X(program_start, host)                                                 \
	X(program_start, pid)                                                  \
	X(program_stop, program)                                               \
	X(device_create, path)                                                 \
	X(device_create, target)                                               \
	X(device_create, size)                                                 \
	X(device_resize, before)                                               \
	X(device_resize, size)                                                 \
	X(device_medium, target)                                               \
	X(device_medium, size)                                                 \
	X(device_fault, rule)                                                  \
	X(device_fault, detail)                                                \
	X(device_destroy, path)                                                \
	X(queue_start, ring_entries)                                           \
	X(queue_poll, found)                                                   \
	X(queue_stop, requests)                                                \
	X(queue_stop, responses)                                               \
	X(queue_stop, notifies_sent)                                           \
	X(queue_stop, notifies_saved)                                          \
	X(state_switch, from)                                                  \
	X(state_switch, to)                                                    \
	X(state_seen, state)                                                   \
	X(store_read, path)                                                    \
	X(store_read, value)                                                   \
	X(store_read, error)                                                   \
	X(store_write, path)                                                   \
	X(store_write, value)                                                  \
	X(store_remove, path)                                                  \
	X(store_watch, path)                                                   \
	X(store_watch, token)                                                  \
	X(feature_offer, name)                                                 \
	X(feature_offer, value)                                                \
	X(feature_accept, name)                                                \
	X(feature_accept, value)                                               \
	X(grant_access, gref)                                                  \
	X(grant_access, writable)                                              \
	X(grant_end, gref)                                                     \
	X(grant_end, busy)                                                     \
	X(grant_batch, unmap)                                                  \
	X(grant_batch, requests)                                               \
	X(grant_batch, pages)                                                  \
	X(grant_batch, failed)                                                 \
	X(grant_map, seq)                                                      \
	X(grant_map, writable)                                                 \
	X(grant_map, gref)                                                     \
	X(grant_map, status)                                                   \
	X(grant_unmap, seq)                                                    \
	X(grant_unmap, count)                                                  \
	X(grant_reuse, seq)                                                    \
	X(grant_reuse, count)                                                  \
	X(grant_copy, seq)                                                     \
	X(grant_copy, to_guest)                                                \
	X(grant_copy, gref)                                                    \
	X(grant_copy, status)                                                  \
	X(evtchn_alloc, port)                                                  \
	X(evtchn_bind, port)                                                   \
	X(evtchn_bind, remote_port)                                            \
	X(evtchn_unbind, port)                                                 \
	X(evtchn_notify, port)                                                 \
	X(evtchn_wakeup, port)                                                 \
	X(evtchn_spurious, port)                                               \
	X(ring_map, order)                                                     \
	X(ring_map, entries)                                                   \
	X(ring_map, gref)                                                      \
	X(ring_unmap, entries)                                                 \
	X(ring_consume, side)                                                  \
	X(ring_consume, cons_before)                                           \
	X(ring_consume, cons_after)                                            \
	X(ring_consume, prod)                                                  \
	X(ring_produce, side)                                                  \
	X(ring_produce, prod_before)                                           \
	X(ring_produce, prod_after)                                            \
	X(ring_notify, side)                                                   \
	X(ring_notify, prod_before)                                            \
	X(ring_notify, prod_after)                                             \
	X(ring_notify, event)                                                  \
	X(ring_notify, needed)                                                 \
	X(ring_final_check, side)                                              \
	X(ring_final_check, event)                                             \
	X(ring_final_check, more)                                              \
	X(request_push, seq)                                                   \
	X(request_push, id)                                                    \
	X(request_push, idx)                                                   \
	X(request_push, slot)                                                  \
	X(request_push, op)                                                    \
	X(request_push, segments)                                              \
	X(request_push, sector)                                                \
	X(request_push, len)                                                   \
	X(request_take, seq)                                                   \
	X(request_take, id)                                                    \
	X(request_take, idx)                                                   \
	X(request_take, slot)                                                  \
	X(request_take, op)                                                    \
	X(request_take, segments)                                              \
	X(request_take, sector)                                                \
	X(request_check, seq)                                                  \
	X(request_check, op)                                                   \
	X(request_check, off)                                                  \
	X(request_check, len)                                                  \
	X(request_refuse, seq)                                                 \
	X(request_refuse, id)                                                  \
	X(request_refuse, op)                                                  \
	X(request_refuse, rule)                                                \
	X(request_refuse, detail)                                              \
	X(request_list, seq)                                                   \
	X(request_list, pages)                                                 \
	X(request_list, segments)                                              \
	X(request_tolerate, seq)                                               \
	X(request_tolerate, rule)                                              \
	X(request_tolerate, detail)                                            \
	X(disk_submit, seq)                                                    \
	X(disk_submit, op)                                                     \
	X(disk_submit, off)                                                    \
	X(disk_submit, len)                                                    \
	X(disk_inject, seq)                                                    \
	X(disk_inject, what)                                                   \
	X(disk_inject, rules)                                                  \
	X(disk_inject, held)                                                   \
	X(disk_done, seq)                                                      \
	X(disk_done, error)                                                    \
	X(request_respond, seq)                                                \
	X(request_respond, id)                                                 \
	X(request_respond, idx)                                                \
	X(request_respond, slot)                                               \
	X(request_respond, op)                                                 \
	X(request_respond, status)                                             \
	X(request_complete, seq)                                               \
	X(request_complete, id)                                                \
	X(request_complete, idx)                                               \
	X(request_complete, slot)                                              \
	X(request_complete, status)

enum log_field {
#define X(event, field) LF_##event##_##field,
	LOG_FIELDS(X)
#undef X
		LF_COUNT
};

struct log_place {
	uint8_t kind;  /* enum ev_kind */
	uint8_t field; /* position in the catalogue's event */
	uint8_t word;  /* the same in the record's words */
	bool wide;     /* a u64 */
	bool is_signed;
};

/* Filled by log_init(). */
extern struct log_place log_places[LF_COUNT];

/* Find every place.  0, or -ENOENT: the catalogue lacks a field. */
int log_fields_find(void);

#endif
