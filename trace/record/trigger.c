/* SPDX-License-Identifier: MIT */
#include "trace/record/trigger.h"

#include <errno.h>
#include <inttypes.h>
#include <lttng/lttng.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/record/daemon.h"

#define FIELDS 6

/* One rule each, named "ringside-PID-WORD". */
enum {
	RULE_REFUSED,
	RULE_ERROR,
	RULE_SLOW,
	RULE_BEGIN,
	RULE_END,
	RULES,
};

static const struct rule {
	const char *word, *event;
	const char *fields[FIELDS + 1]; /* "$": of the process */
	enum record_cause cause;
} rules[RULES] = {
	[RULE_REFUSED] = { "refused",
			   "ringside:request_refuse",
			   { "domid", "devid", "queue", "seq", "rule",
			     "detail" },
			   RECORD_REFUSED },
	[RULE_ERROR] = { "error",
			 "ringside:request_respond",
			 { "domid", "devid", "queue", "seq", "took", "status" },
			 RECORD_ERROR },
	[RULE_SLOW] = { "slow",
			"ringside:request_respond",
			{ "domid", "devid", "queue", "seq", "took" },
			RECORD_SLOW },
	[RULE_BEGIN] = { "begin",
			 "ringside:program_start",
			 { "$vpid", "program" },
			 RECORD_DEATH },
	[RULE_END] = { "end",
		       "ringside:program_stop",
		       { "$vpid", "program" },
		       RECORD_DEATH },
};

struct trigger {
	struct lttng_event_rule *rule;
	struct lttng_condition *condition;
	struct lttng_action *action;
	struct lttng_trigger *trigger;
	bool registered;
};

struct record_triggers {
	struct lttng_notification_channel *channel;
	struct trigger trigger[RULES];
	bool dropped; /* by the channel, which does not count them */
};

/* ---- to LTTng ------------------------------------------------------------ */

static void trigger_undo(struct trigger *t)
{
	if (t->registered)
		lttng_unregister_trigger(t->trigger);
	lttng_trigger_destroy(t->trigger);
	lttng_action_destroy(t->action);
	lttng_condition_destroy(t->condition);
	lttng_event_rule_destroy(t->rule);
	memset(t, 0, sizeof(*t));
}

static int capture(struct lttng_condition *condition, const char *field)
{
	struct lttng_event_expr *expr =
		*field == '$'
			? lttng_event_expr_channel_context_field_create(field +
									1)
			: lttng_event_expr_event_payload_field_create(field);

	if (!expr)
		return -ENOMEM;
	if (!lttng_condition_event_rule_matches_append_capture_descriptor(
		    condition, expr))
		return 0;
	lttng_event_expr_destroy(expr);
	return -EINVAL;
}

/* The condition alone; lttng-ctl tells no more than that it failed. */
static int condition_make(struct trigger *t, const struct rule *rule,
			  const char *filter)
{
	t->rule = lttng_event_rule_user_tracepoint_create();
	if (!t->rule)
		return -ENOMEM;
	if (lttng_event_rule_user_tracepoint_set_name_pattern(t->rule,
							      rule->event) ||
	    (*filter &&
	     lttng_event_rule_user_tracepoint_set_filter(t->rule, filter)))
		return -EINVAL;
	t->condition = lttng_condition_event_rule_matches_create(t->rule);
	if (!t->condition)
		return -ENOMEM;
	for (int i = 0; i < FIELDS && rule->fields[i]; i++) {
		int err = capture(t->condition, rule->fields[i]);

		if (err)
			return err;
	}
	return 0;
}

/* In a list: "lttng list-triggers" of 2.13 crashes at an action alone. */
static struct lttng_action *action_make(void)
{
	struct lttng_action *list = lttng_action_list_create();
	struct lttng_action *notify = lttng_action_notify_create();

	if (!list || !notify || lttng_action_list_add_action(list, notify)) {
		lttng_action_destroy(list);
		list = NULL;
	}
	lttng_action_destroy(notify);
	return list;
}

