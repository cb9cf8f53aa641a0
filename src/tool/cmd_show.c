/* SPDX-License-Identifier: MIT */
/* ringside show: a view of a trace, as a picture, a table or a page. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "tool/commands.h"
#include "tool/show_read.h"
#include "viz/guard.h"
#include "viz/output.h"
#include "viz/read/live.h"
#include "viz/views/view.h"

struct show {
	const struct view *view;
	struct show_source source;
	const char *out;
	const char *format;
	struct view_options options;
};

enum {
	OPT_REQUEST = 0x100,
	OPT_SLOWEST,
	OPT_DEVICE,
	OPT_QUEUE,
	OPT_FIRST,
	OPT_FROM,
	OPT_TO,
	OPT_FOLLOW,
	OPT_GUEST,
};

static const struct argp_option option_list[] = {
	{ "output", 'o', "FILE", 0, "write to FILE (default: to stdout)", 0 },
	{ "format", 'f', "FORMAT", 0,
	  "svg, png, pdf, dot, mermaid, text, html or json (default: what "
	  "FILE's name ends in, else text)",
	  0 },
	{ "device", OPT_DEVICE, "DOMID/DEVID", 0,
	  "this device (default: the one with most requests)", 0 },
	{ "queue", OPT_QUEUE, "N", 0,
	  "this queue of it (default: the one with most requests)", 0 },
	{ "request", OPT_REQUEST, "SEQ", 0, "sequence, request: this request",
	  0 },
	{ "slowest", OPT_SLOWEST, "N", 0,
	  "request: the N slowest requests, at most 50", 0 },
	{ "from", OPT_FROM, "TIME", 0,
	  "sequence: what happened from this time on, as in 250us, 1.5ms, 2s "
	  "since the trace began",
	  0 },
	{ "to", OPT_TO, "TIME", 0, "sequence: what happened up to this time",
	  0 },
	{ "first", OPT_FIRST, "N", 0,
	  "sequence: at most N rows, from the beginning or from --from", 0 },
	{ "guest", OPT_GUEST, "GUESTTRACE", 0,
	  "show this trace, taken in the guest, as one with the other, taken "
	  "where its backend runs; its clock is moved to the other's",
	  0 },
	{ "follow", OPT_FOLLOW, NULL, 0,
	  "of a live session: show it anew each second, not just at its end",
	  0 },
	{ 0 },
};

static void take_view(struct argp_state *state, struct show *s, char *arg)
{
	const struct view *const *v;

	for (v = view_list; *v; v++)
		if (!strcmp((*v)->name, arg)) {
			s->view = *v;
			return;
		}
	argp_error(state, "there is no view \"%s\"; see --help", arg);
}

/* "1.5ms": a number and its unit; of a bare number µs are meant. */
static int time_parse(const char *arg, int64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e3 }, { "us", 1e3 }, { "µs", 1e3 },
		      { "ns", 1 }, { "ms", 1e6 }, { "s", 1e9 } };
	char *end;
	double v;
	size_t i;

	/* strtod() takes more than numbers: "inf", "0x1p3". */
	if (!*arg || strspn(arg, "0123456789.") == 0)
		return -EINVAL;
	v = strtod(arg, &end);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].unit)) {
			v *= units[i].ns;
			if (!(v >= 0 && v < 1e18))
				return -ERANGE;
			*ns = (int64_t)v;
			return 0;
		}
	return -EINVAL;
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct show *s = state->input;
	struct view_options *o = &s->options;
	uint64_t number;
	char *slash;

	switch (key) {
	case 'o':
		s->out = arg;
		return 0;
	case 'f':
		s->format = arg;
		return 0;
	case OPT_REQUEST:
		if (number_parse(arg, 1, UINT64_MAX, &o->request))
			argp_error(state,
				   "--request takes a request's "
				   "sequence number, not \"%s\"",
				   arg);
		o->request_given = true;
		return 0;
	case OPT_SLOWEST:
		if (number_parse(arg, 1, 50, &number))
			argp_error(state,
				   "--slowest takes a number from 1 to "
				   "50, not \"%s\"",
				   arg);
		o->slowest = (unsigned)number;
		return 0;
	case OPT_QUEUE:
		if (number_parse(arg, 0, UINT16_MAX - 1, &number))
			argp_error(state,
				   "--queue takes a queue's number, "
				   "not \"%s\"",
				   arg);
		o->queue = (uint16_t)number;
		o->queue_given = true;
		return 0;
	case OPT_FROM:
	case OPT_TO:
		if (time_parse(arg, key == OPT_FROM ? &o->from_ns : &o->to_ns))
			argp_error(state,
				   "--%s takes a time since the trace "
				   "began, as in 250us, 1.5ms or 2s, not "
				   "\"%s\"",
				   key == OPT_FROM ? "from" : "to", arg);
		*(key == OPT_FROM ? &o->from_given : &o->to_given) = true;
		return 0;
	case OPT_FIRST:
		if (number_parse(arg, 1, 5000, &number))
			argp_error(state,
				   "--first takes a number from 1 to 5000, not "
				   "\"%s\"",
				   arg);
		o->first = (unsigned)number;
		return 0;
	case OPT_FOLLOW:
		s->source.follow = true;
		return 0;
	case OPT_GUEST:
		if (s->source.guest)
			argp_error(state,
				   "one --guest at a time: \"%s\" is "
				   "too many",
				   arg);
		s->source.guest = arg;
		return 0;
	case OPT_DEVICE:
		slash = strchr(arg, '/');
		if (slash) {
			*slash = '\0';
			if (!number_parse(arg, 0, UINT16_MAX, &number)) {
				o->domid = (uint16_t)number;
				o->device_given = !number_parse(
					slash + 1, 0, UINT32_MAX, &number);
				o->devid = (uint32_t)number;
			}
			*slash = '/';
		}
		if (!o->device_given)
			argp_error(state,
				   "--device takes DOMID/DEVID such as "
				   "1/51712, not \"%s\"",
				   arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!s->view)
			take_view(state, s, arg);
		else if (!s->source.trace)
			s->source.trace = arg;
		else
			argp_error(state,
				   "one trace at a time: \"%s\" is too "
				   "many",
				   arg);
		return 0;
	case ARGP_KEY_END:
		if (o->from_given && o->to_given && o->from_ns > o->to_ns)
			argp_error(state, "--from is later than --to");
		if (!s->view)
			argp_error(state, "which view? see --help");
		if (!s->source.trace)
			argp_error(state, "which trace?");
		if (s->source.follow && !live_is_url(s->source.trace))
			argp_error(state, "--follow is for a live session, "
					  "net://HOST/host/HOSTNAME/SESSION");
		if (s->source.guest && (live_is_url(s->source.guest) ||
					live_is_url(s->source.trace)))
			argp_error(state,
				   "--guest is for traces in "
				   "directories, not for a live session");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *help_filter(int key, const char *text, void *input)
{
	char *out = NULL;
	size_t size;
	FILE *f;
	const struct view *const *v;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&out, &size);
	if (!f)
		return (char *)text;
	fprintf(f, "Views:\n");
	for (v = view_list; *v; v++) {
		unsigned i;

		fprintf(f, "  %-10s %s (", (*v)->name, (*v)->what);
		for (i = 0; i < VIEW_FORMATS; i++)
			if ((*v)->formats & 1u << i)
				fprintf(f, "%s%s",
					(*v)->formats & ((1u << i) - 1) ? ", "
									: "",
					view_format_name(i));
		fprintf(f, ")\n");
	}
	fprintf(f, "\nExit status: 0; 1 if the result cannot be made or "
		   "written; 2 for a usage error or a trace that cannot be "
		   "read; 3 if the trace holds nothing of the kind, or it "
		   "cannot be told how two clocks stand.\n");
	fclose(f);
	return out;
}

