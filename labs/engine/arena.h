/* SPDX-License-Identifier: MIT */
/*
 * Memory that lives as long as what it is part of: a file that was parsed, a
 * grade.  One call frees all of it.  A grader without memory cannot grade, so
 * none of these fails: the process says so and ends with 3, "cannot tell".
 */
#ifndef LABS_ENGINE_ARENA_H
#define LABS_ENGINE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *last; /* NULL: empty; zeroed is a good beginning */
};

/* Zeroed, aligned for anything; lives until arena_free(). */
void *arena_alloc(struct arena *a, size_t bytes);
char *arena_text(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

/*
 * One more element for an array of `n`, which may move: returns the array.
 * For short lists only, since what it leaves is freed with the arena.
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t bytes);

/* The words of a line, "#" begins a comment, "..." holds blanks together. */
#define WORDS_MAX 64u

struct words {
	char *word[WORDS_MAX + 1]; /* ends with NULL */
	unsigned count;
};

/* 0, -EINVAL: a quote has no end, -E2BIG: more than WORDS_MAX. */
int words_split(struct arena *a, const char *line, struct words *out);

#endif
