/* SPDX-License-Identifier: MIT */
/* The sequence as text, as Mermaid and as JSON. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "viz/render/json.h"
#include "viz/views/sequence.h"

const char *sequence_time(char buf[SEQUENCE_TIME_MAX], int64_t ns)
{
	char n[TEXT_COUNT_MAX];
	uint64_t v = (uint64_t)(ns < 0 ? -ns : ns) + 50;

	snprintf(buf, SEQUENCE_TIME_MAX, "%s%s.%u", ns < 0 ? "-" : "",
		 text_count(n, v / 1000), (unsigned)(v % 1000 / 100));
	return buf;
}

/* ---- text --------------------------------------------------------------- */

static void text_row(const struct row *row, int64_t zero, int64_t last,
		     struct text *out)
{
	char t[SEQUENCE_TIME_MAX], way[40];

	text_add_padded(out, sequence_time(t, row->t_ns - zero), -12);
	text_add(out, "  +");
	text_add_padded(out, sequence_time(t, row->t_ns - last), -10);
	if (row->from == row->to)
		snprintf(way, sizeof(way), "%s", lane_short_names[row->from]);
	else
		snprintf(way, sizeof(way), "%s -> %s",
			 lane_short_names[row->from],
			 lane_short_names[row->to]);
	text_add(out, "  ");
	text_add_padded(out, way, 19);
	text_printf(out, "  %s%s", row->tone == TONE_BAD ? "! " : "",
		    row->text);
	text_add(out, "\n");
}

void sequence_text(const struct sequence *s, struct text *out)
{
	int64_t zero = s->zero_ns, last = zero;
	size_t i;

	text_printf(out, "%s\n%s", text_str(&s->title), text_str(&s->caveats));
	text_add_padded(out, "time in µs", -12);
	text_add(out, "  ");
	text_add_padded(out, "since last", -11);
	text_add(out, "  who                  what\n");
	for (i = 0; i < s->rows.n; i++) {
		const struct row *row = &s->rows.row[i];

		switch ((enum row_kind)row->kind) {
		case ROW_SECTION:
			text_printf(out, "\n== %s\n", row->text);
			zero = last = row->t_ns;
			break;
		case ROW_REPEAT:
			text_printf(out, "%27s~ %s\n", "", row->text);
			break;
		case ROW_GAP:
			text_printf(out, "%27s... %s\n", "", row->text);
			break;
		case ROW_LOSS:
			text_printf(out, "%27s!! %s\n", "", row->text);
			break;
		default:
			text_row(row, zero, last, out);
			last = row->last_ns;
		}
	}
}

/* ---- Mermaid ------------------------------------------------------------ */

/* Its line ends at a semicolon and its entities begin with a number sign. */
static void mermaid_text(struct text *out, const char *s)
{
	for (; *s; s++) {
		if (*s == ';')
			text_add(out, ",");
		else if (*s == '#')
			text_add(out, "#35;");
		else if (*s == '<' || *s == '>')
			text_add(out, *s == '<' ? "#lt;" : "#gt;");
		else
			text_add_bytes(out, s, 1);
	}
	text_add(out, "\n");
}

static void mermaid_note(struct text *out, const char *mark, const char *s)
{
	text_printf(out, "    Note over F,D: %s", mark);
	mermaid_text(out, s);
}

void sequence_mermaid(const struct sequence *s, struct text *out)
{
	static const char id[LANE_COUNT] = { 'F', 'S', 'R', 'B', 'D' };
	int64_t zero = s->zero_ns;
	char t[SEQUENCE_TIME_MAX];
	size_t i;

	text_add(out, "sequenceDiagram\n");
	for (i = 0; i < LANE_COUNT; i++)
		text_printf(out, "    participant %c as %s\n", id[i],
			    lane_names[i]);
	mermaid_note(out, "", text_str(&s->title));
	for (i = 0; i < s->rows.n; i++) {
		const struct row *row = &s->rows.row[i];

		if (row->kind != ROW_MESSAGE) {
			if (row->kind == ROW_SECTION)
				zero = row->t_ns;
			mermaid_note(out, row->kind == ROW_GAP ? "... " : "",
				     row->text);
			continue;
		}
		sequence_time(t, row->t_ns - zero);
		if (row->from == row->to)
			text_printf(out, "    Note over %c: %s µs ",
				    id[row->from], t);
		else
			text_printf(out, "    %c%s%c: %s µs ", id[row->from],
				    row->tone == TONE_NOTIFY ? "--)" : "->>",
				    id[row->to], t);
		mermaid_text(out, row->text);
	}
}

/* ---- JSON --------------------------------------------------------------- */

int sequence_json(const struct sequence *s, const struct model *m,
		  struct text *out)
{
	static const char *const kinds[] = { "message", "section", "repeat",
					     "gap", "loss" };
	json_object *top = json_object_new_object();
	json_object *rows = json_object_new_array();
	size_t i;

	json_put_str(top, "view", "sequence");
	json_put_str(top, "subject", text_str(&s->title));
	json_put_str(top, "caveats", text_str(&s->caveats));
	json_put_int(top, "start_ns", m->start_ns);
	for (i = 0; i < s->rows.n; i++) {
		const struct row *row = &s->rows.row[i];
		json_object *o = json_object_new_object();

		json_put_str(o, "kind", kinds[row->kind]);
		json_put_int(o, "t_ns", row->t_ns - m->start_ns);
		if (row->kind == ROW_MESSAGE) {
			json_put_str(o, "event",
				     ev_descs[m->log->rec[row->rec].kind].name);
			json_put_str(o, "from", lane_short_names[row->from]);
			json_put_str(o, "to", lane_short_names[row->to]);
			json_put_str(o, "tone", tone_names[row->tone]);
			json_put_int(o, "times", row->times);
		}
		json_put_str(o, "text", row->text);
		json_object_array_add(rows, o);
	}
	json_object_object_add(top, "rows", rows);
	return json_write(top, out);
}
