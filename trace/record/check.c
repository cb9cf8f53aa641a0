/* SPDX-License-Identifier: MIT */
#include "trace/record/check.h"

#include <babeltrace2/babeltrace.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/packet.h"
#include "trace/record/dir.h"
#include "trace/record/part.h"
#include "trace/record/proc.h"

#define COUNTED_EVERY 1000000u /* twice a second or so */

struct reading {
	struct record_part *part;
	const volatile sig_atomic_t *stop;
	void (*counted)(uint64_t events); /* or NULL */
	uint64_t before;		  /* events of other parts */
};

/*
 * One stream of it, the ring of a processor.  Its packets carry a running
 * count of discarded events, of which babeltrace gives the differences.  With
 * many threads LTTng now and then writes 0 into one packet, a huge difference
 * down and one up again: the highest count is the true one.
 */
struct stream {
	struct reading *r;
	uint64_t discarded, highest;
	uint64_t overwritten; /* packets before its first one */
	bool cut;	      /* something is missing before the next event */
};

/* ---- one part, by libbabeltrace2 ---------------------------------------- */

static void event_count(struct stream *stream, const bt_message *message)
{
	const struct reading *r = stream->r;
	struct record_part *part = r->part;
	const bt_event *event = bt_message_event_borrow_event_const(message);
	const char *name =
		bt_event_class_get_name(bt_event_borrow_class_const(event));
	int64_t ns = 0;

	bt_clock_snapshot_get_ns_from_origin(
		bt_message_event_borrow_default_clock_snapshot_const(message),
		&ns);
	if (stream->cut && ns > part->whole_ns)
		part->whole_ns = ns;
	stream->cut = false;
	if (ns > part->end_ns)
		part->end_ns = ns;
	part->events++;
	if (r->counted && (r->before + part->events) % COUNTED_EVERY == 0)
		r->counted(r->before + part->events);
	if (name && !strcmp(name, "ringside:program_stop"))
		part->said_end = true;
}

/* babeltrace names a stream by its file. */
static void stream_begin(struct stream *stream, const bt_message *message)
{
	const char *path = bt_stream_get_name(
		bt_message_stream_beginning_borrow_stream_const(message));
	uint64_t begin;

	stream->overwritten = trace_packets_before(path, &begin);
	stream->cut = stream->overwritten;
	stream->r->part->overwritten += stream->overwritten;
}

static void message_count(struct stream *stream, const bt_message *message)
{
	struct record_part *part = stream->r->part;
	uint64_t n = 1; /* where the trace does not say how many */

	switch (bt_message_get_type(message)) {
	case BT_MESSAGE_TYPE_STREAM_BEGINNING:
		stream_begin(stream, message);
		break;
	case BT_MESSAGE_TYPE_EVENT:
		event_count(stream, message);
		break;
	case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
		stream->cut = true;
		/* What it counts may be from before the first packet. */
		if (bt_message_discarded_events_get_count(message, &n) ==
			    BT_PROPERTY_AVAILABILITY_NOT_AVAILABLE &&
		    stream->overwritten)
			break;
		stream->discarded += n;
		if (stream->discarded > stream->highest) {
			part->discarded += stream->discarded - stream->highest;
			stream->highest = stream->discarded;
		}
		break;
	case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
		bt_message_discarded_packets_get_count(message, &n);
		part->packets += n;
		stream->cut = true;
		break;
	default:
		break;
	}
}

static bt_graph_simple_sink_component_consume_func_status
consume(bt_message_iterator *iterator, void *data)
{
	struct stream *stream = data;
	const volatile sig_atomic_t *stop = stream->r->stop;
	bt_message_array_const messages;
	uint64_t count;

	if (stop && *stop)
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_END;
	switch (bt_message_iterator_next(iterator, &messages, &count)) {
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_OK:
		break;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_END:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_END;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_AGAIN:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_AGAIN;
	default:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_ERROR;
	}
	for (uint64_t i = 0; i < count; i++) {
		message_count(stream, messages[i]);
		bt_message_put_ref(messages[i]);
	}
	return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_OK;
}

/* A source that reads the one directory; its parameters name it. */
static const bt_component_source *
source_add(bt_graph *graph, const bt_component_class_source *class,
	   const char *path)
{
	bt_value *params = bt_value_map_create(), *inputs = NULL;
	const bt_component_source *source = NULL;

	if (params &&
	    !bt_value_map_insert_empty_array_entry(params, "inputs", &inputs) &&
	    !bt_value_array_append_string_element(inputs, path))
		bt_graph_add_source_component(graph, class, "trace", params,
					      BT_LOGGING_LEVEL_NONE, &source);
	bt_value_put_ref(params);
	return source;
}

