/* SPDX-License-Identifier: MIT */
#include "trace/record/session.h"

#include <errno.h>
#include <inttypes.h>
#include <lttng/lttng.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/record/apps.h"
#include "trace/record/daemon.h"
#include "trace/record/dir.h"
#include "trace/record/size.h"

#define CHANNEL	    "ringside"
#define NS_PER_S    1000000000u
#define PENDING_NS  (10 * (uint64_t)NS_PER_S)
#define RELAY_NS    (30 * (uint64_t)NS_PER_S)
#define COUNT_MS    100
#define SAME_COUNTS 5
#define LIVE_US	    500000 /* how old what is seen live may be */
#define DESTROY_MS  60000

struct record {
	char name[64];
	char *dir;
	struct record_options opt; /* but for dir */
	struct lttng_handle *handle;
	uint64_t subbuf_bytes, num_subbuf;
	bool created; /* the daemon has the session */
	unsigned absent;
	int absent_pid;
};

static void sleep_ms(long ms)
{
	struct timespec t = { 0, ms * 1000000 };

	nanosleep(&t, NULL);
}

/* LTTng's own codes as a sentence: `ret` as lttng-ctl gave it. */
static int lttng_why(struct why *why, const char *what, int ret)
{
	return why_set(why, -EIO, "LTTng could not %s: %s", what,
		       lttng_strerror(ret < 0 ? ret : -ret));
}

/* Where it goes; NULL if LTTng does not like the place. */
static struct lttng_session_descriptor *
descriptor_create(const struct record *rec)
{
	char control[RECORD_RELAY_URL], data[RECORD_RELAY_URL];

	if (rec->opt.flight)
		return lttng_session_descriptor_snapshot_create(rec->name);
	if (!rec->opt.relay)
		return lttng_session_descriptor_local_create(rec->name,
							     rec->dir);
	record_relay_urls(rec->opt.relay, rec->dir, control, data);
	return lttng_session_descriptor_live_network_create(rec->name, control,
							    data, LIVE_US);
}

/* With the daemon's lock held, so that it is not stopped in between. */
static int session_create(struct record *rec, struct why *why)
{
	struct lttng_session_descriptor *desc;
	enum lttng_error_code code;
	int err = record_daemon_ensure(why);

	if (err)
		return err;
	record_daemon_clean();
	desc = descriptor_create(rec);
	if (!desc)
		return why_set(
			why, -EINVAL, "LTTng does not take \"%s\" as a %s",
			rec->opt.relay ? rec->opt.relay->address : rec->dir,
			rec->opt.relay ? "host" : "directory");
	code = lttng_create_session_ext(desc);
	lttng_session_descriptor_destroy(desc);
	if (code == LTTNG_ERR_EXIST_SESS) {
		/* Left by a killed process that had our number. */
		lttng_destroy_session_no_wait(rec->name);
		return why_set(why, -EEXIST,
			       "an old session %s was in the "
			       "way and has been removed; try again",
			       rec->name);
	}
	if (code != LTTNG_OK)
		return lttng_why(why, "create a session", (int)code);
	rec->created = true;
	return 0;
}

static int channel_enable(struct record *rec, struct lttng_domain *domain,
			  struct why *why)
{
	struct lttng_channel *channel = lttng_channel_create(domain);
	int ret;

	if (!channel)
		return why_set(why, -ENOMEM, "no memory for a channel");
	snprintf(channel->name, sizeof(channel->name), "%s", CHANNEL);
	channel->attr.overwrite = rec->opt.flight;
	channel->attr.subbuf_size = rec->subbuf_bytes;
	channel->attr.num_subbuf = rec->num_subbuf;
	channel->attr.output = LTTNG_EVENT_MMAP;
	ret = lttng_enable_channel(rec->handle, channel);
	lttng_channel_destroy(channel);
	return ret < 0 ? lttng_why(why, "make the buffers", ret) : 0;
}

static int contexts_add(struct record *rec, unsigned contexts, struct why *why)
{
	static const struct {
		enum record_context want;
		enum lttng_event_context_type type;
	} known[] = {
		{ RECORD_CONTEXT_VPID, LTTNG_EVENT_CONTEXT_VPID },
		{ RECORD_CONTEXT_VTID, LTTNG_EVENT_CONTEXT_VTID },
		{ RECORD_CONTEXT_PROCNAME, LTTNG_EVENT_CONTEXT_PROCNAME },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct lttng_event_context context = { .ctx = known[i].type };
		int ret;

		if (!(contexts & known[i].want))
			continue;
		ret = lttng_add_context(rec->handle, &context, NULL, CHANNEL);
		if (ret < 0)
			return lttng_why(why, "add a context", ret);
	}
	return 0;
}

static int events_enable(struct record *rec, enum ev_level level,
			 struct why *why)
{
	static const int loglevel[] = {
		[EV_LEVEL_CONTROL] = LTTNG_LOGLEVEL_NOTICE,
		[EV_LEVEL_PROTOCOL] = LTTNG_LOGLEVEL_INFO,
		[EV_LEVEL_FULL] = LTTNG_LOGLEVEL_DEBUG,
	};
	struct lttng_event *event = lttng_event_create();
	int ret;

