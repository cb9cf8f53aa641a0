/* SPDX-License-Identifier: MIT */
/*
 * A graph of two components: a source of our own, whose iterator gives out
 * the messages that are ready, and sink.ctf.fs.  Whenever a packet is full its
 * messages become ready, and the graph runs until it wants more.
 *
 * Streams take turns by packets, so the messages of different streams are not
 * in the order of time.  What writes each stream into a file of its own does
 * not mind, and no event waits for a slow thread.
 */
#include "trace/ctf/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "trace/ctf/packet.h"
#include "trace/ctf/schema.h"

#define NS_IN_S	     1000000000
#define CLOCK_PROBES 10

struct ctf_writer {
	bt_graph *graph;
	bt_trace *trace;
	struct ctf_schema schema;
	struct ctf_about about;
	struct ctf_queue ready;
	struct ctf_stream **streams;
	size_t streams_n;
	bool closing;
	int failed; /* -errno */
};

/* The wall clock's time of CLOCK_MONOTONIC's 0, as of now. */
static int64_t clock_offset_ns(void)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < CLOCK_PROBES; i++) {
		struct timespec a, real, b;
		int64_t from, took;

		clock_gettime(CLOCK_MONOTONIC, &a);
		clock_gettime(CLOCK_REALTIME, &real);
		clock_gettime(CLOCK_MONOTONIC, &b);
		from = a.tv_sec * (int64_t)NS_IN_S + a.tv_nsec;
		took = b.tv_sec * (int64_t)NS_IN_S + b.tv_nsec - from;
		if (took >= best)
			continue;
		best = took;
		offset = real.tv_sec * (int64_t)NS_IN_S + real.tv_nsec - from -
			 took / 2;
	}
	return offset;
}

/* What babeltrace itself says of an error. */
static int failed(struct ctf_writer *w, int err, struct why *why)
{
	const bt_error *error = bt_current_thread_take_error();
	const char *said = NULL;

	if (error && bt_error_get_cause_count(error))
		said = bt_error_cause_get_message(
			bt_error_borrow_cause_by_index(error, 0));
	why_set(why, err, "the trace in %s cannot be written: %s", w->about.dir,
		said ? said : strerror(-err));
	if (error)
		bt_error_release(error);
	w->failed = err;
	return err;
}

/* ---- the source -----------------------------------------------------------
 */

static int trace_make(struct ctf_writer *w, bt_self_component *self)
{
	char host[256] = "";
	uint8_t uuid[16];

	if (ctf_schema_make(&w->schema, self, clock_offset_ns()))
		return -ENOMEM;
	w->trace = bt_trace_create(w->schema.trace_class);
	if (!w->trace)
		return -ENOMEM;
	if (getrandom(uuid, sizeof(uuid), 0) == sizeof(uuid))
		bt_trace_set_uuid(w->trace, uuid);
	gethostname(host, sizeof(host) - 1);
	if (bt_trace_set_environment_entry_string(w->trace, "hostname", host) ||
	    bt_trace_set_environment_entry_string(w->trace, "domain", "ust") ||
	    bt_trace_set_environment_entry_string(w->trace, "tracer_name",
						  "ringside") ||
	    bt_trace_set_environment_entry_integer(w->trace, "vpid",
						   w->about.pid) ||
	    bt_trace_set_environment_entry_string(w->trace, "procname",
						  w->about.program))
		return -ENOMEM;
	return 0;
}