/* A sink for each stream: nothing needs to be merged by time. */
static int sinks_add(bt_graph *graph, const bt_component_source *source,
		     struct stream *streams, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const bt_component_sink *sink;
		char name[32];

		snprintf(name, sizeof(name), "count-%u", (unsigned)i);
		if (bt_graph_add_simple_sink_component(graph, name, NULL,
						       consume, NULL,
						       &streams[i], &sink) ||
		    bt_graph_connect_ports(
			    graph,
			    bt_component_source_borrow_output_port_by_index_const(
				    source, i),
			    bt_component_sink_borrow_input_port_by_index_const(
				    sink, 0),
			    NULL))
			return -EIO;
	}
	return 0;
}

/* -EIO: it cannot be read, or not to its end. */
static int part_read(const bt_component_class_source *class, struct reading *r)
{
	bt_graph *graph = bt_graph_create(0);
	const bt_component_source *source;
	struct stream *streams = NULL;
	uint64_t count = 0;
	int err = -EIO;

	if (!graph)
		return -ENOMEM;
	source = source_add(graph, class, r->part->path);
	if (!source) {
		err = record_part_has_data(r->part) ? -EIO : 0;
		goto out;
	}
	count = bt_component_source_get_output_port_count(source);
	if (!count) {
		/* babeltrace takes empty metadata for a trace of nothing. */
		err = record_part_has_data(r->part) ? -EIO : 0;
		goto out;
	}
	streams = calloc(count, sizeof(*streams));
	if (!streams) {
		err = -ENOMEM;
		goto out;
	}
	for (uint64_t i = 0; i < count; i++)
		streams[i].r = r;
	if (!sinks_add(graph, source, streams, count)) {
		bt_graph_run_status status;

		do
			status = bt_graph_run(graph);
		while (status == BT_GRAPH_RUN_STATUS_AGAIN);
		err = status == BT_GRAPH_RUN_STATUS_OK ||
				      !record_part_has_data(r->part)
			      ? 0
			      : -EIO;
	}
out:
	bt_graph_put_ref(graph);
	free(streams);
	bt_current_thread_clear_error();
	return err;
}

/* ---- all parts ---------------------------------------------------------- */

int *record_check_running(const char *dir, unsigned *running_count)
{
	struct record_part *parts = NULL;
	int count = record_parts_find(dir, &parts);
	int *pids = NULL;

	*running_count = 0;
	if (count > 0)
		pids = calloc((unsigned)count, sizeof(*pids));
	for (int i = 0; pids && i < count; i++)
		if (record_proc_runs(parts[i].pid))
			pids[(*running_count)++] = parts[i].pid;
	if (count >= 0)
		record_parts_free(parts, (unsigned)count);
	return pids;
}

static bool is_among(int pid, const int *pids, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return record_proc_runs(pid);
}

static void part_sum(struct record_part *part, int err, bool running,
		     struct record_summary *sum)
{
	bool lost = part->discarded || part->packets;

	if (part->pid == getpid() ||
	    (part->pid && !err && !part->events && !lost)) {
		record_dir_remove(part->path);
		return;
	}
	sum->processes++;
	sum->events += part->events;
	sum->discarded += part->discarded;
	sum->packets += part->packets;
	sum->overwritten += part->overwritten;
	if (part->whole_ns > sum->whole_ns)
		sum->whole_ns = part->whole_ns;
	if (part->end_ns > sum->end_ns)
		sum->end_ns = part->end_ns;
	if (err && !sum->damaged++)
		snprintf(sum->damaged_name, sizeof(sum->damaged_name), "%s",
			 part->name);
	if (part->pid && !err && !running && !part->said_end && !sum->killed++)
		snprintf(sum->killed_name, sizeof(sum->killed_name), "%s",
			 part->name);
}

int record_check(const char *dir, const int *running, unsigned running_count,
		 const volatile sig_atomic_t *stop,
		 void (*counted)(uint64_t events), struct record_summary *sum)
{
	const bt_component_class_source *class;
	const bt_plugin *plugin = NULL;
	struct record_part *parts = NULL;
	int count, err = 0;

	memset(sum, 0, sizeof(*sum));
	count = record_parts_find(dir, &parts);
	if (count < 0)
		return count;
	if (bt_plugin_find("ctf", BT_TRUE, BT_TRUE, BT_TRUE, BT_FALSE, BT_FALSE,
			   &plugin) != BT_PLUGIN_FIND_STATUS_OK) {
		bt_current_thread_clear_error();
		err = -ENOENT;
		goto out;
	}
	class = bt_plugin_borrow_source_component_class_by_name_const(plugin,
								      "fs");
	for (int i = 0; i < count && !(stop && *stop); i++) {
		struct reading r = { &parts[i], stop, counted, sum->events };

		err = part_read(class, &r);
		if (err == -ENOMEM)
			goto out;
		if (!(stop && *stop))
			part_sum(&parts[i], err,
				 is_among(parts[i].pid, running, running_count),
				 sum);
	}
	err = 0;
	sum->complete = !(stop && *stop);
out:
	if (plugin)
		bt_plugin_put_ref(plugin);
	record_parts_free(parts, (unsigned)count);
	return err;
}
