/* SPDX-License-Identifier: MIT */
#include "labs/engine/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- operators ----------------------------------------------------------- */

static const char *const op_texts[] = {
	[OP_EQ] = "=", [OP_NE] = "!=", [OP_LT] = "<",  [OP_LE] = "<=",
	[OP_GT] = ">", [OP_GE] = ">=", [OP_HAS] = "~",
};

const char *pattern_op_text(enum pattern_op op)
{
	return op_texts[op];
}

bool pattern_op_holds(enum pattern_op op, int64_t a, int64_t b)
{
	switch (op) {
	case OP_EQ:
		return a == b;
	case OP_NE:
		return a != b;
	case OP_LT:
		return a < b;
	case OP_LE:
		return a <= b;
	case OP_GT:
		return a > b;
	case OP_GE:
		return a >= b;
	default:
		return false;
	}
}

int pattern_op_split(struct arena *a, const char *word, char **key,
		     enum pattern_op *op, char **value)
{
	size_t at = strcspn(word, "=!<>~"), len = 1;

	if (!word[at] || !at)
		return -EINVAL;
	if (strchr("!<>", word[at]) && word[at + 1] == '=')
		len = 2;
	else if (word[at] == '!')
		return -EINVAL;
	for (*op = OP_EQ; *op <= OP_HAS; (*op)++)
		if (strlen(op_texts[*op]) == len &&
		    !strncmp(op_texts[*op], word + at, len))
			break;
	*key = arena_printf(a, "%.*s", (int)at, word);
	*value = arena_text(a, word + at + len);
	return 0;
}

/* ---- fields -------------------------------------------------------------- */

static const struct {
	const char *name;
	int field;
} own_fields[] = {
	{ "actor", FIELD_ACTOR },
	{ "domid", FIELD_DOMID },
	{ "devid", FIELD_DEVID },
	{ "queue", FIELD_QUEUE },
};

int pattern_field_find(enum ev_kind kind, const char *name, int *field)
{
	int at = ev_field_find(&ev_descs[kind], name);
	size_t i;

	if (at >= 0) {
		*field = at;
		return 0;
	}
	for (i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++)
		if (!strcmp(own_fields[i].name, name)) {
			*field = own_fields[i].field;
			return 0;
		}
	return -ENOENT;
}

static const struct ev_field *field_desc(enum ev_kind kind, int field)
{
	static const struct ev_field own = { .type = EV_TYPE_U32 };
	static const struct ev_field actor = { .type = EV_TYPE_ENUM,
					       .words = &ev_words_actor };

	if (field >= 0)
		return &ev_descs[kind].field[field];
	return field == FIELD_ACTOR ? &actor : &own;
}

int64_t pattern_field(const struct trace_log *log, const struct log_rec *rec,
		      int field)
{
	const struct ev_field *f;
	const uint32_t *w;

	switch (field) {
	case FIELD_ACTOR:
		return rec->actor;
	case FIELD_DOMID:
		return rec->domid;
	case FIELD_DEVID:
		return rec->devid;
	case FIELD_QUEUE:
		return rec->queue;
	}
	f = field_desc(rec->kind, field);
	w = &log->word[rec->words + log_field_word(rec->kind, (unsigned)field)];
	if (f->array)
		return w[1] ? (int64_t)(int32_t)log->word[rec->words + w[0]]
			    : 0;
	switch (f->type) {
	case EV_TYPE_U64:
		return (int64_t)(w[0] | (uint64_t)w[1] << 32);
	case EV_TYPE_I16:
	case EV_TYPE_I32:
	case EV_TYPE_ENUM:
		return (int32_t)w[0];
	default:
		return w[0];
	}
}

static const char *field_string(const struct trace_log *log,
				const struct log_rec *rec, int field)
{
	return strings_get(&log->strings,
			   (uint32_t)pattern_field(log, rec, field));
}

static void array_text(const struct trace_log *log, const struct log_rec *rec,
		       int field, struct text *out)
{
	const uint32_t *w =
		&log->word[rec->words +
			   log_field_word(rec->kind, (unsigned)field)];
	uint32_t i;

	text_add(out, "[");
	for (i = 0; i < w[1] && i < 8; i++)
		text_printf(out, "%s%d", i ? " " : "",
			    (int)log->word[rec->words + w[0] + i]);
	text_add(out, i < w[1] ? " ...]" : "]");
}

void pattern_field_text(const struct trace_log *log, const struct log_rec *rec,
			int field, struct text *out)
{
	const struct ev_field *f = field_desc(rec->kind, field);
	int64_t v = pattern_field(log, rec, field);
	const char *word;

	if (f->array) {
		array_text(log, rec, field, out);
		return;
	}
	switch (f->type) {
	case EV_TYPE_STRING:
		text_add(out, field_string(log, rec, field));
		return;
	case EV_TYPE_BOOL:
		text_add(out, v ? "yes" : "no");
		return;
	case EV_TYPE_ENUM:
		word = ev_word_find(f->words, v);
		if (word) {
			text_add(out, word);
			return;
		}
		break;
	case EV_TYPE_U64:
		text_printf(out, "%llu", (unsigned long long)v);
		return;
	default:
		break;
	}
	text_printf(out, "%lld", (long long)v);
}

/* ---- parsing ------------------------------------------------------------- */

