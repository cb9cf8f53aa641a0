/* SPDX-License-Identifier: MIT */
#include "viz/views/rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Three in a row are worth folding, of keys with their values four. */
#define FOLD_MIN       3u
#define FOLD_MIN_STORE 4u
#define ITEMS_MAX      24u

void rows_free(struct rows *r)
{
	size_t i;

	for (i = 0; i < r->picks; i++)
		free(r->pick[i].words);
	free(r->pick);
	free(r->row);
	memset(r, 0, sizeof(*r));
}

static struct pick *pick_new(struct rows *r)
{
	struct pick *grown;
	size_t room;

	if (r->error)
		return NULL;
	if (r->picks == r->picks_room) {
		room = r->picks_room ? r->picks_room * 2 : 256;
		grown = realloc(r->pick, room * sizeof(*grown));
		if (!grown) {
			r->error = -ENOMEM;
			return NULL;
		}
		r->pick = grown;
		r->picks_room = room;
	}
	grown = &r->pick[r->picks++];
	memset(grown, 0, sizeof(*grown));
	return grown;
}

void rows_pick(struct rows *r, uint32_t rec)
{
	struct pick *p = pick_new(r);

	if (p)
		p->rec = rec;
}

void rows_say(struct rows *r, enum row_kind kind, int64_t t_ns, const char *fmt,
	      ...)
{
	struct pick *p = pick_new(r);
	char words[ROW_TEXT_MAX];
	va_list ap;

	if (!p)
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	p->rec = MODEL_NONE;
	p->kind = (uint8_t)kind;
	p->t_ns = t_ns;
	p->words = strdup(words);
	if (!p->words)
		r->error = -ENOMEM;
}

static struct row *row_new(struct rows *r)
{
	struct row *grown;
	size_t room;

	if (r->n == r->room) {
		room = r->room ? r->room * 2 : 256;
		grown = realloc(r->row, room * sizeof(*grown));
		if (!grown) {
			r->error = -ENOMEM;
			return NULL;
		}
		r->row = grown;
		r->room = room;
	}
	grown = &r->row[r->n++];
	memset(grown, 0, sizeof(*grown));
	grown->rec = MODEL_NONE;
	return grown;
}

bool rows_redundant(const struct model *m, uint32_t at)
{
	const struct log_rec *rec = &m->log->rec[at];
	const char *path;

	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_store_read:
		path = log_text(m->log, rec, LF_store_read_path);
		break;
	case EV_KIND_store_write:
		path = log_text(m->log, rec, LF_store_write_path);
		break;
	case EV_KIND_feature_offer:
		return true; /* the key is written beside it */
	default:
		return false;
	}
	/* state_switch and state_seen tell it */
	return !strcmp(key_name(path, rec->devid), "state");
}

static void row_words(struct rows *r, const struct pick *p)
{
	struct row *row = row_new(r);

	if (!row)
		return;
	row->kind = p->kind;
	row->t_ns = row->last_ns = p->t_ns;
	row->to = LANE_COUNT - 1;
	snprintf(row->text, sizeof(row->text), "%s", p->words);
}

static void row_loss(struct rows *r, const struct log_loss *loss)
{
	struct row *row = row_new(r);
	char n[TEXT_COUNT_MAX];

	if (!row)
		return;
	row->kind = ROW_LOSS;
	row->tone = TONE_BAD;
	row->t_ns = row->last_ns =
		loss->overwritten ? loss->to_ns : loss->from_ns;
	row->to = LANE_COUNT - 1;
	if (loss->overwritten)
		snprintf(row->text, sizeof(row->text),
			 "%s packets of one processor's events were "
			 "overwritten before this",
			 text_count(n, loss->count));
	else if (loss->count)
		snprintf(row->text, sizeof(row->text),
			 "%s %s were lost hereabouts by the recorder",
			 text_count(n, loss->count),
			 loss->packets ? "packets of events" : "events");
	else
		snprintf(row->text, sizeof(row->text),
			 "events were lost hereabouts by the recorder, nobody "
			 "knows how many");
}

/* The words of a folded row: `many`, and what each of them was about. */
struct fold {
	struct row *row;
	struct message first;
	char items[ITEMS_MAX][sizeof(((struct message *)0)->item)];
	unsigned n_items;
};

