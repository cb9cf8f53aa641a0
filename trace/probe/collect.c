/* SPDX-License-Identifier: MIT */
#include "trace/probe/collect.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "trace/ctf/writer.h"
#include "trace/probe/decode.h"
#include "trace/probe/reader.h"
#include "trace/record/proc.h"

#define LOOK_NS 1000000000u /* for new programs, and for ended ones */
#define LATE_NS                                                                \
	10000000000u /* what an ended one said has been read by then           \
		      */

struct thread {
	int tid;
	uint64_t seq; /* of its last event */
	struct ctf_stream *stream;
};

struct process {
	int pid;
	uint64_t ended_ns; /* 0: it ran when it was last looked for */
	struct ctf_writer *writer;
	struct thread *thread;
	size_t threads;
};

struct probe_collect {
	struct probe_options opt;
	char dir[PATH_MAX];
	struct probe_reader *reader;
	struct probe_files files;
	unsigned attached; /* of the files */
	struct process *process;
	size_t processes;
	uint64_t start_ns, look_ns, lost;
	bool behind;	/* there was more to read than was read */
	struct why why; /* of an event that could not be written */
};

/* ---- processes and threads ------------------------------------------------
 */

/* As ps(1) calls it, else as it called itself; fit for a file's name. */
static void process_name(int pid, const struct ctf_event *event, char name[32])
{
	char path[64];
	FILE *f;

	*name = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(name, 32, f))
		name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
	if (!*name && event && event->kind == EV_KIND_program_start)
		snprintf(name, 32, "%.31s", event->value[0].text);
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			*c = '_';
	if (!*name || *name == '.')
		snprintf(name, 32, "process");
}

/* The process, new or not.  event may be NULL. */
static struct process *process_get(struct probe_collect *c, int pid,
				   const struct ctf_event *event)
{
	char dir[PATH_MAX + 128], name[32], date[32] = "";
	struct ctf_about about = { dir, name, pid, c->start_ns };
	struct process *more;
	time_t now = time(NULL);
	struct tm tm;

	for (size_t i = 0; i < c->processes; i++)
		if (c->process[i].pid == pid)
			return &c->process[i];
	more = reallocarray(c->process, c->processes + 1, sizeof(*more));
	if (!more) {
		why_set(&c->why, -ENOMEM, "no memory");
		return NULL;
	}
	c->process = more;
	process_name(pid, event, name);
	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	snprintf(dir, sizeof(dir), "%s/usdt/pid/%s-%d-%s", c->dir, name, pid,
		 date);
	more += c->processes;
	memset(more, 0, sizeof(*more));
	more->pid = pid;
	if (ctf_writer_open(&more->writer, &about, &c->why))
		return NULL;
	c->processes++;
	return more;
}

static struct thread *thread_get(struct probe_collect *c, struct process *p,
				 int tid)
{
	struct thread *more;

	for (size_t i = 0; i < p->threads; i++)
		if (p->thread[i].tid == tid)
			return &p->thread[i];
	more = reallocarray(p->thread, p->threads + 1, sizeof(*more));
	if (more) {
		p->thread = more;
		more += p->threads;
		*more = (struct thread){ .tid = tid };
		more->stream = ctf_writer_stream(p->writer, tid);
	}
	if (!more || !more->stream) {
		why_set(&c->why, -ENOMEM, "no memory");
		return NULL;
	}
	p->threads++;
	return more;
}

/* The thread has emitted up to, but not, `seq`: what is not here is lost. */
static int thread_missing(struct probe_collect *c, struct thread *t,
			  uint64_t seq)
{
	uint64_t missing;

	if (seq <= t->seq + 1)
		return 0;
	missing = seq - t->seq - 1;
	c->lost += missing;
	return ctf_stream_lost(t->stream, missing, &c->why);
}

/* What is left of it is written; its place is taken by the last one. */
static int process_end(struct probe_collect *c, struct process *p)
{
	int err = 0, rc;

	for (size_t i = 0; !err && i < p->threads; i++)
		err = thread_missing(c, &p->thread[i],
				     probe_reader_forget(c->reader, p->pid,
							 p->thread[i].tid) +
					     1);
	rc = ctf_writer_close(p->writer, clock_now_ns(), &c->why);
	free(p->thread);
	*p = c->process[--c->processes];
	return err ? err : rc;
}

static int on_event(const struct probe_event *from, const uint8_t *data,
		    void *user)
{
	struct probe_collect *c = user;
	struct ctf_event event;
	struct process *p;
	struct thread *t;

	/* Of another version's program; then it is one that is missing. */
	if (probe_decode(from, data, &event))
		return 0;
	p = process_get(c, (int)from->pid, &event);
	t = p ? thread_get(c, p, (int)from->tid) : NULL;
	if (!t || thread_missing(c, t, from->seq))
		return -EIO;
	t->seq = from->seq;
	return ctf_stream_event(t->stream, &event, &c->why) ? -EIO : 0;
}

/* 0, or 1 where there is more. */
static int events_read(struct probe_collect *c, int ms, struct why *why)
{
	int rc = probe_reader_poll(c->reader, ms);

	c->behind = rc > 0;
	if (rc >= 0)
		return rc;
	if (*c->why.text)
		*why = c->why;
	else
		why_set(why, rc, "the ring buffer cannot be read: %s",
			strerror(-rc));
	return -EIO;
}

/* ---- programs -------------------------------------------------------------
 */

/* -EINTR: it was told to stop. */
static int file_attach(struct probe_collect *c, const struct probe_file *file,
		       struct why *why)
{
	int err = 0;