/* From --format, or from the output's name, or text. */
static int choose_format(struct show *s, struct why *why)
{
	const char *word = s->format, *dot;
	char list[96] = "";
	unsigned i;

	if (!word && s->out) {
		dot = strrchr(s->out, '.');
		word = dot && !strchr(dot, '/') ? dot + 1 : "";
		if (!strcmp(word, "txt"))
			word = "text";
		else if (!strcmp(word, "htm"))
			word = "html";
		else if (!strcmp(word, "mmd"))
			word = "mermaid";
	}
	for (i = 0; i < VIEW_FORMATS; i++) {
		if (!(s->view->formats & 1u << i))
			continue;
		/* Without a word: text, or the only format there is. */
		if (!word || !strcmp(word, view_format_name(i))) {
			s->options.format = i;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "%s%s", *list ? ", " : "", view_format_name(i));
	}
	if (!*word)
		return why_set(why, -EINVAL,
			       "the name %s tells no format: choose one of %s "
			       "with --format, or as its ending",
			       s->out, list);
	return why_set(why, -EINVAL,
		       "the view %s comes as %s, not as \"%s\": choose with "
		       "--format",
		       s->view->name, list, word);
}

static int show_run(struct show *s, struct why *why)
{
	struct trace_log log;
	struct model model = { 0 };
	struct text out = { 0 };
	struct show_follow follow = { s->view, &s->options, s->out, &log };
	int err = log_init(&log);

	if (err)
		return why_set(why, err, "no memory for a trace");
	s->options.title = s->source.trace;
	err = show_read(&s->source, &follow, &log, why);
	if (err)
		goto out;
	err = model_build(&model, &log);
	if (err) {
		why_set(why, err, "no memory for the model of %s",
			s->source.trace);
		goto out;
	}
	show_warn(&model);
	guard_beat();
	signal(SIGPIPE, SIG_IGN);
	err = s->view->show(&model, &s->options, &out, why);
	if (!err)
		err = output_write(s->out, &out, why);
out:
	text_free(&out);
	model_free(&model);
	log_free(&log);
	return err;
}

int cmd_show(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_list,
		.parser = option_parse,
		.args_doc = "VIEW TRACE\nVIEW --guest GUESTTRACE TRACE\nVIEW "
			    "net://HOST/host/HOSTNAME/SESSION",
		.doc = "Make a picture, a table or a page of a trace.\vViews",
		.help_filter = help_filter,
	};
	struct show s = { 0 };
	struct why why = { "" };
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	err = choose_format(&s, &why);
	if (!err && s.source.follow && !s.out && s.options.format != VIEW_TEXT)
		err = why_set(&why, -EINVAL,
			      "--follow writes text, or a FILE anew each "
			      "second: name it with -o");
	if (!err && !guard_is_worker())
		return guard_watch(argc, argv);
	if (!err) {
		guard_join();
		err = show_run(&s, &why);
	}
	if (!err)
		return 0;
	fprintf(stderr, "ringside show: %s\n", why.text);
	/* 3: nothing of the kind; 1: it could not be made or written. */
	switch (err) {
	case -ENOENT:
		return 3;
	case -EINVAL:
		return 2;
	default:
		return 1;
	}
}
