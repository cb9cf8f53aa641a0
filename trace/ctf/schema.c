/* SPDX-License-Identifier: MIT */
#include "trace/ctf/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NS_IN_S 1000000000

/* ---- fields ---------------------------------------------------------------
 */

static bt_field_class *integer(bt_trace_class *trace, bool sign, unsigned bits)
{
	bt_field_class *fc =
		sign ? bt_field_class_integer_signed_create(trace)
		     : bt_field_class_integer_unsigned_create(trace);

	if (fc)
		bt_field_class_integer_set_field_value_range(fc, bits);
	return fc;
}

static bt_field_class *enumeration(bt_trace_class *trace,
				   const struct ev_words *words, unsigned bits)
{
	bt_field_class *fc = bt_field_class_enumeration_signed_create(trace);

	if (!fc)
		return NULL;
	bt_field_class_integer_set_field_value_range(fc, bits);
	for (size_t i = 0; i < words->count; i++) {
		bt_integer_range_set_signed *range =
			bt_integer_range_set_signed_create();
		int64_t value = words->word[i].value;

		if (!range ||
		    bt_integer_range_set_signed_add_range(range, value,
							  value) ||
		    bt_field_class_enumeration_signed_add_mapping(
			    fc, words->word[i].word, range)) {
			bt_integer_range_set_signed_put_ref(range);
			bt_field_class_put_ref(fc);
			return NULL;
		}
		bt_integer_range_set_signed_put_ref(range);
	}
	return fc;
}

static bt_field_class *scalar(bt_trace_class *trace,
			      const struct ev_field *field)
{
	switch (field->type) {
	case EV_TYPE_U8:
	case EV_TYPE_BOOL:
		return integer(trace, false, 8);
	case EV_TYPE_U16:
		return integer(trace, false, 16);
	case EV_TYPE_U32:
		return integer(trace, false, 32);
	case EV_TYPE_U64:
		return integer(trace, false, 64);
	case EV_TYPE_I16:
		return integer(trace, true, 16);
	case EV_TYPE_I32:
		return integer(trace, true, 32);
	case EV_TYPE_STRING:
		return bt_field_class_string_create(trace);
	case EV_TYPE_ENUM:
		return enumeration(trace, field->words, 32);
	}
	return NULL;
}

/* Takes fc.  0 or -ENOMEM. */
static int append(bt_field_class *to, const char *name, bt_field_class *fc)
{
	int err = !fc || bt_field_class_structure_append_member(to, name, fc);

	if (fc)
		bt_field_class_put_ref(fc);
	return err ? -ENOMEM : 0;
}

/* An array stands behind its length, as LTTng writes it. */
static int append_array(bt_trace_class *trace, bt_field_class *to,
			const struct ev_field *field)
{
	bt_field_class *length = integer(trace, false, 32);
	bt_field_class *element = scalar(trace, field), *array = NULL;
	char name[64];
	int err = -ENOMEM;

	snprintf(name, sizeof(name), "_%s_length", field->name);
	if (!length || !element)
		goto out;
	if (field->type == EV_TYPE_U8)
		bt_field_class_integer_set_preferred_display_base(
			element,
			BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL);
	if (bt_field_class_structure_append_member(to, name, length))
		goto out;
	array = bt_field_class_array_dynamic_create(trace, element, length);
	err = append(to, field->name, array);
out:
	bt_field_class_put_ref(length);
	bt_field_class_put_ref(element);
	return err;
}

static bt_field_class *payload(bt_trace_class *trace,
			       const struct ev_desc *desc)
{
	bt_field_class *fc = bt_field_class_structure_create(trace);

	if (!fc)
		return NULL;
	if (append(fc, "actor", enumeration(trace, &ev_words_actor, 8)) ||
	    append(fc, "domid", integer(trace, false, 16)) ||
	    append(fc, "devid", integer(trace, false, 32)) ||
	    append(fc, "queue", integer(trace, false, 16)))
		goto fail;
	for (size_t i = 0; i < desc->fields; i++) {
		const struct ev_field *field = &desc->field[i];

		if (field->array
			    ? append_array(trace, fc, field)
			    : append(fc, field->name, scalar(trace, field)))
			goto fail;
	}
	return fc;
fail:
	bt_field_class_put_ref(fc);
	return NULL;
}

