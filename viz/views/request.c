/* SPDX-License-Identifier: MIT */
/* One request's story through every layer, as a table. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "viz/views/view.h"

static const struct {
	const char *who, *what;
} stage_words[STAGE_COUNT] = {
	[STAGE_PUSH] = {"frontend", "writes it into its slot"},
	[STAGE_PUBLISH] = {"frontend", "publishes req_prod"},
	[STAGE_TAKE] = {"backend", "copies it out of the ring"},
	[STAGE_CHECK] = {"backend", "has checked it"},
	[STAGE_MAP] = {"backend", "has mapped its grants"},
	[STAGE_SUBMIT] = {"backend", "hands it to the storage"},
	[STAGE_DONE] = {"disk", "is done with it"},
	[STAGE_UNMAP] = {"backend", "has unmapped its grants"},
	[STAGE_RESPOND] = {"backend", "writes the response"},
	[STAGE_PRODUCE] = {"backend", "publishes rsp_prod"},
	[STAGE_COMPLETE] = {"frontend", "takes the response"},
};

static const char *word(const struct ev_words *words, int64_t value)
{
	const char *w = ev_word_find(words, value);

	return w ? w : "unknown";
}

static void to_text(const struct model *m, const struct request *r,
		    struct text *out)
{
	const struct model_queue *q = &m->queue[r->queue];
	const struct model_device *d = &m->device[q->device];
	int64_t start = request_start(r), last = start;
	char size[TEXT_SIZE_MAX], t[TEXT_NS_MAX];
	unsigned i;

	text_printf(out,
		    "request %llu of domain %u device %u queue %u: %s, sector "
		    "%llu, %s, %u segment%s, id %llu, slot %u\n\n",
		    (unsigned long long)request_seq(r), d->domid, d->devid,
		    q->number, word(&ev_words_op, r->op),
		    (unsigned long long)r->sector, text_size(size, r->len),
		    r->segments, r->segments == 1 ? "" : "s",
		    (unsigned long long)r->id, r->slot);
	text_add(out, "        since start     since last  who       step\n");
	for (i = 0; i < STAGE_COUNT; i++) {
		if (r->t[i] == MODEL_NEVER)
			continue;
		text_add_padded(out, text_ns(t, r->t[i] - start), -19);
		text_add_padded(out, text_ns(t, r->t[i] - last), -15);
		text_printf(out, "  %-8s  %s\n", stage_words[i].who,
			    stage_words[i].what);
		last = r->t[i];
	}
	text_add(out, "\n");
	if (r->flags & REQUEST_REFUSED)
		text_printf(out, "refused by %s: %s\n",
			    strings_get(&m->log->strings, r->rule),
			    strings_get(&m->log->strings, r->detail));
	if (r->error)
		text_printf(out, "the storage failed: %s\n",
			    strerror(-r->error));
	if (r->flags & REQUEST_RESPONDED)
		text_printf(out, "answered: %s, after %s\n",
			    word(&ev_words_status, r->status),
			    text_ns(t, request_total(r)));
	else
		text_add(out, "never answered in this trace\n");
	if (r->flags & REQUEST_UNSURE)
		text_add(out, "events were lost in its time: steps may be "
			      "missing here\n");
}

static int to_json(const struct model *m, const struct request *r,
		   struct text *out)
{
	static const char *const name[STAGE_COUNT] = {
		"push", "publish", "take",    "check",	 "map",	    "submit",
		"done", "unmap",   "respond", "produce", "complete"};
	const struct model_queue *q = &m->queue[r->queue];
	json_object *o = json_object_new_object();
	json_object *t = json_object_new_object();
	unsigned i;

	for (i = 0; i < STAGE_COUNT; i++)
		if (r->t[i] != MODEL_NEVER)
			json_object_object_add(
				t, name[i],
				json_object_new_int64(r->t[i] - m->start_ns));
#define ADD(key, value) json_object_object_add(o, key, value)
	ADD("seq", json_object_new_uint64(request_seq(r)));
	ADD("domid", json_object_new_int(m->device[q->device].domid));
	ADD("devid", json_object_new_int64(m->device[q->device].devid));
	ADD("queue", json_object_new_int(q->number));
	ADD("id", json_object_new_uint64(r->id));
	ADD("op", json_object_new_string(word(&ev_words_op, r->op)));
	ADD("sector", json_object_new_uint64(r->sector));
	ADD("len_bytes", json_object_new_uint64(r->len));
	ADD("answered",
	    json_object_new_boolean(!!(r->flags & REQUEST_RESPONDED)));
	ADD("status", json_object_new_int(r->status));
	ADD("error", json_object_new_int(r->error));
	ADD("t_ns", t);
#undef ADD
	text_add(out,
		 json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	text_add(out, "\n");
	json_object_put(o);
	return 0;
}

static int request_show(const struct model *m, const struct view_options *o,
			struct text *out, struct why *why)
{
	const struct request *r;
	uint32_t device;
	int err = view_device(m, o, &device, why);

	if (!err)
		err = view_one_request(m, o, device, &r, why);
	if (err)
		return err;
	if (o->format == VIEW_JSON)
		return to_json(m, r, out);
	to_text(m, r, out);
	return 0;
}

const struct view view_request = {
	.name = "request",
	.what = "one request through every layer (default: the slowest)",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_JSON,
	.show = request_show,
};
