/* SPDX-License-Identifier: MIT */
#include "tool/top_inside.h"

#include <stdio.h>
#include <string.h>

#define GNTDEV "/dev/xen/gntdev"
#define EVTCHN "/dev/xen/evtchn"

static void word_say(struct inside_word *w, const char *what, const char *text)
{
	w->fresh = true;
	snprintf(w->text, sizeof(w->text), "%s%.200s", what, text);
}

/* ---- stages -------------------------------------------------------------- */

static void stages_end(struct inside *in)
{
	timing_stages_close(in->stages);
	in->stages = NULL;
	in->shown.stages = NULL;
	top_stages_free(&in->stages_now);
	top_stages_free(&in->stages_shown);
	in->stages_word.text[0] = '\0';
}

static void stages_begin(struct inside *in)
{
	struct why why;

	if (timing_stages_open(&in->stages, (int)in->pid, &why))
		word_say(&in->stages_word, "No stages: ", why.text);
}

static int stages_sample(struct inside *in)
{
	struct top_stages before = in->stages_now;
	int err;

	in->shown.stages = NULL;
	top_stages_free(&in->stages_shown);
	err = timing_stages_read(in->stages, &in->stages_now.rows,
				 &in->stages_now.count);
	if (!err)
		err = top_stages_differ(&before, &in->stages_now,
					&in->stages_shown);
	if (!err)
		in->shown.stages = &in->stages_shown;
	top_stages_free(&before);
	return err;
}

/* ---- the kernel ---------------------------------------------------------- */

static void calls_end(struct inside *in)
{
	timing_calls_close(in->calls);
	in->calls = NULL;
	in->shown.calls = NULL;
	in->calls_word.text[0] = '\0';
}

static void calls_begin(struct inside *in)
{
	char unseen[200];
	struct why why;

	memset(&in->calls_now, 0, sizeof(in->calls_now));
	if (timing_calls_open(&in->calls, (int)in->pid, GNTDEV, EVTCHN,
			      &in->calls_now.seen, &why)) {
		word_say(&in->calls_word, "Not of the kernel: ", why.text);
		return;
	}
	top_calls_unseen(&in->calls_now.seen, unseen, sizeof(unseen));
	if (unseen[0])
		word_say(&in->calls_word, "", unseen);
}

static int calls_sample(struct inside *in)
{
	struct top_calls before = in->calls_now;
	int err = timing_calls_read(in->calls, in->calls_now.of);

	top_calls_differ(&before, &in->calls_now, &in->calls_shown);
	in->shown.calls = err ? NULL : &in->calls_shown;
	return err;
}

/* ---- both ---------------------------------------------------------------- */

int inside_sample(struct inside *in, uint32_t daemon_pid)
{
	bool anew = in->pid != daemon_pid;
	int err = 0;

	if (anew || !in->want_stages)
		stages_end(in);
	if (anew || !in->want_calls)
		calls_end(in);
	in->pid = daemon_pid;
	/* What was refused once is not tried again until the key is pressed. */
	if (in->want_stages && in->pid && !in->stages &&
	    !in->stages_word.text[0])
		stages_begin(in);
	if (in->want_calls && in->pid && !in->calls && !in->calls_word.text[0])
		calls_begin(in);
	if (in->stages)
		err = stages_sample(in);
	if (in->calls && !err)
		err = calls_sample(in);
	return err;
}

void inside_free(struct inside *in)
{
	stages_end(in);
	calls_end(in);
}
