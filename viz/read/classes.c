/* SPDX-License-Identifier: MIT */
#include "viz/read/classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER    "ringside:"
#define MEMBERS_MAX 64

/* An array longer than this is damage: a request has 512 segments at most. */
#define ARRAY_MAX 65536u

/* What a member of the event's payload is to us. */
enum role {
	ROLE_SKIP,
	ROLE_ACTOR,
	ROLE_DOMID,
	ROLE_DEVID,
	ROLE_QUEUE,
	ROLE_NUMBER,
	ROLE_TEXT,
	ROLE_ARRAY,
};

struct member {
	uint8_t role;
	uint8_t field;	/* position in the catalogue */
	uint8_t word;	/* position in the record's words */
	bool wide;	/* two words */
	bool is_signed; /* as the trace has it */
};

struct class_map {
	const bt_event_class *class; /* referenced */
	int kind; /* enum ev_kind, or -1: not ours, -2: unknown of ours */
	unsigned members;
	struct member member[MEMBERS_MAX];
};

int classes_init(struct classes *c)
{
	c->slots = 256;
	c->n = 0;
	c->slot = calloc(c->slots, sizeof(*c->slot));
	return c->slot ? 0 : -ENOMEM;
}

void classes_free(struct classes *c)
{
	size_t i;

	for (i = 0; i < c->slots; i++) {
		if (!c->slot[i])
			continue;
		bt_event_class_put_ref(c->slot[i]->class);
		free(c->slot[i]);
	}
	free(c->slot);
	memset(c, 0, sizeof(*c));
}

static size_t place(const struct classes *c, const bt_event_class *class)
{
	size_t i = ((uintptr_t) class >> 4) * 0x9e3779b97f4a7c15u >> 20;

	for (i &= c->slots - 1; c->slot[i] && c->slot[i]->class != class;
	     i = (i + 1) & (c->slots - 1))
		;
	return i;
}

static int grow(struct classes *c)
{
	struct classes bigger = { NULL, c->slots * 2, c->n };
	size_t i;

	bigger.slot = calloc(bigger.slots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (i = 0; i < c->slots; i++)
		if (c->slot[i])
			bigger.slot[place(&bigger, c->slot[i]->class)] =
				c->slot[i];
	free(c->slot);
	*c = bigger;
	return 0;
}

static bool is_integer(bt_field_class_type type)
{
	return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_INTEGER) ||
	       type == BT_FIELD_CLASS_TYPE_BOOL;
}

static bool is_signed(bt_field_class_type type)
{
	return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER);
}

/* What the trace has under `name`; ROLE_SKIP where its type will not do. */
static void learn_member(struct member *m, const struct ev_desc *desc,
			 const char *name, const bt_field_class *fc)
{
	static const struct {
		const char *name;
		enum role role;
	} own[] = { { "actor", ROLE_ACTOR },
		    { "domid", ROLE_DOMID },
		    { "devid", ROLE_DEVID },
		    { "queue", ROLE_QUEUE } };
	bt_field_class_type type = bt_field_class_get_type(fc);
	const struct ev_field *field;
	const bt_field_class *of;
	size_t i;
	int at;

	m->role = ROLE_SKIP;
	m->is_signed = is_signed(type);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(name, own[i].name))
			continue;
		if (is_integer(type))
			m->role = (uint8_t)own[i].role;
		return;
	}
	at = ev_field_find(desc, name);
	if (at < 0)
		return;
	field = &desc->field[at];
	m->field = (uint8_t)at;
	m->word = (uint8_t)log_field_word(desc->kind, (unsigned)at);
	m->wide = field->type == EV_TYPE_U64;
	if (field->array) {
		if (!bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY))
			return;
		of = bt_field_class_array_borrow_element_field_class_const(fc);
		type = bt_field_class_get_type(of);
		m->is_signed = is_signed(type);
		if (is_integer(type))
			m->role = ROLE_ARRAY;
	} else if (field->type == EV_TYPE_STRING) {
		if (type == BT_FIELD_CLASS_TYPE_STRING)
			m->role = ROLE_TEXT;
	} else if (is_integer(type)) {
		m->role = ROLE_NUMBER;
	}
}

static void learn(struct class_map *map, struct trace_log *log)
{
	const char *name = bt_event_class_get_name(map->class);
	const bt_field_class *payload;
	const struct ev_desc *desc;
	uint64_t i, n;
	unsigned found = 0;

	map->kind = -1;
	if (!name || strncmp(name, PROVIDER, strlen(PROVIDER)))
		return;
	map->kind = ev_kind_find(name);
	if (map->kind < 0) {
		map->kind = -2;
		return;
	}
	desc = &ev_descs[map->kind];
	payload = bt_event_class_borrow_payload_field_class_const(map->class);
	if (!payload)
		return;
	n = bt_field_class_structure_get_member_count(payload);
	for (i = 0; i < n; i++) {
		const bt_field_class_structure_member *member =
			bt_field_class_structure_borrow_member_by_index_const(
				payload, i);
		struct member *m = &map->member[map->members];

		name = bt_field_class_structure_member_get_name(member);
		/* LTTng stands the length of a sequence before it. */
		if (name[0] == '_' && strstr(name, "_length"))
			name = "";
		if (map->members == MEMBERS_MAX) {
			log->unknown_fields++;
			continue;
		}
		learn_member(
			m, desc, name,
			bt_field_class_structure_member_borrow_field_class_const(
				member));
		if (m->role == ROLE_SKIP && *name)
			log->unknown_fields++;
		found += m->role >= ROLE_NUMBER;
		map->members++;
	}
	if (found < desc->fields)
		log->missing_fields += desc->fields - found;
}