	if (!event)
		return why_set(why, -ENOMEM, "no memory for an event rule");
	event->type = LTTNG_EVENT_TRACEPOINT;
	snprintf(event->name, sizeof(event->name), "ringside:*");
	event->loglevel_type = LTTNG_EVENT_LOGLEVEL_RANGE;
	event->loglevel = loglevel[level];
	ret = lttng_enable_event(rec->handle, event, CHANNEL);
	lttng_event_destroy(event);
	return ret < 0 ? lttng_why(why, "enable the events", ret) : 0;
}

/* Of all processes but this one LTTng then asks nothing. */
static int process_select(struct record *rec, pid_t pid, struct why *why)
{
	struct lttng_process_attr_tracker_handle *tracker = NULL;
	enum lttng_process_attr_tracker_handle_status status;
	enum lttng_error_code code = lttng_session_get_tracker_handle(
		rec->name, LTTNG_DOMAIN_UST,
		LTTNG_PROCESS_ATTR_VIRTUAL_PROCESS_ID, &tracker);

	if (code != LTTNG_OK)
		return lttng_why(why, "select a process", (int)code);
	status = lttng_process_attr_tracker_handle_set_tracking_policy(
		tracker, LTTNG_TRACKING_POLICY_INCLUDE_SET);
	if (status == LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK)
		status =
			lttng_process_attr_virtual_process_id_tracker_handle_add_pid(
				tracker, pid);
	lttng_process_attr_tracker_handle_destroy(tracker);
	return status == LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK
		       ? 0
		       : why_set(why, -EIO, "LTTng could not select process %d",
				 (int)pid);
}

/* With the lock: a session that is ready to be started. */
static int session_make(struct record *rec, struct why *why)
{
	struct lttng_domain domain = { .type = LTTNG_DOMAIN_UST };
	int err = session_create(rec, why);

	if (err)
		return err;
	domain.buf_type =
		rec->opt.flight ? LTTNG_BUFFER_PER_UID : LTTNG_BUFFER_PER_PID;
	rec->handle = lttng_create_handle(rec->name, &domain);
	if (!rec->handle)
		return why_set(why, -ENOMEM, "no memory for a handle");
	err = rec->opt.pid ? process_select(rec, rec->opt.pid, why) : 0;
	if (!err)
		err = channel_enable(rec, &domain, why);
	if (!err)
		err = contexts_add(rec, rec->opt.contexts, why);
	if (!err)
		err = events_enable(rec, rec->opt.level, why);
	return err;
}

static int session_start(struct record *rec, struct why *why)
{
	int ret = lttng_start_tracing(rec->name);

	return ret < 0 ? lttng_why(why, "start to record", ret) : 0;
}

int record_start(struct record **out, const struct record_options *opt,
		 struct why *why)
{
	struct record *rec = calloc(1, sizeof(*rec));
	struct record_size size = record_size(opt);
	int lock, err;

	if (!rec || !(rec->dir = strdup(opt->dir))) {
		free(rec);
		return why_set(why, -ENOMEM, "no memory for a session");
	}
	snprintf(rec->name, sizeof(rec->name), RECORD_SESSION_PREFIX "%d",
		 (int)getpid());
	rec->opt = *opt;
	rec->subbuf_bytes = size.subbuf_bytes;
	rec->num_subbuf = size.num_subbuf;

	err = lock = record_daemon_lock(why);
	if (lock < 0)
		goto fail;
	err = session_make(rec, why);
	record_daemon_unlock(lock);
	if (err)
		goto fail;
	rec->absent = record_apps_wait(rec->handle, opt->pid, opt->waiting,
				       &rec->absent_pid);
	err = session_start(rec, why);
	if (err)
		goto fail;
	*out = rec;
	return 0;
fail:
	record_close(rec);
	return err;
}

const char *record_name(const struct record *rec)
{
	return rec->name;
}

unsigned record_absent(const struct record *rec, int *pid)
{
	*pid = rec->absent_pid;
	return rec->absent;
}

bool record_alive(void)
{
	return lttng_session_daemon_alive() == 1;
}

void record_buffers(const struct record *rec, uint64_t *subbuf_bytes,
		    uint64_t *num_subbuf)
{
	*subbuf_bytes = rec->subbuf_bytes;
	*num_subbuf = rec->num_subbuf;
}

bool record_reaches(const struct record *rec)
{
	return !rec->opt.relay || record_relay_alive(rec->opt.relay);
}

/*
 * Until the daemon has written everything.  It says "pending" forever about
 * a process that was stopped in the middle of an event.
 */