static int trigger_make(struct record_triggers *set, int which,
			const char *filter, struct why *why)
{
	struct trigger *t = &set->trigger[which];
	enum lttng_error_code code;
	char name[64];
	int err = condition_make(t, &rules[which], filter);

	if (err)
		return why_set(why, err, "LTTng takes no trigger on %s: %s",
			       rules[which].event, strerror(-err));
	t->action = action_make();
	t->trigger = t->action ? lttng_trigger_create(t->condition, t->action)
			       : NULL;
	if (!t->trigger)
		return why_set(why, -ENOMEM, "no memory for a trigger");
	snprintf(name, sizeof(name), RECORD_SESSION_PREFIX "%d-%s",
		 (int)getpid(), rules[which].word);
	code = lttng_register_trigger_with_name(t->trigger, name);
	if (code != LTTNG_OK)
		return why_set(why, -EIO, "LTTng takes no trigger on %s: %s",
			       rules[which].event, lttng_strerror(-(int)code));
	t->registered = true;
	if (lttng_notification_channel_subscribe(set->channel, t->condition))
		return why_set(why, -EIO, "LTTng does not tell of %s",
			       rules[which].event);
	return 0;
}

int record_triggers_open(struct record_triggers **out, unsigned causes,
			 unsigned slow_ms, struct why *why)
{
	struct record_triggers *set = calloc(1, sizeof(*set));
	char filter[64];
	int err = 0;

	if (!set)
		return why_set(why, -ENOMEM, "no memory for triggers");
	set->channel = lttng_notification_channel_create(
		lttng_session_daemon_notification_endpoint);
	if (!set->channel)
		err = why_set(why, -EIO,
			      "LTTng's session daemon does not tell of events; "
			      "is it older than 2.13?");
	for (int i = 0; !err && i < RULES; i++) {
		if (!(causes & 1u << rules[i].cause))
			continue;
		*filter = '\0';
		if (i == RULE_ERROR)
			snprintf(filter, sizeof(filter), "status != 0");
		else if (i == RULE_SLOW)
			snprintf(filter, sizeof(filter), "took > %" PRIu64,
				 (uint64_t)slow_ms * 1000000);
		err = trigger_make(set, i, filter, why);
	}
	if (err) {
		record_triggers_close(set);
		return err;
	}
	*out = set;
	return 0;
}

void record_triggers_close(struct record_triggers *set)
{
	if (!set)
		return;
	lttng_notification_channel_destroy(set->channel);
	for (int i = 0; i < RULES; i++)
		trigger_undo(&set->trigger[i]);
	free(set);
}

void record_triggers_clean(void)
{
	struct lttng_triggers *list = NULL;
	unsigned count = 0;

	if (lttng_list_triggers(&list) != LTTNG_OK)
		return;
	lttng_triggers_get_count(list, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct lttng_trigger *t =
			lttng_triggers_get_at_index(list, i);
		const char *name = NULL;
		int pid;

		if (lttng_trigger_get_name(t, &name) || !name ||
		    sscanf(name, RECORD_SESSION_PREFIX "%d-", &pid) != 1)
			continue;
		if (kill(pid, 0) && errno == ESRCH)
			lttng_unregister_trigger(t);
	}
	lttng_triggers_destroy(list);
}

/* ---- and from it --------------------------------------------------------- */

/* One captured field: its number, and its text if it has one. */
struct field {
	int64_t number;
	const char *text;
};

static void field_read(const struct lttng_event_field_value *array, unsigned i,
		       struct field *field)
{
	const struct lttng_event_field_value *value = NULL;
	uint64_t n = 0;

	*field = (struct field){ 0, "" };
	if (lttng_event_field_value_array_get_element_at_index(array, i,
							       &value))
		return;
	if (!lttng_event_field_value_unsigned_int_get_value(value, &n))
		field->number = (int64_t)n;
	else if (lttng_event_field_value_signed_int_get_value(value,
							      &field->number))
		lttng_event_field_value_string_get_value(value, &field->text);
}

