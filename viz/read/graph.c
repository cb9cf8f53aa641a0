/* SPDX-License-Identifier: MIT */
#include "viz/read/graph.h"

#include <babeltrace2/babeltrace.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "viz/guard.h"
#include "viz/read/classes.h"
#include "viz/read/loss.h"
#include "viz/text.h"

struct sink {
	struct trace_log *log;
	struct classes classes;
	bt_message_iterator *iterator;
	int error;	  /* of ours, -errno: not the decoder's */
	bool takes_turns; /* stop after what is there, for graph_pace */
	bool idle;	  /* nothing had come */
};

/* ---- the sink component ------------------------------------------------- */

static bt_component_class_initialize_method_status
sink_initialize(bt_self_component_sink *self,
		bt_self_component_sink_configuration *config,
		const bt_value *params, void *data)
{
	(void)config;
	(void)params;
	bt_self_component_set_data(
		bt_self_component_sink_as_self_component(self), data);
	if (bt_self_component_sink_add_input_port(self, "in", NULL, NULL) !=
	    BT_SELF_COMPONENT_ADD_PORT_STATUS_OK)
		return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
	return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

static struct sink *sink_of(bt_self_component_sink *self)
{
	return bt_self_component_get_data(
		bt_self_component_sink_as_self_component(self));
}

static bt_component_class_sink_graph_is_configured_method_status
sink_configured(bt_self_component_sink *self)
{
	struct sink *sink = sink_of(self);

	if (bt_message_iterator_create_from_sink_component(
		    self,
		    bt_self_component_sink_borrow_input_port_by_index(self, 0),
		    &sink->iterator) !=
	    BT_MESSAGE_ITERATOR_CREATE_FROM_SINK_COMPONENT_STATUS_OK)
		return BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_ERROR;
	return BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_OK;
}

static int take_message(struct sink *sink, const bt_message *message)
{
	switch (bt_message_get_type(message)) {
	case BT_MESSAGE_TYPE_EVENT:
		return classes_record(&sink->classes, sink->log, message);
	case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
		return loss_of_events(sink->log, message);
	case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
		return loss_of_packets(sink->log, message);
	case BT_MESSAGE_TYPE_STREAM_BEGINNING:
		return loss_before(sink->log, message);
	default:
		return 0;
	}
}

/*
 * The decoder gives out what came before an error, and the error the next time
 * it is asked; until then nothing else may be.
 */
static bool error_pending(void)
{
	const bt_error *error = bt_current_thread_take_error();

	if (error)
		bt_current_thread_move_error(error);
	return error;
}

static bt_component_class_sink_consume_method_status
sink_consume(bt_self_component_sink *self)
{
	struct sink *sink = sink_of(self);
	bt_message_array_const messages;
	uint64_t n, i;

	switch (bt_message_iterator_next(sink->iterator, &messages, &n)) {
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_OK:
		break;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_END:
		return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_AGAIN:
		sink->idle = true;
		return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_AGAIN;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_MEMORY_ERROR:
		sink->error = -ENOMEM;
		return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_MEMORY_ERROR;
	default:
		return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_ERROR;
	}
	for (i = 0; i < n; i++) {
		if (!sink->error)
			sink->error = take_message(sink, messages[i]);
		bt_message_put_ref(messages[i]);
	}
	guard_progress("events read", sink->log->n);
	if (sink->error)
		return BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_ERROR;
	sink->idle = false;
	return sink->takes_turns && !error_pending()
		       ? BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_AGAIN
		       : BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_OK;
}

static bt_component_class_sink *sink_class(void)
{
	bt_component_class_sink *class;

	class = bt_component_class_sink_create("log", sink_consume);
	if (!class)
		return NULL;
	bt_component_class_sink_set_initialize_method(class, sink_initialize);
	bt_component_class_sink_set_graph_is_configured_method(class,
							       sink_configured);
	return class;
}

/* ---- the graph ---------------------------------------------------------- */

struct graph {
	bt_graph *graph;
	const bt_plugin *ctf, *utils;
	const bt_component_filter *muxer;
};

/* The decoder's own words; cleaned, since they may quote the file. */
static void decoder_said(char *buf, size_t cap)
{
	const bt_error *error = bt_current_thread_take_error();
	const char *text;

	*buf = '\0';
	if (!error)
		return;
	if (bt_error_get_cause_count(error)) {
		text = bt_error_cause_get_message(
			bt_error_borrow_cause_by_index(error, 0));
		clean_text(buf, cap, text, strlen(text));
	}
	bt_error_release(error);
}

static const bt_plugin *plugin(const char *name)
{
	const bt_plugin *p = NULL;

	if (bt_plugin_find(name, BT_TRUE, BT_FALSE, BT_TRUE, BT_TRUE, BT_FALSE,
			   &p) != BT_PLUGIN_FIND_STATUS_OK)
		return NULL;
	return p;
}

static void graph_free(struct graph *g)
{
	char said[8];

	BT_GRAPH_PUT_REF_AND_RESET(g->graph);
	BT_PLUGIN_PUT_REF_AND_RESET(g->ctf);
	BT_PLUGIN_PUT_REF_AND_RESET(g->utils);
	decoder_said(said, sizeof(said));
}

static int graph_make(struct graph *g)
{
	memset(g, 0, sizeof(*g));
	bt_logging_set_global_level(BT_LOGGING_LEVEL_NONE);
	g->ctf = plugin("ctf");
	g->utils = plugin("utils");
	if (!g->ctf || !g->utils)
		return -ENOSYS;
	g->graph = bt_graph_create(0);
	return g->graph ? 0 : -ENOMEM;
}

/* -EBADMSG: the decoder will not have it. */
static int graph_add_source(struct graph *g, const struct graph_input *in,
			    const char *name, const bt_component_source **out)
{
	const bt_component_class_source *class;
	bt_value *params = bt_value_map_create(), *inputs = NULL;
	int rc = -ENOMEM;
	size_t i;

	class = bt_plugin_borrow_source_component_class_by_name_const(
		g->ctf, in->is_live ? "lttng-live" : "fs");
	if (!class) {
		rc = -ENOSYS;
		goto out;
	}
	if (!params ||
	    bt_value_map_insert_empty_array_entry(params, "inputs", &inputs) !=
		    BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK)
		goto out;
	for (i = 0; i < in->n; i++)
		if (bt_value_array_append_string_element(inputs, in->dir[i]) !=
		    BT_VALUE_ARRAY_APPEND_ELEMENT_STATUS_OK)
			goto out;
	if (in->is_live &&
	    bt_value_map_insert_string_entry(params, "session-not-found-action",
					     "fail") !=
		    BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK)
		goto out;
	rc = bt_graph_add_source_component(g->graph, class, name, params,
					   BT_LOGGING_LEVEL_NONE, out) ==
			     BT_GRAPH_ADD_COMPONENT_STATUS_OK
		     ? 0
		     : -EBADMSG;
out:
	bt_value_put_ref(params);
	return rc;
}

bool graph_opens(const char **dirs, size_t n)
{
	const struct graph_input in = { .dir = dirs, .n = n };
	const bt_component_source *source;
	struct graph g;
	int rc;

	guard_beat();
	rc = graph_make(&g);
	if (!rc)
		rc = graph_add_source(&g, &in, "probe", &source);
	graph_free(&g);
	return rc == 0;
}

static int graph_add_muxer(struct graph *g)
{
	const bt_component_class_filter *class =
		bt_plugin_borrow_filter_component_class_by_name_const(g->utils,
								      "muxer");

	if (!class)
		return -ENOSYS;
	return bt_graph_add_filter_component(
		       g->graph, class, "muxer", NULL, BT_LOGGING_LEVEL_NONE,
		       &g->muxer) == BT_GRAPH_ADD_COMPONENT_STATUS_OK
		       ? 0
		       : -ENOMEM;
}

/* All outputs of a source to the muxer, which grows an input for each. */
static int graph_connect(struct graph *g, const bt_component_source *source)
{
	uint64_t n = bt_component_source_get_output_port_count(source), i;
	const bt_port_input *to;

	for (i = 0; i < n; i++) {
		to = bt_component_filter_borrow_input_port_by_index_const(
			g->muxer,
			bt_component_filter_get_input_port_count(g->muxer) - 1);
		if (bt_graph_connect_ports(
			    g->graph,
			    bt_component_source_borrow_output_port_by_index_const(
				    source, i),
			    to, NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK)
			return -EBADMSG;
	}
	return 0;
}

static int graph_add_sink(struct graph *g, struct sink *sink)
{
	bt_component_class_sink *class = sink_class();
	const bt_component_sink *component;
	int rc = -ENOMEM;

	if (!class)
		return rc;
	if (bt_graph_add_sink_component_with_initialize_method_data(
		    g->graph, class, "log", NULL, sink, BT_LOGGING_LEVEL_NONE,
		    &component) == BT_GRAPH_ADD_COMPONENT_STATUS_OK &&
	    bt_graph_connect_ports(
		    g->graph,
		    bt_component_filter_borrow_output_port_by_index_const(
			    g->muxer, 0),
		    bt_component_sink_borrow_input_port_by_index_const(
			    component, 0),
		    NULL) == BT_GRAPH_CONNECT_PORTS_STATUS_OK)
		rc = 0;
	bt_component_class_sink_put_ref(class);
	return rc;
}

static int graph_run(struct graph *g, struct sink *sink,
		     const struct graph_pace *pace, char *said, size_t cap)
{
	bt_graph_run_status status;

	sink->takes_turns = pace;
	do {
		status = bt_graph_run(g->graph);
	} while (status == BT_GRAPH_RUN_STATUS_AGAIN &&
		 (!pace || pace->turn(sink->idle, pace->data)));
	if (status >= 0)
		return 0; /* to the end, or far enough */
	decoder_said(said, cap);
	if (sink->error)
		return sink->error;
	return status == BT_GRAPH_RUN_STATUS_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
}

int graph_read(const struct graph_input *in, size_t n, struct trace_log *log,
	       const struct graph_pace *pace, char *said, size_t cap)
{
	const bt_component_source *source;
	struct sink sink = { .log = log };
	struct graph g;
	char name[32];
	size_t i;
	int rc;

	*said = '\0';
	rc = classes_init(&sink.classes);
	if (rc)
		return rc;
	rc = graph_make(&g);
	if (!rc)
		rc = graph_add_muxer(&g);
	for (i = 0; !rc && i < n; i++) {
		snprintf(name, sizeof(name), "trace %zu", i);
		rc = graph_add_source(&g, &in[i], name, &source);
		if (rc == -EBADMSG)
			decoder_said(said, cap);
		if (!rc)
			rc = graph_connect(&g, source);
	}
	if (!rc)
		rc = graph_add_sink(&g, &sink);
	if (!rc)
		rc = graph_run(&g, &sink, pace, said, cap);
	/* The iterator belongs to the graph; the classes are freed last. */
	if (sink.iterator)
		bt_message_iterator_put_ref(sink.iterator);
	graph_free(&g);
	classes_free(&sink.classes);
	return rc;
}
