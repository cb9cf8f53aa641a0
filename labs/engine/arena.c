/* SPDX-License-Identifier: MIT */
#include "labs/engine/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *before;
	max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_block *b = calloc(1, sizeof(*b) + bytes);

	if (!b) {
		fputs("ringside lab: out of memory\n", stderr);
		exit(3);
	}
	b->before = a->last;
	a->last = b;
	return b->data;
}

char *arena_text(struct arena *a, const char *text)
{
	size_t len = strlen(text);
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, text, len);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = arena_alloc(a, (size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

void arena_free(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->last)) {
		a->last = b->before;
		free(b);
	}
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t bytes)
{
	void *more;

	/* Room doubles: at 0, 1, 2, 4 ... it is used up. */
	if (n & (n - 1))
		return array;
	more = arena_alloc(a, (n ? 2 * n : 1) * bytes);
	if (n)
		memcpy(more, array, n * bytes);
	return more;
}

int words_split(struct arena *a, const char *line, struct words *out)
{
	char *to = arena_alloc(a, 2 * strlen(line) + 2);
	const char *p = line;

	out->count = 0;
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (!*p || *p == '#')
			break;
		if (out->count == WORDS_MAX)
			return -E2BIG;
		out->word[out->count++] = to;
		while (*p && !strchr(" \t\r\n", *p)) {
			if (*p != '"') {
				*to++ = *p++;
				continue;
			}
			for (p++; *p != '"'; *to++ = *p++)
				if (!*p)
					return -EINVAL;
			p++;
		}
		*to++ = '\0';
	}
	out->word[out->count] = NULL;
	return 0;
}