static void fold_words(struct fold *f)
{
	struct row *row = f->row;
	char n[TEXT_COUNT_MAX];
	size_t at, cap = sizeof(row->text);
	unsigned i;

	snprintf(row->text, cap, f->first.many, text_count(n, row->times));
	if (!f->items[0][0])
		return;
	for (i = 0; i < f->n_items; i++) {
		at = strlen(row->text);
		/* Room for this one and the dots behind it. */
		if (at + strlen(f->items[i]) + 8 > cap)
			break;
		snprintf(row->text + at, cap - at, "%s%s", i ? ", " : ": ",
			 f->items[i]);
	}
	at = strlen(row->text);
	if (i < row->times)
		snprintf(row->text + at, cap - at, ", …");
}

static void row_message(struct rows *r, const struct model *m, uint32_t rec,
			const struct message *msg)
{
	struct row *row = row_new(r);

	if (!row)
		return;
	row->kind = ROW_MESSAGE;
	row->from = msg->from;
	row->to = msg->to;
	row->tone = msg->tone;
	row->times = 1;
	row->rec = rec;
	row->t_ns = row->last_ns = m->log->rec[rec].t_ns;
	snprintf(row->text, sizeof(row->text), "%s", msg->text);
}

/* How many picks from `at` on could stand in one row. */
static size_t run_length(const struct rows *r, const struct model *m, size_t at,
			 const struct message *first)
{
	struct message next;
	size_t n = 1;

	if (!first->many)
		return 1;
	for (; at + n < r->picks && r->pick[at + n].rec != MODEL_NONE; n++) {
		message_of(m, r->pick[at + n].rec, &next);
		if (next.fold != first->fold || next.many != first->many)
			break;
	}
	return n;
}

static void row_run(struct rows *r, const struct model *m, size_t at, size_t n,
		    const struct message *first)
{
	struct fold f = { .first = *first };
	struct message msg;
	size_t i;

	row_message(r, m, r->pick[at].rec, first);
	if (r->error)
		return;
	f.row = &r->row[r->n - 1];
	f.row->times = (uint32_t)n;
	f.row->last_ns = m->log->rec[r->pick[at + n - 1].rec].t_ns;
	for (i = 0; i < n && i < ITEMS_MAX; i++) {
		message_of(m, r->pick[at + i].rec, &msg);
		memcpy(f.items[i], msg.item, sizeof(msg.item));
		f.n_items++;
	}
	fold_words(&f);
}

/* Leave out what is redundant, so that runs are not broken by it. */
static void drop_redundant(struct rows *r, const struct model *m)
{
	size_t i, n = 0;

	for (i = 0; i < r->picks; i++) {
		if (r->pick[i].rec != MODEL_NONE &&
		    rows_redundant(m, r->pick[i].rec))
			continue;
		r->pick[n++] = r->pick[i];
	}
	r->picks = n;
}

int rows_fold(struct rows *r, const struct model *m)
{
	const struct trace_log *log = m->log;
	struct message first;
	size_t i, n, min, loss = 0;

	if (r->error)
		return r->error;
	drop_redundant(r, m);
	for (i = 0; !r->error && i < r->picks; i += n) {
		n = 1;
		if (r->pick[i].rec == MODEL_NONE) {
			row_words(r, &r->pick[i]);
			continue;
		}
		while (loss < log->losses &&
		       log->loss[loss].before <= r->pick[i].rec)
			row_loss(r, &log->loss[loss++]);
		message_of(m, r->pick[i].rec, &first);
		n = run_length(r, m, i, &first);
		min = first.tone == TONE_STORE ? FOLD_MIN_STORE : FOLD_MIN;
		if (n >= min) {
			row_run(r, m, i, n, &first);
		} else {
			n = 1;
			row_message(r, m, r->pick[i].rec, &first);
		}
	}
	while (!r->error && r->picks && loss < log->losses)
		row_loss(r, &log->loss[loss++]);
	return r->error;
}

uint64_t rows_messages(const struct rows *r)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		n += r->row[i].times;
	return n;
}

void rows_cap(struct rows *r, size_t max)
{
	char n[TEXT_COUNT_MAX];
	uint64_t missing = 0;
	struct row *last;
	size_t i;

	if (r->n <= max || !max)
		return;
	for (i = max; i < r->n; i++)
		missing += r->row[i].times;
	r->n = max;
	last = row_new(r);
	if (!last)
		return;
	last->kind = ROW_GAP;
	last->t_ns = last->last_ns = r->row[max - 1].last_ns;
	last->to = LANE_COUNT - 1;
	snprintf(last->text, sizeof(last->text),
		 "%s more message%s not shown; use --request, --from or "
		 "--first",
		 text_count(n, missing), missing == 1 ? "" : "s");
}
