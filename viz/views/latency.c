/* SPDX-License-Identifier: MIT */
/* How long each stage took, over all requests of a device. */
#include <errno.h>
#include <json-c/json.h>

#include "viz/model/latency.h"
#include "viz/views/view.h"

static const char *op_word(uint8_t op)
{
	const char *w = ev_word_find(&ev_words_op, op);

	return w ? w : "unknown";
}

static void row_text(const struct latency *row, struct text *out)
{
	char t[TEXT_NS_MAX];
	uint64_t figure[5] = {row->min_ns, row->median_ns, row->p90_ns,
			      row->p99_ns, row->max_ns};
	unsigned i;

	text_printf(out, "  %-9s %-10s %9llu", op_word(row->op),
		    span_names[row->span], (unsigned long long)row->count);
	for (i = 0; i < 5; i++) {
		text_add(out, " ");
		text_add_padded(out, text_ns(t, (int64_t)figure[i]), -10);
	}
	text_add(out, "\n");
}

static void to_text(const struct model *m, const struct latencies *l,
		    struct text *out)
{
	uint32_t device = UINT32_MAX;
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct latency *row = &l->row[i];

		if (row->device != device) {
			device = row->device;
			text_printf(
				out,
				"domain %u device %u\n  %-9s %-10s %9s %10s "
				"%10s %10s %10s %10s\n",
				m->device[device].domid,
				m->device[device].devid, "operation", "stage",
				"count", "min", "median", "p90", "p99", "max");
		}
		row_text(row, out);
	}
	text_add(out, "\n");
	for (i = 0; i < SPAN_COUNT; i++)
		text_printf(out, "  %-10s %s\n", span_names[i],
			    span_meanings[i]);
}

static void to_json(const struct model *m, const struct latencies *l,
		    struct text *out)
{
	json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct latency *row = &l->row[i];
		json_object *o = json_object_new_object();

#define ADD(key, value) json_object_object_add(o, key, value)
		ADD("domid", json_object_new_int(m->device[row->device].domid));
		ADD("devid",
		    json_object_new_int64(m->device[row->device].devid));
		ADD("op", json_object_new_string(op_word(row->op)));
		ADD("stage", json_object_new_string(span_names[row->span]));
		ADD("count", json_object_new_uint64(row->count));
		ADD("min_ns", json_object_new_uint64(row->min_ns));
		ADD("median_ns", json_object_new_uint64(row->median_ns));
		ADD("p90_ns", json_object_new_uint64(row->p90_ns));
		ADD("p99_ns", json_object_new_uint64(row->p99_ns));
		ADD("max_ns", json_object_new_uint64(row->max_ns));
#undef ADD
		json_object_array_add(list, o);
	}
	text_add(out,
		 json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY));
	text_add(out, "\n");
	json_object_put(list);
}

static int latency_show(const struct model *m, const struct view_options *o,
			struct text *out, struct why *why)
{
	struct latencies l;
	uint32_t device = MODEL_NONE;
	int err = view_device(m, o, &device, why);

	if (err)
		return err;
	err = latencies_make(m, o->device_given ? device : MODEL_NONE, &l);
	if (err)
		return why_set(why, err, "no memory for the latencies");
	if (!l.n)
		err = why_set(why, -ENOENT, "the trace holds no request");
	else if (o->format == VIEW_JSON)
		to_json(m, &l, out);
	else
		to_text(m, &l, out);
	latencies_free(&l);
	return err;
}

const struct view view_latency = {
	.name = "latency",
	.what = "how long each stage took",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_JSON,
	.show = latency_show,
};
