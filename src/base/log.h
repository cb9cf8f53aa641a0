/* SPDX-License-Identifier: MIT */
/*
 * Log lines for an operator: rare, whole sentences, to stderr (the journal
 * under systemd).  What happens per request is a trace event, never a line
 * here.  Thread-safe: a line is written with one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* `program` is borrowed for the life of the process. */
void log_open(const char *program, enum log_level level);

void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * A source of lines that a guest can provoke: at most `burst` lines in each
 * ten seconds; the rest are counted and told with the next line that passes.
 * Zero-initialised, one per device or queue; not shared between threads.
 */
struct log_limit {
	unsigned burst;	    /* lines in ten seconds; 0: LOG_LIMIT_BURST */
	uint64_t window_ns; /* start of the current window */
	unsigned passed;
	unsigned held;
};

#define LOG_LIMIT_BURST 5

/* True if a line may be written now; logs the count held back before. */
int log_limit_pass(struct log_limit *limit);

#endif