static bt_component_class_initialize_method_status
source_init(bt_self_component_source *self,
	    bt_self_component_source_configuration *configuration,
	    const bt_value *params, void *data)
{
	bt_self_component *component =
		bt_self_component_source_as_self_component(self);

	(void)configuration;
	(void)params;
	bt_self_component_set_data(component, data);
	if (trace_make(data, component) ||
	    bt_self_component_source_add_output_port(self, "out", NULL, NULL))
		return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_MEMORY_ERROR;
	return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

static bt_message_iterator_class_initialize_method_status
iterator_init(bt_self_message_iterator *self,
	      bt_self_message_iterator_configuration *configuration,
	      bt_self_component_port_output *port)
{
	struct ctf_writer *w = bt_self_component_get_data(
		bt_self_message_iterator_borrow_component(self));

	(void)configuration;
	(void)port;
	bt_self_message_iterator_set_data(self, w);
	w->ready.iterator = self;
	return BT_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

static bt_message_iterator_class_next_method_status
iterator_next(bt_self_message_iterator *self, bt_message_array_const messages,
	      uint64_t capacity, uint64_t *count)
{
	struct ctf_writer *w = bt_self_message_iterator_get_data(self);

	*count = ctf_queue_take(&w->ready, messages, capacity);
	if (*count)
		return BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_OK;
	return w->closing ? BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_END
			  : BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_AGAIN;
}

/* ---- the graph ------------------------------------------------------------
 */

static const bt_component_source *source_add(struct ctf_writer *w)
{
	const bt_component_source *source = NULL;
	bt_message_iterator_class *ic =
		bt_message_iterator_class_create(iterator_next);
	bt_component_class_source *cc = NULL;

	if (!ic ||
	    bt_message_iterator_class_set_initialize_method(ic, iterator_init))
		goto out;
	cc = bt_component_class_source_create("events", ic);
	if (!cc ||
	    bt_component_class_source_set_initialize_method(cc, source_init))
		goto out;
	bt_graph_add_source_component_with_initialize_method_data(
		w->graph, cc, "events", NULL, w, BT_LOGGING_LEVEL_NONE,
		&source);
out:
	bt_component_class_source_put_ref(cc);
	bt_message_iterator_class_put_ref(ic);
	return source;
}

static const bt_component_sink *sink_add(struct ctf_writer *w,
					 const bt_plugin *plugin)
{
	bt_value *params = bt_value_map_create();
	const bt_component_sink *sink = NULL;

	if (params &&
	    !bt_value_map_insert_string_entry(params, "path", w->about.dir) &&
	    !bt_value_map_insert_bool_entry(params, "assume-single-trace",
					    BT_TRUE) &&
	    !bt_value_map_insert_bool_entry(params, "quiet", BT_TRUE))
		bt_graph_add_sink_component(
			w->graph,
			bt_plugin_borrow_sink_component_class_by_name_const(
				plugin, "fs"),
			"trace", params, BT_LOGGING_LEVEL_NONE, &sink);
	bt_value_put_ref(params);
	return sink;
}

/* Until the sink has taken all that is ready. */
static int run(struct ctf_writer *w, struct why *why)
{
	bt_graph_run_once_status status;

	do
		status = bt_graph_run_once(w->graph);
	while (status == BT_GRAPH_RUN_ONCE_STATUS_OK);
	if (status == BT_GRAPH_RUN_ONCE_STATUS_AGAIN ||
	    status == BT_GRAPH_RUN_ONCE_STATUS_END)
		return 0;
	return failed(w, errno == ENOSPC ? -ENOSPC : -EIO, why);
}

static int graph_make(struct ctf_writer *w, const bt_plugin *plugin,
		      struct why *why)
{
	const bt_component_source *source;
	const bt_component_sink *sink;

	w->graph = bt_graph_create(0);
	if (!w->graph)
		return failed(w, -ENOMEM, why);
	source = source_add(w);
	sink = source ? sink_add(w, plugin) : NULL;
	if (!sink ||
	    bt_graph_connect_ports(
		    w->graph,
		    bt_component_source_borrow_output_port_by_index_const(
			    source, 0),
		    bt_component_sink_borrow_input_port_by_index_const(sink, 0),
		    NULL))
		return failed(w, -EIO, why);
	return run(w, why); /* which makes the iterator */
}

static void writer_free(struct ctf_writer *w)
{
	for (size_t i = 0; i < w->streams_n; i++)
		ctf_stream_free(w->streams[i]);
	free(w->streams);
	ctf_queue_free(&w->ready);
	bt_trace_put_ref(w->trace);
	ctf_schema_free(&w->schema);
	/* Here sink.ctf.fs writes the metadata. */
	bt_graph_put_ref(w->graph);
	free((char *)w->about.dir);
	free((char *)w->about.program);
	free(w);
}

int ctf_writer_open(struct ctf_writer **writer, const struct ctf_about *about,
		    struct why *why)
{
	struct ctf_writer *w = calloc(1, sizeof(*w));
	const bt_plugin *plugin = NULL;
	int err;

	if (!w)
		return why_set(why, -ENOMEM, "no memory");
	w->about = *about;
	w->about.dir = strdup(about->dir);
	w->about.program = strdup(about->program);
	if (!w->about.dir || !w->about.program) {
		err = why_set(why, -ENOMEM, "no memory");
	} else if (bt_plugin_find("ctf", BT_TRUE, BT_TRUE, BT_TRUE, BT_FALSE,
				  BT_FALSE,
				  &plugin) != BT_PLUGIN_FIND_STATUS_OK) {
		bt_current_thread_clear_error();
		err = why_set(why, -ENOENT,
			      "babeltrace2's \"ctf\" plugin is missing; it is "
			      "in Debian's libbabeltrace2-0");
	} else {
		err = graph_make(w, plugin, why);
	}
	if (plugin)
		bt_plugin_put_ref(plugin);
	if (err)
		writer_free(w);
	else
		*writer = w;
	return err;
}

/* ---- streams --------------------------------------------------------------
 */

struct ctf_stream *ctf_writer_stream(struct ctf_writer *w, int tid)
{
	struct ctf_stream **more, *stream;

	for (size_t i = 0; i < w->streams_n; i++)
		if (ctf_stream_tid(w->streams[i]) == tid)
			return w->streams[i];
	more = reallocarray(w->streams, w->streams_n + 1, sizeof(*more));
	if (!more)
		return NULL;
	w->streams = more;
	stream = ctf_stream_make(w, &w->ready, &w->schema, w->trace, tid,
				 w->about.start_ns);
	if (stream)
		w->streams[w->streams_n++] = stream;
	return stream;
}

int ctf_stream_event(struct ctf_stream *stream, const struct ctf_event *event,
		     struct why *why)
{
	struct ctf_writer *w = ctf_stream_writer(stream);

	if (w->failed)
		return w->failed;
	if (ctf_stream_add(stream, event))
		return failed(w, -ENOMEM, why);
	return w->ready.count ? run(w, why) : 0;
}

int ctf_stream_lost(struct ctf_stream *stream, uint64_t count, struct why *why)
{
	struct ctf_writer *w = ctf_stream_writer(stream);

	if (w->failed)
		return w->failed;
	if (ctf_stream_gap(stream, count))
		return failed(w, -ENOMEM, why);
	return w->ready.count ? run(w, why) : 0;
}

int ctf_writer_close(struct ctf_writer *w, uint64_t end_ns, struct why *why)
{
	int err;

	if (!w)
		return 0;
	err = w->failed;
	for (size_t i = 0; !err && i < w->streams_n; i++)
		if (ctf_stream_end(w->streams[i], end_ns))
			err = failed(w, -ENOMEM, why);
	w->closing = true;
	if (!err)
		err = run(w, why);
	writer_free(w);
	return err;
}