/* A value as the field's type has it. */
static int value_parse(const struct ev_field *f, const char *text, int64_t *out)
{
	char *end;

	if (f->type == EV_TYPE_BOOL) {
		if (!strcmp(text, "yes") || !strcmp(text, "true") ||
		    !strcmp(text, "1"))
			*out = 1;
		else if (!strcmp(text, "no") || !strcmp(text, "false") ||
			 !strcmp(text, "0"))
			*out = 0;
		else
			return -EINVAL;
		return 0;
	}
	if (f->type == EV_TYPE_ENUM && !ev_word_value(f->words, text, out))
		return 0;
	errno = 0;
	*out = f->type == EV_TYPE_U64 ? (int64_t)strtoull(text, &end, 0)
				      : strtoll(text, &end, 0);
	return errno || end == text || *end ? -EINVAL : 0;
}

static int cond_parse(struct arena *a, enum ev_kind kind, const char *word,
		      struct pattern_cond *c, struct why *why)
{
	const struct ev_field *f;
	char *key, *value;

	if (pattern_op_split(a, word, &key, &c->op, &value))
		return why_set(why, -EINVAL, "\"%s\" is no condition", word);
	if (pattern_field_find(kind, key, &c->field))
		return why_set(why, -EINVAL, "the event %s has no field \"%s\"",
			       ev_descs[kind].name, key);
	f = field_desc(kind, c->field);
	if (f->type == EV_TYPE_STRING && !f->array) {
		c->text = value;
		if (c->op == OP_EQ || c->op == OP_NE || c->op == OP_HAS)
			return 0;
		return why_set(why, -EINVAL,
			       "\"%s\": a string is compared by =, != or ~",
			       word);
	}
	if (c->op == OP_HAS)
		return why_set(why, -EINVAL, "\"%s\": ~ is for strings", word);
	if (value_parse(f, value, &c->value))
		return why_set(why, -EINVAL,
			       "\"%s\" is no value of %s's field %s", value,
			       ev_descs[kind].name, key);
	return 0;
}

static const char *words_text(struct arena *a, const struct words *w,
			      unsigned from, unsigned end)
{
	char *text = arena_text(a, w->word[from]);

	while (++from < end)
		text = arena_printf(a, "%s %s", text, w->word[from]);
	return text;
}

static int conds_parse(struct arena *a, const struct words *w, unsigned *at,
		       struct pattern *out, struct why *why)
{
	int err = 0;

	for (; *at < w->count && strpbrk(w->word[*at], "=<>~"); (*at)++) {
		out->cond = arena_grow(a, out->cond, out->conds,
				       sizeof(*out->cond));
		memset(&out->cond[out->conds], 0, sizeof(*out->cond));
		err = cond_parse(a, out->kind, w->word[*at],
				 &out->cond[out->conds++], why);
		if (err)
			break;
	}
	return err;
}

int pattern_parse(struct arena *a, const struct words *w, unsigned from,
		  unsigned *end, struct pattern *out, struct why *why)
{
	int kind, err;

	memset(out, 0, sizeof(*out));
	if (from >= w->count)
		return why_set(why, -EINVAL, "the name of an event is missing");
	kind = ev_kind_find(w->word[from]);
	if (kind < 0)
		return why_set(why, -EINVAL,
			       "the catalogue has no event \"%s\"",
			       w->word[from]);
	out->kind = (enum ev_kind)kind;
	*end = from + 1;
	err = conds_parse(a, w, end, out, why);
	if (!err)
		out->text = words_text(a, w, from, *end);
	return err;
}

/* ---- matching ------------------------------------------------------------ */

static bool array_holds(const struct trace_log *log, const struct log_rec *rec,
			const struct pattern_cond *c)
{
	const uint32_t *w =
		&log->word[rec->words +
			   log_field_word(rec->kind, (unsigned)c->field)];
	uint32_t i;

	/* "!=" says of all elements what the others say of one. */
	for (i = 0; i < w[1]; i++)
		if (pattern_op_holds(c->op == OP_NE ? OP_EQ : c->op,
				     (int32_t)log->word[rec->words + w[0] + i],
				     c->value))
			return c->op != OP_NE;
	return c->op == OP_NE;
}

static bool cond_holds(const struct trace_log *log, const struct log_rec *rec,
		       const struct pattern_cond *c)
{
	const struct ev_field *f = field_desc(rec->kind, c->field);
	int64_t v;

	if (c->text) {
		const char *s = field_string(log, rec, c->field);

		if (c->op == OP_HAS)
			return strstr(s, c->text);
		return !strcmp(s, c->text) == (c->op == OP_EQ);
	}
	if (f->array)
		return array_holds(log, rec, c);
	v = pattern_field(log, rec, c->field);
	if (f->type == EV_TYPE_U64) /* an order without a sign */
		return pattern_op_holds(c->op, v ^ INT64_MIN,
					c->value ^ INT64_MIN);
	return pattern_op_holds(c->op, v, c->value);
}

bool pattern_matches(const struct trace_log *log, const struct log_rec *rec,
		     const struct pattern *p)
{
	unsigned i;

	if (rec->kind != p->kind)
		return false;
	for (i = 0; i < p->conds; i++)
		if (!cond_holds(log, rec, &p->cond[i]))
			return false;
	return true;
}
