/* SPDX-License-Identifier: MIT */
#include "labs/engine/record.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>

#include "labs/engine/file.h"

#define READY_MS 10000u

#define WORD(text) ((char *)(uintptr_t)(text))

/* What it is recorded with; all in one scratch directory. */
struct set {
	const struct lab *lab;
	char *dir;
	char *program, *desk, *log, *words; /* in it */
	pid_t daemon;			    /* 0: not running */
};

/* ---- random numbers
 * ---------------------------------------------------------- */

static unsigned number_from(unsigned a, unsigned b)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint32_t)time(NULL);
	return a + r % (b - a + 1);
}

char *lab_random_fill(const char *text)
{
	static const char mark[] = "@RANDOM(";
	const char *hit;
	unsigned a, b;
	char *out = NULL;
	size_t len;
	FILE *to = open_memstream(&out, &len);
	int used, bad = !to;

	for (; !bad && (hit = strstr(text, mark)); text = hit + used) {
		used = 0;
		bad = sscanf(hit, "@RANDOM(%6u,%6u)@%n", &a, &b, &used) != 2 ||
		      !used || a > b;
		if (!bad)
			fprintf(to, "%.*s%u", (int)(hit - text), text,
				number_from(a, b));
	}
	if (to && !bad)
		fputs(text, to);
	if (to && fclose(to))
		bad = 1;
	if (bad) {
		free(out);
		return NULL;
	}
	return out;
}

/* ---- desk, ringsided, disk
 * ------------------------------------------------------ */

/* Run it; what fails is told by the first line that it said. */
static int run(struct set *s, const char *what, char *const argv[],
	       struct why *why)
{
	struct why said;
	int code;

	remove(s->words);
	code = file_run(argv, s->dir, NULL, s->words);
	if (!code)
		return 0;
	file_first_line(s->words, &said);
	return why_set(why, -EIO,
		       "%s failed: %.400s; \"ringside lab doctor\" "
		       "may tell why",
		       what, said.text[0] ? said.text : "nothing was said");
}

static int link_ringsided(struct set *s, struct why *why)
{
	char **flags, **argv;
	unsigned n;
	int err;

	err = lab_root_link_flags(s->lab->root, &flags, why);
	if (err)
		return err;
	for (n = 0; flags[n]; n++)
		;
	argv = calloc(n + 5, sizeof(*argv));
	if (argv) {
		argv[0] = WORD("gcc");
		argv[1] = s->lab->object;
		argv[2] = WORD("-o");
		argv[3] = s->program;
		memcpy(argv + 4, flags, n * sizeof(*flags));
		err = run(s, "linking ringsided", argv, why);
	} else {
		err = why_set(why, -ENOMEM, "no memory");
	}
	free(argv);
	free(flags);
	return err;
}

static bool is_ready(const struct set *s)
{
	char *text;
	bool is;

	if (file_read(s->log, &text, NULL))
		return false;
	is = strstr(text, ": ready") != NULL;
	free(text);
	return is;
}

static int daemon_start(struct set *s, struct why *why)
{
	const struct timespec nap = { 0, 10000000 };
	char *host = file_text("desk:%s", s->desk);
	char *argv[] = { s->program, WORD("--host"), host, NULL };
	struct why said;
	unsigned ms;

	if (!host || file_spawn(argv, s->dir, NULL, s->log, &s->daemon)) {
		free(host);
		s->daemon = 0;
		return why_set(why, -EIO, "ringsided cannot be started");
	}
	free(host);
	for (ms = 0; ms < READY_MS && !is_ready(s); ms += 10) {
		if (waitpid(s->daemon, NULL, WNOHANG) == s->daemon) {
			s->daemon = 0;
			break;
		}
		nanosleep(&nap, NULL);
	}
	if (s->daemon && is_ready(s))
		return 0;
	file_first_line(s->log, &said);
	return why_set(why, -EIO, "ringsided did not start: %.400s", said.text);
}

static int stage_begin(struct set *s, struct why *why)
{
	char *self = s->lab->root->ringside;
	char *desk[] = { self, WORD("desk"), WORD("start"), s->desk, NULL };
	char *disk[] = { self,
			 WORD("attach"),
			 s->desk,
			 WORD("--target"),
			 WORD("mem:64M"),
			 NULL };
	int err;

	err = link_ringsided(s, why);
	if (!err)
		err = run(s, "the desk", desk, why);
	if (!err)
		err = daemon_start(s, why);
	if (!err)
		err = run(s, "attaching a disk", disk, why);
	return err;
}

static void stage_end(struct set *s)
{
	char *desk[] = { s->lab->root->ringside, WORD("desk"), WORD("stop"),
			 s->desk, NULL };

	if (s->daemon) {
		kill(s->daemon, SIGTERM);
		while (waitpid(s->daemon, NULL, 0) < 0 && errno == EINTR)
			;
	}
	file_run(desk, s->dir, NULL, NULL);
}

/* ---- the recording
 * ---------------------------------------------------------------- */

static int record(struct set *s, char *words, const char *to, struct why *why)
{
	char *self = s->lab->root->ringside, *word;
	char *argv[LAB_TRACE_WORDS + 10] = { self,	    WORD("record"),
					     WORD("-o"),    WORD(to),
					     WORD("--"),    self,
					     WORD("front"), s->desk };
	unsigned n = 8;

	strsep(&words, " "); /* "front" */
	while ((word = strsep(&words, " "))) {
		if (!*word)
			continue;
		if (n == LAB_TRACE_WORDS + 8)
			return why_set(why, -EINVAL,
				       "[trace] run of lab %s has more than %u "
				       "words",
				       s->lab->id, LAB_TRACE_WORDS);
		argv[n++] = word;
	}
	return run(s, "recording", argv, why);
}

int lab_trace_record(const struct lab *lab, const char *to, struct why *why)
{
	struct set s = { .lab = lab };
	char *words = lab_random_fill(lab->trace_run);
	int err;

	if (!words)
		return why_set(why, -EINVAL,
			       "[trace] run of lab %s: a random number is "
			       "written @RANDOM(2,9)@",
			       lab->id);
	err = file_scratch("trace", &s.dir, why);
	if (err) {
		free(words);
		return err;
	}
	s.program = file_text("%s/ringsided", s.dir);
	s.desk = file_text("%s/desk", s.dir);
	s.log = file_text("%s/ringsided.log", s.dir);
	s.words = file_text("%s/words", s.dir);
	if (s.program && s.desk && s.log && s.words) {
		err = stage_begin(&s, why);
		if (!err)
			err = record(&s, words, to, why);
		stage_end(&s);
	} else {
		err = why_set(why, -ENOMEM, "no memory");
	}
	file_tree_remove(s.dir);
	free(s.program);
	free(s.desk);
	free(s.log);
	free(s.words);
	free(s.dir);
	free(words);
	return err;
}
