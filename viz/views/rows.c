/* SPDX-License-Identifier: MIT */
#include "viz/views/rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/model/handshake.h"

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

/* What was lost between two messages: one row, and one of what was old. */
struct gap {
	uint64_t events, packets;
	bool unknown; /* and nobody knows how many more */
	unsigned n;
	int64_t t_ns;
};

static void gap_add(struct gap *g, const struct log_loss *loss)
{
	*(loss->packets ? &g->packets : &g->events) += loss->count;
	g->unknown |= !loss->count;
	if (!g->n++)
		g->t_ns = loss->overwritten ? loss->to_ns : loss->from_ns;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static const char *were(uint64_t n)
{
	return n == 1 ? "was" : "were";
}

static struct row *row_gap(struct rows *r, const struct gap *g)
{
	struct row *row = g->n ? row_new(r) : NULL;

	if (!row)
		return NULL;
	row->kind = ROW_LOSS;
	row->tone = TONE_BAD;
	row->t_ns = row->last_ns = g->t_ns;
	row->to = LANE_COUNT - 1;
	return row;
}

static void row_lost(struct rows *r, const struct gap *g)
{
	struct row *row = row_gap(r, g);
	char e[TEXT_COUNT_MAX], p[TEXT_COUNT_MAX], what[120] = "";

	if (!row)
		return;
	if (g->events)
		snprintf(what, sizeof(what), "%s event%s",
			 text_count(e, g->events), plural(g->events));
	if (g->packets)
		snprintf(what + strlen(what), sizeof(what) - strlen(what),
			 "%s%s packet%s of events", *what ? " and " : "",
			 text_count(p, g->packets), plural(g->packets));
	if (!*what)
		snprintf(row->text, sizeof(row->text),
			 "events were lost hereabouts by the recorder, nobody "
			 "knows how many");
	else
		snprintf(row->text, sizeof(row->text),
			 "%s%s %s lost hereabouts by the recorder%s",
			 g->unknown ? "at least " : "", what,
			 were(g->events + g->packets),
			 g->n > 1 ? ", in several places" : "");
}

static void row_overwritten(struct rows *r, const struct gap *g)
{
	struct row *row = row_gap(r, g);
	char p[TEXT_COUNT_MAX];

	if (row)
		snprintf(row->text, sizeof(row->text),
			 "%s packet%s of %s events %s overwritten before this",
			 text_count(p, g->packets), plural(g->packets),
			 g->n > 1 ? "several processors'" : "one processor's",
			 were(g->packets));
}

/* The losses from *loss on, up to `end`, that lie before a record. */
static void rows_losses(struct rows *r, const struct trace_log *log,
			size_t *loss, size_t end, size_t rec)
{
	struct gap lost = { 0 }, old = { 0 };
	const struct log_loss *l;

	for (; *loss < end && log->loss[*loss].before <= rec; ++*loss) {
		l = &log->loss[*loss];
		gap_add(l->overwritten ? &old : &lost, l);
	}
	row_overwritten(r, &old);
	row_lost(r, &lost);
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

/* Of a part of a trace: the losses that lie in it, from *first on. */
static size_t losses_within(const struct rows *r, const struct trace_log *log,
			    size_t *first)
{
	uint32_t from = MODEL_NONE, to = 0;
	size_t i, n;

	for (i = 0; i < r->picks; i++) {
		if (r->pick[i].rec == MODEL_NONE)
			continue;
		if (r->pick[i].rec < from)
			from = r->pick[i].rec;
		if (r->pick[i].rec > to)
			to = r->pick[i].rec;
	}
	for (i = 0; i < log->losses && log->loss[i].before <= from; i++)
		;
	*first = i;
	for (n = i; i < log->losses; i++)
		if (log->loss[i].from_ns <= log->rec[to].t_ns)
			n = i + 1;
	return n;
}

int rows_fold(struct rows *r, const struct model *m, bool whole)
{
	const struct trace_log *log = m->log;
	struct message first;
	size_t i, n, min, loss = 0, losses = log->losses;

	if (r->error)
		return r->error;
	drop_redundant(r, m);
	if (!whole && losses && r->picks)
		losses = losses_within(r, log, &loss);
	for (i = 0; !r->error && i < r->picks; i += n) {
		n = 1;
		if (r->pick[i].rec == MODEL_NONE) {
			row_words(r, &r->pick[i]);
			continue;
		}
		rows_losses(r, log, &loss, losses, r->pick[i].rec);
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
	if (!r->error && r->picks)
		rows_losses(r, log, &loss, losses, SIZE_MAX);
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