static void notice_tell(struct record_notice *notice, int which,
			const struct field *f)
{
	char *text = notice->text;
	size_t size = sizeof(notice->text);
	int n;

	notice->cause = rules[which].cause;
	notice->what = which == RULE_BEGIN ? NOTICE_BEGIN
		       : which == RULE_END ? NOTICE_END
					   : NOTICE_REQUEST;
	if (notice->what != NOTICE_REQUEST) {
		notice->pid = (int)f[0].number;
		snprintf(notice->program, sizeof(notice->program), "%s",
			 f[1].text);
		return;
	}
	n = snprintf(text, size,
		     "domain %" PRId64 " device %" PRId64 " queue %" PRId64
		     ": request #%" PRId64 " ",
		     f[0].number, f[1].number, f[2].number, f[3].number);
	if (which == RULE_REFUSED)
		snprintf(text + n, size - (size_t)n, "was refused, %s: %s",
			 f[4].text, f[5].text);
	else if (which == RULE_ERROR)
		snprintf(text + n, size - (size_t)n,
			 "was answered with %s after %.3f ms",
			 f[5].number == -2 ? "\"not supported\"" : "an error",
			 (double)f[4].number / 1e6);
	else
		snprintf(text + n, size - (size_t)n, "took %.3f ms",
			 (double)f[4].number / 1e6);
}

/* Another recorder's trigger on the same event is told to us, too. */
static bool is_ours(const char *name)
{
	char prefix[64];
	int len = snprintf(prefix, sizeof(prefix), RECORD_SESSION_PREFIX "%d-",
			   (int)getpid());

	return !strncmp(name, prefix, (size_t)len);
}

static bool notice_read(struct lttng_notification *notification,
			struct record_notice *notice)
{
	const struct lttng_evaluation *evaluation =
		lttng_notification_get_evaluation(notification);
	const struct lttng_trigger *trigger =
		lttng_notification_get_trigger(notification);
	const struct lttng_event_field_value *array = NULL;
	const char *name = NULL;
	struct field f[FIELDS];
	int which;

	if (!evaluation || !trigger || lttng_trigger_get_name(trigger, &name) ||
	    !name || !is_ours(name))
		return false;
	name = strrchr(name, '-');
	for (which = 0; which < RULES && strcmp(name + 1, rules[which].word);
	     which++)
		;
	if (which == RULES ||
	    lttng_evaluation_event_rule_matches_get_captured_values(evaluation,
								    &array))
		return false;
	for (unsigned i = 0; i < FIELDS; i++)
		field_read(array, i, &f[i]);
	notice_tell(notice, which, f);
	return true;
}

bool record_triggers_next(struct record_triggers *set,
			  struct record_notice *notice)
{
	struct lttng_notification *notification = NULL;
	bool pending = false, got = false;

	memset(notice, 0, sizeof(*notice));
	while (!got &&
	       !lttng_notification_channel_has_pending_notification(
		       set->channel, &pending) &&
	       pending) {
		int status = lttng_notification_channel_get_next_notification(
			set->channel, &notification);

		if (status ==
		    LTTNG_NOTIFICATION_CHANNEL_STATUS_NOTIFICATIONS_DROPPED)
			set->dropped = true;
		else if (status != LTTNG_NOTIFICATION_CHANNEL_STATUS_OK)
			break;
		else
			got = notice_read(notification, notice);
		lttng_notification_destroy(notification);
		notification = NULL;
	}
	return got;
}

/* What the traced processes could not hand over. */
static uint64_t trigger_lost(const struct lttng_trigger *trigger)
{
	struct lttng_error_query *query =
		lttng_error_query_condition_create(trigger);
	const struct lttng_error_query_result *result = NULL;
	struct lttng_error_query_results *results = NULL;
	uint64_t lost = 0, n;
	unsigned count = 0;

	if (query && lttng_error_query_execute(
			     query, lttng_session_daemon_command_endpoint,
			     &results) == LTTNG_OK)
		lttng_error_query_results_get_count(results, &count);
	for (unsigned i = 0; i < count; i++)
		if (!lttng_error_query_results_get_result(results, &result,
							  i) &&
		    !lttng_error_query_result_counter_get_value(result, &n))
			lost += n;
	lttng_error_query_results_destroy(results);
	lttng_error_query_destroy(query);
	return lost;
}

uint64_t record_triggers_lost(struct record_triggers *set, bool *exactly)
{
	uint64_t lost = 0;

	for (int i = 0; i < RULES; i++)
		if (set->trigger[i].registered && i < RULE_BEGIN)
			lost += trigger_lost(set->trigger[i].trigger);
	*exactly = !set->dropped;
	return lost;
}
