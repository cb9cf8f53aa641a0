/* SPDX-License-Identifier: MIT */
#include "viz/read/loss.h"

#include "trace/packet.h"

static int64_t sane_ns(int64_t ns)
{
	return ns < 0 ? 0 : ns > INT64_MAX / 4 ? INT64_MAX / 4 : ns;
}

static int64_t snapshot_ns(const bt_clock_snapshot *snapshot)
{
	int64_t ns = 0;

	bt_clock_snapshot_get_ns_from_origin(snapshot, &ns);
	return sane_ns(ns);
}

/* Where no times are told: at the last event. */
static int loss_untimed(struct trace_log *log, struct log_loss *loss)
{
	if (log->n)
		loss->from_ns = loss->to_ns = log->rec[log->n - 1].t_ns;
	return log_append_loss(log, loss);
}

int loss_of_events(struct trace_log *log, const bt_message *message)
{
	struct log_loss loss = { .before = log->n };

	if (bt_message_discarded_events_get_count(message, &loss.count) !=
	    BT_PROPERTY_AVAILABILITY_AVAILABLE)
		loss.count = 0;
	if (!bt_stream_class_discarded_events_have_default_clock_snapshots(
		    bt_stream_borrow_class_const(
			    bt_message_discarded_events_borrow_stream_const(
				    message))))
		return loss_untimed(log, &loss);
	loss.from_ns = snapshot_ns(
		bt_message_discarded_events_borrow_beginning_default_clock_snapshot_const(
			message));
	loss.to_ns = snapshot_ns(
		bt_message_discarded_events_borrow_end_default_clock_snapshot_const(
			message));
	return log_append_loss(log, &loss);
}

int loss_of_packets(struct trace_log *log, const bt_message *message)
{
	struct log_loss loss = { .before = log->n, .packets = true };

	if (bt_message_discarded_packets_get_count(message, &loss.count) !=
	    BT_PROPERTY_AVAILABILITY_AVAILABLE)
		loss.count = 0;
	if (!bt_stream_class_discarded_packets_have_default_clock_snapshots(
		    bt_stream_borrow_class_const(
			    bt_message_discarded_packets_borrow_stream_const(
				    message))))
		return loss_untimed(log, &loss);
	loss.from_ns = snapshot_ns(
		bt_message_discarded_packets_borrow_beginning_default_clock_snapshot_const(
			message));
	loss.to_ns = snapshot_ns(
		bt_message_discarded_packets_borrow_end_default_clock_snapshot_const(
			message));
	return log_append_loss(log, &loss);
}

int loss_before(struct trace_log *log, const bt_message *message)
{
	const bt_stream *stream =
		bt_message_stream_beginning_borrow_stream_const(message);
	const bt_clock_class *clock =
		bt_stream_class_borrow_default_clock_class_const(
			bt_stream_borrow_class_const(stream));
	struct log_loss loss = { .before = log->n,
				 .packets = true,
				 .overwritten = true,
				 .from_ns = LOG_EVER };
	uint64_t begin;
	int64_t ns = 0;

	/* babeltrace names a stream by its file. */
	loss.count = trace_packets_before(bt_stream_get_name(stream), &begin);
	if (!loss.count || !clock ||
	    bt_clock_class_cycles_to_ns_from_origin(clock, begin, &ns))
		return 0;
	loss.to_ns = sane_ns(ns);
	log->snapshot = true;
	return log_append_loss(log, &loss);
}
