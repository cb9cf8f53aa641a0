/* SPDX-License-Identifier: MIT */
/*
 * The handshake as it really went: for each side its xenbus states, the
 * moves between them in their order and with their times, and at each state
 * the keys that were written, read and settled there.
 */
#include "viz/views/handshake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "viz/render/json.h"
#include "viz/views/message.h"

const char *step_verb(enum step_kind kind)
{
	static const char *const verbs[] = {
		[STEP_MOVE] = "moves",	 [STEP_SEEN] = "sees",
		[STEP_WRITE] = "writes", [STEP_READ] = "reads",
		[STEP_ABSENT] = "reads", [STEP_SETTLE] = "settles",
		[STEP_FAULT] = "fault",
	};

	return verbs[kind];
}

const char *step_value(const struct step *s, char buf[24])
{
	if (s->kind == STEP_SETTLE) {
		snprintf(buf, 24, "%" PRIu64, s->settled);
		return buf;
	}
	return s->kind == STEP_ABSENT ? "(absent)" : s->value;
}

/* ---- text --------------------------------------------------------------- */

static void text_step(const struct model *m, const struct step *s,
		      struct text *out)
{
	char t[TEXT_NS_MAX], value[24];

	text_add_padded(out, text_ns(t, s->t_ns - m->start_ns), -12);
	text_add(out, "  ");
	text_add_padded(out, side_names[s->side], 9);
	switch ((enum step_kind)s->kind) {
	case STEP_MOVE:
		text_printf(out, "%2u. %u %s -> %u %s\n", s->number, s->from,
			    state_name(s->from), s->to, state_name(s->to));
		break;
	case STEP_SEEN:
		text_printf(out, "%2u. sees the %s in %u %s\n", s->number,
			    side_names[side_peer(s->side)], s->to,
			    state_name(s->to));
		break;
	case STEP_FAULT:
		text_printf(out, " !  stopped%s%s: %s\n", *s->key ? " by " : "",
			    s->key, s->value);
		break;
	default:
		text_printf(out, "    %-7s  %s = %s\n",
			    step_verb((enum step_kind)s->kind), s->key,
			    step_value(s, value));
	}
}

static void handshake_text(const struct model *m, const struct handshake *h,
			   const char *title, struct text *out)
{
	unsigned side, state, n;
	bool recorded;
	size_t i;

	text_printf(out, "Handshake of %s\n", title);
	view_caveats(m, out);
	text_add(out, "        time  who      what\n");
	for (i = 0; i < h->n; i++)
		text_step(m, &h->step[i], out);
	text_add(out, "\n");
	for (side = 0; side < SIDE_COUNT; side++) {
		recorded = h->recorded[side];
		text_printf(out,
			    recorded ? "%s was never in:"
				     : "%s was not recorded; it was seen in:",
			    side_names[side]);
		for (state = 1, n = 0; state <= EV_STATE_CLOSED; state++)
			if (recorded ? !h->visited[side][state]
				     : h->seen[side][state])
				text_printf(out, "%s %u %s", n++ ? "," : "",
					    state, state_name(state));
		if (!n)
			text_add(out, recorded ? " (it took every state)"
					       : " no state");
		text_add(out, "\n");
	}
}

/* ---- JSON --------------------------------------------------------------- */

static int handshake_json(const struct model *m, const struct handshake *h,
			  const char *title, struct text *out)
{
	static const char *const kinds[] = { "move", "seen",   "write",
					     "read", "absent", "settle",
					     "fault" };
	json_object *top = json_object_new_object();
	json_object *steps = json_object_new_array();
	char value[24];
	size_t i;

	json_put_str(top, "view", "handshake");
	json_put_str(top, "subject", title);
	for (i = 0; i < h->n; i++) {
		const struct step *s = &h->step[i];
		json_object *o = json_object_new_object();

		json_put_int(o, "t_ns", s->t_ns - m->start_ns);
		json_put_str(o, "side", side_names[s->side]);
		json_put_str(o, "kind", kinds[s->kind]);
		json_put_int(o, "state", s->from);
		if (s->kind == STEP_MOVE || s->kind == STEP_SEEN) {
			json_put_int(o, "number", s->number);
			json_put_int(o, "to", s->to);
		} else {
			json_put_str(o, "key", s->key);
			if (s->kind != STEP_ABSENT)
				json_put_str(o, "value", step_value(s, value));
		}
		json_object_array_add(steps, o);
	}
	json_object_object_add(top, "steps", steps);
	return json_write(top, out);
}