static int class_map(struct classes *c, struct trace_log *log,
		     const bt_event_class *class, struct class_map **map)
{
	size_t i = place(c, class);
	int rc;

	*map = c->slot[i];
	if (*map)
		return 0;
	if (2 * (c->n + 1) > c->slots) {
		rc = grow(c);
		if (rc)
			return rc;
		i = place(c, class);
	}
	*map = calloc(1, sizeof(**map));
	if (!*map)
		return -ENOMEM;
	bt_event_class_get_ref(class);
	(*map)->class = class;
	learn(*map, log);
	c->slot[i] = *map;
	c->n++;
	return 0;
}

static uint64_t number(const bt_field *field, bool sign)
{
	if (bt_field_get_class_type(field) == BT_FIELD_CLASS_TYPE_BOOL)
		return bt_field_bool_get_value(field) != 0;
	return sign ? (uint64_t)bt_field_integer_signed_get_value(field)
		    : bt_field_integer_unsigned_get_value(field);
}

static int record_array(struct trace_log *log, struct log_rec *rec,
			const struct member *m, const bt_field *field)
{
	uint64_t n = bt_field_array_get_length(field), i;
	uint32_t *to;
	int rc;

	if (n > ARRAY_MAX)
		n = ARRAY_MAX;
	rc = log_append_array(log, rec, m->field, (uint32_t)n, &to);
	if (rc)
		return rc;
	for (i = 0; i < n; i++)
		to[i] = (uint32_t)number(
			bt_field_array_borrow_element_field_by_index_const(
				field, i),
			m->is_signed);
	return 0;
}

static int record_member(struct trace_log *log, struct log_rec *rec,
			 const struct member *m, const bt_field *field)
{
	uint32_t *w = &log->word[rec->words + m->word];
	const char *text;
	uint64_t v;

	switch (m->role) {
	case ROLE_SKIP:
		return 0;
	case ROLE_TEXT:
		/* Of an empty string the decoder shows an older one's bytes. */
		text = bt_field_string_get_value(field);
		return strings_add(&log->strings, text,
				   bt_field_string_get_length(field), w);
	case ROLE_ARRAY:
		return record_array(log, rec, m, field);
	default:
		break;
	}
	v = number(field, m->is_signed);
	switch (m->role) {
	case ROLE_ACTOR:
		rec->actor = (uint8_t)v;
		break;
	case ROLE_DOMID:
		rec->domid = (uint16_t)v;
		break;
	case ROLE_DEVID:
		rec->devid = (uint32_t)v;
		break;
	case ROLE_QUEUE:
		rec->queue = (uint16_t)v;
		break;
	default:
		w[0] = (uint32_t)v;
		if (m->wide)
			w[1] = (uint32_t)(v >> 32);
	}
	return 0;
}

int classes_record(struct classes *c, struct trace_log *log,
		   const bt_message *message)
{
	const bt_event *event = bt_message_event_borrow_event_const(message);
	const bt_field *payload;
	struct class_map *map;
	struct log_rec *rec;
	uint32_t *words;
	unsigned i;
	int rc;

	rc = class_map(c, log, bt_event_borrow_class_const(event), &map);
	if (rc)
		return rc;
	if (map->kind < 0) {
		*(map->kind == -1 ? &log->other_events
				  : &log->unknown_events) += 1;
		return 0;
	}
	rc = log_append(log, (enum ev_kind)map->kind, &rec, &words);
	if (rc)
		return rc;
	rec->queue = LOG_QUEUE_NONE;
	if (bt_event_class_borrow_payload_field_class_const(map->class)) {
		payload = bt_event_borrow_payload_field_const(event);
		for (i = 0; !rc && i < map->members; i++)
			rc = record_member(
				log, rec, &map->member[i],
				bt_field_structure_borrow_member_field_by_index_const(
					payload, i));
	}
	if (rc) {
		log->n--;
		return rc;
	}
	if (bt_stream_class_borrow_default_clock_class_const(
		    bt_event_class_borrow_stream_class_const(map->class)))
		bt_clock_snapshot_get_ns_from_origin(
			bt_message_event_borrow_default_clock_snapshot_const(
				message),
			&rec->t_ns);
	/* So that no difference of two times overflows. */
	if (rec->t_ns < 0 || rec->t_ns > INT64_MAX / 4)
		rec->t_ns = rec->t_ns < 0 ? 0 : INT64_MAX / 4;
	return 0;
}
