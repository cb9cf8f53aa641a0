/* SPDX-License-Identifier: MIT */
#include "labs/engine/site.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "labs/engine/child.h"
#include "labs/engine/recorder.h"
#include "trace/record/dir.h"

#define RECORD_SECONDS 60
#define DESK_SECONDS   30
#define STOP_MS	       10000
#define ABORT_MS       2000

/* What a traced program emits before LTTng knows it would be lost. */
static char register_long[] = "LTTNG_UST_REGISTER_TIMEOUT=60000";
static char *const traced[] = { register_long, NULL };

static int log_open_in(struct site *s, const char *name)
{
	return open(arena_printf(s->arena, "%s/%s", s->scratch, name),
		    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

/* The last line that a program said. */
static const char *last_words(struct site *s, const char *name)
{
	struct text said = { 0 };
	const char *at, *words = "it said nothing";
	char *end;

	child_file_read(arena_printf(s->arena, "%s/%s", s->scratch, name),
			&said);
	if (said.len) {
		end = said.data + said.len;
		while (end > said.data && end[-1] == '\n')
			*--end = '\0';
		at = strrchr(said.data, '\n');
		words = arena_text(s->arena, at ? at + 1 : said.data);
	}
	text_free(&said);
	return words;
}

/* ---- the recording ------------------------------------------------------- */

int site_record_begin(struct site *s, enum ev_level level, struct why *why)
{
	char *argv[] = { (char *)"recorder", NULL,
			 (char *)(uintptr_t)ev_level_name(level), NULL };
	struct child c = CHILD_INIT;
	int out[2], err;

	s->record_out = -1;
	s->trace = arena_printf(s->arena, "%s/trace", s->scratch);
	s->desk = arena_printf(s->arena, "%s/desk", s->scratch);
	argv[1] = (char *)(uintptr_t)s->trace;
	if (pipe2(out, O_CLOEXEC))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	c.argv = argv;
	c.program = recorder_run;
	c.out = out[1];
	c.err = log_open_in(s, "record.log");
	c.death_signal = SIGTERM; /* it has a session to destroy */
	err = child_start(&c, &s->record, why);
	close(out[1]);
	close(c.err);
	s->record_out = out[0];
	return err;
}

/* Until the recorder says so; false if it ends before, or takes too long. */
static bool record_told(struct site *s, char what)
{
	struct pollfd told = { .fd = s->record_out, .events = POLLIN };
	char said = 0;

	while (poll(&told, 1, RECORD_SECONDS * 1000) < 0 && errno == EINTR)
		;
	return told.revents && read(s->record_out, &said, 1) == 1 &&
	       said == what;
}

int site_record_wait(struct site *s, struct why *why)
{
	if (record_told(s, RECORDER_BEGUN))
		return 0;
	return why_set(why, -EIO, "nothing can be recorded: %s",
		       last_words(s, "record.log"));
}

void site_record_close(struct site *s)
{
	int status;

	if (s->record &&
	    !child_ended(s->record, RECORD_SECONDS * 1000, &status))
		child_end(s->record, SIGKILL, 0);
	s->record = 0;
}

bool site_floods(const struct site *s)
{
	return record_dir_bytes(s->scratch) > SITE_BYTES;
}

/* ---- the desk ------------------------------------------------------------ */

int site_desk_start(struct site *s, struct why *why)
{
	char *argv[] = { s->lab->root->ringside,
			 (char *)"desk",
			 (char *)"start",
			 (char *)"--foreground",
			 (char *)"--ready-fd",
			 (char *)"3",
			 (char *)(uintptr_t)s->desk,
			 NULL };
	struct child c = CHILD_INIT;
	struct pollfd ready = { .events = POLLIN };
	char said[sizeof(struct why)] = "";
	int pipes[2], err;

	if (pipe2(pipes, O_CLOEXEC))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	c.argv = argv;
	c.program = s->tool;
	c.keep[0] = pipes[1];
	c.err = log_open_in(s, "desk.log");
	err = child_start(&c, &s->desk_pid, why);
	close(pipes[1]);
	close(c.err);
	ready.fd = pipes[0];
	if (!err && (poll(&ready, 1, DESK_SECONDS * 1000) <= 0 ||
		     read(pipes[0], said, sizeof(said) - 1) <= 0 || *said))
		err = why_set(why, -EIO, "no desk can be started: %s",
			      *said ? said : last_words(s, "desk.log"));
	close(pipes[0]);
	return err;
}

/* ---- ringsided ----------------------------------------------------------- */

static char **daemon_argv(struct site *s, const struct words *options)
{
	char **w = arena_alloc(
		s->arena, sizeof(*w) * (16 + (options ? options->count : 0)));
	unsigned n = 0, i;

	w[n++] = s->lab->root->ringside;
	w[n++] = arena_text(s->arena, "lab");
	w[n++] = arena_text(s->arena, "confined");
	w[n++] = arena_text(s->arena, "--program");
	w[n++] = arena_text(s->arena, s->build->program);
	w[n++] = arena_text(s->arena, "--memory");
	w[n++] = arena_printf(s->arena, "%llu",
			      (unsigned long long)s->lab->limit.memory_bytes);
	w[n++] = arena_text(s->arena, "--hide");
	w[n++] = s->lab->root->labs;
	if (s->trust)
		w[n++] = arena_text(s->arena, "--trust");
	w[n++] = arena_text(s->arena, "--");
	if (options) {
		w[n++] = arena_text(s->arena, "--host");
		w[n++] = arena_printf(s->arena, "desk:%s", s->desk);
		for (i = 0; i < options->count; i++)
			w[n++] = options->word[i];
	}
	return w;
}

static bool log_has(const char *path, const char *words)
{
	struct text said = { 0 };
	bool has;

	child_file_read(path, &said);
	has = strstr(text_str(&said), words);
	text_free(&said);
	return has;
}

static void not_ready(struct site *s)
{
	if (site_floods(s))
		site_daemon_kill(s, SITE_FLOODS);
	else
		site_daemon_hung(s, arena_printf(s->arena,
						 "it was stopped: it was not "
						 "ready within %u s",
						 s->lab->limit.seconds));
}

int site_daemon_start(struct site *s, const struct words *options,
		      struct why *why)
{
	uint64_t until = clock_now_ns() + s->lab->limit.seconds * 1000000000ull;
	struct child c = CHILD_INIT;
	char *name = arena_printf(s->arena, "ringsided-%u.log", s->daemons++);
	int err;

	s->ended = NULL;
	s->log = arena_printf(s->arena, "%s/%s", s->scratch, name);
	c.argv = daemon_argv(s, options);
	c.program = s->tool;
	c.env = traced;
	c.err = log_open_in(s, name);
	err = child_start(&c, &s->daemon, why);
	close(c.err);
	while (!err && !log_has(s->log, "ringsided: ready")) {
		if (!site_daemon_lives(s))
			return -ECHILD;
		if (clock_now_ns() > until || site_floods(s)) {
			not_ready(s);
			return -ECHILD;
		}
		usleep(2000);
	}
	return err;
}

bool site_daemon_lives(struct site *s)
{
	int status;

	if (!s->daemon)
		return false;
	if (!child_ended(s->daemon, 0, &status))
		return true;
	s->daemon = 0;
	s->ended = site_end_words(s, status, s->log, 0);
	return false;
}

void site_daemon_kill(struct site *s, const char *ended)
{
	if (s->daemon)
		child_end(s->daemon, SIGKILL, 0);
	s->daemon = 0;
	s->ended = ended;
}

void site_daemon_hung(struct site *s, const char *ended)
{
	if (s->daemon)
		child_end(s->daemon, SIGABRT, ABORT_MS);
	s->daemon = 0;
	s->ended = arena_printf(s->arena, "%s%s", ended,
				site_hang_place(s, s->log, 0));
}

void site_daemon_stop(struct site *s)
{
	int status;

	if (!site_daemon_lives(s))
		return;
	kill(s->daemon, SIGTERM);
	if (!child_ended(s->daemon, STOP_MS, &status)) {
		site_daemon_hung(s, arena_printf(s->arena,
						 "it did not end within %d s "
						 "when it was asked to",
						 STOP_MS / 1000));
		return;
	}
	s->daemon = 0;
	if (status)
		s->ended = site_end_words(s, status, s->log, 0);
}

int site_end(struct site *s, bool whole, struct why *why)
{
	int err = 0;

	site_daemon_stop(s);
	if (s->desk_pid)
		child_end(s->desk_pid, SIGTERM, STOP_MS);
	s->desk_pid = 0;
	if (s->record)
		kill(s->record, SIGTERM);
	/* A trace that is not whole costs nobody points. */
	if (s->record_out >= 0 && whole && !record_told(s, RECORDER_COMPLETE))
		err = why_set(why, -EIO, "the trace did not become whole: %s",
			      last_words(s, "record.log"));
	if (s->record_out >= 0)
		close(s->record_out);
	s->record_out = -1;
	return err;
}

/* In single quotes, for any shell. */
static void quoted(FILE *f, const char *text)
{
	fputs(" '", f);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", f);
		else
			fputc(*text, f);
	fputc('\'', f);
}

int site_script_write(struct site *s, const char *path, struct why *why)
{
	char **w = daemon_argv(s, NULL);
	FILE *f = fopen(path, "we");

	if (!f)
		return why_set(why, -errno, "%s cannot be written: %s", path,
			       strerror(errno));
	/* LTTng takes its time for who asks; only the program itself emits. */
	fputs("#!/bin/sh\nLTTNG_UST_REGISTER_TIMEOUT=0 exec", f);
	for (; *w; w++)
		quoted(f, *w);
	fputs(" \"$@\"\n", f);
	fchmod(fileno(f), 0755);
	if (fclose(f))
		return why_set(why, -EIO, "%s cannot be written", path);
	return 0;
}

/* ---- words for an end ---------------------------------------------------- */

static const char *crash_place(struct site *s, const char *log, unsigned nth)
{
	static const char mark[] = "ringside-crash: ";
	struct text said = { 0 };
	const char *place = NULL;
	char *at, *addresses;

	child_file_read(log, &said);
	for (at = said.data; at && (at = strstr(at, mark)); nth--) {
		at += sizeof(mark) - 1;
		if (nth)
			continue;
		/* First comes the signal's number. */
		addresses = arena_printf(s->arena, "%.*s",
					 (int)strcspn(at, "\n"), at);
		addresses += strcspn(addresses, " ");
		place = build_place(s->arena, s->lab, s->build, addresses,
				    s->trust);
		break;
	}
	text_free(&said);
	return place;
}

const char *site_hang_place(struct site *s, const char *log, unsigned nth)
{
	const char *place = crash_place(s, log, nth);

	/* In our files it waits; that is no place to look at. */
	return place && !strstr(place, BUILD_OURS)
		       ? arena_printf(s->arena, ", in %s", place)
		       : "";
}

const char *site_end_words(struct site *s, int status, const char *log,
			   unsigned nth)
{
	const char *place, *name;
	int sig;

	if (WIFEXITED(status))
		return arena_printf(s->arena,
				    "it ended by itself, with exit code %d",
				    WEXITSTATUS(status));
	sig = WTERMSIG(status);
	if (sig == SIGSYS)
		return "it was stopped: it tried to start another process, "
		       "which a lab's program may not";
	name = sigabbrev_np(sig);
	if (!name)
		return arena_printf(s->arena, "it ended with signal %d", sig);
	place = crash_place(s, log, nth);
	if (sig == SIGXFSZ)
		return "it ended with SIGXFSZ, a file larger than it may write";
	return arena_printf(s->arena, "it ended with SIG%s%s%s", name,
			    place ? " in " : "", place ? place : "");
}