static int pending_wait(struct record *rec, struct why *why)
{
	uint64_t moved = clock_now_ns(), size = 0;
	uint64_t bound = rec->opt.relay ? RELAY_NS : PENDING_NS;
	int ret;

	while ((ret = lttng_data_pending(rec->name)) == 1) {
		uint64_t now = rec->opt.relay ? 0 : record_dir_bytes(rec->dir);

		if (rec->opt.answered)
			rec->opt.answered();
		if (!record_reaches(rec))
			break;
		if (now != size) {
			size = now;
			moved = clock_now_ns();
		} else if (clock_now_ns() - moved > bound) {
			return why_set(why, -ETIMEDOUT,
				       "LTTng still holds events%s; the trace "
				       "may lack its end",
				       rec->opt.relay
					       ? " that the other machine has "
						 "not taken in 30 s"
					       : " of a process that does not "
						 "go on");
		}
		sleep_ms(5);
	}
	return ret < 0 ? lttng_why(why, "write the last events", ret) : 0;
}

static int losses_count(struct record *rec, struct record_losses *losses,
			struct why *why)
{
	struct lttng_channel *channels = NULL;
	int count = lttng_list_channels(rec->handle, &channels), ret = 0;

	if (count < 0)
		return lttng_why(why, "count the lost events", count);
	for (int i = 0; i < count && !ret; i++) {
		uint64_t n;

		ret = lttng_channel_get_discarded_event_count(&channels[i], &n);
		if (ret)
			break;
		/* LTTng 2.13 adds 2^63 each time a stream's count falls. */
		losses->events += n & INT64_MAX;
		ret = lttng_channel_get_lost_packet_count(&channels[i], &n);
		if (!ret)
			losses->packets += n;
	}
	free(channels);
	return ret ? lttng_why(why, "count the lost events", ret) : 0;
}

/*
 * The daemon counts what a process lost, that has just ended, a moment after
 * it took the process off its list, and nothing says when.  A trace that is
 * here has the numbers in it; for one that went away they are all there is.
 */
static int losses_settle(struct record *rec, struct record_losses *losses,
			 struct why *why)
{
	int err = losses_count(rec, losses, why);

	for (unsigned same = 0; rec->opt.relay && !err && same < SAME_COUNTS;) {
		struct record_losses now = { 0 };

		sleep_ms(COUNT_MS);
		err = losses_count(rec, &now, why);
		same = now.events == losses->events &&
				       now.packets == losses->packets
			       ? same + 1
			       : 0;
		if (!err)
			*losses = now;
	}
	return err;
}

static int relay_gone(const struct record *rec, struct why *why)
{
	char place[RECORD_RELAY_PLACE];

	record_relay_place(rec->dir, place);
	return why_set(why, -EPIPE,
		       "lttng-relayd on %s has gone; what it received until "
		       "then is there in %s",
		       rec->opt.relay->host, place);
}

int record_stop(struct record *rec, struct record_losses *losses,
		struct why *why)
{
	int ret, err, err2;

	memset(losses, 0, sizeof(*losses));
	if (!record_alive())
		return why_set(why, -ESRCH,
			       "LTTng's session daemon has gone; the trace "
			       "may lack its end");
	ret = lttng_stop_tracing_no_wait(rec->name);
	if (ret < 0 && ret != -LTTNG_ERR_UST_STOP_FAIL)
		return lttng_why(why, "stop recording", ret);
	err = pending_wait(rec, why);
	if (!record_reaches(rec))
		err = relay_gone(rec, why);
	err2 = losses_settle(rec, losses, err ? NULL : why);
	return err ? err : err2;
}

/*
 * Until it is gone: while the daemon still has it, the daemon is not ended.
 * On a busy machine, with processes that come and go, that takes seconds.
 */
static int session_destroy(struct record *rec)
{
	enum lttng_error_code code = LTTNG_ERR_UNK;
	struct lttng_destruction_handle *end = NULL;

	if (lttng_destroy_session_ext(rec->name, &end) != LTTNG_OK)
		return -EIO;
	lttng_destruction_handle_wait_for_completion(end, DESTROY_MS);
	lttng_destruction_handle_get_result(end, &code);
	lttng_destruction_handle_destroy(end);
	return code == LTTNG_OK ? 0 : -EIO;
}

int record_renew(struct record *rec, struct why *why)
{
	int lock = record_daemon_lock(why), err;

	if (lock < 0)
		return lock;
	/* With the lock: nobody may end a daemon that has no session. */
	session_destroy(rec);
	rec->created = false;
	lttng_destroy_handle(rec->handle);
	rec->handle = NULL;
	err = session_make(rec, why);
	record_daemon_unlock(lock);
	return err ? err : session_start(rec, why);
}

int record_close(struct record *rec)
{
	int lock, err = 0;

	if (!rec)
		return 0;
	/* Also after a failure: the daemon may be ours with no session. */
	lock = record_daemon_lock(NULL);
	if (rec->created)
		err = session_destroy(rec);
	if (lock >= 0) {
		record_daemon_leave();
		record_daemon_unlock(lock);
	}
	if (rec->handle)
		lttng_destroy_handle(rec->handle);
	free(rec->dir);
	free(rec);
	return err;
}
