/* SPDX-License-Identifier: MIT */
#include "viz/read/live.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "viz/guard.h"
#include "viz/read/graph.h"

#define LOOK_NS	 1000000000u
#define PAUSE_NS 50000000

struct live {
	bool (*look)(void *data);
	void *data;
	struct trace_log *log;
	uint64_t looked_ns;
	size_t looked_n;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

bool live_is_url(const char *trace)
{
	return !strncmp(trace, "net://", 6) || !strncmp(trace, "net4://", 7) ||
	       !strncmp(trace, "net6://", 7);
}

static bool live_turn(bool idle, void *data)
{
	const struct timespec pause = { 0, PAUSE_NS };
	struct live *live = data;
	uint64_t now = clock_now_ns();

	guard_beat();
	if (interrupted)
		return false;
	if (live->look && live->log->n != live->looked_n &&
	    now - live->looked_ns > LOOK_NS) {
		if (!live->look(live->data))
			return false;
		live->looked_ns = clock_now_ns();
		live->looked_n = live->log->n;
	}
	if (idle)
		nanosleep(&pause, NULL);
	return true;
}

static int no_session(const char *url, const char *said, struct why *why)
{
	/* babeltrace speaks of its parameters where relayd has none of it. */
	bool unknown = strstr(said, "session-not-found-action");

	return why_set(why, -EBADMSG,
		       "%s cannot be read live (%s); it is "
		       "net://HOST/host/HOSTNAME/SESSION, as \"ringside record "
		       "--to\" says when it begins and \"babeltrace2 -i "
		       "lttng-live net://HOST\" lists it",
		       url,
		       unknown ? "no such session is being recorded" : said);
}

int live_read(const char *url, bool (*look)(void *data), void *data,
	      struct trace_log *log, struct why *why)
{
	struct sigaction stop = { .sa_handler = on_interrupt };
	struct live live = { .look = look,
			     .data = data,
			     .log = log,
			     .looked_ns = clock_now_ns() };
	struct graph_pace pace = { live_turn, &live };
	struct graph_input in = { .dir = &url, .n = 1, .is_live = true };
	char said[200];
	int rc;

	log->live = log->snapshot = true;
	sigaction(SIGINT, &stop, NULL);
	guard_heed_interrupt();
	rc = graph_read(&in, 1, log, &pace, said, sizeof(said));
	if ((rc == -EBADMSG || rc == -ENOMEM || rc == -EOVERFLOW) && log->n) {
		snprintf(log->damage, sizeof(log->damage), "%s%s",
			 rc == -EBADMSG ? "the stream broke off: "
					: "no more than this can be held: ",
			 rc == -EBADMSG ? said : strerror(-rc));
		log->cut = true;
		return 0;
	}
	if (rc == -EBADMSG)
		return no_session(url, said, why);
	if (rc)
		return why_set(why, rc, "%s: %s", url, strerror(-rc));
	return log->n ? 0
		      : why_set(why, -ENODATA,
				"%s: no event came before its end", url);
}