/* ---- classes --------------------------------------------------------------
 */

static int event_class(struct ctf_schema *schema, const struct ev_desc *desc)
{
	static const bt_event_class_log_level levels[] = {
		[EV_LEVEL_CONTROL] = BT_EVENT_CLASS_LOG_LEVEL_NOTICE,
		[EV_LEVEL_PROTOCOL] = BT_EVENT_CLASS_LOG_LEVEL_INFO,
		[EV_LEVEL_FULL] = BT_EVENT_CLASS_LOG_LEVEL_DEBUG,
	};
	bt_event_class *ec = bt_event_class_create(schema->stream_class);
	bt_field_class *fc = payload(schema->trace_class, desc);
	char name[96];
	int err = -ENOMEM;

	snprintf(name, sizeof(name), "ringside:%s", desc->name);
	if (ec && fc && !bt_event_class_set_name(ec, name) &&
	    !bt_event_class_set_payload_field_class(ec, fc)) {
		bt_event_class_set_log_level(ec, levels[desc->level]);
		err = 0;
	}
	schema->event_class[desc->kind] = ec;
	/* The stream class holds it from here on. */
	bt_event_class_put_ref(ec);
	bt_field_class_put_ref(fc);
	return err;
}

/* LTTng's clock is named by the boot.  Whether that could be read. */
static bool boot_uuid(uint8_t uuid[16])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned n = 0, byte;

	while (f && n < 16) {
		int c = fgetc(f);

		if (c == '-')
			continue;
		if (!isxdigit(c) || ungetc(c, f) == EOF ||
		    fscanf(f, "%2x", &byte) != 1)
			break;
		uuid[n++] = (uint8_t)byte;
	}
	if (f)
		fclose(f);
	return n == 16;
}

static int clock_class(struct ctf_schema *schema, bt_self_component *self,
		       int64_t offset_ns)
{
	bt_clock_class *clock = bt_clock_class_create(self);
	uint8_t uuid[16];

	schema->clock_class = clock;
	if (!clock || bt_clock_class_set_name(clock, "monotonic") ||
	    bt_clock_class_set_description(clock, "Monotonic Clock"))
		return -ENOMEM;
	bt_clock_class_set_offset(clock, offset_ns / NS_IN_S,
				  (uint64_t)(offset_ns % NS_IN_S));
	if (boot_uuid(uuid))
		bt_clock_class_set_uuid(clock, uuid);
	return 0;
}

static int stream_class(struct ctf_schema *schema)
{
	bt_stream_class *sc = bt_stream_class_create(schema->trace_class);
	bt_field_class *context =
		bt_field_class_structure_create(schema->trace_class);
	int err = -ENOMEM;

	schema->stream_class = sc;
	if (!sc || !context ||
	    bt_stream_class_set_default_clock_class(sc, schema->clock_class))
		goto out;
	bt_stream_class_set_supports_packets(sc, BT_TRUE, BT_TRUE, BT_TRUE);
	bt_stream_class_set_supports_discarded_events(sc, BT_TRUE, BT_TRUE);
	if (append(context, "vtid", integer(schema->trace_class, true, 32)) ||
	    bt_stream_class_set_packet_context_field_class(sc, context))
		goto out;
	err = 0;
out:
	bt_field_class_put_ref(context);
	return err;
}

int ctf_schema_make(struct ctf_schema *schema, bt_self_component *self,
		    int64_t offset_ns)
{
	int err;

	memset(schema, 0, sizeof(*schema));
	schema->trace_class = bt_trace_class_create(self);
	err = schema->trace_class ? clock_class(schema, self, offset_ns)
				  : -ENOMEM;
	if (!err)
		err = stream_class(schema);
	for (int kind = 0; !err && kind < EV_KIND_COUNT; kind++)
		err = event_class(schema, &ev_descs[kind]);
	if (err)
		ctf_schema_free(schema);
	return err;
}

void ctf_schema_free(struct ctf_schema *schema)
{
	bt_stream_class_put_ref(schema->stream_class);
	bt_clock_class_put_ref(schema->clock_class);
	bt_trace_class_put_ref(schema->trace_class);
	memset(schema, 0, sizeof(*schema));
}
