/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const char *log_program = "ringside";
static enum log_level log_max = LOG_LEVEL_INFO;

void log_open(const char *program, enum log_level level)
{
	log_program = program;
	log_max = level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const word[] = { "error: ", "warning: ", "", "" };
	char line[1024];
	size_t room = sizeof(line) - 1; /* the newline */
	va_list ap;
	int n, m;

	if (level > log_max)
		return;
	n = snprintf(line, room, "%s: %s", log_program, word[level]);
	va_start(ap, fmt);
	m = vsnprintf(line + n, room - (size_t)n, fmt, ap);
	va_end(ap);
	n = m < 0 ? n : n + m;
	if ((size_t)n > room - 1)
		n = (int)room - 1;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to complain */
}

int log_limit_pass(struct log_limit *limit)
{
	uint64_t now = clock_now_ns();

	if (!limit->window_ns || now - limit->window_ns > 10000000000u) {
		limit->window_ns = now;
		limit->passed = 0;
		if (limit->held)
			log_warn("%u further lines of this kind were held back",
				 limit->held);
		limit->held = 0;
	}
	if (limit->passed >= (limit->burst ? limit->burst : LOG_LIMIT_BURST)) {
		limit->held++;
		return 0;
	}
	limit->passed++;
	return 1;
}
