/* SPDX-License-Identifier: MIT */
#include "tool/top_inside.h"

#include <stdio.h>
#include <string.h>

static void stages_end(struct inside *in)
{
	timing_stages_close(in->stages);
	in->stages = NULL;
	in->shown.stages = NULL;
	top_stages_free(&in->stages_now);
	top_stages_free(&in->stages_shown);
}

static void stages_begin(struct inside *in)
{
	struct why why;

	if (!timing_stages_open(&in->stages, (int)in->pid, &why))
		return;
	in->stages = NULL;
	in->fresh = true;
	snprintf(in->absent, sizeof(in->absent), "No stages: %.180s", why.text);
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

int inside_sample(struct inside *in, uint32_t daemon_pid)
{
	bool anew = in->pid != daemon_pid;

	if (anew || !in->want_stages) {
		stages_end(in);
		in->absent[0] = '\0';
	}
	in->pid = daemon_pid;
	/* What was refused once is not tried again until the key is pressed. */
	if (in->want_stages && in->pid && !in->stages && !in->absent[0])
		stages_begin(in);
	return in->stages ? stages_sample(in) : 0;
}

void inside_free(struct inside *in)
{
	stages_end(in);
}
