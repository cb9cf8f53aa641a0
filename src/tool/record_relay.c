/* SPDX-License-Identifier: MIT */
#include "tool/record_relay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void record_relay_name(char *name, size_t size)
{
	time_t now = time(NULL);
	char date[32] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	snprintf(name, size, "ringside-%d-%s", (int)getpid(), date);
}

void record_relay_begun(const struct record_relay *relay, const char *session)
{
	char here[65] = "";

	gethostname(here, sizeof(here) - 1);
	fprintf(stderr,
		RECORD_PROGRAM ": recording to %s; there it is seen live by "
			       "\"ringside show latency --follow "
			       "net://localhost/host/%s/%s\"\n",
		relay->host, here, session);
}

void record_relay_broken(const struct record_relay *relay, struct why *why)
{
	why_set(why, -EPIPE,
		"LTTng's connection to %s broke, and the trace there lacks "
		"its end; record again",
		relay->host);
}

static void tell_losses(const struct record_result *res)
{
	char size[32];

	if (res->losses.events)
		fprintf(stderr,
			"; %" PRIu64 " events were LOST because the buffers "
			"were full: give more than %" PRIu64 " of %s with "
			"--subbuf-size, or take fewer with --level\n",
			res->losses.events, res->num_subbuf,
			record_size_text(res->subbuf_bytes, size));
	else if (res->losses.packets)
		fprintf(stderr,
			"; %" PRIu64 " packets of events are missing; record "
			"again\n",
			res->losses.packets);
	else
		fputs(", none lost\n", stderr);
}

bool record_relay_report(struct record_result *res,
			 const struct record_relay *relay, const char *name)
{
	char place[RECORD_RELAY_PLACE];

	record_report_trouble(res);
	record_report_clear();
	if (res->failed)
		return false;
	record_relay_place(name, place);
	fprintf(stderr, RECORD_PROGRAM ": the events of %.1f s went to %s",
		res->seconds, relay->host);
	tell_losses(res);
	fprintf(stderr,
		RECORD_PROGRAM ": look at them there: \"ringside show report "
			       "%s -o report.html\" (lttng-relayd --output "
			       "would be another place)\n",
		place);
	return !res->losses.packets;
}