/* ---- Mermaid ------------------------------------------------------------ */

/* Inside quotes: its entities begin with "#" and end with ";". */
static void mermaid_text(struct text *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '"':
			text_add(out, "#quot;");
			break;
		case '#':
			text_add(out, "#35;");
			break;
		case '<':
			text_add(out, "#lt;");
			break;
		case '>':
			text_add(out, "#gt;");
			break;
		default:
			text_add_bytes(out, s, 1);
		}
	}
}

static void mermaid_state(const struct handshake *h, unsigned side,
			  unsigned state, struct text *out)
{
	char value[24];
	size_t i;

	text_printf(out, "        %c%u[\"%u %s", "FB"[side], state, state,
		    state_name(state));
	for (i = 0; i < h->n; i++) {
		const struct step *s = &h->step[i];

		if (s->side != side || s->from != state ||
		    s->kind == STEP_MOVE || s->kind == STEP_SEEN)
			continue;
		text_printf(out, "<br/>%s ",
			    step_verb((enum step_kind)s->kind));
		mermaid_text(out, s->key);
		text_add(out, *s->key ? " = " : "");
		mermaid_text(out, step_value(s, value));
	}
	text_add(out, "\"]\n");
}

static bool is_shown(const struct handshake *h, unsigned side, unsigned state)
{
	return h->visited[side][state] ||
	       (!h->recorded[side] && h->seen[side][state]);
}

static void handshake_mermaid(const struct model *m, const struct handshake *h,
			      struct text *out)
{
	char t[TEXT_NS_MAX];
	unsigned side, state;
	size_t i;

	text_add(out, "flowchart TB\n");
	for (side = 0; side < SIDE_COUNT; side++) {
		text_printf(out, "    subgraph %s\n", side_names[side]);
		for (state = 0; state < HANDSHAKE_STATES; state++)
			if (is_shown(h, side, state))
				mermaid_state(h, side, state, out);
		text_add(out, "    end\n");
	}
	for (i = 0; i < h->n; i++) {
		const struct step *s = &h->step[i];

		if (s->kind == STEP_MOVE)
			text_printf(out, "    %c%u -->|\"%u. %s\"| %c%u\n",
				    "FB"[s->side], s -> from, s -> number,
				    text_ns(t, s->t_ns - m->start_ns),
				    "FB"[s->side], s -> to);
		else if (s->kind == STEP_SEEN &&
			 is_shown(h, side_peer(s->side), s->to))
			text_printf(out,
				    "    %c%u -.->|\"%u. seen %s\"| "
				    "%c%u\n",
				    "FB"[side_peer(s->side)], s -> to,
				    s -> number,
				    text_ns(t, s->t_ns - m->start_ns),
				    "FB"[s->side], s -> from);
	}
}

static int handshake_show(const struct model *m, const struct view_options *o,
			  struct text *out, struct why *why)
{
	struct text title = { 0 };
	struct selection s;
	struct handshake h;
	int rc;

	rc = view_select(m, o, &s, why);
	if (rc)
		return rc;
	s.other_queues = 0;
	rc = handshake_make(m, &m->device[s.device], &h);
	if (!rc && !h.n) {
		handshake_free(&h);
		return why_set(why, -ENOENT,
			       "the trace holds no handshake of "
			       "this device; record from before it is "
			       "attached, at level control or above");
	}
	view_subject(m, &s, &title);
	if (!rc) {
		switch (o->format) {
		case VIEW_TEXT:
			handshake_text(m, &h, text_str(&title), out);
			break;
		case VIEW_JSON:
			rc = handshake_json(m, &h, text_str(&title), out);
			break;
		case VIEW_MERMAID:
			handshake_mermaid(m, &h, out);
			break;
		default:
			rc = handshake_draw(m, &h, text_str(&title),
					    view_format_name(o->format), out,
					    why);
		}
	}
	if (rc == -ENOMEM || out->error)
		rc = why_set(why, -ENOMEM, "no memory for the picture");
	text_free(&title);
	handshake_free(&h);
	return rc;
}

const struct view view_handshake = {
	.name = "handshake",
	.what = "both sides' states as they moved, and the keys",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_SVG | 1 << VIEW_PNG |
		   1 << VIEW_PDF | 1 << VIEW_DOT | 1 << VIEW_MERMAID |
		   1 << VIEW_JSON,
	.show = handshake_show,
};