	for (int kind = 0; !err && kind < EV_KIND_COUNT; kind++) {
		if (!file->kinds.has[kind] ||
		    ev_descs[kind].level > c->opt.level)
			continue;
		if (*c->opt.stop)
			return -EINTR;
		err = probe_reader_attach(c->reader, file, c->opt.pid,
					  (enum ev_kind)kind, why);
		/* Others have begun to record. */
		if (!err && events_read(c, 0, why) < 0)
			err = -EIO;
	}
	return err;
}

/* Sets probes in what has been found and has none of ours yet. */
static int attach(struct probe_collect *c, struct why *why)
{
	for (; c->attached < c->files.count; c->attached++) {
		struct probe_file *file = c->files.file[c->attached];
		int err = file_attach(c, file, why);

		if (err == -ENOENT) {
			/* It has ended; who else runs it is to be found. */
			file->dev = 0;
			file->ino = 0;
			continue;
		}
		if (err)
			return err == -EINTR ? 0 : err;
		c->opt.seen(file, c->opt.level);
	}
	return 0;
}

static bool has_probes(const struct probe_files *files)
{
	for (unsigned i = 0; i < files->count; i++)
		if (files->file[i]->kinds.count)
			return true;
	/* All may have ended since they were counted. */
	return !files->count;
}

static int find(struct probe_collect *c, bool command, struct why *why)
{
	int err = probe_files_running(&c->files, c->opt.pid);

	/* No other will ever be looked at. */
	command = command && !c->opt.pid;
	if (!err && !command && !c->files.running && c->files.closed)
		return why_set(why, -EPERM,
			       "process %d cannot be looked into; run it as "
			       "root",
			       c->files.closed);
	if (!err && c->opt.pid && !c->files.running)
		return why_set(why, -ESRCH,
			       "process %d is no ringsided and no frontend",
			       c->opt.pid);
	if (!err && !command && !c->files.running)
		return why_set(why, -ESRCH,
			       "no ringsided and no frontend runs; start one "
			       "first, or name a command that does");
	if (!err && !command && !has_probes(&c->files))
		return why_set(why, -ENXIO,
			       "%s (process %d) has no probes of Ringside; "
			       "run one that was built from these sources",
			       c->files.file[0]->name, c->files.file[0]->pid);
	if (!err && !c->opt.pid)
		err = probe_files_ours(&c->files);
	return err ? why_set(why, err, "no programs can be looked for: %s",
			     strerror(-err))
		   : 0;
}

int probe_collect_start(struct probe_collect **collect,
			const struct probe_options *opt, bool command,
			struct why *why)
{
	struct probe_collect *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return why_set(why, -ENOMEM, "no memory");
	c->opt = *opt;
	snprintf(c->dir, sizeof(c->dir), "%s", opt->dir);
	c->look_ns = clock_now_ns();
	err = probe_reader_open(&c->reader, opt->ring_bytes, on_event, c, why);
	if (!err)
		err = find(c, command, why);
	if (!err)
		err = attach(c, why);
	c->start_ns = clock_now_ns();
	if (!err)
		err = probe_reader_begin(c->reader, why);
	if (!err) {
		*collect = c;
		return 0;
	}
	probe_reader_close(c->reader);
	probe_files_free(&c->files);
	free(c);
	return err;
}

/* Long after it has ended nothing of a process is in the ring buffer. */
static int ended_look(struct probe_collect *c, uint64_t now)
{
	for (size_t i = 0; i < c->processes; i++) {
		struct process *p = &c->process[i];

		if (!p->ended_ns)
			p->ended_ns = record_proc_runs(p->pid) ? 0 : now;
		else if (now - p->ended_ns > LATE_NS && !c->behind &&
			 process_end(c, p))
			return -EIO;
	}
	return 0;
}

static int look(struct probe_collect *c, struct why *why)
{
	uint64_t now = clock_now_ns();
	int err;

	if (now - c->look_ns < LOOK_NS)
		return 0;
	c->look_ns = now;
	if (ended_look(c, now)) {
		*why = c->why;
		return -EIO;
	}
	err = c->opt.pid ? 0 : probe_files_running(&c->files, 0);
	return err ? 0 : attach(c, why);
}

int probe_collect_turn(struct probe_collect *c, int ms, struct why *why)
{
	int err = events_read(c, ms, why);

	return err < 0 ? err : look(c, why);
}

/* One whose every event was lost, perhaps. */
static void thread_left(int pid, int tid, uint64_t emitted, void *user)
{
	struct probe_collect *c = user;
	struct process *p = process_get(c, pid, NULL);
	struct thread *t = p ? thread_get(c, p, tid) : NULL;

	if (t && !t->seq && !thread_missing(c, t, emitted + 1))
		t->seq = emitted;
}

int probe_collect_stop(struct probe_collect *c, uint64_t *lost, struct why *why)
{
	int err;

	*lost = 0;
	if (!c)
		return 0;
	probe_reader_detach(c->reader);
	/* After an error the rest is lost, and that was told. */
	err = *c->why.text ? -EIO : 1;
	while (err > 0)
		err = events_read(c, 0, &c->why);
	if (!err)
		probe_reader_threads(c->reader, thread_left, c);
	while (c->processes) {
		int rc = process_end(c, &c->process[c->processes - 1]);

		err = err ? err : rc;
	}
	*lost = c->lost + probe_reader_uncounted(c->reader);
	if (err)
		*why = c->why;
	free(c->process);
	probe_reader_close(c->reader);
	probe_files_free(&c->files);
	free(c);
	return err;
}
