/* SPDX-License-Identifier: MIT */
#include "labs/engine/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const query_names[] = {
	[QUERY_COUNT] = "count", [QUERY_FIRST] = "first",
	[QUERY_LAST] = "last",	 [QUERY_DISTINCT] = "distinct",
	[QUERY_MAX] = "max",	 [QUERY_MIN] = "min",
	[QUERY_SUM] = "sum",
};

#define QUERIES (sizeof(query_names) / sizeof(query_names[0]))

int query_parse(struct arena *a, const struct words *w, unsigned from,
		struct query *out, struct why *why)
{
	struct words own;
	unsigned end, i;
	char *dot;
	int err;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < QUERIES && from < w->count; i++)
		if (!strcmp(query_names[i], w->word[from]))
			break;
	if (i == QUERIES || from + 1 >= w->count)
		return why_set(why, -EINVAL,
			       "a query is count EVENT, or first, last, "
			       "distinct, max, min or sum EVENT.FIELD");
	out->kind = (enum query_kind)i;
	own = *w;
	own.word[from + 1] = arena_text(a, w->word[from + 1]);
	dot = strchr(own.word[from + 1], '.');
	if (!dot != (out->kind == QUERY_COUNT))
		return why_set(why, -EINVAL, "\"%s %s\": %s", w->word[from],
			       w->word[from + 1],
			       dot ? "count is of events, without a field"
				   : "a field is missing, as in EVENT.FIELD");
	if (dot)
		*dot = '\0';
	err = pattern_parse(a, &own, from + 1, &end, &out->event, why);
	if (err)
		return err;
	if (end < w->count)
		return why_set(why, -EINVAL, "\"%s\" is too much for a query",
			       w->word[end]);
	if (dot && pattern_field_find(out->event.kind, dot + 1, &out->field))
		return why_set(why, -EINVAL, "the event %s has no field \"%s\"",
			       ev_descs[out->event.kind].name, dot + 1);
	return 0;
}

bool scope_has(const struct scope *s, const struct log_rec *rec)
{
	unsigned i;

	for (i = 0; i < s->domids; i++)
		if (s->domid[i] == rec->domid)
			return true;
	return !s->domids;
}

/* The values of the field in all records meant, in order. */
static int64_t *values_of(const struct scope *s, const struct query *q,
			  size_t *n)
{
	int64_t *v = calloc(s->log->n + 1, sizeof(*v));
	size_t i;

	*n = 0;
	for (i = 0; v && i < s->log->n; i++) {
		const struct log_rec *rec = &s->log->rec[i];

		if (scope_has(s, rec) &&
		    pattern_matches(s->log, rec, &q->event))
			v[(*n)++] = pattern_field(s->log, rec, q->field);
	}
	return v;
}

static int value_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void number_of(const struct query *q, int64_t *v, size_t n,
		      struct text *out)
{
	int64_t sum = 0;
	size_t i, distinct = 0;

	qsort(v, n, sizeof(*v), value_compare);
	for (i = 0; i < n; i++) {
		sum += v[i];
		distinct += !i || v[i] != v[i - 1];
	}
	text_printf(out, "%lld",
		    (long long)(q->kind == QUERY_DISTINCT ? (int64_t)distinct
				: q->kind == QUERY_SUM	  ? sum
				: q->kind == QUERY_MIN	  ? v[0]
							  : v[n - 1]));
}

/* The first or last record meant; NULL if there is none. */
static const struct log_rec *record_of(const struct scope *s,
				       const struct query *q)
{
	const struct log_rec *found = NULL;
	size_t i;

	for (i = 0; i < s->log->n; i++) {
		const struct log_rec *rec = &s->log->rec[i];

		if (!scope_has(s, rec) ||
		    !pattern_matches(s->log, rec, &q->event))
			continue;
		found = rec;
		if (q->kind == QUERY_FIRST)
			break;
	}
	return found;
}

static uint64_t count_of(const struct scope *s, const struct pattern *p)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->log->n; i++)
		n += scope_has(s, &s->log->rec[i]) &&
		     pattern_matches(s->log, &s->log->rec[i], p);
	return n;
}

int query_answer(const struct scope *s, const struct query *q, struct text *out)
{
	const struct log_rec *rec;
	int64_t *v;
	size_t n;

	if (q->kind == QUERY_COUNT) {
		text_printf(out, "%llu",
			    (unsigned long long)count_of(s, &q->event));
		return 0;
	}
	if (q->kind == QUERY_FIRST || q->kind == QUERY_LAST) {
		rec = record_of(s, q);
		if (rec)
			pattern_field_text(s->log, rec, q->field, out);
		else
			text_add(out, "none");
		return rec ? 0 : -ENOENT;
	}
	v = values_of(s, q, &n);
	if (!v)
		return -ENOMEM;
	if (n || q->kind == QUERY_DISTINCT || q->kind == QUERY_SUM)
		number_of(q, v, n, out);
	else
		text_add(out, "none");
	free(v);
	return n || q->kind == QUERY_DISTINCT || q->kind == QUERY_SUM ? 0
								      : -ENOENT;
}
